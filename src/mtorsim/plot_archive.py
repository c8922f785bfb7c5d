"""Plots of SED-ML, as they are asked for."""

from collections.abc import Sequence
from typing import Protocol

from matplotlib.figure import Figure

from mtorsim.steps import Floats

_MOST_NAMES = 20  # in a legend


class Axes(Protocol):
    """Which axes are logarithmic."""

    @property
    def log_x(self) -> bool:
        """Whether the horizontal axis is."""

    @property
    def log_y(self) -> bool:
        """Whether the vertical axis is."""


def figure(
    title: str, across: str, curves: Sequence[tuple[Floats, Floats, str]], axes: Axes
) -> Figure:
    """Return a plot.

    Parameters
    ----------
    title, across : str
        Of the plot, and of its horizontal axis.
    curves : sequence of (array, array, str)
        x and y, shape (n,), and the name of each.
    axes : Axes
    """
    picture = Figure(figsize=(6.4, 4.0), layout="constrained")
    axis = picture.add_subplot()
    for x, y, name in curves:
        points = min(len(x), len(y))
        axis.plot(x[:points], y[:points], linewidth=1.2, label=name)
    axis.set_title(title, fontsize=10, loc="left")
    axis.set_xscale("log" if axes.log_x else "linear")
    axis.set_yscale("log" if axes.log_y else "linear")
    axis.set_xlabel(across, fontsize=8)
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    if len(curves) <= _MOST_NAMES:
        picture.legend(loc="outside right upper", fontsize=7, frameon=False)
    return picture
