"""Runs a stage: thousands of row programs at once against one engine, results in the order of the rows.

A row goes on as soon as its own answers are there; nobody waits for the slowest row of a round. Memory depends
on how many rows are in flight, not on how many there are.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

import pyarrow as pa

from evol_core.llm.port import Engine, Program
from evol_core.records import Generation, RequestHash
from evol_core.requests import Request
from evol_core.schemas import to_table
from evol_core.store.objects import ObjectStore, StoredObject

T = TypeVar("T")

WINDOW = 1024
"""Rows that have begun and not ended; an engine's own batch is smaller, so it never runs dry."""

AHEAD = 4
"""Rows may be finished out of order by so many windows before new ones have to wait."""

BATCH_ROWS = 1024
"""Rows a table while a part is written."""

PART_ROWS = 65_536
"""Rows a Parquet object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a stage job is, for the heartbeat file, `evol status` and the log."""

    stage: str
    done: int
    total: int
    tokens_per_s: float = 0.0
    """Generated tokens a second since the stage began; 0 where all was replayed."""

    replayed: int = 0
    generated: int = 0


Report = Callable[[Progress], None]


@dataclass(eq=False)
class _Row(Generic[T]):
    """A program that waits for answers."""

    index: int
    program: Program[T]
    asked: tuple[RequestHash, ...] = ()
    answers: dict[RequestHash, Generation] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        return all(request_hash in self.answers for request_hash in self.asked)


class _Drive(Generic[T]):
    """The state of one `drive`: rows in flight, who waits for which answer, results not yet due."""

    def __init__(self, programs: Iterable[Program[T]], engine: Engine, window: int) -> None:
        self._programs = enumerate(programs)
        self._engine = engine
        self._window = window
        self._active = 0
        self._begun = 0
        self._due = 0
        self._results: dict[int, T] = {}
        self._waiting: dict[RequestHash, list[_Row[T]]] = {}
        self._to_submit: list[Request] = []

    def run(self) -> Iterator[T]:
        more = True
        while more or self._active:
            more = self._begin_rows() and more
            self._submit()
            if self._waiting:
                self._deliver(self._engine.collect())
            yield from self._in_order()

    def _begin_rows(self) -> bool:
        """Start rows while there is room; False when there are no more."""
        while self._active < self._window and self._begun - self._due < AHEAD * self._window:
            item = next(self._programs, None)
            if item is None:
                return False
            self._begun += 1
            self._active += 1
            self._step(_Row(*item), None)
        return True

    def _step(self, row: _Row[T], answers: tuple[Generation, ...] | None) -> None:
        """Let a row go on to its next question or its end."""
        try:
            requests = next(row.program) if answers is None else row.program.send(answers)
            while not requests:
                requests = row.program.send(())
        except StopIteration as stop:
            self._results[row.index] = stop.value
            self._active -= 1
            return
        row.asked = tuple(request.hash for request in requests)
        row.answers = {}
        for request in {request.hash: request for request in requests}.values():
            if request.hash not in self._waiting:
                self._waiting[request.hash] = []
                self._to_submit.append(request)
            self._waiting[request.hash].append(row)

    def _submit(self) -> None:
        if self._to_submit:
            self._engine.submit(self._to_submit)
            self._to_submit = []

    def _deliver(self, generations: list[Generation]) -> None:
        assert generations, "the engine has nothing in flight, yet rows wait for answers"
        for generation in generations:
            for row in self._waiting.pop(generation.request_hash):
                row.answers[generation.request_hash] = generation
                if row.ready:
                    self._step(row, tuple(row.answers[request_hash] for request_hash in row.asked))

    def _in_order(self) -> Iterator[T]:
        while self._due in self._results:
            yield self._results.pop(self._due)
            self._due += 1


def drive(programs: Iterable[Program[T]], engine: Engine, *, window: int = WINDOW) -> Iterator[T]:
    """Run row programs to their ends; yields their results in the order of the programs.

    Raises:
        EngineError: the engine is gone. What was recorded before stays recorded.
    """
    return _Drive(programs, engine, window).run()


def reported(
    results: Iterable[T],
    *,
    stage: str,
    total: int,
    report: Report,
    counts: Callable[[], tuple[int, int, int]],
    listen: Callable[[Callable[[], None]], None] = lambda tell: None,
    done: int = 0,
) -> Iterator[T]:
    """Pass results on and report at most once a second.

    Args:
        counts: tells replayed requests, generated ones, and tokens out.
        listen: is given what to call when more is recorded, so that there is news before the first row is done.
        done: rows that were finished before.
    """
    began = last = time.monotonic()
    tokens_before = counts()[2]

    def tell(done: int) -> None:
        replayed, generated, tokens = counts()
        seconds = max(time.monotonic() - began, 1e-9)
        report(
            Progress(
                stage=stage,
                done=done,
                total=total,
                tokens_per_s=(tokens - tokens_before) / seconds,
                replayed=replayed,
                generated=generated,
            )
        )

    def tell_at_times() -> None:
        nonlocal last
        if time.monotonic() - last >= 1.0:
            last = time.monotonic()
            tell(done)

    tell(done)
    listen(tell_at_times)
    for result in results:
        done += 1
        yield result
        tell_at_times()
    listen(lambda: None)
    tell(done)


def write_parts(store: ObjectStore, rows: Iterable[dict[str, Any]], schema: pa.Schema) -> list[StoredObject]:
    """Rows as content-addressed Parquet objects of PART_ROWS rows; at least one object, maybe of no row."""
    iterator = iter(rows)
    parts: list[StoredObject] = []
    ahead = deque(islice(iterator, 1))
    while ahead or not parts:
        part = _chain(ahead, islice(iterator, PART_ROWS - len(ahead)))
        parts.append(store.write(schema, _tables(part, schema)))
        ahead = deque(islice(iterator, 1))
    return parts


def _chain(ahead: deque[dict[str, Any]], rest: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    while ahead:
        yield ahead.popleft()
    yield from rest


def _tables(rows: Iterator[dict[str, Any]], schema: pa.Schema) -> Iterator[pa.Table]:
    while batch := list(islice(rows, BATCH_ROWS)):
        yield to_table(batch, schema)
