"""All shards of an AutoIF build as streams of rows in order: what its two versions are written from."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa

from evol_core.pipeline.autoif_parts import read_rows
from evol_core.pipeline.context import Build
from evol_core.publish.gates import DUPLICATE
from evol_core.recipe import AutoifRecipe, DecodingConfig
from evol_core.records import Instruction, ModelRef, Pair, Score, Status, content_hash
from evol_core.schemas import score_row
from evol_core.verify.pairs import Checked, preference_pairs
from evol_core.verify.quality import NAME as QUALITY
from evol_core.verify.quality import PROMPT as QUALITY_PROMPT
from evol_core.verify.tables import Row

OPERATOR = "autoif"

MAX_PAIRS = 4
"""Of one task: two responses of each side."""

NO_GOOD = "no_response_accepted"
NO_BAD = "no_response_refused"
NOT_CHECKED = "no_response_checked"


def table_rows(build: Build[AutoifRecipe], stage: str, table: str) -> Iterator[Row]:
    """The rows of one table of a stage, all shards."""
    for output in build.outputs(stage):
        yield from read_rows(build, output["parts"][table])


def constraint_rows(build: Build[AutoifRecipe]) -> Iterator[Row]:
    """CONSTRAINTS: every line with the last word on it."""
    fates = {row["ordinal"]: row for row in table_rows(build, "back_translate", "fates")}
    counts = ("n_replies", "n_checkers", "n_checkers_kept", "n_cases", "n_cases_kept")
    for line in table_rows(build, "constraints", "lines"):
        said = fates[line["ordinal"]] if line["ordinal"] is not None else line | {"stage": "self_instruct", "nli": ""}
        yield {
            **{name: line[name] for name in ("line", "constraint_id", "constraint", "origin", "request_hash")},
            **{name: said[name] for name in ("stage", "status", "reason", "nli")},
            **{name: said.get(name) for name in counts},
        }


def responses(build: Build[AutoifRecipe]) -> Iterator[Row]:
    """RESPONSES with the last verdict: of accepted ones with one instruction and text only the first stays so."""
    seen: set[str] = set()
    for row in table_rows(build, "quality", "responses"):
        if row["status"] == Status.ACCEPTED and row["response_id"] in seen:
            row |= {"stage": "publish", "status": Status.REJECTED.value, "reason": DUPLICATE}
        elif row["status"] == Status.ACCEPTED:
            seen.add(row["response_id"])
        yield row


def sft_row(row: Row, checkers: Sequence[str]) -> Row:
    """An accepted response as a row to train on."""
    kept = ("ordinal", "instruction_id", "response_id", "instruction", "input", "respond_hash")
    told = ("constraint_id", "constraint", "query", "pass_rate", "quality")
    return {
        **{name: row[name] for name in (*kept, *told)},
        "round": 0,
        "operator": OPERATOR,
        "seed_id": row["query_id"],
        "parent_id": row["query_id"],
        "output": row["response"],
        "checkers": list(checkers),
    }


def tasks(build: Build[AutoifRecipe]) -> Iterator[list[Row]]:
    """The responses of one query under one constraint after the other's."""
    for _, rows in groupby(table_rows(build, "quality", "responses"), itemgetter("task")):
        yield list(rows)


def paired(task: Sequence[Row], seed: int, checkers: Sequence[str]) -> list[Row]:
    """The PREFERENCE rows of one task."""
    checked = [Checked(row["response"], row["pass_rate"]) for row in task if row["pass_rate"] is not None]
    first = task[0]
    instruction = Instruction(text=first["instruction"])
    pairs = preference_pairs(checked, recipe_seed=seed, row_id=first["instruction_id"])
    kept = ("instruction_id", "instruction", "input", "constraint_id", "constraint", "query")
    return [
        {
            **{name: first[name] for name in kept},
            "ordinal": first["task"] * MAX_PAIRS + number,
            "round": 0,
            "operator": OPERATOR,
            "seed_id": first["query_id"],
            "parent_id": first["query_id"],
            "chosen": pair.chosen,
            "rejected": pair.rejected,
            "chosen_id": Pair(instruction=instruction, response=pair.chosen).id,
            "rejected_id": Pair(instruction=instruction, response=pair.rejected).id,
            "checkers": list(checkers),
        }
        for number, pair in enumerate(pairs)
    ]


def unpaired_row(task: Sequence[Row]) -> Row:
    """The UNPAIRED row of a task that gave no pair."""
    rates = [row["pass_rate"] for row in task if row["pass_rate"] is not None]
    failed = all(row["status"] == Status.FAILED for row in task)
    reason = NOT_CHECKED if not rates else NO_BAD if min(rates) > 0 else NO_GOOD
    first = task[0]
    return {
        **{name: first[name] for name in ("instruction_id", "constraint_id")},
        "ordinal": first["task"] * MAX_PAIRS,
        "round": 0,
        "parent_id": first["query_id"],
        "status": (Status.FAILED if failed else Status.REJECTED).value,
        "reason": task[0]["reason"] if failed else reason,
    }


_OUTCOME_TEXTS = ("stage", "status", "reason", "instruction_id", "query_id", "response_id", "respond_hash")
_OUTCOME_FIELDS: list["pa.Field[Any]"] = [pa.field(name, pa.string()) for name in _OUTCOME_TEXTS]

OUTCOMES = pa.schema([pa.field("ordinal", pa.int64()), *_OUTCOME_FIELDS])
"""What lineage keeps of a preference pair, or of a task without one."""


def pair_outcome(row: Row) -> Row:
    """The OUTCOMES row of a PREFERENCE row."""
    return {
        **{name: row[name] for name in ("ordinal", "instruction_id")},
        **{"stage": "publish", "status": Status.ACCEPTED.value, "reason": ""},
        **{"query_id": row["parent_id"], "response_id": row["chosen_id"], "respond_hash": None},
    }


def unpaired_outcome(row: Row) -> Row:
    """The OUTCOMES row of an UNPAIRED row."""
    return {
        **{name: row[name] for name in ("ordinal", "instruction_id", "status", "reason")},
        **{"stage": "pair", "query_id": row["parent_id"], "response_id": None, "respond_hash": None},
    }


def quality_scores(rows: Iterator[Row], judge: ModelRef, decoding: DecodingConfig) -> Iterator[Row]:
    """SCORES rows of the judge's words, each response once."""
    revision = content_hash([judge.revision, judge.tokenizer, QUALITY_PROMPT, decoding.model_dump(mode="json")])
    seen: set[str] = set()
    for row in rows:
        if row["quality_hash"] is not None and row["response_id"] not in seen:
            seen.add(row["response_id"])
            value = None if row["quality"] is None else float(row["quality"])
            yield score_row(
                Score(
                    subject_id=row["response_id"],
                    metric=QUALITY,
                    value=value,
                    reason=row["quality_reason"],
                    scorer=judge.name,
                    revision=revision,
                )
            )
