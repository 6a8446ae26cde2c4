"""What people do to versions and to the store, on the command line. Part of `evol datasets`."""

import getpass
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from evol_core.cli.database import open_database, open_engine
from evol_core.cli.output import AsJson, command, emit, say
from evol_core.errors import ConfigError
from evol_core.job.lost import note_ended
from evol_core.lineage.care import retract_version, rollback_version, tag_version, untag_version
from evol_core.lineage.garbage import Collected, collect_garbage, forget_object
from evol_core.lineage.publish import release_version
from evol_core.lineage.versions import Version, resolve, show_version
from evol_core.store.objects import ObjectStore

OneVersion = Annotated[str, typer.Argument(metavar="NAME@V", help="One version, by number or tag.")]
Reason = Annotated[str, typer.Option(help="Why; kept for audit.")]
By = Annotated[str | None, typer.Option(help="Who decides; default: the user's log-in name.")]

SHOWN = ("dataset", "version", "state", "is_head", "tags")

SHORTEST_HOURS = 1.0
"""Clocks of machines and file systems may differ by a part of that."""


def add_commands(datasets: typer.Typer) -> None:
    datasets.command("release")(release)
    datasets.command("tag")(tag)
    datasets.command("rollback")(rollback)
    datasets.command("retract")(retract)
    datasets.command("gc")(gc)
    datasets.command("forget")(forget)


@command
def release(
    spec: Annotated[str, typer.Argument(metavar="NAME@V", help="A quarantined version.")],
    reason: Annotated[str, typer.Option(help="Why it may be published all the same; kept for audit.")],
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Publish a quarantined version on your word."""
    if not reason.strip():
        raise ConfigError("--reason is empty; say why the version may be published in spite of its closed gates")
    who = by or getpass.getuser()

    def act(connection: sa.Connection, version: Version) -> None:
        release_version(connection, version.name, version.version, who, reason)

    _change(spec, act, "released", ("released_by", "released_at", "release_reason"), as_json=as_json)


@command
def tag(
    spec: OneVersion,
    name: Annotated[str, typer.Argument(metavar="TAG", help="For example prod; NAME@TAG then means this version.")],
    delete: Annotated[bool, typer.Option("--delete", help="Take the tag away from this version.")] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Give a version a name. A tag that another version of the dataset has moves."""
    who = by or getpass.getuser()

    def act(connection: sa.Connection, version: Version) -> None:
        (untag_version if delete else tag_version)(connection, version, name, who)

    _change(spec, act, f"{'no longer ' if delete else ''}tagged {name}", (), as_json=as_json)


@command
def rollback(spec: OneVersion, reason: Reason, by: By = None, as_json: AsJson = False) -> None:
    """Let the bare name mean this version again. Later versions stay as they are."""
    who = by or getpass.getuser()

    def act(connection: sa.Connection, version: Version) -> None:
        rollback_version(connection, version, who, reason)

    _change(spec, act, "the head now", (), as_json=as_json)


@command
def retract(spec: OneVersion, reason: Reason, by: By = None, as_json: AsJson = False) -> None:
    """Take a version back for good: nobody is given it as data any more; objects and lineage are kept for audit."""
    who = by or getpass.getuser()

    def act(connection: sa.Connection, version: Version) -> None:
        retract_version(connection, version, who, reason)

    kept = ("retracted_by", "retracted_at", "retract_reason", "used_by")
    shown = _change(spec, act, "retracted", kept, as_json=as_json)
    if shown["used_by"]:
        say(f"built from it, and still there: {', '.join(shown['used_by'])}")


@command
def gc(
    delete: Annotated[bool, typer.Option("--delete", help="Do it; without this, only say what would go.")] = False,
    older_than: Annotated[float, typer.Option(metavar="DAYS", help="Leave alone what is younger.")] = 7.0,
    as_json: AsJson = False,
) -> None:
    """Collect garbage: objects that no version, no recorded generation and no run needs. Says what would go."""
    if not older_than * 24 >= SHORTEST_HOURS:
        raise ConfigError(f"--older-than must be at least {SHORTEST_HOURS / 24:.2f} days (an hour), got {older_than}")
    with open_engine() as (settings, engine):
        if delete:
            note_ended(engine, settings)
        collected = collect_garbage(engine, ObjectStore(settings.objects), timedelta(days=older_than), remove=delete)
    emit(_collected(collected), as_json=as_json, title="removed" if delete else "would be removed")
    if not delete:
        say("nothing was changed; --delete does it")


@command
def forget(
    sha256: Annotated[str, typer.Argument(metavar="SHA256", help="An object of recorded generations.")],
    as_json: AsJson = False,
) -> None:
    """Give up recorded answers whose object is missing or damaged, so that builds that need them ask models again."""
    with open_database() as (settings, connection):
        answers = forget_object(connection, ObjectStore(settings.objects), sha256)
        connection.commit()
    emit({"object": sha256, "answers": answers}, as_json=as_json, title="forgotten")


def _change(
    spec: str,
    act: Callable[[sa.Connection, Version], None],
    done: str,
    kept: tuple[str, ...],
    *,
    as_json: bool,
) -> dict[str, Any]:
    """Do something to a version and print what it is afterwards."""
    with open_database() as (_, connection):
        version = resolve(connection, spec, published_only=False)
        act(connection, version)
        connection.commit()
        shown = show_version(connection, version.spec)
    emit({name: shown[name] for name in (*SHOWN, *kept)}, as_json=as_json, title=f"{version.spec}: {done}")
    return shown


def _collected(collected: Collected) -> dict[str, Any]:
    return {
        "objects": len(collected.swept.objects),
        "bytes": collected.swept.n_bytes,
        "temporary_files": collected.swept.staged,
        "outputs_of_idle_runs": collected.outputs,
        "finished_pieces": collected.pieces,
        "kept_for_being_young": collected.swept.young,
        "attempts_at_work": list(collected.at_work),
    }
