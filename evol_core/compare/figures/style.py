"""How figures look: colours that colour-blind readers tell apart (Okabe and Ito; cividis), no chart junk, and the
same bytes for the same data."""

from contextlib import AbstractContextManager
from io import BytesIO
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from evol_core.compare.material import Form

ARMS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")
"""Blue, orange, green, purple: by the place of the arm."""

MARKERS = ("o", "s", "^", "D")
"""So that arms are told apart in grey as well."""

LEVELS = ("#00204C", "#414D6B", "#7C7B78", "#BBAF71", "#FFE945")
"""Cividis, from dark to bright."""

NEUTRAL = "#D9D9D9"
DARK = "#333333"

FORMS: tuple[Form, ...] = ("png", "svg")

_LOOK: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#E5E5E5",
    "legend.frameon": False,
    "svg.hashsalt": "evol",
    "svg.fonttype": "path",
}


def look() -> AbstractContextManager[None]:
    """Everything is drawn inside of it, titles and legends too."""
    return matplotlib.rc_context(_LOOK)


def figure(width: float, height: float, panels: int = 1, columns: int = 4) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels, at most `columns` side by side; inches, of the whole."""
    across = min(panels, columns)
    down = -(-panels // across)
    drawn = Figure(figsize=(width, height), layout="constrained")
    grid: NDArray[Any] = drawn.subplots(down, across, squeeze=False)
    places: list[Axes] = list(grid.flat)
    for empty in places[panels:]:
        empty.set_visible(False)
    return drawn, places[:panels]


def rendered(drawn: Figure, form: Form) -> bytes:
    """The file's bytes; the same figure has the same."""
    held = BytesIO()
    metadata = {"Date": None} if form == "svg" else {"Software": None}
    drawn.savefig(held, format=form, dpi=150, metadata=metadata, facecolor="white")
    return held.getvalue()


def readable_on(colour: str) -> str:
    """Black or white, whichever stands out."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "white"
