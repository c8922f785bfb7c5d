"""Dose-response curves: percent of control and GR over dose, with IC values below."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from mtorsim.assays.dose_response import fixed
from mtorsim.plot import Picture
from mtorsim.plot_assays.words import (
    FAINT,
    INKS,
    LETTER,
    LINES,
    MARKS,
    TEXT,
    folded,
    head_height,
    shared_in_words,
    write_head,
)
from mtorsim.units import say_time

if TYPE_CHECKING:
    from mtorsim.assays.dose_response import Estimate, Fit
    from mtorsim.assays.viability import TimePoint, Viability

_PANEL = (2.75, 2.25)  # inch
_LEFT, _GAP, _RIGHT, _BELOW = 0.62, 0.85, 0.3, 0.5  # inch
_ROW = 0.17  # inch, a line of the table
_LEVELS = (20, 30, 50)  # %
_PLAIN, _TICKS = 5, 7  # decades with a plain number each; beyond, so many powers of ten
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Series:
    """One curve: its name, looks and readings."""

    name: str
    ink: str
    mark: str
    point: "TimePoint"
    line: Any = "-"
    band: np.ndarray | None = None  # 5, 50 and 95 % of the ensemble, at each dose


def viability_figure(assay: "Viability") -> Picture:
    """Return a figure of one assay: a curve for each time, the later the darker.

    Parameters
    ----------
    assay : Viability

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot.
    """
    shades = colormaps["cividis_r"](np.linspace(1.0, 0.15, len(assay.points))[::-1])
    series = [
        Series(
            say_time(point.time),
            to_hex(shade),
            MARKS[place % len(MARKS)],
            point,
            band=assay.band(point),
        )
        for place, (point, shade) in enumerate(zip(assay.points, shades, strict=True))
    ]
    times = [say_time(assay.points[k].time) for k in ((0, -1) if len(series) > 1 else (0,))]
    title = f"{assay.cell}, {assay.drug}, {' to '.join(times)}"
    return _figure(series, title, _note([assay], _any_joined(series)))


def comparison_figure(assays: Sequence["Viability"]) -> Picture:
    """Return a figure of several assays, each at its reference time; of one, all its times."""
    if len(assays) == 1:
        return viability_figure(assays[0])
    cells, drugs, times = (
        list(dict.fromkeys(names))
        for names in (
            [assay.cell for assay in assays],
            [assay.drug for assay in assays],
            [say_time(assay.reference.time) for assay in assays],
        )
    )
    series = [
        Series(
            ", ".join(_distinct(assay, cells, drugs)) or assay.drug,
            INKS[place % len(INKS)],
            MARKS[place % len(MARKS)],
            assay.reference,
            LINES[place // len(INKS) % len(LINES)],
            assay.band(assay.reference),
        )
        for place, assay in enumerate(assays)
    ]
    title = f"{', '.join(cells)}; {', '.join(drugs)}; {', '.join(times)}"
    return _figure(series, title, _note(assays, _any_joined(series)))


def _distinct(assay: "Viability", cells: Sequence[str], drugs: Sequence[str]) -> list[str]:
    pairs = ((assay.cell, cells), (assay.drug, drugs))
    return [name for name, names in pairs if len(names) > 1]


def _note(assays: Sequence["Viability"], joined: bool) -> str:
    first = assays[0]
    shared = shared_in_words(first.conditions.scenario)
    number = f"{first.replicates} noisy replicates" if first.replicates else "no noise"
    lines = "Simulated, " + number + ". Lines: logistic fit; dotted: its plateau, where the doses "
    lines += "reach it. Bars: 95 % interval of the IC50 and GR50"
    if joined:
        lines += ". “Between doses”: no logistic curve describes the readings, so they are joined "
        lines += "and doses are read from that line"
    if first.members is not None:
        lines += f". Bands: 5 to 95 % of {len(first.members)} parameter sets"
    return f"{lines}. All wells: {shared}." if shared else f"{lines}."


def _any_joined(series: Sequence[Series]) -> bool:
    points = [one.point for one in series]
    return any(
        point.fit.is_joined or (point.growth is not None and point.growth.fit.is_joined)
        for point in points
    )


def _figure(series: Sequence[Series], title: str, note: str) -> Picture:
    width = _LEFT + 2 * _PANEL[0] + _GAP + _RIGHT
    titles, notes = folded(title, (width - 0.4) * 0.7), folded(note, width - 0.4)
    head = head_height(titles, notes)
    table = _ROW * (len(series) + 1.6)
    height = head + 0.1 + _PANEL[1] + _BELOW + table
    picture = Picture(figsize=(width, height), dpi=300)
    bottom = (_BELOW + table) / height
    axes = [
        picture.add_axes((x / width, bottom, _PANEL[0] / width, _PANEL[1] / height))
        for x in (_LEFT, _LEFT + _PANEL[0] + _GAP)
    ]
    _draw_viability(axes[0], series)
    _draw_growth(axes[1], series)
    for axis in axes:
        _finish(axis, series)
    _write_table(picture, series, table)
    write_head(picture, 0.15, titles, notes)
    return picture


def _draw_viability(axis: Axes, series: Sequence[Series]) -> None:
    axis.axhline(100, color=FAINT, linewidth=0.6)
    axis.axhline(50, color=FAINT, linewidth=0.6, linestyle=(0, (4, 3)))
    for one in series:
        if one.band is not None:
            low, _, high = one.band[:, 1:]
            edges = (one.point.doses[1:], low, high)
            axis.fill_between(*edges, color=one.ink, alpha=0.13, linewidth=0, zorder=2)
        _draw_points(axis, one, one.point.doses[1:], one.point.viability[1:])
        _draw_fit(axis, one, one.point.fit, one.point.ic50, 50)
    top = max(float(one.point.viability.max()) for one in series)
    axis.set_ylim(0, max(115, 1.08 * top))
    axis.set_ylabel("ATP of the well [% of control]", fontsize=TEXT)


def _draw_growth(axis: Axes, series: Sequence[Series]) -> None:
    for level in (1, 0):
        axis.axhline(level, color=FAINT, linewidth=0.6)
    axis.axhline(0.5, color=FAINT, linewidth=0.6, linestyle=(0, (4, 3)))
    least, most = 0.0, 1.0
    for one in series:
        if one.point.growth is None:
            continue
        _draw_points(axis, one, one.point.doses[1:], one.point.gr[1:])
        _draw_fit(axis, one, one.point.growth.fit, one.point.growth.gr50, 0.5)
        least = min(least, float(one.point.gr[1:].min()))
        most = max(most, float(one.point.gr[1:].max()))
    if all(one.point.growth is None for one in series):
        axis.text(
            0.5,
            0.5,
            "untreated cells do not grow",
            transform=axis.transAxes,
            fontsize=TEXT,
            ha="center",
            va="bottom",
            color=FAINT,
        )
    axis.set_ylim(min(-0.1, 1.1 * least), max(1.15, 1.05 * most))
    axis.set_ylabel("growth rate inhibition, GR [1]", fontsize=TEXT)


def _draw_points(axis: Axes, one: Series, doses: np.ndarray, values: np.ndarray) -> None:
    look: dict[str, Any] = {
        "color": one.ink,
        "marker": one.mark,
        "linestyle": "none",
        "markeredgewidth": 0,
    }
    if values.shape[1] > 1:
        every = np.repeat(doses, values.shape[1])
        axis.plot(every, values.ravel(), markersize=2.2, alpha=0.35, zorder=3, **look)
    axis.plot(doses, values.mean(axis=1), markersize=4, zorder=4, **look)


def _draw_fit(axis: Axes, one: Series, fit: "Fit", mark: "Estimate", level: float) -> None:
    doses = np.geomspace(*fit.tested, 200)
    axis.plot(doses, fit.line(doses), color=one.ink, linewidth=1.2, linestyle=one.line, zorder=3)
    if fit.plateau is not None and fit.log_ec50 is not None:
        across = [max(fit.tested[0], 10**fit.log_ec50), fit.tested[1]]
        axis.plot(
            across,
            [fit.plateau, fit.plateau],
            color=one.ink,
            linewidth=0.9,
            linestyle=(0, (1, 1.5)),
            zorder=2,
        )
    if mark.value is None:
        return
    if not mark.is_joined:  # what was read between doses has no interval
        low, high = (
            edge if end is None else end
            for end, edge in zip((mark.low, mark.high), fit.tested, strict=True)
        )
        axis.plot([low, high], [level, level], color=one.ink, linewidth=2.6, alpha=0.45, zorder=4)
    axis.plot(
        mark.value,
        level,
        marker="|",
        markersize=10,
        color=one.ink,
        markeredgewidth=1.4,
        zorder=5,
    )


def _finish(axis: Axes, series: Sequence[Series]) -> None:
    lowest = min(one.point.fit.tested[0] for one in series)
    highest = max(one.point.fit.tested[1] for one in series)
    axis.set_xscale("log")
    axis.set_xlim(lowest / 1.35, highest * 1.35)
    is_wide = np.log10(highest / lowest) > _PLAIN
    axis.xaxis.set_major_locator(LogLocator(numticks=_TICKS if is_wide else 12))
    axis.xaxis.set_major_formatter(FuncFormatter(_power if is_wide else _plain))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel("dose [nM]", fontsize=TEXT, labelpad=2)
    axis.tick_params(labelsize=TEXT - 0.5, width=0.6, length=2.5, pad=2)
    axis.tick_params(which="minor", length=1.5, width=0.4)
    axis.spines[["top", "right"]].set_visible(False)
    axis.spines[["left", "bottom"]].set_linewidth(0.6)


def _plain(dose: float, _: object) -> str:
    return f"{dose:g}"


def _power(dose: float, _: object) -> str:
    return f"10{str(round(np.log10(dose))).translate(_RAISED)}"


def _write_table(picture: Picture, series: Sequence[Series], height: float) -> None:
    """Write the IC values below the curves; the signs stand for a legend."""
    width, page = (float(size) for size in picture.get_size_inches())
    rows = [_cells(one) for one in series]
    titles = ("", *(f"IC{level} (95 %)" for level in _LEVELS), "GR50 (95 %)", "GRmax ", "plateau")
    lengths = [max(len(row[k]) for row in (titles, *rows)) for k in range(len(titles))]
    size = min(1.0, (width - 0.55) / (LETTER * (sum(lengths) + 3 * len(lengths))))
    starts = 0.35 + size * LETTER * np.cumsum([0, *(length + 3 for length in lengths[:-1])])
    for number, row in enumerate((titles, *rows)):
        y = (height - _ROW * (number + 0.35)) / page
        for x, text in zip(starts, row, strict=True):
            picture.text(
                x / width,
                y,
                text,
                fontsize=(TEXT - 0.5) * size,
                va="center",
                color="#333333" if number else FAINT,
            )
    for number, one in enumerate(series, start=1):
        _draw_sign(picture, one, 0.2 / width, (height - _ROW * (number + 0.35)) / page, width)


def _draw_sign(picture: Picture, one: Series, x: float, y: float, width: float) -> None:
    picture.add_artist(
        Line2D(
            [x - 0.09 / width, x, x + 0.09 / width],
            [y, y, y],
            color=one.ink,
            linewidth=1.2,
            linestyle=one.line,
            marker=one.mark,
            markersize=4,
            markevery=[1],
            markeredgewidth=0,
        )
    )


def _cells(one: Series) -> tuple[str, ...]:
    growth, plateau = one.point.growth, one.point.fit.plateau
    return (
        one.name,
        *(_say(one.point.fit.ic(level)) for level in _LEVELS),
        "no growth" if growth is None else _say(growth.gr50),
        "" if growth is None else fixed(growth.gr_max),
        "not seen" if plateau is None else f"{plateau:.0f} %",
    )


def _say(estimate: "Estimate") -> str:
    """Say an estimate; why a level is not reached is seen in the figure."""
    if estimate.value is None:
        return estimate.flag.partition(":")[0].partition(",")[0]
    if estimate.is_joined:
        return f"{str(estimate).partition(' (')[0]} (between doses)"
    return str(estimate)
