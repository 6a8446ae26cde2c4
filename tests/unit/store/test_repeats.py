import random
import uuid
from collections.abc import Iterator

import pyarrow as pa
import pytest

from evol_core.store.repeats import repeats

DRAW = random.Random(0)
IDS = [str(uuid.UUID(int=DRAW.getrandbits(128))) for _ in range(40)]
ROWS = [(DRAW.choice(IDS), DRAW.choice("xy"), DRAW.random() < 0.7) for _ in range(500)]


def tables() -> Iterator[pa.Table]:
    """ROWS in pieces of any size, empty ones among them."""
    for first, end in ((0, 1), (1, 1), (1, 130), (130, 131), (131, 500)):
        ids, kinds, stays = zip(*ROWS[first:end], strict=True) if end > first else ((), (), ())
        yield pa.table(
            {
                "id": pa.array(ids, pa.string()),
                "kind": pa.array(kinds, pa.string()),
                "stays": pa.array(stays, pa.bool_()),
            }
        )


@pytest.mark.parametrize("band_rows", [1, 7, 499, 500, 10_000])
def test_rows_are_found_that_repeat_an_earlier_key(band_rows: int) -> None:
    found = repeats(tables, ["id", "kind"], band_rows=band_rows)

    keys = [row[:2] for row in ROWS]
    assert [row for row in range(len(ROWS)) if row in found] == [
        row for row in range(len(ROWS)) if keys[row] in keys[:row]
    ]


@pytest.mark.parametrize("band_rows", [7, 10_000])
def test_rows_that_do_not_count_repeat_nothing(band_rows: int) -> None:
    found = repeats(tables, ["id"], where=lambda table: table["stays"], band_rows=band_rows)

    earlier: set[str] = set()
    expected = []
    for number, (key, _, stays) in enumerate(ROWS):
        if stays and key in earlier:
            expected.append(number)
        if stays:
            earlier.add(key)
    assert [row for row in range(len(ROWS)) if row in found] == expected


@pytest.mark.parametrize("n_rows", [0, 1, 40])
def test_different_keys_repeat_nothing(n_rows: int) -> None:
    found = repeats(lambda: iter([pa.table({"id": pa.array(IDS[:n_rows], pa.string())})]), ["id"])

    assert [row for row in range(n_rows) if row in found] == []
