import math

import pytest

from evol_core.intervals import bootstrap_mean, sign_test, wilson


def test_wilson_is_right_where_a_table_has_it() -> None:
    share = wilson(8, 10)
    assert share is not None
    assert share.value == 0.8
    assert share.low == pytest.approx(0.4902, abs=1e-4)
    assert share.high == pytest.approx(0.9433, abs=1e-4)
    certain = wilson(10, 10)
    assert certain is not None
    assert certain.low < 1.0
    assert certain.high == pytest.approx(1.0)


def test_nothing_has_no_share_no_mean_and_no_probability() -> None:
    assert wilson(0, 0) is None
    assert sign_test(0, 0) is None
    assert bootstrap_mean([], resamples=100, seed=0) is None


@pytest.mark.parametrize(("wins", "losses"), [(0, 1), (5, 0), (9, 1), (7, 7), (3, 12)])
def test_the_sign_test_is_the_exact_binomial_test(wins: int, losses: int) -> None:
    n = wins + losses
    tail = sum(math.comb(n, k) for k in range(min(wins, losses) + 1)) / 2**n
    assert sign_test(wins, losses) == pytest.approx(min(1.0, 2 * tail))


def test_the_sign_test_of_a_whole_data_set_neither_overflows_nor_vanishes() -> None:
    probability = sign_test(26_100, 25_883)
    assert probability is not None
    assert 0.3 < probability < 0.4


def test_a_bootstrap_interval_is_the_same_every_time_and_holds_the_mean() -> None:
    values = [float(number % 7) for number in range(50)]
    first, again = (bootstrap_mean(values, resamples=500, seed=3) for _ in range(2))
    assert first == again
    assert first is not None
    assert first.low < first.value < first.high
    assert first != bootstrap_mean(values, resamples=500, seed=4)


def test_what_could_not_be_computed_is_no_value() -> None:
    with pytest.raises(ValueError, match="finite"):
        bootstrap_mean([1.0, float("nan")], resamples=100, seed=0)
