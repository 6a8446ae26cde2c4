"""Every flow: its stages in order, what is checked before them, and how it is planned.

A stage reads what earlier stages put out, does its part, and puts out object hashes and counts. Running a stage
again is harmless: models' answers come from the record, outputs are named by their content.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from evol_core.config import Settings
from evol_core.errors import RecipeError
from evol_core.pipeline.auto_evol import analyse_stage, auto_evolve_stage, auto_publish_stage, check_auto_evol
from evol_core.pipeline.auto_optimise import optimise_stage
from evol_core.pipeline.auto_plan import plan_auto_evol
from evol_core.pipeline.autoif import back_translate_stage, checkers_stage, constraints_stage, sources_stage
from evol_core.pipeline.autoif_answers import quality_stage, respond_stage
from evol_core.pipeline.autoif_checks import check_stage, crosscheck_stage
from evol_core.pipeline.autoif_parts import check_autoif
from evol_core.pipeline.autoif_plan import plan_autoif
from evol_core.pipeline.autoif_publish import publish_stage as publish_autoif
from evol_core.pipeline.check import check_models
from evol_core.pipeline.compare_arms import (
    analyse_arms_stage,
    check_compare_arms,
    compare_stage,
    evolve_arm,
    judge_stage,
    methods_stage,
    of_arm,
    publish_arm,
    shared_seed_stage,
)
from evol_core.pipeline.compare_arms_plan import plan_compare_arms
from evol_core.pipeline.context import Build, MakeEngine, Order, R
from evol_core.pipeline.evaluate import answers_stage, check_evaluate, lm_eval_stage, plan_evaluate
from evol_core.pipeline.housekeeping import (
    check_housekeeping,
    collect_stage,
    events_stage,
    iceberg_stage,
    ids_stage,
    plan_housekeeping,
    refresh_stage,
    verify_stage,
)
from evol_core.pipeline.instruct import check_instruct, evolve_stage, score_set_stage, score_stage
from evol_core.pipeline.instruct_plan import plan_instruct
from evol_core.pipeline.plan import Plan
from evol_core.pipeline.publishing import publish_stage
from evol_core.pipeline.rescore import (
    check_rescore,
    choose_stage,
    enter_stage,
    plan_rescore,
    score_version_set_stage,
    score_version_stage,
)
from evol_core.pipeline.seeds import seed_stage
from evol_core.pipeline.sft import check_sft, plan_sft, train_stage
from evol_core.recipe import (
    AutoEvolRecipe,
    AutoifRecipe,
    CompareArmsRecipe,
    EvaluateRecipe,
    HousekeepingRecipe,
    InstructRecipe,
    Recipe,
    RescoreRecipe,
    SftRecipe,
)
from evol_core.runner import Report

EVERYTHING = "all"
"""Instead of a stage's name: all of them, one after the other."""


@dataclass(frozen=True, kw_only=True)
class Flow(Generic[R]):
    """One way to make a version, or something of versions."""

    stages: Mapping[str, Callable[[Build[R]], dict[str, Any]]]
    """In their order. The output of the last one is what the flow has to say of itself."""

    check: Callable[[R, Settings], None]
    """Everything beside models that can be known to be wrong before an engine starts."""

    plan: Callable[[Build[R]], Plan]


EVOL_INSTRUCT: Flow[InstructRecipe] = Flow(
    stages={
        "seed": seed_stage,
        "evolve": evolve_stage,
        "score": score_stage,
        "score_set": score_set_stage,
        "publish": publish_stage,
    },
    check=check_instruct,
    plan=plan_instruct,
)

AUTOIF: Flow[AutoifRecipe] = Flow(
    stages={
        "sources": sources_stage,
        "constraints": constraints_stage,
        "checkers": checkers_stage,
        "crosscheck": crosscheck_stage,
        "back_translate": back_translate_stage,
        "respond": respond_stage,
        "check": check_stage,
        "quality": quality_stage,
        "publish": publish_autoif,
    },
    check=check_autoif,
    plan=plan_autoif,
)

AUTO_EVOL: Flow[AutoEvolRecipe] = Flow(
    stages={
        "seed": seed_stage,
        "optimise": optimise_stage,
        "evolve": auto_evolve_stage,
        "score": score_stage,
        "score_set": score_set_stage,
        "analyse": analyse_stage,
        "publish": auto_publish_stage,
    },
    check=check_auto_evol,
    plan=plan_auto_evol,
)
SFT: Flow[SftRecipe] = Flow(stages={"train": train_stage}, check=check_sft, plan=plan_sft)

