from typing import Any

from evol_core.evolve.auto.figure import shares, top_phrases


def row(phrase: str, n_methods: int, round: int = 0) -> dict[str, Any]:
    return {"phrase": phrase, "n_methods": n_methods, "round": round}


ARMS = {"small": [row("add limits", 3), row("use data", 1), row("use data", 4, 1)], "large": [row("ask why", 2)]}


def test_the_most_frequent_phrases_of_all_arms_come_first() -> None:
    assert top_phrases(ARMS) == ["use data", "add limits", "ask why"]


def test_shares_are_of_all_ways_of_an_arm_and_0_where_it_lists_none() -> None:
    assert shares(ARMS["small"], ["use data", "ask why"]) == [0.625, 0.0]
    assert shares([], ["use data"]) == [0.0]
