"""The table of operators. To add one: its module, its line here, its test."""

from collections.abc import Iterable, Mapping

from evol_core.evolve.operator import Operator
from evol_core.evolve.operators import breadth, concretize, constraints, deepen, reasoning

OPERATORS: Mapping[str, Operator] = {
    constraints.NAME: constraints,
    deepen.NAME: deepen,
    concretize.NAME: concretize,
    reasoning.NAME: reasoning,
    breadth.NAME: breadth,
}


def unknown_operators(names: Iterable[str]) -> str | None:
    """What is wrong with a list of operators; None where nothing is."""
    unknown = [name for name in names if name not in OPERATORS]
    return f"unknown operators {unknown}; known: {list(OPERATORS)}" if unknown else None
