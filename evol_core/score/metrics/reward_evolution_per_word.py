"""Reward of the evolution for each word of the evolved instruction: what is left of a liking for length.

The raw reward divided by the number of words; see `reward_response_per_word` for how to read it.
Null: as `reward_evolution`, or the instruction has no word (`empty_text`).
Source: methods 5.6.
"""

from evol_core.llm.port import Program
from evol_core.records import Measured, Pair, Score
from evol_core.score.by_reward import NO_PARENT, per_word, reward_of, reward_score
from evol_core.score.metric import Metric, Scoring

NAME = "reward_evolution_per_word"


def score(pair: Pair, scoring: Scoring) -> Program[Score]:
    measured = Measured(reason=NO_PARENT)
    if pair.evolving_prompt:
        measured = yield from reward_of(pair.evolving_prompt, pair.instruction.text, scoring)
    return reward_score(NAME, pair.instruction.id, scoring, per_word(measured, pair.instruction.text))


METRIC = Metric(
    name=NAME,
    unit="reward a word",
    better="higher",
    subject="instruction",
    asks="reward",
    null="empty_text; as reward_evolution",
    source="methods 5.6",
    score=score,
)
