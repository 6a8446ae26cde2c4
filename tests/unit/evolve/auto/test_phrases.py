import json

import pytest

from evol_core.evolve.auto.phrases import merged, own_phrase, phrase, read_phrases
from evol_core.records import Generation, RequestHash


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1. Add CONSTRAINTS!", "add constraints"),
        ("(2) Method 3: Use **real** data...", "use real data"),
        ("Method 1: Add a limit", "add a limit"),
        ("b) Don't guess", "dont guess"),
        ("3D models", "3d models"),
        ("增加 约束。", "增加 约束"),
        ("-- ?", ""),
    ],
)
def test_a_phrase_has_no_numbering_symbols_or_punctuation(text: str, wanted: str) -> None:
    assert phrase(text) == wanted


def test_a_methods_own_phrase_is_its_title_or_its_first_words() -> None:
    assert own_phrase("1. **Add constraints**: the answer must have five words") == "add constraints"
    assert (
        own_phrase("Ask for two examples of each kind of river in all of Asia")
        == "ask for two examples of each kind of"
    )


def said(text: str) -> Generation:
    return Generation(request_hash=RequestHash("h"), text=text, finish_reason="stop", engine="e")


def test_a_reply_with_another_number_of_phrases_names_nothing() -> None:
    assert read_phrases(said(json.dumps({"phrases": ["Add limits.", "x " * 20, 3]})), 3) == ["add limits", None, None]
    assert read_phrases(said(json.dumps({"phrases": ["Add limits."]})), 2) == [None, None]
    assert read_phrases(said("Add limits."), 1) == [None]


def test_near_phrases_fall_together_under_the_most_frequent_whatever_their_order() -> None:
    phrases = ["add constraint", "adding constraints", "add constraints", "add constraints", "use real data"]

    stands = merged(phrases)

    assert stands == merged(phrases[::-1])
    assert stands == {
        "add constraints": "add constraints",
        "add constraint": "add constraints",
        "adding constraints": "add constraints",
        "use real data": "use real data",
    }


def test_phrases_that_share_one_word_of_two_stay_apart() -> None:
    assert len(set(merged(["add constraints", "add examples", "remove constraints"]).values())) == 3
