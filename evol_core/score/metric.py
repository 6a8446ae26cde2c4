"""What a metric is, and what it may ask while it scores."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from evol_core.llm.port import Program
from evol_core.records import ModelRef, Pair, Score

T = TypeVar("T")

Asks = Literal["nothing", "judge", "scorer"]
"""Which model a metric needs: none, one that is given a prompt, or one whose losses are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """The models and settings that metrics may use."""

    judge: ModelRef
    """Answers the prompts of judged metrics."""

    scorer: ModelRef
    """The base model whose losses are measured: the one that will be trained on the data."""

    form: Literal["plain", "chat"]
    """How the scorer reads a pair; part of the identity of every metric made of losses."""

    max_tokens: int
    """A pair that is longer under the scorer's tokenizer gets no loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One line of the table of metrics."""

    name: str
    unit: str
    """As a person writes it after the number; empty for a pure ratio."""

    better: Literal["higher", "lower", "neither"]
    subject: Literal["instruction", "response"]
    """Whose id a score carries: the instruction's, or that of the pair of instruction and response."""

    asks: Asks
    score: Callable[[Pair, Scoring], Program[Score]]


def at_once(result: T) -> Program[T]:
    """A program that asks nobody."""
    yield from ()
    return result
