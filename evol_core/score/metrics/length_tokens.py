"""The length of the response in tokens of the scorer, counted where it stands: after its instruction.

A token that spans the boundary to the instruction belongs to neither and is not counted. A response that is too
long for a loss still has its length. Null: the text is no Unicode, the scorer could not read the pair, or a response
that says something has no token of its own (`one_token_text`).
Source: methods 5.9 and 5.2.
"""

from evol_core.llm.port import Program
from evol_core.records import Pair, Score
from evol_core.score.by_losses import loss_score, losses_of
from evol_core.score.metric import Metric, Scoring

NAME = "length_tokens"


def score(pair: Pair, scoring: Scoring) -> Program[Score]:
    losses = yield from losses_of(pair, scoring)
    value = float(losses.n_answer) if losses.n_answer or not pair.response else None
    return loss_score(NAME, pair, scoring, value, losses.reason)


METRIC = Metric(
    name=NAME,
    unit="tokens",
    better="neither",
    subject="response",
    asks="scorer",
    null="one_token_text, template_changes_text, not_unicode, engine_error",
    source="methods 5.9, 5.2",
    score=score,
)
