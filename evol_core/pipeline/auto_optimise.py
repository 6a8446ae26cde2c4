"""The stage that optimises an evolving method: from which method, on which seeds, within which budget."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from evol_core.config import Settings
from evol_core.errors import RecipeError
from evol_core.evolve.auto.method import BASE, Method, method_problem
from evol_core.evolve.auto.optimise import drawn, optimise
from evol_core.evolve.auto.tables import TRIALS, trial_row
from evol_core.evolve.auto.trials import Optimisation, OptimiseSetting, Stop, calls_to_begin
from evol_core.lineage.database import connect
from evol_core.lineage.load_auto import OptimisationRow, find_method, load_optimisation
from evol_core.pipeline.context import Build
from evol_core.pipeline.instruct import every_seed, rounds_setting
from evol_core.recipe import AutoEvolRecipe, DecodingConfig
from evol_core.records import Seed, content_hash
from evol_core.runner import drive, write_parts

BASE_NAME = "base"
"""Of the method that the project brings."""

STOPPED = {
    Stop.NO_FAILURES: "the method fails nowhere on the development set",
    Stop.NO_IMPROVEMENT: "no candidate of the last step fails less than the best method so far",
    Stop.NO_CANDIDATE: "the optimiser returned no method in the last step; the best method so far is kept",
    Stop.STEP_LIMIT: "all steps of the recipe were taken",
    Stop.BUDGET: "another step could make more calls than max_calls leaves",
    Stop.UNFINISHED: "more steps are to come",
}
"""Why a loop ended, for a person."""


def optimise_stage(build: Build[AutoEvolRecipe]) -> dict[str, Any]:
    """Optimise the recipe's method: all steps, or up to the ordered one. What earlier steps asked is replayed."""
    (output,) = build.outputs("seed")
    setting = optimise_setting(build, output["seeds"], base_method(build.recipe, build.settings))
    development, pool = drawn_seeds(build.recipe, every_seed(build))
    up_to = None if build.order.shards == 1 else build.order.shard + 1
    program = optimise(setting, pool, development, up_to=up_to)
    (found,) = build.told("optimise", 1, drive([program], build.engine))
    parts = write_parts(build.store, _trial_rows(found), TRIALS)
    _record(build, setting, (development, pool), found)
    best = found.best
    assert best.method is not None
    return {
        "parts": [part.sha256 for part in parts],
        "method": f"{build.recipe.name}@{best.method.hash[:12]}",
        "text": best.method.text,
        "failure_rate": best.failure_rate,
        "steps": max(trial.step for trial in found.trials),
        "calls": found.cost.calls,
        "stop": found.stop.value,
        "stopped": STOPPED[found.stop],
    }


def _trial_rows(found: Optimisation) -> list[dict[str, Any]]:
    return [trial_row(trial, is_winner=trial in found.winners) for trial in found.trials]


def _record(
    build: Build[AutoEvolRecipe],
    setting: OptimiseSetting,
    seeds: tuple[Sequence[Seed], Sequence[Seed]],
    found: Optimisation,
) -> None:
    row = OptimisationRow(
        hash=_identity(setting, seeds),
        dataset=build.recipe.name,
        evolver=setting.evolve.evolver,
        optimiser=setting.optimiser,
        stop=found.stop.value,
        cost=asdict(found.cost),
        trials=_trial_rows(found),
        attempt_id=build.order.attempt_id,
    )
    with build.database.begin() as connection:
        load_optimisation(connection, row)


def _identity(setting: OptimiseSetting, seeds: tuple[Sequence[Seed], Sequence[Seed]]) -> str:
    """Of a loop, but for how far it may go: taken further it stays the same loop."""
    question = setting.evolve.answer(seeds[0][0].instruction) if seeds[0] else None
    return content_hash(
        {
            "base": setting.base.hash,
            "form": setting.form,
            "evolver": asdict(setting.evolve.evolver),
            "evolve_decoding": asdict(setting.evolve.decoding),
            "acceptance": setting.evolve.acceptance.model_dump(mode="json"),
            "keep_truncated": setting.evolve.keep_truncated,
            "answer": question.hash if question else "",
            "optimiser": asdict(setting.optimiser),
            "decoding": asdict(setting.decoding),
            "counts": [setting.batch, setting.stages, setting.candidates],
            "seed": setting.recipe_seed,
            "seeds": [[seed.instruction.id for seed in part] for part in seeds],
        }
    )


