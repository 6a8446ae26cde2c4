"""Texts that Postgres can hold, one by one and in bulk."""

import pyarrow as pa
import pytest

from evol_core.lineage.copy import bytea_text, storable_texts
from evol_core.lineage.text import storable, storable_json


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("plain é🙂\n", "plain é🙂\n"),
        ("nul \0 end", "nul \ufffd end"),
        ("lone \ud800 end", "lone \ufffd end"),
        ("", ""),
    ],
)
def test_what_postgres_cannot_hold_is_replaced(text: str, stored: str) -> None:
    assert storable(text) == stored


def test_every_text_in_plain_data_is_made_storable() -> None:
    data = {"a\0": ["b\0", {"c": ("d\ud800", 1, None, 2.5, True)}]}

    assert storable_json(data) == {"a\ufffd": ["b\ufffd", {"c": ["d\ufffd", 1, None, 2.5, True]}]}


def test_columns_keep_their_nulls() -> None:
    column = pa.chunked_array([["a\0b", None], ["é"]])

    assert storable_texts(column).to_pylist() == ["a\ufffdb", None, "é"]


def test_bytes_that_are_no_text_are_repaired() -> None:
    raw = pa.array([b"lone \xed\xa0\x80 end", b"fine", None])
    column = pa.chunked_array([pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())])

    assert storable_texts(column).to_pylist() == ["lone \ufffd\ufffd\ufffd end", "fine", None]


def test_hashes_are_written_as_bytes() -> None:
    assert bytea_text(pa.chunked_array([["ab01", None]])).to_pylist() == ["\\xab01", None]
