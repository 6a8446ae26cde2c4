import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evol_core.store.json_array import CHUNK_CHARS, array_values

CHUNKS = st.integers(1, 9)

NUMBERS = st.sampled_from([0, -7, 1234567, 1.5, -2.25e-7, float("inf")])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.sampled_from('a"\\ é\n,]}\ud83d'), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


def read(text: str, chunk_chars: int) -> list[object]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "array.json"
        path.write_text(text, encoding="utf-8-sig", errors="surrogatepass")
        return list(array_values(path, chunk_chars=chunk_chars))


def loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


@given(st.lists(VALUES, max_size=5), CHUNKS, st.sampled_from([None, 1]), st.sampled_from(["", " ", "\r\n\t"]))
def test_items_are_what_the_whole_text_holds(items: list[Any], chunk: int, indent: int | None, blanks: str) -> None:
    text = blanks + json.dumps(items, indent=indent) + blanks

    assert read(text, chunk) == json.loads(text)


@given(st.text(st.sampled_from('[]{},:"1.e-a '), max_size=9).map(lambda text: f"[{text}"), CHUNKS)
@example("[1,]", 2)
@example("[1.]", 3)
@example("[12", 3)
@example("[1 2]", 9)
@example("[,]", 9)
@example("[1] ]", 2)
@example("[1]2", 3)
def test_what_is_no_array_to_the_library_is_none_here(text: str, chunk: int) -> None:
    whole = loaded(text)

    if whole is None:
        with pytest.raises(ValueError, match=r".+"):
            read(text, chunk)
    else:
        assert read(text, chunk) == whole


@pytest.mark.parametrize("text", ["", " ", "{}", "7", '"["', "]"])
def test_another_value_than_an_array_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="no array begins here"):
        read(text, 4)


def test_items_come_before_the_file_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text("[1, 2," + " " * CHUNK_CHARS + "broken")
    values = array_values(path)

    assert [next(values), next(values)] == [1, 2]
    with pytest.raises(ValueError, match="Expecting value"):
        next(values)
