"""The nightly build under a real Airflow, with a real engine, kills, a rerun, a closed gate and a bad recipe."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from evol_core.config import PROJECT_ROOT
from evol_core.job.folder import JobFolder
from evol_core.lineage.database import connect
from evol_core.platform.dag_runs import ENDED, DagRun, TaskTry, ask, trigger
from evol_core.platform.embedded import down, up
from evol_core.platform.postgres import ensure_postgres
from evol_core.platform.processes import end, in_session
from evol_core.platform.services import everything, running
from evol_core.platform.settings import Machine

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(1500)]

T = TypeVar("T")

PATIENCE_S = 600.0

RECIPE: dict[str, Any] = {
    "name": "nightly",
    "seeds": [{"path": str(PROJECT_ROOT / "examples/seeds.jsonl"), "limit": 8}],
    "models": {"default": {"path": "smollm2", "max_model_len": 512}},
    "evolve": {"rounds": 1, "decoding": {"max_tokens": 32}},
    "respond": {"decoding": {"max_tokens": 16}, "keep_truncated": True},
    "score": {"metrics": ["length_chars", "length_words"]},
    "gates": {"min_rows": 0, "max_fail_rate": 1.0},
    "shards": 2,
}


def until(look: Callable[[], T | None], what: str, patience_s: float = PATIENCE_S) -> T:
    """What `look` finds, once it finds anything."""
    deadline = time.monotonic() + patience_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {patience_s:g} s for {what}"
        time.sleep(0.2)
    return found


def ended(run: DagRun) -> str:
    state = until(lambda: (now := run.state()) in ENDED and now, "the run's end")
    return str(state)


def task(run: DagRun, name: str, map_index: int = -1) -> TaskTry:
    (found,) = [one for one in run.tasks() if (one.task, one.map_index) == (name, map_index)]
    return found


def explain(run: DagRun) -> str:
    """For a failed assertion: what failed, and its last words."""
    failed = [one for one in run.tasks() if one.state == "failed"]
    return "\n".join([one.label + "\n" + "\n".join(run.log_tail(one)) for one in failed])


def job_at_work(home: Path, run: DagRun, stage: str) -> JobFolder | None:
    """A living job of the run's stage that has told its first progress."""
    for path in home.glob("jobs/*/*/process.json"):
        folder = JobFolder(path.parent)
        spec, progress = folder.spec(), folder.progress()
        if spec and progress and (spec.run_key, spec.stage, progress.stage) == (run.run_id, stage, stage):
            return folder if folder.alive() else None
    return None


@pytest.fixture(scope="module")
def database(machine: Machine) -> Iterator[sa.Engine]:
    engine = connect(ensure_postgres(machine.home).evol)
    yield engine
    engine.dispose()


def counts(database: sa.Engine) -> dict[str, Any]:
    """Of everything that a rerun must not add to."""
    tables = ("dataset_version", "derivation", "instruction", "response", "score", "generation", "object_file")
    with database.connect() as connection:
        return {
            table: connection.execute(sa.text(f"SELECT count(*) FROM lineage.{table}")).scalar() for table in tables
        }


def announced(home: Path) -> list[tuple[str, int]]:
    events = ask(home, "GET", "/assets/events?limit=100&order_by=timestamp")["asset_events"]
    return [(event["extra"]["name"], event["extra"]["version"]) for event in events]


@pytest.fixture(scope="module")
def run(home: Path) -> DagRun:
    """A build whose first job at work loses its worker to SIGKILL."""
    run = trigger(home, "evol_instruct", {"recipe": RECIPE})
    folder = until(lambda: job_at_work(home, run, "evolve"), "an evolve job at work")
    process = folder.process()
    assert process is not None
    assert process.session is not None
    os.kill(process.session, signal.SIGKILL)
    ended(run)
    return run


def test_a_build_whose_worker_is_killed_is_tried_again_and_published(run: DagRun, home: Path) -> None:
    assert run.state() == "success", explain(run)
    assert 2 in {task(run, "shard.evolve", shard).try_number for shard in (0, 1)}
    version = run.output("publish")
    assert (version["name"], version["version"], version["state"]) == ("nightly", 1, "published")
    assert version["rows"] + version["rejected"] + version["failed"] == 8
    assert announced(home) == [("nightly", 1)]


def test_switching_the_build_on_ran_nothing_else(run: DagRun, home: Path) -> None:
    runs = ask(home, "GET", "/dags/evol_instruct/dagRuns")["dag_runs"]

    assert [one["dag_run_id"] for one in runs] == [run.run_id]


