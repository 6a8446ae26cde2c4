import pytest

from evol_core.judge.wording import PROMPT, Label, parse, prompt


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ("Assistant 1 is better than Assistant 2", Label.FIRST),
        ("Assistant 1 is worse than Assistant 2.", Label.SECOND),
        ("Assistant 1 is equal to Assistant 2", Label.EQUAL),
        ("Assistant 2 is better than Assistant 1", Label.SECOND),
        ("assistant 2 IS WORSE THAN assistant 1", Label.FIRST),
        ("Both are short.\n\n**Assistant 1** is **slightly better than** Assistant 2\n\n", Label.FIRST),
        ('Verdict: "Assistant 1 is as good as Assistant 2".', Label.EQUAL),
        ("Assistant 1 and Assistant 2 are equal.", Label.EQUAL),
    ],
)
def test_a_label_is_read_whatever_its_dress(reply: str, label: Label) -> None:
    assert parse(reply) is label


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "The first answer is better.",
        "Assistant 1 is not better than Assistant 2",
        "Assistant 1 is better than Assistant 1",
        "Assistant 1 is better than / worse than / equal to Assistant 2",
        "Assistant 11 is better than Assistant 2",
    ],
)
def test_what_names_no_verdict_is_unparsed_and_no_tie(reply: str) -> None:
    assert parse(reply) is None


def test_the_last_line_with_a_label_counts() -> None:
    reply = "Assistant 1 is worse than Assistant 2 in length.\nAssistant 1 is better than Assistant 2\nSo be it."
    assert parse(reply) is Label.FIRST


def test_a_judge_that_repeats_the_choices_has_not_chosen() -> None:
    choices = PROMPT.splitlines()[-1]
    assert "better than" in choices
    assert parse(f"Assistant 1 is better than Assistant 2\n{choices}") is None


def test_answers_with_braces_reach_the_judge_as_they_are() -> None:
    asked = prompt("Write {x}.", "a {second} b", "{}")
    assert all(text in asked for text in ("Write {x}.", "a {second} b", "\n{}\n"))
