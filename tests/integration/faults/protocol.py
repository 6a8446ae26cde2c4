"""The publish protocol driven at random against a model of it: writers that begin, are superseded, die, come again.

A writer first looks (what is the head, which version comes next) and later publishes what it has built on that: in
between anything may happen. It publishes in two ways: by `publish`, which looks again under the dataset's lock, and
by the SQL function alone, as a writer does that was held up right after its look.
"""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from evol_core.errors import EvolError, Fenced, VersionConflict
from evol_core.lineage.publish import Counts, Publication, VersionRef, publish, release_version
from evol_core.lineage.runs import register_attempt, register_run
from evol_core.store.objects import ObjectStore
from tests.integration.lineage_rows import SEED_TEXTS, Build, evolved_rows, publish_seeds

_numbers = itertools.count(1)

CONTENTS = range(5)
"""Contents of versions; 0 and 1 have rows, the others are empty. The last one's gate is closed."""

TASKS = ("publish", "another task")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """A database with seeds in it, and builds that can be published under any name."""

    database: sa.Engine
    store: ObjectStore
    builds: tuple[Build, ...]


def surroundings(database: sa.Engine, store: ObjectStore) -> Surroundings:
    publish_seeds(database, store)
    rows = [evolved_rows(SEED_TEXTS[: 1 + number], salt=f" Variant {number}.") for number in range(2)]
    return Surroundings(
        database=database, store=store, builds=tuple(Build(store, rows[number], scores=()) for number in range(2))
    )


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

    versions: list[tuple[int, str, int]] = field(default_factory=list)
    """Content, state and rows of each version, in order."""

    head: int | None = None
    newest: dict[str, int] = field(default_factory=dict)
    """The attempt that owns each task."""

    def version_of(self, content: int) -> int | None:
        found = [number for number, version in enumerate(self.versions, 1) if version[0] == content]
        return found[0] if found else None

    def add(self, content: int, n_rows: int) -> int:
        state = "quarantined" if content == CONTENTS[-1] else "published"
        self.versions.append((content, state, n_rows))
        if state == "published":
            self.head = len(self.versions)
        return len(self.versions)


class Aborted(Exception):
    """A writer's own failure, in the middle of its load."""


