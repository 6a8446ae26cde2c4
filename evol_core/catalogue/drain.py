"""Send what waits in the outbox, in its order, each event once as far as that can be."""

import logging
from dataclasses import dataclass, field

import sqlalchemy as sa

from evol_core.catalogue.facts import facts_of
from evol_core.catalogue.run_events import Event, Identity, run_events
from evol_core.catalogue.sinks import Sink
from evol_core.errors import EventRefused, NotFound
from evol_core.lineage.outbox import OutboxEvent, taken_event
from evol_core.lineage.versions import resolve
from evol_core.store.objects import ObjectStore

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Drained:
    """What became of the events that waited."""

    sent: int = 0
    refused: list[str] = field(default_factory=list)
    """Why, of each that the catalogue did not want. They wait on; the next drain tries them again."""


def drain(engine: sa.Engine, store: ObjectStore, sink: Sink, identity: Identity) -> Drained:
    """Send every event that waits. Two who drain at once share the work.

    Raises:
        CatalogueError: the catalogue cannot be reached; what was not sent waits.
    """
    drained, after = Drained(), 0
    while True:
        try:
            with taken_event(engine, after) as taken:
                if taken is None:
                    return drained
                connection, told = taken
                after = told.event_id
                for event in _events(connection, store, told, identity):
                    sink.send(event)
                drained.sent += 1
        except (EventRefused, NotFound) as error:
            log.warning("event %d: %s", after, error)
            drained.refused.append(f"event {after}: {error}")


def _events(connection: sa.Connection, store: ObjectStore, told: OutboxEvent, identity: Identity) -> list[Event]:
    spec = f"{told.payload['dataset']}@{told.payload['version']}"
    facts = facts_of(connection, store, resolve(connection, spec, published_only=False))
    return run_events(told, facts, identity)
