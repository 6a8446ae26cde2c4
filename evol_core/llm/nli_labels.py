"""The three words of natural language inference, and which of a classifier's outputs says which.

A classifier's labels come from its configuration, never from a fixed order.
"""

from collections.abc import Mapping
from enum import StrEnum

from evol_core.errors import ModelError


class NliLabel(StrEnum):
    """What a premise says of a hypothesis."""

    ENTAILMENT = "entailment"
    NEUTRAL = "neutral"
    CONTRADICTION = "contradiction"


def labels_of(id2label: Mapping[int, str]) -> dict[int, NliLabel]:
    """A classifier's outputs by number, as its configuration names them.

    Raises:
        ModelError: the names are not exactly those of the three labels.
    """
    named = {number: name.strip().lower() for number, name in id2label.items()}
    if sorted(named.values()) != sorted(label.value for label in NliLabel):
        raise ModelError(
            f"an NLI model must name its outputs {sorted(label.value for label in NliLabel)}; this one's id2label is "
            f"{dict(id2label)}. Set id2label in its config.json, or take another model"
        )
    return {number: NliLabel(name) for number, name in named.items()}
