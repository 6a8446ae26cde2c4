"""How long fault tests look: a short profile in `make test`, a long one in `make faults`."""

import os

LONG = os.environ.get("EVOL_FAULTS") == "long"
"""Whether to try every place and many histories, and not only some of them."""


def some(points: list[int], n_short: int) -> list[int]:
    """All points in the long profile; in the short one so many, spread over all of them."""
    if LONG or len(points) <= n_short:
        return points
    return [points[index * (len(points) - 1) // (n_short - 1)] for index in range(n_short)]
