"""What a build by AutoIF would do, as far as the record tells. Checkers run in no plan, so it ends before them."""

from typing import Any

from evol_core.llm.port import Program
from evol_core.pipeline.autoif import sample_checkers_of
from evol_core.pipeline.autoif_parts import asking_of
from evol_core.pipeline.context import Build
from evol_core.pipeline.plan import Plan, StagePlan, plan_stage, unknown_stage
from evol_core.recipe import AutoifRecipe
from evol_core.seed import read_seeds
from evol_core.verify.self_instruct import Proposed, propose_constraints

AFTER_CHECKS = ("back_translate", "respond", "quality")
"""Stages that depend on which checkers agree."""


def plan_autoif(build: Build[AutoifRecipe]) -> Plan:
    """Replay the recipe as far as the record goes.

    Raises:
        SeedError: a source cannot be read.
    """
    batch = read_seeds(build.recipe.seeds, {})
    seeds = [seed.instruction.text for seed in batch.seeds]
    setting = build.recipe.constraints
    program = propose_constraints(seeds, setting.requests, asking_of(build, setting.model, setting.decoding))
    proposed: list[Proposed] = []
    constraints = plan_stage(build, "constraints", [program], proposed, requests_a_row=setting.requests)
    checkers = _checkers(build, proposed[0]) if proposed else unknown_stage("checkers")
    later = tuple(unknown_stage(stage) for stage in AFTER_CHECKS)
    return Plan(seeds=len(seeds), refused=len(batch.refused), stages=(constraints, checkers, *later))


def _checkers(build: Build[AutoifRecipe], proposed: Proposed) -> StagePlan:
    constraints = proposed.constraints[: build.recipe.constraints.limit]
    programs: list[Program[Any]] = [sample_checkers_of(build, constraint.text) for constraint in constraints]
    return plan_stage(build, "checkers", programs, [], requests_a_row=build.recipe.checkers.samples)
