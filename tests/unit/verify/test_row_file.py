"""A file of rows appears when it is whole, or not at all."""

from pathlib import Path

import pytest

from evol_core.verify.row_file import row_writer


@pytest.mark.parametrize("name", ["out.json", "out.jsonl", "out.parquet"])
def test_what_was_there_stays_when_writing_fails(name: str, tmp_path: Path) -> None:
    output = tmp_path / name
    output.write_text("before")

    with pytest.raises(TypeError), row_writer(output) as write:
        write({"instruction": object(), "cases": []})

    assert output.read_text() == "before"
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize(("name", "content"), [("out.json", "[]\n"), ("out.jsonl", "")])
def test_no_row_is_a_legal_file(name: str, content: str, tmp_path: Path) -> None:
    with row_writer(tmp_path / name):
        pass

    assert (tmp_path / name).read_text() == content
