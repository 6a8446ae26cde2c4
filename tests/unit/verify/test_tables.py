"""The tables of AutoIF: what is written is what is read."""

from pathlib import Path

import pyarrow as pa
import pytest

from evol_core import schemas
from evol_core.store.objects import ObjectStore, schema_hash
from evol_core.verify import tables

TABLES = {
    name: value for module in (tables, schemas) for name, value in vars(module).items() if isinstance(value, pa.Schema)
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_read_with_the_columns_that_were_registered(name: str, tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)

    stored = store.write(TABLES[name], [])

    assert schema_hash(store.read(stored.sha256).schema) == stored.schema_hash