def drawn_seeds(recipe: AutoEvolRecipe, seeds: Iterable[Seed]) -> tuple[list[Seed], list[Seed]]:
    """Development set and pool."""
    sizes = recipe.optimise
    return drawn(seeds, sample=sizes.sample, development=sizes.development, recipe_seed=recipe.seed)


def optimise_setting(build: Build[AutoEvolRecipe], n_seeds: int, base: Method) -> OptimiseSetting:
    recipe, said = build.recipe, build.recipe.optimise
    greedy = DecodingConfig(temperature=0.0, top_p=1.0, max_tokens=recipe.evolve.decoding.max_tokens)
    return OptimiseSetting(
        base=base,
        form=recipe.evolve.reply,
        evolve=replace(rounds_setting(build, {}), decoding=greedy.decoding(), rounds=1),
        optimiser=build.models[said.optimiser],
        decoding=said.decoding.decoding(),
        steps=said.steps,
        batch=said.batch,
        stages=said.stages,
        candidates=said.candidates,
        max_calls=calls_left(recipe, n_seeds),
        recipe_seed=recipe.seed,
    )


def calls_left(recipe: AutoEvolRecipe, n_seeds: int) -> int | None:
    """What the recipe's budget leaves for optimising; None where there is no limit."""
    return None if recipe.max_calls is None else recipe.max_calls - other_calls(recipe, n_seeds)


def other_calls(recipe: AutoEvolRecipe, n_seeds: int) -> int:
    """Calls of all other stages, at most: an evolution, an answer, a request a metric, a list of phrases a row."""
    a_row = 2 + len(recipe.score.metrics) + bool(recipe.analyse.model)
    return n_seeds * recipe.evolve.rounds * a_row


def check_optimise(recipe: AutoEvolRecipe, n_seeds: int) -> None:
    """Sizes and budget must allow what the recipe asks for.

    Raises:
        RecipeError: it names the field, what it holds, and what is there.
    """
    said = recipe.optimise
    if said.steps and said.development + said.batch > min(n_seeds, said.sample):
        raise RecipeError(
            f"optimise.development: {said.development} rows, and optimise.batch of {said.batch} apart from them, "
            f"do not fit in {n_seeds} seeds (optimise.sample takes {said.sample} at most); make them smaller, "
            "or bring more seeds"
        )
    left = calls_left(recipe, n_seeds)
    if left is None:
        return
    needed = 0
    if said.steps:
        a_step = said.batch * said.stages + said.candidates * (2 + 2 * said.development)
        needed = calls_to_begin(said.development) + a_step
    if left < needed:
        raise RecipeError(
            f"max_calls: {recipe.max_calls} is too small: evolving, scoring and analysing {n_seeds} seeds can take "
            f"{other_calls(recipe, n_seeds)} calls, measuring the first method and one step of optimising {needed}; "
            f"give at least {other_calls(recipe, n_seeds) + needed}, or make the numbers smaller"
        )


def base_method(recipe: AutoEvolRecipe, settings: Settings) -> Method:
    """The method that the recipe names or brings.

    Raises:
        RecipeError: its text is no method.
        NotFound: nobody recorded such a method.
    """
    if recipe.evolve.method_text:
        wrong = method_problem(recipe.evolve.method_text)
        if wrong:
            raise RecipeError(f"evolve.method_text: is no method: {wrong}")
        return Method(text=recipe.evolve.method_text)
    if recipe.evolve.method == BASE_NAME:
        return BASE
    name, _, digits = recipe.evolve.method.partition("@")
    engine = connect(settings.database_url)
    try:
        with engine.connect() as connection:
            return Method(text=find_method(connection, name, digits))
    finally:
        engine.dispose()
