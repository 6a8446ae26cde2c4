"""A stage's rows, made piece by piece: what one attempt has finished, the next one passes by.

A piece is what comes of PIECE inputs in a row. Its rows are written as objects and entered under a hash of all that
decides them, so a stage that is started again goes on behind its last finished piece, whatever it cost to derive
them. Nothing depends on pieces being found: rows come from recorded answers, and come out the same again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any, TypeVar

import pyarrow as pa

from evol_core.config import source_hash
from evol_core.lineage.pieces import Piece
from evol_core.llm.port import Program
from evol_core.pipeline.context import Build
from evol_core.records import Status, content_hash
from evol_core.runner import drive
from evol_core.schemas import to_table
from evol_core.store.objects import ObjectStore

I = TypeVar("I")  # noqa: E741
T = TypeVar("T")

PIECE = 1024
"""Inputs a piece. After a kill, at most so many are derived again."""

Tables = Sequence[list[dict[str, Any]]]
"""Rows by the table that they belong to."""


def made_in_pieces(
    build: Build[Any],
    stage: str,
    inputs: Iterable[I],
    program: Callable[[I], Program[Tables]],
    schemas: Sequence[pa.Schema],
    *,
    total: int,
    decided_by: object,
) -> list[Piece]:
    """Drive a program an input, and keep what they return; at least one piece, maybe of no rows.

    Args:
        inputs: in an order that is always the same.
        program: returns a list of rows for each of `schemas`.
        total: of the inputs, for those who watch.
        decided_by: what decides the inputs and their rows beside recipe, models and code; as JSON.
    """
    work = work_hash(build, stage, decided_by)
    pieces = build.finished_pieces(work)
    done = sum(piece.n_inputs for piece in pieces)
    build.engine.counts.replayed += sum(piece.n_requests for piece in pieces)
    programs = (_counting(program(one)) for one in islice(inputs, done, None))
    results = build.told(stage, total, drive(programs, build.engine), done=done)
    while made := list(islice(results, PIECE)):
        piece = _written(build.store, made, schemas)
        build.keep_piece(work, len(pieces), piece)
        pieces.append(piece)
    return pieces or [_written(build.store, [], schemas)]


def work_hash(build: Build[Any], stage: str, decided_by: object) -> str:
    """SHA-256, 64 hex digits, of all that decides a stage's rows.

    The whole recipe, though some of it only says where things lie: a dtype decides scores, and is in no recipe's hash.
    """
    models = {name: asdict(ref) for name, ref in build.models.items()}
    return content_hash([source_hash(), build.recipe.model_dump(mode="json"), models, stage, decided_by])


def parts_of(pieces: Iterable[Piece], table: int = 0) -> list[str]:
    """The objects of a stage's table, in the order of its rows."""
    return [piece.objects[table].sha256 for piece in pieces]


def by_status(store: ObjectStore, parts: Iterable[str]) -> dict[str, int]:
    """How many rows of these objects have each status."""
    found = tallied(store, parts, "status")
    return {status.value: found[status] for status in Status}


def tallied(store: ObjectStore, parts: Iterable[str], column: str) -> Counter[str]:
    """How many rows of these objects have each value of a column of texts."""
    counts: Counter[str] = Counter()
    for table in (table for sha256 in parts for table in store.tables(sha256, [column])):
        found = table.group_by(column).aggregate([([], "count_all")])
        counts.update({str(row[column]): int(row["count_all"]) for row in found.to_pylist()})
    return counts


def _counting(program: Program[T]) -> Program[tuple[T, int]]:
    """A program that says at its end how many answers it took."""
    n_requests = 0
    try:
        requests = next(program)
        while True:
            n_requests += len({request.hash for request in requests})
            requests = program.send((yield requests))
    except StopIteration as stop:
        return stop.value, n_requests


def _written(store: ObjectStore, made: Sequence[tuple[Tables, int]], schemas: Sequence[pa.Schema]) -> Piece:
    objects = tuple(
        store.put(to_table([row for tables, _ in made for row in tables[place]], schema))
        for place, schema in enumerate(schemas)
    )
    return Piece(n_inputs=len(made), n_requests=sum(n for _, n in made), objects=objects)
