from collections.abc import Callable
from pathlib import Path

import pytest

from evol_core.recipe import SeedSource

Write = Callable[..., SeedSource]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file and says it as a source: `write("seeds.jsonl", content, format="alpaca")`."""

    def write_source(name: str, content: str | bytes, **fields: object) -> SeedSource:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        return SeedSource.model_validate({"path": str(path), "licence": "CC0-1.0"} | fields)

    return write_source
