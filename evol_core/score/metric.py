"""What a metric is, and what it may ask while it scores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from evol_core.llm.port import Program
from evol_core.records import ModelRef, Pair, Score
from evol_core.requests import EXACT

T = TypeVar("T")

Role = Literal["judge", "scorer", "reward", "responder", "embedder"]
"""What a model does for metrics: judges, has its losses measured, prefers, says how sure it was, embeds."""

Asks = Literal["nothing"] | Role
"""Which model a metric needs."""

Better = Literal["higher", "lower", "neither"]

Mode = Literal["instruction", "instruction_input"]
"""Which text of a row is compared."""


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
    """A pair that is longer under the scorer's tokenizer gets no loss, and no confidence under the responder's."""

    dtypes: Mapping[Role, str] = field(default_factory=dict)
    """Of each model's weights and arithmetic, as its `dtype` in the recipe says; EXACT of one that is not in it."""

    reward: ModelRef | None = None
    """Prefers; None where no metric asks it."""

    responder: ModelRef | None = None
    """The model that wrote the responses; None where no metric asks it."""

    embedder: ModelRef | None = None
    """Turns texts into vectors; None where no metric asks it."""

    respond_prompt: str = "{instruction}"
    """What the responder was asked; `{instruction}` stands for the instruction with its input."""

    def model(self, role: Role) -> ModelRef:
        """
        Raises:
            ValueError: there is no model for this role; check the metrics before scoring.
        """
        model: ModelRef | None = getattr(self, role)
        if model is None:
            raise ValueError(f"no model is named as the {role}, and a metric asks it")
        return model

    def dtype(self, role: Role) -> str:
        return self.dtypes.get(role, EXACT)

    def identity(self, role: Role) -> dict[str, str]:
        """What of a model decides its answers: part of a score's revision. The exact dtype is not spelt out."""
        model, dtype = self.model(role), self.dtype(role)
        said = {"weights": model.revision, "tokenizer": model.tokenizer}
        return said if dtype == EXACT else {**said, "dtype": dtype}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One line of the table of metrics."""

    name: str
    unit: str
    """As a person writes it after the number; empty for a pure ratio."""

    better: Better
    subject: Literal["instruction", "response"]
    """Whose id a score carries: the instruction's, or that of the pair of instruction and response."""

    asks: Asks
    null: str
    """The reasons of a null; empty where there is none."""

    source: str
    score: Callable[[Pair, Scoring], Program[Score]]
    figure: float = 1.0
    """A set's figure is so many times the mean of its values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMetric:
    """One line of the table of metrics that score a row by the other rows of its set."""

    name: str
    unit: str
    better: Better
    mode: Mode
    null: str
    """The reasons of a null."""

    source: str
    read: Callable[[float, int], float]
    """The value, from the squared distance to the nearest other row and the number of rows nearer than 0.05."""

    subject: Literal["instruction", "response"] = "instruction"
    asks: Asks = "embedder"
    figure: float = 1.0
    """As of a Metric."""


def at_once(result: T) -> Program[T]:
    """A program that asks nobody."""
    yield from ()
    return result
