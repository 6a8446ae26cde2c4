"""The record of model outputs: written before anything is derived from them, and asked before any engine is.

Every answer stands once in a Parquet table of generations; an index leads from a request's hash to its place.
Of two attempts that answer the same request, the first committed answer is the answer. So a rerun replays,
a retry never samples again, and what an answer led to can be built again without an engine.
"""

import json
import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

import pyarrow as pa

from evol_core.errors import EngineError, ObjectDamaged
from evol_core.llm.port import Engine, PollingEngine
from evol_core.records import Generation, RequestHash, canonical_json
from evol_core.requests import Request
from evol_core.schemas import GENERATIONS, generation_record, generation_row, to_table
from evol_core.store.objects import ObjectStore, Place, StoredObject

ANSWER_COLUMNS = tuple(name for name in GENERATIONS.names if name not in {"kind", "model", "model_revision", "request"})
"""What a generation is read back from; the request itself is kept for audit."""


class GenerationIndex(Protocol):
    """Where each recorded answer stands. Shared by all runs; the first to register a request keeps it."""

    def find(self, hashes: Sequence[RequestHash]) -> dict[RequestHash, Place]:
        """The places of those that are recorded."""

    def register(self, stored: StoredObject, table: pa.Table) -> dict[RequestHash, Place]:
        """Enter a written table's answers, and say where each request's answer in force stands."""


class MemoryIndex:
    """An index that lives as long as its process."""

    def __init__(self) -> None:
        self._places: dict[RequestHash, Place] = {}

    def find(self, hashes: Sequence[RequestHash]) -> dict[RequestHash, Place]:
        return {key: self._places[key] for key in hashes if key in self._places}

    def register(self, stored: StoredObject, table: pa.Table) -> dict[RequestHash, Place]:
        hashes = [RequestHash(str(text)) for text in table["request_hash"].to_pylist()]
        for row, key in enumerate(hashes):
            self._places.setdefault(key, Place(stored.sha256, row))
        return {key: self._places[key] for key in hashes}


class Record:
    """Recorded answers: found by request, read from Parquet, added to in chunks."""

    def __init__(self, *, store: ObjectStore, index: GenerationIndex, cached_objects: int = 32) -> None:
        self._store = store
        self._index = index
        self._cached_objects = cached_objects
        self._cache: OrderedDict[str, pa.Table] = OrderedDict()

    def find(self, requests: Sequence[Request]) -> dict[RequestHash, Generation]:
        """The answers to those requests that are recorded; one question to the index for all."""
        return self._read(self._index.find([request.hash for request in requests]))

    def count(self, requests: Sequence[Request]) -> int:
        """How many of these requests are recorded; nothing is read."""
        return len(self._index.find([request.hash for request in requests]))

    def commit(self, answered: Sequence[tuple[Request, Generation]]) -> list[Generation]:
        """Write one chunk for good; each request's answer in force, which may be an earlier attempt's."""
        rows = [generation_row(request, answer, _request_text(request)) for request, answer in answered]
        table = to_table(rows, GENERATIONS)
        stored = self._store.put(table)
        in_force = self._index.register(stored, table)
        others = {key: place for key, place in in_force.items() if place.sha256 != stored.sha256}
        earlier = self._read(others)
        return [earlier.get(answer.request_hash, answer) for _, answer in answered]

    def _read(self, places: dict[RequestHash, Place]) -> dict[RequestHash, Generation]:
        """Read answers, each object once."""
        by_object: dict[str, list[tuple[RequestHash, int]]] = defaultdict(list)
        for key, place in places.items():
            by_object[place.sha256].append((key, place.row))
        found: dict[RequestHash, Generation] = {}
        for sha256, members in by_object.items():
            rows = self._object(sha256).take([row for _, row in members]).to_pylist()
            for (key, place_row), row in zip(members, rows, strict=True):
                if row["request_hash"] != key:
                    raise ObjectDamaged(
                        f"row {place_row} of object {sha256} answers request {row['request_hash']}, but the index "
                        f"of generations says {key}; rebuild the index from the objects"
                    )
                found[key] = generation_record(row)
        return found

    def _object(self, sha256: str) -> pa.Table:
        if sha256 in self._cache:
            self._cache.move_to_end(sha256)
        else:
            self._cache[sha256] = _all_columns(self._store.read(sha256, columns=ANSWER_COLUMNS))
            while len(self._cache) > self._cached_objects:
                self._cache.popitem(last=False)
        return self._cache[sha256]


@dataclass(slots=True)
class Counts:
    """What an engine behind the record has done so far."""

    replayed: int = 0
    """Answers that were recorded before they were asked for."""

    generated: int = 0
    """Answers that an engine gave and that were committed."""

    prompt_tokens: int = 0
    """Of generated answers."""

    tokens: int = 0
    """Of generated answers."""

    engine_seconds: float = 0.0
    """Spent in the engine after its start."""

    start_seconds: float = 0.0
    """Spent on starting it."""

    engine_started: bool = False


