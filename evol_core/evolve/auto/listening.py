"""A program overheard: its result, with every answer that it was given."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from evol_core.llm.port import Program
from evol_core.records import Generation, RequestHash

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of asking models, whether they answered now or the record did."""

    calls: int = 0
    n_prompt_tokens: int = 0
    n_tokens: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            calls=self.calls + other.calls,
            n_prompt_tokens=self.n_prompt_tokens + other.n_prompt_tokens,
            n_tokens=self.n_tokens + other.n_tokens,
        )


def cost_of(generations: Iterable[Generation]) -> Cost:
    total = Cost()
    for one in generations:
        total += Cost(calls=1, n_prompt_tokens=one.n_prompt_tokens, n_tokens=one.n_tokens)
    return total


@dataclass(frozen=True, kw_only=True)
class Heard(Generic[T]):
    """A program's result and what models said on the way."""

    result: T
    answers: Mapping[RequestHash, Generation]
    """One a request; what was asked twice stands once."""

    @property
    def cost(self) -> Cost:
        return cost_of(self.answers.values())


def listening(program: Program[T]) -> Program[Heard[T]]:
    """The same program, overheard."""
    answers: dict[RequestHash, Generation] = {}
    try:
        requests = next(program)
        while True:
            heard = yield requests
            answers.update((generation.request_hash, generation) for generation in heard)
            requests = program.send(heard)
    except StopIteration as stop:
        return Heard(result=stop.value, answers=answers)
