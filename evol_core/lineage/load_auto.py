"""Rows of Auto Evol-Instruct into Postgres: methods, the loops that made them, trajectories, phrases.

Every function runs on its caller's connection and never commits. Columns are those of `evolve.auto.tables`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from evol_core.errors import NotFound
from evol_core.lineage.copy import constant, copy_new, storable_texts
from evol_core.lineage.publication import VersionRef
from evol_core.lineage.registry import model_number
from evol_core.lineage.text import storable
from evol_core.records import ModelRef

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class OptimisationRow:
    """One loop with all of its trials."""

    hash: str
    dataset: str
    evolver: ModelRef
    optimiser: ModelRef
    stop: str
    cost: Mapping[str, int]
    """calls, n_prompt_tokens, n_tokens."""

    trials: Sequence[Row]
    """Columns of TRIALS; the first is the method that the loop began with."""

    attempt_id: int


_ADD_METHOD = sa.text(
    "INSERT INTO lineage.method (method_hash, body) VALUES (:method_hash, :body) ON CONFLICT (method_hash) DO NOTHING"
)

_ADD_OPTIMISATION = sa.text("""
    INSERT INTO lineage.optimisation AS old (optimisation_hash, dataset, base_hash, best_hash, evolver_id,
        optimiser_id, stop, n_calls, n_prompt_tokens, n_tokens, attempt_id)
    VALUES (:optimisation_hash, :dataset, :base_hash, :best_hash, :evolver_id,
        :optimiser_id, :stop, :n_calls, :n_prompt_tokens, :n_tokens, :attempt_id)
    ON CONFLICT (optimisation_hash) DO UPDATE SET best_hash = excluded.best_hash, stop = excluded.stop,
        n_calls = excluded.n_calls, n_prompt_tokens = excluded.n_prompt_tokens, n_tokens = excluded.n_tokens
    WHERE old.n_calls <= excluded.n_calls AND excluded.stop <> 'unfinished' OR old.n_calls < excluded.n_calls
""")

_ADD_TRIAL = sa.text("""
    INSERT INTO lineage.method_trial (optimisation_hash, step, candidate, method_hash, parent_hash, reason, n_rows,
        n_failed, failures, n_calls, n_prompt_tokens, n_tokens, is_winner)
    VALUES (:optimisation_hash, :step, :candidate, :method_hash, :parent_hash, :reason, :n_rows,
        :n_failed, CAST(:failures AS jsonb), :n_calls, :n_prompt_tokens, :n_tokens, :is_winner)
    ON CONFLICT (optimisation_hash, step, candidate) DO NOTHING
""")


def load_optimisation(connection: sa.Connection, row: OptimisationRow) -> None:
    """A loop, its trials and their methods. What is there stays; a loop that went further says so."""
    for trial in row.trials:
        if trial["method_hash"] is not None:
            method = {"method_hash": bytes.fromhex(trial["method_hash"]), "body": storable(trial["text"])}
            connection.execute(_ADD_METHOD, method)
    optimisation_hash = bytes.fromhex(row.hash)
    best = [trial for trial in row.trials if trial["is_winner"]][-1]
    connection.execute(
        _ADD_OPTIMISATION,
        {
            "optimisation_hash": optimisation_hash,
            "dataset": row.dataset,
            "base_hash": bytes.fromhex(row.trials[0]["method_hash"]),
            "best_hash": bytes.fromhex(best["method_hash"]),
            "evolver_id": model_number(connection, row.evolver),
            "optimiser_id": model_number(connection, row.optimiser),
            "stop": row.stop,
            "n_calls": row.cost["calls"],
            "n_prompt_tokens": row.cost["n_prompt_tokens"],
            "n_tokens": row.cost["n_tokens"],
            "attempt_id": row.attempt_id,
        },
    )
    for trial in row.trials:
        connection.execute(_ADD_TRIAL, _trial(trial) | {"optimisation_hash": optimisation_hash})


def _trial(trial: Row) -> dict[str, Any]:
    hashes = {name: bytes.fromhex(trial[name]) if trial[name] else None for name in ("method_hash", "parent_hash")}
    return {**trial, **hashes}


def find_method(connection: sa.Connection, dataset: str, digits: str) -> str:
    """The text of a method that a dataset's builds used or tried, by the first digits of its hash.

    Raises:
        NotFound: there is none, or more than one.
    """
    found = _methods(connection, dataset)
    texts = [text for known, text in found.items() if known.startswith(digits)]
    if len(texts) != 1:
        known = [f"{dataset}@{one[:12]}" for one in found]
        raise NotFound(
            f"evolve.method: {len(texts)} methods are called {dataset}@{digits}; known: {known}; "
            "`evol sql --example methods` lists those of all datasets"
        )
    return texts[0]


def _methods(connection: sa.Connection, dataset: str) -> dict[str, str]:
    rows = connection.execute(
        sa.text(
            "SELECT DISTINCT encode(m.method_hash, 'hex') AS hash, m.body FROM lineage.method m "
            "JOIN lineage.method_trial t USING (method_hash) JOIN lineage.optimisation o USING (optimisation_hash) "
            "WHERE o.dataset = :dataset ORDER BY 1"
        ),
        {"dataset": dataset},
    )
    return {row.hash: row.body for row in rows}


def load_trajectories(connection: sa.Connection, table: pa.Table, version: VersionRef) -> None:
    """How each reply was read; columns of TRAJECTORIES."""
    rows = {name: table[name] for name in ("ordinal", "round", "operator", "outcome")}
    rows["n_methods"] = pc.list_value_length(table["methods"])
    _copy(connection, "trajectory", pa.Table.from_pydict(rows), version, ("ordinal", "round"))


def load_phrases(connection: sa.Connection, rows: Sequence[Row], version: VersionRef) -> None:
    """Counts of phrases: round, phrase, n_methods, n_spellings."""
    if rows:
        table = pa.Table.from_pylist([dict(row) for row in rows])
        table = table.set_column(table.column_names.index("phrase"), "phrase", storable_texts(table["phrase"]))
        _copy(connection, "trajectory_phrase", table, version, ("round", "phrase"))


def _copy(connection: sa.Connection, table: str, rows: pa.Table, version: VersionRef, key: tuple[str, ...]) -> None:
    rows = rows.append_column("dataset_id", constant(version.dataset_id, rows.num_rows))
    rows = rows.append_column("version", constant(version.version, rows.num_rows))
    copy_new(connection, table, rows, ("dataset_id", "version", *key))
