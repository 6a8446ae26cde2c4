"""Benchmarks from the files that a recipe names."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evol_core.errors import EvolError, RecipeError
from evol_core.publish.decontamination import Benchmarks, Item
from evol_core.recipe import BenchmarkSource
from evol_core.store.plain_rows import read_rows

NAMES = ("id", "task_id", "item", "name")
"""Columns that may name an item; without one it has its number in the file, from 0."""


def read_benchmarks(sources: Sequence[BenchmarkSource]) -> Benchmarks | None:
    """All items of all sources; None where there is no source.

    Raises:
        RecipeError: a file cannot be read, or has items without a text.
    """
    items = [item for number, source in enumerate(sources) for item in _items(number, source)]
    return Benchmarks(items) if sources else None


def _items(number: int, source: BenchmarkSource) -> Iterator[Item]:
    try:
        values = read_rows(Path(source.path)).values
    except EvolError as error:
        raise RecipeError(f"decontaminate.{number}: {error}") from None
    for place, value in enumerate(values):
        texts = _texts(value, source.columns)
        if not texts:
            raise RecipeError(
                f"decontaminate.{number}: item {place} of {source.path} has no text in any of the columns "
                f"{list(source.columns)}; name the column that has it in `columns`"
            )
        yield Item(benchmark=source.name, item=_name(value, place), text="\n".join(texts))


def _texts(value: Any, columns: Sequence[str]) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [value[name] for name in columns if isinstance(value.get(name), str) and value[name].strip()]


def _name(value: dict[str, Any], place: int) -> str:
    return next((str(value[name]) for name in NAMES if value.get(name) is not None), str(place))
