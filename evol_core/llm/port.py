"""What an engine is, and how a row talks to one.

A row's work is a *program*: a Python generator that yields the requests it needs next and is sent their
generations, in the same order. So a row is written from top to bottom, however many models it asks, and the
runner keeps thousands of rows in flight at once, each going on as soon as its own answer is there.

    def evolve_once(parent: Instruction) -> Program[Evolved]:
        reply = yield from ask(GenerateRequest(...))
        return Evolved(...)
"""

from collections.abc import Generator, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from evol_core.records import Generation
from evol_core.requests import Request

T = TypeVar("T")

Program = Generator[tuple[Request, ...], tuple[Generation, ...], T]
"""Yields requests, is sent one generation a request in the same order, returns the row's result."""


def ask(request: Request) -> Program[Generation]:
    """One request, one generation."""
    (generation,) = yield (request,)
    return generation


def together(programs: Sequence[Program[T]]) -> Program[list[T]]:
    """Several programs as one: each step asks what all unfinished ones ask, so none waits for its turn."""
    results: dict[int, T] = {}
    asked: dict[int, tuple[Request, ...]] = {}

    def step(index: int, answers: tuple[Generation, ...] | None) -> None:
        try:
            asked[index] = programs[index].send(answers) if answers is not None else next(programs[index])
        except StopIteration as stop:
            asked.pop(index, None)
            results[index] = stop.value

    for index in range(len(programs)):
        step(index, None)
    while asked:
        answers = iter((yield tuple(request for requests in asked.values() for request in requests)))
        for index, requests in list(asked.items()):
            step(index, tuple(next(answers) for _ in requests))
    return [results[index] for index in range(len(programs))]


class Engine(Protocol):
    """Answers requests of one model. Streaming and free of order: answers are joined by request hash."""

    @property
    def name(self) -> str:
        """The engine and its version, for the record."""

    def submit(self, requests: Sequence[Request]) -> None:
        """Take requests in; returns at once. A request that can never be served is answered as an error."""

    def collect(self) -> list[Generation]:
        """At least one finished generation, as soon as there is one; [] where nothing is in flight.

        Raises:
            EngineError: the engine is gone; requests in flight are lost, nothing else is.
        """

    def close(self) -> None:
        """End the engine and all of its processes; safe to call twice."""


@runtime_checkable
class PollingEngine(Engine, Protocol):
    """An engine that can be waited for with a limit, so that what is finished is not kept from its row."""

    def poll(self, seconds: float) -> list[Generation]:
        """What has finished, waiting at most about so long for the first; [] where nothing has.

        Raises:
            EngineError: as in `collect`.
        """
