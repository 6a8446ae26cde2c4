"""What a comparison would do, as far as the record tells."""

from dataclasses import replace
from typing import Any

from evol_core.evolve.rounds import EvolveSetting
from evol_core.pipeline.auto_evol import method_setting
from evol_core.pipeline.auto_optimise import base_method
from evol_core.pipeline.compare_arms import ArmBuild, arms_with_method, stage_of
from evol_core.pipeline.context import Build
from evol_core.pipeline.instruct import evolve_setting
from evol_core.pipeline.instruct_plan import plan_batch
from evol_core.pipeline.plan import Plan, StagePlan, unknown_stage
from evol_core.pipeline.seeds import seed_batch, seeds_name
from evol_core.recipe import ARMS, ArmName, AutoEvolRecipe, CompareArmsRecipe
from evol_core.seed import SeedBatch


def plan_compare_arms(build: Build[CompareArmsRecipe]) -> Plan:
    """Replay both arms as far as the record goes; what is judged, the arms must make first.

    Raises:
        SeedError: a source cannot be read.
    """
    with seed_batch(build, seeds_name(build.recipe.name), build.recipe.seeds) as batch:
        stages = [stage for arm in ARMS for stage in _arm_stages(build, arm, batch)]
    if build.recipe.analyse.model and arms_with_method(build.recipe):
        stages.append(unknown_stage("analyse"))
    return Plan(seeds=batch.n_seeds, refused=batch.n_refused, stages=(*stages, unknown_stage("judge")))


def _arm_stages(build: Build[CompareArmsRecipe], arm: ArmName, batch: SeedBatch) -> list[StagePlan]:
    arm_build = ArmBuild(build, arm)
    plan = plan_batch(arm_build, _setting(arm_build), batch)
    return [replace(stage, stage=stage_of(stage.stage, arm)) for stage in plan.stages]


def _setting(build: Build[Any]) -> EvolveSetting:
    if isinstance(build.recipe, AutoEvolRecipe):
        return method_setting(build, base_method(build.recipe, build.settings))
    return evolve_setting(build)
