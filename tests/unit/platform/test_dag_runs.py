from pathlib import Path

import pytest

from evol_core.errors import EvolError, NotFound, PlatformError, RecipeError
from evol_core.platform.dag_runs import DagRun, TaskTry, checked, log_lines


def test_a_runs_name_is_safe_in_a_url() -> None:
    run = DagRun(home=Path("/h"), dag="evol_instruct", run_id="manual__2026-11-23T02:00:00+00:00/x")

    assert run.path == "/dags/evol_instruct/dagRuns/manual__2026-11-23T02%3A00%3A00%2B00%3A00%2Fx"


def test_a_shard_is_named_by_its_number() -> None:
    tried = {"task": "shard.evolve", "state": "success", "try_number": 1}

    assert TaskTry(**tried, map_index=2).label == "shard.evolve[2]"  # type: ignore[arg-type]
    assert TaskTry(**tried, map_index=-1).label == "shard.evolve"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "answer", "error", "message"),
    [
        (404, {"detail": "no such run"}, NotFound, "Airflow: no such run"),
        (400, {"detail": "-1 < 0"}, RecipeError, "Airflow refuses these values: -1 < 0"),
        (500, None, PlatformError, "Airflow answers 500 to GET /dags: None"),
    ],
)
def test_refusals_become_our_errors(status: int, answer: object, error: type[EvolError], message: str) -> None:
    with pytest.raises(error) as raised:
        checked(status, answer, "GET", "/dags")

    assert str(raised.value) == message


def test_a_logs_error_is_told_with_its_message() -> None:
    error = {"exc_type": "RecipeError", "exc_value": "evolve.operators: unknown\nname another", "frames": [{}]}

    assert log_lines({"event": "Task failed with exception", "error_detail": [error]}) == [
        "Task failed with exception",
        "RecipeError: evolve.operators: unknown",
        "name another",
    ]
    assert log_lines({"event": "::group::Pre Execute"}) == []
    assert log_lines("plain\nlines") == ["plain", "lines"]
