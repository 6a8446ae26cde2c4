"""Which sample is seen when: passes over all of them, each shuffled by the seed, known before the training begins."""

import math

from evol_core.records import content_hash


def steps_of(n_samples: int, *, epochs: int, global_batch: int, max_steps: int | None = None) -> int:
    """Optimiser steps; the last one of the last pass is filled up from another pass."""
    steps = math.ceil(n_samples * epochs / global_batch)
    return steps if max_steps is None else min(steps, max_steps)


def training_order(n_samples: int, n_seen: int, seed: int) -> list[int]:
    """The samples' numbers in the order in which they are seen; step s takes the s-th global batch of them.

    Raises:
        ValueError: there is no sample.
    """
    if n_samples < 1:
        raise ValueError(f"training_order: at least one sample is needed, got {n_samples}")
    order: list[int] = []
    while len(order) < n_seen:
        order += _shuffled(n_samples, seed, number=len(order) // n_samples)
    return order[:n_seen]


def _shuffled(n_samples: int, seed: int, number: int) -> list[int]:
    return sorted(range(n_samples), key=lambda sample: content_hash([seed, "training order", number, sample]))
