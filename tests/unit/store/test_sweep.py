"""Removing files of the store that nothing needs."""

import fcntl
import os
from pathlib import Path

import pyarrow as pa
import pytest

from evol_core.store.objects import LOCK, STAGING, ObjectStore, StoredObject
from evol_core.store.sweep import sweep

NEW = 2_000_000_000.0
OLD = 1_000_000_000.0
BETWEEN = 1_500_000_000.0


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path)


def put(store: ObjectStore, number: int, written: float = OLD) -> StoredObject:
    stored = store.put(pa.table({"n": [number]}))
    os.utime(store.path(stored.sha256), (written, written))
    return stored


def test_what_is_old_and_not_needed_goes(store: ObjectStore) -> None:
    needed, old, new = put(store, 1), put(store, 2), put(store, 3, NEW)

    swept = sweep(store, needed.sha256.__eq__, BETWEEN, remove=True)

    assert (swept.objects, swept.young, swept.n_bytes) == ((old.sha256,), 1, old.n_bytes)
    assert [store.path(one.sha256).exists() for one in (needed, old, new)] == [True, False, True]


def test_without_leave_to_remove_it_only_says_so(store: ObjectStore) -> None:
    old = put(store, 2)

    assert sweep(store, lambda name: False, BETWEEN, remove=False).objects == (old.sha256,)
    assert store.path(old.sha256).exists()


def test_what_a_dead_writer_left_goes_too(store: ObjectStore) -> None:
    put(store, 1)
    left = store.root / STAGING / "left.parquet"
    left.write_bytes(b"half")
    os.utime(left, (OLD, OLD))

    assert sweep(store, lambda name: True, BETWEEN, remove=True).staged == 1
    assert not left.exists()


def test_an_old_object_that_is_written_again_is_new(store: ObjectStore) -> None:
    old = put(store, 2)
    store.put(pa.table({"n": [2]}))

    assert sweep(store, lambda name: False, BETWEEN, remove=True).objects == ()
    assert store.path(old.sha256).exists()


def test_an_old_object_that_somebody_keeps_is_new(store: ObjectStore) -> None:
    old = put(store, 2)

    assert store.keep(old.sha256)

    assert sweep(store, lambda name: False, BETWEEN, remove=True).objects == ()
    assert not store.keep("0" * 64), "nothing is there to be kept"


def test_other_files_are_left_alone(store: ObjectStore) -> None:
    put(store, 1)
    other = store.root / "notes.parquet"
    other.write_bytes(b"mine")
    os.utime(other, (OLD, OLD))

    sweep(store, lambda name: False, BETWEEN, remove=True)

    assert other.exists()


def test_an_object_that_is_written_while_the_sweep_goes_on_stays(store: ObjectStore) -> None:
    old = put(store, 2)

    def is_needed(name: str) -> bool:
        store.put(pa.table({"n": [2]}))
        return False

    assert sweep(store, is_needed, BETWEEN, remove=True).young == 1
    assert store.path(old.sha256).exists()


def test_a_writer_that_keeps_an_object_holds_the_sweep_off(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, 2)
    utime, held_off = os.utime, []

    def touch(path: Path) -> None:
        with store.root.joinpath(LOCK).open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held_off.append(path)
        utime(path)

    monkeypatch.setattr(os, "utime", touch)
    store.put(pa.table({"n": [2]}))

    assert len(held_off) == 1
