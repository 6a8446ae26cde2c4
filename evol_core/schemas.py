"""The Parquet tables: their columns, and the way between records and rows.

A column's meaning stands at the record's field of the same name (records.py). Raise VERSION when a table changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from evol_core.columns import real, reals, table, text, whole
from evol_core.records import Evolved, Generation, Instruction, Losses, Measured, Pair, Refused, Score, Seed
from evol_core.requests import Request

VERSION = "2"


SEEDS = table(
    "seeds",
    VERSION,
    whole("ordinal"),
    text("instruction_id"),
    text("instruction"),
    text("input"),
    text("output", nullable=True),
    text("source"),
    text("licence"),
    whole("line"),
)

REFUSED = table("refused", VERSION, text("status"), text("reason"), text("source"), whole("line"), text("text"))

EVOLVED = table(
    "evolved",
    VERSION,
    whole("ordinal"),
    whole("round"),
    text("seed_id"),
    text("parent_id"),
    text("parent_instruction"),
    text("parent_input"),
    text("operator"),
    text("status"),
    text("reason"),
    text("instruction_id", nullable=True),
    text("instruction", nullable=True),
    text("input", nullable=True),
    text("response_id", nullable=True),
    text("response", nullable=True),
    text("evolve_hash"),
    text("respond_hash", nullable=True),
)

SCORES = table(
    "scores",
    VERSION,
    text("subject_id"),
    text("metric"),
    real("value"),
    text("reason"),
    text("label"),
    text("scorer"),
    text("revision"),
)

VERDICTS = table(
    "verdicts",
    VERSION,
    whole("ordinal"),
    whole("round"),
    text("seed_id"),
    text("parent_id"),
    text("a_id"),
    text("b_id"),
    text("verdict"),
    text("kind"),
    text("first"),
    text("swapped"),
    text("reason"),
    text("first_text"),
    text("swapped_text"),
    text("first_hash", nullable=True),
    text("swapped_hash", nullable=True),
    whole("words_a"),
    whole("words_b"),
)
"""Pairwise verdicts on two arms' children of one parent; outcomes are those of arm A (evol_core/judge)."""

GENERATIONS = table(
    "generations",
    VERSION,
    text("request_hash"),
    text("kind"),
    text("model"),
    text("model_revision"),
    text("request"),
    text("text"),
    text("finish_reason"),
    whole("n_prompt_tokens"),
    whole("n_tokens"),
    real("logprob_sum"),
    real("loss_question"),
    real("loss_given"),
    real("loss_alone"),
    whole("n_question", nullable=True),
    whole("n_answer", nullable=True),
    whole("n_alone", nullable=True),
    text("loss_reason"),
    real("reward"),
    reals("top1"),
    reals("entropy"),
    pa.field("vector", pa.binary()),
    text("measure_reason", nullable=True),
    text("error"),
    text("engine"),
    real("seconds"),
)


def dataset_schema(metrics: Sequence[str]) -> pa.Schema:
    """A published dataset: one accepted pair a row, with one column a metric (null: not computed)."""
    return table(
        "dataset",
        VERSION,
        whole("ordinal"),
        whole("round"),
        text("operator"),
        text("instruction_id"),
        text("response_id"),
        text("seed_id"),
        text("parent_id"),
        text("instruction"),
        text("input"),
        text("output"),
        text("evolve_hash"),
        text("respond_hash"),
        *(real(f"score_{metric}") for metric in metrics),
    )


