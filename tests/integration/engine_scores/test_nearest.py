"""The nearest other row is that of a search through all of them, by all products and by bounds alike."""

from collections.abc import Callable

import numpy as np
import pytest
import torch  # noqa: TID253

from evol_core.score.models import nearest as by
from evol_core.score.models.blocks import COLUMNS, NEAR, ROWS, blocks
from evol_core.score.models.leading import FEWEST_ROWS, Leading, axes, leading, slack_of, turned
from evol_core.score.models.nearest import Nearest, by_bounds, by_products, found, nearest

pytestmark = pytest.mark.engine

Draw = Callable[[int], torch.Tensor]


def unit(n_rows: int, dimensions: int, *, seed: int = 0) -> torch.Tensor:
    vectors = np.random.default_rng(seed).standard_normal((n_rows, dimensions))
    return of_length_one(vectors)


def of_length_one(vectors: np.ndarray) -> torch.Tensor:
    return torch.tensor(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=torch.float32)


def like_texts(n_rows: int, *, dimensions: int = 48, seed: int = 0) -> torch.Tensor:
    """Clusters, of which a few directions say most, as embeddings of texts are."""
    draw = np.random.default_rng(seed)
    scale = 1 / np.arange(1, dimensions + 1)
    centres = draw.standard_normal((max(1, n_rows // 9), dimensions))
    return of_length_one(
        (centres[draw.integers(len(centres), size=n_rows)] + 0.3 * draw.standard_normal((n_rows, dimensions))) * scale
    )


def with_copies(n_rows: int) -> torch.Tensor:
    """A third of the rows are copies of others, far away in the order."""
    vectors = like_texts(n_rows)
    vectors[n_rows - n_rows // 3 :] = vectors[: n_rows // 3]
    return vectors


def all_the_same(n_rows: int) -> torch.Tensor:
    return unit(1, 48).expand(n_rows, -1).contiguous()


def with_opposites(n_rows: int) -> torch.Tensor:
    """On few axes: products are 1, 0 and -1, and nearly all are tied."""
    vectors = torch.zeros(n_rows, 48)
    draw = np.random.default_rng(2)
    vectors[torch.arange(n_rows), torch.tensor(draw.integers(48, size=n_rows))] = torch.tensor(
        draw.choice([-1.0, 1.0], size=n_rows), dtype=torch.float32
    )
    return vectors


DRAWS: dict[str, Draw] = {
    "texts": like_texts,
    "copies": with_copies,
    "the same": all_the_same,
    "opposites": with_opposites,
    "random": lambda n_rows: unit(n_rows, 48),
    "few axes": lambda n_rows: torch.nn.functional.pad(unit(n_rows, 3), (0, 45)),
}


def slow(vectors: torch.Tensor) -> tuple[list[float], list[int]]:
    """Distances to all others, one row at a time, in float64: the smallest, and how many are below NEAR."""
    rows = vectors.double().numpy()
    smallest, repeats = [], []
    for number, row in enumerate(rows):
        distances = ((np.delete(rows, number, axis=0) - row) ** 2).sum(axis=1)
        smallest.append(float(distances.min(initial=np.inf)))
        repeats.append(int((distances < NEAR).sum()))
    return smallest, repeats


def bounds_of(vectors: torch.Tensor, width: int) -> Leading:
    exact = torch.linalg.qr(axes(vectors)[:, :width].double()).Q
    return Leading(turned(vectors, exact), slack_of(vectors.shape[1], width))


def assert_nearest(result: Nearest, vectors: torch.Tensor) -> None:
    distances, repeats = slow(vectors)
    np.testing.assert_allclose(result.distance_N.numpy(), distances, atol=2e-6)
    assert result.repeats_N.tolist() == repeats
    assert (result.row_N != torch.arange(len(vectors))).all()
    if len(vectors) > 1:
        between = ((vectors - vectors[result.row_N]).double() ** 2).sum(1)
        np.testing.assert_allclose(between.numpy(), distances, atol=2e-6)


@pytest.mark.parametrize("n_rows", [2, 3, ROWS, ROWS + 1, 2 * ROWS + 3])
def test_distances_and_repeats_are_those_of_a_slow_search(n_rows: int) -> None:
    vectors = unit(n_rows, 4)

    assert_nearest(nearest(vectors), vectors)


@pytest.mark.parametrize("n_rows", [1, 2, 5, ROWS, ROWS + 65, 2 * ROWS + 3])
@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS.keys())
def test_bounds_find_what_a_slow_search_finds(draw: Draw, n_rows: int) -> None:
    vectors = draw(n_rows)

    assert_nearest(found(by_bounds(vectors, bounds_of(vectors, 12))), vectors)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS.keys())
def test_bounds_find_the_same_rows_as_all_products_where_blocks_are_many(draw: Draw) -> None:
    vectors = draw(COLUMNS + 2 * ROWS + 100)

    result, plain = found(by_bounds(vectors, bounds_of(vectors, 16))), found(by_products(vectors))

    torch.testing.assert_close(result.distance_N, plain.distance_N, atol=2e-6, rtol=0)
    assert result.repeats_N.tolist() == plain.repeats_N.tolist()


@pytest.mark.parametrize("patience", [0, 1e9])
def test_giving_up_on_the_pairs_of_a_block_counts_none_twice(monkeypatch: pytest.MonkeyPatch, patience: float) -> None:
    vectors = with_copies(2 * ROWS + 3)
    monkeypatch.setattr(by, "PAIRS", 64)
    monkeypatch.setattr(by, "PATIENCE", patience)
    monkeypatch.setattr(by, "PAIR", 1e9)

    assert_nearest(found(by_bounds(vectors, bounds_of(vectors, 2))), vectors)


@pytest.mark.parametrize("width", [1, 5, 40])
def test_no_product_is_above_its_bound_by_more_than_the_slack(width: int) -> None:
    vectors = torch.cat([like_texts(300), unit(100, 48), with_opposites(50)])
    bounds = bounds_of(vectors, width)

    above = vectors @ vectors.t() - bounds.bound_NK @ bounds.bound_NK.t()

    assert float(above.max()) <= bounds.slack
    assert 0 < bounds.slack < 1e-4
    assert bounds.bound_NK.shape == (len(vectors), width + 1)


def test_bounds_are_for_vectors_of_which_a_few_axes_say_most() -> None:
    texts, random = like_texts(FEWEST_ROWS, dimensions=128), unit(FEWEST_ROWS, 128)

    assert leading(texts) is not None
    assert leading(random) is None
    assert leading(texts[:-1]) is None, "all products of fewer rows take less than the preparation"
    torch.testing.assert_close(nearest(texts).distance_N, found(by_products(texts)).distance_N, atol=2e-6, rtol=0)


@pytest.mark.parametrize("bounded", [False, True])
def test_of_rows_that_are_as_near_the_first_counts(bounded: bool) -> None:
    vectors = unit(5, 8)
    vectors = torch.cat([vectors, vectors[2:3], vectors[2:3]])

    result = found(by_bounds(vectors, bounds_of(vectors, 3)) if bounded else by_products(vectors))

    assert result.row_N[[2, 5, 6]].tolist() == [5, 2, 2]
    assert result.distance_N[[2, 5, 6]].tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-6)
    assert result.repeats_N.tolist() == [0, 0, 2, 0, 0, 2, 2]


def test_a_row_without_another_has_no_nearest() -> None:
    alone = nearest(unit(1, 3))

    assert alone.distance_N.tolist() == [float("inf")]
    assert alone.row_N.tolist() == [-1]
    assert nearest(torch.empty(0, 3)).row_N.tolist() == []


@pytest.mark.parametrize("bounded", [False, True])
def test_another_order_of_the_rows_gives_the_same_distances(bounded: bool) -> None:
    vectors = like_texts(ROWS + 50)
    order = torch.tensor(np.random.default_rng(1).permutation(len(vectors)))

    def search(rows: torch.Tensor) -> Nearest:
        return found(by_bounds(rows, bounds_of(rows, 8)) if bounded else by_products(rows))

    result, shuffled = search(vectors), search(vectors[order])

    torch.testing.assert_close(shuffled.distance_N, result.distance_N[order], atol=1e-6, rtol=0)
    assert shuffled.repeats_N.tolist() == result.repeats_N[order].tolist()


@pytest.mark.parametrize("scale", [0.0, 2.0])
def test_vectors_that_are_not_of_length_one_are_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="vectors must have length 1"):
        nearest(scale * unit(3, 3))


@pytest.mark.parametrize("n_rows", [0, 1, ROWS, ROWS + 1, COLUMNS + ROWS + 5])
def test_blocks_hold_every_unordered_pair_once(n_rows: int) -> None:
    pairs = 0
    for rows, columns in blocks(n_rows):
        size = rows.stop - rows.start
        pairs += size * (size - 1) // 2 if rows == columns else size * (columns.stop - columns.start)

    assert pairs == n_rows * (n_rows - 1) // 2
