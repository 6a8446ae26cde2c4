"""What an optimisation is set to do, what it may cost, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from evol_core.evolve.auto.listening import Cost
from evol_core.evolve.auto.method import Method
from evol_core.evolve.auto.operator import Form
from evol_core.evolve.rounds import EvolveSetting
from evol_core.records import ModelRef
from evol_core.requests import Decoding


@dataclass(frozen=True, kw_only=True)
class OptimiseSetting:
    """All that decides an optimisation beside its seeds."""

    base: Method
    form: Form
    evolve: EvolveSetting
    """How the development set is evolved: model, decoding (greedy), rules, answers. Its operators are not used."""

    optimiser: ModelRef
    decoding: Decoding
    """The optimiser's."""

    steps: int
    batch: int
    """Rows of a step's mini-batch."""

    stages: int
    """Times that each row of the mini-batch is evolved, one upon the other."""

    candidates: int
    max_calls: int | None
    """Requests that the whole loop may make; None sets no limit."""

    recipe_seed: int


def calls_to_begin(n_development: int) -> int:
    """Calls of measuring the first method, at most: an evolution and an answer a row."""
    return 2 * n_development


def calls_a_step(setting: OptimiseSetting, n_development: int) -> int:
    """Calls of one step, at most."""
    return setting.batch * setting.stages + setting.candidates * (2 + 2 * n_development)


def calls_at_most(setting: OptimiseSetting, n_development: int) -> int:
    """Calls that the whole loop can make: all of its steps, or those that the budget lets begin."""
    begin, step = calls_to_begin(n_development), calls_a_step(setting, n_development)
    if not setting.steps:
        return 0
    if setting.max_calls is None:
        return begin + setting.steps * step
    return begin + min(setting.steps, max(0, setting.max_calls - begin) // step) * step


class Stop(StrEnum):
    """Why a loop ended."""

    NO_FAILURES = "no_failures"
    """The best method fails nowhere on the development set: there is nothing to improve."""
    NO_IMPROVEMENT = "no_improvement"
    NO_CANDIDATE = "no_candidate"
    """The optimiser returned no method in any of its tries."""
    STEP_LIMIT = "step_limit"
    UNFINISHED = "unfinished"
    """More steps are to come."""
    BUDGET = "budget"
    """Another step could have made more calls than are left."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One try to have a better method: what came back, and how often it fails."""

    step: int
    """From 1; 0 is the method that the loop began with."""

    candidate: int
    """From 0."""

    method: Method | None
    """None where none came back; the reason says why."""

    parent: Method | None
    """What it was to improve; None at step 0."""

    reason: str = ""
    """Why it was not measured; empty where it was."""

    n_rows: int = 0
    """Of the development set; 0 where it was not measured."""

    failures: Mapping[str, int]
    """Failed rows by the rule that they broke, F rules and acceptance rules."""

    cost: Cost
    """Of the optimiser's two answers and of measuring; the mini-batch is its step's, not a candidate's."""

    @property
    def n_failed(self) -> int:
        return sum(self.failures.values())

    @property
    def failure_rate(self) -> float | None:
        """Share of failed rows, in [0, 1]; None where nothing was measured."""
        return self.n_failed / self.n_rows if self.n_rows else None


@dataclass(frozen=True, kw_only=True)
class Optimisation:
    """A loop's whole course."""

    trials: tuple[Trial, ...]
    winners: tuple[Trial, ...]
    """The base method's trial, then each step's winner that was better than the one before."""

    stop: Stop
    cost: Cost
    """Of all calls, mini-batches too."""

    @property
    def best(self) -> Trial:
        return self.winners[-1]
