"""Replaying a stage for its plan: every request counted, and only a window of programs begun."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from evol_core.llm.fake import FakeEngine
from evol_core.llm.plan import ReplayOnly
from evol_core.llm.port import Program, ask
from evol_core.llm.record import MemoryIndex, RecordedEngine
from evol_core.pipeline.plan import Replay
from evol_core.records import ModelRef
from evol_core.requests import Decoding, GenerateRequest, Message
from evol_core.runner import WINDOW
from evol_core.store.objects import ObjectStore
from evol_core.store.scratch import Seen, scratch_database

MODEL = ModelRef(name="m", revision="r", tokenizer="t")
ROWS = 3 * WINDOW


def chat(text: str) -> GenerateRequest:
    return GenerateRequest(model=MODEL, messages=(Message("user", text),), decoding=Decoding(), seed=7)


def asking(row: int) -> Program[int]:
    yield from ask(chat(f"{row}"))
    return row


@pytest.fixture
def replay(tmp_path: Path) -> Iterator[Replay]:
    """A record that holds the answers to all rows but the second and the last two."""
    store, index = ObjectStore(tmp_path), MemoryIndex()
    engine = RecordedEngine(
        make_engine=lambda: FakeEngine(lambda _: "answer"), store=store, index=index, commit_rows=ROWS
    )
    engine.submit([chat(f"{row}") for row in range(ROWS - 2) if row != 1])
    engine.collect()
    with scratch_database() as database:
        yield Replay("evolve", ReplayOnly(store=store, index=index, asked=Seen(database, "asked")), requests_a_row=2)


def test_what_is_missing_is_counted_in_all_rows_and_ends_the_results(replay: Replay) -> None:
    assert list(replay.results(map(asking, range(ROWS)))) == [0]

    plan = replay.plan()
    assert (plan.rows, plan.complete, plan.at_most) == (ROWS, False, 2 * ROWS)
    assert [(model.recorded, model.missing) for model in plan.models] == [(ROWS - 3, 3)]


def test_results_come_while_the_rows_of_later_windows_have_not_begun(replay: Replay) -> None:
    rows = iter(range(2, ROWS - 2))
    results = replay.results(map(asking, rows))

    assert next(results) == 2
    assert next(rows) == 2 + WINDOW
    assert len(list(results)) == ROWS - 4 - 2
    assert replay.plan().complete
