"""Two drugs: response, Bliss excess and Loewe index as heat maps over both doses."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mtorsim.plot import Picture
from mtorsim.plot_assays.words import TEXT, folded, head_height, shared_in_words, write_head
from mtorsim.units import say_time

if TYPE_CHECKING:
    from mtorsim.assays.combination import Combination

_CELL = 0.31  # inch
_LEFT, _GAP, _RIGHT, _BELOW, _BAR = 0.65, 0.95, 0.45, 0.75, 0.1  # inch
_UNDEFINED = "#D9D9D9"
_BLANK = -np.inf  # one drug alone: there is nothing to exceed


def combination_figure(assay: "Combination") -> Picture:
    """Return a figure: response, Bliss excess and Loewe index over the doses of both drugs.

    Parameters
    ----------
    assay : Combination

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot.
    """
    a, b = assay.doses
    wide, high = _CELL * len(b), _CELL * len(a)
    width = _LEFT + 3 * wide + 2 * _GAP + _RIGHT + 0.25
    titles = folded(_title(assay), (width - 0.4) * 0.7)
    notes = folded(_note(assay), width - 0.4)
    head = head_height(titles, notes) + 0.25
    height = head + high + _BELOW
    picture = Picture(figsize=(width, height), dpi=300)
    for number, (title, values, look) in enumerate(_maps(assay)):
        x = _LEFT + number * (wide + _GAP)
        place = (x / width, _BELOW / height, wide / width, high / height)
        axis = picture.add_axes(place)
        bar = picture.add_axes(((x + wide + 0.06) / width, place[1], _BAR / width, place[3]))
        _draw_map(axis, values, look)
        if "open" in look:
            _ring(axis, look["open"])
        _draw_scale(bar, look)
        axis.set_title(title, fontsize=TEXT, fontweight="bold", loc="left", pad=4)
        _name_doses(axis, assay)
    write_head(picture, 0.15, titles, notes)
    return picture


def _title(assay: "Combination") -> str:
    cell = assay.conditions.scenario.cell
    return f"{cell}, {assay.drugs[0]} with {assay.drugs[1]}, {say_time(assay.time)}"


def _note(assay: "Combination") -> str:
    from mtorsim.assays.combination import VIABILITY

    what = "ATP of the well" if assay.readout == VIABILITY else assay.readout
    note = (
        f"Simulated {what}, % of wells without both drugs. Bliss excess above 0 and Loewe index "
        "below 1 are synergy. Hatched: not defined, since one drug alone never has this effect at "
        "the doses tested. Blank: one drug alone."
    )
    if assay.is_sham:
        note += (
            " Sham combination: one drug in two portions, which is not independent of itself, so "
            "that Bliss says nothing of it."
        )
    if assay.members is not None:
        note += (
            f" Ring: 5 to 95 % of {len(assay.members)} parameter sets do not agree on the sign of "
            "the excess."
        )
    shared = shared_in_words(assay.conditions.scenario)
    return f"{note} All wells: {shared}." if shared else note


def _maps(assay: "Combination") -> list[tuple[str, np.ndarray, dict[str, Any]]]:
    alone = np.zeros(assay.response.shape, dtype=bool)
    alone[0, :] = alone[:, 0] = True
    excess = np.where(alone, _BLANK, assay.bliss)
    index = np.where(alone, _BLANK, np.log2(assay.loewe_index))
    inner = excess[np.isfinite(excess)]
    span = max(5.0, float(np.abs(inner).max(initial=0.0)))
    top = max(100.0, float(assay.response.max()))
    return [
        (
            "response [% of control]",
            assay.response,
            {"cmap": "cividis", "vmin": 0.0, "vmax": top, "say": lambda v: f"{v:.0f}"},
        ),
        (
            "Bliss excess [% of control]",
            excess,
            {
                "cmap": "PuOr",
                "vmin": -span,
                "vmax": span,
                "say": lambda v: f"{v:+.0f}",
                "tick": lambda v: f"{v:+g}",
                "open": assay.is_open & ~alone,
            },
        ),
        (
            "Loewe index [1]",
            index,
            {"cmap": "PuOr_r", "vmin": -2.0, "vmax": 2.0, "say": lambda v: f"{2**v:.2g}"},
        ),
    ]


def _draw_map(axis: Axes, values: np.ndarray, look: dict[str, Any]) -> None:
    colours = colormaps[look["cmap"]]
    shown = np.where(np.isfinite(values), values, np.nan)
    axis.imshow(
        shown, cmap=colours, vmin=look["vmin"], vmax=look["vmax"], origin="lower", aspect="auto"
    )
    for (row, column), value in np.ndenumerate(values):
        if value == _BLANK:
            continue
        if not np.isfinite(value):
            _hatch(axis, row, column)
            continue
        share = (value - look["vmin"]) / (look["vmax"] - look["vmin"])
        red, green, blue, _ = colours(share)
        is_dark = 0.3 * red + 0.59 * green + 0.11 * blue < 0.5
        axis.text(
            column,
            row,
            _text(value, look["say"]),
            ha="center",
            va="center",
            fontsize=TEXT - 2,
            color="white" if is_dark else "black",
        )
    for spine in axis.spines.values():
        spine.set_linewidth(0.5)


def _ring(axis: Axes, places: np.ndarray) -> None:
    """Mark wells."""
    rows, columns = np.nonzero(places)
    axis.scatter(columns, rows, 130, facecolors="none", edgecolors="#555555", linewidths=0.6)


def _text(value: float, say: Callable[[float], str]) -> str:
    said = say(value)
    return "0" if said in ("+0", "-0") else said


def _hatch(axis: Axes, row: int, column: int) -> None:
    axis.fill(
        [column - 0.5, column + 0.5, column + 0.5, column - 0.5],
        [row - 0.5, row - 0.5, row + 0.5, row + 0.5],
        facecolor=_UNDEFINED,
        edgecolor="#A6A6A6",
        hatch="////",
        linewidth=0,
    )


def _draw_scale(axis: Axes, look: dict[str, Any]) -> None:
    low, high = look["vmin"], look["vmax"]
    ramp = np.linspace(low, high, 128)[:, None]
    axis.imshow(ramp, cmap=look["cmap"], aspect="auto", origin="lower", extent=(0, 1, low, high))
    ticks = MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    ticks = ticks[(ticks >= low - 1e-9) & (ticks <= high + 1e-9)]
    say = look.get("tick", look["say"])
    axis.set_xticks([])
    axis.set_yticks(ticks, [_text(tick, say) for tick in ticks], fontsize=TEXT - 1.5)
    axis.yaxis.tick_right()
    axis.tick_params(length=2, width=0.5, pad=1.5)
    for spine in axis.spines.values():
        spine.set_linewidth(0.5)


def _name_doses(axis: Axes, assay: "Combination") -> None:
    a, b = assay.doses
    axis.set_xticks(range(len(b)), [_say(dose) for dose in b], rotation=90)
    axis.set_yticks(range(len(a)), [_say(dose) for dose in a])
    axis.tick_params(labelsize=TEXT - 1, length=2, width=0.5, pad=1.5)
    axis.set_xlabel(f"{assay.drugs[1]} [nM]", fontsize=TEXT, labelpad=2)
    axis.set_ylabel(f"{assay.drugs[0]} [nM]", fontsize=TEXT, labelpad=2)


def _say(dose: float) -> str:
    return f"{dose:.3g}" if dose < 1000 else f"{dose:.0f}"
