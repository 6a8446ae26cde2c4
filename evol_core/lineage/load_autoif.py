"""Rows of AutoIF into Postgres: constraints, checkers, verdict matrices, responses, and what of them became data.

Every function runs on its caller's connection and never commits. Columns are those of `verify.tables`.
"""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from evol_core.lineage.copy import Column, bytea_text, constant, copy_new, storable_texts
from evol_core.lineage.outcomes import HEAD_CHARS, load_instructions, load_outcomes
from evol_core.lineage.publication import VersionRef


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoifSteps:
    """The numbers of a build's steps."""

    propose: int
    """Constraints out of seeds."""

    check: int
    """Checkers for a constraint: what makes an instruction out of a query and a constraint."""

    respond: int


def load_constraints(connection: sa.Connection, table: pa.Table, version: VersionRef) -> None:
    """Every constraint's fate; columns of CONSTRAINTS."""
    kept = ("line", "constraint_id", "origin", "stage", "status", "reason", "nli")
    counts = ("n_replies", "n_checkers", "n_checkers_kept", "n_cases", "n_cases_kept")
    rows: dict[str, Column] = {name: table[name] for name in (*kept, *counts)}
    rows |= {
        "request_hash": bytea_text(table["request_hash"]),
        "head": pc.utf8_slice_codeunits(storable_texts(table["constraint"]), 0, HEAD_CHARS),
    }
    _copy(connection, "autoif_constraint", rows, version, ("line",))


def load_replies(connection: sa.Connection, table: pa.Table, version: VersionRef, steps: AutoifSteps) -> None:
    """Every reply to a request for a checker; columns of REPLIES."""
    rows: dict[str, Column] = {name: table[name] for name in ("constraint_id", "sample", "status", "reason")}
    rows |= {
        "step_id": constant(steps.check, table.num_rows),
        "request_hash": bytea_text(table["request_hash"]),
    }
    _copy(connection, "autoif_reply", rows, version, ("constraint_id", "sample"))


def load_checkers(connection: sa.Connection, table: pa.Table, version: VersionRef, steps: AutoifSteps) -> None:
    """Every distinct checker; columns of CHECKERS."""
    kept = ("constraint_id", "checker_id", "accuracy", "status", "reason")
    rows: dict[str, Column] = {name: table[name] for name in kept}
    rows |= {
        "step_id": constant(steps.check, table.num_rows),
        "layers": _joined(table["layers"]),
    }
    _copy(connection, "autoif_checker", rows, version, ("constraint_id", "checker_id"))


def load_verdicts(connection: sa.Connection, table: pa.Table, version: VersionRef) -> None:
    """Every cell of the verdict matrices; columns of VERDICTS."""
    rows: dict[str, Column] = {name: table[name] for name in table.column_names}
    _copy(connection, "autoif_verdict", rows, version, ("constraint_id", "checker_id", "case_id"))


def load_checked_responses(connection: sa.Connection, table: pa.Table, version: VersionRef, steps: AutoifSteps) -> None:
    """Responses with their instructions, origins, outcomes and pass rates; columns of RESPONSES."""
    load_instructions(connection, table)
    for parent in ("query_id", "constraint_id"):
        _load_edges(connection, table["instruction_id"], table[parent], steps.check)
    _load_responses(connection, table.filter(pc.is_valid(table["response_id"])), steps)
    load_task_outcomes(connection, table, version, steps)
    rows: dict[str, Column] = {name: table[name] for name in ("ordinal", "constraint_id", "pass_rate", "quality")}
    rows["layers"] = _joined(table["layers"])
    _copy(connection, "autoif_response", rows, version, ("ordinal",))


def load_task_outcomes(connection: sa.Connection, table: pa.Table, version: VersionRef, steps: AutoifSteps) -> None:
    """What became of each row; ordinal, stage, status, reason, instruction_id, query_id, response_id, respond_hash."""
    rows: dict[str, Column] = {name: table[name] for name in ("ordinal", "stage", "status", "reason", "response_id")}
    rows |= {
        "round": constant(0, table.num_rows),
        "row_id": table["instruction_id"],
        "parent_id": table["query_id"],
        "step_id": constant(steps.check, table.num_rows),
        "respond_step_id": constant(steps.respond, table.num_rows),
        "respond_hash": bytea_text(table["respond_hash"]),
    }
    load_outcomes(connection, pa.Table.from_pydict(rows), version)


def load_proposed(connection: sa.Connection, table: pa.Table, seed_ids: list[str], steps: AutoifSteps) -> None:
    """Constraints that a model proposed, as children of the seeds it was shown; columns of CONSTRAINTS."""
    named: dict[str, Column] = {
        "instruction_id": table["constraint_id"],
        "instruction": table["constraint"],
        "input": constant("", table.num_rows),
    }
    load_instructions(connection, pa.Table.from_pydict(named))
    pairs = [
        (child, parent, request)
        for child, request in zip(table["constraint_id"].to_pylist(), table["request_hash"].to_pylist(), strict=True)
        for parent in seed_ids
    ]
    children, parents, requests = ([pair[place] for pair in pairs] for place in range(3))
    _load_edges(
        connection,
        pa.array(children, pa.string()),
        pa.array(parents, pa.string()),
        steps.propose,
        bytea_text(pa.array(requests, pa.string())),
    )


def _load_edges(
    connection: sa.Connection, children: Column, parents: Column, step_id: int, requests: "Column | None" = None
) -> None:
    rows: dict[str, Column] = {
        "child_id": children,
        "parent_id": parents,
        "step_id": constant(step_id, len(children)),
        "request_hash": pa.nulls(len(children), pa.string()) if requests is None else requests,
    }
    copy_new(connection, "derivation", pa.Table.from_pydict(rows), ("child_id", "parent_id", "step_id"))


def _load_responses(connection: sa.Connection, table: pa.Table, steps: AutoifSteps) -> None:
    rows: dict[str, Column] = {
        "response_id": table["response_id"],
        "instruction_id": table["instruction_id"],
        "step_id": constant(steps.respond, table.num_rows),
        "request_hash": bytea_text(table["respond_hash"]),
        "n_chars": pc.utf8_length(table["response"]),
    }
    copy_new(connection, "response", pa.Table.from_pydict(rows), ("response_id",))


def _joined(lists: Column) -> Column:
    """Lists of words as texts, by commas."""
    return pa.array([",".join(words or ()) for words in lists.to_pylist()], pa.string())


def _copy(
    connection: sa.Connection, name: str, rows: dict[str, Any], version: VersionRef, key: tuple[str, ...]
) -> None:
    """Load a version's rows.

    Raises:
        ValueError: a key stands there twice.
    """
    n_rows = len(next(iter(rows.values())))
    rows |= {
        "dataset_id": constant(version.dataset_id, n_rows),
        "version": constant(version.version, n_rows),
    }
    if copy_new(connection, name, pa.Table.from_pydict(rows), ("dataset_id", "version", *key)) != n_rows:
        raise ValueError(f"{version.name}@{version.version}: {name} has two rows of one key {key}")
