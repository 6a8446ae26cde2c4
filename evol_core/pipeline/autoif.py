"""The stages of AutoIF from seeds to constraints whose checkers hold: all but the runs of checkers themselves."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice

from evol_core.llm.port import Program
from evol_core.pipeline.autoif_parts import (
    Output,
    asking_of,
    checkers_of,
    counted,
    in_parts,
    put,
    read_rows,
    sandbox_of,
    seed_texts,
)
from evol_core.pipeline.context import Build
from evol_core.pipeline.instruct import shard_bounds
from evol_core.pipeline.pieces import Tables, made_in_pieces
from evol_core.pipeline.seeds import seed_version
from evol_core.recipe import AutoifRecipe
from evol_core.recipe.autoif import NLI_ENGINE, NLI_OFF
from evol_core.records import Instruction, Status
from evol_core.runner import drive, write_parts
from evol_core.verify.asking import Asking
from evol_core.verify.back_translation import BackTranslated, back_translate
from evol_core.verify.checkers import ENGINE_ERROR, SCHEMA, SampledCheckers, sample_checkers
from evol_core.verify.nli import Nli, classifier_nli, prompted_nli
from evol_core.verify.self_instruct import Proposed, propose_constraints
from evol_core.verify.tables import BACK_TRANSLATIONS, FATES, LINES, REPLIES, Row

OVER_LIMIT = "over_limit"
"""The reason of a constraint that the recipe's `constraints.limit` leaves out."""


def sources_stage(build: Build[AutoifRecipe]) -> Output:
    """Publish the seed constraints and the queries as seed versions; prove the sandbox before any model is asked."""
    with sandbox_of(build) as sandbox:
        layers = list(sandbox.walls.layers)
    name = build.recipe.name
    return {
        "layers": layers,
        "constraints": seed_version(build, f"{name}.constraints", build.recipe.seeds),
        "queries": seed_version(build, f"{name}.queries", build.recipe.queries, "queries"),
    }


def constraints_stage(build: Build[AutoifRecipe]) -> Output:
    """Have the seed constraints multiplied; every seed, proposed line and failed request is a row."""
    setting = build.recipe.constraints
    asking = asking_of(build, setting.model, setting.decoding)
    program = propose_constraints(seed_texts(build, "constraints"), setting.requests, asking)
    (proposed,) = build.told("constraints", 1, drive([program], build.engine))
    rows = list(line_rows(proposed, setting.limit))
    parts = write_parts(build.store, rows, LINES)
    return {
        "parts": {"lines": [part.sha256 for part in parts]},
        "counts": counted(rows),
        "constraints": sum(row["ordinal"] is not None for row in rows),
    }


def line_rows(proposed: Proposed, limit: int | None) -> Iterator[Row]:
    """LINES rows: constraints in order, then what is none."""
    for number, constraint in enumerate(proposed.constraints):
        over = limit is not None and number >= limit
        yield {
            "line": number,
            "ordinal": None if over else number,
            "constraint_id": constraint.id,
            "constraint": constraint.text,
            "origin": constraint.origin,
            "status": (Status.REJECTED if over else Status.ACCEPTED).value,
            "reason": OVER_LIMIT if over else "",
            "request_hash": constraint.request,
        }
    rejected = [(line.text, line.reason.value, proposed.requests[line.reply]) for line in proposed.rejected]
    failed = [("", ENGINE_ERROR, request) for request in proposed.failed]
    for number, (text, reason, request) in enumerate(chain(rejected, failed), len(proposed.constraints)):
        yield {
            "line": number,
            "ordinal": None,
            "constraint_id": Instruction(text=text).id,
            "constraint": text,
            "origin": "self_instruct",
            "status": (Status.FAILED if reason == ENGINE_ERROR else Status.REJECTED).value,
            "reason": reason,
            "request_hash": request,
        }


def checkers_stage(build: Build[AutoifRecipe]) -> Output:
    """Ask for checkers of the shard's constraints; exactly one row a reply."""
    (lines,) = build.outputs("constraints")
    first, last = shard_bounds(lines["constraints"], build.order.shard, build.order.shards)
    going_on = (row for row in read_rows(build, lines["parts"]["lines"]) if row["ordinal"] is not None)

    def replied(row: Row) -> Program[Tables]:
        sampled = yield from sample_checkers_of(build, row["constraint"])
        return [list(reply_rows(row, sampled))]

    pieces = made_in_pieces(
        build,
        "checkers",
        islice(going_on, first, last),
        replied,
        [REPLIES],
        total=last - first,
        decided_by=[lines["parts"], first, last],
    )
    return in_parts(build, "replies", pieces)


