"""What a build by Auto Evol-Instruct would do, and how many calls it can make at most, as far as the record tells."""

from typing import Any

from evol_core.evolve.auto.operator import with_method
from evol_core.evolve.auto.optimise import optimise
from evol_core.evolve.auto.trials import Optimisation, calls_at_most
from evol_core.evolve.rounds import evolve_row
from evol_core.lineage.queries import seed_ordinals
from evol_core.llm.port import Program
from evol_core.pipeline.auto_optimise import base_method, drawn_seeds, optimise_setting
from evol_core.pipeline.context import Build
from evol_core.pipeline.instruct import rounds_setting, scoring, seeds_name
from evol_core.pipeline.instruct_plan import accepted_pairs
from evol_core.pipeline.plan import Plan, StagePlan, plan_stage
from evol_core.recipe import AutoEvolRecipe
from evol_core.records import Evolved, Seed
from evol_core.score.rows import score_pair
from evol_core.seed import read_seeds


def plan_auto_evol(build: Build[AutoEvolRecipe]) -> Plan:
    """Replay the recipe as far as the record goes; every stage says how many calls it can make, known or not.

    Raises:
        SeedError: a source cannot be read.
    """
    with build.database.connect() as connection:
        previous = seed_ordinals(connection, seeds_name(build.recipe.name))
    batch = read_seeds(build.recipe.seeds, previous)
    seeds = sorted(batch.seeds, key=lambda seed: seed.ordinal)
    optimised: list[Optimisation] = []
    first = _optimise(build, seeds, optimised)
    evolved: list[list[Evolved]] = []
    second = _evolve(build, seeds, optimised, evolved)
    third = _score(build, len(seeds), evolved if second.complete else None)
    analyse = _analyse(build, len(seeds))
    return Plan(seeds=len(seeds), refused=len(batch.refused), stages=(first, second, third, *analyse))


def _optimise(build: Build[AutoEvolRecipe], seeds: list[Seed], found: list[Optimisation]) -> StagePlan:
    setting = optimise_setting(build, len(seeds), base_method(build.recipe, build.settings))
    development, pool = drawn_seeds(build.recipe, seeds)
    at_most = calls_at_most(setting, len(development))
    return plan_stage(build, "optimise", [optimise(setting, pool, development)], found, requests_a_row=at_most)


def _evolve(
    build: Build[AutoEvolRecipe], seeds: list[Seed], optimised: list[Optimisation], found: list[list[Evolved]]
) -> StagePlan:
    a_row = 2 * build.recipe.evolve.rounds
    if not optimised or optimised[0].best.method is None:
        return _unknown("evolve", a_row * len(seeds))
    setting = with_method(rounds_setting(build, {}), optimised[0].best.method, build.recipe.evolve.reply)
    return plan_stage(build, "evolve", [evolve_row(seed, setting) for seed in seeds], found, requests_a_row=a_row)


def _score(build: Build[AutoEvolRecipe], n_seeds: int, evolved: list[list[Evolved]] | None) -> StagePlan:
    metrics = build.recipe.score.metrics
    if evolved is None:
        return _unknown("score", n_seeds * build.recipe.evolve.rounds * len(metrics))
    setting = scoring(build)
    pairs = {pair.id: pair for pair in accepted_pairs(evolved)}
    programs: list[Program[Any]] = [score_pair(pair, metrics, setting) for pair in pairs.values()]
    return plan_stage(build, "score", programs, [], requests_a_row=len(metrics))


def _analyse(build: Build[AutoEvolRecipe], n_seeds: int) -> tuple[StagePlan, ...]:
    """Only where a model names the listed ways."""
    asked = n_seeds * build.recipe.evolve.rounds
    return (_unknown("analyse", asked),) if build.recipe.analyse.model and asked else ()


def _unknown(stage: str, at_most: int) -> StagePlan:
    """A stage whose rows an earlier one must make first; how many calls it can make is known all the same."""
    return StagePlan(stage=stage, rows=None, complete=not at_most, at_most=at_most)
