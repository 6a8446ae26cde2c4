"""The stages of AutoIF that run checkers in the sandbox: on each other's cases, and on responses.

They ask no model. Executions are batched by checker; a verdict that the sandbox lost is never counted: the stage
fails, and another try runs it again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import NamedTuple

from evol_core.errors import JobFailed
from evol_core.pipeline.autoif_parts import Output, checkers_of, counted, own, put, read_rows, sandbox_of
from evol_core.pipeline.context import Build
from evol_core.recipe import AutoifRecipe
from evol_core.records import Status
from evol_core.runner import Progress, write_parts
from evol_core.sandbox.jobs import CheckVerdict
from evol_core.sandbox.supervisor import Sandbox
from evol_core.verify.broken import answer_pool
from evol_core.verify.checkers import ENGINE_ERROR
from evol_core.verify.checks import CheckedResponse, ResponseGroup, check_responses, pass_rule_named
from evol_core.verify.crosscheck import policy_named
from evol_core.verify.examine import Examined, examine, repaired, subject_of
from evol_core.verify.files import NO_VALID_FUNCTION
from evol_core.verify.replies import CheckerReply, parse_reply
from evol_core.verify.tables import (
    CASES,
    CHECKERS,
    FATES,
    RESPONSES,
    VERDICTS,
    Row,
    case_rows,
    checker_rows,
    verdict_rows,
)

BATCH = 256
"""Constraints whose tables are made together; decides memory, and the number of objects."""

LOW_PASS_RATE = "low_pass_rate"

TABLES = {"fates": FATES, "checkers": CHECKERS, "cases": CASES, "verdicts": VERDICTS}


class Sampled(NamedTuple):
    """One constraint and all replies to the requests for its checkers."""

    rows: tuple[Row, ...]
    checkers: tuple[CheckerReply, ...]

    @property
    def constraint(self) -> str:
        return str(self.rows[0]["constraint"])


def crosscheck_stage(build: Build[AutoifRecipe]) -> Output:
    """Cross-validate every constraint's checkers; its fate, its checkers, cases and whole verdict matrix are kept."""
    replied = [sha256 for shard in build.outputs("checkers") for sha256 in shard["parts"]["replies"]]
    strict = build.recipe.checkers.strict_expectations
    answers = answer_pool((one.constraint, one.checkers) for one in sampled_of(read_rows(build, replied), strict))
    written: dict[str, list[str]] = {name: [] for name in TABLES}
    counts: Counter[str] = Counter()
    with sandbox_of(build) as sandbox:
        layers = list(sandbox.walls.layers)
        sampled = sampled_of(read_rows(build, replied), strict)
        while batch := list(islice(sampled, BATCH)):
            examined = examined_of(batch, answers, sandbox, build.recipe.crosscheck.policy)
            tables = tables_of(batch, examined)
            counts.update(counted(tables["fates"]))
            _write(build, tables, written)
            build.report(Progress(stage="crosscheck", done=counts.total(), total=counts.total()))
    if not counts:
        _write(build, {name: [] for name in TABLES}, written)
    return {
        "parts": written,
        "constraints": counts.total(),
        "counts": {status.value: counts[status] for status in Status},
        "layers": layers,
    }


def _write(build: Build[AutoifRecipe], tables: dict[str, list[Row]], written: dict[str, list[str]]) -> None:
    for name, rows in tables.items():
        written[name] += [part.sha256 for part in write_parts(build.store, rows, TABLES[name])]


def sampled_of(replies: Iterable[Row], strict: bool) -> Iterator[Sampled]:
    """Replies by constraint, in their order."""
    for _, rows in groupby(replies, itemgetter("ordinal")):
        of_one = tuple(rows)
        texts = (row["text"] for row in of_one if row["status"] == Status.ACCEPTED)
        parsed = [parse_reply(text, strict_expectations=strict) for text in texts]
        yield Sampled(of_one, tuple(reply for reply in parsed if isinstance(reply, CheckerReply)))


def examined_of(
    batch: Sequence[Sampled], answers: Sequence[tuple[str, str]], sandbox: Sandbox, policy: str
) -> list[Examined]:
    """
    Raises:
        JobFailed: the sandbox ended under a checker that it could not judge.
    """
    repairs = repaired((reply.source for one in batch for reply in one.checkers), sandbox)
    subjects = [
        subject_of(one.constraint, one.checkers, repairs, [text for about, text in answers if about != one.constraint])
        for one in batch
    ]
    examined = list(examine(subjects, sandbox, policy_named(policy)))
    lost = sum(fate.reason == CheckVerdict.LOST for one in examined for fate in one.checkers)
    if lost:
        raise JobFailed(f"the sandbox ended under {lost} checkers, which are not judged; run the stage again")
    return examined


