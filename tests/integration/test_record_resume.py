"""The record on a real database: two attempts at once, and a resume of many rows."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from evol_core.lineage.generations import PostgresIndex
from evol_core.llm.fake import FakeEngine
from evol_core.llm.record import RecordedEngine
from evol_core.records import Generation, ModelRef, RequestHash
from evol_core.requests import Decoding, GenerateRequest, Message, Request
from evol_core.store.objects import ObjectStore
from tests.integration.lineage_rows import new_attempt

pytestmark = pytest.mark.postgres

MODEL = ModelRef(name="small", revision="r" * 64, tokenizer="t" * 64)
N_ROWS = 10_000
BATCH = 2_000


def chats(n_rows: int) -> list[Request]:
    story = "One day a baker counted her loaves. " * 20
    return [
        GenerateRequest(model=MODEL, messages=(Message("user", f"{story}{row}"),), decoding=Decoding(), seed=row)
        for row in range(n_rows)
    ]


def never() -> FakeEngine:
    raise AssertionError("no engine may be started here")


def all_answers(engine: RecordedEngine, requests: list[Request]) -> dict[RequestHash, Generation]:
    found: dict[RequestHash, Generation] = {}
    for first in range(0, len(requests), BATCH):
        engine.submit(requests[first : first + BATCH])
        while generations := engine.collect():
            found.update((generation.request_hash, generation) for generation in generations)
    return found


@pytest.mark.slow
def test_ten_thousand_recorded_rows_are_answered_without_an_engine(database: sa.Engine, tmp_path: Path) -> None:
    def engine_of(attempt: int, answer: str | None) -> RecordedEngine:
        make = never if answer is None else lambda: FakeEngine(lambda _: answer)
        index = PostgresIndex(database, attempt)
        return RecordedEngine(make_engine=make, store=ObjectStore(tmp_path), index=index)

    asked = all_answers(engine_of(new_attempt(database), "a loaf " * 200), chats(N_ROWS))
    resumed = engine_of(new_attempt(database), None)
    requests = chats(N_ROWS)

    assert all_answers(resumed, requests) == asked
    assert resumed.counts.replayed == N_ROWS


def test_two_attempts_at_once_end_with_the_same_answers(database: sa.Engine, tmp_path: Path) -> None:
    requests = chats(200)
    found: dict[str, dict[RequestHash, Generation]] = {}

    def attempt(name: str, number: int) -> None:
        engine = RecordedEngine(
            make_engine=lambda: FakeEngine(lambda _: name, seed=number),
            store=ObjectStore(tmp_path),
            index=PostgresIndex(database, number),
            commit_rows=7,
        )
        found[name] = all_answers(engine, requests)

    threads = [threading.Thread(target=attempt, args=(name, new_attempt(database))) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found["first"]) == len(requests)
    assert found["first"] == found["second"]
