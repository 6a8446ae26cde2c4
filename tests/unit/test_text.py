import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evol_core.text import clean, fold, has_lone_surrogate, printable, reply_text

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


@given(ANY_TEXT)
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(ANY_TEXT)
def test_clean_text_is_nfc_without_controls_or_blanks_around(text: str) -> None:
    cleaned = clean(text)

    assert unicodedata.is_normalized("NFC", cleaned)
    assert not {c for c in cleaned if unicodedata.category(c) == "Cc"} - {"\n", "\t"}
    assert cleaned == cleaned.strip()


def test_a_control_character_does_not_keep_an_accent_from_its_letter() -> None:
    assert clean("e\0\u0301") == "\u00e9"


def test_line_ends_become_newlines() -> None:
    assert clean("a\r\nb\rc\n") == "a\nb\nc"


@given(ANY_TEXT)
def test_what_a_model_says_can_be_written_anywhere(text: str) -> None:
    for safe in (printable(text), reply_text(text)):
        assert "\0" not in safe
        safe.encode()


@pytest.mark.parametrize(("text", "found"), [("\ud83d", True), ("\U0001f600", False), ("", False)])
def test_half_a_surrogate_pair_is_found(text: str, found: bool) -> None:
    assert has_lone_surrogate(text) is found


def test_case_and_spacing_fold_away_and_nothing_else_does() -> None:
    assert fold("  Name\n a RIVER ") == fold("name a river")
    assert fold("Name a river.") != fold("Name a river")
