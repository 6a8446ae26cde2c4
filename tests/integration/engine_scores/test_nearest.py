"""The nearest other row is that of a search through all of them, by all products and by bounds alike."""

from collections.abc import Callable

import numpy as np
import pytest
import torch  # noqa: TID253

from evol_core.score.models import nearest as by
from evol_core.score.models.blocks import COLUMNS, NEAR, ROWS, blocks
from evol_core.score.models.codes import FEWEST_ROWS, MOST, Codes, coded, codes, summed_exactly
from evol_core.score.models.nearest import Nearest, by_bounds, nearest

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


def few_codes(vectors: torch.Tensor) -> Codes:
    """So few that their bounds are wide."""
    return coded(vectors, 3)


def by_all(vectors: torch.Tensor) -> Nearest:
    return by.described(by.by_products(vectors))


def by_codes(vectors: torch.Tensor, bounds: Codes | None = None) -> Nearest:
    return by.described(by_bounds(vectors, bounds or coded(vectors, 63)))


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

    assert_nearest(by_codes(vectors), vectors)
    assert_nearest(by_codes(vectors, few_codes(vectors)), vectors)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS.keys())
def test_bounds_find_the_same_rows_as_all_products_where_blocks_are_many(draw: Draw) -> None:
    vectors = draw(COLUMNS + 2 * ROWS + 100)

    result, plain = by_codes(vectors), by_all(vectors)

    torch.testing.assert_close(result.distance_N, plain.distance_N, atol=2e-6, rtol=0)
    assert result.repeats_N.tolist() == plain.repeats_N.tolist()


@pytest.mark.parametrize("patience", [0, 1e9])
def test_giving_up_on_the_pairs_of_a_block_counts_none_twice(monkeypatch: pytest.MonkeyPatch, patience: float) -> None:
    vectors = with_copies(2 * ROWS + 3)
    monkeypatch.setattr(by, "PAIRS", 64)
    monkeypatch.setattr(by, "PATIENCE", patience)
    monkeypatch.setattr(by, "PAIR", 1e9)

    assert_nearest(by_codes(vectors, few_codes(vectors)), vectors)


@pytest.mark.parametrize("most", [1, 63, 127])
def test_no_product_is_above_its_bound(most: int) -> None:
    vectors = torch.cat([like_texts(300), unit(100, 48), with_opposites(50)])
    bounds = coded(vectors, most)

    codes_NN = bounds.code_ND.double() @ bounds.code_ND.double().t()
    bound_NN = bounds.unit * codes_NN + bounds.margin_N + bounds.margin_N[:, None]

    assert int(bounds.code_ND.abs().max()) <= most
    assert bool((vectors @ vectors.t() <= bound_NN).all())


def test_bounds_of_many_codes_are_narrow() -> None:
    assert float(coded(unit(300, 768), 127).margin_N.mean()) < 0.015


@pytest.mark.parametrize("dimensions", [2, 48, 768, 4096])
def test_products_of_codes_that_pass_the_trial_are_exact(dimensions: int) -> None:
    draw = torch.Generator().manual_seed(0)
    code_ND = torch.randint(-MOST, MOST + 1, (300, dimensions), generator=draw, dtype=torch.int8)
    exact = bool((torch._int_mm(code_ND, code_ND.t()) == code_ND.long() @ code_ND.long().t()).all())

    assert exact or not summed_exactly(dimensions)


def test_vectors_of_one_coordinate_whose_codes_torch_multiplies_wrongly_are_searched_without() -> None:
    assert nearest(unit(FEWEST_ROWS, 1)).distance_N.abs().max() == 0


def test_a_processor_that_overflows_multiplies_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def saturating(rows: torch.Tensor, columns: torch.Tensor, *, out: torch.Tensor) -> torch.Tensor:
        exact = rows.float() @ columns.float()
        return out.copy_(exact.clamp(max=exact.max() - 1))

    monkeypatch.setattr(torch, "_int_mm", saturating)

    assert summed_exactly.__wrapped__(64) is False


def test_few_rows_are_multiplied_out() -> None:
    vectors = like_texts(FEWEST_ROWS)

    assert codes(vectors[:-1]) is None
    assert (codes(vectors) is not None) == summed_exactly(vectors.shape[1])


@pytest.mark.parametrize("bounded", [False, True])
def test_of_rows_that_are_as_near_the_first_counts(bounded: bool) -> None:
    vectors = unit(5, 8)
    vectors = torch.cat([vectors, vectors[2:3], vectors[2:3]])

    result = by_codes(vectors) if bounded else by_all(vectors)

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

    search = by_codes if bounded else by_all

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