class Protocol(RuleBasedStateMachine):
    """One dataset and its writers; `around` is set by whoever runs the machine."""

    around: Surroundings
    writers: "Bundle[Writer]" = Bundle("writers")

    @initialize()
    def begin(self) -> None:
        self.name = f"protocol.{next(_numbers)}"
        self.model = Model()
        with self.around.database.begin() as connection:
            self.run_id = register_run(
                connection,
                flow="test",
                run_key=self.name,
                trigger="test",
                conf={},
                code_version="0",
                recipe_hash="0",
            )
            connection.execute(
                sa.text("INSERT INTO lineage.dataset (name, kind) VALUES (:name, 'dataset')"), {"name": self.name}
            )

    @rule(target=writers, task=st.sampled_from(TASKS))
    def start(self, task: str) -> Writer:
        """A new attempt looks at the dataset; it supersedes the one before it at the same task."""
        with self.around.database.begin() as connection:
            attempt_id = register_attempt(connection, run_id=self.run_id, task=task, code_version="0")
        self.model.newest[task] = attempt_id
        return Writer(task=task, attempt_id=attempt_id, base=self.model.head, version=len(self.model.versions) + 1)

    @rule(writer=writers, content=st.sampled_from(CONTENTS))
    def publish(self, writer: Writer, content: int) -> None:
        """A version is found, made, or refused to a zombie."""
        known = self.model.version_of(content)
        build = self._build(content)
        if known is None and self._is_zombie(writer):
            with expect(Fenced):
                publish(self.around.database, build, attempt_id=writer.attempt_id, load=self._load(content))
            return
        published = publish(self.around.database, build, attempt_id=writer.attempt_id, load=self._load(content))
        expected = known or self.model.add(content, build.counts.accepted)
        assert (published.version, published.replayed) == (expected, known is not None)

    @rule(writer=writers, content=st.sampled_from(CONTENTS[2:]))
    def publish_late(self, writer: Writer, content: int) -> None:
        """The writer was held up after its look: the SQL function alone must notice whatever has happened since."""
        known = self.model.version_of(content)
        if known is not None:
            assert self._call(writer, content) == (known, True)
        elif self._is_zombie(writer):
            with expect(Fenced):
                self._call(writer, content)
        elif (writer.base, writer.version) != (self.model.head, len(self.model.versions) + 1):
            with expect(VersionConflict):
                self._call(writer, content)
        else:
            assert self._call(writer, content) == (self.model.add(content, 0), False)

    @rule(writer=writers, content=st.sampled_from(CONTENTS[:2]), after_rows=st.booleans())
    def abort(self, writer: Writer, content: int, after_rows: bool) -> None:
        """A writer fails in mid-load; nothing of it stays."""
        load = self._load(content)

        def fail(connection: sa.Connection, version: VersionRef) -> None:
            if after_rows:
                load(connection, version)
            raise Aborted

        if self.model.version_of(content) is None and not self._is_zombie(writer):
            with expect(Aborted):
                publish(self.around.database, self._build(content), attempt_id=writer.attempt_id, load=fail)

    @rule()
    def release(self) -> None:
        """A person publishes what was quarantined; it becomes the head where it is newer than the head."""
        version = self.model.version_of(CONTENTS[-1])
        if version is None:
            return
        with self.around.database.begin() as connection:
            release_version(connection, self.name, version, "a person", "looked at it")
        content, state, n_rows = self.model.versions[version - 1]
        self.model.versions[version - 1] = (content, "published", n_rows)
        if state == "quarantined":
            self.model.head = max(version, self.model.head or 0)

    @invariant()
    def the_database_says_what_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        query = (
            "SELECT v.state, v.n_in, d.head_version, "
            "(SELECT count(*) FROM lineage.outcome o WHERE (o.dataset_id, o.version) = (v.dataset_id, v.version)) n "
            "FROM lineage.dataset d LEFT JOIN lineage.dataset_version v USING (dataset_id) "
            "WHERE d.name = :name ORDER BY v.version"
        )
        with self.around.database.connect() as connection:
            found = connection.execute(sa.text(query), {"name": self.name}).all()
        versions = [row for row in found if row.state is not None]
        assert [row.state for row in versions] == [state for _, state, _ in self.model.versions]
        assert found[0].head_version == self.model.head
        assert all(row.n_in == row.n for row in versions), "a row was lost or doubled"

    def _is_zombie(self, writer: Writer) -> bool:
        return self.model.newest[writer.task] != writer.attempt_id

    def _build(self, content: int) -> Publication:
        if content < len(self.around.builds):
            return replace(self.around.builds[content].publication, name=self.name)
        closed = ({"name": "min_rows", "wanted": ">= 1", "found": 0.0, "passed": False},)
        return Publication(
            name=self.name,
            kind="dataset",
            recipe_hash=f"recipe {content}",
            code_version="0",
            parents=(),
            data=(),
            refused=(),
            scores=(),
            counts=Counts(n_in=0, accepted=0, rejected=0, failed=0),
            gates=closed if content == CONTENTS[-1] else (),
            metadata={},
        )

    def _load(self, content: int) -> "_Load":
        return _Load(self.around.builds[content] if content < len(self.around.builds) else None)

    def _call(self, writer: Writer, content: int) -> tuple[int, bool]:
        build = self._build(content)
        said = {
            "recipe_hash": build.recipe_hash,
            "code_version": "0",
            "schema_hash": "",
            **{name: 0 for name in ("n_in", "n_accepted", "n_rejected", "n_failed")},
            "gates": list(build.gates),
            "metadata": {},
            "files": [],
            "parents": [],
        }
        call = (
            "SELECT version, replayed FROM lineage.publish_version("
            ":name, :attempt_id, :base, :version, :manifest, CAST(:said AS jsonb))"
        )
        with self.around.database.begin() as connection:
            row = connection.execute(
                sa.text(call),
                {
                    "name": self.name,
                    "attempt_id": writer.attempt_id,
                    "base": writer.base,
                    "version": writer.version,
                    "manifest": bytes.fromhex(build.manifest_hash),
                    "said": json.dumps(said),
                },
            ).one()
            return row.version, row.replayed


@dataclass(frozen=True)
class _Load:
    """Loads a build's rows, where it has any."""

    build: Build | None

    def __call__(self, connection: sa.Connection, version: VersionRef) -> None:
        if self.build is not None:
            self.build.load(connection, version)


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
