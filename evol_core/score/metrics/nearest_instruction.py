"""Distance of an instruction to the nearest other one of its set: squared L2 between unit vectors, 0 to 4.

The mean over a set is its MND. 0: there is a copy. The input is left out, so one task on two inputs is a copy.
Null: the set has one row (`only_row`), or the text could not be embedded.
Source: arXiv 2412.11231; methods 5.8.
"""

from evol_core.score.metric import SetMetric

NAME = "nearest_instruction"


def read(distance: float, repeats: int) -> float:
    return distance


METRIC = SetMetric(
    name=NAME,
    unit="squared L2",
    better="higher",
    mode="instruction",
    null="only_row, not_finite, not_unicode, engine_error",
    source="arXiv 2412.11231; methods 5.8",
    read=read,
)
