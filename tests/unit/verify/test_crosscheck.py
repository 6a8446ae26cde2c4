"""Who is kept under which policy; the order of checkers and cases plays no part."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evol_core.errors import ConfigError
from evol_core.verify.crosscheck import POLICIES, CrossCheck, crosscheck, policy_named

UPSTREAM, SCRIPTS, MAJORITY = (POLICIES[name] for name in ("upstream", "paper_scripts", "majority"))

TABLES = st.integers(0, 12).flatmap(
    lambda n_cases: st.lists(st.lists(st.booleans(), min_size=n_cases, max_size=n_cases), max_size=6).map(
        lambda rows: (n_cases, rows)
    )
)


def table(*rows: str) -> list[list[bool]]:
    """Rows of + (agrees) and - (does not)."""
    return [[mark == "+" for mark in row] for row in rows]


def test_upstream_keeps_a_case_that_one_checker_agrees_with_and_a_checker_from_four_in_five() -> None:
    result = crosscheck(table("++++++++--+", "++++++++++-", "++++++++---"), UPSTREAM, n_cases=11)

    assert result.cases == (True,) * 11
    assert result.accuracies == (9 / 11, 10 / 11, 8 / 11)
    assert result.checkers == (True, True, False)
    assert result.reason == ""


def test_exactly_four_in_five_is_enough() -> None:
    result = crosscheck(table("++++++++--", "++++++++++", "+++++++---"), UPSTREAM, n_cases=10)

    assert result.checkers == (True, True, False)


def test_a_case_that_nobody_agrees_with_does_not_count() -> None:
    result = crosscheck(table("++++-", "+++--", "++---"), SCRIPTS, n_cases=5)

    assert result.cases == (True, True, True, True, False)
    assert result.accuracies == (1.0, 0.75, 0.5)


@pytest.mark.parametrize(
    ("rows", "n_cases", "reason"),
    [
        (table("+" * 10, "+" * 10), 10, "too_few_functions"),
        (table("+" * 9, "+" * 9, "+" * 9), 9, "too_few_cases"),
        (table("", "", ""), 0, "too_few_cases"),
        ([], 12, "too_few_functions"),
        (table("-" * 10, "-" * 10, "-" * 10), 10, "no_case_kept"),
        (table("+++----+++", "---++++---", "+-+-+-+-+-"), 10, "no_function_kept"),
    ],
)
def test_upstream_says_why_nothing_is_kept(rows: list[list[bool]], n_cases: int, reason: str) -> None:
    result = crosscheck(rows, UPSTREAM, n_cases=n_cases)

    assert result.reason == reason
    assert not any(result.checkers)


def test_the_papers_scripts_have_no_minimum() -> None:
    assert crosscheck(table("+"), SCRIPTS, n_cases=1).checkers == (True,)
    assert crosscheck([], SCRIPTS, n_cases=0).reason == "too_few_functions"


def test_a_majority_is_more_than_half() -> None:
    result = crosscheck(table("++--", "+-+-"), MAJORITY, n_cases=4)

    assert result.cases == (True, False, False, False)
    assert result.checkers == (True, True)

    half = crosscheck(table("+-", "++", "-+"), MAJORITY, n_cases=2)
    assert half.accuracies == (0.5, 1.0, 0.5)
    assert half.checkers == (False, True, False)


def test_accuracy_on_nothing_is_nothing() -> None:
    assert crosscheck(table("-"), SCRIPTS, n_cases=1) == CrossCheck((False,), (False,), (None,), "no_case_kept")


@given(TABLES, st.sampled_from(sorted(POLICIES)), st.randoms(use_true_random=False))
def test_order_plays_no_part(sized: tuple[int, list[list[bool]]], name: str, draw: random.Random) -> None:
    n_cases, rows = sized
    checkers, cases = list(range(len(rows))), list(range(n_cases))
    draw.shuffle(checkers)
    draw.shuffle(cases)

    plain = crosscheck(rows, POLICIES[name], n_cases=n_cases)
    shuffled = crosscheck([[rows[i][j] for j in cases] for i in checkers], POLICIES[name], n_cases=n_cases)

    assert shuffled.checkers == tuple(plain.checkers[i] for i in checkers)
    assert shuffled.accuracies == tuple(plain.accuracies[i] for i in checkers)
    assert shuffled.cases == tuple(plain.cases[j] for j in cases)
    assert shuffled.reason == plain.reason


@given(TABLES, st.sampled_from(sorted(POLICIES)))
def test_a_reason_stands_where_and_only_where_nothing_is_kept(sized: tuple[int, list[list[bool]]], name: str) -> None:
    result = crosscheck(sized[1], POLICIES[name], n_cases=sized[0])

    assert bool(result.reason) is not any(result.checkers)


def test_ragged_tables_are_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"every checker needs 2 verdicts, got \[2, 1\]"):
        crosscheck(table("++", "+"), SCRIPTS, n_cases=2)


def test_an_unknown_policy_names_the_known() -> None:
    with pytest.raises(ConfigError, match="unknown policy 'vote'; known: upstream, paper_scripts, majority"):
        policy_named("vote")
