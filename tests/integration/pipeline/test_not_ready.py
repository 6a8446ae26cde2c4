"""What a build needs beside its recipe: said before anything is asked of a model, and whether a retry can pass."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from evol_core.errors import DatabaseError, EvolError, StoreError
from tests.integration.pipeline.test_build import SEEDS, Runs, model_folder, recipe
from tests.integration.small_disk import change_disk, small_disk

pytestmark = pytest.mark.postgres

Break = Callable[[Runs], None]


@pytest.fixture
def runs(tmp_path: Path, database: sa.Engine, database_url: str) -> Iterator[Runs]:
    """A home whose objects lie on a disk of their own."""
    model_folder(tmp_path / "home")
    with small_disk(tmp_path / "home/objects"):
        yield Runs(tmp_path / "home", database, database_url)


def set_database(runs: Runs, setting: str) -> None:
    with runs.database.begin() as connection:
        name = connection.execute(sa.text("SELECT current_database()")).scalar_one()
        connection.execute(sa.text(f"ALTER DATABASE {name} SET {setting}"))
    runs.database.dispose()


def set_revision(runs: Runs, revision: str) -> None:
    with runs.database.begin() as connection:
        connection.execute(sa.text("UPDATE lineage.schema_revision SET version_num = :new"), {"new": revision})


def send_elsewhere(runs: Runs) -> None:
    runs.settings = replace(runs.settings, database_url="postgresql://evol:hunter2@127.0.0.1:1/evol")


NOT_READY: dict[str, tuple[Break, type[EvolError], str]] = {
    "a database that is away": (send_elsewhere, DatabaseError, r"evol at 127\.0\.0\.1:1 cannot be reached"),
    "a database that takes no writes": (
        lambda runs: set_database(runs, "default_transaction_read_only = on"),
        DatabaseError,
        "takes no writes here",
    ),
    "a database of an older schema": (lambda runs: set_revision(runs, "0001"), DatabaseError, "`evol up` brings it"),
    "a database of a newer schema": (
        lambda runs: set_revision(runs, "9999"),
        DatabaseError,
        "newer than this code's .*; update this installation",
    ),
    "a store with hardly any room": (
        lambda runs: change_disk(runs.settings.objects, "size=256k"),
        StoreError,
        "the disk is full: free space, or set EVOL_HOME",
    ),
    "a store that takes no writes": (
        lambda runs: change_disk(runs.settings.objects, "ro"),
        StoreError,
        "the file system is read-only",
    ),
}


@pytest.mark.parametrize(("spoil", "kind", "said"), NOT_READY.values(), ids=NOT_READY)
def test_what_is_not_ready_is_told_before_a_model_is_asked(
    runs: Runs, tmp_path: Path, spoil: Break, kind: type[EvolError], said: str
) -> None:
    order = runs.order(recipe(tmp_path, SEEDS), "a")
    spoil(runs)

    with pytest.raises(kind, match=said) as told:
        runs.run(order)

    assert runs.engines == []
    assert told.value.retryable, "a task that failed by it is tried again: somebody may have mended it by then"
    assert not re.search("hunter2|password", str(told.value))


def test_a_retry_passes_once_there_is_room(runs: Runs, tmp_path: Path) -> None:
    order = runs.order(recipe(tmp_path, SEEDS), "a")
    change_disk(runs.settings.objects, "size=256k")
    with pytest.raises(StoreError):
        runs.run(order)

    change_disk(runs.settings.objects, "size=4m")

    assert runs.run(order)["publish"]["state"] == "published"
