"""The stages of a comparison: one seed version, two arms built from it alike, verdicts, statistics and figures.

An arm is a build of Evol-Instruct like any other, or one of Auto Evol-Instruct with its method given. What the arms
share is decided once: the seed version with its ordinals, and every random seed, which depends on parent, operator and
round, not on the model that is asked.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any, cast

import sqlalchemy as sa

from evol_core.compare.comparison import plain_summary
from evol_core.compare.material import Material
from evol_core.compare.paired import PairedMetric
from evol_core.config import Settings
from evol_core.evolve.operator import Operator
from evol_core.evolve.operators import unknown_operators
from evol_core.judge.pairwise import Judged, Judging, Match, judge_match
from evol_core.lineage.comparisons import ComparedArm, put_comparison
from evol_core.lineage.versions import resolve
from evol_core.llm.record import RecordedEngine
from evol_core.pipeline.auto_evol import analyse_stage, auto_evolve_stage, auto_publish_stage
from evol_core.pipeline.auto_optimise import base_method, optimise_stage
from evol_core.pipeline.baseline import read_baseline, write_baseline
from evol_core.pipeline.check import check_names
from evol_core.pipeline.comparing import arm_of, comparison_folder, examples_of, read_rows, seed_texts
from evol_core.pipeline.context import Build
from evol_core.pipeline.evolving import evolving_of
from evol_core.pipeline.gather import Gathered, Row
from evol_core.pipeline.instruct import evolve_stage
from evol_core.pipeline.publishing import publish_stage
from evol_core.pipeline.scoring import check_scores
from evol_core.pipeline.seeds import seed_stage
from evol_core.recipe import ARMS, ArmName, AutoEvolRecipe, CompareArmsRecipe, RoundsRecipe
from evol_core.records import Instruction, ModelRef, Status
from evol_core.runner import drive, reported, write_parts
from evol_core.schemas import VERDICTS
from evol_core.seed import check_sources
from evol_core.store.objects import StoredObject

ArmStage = Callable[[Build[Any]], dict[str, Any]]
"""A stage of the flow that the arm is a build of."""

ANY_ORDER = """\
Rewrite the instruction below so that it is harder, and still clear, reasonable and answerable. \
Return the new instruction only.

Instruction: {parent}
"""
"""What a judge is told that evolvers were asked, where the arms were asked in different words."""


def check_compare_arms(recipe: CompareArmsRecipe, settings: Settings) -> None:
    """What the recipe names must be there.

    Raises:
        RecipeError: an operator or a metric has no such name.
        NotFound: nobody recorded the method that an arm names.
        SeedError: a seed file is missing or is not what the recipe says.
    """
    check_names("evolve.operators", unknown_operators(recipe.evolve.operators))
    check_scores(recipe.score)
    check_sources(recipe.seeds)
    for arm in arms_with_method(recipe):
        built = recipe.arm(arm)
        assert isinstance(built, AutoEvolRecipe)
        base_method(built, settings)


def arms_with_method(recipe: CompareArmsRecipe) -> list[ArmName]:
    """Those that Auto Evol-Instruct builds."""
    return [arm for arm in ARMS if recipe.arms.method(arm)]


SHARED = {"optimise": "methods", "analyse": "analyse"}
"""Stages of Auto Evol-Instruct that are one stage for both arms, with what each arm's puts out under its letter."""


class ArmBuild(Build[RoundsRecipe]):
    """One arm of a comparison, as the stages of its own flow see a build; all that it opens is the comparison's."""

    def __init__(self, whole: Build[CompareArmsRecipe], arm: ArmName, shard: int | None = None) -> None:
        """`shard` instead of the ordered one."""
        shard = whole.order.shard if shard is None else shard
        order = replace(whole.order, recipe=whole.recipe.arm(arm), shard=shard)
        super().__init__(order, whole.settings, whole.report)
        self._whole = whole
        self._arm = arm

    @cached_property
    def database(self) -> sa.Engine:
        return self._whole.database

    @cached_property
    def models(self) -> dict[str, ModelRef]:
        return {name: self._whole.models[name] for name in self.recipe.models}

    @cached_property
    def engine(self) -> RecordedEngine:
        return self._whole.engine

    def outputs(self, stage: str) -> list[dict[str, Any]]:
        if stage in SHARED:
            (output,) = self._whole.outputs(SHARED[stage])
            found: list[dict[str, Any]] = output[self._arm]
            return found
        return self._whole.outputs(stage if stage == "seed" else stage_of(stage, self._arm))


