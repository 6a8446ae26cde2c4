import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evol_core.airflow.operator import EvolJobOperator
from evol_core.airflow.tasks import was_announced
from evol_core.errors import JobFailed
from evol_core.job.folder import JobError, JobFolder, JobResult


@pytest.fixture
def operator() -> EvolJobOperator:
    return EvolJobOperator(task_id="evolve", flow="evol_instruct", stage="evolve", recipe={})


def ended(folder: Path, reason: str = "ended") -> dict[str, Any]:
    return {"folder": str(folder), "owner": "me", "reason": reason}


def put_result(folder: Path, error: JobError | None = None, **output: Any) -> None:
    state: Any = "failed" if error else "done"
    JobFolder(folder).write(JobResult(state=state, output=output, error=error, attempt_id=1, ended=time.time()))


def failure(message: str, *, retryable: bool) -> JobError:
    return JobError(type="EvolError", message=message, retryable=retryable, exit_code=2)


def test_only_small_output_becomes_an_xcom(operator: EvolJobOperator, tmp_path: Path) -> None:
    put_result(tmp_path, parts=["a" * 64], counts={"accepted": 3}, seeds=4)

    assert operator.finish({}, ended(tmp_path)) == {"counts": {"accepted": 3}, "seeds": 4}


def test_what_can_pass_later_is_tried_again(operator: EvolJobOperator, tmp_path: Path) -> None:
    put_result(tmp_path, failure("the engine went away", retryable=True))

    with pytest.raises(JobFailed, match="the engine went away"):
        operator.finish({}, ended(tmp_path))


def test_what_somebody_must_change_is_not_tried_again(operator: EvolJobOperator, tmp_path: Path) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    put_result(tmp_path, failure("evolve.rounds: must be at least 0; got -1", retryable=False))

    with pytest.raises(AirflowFailException, match=r"evolve\.rounds: must be at least 0; got -1"):
        operator.finish({}, ended(tmp_path))


def test_a_job_that_left_no_result_is_tried_again(operator: EvolJobOperator, tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match=r"processes are gone and left no result; .*log\.txt has its last words"):
        operator.finish({}, ended(tmp_path))


def test_a_late_job_is_stopped_and_tried_again(operator: EvolJobOperator, tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    folder.take_lease("me")

    with pytest.raises(JobFailed, match=r"was stopped; .*a retry goes on from what was recorded"):
        operator.finish({}, ended(tmp_path, "late"))

    assert folder.lease_renewed() == 0


def test_a_job_that_another_try_follows_is_left_to_it(operator: EvolJobOperator, tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    folder.take_lease("another try")

    with pytest.raises(JobFailed, match="another try follows the job"):
        operator.finish({}, ended(tmp_path, "lost"))

    assert time.time() - folder.lease_renewed() < 60


def test_a_version_is_announced_once() -> None:
    events = [SimpleNamespace(extra={"name": "demo", "version": 3}), SimpleNamespace(extra={})]

    assert was_announced({"name": "demo", "version": 3, "rows": 9}, events)
    assert not was_announced({"name": "demo", "version": 4, "rows": 9}, events)
    assert not was_announced({"name": "other", "version": 3, "rows": 9}, events)
