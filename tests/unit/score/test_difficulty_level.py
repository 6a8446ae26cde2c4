import pytest

from evol_core.score.metrics.difficulty_level import LEVELS, parse, place


@pytest.mark.parametrize(
    ("reply", "level"),
    [
        ("very easy", "very easy"),
        ("easy", "easy"),
        ("medium", "medium"),
        ("hard", "hard"),
        ("very hard", "very hard"),
        ("Very Hard", "very hard"),
        ("VERY HARD.", "very hard"),
        ("very\n hard", "very hard"),
        ("**Hard**", "hard"),
        ("**Hard.**", "hard"),
        ("**Hard**.", "hard"),
        ("__medium__", "medium"),
        ("`easy`", "easy"),
        ('"Easy"', "easy"),
        ("'easy'!", "easy"),
        ("\N{LEFT DOUBLE QUOTATION MARK}Very easy.\N{RIGHT DOUBLE QUOTATION MARK}", "very easy"),
        ("\n  medium \n", "medium"),
    ],
)
def test_case_quotes_bold_and_trailing_punctuation_are_forgiven(reply: str, level: str) -> None:
    assert parse(reply) == level


@pytest.mark.parametrize(
    "reply",
    [
        "",
        " ",
        ".",
        "**",
        "very",
        "difficult",
        "easy-ish",
        "extremely hard",
        "Level: hard",
        "hard or medium",
        "veryhard",
        "The task is easy.",
        "4",
        "hard\0",
        "\N{CYRILLIC SMALL LETTER A}easy",
        "not hard",
        "hard " * 100_000,
    ],
)
def test_other_words_are_unparsed(reply: str) -> None:
    assert parse(reply) is None


def test_levels_go_from_one_to_five() -> None:
    assert [place(level) for level in LEVELS] == [1, 2, 3, 4, 5]
