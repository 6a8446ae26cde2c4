"""Airflow's REST API, as the platform needs it: is everything alive, and is there a pool for the GPU."""

import http.client
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from evol_core.errors import PlatformError
from evol_core.platform.airflow_environment import HOST, USER, admin_password, url_of

GPU_POOL = "gpu"
POOL = {
    "name": GPU_POOL,
    "slots": 1,
    "include_deferred": True,
    "description": "Jobs that need the accelerator. A deferred task keeps its slot: its job goes on.",
}

TIMEOUT_S = 30
"""The first task that runs keeps the one API process busy for seconds, and longer on a loaded machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AirflowApi:
    """A signed-in client. No proxy is ever asked: the API is on this machine."""

    port: int
    token: str

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and decoded answer of `/api/v2` + path.

        Raises:
            OSError: nobody answers.
        """
        return _call(self.port, method, f"/api/v2{path}", body, self.token)


def sign_in(home: Path) -> AirflowApi:
    """A client with the rights of `admin`. Only the home's own API server knows its password.

    Raises:
        PlatformError: the platform is not up.
    """
    url, password = url_of(home), admin_password(home)
    if url is None or password is None:
        raise PlatformError("the platform has not been started here; run `evol up`")
    port = int(url.rpartition(":")[2])
    try:
        status, answer = _call(port, "POST", "/auth/token", {"username": USER, "password": password})
    except OSError as error:
        raise PlatformError(f"Airflow does not answer at {url} ({error}); run `evol up`") from error
    if status >= 400:
        raise PlatformError(f"whoever answers at {url} does not know this home's password; run `evol up`")
    return AirflowApi(port=port, token=answer["access_token"])


def heartbeats(home: Path) -> dict[str, float]:
    """When each service last said that it is well, in seconds since the epoch; {} where the API is not there.

    The API server itself is well whenever it can say so.
    """
    try:
        status, answer = sign_in(home).call("GET", "/monitor/health")
    except (OSError, PlatformError):
        return {}
    if status != 200 or answer["metadatabase"]["status"] != "healthy":
        return {}
    found = {"api-server": float("inf")}
    for name in ("scheduler", "triggerer", "dag_processor"):
        said = (answer.get(name) or {}).get(f"latest_{name}_heartbeat")
        if said:
            found[name.replace("_", "-")] = datetime.fromisoformat(said).timestamp()
    return found


def ensure_pool(api: AirflowApi) -> None:
    """Make the pool of GPU tasks, of one slot; one that is there keeps the slots that somebody gave it."""
    if api.call("GET", f"/pools/{GPU_POOL}")[0] == 200:
        return
    status, answer = api.call("POST", "/pools", POOL)
    if status not in (200, 201, 409):
        raise PlatformError(f"Airflow refused to make the pool {GPU_POOL!r}: {status} {answer}")


def _call(port: int, method: str, path: str, body: object, token: str = "") -> tuple[int, Any]:
    connection = http.client.HTTPConnection(HOST, port, timeout=TIMEOUT_S)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        raw = response.read()
        return response.status, json.loads(raw) if raw else None
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(f"no sensible answer from port {port}: {error}") from error
    finally:
        connection.close()
