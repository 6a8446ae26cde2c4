"""What models planned, on the command line: parse rates, the ways that they listed, a figure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from evol_core.cli.output import AsJson, command, emit, say
from evol_core.cli.ready import ready_database
from evol_core.errors import InputError
from evol_core.lineage.database import connect
from evol_core.lineage.rows_of import rows_of
from evol_core.lineage.versions import resolve

Versions = Annotated[list[str], typer.Argument(help="NAME or NAME@VERSION, built by Auto Evol-Instruct.")]

Figure = Annotated[Path | None, typer.Option("--figure", help="Draw them into this file (.png, .svg, .pdf).")]

FORMATS = (".png", ".svg", ".pdf")


def register(app: typer.Typer) -> None:
    app.command("trajectories")(trajectories)


@command
def trajectories(versions: Versions, figure: Figure = None, as_json: AsJson = False) -> None:
    """Say what share of replies was read, and which ways to make an instruction harder each version's model listed."""
    if figure is not None and figure.suffix not in FORMATS:
        raise InputError(f"--figure {figure}: its ending must be one of {list(FORMATS)}")
    engine = connect(ready_database().database_url)
    try:
        with engine.connect() as connection:
            found = [arm_of(connection, spec) for spec in versions]
    finally:
        engine.dispose()
    if figure is not None:
        draw(found, figure)
        say(f"wrote {figure}")
    emit(found if as_json else [row for arm in found for row in _lines(arm)], as_json=as_json, title="Trajectories")


def arm_of(connection: Any, spec: str) -> dict[str, Any]:
    """A version's parse rates, numbers of different ways, and phrases.

    Raises:
        NotFound: there is no such version.
        InputError: it was not built by Auto Evol-Instruct.
    """
    version = resolve(connection, spec, published_only=False)
    of = {"name": version.name, "version": version.version}
    where = "WHERE dataset = :name AND version = :version"
    rates = rows_of(connection, f"SELECT * FROM analytics.parse_rates {where}", **of)
    if not rates:
        raise InputError(f"{version.spec} has no trajectories; versions of flow auto_evol have some")
    return {
        "version": version.spec,
        "parse_rates": rates,
        "diversity": rows_of(connection, f"SELECT * FROM analytics.trajectory_diversity {where} ORDER BY round", **of),
        "phrases": rows_of(
            connection, f"SELECT * FROM analytics.trajectory_phrases {where} ORDER BY n_methods DESC, phrase", **of
        ),
    }


def draw(arms: Sequence[Mapping[str, Any]], path: Path) -> None:
    """The figure of what arm_of says of some versions.

    Raises:
        InputError: none of them listed any way.
    """
    from evol_core.compare.figures.style import look  # brings matplotlib
    from evol_core.compare.figures.trajectories import draw_ways

    with look():
        drawn = draw_ways({arm["version"]: ways_of(arm) for arm in arms})
        if isinstance(drawn, str):
            raise InputError(f"--figure {path}: nothing to draw: {drawn}")
        drawn.savefig(path, dpi=150, facecolor="white")


def ways_of(arm: Mapping[str, Any]) -> dict[int, dict[str, int]]:
    """How many ways an arm listed, by round and phrase."""
    rounds: dict[int, dict[str, int]] = {}
    for row in sorted(arm["phrases"], key=lambda row: row["round"]):
        rounds.setdefault(row["round"], {})[row["phrase"]] = row["n_methods"]
    return rounds


def _lines(arm: dict[str, Any]) -> list[dict[str, Any]]:
    (rate, *_) = arm["parse_rates"]
    head = {"version": arm["version"], "parse_rate": rate["parse_rate"]}
    names = ("round", "phrase", "n_methods", "n_spellings", "share")
    return [head | {name: row[name] for name in names} for row in arm["phrases"][:20]] or [head]
