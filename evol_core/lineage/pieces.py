"""Finished pieces of stages' work, by a hash of all that decides them: where their rows lie.

They are a shortcut, not a record: a piece that is not known any more is derived again from recorded answers.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from evol_core.store.objects import StoredObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What a stage made of some of its inputs, one after the other."""

    n_inputs: int
    n_requests: int
    """Answers that its rows were derived from."""

    objects: tuple[StoredObject, ...]
    """One a table of the stage."""


_FIND = sa.text("""
    SELECT piece, n_inputs, n_requests, objects FROM lineage.finished_piece
    WHERE work = decode(:work, 'hex')
    ORDER BY piece
""")

_KEEP = sa.text("""
    INSERT INTO lineage.finished_piece (work, piece, attempt_id, n_inputs, n_requests, objects)
    VALUES (decode(:work, 'hex'), :piece, :attempt_id, :n_inputs, :n_requests, CAST(:objects AS json))
    ON CONFLICT (work, piece) DO UPDATE SET
        attempt_id = excluded.attempt_id, n_inputs = excluded.n_inputs, n_requests = excluded.n_requests,
        objects = excluded.objects, written_at = now()
""")
"""The newer word stands: whoever writes a piece that is known did not find its objects whole."""


def finished_pieces(connection: sa.Connection, work: str) -> Iterator[Piece]:
    """The pieces of a work from its beginning, as far as none is missing."""
    for number, row in enumerate(connection.execute(_FIND, {"work": work})):
        if row.piece != number:
            return
        objects = tuple(StoredObject(**said) for said in row.objects)
        yield Piece(n_inputs=row.n_inputs, n_requests=row.n_requests, objects=objects)


def keep_piece(connection: sa.Connection, work: str, number: int, piece: Piece, attempt_id: int) -> None:
    """Say where a piece lies. Two attempts at the same work write the same.

    Args:
        work: 64 hex digits.
        number: of the piece in its work, from 0.
    """
    connection.execute(
        _KEEP,
        {
            "work": work,
            "piece": number,
            "attempt_id": attempt_id,
            "n_inputs": piece.n_inputs,
            "n_requests": piece.n_requests,
            "objects": json.dumps([asdict(stored) for stored in piece.objects]),
        },
    )
