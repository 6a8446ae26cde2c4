import asyncio
import os
import time
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from evol_core.airflow.trigger import EvolJobTrigger
from evol_core.job.folder import JobFolder, JobProcess
from evol_core.job.process import process_id

OWNER = "evol_instruct nightly shard.evolve 1 try 1"


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    """A job that this test's own process stands for, followed by OWNER."""
    folder = JobFolder(tmp_path)
    me = process_id(os.getpid())
    assert me is not None
    folder.write(JobProcess(supervisor=me))
    folder.take_lease(OWNER)
    return folder


def trigger(folder: JobFolder, **arguments: Any) -> EvolJobTrigger:
    made = EvolJobTrigger(folder=str(folder.path), owner=OWNER, **{"deadline": None, "poll_s": 0.001, **arguments})
    made.settle_s = 0.0
    return made


def event_of(trigger: EvolJobTrigger) -> dict[str, Any]:
    async def first(events: AsyncIterator[Any]) -> Any:
        async for event in events:
            return event.payload
        raise AssertionError("the trigger ended without an event")

    payload: dict[str, Any] = asyncio.run(asyncio.wait_for(first(trigger.run()), 30))
    return payload


def test_a_trigger_survives_a_restart_of_the_triggerer(folder: JobFolder) -> None:
    path, arguments = trigger(folder, deadline=5.0).serialize()
    module, _, name = path.rpartition(".")

    assert getattr(import_module(module), name)(**arguments).serialize() == (path, arguments)


def test_a_job_whose_process_is_gone_has_ended(folder: JobFolder) -> None:
    (folder.path / "process.json").unlink()

    assert event_of(trigger(folder)) == {"folder": str(folder.path), "owner": OWNER, "reason": "ended"}


def test_a_job_that_another_try_follows_is_let_go(folder: JobFolder) -> None:
    folder.take_lease("another try")

    assert event_of(trigger(folder))["reason"] == "lost"


def test_a_job_past_its_deadline_is_late(folder: JobFolder) -> None:
    assert event_of(trigger(folder, deadline=time.time() - 1))["reason"] == "late"


def test_an_event_waits_until_airflow_has_noted_the_deferral(folder: JobFolder) -> None:
    (folder.path / "process.json").unlink()
    quick = trigger(folder)
    quick.settle_s = 0.05
    began = time.monotonic()

    event_of(quick)

    assert time.monotonic() - began >= 0.05
    assert EvolJobTrigger.settle_s >= 15.0


def test_following_renews_the_lease(folder: JobFolder) -> None:
    old = time.time() - 100
    os.utime(folder.path / "lease", (old, old))

    event_of(trigger(folder, deadline=time.time() + 0.05))

    assert time.time() - folder.lease_renewed() < 50
