"""A version's identity and its counts."""

from dataclasses import replace

import pytest

from evol_core.errors import RowsLost
from evol_core.lineage.publication import Counts, Publication
from evol_core.records import content_hash
from evol_core.store.objects import StoredObject


def stored(name: str, schema: str = "schema") -> StoredObject:
    return StoredObject(sha256=content_hash(name), n_bytes=1, n_rows=1, schema_hash=content_hash(schema))


PUBLICATION = Publication(
    name="evol",
    kind="dataset",
    recipe_hash="r1",
    code_version="c1",
    parents=(("evol.seeds", 1),),
    data=(stored("a"), stored("b")),
    refused=(stored("c"),),
    scores=(stored("d"),),
    counts=Counts(n_in=3, accepted=2, rejected=1, failed=0),
    gates=({"name": "min_rows", "wanted": ">= 1", "found": 2.0, "passed": True},),
    metadata={},
)


@pytest.mark.parametrize(
    "other",
    [
        replace(PUBLICATION, name="other"),
        replace(PUBLICATION, kind="seeds"),
        replace(PUBLICATION, recipe_hash="r2"),
        replace(PUBLICATION, parents=(("evol.seeds", 2),)),
        replace(PUBLICATION, data=(stored("b"), stored("a"))),
        replace(PUBLICATION, data=(stored("a", "other"), stored("b", "other"))),
        replace(PUBLICATION, refused=(), scores=(stored("c"), stored("d"))),
        replace(PUBLICATION, gates=({"name": "min_rows", "wanted": ">= 3", "found": 2.0, "passed": False},)),
    ],
)
def test_content_and_origin_make_the_version(other: Publication) -> None:
    assert other.manifest_hash != PUBLICATION.manifest_hash


def test_code_metadata_and_who_built_it_do_not() -> None:
    same = replace(PUBLICATION, code_version="c2", metadata={"models": {"default": "smollm2"}})

    assert same.manifest_hash == PUBLICATION.manifest_hash


def test_data_objects_have_one_schema() -> None:
    with pytest.raises(ValueError, match="data objects of evol have different schemas"):
        replace(PUBLICATION, data=(stored("a"), stored("b", "other")))


def test_a_version_of_no_objects_has_no_schema() -> None:
    assert replace(PUBLICATION, data=()).schema_hash == ""


def test_counts_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(RowsLost, match=r"rows in: 5; rows out: 4 = 2 accepted \+ 1 rejected \+ 1 failed; nothing"):
        Counts(n_in=5, accepted=2, rejected=1, failed=1)
