"""The object store: Parquet files that are named by their content and never change.

An object is written under a temporary name, synced, and renamed to its hash, so that a name stands for whole
and right bytes or does not exist. The same rows give the same bytes, however they were cut into batches: rows
are gathered into row groups of a fixed size before they are written.
"""

import fcntl
import os
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import pyarrow as pa
import pyarrow.parquet as pq

from evol_core.errors import NotFound, ObjectDamaged
from evol_core.records import content_hash
from evol_core.store.files import HashingFile, file_hash, io_errors, sync_folder

ROW_GROUP = 8192
"""Rows a row group. Part of what decides an object's bytes: another number gives every object another name."""

STAGING = ".staging"

LOCK = ".lock"

PROBE_BYTES = 1 << 20
"""What must fit before work starts."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """What a version or the database needs to know of an object."""

    sha256: str
    """Of the file's bytes, 64 hex digits; its name."""

    n_bytes: int
    n_rows: int
    schema_hash: str
    """SHA-256 of column names, types, nullability and table metadata."""


class Place(NamedTuple):
    """Where one row lies."""

    sha256: str
    row: int
    """From 0, in the whole object."""


def schema_hash(schema: pa.Schema) -> str:
    """SHA-256, 64 hex digits, of what a schema promises."""
    fields = [[field.name, _type_name(field.type), field.nullable] for field in schema]
    metadata = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    return content_hash({"fields": fields, "metadata": metadata})


def _type_name(kind: pa.DataType) -> str:
    """A type in words; what a list holds is called `item` in memory, but `element` in a Parquet file."""
    return str(kind).replace("list<item: ", "list<element: ")


class ObjectStore:
    """Objects below one folder, `ab/<sha256>.parquet`. Safe for many writers at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._verified: dict[str, tuple[int, ...]] = {}

    def path(self, sha256: str) -> Path:
        """Where the object lies, or would lie."""
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"an object's name is 64 lower-case hex digits, got {sha256!r}")
        return self.root / sha256[:2] / f"{sha256}.parquet"

    def put(self, table: pa.Table) -> StoredObject:
        """Keep a table; the same rows give the same object."""
        return self.write(table.schema, [table])

    def write(self, schema: pa.Schema, batches: Iterable[pa.Table | pa.RecordBatch]) -> StoredObject:
        """Keep rows as they come, holding one row group in memory.

        Raises:
            StoreError: the folder cannot be written to, or the disk is full.
        """
        with self._staged() as staged:
            with io_errors(staged, "write"), HashingFile(staged) as file:
                n_rows = _write_parquet(file, schema, batches)
                file.sync()
            self._adopt(staged, file.sha256)
        return StoredObject(sha256=file.sha256, n_bytes=file.n_bytes, n_rows=n_rows, schema_hash=schema_hash(schema))

    def check_writable(self) -> None:
        """Write a little and take it away again, so that a store that takes nothing is told before work starts.

        Raises:
            StoreError: the folder cannot be written to, or the disk is full.
        """
        with self._staged() as staged, io_errors(staged, "write"), HashingFile(staged) as file:
            file.write(bytes(PROBE_BYTES))
            file.sync()

    def read(self, sha256: str, columns: Sequence[str] | None = None) -> pa.Table:
        """An object's rows, or some of its columns.

        Raises:
            NotFound: there is no such object here.
            ObjectDamaged: its bytes are not those that its name promises.
        """
        with self._opened(sha256) as file:
            return file.read(columns=None if columns is None else list(columns))

    def schema(self, sha256: str) -> pa.Schema:
        """An object's columns.

        Raises:
            NotFound: there is no such object here.
            ObjectDamaged: its bytes are not those that its name promises.
        """
        with self._opened(sha256) as file:
            return file.schema_arrow

    def rows(self, sha256: str) -> Iterator[dict[str, Any]]:
        """An object's rows as Python has them, in their order, one row group in memory.

        Raises:
            NotFound: there is no such object here.
            ObjectDamaged: its bytes are not those that its name promises.
        """
        for table in self.tables(sha256):
            yield from table.to_pylist()

    def tables(self, sha256: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """An object's rows, or some of its columns, in their order: a table a row group.

        Raises:
            NotFound: there is no such object here.
            ObjectDamaged: its bytes are not those that its name promises.
        """
        with self._opened(sha256) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns=None if columns is None else list(columns))

    def read_rows(self, sha256: str, rows: Sequence[int]) -> pa.Table:
        """Some rows of an object, in the order asked for; only their row groups are read.

        Raises:
            NotFound: there is no such object here.
            ObjectDamaged: its bytes are not those that its name promises.
            ValueError: a row's number is out of bounds.
        """
        with self._opened(sha256) as file:
            n_rows = file.metadata.num_rows
            if outside := [row for row in rows if not 0 <= row < n_rows]:
                raise ValueError(f"object {sha256} has rows 0 to {n_rows - 1}, asked for {outside[:5]}")
            groups = sorted({row // ROW_GROUP for row in rows})
            first_row = {group: index * ROW_GROUP for index, group in enumerate(groups)}
            places = [first_row[row // ROW_GROUP] + row % ROW_GROUP for row in rows]
            return file.read_row_groups(groups).take(pa.array(places, pa.int64()))

    def verify(self, sha256: str) -> None:
        """Read the whole object and hold it against its name, whatever was verified before.

        Raises:
            NotFound: there is no such object here.
            ObjectDamaged: its bytes are not those that its name promises.
        """
        path = self.path(sha256)
        with self._reading(sha256):
            seen = _state(path)
            found = file_hash(path)
        if found != sha256:
            self._verified.pop(sha256, None)
            raise ObjectDamaged(_damage(sha256, path, f"its bytes have the hash {found}"))
        self._verified[sha256] = seen

    def keep(self, sha256: str) -> bool:
        """Make an object count as new, so that no sweep takes it away; False where it is gone or damaged.

        Raises:
            StoreError: the store cannot be written to.
        """
        path = self.path(sha256)
        try:
            with io_errors(path, "write"), self.locked(fcntl.LOCK_SH):
                os.utime(path)
            self.verify(sha256)
        except (FileNotFoundError, NotFound, ObjectDamaged):
            return False
        return True

    @contextmanager
    def _opened(self, sha256: str) -> Iterator["pq.ParquetFile"]:
        """A verified object, open; pages are held against their checksums as they are read."""
        path = self.path(sha256)
        with self._reading(sha256):
            if self._verified.get(sha256) != _state(path):
                self.verify(sha256)
            with pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False) as file:
                yield file

    @contextmanager
    def _reading(self, sha256: str) -> Iterator[None]:
        path = self.path(sha256)
        try:
            with io_errors(path, "read"):
                yield
        except FileNotFoundError:
            raise NotFound(
                f"object {sha256} is not in the store {self.root}; "
                "`evol datasets verify NAME` tells what it belongs to, `evol lineage rebuild NAME@V` writes it again"
            ) from None
        except (pa.ArrowException, OSError) as error:
            self._verified.pop(sha256, None)
            raise ObjectDamaged(_damage(sha256, path, str(error).splitlines()[0])) from error

    @contextmanager
    def _staged(self) -> Iterator[Path]:
        """A temporary name in the store's own file system; nothing is left under it after an error."""
        folder = self.root / STAGING
        with io_errors(folder, "write"):
            folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{uuid.uuid4().hex}.parquet"
        try:
            yield path
        finally:
            with suppress(OSError):
                path.unlink()

    def _adopt(self, staged: Path, sha256: str) -> None:
        """Give synced bytes their name; whole bytes that have it already are kept, and count as new."""
        path = self.path(sha256)
        with io_errors(path, "write"):
            if not path.parent.exists():
                path.parent.mkdir(exist_ok=True)
                sync_folder(self.root)
            with self.locked(fcntl.LOCK_SH):
                if path.exists() and path.stat().st_size == staged.stat().st_size and file_hash(path) == sha256:
                    os.utime(path)
                else:
                    os.replace(staged, path)
            sync_folder(path.parent)

    @contextmanager
    def locked(self, how: int) -> Iterator[None]:
        """Hold the store's lock, shared (fcntl.LOCK_SH) by whoever gives names, alone (LOCK_EX) by whoever removes."""
        fd = os.open(self.root / LOCK, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, how)
            yield
        finally:
            os.close(fd)


