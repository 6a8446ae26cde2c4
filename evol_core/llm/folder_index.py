"""An index of recorded answers that needs no database: a folder that holds nothing but tables of answers.

For commands on plain files. What an earlier attempt was told is replayed from the folder, whatever ended that attempt;
a folder that is removed is a record that begins anew.
"""

import logging
from collections.abc import Sequence

import pyarrow as pa

from evol_core.errors import NotFound, ObjectDamaged
from evol_core.records import RequestHash
from evol_core.store.objects import ObjectStore, Place, StoredObject

log = logging.getLogger(__name__)


class FolderIndex:
    """Where each recorded answer stands in a store of answers. Of two answers to a request the older one counts."""

    def __init__(self, store: ObjectStore) -> None:
        """Read which requests the store's tables answer; a damaged table is left out, and its requests asked again."""
        self._store = store
        self._known: set[str] = set()
        self._places: dict[RequestHash, Place] = {}
        self._read_new()

    def find(self, hashes: Sequence[RequestHash]) -> dict[RequestHash, Place]:
        return {key: self._places[key] for key in hashes if key in self._places}

    def register(self, stored: StoredObject, table: pa.Table) -> dict[RequestHash, Place]:
        self._known.add(stored.sha256)
        self._read_new()
        hashes = _hashes(table)
        self._enter(stored.sha256, hashes)
        return self.find(hashes)

    def _read_new(self) -> None:
        """Enter the tables that came since the last time, other commands' too, the oldest first."""
        ages = {path.stem: path.stat().st_mtime_ns for path in self._store.root.glob("??/*.parquet")}
        for sha256 in sorted(ages.keys() - self._known, key=lambda name: (ages[name], name)):
            self._known.add(sha256)
            try:
                hashes = _hashes(self._store.read(sha256, ["request_hash"]))
            except (NotFound, ObjectDamaged) as error:
                log.warning("answers of %s are asked for again: %s", sha256, error)
                continue
            self._enter(sha256, hashes)

    def _enter(self, sha256: str, hashes: Sequence[RequestHash]) -> None:
        for row, key in enumerate(hashes):
            self._places.setdefault(key, Place(sha256, row))


def _hashes(table: pa.Table) -> list[RequestHash]:
    return [RequestHash(str(text)) for text in table["request_hash"].to_pylist()]
