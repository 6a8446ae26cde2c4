"""Instruction-Complex IFD: IFD, less what is owed to an instruction that the scorer finds hard to read at all.

IC-IFD = L(A|Q) / (L(Q) L(A)), so its unit is 1/nat and the natural logarithm is part of it. High: an answer that
the instruction does not give away, to an instruction that is fluent. The paper's figure is 100 x the mean of the
pairs' ratios; a quarter of the data, chosen by it, trained a better model than all.

Null: any of the three losses is missing or zero; see `ifd` and `instruction_loss`.
Source: arXiv 2412.11231; methods 5.2.
"""

from evol_core.llm.port import Program
from evol_core.records import Pair, Score
from evol_core.score.by_losses import loss_score, losses_of, ratio
from evol_core.score.metric import Metric, Scoring

NAME = "ic_ifd"


def ic_ifd(question: float | None, given: float | None, alone: float | None) -> float | None:
    """L(A|Q) / (L(Q) L(A)).

    Args:
        question: L(Q), nats a token, >= 0.
        given: L(A|Q), nats a token, >= 0.
        alone: L(A), nats a token, >= 0.

    Returns:
        A value >= 0 in 1/nat; None where a loss is missing, not finite, or where a divisor is 0.

    Raises:
        ValueError: a loss is negative, so it is no negative log-likelihood.
    """
    return ratio(ratio(given, alone), question)


def score(pair: Pair, scoring: Scoring) -> Program[Score]:
    losses = yield from losses_of(pair, scoring)
    value = ic_ifd(losses.question, losses.given, losses.alone)
    return loss_score(NAME, pair, scoring, value, losses.reason or "zero_loss")


METRIC = Metric(
    name=NAME,
    unit="1/nat",
    better="higher",
    subject="response",
    asks="scorer",
    null=(
        "empty_answer, empty_instruction, one_token_text, over_max_tokens, "
        "over_context, template_changes_text, zero_loss, not_finite, not_unicode, engine_error"
    ),
    source="arXiv 2412.11231; methods 5.2",
    score=score,
    figure=100.0,
)
