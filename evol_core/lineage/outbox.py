"""The outbox: events that were written in the transaction that they tell of, taken out one by one to be sent."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEvent:
    """Something that came about."""

    event_id: int
    key: str
    """Its own, whoever sends it and however often."""

    payload: Mapping[str, Any]
    """event (published, quarantined, released, ...), dataset, version; by and reason where a person said so."""

    at: datetime


@contextmanager
def taken_event(engine: sa.Engine, after: int) -> Iterator[tuple[sa.Connection, OutboxEvent] | None]:
    """The first event after a number that nobody has sent or is sending; None where there is no more.

    It is marked as sent when the block ends, and stays unsent when the block raises or its process dies. So an
    event is sent at least once, and again only where somebody died between sending and marking.
    """
    with engine.begin() as connection:
        row = connection.execute(_NEXT, {"after": after}).one_or_none()
        if row is None:
            yield None
            return
        yield connection, OutboxEvent(event_id=row.event_id, key=row.dedup_key, payload=row.payload, at=row.created_at)
        connection.execute(_SENT, {"event_id": row.event_id})


_NEXT = sa.text("""
    SELECT event_id, dedup_key, payload, created_at FROM lineage.outbox
    WHERE sent_at IS NULL AND event_id > :after
    ORDER BY event_id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
""")

_SENT = sa.text("UPDATE lineage.outbox SET sent_at = now() WHERE event_id = :event_id")


def count_unsent(connection: sa.Connection) -> int:
    """Events that wait."""
    query = "SELECT count(*) FROM lineage.outbox WHERE sent_at IS NULL"
    return int(connection.execute(sa.text(query)).scalar_one())
