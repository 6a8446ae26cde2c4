"""The protocol driven at random against a model of it: writers that begin, are superseded, die and come again, people
who release, roll back and retract, and a collector of garbage.

A writer first looks (what is the head, which version comes next) and later publishes what it has built on that: in
between anything may happen. It publishes in two ways: by `publish`, which looks again under the dataset's lock, and
by the SQL function alone, as a writer does that was held up right after its look.

`Publishing` has the writers, `Caring` the people too, `Collecting` the collector too; `Protocol` has all of them.
"""

import itertools
import json
import os
import time
from collections.abc import Callable
from datetime import timedelta

import pyarrow as pa
import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from evol_core.errors import ConfigError, Fenced, NotFound, Retracted, VersionConflict
from evol_core.lineage.care import retract_version, rollback_version
from evol_core.lineage.garbage import collect_garbage
from evol_core.lineage.publish import VersionRef, publish, release_version
from evol_core.lineage.runs import finish_attempt, put_stage_output, register_attempt, register_run
from evol_core.lineage.versions import Version, resolve
from tests.integration.faults.protocol_model import (
    CLOSED,
    CONTENTS,
    EMPTY,
    TASKS,
    WITH_ROWS,
    Model,
    Surroundings,
    Writer,
    expect,
)

_numbers = itertools.count(1)

NUMBERS = st.integers(1, 3)
"""Of versions that people name; the later ones are often not there yet."""

DAY_S = 86_400


class Aborted(Exception):
    """A writer's own failure, in the middle of its load."""


class Publishing(RuleBasedStateMachine):
    """One dataset and its writers; `around` is set by whoever runs the machine."""

    around: Surroundings
    writers: "Bundle[Writer]" = Bundle("writers")

    @initialize(target=writers)
    def begin(self) -> Writer:
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
        return self._start(TASKS[0])

    @rule(target=writers, task=st.sampled_from(TASKS))
    def start(self, task: str) -> Writer:
        """A new attempt looks at the dataset; it supersedes the one before it at the same task."""
        return self._start(task)

    @rule(writer=writers, content=st.sampled_from(CONTENTS))
    def publish(self, writer: Writer, content: int) -> None:
        """A version is found, made, or refused: to a zombie, or because it was taken back."""
        known = self.model.version_of(content)
        publication, load = self.around.content(self.name, content)
        if known is not None and self.model.state_of(known) == "retracted":
            with expect(Retracted):
                publish(self.around.database, publication, attempt_id=writer.attempt_id, load=load)
        elif known is None and self.model.is_zombie(writer):
            with expect(Fenced):
                publish(self.around.database, publication, attempt_id=writer.attempt_id, load=load)
        else:
            published = publish(self.around.database, publication, attempt_id=writer.attempt_id, load=load)
            assert published.version == (known or self.model.add(content))
            assert published.replayed == (known is not None)

    @rule(writer=writers, content=st.sampled_from(EMPTY))
    def publish_late(self, writer: Writer, content: int) -> None:
        """The writer was held up after its look: the SQL function alone must notice whatever has happened since."""
        known = self.model.version_of(content)
        if known is not None:
            assert self._call(writer, content) == (known, True)
        elif self.model.is_zombie(writer):
            with expect(Fenced):
                self._call(writer, content)
        elif (writer.base, writer.version) != (self.model.head, len(self.model.versions) + 1):
            with expect(VersionConflict):
                self._call(writer, content)
        else:
            assert self._call(writer, content) == (self.model.add(content), False)

    @rule(writer=writers, content=st.sampled_from(WITH_ROWS), after_rows=st.booleans())
    def abort(self, writer: Writer, content: int, after_rows: bool) -> None:
        """A writer fails in mid-load; nothing of it stays."""
        publication, load = self.around.content(self.name, content)

        def fail(connection: sa.Connection, version: VersionRef) -> None:
            if after_rows:
                load(connection, version)
            raise Aborted

        if self.model.version_of(content) is None and not self.model.is_zombie(writer):
            with expect(Aborted):
                publish(self.around.database, publication, attempt_id=writer.attempt_id, load=fail)

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
        assert [row.state for row in versions] == [state for _, state in self.model.versions], "a version's state"
        assert found[0].head_version == self.model.head, "another version is the head"
        assert all(row.n_in == row.n for row in versions), "a row was lost or doubled"

    def teardown(self) -> None:
        """Nobody is at work any more when the next dataset comes."""
        query = "UPDATE lineage.task_attempt SET state = 'failed', ended_at = now() WHERE ended_at IS NULL"
        with self.around.database.begin() as connection:
            connection.execute(sa.text(query))

    def _start(self, task: str) -> Writer:
        with self.around.database.begin() as connection:
            attempt_id = register_attempt(connection, run_id=self.run_id, task=task, code_version="0")
        self.model.newest[task] = attempt_id
        return Writer(task=task, attempt_id=attempt_id, base=self.model.head, version=len(self.model.versions) + 1)

    def _call(self, writer: Writer, content: int) -> tuple[int, bool]:
        publication, _ = self.around.content(self.name, content)
        said = {
            "recipe_hash": publication.recipe_hash,
            "code_version": "0",
            "schema_hash": "",
            **dict.fromkeys(("n_in", "n_accepted", "n_rejected", "n_failed"), 0),
            "gates": list(publication.gates),
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
                    "manifest": bytes.fromhex(publication.manifest_hash),
                    "said": json.dumps(said),
                },
            ).one()
            return row.version, row.replayed


