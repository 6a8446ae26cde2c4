"""A generation record that a disk has damaged: no answer is ever read out of it, and the error names the object."""

from pathlib import Path

import pytest

from evol_core.errors import NotFound, ObjectDamaged
from evol_core.llm.fake import FakeEngine
from evol_core.llm.record import MemoryIndex, Record, RecordedEngine
from evol_core.records import ModelRef
from evol_core.requests import Decoding, GenerateRequest, Message, Request
from evol_core.store.objects import ObjectStore

N_POSITIONS = 200


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[ObjectStore, MemoryIndex, list[Request], Path]:
    """Answers to twenty requests in one object, and its path."""
    model = ModelRef(name="small", revision="r", tokenizer="t")
    requests: list[Request] = [
        GenerateRequest(model=model, messages=(Message("user", f"Count to {n}."),), decoding=Decoding(), seed=n)
        for n in range(20)
    ]
    store, index = ObjectStore(tmp_path), MemoryIndex()
    engine = RecordedEngine(make_engine=lambda: FakeEngine(lambda request: request.hash), store=store, index=index)
    engine.submit(requests)
    while engine.collect():
        pass
    (path,) = {store.path(place.sha256) for place in index.find([request.hash for request in requests]).values()}
    return store, index, requests, path


def test_one_flipped_bit_at_any_of_200_positions_of_a_record_is_found(
    recorded: tuple[ObjectStore, MemoryIndex, list[Request], Path],
) -> None:
    store, index, requests, path = recorded
    whole = path.read_bytes()
    for step in range(N_POSITIONS):
        position = step * len(whole) // N_POSITIONS
        damaged = bytearray(whole)
        damaged[position] ^= 1 << (step % 8)
        path.write_bytes(bytes(damaged))
        with pytest.raises(ObjectDamaged, match=f"object {path.stem} is damaged"):
            Record(store=ObjectStore(store.root), index=index).find(requests)
    path.write_bytes(whole)

    assert Record(store=ObjectStore(store.root), index=index).find(requests).keys() == {one.hash for one in requests}


@pytest.mark.parametrize("n_bytes", [0, 8, 2000, -1])
def test_a_truncated_record_is_found(
    recorded: tuple[ObjectStore, MemoryIndex, list[Request], Path], n_bytes: int
) -> None:
    store, index, requests, path = recorded
    path.write_bytes(path.read_bytes()[:n_bytes])

    with pytest.raises(ObjectDamaged, match=f"object {path.stem} is damaged"):
        Record(store=ObjectStore(store.root), index=index).find(requests)


def test_a_missing_record_is_named(recorded: tuple[ObjectStore, MemoryIndex, list[Request], Path]) -> None:
    store, index, requests, path = recorded
    path.unlink()

    with pytest.raises(NotFound, match=path.stem):
        Record(store=ObjectStore(store.root), index=index).find(requests)
