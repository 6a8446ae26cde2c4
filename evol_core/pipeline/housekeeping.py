"""The stages of housekeeping. None of them needs an engine, and each can be done again."""

from datetime import timedelta
from typing import Any

from evol_core.catalogue.drain import drain
from evol_core.catalogue.run_events import Identity
from evol_core.catalogue.sinks import open_sink
from evol_core.config import Settings
from evol_core.errors import EventRefused, ObjectDamaged, RecipeError, RowsLost
from evol_core.lineage.garbage import collect_garbage
from evol_core.lineage.outbox import count_unsent
from evol_core.lineage.upkeep import dangling_ids, refresh_figures, versions_kept
from evol_core.lineage.verify import verify_version
from evol_core.lineage.versions import resolve
from evol_core.pipeline.context import Build
from evol_core.pipeline.plan import Plan, StagePlan
from evol_core.recipe import HousekeepingRecipe

NAMED = 20
"""Findings that an error spells out."""


def check_housekeeping(recipe: HousekeepingRecipe, settings: Settings) -> None:
    """A place for events must be one that there can be.

    Raises:
        RecipeError: it is a URL of another kind.
    """
    scheme, colon, _ = recipe.events.to.partition("://")
    if colon and scheme not in {"http", "https"}:
        raise RecipeError(f"events.to: must be an http or https URL, a file's path, or empty; got {recipe.events.to!r}")


def plan_housekeeping(build: Build[HousekeepingRecipe]) -> Plan:
    """Nothing is asked of models."""
    stages = ("refresh", "events", "iceberg", "ids", "verify", "collect")
    done = [StagePlan(stage=stage, rows=None, complete=True, at_most=0) for stage in stages]
    return Plan(seeds=0, refused=0, stages=tuple(done))


def verify_stage(build: Build[HousekeepingRecipe]) -> dict[str, Any]:
    """Read versions in full and hold them against all that is said of them.

    Raises:
        ObjectDamaged: something is wrong; the message names it.
    """
    with build.database.connect() as connection:
        specs = versions_kept(connection, heads_only=build.recipe.verify.versions == "heads")
        found = [
            f"{spec}: {finding.kind} {finding.subject}: {finding.detail}"
            for spec in specs
            for finding in verify_version(connection, build.store, spec)
        ]
    if found:
        raise ObjectDamaged(_listed(f"{len(found)} findings in {len(specs)} versions", found))
    return {"verified": len(specs)}


def collect_stage(build: Build[HousekeepingRecipe]) -> dict[str, Any]:
    """Remove objects that no version, recorded generation or run needs, or count them."""
    said = build.recipe.collect
    age = timedelta(days=said.older_than_days)
    done = collect_garbage(build.database, build.store, age, remove=said.remove)
    return {"objects": len(done.swept.objects), "bytes": done.swept.n_bytes, "removed": said.remove}


def ids_stage(build: Build[HousekeepingRecipe]) -> dict[str, Any]:
    """Count ids that lead nowhere, in all of the lineage.

    Raises:
        RowsLost: there are some.
    """
    with build.database.connect() as connection:
        counts = dangling_ids(connection)
    if counts:
        raise RowsLost(_listed("ids lead nowhere", [f"{name}: {count}" for name, count in counts.items()]))
    return {"dangling": 0}


def refresh_stage(build: Build[HousekeepingRecipe]) -> dict[str, Any]:
    """Make the figures of the heads anew."""
    return {"refreshed": refresh_figures(build.database)}


def events_stage(build: Build[HousekeepingRecipe]) -> dict[str, Any]:
    """Send what waits in the outbox.

    Raises:
        EventRefused: some were not wanted; all others were sent.
        CatalogueError: the catalogue cannot be reached.
    """
    said = build.recipe.events
    if not said.to:
        with build.database.connect() as connection:
            return {"sent": 0, "waiting": count_unsent(connection)}
    sink = open_sink(said.to, build.settings.home, build.settings.catalogue_key)
    try:
        identity = Identity(namespace=said.namespace, repository=said.repository)
        drained = drain(build.database, build.store, sink, identity)
    finally:
        sink.close()
    if drained.refused:
        raise EventRefused(_listed(f"{drained.sent} events were sent, {len(drained.refused)} not", drained.refused))
    return {"sent": drained.sent, "waiting": 0}


def iceberg_stage(build: Build[HousekeepingRecipe]) -> dict[str, Any]:
    """Bring the Iceberg mirror up to date, where the recipe wants one."""
    catalog = build.recipe.iceberg.catalog
    if catalog == "off":
        return {"added": [], "kept": []}
    from evol_core.catalogue.iceberg import mirror, open_catalog

    folder = build.settings.home / "iceberg"
    folder.mkdir(parents=True, exist_ok=True)
    uri = build.settings.database_url if catalog == "postgres" else f"sqlite:///{folder / 'catalog.db'}"
    with build.database.connect() as connection:
        versions = [resolve(connection, spec) for spec in versions_kept(connection, state="published")]
    done = mirror(open_catalog(uri, folder), build.store, versions)
    return {"added": done.added, "kept": done.kept, "empty": done.empty}


def _listed(title: str, found: list[str]) -> str:
    more = [f"and {len(found) - NAMED} more"] if len(found) > NAMED else []
    return "\n  ".join([f"{title}:", *found[:NAMED], *more])
