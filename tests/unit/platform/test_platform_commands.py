"""The platform's commands where nothing has been brought up."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from evol_core.cli import platform_commands


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.setenv("EVOL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("EVOL_DATABASE_URL", raising=False)
    app = typer.Typer()
    platform_commands.register(app)
    return app


def test_status_of_nothing_says_so_with_its_exit_code(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["status", "--json"])

    assert result.exit_code == 1
    assert {part["name"]: part["state"] for part in json.loads(result.stdout)} == dict.fromkeys(
        ["postgres", "api-server", "scheduler", "dag-processor", "triggerer"], "stopped"
    )
    assert not (tmp_path / "home").exists()


def test_down_of_nothing_is_no_error(app: typer.Typer) -> None:
    assert CliRunner().invoke(app, ["down"]).exit_code == 0


def test_an_unknown_part_is_answered_with_the_known_ones(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["logs", "worker"])

    assert result.exit_code == 1
    assert "there is no part 'worker'; parts: ['postgres', 'api-server'," in result.stderr


def test_a_part_that_never_ran_has_no_log(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["logs", "scheduler"])

    assert result.exit_code == 1
    assert "scheduler has never run in" in result.stderr
    assert "run `evol up`" in result.stderr
