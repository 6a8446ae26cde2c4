"""The object store on a real folder."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from evol_core import schemas
from evol_core.errors import NotFound, ObjectDamaged, StoreError
from evol_core.store.files import file_hash
from evol_core.store.objects import ROW_GROUP, STAGING, ObjectStore, schema_hash

FIELDS: "list[pa.Field[Any]]" = [pa.field("n", pa.int64(), nullable=False), pa.field("text", pa.string())]
SCHEMA = pa.schema(FIELDS, metadata={"t": "1"})


def numbers(n_rows: int, first: int = 0) -> pa.Table:
    rows = range(first, first + n_rows)
    texts = [None if row % 5 == 0 else f"row {row} é🙂" for row in rows]
    return pa.table({"n": pa.array(rows, pa.int64()), "text": texts}, schema=SCHEMA)


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


def test_what_is_put_is_read_back(store: ObjectStore) -> None:
    stored = store.put(numbers(10))

    assert store.read(stored.sha256).equals(numbers(10), check_metadata=True)
    assert store.read(stored.sha256, ["text"]).column_names == ["text"]
    assert stored.n_rows == 10
    assert stored.n_bytes == store.path(stored.sha256).stat().st_size
    assert store.path(stored.sha256) == store.root / stored.sha256[:2] / f"{stored.sha256}.parquet"


def test_no_rows_are_an_object_too(store: ObjectStore) -> None:
    stored = store.put(numbers(0))

    assert store.read(stored.sha256).num_rows == store.read_rows(stored.sha256, []).num_rows == 0


@pytest.mark.parametrize("size", [1, 7, 1000, ROW_GROUP, ROW_GROUP + 1, 3 * ROW_GROUP])
def test_bytes_do_not_depend_on_how_rows_were_cut(store: ObjectStore, size: int) -> None:
    n_rows = 3 * ROW_GROUP if size > 1 else 50
    table = numbers(n_rows)
    batches = (table.slice(start, size) for start in range(0, n_rows, size))

    assert store.write(SCHEMA, batches) == store.put(table)


def test_record_batches_and_views_of_a_larger_table_give_the_same_bytes(store: ObjectStore) -> None:
    whole = numbers(100)
    view = numbers(150).slice(0, 100)

    assert store.put(view) == store.put(whole) == store.write(SCHEMA, whole.to_batches(max_chunksize=9))


def test_other_rows_are_another_object(store: ObjectStore) -> None:
    assert store.put(numbers(3)).sha256 != store.put(numbers(3, first=1)).sha256


def test_the_schema_hash_tells_names_types_nulls_and_metadata_apart() -> None:
    others = [
        SCHEMA.set(0, pa.field("m", pa.int64(), nullable=False)),
        SCHEMA.set(0, pa.field("n", pa.int32(), nullable=False)),
        SCHEMA.set(0, pa.field("n", pa.int64())),
        SCHEMA.with_metadata({"t": "2"}),
    ]
    assert len({schema_hash(schema) for schema in [SCHEMA, *others]}) == 5


def test_what_is_read_back_has_the_schema_that_was_put(store: ObjectStore) -> None:
    table = pa.table({"n": [[1.0, 2.0], None], "deep": [[["a"]], []]})
    stored = store.put(table)

    assert schema_hash(store.read(stored.sha256).schema) == stored.schema_hash


def test_rows_come_in_their_order_one_row_group_after_the_other(store: ObjectStore) -> None:
    table = numbers(ROW_GROUP + 3)
    stored = store.put(table)

    assert list(store.rows(stored.sha256)) == table.to_pylist()
    assert list(store.rows(store.put(numbers(0)).sha256)) == []


def test_rows_of_a_damaged_object_are_not_begun(store: ObjectStore) -> None:
    stored = store.put(numbers(ROW_GROUP + 3))
    path = store.path(stored.sha256)
    path.write_bytes(flipped(path.read_bytes(), -20))

    with pytest.raises(ObjectDamaged):
        next(ObjectStore(store.root).rows(stored.sha256))


def test_some_rows_are_read_in_the_order_asked_for(store: ObjectStore) -> None:
    table = numbers(2 * ROW_GROUP + 5)
    stored = store.put(table)
    asked = [2 * ROW_GROUP + 4, 0, ROW_GROUP, 0, ROW_GROUP - 1]

    assert store.read_rows(stored.sha256, asked).equals(table.take(asked))
    with pytest.raises(ValueError, match=r"has rows 0 to 16388, asked for \[16389, -1\]"):
        store.read_rows(stored.sha256, [16389, 3, -1])


def test_memory_does_not_grow_with_the_rows(store: ObjectStore) -> None:
    pool = pa.default_memory_pool()
    before, peak = pool.bytes_allocated(), 0

    def batches() -> Iterator[pa.Table]:
        nonlocal peak
        for start in range(0, 20 * ROW_GROUP, 1000):
            peak = max(peak, pool.bytes_allocated() - before)
            yield numbers(1000, first=start)

    store.write(SCHEMA, batches())

    assert peak < 8 * ROW_GROUP * 40


def test_an_unknown_object_is_told_with_what_to_do(store: ObjectStore) -> None:
    sha256 = "ab" * 32
    with pytest.raises(NotFound, match=f"object {sha256} is not in the store .*; `evol datasets verify NAME`"):
        store.read(sha256)
    with pytest.raises(NotFound):
        store.verify(sha256)


def test_a_name_that_is_no_hash_is_a_mistake(store: ObjectStore) -> None:
    with pytest.raises(ValueError, match=r"64 lower-case hex digits, got '../../etc/passwd'"):
        store.path("../../etc/passwd")


def flipped(data: bytes, position: int) -> bytes:
    damaged = bytearray(data)
    damaged[position] ^= 1 << (position % 8)
    return bytes(damaged)


def test_a_flipped_bit_anywhere_is_found(store: ObjectStore) -> None:
    stored = store.put(numbers(300))
    path = store.path(stored.sha256)
    data = path.read_bytes()
    for position in range(0, len(data), max(1, len(data) // 200)):
        path.write_bytes(flipped(data, position))
        with pytest.raises(ObjectDamaged, match=f"object {stored.sha256} is damaged.*writes the same object again"):
            ObjectStore(store.root).read(stored.sha256)


def test_a_bit_that_flips_after_the_file_was_verified_is_found(store: ObjectStore) -> None:
    stored = store.put(numbers(300))
    path = store.path(stored.sha256)
    store.read(stored.sha256)
    path.write_bytes(flipped(path.read_bytes(), 100))

    with pytest.raises(ObjectDamaged):
        store.read(stored.sha256)
    with pytest.raises(ObjectDamaged):
        store.read_rows(stored.sha256, [0])


def test_page_checksums_find_what_the_file_hash_was_not_asked_for(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = store.put(numbers(300))
    path = store.path(stored.sha256)
    path.write_bytes(flipped(path.read_bytes(), 400))
    monkeypatch.setattr(store, "verify", lambda sha256: None)

    with pytest.raises(ObjectDamaged, match="CRC"):
        store.read(stored.sha256)


def test_a_file_is_hashed_once_while_it_stays_as_it_is(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = store.put(numbers(10))
    hashed: list[Path] = []

    def counted(path: Path) -> str:
        hashed.append(path)
        return file_hash(path)

    monkeypatch.setattr("evol_core.store.objects.file_hash", counted)

    store.read(stored.sha256)
    store.read_rows(stored.sha256, [3])
    assert len(hashed) == 1
    store.verify(stored.sha256)
    assert len(hashed) == 2


@pytest.mark.parametrize("n_bytes", [0, 4, 100, -1])
def test_a_truncated_object_is_found_and_replaced_when_written_again(store: ObjectStore, n_bytes: int) -> None:
    stored = store.put(numbers(300))
    path = store.path(stored.sha256)
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(ObjectDamaged):
        store.read(stored.sha256)

    assert store.put(numbers(300)) == stored
    assert store.read(stored.sha256).num_rows == 300


def test_a_damaged_object_of_the_right_length_is_replaced(store: ObjectStore) -> None:
    stored = store.put(numbers(300))
    path = store.path(stored.sha256)
    path.write_bytes(flipped(path.read_bytes(), 100))

    store.put(numbers(300))

    store.verify(stored.sha256)


def test_a_whole_object_is_kept_and_counts_as_new(store: ObjectStore) -> None:
    path = store.path(store.put(numbers(10)).sha256)
    os.utime(path, (1, 1))
    before = path.stat()

    store.put(numbers(10))

    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_mtime > before.st_mtime


def test_an_error_while_rows_come_leaves_nothing(store: ObjectStore) -> None:
    def batches() -> Iterator[pa.Table]:
        yield numbers(ROW_GROUP)
        raise RuntimeError("the engine is gone")

    with pytest.raises(RuntimeError, match="the engine is gone"):
        store.write(SCHEMA, batches())

    assert list(store.root.rglob("*.parquet")) == []


def test_bytes_are_synced_before_they_get_their_name(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(fd: int) -> None:
        steps.append("folder" if os.path.isdir(f"/proc/self/fd/{fd}") else "file")
        fsync(fd)

    def renamed(source: Path, target: Path) -> None:
        steps.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)

    store.put(numbers(10))

    assert steps == ["file", "folder", "rename", "folder"]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full: free space, or set EVOL_HOME"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "permission is denied"),
    ],
)
def test_a_refusal_of_the_system_is_told_with_path_and_next_step(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    def refuse(fd: int, data: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("evol_core.store.files.os.write", refuse)

    with pytest.raises(StoreError, match=f"cannot write {store.root}/.staging/.*: {said}"):
        store.put(numbers(10))
    assert list((store.root / STAGING).iterdir()) == []


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a tmpfs")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "evol-test", str(disk)], capture_output=True, text=True
    )
    if mount.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mount.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_told_and_leaves_what_was_there(tiny_disk: Path) -> None:
    store = ObjectStore(tiny_disk)
    stored = store.put(numbers(100))
    noise = pa.table({"n": pa.array(range(4), pa.int64()), "text": [os.urandom(150_000).hex() for _ in range(4)]})

    with pytest.raises(StoreError, match="the disk is full"):
        store.put(noise.cast(SCHEMA))

    assert list((tiny_disk / STAGING).iterdir()) == []
    assert store.read(stored.sha256).num_rows == 100
    assert store.put(numbers(200)).n_rows == 200


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to read-only folders")
def test_a_folder_that_is_not_ours_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="permission is denied"):
        ObjectStore(tmp_path / "objects").put(numbers(1))


@pytest.mark.parametrize("name", [name for name, table in vars(schemas).items() if isinstance(table, pa.Schema)])
def test_every_table_is_read_back_with_the_columns_that_it_was_written_with(store: ObjectStore, name: str) -> None:
    stored = store.put(vars(schemas)[name].empty_table())

    assert schema_hash(store.read(stored.sha256).schema) == stored.schema_hash


def test_a_store_that_takes_nothing_is_told_before_work_starts(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.check_writable()
    assert list(store.root.rglob("*.parquet")) == []

    def full(*about: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="the disk is full"):
        store.check_writable()
