"""Questions to the lineage on a real database: datasets, versions, rows, and whether a version is whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from evol_core.errors import NotFound
from evol_core.lineage.queries import free_ordinal, run_summary, seed_ordinals
from evol_core.lineage.row import row_lineage
from evol_core.lineage.verify import verify_version
from evol_core.lineage.versions import list_datasets, resolve, show_version
from evol_core.records import Instruction, Pair
from evol_core.store.objects import ObjectStore, StoredObject
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
CHILD = Instruction(text=child_text(SEED.text, 0))
GRANDCHILD = Instruction(text=child_text(CHILD.text, 1))


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path)


@pytest.fixture
def generations(database: sa.Engine, store: ObjectStore) -> StoredObject:
    """Seeds, recorded generations and one version of the dataset `evol`."""
    publish_seeds(database, store)
    stored = record_generations(database, store, evolved_rows())
    Build(store, evolved_rows()).publish(database)
    return stored


@pytest.fixture
def connection(database: sa.Engine, generations: StoredObject) -> Iterator[sa.Connection]:
    with database.connect() as connection:
        yield connection


def test_the_bare_name_is_the_head_and_a_number_is_that_version(
    database: sa.Engine, store: ObjectStore, generations: StoredObject
) -> None:
    second = Build(store, evolved_rows(salt="!"))
    second.publish(database)

    with database.connect() as connection:
        assert resolve(connection, "evol").data == (second.data,)
        assert resolve(connection, "evol@1").data == (Build(store, evolved_rows()).data,)
        assert resolve(connection, "evol@2").objects == (
            second.data,
            *second.publication.refused,
            *second.publication.scores,
        )


def test_a_tag_names_a_version(database: sa.Engine, generations: StoredObject) -> None:
    with database.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO lineage.dataset_tag (dataset_id, tag, version, set_by) "
                "SELECT dataset_id, 'paper', 1, 'ada' FROM lineage.dataset WHERE name = 'evol'"
            )
        )
        assert resolve(connection, "evol@paper").version == 1
        with pytest.raises(NotFound, match=r"dataset 'evol' has no tag 'papre'; tags: \['paper'\]"):
            resolve(connection, "evol@papre")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("evl", r"there is no dataset 'evl'; did you mean evol\?"),
        ("zebra", r"there is no dataset 'zebra'; known datasets: \['evol', 'evol.seeds'\]"),
        ("evol@7", r"dataset 'evol' has no version 7; published versions: \[1\]"),
    ],
)
def test_an_unknown_version_is_told_with_the_known_ones(connection: sa.Connection, spec: str, said: str) -> None:
    with pytest.raises(NotFound, match=said):
        resolve(connection, spec)


def test_a_quarantined_version_is_no_version_for_readers(
    database: sa.Engine, store: ObjectStore, generations: StoredObject
) -> None:
    Build(store, evolved_rows(salt="!"), passed=False).publish(database)
    Build(store, evolved_rows(), name="other", passed=False).publish(database)

    with database.connect() as connection:
        assert resolve(connection, "evol").version == 1
        with pytest.raises(NotFound, match=r"evol@2 is quarantined, not published; published versions: \[1\]"):
            resolve(connection, "evol@2")
        with pytest.raises(NotFound, match=r"'other' has no published version yet; its versions: .1: 'quarantined'"):
            resolve(connection, "other")
        assert resolve(connection, "evol@2", published_only=False).state == "quarantined"


def test_datasets_are_listed_with_their_heads(connection: sa.Connection) -> None:
    found = [(row["name"], row["kind"], row["head"], row["rows"]) for row in list_datasets(connection)]

    assert found == [("evol", "dataset", 1, 4), ("evol.seeds", "seeds", 1, 3)]


def test_a_version_is_shown_with_counts_gates_objects_and_relatives(connection: sa.Connection) -> None:
    shown = show_version(connection, "evol")
    counts = {name: shown[name] for name in ("n_in", "n_accepted", "n_rejected", "n_failed", "n_rows")}

    assert counts == {"n_in": 6, "n_accepted": 4, "n_rejected": 2, "n_failed": 0, "n_rows": 4}
    assert (shown["parents"], show_version(connection, "evol.seeds")["used_by"]) == (["evol.seeds@1"], ["evol@1"])
    assert shown["refused_by_reason"] == [
        {"stage": "evolve", "status": "rejected", "reason": "too_long", "n": 2, "share": pytest.approx(1 / 3)}
    ]
    assert [entry["role"] for entry in shown["objects"]] == ["data", "refused", "scores"]
    assert shown["gates"] == [{"name": "min_rows", "wanted": ">= 1", "found": 4.0, "passed": True}]


def test_seeds_keep_their_numbers(connection: sa.Connection) -> None:
    asked = [Instruction(text=text).id for text in (*SEED_TEXTS[1:], "No seed.")]

    assert seed_ordinals(connection, "evol.seeds", asked) == {one: n for n, one in enumerate(asked[:-1], 1)}
    assert free_ordinal(connection, "evol.seeds") == len(SEED_TEXTS)
    assert (seed_ordinals(connection, "nothing", asked), free_ordinal(connection, "nothing")) == ({}, 0)


def test_a_row_leads_back_to_its_seed_by_every_step(connection: sa.Connection) -> None:
    story = row_lineage(connection, GRANDCHILD.id)

    line = [(step["depth"], step["instruction_id"], step["operator"], step["round"]) for step in story["history"]]
    assert line == [(0, GRANDCHILD.id, "deepen", 1), (1, CHILD.id, "deepen", 0), (2, SEED.id, "seed", None)]
    step = story["history"][0]
    assert (step["model"], step["model_revision"], step["tokenizer"]) == ("smollm2", "w1", "t1")
    assert (step["seed"], step["n_tokens"], step["decoding"]["temperature"]) == (11, 5, 0.7)
    assert (step["flow"], step["run_key"], step["task"], step["shard"]) == ("evol_instruct", "night-1", "evolve", 0)
    assert len(step["prompt_hash"]) == len(step["request_hash"]) == 64
    assert [(found["source"], found["line"], found["licence"]) for found in story["history"][2:]] == [
        ("seeds.jsonl", 1, "MIT")
    ]


def test_a_row_leads_on_to_outcomes_versions_and_descendants(connection: sa.Connection) -> None:
    story = row_lineage(connection, CHILD.id)

    assert [(found["dataset"], found["version"], found["row_no"]) for found in story["versions"]] == [("evol", 1, 0)]
    assert [(found["round"], found["status"]) for found in story["outcomes"]] == [(0, "accepted")]
    assert row_lineage(connection, SEED.id)["descendants"] == 2


def test_a_refused_row_has_a_story_too(connection: sa.Connection) -> None:
    refused = Instruction(text=child_text(SEED_TEXTS[2], 0))

    story = row_lineage(connection, refused.id)

    assert story["outcomes"][0] | {"ordinal": 2, "reason": "too_long", "stage": "evolve"} == story["outcomes"][0]
    assert story["versions"] == []


def test_a_response_leads_to_the_row_that_it_answers(connection: sa.Connection) -> None:
    pair = Pair(instruction=CHILD, response="Answer 0.0")

    story = row_lineage(connection, pair.id)

    assert story["row"]["instruction_id"] == CHILD.id
    assert [(found["response_id"], found["operator"]) for found in story["responses"]] == [(pair.id, "respond")]


def test_an_unknown_row_is_told_with_known_ids_near_it(connection: sa.Connection) -> None:
    mistyped = CHILD.id[:-1] + ("0" if CHILD.id[-1] != "0" else "1")
    with pytest.raises(NotFound, match=f"there is no row '{mistyped}'; known ids near it: .*{CHILD.id}"):
        row_lineage(connection, mistyped)
    with pytest.raises(NotFound, match="'7' is no row id; a row id is a UUID"):
        row_lineage(connection, "7")


def test_a_row_that_came_about_in_a_circle_has_an_end(connection: sa.Connection) -> None:
    connection.execute(
        sa.text("INSERT INTO lineage.derivation SELECT :seed, :child, min(step_id), NULL FROM lineage.step"),
        {"seed": SEED.id, "child": GRANDCHILD.id},
    )

    assert {step["instruction_id"] for step in row_lineage(connection, CHILD.id)["history"]} == {
        SEED.id,
        CHILD.id,
        GRANDCHILD.id,
    }


def test_a_run_is_summed_up(connection: sa.Connection, database: sa.Engine) -> None:
    summary = run_summary(connection, 1)

    assert (summary["run_key"], summary["versions"]) == ("night-1", ["evol.seeds@1", "evol@1"])
    assert (summary["n_generations"], summary["n_tokens"]) == (10, 50)
    with pytest.raises(NotFound, match=r"there is no run 99; the newest: \[1\]"):
        run_summary(connection, 99)


def test_a_whole_version_has_no_findings(connection: sa.Connection, store: ObjectStore) -> None:
    assert verify_version(connection, store, "evol") == []
    assert verify_version(connection, store, "evol.seeds") == []


def test_a_flipped_bit_is_found_and_what_it_touches_named(connection: sa.Connection, store: ObjectStore) -> None:
    path = store.path(resolve(connection, "evol").data[0].sha256)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    (finding,) = verify_version(connection, store, "evol")

    assert (finding.kind, finding.subject) == ("damaged", path.stem)
    assert "touched: 4 rows of evol@1, written by run evol_instruct night-1" in finding.detail
    assert "evol lineage rebuild evol@1" in finding.mend


def test_a_missing_generation_object_is_found(
    connection: sa.Connection, store: ObjectStore, generations: StoredObject
) -> None:
    store.path(generations.sha256).unlink()

    (finding,) = verify_version(connection, store, "evol")

    assert (finding.kind, finding.subject) == ("missing", generations.sha256)
    assert "it holds 10 recorded answers" in finding.detail
    assert f"evol datasets forget {generations.sha256}" in finding.mend


@pytest.mark.parametrize(
    ("damage", "kind", "subject"),
    [
        ("DELETE FROM lineage.instruction WHERE instruction_id = :child", "dangling", "rows"),
        ("DELETE FROM lineage.derivation WHERE child_id = :child", "dangling", "derivations"),
        ("DELETE FROM lineage.response WHERE instruction_id = :child", "dangling", "responses"),
        ("DELETE FROM lineage.row_location WHERE row_id = :child", "counts", "rows"),
        ("DELETE FROM lineage.generation WHERE row_no = 0 AND :child <> ''", "unrecorded", "generations"),
    ],
)
def test_rows_that_went_missing_are_found(
    connection: sa.Connection, store: ObjectStore, damage: str, kind: str, subject: str
) -> None:
    connection.execute(sa.text(damage), {"child": CHILD.id})

    findings = {(finding.kind, finding.subject) for finding in verify_version(connection, store, "evol")}

    assert (kind, subject) in findings


def test_the_attempt_behind_a_replayed_generation_is_the_one_that_made_it(
    database: sa.Engine, store: ObjectStore, generations: StoredObject
) -> None:
    Build(store, evolved_rows(), name="other").publish(database, new_attempt(database, run_key="night-2"))

    with database.connect() as connection:
        assert {step["run_key"] for step in row_lineage(connection, GRANDCHILD.id)["history"]} == {"night-1"}
