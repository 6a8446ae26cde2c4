"""A judge's verdict counts where its last line is a label and nothing else; doubt refuses nobody."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from evol_core.evolve.equality import equality_request, information_verdict, parse
from evol_core.llm.fake import FakeEngine
from evol_core.records import Generation, Instruction, ModelRef, Verdict
from evol_core.runner import drive

JUDGE = ModelRef(name="judge", revision="w", tokenizer="t")
PARENT, CHILD = Instruction(text="Name a {child}.", input="of {parent}"), Instruction(text="Name a river.")


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("Verdict: EQUAL", "equal"),
        ("They differ in length.\n\nVerdict: DIFFERENT", "different"),
        ("**Verdict: Equal.**", "equal"),
        ("The second is equal to the first.\nVerdict: different\n", "different"),
        ("Verdict: NOT EQUAL", "different"),
        ("unequal", "different"),
        ("Verdict: EQUAL\nVerdict: DIFFERENT", "different"),
        ("> `equal`", "equal"),
        ("Final answer: equal", "equal"),
        ("They are not equal in depth.", None),
        ("These two are equal", None),
        ("Verdict: EQUAL or DIFFERENT", None),
        ("Verdict: EQUAL\nI hope that this helps.", None),
        ("equality", None),
        ("", None),
        ("\n \n", None),
        ("***", None),
    ],
)
def test_the_last_line_that_is_a_label_is_the_verdict(reply: str, verdict: str | None) -> None:
    assert parse(reply) == verdict


def judged(reply: str, change: Callable[[Generation], Generation] = lambda one: one) -> Verdict:
    class Changed(FakeEngine):
        def collect(self) -> list[Generation]:
            return [change(one) for one in super().collect()]

    (verdict,) = drive([information_verdict(PARENT, CHILD, JUDGE)], Changed(lambda request: reply))
    return verdict


def test_only_a_clear_equal_refuses() -> None:
    assert judged("Verdict: EQUAL").reason == "no_information_gain"
    assert judged("Verdict: DIFFERENT").status == "accepted"
    assert judged("They are equal, I would say.").status == "accepted"


def test_a_reply_that_was_cut_is_no_verdict() -> None:
    assert judged("Verdict: EQUAL", lambda one: replace(one, finish_reason="length")).status == "accepted"


def test_a_judge_that_could_not_be_asked_fails_the_row() -> None:
    verdict = judged("Verdict: EQUAL", lambda one: replace(one, finish_reason="error"))

    assert (verdict.status, verdict.reason) == ("failed", "engine_error")


def test_both_texts_stand_in_the_question_as_they_are() -> None:
    (message,) = equality_request(PARENT, CHILD, JUDGE).messages

    assert "First instruction:\nName a {child}.\nof {parent}\n\nSecond instruction:\nName a river.\n" in message.content
