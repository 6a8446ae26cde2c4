"""Answer entropy: the mean, over all tokens of the response, of the 20 likeliest tokens' share of the entropy there.

At a position: - sum of p ln p over its 20 likeliest tokens, p before temperature and not made to add up to 1, nats.
0: one token has it all. Never above ln 20 = 3.0 where the 20 hold all the probability.
Null: as `confidence`.
Source: arXiv 2412.11231; methods 5.7.
"""

from evol_core.llm.port import Program
from evol_core.records import Pair, Score
from evol_core.score.by_confidence import confidence_of, confidence_score
from evol_core.score.metric import Metric, Scoring

NAME = "entropy_top20"


def score(pair: Pair, scoring: Scoring) -> Program[Score]:
    measured = yield from confidence_of(pair, scoring)
    return confidence_score(NAME, pair, scoring, measured.entropy, measured.reason)


METRIC = Metric(
    name=NAME,
    unit="nats a token",
    better="neither",
    subject="response",
    asks="responder",
    null="empty_answer, over_max_tokens, over_context, not_finite, not_unicode, engine_error",
    source="arXiv 2412.11231; methods 5.7",
    score=score,
)
