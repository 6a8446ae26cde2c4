"""Two arms brought to one size, on the command line."""

from pathlib import Path
from typing import Annotated

import typer

from evol_core.cli.database import open_database
from evol_core.cli.output import AsJson, command, emit
from evol_core.errors import InputError
from evol_core.lineage.versions import resolve
from evol_core.pipeline.comparing import check_parents
from evol_core.pipeline.equal_arms import ArmRows, equal_arms, file_rows, version_rows
from evol_core.store.files import io_errors
from evol_core.store.objects import ObjectStore
from evol_core.store.plain_rows import ENDINGS, write_chosen, write_json

Arm = Annotated[str, typer.Argument(help="NAME[@V], or a file of rows.", show_default=False)]


def register(app: typer.Typer) -> None:
    app.command("equalise")(equalise)


@command
def equalise(
    a: Arm,
    b: Arm,
    output: Annotated[Path, typer.Option(help="A folder for both arms and equalise.jsonl.", show_default=False)],
    seed: Annotated[int, typer.Option(min=0, help="Of the sample.")] = 0,
    by: Annotated[
        list[str] | None,
        typer.Option(help="A column that pairs rows, once or more; default: seed_id and round, or parent_id."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write two arms with as many rows as the smaller has: a seeded sample of the larger, rows of shared parents first.

    The smaller arm, and arms of one size, stay as they are. The same rows and seed give the same files, in any order.
    """
    arms = _arms(a, b)
    kept = equal_arms(*arms, by=by or (), seed=seed)
    with io_errors(output, "write"):
        output.mkdir(parents=True, exist_ok=True)
    said = {"seed": seed, "by": list(kept.by), "paired": kept.paired}
    for side, arm, numbers in (("a", arms[0], kept.a), ("b", arms[1], kept.b)):
        path = output / f"{side}{arm.ending}"
        write_chosen(path, arm.rows, numbers)
        said[side] = {"arm": arm.label, "rows": len(arm.rows.values), "kept": len(numbers), "file": str(path)}
    write_json(output / "equalise.jsonl", [said])
    emit(said, as_json=as_json, title="equalised")


def _arms(a: str, b: str) -> tuple[ArmRows, ArmRows]:
    files = [_is_file(name) for name in (a, b)]
    if files == [True, True]:
        return file_rows(Path(a)), file_rows(Path(b))
    if any(files):
        raise InputError(
            f"{a} and {b}: one is a file and the other a version; export the version, or name two versions"
        )
    with open_database() as (settings, connection):
        versions = [resolve(connection, spec) for spec in (a, b)]
        check_parents(connection, versions)
    store = ObjectStore(settings.objects)
    return version_rows(versions[0], store), version_rows(versions[1], store)


def _is_file(name: str) -> bool:
    return Path(name).suffix.lower() in ENDINGS
