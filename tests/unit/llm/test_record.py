"""The record of model outputs: recorded once, replayed for ever, handed out only when safe."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from evol_core.errors import EngineError, ObjectDamaged
from evol_core.llm.fake import FakeEngine
from evol_core.llm.record import MemoryIndex, Record, RecordedEngine
from evol_core.records import Generation, Losses, ModelRef, RequestHash
from evol_core.requests import Decoding, GenerateRequest, LossRequest, Message, Request
from evol_core.store.objects import ObjectStore, Place, StoredObject

MODEL = ModelRef(name="small", revision="r" * 64, tokenizer="t" * 64)


def chat(text: str) -> GenerateRequest:
    return GenerateRequest(model=MODEL, messages=(Message("user", text),), decoding=Decoding(max_tokens=8), seed=7)


def echo(request: Request) -> str | Losses:
    assert isinstance(request, GenerateRequest)
    return request.messages[-1].content.upper()


def never() -> FakeEngine:
    raise AssertionError("no engine may be started here")


def answers(engine: RecordedEngine, requests: list[Request]) -> dict[RequestHash, Generation]:
    """Ask all, collect until nothing is in flight."""
    engine.submit(requests)
    found: dict[RequestHash, Generation] = {}
    while generations := engine.collect():
        found.update((generation.request_hash, generation) for generation in generations)
    return found


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class SlowEngine(FakeEngine):
    """Needs `seconds` an answer, and can be waited for with a limit."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__(echo)
        self._clock = clock
        self._seconds = seconds
        self._since = clock.now

    def collect(self) -> list[Generation]:
        self._clock.now = max(self._clock.now, self._since + self._seconds)
        self._since = self._clock.now
        return super().collect()

    def poll(self, seconds: float) -> list[Generation]:
        if self._clock.now + seconds < self._since + self._seconds:
            self._clock.now += seconds
            return []
        return self.collect()


def test_what_is_recorded_is_replayed_without_an_engine(store: ObjectStore) -> None:
    index = MemoryIndex()
    requests: list[Request] = [chat(f"question {i}") for i in range(5)]
    first = RecordedEngine(make_engine=lambda: FakeEngine(echo), store=store, index=index)
    asked = answers(first, requests)

    again = RecordedEngine(make_engine=never, store=store, index=index)

    assert answers(again, requests) == asked
    assert (again.counts.replayed, again.counts.generated, again.counts.engine_started) == (5, 0, False)
    assert (first.counts.replayed, first.counts.generated, first.counts.engine_started) == (0, 5, True)
    assert first.counts.tokens == 10


def test_only_what_is_missing_is_asked(store: ObjectStore) -> None:
    index = MemoryIndex()
    answers(RecordedEngine(make_engine=lambda: FakeEngine(echo), store=store, index=index), [chat("a")])
    fake = FakeEngine(echo)

    found = answers(RecordedEngine(make_engine=lambda: fake, store=store, index=index), [chat("a"), chat("b")])

    assert fake.submitted == [chat("b")]
    assert {generation.text for generation in found.values()} == {"A", "B"}


def test_losses_come_back_from_the_record_as_they_went_in(store: ObjectStore) -> None:
    losses = Losses(
        question=None, given=1.5, alone=2.25, n_question=0, n_answer=9, n_alone=9, reason="the question is empty"
    )
    request = LossRequest(model=MODEL, instruction="", response="an answer")
    index = MemoryIndex()

    def engine(make: Callable[[], FakeEngine]) -> RecordedEngine:
        return RecordedEngine(make_engine=make, store=store, index=index)

    asked = answers(engine(lambda: FakeEngine(lambda _: losses)), [request])
    assert asked[request.hash].losses == losses
    assert answers(engine(never), [request]) == asked


def test_a_request_in_flight_is_asked_once_and_answered_to_each_who_asked(store: ObjectStore) -> None:
    fake = FakeEngine(echo)
    engine = RecordedEngine(make_engine=lambda: fake, store=store, index=MemoryIndex())

    engine.submit([chat("a"), chat("a")])
    engine.submit([chat("a")])

    assert [generation.text for generation in engine.collect()] == ["A", "A", "A"]
    assert fake.submitted == [chat("a")]
    assert engine.collect() == []
    assert engine.counts.generated == 1


