"""What a build by Evol-Instruct would do, as far as the record tells."""

from collections.abc import Iterator
from typing import Any

from evol_core.evolve.rounds import EvolveSetting, evolve_row
from evol_core.lineage.queries import seed_ordinals
from evol_core.llm.port import Program
from evol_core.pipeline.context import Build, Rounds
from evol_core.pipeline.instruct import evolve_setting, scoring, seeds_name
from evol_core.pipeline.plan import Plan, StagePlan, plan_stage, unknown_stage
from evol_core.recipe import InstructRecipe
from evol_core.records import Evolved, Pair, Status
from evol_core.score.metrics import row_metrics
from evol_core.score.rows import score_pair
from evol_core.seed import SeedBatch, read_seeds


def plan_instruct(build: Build[InstructRecipe]) -> Plan:
    """Replay the recipe as far as the record goes.

    Raises:
        SeedError: a source cannot be read.
    """
    with build.database.connect() as connection:
        previous = seed_ordinals(connection, seeds_name(build.recipe.name))
    return plan_batch(build, evolve_setting(build), read_seeds(build.recipe.seeds, previous))


def plan_batch(build: Build[Rounds], setting: EvolveSetting, batch: SeedBatch) -> Plan:
    """Replay the recipe's rounds and scores on these seeds."""
    evolved: list[list[Evolved]] = []
    rounds = [evolve_row(seed, setting) for seed in batch.seeds]
    evolve = plan_stage(
        build, "evolve", rounds, evolved, requests_a_row=(2 if setting.equality_judge is None else 3) * setting.rounds
    )
    score = _score(build, evolved) if evolve.complete else unknown_stage("score")
    return Plan(seeds=len(batch.seeds), refused=len(batch.refused), stages=(evolve, score))


def _score(build: Build[Rounds], evolved: list[list[Evolved]]) -> StagePlan:
    setting = scoring(build)
    metrics = build.recipe.score.metrics
    pairs = {pair.id: pair for pair in accepted_pairs(evolved)}
    programs: list[Program[Any]] = [score_pair(pair, metrics, setting) for pair in pairs.values()]
    return plan_stage(build, "score", programs, [], requests_a_row=len(row_metrics(metrics)))


def accepted_pairs(evolved: list[list[Evolved]]) -> Iterator[Pair]:
    for rounds in evolved:
        for row in rounds:
            if row.verdict.status is Status.ACCEPTED and row.child is not None and row.response is not None:
                yield Pair(instruction=row.child, response=row.response)
