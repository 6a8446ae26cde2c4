"""DAG runs over Airflow's REST API: start one, see how it goes, read what a task left and why it failed."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from evol_core.config import PROJECT_ROOT
from evol_core.errors import NotFound, PlatformError, RecipeError
from evol_core.platform.airflow_api import AirflowApi, sign_in

PATIENCE_S = 60.0
"""So long an API that does not answer is asked again: a restart takes less."""

PARSED_WITHIN_S = 90.0
"""A home that has just come up knows its DAGs by then."""

ENDED = frozenset({"success", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTry:
    """One task, or one shard of it, as it is now."""

    task: str
    map_index: int
    """-1 where the task is not mapped."""

    state: str | None
    """None before it is scheduled."""

    try_number: int

    @property
    def label(self) -> str:
        return self.task if self.map_index < 0 else f"{self.task}[{self.map_index}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class DagRun:
    """One run of a DAG, wherever it is."""

    home: Path
    dag: str
    run_id: str

    @property
    def path(self) -> str:
        return f"/dags/{quote(self.dag)}/dagRuns/{quote(self.run_id, safe='')}"

    def state(self) -> str:
        return str(ask(self.home, "GET", self.path)["state"])

    def ahead(self) -> list["DagRun"]:
        """Runs of the same DAG that are at work; while there are as many as the DAG allows, this one waits."""
        found = ask(self.home, "GET", f"/dags/{quote(self.dag)}/dagRuns?state=running&limit=100")["dag_runs"]
        runs = (DagRun(home=self.home, dag=self.dag, run_id=item["dag_run_id"]) for item in found)
        return [run for run in runs if run != self]

    def tasks(self) -> list[TaskTry]:
        """Every task, and every shard of mapped ones, in the order of the DAG as far as it is known."""
        found: list[TaskTry] = []
        while True:
            page = ask(self.home, "GET", f"{self.path}/taskInstances?limit=100&offset={len(found)}&order_by=id")
            found += [
                TaskTry(
                    task=item["task_id"],
                    map_index=item["map_index"],
                    state=item["state"],
                    try_number=item["try_number"],
                )
                for item in page["task_instances"]
            ]
            if not page["task_instances"] or len(found) >= page["total_entries"]:
                return found

    def output(self, task: str) -> Any:
        """What a task returned; None where it returned nothing."""
        try:
            return ask(self.home, "GET", f"{self.path}/taskInstances/{task}/xcomEntries/return_value")["value"]
        except NotFound:
            return None

    def log_tail(self, task: TaskTry, lines: int = 20) -> list[str]:
        """The last lines of a task's last try."""
        where = f"{self.path}/taskInstances/{task.task}/logs/{max(task.try_number, 1)}"
        try:
            answer = ask(self.home, "GET", f"{where}?map_index={task.map_index}&full_content=true")
        except NotFound:
            return []
        return [line for entry in answer["content"] for line in log_lines(entry)][-lines:]

    def clear(self, task: str, map_index: int = -1) -> None:
        """Have a task, or one shard of it, done again with all that comes after it."""
        body = {
            "dry_run": False,
            "only_failed": False,
            "dag_run_id": self.run_id,
            "task_ids": [task if map_index < 0 else [task, map_index]],
            "include_downstream": True,
        }
        ask(self.home, "POST", f"/dags/{quote(self.dag)}/clearTaskInstances", body)


def log_lines(entry: str | dict[str, Any]) -> list[str]:
    """One entry of a task's log for a person: without its frames and groups, with the error that it tells of."""
    if isinstance(entry, str):
        return entry.splitlines()
    causes = [f"{error['exc_type']}: {error['exc_value']}" for error in entry.get("error_detail") or ()]
    said = [entry.get("event", ""), *causes]
    return [line for text in said for line in text.splitlines() if not line.startswith("::")]


def trigger(home: Path, dag: str, conf: dict[str, Any]) -> DagRun:
    """Start a run; a paused DAG is switched on, as its runs would wait otherwise.

    Raises:
        PlatformError: the platform is not up, or the DAG cannot be read.
        NotFound: there is no such DAG.
        RecipeError: the DAG's form refuses the values.
    """
    _wait_for(home, dag)
    ask(home, "PATCH", f"/dags/{quote(dag)}", {"is_paused": False})
    answer = ask(home, "POST", f"/dags/{quote(dag)}/dagRuns", {"logical_date": None, "conf": conf})
    return DagRun(home=home, dag=dag, run_id=answer["dag_run_id"])


def ask(home: Path, method: str, path: str, body: object = None) -> Any:
    """The API's answer; asked again while nobody is there.

    Raises:
        NotFound: it knows nothing of that.
        RecipeError: it refuses the values that were sent.
        PlatformError: it does not answer, or says that something is wrong with itself.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            status, answer = _client(home).call(method, path, body)
        except PlatformError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1.0)
            continue
        except OSError as error:
            _CLIENTS.pop(home, None)
            if time.monotonic() > deadline:
                raise PlatformError(f"Airflow does not answer ({error}); run `evol up`") from error
            time.sleep(1.0)
            continue
        if status == 401 and time.monotonic() < deadline:
            _CLIENTS.pop(home, None)
            continue
        return checked(status, answer, method, path)


_CLIENTS: dict[Path, AirflowApi] = {}
"""Signed in once a home."""


def _client(home: Path) -> AirflowApi:
    if home not in _CLIENTS:
        _CLIENTS[home] = sign_in(home)
    return _CLIENTS[home]


def checked(status: int, answer: Any, method: str, path: str) -> Any:
    if status < 400:
        return answer
    detail = answer.get("detail", answer) if isinstance(answer, dict) else answer
    if status == 404:
        raise NotFound(f"Airflow: {detail}")
    if status in (400, 422):
        raise RecipeError(f"Airflow refuses these values: {detail}")
    raise PlatformError(f"Airflow answers {status} to {method} {path}: {detail}")


def _wait_for(home: Path, dag: str) -> None:
    """Return when the DAG is there; a new home has to read its files first, which hold a DAG of their own name each."""
    deadline = time.monotonic() + PARSED_WITHIN_S
    files = {path.stem for path in (PROJECT_ROOT / "dags").glob("*.py")}
    while True:
        known = {item["dag_id"] for item in ask(home, "GET", "/dags?limit=1000")["dags"]}
        if dag in known:
            return
        if problems := list(_import_errors(home)):
            raise PlatformError("a DAG file cannot be read:\n" + "\n".join(problems))
        if files <= known or time.monotonic() > deadline:
            raise NotFound(f"there is no DAG {dag!r}; known: {sorted(known)}")
        time.sleep(1.0)


def _import_errors(home: Path) -> Iterator[str]:
    for item in ask(home, "GET", "/importErrors?limit=100")["import_errors"]:
        yield f"{item['filename']}: {item['stack_trace'].strip().splitlines()[-1]}"
