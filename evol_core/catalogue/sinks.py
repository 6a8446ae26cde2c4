"""Where lineage events go: a file of JSON lines, or an OpenLineage server."""

import fcntl
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Protocol

from evol_core.errors import CatalogueError, EventRefused
from evol_core.store.files import io_errors

TIMEOUT_S = 10.0

DELAYS_S = (1.0, 3.0, 9.0)
"""Before each further try at a server that does not answer, or says that it cannot now."""

_LATER = frozenset({408, 425, 429})
"""Answers of a server that mean: try again."""


class Sink(Protocol):
    """Takes events, one by one."""

    def send(self, event: Mapping[str, Any]) -> None:
        """Return when the event is safe there.

        Raises:
            CatalogueError: the place cannot be reached; the event may be sent again.
            EventRefused: the place does not want this event, and will not the next time.
        """

    def close(self) -> None: ...


def open_sink(to: str, home: Path, key: str = "") -> Sink:
    """The place that a setting names: an http(s) URL, or a file below the platform's home.

    Args:
        key: what the server wants as bearer token; empty for none.
    """
    if to.startswith(("http://", "https://")):
        return HttpSink(to, key)
    return FileSink(home / Path(to).expanduser())


class FileSink:
    """One event a line, each once. What a killed writer left half written is cut off."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with io_errors(path, "write"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")
            fcntl.flock(self._file, fcntl.LOCK_EX)
        self._known = _whole_lines(self._file)

    def send(self, event: Mapping[str, Any]) -> None:
        if _name(event) in self._known:
            return
        with io_errors(self.path, "write"):
            self._file.write(json.dumps(event, ensure_ascii=False).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        self._known.add(_name(event))

    def close(self) -> None:
        self._file.close()


def _whole_lines(file: IO[bytes]) -> set[tuple[str, str]]:
    """The events of a file; a last line without its end is removed."""
    file.seek(0)
    known, end = set(), 0
    for line in file:
        if not line.endswith(b"\n"):
            file.truncate(end)
            break
        known.add(_name(json.loads(line)))
        end += len(line)
    return known


def _name(event: Mapping[str, Any]) -> tuple[str, str]:
    return event["run"]["runId"], event["eventType"]


class HttpSink:
    """An OpenLineage server, by its full URL: Marquez has `http://HOST:5000/api/v1/lineage`."""

    def __init__(self, url: str, key: str = "", sleep: Callable[[float], None] = time.sleep) -> None:
        self.url = url
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._sleep = sleep

    def send(self, event: Mapping[str, Any]) -> None:
        body = json.dumps(event).encode()
        for delay in (*DELAYS_S, None):
            problem = self._post(body)
            if problem is None:
                return
            if delay is None:
                raise CatalogueError(
                    f"{self.url} takes no events: {problem}; check that it runs and that events.to of the "
                    "housekeeping recipe names it. What was not sent waits in the outbox"
                )
            self._sleep(delay)

    def close(self) -> None:
        """Nothing stays open."""

    def _post(self, body: bytes) -> str | None:
        """What may pass at another try; None where the server took it.

        Raises:
            EventRefused: it never will.
        """
        request = urllib.request.Request(self.url, body, self._headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S):
                return None
        except urllib.error.HTTPError as error:
            said = error.read(200).decode(errors="replace")
            error.close()
            if error.code < 500 and error.code not in _LATER:
                raise EventRefused(f"{self.url} refused the event with {error.code}: {said}") from None
            return f"it answers {error.code}"
        except OSError as error:
            return str(getattr(error, "reason", error))
