"""From source files to clean, de-duplicated, numbered seeds; what is no seed is kept with its reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evol_core.recipe import SeedSource
from evol_core.records import InstructionId, Refused, Seed
from evol_core.seed.sieve import Sieve
from evol_core.seed.sources import check_source, items_of

__all__ = ["SeedBatch", "check_sources", "read_seeds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedBatch:
    """What became of every item of the sources: n_items = seeds + refused."""

    seeds: list[Seed]
    """In the order of the sources, which need not be that of their ordinals."""

    refused: list[Refused]
    n_items: int


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


def read_seeds(sources: Sequence[SeedSource], previous: Mapping[InstructionId, int], field: str = "seeds") -> SeedBatch:
    """All sources, in their order. Of entries that differ only in case and spacing the first is the seed.

    Args:
        sources: the files.
        field: what the recipe calls them, for messages.
        previous: numbers that instructions had in earlier seed versions of the same dataset. They keep them, and
            new instructions take the next free ones, so no row that comes or goes changes another row's operator.

    Raises:
        SeedError: a source is missing or is not what the recipe says.
    """
    sieve = Sieve(previous)
    n_items = 0
    for number, source in enumerate(sources):
        for item in items_of(source, f"{field}.{number}"):
            sieve.take(item)
            n_items += 1
    return SeedBatch(seeds=sieve.seeds, refused=sieve.refused, n_items=n_items)
