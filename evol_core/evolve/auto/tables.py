"""The Parquet tables of Auto Evol-Instruct: trajectories, their phrases, and the trials of an optimisation."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from evol_core.evolve.auto.trajectory import read_reply
from evol_core.evolve.auto.trials import Trial
from evol_core.records import Evolved, Generation
from evol_core.text import printable

VERSION = "1"

Row = dict[str, Any]


def _table(name: str, *fields: "pa.Field[Any]") -> pa.Schema:
    return pa.schema(fields, metadata={"evol.table": name, "evol.schema": VERSION})


def _text(name: str, *, nullable: bool = False) -> "pa.Field[Any]":
    return pa.field(name, pa.string(), nullable=nullable)


def _whole(name: str) -> "pa.Field[Any]":
    return pa.field(name, pa.int64(), nullable=False)


TRAJECTORIES = _table(
    "trajectories",
    _whole("ordinal"),
    _whole("round"),
    _text("operator"),
    _text("outcome"),
    pa.field("methods", pa.list_(pa.field("element", pa.string())), nullable=False),
    _text("plan", nullable=True),
    _text("rewrite", nullable=True),
    _text("final", nullable=True),
    _text("raw"),
    _text("evolve_hash"),
)
"""Every reply to a request for an evolution, step by step; null where it has no such step."""

PHRASES = _table(
    "phrases",
    _whole("ordinal"),
    _whole("round"),
    _whole("number"),
    _text("method"),
    _text("phrase", nullable=True),
)
"""Every listed way of the trajectories that were read, with its phrase; null where the model gave none."""

TRIALS = _table(
    "trials",
    _whole("step"),
    _whole("candidate"),
    _text("method_hash", nullable=True),
    _text("text", nullable=True),
    _text("parent_hash", nullable=True),
    _text("reason"),
    _whole("n_rows"),
    _whole("n_failed"),
    _text("failures"),
    _whole("n_calls"),
    _whole("n_prompt_tokens"),
    _whole("n_tokens"),
    pa.field("is_winner", pa.bool_(), nullable=False),
)
"""Every try of an optimisation to have a better method; `failures` is JSON, failed rows by reason."""


def trajectory_row(row: Evolved, generation: Generation) -> Row:
    read = read_reply(generation)
    return {
        "ordinal": row.ordinal,
        "round": row.round,
        "operator": row.operator,
        "outcome": read.outcome.value,
        "methods": list(read.methods),
        "plan": read.plan,
        "rewrite": read.rewrite,
        "final": read.final,
        "raw": printable(read.raw),
        "evolve_hash": row.evolve_hash,
    }


def phrase_rows(trajectory: Row, phrases: Sequence[str | None]) -> Iterator[Row]:
    """One row a listed way of a TRAJECTORIES row."""
    for number, (method, phrase) in enumerate(zip(trajectory["methods"], phrases, strict=True)):
        place = {"ordinal": trajectory["ordinal"], "round": trajectory["round"], "number": number}
        yield place | {"method": method, "phrase": phrase}


def trial_row(trial: Trial, *, is_winner: bool) -> Row:
    return {
        "step": trial.step,
        "candidate": trial.candidate,
        "method_hash": trial.method.hash if trial.method else None,
        "text": trial.method.text if trial.method else None,
        "parent_hash": trial.parent.hash if trial.parent else None,
        "reason": trial.reason,
        "n_rows": trial.n_rows,
        "n_failed": trial.n_failed,
        "failures": json.dumps(dict(trial.failures), sort_keys=True),
        "n_calls": trial.cost.calls,
        "n_prompt_tokens": trial.cost.n_prompt_tokens,
        "n_tokens": trial.cost.n_tokens,
        "is_winner": is_winner,
    }
