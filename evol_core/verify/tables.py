"""The Parquet tables of AutoIF, one a stage. A row that was refused stays in its table, with its status and reason.

Ids are UUIDs made of texts: of a constraint, of a checker's source, of a case's input and expectation.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from evol_core.records import content_id
from evol_core.text import printable
from evol_core.verify.examine import Examined, agree
from evol_core.verify.expectations import Expected
from evol_core.verify.replies import Case

VERSION = "1"

Row = dict[str, Any]


def _table(name: str, *fields: "pa.Field[Any]") -> pa.Schema:
    return pa.schema(fields, metadata={"evol.table": name, "evol.schema": VERSION})


def _text(name: str, *, nullable: bool = False) -> "pa.Field[Any]":
    return pa.field(name, pa.string(), nullable=nullable)


def _whole(name: str, *, nullable: bool = False) -> "pa.Field[Any]":
    return pa.field(name, pa.int64(), nullable=nullable)


def _texts(name: str) -> "pa.Field[Any]":
    """A list; its items are called as Parquet calls them, so that the columns read are the columns written."""
    return pa.field(name, pa.list_(pa.field("element", pa.string())), nullable=False)


LINES = _table(
    "autoif_lines",
    _whole("line"),
    _whole("ordinal", nullable=True),  # among the constraints that go on
    _text("constraint_id"),
    _text("constraint"),
    _text("origin"),
    _text("status"),
    _text("reason"),
    _text("request_hash", nullable=True),
)
"""Every seed constraint, every line that a model proposed, every request that failed."""

REPLIES = _table(
    "autoif_replies",
    _whole("ordinal"),
    _text("constraint_id"),
    _text("constraint"),
    _whole("sample"),
    _text("request_hash"),
    _text("text"),
    _text("status"),
    _text("reason"),
)
"""Every reply to a request for a checker."""

FATES = _table(
    "autoif_fates",
    _whole("ordinal"),
    _text("constraint_id"),
    _text("constraint"),
    _text("stage"),
    _text("status"),
    _text("reason"),
    _whole("n_replies"),
    _whole("n_checkers"),
    _whole("n_checkers_kept"),
    _whole("n_cases"),
    _whole("n_cases_kept"),
    _text("nli"),
)
"""What became of every constraint, and where. nli: the model that compared back-translations, `off`, or empty where
the constraint did not come so far."""

CONSTRAINTS = _table(
    "autoif_constraints",
    _whole("line"),
    _text("constraint_id"),
    _text("constraint"),
    _text("origin"),
    _text("stage"),
    _text("status"),
    _text("reason"),
    _text("nli"),
    _text("request_hash", nullable=True),
    _whole("n_replies", nullable=True),
    _whole("n_checkers", nullable=True),
    _whole("n_checkers_kept", nullable=True),
    _whole("n_cases", nullable=True),
    _whole("n_cases_kept", nullable=True),
)
"""LINES with the last word of FATES on each; numbers are null where nobody was asked for checkers."""

CHECKERS = _table(
    "autoif_checkers",
    _text("constraint_id"),
    _text("checker_id"),
    _text("source"),
    pa.field("accuracy", pa.float64()),
    _whole("rank", nullable=True),  # among the kept ones, the most accurate first, from 0
    _text("status"),
    _text("reason"),
    _texts("layers"),
)
"""Every distinct checker."""

CASES = _table(
    "autoif_cases",
    _text("constraint_id"),
    _text("case_id"),
    _text("input"),
    _text("expected"),
    pa.field("kept", pa.bool_(), nullable=False),
)
"""Every distinct case. expected: true, false, or a text that no checker agrees with."""

VERDICTS = _table(
    "autoif_verdicts",
    _text("constraint_id"),
    _text("checker_id"),
    _text("case_id"),
    _text("verdict"),
    pa.field("agrees", pa.bool_(), nullable=False),
)
"""The whole verdict matrix of every constraint, a row a cell."""

BACK_TRANSLATIONS = _table(
    "autoif_back_translations",
    _text("constraint_id"),
    _text("checker_id"),
    _text("text"),
    _text("label", nullable=True),
    _text("reason"),
    _text("request_hash"),
)
"""Checkers in words. label: entailment, neutral or contradiction; null with a reason where nobody said."""

RESPONSES = _table(
    "autoif_responses",
    _whole("ordinal"),
    _whole("task"),  # a query under a constraint
    _whole("sample"),
    _text("constraint_id"),
    _text("query_id"),
    _text("constraint"),
    _text("query"),
    _text("instruction_id"),
    _text("instruction"),
    _text("input"),
    _text("response_id", nullable=True),
    _text("response"),
    _text("respond_hash"),
    _text("stage"),
    _text("status"),
    _text("reason"),
    pa.field("pass_rate", pa.float64()),
    _texts("verdicts"),
    _texts("layers"),
    _whole("quality", nullable=True),
    _text("quality_reason"),
    _text("quality_hash", nullable=True),
)
"""Every response; verdicts are those of the constraint's kept checkers, in the order of their ranks."""

SFT = _table(
    "dataset",
    _whole("ordinal"),
    _whole("round"),  # always 0
    _text("operator"),
    _text("instruction_id"),
    _text("response_id"),
    _text("seed_id"),
    _text("parent_id"),
    _text("instruction"),
    _text("input"),
    _text("output"),
    _text("respond_hash"),
    _text("constraint_id"),
    _text("constraint"),
    _text("query"),
    pa.field("pass_rate", pa.float64()),
    _whole("quality", nullable=True),
    _texts("checkers"),
)
"""A row to train on, with the source of every checker that judged it."""

PREFERENCE = _table(
    "preference",
    _whole("ordinal"),
    _whole("round"),
    _text("operator"),
    _text("instruction_id"),
    _text("seed_id"),
    _text("parent_id"),
    _text("instruction"),
    _text("input"),
    _text("chosen"),
    _text("rejected"),
    _text("chosen_id"),
    _text("rejected_id"),
    _text("constraint_id"),
    _text("constraint"),
    _text("query"),
    _texts("checkers"),
)
"""A response that checkers accepted, and one that they all refused, of one instruction."""

UNPAIRED = _table(
    "unpaired",
    _whole("ordinal"),
    _whole("round"),
    _text("instruction_id"),
    _text("parent_id"),
    _text("constraint_id"),
    _text("status"),
    _text("reason"),
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
