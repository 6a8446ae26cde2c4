"""Figures of versions and a check of printed scores, on the command line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from evol_core.cli.output import AsJson, command, emit, say
from evol_core.compare.plausible import Checked, check_cell, read_cells
from evol_core.errors import ConfigError, InputError
from evol_core.lineage.comparisons import verdict_objects
from evol_core.lineage.database import connect
from evol_core.lineage.migrate import check_schema
from evol_core.lineage.versions import Version, resolve
from evol_core.pipeline.comparing import arm_of, check_parents, read_rows
from evol_core.platform.settings import settings_from_environment
from evol_core.store.objects import ObjectStore

MOST_ARMS = 4
"""Versions that one figure tells apart."""


def register(app: typer.Typer) -> None:
    app.command("figures")(figures)
    app.command("plausible")(plausible)


@command
def figures(
    specs: Annotated[
        list[str], typer.Argument(metavar="NAME[@V] ...", help="One version, or several to be drawn together.")
    ],
    output: Annotated[Path, typer.Option(help="The folder that the figures go to.", show_default=False)],
    label: Annotated[
        list[str] | None, typer.Option(help="What to call a version, once each in their order; default: its name.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Of the bootstrap intervals.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Draw every figure that the versions' stored scores give, as PNG and SVG; asks no model."""
    if len(specs) > MOST_ARMS:
        raise ConfigError(f"at most {MOST_ARMS} versions are drawn together, got {len(specs)}")
    labels = label or []
    if labels and len(labels) != len(specs):
        raise ConfigError(f"--label is given {len(labels)} times for {len(specs)} versions; give one each, or none")
    from evol_core.compare.figures import draw_all  # brings matplotlib
    from evol_core.compare.folder import write_figures
    from evol_core.compare.material import Material

    settings = settings_from_environment()
    store = ObjectStore(settings.objects)
    versions, judged = _found(settings.database_url, specs)
    names = labels or [version.spec for version in versions]
    material = Material(
        arms=tuple(arm_of(version, name, store) for version, name in zip(versions, names, strict=True)),
        verdicts=tuple(read_rows(store, judged)),
        resamples=resamples,
        seed=seed,
    )
    drawings = draw_all(material)
    files = write_figures(output, drawings)
    rows = [
        {"figure": one.name, "title": one.title, "drawn": bool(one.files), "reason": one.reason} for one in drawings
    ]
    emit(rows, as_json=as_json, title=", ".join(names))
    say(f"{len(files)} files in {output}")


def _found(database_url: str, specs: Sequence[str]) -> tuple[list[Version], list[str]]:
    """The versions, and the objects with the verdicts on the first two."""
    engine = connect(database_url)
    try:
        check_schema(engine)
        with engine.connect() as connection:
            versions = [resolve(connection, spec) for spec in specs]
            for version in versions:
                if version.kind != "dataset":
                    raise InputError(f"{version.spec} holds {version.kind}; figures are made of datasets")
            check_parents(connection, versions)
            judged = verdict_objects(connection, *versions[:2]) if len(versions) > 1 else []
    finally:
        engine.dispose()
    return versions, judged


@command
def plausible(
    table: Annotated[
        Path, typer.Argument(help="Scores: .csv or .json with the columns percent, n, decimals.", show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    """Name the scores that no number of right items gives; exits with 1 where there is one."""
    checked = [check_cell(cell) for cell in read_cells(table)]
    wrong = [one for one in checked if one.k is None]
    if as_json or wrong:
        emit([_row(one) for one in (checked if as_json else wrong)], as_json=as_json, title=f"{table}: not k/n")
    say(f"{len(wrong)} of {len(checked)} cells are not reachable")
    if wrong:
        raise typer.Exit(1)


def _row(one: Checked) -> dict[str, Any]:
    return {
        "cell": one.cell.name,
        "percent": str(one.cell.percent),
        "n": one.cell.n,
        "decimals": one.cell.decimals,
        "k": one.k,
        "nearest": [str(value) for value in one.nearest],
    }
