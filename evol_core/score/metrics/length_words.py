"""The length of the response in words: runs of characters between white space. Never null: an empty response has 0.

Source: methods 5.9. Languages that write without blanks are better measured in characters or tokens.
"""

from evol_core.llm.port import Program
from evol_core.records import Pair, Score
from evol_core.score.metric import Metric, Scoring, at_once

NAME = "length_words"


def score(pair: Pair, scoring: Scoring) -> Program[Score]:
    return at_once(Score(subject_id=pair.id, metric=NAME, value=float(len(pair.response.split()))))


METRIC = Metric(
    name=NAME,
    unit="words",
    better="neither",
    subject="response",
    asks="nothing",
    null="",
    source="methods 5.9",
    score=score,
)
