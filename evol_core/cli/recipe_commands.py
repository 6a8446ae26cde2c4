"""Recipes on the command line: their form, and a check without a run."""

import json
from pathlib import Path
from typing import Annotated

import typer

from evol_core.cli.output import command
from evol_core.errors import RecipeError
from evol_core.recipe import DEFAULT_FLOW, RECIPES

RecipePath = Annotated[Path, typer.Argument(help="A recipe, YAML; examples/ holds some.", show_default=False)]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a field, for example evolve.rounds=2.")
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="What a recipe may say.")
    group.command("schema")(schema)
    app.add_typer(group, name="recipe")


@command
def schema(
    flow: Annotated[str, typer.Argument(help="A flow: " + ", ".join(RECIPES) + ".")] = DEFAULT_FLOW,
) -> None:
    """Print every field of a flow's recipe with its bounds, as a JSON schema."""
    if flow not in RECIPES:
        raise RecipeError(f"unknown flow {flow!r}; known: {sorted(RECIPES)}")
    print(json.dumps(RECIPES[flow].model_json_schema(), indent=2))
