"""Repeats of an instruction in its set: how many other rows are nearer than 0.05, without their inputs.

0: nothing like it is there.
Null: the set has one row (`only_row`), or the text could not be embedded.
Source: arXiv 2412.11231; methods 5.8.
"""

from evol_core.score.metric import SetMetric

NAME = "repeats_instruction"


def read(distance: float, repeats: int) -> float:
    return float(repeats)


METRIC = SetMetric(
    name=NAME,
    unit="rows",
    better="lower",
    mode="instruction",
    null="only_row, not_finite, not_unicode, engine_error",
    source="arXiv 2412.11231; methods 5.8",
    read=read,
)
