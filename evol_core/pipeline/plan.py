"""What a run would do: replayed, asked of engines, unknown yet. Never starts an engine and publishes nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from evol_core.errors import NotRecorded
from evol_core.lineage.generations import PostgresIndex
from evol_core.llm.plan import ModelPlan, ReplayOnly
from evol_core.llm.port import Program
from evol_core.pipeline.context import Build
from evol_core.runner import WINDOW, drive
from evol_core.store.scratch import Seen, scratch_database

T = TypeVar("T")

UNREAD = 0
"""An attempt id for an index that is only asked, never entered into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan:
    """One stage's requests, as far as the record tells."""

    stage: str
    rows: int | None
    """None where an earlier stage must run first."""

    complete: bool
    """Whether all of it is recorded, so that no engine is needed."""

    at_most: int | None
    """Requests that the stage can make at most; rounds after a missing answer cannot be known."""

    models: tuple[ModelPlan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A recipe against the record."""

    seeds: int
    refused: int
    stages: tuple[StagePlan, ...]

    @property
    def needs_engine(self) -> bool:
        return not all(stage.complete for stage in self.stages)


class Replay:
    """A stage's programs, replayed some at a time as far as the record goes."""

    def __init__(self, stage: str, engine: ReplayOnly, *, requests_a_row: int) -> None:
        self._stage = stage
        self._engine = engine
        self._requests_a_row = requests_a_row
        self._rows = 0
        self._complete = True

    def results(self, programs: Iterable[Program[T]]) -> Iterator[T]:
        """What programs return, up to one that asks what is not recorded; those after it are replayed all the same."""
        waiting = iter(programs)
        while some := list(islice(waiting, WINDOW)):
            self._rows += len(some)
            try:
                for result in drive(some, self._engine, window=WINDOW):
                    if self._complete:
                        yield result
            except NotRecorded:
                self._complete = False

    def plan(self) -> StagePlan:
        """Of what was replayed so far."""
        return StagePlan(
            stage=self._stage,
            rows=self._rows,
            complete=self._complete,
            at_most=self._requests_a_row * self._rows,
            models=tuple(self._engine.plans()),
        )


def replay_only(build: Build[Any], asked: Seen) -> ReplayOnly:
    """An engine over a build's record; `asked` as for ReplayOnly."""
    return ReplayOnly(store=build.store, index=PostgresIndex(build.database, UNREAD), asked=asked)


def plan_stage(
    build: Build[Any], stage: str, programs: Iterable[Program[T]], results: list[T], requests_a_row: int
) -> StagePlan:
    """Replay a stage's programs as far as the record goes; what they return is added to `results`."""
    with scratch_database() as database:
        replay = Replay(stage, replay_only(build, Seen(database, "asked")), requests_a_row=requests_a_row)
        results.extend(replay.results(programs))
        return replay.plan()


def unknown_stage(stage: str) -> StagePlan:
    """A stage whose rows an earlier one must make first."""
    return StagePlan(stage=stage, rows=None, complete=False, at_most=None)
