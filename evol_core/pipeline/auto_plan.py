"""What a build by Auto Evol-Instruct would do, and how many calls it can make at most, as far as the record tells."""

from evol_core.evolve.auto.operator import with_method
from evol_core.evolve.auto.optimise import optimise
from evol_core.evolve.auto.trials import Optimisation, calls_at_most
from evol_core.pipeline.auto_optimise import base_method, drawn_seeds, optimise_setting
from evol_core.pipeline.context import Build
from evol_core.pipeline.instruct import rounds_setting
from evol_core.pipeline.instruct_plan import plan_rounds
from evol_core.pipeline.plan import Plan, StagePlan, plan_stage
from evol_core.pipeline.seeds import seed_batch, seeds_name
from evol_core.recipe import AutoEvolRecipe
from evol_core.seed import SeedBatch


def plan_auto_evol(build: Build[AutoEvolRecipe]) -> Plan:
    """Replay the recipe as far as the record goes; every stage says how many calls it can make, known or not.

    Raises:
        SeedError: a source cannot be read.
    """
    with seed_batch(build, seeds_name(build.recipe.name), build.recipe.seeds) as batch:
        optimised: list[Optimisation] = []
        first = _optimise(build, batch, optimised)
        second, third = _rounds(build, batch, optimised)
        analyse = _analyse(build, batch.n_seeds)
        return Plan(seeds=batch.n_seeds, refused=batch.n_refused, stages=(first, second, third, *analyse))


def _optimise(build: Build[AutoEvolRecipe], batch: SeedBatch, found: list[Optimisation]) -> StagePlan:
    setting = optimise_setting(build, batch.n_seeds, base_method(build.recipe, build.settings))
    development, pool = drawn_seeds(build.recipe, batch.seeds())
    at_most = calls_at_most(setting, len(development))
    return plan_stage(build, "optimise", [optimise(setting, pool, development)], found, requests_a_row=at_most)


def _rounds(
    build: Build[AutoEvolRecipe], batch: SeedBatch, optimised: list[Optimisation]
) -> tuple[StagePlan, StagePlan]:
    rounds, metrics = build.recipe.evolve.rounds, build.recipe.score.metrics
    score = _unknown("score", batch.n_seeds * rounds * len(metrics))
    if not optimised or optimised[0].best.method is None:
        return _unknown("evolve", 2 * rounds * batch.n_seeds), score
    setting = with_method(rounds_setting(build, {}), optimised[0].best.method, build.recipe.evolve.reply)
    evolve, known = plan_rounds(build, setting, batch.seeds(), evolve_a_row=2 * rounds, score_a_row=len(metrics))
    return evolve, known or score


def _analyse(build: Build[AutoEvolRecipe], n_seeds: int) -> tuple[StagePlan, ...]:
    """Only where a model names the listed ways."""
    asked = n_seeds * build.recipe.evolve.rounds
    return (_unknown("analyse", asked),) if build.recipe.analyse.model and asked else ()


def _unknown(stage: str, at_most: int) -> StagePlan:
    """A stage whose rows an earlier one must make first; how many calls it can make is known all the same."""
    return StagePlan(stage=stage, rows=None, complete=not at_most, at_most=at_most)
