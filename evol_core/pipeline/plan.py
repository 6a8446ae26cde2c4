"""What a run would do: replayed, asked of engines, unknown yet. Never starts an engine and publishes nothing."""

from dataclasses import dataclass
from typing import Any

from evol_core.errors import NotRecorded
from evol_core.lineage.generations import PostgresIndex
from evol_core.llm.plan import ModelPlan, ReplayOnly
from evol_core.llm.port import Program
from evol_core.pipeline.context import Build
from evol_core.runner import drive

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


def plan_stage(
    build: Build[Any], stage: str, programs: list[Program[Any]], results: list[Any], requests_a_row: int
) -> StagePlan:
    """Replay a stage's programs as far as the record goes; what they return is added to `results`."""
    engine = ReplayOnly(store=build.store, index=PostgresIndex(build.database, UNREAD))
    try:
        results.extend(drive(programs, engine, window=max(1, len(programs))))
        complete = True
    except NotRecorded:
        complete = False
    return StagePlan(
        stage=stage,
        rows=len(programs),
        complete=complete,
        at_most=requests_a_row * len(programs),
        models=tuple(engine.plans()),
    )


def unknown_stage(stage: str) -> StagePlan:
    """A stage whose rows an earlier one must make first."""
    return StagePlan(stage=stage, rows=None, complete=False, at_most=None)
