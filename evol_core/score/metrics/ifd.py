"""Instruction-Following Difficulty: how little the instruction helps the scorer to write the answer.

IFD = L(A|Q) / L(A), a ratio of mean token losses (not of perplexities). Near 0 the instruction gives the answer
away; above 1 it misleads, and such pairs are commonly dropped. Of a data set: 100 x the mean of its pairs' ratios.

Null: the answer is empty, has a single token without a predecessor, is over the scorer's limit, or has zero loss.
Source: arXiv 2308.12032; methods 5.1.
"""

from evol_core.llm.port import Program
from evol_core.records import Pair, Score
from evol_core.score.by_losses import loss_score, losses_of, ratio
from evol_core.score.metric import Metric, Scoring

NAME = "ifd"


def ifd(given: float | None, alone: float | None) -> float | None:
    """The ratio of two mean losses of the same answer.

    Args:
        given: after the instruction, nats a token, >= 0.
        alone: without it, nats a token, >= 0.

    Returns:
        A ratio >= 0; None where a loss is missing, not finite, or where `alone` is 0.

    Raises:
        ValueError: a loss is negative, so it is no negative log-likelihood.
    """
    return ratio(given, alone)


def score(pair: Pair, scoring: Scoring) -> Program[Score]:
    losses = yield from losses_of(pair, scoring)
    return loss_score(NAME, pair, scoring, ifd(losses.given, losses.alone), losses.reason or "zero_loss")


METRIC = Metric(
    name=NAME,
    unit="",
    better="higher",
    subject="response",
    asks="scorer",
    null=(
        "empty_answer, one_token_text, over_max_tokens, "
        "over_context, template_changes_text, zero_loss, not_finite, not_unicode, engine_error"
    ),
    source="arXiv 2308.12032; methods 5.1",
    score=score,
    figure=100.0,
)
