"""`evol crosscheck`: a file of raw replies in, one row an instruction out, with all that was kept and refused."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from evol_core.errors import ConfigError
from evol_core.sandbox.jobs import CheckVerdict
from evol_core.sandbox.supervisor import Sandbox
from evol_core.verify.broken import answer_pool
from evol_core.verify.crosscheck import POLICIES, Policy, policy_named
from evol_core.verify.examine import WINDOW, Examined, examine, repaired, subject_of
from evol_core.verify.replies import CheckerReply, ReplyReject, parse_reply
from evol_core.verify.reply_file import BrokenRow, ReplyRow, read_constraints
from evol_core.verify.row_file import row_writer

NO_VALID_FUNCTION = "no_valid_function"

Report = Callable[[int], None]
"""Told how many instructions are done."""


@dataclass(kw_only=True)
class CrosscheckSummary:
    """What became of a file; the parts of each sum add up."""

    policy: str
    instructions: int = 0
    kept: int = 0
    dropped: "Counter[str]" = field(default_factory=Counter)
    """Instructions by reason."""

    replies: int = 0
    rejected_replies: "Counter[str]" = field(default_factory=Counter)
    functions: int = 0
    """Distinct ones; two replies may hold the same."""

    kept_functions: int = 0
    rejected_functions: "Counter[str]" = field(default_factory=Counter)
    cases: int = 0
    """Distinct ones."""

    kept_cases: int = 0
    rejected_cases: "Counter[str]" = field(default_factory=Counter)
    layers: tuple[str, ...] = ()
    broken_rows: list[BrokenRow] = field(default_factory=list)


class _Parsed(NamedTuple):
    """One row with its replies read."""

    row: ReplyRow
    replies: tuple[CheckerReply | ReplyReject, ...]

    @property
    def checkers(self) -> list[CheckerReply]:
        return [reply for reply in self.replies if isinstance(reply, CheckerReply)]


def crosscheck_file(
    path: Path,
    policy: str,
    strict_expectations: bool,
    output: Path,
    *,
    sandbox: Sandbox,
    report: Report = lambda done: None,
) -> CrosscheckSummary:
    """Cross-validate each instruction's checkers and write one row each; the output appears when it is whole.

    Raises:
        ConfigError: the policy is unknown, or the output is the input.
        InputError: the file cannot be read as what its ending says.
        StoreError: the output cannot be written.
    """
    rules = policy_named(policy)
    if output.resolve() == path.resolve():
        raise ConfigError(f"--output {output} is the input itself; name another file")
    summary = CrosscheckSummary(policy=policy)
    first = _parse(read_constraints(path), strict_expectations)
    answers = answer_pool((one.row.instruction, one.checkers) for one in first)
    parsed = _parse(_note_broken(read_constraints(path), summary), strict_expectations)
    with row_writer(output) as write:
        for examined, one in _examined(parsed, answers, sandbox, rules):
            write(_row(examined, one))
            _count(summary, examined, one)
            report(summary.instructions)
    return summary


def known_policies() -> str:
    return ", ".join(POLICIES)


def _note_broken(rows: Iterable[ReplyRow | BrokenRow], summary: CrosscheckSummary) -> Iterator[ReplyRow]:
    for row in rows:
        if isinstance(row, BrokenRow):
            summary.broken_rows.append(row)
        else:
            yield row


def _parse(rows: Iterable[ReplyRow | BrokenRow], strict: bool) -> Iterator[_Parsed]:
    for row in rows:
        if isinstance(row, ReplyRow):
            yield _Parsed(row, tuple(parse_reply(reply, strict_expectations=strict) for reply in row.replies))


def _examined(
    parsed: Iterable[_Parsed], answers: Sequence[tuple[str, str]], sandbox: Sandbox, policy: Policy
) -> Iterator[tuple[Examined, _Parsed]]:
    source = iter(parsed)
    while window := list(islice(source, WINDOW)):
        repairs = repaired((reply.source for one in window for reply in one.checkers), sandbox)
        subjects = [
            subject_of(
                one.row.instruction,
                one.checkers,
                repairs,
                [text for about, text in answers if about != one.row.instruction],
            )
            for one in window
        ]
        yield from zip(examine(subjects, sandbox, policy), window, strict=True)


def _row(examined: Examined, one: _Parsed) -> dict[str, Any]:
    subject = examined.subject
    kept = any(checker.kept for checker in examined.checkers)
    return {
        "instruction": subject.constraint,
        "kept": kept,
        "reason": "" if kept else _row_reason(examined),
        "functions": [
            {
                "source": checker.source,
                "accuracy": checker.accuracy,
                "kept": checker.kept,
                "reason": checker.reason,
            }
            for checker in examined.checkers
        ],
        "cases": [
            {"input": case.input, "expected": case.expected, "kept": case_kept}
            for case, case_kept in zip(subject.cases, examined.cases_kept, strict=True)
        ],
        "verdicts": [[verdict.value for verdict in checker.verdicts] for checker in examined.checkers],
        "layers": list(examined.layers),
        "rejected_replies": [
            {"reply": place, "reason": reply.value}
            for place, reply in enumerate(one.replies)
            if isinstance(reply, ReplyReject)
        ],
        "rejected_cases": [
            {"reply": place, "case": case.place, "reason": case.reason.value}
            for place, reply in enumerate(one.replies)
            if isinstance(reply, CheckerReply)
            for case in reply.rejected_cases
        ],
    }


def _row_reason(examined: Examined) -> str:
    return examined.reason if examined.checkers else NO_VALID_FUNCTION


def _count(summary: CrosscheckSummary, examined: Examined, one: _Parsed) -> None:
    summary.instructions += 1
    if any(checker.kept for checker in examined.checkers):
        summary.kept += 1
    else:
        summary.dropped[_row_reason(examined)] += 1
    summary.replies += len(one.replies)
    summary.rejected_replies.update(reply.value for reply in one.replies if isinstance(reply, ReplyReject))
    summary.functions += len(examined.checkers)
    summary.kept_functions += sum(checker.kept for checker in examined.checkers)
    summary.rejected_functions.update(checker.reason for checker in examined.checkers if not checker.kept)
    summary.cases += len(examined.cases_kept)
    summary.kept_cases += sum(examined.cases_kept)
    summary.rejected_cases.update(case.reason.value for reply in one.checkers for case in reply.rejected_cases)
    summary.layers = summary.layers or examined.layers


def lost_functions(summary: CrosscheckSummary) -> int:
    """Checkers that the sandbox, not their own fault, could not judge."""
    return summary.rejected_functions[CheckVerdict.LOST.value]
