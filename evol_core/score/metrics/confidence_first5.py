"""Answer confidence at the beginning: the mean of the likeliest token's probability at the first five positions.

As `confidence`, over the positions that the paper's own figure shows; of a shorter response, over those it has.
Null: as `confidence`.
Source: arXiv 2412.11231 and its scripts; methods 5.7.
"""

from evol_core.llm.port import Program
from evol_core.records import Pair, Score
from evol_core.score.by_confidence import confidence_of, confidence_score
from evol_core.score.metric import Metric, Scoring

NAME = "confidence_first5"

FIRST = 5


def score(pair: Pair, scoring: Scoring) -> Program[Score]:
    measured = yield from confidence_of(pair, scoring)
    return confidence_score(NAME, pair, scoring, measured.top1[:FIRST], measured.reason)


METRIC = Metric(
    name=NAME,
    unit="probability",
    better="neither",
    subject="response",
    asks="responder",
    null="empty_answer, over_max_tokens, over_context, not_finite, not_unicode, engine_error",
    source="arXiv 2412.11231; methods 5.7",
    score=score,
)
