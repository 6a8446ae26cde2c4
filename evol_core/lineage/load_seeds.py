"""Rows of a seed version into Postgres: seeds, where they stood, their numbers, what was refused."""

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from evol_core.errors import VersionConflict
from evol_core.lineage.copy import Column, constant, copy_new, storable_texts
from evol_core.lineage.outcomes import load_instructions, load_outcomes
from evol_core.lineage.publication import VersionRef
from evol_core.records import Instruction, Pair, Status


def load_seeds(connection: sa.Connection, table: pa.Table, version: VersionRef) -> None:
    """Seeds of a version: instructions, where they stood, their numbers, the sources' own answers, outcomes.

    Args:
        table: columns of schemas.SEEDS.

    Raises:
        VersionConflict: another version gave these numbers to other seeds; read the numbers again.
    """
    load_instructions(connection, table)
    _load_origins(connection, table, version)
    _load_ordinals(connection, table, version)
    _load_answers(connection, table)
    accepted = {
        "status": constant(Status.ACCEPTED.value, table.num_rows),
        "reason": constant("", table.num_rows),
        "row_id": table["instruction_id"],
    }
    _load_outcomes(connection, pa.Table.from_pydict(accepted), version)


def load_refused(connection: sa.Connection, table: pa.Table, version: VersionRef) -> None:
    """Source rows that became no seeds; columns of schemas.REFUSED."""
    _load_outcomes(connection, table.select(["status", "reason"]), version)


def _load_origins(connection: sa.Connection, table: pa.Table, version: VersionRef) -> None:
    rows: dict[str, Column] = {
        "instruction_id": table["instruction_id"],
        "source": storable_texts(table["source"]),
        "line": table["line"],
        "licence": storable_texts(table["licence"]),
        "attempt_id": constant(version.attempt_id, table.num_rows),
    }
    copy_new(connection, "seed_origin", pa.Table.from_pydict(rows), ("instruction_id", "source", "line"))


TAKEN = sa.text("""
    WITH new AS (
        SELECT * FROM unnest(CAST(:instruction_ids AS uuid[]), CAST(:ordinals AS bigint[]))
            said (instruction_id, ordinal)
    )
    SELECT old.* FROM new CROSS JOIN LATERAL (
        SELECT instruction_id, ordinal FROM lineage.seed_ordinal
        WHERE (dataset_id, instruction_id) = (:dataset_id, new.instruction_id) LIMIT 1
    ) old WHERE old.ordinal <> new.ordinal
    UNION ALL
    SELECT old.* FROM new CROSS JOIN LATERAL (
        SELECT instruction_id, ordinal FROM lineage.seed_ordinal
        WHERE (dataset_id, ordinal) = (:dataset_id, new.ordinal) LIMIT 1
    ) old WHERE old.instruction_id <> new.instruction_id
    ORDER BY ordinal LIMIT 1
""")
"""New seeds are looked up by one key and by the other. LIMIT 1 keeps it at that: a join would go through old seeds."""


def _load_ordinals(connection: sa.Connection, table: pa.Table, version: VersionRef) -> None:
    said = {"instruction_ids": table["instruction_id"].to_pylist(), "ordinals": table["ordinal"].to_pylist()}
    taken = connection.execute(TAKEN, said | {"dataset_id": version.dataset_id}).first()
    if taken is not None:
        raise VersionConflict(
            f"seed {taken.instruction_id} has number {taken.ordinal} in {version.name} since an earlier version; "
            "run the seed stage again: it reads the numbers anew"
        )
    rows = table.select(["instruction_id", "ordinal"])
    rows = rows.append_column("dataset_id", constant(version.dataset_id, table.num_rows))
    copy_new(connection, "seed_ordinal", rows, ("dataset_id", "instruction_id"))


def _load_answers(connection: sa.Connection, table: pa.Table) -> None:
    """The sources' own answers, as responses that no step made."""
    answered = table.filter(pc.is_valid(table["output"])).select(["instruction_id", "instruction", "input", "output"])
    ids = [
        Pair(instruction=Instruction(text=row["instruction"], input=row["input"]), response=row["output"]).id
        for row in answered.to_pylist()
    ]
    rows: dict[str, Column] = {
        "response_id": pa.array(ids, pa.string()),
        "instruction_id": answered["instruction_id"],
        "n_chars": pc.utf8_length(answered["output"]),
    }
    copy_new(connection, "response", pa.Table.from_pydict(rows), ("response_id",))


def _load_outcomes(connection: sa.Connection, table: pa.Table, version: VersionRef) -> None:
    """Outcomes of items, numbered on from those that the version has."""
    query = (
        "SELECT coalesce(max(ordinal) + 1, 0) FROM lineage.outcome WHERE (dataset_id, version) = (:dataset, :version)"
    )
    first = connection.execute(sa.text(query), {"dataset": version.dataset_id, "version": version.version}).scalar_one()
    rows: dict[str, Column] = {
        "ordinal": pa.array(range(first, first + table.num_rows), pa.int64()),
        "round": constant(0, table.num_rows),
        "stage": constant("seed", table.num_rows),
    }
    rows |= {name: table[name] for name in table.column_names}
    load_outcomes(connection, pa.Table.from_pydict(rows), version)
