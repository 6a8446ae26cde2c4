"""What hangs on a seed, a model, a prompt; a checkpoint's story; each as data and as a graph."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from evol_core.errors import NotFound
from evol_core.lineage.analyst import ask
from evol_core.lineage.care import retract_version
from evol_core.lineage.checkpoint import checkpoint_lineage
from evol_core.lineage.graph_formats import FORMATS, prov
from evol_core.lineage.impact import model_impact, prompt_impact, seed_impact
from evol_core.lineage.migrate import SQL
from evol_core.lineage.row import row_lineage
from evol_core.lineage.story_graphs import checkpoint_graph, impact_graph, row_graph
from evol_core.lineage.versions import resolve
from evol_core.records import Instruction, content_hash
from evol_core.store.objects import ObjectStore
from tests.integration.lineage_rows import (
    SEED_TEXTS,
    Build,
    child_text,
    evolved_rows,
    new_attempt,
    publish_seeds,
    record_generations,
)

pytestmark = pytest.mark.postgres

SEED = Instruction(text=SEED_TEXTS[0])
CHILD = Instruction(text=child_text(SEED_TEXTS[0], 0))
CHECKPOINT = "ab" * 32
DEEPEN = content_hash("Please deepen: {text}")


@pytest.fixture
def connection(database: sa.Engine, tmp_path: Path) -> Iterator[sa.Connection]:
    """Seeds, two builds of them, and a checkpoint trained on the first."""
    store = ObjectStore(tmp_path)
    publish_seeds(database, store)
    record_generations(database, store, evolved_rows())
    Build(store, evolved_rows()).publish(database)
    Build(store, evolved_rows(SEED_TEXTS[1:], salt="!"), name="other").publish(database)
    with database.begin() as connection:
        connection.execute(
            sa.text("""
                INSERT INTO lineage.training_run (attempt_id, base_model_id, config_hash, config, seed, state)
                    SELECT :attempt, min(model_id), decode(repeat('00', 32), 'hex'), '{"lr": 0.1}', 7, 'success'
                    FROM lineage.model;
                INSERT INTO lineage.training_input (training_run_id, dataset_id, version, split)
                    SELECT 1, dataset_id, 1, 'train' FROM lineage.dataset WHERE name = 'evol';
                INSERT INTO lineage.checkpoint VALUES (decode(:checkpoint, 'hex'), 1, 10, 'checkpoints/10');
            """),
            {"attempt": new_attempt(database, task="sft"), "checkpoint": CHECKPOINT},
        )
    with database.connect() as connection:
        yield connection


def test_a_seed_leads_to_all_that_came_of_it(connection: sa.Connection) -> None:
    found = seed_impact(connection, SEED.id, limit=2)

    assert (found["n_rows"], len(found["rows"])) == (3, 2)
    assert [(row["dataset"], row["version"], row["n_affected"]) for row in found["versions"]] == [
        ("evol", 1, 2),
        ("evol.seeds", 1, 1),
    ]
    assert [(row["checkpoint"], row["dataset"]) for row in found["checkpoints"]] == [(CHECKPOINT, "evol")]
    assert found["uses"] == [{"source": "seeds.jsonl", "line": 1, "licence": "MIT"}]


def test_a_model_leads_to_what_it_made_and_was_trained_into(connection: sa.Connection) -> None:
    found = model_impact(connection, "smollm2", limit=100)

    assert {(row["dataset"], row["n_affected"]) for row in found["versions"]} == {("evol", 4), ("other", 2)}
    assert {(use["work"], use["dataset"]) for use in found["uses"]} == {
        ("evolved", "evol"),
        ("answered", "evol"),
        ("evolved", "other"),
        ("answered", "other"),
        ("trained from", "evol"),
    }


def test_a_scorer_is_a_model_too(connection: sa.Connection) -> None:
    found = model_impact(connection, "s", limit=100)

    assert {(use["work"], use["what"], use["n_rows"]) for use in found["uses"]} == {
        ("scored", "ifd", 4),
        ("scored", "ifd", 2),
    }
    assert (found["n_rows"], found["versions"]) == (0, [])


def test_a_prompt_is_found_by_the_beginning_of_its_hash(connection: sa.Connection) -> None:
    found = prompt_impact(connection, DEEPEN[:8].upper(), limit=100)

    assert found["of"] == {"prompt": DEEPEN}
    assert {row["dataset"] for row in found["versions"]} == {"evol", "other"}
    assert {use["operator"] for use in found["uses"]} == {"deepen"}


def test_a_checkpoint_leads_back_to_versions_models_and_sources(connection: sa.Connection) -> None:
    story = checkpoint_lineage(connection, CHECKPOINT[:6])

    assert (story["checkpoint"]["base_model"], story["checkpoint"]["config"]) == ("smollm2", {"lr": 0.1})
    assert [(source["depth"], source["dataset"]) for source in story["sources"]] == [(0, "evol"), (1, "evol.seeds")]
    assert {(model["model"], model["operator"], model["n_rows"]) for model in story["models"]} == {
        ("smollm2", "deepen", 4),
        ("smollm2", "respond", 4),
    }
    assert story["seeds"] == [{"source": "seeds.jsonl", "licence": "MIT", "n_seeds": 3}]


def test_a_row_leads_down_to_training_runs_and_checkpoints(connection: sa.Connection) -> None:
    story = row_lineage(connection, CHILD.id)

    assert [(run["checkpoint"], run["dataset"]) for run in story["training_runs"]] == [(CHECKPOINT, "evol")]
    assert [(row["dataset"], row["n_affected"]) for row in story["descendants_in"]] == [("evol", 2)]


@pytest.mark.parametrize(
    ("find", "name", "said"),
    [
        (seed_impact, SEED.id[:-1] + ("0" if SEED.id[-1] != "0" else "1"), f"known ids near it: .*{SEED.id}"),
        (seed_impact, CHILD.id, f"is no seed; it was evolved from seeds {SEED.id}"),
        (seed_impact, "7", "'7' is no row id"),
        (model_impact, "smolm2", "there is no model 'smolm2'; did you mean smollm2"),
        (model_impact, "", "there is no model ''"),
        (prompt_impact, "deepen", f"{DEEPEN[:12]} .deepen."),
        (prompt_impact, DEEPEN[:3], "at least the first 6 digits"),
    ],
)
def test_what_is_unknown_is_told_with_what_is_near(
    connection: sa.Connection, find: object, name: str, said: str
) -> None:
    assert callable(find)
    with pytest.raises(NotFound, match=said):
        find(connection, name, limit=1)


def test_an_unknown_checkpoint_is_told_with_those_near_it(connection: sa.Connection) -> None:
    with pytest.raises(NotFound, match=r"there is no checkpoint 'abcdef'; known near it: abababababab"):
        checkpoint_lineage(connection, "abcdef")


@pytest.mark.parametrize("form", FORMATS)
def test_every_story_is_drawn_in_every_form(connection: sa.Connection, form: str) -> None:
    graphs = [
        row_graph(row_lineage(connection, CHILD.id)),
        impact_graph(seed_impact(connection, SEED.id, limit=1)),
        impact_graph(model_impact(connection, "smollm2", limit=1)),
        impact_graph(prompt_impact(connection, DEEPEN, limit=1)),
        checkpoint_graph(checkpoint_lineage(connection, CHECKPOINT)),
    ]

    for graph in graphs:
        text = FORMATS[form](graph)
        assert "evol@1" in text.replace("_40_", "@")


def test_a_rows_graph_says_who_made_it_of_what(connection: sa.Connection) -> None:
    document = json.loads(prov(row_graph(row_lineage(connection, CHILD.id))))

    generations = {said["evol:operator"]: said for said in document["activity"].values() if "evol:operator" in said}
    assert set(generations) == {"deepen", "respond"}
    said = generations["deepen"]
    assert (said["evol:model_revision"], said["evol:seed"], said["evol:run_key"]) == ("w1", 11, "night-1")
    assert {edge["prov:usedEntity"] for edge in document["wasDerivedFrom"].values()} >= {f"evol:row_3a_{SEED.id}"}


def documented() -> list[str]:
    """The queries of docs/lineage.md."""
    return re.findall(r"```sql\n(.*?)```", (SQL.parent / "docs/lineage.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("query", documented(), ids=lambda query: " ".join(query.split()[:6]))
def test_every_documented_query_is_answered(connection: sa.Connection, query: str) -> None:
    retract_version(connection, resolve(connection, "other@1"), "ada", "to have an event")
    connection.commit()

    assert ask(connection.engine, query, limit=100).rows
