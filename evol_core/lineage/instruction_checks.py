"""IFEval-style checks of models, beside their lineage."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from evol_core.lineage.runs import check_not_fenced
from evol_core.lineage.text import storable

_PUT = sa.text("""
    INSERT INTO lineage.instruction_check
        (model_revision, suite_hash, item, number, benchmark, check_id, strict, loose, reason, request_hash, attempt_id)
    VALUES (:model_revision, decode(:suite_hash, 'hex'), :item, :number, :benchmark, :check_id, :strict, :loose,
        :reason, decode(:request_hash, 'hex'), :attempt_id)
    ON CONFLICT (model_revision, suite_hash, item, number) DO UPDATE
    SET strict = excluded.strict, loose = excluded.loose, reason = excluded.reason,
        request_hash = excluded.request_hash, attempt_id = excluded.attempt_id
""")


def put_instruction_checks(connection: sa.Connection, rows: Sequence[dict[str, Any]], attempt_id: int) -> None:
    """Keep checks; the same model, suite and item again takes the place of the earlier.

    Raises:
        Fenced: a newer attempt owns this work.
    """
    check_not_fenced(connection, attempt_id)
    if rows:
        connection.execute(_PUT, [{**row, "reason": storable(row["reason"]), "attempt_id": attempt_id} for row in rows])
