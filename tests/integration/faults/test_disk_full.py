"""A whole build on a disk that fills up, at whatever it writes just then; with room again the next run finishes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from evol_core.errors import StoreError
from evol_core.lineage.verify import verify_version
from evol_core.lineage.versions import list_datasets
from evol_core.records import Losses
from evol_core.requests import Request
from evol_core.store.objects import STAGING, ObjectStore
from tests.integration.faults.build_and_die import N_IN, build, prepare, reply
from tests.integration.faults.lengths import some
from tests.integration.small_disk import change_disk, small_disk

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

PAGE = 4096
"""A tmpfs gives room in pages."""

PAGES = 16
"""That a build still takes once its seeds are published; a test says so where it takes fewer."""

ROOMY = "size=4m"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose objects lie on a small file system of their own."""
    prepare(tmp_path)
    with small_disk(tmp_path / "objects", ROOMY):
        yield tmp_path


def used(home: Path) -> int:
    """Pages."""
    there = os.statvfs(home / "objects")
    return (there.f_blocks - there.f_bfree) * there.f_frsize // PAGE


class Filling:
    """Answers, and leaves so much room on the disk from the first question on."""

    def __init__(self, home: Path, pages: int) -> None:
        self.home, self.pages = home, pages
        self.before: int | None = None

    def __call__(self, request: Request) -> str | Losses:
        if self.before is None:
            self.before = used(self.home)
            change_disk(self.home / "objects", f"size={(self.before + self.pages) * PAGE}")
        return reply(request)


def test_a_build_takes_so_many_pages(database_url: str, home: Path) -> None:
    filling = Filling(home, 10 * PAGES)

    build(database_url, home, "night-1", answer=filling)

    assert filling.before is not None
    assert used(home) - filling.before >= PAGES


@pytest.mark.parametrize("pages", some(list(range(PAGES)), 3))
def test_a_build_on_a_disk_that_fills_up_says_so_and_is_finished_with_room_again(
    database: sa.Engine, database_url: str, home: Path, pages: int
) -> None:
    with pytest.raises(StoreError, match=r"the disk is full: free space"):
        build(database_url, home, "night-1", answer=Filling(home, pages))

    store = ObjectStore(home / "objects")
    with database.connect() as connection:
        assert [row["name"] for row in list_datasets(connection) if row["head"]] == ["tiny.seeds"]
        assert verify_version(connection, store, "tiny.seeds") == []
    assert list((store.root / STAGING).iterdir()) == [], "what could not be finished takes up room"

    change_disk(store.root, ROOMY)
    published = build(database_url, home, "night-1")["publish"]

    assert (published["version"], published["state"]) == (1, "published")
    assert published["rows"] + published["rejected"] + published["failed"] == N_IN
    with database.connect() as connection:
        assert verify_version(connection, store, "tiny") == []
