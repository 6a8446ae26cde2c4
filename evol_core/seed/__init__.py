"""From source files to clean, de-duplicated, numbered seeds; what is no seed is kept with its reason."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from evol_core.recipe import SeedSource
from evol_core.seed.batch import TABLES, SeedBatch
from evol_core.seed.sieve import Numbers, Sieve
from evol_core.seed.sources import check_source, items_of
from evol_core.store.scratch import Seen, scratch_database

__all__ = ["Numbers", "SeedBatch", "check_sources", "read_seeds"]

ITEMS = 1024
"""Items in memory at once; decides memory, not the result."""


def check_sources(sources: Sequence[SeedSource], field: str = "seeds") -> None:
    """The cheap look before anything starts: each file is there, can be read, and holds what its format says.

    Args:
        sources: the files.
        field: what the recipe calls them, for messages.

    Raises:
        SeedError: it names the field, the file, and the next step.
    """
    for number, source in enumerate(sources):
        check_source(source, f"{field}.{number}")


@contextmanager
def read_seeds(
    sources: Sequence[SeedSource], numbers: Numbers | None = None, field: str = "seeds"
) -> Iterator[SeedBatch]:
    """All sources, in their order. Of entries that differ only in case and spacing the first is the seed.

    What was read lies on disk for as long as the body runs.

    Args:
        sources: the files.
        numbers: what earlier versions gave. Instructions keep their numbers, and new ones take the next free ones,
            so no row that comes or goes changes another row's operator.
        field: what the recipe calls them, for messages.

    Raises:
        SeedError: a source is missing or is not what the recipe says.
        StoreError: temporary files take no more.
    """
    with scratch_database(TABLES) as database:
        batch = SeedBatch(database)
        sieve = Sieve(batch, Seen(database, "folded"), numbers or Numbers())
        items = (item for number, source in enumerate(sources) for item in items_of(source, f"{field}.{number}"))
        while some := list(islice(items, ITEMS)):
            sieve.take(some)
        yield batch
