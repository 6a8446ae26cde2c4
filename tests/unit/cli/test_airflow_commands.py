from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from evol_core.cli.airflow_commands import follow, why_failed
from evol_core.cli.run_display import display
from evol_core.errors import JobFailed
from evol_core.job.folder import JobFolder, JobProcess, JobProgress
from evol_core.job.process import process_id
from evol_core.job.spec import JobSpec
from evol_core.platform.dag_runs import DagRun, TaskTry

VERSION = {
    "name": "demo",
    "version": 3,
    "closed_gates": [{"name": "min_rows", "wanted": ">= 100", "found": 7.0, "passed": False}],
}


def tried(task: str, state: str | None, map_index: int = -1, try_number: int = 1) -> TaskTry:
    return TaskTry(task=task, map_index=map_index, state=state, try_number=try_number)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedRun(DagRun):
    """A run whose states and tasks are given, one a look; the last stays."""

    states: list[str]
    looks: list[list[TaskTry]]
    others: list[DagRun] = field(default_factory=list)

    def state(self) -> str:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def tasks(self) -> list[TaskTry]:
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def ahead(self) -> list[DagRun]:
        return self.others

    def output(self, task: str) -> Any:
        return VERSION

    def log_tail(self, task: TaskTry, lines: int = 20) -> list[str]:
        return [f"last words of {task.label}"]


def scripted(states: list[str], *looks: list[TaskTry], others: list[DagRun] | None = None) -> ScriptedRun:
    where: dict[str, Any] = {"home": Path("/nowhere"), "dag": "evol_instruct", "run_id": "manual__2"}
    return ScriptedRun(**where, states=states, looks=list(looks) or [[]], others=others or [])


def ignore(tasks: list[TaskTry]) -> None:
    pass


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evol_core.cli.airflow_commands.POLL_S", 0.0)


def test_a_run_is_followed_to_its_end() -> None:
    looks = [[tried("seed", "running")], [tried("seed", "success")]]
    shown: list[list[TaskTry]] = []

    assert follow(scripted(["running", "success"], *looks), shown.append) == "success"
    assert shown == looks


def test_a_version_that_waits_for_a_person_ends_the_following_and_says_what_closed() -> None:
    run = scripted(["running"], [tried("approve", "awaiting_input")])

    with pytest.raises(JobFailed) as failed:
        follow(run, ignore)

    assert str(failed.value) == (
        "demo@3 did not pass its gates (min_rows >= 100, found 7.0) and is quarantined. "
        "The run manual__2 waits for a person: approve or reject under Required Actions in the UI"
    )


def test_a_run_that_waits_for_another_says_for_which(capsys: pytest.CaptureFixture[str]) -> None:
    other = scripted(["running"], [tried("approve", "awaiting_input")])

    follow(scripted(["queued", "queued", "success"], others=[other]), ignore)

    assert capsys.readouterr().err == (
        "this run waits, as evol_instruct runs one at a time: "
        "manual__2 waits for a person: approve or reject it under Required Actions in the UI\n"
    )


def test_a_failed_run_is_explained_by_the_tasks_that_failed() -> None:
    run = scripted(["failed"], [tried("shard.evolve", "failed", 1, 3), tried("publish", "upstream_failed")])

    assert why_failed(run) == (
        "run manual__2 failed\ntask shard.evolve[1], try 3; the end of its log:\n  last words of shard.evolve[1]"
    )


def test_changes_are_told_once_in_plain_lines(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run = scripted(["running"])
    with display(tmp_path, run) as show:
        show([tried("seed", "success"), tried("shard.evolve", "queued", 0)])
        show([tried("seed", "success"), tried("shard.evolve", "deferred", 0)])
        show([tried("shard.evolve", "up_for_retry", 0)])
        show([tried("shard.evolve", "deferred", 0, 2)])

    assert capsys.readouterr().err.splitlines() == [
        "seed: done",
        "shard.evolve[0]: its job runs",
        "shard.evolve[0]: failed, will be tried again",
        "shard.evolve[0]: its job runs (try 2)",
    ]


def test_a_jobs_progress_is_told_as_its_rows_are_done(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "jobs/run/evolve")
    folder.path.mkdir(parents=True)
    folder.write(
        JobSpec(
            flow="evol_instruct", stage="evolve", recipe={}, run_id=1, attempt_id=1, run_key="manual__2", created=0.0
        )
    )
    me = process_id(1)
    assert me is not None
    folder.write(JobProcess(supervisor=me))
    with display(tmp_path, scripted(["running"])) as show:
        for done in (0, 1, 1, 30):
            folder.write(JobProgress(heartbeat=0.0, stage="evolve", done=done, total=100))
            show([])

    assert capsys.readouterr().err.splitlines() == ["evolve: 0 of 100 rows", "evolve: 30 of 100 rows"]
