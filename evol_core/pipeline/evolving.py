"""By which operators a build evolves, and how tokens are drawn for it: a table's, or the method that was chosen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evol_core.evolve.auto.method import Method
from evol_core.evolve.auto.operator import MethodOperator, schema_of
from evol_core.evolve.operator import Operator
from evol_core.evolve.operators import OPERATORS
from evol_core.pipeline.context import Build
from evol_core.recipe import AutoEvolRecipe, InstructRecipe
from evol_core.requests import Decoding


@dataclass(frozen=True, kw_only=True)
class Evolving:
    """What the evolver of a build is asked with."""

    operators: Mapping[str, Operator]
    """By the names that rows have for them."""

    decoding: Decoding


def evolving_of(build: Build[Any]) -> Evolving:
    """Of a build of either flow.

    Raises:
        JobFailed: its method is not chosen yet.
    """
    recipe = build.recipe
    if isinstance(recipe, AutoEvolRecipe):
        return by_method(recipe, chosen_method(build))
    assert isinstance(recipe, InstructRecipe), "only flows of rounds evolve"
    return Evolving(
        operators={name: OPERATORS[name] for name in recipe.evolve.operators},
        decoding=recipe.evolve.decoding.decoding(),
    )


def by_method(recipe: AutoEvolRecipe, method: Method) -> Evolving:
    operator = MethodOperator(method=method, form=recipe.evolve.reply)
    decoding = recipe.evolve.decoding.decoding(schema_of(recipe.evolve.reply))
    return Evolving(operators={operator.NAME: operator}, decoding=decoding)


def chosen_method(build: Build[Any]) -> Method:
    """The method that the optimiser's last step left as the best.

    Raises:
        JobFailed: it has not run.
    """
    return Method(text=build.outputs("optimise")[-1]["text"])