class RecordedEngine:
    """An engine behind the record: answers what is recorded, asks a real engine for the rest, records that.

    The real engine is made at the first request that is not recorded. One generation comes back for each
    submitted request; a request that is submitted again while it is in flight is asked once.
    An answer is handed out only after its chunk is committed: when `commit_rows` are finished, when
    `commit_seconds` have passed since the first of them, or when nothing else is in flight.
    """

    def __init__(
        self,
        *,
        make_engine: Callable[[], Engine],
        store: ObjectStore,
        index: GenerationIndex,
        commit_rows: int = 256,
        commit_seconds: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = "record"
        self.counts = Counts()
        self.on_commit: Callable[[], None] = lambda: None
        """Called when a chunk of answers is recorded."""

        self._make_engine = make_engine
        self._engine: Engine | None = None
        self._record = Record(store=store, index=index)
        self._commit_rows = commit_rows
        self._commit_seconds = commit_seconds
        self._clock = clock
        self._asked: dict[RequestHash, Request] = {}
        self._waiters: Counter[RequestHash] = Counter()
        self._finished: list[tuple[Request, Generation]] = []
        self._first_finished = 0.0
        self._ready: list[Generation] = []

    def submit(self, requests: Sequence[Request]) -> None:
        new = {request.hash: request for request in requests if request.hash not in self._waiters}
        recorded = self._record.find(list(new.values()))
        for request in requests:
            if request.hash in recorded:
                self._ready.append(recorded[request.hash])
                self.counts.replayed += 1
            else:
                self._waiters[request.hash] += 1
        missing = sorted((request for key, request in new.items() if key not in recorded), key=_prefix)
        if missing:
            self._asked.update((request.hash, request) for request in missing)
            self._ask(missing)

    def collect(self) -> list[Generation]:
        while not self._ready and self._waiters:
            self._gather()
            if self._is_due():
                self._commit()
        ready, self._ready = self._ready, []
        return ready

    def close(self) -> None:
        """Commit what is finished, then end the engine."""
        try:
            self._commit()
        finally:
            engine, self._engine = self._engine, None
            if engine is not None:
                engine.close()

    def _ask(self, requests: Sequence[Request]) -> None:
        engine = self._started()
        began = self._clock()
        engine.submit(requests)
        self.counts.engine_seconds += self._clock() - began

    def _started(self) -> Engine:
        if self._engine is None:
            began = self._clock()
            self._engine = self._make_engine()
            self.name = self._engine.name
            self.counts.engine_started = True
            self.counts.start_seconds += self._clock() - began
        return self._engine

    def _gather(self) -> None:
        """Wait for the engine, but not past the time of the next commit."""
        engine = self._started()
        began = self._clock()
        try:
            if self._finished and isinstance(engine, PollingEngine):
                answers = engine.poll(max(0.0, self._first_finished + self._commit_seconds - began))
            else:
                answers = engine.collect()
                if not answers:
                    raise EngineError(f"{engine.name} lost {len(self._asked)} requests; run the job again")
        except EngineError:
            self._commit()
            raise
        now = self._clock()
        self.counts.engine_seconds += now - began
        if answers and not self._finished:
            self._first_finished = now
        self._finished += [(self._asked.pop(answer.request_hash), answer) for answer in answers]

    def _is_due(self) -> bool:
        return bool(self._finished) and (
            len(self._finished) >= self._commit_rows
            or not self._asked
            or self._clock() - self._first_finished >= self._commit_seconds
        )

    def _commit(self) -> None:
        if not self._finished:
            return
        for answer in self._record.commit(self._finished):
            self._ready += [answer] * self._waiters.pop(answer.request_hash)
        for _, answer in self._finished:
            self.counts.generated += 1
            self.counts.prompt_tokens += answer.n_prompt_tokens
            self.counts.tokens += answer.n_tokens
        self._finished = []
        self.on_commit()


def _all_columns(table: pa.Table) -> pa.Table:
    """A table of answers, with nulls for columns that came later than it was written: a record is kept for good."""
    for name in ANSWER_COLUMNS:
        if name not in table.column_names:
            field = GENERATIONS.field(name)
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table


def _request_text(request: Request) -> str:
    """The request as JSON: canonical, but for escapes where it holds what is no text (a lone surrogate)."""
    text = canonical_json(asdict(request))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    return text


def _prefix(request: Request) -> tuple[str, ...]:
    """What requests that begin alike have in common, so that an engine's prefix cache meets them side by side."""
    return request.texts
