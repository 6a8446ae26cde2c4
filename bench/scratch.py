"""What benchmarks of the store and the lineage have in common: a database of their own, made-up rows, a clock."""

import hashlib
import random
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from evol_core.lineage.database import connect
from evol_core.lineage.migrate import migrate
from evol_core.lineage.runs import register_attempt, register_run
from evol_core.lineage.steps import register_step
from evol_core.platform.postgres import ensure_postgres, stop_postgres
from evol_core.records import ModelRef
from evol_core.requests import Decoding

MODEL = ModelRef(name="bench", revision="0" * 64, tokenizer="0" * 64)

_WORDS = ("river", "number", "haiku", "explain", "compare", "list", "short", "answer", "reason", "water", "city", "add")


class Clock:
    """Seconds, and this process's processor seconds, of what was done within."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu_seconds = 0.0

    def __enter__(self) -> "Clock":
        self._began, self._cpu_began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds += time.perf_counter() - self._began
        self.cpu_seconds += time.process_time() - self._cpu_began


@contextmanager
def home_with_database() -> Iterator[tuple[Path, str]]:
    """A folder and the URL of a migrated database in it, with fsync as in use; both are gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="evol-bench-"))
    try:
        url = ensure_postgres(home).evol
        migrate(url)
        yield home, url
    finally:
        stop_postgres(home)
        if (home / "postgres").is_symlink():
            shutil.rmtree((home / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def pool(url: str) -> Iterator[sa.Engine]:
    engine = connect(url)
    try:
        yield engine
    finally:
        engine.dispose()


def new_attempt(engine: sa.Engine, run_key: str = "bench") -> int:
    with engine.begin() as connection:
        run_id = register_run(
            connection, flow="bench", run_key=run_key, trigger="bench", conf={}, code_version="0", recipe_hash="0"
        )
        return register_attempt(connection, run_id=run_id, task="bench", code_version="0")


def new_step(engine: sa.Engine, attempt_id: int, operator: str = "deepen", round: int = 0) -> int:
    with engine.begin() as connection:
        return register_step(
            connection,
            attempt_id=attempt_id,
            operator=operator,
            round=round,
            prompt_name=operator,
            prompt_body=operator,
            model=MODEL,
            size_class="slm",
            decoding=Decoding(),
            code_version="0",
        )


def ids(kind: str, n_rows: int) -> list[str]:
    """Made-up content ids, the same for the same kind."""
    digests = (hashlib.sha256(b"%s %d" % (kind.encode(), row)).digest() for row in range(n_rows))
    return [str(uuid.UUID(bytes=digest[:16])) for digest in digests]


def texts(n_rows: int, n_chars: int) -> list[str]:
    """Made-up texts of about so many characters, no two alike."""
    draw = random.Random(0)
    stock = [" ".join(draw.choices(_WORDS, k=n_chars // 6))[: n_chars - 8] for _ in range(997)]
    return [f"{stock[row % len(stock)]} {row:07d}" for row in range(n_rows)]


def counts(engine: sa.Engine, tables: Sequence[str]) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            table: connection.execute(sa.text(f"SELECT count(*) FROM lineage.{table}")).scalar_one() for table in tables
        }


def pieces(table: pa.Table, n_rows: int) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, n_rows):
        yield table.slice(start, n_rows)
