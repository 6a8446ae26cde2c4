"""How far a job is, and when it will be done at the pace of the last minutes."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from evol_core.job.folder import JobProgress

WINDOW_S = 120.0
"""Rows that were replayed at the start run much faster than those to come, so old pace is forgotten."""


class Pace:
    """The worker's last word, and the rows done over time."""

    def __init__(self) -> None:
        self._said: Mapping[str, Any] = {}
        self._seen: deque[tuple[float, int]] = deque()

    def take(self, said: Mapping[str, Any], now: float) -> None:
        """Note what the worker says; `now` in seconds."""
        if said["stage"] != self._said.get("stage"):
            self._seen.clear()
        self._said = said
        self._seen.append((now, said["done"]))
        while len(self._seen) > 2 and now - self._seen[1][0] >= WINDOW_S:
            self._seen.popleft()

    def progress(self, now: float) -> JobProgress:
        """With a heartbeat of `now`."""
        return JobProgress(heartbeat=now, eta_s=self._eta_s(), **self._said)

    def _eta_s(self) -> float | None:
        if not self._seen:
            return None
        (begun, done_before), (last, done) = self._seen[0], self._seen[-1]
        left: int = self._said["total"] - done
        if left <= 0:
            return 0.0
        if done <= done_before or last <= begun:
            return None
        return left * (last - begun) / (done - done_before)
