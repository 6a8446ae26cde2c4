import pytest

from evol_core.score.metrics.difficulty_score import parse


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("70", 70.0),
        (" 70\n", 70.0),
        ("0", 0.0),
        ("100", 100.0),
        ("62.5", 62.5),
        ("70.", 70.0),
        ("Score: 70", 70.0),
        ("score:70.", 70.0),
        ("Difficulty = 70!", 70.0),
        ("**70**", 70.0),
        ("**Score:** 70", 70.0),
        ('"70"', 70.0),
        ("(70)", 70.0),
        ("- 70", 70.0),
        ("90/100", 90.0),
        ("90 / 100.", 90.0),
        ("100/100", 100.0),
        ("**90**/100", 90.0),
        ("90 out of 100", 90.0),
        ("70, so my answer is 70", 70.0),
        ("70/100. Score: 70", 70.0),
        ("I would give it 70 because it needs several steps.", 70.0),
        ("70%", 70.0),
        ("Score-70", 70.0),
    ],
)
def test_a_number_is_found_in_what_judges_write(reply: str, value: float) -> None:
    assert parse(reply) == value


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "   ",
        "hard",
        "seventy",
        "nan",
        "NaN",
        "inf",
        "-inf",
        "Infinity",
        "-5",
        "\N{MINUS SIGN}5",
        "101",
        "100.5",
        "1e2",
        "1000000000000000000000000000",
        "70 or 80",
        "70-80",
        "between 60 and 70",
        "0 to 100: 70",
        "8/10",
        "1. 70",
        "1,000",
        "1.2.3",
        "7O",
        "3rd",
        "GPT4",
        "\N{FULLWIDTH DIGIT SEVEN}\N{FULLWIDTH DIGIT ZERO}",
        "/100",
        "out of 100",
        "90/1000",
        "90/100.5",
        "To judge this task we look at 3 things: first, 2 steps.",
        "\0",
    ],
)
def test_what_is_not_one_number_in_range_is_unparsed(reply: str) -> None:
    assert parse(reply) is None


def test_a_number_that_the_limit_may_have_cut_is_unparsed() -> None:
    assert parse("Score: 7", cut=True) is None
    assert parse("Score: 70\n\nBecause", cut=True) == 70.0


def test_an_essay_is_read_in_no_time() -> None:
    assert parse("9" * 100_000) is None
    assert parse("9 " * 30_000) == 9.0
    assert parse(" /" * 30_000) is None
