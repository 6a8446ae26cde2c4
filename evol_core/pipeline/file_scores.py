"""Scores of a plain file: no database, no run; models as in a recipe, every answer behind the home's record."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evol_core.config import Settings
from evol_core.errors import ConfigError
from evol_core.llm.record import RecordedEngine
from evol_core.llm.routed import RoutedEngine
from evol_core.pipeline.context import MakeEngine, engine_makers, model_ref, real_engine
from evol_core.pipeline.file_record import recorded
from evol_core.pipeline.scoring import needed_models, scored_set, scoring_of
from evol_core.recipe.scoring import FileScoring
from evol_core.records import ModelRef
from evol_core.runner import Report, drive, reported
from evol_core.score.files import SCORED, Columns, coverage, long_row, means, members_of, no_pair, score_programs
from evol_core.score.metric import Scoring
from evol_core.score.metrics import ALL_METRICS, row_metrics, set_metrics, unknown_metrics
from evol_core.store.plain_rows import check_output, pair_of, read_rows, write_table

UNASKED = ModelRef(name="", revision="", tokenizer="")
"""In the place of a model that no metric asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreOrder:
    """What `evol score` is asked to do."""

    file: Path
    output: Path
    how: FileScoring


def check_order(order: ScoreOrder) -> None:
    """What can be known to be wrong before a model is loaded.

    Raises:
        ConfigError: an unknown metric, a model that nobody names, an output that cannot be written.
        InputError: the file cannot be read.
    """
    if problem := unknown_metrics(order.how.score.metrics):
        raise ConfigError(f"--metrics: {problem}")
    for name in needed_models(order.how.score, order.how.responder):
        if name not in order.how.models:
            raise ConfigError(
                f"--metrics {','.join(order.how.score.metrics)}: they ask a model that is not named"
                f"{f' ({name!r})' if name else ''}; models: {sorted(order.how.models)}. Name a reward model with "
                "--set models.reward.path=FOLDER --set score.reward=reward"
            )
    check_output(order.output)


def score_file(
    order: ScoreOrder, settings: Settings, report: Report, make_engine: MakeEngine = real_engine
) -> dict[str, Any]:
    """Score every row of a file, and write long rows; what an earlier attempt was answered is not asked again.

    Returns:
        `rows`, and under `metrics` a line a metric: how many rows have a value, their mean, the set's figure (of ratios
        100 x the mean), why others have no value.

    Raises:
        EvolError: what `check_order` says, or a model that cannot be loaded.
    """
    check_order(order)
    values = read_rows(order.file).values
    score = order.how.score
    needed = needed_models(score, order.how.responder)
    configs = {name: config for name, config in order.how.models.items() if name in needed}
    refs = {name: model_ref(config, settings) for name, config in configs.items()}
    models = dict.fromkeys(order.how.models, UNASKED) | refs
    scoring = scoring_of(score, models, order.how.models, responder=order.how.responder)
    with recorded(lambda: RoutedEngine(engine_makers(configs, refs, settings, make_engine)), settings) as engine:
        counts = engine.counts
        programs = score_programs(values, row_metrics(score.metrics), scoring)
        results = reported(
            drive(programs, engine),
            stage="score",
            total=len(values),
            report=report,
            counts=lambda: (counts.replayed, counts.generated, counts.tokens),
        )
        by_row = [{line["metric"]: line for line in lines} for lines in results]
        recalls = _add_set_scores(by_row, values, order.how, scoring, engine)
    lines = [row[metric] for row in by_row for metric in score.metrics]
    write_table(order.output, lines, SCORED)
    return {"rows": len(values), "metrics": _summary(lines), **recalls, "output": str(order.output)}


def _add_set_scores(
    by_row: list[dict[str, Columns]], values: Sequence[Any], how: FileScoring, scoring: Scoring, engine: RecordedEngine
) -> dict[str, float]:
    """Add what looks at all rows together; the recall of approximate searches."""
    metrics = set_metrics(how.score.metrics)
    members = members_of(values)
    found = scored_set(list(members.values()), metrics, scoring, engine, approximate_above=how.score.approximate_above)
    for number, scores in zip(members, found.scores, strict=True):
        pair = pair_of(values[number])
        assert not isinstance(pair, str), "members are pairs"
        by_row[number] |= {score.metric: long_row(number, pair, score) for score in scores}
    for number, row in enumerate(by_row):
        if number not in members:
            lines = no_pair(number, str(pair_of(values[number])), [metric.name for metric in metrics])
            row |= {line["metric"]: line for line in lines}
    return {f"recall_{mode}": recall for mode, recall in found.recalls.items()}


def _summary(lines: Sequence[Columns]) -> list[dict[str, Any]]:
    mean = means(lines)
    return [
        {
            "metric": metric,
            "scored": counts.pop("scored"),
            "mean": mean[metric],
            "figure": _figure(metric, mean[metric]),
            "null": counts,
        }
        for metric, counts in coverage(lines).items()
    ]


def _figure(metric: str, mean: float | None) -> float | None:
    return None if mean is None else ALL_METRICS[metric].figure * mean