def test_requests_that_begin_alike_are_asked_side_by_side(store: ObjectStore) -> None:
    fake = FakeEngine(echo)
    engine = RecordedEngine(make_engine=lambda: fake, store=store, index=MemoryIndex())

    engine.submit([chat("rewrite: x"), chat("judge: x"), chat("rewrite: y"), chat("judge: y")])

    assert fake.submitted == [chat("judge: x"), chat("judge: y"), chat("rewrite: x"), chat("rewrite: y")]


def test_an_answer_is_handed_out_only_after_it_is_committed(store: ObjectStore) -> None:
    index = MemoryIndex()
    engine = RecordedEngine(make_engine=lambda: FakeEngine(echo), store=store, index=index, commit_rows=2)
    requests = [chat(f"{i}") for i in range(5)]
    engine.submit(requests)

    sizes = []
    while generations := engine.collect():
        hashes = [generation.request_hash for generation in generations]
        assert index.find(hashes).keys() == set(hashes)
        sizes.append(len(generations))

    assert sizes == [2, 2, 1]


def test_what_is_finished_waits_no_longer_than_the_commit_interval(store: ObjectStore) -> None:
    clock = Clock()
    slow = SlowEngine(clock, seconds=5.0)
    engine = RecordedEngine(make_engine=lambda: slow, store=store, index=MemoryIndex(), commit_seconds=2.0, clock=clock)
    engine.submit([chat("a"), chat("b")])

    assert len(engine.collect()) == 1
    assert clock.now == 7.0


def test_an_engine_failure_commits_what_was_finished_and_a_retry_asks_the_rest(store: ObjectStore) -> None:
    index = MemoryIndex()
    requests: list[Request] = [chat(f"{i}") for i in range(6)]
    failing = RecordedEngine(make_engine=lambda: FakeEngine(echo, fail_after=4), store=store, index=index)
    failing.submit(requests)

    with pytest.raises(EngineError, match="failed after 4 answers"):
        failing.collect()
    retry = RecordedEngine(make_engine=lambda: FakeEngine(echo), store=store, index=index)

    assert len(answers(retry, requests)) == 6
    assert (retry.counts.replayed, retry.counts.generated) == (4, 2)


def test_an_engine_that_loses_requests_is_an_engine_failure(store: ObjectStore) -> None:
    class Forgetful(FakeEngine):
        def collect(self) -> list[Generation]:
            return []

    engine = RecordedEngine(make_engine=lambda: Forgetful(echo), store=store, index=MemoryIndex())
    engine.submit([chat("a"), chat("b")])

    with pytest.raises(EngineError, match="fake 1 lost 2 requests; run the job again"):
        engine.collect()


def test_close_commits_what_is_finished_and_ends_the_engine(store: ObjectStore) -> None:
    fake = FakeEngine(echo)
    index = MemoryIndex()
    engine = RecordedEngine(make_engine=lambda: fake, store=store, index=index, commit_rows=1)
    engine.submit([chat("a"), chat("b")])
    (first,) = engine.collect()

    engine.close()
    engine.close()

    assert fake.closed
    assert first.request_hash in index.find([first.request_hash])


def test_an_interrupt_loses_nothing_that_was_finished(store: ObjectStore) -> None:
    class Interrupted(FakeEngine):
        def collect(self) -> list[Generation]:
            if len(self._in_flight) == 1:
                raise KeyboardInterrupt
            return super().collect()

    index = MemoryIndex()
    requests = [chat("a"), chat("b")]
    engine = RecordedEngine(make_engine=lambda: Interrupted(echo), store=store, index=index)
    engine.submit(requests)
    with pytest.raises(KeyboardInterrupt):
        engine.collect()

    engine.close()

    assert Record(store=store, index=index).count(requests) == 1


