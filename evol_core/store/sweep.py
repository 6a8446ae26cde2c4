"""Removing files that nothing needs: objects by name, and what dead writers left under temporary names.

A writer that finds its object there already touches it, under a lock that the sweep takes for every file: so an
object is either seen to be new, or is gone before the writer looks and is written again.
"""

import fcntl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from evol_core.store.files import io_errors
from evol_core.store.objects import STAGING, ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep removed, or would."""

    objects: tuple[str, ...]
    """Hashes, in order."""

    staged: int
    """Files under temporary names."""

    n_bytes: int
    young: int
    """Objects that nothing needs, too new to be sure of."""


def sweep(store: ObjectStore, is_needed: Callable[[str], bool], before: float, *, remove: bool) -> Swept:
    """Go through all files of the store, and remove those that are not needed and were last written before a time.

    Args:
        before: seconds since 1970, by the clock of the store's file system.
        remove: whether to do it, or only to say what would be done.

    Raises:
        StoreError: the folder cannot be read or written.
    """
    objects: list[str] = []
    n_bytes = staged = young = 0
    for path in _files(store):
        is_staged = path.parent.name == STAGING
        if not is_staged and is_needed(path.stem):
            continue
        size = _remove_older(store, path, before, remove=remove)
        if size is None:
            young += not is_staged
            continue
        n_bytes += size
        if is_staged:
            staged += 1
        else:
            objects.append(path.stem)
    return Swept(objects=tuple(objects), staged=staged, n_bytes=n_bytes, young=young)


def _files(store: ObjectStore) -> Iterator[Path]:
    with io_errors(store.root, "read"):
        for folder in ("[0-9a-f][0-9a-f]", STAGING):
            yield from sorted(store.root.glob(f"{folder}/*.parquet"))


def _remove_older(store: ObjectStore, path: Path, before: float, *, remove: bool) -> int | None:
    """Bytes of the file, which is gone (or would be); None where it is too new, or somebody else took it away."""
    with io_errors(path, "remove"), store.locked(fcntl.LOCK_EX):
        try:
            stat = path.stat()
        except FileNotFoundError:
            return None
        if stat.st_mtime >= before:
            return None
        if remove:
            path.unlink()
        return stat.st_size
