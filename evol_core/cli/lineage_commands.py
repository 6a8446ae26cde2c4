"""Where rows come from and what came of them, on the command line."""

from typing import Annotated, Any

import typer

from evol_core.cli.database import open_database
from evol_core.cli.output import AsJson, command, emit, emit_parts
from evol_core.lineage.row import row_lineage


def register(app: typer.Typer) -> None:
    lineage = typer.Typer(no_args_is_help=True, help="Where rows come from and what came of them.")
    lineage.command("row")(row)
    # One command alone would take the group's place; a callback keeps the group.
    lineage.callback()(lambda: None)
    app.add_typer(lineage, name="lineage")


@command
def row(
    row_id: Annotated[str, typer.Argument(metavar="ID", help="An instruction_id or response_id.")],
    as_json: AsJson = False,
) -> None:
    """Tell a row's story: back to its seeds, forth to versions and checkpoints."""
    with open_database() as (_, connection):
        story = row_lineage(connection, row_id)
    if as_json:
        emit(story, as_json=True)
        return
    emit({**story["row"], "descendants": story["descendants"]}, as_json=False, title="row")
    history = [_history_row(step) for step in story["history"]]
    emit_parts({"history": history, **{name: story[name] for name in ("outcomes", "versions", "checkpoints")}})


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
