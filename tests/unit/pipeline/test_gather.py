"""A build's rows are the same however many shards they were made in, and none is lost or doubled."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from evol_core.errors import RowsLost
from evol_core.pipeline.gather import Gathered
from evol_core.publish.decontamination import Benchmarks, Item
from evol_core.recipe import SelectConfig
from evol_core.records import ACCEPTED, Evolved, Instruction, Pair, RequestHash, Score, Status, Verdict
from evol_core.runner import write_parts
from evol_core.schemas import EVOLVED, SCORES, evolved_row, score_row
from evol_core.store.objects import ObjectStore

REJECTED = Verdict(status=Status.REJECTED, reason="unchanged")
FAILED = Verdict(status=Status.FAILED, reason="engine_error")

LEAK = "one two three four five six seven eight nine ten eleven twelve thirteen"
HALVES = LEAK[: LEAK.index(" eight")], LEAK[LEAK.index("eight") :]


def attempt(ordinal: int, text: str, verdict: Verdict = ACCEPTED, response: str = "Yes.", input: str = "") -> Evolved:
    parent = Instruction(text=f"seed {ordinal}")
    return Evolved(
        ordinal=ordinal,
        round=0,
        seed_id=parent.id,
        parent=parent,
        operator="deepen",
        child=Instruction(text=text, input=input),
        response=response,
        verdict=verdict,
        evolve_hash=RequestHash("e"),
        respond_hash=RequestHash("r"),
    )


def child(row: Evolved) -> str:
    return row.child.text if row.child is not None else ""


def scores_of(row: Evolved, value: float | None) -> list[Score]:
    if row.verdict is not ACCEPTED or row.child is None or row.response is None:
        return []
    pair = Pair(instruction=row.child, response=row.response)
    return [
        Score(subject_id=pair.id, metric="ifd", value=value, reason="" if value is not None else "one_token_text"),
        Score(subject_id=pair.instruction.id, metric="difficulty_score", value=50.0),
    ]


ROWS = [
    attempt(0, "a"),
    attempt(1, "b", REJECTED),
    attempt(2, "c"),
    attempt(3, "a", response="No."),
    attempt(4, "d", FAILED),
    attempt(5, "e"),
]


def gathered(
    tmp_path: Path,
    shards: Sequence[Sequence[Evolved]],
    value: float | None = 0.5,
    values: Mapping[str, float | None] | None = None,
    select: SelectConfig | None = None,
    *,
    scored: Sequence[Sequence[Score]] | None = None,
    of_set: Sequence[Score] = (),
    benchmarks: Benchmarks | None = None,
) -> Gathered:
    """`values` by child, where not all have the same one; or `scored` as the score stage has put it out."""

    store = ObjectStore(tmp_path)
    by_child = values or {}

    def output(rows: Sequence[dict[str, Any]], schema: Any) -> dict[str, Any]:
        return {"parts": [part.sha256 for part in write_parts(store, rows, schema)]}

    scored = scored or [
        [score for row in shard for score in scores_of(row, by_child.get(child(row), value))] for shard in shards
    ]
    return Gathered(
        store,
        evolved=[output([evolved_row(row) for row in shard], EVOLVED) for shard in shards],
        scored=[output([score_row(score) for score in shard], SCORES) for shard in scored],
        scored_set=[output([score_row(score) for score in of_set], SCORES)],
        metrics=("ifd", "difficulty_score", "nearest_instruction"),
        benchmarks=benchmarks,
        select=select,
    )


@pytest.mark.parametrize("cuts", [[6], [3, 3], [1, 1, 1, 1, 1, 1], [0, 6], [5, 0, 1]])
def test_shards_change_no_row_and_no_order(tmp_path: Path, cuts: list[int]) -> None:
    rows = iter(ROWS)
    build = gathered(tmp_path, [[next(rows) for _ in range(cut)] for cut in cuts])

    assert [row["instruction"] for row in build.pairs()] == ["a", "c", "e"]
    assert [(row["ordinal"], row["reason"]) for row in build.refused()] == [
        (1, "unchanged"),
        (3, "duplicate"),
        (4, "engine_error"),
    ]


def test_the_tally_adds_up(tmp_path: Path) -> None:
    tally = gathered(tmp_path, [ROWS[:3], ROWS[3:]]).tally()

    assert (tally.n_in, tally.accepted, tally.rejected, tally.failed) == (6, 3, 2, 1)
    assert tally.scored == {"ifd": 3, "difficulty_score": 3, "nearest_instruction": 0}


def test_what_could_not_be_computed_stays_null(tmp_path: Path) -> None:
    build = gathered(tmp_path, [ROWS], value=None)

    assert [row["score_ifd"] for row in build.pairs()] == [None, None, None]
    assert build.tally().scored == {"ifd": 0, "difficulty_score": 3, "nearest_instruction": 0}


def test_a_score_that_two_shards_have_is_kept_once(tmp_path: Path) -> None:
    build = gathered(tmp_path, [[attempt(0, "a")], [attempt(1, "a")]])

    assert [row["metric"] for row in build.scores()] == ["ifd", "difficulty_score"]


@pytest.mark.parametrize("cuts", [[6], [2, 4], [5, 0, 1]])
def test_what_is_not_selected_is_refused_by_name_and_nothing_is_lost(tmp_path: Path, cuts: list[int]) -> None:
    rows = iter(ROWS)
    build = gathered(
        tmp_path,
        [[next(rows) for _ in range(cut)] for cut in cuts],
        values={"a": 0.9, "c": 1.2, "e": 0.4},
        select=SelectConfig(at_most={"ifd": 1.0}, by="ifd", percent=50),
    )

    assert [row["instruction"] for row in build.pairs()] == ["a"]
    assert [(row["ordinal"], row["reason"]) for row in build.refused()] == [
        (1, "unchanged"),
        (2, "capped"),
        (3, "duplicate"),
        (4, "engine_error"),
        (5, "not_selected"),
    ]
    tally = build.tally()
    assert (tally.n_in, tally.accepted, tally.rejected, tally.failed) == (6, 1, 4, 1)
    assert tally.reasons["not_selected"] == 1


def test_a_row_without_a_value_passes_every_cap_and_wins_no_ranking(tmp_path: Path) -> None:
    values = {"a": None, "c": 0.5, "e": 0.4}

    capped = gathered(tmp_path, [ROWS], values=values, select=SelectConfig(at_most={"ifd": 0.4}))
    ranked = gathered(tmp_path, [ROWS], values=values, select=SelectConfig(by="ifd"))

    assert [row["instruction"] for row in capped.pairs()] == ["a", "e"]
    assert [row["instruction"] for row in ranked.pairs()] == ["c", "e"]


def test_a_refused_duplicate_takes_no_other_rows_scores(tmp_path: Path) -> None:
    rows = [attempt(0, "a"), attempt(1, "a", response="No."), attempt(2, "b"), attempt(3, "a"), attempt(4, "c")]
    once = [row for row in rows if row.ordinal != 3]
    build = gathered(tmp_path, [rows], scored=[[s for row in once for s in scores_of(row, row.ordinal / 10)]])

    assert [(row["instruction"], row["score_ifd"]) for row in build.pairs()] == [("a", 0.0), ("b", 0.2), ("c", 0.4)]


def test_scores_of_the_whole_set_reach_the_first_row_that_stays(tmp_path: Path) -> None:
    rows = [attempt(0, "a", response=LEAK), attempt(1, "b"), attempt(2, "a"), attempt(3, "b"), attempt(4, "c")]
    near = [
        Score(subject_id=Instruction(text=text).id, metric="nearest_instruction", value=value)
        for text, value in (("a", 0.1), ("b", 0.2), ("c", 0.3))
    ]
    for shards in ([rows], [rows[:2], rows[2:]]):
        scored = [[s for row in shard for s in scores_of(row, 0.5)] for shard in shards]
        if len(shards) == 1:
            scored[0] = [s for row in rows if row.ordinal != 3 for s in scores_of(row, 0.5)]
        build = gathered(
            tmp_path,
            shards,
            scored=scored,
            of_set=near,
            benchmarks=Benchmarks([Item(benchmark="exam", item="1", text=LEAK)]),
        )

        kept = [(row["ordinal"], row["instruction"], row["score_nearest_instruction"]) for row in build.pairs()]
        assert kept == [(1, "b", 0.2), (2, "a", 0.1), (4, "c", 0.3)]
        assert [row["reason"] for row in build.refused()] == ["contaminated", "duplicate"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (attempt(0, f"Say {LEAK}."), "contaminated"),
        (attempt(0, "Say.", input=LEAK), "contaminated"),
        (attempt(0, "Say.", response=LEAK), "contaminated"),
        (attempt(0, HALVES[0], input=HALVES[1]), "contaminated"),
        (attempt(0, HALVES[0], response=HALVES[1]), None),
    ],
)
def test_an_item_is_found_in_a_prompt_with_its_input_and_in_a_response(
    tmp_path: Path, row: Evolved, reason: str | None
) -> None:
    build = gathered(tmp_path, [[row]], benchmarks=Benchmarks([Item(benchmark="exam", item="1", text=LEAK)]))

    assert [row["reason"] for row in build.refused()] == ([reason] if reason else [])
    assert [(hit.benchmark, hit.item, hit.words) for hit in build.hits()] == ([("exam", "1", LEAK)] if reason else [])


def test_scores_of_other_rows_are_no_scores(tmp_path: Path) -> None:
    build = gathered(tmp_path, [[attempt(0, "a")]], scored=[scores_of(attempt(0, "b"), 0.5)])

    with pytest.raises(RowsLost, match=r"the score 'ifd' of .* follows no accepted row"):
        list(build.pairs())