def sample_checkers_of(build: Build[AutoifRecipe], constraint: str) -> Program[SampledCheckers]:
    setting = build.recipe.checkers
    asking = asking_of(build, setting.model, setting.decoding, SCHEMA if setting.structured else "")
    return sample_checkers(constraint, setting.samples, asking, strict_expectations=setting.strict_expectations)


def reply_rows(constraint: Row, sampled: SampledCheckers) -> Iterator[Row]:
    for sample, reply in enumerate(sampled.replies):
        failed = reply.reason == ENGINE_ERROR
        refused = Status.FAILED if failed else Status.REJECTED
        yield {
            **{name: constraint[name] for name in ("ordinal", "constraint_id", "constraint")},
            "sample": sample,
            "request_hash": reply.request,
            "text": reply.text if reply.checker else "",
            "status": (Status.ACCEPTED if reply.checker else refused).value,
            "reason": reply.reason,
        }


def back_translate_stage(build: Build[AutoifRecipe]) -> Output:
    """Describe kept checkers of the shard's constraints, and drop constraints that a description contradicts."""
    (checked,) = build.outputs("crosscheck")
    first, last = shard_bounds(checked["constraints"], build.order.shard, build.order.shards)
    fates = list(islice(read_rows(build, checked["parts"]["fates"]), first, last))
    kept = [row for row in fates if row["status"] == Status.ACCEPTED]
    sources = checkers_of(build, kept)
    programs = back_translate_of(build, kept, sources)
    described = list(build.told("back_translate", len(kept), drive(programs, build.engine)))
    name = build.recipe.back_translation.nli
    rows = described_fates(build, fates, kept, described)
    translations = chain.from_iterable(
        translation_rows(row, one, sources[row["constraint_id"]], name)
        for row, one in zip(kept, described, strict=True)
    )
    written = put(build, "fates", rows, FATES)
    parts = write_parts(build.store, translations, BACK_TRANSLATIONS)
    written["parts"]["back_translations"] = [part.sha256 for part in parts]
    return written | {"nli": name}


def back_translate_of(
    build: Build[AutoifRecipe], kept: Sequence[Row], sources: Mapping[str, Sequence[tuple[str, str]]]
) -> list[Program[BackTranslated]]:
    """One program a constraint that is left, of its checkers (checker_id, source), the best first."""
    nli, asking = nli_of(build), _describer(build)
    return [
        back_translate(row["constraint"], [source for _, source in sources[row["constraint_id"]]], asking, nli)
        for row in kept
    ]


def described_fates(
    build: Build[AutoifRecipe], fates: Sequence[Row], kept: Sequence[Row], described: Sequence[BackTranslated]
) -> list[Row]:
    """All fates, those of `kept` with what their descriptions said."""
    verdicts = {row["constraint_id"]: one for row, one in zip(kept, described, strict=True)}
    name = build.recipe.back_translation.nli
    return [_judged(row, verdicts.get(row["constraint_id"]), name) for row in fates]


def _describer(build: Build[AutoifRecipe]) -> Asking:
    setting = build.recipe.back_translation
    return asking_of(build, setting.model, setting.decoding)


def nli_of(build: Build[AutoifRecipe]) -> Nli | None:
    """What compares back-translations with their constraints; None where the recipe says off."""
    setting = build.recipe.back_translation
    if setting.nli == NLI_OFF:
        return None
    if build.recipe.models[setting.nli].engine == NLI_ENGINE:
        return classifier_nli(build.models[setting.nli])
    return prompted_nli(asking_of(build, setting.nli, setting.decoding))


def _judged(fate: Row, described: BackTranslated | None, nli: str) -> Row:
    if described is None:
        return fate
    verdict = described.verdict
    return fate | {
        "stage": "back_translate",
        "status": verdict.status.value,
        "reason": verdict.reason,
        "nli": nli,
    }


def translation_rows(
    fate: Row, described: BackTranslated, sources: Sequence[tuple[str, str]], nli: str
) -> Iterator[Row]:
    ids = {source: checker_id for checker_id, source in sources}
    for one in described.translations:
        reason = "nli_off" if nli == NLI_OFF else "no_label"
        yield {
            "constraint_id": fate["constraint_id"],
            "checker_id": ids[one.source],
            "text": one.text,
            "label": one.label.value if one.label else None,
            "reason": "" if one.label else reason,
            "request_hash": one.request,
        }
