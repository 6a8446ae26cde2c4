from pathlib import Path

import pytest
import typer

from evol_core.cli.compare_commands import figures, plausible


def test_a_score_that_cannot_be_is_named_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "t.csv"
    table.write_text("model,percent,n\nsmall,27.91,541\nlarge,27.90,541\n")

    with pytest.raises(typer.Exit) as end:
        plausible(table)

    said = capsys.readouterr()
    assert end.value.exit_code == 1
    assert "large" in said.out
    assert "small" not in said.out
    assert "27.73" in said.out, "what 150 of 541 would give"
    assert "1 of 2 cells are not reachable" in said.err


def test_a_table_whose_scores_can_all_be_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "t.csv"
    table.write_text("model,percent,n\nsmall,27.91,541\n")

    plausible(table)

    assert "0 of 1 cells are not reachable" in capsys.readouterr().err


def test_more_versions_than_a_figure_tells_apart_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit):
        figures(["a", "b", "c", "d", "e"], tmp_path)
    assert "at most 4 versions are drawn together, got 5" in capsys.readouterr().err
