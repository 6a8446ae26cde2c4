"""What metrics made of a scorer's losses share: the request, and the form of their scores.

All of them ask the same LossRequest of a pair, so that a pair is measured once however many of them are wanted.
"""

import math

from evol_core.llm.port import Program, ask
from evol_core.records import Losses, Pair, Score, content_hash
from evol_core.requests import LossRequest
from evol_core.score.metric import Scoring

ENGINE_ERROR = "engine_error"
"""The scorer could not serve the request; the recorded generation says why."""


def losses_of(pair: Pair, scoring: Scoring) -> Program[Losses]:
    """The pair's losses under the scorer; none of them, with a reason, where it could not serve the request."""
    generation = yield from ask(
        LossRequest(
            model=scoring.scorer,
            instruction=pair.instruction.prompt,
            response=pair.response,
            form=scoring.form,
            max_tokens=scoring.max_tokens,
            dtype=scoring.dtype("scorer"),
        )
    )
    if generation.losses is None:
        return unmeasured(ENGINE_ERROR)
    return generation.losses


def unmeasured(reason: str) -> Losses:
    return Losses(question=None, given=None, alone=None, n_question=0, n_answer=0, n_alone=0, reason=reason)


def loss_score(metric: str, pair: Pair, scoring: Scoring, value: float | None, reason: str) -> Score:
    """A pair's score under the scorer; the reason counts only where there is no value."""
    return Score(
        subject_id=pair.id,
        metric=metric,
        value=value,
        reason="" if value is not None else reason,
        scorer=scoring.scorer.name,
        revision=loss_revision(metric, scoring),
    )


def loss_revision(metric: str, scoring: Scoring) -> str:
    """Of all that decides a loss beside the texts."""
    return content_hash(
        {
            **scoring.identity("scorer"),
            "metric": metric,
            "form": scoring.form,
            "max_tokens": scoring.max_tokens,
        }
    )


def ratio(loss: float | None, by: float | None) -> float | None:
    """One mean loss by another; None where either is missing or not finite, or where the divisor is 0.

    Raises:
        ValueError: a loss is negative, so it is no negative log-likelihood.
    """
    if loss is None or by is None:
        return None
    if loss < 0 or by < 0:
        raise ValueError(f"losses must be >= 0 nats a token, got {loss} and {by}")
    value = loss / by if by and math.isfinite(loss) and math.isfinite(by) else None
    return value if value is not None and math.isfinite(value) else None
