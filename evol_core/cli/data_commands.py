"""Datasets and SQL on the command line."""

from dataclasses import asdict
from typing import Annotated

import typer

from evol_core.cli import version_commands
from evol_core.cli.catalogue_commands import card
from evol_core.cli.database import open_database
from evol_core.cli.export_command import confidence, export
from evol_core.cli.output import AsJson, command, emit, emit_parts, say
from evol_core.errors import ConfigError
from evol_core.lineage.analyst import EXAMPLES, PARQUET_EXAMPLES, Answer, ask, example, examples
from evol_core.lineage.database import connect
from evol_core.lineage.diff import diff_versions
from evol_core.lineage.verify import verify_version
from evol_core.lineage.versions import list_datasets, resolve, show_version
from evol_core.platform.settings import analyst_url_from_environment
from evol_core.store.objects import ObjectStore

VersionSpec = Annotated[
    str, typer.Argument(metavar="NAME[@V]", help="A dataset, or one version of it by number or tag.")
]


def register(app: typer.Typer) -> None:
    datasets = typer.Typer(no_args_is_help=True, help="Datasets and their versions.")
    datasets.command("list")(list_)
    datasets.command("show")(show)
    datasets.command("verify")(verify)
    datasets.command("diff")(diff)
    datasets.command("export")(export)
    datasets.command("confidence")(confidence)
    datasets.command("card")(card)
    version_commands.add_commands(datasets)
    app.add_typer(datasets, name="datasets")
    app.command("sql")(sql)


@command
def list_(as_json: AsJson = False) -> None:
    """List datasets with their heads."""
    with open_database() as (_, connection):
        emit(list_datasets(connection), as_json=as_json, title="datasets")


@command
def show(spec: VersionSpec, as_json: AsJson = False) -> None:
    """Show a version: counts, gates, why rows were refused, what share of replies was read, parents, objects."""
    with open_database() as (_, connection):
        shown = show_version(connection, spec)
    if as_json:
        emit(shown, as_json=True)
        return
    names = ("gates", "refused_by_reason", "parse_rates", "objects", "history")
    parts = {name: shown.pop(name) for name in names}
    emit(shown, as_json=False, title=f"{shown['dataset']}@{shown['version']}")
    emit_parts(parts)


@command
def verify(spec: VersionSpec, as_json: AsJson = False) -> None:
    """Read a version in full and hold it against its hashes, counts and ids. Exits with 1 where something is wrong."""
    with open_database() as (settings, connection):
        findings = verify_version(connection, ObjectStore(settings.objects), spec)
    if as_json or findings:
        emit([asdict(finding) for finding in findings], as_json=as_json, title=f"{spec}: findings")
    if findings:
        raise typer.Exit(1)
    say(f"{spec} is whole")


@command
def diff(
    old: Annotated[str, typer.Argument(metavar="NAME@A", help="One version, by number or tag.")],
    new: Annotated[str, typer.Argument(metavar="NAME@B", help="Another, of the same kind.")],
    as_json: AsJson = False,
) -> None:
    """Compare two versions: rows added and removed, answers and scores that changed, counts by operator and reason."""
    with open_database() as (settings, connection):
        versions = [resolve(connection, spec, published_only=False) for spec in (old, new)]
        found = diff_versions(connection, ObjectStore(settings.objects), *versions)
    if as_json:
        emit(found, as_json=True)
        return
    counts = ("added", "removed", "kept", "answered_anew")
    emit({name: found[name] for name in counts}, as_json=False, title=f"from {found['old']} to {found['new']}: rows")
    emit_parts({name: found[name] for name in ("scores", "operators", "reasons")})


@command
def sql(
    query: Annotated[str | None, typer.Argument(help="SQL; without it, examples are listed.")] = None,
    example_name: Annotated[str | None, typer.Option("--example", metavar="NAME", help="Run an example.")] = None,
    duckdb: Annotated[
        str | None,
        typer.Option(metavar="NAME[@V]", help="Ask a version's own Parquet: tables data, refused, scores."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows to print at most.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Ask the database as the analyst role, or a version's Parquet by DuckDB: read only, one minute a query."""
    if query and example_name:
        raise ConfigError("give a QUERY or --example NAME, not both")
    folder = PARQUET_EXAMPLES if duckdb else EXAMPLES
    if not query and not example_name:
        listed = [{"example": found.name, "asks": found.title} for found in examples(folder)]
        emit(listed, as_json=as_json, title="evol sql --example NAME")
        return
    asked = example(example_name, folder) if example_name else None
    text = asked.query if asked else str(query)
    answer = _ask_version(duckdb, text, limit) if duckdb else _ask_database(text, limit)
    emit(answer.rows, as_json=as_json, title=asked.title if asked else "")
    if not answer.is_complete:
        say(f"there are more rows than these {limit}; --limit brings more")


def _ask_database(query: str, limit: int) -> Answer:
    engine = connect(analyst_url_from_environment())
    try:
        return ask(engine, query, limit=limit)
    finally:
        engine.dispose()


def _ask_version(spec: str, query: str, limit: int) -> Answer:
    from evol_core.catalogue.parquet_sql import ask_parquet

    with open_database() as (settings, connection):
        version = resolve(connection, spec)
    return ask_parquet(ObjectStore(settings.objects), version, query, limit=limit)
