"""What figures and reports are made of: stored rows and verdicts; and what a figure is once it is drawn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from evol_core.compare.arm import Arm, Value
from evol_core.judge.summary import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Form = Literal["png", "svg"]


@dataclass(frozen=True, kw_only=True)
class Material:
    """One arm or several, in the order of the command."""

    arms: tuple[Arm, ...]
    verdicts: tuple[Row, ...] = ()
    """Rows of VERDICTS of the first arm against the second; empty where they were not judged."""

    seeds: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    """By metric, of the seeds that all arms began with; empty where they were not scored."""

    resamples: int = 2000
    """Of every bootstrap."""

    seed: int = 0

    @property
    def rounds(self) -> tuple[int, ...]:
        return tuple(sorted({round for arm in self.arms for round in arm.rounds}))


Draw = Callable[[Material], "Figure | str"]
"""The figure, or why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One figure of the table, drawn or not."""

    name: str
    title: str
    files: Mapping[Form, bytes]
    """Empty where it could not be drawn."""

    reason: str
    """Why it was not drawn; empty where it was."""
