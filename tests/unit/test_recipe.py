"""A recipe says what to build, or says plainly what is wrong with it."""

from pathlib import Path

import pytest

from evol_core.errors import RecipeError
from evol_core.recipe import FileScoring, InstructRecipe, Recipe, parse_recipe, read_recipe
from evol_core.requests import Decoding


def read(path: Path, *overrides: str) -> InstructRecipe:
    recipe = read_recipe(path, overrides)
    assert isinstance(recipe, InstructRecipe)
    return recipe


MINIMAL = {"name": "demo", "seeds": [{"path": "seeds.jsonl"}]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"evolve": {"rounds": -1}}, "evolve.rounds: Input should be greater than or equal to 0; got -1"),
        ({"evolve": {"round": 1}}, "evolve.round: no such field; got 1"),
        ({"name": "My Data"}, "name: String should match pattern"),
        ({"seeds": []}, "seeds: Tuple should have at least 1 item"),
        ({"flow": "evolve"}, "flow: unknown flow 'evolve'; known: ["),
        ({"respond": {"model": "large"}}, "respond.model names the model 'large'; models has ['default']"),
        ({"select": {"percent": 25}}, "select: percent 25 has nothing to rank the rows by; name a metric in by"),
        ({"select": {"by": "reward_response"}}, "select.by asks 'reward_response', which score.metrics does not have"),
        (
            {"select": {"at_most": {"difficulty": 4}}},
            "select.at_most.difficulty asks 'difficulty', which score.metrics does not have; add it there",
        ),
        ({"gates": {"max_contaminated": 0.1}}, "nothing is looked for: name the benchmarks' files in decontaminate"),
        (
            {"models": {"default": {"trust_remote_code": True}}},
            "models.default: trust_remote_code runs code from the model folder: pin it by setting revision as well",
        ),
    ],
)
def test_a_wrong_field_is_named_with_its_value_and_what_is_allowed(change: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(MINIMAL | change, origin="demo.yaml")

    assert message in str(caught.value)
    assert str(caught.value).startswith("demo.yaml: ")
    assert "evol recipe schema" in str(caught.value)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(RecipeError, match="name: is required and not given"):
        parse_recipe({"seeds": [{"path": "a"}]}, origin="x")


def test_what_is_no_mapping_is_no_recipe() -> None:
    with pytest.raises(RecipeError, match="a recipe is a mapping of fields, got list"):
        parse_recipe([], origin="x")


def test_seed_paths_are_taken_from_the_recipes_folder(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("name: demo\nseeds: [{path: seeds.jsonl}]\n")

    assert read(path).seeds[0].path == str(tmp_path / "seeds.jsonl")


def test_overrides_reach_into_fields_and_lists(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("name: demo\nseeds: [{path: a}]\n")

    recipe = read(path, "evolve.rounds=1", "seeds.0.limit=5", "evolve.operators=[deepen]")

    assert (recipe.evolve.rounds, recipe.seeds[0].limit, recipe.evolve.operators) == (1, 5, ("deepen",))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("rounds", "write it as key.subkey=value"),
        ("seeds.3.limit=1", "'3' is no item of a list of 1"),
        ("name.first=1", "'name' holds 'demo', which has no fields"),
    ],
)
def test_an_override_that_leads_nowhere_is_refused(tmp_path: Path, override: str, message: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("name: demo\nseeds: [{path: a}]\n")

    with pytest.raises(RecipeError, match=message):
        read_recipe(path, (override,))


@pytest.mark.parametrize(("text", "message"), [("a: [", "is not YAML"), (None, "does not exist; examples/ holds")])
def test_an_unreadable_recipe_says_why(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "r.yaml"
    if text is not None:
        path.write_text(text)

    with pytest.raises(RecipeError, match=message):
        read_recipe(path)


def recipe(**changes: object) -> Recipe:
    return parse_recipe(MINIMAL | changes, origin="test")


def test_what_a_recipe_leaves_open_is_as_in_the_paper() -> None:
    found = recipe()

    assert isinstance(found, InstructRecipe)
    assert found.evolve.operators == ("constraints", "deepen", "concretize", "reasoning", "breadth")
    for decoding in (found.evolve.decoding, found.respond.decoding):
        assert decoding.decoding() == Decoding(temperature=0.7, top_p=0.95, max_tokens=2048)
    assert found.score.form == "plain"
    assert FileScoring().models[FileScoring().score.embedder].path == "all-mpnet-base-v2"


def test_greedy_decoding_can_be_said() -> None:
    found = recipe(evolve={"decoding": {"temperature": 0}})

    assert isinstance(found, InstructRecipe)
    assert found.evolve.decoding.decoding().temperature == 0


def test_the_hash_covers_what_decides_the_rows_and_nothing_else() -> None:
    base = recipe()

    assert recipe(shards=7).hash == base.hash
    assert recipe(seeds=[{"path": "elsewhere.jsonl"}]).hash == base.hash
    assert recipe(models={"default": {"path": "smollm2", "max_num_seqs": 8}}).hash == base.hash
    assert recipe(seed=1).hash != base.hash
    assert recipe(evolve={"rounds": 1}).hash != base.hash


def test_a_recipe_that_was_written_down_before_a_field_came_keeps_its_hash() -> None:
    recipe = parse_recipe({"name": "evol", "flow": "evol_instruct", "seeds": [{"path": "a.txt"}]}, origin="test")
    today = recipe.model_dump(mode="json")
    before = {name: value for name, value in today.items() if name != "select"}

    assert type(recipe).hash_of(today) == recipe.hash
    assert type(recipe).hash_of({**before, "seeds": [], "shards": 7}) == type(recipe).hash_of(before) != recipe.hash
