"""A recipe as a flat form: one field a leaf, named by its path (`evolve.rounds`), with the schema's bounds.

Lists and tables of objects (seeds, models) are one field each, in JSON. So a form says all that a recipe can say.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evol_core.errors import RecipeError
from evol_core.recipe import Recipe, parse_recipe, read_recipe

Data = Mapping[str, Any]

RECIPE = "recipe"
"""The field that names another recipe than the form's own."""

_BOUNDS = (
    *("enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("pattern", "minLength", "maxLength", "items", "minItems", "maxItems"),
)
"""What a schema may say of a value beside its type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One entry of the form."""

    name: str
    description: str
    section: str
    """The part of the recipe that it belongs to; empty for the recipe's own fields."""

    schema: Data
    """JSON schema: type and bounds."""


def fields(kind: type[Recipe]) -> list[Field]:
    """Every field of a flow's recipe that has a choice, in the order of the recipe."""
    schema = kind.model_json_schema()
    return list(_fields(schema, schema.get("$defs", {}), ()))


def _fields(schema: Data, definitions: Data, path: tuple[str, ...]) -> Iterator[Field]:
    for name, said in schema["properties"].items():
        inner = definitions[said["$ref"].rpartition("/")[2]] if "$ref" in said else said
        where = (*path, name)
        if "properties" in inner:
            yield from _fields(inner, definitions, where)
        elif "const" not in inner:
            yield Field(
                name=".".join(where),
                description=inner.get("description", ""),
                section=where[0].capitalize() if path else "",
                schema=_type_and_bounds(inner),
            )


def _type_and_bounds(said: Data) -> dict[str, Any]:
    """Without references: what an object in a list or table must look like, the recipe itself checks."""
    options = said.get("anyOf", [said])
    types = [option.get("type", "object") for option in options]
    bounds: dict[str, Any] = {key: option[key] for option in options for key in _BOUNDS if key in option}
    if "$ref" in bounds.get("items", {}):
        bounds["items"] = {"type": "object"}
    return {"type": types[0] if len(types) == 1 else types, **bounds}


def flatten(recipe: Recipe) -> dict[str, Any]:
    """A recipe's plain data by the form's names."""
    data = recipe.model_dump(mode="json")
    return {field.name: _at(data, field.name.split(".")) for field in fields(type(recipe))}


def _at(data: Any, path: list[str]) -> Any:
    for key in path:
        data = data[key]
    return data


def recipe_from(values: Data, shown: Data, base: Path) -> Recipe:
    """The recipe that a filled form describes.

    Where `recipe` names a file or holds a recipe, that one is taken, and only the fields that differ from what
    the form had shown are set on top of it.

    Args:
        values: every field's value, by name.
        shown: what the form had shown.
        base: the file of the recipe that the form is made from.

    Raises:
        RecipeError: it names each wrong field, its value and what is allowed.
    """
    chosen = values.get(RECIPE)
    recipe = _chosen(chosen, base)
    data = recipe.model_dump(mode="json")
    for name, value in values.items():
        if name in shown and name != RECIPE and value != shown[name]:
            _set(data, name.split("."), value)
    return parse_recipe(data, origin="the form").from_folder(base.resolve().parent)


def _chosen(chosen: object, base: Path) -> Recipe:
    if chosen is None or chosen == "":
        return read_recipe(base)
    if isinstance(chosen, str) and chosen.lstrip().startswith("{"):
        chosen = _json(chosen)
    if isinstance(chosen, str):
        return read_recipe(Path(chosen).expanduser())
    if isinstance(chosen, Mapping):
        return parse_recipe(dict(chosen), origin="the form's recipe")
    raise RecipeError(f"recipe: must be a file's path, a recipe as JSON, or empty; got {chosen!r}")


def _json(text: str) -> object:
    """What somebody typed into the form's text field."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise RecipeError(f"recipe: this is no JSON: {error}; correct it, or give a file's path") from None


def _set(data: dict[str, Any], path: list[str], value: Any) -> None:
    *parents, last = path
    for key in parents:
        data = data[key]
    data[last] = value
