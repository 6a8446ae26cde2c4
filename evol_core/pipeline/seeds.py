"""The stage of seeds: a recipe's sources, published as a seed version."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import sqlalchemy as sa

from evol_core.lineage.load import load_data_rows, load_refused, load_seeds
from evol_core.lineage.publish import Counts, Publication, Published, VersionRef
from evol_core.lineage.queries import free_ordinal, seed_ordinals
from evol_core.lineage.versions import Version
from evol_core.pipeline.context import Build, Rounds
from evol_core.recipe import SeedSource
from evol_core.records import Status
from evol_core.runner import write_parts
from evol_core.schemas import REFUSED, SEEDS, refused_row, seed_row
from evol_core.seed import Numbers, SeedBatch, read_seeds
from evol_core.store.objects import StoredObject


def seeds_name(dataset: str) -> str:
    """The dataset that holds a dataset's seed versions."""
    return f"{dataset}.seeds"


def seed_stage(build: Build[Rounds]) -> dict[str, Any]:
    """Read the recipe's sources and publish them as a seed version; the same content is the same version."""
    return seed_version(build, seeds_name(build.recipe.name), build.recipe.seeds)


@contextmanager
def seed_batch(
    build: Build[Any], name: str, sources: Sequence[SeedSource], field: str = "seeds"
) -> Iterator[SeedBatch]:
    """Sources with the numbers that they have, or would have, in the newest seed version of a name.

    Raises:
        SeedError: a source cannot be read.
        StoreError: temporary files take no more.
    """
    with ExitStack() as stack:
        with build.database.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            numbers = Numbers(free=free_ordinal(connection, name), of=partial(seed_ordinals, connection, name))
            batch = stack.enter_context(read_seeds(sources, numbers, field))
        yield batch


def seed_version(build: Build[Any], name: str, sources: Sequence[SeedSource], field: str = "seeds") -> dict[str, Any]:
    """Publish sources as the newest seed version of a name; the objects of its seeds, in order, and counts."""
    if name in build.parents:
        return _recalled(build.parents[name])
    with seed_batch(build, name, sources, field) as batch:
        data = write_parts(build.store, map(seed_row, batch.seeds()), SEEDS)
        refused = write_parts(build.store, map(refused_row, batch.refused()), REFUSED)
    publication = _seed_publication(build, name, sources, batch, data, refused)
    published = _publish_seeds(build, publication)
    return {
        "name": published.name,
        "version": published.version,
        "parts": [part.sha256 for part in data],
        "items": batch.n_items,
        "seeds": batch.n_seeds,
        "refused": batch.n_refused,
    }


def _recalled(version: Version) -> dict[str, Any]:
    """What publishing a seed version said, as the version itself tells."""
    seeds = sum(stored.n_rows for stored in version.data)
    refused = sum(stored.n_rows for stored in version.refused)
    return {
        "name": version.name,
        "version": version.version,
        "parts": [stored.sha256 for stored in version.data],
        "items": seeds + refused,
        "seeds": seeds,
        "refused": refused,
    }


def _seed_publication(
    build: Build[Any],
    name: str,
    sources: Sequence[SeedSource],
    batch: SeedBatch,
    data: list[StoredObject],
    refused: list[StoredObject],
) -> Publication:
    return Publication(
        name=name,
        kind="seeds",
        recipe_hash="",
        code_version=build.code_version,
        parents=(),
        data=tuple(data),
        refused=tuple(refused),
        scores=(),
        counts=Counts(
            n_in=batch.n_items,
            accepted=batch.n_seeds,
            rejected=batch.count(Status.REJECTED),
            failed=batch.count(Status.FAILED),
        ),
        gates=(),
        metadata={"licences": sorted({source.licence for source in sources})},
    )


def _publish_seeds(build: Build[Any], publication: Publication) -> Published:
    def load(connection: sa.Connection, version: VersionRef) -> None:
        for part in publication.data:
            for rows in build.store.tables(part.sha256):
                load_seeds(connection, rows, version)
            load_data_rows(connection, part, build.store.read(part.sha256, ["instruction_id"]))
        for part in publication.refused:
            for rows in build.store.tables(part.sha256, ["status", "reason"]):
                load_refused(connection, rows, version)

    return build.publish(publication, load)
