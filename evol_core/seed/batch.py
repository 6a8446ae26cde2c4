"""What became of the items of sources, kept on disk: memory does not depend on how many they are."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import astuple

from evol_core.records import Instruction, Refused, Seed, Status

TABLES = """
    CREATE TABLE seed (ordinal INTEGER PRIMARY KEY, instruction, input, output, source, licence, line);
    CREATE TABLE refused (status, reason, source, line, text);
"""


class SeedBatch:
    """Every item of the sources, as a seed or refused: n_items = n_seeds + n_refused."""

    def __init__(self, database: sqlite3.Connection) -> None:
        """`database` has TABLES."""
        self._database = database
        self._counts: Counter[Status] = Counter()

    @property
    def n_items(self) -> int:
        return self._counts.total()

    @property
    def n_seeds(self) -> int:
        return self.count(Status.ACCEPTED)

    @property
    def n_refused(self) -> int:
        return self.n_items - self.n_seeds

    def count(self, status: Status) -> int:
        """Items of which this became."""
        return self._counts[status]

    def seeds(self) -> Iterator[Seed]:
        """In the order of their ordinals."""
        rows = self._database.execute("SELECT * FROM seed ORDER BY ordinal")
        for ordinal, text, input, output, source, licence, line in rows:
            yield Seed(
                ordinal=ordinal,
                instruction=Instruction(text=text, input=input),
                output=output,
                source=source,
                licence=licence,
                line=line,
            )

    def refused(self) -> Iterator[Refused]:
        """In the order of the sources."""
        rows = self._database.execute("SELECT * FROM refused ORDER BY rowid")
        for status, reason, source, line, text in rows:
            yield Refused(status=Status(status), reason=reason, source=source, line=line, text=text)

    def keep(self, seeds: Iterable[Seed]) -> None:
        """Add seeds; no two have one ordinal."""
        rows = [_row(seed) for seed in seeds]
        self._database.executemany("INSERT INTO seed VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        self._counts[Status.ACCEPTED] += len(rows)

    def refuse(self, refused: Iterable[Refused]) -> None:
        """Add what is no seed."""
        rows = [astuple(one) for one in refused]
        self._database.executemany("INSERT INTO refused VALUES (?, ?, ?, ?, ?)", rows)
        self._counts.update(status for status, *_ in rows)


def _row(seed: Seed) -> tuple[int | str | None, ...]:
    text, input = seed.instruction.text, seed.instruction.input
    return (seed.ordinal, text, input, seed.output, seed.source, seed.licence, seed.line)
