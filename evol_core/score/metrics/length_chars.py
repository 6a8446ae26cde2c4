"""The length of the response in characters (Unicode code points). Never null: an empty response has 0.

How to read it: evolved instructions draw longer answers; a metric that only rewards length is worth little.
Source: methods 5.9.
"""

from evol_core.llm.port import Program
from evol_core.records import Pair, Score
from evol_core.score.metric import Metric, Scoring, at_once

NAME = "length_chars"


def score(pair: Pair, scoring: Scoring) -> Program[Score]:
    return at_once(Score(subject_id=pair.id, metric=NAME, value=float(len(pair.response))))


METRIC = Metric(
    name=NAME,
    unit="characters",
    better="neither",
    subject="response",
    asks="nothing",
    null="",
    source="methods 5.9",
    score=score,
)
