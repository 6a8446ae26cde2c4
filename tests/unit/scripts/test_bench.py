"""`make bench`: every benchmark is in the table, and each that cannot run is told."""

from pathlib import Path

import pytest

from bench import __main__ as bench
from bench.__main__ import BENCHES, JOBS, MODEL, Bench, command, main, run

PARTS = {"__main__", "recorded_build", "scratch", "sentence_vectors"}
"""Modules of bench/ that are no benchmark of their own."""


def test_every_module_of_bench_is_in_the_table() -> None:
    assert {path.stem for path in Path(bench.__file__).parent.glob("*.py")} - PARTS == set(BENCHES)


def test_a_benchmark_that_wants_a_model_is_given_its_folder() -> None:
    assert command("engine", "/models/small") == [str(JOBS), "-m", "bench.engine", "/models/small"]


def test_an_unknown_name_is_told_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandboks"]) == 2
    assert "unknown benchmarks ['sandboks']; known: ['diversity'" in capsys.readouterr().err


def test_a_missing_interpreter_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench, "BENCHES", {"engine": Bench(python=tmp_path / "python", arguments=(MODEL,))})

    assert "`make setup` makes it" in run("engine", "")


def test_a_benchmark_that_fails_fails_the_whole(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "BENCHES", {"no_such": Bench(), "nor_this": Bench()})

    assert main([]) == 1
    assert [line.split()[0] for line in capfd.readouterr().out.splitlines() if "exit code" in line] == [
        "no_such",
        "nor_this",
    ]
