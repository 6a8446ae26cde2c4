"""Distance of an instruction with its input to the nearest other one of its set: squared L2 of unit vectors, 0 to 4.

The mean over a set is its MND with inputs. 0: there is a copy.
Null: the set has one row (`only_row`), or the text could not be embedded.
Source: arXiv 2412.11231; methods 5.8.
"""

from evol_core.score.metric import SetMetric

NAME = "nearest_instruction_input"


def read(distance: float, repeats: int) -> float:
    return distance


METRIC = SetMetric(
    name=NAME,
    unit="squared L2",
    better="higher",
    mode="instruction_input",
    null="only_row, not_finite, not_unicode, engine_error",
    source="arXiv 2412.11231; methods 5.8",
    read=read,
)
