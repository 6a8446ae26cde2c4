"""Reading a log while somebody writes it."""

from pathlib import Path

from evol_core.platform.log_lines import follow_lines, last_lines


def test_the_end_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one\ntwo\nthree \xff\n")

    assert last_lines(log, 2) == ["two", "three \ufffd"]
    assert last_lines(log, 0) == []


def test_following_goes_on_where_the_end_was_and_into_the_file_that_replaces_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("one\ntwo\n")
    lines = follow_lines(log, 1, every_s=0.01)
    assert next(lines) == "two"

    with log.open("a") as file:
        file.write("three\n")
    assert next(lines) == "three"

    log.rename(tmp_path / "log.1")
    log.write_text("four\n")
    assert next(lines) == "four"
