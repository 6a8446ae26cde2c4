from typing import Any

import pytest

from evol_core.errors import RecipeError
from evol_core.recipe import ARMS, AutoEvolRecipe, CompareArmsRecipe, EvolveConfig, InstructRecipe, parse_recipe
from evol_core.recipe.compare_arms import ArmEvolveConfig


def recipe(**changes: Any) -> CompareArmsRecipe:
    data: dict[str, Any] = {
        "name": "sizes",
        "flow": "compare_arms",
        "seed": 3,
        "seeds": [{"path": "seeds.jsonl"}],
        "models": {"small": {}, "large": {"path": "big", "size_class": "llm"}, "default": {}},
    }
    found = parse_recipe(data | changes, origin="r.yaml")
    assert isinstance(found, CompareArmsRecipe)
    return found


def test_arms_differ_in_name_and_evolver_alone() -> None:
    a, b = recipe().arm("a"), recipe().arm("b")

    assert (a.name, a.evolve.model, b.name, b.evolve.model) == ("sizes-small", "small", "sizes-large", "large")
    said = [one.model_dump(exclude={"name": True, "models": True, "evolve": {"model"}}) for one in (a, b)]
    assert said[0] == said[1]
    assert a.seed == 3


def test_an_arm_evolves_by_all_that_a_build_says_but_its_model() -> None:
    whole, arm = (kind.model_json_schema()["properties"] for kind in (EvolveConfig, ArmEvolveConfig))
    assert arm == {name: said for name, said in whole.items() if name != "model"}


def test_an_arm_is_a_recipe_that_stands_for_itself() -> None:
    arm = recipe().arm("b")
    again = parse_recipe(arm.model_dump(mode="json"), origin="arm")

    assert isinstance(again, InstructRecipe)
    assert again.hash == arm.hash
    assert set(arm.models) == {"large", "default"}, "only the models that this arm asks"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"arms": {"a": "small", "b": "small"}},
            "both name the model 'small' and evolve by the operators; a comparison",
        ),
        (
            {"arms": {"a": "small", "b": "small", "a_method": "base", "b_method": "base"}},
            "both name the model 'small' and evolve by 'base'; a comparison needs two evolvers",
        ),
        ({"arms": {"a_method": "rivers"}}, "arms.a_method: String should match pattern.*got 'rivers'"),
        ({"analyse": {"model": "nobody"}}, "analyse.model names the model 'nobody'"),
        ({"arms": {"a": "tiny", "b": "large"}}, "arms.a names the model 'tiny'"),
        ({"judge": {"model": "nobody"}}, "judge.model names the model 'nobody'"),
        ({"name": "x" * 60}, "a name has at most 63 characters"),
        ({"arms": {"a": "small", "b": "large", "c": "default"}}, "arms.c: no such field"),
    ],
)
def test_what_is_no_comparison_is_refused_by_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe(**changes)


def test_an_arm_with_a_method_is_a_recipe_of_auto_evol_that_optimises_nothing() -> None:
    arms = {"a": "small", "b": "large", "b_method": "rivers@0123456789ab", "reply": "headings"}
    evolve = {"rounds": 2, "decoding": {"max_tokens": 64}, "acceptance": {"max_added_words": 9}}
    whole = recipe(arms=arms, evolve=evolve, analyse={"model": "small"})
    a, b = whole.arm("a"), whole.arm("b")

    assert isinstance(a, InstructRecipe)
    assert isinstance(b, AutoEvolRecipe)
    assert (b.evolve.method, b.evolve.reply, b.optimise.steps) == ("rivers@0123456789ab", "headings", 0)
    shared = ("rounds", "decoding", "acceptance")
    assert [getattr(b.evolve, name) for name in shared] == [getattr(a.evolve, name) for name in shared]
    assert set(b.models) == {"large", "small", "default"}
    assert parse_recipe(b.model_dump(mode="json"), origin="arm").hash == b.hash


def test_two_arms_of_one_model_that_differ_in_their_methods_are_told_apart_by_their_letters() -> None:
    whole = recipe(arms={"a": "small", "b": "small", "b_method": "base"})

    assert [whole.dataset(arm) for arm in ARMS] == ["sizes-small-a", "sizes-small-b"]
