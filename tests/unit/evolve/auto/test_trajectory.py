import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evol_core.evolve.auto.headings import FINAL, METHODS, PLAN, heading
from evol_core.evolve.auto.trajectory import JSON_SCHEMA, Outcome, read_trajectory
from tests.unit.evolve.auto.replies import made_replies

MADE = made_replies(1000, seed=5)


def test_of_a_thousand_replies_every_recoverable_one_is_recovered_and_the_rest_say_why() -> None:
    wrong = []
    for made in MADE:
        read = read_trajectory(made.text, truncated=made.truncated)
        if (read.outcome, read.final, read.methods) != (made.outcome, made.final, made.methods):
            wrong.append((made, read))

    assert wrong == []
    assert len({made.outcome for made in MADE}) == 5, "every kind of reply came up"
    assert sum(made.outcome.parsed for made in MADE) > 700


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("### Final", (FINAL, "")),
        ("**Final:** Name a river.", (FINAL, "Name a river.")),
        ("**Finally: Name a river.**", (FINAL, "Name a river.")),
        ("#Finally Rewritten Instruction#:  ", (FINAL, "")),
        ("STEP 4 - FINAL VERSION:", (FINAL, "")),
        ("Step 4: Name a river.", (FINAL, "Name a river.")),
        ("Schritt 4: Das Ende vom Lied:", (FINAL, "")),
        ("第四步\uff1a最终指令", (FINAL, "")),
        ("1. Methods List:", None),
        ("Methods:", (METHODS, "")),
        ("Plan \u2013 use both", (PLAN, "use both")),
        ("Plan a trip to Rome.", None),
        ("Finally, name a river.", None),
        ("- Final: a bullet is no heading", None),
        ("Step 4 is the hardest.", None),
        ("Step 12: Final", None),
        ("Planet: Earth", None),
    ],
)
def test_a_heading_is_told_from_text_that_looks_like_one(line: str, found: tuple[int, str] | None) -> None:
    assert heading(line) == found


def test_structured_replies_are_read_and_fenced_ones_too() -> None:
    said = {"methods": ["1. more numbers", " "], "plan": "p", "rewrite": "r", "final": "Name two rivers."}

    for text in (json.dumps(said), f"```json\n{json.dumps(said)}\n```"):
        read = read_trajectory(text)
        assert (read.outcome, read.methods, read.plan, read.final) == (
            Outcome.JSON,
            ("more numbers",),
            "p",
            "Name two rivers.",
        )
        assert read.raw == text


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ('{"methods": [], "plan": "p"', Outcome.BROKEN_JSON),
        ('{"methods": [], "plan": "p", "rewrite": "r"}', Outcome.NO_FINAL),
        ('{"final": " "}', Outcome.EMPTY_FINAL),
        ('{"final": 7}', Outcome.NO_FINAL),
        ("[1, 2]", Outcome.NO_FINAL),
        ("A rewritten task.", Outcome.NO_FINAL),
    ],
)
def test_what_cannot_be_read_says_why(text: str, outcome: Outcome) -> None:
    read = read_trajectory(text)

    assert (read.outcome, read.final) == (outcome, None)


def test_the_schema_lists_the_steps_in_their_order() -> None:
    assert json.loads(JSON_SCHEMA)["required"] == ["methods", "plan", "rewrite", "final"]
    properties = JSON_SCHEMA[JSON_SCHEMA.index('"properties"') :]
    places = [properties.index(f'"{key}":{{') for key in ("methods", "plan", "rewrite", "final")]
    assert places == sorted(places), "an engine writes keys in the schema's order: the plan before what it plans"


@given(st.text())
def test_no_reply_breaks_the_reader(text: str) -> None:
    read = read_trajectory(text)

    assert (read.final is None) == (not read.outcome.parsed)
