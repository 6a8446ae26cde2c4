"""What metrics of confidence share: one request for every position's figures, and the form of their scores."""

import math
from collections.abc import Sequence

from evol_core.llm.port import Program, ask
from evol_core.records import Measured, Pair, Score, content_hash
from evol_core.requests import ConfidenceRequest
from evol_core.score.metric import Scoring

ENGINE_ERROR = "engine_error"
"""The model could not serve the request; the recorded generation says why."""


def confidence_of(pair: Pair, scoring: Scoring) -> Program[Measured]:
    """How sure the responder was of every token of the response; the arrays stay in the record."""
    user = scoring.respond_prompt.replace("{instruction}", pair.instruction.prompt)
    generation = yield from ask(
        ConfidenceRequest(
            model=scoring.model("responder"),
            user=user,
            response=pair.response,
            max_tokens=scoring.max_tokens,
            dtype=scoring.dtype("responder"),
        )
    )
    return generation.measured or Measured(reason=ENGINE_ERROR)


def confidence_score(metric: str, pair: Pair, scoring: Scoring, values: Sequence[float], reason: str) -> Score:
    """The mean of some positions' values; None of no position."""
    return Score(
        subject_id=pair.id,
        metric=metric,
        value=math.fsum(values) / len(values) if values else None,
        reason="" if values else reason,
        scorer=scoring.model("responder").name,
        revision=content_hash(
            {
                "metric": metric,
                **scoring.identity("responder"),
                "prompt": content_hash(scoring.respond_prompt),
                "max_tokens": scoring.max_tokens,
            }
        ),
    )
