"""A task's try against a real database and real processes, with a stand-in for the pipeline."""

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from airflow.sdk.exceptions import TaskDeferred

from evol_core.airflow.operator import EvolJobOperator
from evol_core.airflow.trigger import EvolJobTrigger
from evol_core.errors import JobFailed, RecipeError
from evol_core.job.folder import JobFolder
from evol_core.job.launch import all_jobs, stop
from evol_core.job.surroundings import settings_from
from evol_core.platform.processes import wait_until

pytestmark = pytest.mark.postgres

RECIPE = {"name": "probe", "seeds": [{"path": "/s/seeds.txt"}], "shards": 2}


class RunType(Enum):
    """As Airflow's own, whose str() is not its value."""

    MANUAL = "manual"


class StandIn(EvolJobOperator):
    worker = "tests.integration.airflow.waiting"
    quick_s = 0.0


@pytest.fixture
def gate(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that jobs wait for; jobs left at the end are ended."""
    gate = tmp_path / "gate"
    monkeypatch.setenv("EVOL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EVOL_DATABASE_URL", database_url)
    monkeypatch.setenv("EVOL_JOBS_PYTHON", sys.executable)
    monkeypatch.setenv("TEST_GATE", str(gate))
    yield gate
    for folder in all_jobs(settings_from(os.environ)):
        stop(folder, grace_s=0.0)


def context(try_number: int = 1) -> dict[str, Any]:
    run = {"dag_id": "evol_instruct", "run_id": "manual__1"}
    ti = SimpleNamespace(**run, task_id="shard.evolve", map_index=1, try_number=try_number)
    return {"dag_run": SimpleNamespace(**run, run_type=RunType.MANUAL), "ti": ti}


def execute(try_number: int = 1, recipe: Any = RECIPE) -> EvolJobTrigger:
    """Start a try; what its task is deferred to."""
    operator = StandIn(task_id="evolve", flow="evol_instruct", stage="evolve", recipe=recipe, shard=1)
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context(try_number))
    assert deferred.value.method_name == "finish"
    trigger: EvolJobTrigger = deferred.value.trigger
    trigger.settle_s = 0.0
    return trigger


def finish(trigger: EvolJobTrigger, try_number: int = 1) -> Any:
    """Follow the job to its end, as the triggerer does, and resume the task."""

    async def first() -> Any:
        async for event in trigger.run():
            return event.payload

    event = asyncio.run(asyncio.wait_for(first(), 60))
    operator = StandIn(task_id="evolve", flow="evol_instruct", stage="evolve", recipe=RECIPE, shard=1)
    return operator.finish(context(try_number), event)


def attempts(database: sa.Engine) -> list[tuple[str, int, int, str]]:
    with database.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT task, shard, try_number, state FROM lineage.task_attempt ORDER BY attempt_id")
        )
        return [tuple(row) for row in rows]


def pid_of(trigger: EvolJobTrigger) -> int:
    process = JobFolder(Path(trigger.folder)).process()
    assert process is not None
    return process.supervisor.pid


def test_a_try_registers_its_run_and_attempt_and_brings_home_the_output(gate: Path, database: sa.Engine) -> None:
    gate.touch()

    assert finish(execute()) == {"stage": "evolve", "shard": 1, "shards": 2, "attempt_id": 1}

    assert attempts(database) == [("evolve", 1, 1, "running")]  # the stand-in notes no end
    with database.connect() as connection:
        run = connection.execute(sa.text("SELECT flow, run_key, trigger_kind, conf FROM lineage.run")).one()
    assert (run.flow, run.run_key, run.trigger_kind, run.conf["name"]) == (
        "evol_instruct",
        "manual__1",
        "manual",
        "probe",
    )


def test_a_quick_job_is_waited_for_without_deferring(gate: Path) -> None:
    gate.touch()
    operator = StandIn(task_id="evolve", flow="evol_instruct", stage="evolve", recipe=RECIPE, shard=1)
    operator.quick_s = 60.0

    assert operator.execute(context()) == {"stage": "evolve", "shard": 1, "shards": 2, "attempt_id": 1}


def test_a_retry_follows_the_living_job_under_its_own_attempt(gate: Path, database: sa.Engine) -> None:
    first = execute(try_number=1)
    second = execute(try_number=2)
    gate.touch()

    assert pid_of(second) == pid_of(first)
    assert finish(second, try_number=2)["attempt_id"] == 1
    assert len(attempts(database)) == 1, "a second attempt would fence off the one that does the work"


def test_a_job_outlives_its_tasks_worker_and_the_retry_brings_its_output_home(gate: Path, database: sa.Engine) -> None:
    worker = multiprocessing.get_context("fork").Process(target=wait_for_the_job)
    worker.start()
    settings = settings_from(os.environ)
    assert wait_until(lambda: any(folder.alive() for folder in all_jobs(settings)), 60)
    (folder,) = all_jobs(settings)
    before = folder.process()
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()

    retry = execute(try_number=2)
    gate.touch()

    assert pid_of(retry) == (before.supervisor.pid if before else None)
    assert finish(retry, try_number=2)["attempt_id"] == 1
    assert len(attempts(database)) == 1


def wait_for_the_job() -> None:
    """What a task's worker does while its job is young."""
    operator = StandIn(task_id="evolve", flow="evol_instruct", stage="evolve", recipe=RECIPE, shard=1)
    operator.quick_s = 600.0
    operator.execute(context())


def test_a_try_that_lost_its_job_to_another_lets_go(gate: Path) -> None:
    first = execute(try_number=1)
    execute(try_number=2)

    with pytest.raises(JobFailed, match="another try follows the job"):
        finish(first)


def test_a_cleared_task_runs_again_as_a_new_attempt(gate: Path, database: sa.Engine) -> None:
    gate.touch()
    finish(execute(try_number=1))

    assert finish(execute(try_number=2), try_number=2)["attempt_id"] == 2
    assert [attempt[2] for attempt in attempts(database)] == [1, 2]


def test_a_persons_word_ends_the_job_and_its_lease(gate: Path, database: sa.Engine) -> None:
    trigger = execute()
    folder = JobFolder(Path(trigger.folder))

    asyncio.run(trigger.on_kill())

    assert not folder.alive()
    with pytest.raises(JobFailed, match="it was stopped by SIGTERM"):
        finish(trigger)
    assert attempts(database) == [("evolve", 1, 1, "failed")]


def test_a_clear_before_the_old_trigger_noticed_leaves_the_new_trys_job_alone(gate: Path) -> None:
    first = execute(try_number=1)
    second = execute(try_number=2)

    asyncio.run(first.on_kill())

    assert JobFolder(Path(second.folder)).alive()


def test_a_recipe_that_is_none_starts_nothing(gate: Path) -> None:
    operator = StandIn(task_id="evolve", flow="evol_instruct", stage="evolve", recipe={"name": "probe"}, shard=1)

    with pytest.raises(RecipeError, match=r"the run's recipe: .*\n  seeds: is required and not given"):
        operator.execute(context())

    assert all_jobs(settings_from(os.environ)) == []
