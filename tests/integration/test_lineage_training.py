"""Training runs in lineage: one run for the same inputs, whoever attempts it, with its losses and its checkpoint."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from evol_core.errors import Fenced
from evol_core.lineage.instruction_checks import put_instruction_checks
from evol_core.lineage.rows_of import rows_of
from evol_core.lineage.training import (
    Trained,
    TrainingStart,
    begin_training,
    fail_training,
    find_trained,
    finish_training,
)
from evol_core.lineage.versions import resolve
from evol_core.store.objects import ObjectStore
from tests.integration.lineage_rows import MODEL, Build, evolved_rows, new_attempt, publish_seeds

pytestmark = pytest.mark.postgres

INPUT, CONFIG, ORDER, CHECKPOINT = ("1" * 64, "2" * 64, "3" * 64, "4" * 64)
LOSSES = [{"step": 1, "loss": 2.0, "learning_rate": 0.1}, {"step": 2, "loss": float("nan"), "learning_rate": 0.05}]


@pytest.fixture
def start(database: sa.Engine, tmp_path: Path) -> TrainingStart:
    store = ObjectStore(tmp_path)
    publish_seeds(database, store)
    Build(store, evolved_rows()).publish(database)
    with database.connect() as connection:
        version = resolve(connection, "evol")
    return TrainingStart(
        name="tiny",
        input_hash=INPUT,
        version=version,
        base=MODEL,
        config={"method": "sft", "tuning": "full", "zero": 2},
        config_hash=CONFIG,
        seed=0,
        folder="/training/tiny",
    )


def attempt(database: sa.Engine, run_key: str) -> int:
    return new_attempt(database, run_key=run_key, task="train")


def begin(database: sa.Engine, start: TrainingStart, attempt_id: int) -> int:
    with database.begin() as connection:
        return begin_training(connection, start, attempt_id)


def finish(database: sa.Engine, number: int, attempt_id: int) -> Trained:
    counts = {"rows": 4, "used": 3, "cut": 1, "left_out": {"too_long": 1}, "steps": 2}
    done = Trained(training_run_id=number, checkpoint=CHECKPOINT, step=2, uri="/training/tiny/model", counts=counts)
    with database.begin() as connection:
        finish_training(connection, done, attempt_id=attempt_id, order_hash=ORDER, losses=LOSSES)
    return done


def ask(database: sa.Engine, query: str) -> list[dict[str, Any]]:
    with database.connect() as connection:
        return rows_of(connection, query)


def test_what_was_trained_is_found_by_its_inputs_once_it_is_done(database: sa.Engine, start: TrainingStart) -> None:
    attempt_id = attempt(database, "a")
    number = begin(database, start, attempt_id)
    with database.connect() as connection:
        assert find_trained(connection, INPUT) is None

    done = finish(database, number, attempt_id)

    with database.connect() as connection:
        assert find_trained(connection, INPUT) == done
        assert find_trained(connection, "9" * 64) is None


def test_another_attempt_goes_on_with_the_same_run(database: sa.Engine, start: TrainingStart) -> None:
    first, second = attempt(database, "a"), attempt(database, "b")
    number = begin(database, start, first)

    again = begin(database, start, second)
    with database.begin() as connection:
        fail_training(connection, number, first)

    assert again == number
    assert [row["state"] for row in ask(database, "SELECT state FROM lineage.training_run")] == ["running"]


def test_an_attempt_that_a_newer_one_has_overtaken_finishes_nothing(database: sa.Engine, start: TrainingStart) -> None:
    old = attempt(database, "a")
    number = begin(database, start, old)
    attempt(database, "a")

    with pytest.raises(Fenced):
        finish(database, number, old)
    assert ask(database, "SELECT * FROM lineage.checkpoint") == []


def test_a_run_is_shown_with_its_input_its_losses_and_its_rows(database: sa.Engine, start: TrainingStart) -> None:
    attempt_id = attempt(database, "a")
    number = begin(database, start, attempt_id)
    finish(database, number, attempt_id)
    finish(database, number, attempt_id)

    (run,) = ask(database, "SELECT * FROM analytics.training_runs")
    assert (run["dataset"], run["version"], run["n_rows"], run["n_used"]) == ("evol", 1, 4, 3)
    assert (run["first_loss"], run["last_loss"], run["left_out"]) == (2.0, None, {"too_long": 1})
    exposed = ask(database, "SELECT DISTINCT instruction_id FROM analytics.checkpoint_exposure")
    assert len(exposed) == sum(part.n_rows for part in start.version.data)


def test_checks_stand_beside_the_checkpoint_that_was_checked(database: sa.Engine, start: TrainingStart) -> None:
    attempt_id = attempt(database, "a")
    finish(database, begin(database, start, attempt_id), attempt_id)
    verdicts = [True, False, None]
    rows = [
        {
            "model_revision": CHECKPOINT,
            "suite_hash": "5" * 64,
            "item": item,
            "number": 0,
            "benchmark": "ifeval",
            "check_id": "punctuation:no_comma",
            "strict": verdict,
            "loose": verdict,
            "reason": "" if verdict is not None else "no answer",
            "request_hash": "6" * 64,
        }
        for item, verdict in enumerate(verdicts)
    ]
    for _ in range(2):
        with database.begin() as connection:
            put_instruction_checks(connection, rows, attempt_id)

    (found,) = ask(database, "SELECT * FROM analytics.instruction_checks")
    assert (found["checkpoint"], found["n"], found["n_checked"]) == (CHECKPOINT, 3, 2)
    assert float(found["strict_rate"]) == 0.5
