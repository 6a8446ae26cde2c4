"""The loss of every step, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

COLOUR = "#0072B2"
SHOWN = ("png", "svg")
UNITS: Mapping[str, str] = {"sft": "nats a response token", "dpo": "nats a pair"}
"""Of the loss, by method."""


def moving_mean(values: Sequence[float], window: int) -> list[float]:
    """Of each value and up to window - 1 before it."""
    means = []
    for end in range(1, len(values) + 1):
        last = values[max(0, end - window) : end]
        means.append(sum(last) / len(last))
    return means


def plot_losses(losses: Sequence[Mapping[str, float]], title: str, method: str, folder: Path) -> list[Path]:
    """`loss.png` and `loss.svg`; the line over the points is the mean of a tenth of the steps."""
    from matplotlib.figure import Figure

    steps, values = [line["step"] for line in losses], [line["loss"] for line in losses]
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(steps, values, ".", color=COLOUR, alpha=0.5, label="a step")
    axes.plot(steps, moving_mean(values, max(1, len(values) // 10)), color=COLOUR, label="mean of a tenth of the steps")
    axes.set(xlabel="optimiser step", ylabel=f"loss, {UNITS[method]}", title=title)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    paths = [folder / f"loss.{ending}" for ending in SHOWN]
    for path in paths:
        figure.savefig(path, dpi=120)
    return paths
