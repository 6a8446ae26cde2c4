"""Where rows come from and what came of them, on the command line."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from evol_core.cli.database import open_database
from evol_core.cli.output import AsJson, command, emit, emit_parts, say
from evol_core.cli.version_commands import OneVersion
from evol_core.errors import ConfigError, EvolError
from evol_core.lineage.checkpoint import checkpoint_lineage
from evol_core.lineage.graph import Graph
from evol_core.lineage.graph_formats import FORMATS
from evol_core.lineage.impact import model_impact, prompt_impact, seed_impact
from evol_core.lineage.row import row_lineage
from evol_core.lineage.story_graphs import checkpoint_graph, impact_graph, row_graph
from evol_core.pipeline.rebuild import rebuild_version
from evol_core.platform.settings import settings_from_environment


class Format(StrEnum):
    DOT = "dot"
    MERMAID = "mermaid"
    PROV = "prov"


AsGraph = Annotated[Format | None, typer.Option("--format", help="Print a graph: Graphviz, Mermaid, or PROV-JSON.")]


def register(app: typer.Typer) -> None:
    lineage = typer.Typer(no_args_is_help=True, help="Where rows come from and what came of them.")
    lineage.command("row")(row)
    lineage.command("impact")(impact)
    lineage.command("checkpoint")(checkpoint)
    lineage.command("rebuild")(rebuild)
    app.add_typer(lineage, name="lineage")


@command
def row(
    row_id: Annotated[str, typer.Argument(metavar="ID", help="An instruction_id or response_id.")],
    form: AsGraph = None,
    as_json: AsJson = False,
) -> None:
    """Tell a row's story: back to its seeds, forth to versions, training runs and checkpoints."""
    with open_database() as (_, connection):
        story = row_lineage(connection, row_id)
    if _is_printed(story, row_graph(story), form, as_json=as_json):
        return
    emit({**story["row"], "descendants": story["descendants"]}, as_json=False, title="row")
    history = [_history_row(step) for step in story["history"]]
    parts = ("outcomes", "versions", "training_runs", "descendants_in")
    emit_parts({"history": history, **{name: story[name] for name in parts}})


@command
def impact(
    seed: Annotated[str | None, typer.Option(metavar="ID", help="An instruction_id of a seed.")] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="A model that evolved, answered or scored.")] = None,
    prompt: Annotated[str | None, typer.Option(metavar="HASH", help="The beginning of a prompt's SHA-256.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Descendants to list at most; they are counted in full.")] = 1000,
    form: AsGraph = None,
    as_json: AsJson = False,
) -> None:
    """Tell what hangs on a seed, a model or a prompt: all descendants, versions, training runs and checkpoints."""
    asked = [(seed_impact, seed), (model_impact, model), (prompt_impact, prompt)]
    given = [(find, name) for find, name in asked if name is not None]
    if len(given) != 1:
        raise ConfigError(f"give one of --seed ID, --model NAME and --prompt HASH; {len(given)} were given")
    ((find, name),) = given
    with open_database() as (_, connection):
        found = find(connection, name, limit=limit)
    if _is_printed(found, impact_graph(found), form, as_json=as_json):
        return
    emit({**found["of"], "rows": found["n_rows"]}, as_json=False, title="impact")
    emit_parts({name: found[name] for name in ("uses", "versions", "checkpoints", "rows")})
    if found["n_rows"] > len(found["rows"]):
        say(f"{len(found['rows'])} of {found['n_rows']} rows are listed; --limit brings more")


@command
def checkpoint(
    checkpoint_id: Annotated[str, typer.Argument(metavar="ID", help="The SHA-256 over its weights, or its beginning.")],
    form: AsGraph = None,
    as_json: AsJson = False,
) -> None:
    """Tell what a checkpoint was trained on: versions, the versions behind them, models and seed sources."""
    with open_database() as (_, connection):
        story = checkpoint_lineage(connection, checkpoint_id)
    if _is_printed(story, checkpoint_graph(story), form, as_json=as_json):
        return
    emit(story["checkpoint"], as_json=False, title="checkpoint")
    emit_parts({name: story[name] for name in ("sources", "models", "seeds")})


@command
def rebuild(spec: OneVersion, as_json: AsJson = False) -> None:
    """Build a version again from recorded generations, with no engine, and hold it against what was published.

    Missing and damaged objects are written again. Nothing is published. Exits with 1 where an object differs.
    """
    with open_database():
        pass
    found = rebuild_version(settings_from_environment(), spec)
    emit(
        {
            "version": found.version,
            "identical": found.identical,
            "objects": found.objects,
            "restored": list(found.restored),
            "different": list(found.different),
            "requests_replayed": found.replayed,
            "engine_started": False,
            "built_by": found.built_by,
            "rebuilt_by": found.rebuilt_by,
        },
        as_json=as_json,
        title=f"{found.version}: {'the same, byte for byte' if found.identical else 'NOT the same'}",
    )
    if not found.identical:
        raise EvolError(
            f"{len(found.different)} of {found.objects} objects of {found.version} came out different; nothing was "
            f"published. It was built by code {found.built_by}, this is {found.rebuilt_by}: rebuild with that code"
        )


def _is_printed(story: dict[str, Any], graph: Graph, form: Format | None, *, as_json: bool) -> bool:
    """Print a story as JSON or as a graph, if that was asked for."""
    if form is not None:
        if as_json:
            raise ConfigError("give --json or --format, not both; --format prov is JSON, too")
        print(FORMATS[form](graph))
    elif as_json:
        emit(story, as_json=True)
    return as_json or form is not None


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
