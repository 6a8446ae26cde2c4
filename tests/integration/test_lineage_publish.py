"""Publishing on a real database: all or nothing, once, by the newest attempt, with every row accounted for."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from evol_core.errors import ConfigError, Fenced, NotFound, RowsLost, VersionConflict
from evol_core.lineage.publish import Counts, Published, VersionRef, publish, release_version
from evol_core.lineage.registry import register_objects
from evol_core.records import Instruction, Status, Verdict, content_hash
from evol_core.store.objects import ObjectStore, StoredObject
from tests.integration.lineage_rows import (
    SEED_TEXTS,
    Build,
    child_text,
    evolved_rows,
    new_attempt,
    publish_seeds,
    table_counts,
)

pytestmark = pytest.mark.postgres


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path)


def head(database: sa.Engine, name: str = "evol") -> int | None:
    with database.connect() as connection:
        query = sa.text("SELECT head_version FROM lineage.dataset WHERE name = :name")
        found: int | None = connection.execute(query, {"name": name}).scalar()
        return found


def one(database: sa.Engine, query: str) -> object:
    with database.connect() as connection:
        return connection.execute(sa.text(query)).scalar_one()


def test_a_version_comes_with_its_rows_edges_outcomes_and_scores(database: sa.Engine, store: ObjectStore) -> None:
    assert publish_seeds(database, store).version == 1

    published = Build(store, evolved_rows()).publish(database)

    assert published == Published(name="evol", version=1, state="published", replayed=False)
    counts = table_counts(database)
    wanted = {
        "instruction": 3 + 6,
        "derivation": 6,
        "response": 4,
        "outcome": 4 + 6,
        "score": 4,
        "row_location": 3 + 4,
        "dataset_version": 2,
        "seed_origin": 3,
        "seed_ordinal": 3,
        "outbox": 2,
    }
    assert {name: counts[name] for name in wanted} == wanted


def test_the_same_content_again_is_the_same_version_and_adds_no_row(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    first = Build(store, evolved_rows()).publish(database)
    attempts = new_attempt(database, run_key="night-2", task="seed"), new_attempt(database, run_key="night-2")
    before = table_counts(database)

    again = (
        publish_seeds(database, store, attempt_id=attempts[0]),
        Build(store, evolved_rows()).publish(database, attempts[1]),
    )

    assert [published.replayed for published in again] == [True, True]
    assert again[1].version == first.version
    assert table_counts(database) == before


def test_the_manifest_is_of_content_and_origin_alone(store: ObjectStore) -> None:
    said = Build(store, evolved_rows()).publication
    same = replace(said, code_version="c2", metadata={"note": "later"})
    assert same.manifest_hash == said.manifest_hash
    for other in (
        replace(said, name="other"),
        replace(said, recipe_hash="r2"),
        replace(said, parents=(("evol.seeds", 2),)),
        replace(said, scores=()),
        replace(said, gates=()),
    ):
        assert other.manifest_hash != said.manifest_hash


def test_other_content_is_the_next_version(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    versions = [Build(store, evolved_rows(salt=salt)).publish(database).version for salt in ("", "!", "?")]

    assert (versions, head(database)) == ([1, 2, 3], 3)


def test_an_older_attempt_publishes_nothing(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    old = new_attempt(database)
    new_attempt(database)
    before = table_counts(database)

    with pytest.raises(Fenced, match="superseded"):
        Build(store, evolved_rows()).publish(database, old)

    assert table_counts(database) == before


def test_an_attempt_that_is_superseded_while_it_loads_publishes_nothing(
    database: sa.Engine, store: ObjectStore
) -> None:
    publish_seeds(database, store)
    build, old = Build(store, evolved_rows()), new_attempt(database)

    def load(connection: sa.Connection, version: VersionRef) -> None:
        build.load(connection, version)
        new_attempt(database)

    with pytest.raises(Fenced):
        publish(database, build.publication, attempt_id=old, load=load)

    assert head(database) is None


def test_two_runs_that_publish_at_once_get_two_versions(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    builds = [Build(store, evolved_rows(salt=f" run {number}")) for number in range(4)]
    attempts = [new_attempt(database, run_key=f"night-{number}") for number in range(4)]
    told: list[Published] = []

    def work(number: int) -> None:
        told.append(builds[number].publish(database, attempts[number]))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert sorted(published.version for published in told) == [1, 2, 3, 4]
    assert head(database) == 4


def test_two_runs_of_one_content_at_once_make_one_version(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    attempts = [new_attempt(database, run_key=f"night-{number}") for number in range(4)]
    told: list[Published] = []

    def work(attempt_id: int) -> None:
        told.append(Build(store, evolved_rows()).publish(database, attempt_id))

    workers = [threading.Thread(target=work, args=(attempt_id,)) for attempt_id in attempts]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert {published.version for published in told} == {1}
    assert sorted(published.replayed for published in told) == [False, True, True, True]
    assert one(database, "SELECT count(*) FROM lineage.outcome WHERE stage <> 'seed'") == 6


def call_publish_version(database: sa.Engine, build: Build, *, base: int | None, version: int) -> None:
    """The SQL function as a careless publisher would call it: with a base read long ago."""
    from evol_core.lineage.publish import _publish_version

    attempt_id = new_attempt(database, run_key=f"careless {version}")
    with database.begin() as connection:
        find = sa.text("SELECT dataset_id FROM lineage.dataset WHERE name = 'evol'")
        dataset_id = connection.execute(find).scalar_one()
        ref = VersionRef(name="evol", dataset_id=dataset_id, version=version, attempt_id=attempt_id)
        register_objects(connection, (build.data, *build.publication.refused, *build.publication.scores), attempt_id)
        build.load(connection, ref)
        _publish_version(connection, build.publication, ref, base)


def test_a_base_that_moved_is_refused(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    for salt in ("", "!"):
        Build(store, evolved_rows(salt=salt)).publish(database)

    with pytest.raises(VersionConflict, match="evol moved: built version 3 on head 1, but its head is 2"):
        call_publish_version(database, Build(store, evolved_rows(salt="?")), base=1, version=3)
    with pytest.raises(VersionConflict, match="its next version 3"):
        call_publish_version(database, Build(store, evolved_rows(salt="?")), base=2, version=4)

    assert head(database) == 2


def test_a_conflict_is_tried_again_from_the_start(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    build, seen = Build(store, evolved_rows()), list[int]()

    def load(connection: sa.Connection, version: VersionRef) -> None:
        build.load(connection, version)
        seen.append(version.version)
        if len(seen) == 1:
            connection.execute(sa.text("DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$"))

    published = publish(database, build.publication, attempt_id=new_attempt(database), load=load)

    assert (published.replayed, seen) == (False, [1, 1])
    assert one(database, "SELECT count(*) FROM lineage.outcome WHERE stage <> 'seed'") == 6


def test_a_conflict_without_end_is_told(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    build = Build(store, evolved_rows())

    def load(connection: sa.Connection, version: VersionRef) -> None:
        raise VersionConflict("still there")

    with pytest.raises(VersionConflict, match="still there"):
        publish(database, build.publication, attempt_id=new_attempt(database), load=load)


def test_counts_that_do_not_add_up_are_refused_before_anything_is_written() -> None:
    with pytest.raises(RowsLost, match=r"rows in: 5; rows out: 4 = 2 accepted . 1 rejected . 1 failed"):
        Counts(n_in=5, accepted=2, rejected=1, failed=1)


def test_a_row_that_was_not_loaded_is_missed(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    build = Build(store, evolved_rows())
    build.evolved = build.evolved.slice(0, 5)

    with pytest.raises(RowsLost, match=r"rows in: 6; loaded 4 accepted . 1 rejected . 0 failed; said 4 accepted . 2"):
        build.publish(database)

    assert head(database) is None


def test_a_row_that_was_loaded_twice_is_refused(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    build = Build(store, evolved_rows())

    def load(connection: sa.Connection, version: VersionRef) -> None:
        build.load(connection, version)
        build.load(connection, version)

    with pytest.raises(ValueError, match="evol@1: a row has two outcomes"):
        publish(database, build.publication, attempt_id=new_attempt(database), load=load)


def test_an_accepted_row_that_is_in_no_data_object_is_missed(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    build = Build(store, evolved_rows())
    build.table = build.table.slice(0, 3)
    build.data = store.put(build.table)
    build.publication = replace(build.publication, data=(build.data,))

    with pytest.raises(RowsLost, match="4 rows were accepted, but the data objects hold 3"):
        build.publish(database)


def test_data_rows_that_are_not_located_are_missed(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    build = Build(store, evolved_rows())
    build.table = build.table.slice(0, 3)

    with pytest.raises(RowsLost, match=rf"not all located .load_data_rows.: {build.data.sha256[:12]} .3 of 4."):
        build.publish(database)


def test_an_object_that_nobody_registered_is_refused(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    build = Build(store, evolved_rows())
    build.publish(database)
    ghost = StoredObject(sha256=content_hash("ghost"), n_bytes=1, n_rows=0, schema_hash=build.data.schema_hash)
    other = Build(store, evolved_rows(salt="!"))
    register = other.publication
    other.publication = replace(register, scores=(ghost,))

    def careless() -> None:
        from evol_core.lineage.publish import _publish_version

        attempt_id = new_attempt(database, run_key="careless")
        with database.begin() as connection:
            dataset_id = connection.execute(
                sa.text("SELECT dataset_id FROM lineage.dataset WHERE name = 'evol'")
            ).scalar_one()
            ref = VersionRef(name="evol", dataset_id=dataset_id, version=2, attempt_id=attempt_id)
            _publish_version(connection, other.publication, ref, 1)

    with pytest.raises(NotFound, match=f"objects of evol are not registered:.*{ghost.sha256[:12]}"):
        careless()


def test_an_unknown_parent_is_refused(database: sa.Engine, store: ObjectStore) -> None:
    with pytest.raises(NotFound, match=r"parents of evol are no versions: evol.seeds@1"):
        Build(store, evolved_rows()).publish(database)


def test_a_name_keeps_its_kind(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    with pytest.raises(ConfigError, match=r"'evol.seeds' is of kind 'seeds', got 'dataset'"):
        Build(store, evolved_rows(), name="evol.seeds").publish(database)


def test_a_version_of_nothing_is_legal(database: sa.Engine, store: ObjectStore) -> None:
    seeds = publish_seeds(database, store, (), refused=())
    published = Build(store, []).publish(database)

    assert (seeds.state, published.state, published.version) == ("published", "published", 1)


def test_a_version_whose_every_row_was_rejected_is_legal(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store, SEED_TEXTS[:1])
    Build(store, evolved_rows(SEED_TEXTS[:1])).publish(database)

    assert one(database, "SELECT n_rejected FROM lineage.dataset_version WHERE n_rows = 0") == 2


def test_a_closed_gate_quarantines(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    Build(store, evolved_rows()).publish(database)

    published = Build(store, evolved_rows(salt="!"), passed=False).publish(database)

    assert (published.version, published.state) == (2, "quarantined")
    assert head(database) == 1
    assert Build(store, evolved_rows(salt="?")).publish(database).version == 3
    assert Build(store, evolved_rows(salt="!"), passed=False).publish(database).state == "quarantined"


def test_a_released_version_becomes_the_head_only_where_it_is_the_newest(
    database: sa.Engine, store: ObjectStore
) -> None:
    publish_seeds(database, store)
    for salt, passed in (("", False), ("!", True), ("?", False)):
        Build(store, evolved_rows(salt=salt), passed=passed).publish(database)

    with database.begin() as connection:
        release_version(connection, "evol", 1, "ada", "looked at all rows")
    assert head(database) == 2
    with database.begin() as connection:
        release_version(connection, "evol", 3, "ada", "looked at all rows")
        release_version(connection, "evol", 3, "bob", "again")
    assert head(database) == 3
    assert one(database, "SELECT released_by FROM lineage.dataset_version WHERE version = 3") == "ada"
    with database.begin() as connection, pytest.raises(NotFound, match="evol has no version 9"):
        release_version(connection, "evol", 9, "ada", "")


@pytest.mark.parametrize("table", ["dataset_version_file", "outcome", "version_parent", "dataset_version"])
def test_what_is_published_cannot_be_taken_away(database: sa.Engine, store: ObjectStore, table: str) -> None:
    publish_seeds(database, store)
    Build(store, evolved_rows()).publish(database)

    with database.begin() as connection, pytest.raises(sa.exc.DBAPIError, match="append-only"):
        connection.execute(sa.text(f"DELETE FROM lineage.{table}"))


def test_a_child_that_says_what_its_parent_says_makes_no_edge(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    rows = evolved_rows(rounds=1)
    same = replace(rows[2], child=rows[2].parent, verdict=Verdict(status=Status.REJECTED, reason="identical"))

    Build(store, [*rows[:2], same]).publish(database)

    assert one(database, "SELECT count(*) FROM lineage.derivation") == 2


def test_texts_that_postgres_cannot_hold_are_loaded(database: sa.Engine, store: ObjectStore) -> None:
    text = 'NUL \0 tab \t quote " comma , newline \n emoji 🙂 \\N \\x00'
    publish_seeds(database, store, (text,), refused=())

    Build(store, evolved_rows((text, "other"))).publish(database)

    child = Instruction(text=child_text(text, 0))
    assert (
        one(database, f"SELECT head FROM lineage.instruction WHERE instruction_id = '{child.id}'")
        == (child.text.replace("\0", "\ufffd")[:120])
    )
