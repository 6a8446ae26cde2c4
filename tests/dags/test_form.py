import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from evol_core.airflow.form import fields, flatten, recipe_from
from evol_core.errors import RecipeError
from evol_core.recipe import InstructRecipe, read_recipe

BASE = """\
name: base
seeds: [{path: seeds.jsonl, limit: 8}]
evolve: {rounds: 1}
models: {default: {path: smollm2}, judge: {path: big, size_class: llm}}
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base.yaml"
    path.write_text(BASE)
    return path


def filled(values: dict[str, Any], shown: dict[str, Any], base: Path) -> InstructRecipe:
    recipe = recipe_from(values, shown, base)
    assert isinstance(recipe, InstructRecipe)
    return recipe


def shown_of(base: Path) -> dict[str, Any]:
    return flatten(read_recipe(base))


def test_an_untouched_form_is_the_base_recipe(base: Path) -> None:
    shown = shown_of(base)

    assert recipe_from({**shown, "recipe": None}, shown, base) == read_recipe(base)


def test_every_leaf_of_a_recipe_is_on_the_form(base: Path) -> None:
    """What flatten leaves out can only be what has one legal value."""
    data = read_recipe(base).model_dump(mode="json")

    def leaves(part: dict[str, Any], path: str = "") -> set[str]:
        found = set()
        for name, value in part.items():
            nested = isinstance(value, dict) and name != "models"
            found |= leaves(value, f"{path}{name}.") if nested else {f"{path}{name}"}
        return found

    assert leaves(data) - set(flatten(read_recipe(base))) == {"flow"}


CHANGES: dict[str, Any] = {
    "name": "other",
    "seed": 7,
    "seeds": [{"path": "/s/lines.txt", "format": "lines", "licence": "MIT", "limit": None}],
    "models": {"default": {"path": "tiny", "engine": "vllm"}},
    "evolve.operators": ["breadth"],
    "evolve.decoding.temperature": 0.0,
    "evolve.acceptance.same_language": False,
    "respond.keep_truncated": True,
    "score.metrics": ["length_chars"],
    "gates.min_rows": 5,
    "shards": 4,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_field_changes_the_recipe(base: Path, name: str) -> None:
    shown = shown_of(base)

    recipe = recipe_from({**shown, name: CHANGES[name]}, shown, base)

    changed = flatten(recipe)
    assert {field for field in shown if changed[field] != shown[field]} == {name}


def test_another_recipe_takes_the_place_of_the_base_and_changed_fields_hold(base: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "recipe.yaml"
    other.parent.mkdir()
    other.write_text("name: other\nseeds: [{path: mine.txt}]\nevolve: {rounds: 5}\nshards: 3\n")
    shown = shown_of(base)

    recipe = filled({**shown, "recipe": str(other), "shards": 2}, shown, base)

    assert (recipe.name, recipe.evolve.rounds, recipe.shards) == ("other", 5, 2)
    assert recipe.seeds[0].path == str(tmp_path / "other/mine.txt")


def test_a_whole_recipe_as_json_is_taken_as_it_is(base: Path) -> None:
    shown = shown_of(base)
    whole = {"name": "json", "seeds": [{"path": "/s/mine.txt"}], "evolve": {"rounds": 0}}

    for given in (whole, json.dumps(whole)):
        assert recipe_from({**shown, "recipe": given}, shown, base) == InstructRecipe.model_validate(whole)


def test_broken_json_says_where(base: Path) -> None:
    shown = shown_of(base)

    with pytest.raises(RecipeError, match=r"recipe: this is no JSON: .*line 1 column 10.*; correct it, or give a file"):
        recipe_from({**shown, "recipe": '{"name": }'}, shown, base)


def test_relative_seeds_lie_beside_the_base_recipe(base: Path) -> None:
    shown = shown_of(base)

    recipe = filled({**shown, "seeds": [{"path": "more.txt"}]}, shown, base)

    assert recipe.seeds[0].path == str(base.parent / "more.txt")


def test_a_wrong_value_is_named_with_what_is_allowed(base: Path) -> None:
    shown = shown_of(base)

    with pytest.raises(RecipeError, match=r"the form: .*\n  evolve\.rounds: .*greater than or equal to 0; got -1"):
        recipe_from({**shown, "evolve.rounds": -1}, shown, base)


def test_a_recipe_that_is_no_recipe_is_refused(base: Path) -> None:
    shown = shown_of(base)

    with pytest.raises(RecipeError, match=r"recipe: must be a file's path, a recipe as JSON, or empty; got 7"):
        recipe_from({**shown, "recipe": 7}, shown, base)


def test_fields_have_bounds_sections_and_words() -> None:
    by_name = {field.name: field for field in fields(InstructRecipe)}

    rounds = by_name["evolve.rounds"]
    assert (rounds.section, dict(rounds.schema)) == ("Evolve", {"type": "integer", "minimum": 0, "maximum": 100})
    assert by_name["score.form"].schema["enum"] == ["plain", "chat"]
    assert by_name["shards"].description == "Parts that are built apart; changes no row"
    assert by_name["seeds"].schema["items"] == {"type": "object"}


def test_the_dags_form_refuses_what_is_out_of_bounds(dag_bag: Any) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    params = deepcopy(dag_bag.dags["evol_instruct"].params)
    params["evolve.rounds"] = 2
    params["evolve.operators"] = ["breadth"]
    params["recipe"] = "/r/mine.yaml"
    params.validate()

    with pytest.raises(ParamValidationError, match="deepn"):
        params["evolve.operators"] = ["deepn"]
    with pytest.raises(ParamValidationError, match="-1"):
        params["evolve.rounds"] = -1
