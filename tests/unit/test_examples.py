from pathlib import Path

import pytest

from evol_core.config import PROJECT_ROOT
from evol_core.evolve.operators import unknown_operators
from evol_core.pipeline import FLOWS
from evol_core.recipe import InstructRecipe, read_recipe
from evol_core.score.metrics import METRICS, unknown_metrics
from evol_core.seed import check_sources, read_seeds

OF_A_DEMO = {"nothing", "judge", "scorer"}

EXAMPLES = PROJECT_ROOT / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_is_a_recipe_of_a_flow(path: Path) -> None:
    assert read_recipe(path).flow in FLOWS


@pytest.mark.parametrize("name", ["demo.yaml", "gsm8k.yaml"])
def test_the_examples_of_evol_instruct_name_parts_that_there_are(name: str) -> None:
    recipe = read_recipe(EXAMPLES / name)
    assert isinstance(recipe, InstructRecipe)

    assert unknown_operators(recipe.evolve.operators) is None
    assert unknown_metrics(recipe.score.metrics) is None


def test_the_demo_evolves_64_clean_seeds_by_lengths_difficulty_and_losses() -> None:
    recipe = read_recipe(EXAMPLES / "demo.yaml")
    assert isinstance(recipe, InstructRecipe)
    check_sources(recipe.seeds)

    with read_seeds(recipe.seeds) as batch:
        assert (batch.n_seeds, batch.n_refused) == (64, 0)
        assert sum(1 for seed in batch.seeds() if seed.instruction.input) == 16
    assert set(recipe.score.metrics) == {name for name, metric in METRICS.items() if metric.asks in OF_A_DEMO}
