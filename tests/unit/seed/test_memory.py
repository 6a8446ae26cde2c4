"""What reading seeds holds at once, in bytes of Python's own memory."""

import json
import tracemalloc
from collections import deque
from collections.abc import Callable

import pytest

from evol_core.recipe import SeedSource
from evol_core.seed import ITEMS, check_sources, read_seeds
from tests.unit.seed.conftest import Write


def entries(n_items: int) -> list[str]:
    """Of ten entries six become seeds, and one each is broken, empty, a duplicate and no text."""
    texts = [f"{n} {'Explain how a river shapes its valley. ' * 4}" for n in range(n_items)]
    for n in range(0, n_items - 9, 10):
        texts[n], texts[n + 1], texts[n + 2] = "", texts[n + 9].upper(), "half a pair: \ud83d" + texts[n + 2]
    return texts


def as_lines(n_items: int) -> str:
    lines = [json.dumps({"instruction": text}) for text in entries(n_items)]
    return "\n".join(["{broken" if n % 10 == 3 else line for n, line in enumerate(lines)])


def as_array(n_items: int) -> str:
    return json.dumps([{"instruction": text} for text in entries(n_items)])


def read(source: SeedSource) -> None:
    with read_seeds([source]) as batch:
        deque(batch.seeds(), maxlen=0)
        deque(batch.refused(), maxlen=0)
        assert 0 < batch.n_refused < batch.n_seeds


def peak_bytes(act: Callable[[], None]) -> int:
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("name", "content"), [("a.jsonl", as_lines), ("a.json", as_array)])
def test_memory_does_not_grow_with_the_rows(write: Write, name: str, content: Callable[[int], str]) -> None:
    few, many = write(f"few-{name}", content(2 * ITEMS)), write(f"many-{name}", content(6 * ITEMS))
    check_sources([few, many])
    read(few)

    assert peak_bytes(lambda: read(many)) < 1.25 * peak_bytes(lambda: read(few))
