import pytest

from evol_core.errors import StoreError
from evol_core.store.scratch import Seen, scratch_database


def test_a_key_is_new_once_in_each_set() -> None:
    with scratch_database() as database:
        one, other = Seen(database, "one"), Seen(database, "other")

        assert [one.add("a"), one.add("b"), one.add("a"), other.add("a")] == [True, True, False, True]


def overfill() -> None:
    """As on a full disk."""
    with scratch_database("CREATE TABLE big (value)") as database:
        database.execute("PRAGMA max_page_count = 3")
        database.execute("INSERT INTO big VALUES (?)", ("x" * 100_000,))


def test_a_disk_that_takes_no_more_is_told_with_what_to_do() -> None:
    with pytest.raises(StoreError, match=r"temporary file: database or disk is full; free space .* let TMPDIR name a "):
        overfill()
