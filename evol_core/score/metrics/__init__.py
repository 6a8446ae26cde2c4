"""The tables of metrics. To add one: its module, its line here, its test."""

from collections.abc import Iterable, Mapping, Sequence

from evol_core.score.metric import Metric, Role, SetMetric
from evol_core.score.metrics import (
    confidence,
    confidence_first5,
    difficulty_level,
    difficulty_score,
    entropy_top20,
    ic_ifd,
    ifd,
    instruction_loss,
    length_chars,
    length_tokens,
    length_words,
    nearest_instruction,
    nearest_instruction_input,
    repeats_instruction,
    repeats_instruction_input,
    reward_evolution,
    reward_evolution_per_word,
    reward_response,
    reward_response_per_word,
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
    reward_response.NAME: reward_response.METRIC,
    reward_response_per_word.NAME: reward_response_per_word.METRIC,
    reward_evolution.NAME: reward_evolution.METRIC,
    reward_evolution_per_word.NAME: reward_evolution_per_word.METRIC,
    confidence.NAME: confidence.METRIC,
    confidence_first5.NAME: confidence_first5.METRIC,
    entropy_top20.NAME: entropy_top20.METRIC,
}
"""Scored row by row."""

SET_METRICS: Mapping[str, SetMetric] = {
    nearest_instruction.NAME: nearest_instruction.METRIC,
    repeats_instruction.NAME: repeats_instruction.METRIC,
    nearest_instruction_input.NAME: nearest_instruction_input.METRIC,
    repeats_instruction_input.NAME: repeats_instruction_input.METRIC,
}
"""Scored by all rows of a set."""

ALL_METRICS: Mapping[str, Metric | SetMetric] = {**METRICS, **SET_METRICS}


def unknown_metrics(names: Iterable[str]) -> str | None:
    """What is wrong with these names, as a message to people; None where all are known."""
    unknown = [name for name in names if name not in ALL_METRICS]
    return f"unknown metrics {unknown}; known: {sorted(ALL_METRICS)}" if unknown else None


def models_asked(names: Iterable[str]) -> frozenset[Role]:
    """The roles of the models that these metrics need."""
    return frozenset(asks for name in names if (asks := ALL_METRICS[name].asks) != "nothing")


def row_metrics(names: Sequence[str]) -> tuple[str, ...]:
    """Those that are scored row by row, in the order asked."""
    return tuple(name for name in names if name in METRICS)


def set_metrics(names: Sequence[str]) -> tuple[SetMetric, ...]:
    """Those that are scored by all rows of a set, in the order asked."""
    return tuple(SET_METRICS[name] for name in names if name in SET_METRICS)