class LateIndex(MemoryIndex):
    """Another attempt commits between our look-up and our commit."""

    def __init__(self, other: Callable[[], None]) -> None:
        super().__init__()
        self._other: Callable[[], None] | None = other

    def register(self, stored: StoredObject, table: pa.Table) -> dict[RequestHash, Place]:
        other, self._other = self._other, None
        if other is not None:
            other()
        return super().register(stored, table)


def test_of_two_attempts_the_first_committed_answer_is_the_answer_of_both(store: ObjectStore) -> None:
    def first_attempt() -> None:
        answers(
            RecordedEngine(make_engine=lambda: FakeEngine(lambda _: "first"), store=store, index=index), [chat("a")]
        )

    index = LateIndex(first_attempt)
    second = RecordedEngine(make_engine=lambda: FakeEngine(lambda _: "second"), store=store, index=index)

    found = answers(second, [chat("a"), chat("b")])

    assert [found[chat(text).hash].text for text in "ab"] == ["first", "second"]


def test_an_index_that_leads_to_another_request_is_named_damaged(store: ObjectStore) -> None:
    index = MemoryIndex()
    record = Record(store=store, index=index)
    generation = Generation(request_hash=chat("a").hash, finish_reason="stop", engine="fake 1")
    record.commit([(chat("a"), generation)])
    (place,) = index.find([chat("a").hash]).values()

    class Wrong(MemoryIndex):
        def find(self, hashes: object) -> dict[RequestHash, Place]:
            return {chat("b").hash: place}

    with pytest.raises(ObjectDamaged, match=r"row 0 of object .* rebuild the index from the objects"):
        Record(store=store, index=Wrong()).find([chat("b")])


def test_a_request_that_can_never_be_served_is_recorded_as_such(store: ObjectStore) -> None:
    class Refusing(FakeEngine):
        def _answer(self, request: Request) -> Generation:
            return Generation(request_hash=request.hash, finish_reason="error", error="too long", engine=self.name)

    index = MemoryIndex()
    answers(RecordedEngine(make_engine=lambda: Refusing(echo), store=store, index=index), [chat("a")])

    (again,) = answers(RecordedEngine(make_engine=never, store=store, index=index), [chat("a")]).values()

    assert (again.finish_reason, again.error) == ("error", "too long")


def test_a_request_that_holds_no_proper_text_is_recorded_too(store: ObjectStore) -> None:
    broken = chat("half a pair: \ud83d")
    index = MemoryIndex()
    engine = RecordedEngine(make_engine=lambda: FakeEngine(lambda _: "?"), store=store, index=index)

    assert answers(engine, [broken]).keys() == {broken.hash}
    (place,) = index.find([broken.hash]).values()
    assert json.loads(store.read(place.sha256)["request"][0].as_py())["messages"] == [["user", "half a pair: \ud83d"]]


def test_replay_keeps_few_objects_in_memory_and_still_finds_all(store: ObjectStore) -> None:
    index = MemoryIndex()
    requests: list[Request] = [chat(f"{i}") for i in range(9)]
    answers(RecordedEngine(make_engine=lambda: FakeEngine(echo), store=store, index=index, commit_rows=2), requests)
    record = Record(store=store, index=index, cached_objects=1)

    assert record.find(requests).keys() == {request.hash for request in requests}
    assert record.count([*requests, chat("new")]) == 9


def test_an_answer_that_was_recorded_before_a_column_came_is_still_the_answer(store: ObjectStore) -> None:
    index, request = MemoryIndex(), chat("hi")
    answers(RecordedEngine(make_engine=lambda: FakeEngine(echo), store=store, index=index), [request])
    (place,) = index.find([request.hash]).values()
    old = store.read(place.sha256).drop_columns(["measure_reason", "vector", "top1", "entropy", "reward"])
    older_index = MemoryIndex()
    older_index.register(store.put(old), old)

    found = Record(store=store, index=older_index).find([request])

    assert found[request.hash].text == "HI"
    assert found[request.hash].measured is None
