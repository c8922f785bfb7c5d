"""Figures of a foreign model: one small panel per read-out, in the model's own units."""

from collections.abc import Iterable, Iterator
from textwrap import shorten
from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

from mtorsim.errors import InputError
from mtorsim.plot import GREY, INK, SHADE, TEXT, Picture
from mtorsim.units import say_concentration

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mtorsim.result import Result

_MOST, _COLUMNS = 12, 3
_WIDE, _HIGH, _HEAD = 2.3, 1.6, 0.75  # inch
_SIZES = ((2.0, "s", 1 / 60), (240.0, "min", 1.0), (14_400.0, "h", 60.0))  # up to [min]


def figure(result: "Result", ids: Iterable[str] | None = None) -> Picture:
    """Return a figure of a foreign model's result.

    Parameters
    ----------
    result : Result
    ids : iterable of str, optional
        Read-outs to draw; default: the first twelve.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot. Where a drug is in the medium the ground is shaded.

    Raises
    ------
    InputError
        For an id that is not in the result, or none at all.
    """
    chosen = tuple(result.ids[:_MOST] if ids is None else ids)
    if not chosen:
        raise InputError(f"plot: nothing to draw. Expected ids such as [{result.ids[0]!r}].")
    columns = min(_COLUMNS, len(chosen))
    rows = -(-len(chosen) // columns)
    picture = Picture(
        figsize=(_WIDE * columns, _HIGH * rows + _HEAD), dpi=200, layout="constrained"
    )
    unit, size = _clock(float(result.time[-1]))
    axes = picture.subplots(rows, columns, squeeze=False, sharex=True)
    for place, name in enumerate(chosen):
        _draw(axes[place // columns][place % columns], result, name, size)
    for empty in range(len(chosen), rows * columns):
        axes[empty // columns][empty % columns].set_visible(False)
    for column in range(columns):
        lowest = axes[(len(chosen) - 1 - column) // columns][column]
        lowest.set_xlabel(f"time [{unit}]", fontsize=TEXT)
        lowest.tick_params(labelbottom=True)
    picture.suptitle("\n".join(_words(result, len(chosen), ids)), fontsize=TEXT + 1, x=0.02,
                     ha="left")  # fmt: skip
    return picture


def _draw(axes: "Axes", result: "Result", name: str, size: float) -> None:
    unit = result.units[name]
    axes.plot(result.time / size, result.column(name), color=INK[0], linewidth=1.2)
    title = shorten(result.labels[name], 34, placeholder=" …") or name
    axes.set_title(title, fontsize=TEXT, loc="left", pad=3)
    axes.set_ylabel("" if unit == "1" else unit if unit != "not stated" else "", fontsize=TEXT)
    axes.tick_params(labelsize=TEXT - 1, length=2)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_ylim(bottom=min(0.0, float(result.column(name).min()) * 1.05))
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    for begin, end in _shaded(result):
        axes.axvspan(begin / size, end / size, color=SHADE, linewidth=0, zorder=0)


def _shaded(result: "Result") -> Iterator[tuple[float, float]]:
    last = float(result.time[-1])
    for treatment in result.scenario.drugs:
        changes = [one for one in treatment.schedule.changes() if one.time < last]
        ends = [one.time for one in changes[1:]] + [last]
        for change, end in zip(changes, ends, strict=True):
            if change.concentration > 0:
                yield change.time, end


def _words(result: "Result", shown: int, ids: Iterable[str] | None) -> list[str]:
    given = [f"{one.drug} {say_concentration(one.schedule.dose)}" for one in result.scenario.drugs]
    name = shorten(result.scenario.in_words().partition("\n")[0], 90, placeholder=" …")
    lines = [name.removeprefix("Model: "), "with " + ", ".join(given) if given else "without drugs"]
    if ids is None and shown < len(result.ids):
        lines[1] += f"; {shown} of {len(result.ids)} read-outs"
    return lines


def _clock(end: float) -> tuple[str, float]:
    for most, name, size in _SIZES:
        if end <= most:
            return name, size
    return "d", 1440.0
