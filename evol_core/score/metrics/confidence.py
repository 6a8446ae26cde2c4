"""Answer confidence: the mean, over all tokens of the response, of the likeliest token's probability there.

From the responder's own log-probabilities before temperature, the response read after its prompt by the responder's
chat template. Near 1: the model saw one way to go on; low: many. The paper finds small evolvers less sure, and reads
it as a wider output space. The figures of every position stay in the record of generations.
Null: an empty response, a chat over a limit, or a model that could not be asked.
Source: arXiv 2412.11231; methods 5.7.
"""

from evol_core.llm.port import Program
from evol_core.records import Pair, Score
from evol_core.score.by_confidence import confidence_of, confidence_score
from evol_core.score.metric import Metric, Scoring

NAME = "confidence"


def score(pair: Pair, scoring: Scoring) -> Program[Score]:
    measured = yield from confidence_of(pair, scoring)
    return confidence_score(NAME, pair, scoring, measured.top1, measured.reason)


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
