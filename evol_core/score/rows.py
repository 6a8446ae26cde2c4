"""One pair through all wanted metrics, which ask their models together."""

from collections.abc import Sequence

from evol_core.llm.port import Program, together
from evol_core.records import Pair, Score
from evol_core.score.metric import Metric, Scoring, at_once
from evol_core.score.metrics import METRICS, row_metrics, unknown_metrics
from evol_core.text import has_lone_surrogate

NOT_UNICODE = "not_unicode"
"""The text holds half of a surrogate pair: no model can be asked of it, and no table can keep the question."""


def score_pair(pair: Pair, metrics: Sequence[str], scoring: Scoring) -> Program[list[Score]]:
    """One score a metric that is scored row by row, in the order asked; metrics of whole sets are left out.

    Raises:
        ValueError: a metric's name is not in the table; nothing was asked.
    """
    problem = unknown_metrics(metrics)
    if problem:
        raise ValueError(problem)
    return together([_score(METRICS[name], pair, scoring) for name in row_metrics(metrics)])


def _score(metric: Metric, pair: Pair, scoring: Scoring) -> Program[Score]:
    if metric.asks == "nothing" or not has_lone_surrogate(
        pair.instruction.prompt + pair.response + pair.evolving_prompt
    ):
        return metric.score(pair, scoring)
    model = scoring.model(metric.asks)
    subject = pair.instruction.id if metric.subject == "instruction" else pair.id
    return at_once(Score(subject_id=subject, metric=metric.name, value=None, reason=NOT_UNICODE, scorer=model.name))
