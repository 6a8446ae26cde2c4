"""Garbage collection on a real database and store: it takes what nothing needs, and never anything else."""

import os
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from evol_core.errors import NotFound, VersionConflict
from evol_core.lineage.care import retract_version
from evol_core.lineage.garbage import Collected, collect_garbage, forget_object
from evol_core.lineage.generations import PostgresIndex
from evol_core.lineage.registry import register_objects
from evol_core.lineage.runs import finish_attempt, put_stage_output
from evol_core.lineage.verify import verify_version
from evol_core.lineage.versions import resolve
from evol_core.records import RequestHash
from evol_core.store.objects import ObjectStore, StoredObject
from tests.integration.lineage_rows import Build, evolved_rows, new_attempt, publish_seeds, record_generations

pytestmark = pytest.mark.postgres

NO_TIME = timedelta(0)


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


def put(store: ObjectStore, number: int = 1) -> StoredObject:
    return age(store, store.put(pa.table({"n": [number]})))


def age(store: ObjectStore, stored: StoredObject) -> StoredObject:
    """Let a file be an hour old, so that the clock of the file system does not matter."""
    hour_ago = time.time() - 3600
    os.utime(store.path(stored.sha256), (hour_ago, hour_ago))
    return stored


def end_attempts(database: sa.Engine) -> None:
    with database.begin() as connection:
        for attempt_id in connection.execute(sa.text("SELECT attempt_id FROM lineage.task_attempt")).scalars():
            finish_attempt(connection, attempt_id, "success")


def collect(database: sa.Engine, store: ObjectStore, *, older_than: timedelta = NO_TIME) -> Collected:
    return collect_garbage(database, store, older_than, remove=True)


def hand_on(database: sa.Engine, stored: StoredObject) -> int:
    """A stage of a run puts out an object; returns the attempt."""
    attempt_id = new_attempt(database)
    with database.begin() as connection:
        put_stage_output(
            connection, attempt_id=attempt_id, stage="evolve", shard=0, output={"parts": [stored.sha256], "seeds": 1}
        )
    return attempt_id


def test_what_nothing_refers_to_goes(database: sa.Engine, store: ObjectStore) -> None:
    stored = put(store)

    assert collect_garbage(database, store, NO_TIME, remove=False).swept.objects == (stored.sha256,)
    assert store.path(stored.sha256).exists(), "asked only what would go"
    assert collect(database, store).swept.objects == (stored.sha256,)
    assert not store.path(stored.sha256).exists()


def test_what_is_young_stays(database: sa.Engine, store: ObjectStore) -> None:
    put(store)

    assert collect(database, store, older_than=timedelta(hours=2)).swept.young == 1


