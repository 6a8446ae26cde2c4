"""A source of a recipe as a stream of items: its format found, each entry read as far as it can be."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from evol_core.errors import InputError, SeedError
from evol_core.recipe import SeedSource
from evol_core.seed.importers import IMPORTERS
from evol_core.seed.item import Item, Unreadable
from evol_core.store.entries import Entry, json_entries, parquet_rows, plain_lines

Reader = Callable[[Path], Iterator[Entry]]

LAYOUTS: Mapping[str, Reader] = {"lines": plain_lines, "parquet": parquet_rows}
"""How a format's file is read where it is not JSON."""

ENDINGS = {".parquet": "parquet", ".txt": "lines"}
"""Endings that decide a format by themselves."""

EMPTY = "alpaca"
"""The format of a file that has no entries: any that is JSON, as `[]` is."""

FIELDS = {"question": "gsm8k", "instances": "self_instruct", "conversations": "sharegpt", "instruction": "alpaca"}
"""By which field of an object `auto` knows a format; the first that an object has decides."""


def check_source(source: SeedSource, field: str) -> None:
    """Read a source as far as its first readable entry.

    Raises:
        SeedError: as `items_of`.
    """
    for item in items_of(source, field):
        if item.draft is not None:
            return


def items_of(source: SeedSource, field: str) -> Iterator[Item]:
    """A source's items, at most `limit` of them, in its order; an empty file has none.

    Args:
        field: where the source stands in its recipe, for messages.

    Raises:
        SeedError: the file is missing or cannot be read, its format cannot be told, or it has entries of which
            none is of its format.
    """
    path = Path(source.path)
    _check_readable(path, field)
    format = source.format if source.format != "auto" else _format_of(path, field)
    n_items, readable, first_problem = 0, False, ""
    for entry in islice(_entries(path, format, field), source.limit):
        item = _item(entry, source, format)
        n_items += 1
        readable = readable or item.draft is not None
        first_problem = first_problem or f"line {item.line}, {item.problem}"
        yield item
    if n_items and not readable:
        raise SeedError(
            f"{field}.path: none of the entries read from {path} ({n_items}) is of format {format!r}; the first "
            f"problem: {first_problem}. Mend the file, or set {field}.format to one of {sorted(IMPORTERS)}"
        )


def _check_readable(path: Path, field: str) -> None:
    if not path.exists():
        raise SeedError(
            f"{field}.path: {path} does not exist; name a file, absolute or relative to the recipe's folder"
        )
    if not path.is_file():
        raise SeedError(f"{field}.path: {path} is no file; name one file, for example one in that folder")
    try:
        path.open("rb").close()
    except OSError as error:
        raise SeedError(f"{field}.path: {path} cannot be read: {error.strerror}; let this user read it") from None


def _entries(path: Path, format: str, field: str) -> Iterator[Entry]:
    if path.stat().st_size == 0:
        return iter(())
    return _read(LAYOUTS.get(format, json_entries), path, field)


def _read(reader: Reader, path: Path, field: str) -> Iterator[Entry]:
    try:
        yield from reader(path)
    except InputError as error:
        raise SeedError(f"{field}.path: {error}") from None


def _format_of(path: Path, field: str) -> str:
    """The format of a file, by its ending, else by the first of its entries that tells.

    Raises:
        SeedError: neither tells.
    """
    known = ENDINGS.get(path.suffix.lower())
    if known:
        return known
    first = None
    for entry in _read(json_entries, path, field):
        first = first or entry
        for name, format in FIELDS.items():
            if isinstance(entry.parsed, dict) and name in entry.parsed:
                return format
    if first is None:
        return EMPTY
    raise SeedError(
        f"{field}.format: auto cannot tell what {path} holds; line {first.line} is {_seen(first)}. "
        f"Set {field}.format to one of {sorted(IMPORTERS)}"
    )


def _seen(entry: Entry) -> str:
    if entry.problem:
        return f"{entry.problem.replace('_', ' ')}: {entry.raw[:60]!r}"
    if isinstance(entry.parsed, dict):
        return f"an object with the fields {sorted(map(str, entry.parsed))[:8]}"
    return f"no object: {entry.raw[:60]!r}"


def _item(entry: Entry, source: SeedSource, format: str) -> Item:
    draft, problem = None, entry.problem
    if not problem:
        try:
            draft = IMPORTERS[format](entry.parsed)
        except Unreadable as error:
            problem = str(error)
    return Item(
        source=Path(source.path).name,
        licence=source.licence,
        line=entry.line,
        raw=entry.raw,
        draft=draft,
        problem=problem,
    )
