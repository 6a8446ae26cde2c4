"""Diversity of a set: how far each row's text is from its nearest other row, and how many repeat it.

MND, the mean over rows of the squared L2 distance to the nearest other row, goes from 0 (every row has a copy) to 4.
It is a property of the whole set: a row's distance changes with the rows around it, so a score carries the hash of
its set in its revision. Source: arXiv 2412.11231; methods 5.8.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from evol_core.llm.port import Program
from evol_core.records import Instruction, Measured, Score, content_hash
from evol_core.requests import EmbedRequest
from evol_core.score.metric import Mode, Scoring, SetMetric
from evol_core.text import has_lone_surrogate

ENGINE_ERROR = "engine_error"
NOT_UNICODE = "not_unicode"
ONLY_ROW = "only_row"


class Member(NamedTuple):
    """A row of a set: what its scores are of, and its instruction."""

    subject_id: str
    instruction: Instruction


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Of each vector, in order, what lies near it."""

    distances: Sequence[float]
    """Squared L2 to the nearest other one; infinite where there is no other."""

    repeats: Sequence[int]
    """How many others are nearer than 0.05."""

    recall: float | None = None
    """Of an approximate search: the share of sampled rows whose nearest other one it found. None of an exact one."""


Search = Callable[[Sequence[bytes]], Neighbours]
"""float32 vectors of length 1 to their neighbours; the models' room has the real one."""


class SetScores(NamedTuple):
    scores: list[list[Score]]
    """One list a member, one score a metric, in the order asked."""

    recalls: dict[Mode, float]
    """Of modes that were searched approximately."""


def text_of(instruction: Instruction, mode: Mode) -> str:
    return instruction.text if mode == "instruction" else instruction.prompt


def vectors_of(member: Member, metrics: Sequence[SetMetric], scoring: Scoring) -> Program[dict[Mode, Measured]]:
    """A row's vector in each mode that the metrics compare; both at once, where both are wanted."""
    modes = list(dict.fromkeys(metric.mode for metric in metrics))
    texts = {mode: text_of(member.instruction, mode) for mode in modes}
    if any(map(has_lone_surrogate, texts.values())):
        return dict.fromkeys(modes, Measured(reason=NOT_UNICODE))
    model, dtype = scoring.model("embedder"), scoring.dtype("embedder")
    answers = yield tuple(EmbedRequest(model=model, text=text, dtype=dtype) for text in texts.values())
    return {mode: answer.measured or Measured(reason=ENGINE_ERROR) for mode, answer in zip(modes, answers, strict=True)}


def set_scores(
    members: Sequence[Member],
    vectors: Sequence[Mapping[Mode, Measured]],
    metrics: Sequence[SetMetric],
    scoring: Scoring,
    search: Search,
) -> SetScores:
    """Every member's scores. A row without a vector has none, and is nobody's neighbour."""
    columns: list[list[Score]] = []
    recalls: dict[Mode, float] = {}
    for mode in dict.fromkeys(metric.mode for metric in metrics):
        there = [number for number, row in enumerate(vectors) if row[mode].vector]
        found = search([vectors[number][mode].vector for number in there])
        if found.recall is not None:
            recalls[mode] = found.recall
        near = dict(zip(there, zip(found.distances, found.repeats, strict=True), strict=True))
        whole = content_hash(sorted(members[number].subject_id for number in there))
        for metric in metrics:
            if metric.mode == mode:
                revision = revision_of(metric, scoring, whole, approximate=found.recall is not None)
                columns.append(
                    [
                        _score(member, metric, scoring, near.get(number), vectors[number][mode].reason, revision)
                        for number, member in enumerate(members)
                    ]
                )
    order = [metric.name for metric in metrics]
    columns.sort(key=lambda column: order.index(column[0].metric) if column else 0)
    return SetScores([list(row) for row in zip(*columns, strict=True)], recalls)


def revision_of(metric: SetMetric, scoring: Scoring, whole: str, *, approximate: bool) -> str:
    return content_hash(
        {"metric": metric.name, **scoring.identity("embedder"), "set": whole, "approximate": approximate}
    )


def _score(
    member: Member,
    metric: SetMetric,
    scoring: Scoring,
    near: tuple[float, int] | None,
    reason: str,
    revision: str,
) -> Score:
    value: float | None = None
    if near is not None:
        alone = math.isinf(near[0])
        value, reason = (None, ONLY_ROW) if alone else (metric.read(*near), "")
    return Score(
        subject_id=member.subject_id,
        metric=metric.name,
        value=value,
        reason=reason,
        scorer=scoring.model("embedder").name,
        revision=revision,
    )
