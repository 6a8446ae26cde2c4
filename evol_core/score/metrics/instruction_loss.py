"""Instruction loss: how surprising the instruction is to the scorer before anybody answered it.

L(Q) = the mean negative log-likelihood of the instruction's tokens, nats a token, natural logarithm. High: rare or
garbled wording; low: a phrase the model knows by heart. It is the divisor that turns IFD into IC-IFD.

Null: an empty instruction, one of a single token without a predecessor, or a pair over the scorer's limit.
Source: arXiv 2412.11231 (the loss of its formula and tables, not the perplexity of its prose); methods 5.2.
"""

from evol_core.llm.port import Program
from evol_core.records import Pair, Score
from evol_core.score.by_losses import loss_score, losses_of
from evol_core.score.metric import Metric, Scoring

NAME = "instruction_loss"


def score(pair: Pair, scoring: Scoring) -> Program[Score]:
    losses = yield from losses_of(pair, scoring)
    return loss_score(NAME, pair, scoring, losses.question, losses.reason)


METRIC = Metric(
    name=NAME,
    unit="nats a token",
    better="lower",
    subject="response",
    asks="scorer",
    null=(
        "empty_instruction, one_token_text, over_max_tokens, "
        "over_context, template_changes_text, not_finite, not_unicode, engine_error"
    ),
    source="arXiv 2412.11231; methods 5.2",
    score=score,
)
