"""Neighbours of a set's vectors, exactly or approximately, as the size of the set and a setting say."""

from collections.abc import Sequence

import torch

from evol_core.score.diversity import Neighbours
from evol_core.score.models.approximate import approximate
from evol_core.score.models.nearest import nearest


def search(vectors: Sequence[bytes], *, approximate_above: int) -> Neighbours:
    """Neighbours of float32 vectors of length 1: exactly, or approximately of more vectors than a setting says."""
    if not vectors:
        return Neighbours(distances=[], repeats=[])
    unit_ND = torch.frombuffer(bytearray(b"".join(vectors)), dtype=torch.float32).view(len(vectors), -1)
    if torch.cuda.is_available():
        unit_ND = unit_ND.cuda()
    if len(vectors) <= approximate_above:
        found, recall = nearest(unit_ND), None
    else:
        found, recall = approximate(unit_ND)
    return Neighbours(distances=found.distance_N.tolist(), repeats=found.repeats_N.tolist(), recall=recall)
