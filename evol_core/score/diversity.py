"""Diversity of a set: how far each row's text is from its nearest other row, and how many repeat it.

MND, the mean over rows of the squared L2 distance to the nearest other row, goes from 0 (every row has a copy) to 4.
It is a property of the whole set: a row's distance changes with the rows around it. Source: arXiv 2412.11231;
methods 5.8.

Null: the set has one row (`only_row`).
"""

import math
from collections.abc import Sequence
from typing import Literal

from evol_core.records import Instruction, ModelRef, Score, content_hash

Mode = Literal["instruction", "instruction_input"]
"""Which text of a row is compared."""

ONLY_ROW = "only_row"


def text_of(instruction: Instruction, mode: Mode) -> str:
    return instruction.text if mode == "instruction" else instruction.prompt


def diversity_scores(
    ids: Sequence[str], distances: Sequence[float], repeats: Sequence[int], *, mode: Mode, embedder: ModelRef
) -> list[Score]:
    """Two scores a row, in the order of the rows: `nearest_MODE`, squared L2, and `repeats_MODE`, a count.

    Args:
        ids: of the rows' instructions.
        distances: to each row's nearest other one; infinite where there is none.
        repeats: how many other rows are nearer than 0.05.
        mode: which text was compared.
        embedder: whose vectors they are.
    """
    scores = []
    for row_id, distance, repeat in zip(ids, distances, repeats, strict=True):
        alone = math.isinf(distance)
        for metric, value in ((f"nearest_{mode}", distance), (f"repeats_{mode}", float(repeat))):
            scores.append(
                Score(
                    subject_id=row_id,
                    metric=metric,
                    value=None if alone else value,
                    reason=ONLY_ROW if alone else "",
                    scorer=embedder.name,
                    revision=content_hash(
                        {"metric": metric, "weights": embedder.revision, "tokenizer": embedder.tokenizer}
                    ),
                )
            )
    return scores


def mean_nearest(scores: Sequence[Score], mode: Mode) -> float | None:
    """MND of a set: the mean over the rows that have a value; None of none."""
    values = [score.value for score in scores if score.metric == f"nearest_{mode}" and score.value is not None]
    return math.fsum(values) / len(values) if values else None
