"""Datasets, lineage and SQL on the command line."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from evol_core.cli.export_command import export
from evol_core.cli.output import AsJson, command, emit, say
from evol_core.config import Settings
from evol_core.errors import ConfigError
from evol_core.lineage.analyst import ask, example, examples
from evol_core.lineage.database import connect
from evol_core.lineage.migrate import check_schema
from evol_core.lineage.publish import release_version
from evol_core.lineage.row import row_lineage
from evol_core.lineage.verify import verify_version
from evol_core.lineage.versions import list_datasets, resolve, show_version
from evol_core.platform.settings import analyst_url_from_environment, settings_from_environment
from evol_core.store.objects import ObjectStore

VersionSpec = Annotated[
    str, typer.Argument(metavar="NAME[@V]", help="A dataset, or one version of it by number or tag.")
]


def register(app: typer.Typer) -> None:
    datasets = typer.Typer(no_args_is_help=True, help="Datasets and their versions.")
    datasets.command("list")(list_)
    datasets.command("show")(show)
    datasets.command("verify")(verify)
    datasets.command("export")(export)
    datasets.command("release")(release)
    app.add_typer(datasets, name="datasets")
    lineage = typer.Typer(no_args_is_help=True, help="Where rows come from and what came of them.")
    lineage.command("row")(row)
    # One command alone would take the group's place; a callback keeps the group.
    lineage.callback()(lambda: None)
    app.add_typer(lineage, name="lineage")
    app.command("sql")(sql)


@command
def list_(as_json: AsJson = False) -> None:
    """List datasets with their heads."""
    with _database() as (_, connection):
        emit(list_datasets(connection), as_json=as_json, title="datasets")


@command
def show(spec: VersionSpec, as_json: AsJson = False) -> None:
    """Show a version: counts, gates, why rows were refused, parents, objects."""
    with _database() as (_, connection):
        shown = show_version(connection, spec)
    if as_json:
        emit(shown, as_json=True)
        return
    parts = {name: shown.pop(name) for name in ("gates", "refused_by_reason", "objects")}
    emit(shown, as_json=False, title=f"{shown['dataset']}@{shown['version']}")
    _emit_parts(parts)


@command
def verify(spec: VersionSpec, as_json: AsJson = False) -> None:
    """Read a version in full and hold it against its hashes, counts and ids. Exits with 1 where something is wrong."""
    with _database() as (settings, connection):
        findings = verify_version(connection, ObjectStore(settings.objects), spec)
    if as_json or findings:
        emit([asdict(finding) for finding in findings], as_json=as_json, title=f"{spec}: findings")
    if findings:
        raise typer.Exit(1)
    say(f"{spec} is whole")


@command
def release(
    spec: Annotated[str, typer.Argument(metavar="NAME@V", help="A quarantined version.")],
    reason: Annotated[str, typer.Option(help="Why it may be published all the same; kept for audit.")],
    by: Annotated[str | None, typer.Option(help="Who decides; default: the user's log-in name.")] = None,
    as_json: AsJson = False,
) -> None:
    """Publish a quarantined version on your word."""
    if not reason.strip():
        raise ConfigError("--reason is empty; say why the version may be published in spite of its closed gates")
    with _database() as (_, connection):
        version = resolve(connection, spec, published_only=False)
        release_version(connection, version.name, version.version, by or getpass.getuser(), reason)
        connection.commit()
        shown = show_version(connection, version.spec)
    kept = ("dataset", "version", "state", "is_head", "released_by", "released_at", "release_reason")
    emit({name: shown[name] for name in kept}, as_json=as_json, title=f"{version.spec}: released")


@command
def row(
    row_id: Annotated[str, typer.Argument(metavar="ID", help="An instruction_id or response_id.")],
    as_json: AsJson = False,
) -> None:
    """Tell a row's story: back to its seeds, forth to versions and checkpoints."""
    with _database() as (_, connection):
        story = row_lineage(connection, row_id)
    if as_json:
        emit(story, as_json=True)
        return
    emit({**story["row"], "descendants": story["descendants"]}, as_json=False, title="row")
    history = [_history_row(step) for step in story["history"]]
    _emit_parts({"history": history, **{name: story[name] for name in ("outcomes", "versions", "checkpoints")}})


def _history_row(step: dict[str, Any]) -> dict[str, Any]:
    """What a table has room for; --json prints all."""
    is_seed = step["operator"] == "seed"
    made = f"{step['source']} line {step['line']}" if is_seed else f"{step['operator']}, round {step['round']}"
    return {
        "depth": step["depth"],
        "instruction_id": step["instruction_id"],
        "made": made,
        "model": step["model"],
        "run": step["run_key"],
        "head": step["head"],
    }


@command
def sql(
    query: Annotated[str | None, typer.Argument(help="SQL; without it, examples are listed.")] = None,
    example_name: Annotated[str | None, typer.Option("--example", metavar="NAME", help="Run an example.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows to print at most.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Ask the database as the analyst role: read only, one minute a query."""
    if query and example_name:
        raise ConfigError("give a QUERY or --example NAME, not both")
    if not query and not example_name:
        listed = [{"example": found.name, "asks": found.title} for found in examples()]
        emit(listed, as_json=as_json, title="evol sql --example NAME")
        return
    asked = example(example_name) if example_name else None
    engine = connect(analyst_url_from_environment())
    answer = ask(engine, asked.query if asked else str(query), limit=limit)
    engine.dispose()
    emit(answer.rows, as_json=as_json, title=asked.title if asked else "")
    if not answer.is_complete:
        say(f"there are more rows than these {limit}; --limit brings more")


@contextmanager
def _database() -> Iterator[tuple[Settings, sa.Connection]]:
    settings = settings_from_environment()
    engine = connect(settings.database_url)
    try:
        check_schema(engine)
        with engine.connect() as connection:
            yield settings, connection
    finally:
        engine.dispose()


def _emit_parts(parts: dict[str, list[dict[str, Any]]]) -> None:
    """One table a part that has rows."""
    for name, rows in parts.items():
        if rows:
            emit(rows, as_json=False, title=name.replace("_", " "))
