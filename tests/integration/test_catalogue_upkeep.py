"""Housekeeping on a real database: events sent once, ids counted, versions verified, a mirror that gives rows back."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from evol_core.catalogue.drain import drain
from evol_core.catalogue.iceberg import mirror, open_catalog, table_name
from evol_core.catalogue.run_events import Identity
from evol_core.catalogue.sinks import FileSink
from evol_core.config import Settings
from evol_core.errors import CatalogueError, EventRefused, ObjectDamaged, RowsLost
from evol_core.lineage.publish import release_version
from evol_core.lineage.versions import Version, resolve
from evol_core.pipeline import Order, run
from evol_core.recipe import HousekeepingRecipe, parse_recipe
from evol_core.schemas import EVOLVED, to_table
from evol_core.store.objects import ObjectStore
from tests.integration.lineage_rows import Build, evolved_rows, new_attempt, publish_seeds, record_generations

pytestmark = pytest.mark.postgres


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


@pytest.fixture
def built(database: sa.Engine, store: ObjectStore) -> sa.Engine:
    """Seeds, a published version, a second one, and a third that is quarantined."""
    publish_seeds(database, store)
    for salt in ("", "!", "?"):
        record_generations(database, store, evolved_rows(salt=salt))
        Build(store, evolved_rows(salt=salt), passed=salt != "?").publish(database)
    return database


class Flaky:
    """A catalogue that dies or refuses at a given event."""

    def __init__(self, dies_at: int | None = None, refuses: str = "") -> None:
        self.got: list[Any] = []
        self.dies_at = dies_at
        self.refuses = refuses

    def send(self, event: Any) -> None:
        if event["outputs" if "outputs" in event else "job"] and self.refuses == event["job"]["name"]:
            raise EventRefused("not this one")
        if len(self.got) == self.dies_at:
            raise CatalogueError("gone")
        self.got.append(event)

    def close(self) -> None:
        """Nothing is open."""


def unsent(database: sa.Engine) -> int:
    with database.connect() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM outbox WHERE sent_at IS NULL")).scalar_one())


@pytest.fixture(autouse=True)
def _search_path(database: sa.Engine) -> None:
    with database.begin() as connection:
        connection.execute(sa.text(f"ALTER DATABASE {database.url.database} SET search_path = lineage, public"))
    database.dispose()


def test_every_event_is_sent_once_and_in_order(built: sa.Engine, store: ObjectStore, tmp_path: Path) -> None:
    with built.begin() as connection:
        release_version(connection, "evol", 3, "ada", "read it")
    for _ in range(2):
        sink = FileSink(tmp_path / "events.jsonl")
        drained = drain(built, store, sink, Identity())
        sink.close()

    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    ends = [event for event in events if event["eventType"] == "COMPLETE"]
    assert (drained.sent, unsent(built), len(events)) == (0, 0, 10)
    assert [(end["outputs"][0]["name"], end["outputs"][0]["facets"]["evol_version"]["state"]) for end in ends] == [
        ("evol.seeds", "published"),
        ("evol", "published"),
        ("evol", "published"),
        ("evol", "quarantined"),
        ("evol", "released"),
    ]
    assert {step["operator"] for step in ends[1]["run"]["facets"]["evol_generation"]["steps"]} == {"deepen", "respond"}
    assert ends[1]["inputs"][0]["name"] == "evol.seeds"


def test_versions_that_one_attempt_published_are_told_apart(
    database: sa.Engine, store: ObjectStore, tmp_path: Path
) -> None:
    attempt_id = new_attempt(database, task="all")
    publish_seeds(database, store, attempt_id=attempt_id)
    record_generations(database, store, evolved_rows())
    Build(store, evolved_rows()).publish(database, attempt_id)
    sink = FileSink(tmp_path / "events.jsonl")
    drain(database, store, sink, Identity())
    sink.close()

    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == 4


def test_what_a_dying_catalogue_did_not_take_waits(built: sa.Engine, store: ObjectStore) -> None:
    dying = Flaky(dies_at=3)
    with pytest.raises(CatalogueError):
        drain(built, store, dying, Identity())
    assert unsent(built) == 3

    well = Flaky()
    assert drain(built, store, well, Identity()).sent == 3
    assert well.got[0] == dying.got[2], "the event that was half sent is sent again, the same"


def test_a_refused_event_holds_up_no_other(built: sa.Engine, store: ObjectStore) -> None:
    drained = drain(built, store, Flaky(refuses="evol_instruct.seed.evol.seeds"), Identity())

    assert (drained.sent, len(drained.refused), unsent(built)) == (3, 1, 1)


def versions(database: sa.Engine, *specs: str) -> list[Version]:
    with database.connect() as connection:
        return [resolve(connection, spec) for spec in specs]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_mirror_gives_back_the_rows_of_each_version(
    built: sa.Engine, database_url: str, store: ObjectStore, tmp_path: Path, kind: str
) -> None:
    more = evolved_rows(("One.", "Two.", "Three.", "Four."), salt="+")
    record_generations(built, store, more)
    Build(store, more).publish(built)
    catalog = open_catalog(f"sqlite:///{tmp_path}/c.db" if kind == "sqlite" else database_url, tmp_path / "iceberg")

    first = mirror(catalog, store, versions(built, "evol@1", "evol.seeds@1"))
    again = mirror(catalog, store, versions(built, "evol@1", "evol@4", "evol.seeds@1"))

    assert (first.added, first.kept) == (["evol@1", "evol.seeds@1"], [])
    assert (again.added, again.kept) == (["evol@4"], ["evol@1", "evol.seeds@1"])
    table = catalog.load_table(table_name("evol"))
    rows = {tag: table.scan(snapshot_id=ref.snapshot_id).to_arrow() for tag, ref in table.refs().items()}
    assert {tag: read.num_rows for tag, read in rows.items()} == {"v1": 4, "v4": 6, "main": 6}
    (data,) = versions(built, "evol@1")[0].data
    assert rows["v1"]["output"].to_pylist() == store.read(data.sha256)["output"].to_pylist()
    assert not list((tmp_path / "iceberg").rglob("*.parquet")), "the mirror has no data of its own"


def test_a_retracted_version_leaves_the_mirror_and_a_lost_mirror_is_made_anew(
    built: sa.Engine, store: ObjectStore, tmp_path: Path
) -> None:
    folder = tmp_path / "iceberg"
    mirror(open_catalog(f"sqlite:///{tmp_path}/c.db", folder), store, versions(built, "evol@1", "evol@2"))

    catalog = open_catalog(f"sqlite:///{tmp_path}/c.db", folder)
    assert mirror(catalog, store, versions(built, "evol@2")).added == ["evol@2"]
    assert set(catalog.load_table(table_name("evol")).refs()) == {"main", "v2"}
    (tmp_path / "c.db").unlink()
    anew = mirror(open_catalog(f"sqlite:///{tmp_path}/c.db", folder), store, versions(built, "evol@1", "evol@2"))
    assert anew.added == ["evol@1", "evol@2"]
    for version in versions(built, "evol@1", "evol@2"):
        store.verify(version.data[0].sha256)


def keep_house(database: sa.Engine, database_url: str, home: Path, stage: str = "all", **said: Any) -> dict[str, Any]:
    """Run the flow, or one stage of it."""
    recipe = parse_recipe({"flow": "housekeeping", "name": "housekeeping", **said}, origin="test")
    assert isinstance(recipe, HousekeepingRecipe)
    attempt_id = new_attempt(database, run_key="week-1", task=stage)
    with database.connect() as connection:
        query = "SELECT run_id FROM lineage.task_attempt WHERE attempt_id = :attempt_id"
        run_id = connection.execute(sa.text(query), {"attempt_id": attempt_id}).scalar_one()
    settings = Settings(home=home, database_url=database_url, jobs_python=Path("/none"))
    order = Order(flow="housekeeping", stage=stage, recipe=recipe, run_id=run_id, attempt_id=attempt_id)
    return run(order, settings, lambda progress: None)


def test_a_house_in_order_is_told_so(built: sa.Engine, database_url: str, tmp_path: Path) -> None:
    said: dict[str, Any] = {"events": {"to": "catalogue/events.jsonl"}, "iceberg": {"catalog": "sqlite"}}

    done = keep_house(built, database_url, tmp_path, **said)

    assert (done["verify"], done["ids"], done["refresh"]) == ({"verified": 4}, {"dangling": 0}, {"refreshed": 2})
    assert done["events"] == {"sent": 4, "waiting": 0}
    assert done["iceberg"]["added"] == ["evol@1", "evol@2", "evol.seeds@1"]
    assert len((tmp_path / "catalogue/events.jsonl").read_text().splitlines()) == 8
    assert done["requests"]["generated"] == 0
    nothing = keep_house(built, database_url, tmp_path, "events")
    assert nothing["sent"] == 0


@pytest.mark.parametrize("remove", [True, False])
def test_old_objects_that_nothing_needs_go(
    built: sa.Engine, database_url: str, store: ObjectStore, tmp_path: Path, remove: bool
) -> None:
    path = store.path(store.put(to_table([], EVOLVED)).sha256)
    for each in (tmp_path / "objects").rglob("*.parquet"):
        os.utime(each, (0, 0))

    done = keep_house(built, database_url, tmp_path, "collect", collect={"remove": remove})

    assert (done["objects"], path.exists()) == (1, not remove)
    assert keep_house(built, database_url, tmp_path, "verify")["verified"] == 4


def test_figures_are_made_anew_and_not_twice(built: sa.Engine, database_url: str, tmp_path: Path) -> None:
    def figures() -> list[Any]:
        with built.connect() as connection:
            return list(connection.execute(sa.text("SELECT * FROM lineage.version_metric ORDER BY 1, 2, 3, 5, 6")))

    before = figures()
    keep_house(built, database_url, tmp_path, "refresh")

    assert before
    assert figures() == before


def test_damage_and_dangling_ids_fail_their_stages(
    built: sa.Engine, database_url: str, store: ObjectStore, tmp_path: Path
) -> None:
    path = store.path(versions(built, "evol@1")[0].data[0].sha256)
    path.write_bytes(path.read_bytes()[:-1])
    with built.begin() as connection:
        connection.execute(sa.text("DELETE FROM lineage.step WHERE operator = 'deepen' AND round = 1"))

    with pytest.raises(ObjectDamaged, match=r"(?s)findings in 4 versions.*evol@1: damaged"):
        keep_house(built, database_url, tmp_path, "verify")
    with pytest.raises(RowsLost, match="derivation_step: "):
        keep_house(built, database_url, tmp_path, "ids")
    assert keep_house(built, database_url, tmp_path, "events")["waiting"] == 4
