"""The data commands over a real database."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import typer
from typer.testing import CliRunner, Result

from evol_core.cli import data_commands, lineage_commands
from evol_core.records import Instruction
from evol_core.store.objects import ObjectStore
from tests.integration.lineage_rows import (
    SEED_TEXTS,
    Build,
    child_text,
    evolved_rows,
    publish_seeds,
    record_generations,
)

pytestmark = pytest.mark.postgres

CHILD = Instruction(text=child_text(SEED_TEXTS[0], 0))

Evol = Callable[..., Result]


@pytest.fixture
def evol(database: sa.Engine, database_url: str, tmp_path: Path) -> Evol:
    """The command line on a home with a published and a quarantined version."""
    store = ObjectStore(tmp_path / "objects")
    publish_seeds(database, store)
    record_generations(database, store, [*evolved_rows(), *evolved_rows(salt="!")])
    Build(store, evolved_rows()).publish(database)
    Build(store, evolved_rows(salt="!"), passed=False).publish(database)
    app = typer.Typer()
    data_commands.register(app)
    lineage_commands.register(app)
    environment = {
        "EVOL_HOME": str(tmp_path),
        "EVOL_DATABASE_URL": database_url,
        "EVOL_ANALYST_URL": database_url,
        "COLUMNS": "200",
    }

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, words, env=environment)

    return run


def data(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_datasets_are_listed(evol: Evol) -> None:
    assert [(row["name"], row["head"]) for row in data(evol("datasets", "list", "--json"))] == [
        ("evol", 1),
        ("evol.seeds", 1),
    ]
    assert "evol.seeds" in evol("datasets", "list").stdout


def test_a_version_is_shown(evol: Evol) -> None:
    shown = data(evol("datasets", "show", "evol@2", "--json"))
    assert (shown["state"], shown["closed_gates"]) == ("quarantined", ["min_rows"])

    text = evol("datasets", "show", "evol").stdout
    assert "too_long" in text
    assert "min_rows" in text


def test_an_unknown_version_ends_with_its_error(evol: Evol) -> None:
    result = evol("datasets", "show", "evol@7", "--json")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "error: dataset 'evol' has no version 7; published versions: [1]" in result.stderr


def test_a_whole_version_is_verified(evol: Evol) -> None:
    result = evol("datasets", "verify", "evol", "--json")

    assert (data(result), result.stderr) == ([], "evol is whole\n")


def test_a_damaged_version_is_told_and_the_command_fails(evol: Evol, tmp_path: Path) -> None:
    shown = data(evol("datasets", "show", "evol", "--json"))
    sha256 = shown["objects"][0]["sha256"]
    path = ObjectStore(tmp_path / "objects").path(sha256)
    path.write_bytes(path.read_bytes()[:-1])

    result = evol("datasets", "verify", "evol", "--json")

    assert result.exit_code == 1
    assert [(finding["kind"], finding["subject"]) for finding in json.loads(result.stdout)] == [("damaged", sha256)]


def test_a_quarantined_version_is_released_with_a_reason(evol: Evol) -> None:
    assert evol("datasets", "release", "evol@2", "--reason", " ").exit_code == 2

    released = data(evol("datasets", "release", "evol@2", "--reason", "read them all", "--by", "ada", "--json"))

    assert (released["state"], released["is_head"], released["released_by"]) == ("published", True, "ada")
    assert data(evol("datasets", "list", "--json"))[0]["head"] == 2


def test_a_row_tells_its_story(evol: Evol) -> None:
    story = data(evol("lineage", "row", CHILD.id, "--json"))
    assert [step["operator"] for step in story["history"]] == ["deepen", "seed"]

    text = evol("lineage", "row", CHILD.id).stdout
    assert "seeds.jsonl line 1" in text
    assert "versions" in text


def test_an_unknown_row_ends_with_its_error(evol: Evol) -> None:
    result = evol("lineage", "row", "7")

    assert result.exit_code == 2
    assert "'7' is no row id" in result.stderr


def test_sql_is_asked(evol: Evol) -> None:
    assert data(evol("sql", "SELECT count(*) AS n FROM dataset", "--json")) == [{"n": 2}]
    more = evol("sql", "SELECT generate_series(1, 9) AS n", "--limit", "2", "--json")
    assert (len(data(more)), more.stderr) == (2, "there are more rows than these 2; --limit brings more\n")
    assert evol("sql", "DELETE FROM lineage.outbox").exit_code != 0
    assert evol("sql", "SELECT 1", "--example", "runs").exit_code == 2


def test_examples_are_listed_and_run(evol: Evol) -> None:
    names = [row["example"] for row in data(evol("sql", "--json"))]

    assert "rejects" in names
    assert {row["reason"] for row in data(evol("sql", "--example", "rejects", "--json"))} == {"too_long", "empty"}
    assert evol("sql", "--example", "reject").exit_code == 2


def test_a_version_is_tagged_rolled_back_to_and_retracted(evol: Evol) -> None:
    assert data(evol("datasets", "tag", "evol@1", "prod", "--json"))["tags"] == ["prod"]
    assert data(evol("datasets", "release", "evol@2", "--reason", "read", "--json"))["is_head"]
    assert data(evol("datasets", "rollback", "evol@prod", "--reason", "v2 repeats itself", "--json"))["is_head"]
    assert evol("datasets", "retract", "evol@2", "--reason", "").exit_code == 2

    retracted = data(evol("datasets", "retract", "evol@2", "--reason", "licence", "--by", "ada", "--json"))

    assert (retracted["state"], retracted["retracted_by"]) == ("retracted", "ada")
    assert evol("datasets", "tag", "evol@2", "old").exit_code == 2
    assert "retracted" in evol("datasets", "show", "evol@2").stdout


def test_versions_are_compared(evol: Evol) -> None:
    found = data(evol("datasets", "diff", "evol@1", "evol@2", "--json"))

    assert (found["added"], found["removed"], found["kept"]) == (4, 4, 0)
    assert "deepen" in evol("datasets", "diff", "evol@1", "evol@2").stdout


def test_garbage_is_told_before_it_is_removed(evol: Evol, tmp_path: Path) -> None:
    said = evol("datasets", "gc", "--json")

    assert (data(said)["objects"], said.stderr) == (0, "nothing was changed; --delete does it\n")
    assert len(data(said)["attempts_at_work"]) > 1
    assert evol("datasets", "gc", "--older-than", "0.01").exit_code == 2
    assert data(evol("datasets", "gc", "--delete", "--json"))["objects"] == 0


def test_impact_is_told_as_tables_json_and_graphs(evol: Evol) -> None:
    seed = Instruction(text=SEED_TEXTS[0]).id

    assert data(evol("lineage", "impact", "--seed", seed, "--json"))["n_rows"] == 5
    assert "evol.seeds" in evol("lineage", "impact", "--seed", seed).stdout
    assert evol("lineage", "impact", "--model", "smollm2", "--format", "mermaid").stdout.startswith("flowchart")
    assert evol("lineage", "row", CHILD.id, "--format", "dot").stdout.startswith("digraph")
    assert evol("lineage", "impact").exit_code == 2
    assert evol("lineage", "impact", "--seed", seed, "--format", "prov", "--json").exit_code == 2


def test_an_unknown_checkpoint_ends_with_its_error(evol: Evol) -> None:
    result = evol("lineage", "checkpoint", "abcdef12")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no checkpoint 'abcdef12'; known near it: none yet" in result.stderr
