"""What the protocol is driven with: contents that can be published, writers, and a model of what must be true."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from evol_core.errors import EvolError
from evol_core.lineage.publish import Counts, Load, Publication, VersionRef
from evol_core.store.objects import ObjectStore
from tests.integration.lineage_rows import SEED_TEXTS, Build, evolved_rows, publish_seeds

CONTENTS = range(5)
"""Contents of versions; 0 and 1 have rows, the others are empty. The last one's gate is closed."""

WITH_ROWS = CONTENTS[:2]
EMPTY = CONTENTS[2:]
CLOSED = CONTENTS[-1]

TASKS = ("publish", "another task")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """A database with seeds in it, and a store."""

    database: sa.Engine
    store: ObjectStore

    def content(self, name: str, content: int) -> tuple[Publication, Load]:
        """As a writer makes it: its objects are written, or found there and touched.

        No two datasets' objects are the same: what one needs would hide that another's was lost.
        """
        if content in EMPTY:
            return _empty(name, content), _load_nothing
        rows = evolved_rows(SEED_TEXTS[: 1 + content], rounds=1, salt=f" Variant {content} of {name}.")
        build = Build(self.store, rows, scores=())
        return replace(build.publication, name=name), build.load


def surroundings(database: sa.Engine, store: ObjectStore) -> Surroundings:
    publish_seeds(database, store)
    return Surroundings(database=database, store=store)


def _empty(name: str, content: int) -> Publication:
    closed = ({"name": "min_rows", "wanted": ">= 1", "found": 0.0, "passed": False},)
    return Publication(
        name=name,
        kind="dataset",
        recipe_hash=f"recipe {content}",
        code_version="0",
        parents=(),
        data=(),
        refused=(),
        scores=(),
        counts=Counts(n_in=0, accepted=0, rejected=0, failed=0),
        gates=closed if content == CLOSED else (),
        metadata={},
    )


def _load_nothing(connection: sa.Connection, version: VersionRef) -> None:
    """An empty version has no rows."""


@dataclass(frozen=True, kw_only=True)
class Writer:
    """An attempt and what it saw when it looked."""

    task: str
    attempt_id: int
    base: int | None
    version: int


@dataclass(kw_only=True)
class Model:
    """What must be true of one dataset."""

    versions: list[tuple[int, str]] = field(default_factory=list)
    """Content and state of each version, in order."""

    head: int | None = None
    newest: dict[str, int] = field(default_factory=dict)
    """The attempt that owns each task."""

    ended: set[int] = field(default_factory=set)
    """Attempts whose work is over."""

    handed_on: dict[str, list[str]] = field(default_factory=dict)
    """The objects that each task's stage put out last."""

    garbage: list[str] = field(default_factory=list)
    """Objects that nothing ever needed."""

    def version_of(self, content: int) -> int | None:
        found = [number for number, version in enumerate(self.versions, 1) if version[0] == content]
        return found[0] if found else None

    def state_of(self, version: int) -> str | None:
        return self.versions[version - 1][1] if version <= len(self.versions) else None

    def add(self, content: int) -> int:
        state = "quarantined" if content == CLOSED else "published"
        self.versions.append((content, state))
        if state == "published":
            self.head = len(self.versions)
        return len(self.versions)

    def release(self, version: int) -> None:
        if self.state_of(version) == "quarantined":
            self._change(version, "published")
            self.head = max(version, self.head or 0)

    def retract(self, version: int) -> None:
        self._change(version, "retracted")
        if self.head == version:
            before = [number for number in range(1, version) if self.state_of(number) == "published"]
            self.head = max(before, default=None)

    def is_zombie(self, writer: Writer) -> bool:
        return self.newest[writer.task] != writer.attempt_id

    def is_at_work(self) -> bool:
        return any(attempt_id not in self.ended for attempt_id in self.newest.values())

    def _change(self, version: int, state: str) -> None:
        self.versions[version - 1] = (self.versions[version - 1][0], state)


@contextmanager
def expect(kind: type[Exception]) -> Iterator[None]:
    """The protocol must refuse, and in these words; any other error, or none, is a fault."""
    try:
        yield
    except kind:
        return
    except (EvolError, sa.exc.SQLAlchemyError) as error:
        raise AssertionError(f"wanted {kind.__name__}, got {type(error).__name__}: {error}") from error
    raise AssertionError(f"wanted {kind.__name__}, but it went through")
