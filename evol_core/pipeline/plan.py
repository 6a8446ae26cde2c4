"""What a run would do: replayed, asked of engines, unknown yet. Never starts an engine and publishes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evol_core.errors import NotRecorded
from evol_core.evolve.rounds import evolve_row
from evol_core.lineage.generations import PostgresIndex
from evol_core.lineage.queries import seed_ordinals
from evol_core.llm.plan import ModelPlan, ReplayOnly
from evol_core.llm.port import Program
from evol_core.pipeline.context import Build
from evol_core.pipeline.instruct import evolve_setting, scoring, seeds_name
from evol_core.records import Evolved, Pair, Status
from evol_core.runner import drive
from evol_core.score.rows import score_pair
from evol_core.seed import read_seeds

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


def plan_build(build: Build) -> Plan:
    """Replay the recipe as far as the record goes.

    Raises:
        SeedError: a source cannot be read.
    """
    with build.database.connect() as connection:
        previous = seed_ordinals(connection, seeds_name(build.recipe.name))
    batch = read_seeds(build.recipe.seeds, previous)
    setting = evolve_setting(build)
    evolved: list[list[Evolved]] = []
    rounds = [evolve_row(seed, setting) for seed in batch.seeds]
    evolve = _stage(build, "evolve", rounds, evolved, requests_a_row=2 * setting.rounds)
    score = _score(build, evolved) if evolve.complete else _unknown("score")
    return Plan(seeds=len(batch.seeds), refused=len(batch.refused), stages=(evolve, score))


def _stage(
    build: Build, stage: str, programs: list[Program[Any]], results: list[Any], requests_a_row: int
) -> StagePlan:
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


def _score(build: Build, evolved: list[list[Evolved]]) -> StagePlan:
    setting = scoring(build)
    metrics = build.recipe.score.metrics
    pairs = {pair.id: pair for pair in _accepted(evolved)}
    programs: list[Program[Any]] = [score_pair(pair, metrics, setting) for pair in pairs.values()]
    return _stage(build, "score", programs, [], requests_a_row=len(metrics))


def _accepted(evolved: list[list[Evolved]]) -> Iterator[Pair]:
    for rounds in evolved:
        for row in rounds:
            if row.verdict.status is Status.ACCEPTED and row.child is not None and row.response is not None:
                yield Pair(instruction=row.child, response=row.response)


def _unknown(stage: str) -> StagePlan:
    return StagePlan(stage=stage, rows=None, complete=False, at_most=None)
