"""The head's tiles add up to the cross-entropy of all logits."""

import pytest
import torch  # noqa: TID253
from torch.nn.functional import cross_entropy  # noqa: TID253

from evol_core.score.models.head import TILES, Head

pytestmark = pytest.mark.engine

ROWS, ENTRIES = TILES["cpu"]


@pytest.mark.parametrize("n_rows", [0, 1, ROWS, ROWS + 1])
@pytest.mark.parametrize("n_entries", [3, ENTRIES, ENTRIES + 1, 2 * ENTRIES + 7])
@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_tiles_have_the_loss_of_all_logits_at_once(n_rows: int, n_entries: int, scale: float) -> None:
    torch.manual_seed(0)
    weight, hidden = torch.randn(n_entries, 8), scale * torch.randn(n_rows, 8)
    targets = torch.randint(n_entries, (n_rows,))

    found = Head(weight)(hidden, targets)

    expected = cross_entropy(hidden.double() @ weight.double().t(), targets, reduction="none")
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-4 * scale)
    assert scale == 1.0 or n_rows < ROWS or expected.max() > 88, "exp of such a loss is beyond float32"