def test_versions_and_recorded_generations_stay_whole(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    record_generations(database, store, evolved_rows())
    for salt in ("", "!"):
        Build(store, evolved_rows(salt=salt), passed=not salt).publish(database)
    with database.begin() as connection:
        retract_version(connection, resolve(connection, "evol@1"), "ada", "kept for audit all the same")
    end_attempts(database)
    for path in store.root.glob("??/*.parquet"):
        age(store, StoredObject(sha256=path.stem, n_bytes=0, n_rows=0, schema_hash=""))

    collected = collect(database, store)

    assert (collected.marked, collected.swept.objects) == (0, ())
    with database.connect() as connection:
        assert verify_version(connection, store, "evol@1") == []
        assert [found.kind for found in verify_version(connection, store, "evol@2")] == ["unrecorded"]


def test_what_an_attempt_at_work_may_have_written_stays(database: sa.Engine, store: ObjectStore) -> None:
    attempt_id = new_attempt(database)
    put(store)

    assert collect(database, store).at_work == (attempt_id,)
    assert collect(database, store).swept.young == 1

    with database.begin() as connection:
        finish_attempt(connection, attempt_id, "failed")
    assert len(collect(database, store).swept.objects) == 1


def test_an_attempt_that_a_newer_one_fenced_off_holds_nothing_back(database: sa.Engine, store: ObjectStore) -> None:
    new_attempt(database)
    newer = new_attempt(database)

    assert collect(database, store).at_work == (newer,)


def test_what_a_stage_handed_on_stays_while_its_run_lives(database: sa.Engine, store: ObjectStore) -> None:
    stored = put(store)
    evolve = hand_on(database, stored)
    with database.begin() as connection:
        finish_attempt(connection, evolve, "success")

    assert collect(database, store, older_than=timedelta(minutes=30)).swept.objects == ()
    publish = new_attempt(database, task="publish")
    assert collect(database, store).outputs == 0, "the next stage of the run is at work"
    with database.begin() as connection:
        finish_attempt(connection, publish, "success")

    collected = collect(database, store)
    assert (collected.outputs, collected.swept.objects) == (1, (stored.sha256,))


def test_a_registered_object_that_nothing_points_to_is_marked_and_comes_back(
    database: sa.Engine, store: ObjectStore
) -> None:
    stored = put(store)
    attempt_id = new_attempt(database)
    with database.begin() as connection:
        register_objects(connection, [stored], attempt_id)
        finish_attempt(connection, attempt_id, "success")

    assert collect(database, store).marked == 1
    with database.begin() as connection:
        register_objects(connection, [stored], attempt_id)
        query = "SELECT count(*) FROM lineage.object_file WHERE deleted_at IS NULL"
        assert connection.execute(sa.text(query)).scalar_one() == 1


def test_an_object_that_a_transaction_is_about_to_point_to_is_passed_by(
    database: sa.Engine, store: ObjectStore
) -> None:
    stored = put(store)
    attempt_id = new_attempt(database)
    with database.begin() as connection:
        register_objects(connection, [stored], attempt_id)
        finish_attempt(connection, attempt_id, "success")

    with database.begin() as connection:
        register_objects(connection, [stored], attempt_id)
        assert collect(database, store).marked == 0

    assert store.path(stored.sha256).exists()


class Race:
    """Builders of the same rows, whose objects lie there already as garbage of long ago; and collectors."""

    def __init__(self, database: sa.Engine, store: ObjectStore, scratch: ObjectStore) -> None:
        self.database, self.store, self.scratch = database, store, scratch
        self.errors: list[BaseException] = []
        self.removed = 0
        self._over = threading.Event()

    def run(self, builders: int, turns: int) -> None:
        collectors = [threading.Thread(target=self._guarded, args=(self._collect,)) for _ in range(2)]
        building = [
            threading.Thread(target=self._guarded, args=(self._build, f"evol{number}", turns))
            for number in range(builders)
        ]
        for thread in (*collectors, *building):
            thread.start()
        for thread in building:
            thread.join(120)
        self._over.set()
        for thread in collectors:
            thread.join(120)

    def _guarded(self, work: Callable[..., None], *arguments: object) -> None:
        try:
            work(*arguments)
        except BaseException as error:
            self.errors.append(error)

    def _collect(self) -> None:
        while not self._over.is_set():
            self.removed += len(collect(self.database, self.store).swept.objects)

    def _build(self, name: str, turns: int) -> None:
        for turn in range(turns):
            rows = evolved_rows(salt=f" {turn}")
            scratch = Build(self.scratch, rows, name=name)
            attempt_id = new_attempt(self.database, run_key=f"{name} {turn}")
            self._leave_garbage(scratch)
            Build(self.store, rows, name=name).publish(self.database, attempt_id)
            with self.database.begin() as connection:
                finish_attempt(connection, attempt_id, "success")

    def _leave_garbage(self, build: Build) -> None:
        """What a run of a day ago wrote and never published."""
        for stored in (*build.publication.data, *build.publication.refused, *build.publication.scores):
            temporary = self.store.root / f"{uuid.uuid4()}"
            temporary.write_bytes(self.scratch.path(stored.sha256).read_bytes())
            os.utime(temporary, (time.time() - 86_400,) * 2)
            self.store.path(stored.sha256).parent.mkdir(exist_ok=True)
            with suppress(FileExistsError):
                os.link(temporary, self.store.path(stored.sha256))
            temporary.unlink()


@pytest.mark.slow
def test_a_race_of_builds_and_collectors_loses_nothing(database: sa.Engine, store: ObjectStore, tmp_path: Path) -> None:
    publish_seeds(database, store)
    end_attempts(database)
    race = Race(database, store, ObjectStore(tmp_path / "scratch"))

    race.run(builders=3, turns=12)

    assert race.errors == []
    assert race.removed, "the collectors had nothing to do"
    with database.connect() as connection:
        for number in range(3):
            for version in range(1, 13):
                for stored in resolve(connection, f"evol{number}@{version}").objects:
                    store.verify(stored.sha256)


def test_a_lost_object_of_generations_is_forgotten_and_asked_anew(database: sa.Engine, store: ObjectStore) -> None:
    stored = record_generations(database, store, evolved_rows())
    index = PostgresIndex(database, new_attempt(database))
    table = store.read(stored.sha256)
    hashes = [RequestHash(str(text)) for text in table["request_hash"].to_pylist()]
    with database.begin() as connection, pytest.raises(VersionConflict, match="is whole"):
        forget_object(connection, store, stored.sha256)
    store.path(stored.sha256).unlink()

    with database.begin() as connection:
        assert forget_object(connection, store, stored.sha256) == len(hashes)
    assert index.find(hashes) == {}

    again = store.put(table.slice(0, 3))
    found = index.register(again, table.slice(0, 3))
    assert {place.sha256 for place in found.values()} == {again.sha256}, "the new answer takes the lost one's place"
    assert index.find(hashes) == found


def test_an_object_of_a_version_is_not_forgotten(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    with database.begin() as connection:
        sha256 = resolve(connection, "evol.seeds").data[0].sha256
        with pytest.raises(VersionConflict, match=r"belongs to evol\.seeds@1"):
            forget_object(connection, store, sha256)
        with pytest.raises(NotFound, match="no object 00 is registered"):
            forget_object(connection, store, "00")
