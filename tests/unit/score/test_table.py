"""The documented table of metrics is the one in the code, and every metric explains itself."""

import sys

import pytest

from evol_core.config import PROJECT_ROOT
from evol_core.score.metrics import ALL_METRICS
from evol_core.score.table import metrics_table


def test_the_documented_table_is_that_of_the_code() -> None:
    page = (PROJECT_ROOT / "docs/metrics.md").read_text(encoding="utf-8")

    assert metrics_table() in page, "print it with: python -m evol_core.score.table"


@pytest.mark.parametrize("name", ALL_METRICS)
def test_a_metric_says_how_to_read_it_where_it_is_null_and_where_it_comes_from(name: str) -> None:
    module = sys.modules[f"evol_core.score.metrics.{name}"]

    assert name == module.NAME
    said = module.__doc__ or ""
    assert "Source:" in said
    assert "ull: " in said or "Never null" in said
    assert ALL_METRICS[name].source
