"""The index of recorded generations: from a request's hash to the place of the answer in force."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from evol_core.lineage.registry import model_number, object_number, register_objects
from evol_core.records import ModelRef, RequestHash
from evol_core.store.objects import Place, StoredObject

QUESTION_ROWS = 20_000
"""Hashes a query."""

_FIND = sa.text("""
    SELECT g.request_hash, f.sha256, g.row_no
    FROM unnest(CAST(:hashes AS bytea[])) asked (request_hash)
    JOIN lineage.generation g USING (request_hash)
    JOIN lineage.object_file f USING (file_id)
    WHERE f.deleted_at IS NULL
""")

_COLUMNS = {
    "request_hash": "bytea",
    "row_no": "int",
    "model_id": "int",
    "seed": "bigint",
    "n_prompt_tokens": "int",
    "n_tokens": "int",
    "seconds": "real",
    "finish_reason": "text",
}

_ENTERED = ("file_id", "attempt_id", *_COLUMNS)

_REGISTER = sa.text(f"""
    INSERT INTO lineage.generation AS old ({", ".join(_ENTERED)})
    SELECT DISTINCT ON (request_hash) CAST(:file_id AS bigint), CAST(:attempt_id AS bigint), answer.*
    FROM unnest({", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _COLUMNS.items())})
        answer ({", ".join(_COLUMNS)})
    ORDER BY request_hash, row_no
    ON CONFLICT (request_hash) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _ENTERED)}
    WHERE EXISTS (SELECT FROM lineage.object_file f WHERE f.file_id = old.file_id AND f.deleted_at IS NOT NULL)
""")
"""An answer whose object is gone gives way to the new one; else the first stays."""


_MEASURED = sa.text("""
    SELECT f.sha256, array_agg(g.row_no ORDER BY g.row_no) AS row_numbers
    FROM lineage.generation g
    JOIN lineage.object_file f USING (file_id)
    WHERE g.finish_reason = 'scored' AND f.deleted_at IS NULL
    GROUP BY f.file_id, f.sha256
    ORDER BY f.file_id
""")


def measured_places(connection: sa.Connection) -> Iterator[tuple[str, list[int]]]:
    """Every object with answers in force that were measured, not written; and their rows in it."""
    for sha256, row_numbers in connection.execute(_MEASURED):
        yield bytes(sha256).hex(), list(row_numbers)


class PostgresIndex:
    """Where recorded answers stand, shared by all runs. The first committed answer to a request stays."""

    def __init__(self, engine: sa.Engine, attempt_id: int) -> None:
        self._engine = engine
        self._attempt_id = attempt_id

    def find(self, hashes: Sequence[RequestHash]) -> dict[RequestHash, Place]:
        """The places of those requests that have an answer."""
        with self._engine.connect() as connection:
            return dict(_places(connection, hashes))

    def register(self, stored: StoredObject, table: pa.Table) -> dict[RequestHash, Place]:
        """Enter a stored table of answers; returns the place in force for each of its requests.

        Args:
            stored: where the table lies.
            table: columns of schemas.GENERATIONS.
        """
        hashes = [RequestHash(text) for text in _texts(table, "request_hash")]
        with self._engine.begin() as connection:
            register_objects(connection, [stored], self._attempt_id)
            row = {"file_id": object_number(connection, stored.sha256), "attempt_id": self._attempt_id}
            connection.execute(_REGISTER, row | _columns(connection, table))
            return dict(_places(connection, hashes))


def _places(connection: sa.Connection, hashes: Sequence[RequestHash]) -> Iterator[tuple[RequestHash, Place]]:
    waiting = iter(hashes)
    while asked := [bytes.fromhex(text) for text in islice(waiting, QUESTION_ROWS)]:
        for request_hash, sha256, row_no in connection.execute(_FIND, {"hashes": asked}):
            yield RequestHash(bytes(request_hash).hex()), Place(bytes(sha256).hex(), row_no)


def _columns(connection: sa.Connection, table: pa.Table) -> dict[str, list[Any]]:
    """The table's columns as `generation` has them; model and seed are read from the request."""
    requests = [json.loads(text) for text in _texts(table, "request")]
    models = [
        ModelRef(name=name, revision=revision, tokenizer=request.get("model", {}).get("tokenizer", ""))
        for name, revision, request in zip(
            _texts(table, "model"), _texts(table, "model_revision"), requests, strict=True
        )
    ]
    numbers = {model: model_number(connection, model) for model in sorted(set(models), key=str)}
    return {
        "request_hash": [bytes.fromhex(text) for text in _texts(table, "request_hash")],
        "row_no": list(range(table.num_rows)),
        "model_id": [numbers[model] for model in models],
        "seed": [request.get("seed") for request in requests],
        "n_prompt_tokens": table["n_prompt_tokens"].to_pylist(),
        "n_tokens": table["n_tokens"].to_pylist(),
        "seconds": table["seconds"].to_pylist(),
        "finish_reason": table["finish_reason"].to_pylist(),
    }


def _texts(table: pa.Table, column: str) -> list[str]:
    return [str(text) for text in table[column].to_pylist()]
