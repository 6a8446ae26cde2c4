"""Training on the command line."""

import typer

from evol_core.cli.build_commands import run_recipe
from evol_core.cli.output import AsJson, command, emit
from evol_core.cli.ready import ready_recipe
from evol_core.cli.recipe_commands import Overrides, RecipePath
from evol_core.errors import RecipeError
from evol_core.recipe import SftRecipe


def register(app: typer.Typer) -> None:
    app.command("sft")(sft)


@command
def sft(recipe: RecipePath, set_: Overrides = None, as_json: AsJson = False) -> None:
    """Train a model on a published version; a no-op where the same was trained before, and resumed where it broke."""
    checked, settings = ready_recipe(recipe, set_)
    if not isinstance(checked, SftRecipe):
        raise RecipeError(f"{recipe} is of flow {checked.flow!r}; `evol sft` takes flow sft, as in examples/sft.yaml")
    said = run_recipe(checked, settings)
    shown = {name: value for name, value in said.items() if not name.startswith(("requests_", "tokens", "engine_"))}
    title = f"{checked.name}: trained" if said["trained"] else f"{checked.name}: was trained before, nothing to do"
    emit(shown, as_json=as_json, title=title)
