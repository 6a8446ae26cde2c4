"""Follows a job for a deferred task: renews its lease, tells its progress, and fires when it has ended."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from evol_core.job.folder import JobFolder
from evol_core.job.launch import stop, sweep

POLL_S = 1.0
TELL_S = 30.0
"""Between two lines of progress in the task's log."""


class EvolJobTrigger(BaseTrigger):
    """Fires once, with why it stopped following: `ended`, `lost` (another follows now) or `late`."""

    settle_s = 15.0
    """It fires no earlier. Airflow 3.3 takes a task that is resumed before its scheduler has noted that it was
    deferred for one that somebody killed, and fails it; on a busy machine the scheduler is seconds behind. Quick jobs
    are not slowed by this: the operator waits for them itself."""

    def __init__(self, folder: str, owner: str, deadline: float | None, poll_s: float = POLL_S) -> None:
        """Follow the job in `folder` as `owner`, until `deadline` (seconds since 1970)."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.folder = folder
        self.owner = owner
        self.deadline = deadline
        self.poll_s = poll_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        arguments = {"folder": self.folder, "owner": self.owner, "deadline": self.deadline, "poll_s": self.poll_s}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        folder = JobFolder(Path(self.folder))
        began = time.monotonic()
        tell_at = 0.0
        while (event := await asyncio.to_thread(self.look)) is None:
            if time.monotonic() >= tell_at:
                tell_at = time.monotonic() + TELL_S
                progress = await asyncio.to_thread(folder.progress)
                self.log.info("%s", progress.line if progress else "the job is starting")
            await asyncio.sleep(self.poll_s)
        await asyncio.sleep(began + self.settle_s - time.monotonic())
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    async def on_kill(self) -> None:
        """A person has cleared the task or set its state: the job ends with every process of it."""
        stopped = await asyncio.to_thread(stop, JobFolder(Path(self.folder)), owner=self.owner)
        self.log.info("the job in %s %s", self.folder, "was stopped" if stopped else "is followed by another try now")

    def look(self) -> dict[str, str] | None:
        """The event, where there is a reason to stop following; else the lease is renewed."""
        folder = JobFolder(Path(self.folder))
        if folder.owner() != self.owner:
            return self._event("lost")
        if not folder.alive():
            sweep(folder)
            return self._event("ended")
        if self.deadline is not None and time.time() > self.deadline:
            return self._event("late")
        folder.renew_lease(self.owner)
        return None

    def _event(self, reason: str) -> dict[str, str]:
        return {"folder": self.folder, "owner": self.owner, "reason": reason}
