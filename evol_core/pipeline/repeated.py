"""Which accepted rows of EVOLVED objects come up again, by number from 0 over all of these objects."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from evol_core.records import Status
from evol_core.store.objects import ObjectStore
from evol_core.store.repeats import Bits, repeats


def repeated_pairs(store: ObjectStore, parts: Sequence[str]) -> Bits:
    """Accepted rows whose instruction and response an earlier accepted row has."""
    return repeats(lambda: _keys(store, parts), ["response_id"], where=_accepted)


def repeated_instructions(store: ObjectStore, parts: Sequence[str], without: Collection[str] = ()) -> Bits:
    """Accepted rows whose instruction an earlier accepted row has; pairs of `without` count as not accepted."""
    refused = pa.array(without, pa.string())

    def stays(table: pa.Table) -> Any:
        return pc.and_not(_accepted(table), pc.is_in(table["response_id"], refused))

    return repeats(lambda: _keys(store, parts), ["instruction_id"], where=stays)


def _keys(store: ObjectStore, parts: Sequence[str]) -> Iterator[pa.Table]:
    for sha256 in parts:
        yield from store.tables(sha256, ["status", "instruction_id", "response_id"])


def _accepted(table: pa.Table) -> Any:
    return pc.equal(table["status"], pa.scalar(Status.ACCEPTED.value))