def test_a_cleared_shard_changes_neither_version_nor_counts(run: DagRun, home: Path, database: sa.Engine) -> None:
    before, tries = counts(database), task(run, "shard.evolve", 1).try_number

    run.clear("shard.evolve", 1)
    until(lambda: task(run, "shard.evolve", 1).try_number > tries, "the shard's next try")

    assert ended(run) == "success", explain(run)
    version = run.output("publish")
    assert (version["version"], version["state"], version["replayed"]) == (1, "published", True)
    assert counts(database) == before
    assert task(run, "announce").state == "skipped"
    assert announced(home) == [("nightly", 1)]


def has_heard(home: Path, run: DagRun, task_id: str) -> bool:
    """Whether the scheduler knows that a task's process has ended."""
    lines = (home / "logs" / "scheduler.log").read_text(errors="replace").splitlines()
    news = [line for line in lines if "Received executor event" in line and f"task_id='{task_id}'" in line]
    return any(run.run_id in line for line in news)


def test_a_closed_gate_holds_the_version_until_a_person_approves(home: Path, run: DagRun) -> None:
    held = {**RECIPE, "name": "held", "gates": {"min_rows": 1000}}
    again = trigger(home, "evol_instruct", {"recipe": held})
    until(lambda: task(again, "approve").state == "awaiting_input" or again.state() in ENDED, "the question")
    assert task(again, "approve").state == "awaiting_input", explain(again)
    assert again.output("publish")["state"] == "quarantined"
    assert announced(home) == [("nightly", 1)]

    until(lambda: has_heard(home, again, "approve"), "the scheduler, which loses an answer that overtakes its own news")
    answer = {"chosen_options": ["Approve"], "params_input": {"reason": "it is a test"}}
    ask(home, "PATCH", f"{again.path}/taskInstances/approve/-1/hitlDetails", answer)

    assert ended(again) == "success", explain(again)
    assert announced(home) == [("nightly", 1), ("held", 1)]


def kill(home: Path, *services: str) -> None:
    """End services and whatever they started, but for jobs, as the kernel does it where memory ends."""
    leaders = [running(home)[name] for name in services]
    end([process for leader in leaders for process in in_session(leader)], (signal.SIGKILL, 10))


def first_job(home: Path, run: DagRun, shard: int) -> JobFolder | None:
    """The job that was started first for a shard's evolution."""
    folders = [JobFolder(path.parent) for path in home.glob("jobs/*/*/process.json")]
    specs = [(folder.spec(), folder) for folder in folders]
    mine = [
        (spec.attempt_id, folder)
        for spec, folder in specs
        if spec and (spec.run_key, spec.stage, spec.shard) == (run.run_id, "evolve", shard)
    ]
    return min(mine, key=lambda one: one[0])[1] if mine else None


def test_a_build_outlives_airflow_s_scheduler_workers_and_triggerer(machine: Machine, run: DagRun) -> None:
    home = machine.home
    orphan = trigger(home, "evol_instruct", {"recipe": {**RECIPE, "name": "orphan", "evolve": {"rounds": 2}}})
    until(lambda: first_job(home, orphan, 0), "the first shard's job")
    assert task(orphan, "shard.evolve", 0).state == "running", "a worker waits for it"
    kill(home, "scheduler")
    up(machine)
    until(lambda: task(orphan, "shard.evolve", 1).state in {"deferred", "success"}, "the second shard's deferral")
    kill(home, "triggerer")
    up(machine)

    assert ended(orphan) == "success", explain(orphan)
    version = orphan.output("publish")
    assert (version["name"], version["version"], version["state"]) == ("orphan", 1, "published")
    assert version["rows"] + version["rejected"] + version["failed"] == 16, "eight seeds, two rounds"
    for shard in (0, 1):
        job = first_job(home, orphan, shard)
        assert job is not None
        result = job.result()
        assert result is not None
        assert result.error is None, "the job went on while nobody followed it, and its work was not done again"


def test_a_bad_recipe_fails_at_once_and_names_the_field(home: Path, run: DagRun) -> None:
    bad = {**RECIPE, "evolve": {"operators": ["deepn"]}}
    failing = trigger(home, "evol_instruct", {"recipe": bad})

    assert ended(failing) == "failed"
    plan = task(failing, "plan_build")
    assert (plan.state, plan.try_number) == ("failed", 1), "what somebody must change is not tried again"
    assert "evolve.operators" in "\n".join(failing.log_tail(plan, 200))
    assert not [path for path in home.glob("jobs/*/*/spec.json") if failing.run_id in path.read_text()]


def test_nothing_runs_after_down(machine: Machine, run: DagRun) -> None:
    down(machine)

    assert everything(machine.home) == []
