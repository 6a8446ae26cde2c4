from collections.abc import Callable
from typing import Any

import pytest

from evol_core.judge.pairwise import Judged, Judging, Match, judge_match
from evol_core.judge.summary import LENGTH_BINS, summarise
from evol_core.judge.verdict import Kind, Outcome
from evol_core.llm.fake import FakeEngine
from evol_core.records import ModelRef
from evol_core.requests import Decoding, GenerateRequest, Request
from evol_core.runner import drive

JUDGE = Judging(
    model=ModelRef(name="judge", revision="w", tokenizer="t"),
    decoding=Decoding(temperature=0.0, top_p=1.0, max_tokens=64),
    recipe_seed=0,
)
FIRST = "Assistant 1 is better than Assistant 2"
SECOND = "Assistant 1 is worse than Assistant 2"


def match(a: str = "good", b: str = "bad") -> Match:
    return Match(id="q1", query="Say something.", a=a, b=b)


def judged(says: Callable[[str], str], *matches: Match) -> list[Judged]:
    def reply(request: Request) -> str:
        assert isinstance(request, GenerateRequest)
        return says(request.messages[-1].content)

    return list(drive((judge_match(one, JUDGE) for one in matches), FakeEngine(reply)))


def prefers(answer: str) -> Callable[[str], str]:
    """A judge that finds the answer wherever it stands."""
    return lambda asked: FIRST if asked.index(answer) < asked.index("Assistant 2 begins") else SECOND


def test_a_judge_that_looks_at_the_answer_gives_a_consistent_verdict() -> None:
    (word,) = judged(prefers("good"), match())
    assert (word.verdict, word.kind, word.first, word.swapped) == (
        Outcome.WIN,
        Kind.CONSISTENT,
        Outcome.WIN,
        Outcome.WIN,
    )
    (word,) = judged(prefers("good"), match(a="bad", b="good"))
    assert word.verdict is Outcome.LOSE


def test_a_judge_that_looks_at_the_place_makes_a_tie_of_its_own_kind() -> None:
    (word,) = judged(lambda asked: FIRST, match())
    assert (word.verdict, word.kind, word.first, word.swapped) == (
        Outcome.TIE,
        Kind.POSITION_BIASED,
        Outcome.WIN,
        Outcome.LOSE,
    )


def test_a_reply_without_a_verdict_is_unparsed_with_its_raw_text() -> None:
    (word,) = judged(lambda asked: "I like both.", match())
    assert (word.verdict, word.kind, word.reason) == (Outcome.UNPARSED, Kind.UNPARSED, "no_label")
    assert word.first_text == "I like both."


def test_one_order_without_a_verdict_is_enough_to_know_nothing() -> None:
    (word,) = judged(lambda asked: FIRST if asked.index("good") < asked.index("bad") else "?", match())
    assert (word.verdict, word.first, word.swapped) == (Outcome.UNPARSED, Outcome.WIN, Outcome.UNPARSED)


def test_half_a_surrogate_pair_asks_nobody() -> None:
    (word,) = judged(prefers("good"), match(a="good \ud800"))
    assert (word.verdict, word.reason, word.first_hash) == (Outcome.UNPARSED, "not_unicode", None)


def row(first: str, swapped: str, verdict: str, words: tuple[int, int] = (10, 10)) -> dict[str, Any]:
    kind = "unparsed" if verdict == "unparsed" else "consistent" if first == swapped else "position_biased"
    reason = "no_label" if verdict == "unparsed" else ""
    return {
        "verdict": verdict,
        "kind": kind,
        "first": first,
        "swapped": swapped,
        "reason": reason,
        "words_a": words[0],
        "words_b": words[1],
    }


def test_every_pair_is_counted_once_and_unparsed_ones_are_in_no_rate() -> None:
    summary = summarise(
        [
            row("win", "win", "win"),
            row("win", "win", "win"),
            row("lose", "lose", "lose"),
            row("win", "lose", "tie"),
            row("tie", "lose", "tie"),
            row("win", "unparsed", "unparsed"),
        ]
    )

    assert (summary.win, summary.tie, summary.lose, summary.unparsed) == (2, 2, 1, 1)
    assert summary.n == 6
    assert summary.win_rate is not None
    assert summary.win_rate.value == pytest.approx(3 / 5)
    assert summary.flip_rate is not None
    assert summary.flip_rate.value == pytest.approx(2 / 5)
    assert (summary.bias.flips, summary.bias.to_first, summary.bias.to_second, summary.bias.half) == (2, 1, 0, 1)
    assert summary.sign_p == pytest.approx(1.0)
    assert summary.unparsed_by_reason == {"no_label": 1}


def test_a_judge_that_likes_length_is_found_out() -> None:
    rows = [row("win", "win", "win", (30, 10))] * 4 + [row("lose", "lose", "lose", (10, 12))] * 3
    summary = summarise([*rows, row("win", "win", "win", (5, 5))])

    assert summary.longer_wins is not None
    assert summary.longer_wins.value == 1.0
    by_length = {one.name: one.win + one.tie + one.lose for one in summary.by_length}
    assert by_length == {
        "A at most half as long": 0,
        "A shorter": 3,
        "about as long": 1,
        "A longer": 0,
        "A at least twice as long": 4,
    }
    assert sum(by_length.values()) == summary.n
    assert list(by_length) == list(LENGTH_BINS)


def test_no_verdict_at_all_has_no_rate() -> None:
    summary = summarise([row("unparsed", "unparsed", "unparsed")])
    assert (summary.win_rate, summary.sign_p, summary.flip_rate, summary.longer_wins) == (None, None, None, None)
