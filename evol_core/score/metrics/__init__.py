"""The table of metrics. To add one: its module, its line here, its test."""

from collections.abc import Iterable, Mapping

from evol_core.score.metric import Asks, Metric
from evol_core.score.metrics import (
    difficulty_level,
    difficulty_score,
    ic_ifd,
    ifd,
    instruction_loss,
    length_chars,
    length_tokens,
    length_words,
)

METRICS: Mapping[str, Metric] = {
    length_chars.NAME: length_chars.METRIC,
    length_words.NAME: length_words.METRIC,
    length_tokens.NAME: length_tokens.METRIC,
    difficulty_score.NAME: difficulty_score.METRIC,
    difficulty_level.NAME: difficulty_level.METRIC,
    instruction_loss.NAME: instruction_loss.METRIC,
    ifd.NAME: ifd.METRIC,
    ic_ifd.NAME: ic_ifd.METRIC,
}


def unknown_metrics(names: Iterable[str]) -> str | None:
    """What is wrong with these names, as a message to people; None where all are known."""
    unknown = [name for name in names if name not in METRICS]
    return f"unknown metrics {unknown}; known: {sorted(METRICS)}" if unknown else None


def models_asked(names: Iterable[str]) -> frozenset[Asks]:
    """Which models these metrics need: some of `judge` and `scorer`, or none."""
    return frozenset(METRICS[name].asks for name in names) - {"nothing"}
