"""Checks that several flows make of their recipes: parts by name, models. Nothing is started for them."""

from evol_core.config import Settings
from evol_core.errors import EvolError, RecipeError
from evol_core.pipeline.context import model_ref
from evol_core.recipe import Recipe


def check_models(recipe: Recipe, settings: Settings) -> None:
    """Every model of the recipe must be there, with the weights that it pins.

    Raises:
        ModelError: a model folder is missing, incomplete, or holds other weights than pinned.
    """
    for name, config in recipe.models.items():
        try:
            model_ref(config, settings)
        except EvolError as error:
            raise type(error)(f"models.{name}: {error}") from None


def check_names(field: str, problem: str | None) -> None:
    """Raise what a table of parts says of a recipe's names, if it says anything.

    Raises:
        RecipeError: it names the field.
    """
    if problem:
        raise RecipeError(f"{field}: {problem}")