EVALUATE: Flow[EvaluateRecipe] = Flow(
    stages={"lm_eval": lm_eval_stage, "check": answers_stage}, check=check_evaluate, plan=plan_evaluate
)

HOUSEKEEPING: Flow[HousekeepingRecipe] = Flow(
    stages={
        "refresh": refresh_stage,
        "events": events_stage,
        "iceberg": iceberg_stage,
        "ids": ids_stage,
        "verify": verify_stage,
        "collect": collect_stage,
    },
    check=check_housekeeping,
    plan=plan_housekeeping,
)

COMPARE_ARMS: Flow[CompareArmsRecipe] = Flow(
    stages={
        "seed": shared_seed_stage,
        "methods": methods_stage,
        "evolve_a": of_arm(evolve_arm, "a"),
        "evolve_b": of_arm(evolve_arm, "b"),
        "score_a": of_arm(score_stage, "a"),
        "score_b": of_arm(score_stage, "b"),
        "score_set_a": of_arm(score_set_stage, "a"),
        "score_set_b": of_arm(score_set_stage, "b"),
        "analyse": analyse_arms_stage,
        "judge": judge_stage,
        "publish_a": of_arm(publish_arm, "a"),
        "publish_b": of_arm(publish_arm, "b"),
        "compare": compare_stage,
    },
    check=check_compare_arms,
    plan=plan_compare_arms,
)

RESCORE: Flow[RescoreRecipe] = Flow(
    stages={
        "choose": choose_stage,
        "score": score_version_stage,
        "score_set": score_version_set_stage,
        "enter": enter_stage,
    },
    check=check_rescore,
    plan=plan_rescore,
)

FLOWS: Mapping[str, Flow[Any]] = {
    "auto_evol": AUTO_EVOL,
    "autoif": AUTOIF,
    "evaluate": EVALUATE,
    "evol_instruct": EVOL_INSTRUCT,
    "housekeeping": HOUSEKEEPING,
    "sft": SFT,
    "compare_arms": COMPARE_ARMS,
    "rescore": RESCORE,
}
"""By the names that recipes have for them (evol_core/recipe/reading.py)."""


def check_recipe(recipe: Recipe, settings: Settings) -> None:
    """Everything that can be known to be wrong before an engine starts.

    Raises:
        RecipeError: a part has no such name.
        SeedError: a seed file is missing or is not what the recipe says.
        ModelError: a model folder is missing, incomplete, or holds other weights than pinned.
    """
    FLOWS[recipe.flow].check(recipe, settings)
    check_models(recipe, settings)


def plan(build: Build[Any]) -> Plan:
    """What a run of the build's recipe would do; starts no engine, publishes nothing.

    Raises:
        SeedError: a source cannot be read.
    """
    return FLOWS[build.recipe.flow].plan(build)


def run(order: Order, settings: Settings, report: Report, make_engine: MakeEngine | None = None) -> dict[str, Any]:
    """Run the ordered stage, or all of them one after the other with the engines loaded once.

    Returns:
        The stage's output, of `all` the outputs by stage; under `requests` how many answers were replayed and
        generated, and what the engines did.

    Raises:
        EvolError: whatever the stage says.
    """
    stages = _stages(order)
    build = Build[Any](order, settings, report, make_engine)
    try:
        build.check_ready()
        outputs: dict[str, dict[str, Any]] = {}
        for name, stage in stages.items():
            outputs[name] = stage(build)
            build.put_output(name, outputs[name])
        requests = build.requests()
    finally:
        build.close()
    return {**(outputs if order.stage == EVERYTHING else outputs[order.stage]), "requests": requests}


def _stages(order: Order) -> Mapping[str, Callable[[Build[Any]], dict[str, Any]]]:
    if order.flow not in FLOWS:
        raise RecipeError(f"unknown flow {order.flow!r}; known: {sorted(FLOWS)}")
    stages = FLOWS[order.flow].stages
    if order.stage == EVERYTHING:
        return stages
    if order.stage not in stages:
        raise RecipeError(f"flow {order.flow!r} has no stage {order.stage!r}; stages: {list(stages)}, or all")
    return {order.stage: stages[order.stage]}
