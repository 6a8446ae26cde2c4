"""Reward of the response: how much a reward model likes it as the answer to its instruction.

The chat is the instruction with its input, and the response. Higher is better; rewards have no unit and no zero, so
only those of one reward model compare with each other.
Null: the chat is over the reward model's context, its output is not finite, or it could not be asked.
Source: arXiv 2412.11231; methods 5.6.
"""

from evol_core.llm.port import Program
from evol_core.records import Pair, Score
from evol_core.score.by_reward import reward_of, reward_score
from evol_core.score.metric import Metric, Scoring

NAME = "reward_response"


def score(pair: Pair, scoring: Scoring) -> Program[Score]:
    measured = yield from reward_of(pair.instruction.prompt, pair.response, scoring)
    return reward_score(NAME, pair.id, scoring, measured)


METRIC = Metric(
    name=NAME,
    unit="reward",
    better="higher",
    subject="response",
    asks="reward",
    null="over_context, not_finite, not_unicode, engine_error",
    source="arXiv 2412.11231; methods 5.6",
    score=score,
)
