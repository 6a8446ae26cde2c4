"""From replies to a clean list of constraints; every line is accounted for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evol_core.text import fold
from evol_core.verify.constraints import MAX_CHARS, LineReject, ListReply, clean_constraints

SEEDS = ["Answer in exactly three sentences.", "Use no commas"]


def cleaned(text: str, *, cut_off: bool = False) -> tuple[str, ...]:
    result = clean_constraints([ListReply(text, cut_off)], SEEDS)
    return tuple(constraint.text for constraint in result.constraints)


def refused(*texts: str) -> list[str]:
    result = clean_constraints(map(ListReply, texts), SEEDS)
    return [line.reason.value for line in result.rejected]


@pytest.mark.parametrize(
    "line",
    [
        "- End with a question mark",
        "* End with a question mark",
        "• End with a question mark",
        "-End with a question mark",
        "1. End with a question mark",
        "12) End with a question mark",
        "(3) End with a question mark",
        "3: End with a question mark",
        "  -   End with a question mark  ",
        "- **End with a question mark**",
        '- "End with a question mark"',
        "1. `End with a question mark`",
    ],
)
def test_bullets_numbers_and_wrapping_come_off(line: str) -> None:
    assert cleaned(line) == ("End with a question mark",)


@pytest.mark.parametrize(
    "line",
    [
        "Join all words with hyphens - like-this-one",
        "Use the form X-Y in every line",
        "3.5 must be the first number in the answer",
        '"Yes" is the first word and "no" the last',
    ],
)
def test_marks_inside_a_constraint_stay(line: str) -> None:
    assert cleaned(f"- {line}") == (line,)
    assert cleaned(line) == (line,)


def test_talk_round_a_list_is_dropped() -> None:
    reply = "Sure, here are some constraints\n\n- Write at most 50 words\n- Use only lower case\n\nI hope these help!"

    assert cleaned(reply) == ("Write at most 50 words", "Use only lower case")
    assert refused(reply) == ["not_in_list", "not_in_list"]


def test_a_list_without_marks_loses_only_its_talk() -> None:
    assert cleaned("Here are the constraints:\nWrite at most 50 words\nUse only lower case") == (
        "Write at most 50 words",
        "Use only lower case",
    )


def test_the_last_line_of_a_cut_reply_is_not_trusted() -> None:
    assert cleaned("- Write at most 50 words\n- Use only low", cut_off=True) == ("Write at most 50 words",)


@pytest.mark.parametrize(
    "repeat", ["Write at most 50 words", "WRITE  at most 50 words.", "write at most 50\u00a0words"]
)
def test_repeats_are_dropped_whatever_their_case_and_spacing(repeat: str) -> None:
    result = clean_constraints([ListReply("- Write at most 50 words"), ListReply(f"1. {repeat}")], SEEDS)

    assert result.constraints == (("Write at most 50 words", 0),)
    assert [(line.reply, line.reason) for line in result.rejected] == [(1, LineReject.REPEATED)]


@pytest.mark.parametrize("repeat", ["Use no commas.", "use no  commas", "Answer in exactly three sentences"])
def test_repeats_of_seeds_are_dropped(repeat: str) -> None:
    assert refused(f"- {repeat}") == ["repeats_a_seed"]


def test_near_repeats_are_dropped_and_the_first_stays() -> None:
    first = "Begin every sentence of the answer with a word of exactly five letters"
    near = "Begin every sentence of the answer with a word of exactly five letters!"

    reply = f"- {first}\n- {near}\n- Answer in precisely three sentences"

    assert cleaned(reply) == (first, "Answer in precisely three sentences")
    assert refused(reply) == ["nearly_repeated"]


def shared(one: str, other: str) -> float:
    """Of two lines' four-letter pieces, the share that both have."""
    first, second = ({fold(line)[at : at + 4] for at in range(len(line) - 3)} for line in (one, other))
    return len(first & second) / len(first | second)


WORDS = st.lists(st.sampled_from(["comma", "line", "verb", "rhyme", "noun", "clause", "word", "tone"]), min_size=4)


@given(WORDS, st.lists(st.tuples(st.integers(0, 40), st.sampled_from("xyz")), min_size=1, max_size=6))
def test_no_near_repeat_is_missed_and_nothing_else_is_taken_for_one(
    words: list[str], edits: list[tuple[int, str]]
) -> None:
    first = " ".join(words)[:200]
    lines = [first, *(first[:at] + letter + first[at:] for at, letter in edits)]
    expected: list[str] = []
    for line in lines:
        if line not in expected and all(shared(line, kept) < 0.8 for kept in [*expected, *SEEDS]):
            expected.append(line)

    assert cleaned("\n".join(f"- {line}" for line in lines)) == tuple(expected)


def test_different_numbers_are_different_constraints() -> None:
    lines = ["Use exactly two commas", "Use exactly nine commas", "Write seven lines"]

    assert cleaned("\n".join(f"- {line}" for line in lines)) == tuple(lines)


@pytest.mark.parametrize(
    ("line", "reason"), [("- Rhyme", LineReject.TOO_SHORT), ("- " + "x y" * MAX_CHARS, LineReject.TOO_LONG)]
)
def test_lengths_have_bounds(line: str, reason: LineReject) -> None:
    assert refused(line) == [reason]


def test_every_line_is_kept_or_counted() -> None:
    reply = "Sure:\n- Use no commas\n- Write one line only\n- Write one line only\n- Hi\n\n- Use only upper case"

    assert len(cleaned(reply)) + len(refused(reply)) == 6


@pytest.mark.parametrize("text", ["", "\n\n", "\ud800\x00", "- ", "-", "1."])
def test_a_reply_of_nothing_gives_nothing(text: str) -> None:
    assert cleaned(text) == ()


def test_no_reply_gives_nothing() -> None:
    assert clean_constraints([], SEEDS) == ((), ())
