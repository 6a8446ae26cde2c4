from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from evol_core.compare.arm import Arm, ArmRow, RoundWays, Value, read_arm, round_ways
from evol_core.compare.comparison import compare
from evol_core.compare.figures import FIGURES, draw_all
from evol_core.compare.figures.density import density
from evol_core.compare.figures.selection import PERCENTS, selection_curve
from evol_core.compare.figures.trajectories import counts_of, draw_ways, shares, top_phrases
from evol_core.compare.material import Material
from evol_core.compare.paired import count_pairs, pair_up, paired_metrics
from evol_core.compare.profile import RoundVariety, round_levels, round_varieties
from evol_core.compare.report import Example, report
from evol_core.errors import InputError
from evol_core.records import Status

METRICS = ("difficulty_score", "difficulty_level", "ifd", "ic_ifd")


def row(ordinal: int, score: float | None, *, round: int = 0, status: str = "accepted", reason: str = "") -> ArmRow:
    level = "hard" if score is not None and score > 50 else "easy" if score is not None else ""
    values = {
        "difficulty_score": Value(value=score, label="", reason="" if score is not None else "unparsed"),
        "difficulty_level": Value(value=4.0 if level else None, label=level, reason="" if level else "unparsed"),
        "ifd": Value(value=0.1 * ordinal, label="", reason=""),
        "ic_ifd": Value(value=1.0 - 0.1 * ordinal, label="", reason=""),
    }
    accepted = status == "accepted"
    return ArmRow(
        ordinal=ordinal,
        round=round,
        seed_id=f"seed {ordinal}",
        parent_id=f"seed {ordinal}",
        operator="deepen",
        status=Status(status),
        reason=reason,
        text=f"<i>text</i> {ordinal}" if accepted else "",
        values=values if accepted else {},
    )


def arm(label: str, rows: Sequence[ArmRow]) -> Arm:
    return Arm(label=label, version=f"{label}@1", rows=tuple(rows), metrics=METRICS)


A = arm("small", [row(0, 60), row(1, 70), row(2, None), row(3, 50), row(4, 0, status="rejected", reason="unchanged")])
B = arm("large", [row(0, 50), row(1, 80), row(2, 40), row(3, 20), row(4, 30)])


def verdict(ordinal: int, said: str, kind: str = "consistent", words: tuple[int, int] = (5, 9)) -> dict[str, Any]:
    return {
        "ordinal": ordinal,
        "round": 0,
        "verdict": said,
        "kind": kind,
        "first": said,
        "swapped": said,
        "reason": "no_label" if said == "unparsed" else "",
        "words_a": words[0],
        "words_b": words[1],
    }


VERDICTS = (
    verdict(0, "win"),
    verdict(1, "lose"),
    verdict(2, "tie", "position_biased"),
    verdict(3, "unparsed", "unparsed"),
)


def test_only_pairs_with_a_value_on_both_sides_count_and_the_others_have_a_reason() -> None:
    score = paired_metrics(pair_up(A, B), METRICS, resamples=200, seed=1)[0]

    assert (score.n, score.missing) == (3, {"unparsed": 1})
    assert (score.mean_a, score.mean_b) == (60, 50)
    assert score.difference is not None
    assert score.difference.value == pytest.approx(10)
    assert score.difference.low <= 10 <= score.difference.high
    assert (score.a_higher, score.b_higher) == (2, 1)


def test_every_row_of_a_round_is_in_one_count() -> None:
    (count,) = count_pairs(pair_up(A, B))

    assert (count.both, count.only_a, count.only_b, count.neither, count.same_parent) == (4, 0, 1, 0, 4)


def test_arms_of_other_seeds_are_refused_by_name() -> None:
    other = arm("large", [replace(one, seed_id="another") if one.ordinal == 2 else one for one in B.rows])
    with pytest.raises(InputError, match=r"small@1 and large@1 do not share their parents.*\(2, 0\)"):
        pair_up(A, other)


def test_arms_of_other_rounds_are_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"large@1 and small@1 do not share their parents.*\(0, 1\)"):
        pair_up(A, arm("large", [*B.rows, row(0, 50, round=1)]))


def test_levels_and_unparsed_add_up_to_the_accepted_rows() -> None:
    (levels,) = round_levels(A)

    assert (levels.rows, levels.unparsed) == (4, 1)
    assert sum(levels.levels.values()) + levels.unparsed == levels.rows


def test_scores_find_their_rows_by_the_response_or_the_instruction() -> None:
    data = {
        "ordinal": 0,
        "round": 0,
        "seed_id": "s",
        "parent_id": "s",
        "operator": "deepen",
        "instruction": "Do.",
        "input": "x",
        "instruction_id": "i",
        "response_id": "r",
    }
    scores: list[dict[str, Any]] = [
        {"subject_id": "i", "metric": "difficulty_score", "value": 10.0, "label": "", "reason": ""},
        {"subject_id": "r", "metric": "ifd", "value": None, "label": "", "reason": "empty"},
    ]

    read = read_arm(
        label="a", version="a@1", data=[data], refused=[], scores=scores, metrics=["difficulty_score", "ifd"]
    )

    (one,) = read.rows
    assert one.text == "Do.\nx"
    assert {name: (value.value, value.reason) for name, value in one.values.items()} == {
        "difficulty_score": (10.0, ""),
        "ifd": (None, "empty"),
    }


