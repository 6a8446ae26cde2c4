"""What became of a version's rows, and the instructions and data rows that every kind of version has."""

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from evol_core.lineage.copy import constant, copy_new, storable_texts
from evol_core.lineage.publication import VersionRef
from evol_core.lineage.registry import object_number
from evol_core.store.objects import StoredObject

HEAD_CHARS = 120
"""Characters of an instruction that Postgres keeps."""


def load_outcomes(connection: sa.Connection, table: pa.Table, version: VersionRef) -> None:
    """One line a row that went into the version; columns of lineage.outcome but for dataset and version.

    Raises:
        ValueError: a row (ordinal, round) has two outcomes.
    """
    rows = table.append_column("dataset_id", constant(version.dataset_id, table.num_rows))
    rows = rows.append_column("version", constant(version.version, table.num_rows))
    if copy_new(connection, "outcome", rows, ("dataset_id", "version", "ordinal", "round")) != table.num_rows:
        raise ValueError(f"{version.name}@{version.version}: a row has two outcomes; (ordinal, round) must be unique")


def load_instructions(connection: sa.Connection, table: pa.Table) -> None:
    """Columns instruction_id, instruction, input."""
    rows = {
        "instruction_id": table["instruction_id"],
        "n_chars": pc.add(pc.utf8_length(table["instruction"]), pc.utf8_length(table["input"])),
        "head": pc.utf8_slice_codeunits(storable_texts(table["instruction"]), 0, HEAD_CHARS),
    }
    copy_new(connection, "instruction", pa.Table.from_pydict(rows), ("instruction_id",))


def load_data_rows(connection: sa.Connection, stored: StoredObject, table: pa.Table) -> None:
    """Which instruction stands in which row of a data object.

    Args:
        stored: the object, registered (`publish` does so before it loads).
        table: its rows, all of them; the column instruction_id is enough.
    """
    rows = {
        "file_id": constant(object_number(connection, stored.sha256), table.num_rows),
        "row_no": pa.array(range(table.num_rows), pa.int64()),
        "row_id": table["instruction_id"],
    }
    copy_new(connection, "row_location", pa.Table.from_pydict(rows), ("file_id", "row_no"))
