"""Rows run at once, end in any order, and come out in their own."""

import random
from collections.abc import Callable, Iterator, Sequence

import pytest

from evol_core.errors import EngineError
from evol_core.llm.port import Program, ask, together
from evol_core.records import Generation, ModelRef
from evol_core.requests import Decoding, GenerateRequest, Message, Request
from evol_core.runner import Progress, drive, reported

MODEL = ModelRef(name="m", revision="r", tokenizer="t")


def request(text: str) -> GenerateRequest:
    return GenerateRequest(model=MODEL, messages=(Message("user", text),), decoding=Decoding(), seed=0)


class Shuffled:
    """Answers one request at a time, any of those in flight, with its text in capitals."""

    name = "shuffled"

    def __init__(self, seed: int = 0, fail_after: int | None = None) -> None:
        self.random = random.Random(seed)
        self.in_flight: list[Request] = []
        self.asked: list[str] = []
        self.most_in_flight = 0
        self.fail_after = fail_after

    def submit(self, requests: Sequence[Request]) -> None:
        self.in_flight += requests
        self.asked += [text(r) for r in requests]
        self.most_in_flight = max(self.most_in_flight, len(self.in_flight))

    def collect(self) -> list[Generation]:
        if self.fail_after == 0:
            raise EngineError("gone")
        if self.fail_after is not None:
            self.fail_after -= 1
        if not self.in_flight:
            return []
        chosen = self.in_flight.pop(self.random.randrange(len(self.in_flight)))
        return [Generation(request_hash=chosen.hash, text=text(chosen).upper(), finish_reason="stop", engine=self.name)]

    def close(self) -> None:
        pass


def text(request: Request) -> str:
    assert isinstance(request, GenerateRequest)
    return request.messages[0].content


def conversation(name: str, turns: int) -> Program[str]:
    heard = []
    for turn in range(turns):
        generation = yield from ask(request(f"{name}{turn}"))
        heard.append(generation.text)
    return " ".join(heard)


def test_results_come_in_the_order_of_the_rows() -> None:
    programs = (conversation(name, turns) for name, turns in [("a", 3), ("b", 1), ("c", 0), ("d", 2)])

    assert list(drive(programs, Shuffled())) == ["A0 A1 A2", "B0", "", "D0 D1"]


@pytest.mark.parametrize("window", [1, 2, 7, 100])
def test_no_window_changes_a_result(window: int) -> None:
    programs = [conversation(f"r{i}.", i % 4) for i in range(50)]

    results = list(drive(programs, Shuffled(seed=window), window=window))

    assert results == [" ".join(f"R{i}.{turn}" for turn in range(i % 4)) for i in range(50)]


def test_never_more_rows_in_flight_than_the_window() -> None:
    engine = Shuffled()

    list(drive((conversation(f"r{i}.", 2) for i in range(40)), engine, window=5))

    assert engine.most_in_flight == 5


def test_rows_begin_only_a_few_windows_ahead_of_the_slowest() -> None:
    begun = 0

    def rows() -> Iterator[Program[str]]:
        nonlocal begun
        for i in range(1000):
            begun += 1
            yield conversation(f"r{i}.", 0 if i else 1)

    class Late(Shuffled):
        def collect(self) -> list[Generation]:
            assert begun <= 4 * 5
            return super().collect()

    assert len(list(drive(rows(), Late(), window=5))) == 1000


def test_two_rows_that_ask_the_same_ask_once() -> None:
    engine = Shuffled()

    assert list(drive([conversation("same", 2) for _ in range(3)], engine)) == ["SAME0 SAME1"] * 3
    assert engine.asked == ["same0", "same1"]


def test_programs_run_together_keep_their_own_answers() -> None:
    programs = [together([conversation("x", 3), conversation("y", 1), conversation("x", 1)])]

    assert list(drive(programs, Shuffled())) == [["X0 X1 X2", "Y0", "X0"]]


def test_a_lost_engine_ends_the_drive() -> None:
    with pytest.raises(EngineError):
        list(drive((conversation(f"r{i}.", 2) for i in range(10)), Shuffled(fail_after=7), window=3))


def test_progress_is_told_at_the_start_and_at_the_end() -> None:
    told: list[Progress] = []

    list(reported(iter("abc"), stage="evolve", total=3, report=told.append, counts=lambda: (2, 1, 30)))

    assert [(progress.done, progress.total) for progress in told] == [(0, 3), (3, 3)]
    assert (told[-1].replayed, told[-1].generated) == (2, 1)


def test_rows_that_were_done_before_count_as_done() -> None:
    told: list[Progress] = []

    list(reported(iter("c"), stage="evolve", total=3, report=told.append, counts=lambda: (2, 1, 30), done=2))

    assert [(progress.done, progress.total) for progress in told] == [(2, 3), (3, 3)]


def test_there_is_news_before_the_first_row_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of many rounds end late; what was recorded for them is told meanwhile."""
    now = [0.0]
    monkeypatch.setattr("evol_core.runner.time.monotonic", lambda: now[0])
    told: list[Progress] = []
    listeners: list[Callable[[], None]] = []

    def rows() -> Iterator[str]:
        now[0] = 2.0
        listeners[0]()
        yield "a"

    def counts() -> tuple[int, int, int]:
        return 0, 5 if now[0] else 0, 50

    list(reported(rows(), stage="evolve", total=1, report=told.append, counts=counts, listen=listeners.append))

    assert [(progress.done, progress.generated) for progress in told] == [(0, 0), (0, 5), (1, 5)]
