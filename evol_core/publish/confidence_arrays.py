"""How sure a model was at every position of a version's responses, beside the ids of its rows.

The arrays stay in the record of generations, by request; here they are joined to rows by what the request says: its
response is the row's, and its user turn holds the row's instruction.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from evol_core.records import Instruction
from evol_core.store.objects import ObjectStore

Row = Mapping[str, Any]

ARRAYS = pa.schema(
    [
        pa.field("instruction_id", pa.string(), nullable=False),
        pa.field("response_id", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("weights", pa.string(), nullable=False),
        pa.field("top1", pa.list_(pa.float32())),
        pa.field("entropy", pa.list_(pa.float32())),
        pa.field("reason", pa.string(), nullable=False),
    ]
)
"""A row of a version under one model: one value a position, from the response's first token; null with a reason."""

_OF_A_ROW = ["instruction", "input", "output", "instruction_id", "response_id"]
_ASKED = ["kind", "model", "model_revision", "request", "top1", "entropy", "measure_reason"]


class _Reply(NamedTuple):
    """What requests can tell of a version's row."""

    prompt: str
    ids: tuple[str, str]


def rows_of(store: ObjectStore, data: Iterable[str]) -> dict[str, list[_Reply]]:
    """A version's rows by their responses; `data` are the hashes of its objects."""
    found: dict[str, list[_Reply]] = {}
    for sha256 in data:
        for row in store.read(sha256, _OF_A_ROW).to_pylist():
            prompt = Instruction(text=row["instruction"], input=row["input"]).prompt
            found.setdefault(row["output"], []).append(_Reply(prompt, (row["instruction_id"], row["response_id"])))
    return found


def confidence_arrays(
    store: ObjectStore, rows: Mapping[str, list[_Reply]], places: Iterable[tuple[str, list[int]]]
) -> Iterator[dict[str, Any]]:
    """ARRAYS rows of all recorded measurements of these rows, in the order of the record.

    Args:
        places: objects of the record, and which of their rows are in force.
    """
    for sha256, numbers in places:
        for answer in store.read(sha256, _ASKED).take(numbers).filter(pc.field("kind") == "confidence").to_pylist():
            request = json.loads(answer["request"])
            for reply in rows.get(request["response"], ()):
                if reply.prompt in request["user"]:
                    yield _row(reply, answer)


def _row(reply: _Reply, answer: Row) -> dict[str, Any]:
    instruction_id, response_id = reply.ids
    reason = answer["measure_reason"] or ""
    return {
        "instruction_id": instruction_id,
        "response_id": response_id,
        "model": answer["model"],
        "weights": answer["model_revision"],
        "top1": None if reason else answer["top1"],
        "entropy": None if reason else answer["entropy"],
        "reason": reason,
    }
