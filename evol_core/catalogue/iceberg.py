"""A mirror of published versions as Iceberg tables, for Spark and Trino: the same objects, a tag `vN` a version.

The mirror is derived: nothing in Evol reads it, and without its catalogue it is made anew from the versions. It
holds no data of its own, only metadata that lists our objects, and it never deletes an object.
"""

import shutil
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.table import Table

from evol_core.lineage.versions import Version
from evol_core.store.objects import ObjectStore

NAMESPACE = "evol"


class Mirrored(NamedTuple):
    """What became of the versions."""

    added: list[str]
    """NAME@V that have their tag now."""

    kept: list[str]
    """Those that had it."""

    empty: list[str]
    """Versions without a row: the format has no snapshot for them."""


def open_catalog(uri: str, folder: Path) -> Catalog:
    """The catalogue of the mirror.

    Args:
        uri: SQLAlchemy URL of a SQLite or Postgres database.
        folder: where metadata files go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    catalog = SqlCatalog(NAMESPACE, uri=uri, warehouse=folder.as_uri())
    catalog.create_namespace_if_not_exists(NAMESPACE)
    return catalog


def table_name(dataset: str) -> tuple[str, str]:
    """A dataset's table. A point in a name would part it in SQL."""
    return NAMESPACE, dataset.replace(".", "__")


def mirror(catalog: Catalog, store: ObjectStore, versions: Sequence[Version]) -> Mirrored:
    """Bring the mirror up to date with these published versions, in the order of dataset and number.

    A dataset with a tag whose version is not among them (it was retracted) is made anew.
    """
    mirrored = Mirrored([], [], [])
    for name, group in groupby(versions, key=lambda version: version.name):
        wanted = [version for version in group if version.data]
        table = _table(catalog, store, name, wanted)
        for version in wanted:
            if _tag(version) in table.refs():
                mirrored.kept.append(version.spec)
            else:
                _add(table, store, version)
                mirrored.added.append(version.spec)
    mirrored.empty.extend(version.spec for version in versions if not version.data)
    return mirrored


def _tag(version: Version) -> str:
    return f"v{version.version}"


def _table(catalog: Catalog, store: ObjectStore, name: str, wanted: Sequence[Version]) -> Table:
    """The dataset's table, with no tag but those of wanted versions, and none out of order."""
    identifier = table_name(name)
    try:
        table = catalog.load_table(identifier)
        tags = [tag for tag in table.refs() if tag != "main"]
        if set(tags) == {_tag(version) for version in wanted[: len(tags)]}:
            return table
        catalog.drop_table(identifier)
        shutil.rmtree(_folder(table), ignore_errors=True)
    except NoSuchTableError:
        pass
    return catalog.create_table(identifier, schema=_schema(store, wanted[0]))


def _folder(table: Table) -> Path:
    """Of the table's metadata; our objects lie elsewhere."""
    return Path(table.location().removeprefix("file://"))


def _schema(store: ObjectStore, version: Version) -> pa.Schema:
    """Every column may be null: a later version may lack one."""
    schema: pa.Schema = pq.read_schema(store.path(version.data[0].sha256))
    return pa.schema([field.with_nullable(True) for field in schema])


def _add(table: Table, store: ObjectStore, version: Version) -> None:
    """The version's objects in place of those before, then its tag. One who dies in between does it again."""
    with table.update_schema() as update:
        update.union_by_name(_schema(store, version))
    with table.transaction() as transaction:
        if table.current_snapshot() is not None:
            transaction.delete(AlwaysTrue())
        paths = [store.path(stored.sha256).absolute().as_uri() for stored in version.data]
        transaction.add_files(paths, check_duplicate_files=False)
    snapshot = table.current_snapshot()
    assert snapshot is not None
    table.manage_snapshots().create_tag(snapshot.snapshot_id, _tag(version)).commit()
