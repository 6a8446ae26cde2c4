"""A version as files for other trainers, on the command line. Part of `evol datasets`."""

from pathlib import Path
from typing import Annotated

import typer

from evol_core.cli.database import open_database
from evol_core.cli.output import AsJson, command, emit
from evol_core.errors import NotFound
from evol_core.lineage.generations import measured_places
from evol_core.lineage.versions import resolve
from evol_core.publish.confidence_arrays import ARRAYS, confidence_arrays, rows_of
from evol_core.publish.exports import FORMATS, Source, export_version
from evol_core.store.objects import ObjectStore
from evol_core.store.plain_rows import check_output, write_table


@command
def export(
    spec: Annotated[str, typer.Argument(metavar="NAME[@V]", help="A published version, by number or tag.")],
    format: Annotated[str, typer.Option(help=f"One of {', '.join(FORMATS)}.", show_default=False)],
    output: Annotated[Path, typer.Option(help="A folder, new or of an earlier export.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Write a version's rows in a form that other trainers load; the folder can be pushed to a hub as it is."""
    with open_database() as (settings, connection):
        version = resolve(connection, spec)
    if not version.data:
        raise NotFound(f"{version.spec} has no rows; there is nothing to export")
    store = ObjectStore(settings.objects)
    source = Source(
        name=version.name,
        version=version.version,
        columns=tuple(store.schema(version.data[0].sha256).names),
        parts=(store.read(part.sha256) for part in version.data),
    )
    done = export_version(source, format, output)
    said = {"version": version.spec, "format": format, "folder": str(output), "rows": done.rows}
    emit(said | {"left_out": done.left_out, "files": list(done.files)}, as_json=as_json, title="exported")


@command
def confidence(
    spec: Annotated[str, typer.Argument(metavar="NAME[@V]", help="A published version, by number or tag.")],
    output: Annotated[Path, typer.Option(help="Where the rows go: .json, .jsonl or .parquet.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Write how sure a model was at every position of a version's responses, with the ids of their rows."""
    check_output(output)
    with open_database() as (settings, connection):
        version = resolve(connection, spec)
        store = ObjectStore(settings.objects)
        rows = rows_of(store, (part.sha256 for part in version.data))
        found = list(confidence_arrays(store, rows, measured_places(connection)))
    if not found:
        raise NotFound(
            f"no confidence of {version.spec} is recorded; "
            f"`evol run examples/rescore.yaml --set version={version.spec}` measures it"
        )
    write_table(output, found, ARRAYS)
    n_rows = sum(map(len, rows.values()))
    measured = {row["response_id"] for row in found if not row["reason"]}
    said = {"version": version.spec, "rows": n_rows, "measured": len(measured), "null": n_rows - len(measured)}
    emit(said | {"output": str(output)}, as_json=as_json, title="confidence")
