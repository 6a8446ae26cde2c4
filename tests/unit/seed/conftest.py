from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from evol_core.recipe import SeedSource
from evol_core.records import InstructionId, Refused, Seed
from evol_core.seed import Numbers, read_seeds

Write = Callable[..., SeedSource]


class Found(NamedTuple):
    """A small batch, held."""

    seeds: list[Seed]
    refused: list[Refused]
    n_items: int


def read(sources: Sequence[SeedSource], previous: Mapping[InstructionId, int] | None = None) -> Found:
    """Everything that is read; `previous` holds the numbers of earlier versions."""
    had = previous or {}
    numbers = Numbers(
        free=max(had.values(), default=-1) + 1, of=lambda ids: {one: had[one] for one in ids if one in had}
    )
    with read_seeds(sources, numbers) as batch:
        found = Found(list(batch.seeds()), list(batch.refused()), batch.n_items)
        assert (len(found.seeds), len(found.refused)) == (batch.n_seeds, batch.n_refused)
    return found


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file and says it as a source: `write("seeds.jsonl", content, format="alpaca")`."""

    def write_source(name: str, content: str | bytes, **fields: object) -> SeedSource:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        return SeedSource.model_validate({"path": str(path), "licence": "CC0-1.0"} | fields)

    return write_source
