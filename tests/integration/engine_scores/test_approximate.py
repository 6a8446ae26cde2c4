"""An approximate search finds real rows, and says how often they are the nearest."""

import math

import numpy as np
import pytest
import torch  # noqa: TID253

from evol_core.score.models.approximate import approximate, recall
from evol_core.score.models.nearest import nearest
from evol_core.score.models.search import search

pytestmark = pytest.mark.engine


def clustered(n_rows: int, dimensions: int = 32) -> torch.Tensor:
    """Rows round 40 places, as instructions lie round their topics."""
    draw = np.random.default_rng(0)
    places = draw.standard_normal((40, dimensions))
    rows = places[draw.integers(0, 40, n_rows)] + 0.3 * draw.standard_normal((n_rows, dimensions))
    return torch.tensor(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=torch.float32)


def test_most_rows_find_their_nearest_and_none_finds_a_nearer_one() -> None:
    vectors = clustered(4000)
    exact = nearest(vectors)

    found, said = approximate(vectors)

    same = (found.distance_N - exact.distance_N).abs() <= 1e-5
    assert (found.distance_N >= exact.distance_N - 1e-5).all()
    assert float(same.float().mean()) > 0.9
    assert said == pytest.approx(float(same.float().mean()), abs=0.03)
    assert (found.repeats_N <= exact.repeats_N).all()
    assert (found.row_N != torch.arange(len(vectors))).all()
    between = ((vectors - vectors[found.row_N]).double() ** 2).sum(1)
    np.testing.assert_allclose(between.numpy(), found.distance_N.numpy(), atol=1e-5)


@pytest.mark.parametrize("n_others", [0, 1, 20])
def test_where_most_rows_are_copies_of_one_each_row_still_finds_another(n_others: int) -> None:
    vectors = torch.cat([clustered(n_others), clustered(1).expand(400, -1)])

    found, _ = approximate(vectors)

    assert found.distance_N.isfinite().all()
    assert found.distance_N[n_others:].max() < 1e-5
    assert (found.repeats_N[n_others:] >= 399).all()


def test_recall_counts_the_rows_that_were_missed() -> None:
    vectors = clustered(500)
    exact = nearest(vectors)
    missed = exact._replace(distance_N=exact.distance_N + 0.1 * (torch.arange(500) < 250))

    assert recall(vectors, missed, torch.Generator().manual_seed(0)) == pytest.approx(0.5)


@pytest.mark.parametrize("approximate_above", [1, 1000])
@pytest.mark.parametrize(("distance", "repeats"), [(0.0499, [1, 1]), (0.0501, [0, 0])])
def test_a_repeat_is_nearer_than_a_twentieth(approximate_above: int, distance: float, repeats: list[int]) -> None:
    angle = 2 * math.asin(math.sqrt(distance) / 2)
    rows = [np.array([math.cos(turn), math.sin(turn)], "<f4").tobytes() for turn in (0.0, angle)]

    found = search(rows, approximate_above=approximate_above)

    assert list(found.distances) == pytest.approx([distance, distance], abs=1e-6)
    assert list(found.repeats) == repeats


def test_the_setting_decides_between_exact_and_approximate() -> None:
    vectors = clustered(300)
    rows = [row.numpy().astype("<f4").tobytes() for row in vectors]

    exact, nearly = search(rows, approximate_above=300), search(rows, approximate_above=299)

    assert exact.recall is None
    assert list(exact.distances) == pytest.approx(nearest(vectors).distance_N.tolist(), abs=1e-6)
    assert nearly.recall is not None
    assert nearly.recall > 0.5
    assert search([], approximate_above=1).distances == []
    assert search(rows[:1], approximate_above=1).distances == [float("inf")]