def stage_of(stage: str, arm: ArmName) -> str:
    """The name of an arm's own stage."""
    return f"{stage}_{arm}"


def of_arm(stage: ArmStage, arm: ArmName) -> Callable[[Build[CompareArmsRecipe]], dict[str, Any]]:
    """A stage of an arm's own flow as a stage of the comparison."""
    return lambda build: stage(ArmBuild(build, arm))


def evolve_arm(build: Build[Any]) -> dict[str, Any]:
    """Evolve by the method where the arm has one, else by the operators."""
    return auto_evolve_stage(build) if isinstance(build.recipe, AutoEvolRecipe) else evolve_stage(build)


def publish_arm(build: Build[Any]) -> dict[str, Any]:
    """Publish the arm, with its trajectories where it has a method."""
    return auto_publish_stage(build) if isinstance(build.recipe, AutoEvolRecipe) else publish_stage(build)


def shared_seed_stage(build: Build[CompareArmsRecipe]) -> dict[str, Any]:
    """Read the sources and publish them as the seed version that both arms have as their parent."""
    return seed_stage(cast("Build[RoundsRecipe]", build))


def methods_stage(build: Build[CompareArmsRecipe]) -> dict[str, Any]:
    """Fix the evolving method of each arm that has one, and record it; asks no model."""
    return {arm: [optimise_stage(cast("Build[Any]", ArmBuild(build, arm)))] for arm in arms_with_method(build.recipe)}


def analyse_arms_stage(build: Build[CompareArmsRecipe]) -> dict[str, Any]:
    """A phrase for every way that an arm's evolver listed, of all shards; nothing of arms that operators evolved."""
    return {
        arm: [
            analyse_stage(cast("Build[Any]", ArmBuild(build, arm, shard)))
            for shard in range(len(build.outputs(stage_of("evolve", arm))))
        ]
        for arm in arms_with_method(build.recipe)
    }


def judge_stage(build: Build[CompareArmsRecipe]) -> dict[str, Any]:
    """Have a judge compare the two arms' children, wherever both arms accepted one of the same parent.

    The query is the operator's prompt for the parent, word for word what both evolvers were asked, and where they were
    asked in different words, what all of these ask for; the children are the two answers. The seeds' own difficulty is
    asked here too, where the recipe has a metric of it.
    """
    recipe = build.recipe
    judging = Judging(
        model=build.models[recipe.judge.model],
        decoding=recipe.judge.decoding.decoding(),
        recipe_seed=recipe.seed,
    )
    n_pairs = sum(1 for _ in comparable_rows(build))
    operators = evolving_of(ArmBuild(build, "a")).operators
    programs = (judge_match(_match(a, b, operators), judging) for a, b in comparable_rows(build))
    judged = reported(
        drive(programs, build.engine), stage="judge", total=n_pairs, report=build.report, counts=build.counts
    )
    rows = (_verdict_row(a, b, word) for (a, b), word in zip(comparable_rows(build), judged, strict=True))
    parts = write_parts(build.store, rows, VERDICTS)
    return {
        "parts": [part.sha256 for part in parts],
        "objects": [asdict(part) for part in parts],
        "pairs": n_pairs,
        "baseline": write_baseline(build),
    }


