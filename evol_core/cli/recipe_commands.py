"""Recipes on the command line: their form, and a check without a run."""

import json
from pathlib import Path
from typing import Annotated

import typer

from evol_core.cli.output import command
from evol_core.recipe import Recipe

RecipePath = Annotated[Path, typer.Argument(help="A recipe, YAML; examples/ holds some.", show_default=False)]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a field, for example evolve.rounds=2.")
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="What a recipe may say.")
    group.command("schema")(schema)
    app.add_typer(group, name="recipe")


@command
def schema() -> None:
    """Print every field of a recipe with its bounds, as a JSON schema."""
    print(json.dumps(Recipe.model_json_schema(), indent=2))
