"""Odd rows through every real engine at once: each has its line for each metric, and each null its reason.

The models are small and random, built as the real ones are; the way to them is that of `evol score`.
"""

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evol_core.config import Settings
from evol_core.pipeline.file_scores import ScoreOrder, score_file
from evol_core.recipe import FileScoring, ModelConfig, ScoreConfig
from evol_core.score.metrics import ALL_METRICS
from evol_core.store.plain_rows import read_rows
from tests.integration.engine_scores.conftest import Tiny
from tests.integration.engine_scores.test_reward import classifier
from tests.integration.engine_scores.tiny import CONTEXT

pytestmark = pytest.mark.engine

METRICS = tuple(name for name, metric in ALL_METRICS.items() if metric.asks != "judge")
"""A judge answers in words; how they are read needs no engine."""

LONG = "b the " * 175_000
"""1 MB."""

QUITE_LONG = LONG[:100_000]

ROWS: list[Any] = [
    {"instruction": "What is it?", "output": "the theatre"},
    {"instruction": "What is it?", "input": "b", "output": "\nb the b"},
    {"instruction": "What is it? 2", "output": ""},
    {"instruction": "What is it? 3", "output": "b"},
    {"instruction": "", "output": "the answer"},
    {"instruction": "a\0b", "output": "c\0d"},
    {"instruction": "a\ud800", "output": "b"},
    {"instruction": "half", "output": "\udfff"},
    {"instruction": "long answer", "output": LONG},
    {"instruction": QUITE_LONG, "output": "long question"},
    {"instruction": "over the context", "output": "b" * CONTEXT},
    {"instruction": 5, "output": "b"},
    {"instruction": "\N{SNOWMAN}\u202e\ufeff", "output": "\N{SNOWMAN} e\u0301"},
]
NORMAL, MERGED, SILENT, ONE_TOKEN, NO_QUESTION, NULS, HALF, HALF_ANSWER, LONG_ANSWER, LONG_QUESTION, OVER, NO_TEXT = (
    range(12)
)

SAME = 3e-5

Word = tuple[float | None, str]
"""A value and its reason."""


Found = list[dict[str, Word]]
"""Of each row, what each metric says."""


@pytest.fixture(scope="module")
def models(tiny: Tiny, tiny_embedder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each role, but for the scorer's."""
    reward = classifier(tmp_path_factory.mktemp("reward"))
    return {"responder": tiny("llama", "bos"), "reward": reward, "embedder": tiny_embedder}


def scored(rows: Sequence[Any], models: dict[str, Path], scorer: Path, folder: Path) -> tuple[Found, dict[str, Any]]:
    """What every metric says of every row, and the summary."""
    file, output = folder / "rows.json", folder / "scores.parquet"
    file.write_text(json.dumps(rows))
    how = FileScoring(
        models={name: ModelConfig(path=str(path)) for name, path in {"default": scorer, **models}.items()},
        score=ScoreConfig(metrics=METRICS, reward="reward", embedder="embedder"),
        responder="responder",
    )
    settings = Settings(home=folder, database_url="", jobs_python=Path("python"))
    summary = score_file(ScoreOrder(file=file, output=output, how=how), settings, lambda progress: None)
    found: Found = [{} for _ in rows]
    for line in read_rows(output).values:
        found[line["row"]][line["metric"]] = line["value"], line["reason"]
    return found, summary


@pytest.fixture(scope="module", params=["no_bos", "merges"])
def odd(
    request: pytest.FixtureRequest, tiny: Tiny, models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Found, dict[str, Any]]:
    """All rows, under a scorer without a BOS and under one whose tokens reach over the boundary."""
    return scored(ROWS, models, tiny("llama", request.param), tmp_path_factory.mktemp("odd"))


def test_every_row_has_a_word_of_every_metric_and_every_null_a_reason(odd: tuple[Found, dict[str, Any]]) -> None:
    found, summary = odd

    assert [list(row) for row in found] == [list(METRICS)] * len(ROWS), "no row and no metric is missing"
    for value, reason in (word for row in found for word in row.values()):
        assert (value is None) == bool(reason)
        assert value is None or math.isfinite(value)
    for line in summary["metrics"]:
        values = [row[line["metric"]][0] for row in found]
        there = [value for value in values if value is not None]
        assert (line["scored"], sum(line["null"].values())) == (len(there), len(ROWS) - len(there))
        assert line["mean"] == (pytest.approx(math.fsum(there) / len(there)) if there else None)


def reasons_of(metric: str) -> set[str]:
    """What the table says of a metric's nulls."""
    *said, last = re.findall(r"\w+", ALL_METRICS[metric].null) or [""]
    return {*said, last} | (reasons_of(last) if "as" in said else set())


def test_every_reason_is_one_that_the_table_names(odd: tuple[Found, dict[str, Any]]) -> None:
    for row in odd[0]:
        for metric, (_, reason) in row.items():
            assert reason in {"", "not_text"} | reasons_of(metric), metric


def test_the_reason_says_what_is_wrong_with_the_row(odd: tuple[Found, dict[str, Any]]) -> None:
    found, _ = odd

    def reasons(row: int, *metrics: str) -> list[str]:
        return [found[row][metric][1] for metric in metrics]

    assert reasons(SILENT, "ifd", "confidence", "reward_response_per_word") == [
        "empty_answer",
        "empty_answer",
        "empty_text",
    ]
    assert found[ONE_TOKEN]["confidence"][1] == ""
    assert reasons(NO_QUESTION, "ifd", "ic_ifd", "instruction_loss") == ["", "empty_instruction", "empty_instruction"]
    for row in (NORMAL, MERGED, NULS):
        assert {found[row][metric][1] for metric in METRICS if "evolution" not in metric} == {""}
    for row in (HALF, HALF_ANSWER):
        assert reasons(row, "ifd", "confidence", "reward_response") == ["not_unicode"] * 3
    assert reasons(HALF, "nearest_instruction") == ["not_unicode"]
    for row in (LONG_ANSWER, LONG_QUESTION):
        assert reasons(row, "ifd", "confidence", "reward_response") == [
            "over_max_tokens",
            "over_max_tokens",
            "over_context",
        ]
    assert reasons(OVER, "ifd", "confidence", "reward_response") == ["over_context"] * 3
    assert set(reasons(NO_TEXT, *METRICS)) == {"not_text"}


def test_another_order_of_the_rows_orders_the_scores_and_changes_none(
    tiny: Tiny, models: dict[str, Path], tmp_path: Path
) -> None:
    short = [row for row in ROWS if LONG[:1000] not in json.dumps(row)]
    order = [*range(len(short) - 1, -1, -2), *range(len(short) - 2, -1, -2)]

    found, _ = scored(short, models, tiny("llama", "merges"), tmp_path)
    again, _ = scored([short[row] for row in order], models, tiny("llama", "merges"), tmp_path)

    for place, row in enumerate(order):
        for metric, (value, reason) in found[row].items():
            expected = None if value is None else pytest.approx(value, abs=SAME, rel=0)
            assert again[place][metric] == (expected, reason)