def test_every_figure_is_drawn_in_both_forms_or_says_why_not() -> None:
    drawings = draw_all(Material(arms=(A, B), verdicts=VERDICTS, resamples=100))

    assert [drawing.name for drawing in drawings] == list(FIGURES)
    assert all(set(drawing.files) == {"png", "svg"} or drawing.reason for drawing in drawings)
    missing = {drawing.name for drawing in drawings if drawing.reason}
    assert missing == {"confidence", "diversity", "trajectories"}


def test_the_same_rows_give_the_same_bytes() -> None:
    material = Material(arms=(A, B), verdicts=VERDICTS, resamples=100)
    assert draw_all(material) == draw_all(material)


def test_no_row_at_all_draws_nothing_and_says_why() -> None:
    empty = Material(arms=(arm("small", []), arm("large", [])))
    assert all(drawing.reason for drawing in draw_all(empty))
    assert compare(empty).metrics == ()


def test_what_models_wrote_is_escaped() -> None:
    material = Material(arms=(replace(A, label="<script>"), B), verdicts=VERDICTS, resamples=100)
    example = Example(seed="<seed>", a="<img src=x onerror=alert(1)>", b="&", verdict="win", reply="</td><script>")

    page = report(compare(material), draw_all(material), [example])

    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_a_selection_keeps_the_highest_and_at_least_one() -> None:
    curve = selection_curve(B, "ic_ifd")

    assert curve[0] == 50, "ic_ifd falls with the ordinal, so row 0 is kept first"
    assert curve[-1] == pytest.approx((50 + 80 + 40 + 20 + 30) / 5)
    assert len(curve) == len(PERCENTS)


def test_a_density_has_an_area_of_one() -> None:
    at, height = density([1.0, 2.0, 2.5, 4.0, 4.2, 7.0])
    step = at[1] - at[0]
    assert float(height.sum() * step) == pytest.approx(1.0, abs=0.02)


WAYS = {
    "small": {0: {"add limits": 3, "use data": 1}, 1: {"use data": 4}},
    "large": {0: {"adding limits": 1, "ask why": 2}},
    "by operators": {},
}


def test_a_way_that_arms_call_by_near_phrases_is_one_and_the_most_frequent_come_first() -> None:
    counted = counts_of(WAYS)

    assert list(counted) == ["small", "large"], "who listed nothing is not drawn"
    assert top_phrases(counted) == ["use data", "add limits", "ask why"]
    assert shares(counted["small"], ["use data", "add limits", "ask why"]) == [0.625, 0.375, 0.0]
    assert shares(counted["large"], ["add limits"]) == [pytest.approx(1 / 3)]


def test_ways_are_drawn_where_an_arm_listed_some() -> None:
    drawn = draw_ways(WAYS)
    assert not isinstance(drawn, str)
    assert drawn.axes[1].get_ylim()[1] > 2.1, "the marker of two different ways is whole"
    assert "no arm was evolved by a method" in str(draw_ways({"by operators": {}}))


def test_ways_are_counted_by_round_and_those_without_a_phrase_are_none() -> None:
    listed = [(0, 0, "add limits"), (0, 0, "use data"), (1, 0, "adding limits"), (2, 0, None), (0, 1, "use data")]
    rows = [{"ordinal": ordinal, "round": round, "phrase": phrase} for ordinal, round, phrase in listed]

    ways = round_ways(rows)

    assert ways[0] == RoundWays(round=0, trajectories=2, phrases={"add limits": 1, "use data": 1, "adding limits": 1})
    assert round_varieties(replace(A, ways=tuple(ways))) == [
        RoundVariety(round=0, trajectories=2, listed=3, different=2),
        RoundVariety(round=1, trajectories=1, listed=1, different=1),
    ]


def test_a_report_says_what_evolved_arms_that_differ_in_it() -> None:
    planned = replace(
        B,
        rows=tuple(replace(one, operator="auto_0123") for one in B.rows),
        ways=(RoundWays(round=0, trajectories=1, phrases={"x": 2}),),
    )

    page = report(compare(Material(arms=(A, planned), resamples=100)), [], [])

    assert "A was evolved by deepen; B was evolved by auto_0123" in page
    assert "with the same operators" not in page
    assert "<tr><td>large</td><td>0</td><td>1</td><td>2</td><td>1</td></tr>" in page
    alike = report(compare(Material(arms=(replace(planned, label="small"), planned), resamples=100)), [], [])
    assert "with the same method and random seeds" in alike
