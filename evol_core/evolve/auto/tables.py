"""The Parquet tables of Auto Evol-Instruct: trajectories, their phrases, and the trials of an optimisation."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from evol_core.columns import flag, table, text, texts, whole
from evol_core.evolve.auto.trajectory import read_reply
from evol_core.evolve.auto.trials import Trial
from evol_core.records import Evolved, Generation
from evol_core.text import printable

VERSION = "1"

Row = dict[str, Any]


TRAJECTORIES = table(
    "trajectories",
    VERSION,
    whole("ordinal"),
    whole("round"),
    text("operator"),
    text("outcome"),
    texts("methods"),
    text("plan", nullable=True),
    text("rewrite", nullable=True),
    text("final", nullable=True),
    text("raw"),
    text("evolve_hash"),
)
"""Every reply to a request for an evolution, step by step; null where it has no such step."""

PHRASES = table(
    "phrases",
    VERSION,
    whole("ordinal"),
    whole("round"),
    whole("number"),
    text("method"),
    text("phrase", nullable=True),
)
"""Every listed way of the trajectories that were read, with its phrase; null where the model gave none."""

TRIALS = table(
    "trials",
    VERSION,
    whole("step"),
    whole("candidate"),
    text("method_hash", nullable=True),
    text("text", nullable=True),
    text("parent_hash", nullable=True),
    text("reason"),
    whole("n_rows"),
    whole("n_failed"),
    text("failures"),
    whole("n_calls"),
    whole("n_prompt_tokens"),
    whole("n_tokens"),
    flag("is_winner"),
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
