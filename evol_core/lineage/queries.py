"""Questions that stages and commands ask of the lineage."""

import sqlalchemy as sa

from evol_core.records import InstructionId


def seed_ordinals(connection: sa.Connection, name: str) -> dict[InstructionId, int]:
    """The number of every seed that any version of a seed dataset had; empty where there is none yet."""
    rows = connection.execute(
        sa.text(
            "SELECT instruction_id, ordinal FROM lineage.seed_ordinal JOIN lineage.dataset USING (dataset_id) "
            "WHERE name = :name ORDER BY ordinal"
        ),
        {"name": name},
    )
    return {InstructionId(str(row.instruction_id)): row.ordinal for row in rows}