def _write_parquet(file: HashingFile, schema: pa.Schema, batches: Iterable[pa.Table | pa.RecordBatch]) -> int:
    """Write rows in row groups of one size; returns their number."""
    n_rows = 0
    sink = cast(IO[bytes], file)
    with pq.ParquetWriter(sink, schema, compression="zstd", write_page_checksum=True) as writer:
        for group in _row_groups(schema, batches):
            writer.write_table(group, row_group_size=ROW_GROUP)
            n_rows += group.num_rows
    return n_rows


def _row_groups(schema: pa.Schema, batches: Iterable[pa.Table | pa.RecordBatch]) -> Iterator[pa.Table]:
    """The same rows, cut into tables of ROW_GROUP rows (the last may be shorter), each in one piece."""
    waiting: list[pa.Table] = []
    n_waiting = 0
    for batch in batches:
        table = pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
        table = table.select(schema.names).cast(schema)
        while n_waiting + table.num_rows >= ROW_GROUP:
            head = table.slice(0, ROW_GROUP - n_waiting)
            yield _one_piece([*waiting, head])
            table = table.slice(head.num_rows)
            waiting, n_waiting = [], 0
        if table.num_rows:
            waiting.append(table)
            n_waiting += table.num_rows
    if waiting:
        yield _one_piece(waiting)


def _one_piece(tables: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).combine_chunks()


def _state(path: Path) -> tuple[int, ...]:
    """What changes where somebody writes to a file."""
    stat = path.stat()
    return (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


def _damage(sha256: str, path: Path, what: str) -> str:
    return (
        f"object {sha256} is damaged: {what} ({path}). `evol datasets verify NAME` tells which rows and runs it "
        "touches, `evol lineage rebuild NAME@V` writes the same object again from recorded generations"
    )