def compare_stage(build: Build[CompareArmsRecipe]) -> dict[str, Any]:
    """Statistics, figures and a report of both published arms; the same versions give the same files."""
    from evol_core.compare.folder import REPORT, write_comparison  # brings matplotlib, which only this stage needs

    recipe = build.recipe
    with build.database.connect() as connection:
        versions = [resolve(connection, _spec(build, arm), published_only=False) for arm in ARMS]
    labels = [arm_label(recipe, arm) for arm in ARMS]
    (judged,), (seeds,) = build.outputs("judge"), build.outputs("seed")
    material = Material(
        arms=tuple(arm_of(version, label, build.store) for version, label in zip(versions, labels, strict=True)),
        verdicts=tuple(read_rows(build.store, judged["parts"])),
        seeds=read_baseline(build.store, judged["baseline"]),
        resamples=recipe.compare.resamples,
        seed=recipe.seed,
    )
    folder = comparison_folder(build.settings.home, recipe.name, [version.spec for version in versions])
    examples = examples_of(material, seed_texts(build.store, seeds["parts"]), recipe.seed)
    comparison = write_comparison(folder, material, examples)
    a, b = (ComparedArm(label=label, version=version) for label, version in zip(labels, versions, strict=True))
    with build.database.begin() as connection:
        put_comparison(
            connection,
            name=recipe.name,
            attempt_id=build.order.attempt_id,
            arms=(a, b),
            verdicts=[(StoredObject(**one), build.store.read(one["sha256"])) for one in judged["objects"]],
            metrics=[_metric_row(one) for one in comparison.metrics],
        )
    states = {f"state_{arm}": version.state for arm, version in zip(ARMS, versions, strict=True)}
    return {**plain_summary(comparison), **states, "report": str(folder / REPORT)}


def _metric_row(one: PairedMetric) -> dict[str, Any]:
    kept = ("metric", "round", "n", "mean_a", "mean_b", "a_higher", "b_higher", "sign_p")
    difference = one.difference or (None, None, None)
    return {name: getattr(one, name) for name in kept} | dict(
        zip(("difference", "low", "high"), difference, strict=True)
    )


def _spec(build: Build[CompareArmsRecipe], arm: ArmName) -> str:
    (published,) = build.outputs(stage_of("publish", arm))
    return f"{published['name']}@{published['version']}"


def arm_label(recipe: CompareArmsRecipe, arm: ArmName) -> str:
    """What figures call an arm: the name and the folder of its evolver, and its method where there is one."""
    name, method = recipe.arms.model(arm), recipe.arms.method(arm)
    folder = recipe.models[name].path.rstrip("/").rpartition("/")[2]
    model = name if name == folder else f"{name} ({folder})"
    if method or recipe.arms.share_model:
        return f"{model} by {method or 'operators'}"
    return model


def comparable_rows(build: Build[CompareArmsRecipe]) -> Iterator[tuple[Row, Row]]:
    """Rows that both arms accepted, as children of one parent."""
    for a, b in paired_rows(build):
        if a["status"] == b["status"] == Status.ACCEPTED and a["parent_id"] == b["parent_id"]:
            yield a, b


def paired_rows(build: Build[CompareArmsRecipe]) -> Iterator[tuple[Row, Row]]:
    """Every (ordinal, round) as it ended in arm A and in arm B, refused rows too.

    Raises:
        AssertionError: the arms did not go through the same seeds in the same order.
    """
    for a, b in zip(_attempts(build, "a"), _attempts(build, "b"), strict=True):
        assert (a["ordinal"], a["round"], a["seed_id"]) == (b["ordinal"], b["round"], b["seed_id"])
        yield a, b


def _attempts(build: Build[CompareArmsRecipe], arm: ArmName) -> Iterator[Row]:
    evolved = build.outputs(stage_of("evolve", arm))
    return Gathered(build.store, evolved=evolved, scored=(), metrics=()).attempts()


def _match(a: Row, b: Row, operators: Mapping[str, Operator]) -> Match:
    parent = Instruction(text=a["parent_instruction"], input=a["parent_input"])
    same = a["operator"] == b["operator"]
    return Match(
        id=f"{a['seed_id']}/{a['round']}",
        query=operators[a["operator"]].prompt(parent) if same else ANY_ORDER.format(parent=parent.prompt),
        a=Instruction(text=a["instruction"], input=a["input"]).prompt,
        b=Instruction(text=b["instruction"], input=b["input"]).prompt,
    )


def _verdict_row(a: Row, b: Row, word: Judged) -> Row:
    return {
        "ordinal": a["ordinal"],
        "round": a["round"],
        "seed_id": a["seed_id"],
        "parent_id": a["parent_id"],
        "a_id": a["instruction_id"],
        "b_id": b["instruction_id"],
        "verdict": word.verdict.value,
        "kind": word.kind.value,
        "first": word.first.value,
        "swapped": word.swapped.value,
        "reason": word.reason,
        "first_text": word.first_text,
        "swapped_text": word.swapped_text,
        "first_hash": word.first_hash,
        "swapped_hash": word.swapped_hash,
        "words_a": word.words_a,
        "words_b": word.words_b,
    }
