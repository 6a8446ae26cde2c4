"""Reward of the evolution: how much a reward model likes the instruction as the answer to its evolving prompt.

The chat is the evolving prompt, built from the parent, and the evolved instruction. Higher is better; only rewards of
one reward model compare with each other. An instruction that two parents led to keeps the first one's reward.
Null: nobody knows the evolving prompt (`no_parent`: a seed, a plain file's row), or as `reward_response`.
Source: arXiv 2412.11231; methods 5.6.
"""

from evol_core.llm.port import Program
from evol_core.records import Measured, Pair, Score
from evol_core.score.by_reward import NO_PARENT, reward_of, reward_score
from evol_core.score.metric import Metric, Scoring

NAME = "reward_evolution"


def score(pair: Pair, scoring: Scoring) -> Program[Score]:
    measured = Measured(reason=NO_PARENT)
    if pair.evolving_prompt:
        measured = yield from reward_of(pair.evolving_prompt, pair.instruction.text, scoring)
    return reward_score(NAME, pair.instruction.id, scoring, measured)


METRIC = Metric(
    name=NAME,
    unit="reward",
    better="higher",
    subject="instruction",
    asks="reward",
    null="no_parent, over_context, not_finite, not_unicode, engine_error",
    source="arXiv 2412.11231; methods 5.6",
    score=score,
)