def tables_of(batch: Sequence[Sampled], examined: Sequence[Examined]) -> dict[str, list[Row]]:
    """The rows of a batch of constraints, by table."""
    ids = [one.rows[0]["constraint_id"] for one in batch]
    pairs = list(zip(examined, ids, strict=True))
    return {
        "fates": [fate_row(one, examination) for one, examination in zip(batch, examined, strict=True)],
        "checkers": [row for one, constraint_id in pairs for row in checker_rows(one, constraint_id)],
        "cases": [row for one, constraint_id in pairs for row in case_rows(one, constraint_id)],
        "verdicts": [row for one, constraint_id in pairs for row in verdict_rows(one, constraint_id)],
    }


def fate_row(sampled: Sampled, examined: Examined) -> Row:
    """What became of one constraint so far."""
    kept = len(examined.survivors)
    failed = all(row["reason"] == ENGINE_ERROR for row in sampled.rows)
    reason = "" if kept else examined.reason if examined.checkers else NO_VALID_FUNCTION
    status = Status.ACCEPTED if kept else Status.FAILED if failed else Status.REJECTED
    return {
        **{name: sampled.rows[0][name] for name in ("ordinal", "constraint_id", "constraint")},
        "stage": "crosscheck",
        "status": status.value,
        "reason": ENGINE_ERROR if failed else reason,
        "n_replies": len(sampled.rows),
        "n_checkers": len(examined.checkers),
        "n_checkers_kept": kept,
        "n_cases": len(examined.cases_kept),
        "n_cases_kept": sum(examined.cases_kept),
        "nli": "",
    }


def check_stage(build: Build[AutoifRecipe]) -> Output:
    """Run the kept checkers on the shard's responses; those that were refused before go on as they are."""
    parts = own(build, "respond")["parts"]["responses"]
    rows = chain.from_iterable(_checked(build, parts))
    return put(build, "responses", rows, RESPONSES)


def _checked(build: Build[AutoifRecipe], parts: Sequence[str]) -> Iterator[list[Row]]:
    """The rows of one constraint after the other."""
    fates = read_rows(build, own(build, "back_translate")["parts"]["fates"])
    checkers = checkers_of(build, [row for row in fates if row["status"] == Status.ACCEPTED])
    with sandbox_of(build) as sandbox:
        groups = groupby(read_rows(build, parts), itemgetter("constraint_id"))
        while window := [(key, list(rows)) for key, rows in islice(groups, BATCH)]:
            yield from checked_rows(window, checkers, sandbox, build.recipe.responses.keep)


def checked_rows(
    groups: Sequence[tuple[str, list[Row]]],
    checkers: Mapping[str, Sequence[tuple[str, str]]],
    sandbox: Sandbox,
    keep: str,
) -> Iterator[list[Row]]:
    """The rows of each constraint with what its checkers say of them; refused ones as they are."""
    results = check_responses([_group(rows, checkers[key]) for key, rows in groups], sandbox)
    for (_, rows), checked in zip(groups, results, strict=True):
        answers = iter(checked)
        yield [checked_row(row, next(answers), keep) if row["status"] == Status.ACCEPTED else row for row in rows]


def _group(rows: Sequence[Row], checkers: Sequence[tuple[str, str]]) -> ResponseGroup:
    responses = tuple(row["response"] for row in rows if row["status"] == Status.ACCEPTED)
    return ResponseGroup(tuple(source for _, source in checkers), responses)


def checked_row(row: Row, checked: CheckedResponse, keep: str) -> Row:
    """A response with what its checkers say of it.

    Raises:
        JobFailed: the sandbox lost one of them.
    """
    if checked.pass_rate is None:
        raise JobFailed(f"the sandbox ended under a checker of constraint {row['constraint_id']}; run the stage again")
    passed = pass_rule_named(keep)(checked.pass_rate)
    return row | {
        "stage": "check",
        "status": (Status.ACCEPTED if passed else Status.REJECTED).value,
        "reason": "" if passed else LOW_PASS_RATE,
        "pass_rate": checked.pass_rate,
        "verdicts": [verdict.value for verdict in checked.verdicts],
        "layers": list(checked.layers),
    }
