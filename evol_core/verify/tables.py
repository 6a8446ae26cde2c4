"""The Parquet tables of AutoIF, one a stage. A row that was refused stays in its table, with its status and reason.

Ids are UUIDs made of texts: of a constraint, of a checker's source, of a case's input and expectation.
"""

from collections.abc import Iterator
from typing import Any

from evol_core.columns import flag, real, table, text, texts, whole
from evol_core.records import content_id
from evol_core.text import printable
from evol_core.verify.examine import Examined, agree
from evol_core.verify.expectations import Expected
from evol_core.verify.replies import Case

VERSION = "1"

Row = dict[str, Any]


LINES = table(
    "autoif_lines",
    VERSION,
    whole("line"),
    whole("ordinal", nullable=True),  # among the constraints that go on
    text("constraint_id"),
    text("constraint"),
    text("origin"),
    text("status"),
    text("reason"),
    text("request_hash", nullable=True),
)
"""Every seed constraint, every line that a model proposed, every request that failed."""

REPLIES = table(
    "autoif_replies",
    VERSION,
    whole("ordinal"),
    text("constraint_id"),
    text("constraint"),
    whole("sample"),
    text("request_hash"),
    text("text"),
    text("status"),
    text("reason"),
)
"""Every reply to a request for a checker."""

FATES = table(
    "autoif_fates",
    VERSION,
    whole("ordinal"),
    text("constraint_id"),
    text("constraint"),
    text("stage"),
    text("status"),
    text("reason"),
    whole("n_replies"),
    whole("n_checkers"),
    whole("n_checkers_kept"),
    whole("n_cases"),
    whole("n_cases_kept"),
    text("nli"),
)
"""What became of every constraint, and where. nli: the model that compared back-translations, `off`, or empty where
the constraint did not come so far."""

CONSTRAINTS = table(
    "autoif_constraints",
    VERSION,
    whole("line"),
    text("constraint_id"),
    text("constraint"),
    text("origin"),
    text("stage"),
    text("status"),
    text("reason"),
    text("nli"),
    text("request_hash", nullable=True),
    whole("n_replies", nullable=True),
    whole("n_checkers", nullable=True),
    whole("n_checkers_kept", nullable=True),
    whole("n_cases", nullable=True),
    whole("n_cases_kept", nullable=True),
)
"""LINES with the last word of FATES on each; numbers are null where nobody was asked for checkers."""

CHECKERS = table(
    "autoif_checkers",
    VERSION,
    text("constraint_id"),
    text("checker_id"),
    text("source"),
    real("accuracy"),
    whole("rank", nullable=True),  # among the kept ones, the most accurate first, from 0
    text("status"),
    text("reason"),
    texts("layers"),
)
"""Every distinct checker."""

CASES = table(
    "autoif_cases",
    VERSION,
    text("constraint_id"),
    text("case_id"),
    text("input"),
    text("expected"),
    flag("kept"),
)
"""Every distinct case. expected: true, false, or a text that no checker agrees with."""

VERDICTS = table(
    "autoif_verdicts",
    VERSION,
    text("constraint_id"),
    text("checker_id"),
    text("case_id"),
    text("verdict"),
    flag("agrees"),
)
"""The whole verdict matrix of every constraint, a row a cell."""

BACK_TRANSLATIONS = table(
    "autoif_back_translations",
    VERSION,
    text("constraint_id"),
    text("checker_id"),
    text("text"),
    text("label", nullable=True),
    text("reason"),
    text("request_hash"),
)
"""Checkers in words. label: entailment, neutral or contradiction; null with a reason where nobody said."""

RESPONSES = table(
    "autoif_responses",
    VERSION,
    whole("ordinal"),
    whole("task"),  # a query under a constraint
    whole("sample"),
    text("constraint_id"),
    text("query_id"),
    text("constraint"),
    text("query"),
    text("instruction_id"),
    text("instruction"),
    text("input"),
    text("response_id", nullable=True),
    text("response"),
    text("respond_hash"),
    text("stage"),
    text("status"),
    text("reason"),
    real("pass_rate"),
    texts("verdicts"),
    texts("layers"),
    whole("quality", nullable=True),
    text("quality_reason"),
    text("quality_hash", nullable=True),
)
"""Every response; verdicts are those of the constraint's kept checkers, in the order of their ranks."""

SFT = table(
    "dataset",
    VERSION,
    whole("ordinal"),
    whole("round"),  # always 0
    text("operator"),
    text("instruction_id"),
    text("response_id"),
    text("seed_id"),
    text("parent_id"),
    text("instruction"),
    text("input"),
    text("output"),
    text("respond_hash"),
    text("constraint_id"),
    text("constraint"),
    text("query"),
    real("pass_rate"),
    whole("quality", nullable=True),
    texts("checkers"),
)
"""A row to train on, with the source of every checker that judged it."""

PREFERENCE = table(
    "preference",
    VERSION,
    whole("ordinal"),
    whole("round"),
    text("operator"),
    text("instruction_id"),
    text("seed_id"),
    text("parent_id"),
    text("instruction"),
    text("input"),
    text("chosen"),
    text("rejected"),
    text("chosen_id"),
    text("rejected_id"),
    text("constraint_id"),
    text("constraint"),
    text("query"),
    texts("checkers"),
)
"""A response that checkers accepted, and one that they all refused, of one instruction."""

UNPAIRED = table(
    "unpaired",
    VERSION,
    whole("ordinal"),
    whole("round"),
    text("instruction_id"),
    text("parent_id"),
    text("constraint_id"),
    text("status"),
    text("reason"),
)
"""A task that gave no preference pair, and why."""


def said_expected(expected: Expected) -> str:
    return str(expected).lower() if isinstance(expected, bool) else printable(expected)


def case_id(case: Case) -> str:
    return content_id(case.input, repr(case.expected))


def checker_rows(examined: Examined, constraint_id: str) -> Iterator[Row]:
    """A row of CHECKERS for each of a constraint's checkers."""
    ranks = {source: rank for rank, source in enumerate(examined.survivors)}
    for fate in examined.checkers:
        yield {
            "constraint_id": constraint_id,
            "checker_id": content_id(fate.source),
            "source": printable(fate.source),
            "accuracy": fate.accuracy,
            "rank": ranks.get(fate.source),
            "status": "accepted" if fate.kept else "rejected",
            "reason": fate.reason,
            "layers": list(examined.layers),
        }


def case_rows(examined: Examined, constraint_id: str) -> Iterator[Row]:
    """A row of CASES for each of a constraint's cases."""
    for case, kept in zip(examined.subject.cases, examined.cases_kept, strict=True):
        yield {
            "constraint_id": constraint_id,
            "case_id": case_id(case),
            "input": printable(case.input),
            "expected": said_expected(case.expected),
            "kept": kept,
        }


def verdict_rows(examined: Examined, constraint_id: str) -> Iterator[Row]:
    """A row of VERDICTS for each checker on each case."""
    for fate in examined.checkers:
        for case, verdict in zip(examined.subject.cases, fate.verdicts, strict=True):
            yield {
                "constraint_id": constraint_id,
                "checker_id": content_id(fate.source),
                "case_id": case_id(case),
                "verdict": verdict.value,
                "agrees": agree(verdict, case.expected),
            }