def to_table(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows as one table; a row that lacks a column or has an unknown one is a mistake of the caller.

    Raises:
        ValueError: a row's columns are not the schema's.
    """
    rows = list(rows)
    names = set(schema.names)
    for row in rows:
        if row.keys() != names:
            raise ValueError(f"columns {sorted(row.keys() ^ names)} differ from the schema's")
    return pa.Table.from_pylist(rows, schema=schema)


def seed_row(seed: Seed) -> dict[str, Any]:
    return {
        "ordinal": seed.ordinal,
        "instruction_id": seed.instruction.id,
        "instruction": seed.instruction.text,
        "input": seed.instruction.input,
        "output": seed.output,
        "source": seed.source,
        "licence": seed.licence,
        "line": seed.line,
    }


def seed_record(row: Mapping[str, Any]) -> Seed:
    return Seed(
        ordinal=row["ordinal"],
        instruction=Instruction(text=row["instruction"], input=row["input"]),
        output=row["output"],
        source=row["source"],
        licence=row["licence"],
        line=row["line"],
    )


def refused_row(refused: Refused) -> dict[str, Any]:
    return {
        "status": refused.status.value,
        "reason": refused.reason,
        "source": refused.source,
        "line": refused.line,
        "text": refused.text,
    }


def evolved_row(row: Evolved) -> dict[str, Any]:
    child, response = row.child, row.response
    return {
        "ordinal": row.ordinal,
        "round": row.round,
        "seed_id": row.seed_id,
        "parent_id": row.parent.id,
        "parent_instruction": row.parent.text,
        "parent_input": row.parent.input,
        "operator": row.operator,
        "status": row.verdict.status.value,
        "reason": row.verdict.reason,
        "instruction_id": child.id if child else None,
        "instruction": child.text if child else None,
        "input": child.input if child else None,
        "response_id": Pair(instruction=child, response=response).id if child and response is not None else None,
        "response": response,
        "evolve_hash": row.evolve_hash,
        "respond_hash": row.respond_hash,
    }


def score_row(score: Score) -> dict[str, Any]:
    return {
        "subject_id": score.subject_id,
        "metric": score.metric,
        "value": score.value,
        "reason": score.reason,
        "label": score.label,
        "scorer": score.scorer,
        "revision": score.revision,
    }


def generation_row(request: Request, generation: Generation, request_text: str) -> dict[str, Any]:
    """One recorded answer; `request_text` is the request as canonical JSON, kept for audit and rescoring."""
    losses, measured = generation.losses, generation.measured
    return {
        "request_hash": generation.request_hash,
        "kind": request.kind,
        "model": request.model.name,
        "model_revision": request.model.revision,
        "request": request_text,
        "text": generation.text,
        "finish_reason": generation.finish_reason,
        "n_prompt_tokens": generation.n_prompt_tokens,
        "n_tokens": generation.n_tokens,
        "logprob_sum": generation.logprob_sum,
        "loss_question": losses.question if losses else None,
        "loss_given": losses.given if losses else None,
        "loss_alone": losses.alone if losses else None,
        "n_question": losses.n_question if losses else None,
        "n_answer": losses.n_answer if losses else None,
        "n_alone": losses.n_alone if losses else None,
        "loss_reason": losses.reason if losses else "",
        "reward": measured.reward if measured else None,
        "top1": measured.top1 if measured else None,
        "entropy": measured.entropy if measured else None,
        "vector": measured.vector if measured else None,
        "measure_reason": measured.reason if measured else None,
        "error": generation.error,
        "engine": generation.engine,
        "seconds": generation.seconds,
    }


def generation_record(row: Mapping[str, Any]) -> Generation:
    losses = None
    if row["n_question"] is not None:
        losses = Losses(
            question=row["loss_question"],
            given=row["loss_given"],
            alone=row["loss_alone"],
            n_question=row["n_question"],
            n_answer=row["n_answer"],
            n_alone=row["n_alone"],
            reason=row["loss_reason"],
        )
    measured = None
    if row["measure_reason"] is not None:
        measured = Measured(
            reward=row["reward"],
            top1=tuple(row["top1"]),
            entropy=tuple(row["entropy"]),
            vector=row["vector"],
            reason=row["measure_reason"],
        )
    return Generation(
        request_hash=row["request_hash"],
        text=row["text"],
        finish_reason=row["finish_reason"],
        n_prompt_tokens=row["n_prompt_tokens"],
        n_tokens=row["n_tokens"],
        logprob_sum=row["logprob_sum"],
        losses=losses,
        measured=measured,
        error=row["error"],
        engine=row["engine"],
        seconds=row["seconds"],
    )
