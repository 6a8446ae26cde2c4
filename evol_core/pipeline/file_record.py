"""The record behind commands on plain files: kept in the platform's home, so that a command goes on where it ended."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from evol_core.config import Settings
from evol_core.llm.folder_index import FolderIndex
from evol_core.llm.port import Engine
from evol_core.llm.record import RecordedEngine
from evol_core.store.objects import ObjectStore


@contextmanager
def recorded(make_engine: Callable[[], Engine], settings: Settings) -> Iterator[RecordedEngine]:
    """An engine behind the answers that earlier commands of this home were given.

    Raises:
        StoreError: the home takes no files.
    """
    store = ObjectStore(settings.answers)
    store.check_writable()
    engine = RecordedEngine(make_engine=make_engine, store=store, index=FolderIndex(store))
    try:
        yield engine
    finally:
        engine.close()
