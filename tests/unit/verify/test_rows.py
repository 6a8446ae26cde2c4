"""What becomes of a verified query: its SFT row, its score, its preference pairs."""

import random

import pytest

from evol_core.verify.pairs import Checked, PreferencePair, preference_pairs
from evol_core.verify.scores import parse_score
from evol_core.verify.sft_row import join


@pytest.mark.parametrize(
    ("query", "constraint", "row"),
    [
        ("what is rain", "use one sentence", "What is rain. Use one sentence."),
        ("What is rain?", "Use one sentence.", "What is rain? Use one sentence."),
        ("Stop!", "use one sentence..", "Stop! Use one sentence."),
        ("Tell me more.", "use one sentence", "Tell me more. Use one sentence."),
        ("Tell me more..", " use one sentence . ", "Tell me more. Use one sentence."),
        (" tell me ", 'end with "over"', 'Tell me. End with "over".'),
        ("5 facts", "3 lines", "5 facts. 3 lines."),
        ("éclair recipe", "été only", "Éclair recipe. Été only."),
        ("iPhone or Android", "answer in JSON", "IPhone or Android. Answer in JSON."),
    ],
)
def test_query_and_constraint_become_two_sentences(query: str, constraint: str, row: str) -> None:
    assert join(query, constraint) == row


@pytest.mark.parametrize(("query", "constraint"), [("", "x"), ("x", " "), ("x", "..")])
def test_half_a_row_is_a_mistake(query: str, constraint: str) -> None:
    with pytest.raises(ValueError, match="a query and a constraint are needed"):
        join(query, constraint)


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("Good.\nScore: 9", 9),
        ("score: 0", 0),
        ("**Score:** 10", 10),
        ("**Score: 7**", 7),
        ("Score: 8/10", 8),
        ("Score: [8]", 8),
        ("A first Score: 3 would be harsh.\nScore: 6", 6),
        ("Score: 6. That is all.", 6),
    ],
)
def test_the_last_stated_score_counts(reply: str, score: int) -> None:
    assert parse_score(reply) == score


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "9",
        "Score",
        "Score: N",
        "Score: 11",
        "Score: -1",
        "Score: 8.5",
        "Score: 85/100",
        "Score: 1000",
        "underscore: 5x",
    ],
)
def test_no_whole_number_up_to_ten_is_no_score(reply: str) -> None:
    assert parse_score(reply) is None


def pairs(*checked: tuple[str, float]) -> tuple[PreferencePair, ...]:
    return preference_pairs([Checked(*one) for one in checked], recipe_seed=1, row_id="row")


def test_each_good_response_stands_against_each_bad_one() -> None:
    assert pairs(("good", 0.5), ("bad", 0.0)) == (PreferencePair("good", "bad"),)
    assert len(pairs(("a", 1), ("b", 0.5), ("c", 0), ("d", 0))) == 4
    assert len(pairs(("a", 1), ("b", 0.5), ("c", 0))) == 2


def test_what_is_neither_good_nor_bad_is_in_no_pair() -> None:
    assert pairs(("good", 0.9), ("middling", 0.49)) == ()
    assert pairs(("good", 1.0)) == ()
    assert pairs() == ()


def test_no_more_than_two_of_a_side() -> None:
    many = [(f"good {n}", 1.0) for n in range(9)] + [(f"bad {n}", 0.0) for n in range(9)]

    found = pairs(*many)

    assert len(found) == 4
    assert len({pair.chosen for pair in found}) == len({pair.rejected for pair in found}) == 2


def test_the_same_text_is_one_response() -> None:
    assert pairs(("good", 1), ("good", 0.6), ("bad", 0), ("bad", 0)) == (PreferencePair("good", "bad"),)


def test_the_choice_follows_from_seed_and_row_not_from_order() -> None:
    many = [Checked(f"good {n}", 1.0) for n in range(9)] + [Checked(f"bad {n}", 0.0) for n in range(9)]
    shuffled = random.Random(3).sample(many, len(many))

    def chosen(checked: list[Checked], row_id: str) -> tuple[PreferencePair, ...]:
        return preference_pairs(checked, recipe_seed=1, row_id=row_id)

    assert chosen(many, "row") == chosen(shuffled, "row")
    assert len({chosen(many, f"row {n}") for n in range(20)}) > 5
