"""Reward of the response for each of its words: what is left of a reward that only likes long answers.

The raw reward divided by the number of words, runs of characters between white space. A negative reward comes nearer
to 0 with every word, so compare responses whose raw rewards have one sign.
Null: as `reward_response`, or the response has no word (`empty_text`).
Source: methods 5.6 (the paper's scripts divide in one place and multiply in another; this divides, under its own name).
"""

from evol_core.llm.port import Program
from evol_core.records import Pair, Score
from evol_core.score.by_reward import per_word, reward_of, reward_score
from evol_core.score.metric import Metric, Scoring

NAME = "reward_response_per_word"


def score(pair: Pair, scoring: Scoring) -> Program[Score]:
    measured = yield from reward_of(pair.instruction.prompt, pair.response, scoring)
    return reward_score(NAME, pair.id, scoring, per_word(measured, pair.response))


METRIC = Metric(
    name=NAME,
    unit="reward a word",
    better="higher",
    subject="response",
    asks="reward",
    null="empty_text; as reward_response",
    source="methods 5.6",
    score=score,
)
