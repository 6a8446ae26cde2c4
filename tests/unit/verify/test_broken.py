"""Broken answers, and the checkers that accept them all."""

import pytest

from evol_core.sandbox.jobs import CheckVerdict
from evol_core.verify.broken import MAX_OF_A_KIND, BrokenAnswer, broken_answers, is_constant


def test_one_of_each_kind() -> None:
    answers = broken_answers("Say hello", right=["hello world"], wrong=["bye"], of_others=["- a list"])

    assert answers == (
        BrokenAnswer("empty", ""),
        BrokenAnswer("query", "Say hello"),
        BrokenAnswer("truncated", "hello"),
        BrokenAnswer("wrong", "bye"),
        BrokenAnswer("of_another", "- a list"),
    )


def test_no_text_comes_twice() -> None:
    answers = broken_answers("q", right=["", "x"], wrong=["q", "q"], of_others=["q"])

    assert [answer.text for answer in answers] == ["", "q"]


def test_a_kind_has_a_limit() -> None:
    many = [str(number) for number in range(100)]

    assert len(broken_answers("q", wrong=many)) == 2 + MAX_OF_A_KIND


def test_a_checker_that_accepts_all_is_constant() -> None:
    assert is_constant([CheckVerdict.TRUE, CheckVerdict.TRUE])
    assert not is_constant([CheckVerdict.TRUE, CheckVerdict.FALSE])
    assert not is_constant([CheckVerdict.TRUE, CheckVerdict.ERROR])


def test_without_answers_nothing_is_known() -> None:
    with pytest.raises(ValueError, match="at least one broken answer"):
        is_constant([])
