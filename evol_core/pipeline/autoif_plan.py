"""What a build by AutoIF would do, as far as the record tells. Recorded checkers run in the sandbox, as in a build."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import Any

from evol_core.llm.port import Program
from evol_core.pipeline.autoif import (
    back_translate_of,
    described_fates,
    line_rows,
    reply_rows,
    sample_checkers_of,
)
from evol_core.pipeline.autoif_answers import judge_quality_of, response_row, sample_responses_of, tasks_of
from evol_core.pipeline.autoif_checks import checked_rows, examined_of, sampled_of, tables_of
from evol_core.pipeline.autoif_parts import asking_of, ranked_checkers, sandbox_of
from evol_core.pipeline.context import Build
from evol_core.pipeline.plan import Plan, StagePlan, plan_stage, unknown_stage
from evol_core.pipeline.seeds import seed_batch
from evol_core.recipe import AutoifRecipe, SeedSource
from evol_core.recipe.autoif import NLI_OFF
from evol_core.records import Status
from evol_core.verify.back_translation import MAX_CHECKERS, BackTranslated
from evol_core.verify.broken import answer_pool
from evol_core.verify.checkers import SampledCheckers
from evol_core.verify.queries import usable_queries
from evol_core.verify.responses import SampledResponse
from evol_core.verify.self_instruct import Proposed, propose_constraints
from evol_core.verify.tables import Row

STAGES = ("constraints", "checkers", "back_translate", "respond", "quality")
"""Those that ask models."""


def plan_autoif(build: Build[AutoifRecipe]) -> Plan:
    """Replay the recipe as far as the record goes; a stage that lacks an answer leaves the later ones unknown.

    Raises:
        SeedError: a source cannot be read.
        SandboxUnavailable: recorded checkers would have to run, and nothing isolates them here.
    """
    texts, n_refused = _texts(build, "constraints", build.recipe.seeds)
    known = list(_stages(build, texts))
    unknown = [unknown_stage(stage) for stage in STAGES[len(known) :]]
    return Plan(seeds=len(texts), refused=n_refused, stages=(*known, *unknown))


def _stages(build: Build[AutoifRecipe], seeds: Sequence[str]) -> Iterator[StagePlan]:
    """Stage by stage, up to the first that the record does not hold in full."""
    setting = build.recipe.constraints
    program = propose_constraints(seeds, setting.requests, asking_of(build, setting.model, setting.decoding))
    proposed: list[Proposed] = []
    yield plan_stage(build, "constraints", [program], proposed, requests_a_row=setting.requests)
    if not proposed:
        return
    lines = [row for row in line_rows(proposed[0], setting.limit) if row["ordinal"] is not None]
    sampled: list[SampledCheckers] = []
    programs = [sample_checkers_of(build, row["constraint"]) for row in lines]
    yield (stage := plan_stage(build, "checkers", programs, sampled, requests_a_row=build.recipe.checkers.samples))
    if stage.complete:
        yield from _after_checkers(build, *_crosschecked(build, lines, sampled))


Sources = dict[str, list[tuple[str, str]]]
"""Kept checkers of constraints, the best first: (checker_id, source) by constraint_id."""


def _crosschecked(
    build: Build[AutoifRecipe], lines: Sequence[Row], sampled: Sequence[SampledCheckers]
) -> tuple[list[Row], Sources]:
    """The fates of the constraints, and the checkers of those that are left."""
    replies = [row for line, one in zip(lines, sampled, strict=True) for row in reply_rows(line, one)]
    batch = list(sampled_of(replies, build.recipe.checkers.strict_expectations))
    answers = answer_pool((one.constraint, one.checkers) for one in batch)
    with sandbox_of(build) as sandbox:
        tables = tables_of(batch, examined_of(batch, answers, sandbox, build.recipe.crosscheck.policy))
    kept = [row for row in tables["fates"] if row["status"] == Status.ACCEPTED]
    return tables["fates"], ranked_checkers(tables["checkers"], kept)


def _after_checkers(build: Build[AutoifRecipe], fates: list[Row], sources: Sources) -> Iterator[StagePlan]:
    kept = [row for row in fates if row["status"] == Status.ACCEPTED]
    described: list[BackTranslated] = []
    stage = plan_stage(build, "back_translate", back_translate_of(build, kept, sources), described, requests_a_row=1)
    n_described = sum(min(len(found), MAX_CHECKERS) for found in sources.values())
    with_nli = build.recipe.back_translation.nli != NLI_OFF
    yield replace(stage, at_most=n_described * (2 if with_nli else 1))
    if stage.complete:
        yield from _after_descriptions(build, described_fates(build, fates, kept, described), sources)


def _after_descriptions(build: Build[AutoifRecipe], fates: list[Row], sources: Sources) -> Iterator[StagePlan]:
    setting = build.recipe.responses
    queries, _ = _texts(build, "queries", build.recipe.queries)
    tasks = list(tasks_of(fates, usable_queries(queries), setting.queries))
    answered: list[tuple[SampledResponse, ...]] = []
    programs = [sample_responses_of(build, task) for _, task in tasks]
    yield (stage := plan_stage(build, "respond", programs, answered, requests_a_row=setting.samples))
    if not stage.complete:
        return
    rows = [
        response_row(head | {"sample": sample, "ordinal": sample}, task, response)
        for (head, task), responses in zip(tasks, answered, strict=True)
        for sample, response in enumerate(responses)
    ]
    groups = [(key, list(of_one)) for key, of_one in groupby(rows, itemgetter("constraint_id"))]
    with sandbox_of(build) as sandbox:
        checked = [row for part in checked_rows(groups, sources, sandbox, setting.keep) for row in part]
    asked: list[Program[Any]] = [judge_quality_of(build, row) for row in checked if row["status"] == Status.ACCEPTED]
    yield plan_stage(build, "quality", asked, [], requests_a_row=1)


def _texts(build: Build[AutoifRecipe], which: str, sources: Sequence[SeedSource]) -> tuple[list[str], int]:
    """What a build would read, in its order, and how many entries it would refuse.

    An entry with an input is no constraint and no query.
    """
    name, field = f"{build.recipe.name}.{which}", "seeds" if which == "constraints" else which
    with seed_batch(build, name, sources, field) as batch:
        texts = [seed.instruction.text for seed in batch.seeds() if not seed.instruction.input]
        return texts, batch.n_refused
