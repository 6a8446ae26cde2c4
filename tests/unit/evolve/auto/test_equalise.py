from hypothesis import given
from hypothesis import strategies as st

from evol_core.evolve.auto.equalise import equalise

Row = tuple[str, str]


def equal(left: list[Row], right: list[Row], seed: int = 0) -> tuple[list[Row], list[Row]]:
    return equalise(left, right, parent=lambda row: row[0], row_id=lambda row: row[1], seed=seed)


def test_arms_of_one_size_stay_untouched() -> None:
    left, right = [("a", "1")], [("b", "2")]

    assert equal(left, right) == (left, right)


def test_the_larger_arm_keeps_the_rows_whose_parents_the_smaller_has() -> None:
    small = [("a", "1"), ("a", "2"), ("b", "3")]
    large = [("c", "4"), ("a", "5"), ("c", "6"), ("b", "7"), ("a", "8"), ("a", "9")]

    kept, same = equal(large, small)

    assert same == small
    assert sorted(parent for parent, _ in kept) == ["a", "a", "b"]
    assert kept == [row for row in large if row in kept], "in their order"


rows = st.lists(st.tuples(st.sampled_from("abc"), st.uuids().map(str)), max_size=12, unique_by=lambda row: row[1])


@given(rows, rows, st.integers(0, 5))
def test_both_arms_have_the_size_of_the_smaller_and_the_draw_ignores_the_order(
    left: list[Row], right: list[Row], seed: int
) -> None:
    one, other = equal(left, right, seed)

    assert len(one) == len(other) == min(len(left), len(right))
    if len(left) != len(right):
        again = equal(left[::-1], right[::-1], seed)
        assert (sorted(again[0]), sorted(again[1])) == (sorted(one), sorted(other))
