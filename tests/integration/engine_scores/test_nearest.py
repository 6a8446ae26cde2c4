"""The nearest other row is that of a search through all of them."""

import numpy as np
import pytest
import torch  # noqa: TID253

from evol_core.score.models.nearest import COLUMNS, NEAR, ROWS, blocks, nearest

pytestmark = pytest.mark.engine


def unit(n_rows: int, dimensions: int, *, seed: int = 0) -> torch.Tensor:
    vectors = np.random.default_rng(seed).standard_normal((n_rows, dimensions))
    return torch.tensor(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=torch.float32)


def slow(vectors: torch.Tensor) -> tuple[list[float], list[int]]:
    """Distances to all others, one row at a time, in float64: the smallest, and how many are below NEAR."""
    rows = vectors.double().numpy()
    smallest, repeats = [], []
    for number, row in enumerate(rows):
        distances = ((np.delete(rows, number, axis=0) - row) ** 2).sum(axis=1)
        smallest.append(float(distances.min()))
        repeats.append(int((distances < NEAR).sum()))
    return smallest, repeats


@pytest.mark.parametrize("n_rows", [2, 3, ROWS, ROWS + 1, 2 * ROWS + 3])
def test_distances_and_repeats_are_those_of_a_slow_search(n_rows: int) -> None:
    vectors = unit(n_rows, 4)

    found = nearest(vectors)

    distances, repeats = slow(vectors)
    np.testing.assert_allclose(found.distance_N.numpy(), distances, atol=1e-6)
    assert found.repeats_N.tolist() == repeats
    between = ((vectors - vectors[found.row_N]).double() ** 2).sum(1)
    np.testing.assert_allclose(between.numpy(), distances, atol=1e-6)
    assert (found.row_N != torch.arange(n_rows)).all()


def test_a_copy_is_at_distance_zero_and_is_not_taken_for_the_row_itself() -> None:
    vectors = unit(5, 8)
    vectors = torch.cat([vectors, vectors[2:3], vectors[2:3]])

    found = nearest(vectors)

    assert found.row_N[[2, 5, 6]].tolist() == [5, 2, 2]
    assert found.distance_N[[2, 5, 6]].tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-6)
    assert found.repeats_N.tolist() == [0, 0, 2, 0, 0, 2, 2]


def test_a_row_without_another_has_no_nearest() -> None:
    found = nearest(unit(1, 3))

    assert found.distance_N.tolist() == [float("inf")]
    assert found.row_N.tolist() == [-1]
    assert nearest(torch.empty(0, 3)).row_N.tolist() == []


def test_another_order_of_the_rows_gives_the_same_distances() -> None:
    vectors = unit(ROWS + 50, 16)
    order = torch.tensor(np.random.default_rng(1).permutation(len(vectors)))

    found, shuffled = nearest(vectors), nearest(vectors[order])

    torch.testing.assert_close(shuffled.distance_N, found.distance_N[order], atol=1e-6, rtol=0)
    assert shuffled.repeats_N.tolist() == found.repeats_N[order].tolist()


def test_vectors_that_are_not_of_length_one_are_refused() -> None:
    with pytest.raises(ValueError, match="vectors must have length 1"):
        nearest(2 * unit(3, 3))


@pytest.mark.parametrize("n_rows", [0, 1, ROWS, ROWS + 1, COLUMNS + ROWS + 5])
def test_blocks_hold_every_unordered_pair_once(n_rows: int) -> None:
    pairs = 0
    for (first, after), (others, behind) in blocks(n_rows):
        size = after - first
        pairs += size * (size - 1) // 2 if first == others else size * (behind - others)

    assert pairs == n_rows * (n_rows - 1) // 2