class Caring(Publishing):
    """And people who release, roll back and retract."""

    @rule()
    def release(self) -> None:
        """A person publishes what was quarantined; it becomes the head where it is newer than the head."""
        version = self.model.version_of(CLOSED)
        if version is None:
            return
        if self.model.state_of(version) == "retracted":
            with expect(ConfigError):
                self._release(version)
        else:
            self._release(version)
            self.model.release(version)

    @rule(version=NUMBERS)
    def roll_back(self, version: int) -> None:
        """A person lets the name mean another version; only a published one can be."""
        state = self.model.state_of(version)
        if state == "published":
            self._care(rollback_version, version)
            self.model.head = version
        else:
            with expect(ConfigError if state else NotFound):
                self._care(rollback_version, version)

    @rule(version=NUMBERS)
    def retract(self, version: int) -> None:
        """A person takes a version back; a retracted head is followed by the newest published one before it."""
        if self.model.state_of(version) is None:
            with expect(NotFound):
                self._care(retract_version, version)
        else:
            self._care(retract_version, version)
            self.model.retract(version)

    def _release(self, version: int) -> None:
        with self.around.database.begin() as connection:
            release_version(connection, self.name, version, "a person", "looked at it")

    def _care(self, act: Callable[[sa.Connection, Version, str, str], None], version: int) -> None:
        with self.around.database.begin() as connection:
            found = resolve(connection, f"{self.name}@{version}", published_only=False)
            act(connection, found, "a person", "has a reason")


class Collecting(Publishing):
    """And stages that hand objects on, writers that leave garbage, and its collector."""

    @rule(writer=Publishing.writers, content=st.sampled_from(WITH_ROWS))
    def hand_on(self, writer: Writer, content: int) -> None:
        """A stage puts out objects that no version has yet, for a later stage of the run."""
        publication, _ = self.around.content(self.name, content)
        parts = [stored.sha256 for stored in publication.objects]
        if self.model.is_zombie(writer):
            with expect(Fenced):
                self._hand_on(writer, parts)
        else:
            self._hand_on(writer, parts)
            self.model.handed_on[writer.task] = parts

    @rule(writer=Publishing.writers)
    def end(self, writer: Writer) -> None:
        """An attempt's work is over; the last one's end leaves its run idle."""
        with self.around.database.begin() as connection:
            finish_attempt(connection, writer.attempt_id, "success")
        self.model.ended.add(writer.attempt_id)

    @rule()
    def leave_garbage(self) -> None:
        """A writer of long ago died before it published."""
        stored = self.around.store.put(pa.table({"n": [next(_numbers)]}))
        self.model.garbage.append(stored.sha256)

    @rule()
    def collect(self) -> None:
        """All that is there is a day old; what is needed stays all the same, and the rest goes."""
        day_ago = time.time() - DAY_S
        for path in self.around.store.root.glob("??/*.parquet"):
            os.utime(path, (day_ago, day_ago))
        with self.around.database.begin() as connection:
            connection.execute(sa.text("UPDATE lineage.object_file SET created_at = now() - interval '1 day'"))
        collect_garbage(self.around.database, self.around.store, timedelta(0), remove=True)
        assert not any(self._is_there(sha256) for sha256 in self.model.garbage), "garbage was left"
        if not self.model.is_at_work():
            self.model.handed_on.clear()

    @invariant()
    def what_is_needed_is_there(self) -> None:
        if not hasattr(self, "model"):
            return
        query = (
            "SELECT encode(f.sha256, 'hex') AS sha256, f.deleted_at FROM lineage.dataset d "
            "JOIN lineage.dataset_version_file USING (dataset_id) JOIN lineage.object_file f USING (file_id) "
            "WHERE d.name = :name"
        )
        with self.around.database.connect() as connection:
            files = connection.execute(sa.text(query), {"name": self.name}).all()
        assert all(file.deleted_at is None for file in files), "an object of a version was given up"
        needed = [*(file.sha256 for file in files), *itertools.chain.from_iterable(self.model.handed_on.values())]
        assert all(self._is_there(sha256) for sha256 in needed), "an object that is needed is gone"

    def _hand_on(self, writer: Writer, parts: list[str]) -> None:
        with self.around.database.begin() as connection:
            put_stage_output(
                connection, attempt_id=writer.attempt_id, stage=writer.task, shard=0, output={"parts": parts}
            )

    def _is_there(self, sha256: str) -> bool:
        return self.around.store.path(sha256).exists()


class Protocol(Caring, Collecting):
    """Everybody at once."""
