"""Selection takes the same rows every time, and never one without a score."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evol_core.publish.selection import ORDERS, Candidate, order_of, select, share
from evol_core.score.metrics import ALL_METRICS


def candidates(*values: float | None) -> list[Candidate]:
    return [Candidate(f"row{place}", value) for place, value in enumerate(values)]


@pytest.mark.parametrize(
    ("n_rows", "percent", "kept"),
    [
        (100, 25, 25),
        (10, 25, 2),
        (3, 25, 1),
        (1, 0.001, 1),
        (0, 25, 0),
        (7, 100, 7),
        (100, 29.0, 29),
        (1000, 14.3, 143),
        (1000, 0.7, 7),
        (3000, 2.3, 69),
        (51_983, 25, 12_995),
        (7, 99.99, 6),
    ],
)
def test_the_share_is_floored_but_never_nothing(n_rows: int, percent: float, kept: int) -> None:
    assert share(n_rows, percent) == kept


@given(st.integers(1, 10**7), st.decimals(min_value=Decimal("0.01"), max_value=100, places=2))
def test_the_share_is_that_of_the_written_percent(n_rows: int, percent: Decimal) -> None:
    assert share(n_rows, float(percent)) == max(1, int(percent * n_rows / 100))


@pytest.mark.parametrize("percent", [0, -1, 100.01, float("nan"), float("inf")])
def test_a_percent_out_of_bounds_is_refused(percent: float) -> None:
    with pytest.raises(ValueError, match=f"percent must be above 0 and at most 100, got {percent}"):
        share(10, percent)


def test_rows_come_in_order_of_rank() -> None:
    rows = candidates(0.3, 0.9, 0.1, 0.5)

    assert select(rows, percent=75, order="descending").chosen == [1, 3, 0]
    assert select(rows, percent=75, order="ascending").chosen == [2, 0, 3]


def test_ties_go_to_the_smaller_id_and_then_to_the_earlier_row() -> None:
    rows = [Candidate("b", 1.0), Candidate("a", 1.0), Candidate("c", 2.0), Candidate("a", 1.0)]

    assert select(rows, percent=100, order="descending").chosen == [2, 1, 3, 0]
    assert select(rows, percent=100, order="ascending").chosen == [1, 3, 0, 2]


def test_a_row_without_a_score_counts_but_is_never_chosen() -> None:
    rows = candidates(None, 0.0, None, -1.0)

    selection = select(rows, percent=100, order="descending")

    assert selection == ([1, 3], 4, 2)
    assert select(rows, percent=50, order="ascending").chosen == [3, 1]
    assert select(candidates(None), percent=100, order="descending") == ([], 1, 1)


def test_nan_is_refused_with_its_row() -> None:
    with pytest.raises(ValueError, match="row row1 has the value nan"):
        select(candidates(1.0, float("nan")), percent=50, order="descending")


@given(st.lists(st.one_of(st.none(), st.integers(0, 3).map(float)), max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(values: list[float | None], draw: random.Random) -> None:
    rows = candidates(*values)
    shuffled = list(rows)
    draw.shuffle(shuffled)

    chosen = [rows[place].id for place in select(rows, percent=40, order="descending").chosen]

    assert [shuffled[place].id for place in select(shuffled, percent=40, order="descending").chosen] == chosen


@pytest.mark.parametrize("metric", ALL_METRICS)
def test_every_metric_has_an_end_to_begin_at(metric: str) -> None:
    better = ALL_METRICS[metric].better
    assert order_of(metric) == {"higher": "descending", "lower": "ascending", "neither": "ascending"}[better]
    assert set(ORDERS) == set(ALL_METRICS)


@pytest.mark.parametrize(
    ("metric", "order"),
    [
        ("ifd", "descending"),
        ("ic_ifd", "descending"),
        ("instruction_loss", "ascending"),
        ("length_chars", "ascending"),
        ("length_words", "ascending"),
        ("length_tokens", "ascending"),
    ],
)
def test_the_papers_selections_begin_at_the_papers_end(metric: str, order: str) -> None:
    assert order_of(metric) == order


def test_an_unknown_metric_has_none() -> None:
    with pytest.raises(ValueError, match="metric 'beauty' has no order to select by; metrics that have one: "):
        order_of("beauty")
