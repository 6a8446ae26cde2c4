"""What rewards share: the request, and the form of their scores.

Raw and length-adjusted rewards ask the same RewardRequest, so that a chat is judged once.
"""

from evol_core.llm.port import Program, ask
from evol_core.records import Measured, Score, content_hash
from evol_core.requests import RewardRequest
from evol_core.score.metric import Scoring

ENGINE_ERROR = "engine_error"
"""The reward model could not serve the request; the recorded generation says why."""

NO_PARENT = "no_parent"
"""Nobody knows what the evolver was asked, as of a seed, or of a plain file's row."""

EMPTY = "empty_text"
"""There is no word to divide by."""


def reward_of(user: str, assistant: str, scoring: Scoring) -> Program[Measured]:
    """The reward model's word on one turn of each side."""
    model, dtype = scoring.model("reward"), scoring.dtype("reward")
    generation = yield from ask(RewardRequest(model=model, user=user, assistant=assistant, dtype=dtype))
    return generation.measured or Measured(reason=ENGINE_ERROR)


def per_word(measured: Measured, text: str) -> Measured:
    """A reward divided by its text's words, runs of characters between white space."""
    words = len(text.split())
    if measured.reward is None:
        return measured
    return Measured(reward=measured.reward / words) if words else Measured(reason=EMPTY)


def reward_score(metric: str, subject_id: str, scoring: Scoring, measured: Measured) -> Score:
    return Score(
        subject_id=subject_id,
        metric=metric,
        value=measured.reward,
        reason="" if measured.reward is not None else measured.reason,
        scorer=scoring.model("reward").name,
        revision=content_hash({"metric": metric, **scoring.identity("reward")}),
    )
