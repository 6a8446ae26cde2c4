"""What people do to versions, on a real database: tag, roll back, retract."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from evol_core.errors import ConfigError, NotFound, Retracted
from evol_core.lineage.care import retract_version, rollback_version, tag_version, untag_version
from evol_core.lineage.publish import release_version
from evol_core.lineage.versions import resolve, show_version
from evol_core.store.objects import ObjectStore
from tests.integration.lineage_rows import Build, evolved_rows, publish_seeds

pytestmark = pytest.mark.postgres


@pytest.fixture
def store(database: sa.Engine, tmp_path: Path) -> ObjectStore:
    """With three published versions of one dataset."""
    store = ObjectStore(tmp_path)
    publish_seeds(database, store)
    for salt in ("", "!", "?"):
        Build(store, evolved_rows(salt=salt)).publish(database)
    return store


def head(connection: sa.Connection) -> int:
    return resolve(connection, "evol").version


def retract(connection: sa.Connection, spec: str, reason: str = "wrong licence") -> None:
    retract_version(connection, resolve(connection, spec, published_only=False), "ada", reason)


def test_a_tag_names_a_version_and_moves(database: sa.Engine, store: ObjectStore) -> None:
    with database.begin() as connection:
        for number in (1, 2, 2):
            tag_version(connection, resolve(connection, f"evol@{number}"), "prod", "ada")

        assert resolve(connection, "evol@prod").version == 2
        assert [entry["event"] for entry in show_version(connection, "evol@2")["history"]] == ["tagged"]

        untag_version(connection, resolve(connection, "evol@2"), "prod", "ada")
        with pytest.raises(NotFound, match="has no tag 'prod'"):
            resolve(connection, "evol@prod")


@pytest.mark.parametrize("tag", ["7", "", "Prod", "a b", "-x"])
def test_what_is_no_tag_is_refused(database: sa.Engine, store: ObjectStore, tag: str) -> None:
    with database.begin() as connection, pytest.raises(ConfigError, match="a tag is a lower-case letter"):
        tag_version(connection, resolve(connection, "evol@1"), tag, "ada")


def test_a_rollback_moves_the_head_and_loses_nothing(database: sa.Engine, store: ObjectStore) -> None:
    with database.begin() as connection:
        rollback_version(connection, resolve(connection, "evol@1"), "ada", "v3 repeats itself")

        assert head(connection) == 1
        assert resolve(connection, "evol@3").state == "published"
        (event,) = show_version(connection, "evol@1")["history"]
        assert (event["event"], event["by_whom"], event["detail"]) == ("rolled_back", "ada", "v3 repeats itself")


def test_what_is_published_after_a_rollback_is_the_next_version(database: sa.Engine, store: ObjectStore) -> None:
    with database.begin() as connection:
        rollback_version(connection, resolve(connection, "evol@1"), "ada", "v3 repeats itself")

    assert Build(store, evolved_rows(salt="?")).publish(database).replayed
    with database.connect() as connection:
        assert head(connection) == 1, "publishing again what was rolled back does not bring it back"
    assert Build(store, evolved_rows(salt="#")).publish(database).version == 4
    with database.connect() as connection:
        assert head(connection) == 4


def test_a_retracted_head_is_followed_by_the_version_before_it(database: sa.Engine, store: ObjectStore) -> None:
    with database.begin() as connection:
        rollback_version(connection, resolve(connection, "evol@2"), "ada", "v3 repeats itself")
        retract(connection, "evol@2")

        assert head(connection) == 1, "not 3, which somebody had gone back from"
        with pytest.raises(NotFound, match="evol@2 is retracted, not published"):
            resolve(connection, "evol@2")
        shown = show_version(connection, "evol@2")
        assert (shown["retracted_by"], shown["retract_reason"]) == ("ada", "wrong licence")


def test_the_last_published_version_can_be_retracted(database: sa.Engine, store: ObjectStore) -> None:
    with database.begin() as connection:
        for number in (1, 2, 3):
            retract(connection, f"evol@{number}")
        with pytest.raises(NotFound, match="has no published version yet"):
            resolve(connection, "evol")


def test_the_first_reason_for_a_retraction_stands(database: sa.Engine, store: ObjectStore) -> None:
    with database.begin() as connection:
        retract(connection, "evol@3", "first")
        retract(connection, "evol@3", "second")

        assert show_version(connection, "evol@3")["retract_reason"] == "first"
        assert len(show_version(connection, "evol@3")["history"]) == 1


def test_a_retracted_version_is_not_published_again(database: sa.Engine, store: ObjectStore) -> None:
    with database.begin() as connection:
        retract(connection, "evol@3")

    with pytest.raises(Retracted, match="evol@3 once more, which ada retracted: wrong licence"):
        Build(store, evolved_rows(salt="?")).publish(database)
    with database.begin() as connection:
        version = resolve(connection, "evol@3", published_only=False)
        with pytest.raises(ConfigError, match="only a published version can be the head"), connection.begin_nested():
            rollback_version(connection, version, "bob", "back")
        with pytest.raises(ConfigError, match="takes no tag"), connection.begin_nested():
            tag_version(connection, version, "prod", "bob")
        with pytest.raises(ConfigError, match="only a quarantined version"), connection.begin_nested():
            release_version(connection, "evol", 3, "bob", "fine")


def test_a_reason_is_asked_for(database: sa.Engine, store: ObjectStore) -> None:
    with database.begin() as connection, pytest.raises(ConfigError, match="--reason is empty"):
        retract(connection, "evol@1", "  ")


def test_what_people_did_cannot_be_changed(database: sa.Engine, store: ObjectStore) -> None:
    with database.begin() as connection:
        retract(connection, "evol@3")
    for change in ("UPDATE lineage.version_event SET detail = ''", "DELETE FROM lineage.version_event"):
        with database.begin() as connection, pytest.raises(sa.exc.InternalError, match="append-only"):
            connection.execute(sa.text(change))
