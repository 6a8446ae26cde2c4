"""A row that holds 13 words of a benchmark's item is hit by it, and a row that holds 12 is not."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evol_core.publish.decontamination import Benchmarks, Hit, Item, words_of

TEXT = "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May."
ITEM = Item(benchmark="gsm8k", item="0", text=TEXT)


def hits(*texts: str, items: tuple[Item, ...] = (ITEM,)) -> list[Hit]:
    return Benchmarks(items).hits("row", *texts)


def test_thirteen_words_in_a_row_are_a_hit_and_twelve_are_none() -> None:
    thirteen = "sold clips to 48 of her friends in april and then she sold"

    assert hits(f"Once more: {thirteen} nothing.") == [
        Hit(row_id="row", benchmark="gsm8k", item="0", words=thirteen),
    ]
    assert hits(thirteen.removesuffix(" sold")) == []


@pytest.mark.parametrize("change", [str.upper, lambda text: text.replace(" ", " \n\t"), lambda text: f"<{text}>!"])
def test_case_blanks_and_punctuation_hide_nothing(change: Callable[[str], str]) -> None:
    assert [hit.item for hit in hits(change(TEXT).replace(",", " --"))] == ["0"]


def test_characters_that_look_the_same_are_the_same() -> None:
    assert words_of("\N{LATIN SMALL LIGATURE FI}ne \N{FULLWIDTH DIGIT FOUR}8 STRASSE stra\xdfe") == [
        "fine",
        "48",
        "strasse",
        "strasse",
    ]


def test_every_item_that_a_row_shares_words_with_is_named_once() -> None:
    other = Item(benchmark="copy", item="7", text=f"Read this: {TEXT} {TEXT}")

    found = hits(TEXT, TEXT, items=(ITEM, other))

    assert [(hit.benchmark, hit.item) for hit in found] == [("gsm8k", "0"), ("copy", "7")]


def test_words_do_not_run_from_one_text_into_the_next() -> None:
    words = TEXT.split()
    assert hits(" ".join(words[:10]), " ".join(words[10:])) == []


def test_items_too_short_to_be_found_are_told() -> None:
    short = Item(benchmark="mini", item="1", text="What is two and two?")
    benchmarks = Benchmarks([short, ITEM])

    assert benchmarks.too_short == [short]
    assert benchmarks.hits("row", "What is two and two?") == []


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12), st.integers(1, 4))
def test_a_hit_is_a_run_of_words_that_both_hold(item: list[str], row: list[str], n: int) -> None:
    found = Benchmarks([Item(benchmark="b", item="i", text=" ".join(item))], n=n).hits("row", " ".join(row))

    runs = {tuple(item[start : start + n]) for start in range(len(item) - n + 1)}
    shared = [tuple(row[start : start + n]) for start in range(len(row) - n + 1)]
    expected = next((run for run in shared if run in runs), None)
    assert [tuple(hit.words.split()) for hit in found] == ([expected] if expected else [])


def test_runs_of_no_words_are_refused() -> None:
    with pytest.raises(ValueError, match="n must be at least 1 word, got 0"):
        Benchmarks([], n=0)
