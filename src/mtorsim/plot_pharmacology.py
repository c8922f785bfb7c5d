"""Figures of exposures: concentrations in blood and in a tumour over time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

from mtorsim.pharmacology.exposure import Exposure
from mtorsim.pharmacology.words import MATRIX, body_in_words, labels
from mtorsim.plot import Picture
from mtorsim.plot_assays.words import FAINT, INKS, TEXT, folded, head_height, write_head
from mtorsim.steps import JUST_BEFORE

DAY = 1440.0  # min
ZOOM = DAY
"""How much of the time after the first dose is drawn a second time, at a scale of its own [min]."""

_LEFT, _RIGHT, _BELOW, _GAP = 0.62, 0.2, 0.48, 0.3  # inch
_NEAR, _FAR, _ALONE, _HIGH, _BETWEEN = 1.75, 3.6, 4.2, 1.45, 0.36  # inch, of axes and between rows
_ROW, _SIGN = 0.16, 0.3  # inch, a line of the legend and the sample in it
_ASIDE = 0.42  # inch, from an axis to its label
_MARKS = 0.1  # inch, a row of dose marks
_DECADES, _SCARCE = 4.0, 0.01  # below its peak, and nM, to which unbound drug is drawn at least
_HOURS = (0.25, 0.5, 1, 2, 3, 6, 12, 24)
_DAYS = (1, 2, 7, 14, 28, 56, 84, 182, 364, 728, 1456)
_STROKES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
_WIDTHS, _USUAL = (1.7, 0.8), 1.2  # pt, of the drug given and its metabolites; of one analyte
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_DARK = "#333333"


@dataclass(frozen=True)
class Look:
    """How an arm is drawn."""

    ink: str
    stroke: Any


@dataclass(frozen=True)
class Trace:
    """A line: 5th, 50th and 95th percentile over time, the looks of its arm, its width."""

    time: np.ndarray  # (n,), min
    values: np.ndarray  # (3, n)
    look: Look
    width: float


@dataclass(frozen=True)
class Panel:
    """A row of the figure: lines that share a scale."""

    title: str
    unit: str
    traces: tuple[Trace, ...]
    limit: float | None = None  # of quantification

    @property
    def scale(self) -> tuple[float, float]:
        """Lowest and highest value that is drawn."""
        top = max((float(trace.values.max()) for trace in self.traces), default=0.0) or 1.0
        if self.limit is None:
            return min(top * 10**-_DECADES, _SCARCE), top * 2
        return (self.limit / 2 if top > 20 * self.limit else top / 100), top * 2


@dataclass(frozen=True)
class Span:
    """A stretch of time [min] that has a pair of axes in each row, and its width [inch]."""

    begin: float
    end: float
    width: float

    @property
    def unit(self) -> tuple[str, float]:
        """The unit in which time is written, and its length [min]."""
        return ("d", DAY) if self.end - self.begin > 4 * DAY else ("h", 60.0)


@dataclass(frozen=True)
class Schedule:
    """When some arms are dosed [min], and the colour of the marks."""

    times: tuple[float, ...]
    ink: str


def exposures(found: Sequence[Exposure]) -> Picture:
    """Return a figure of exposures: each analyte where it is measured, and unbound in a tumour.

    Parameters
    ----------
    found : sequence of Exposure
        Arms, at least one. Where accepted fits are beside it, an arm is a median and a band.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot; save it with ``.savefig(path)``.
    """
    looks = _looks(found)
    panels = [*_measured(found, looks), _unbound(found, looks)]
    spans, schedules = _spans(found), _schedules(found, looks)
    width = _LEFT + sum(span.width for span in spans) + _GAP * (len(spans) - 1) + _RIGHT
    bodies = "; ".join(dict.fromkeys(map(body_in_words, found)))
    note = _note(found, is_zoomed=len(spans) > 1)
    titles, notes = folded(bodies, (width - 0.4) * 0.7), folded(note, width - 0.4)
    legend = [folded(name, width - 0.6) for name in _names(found)]
    head = head_height(titles, notes)
    above = head + _ROW * sum(map(len, legend)) + 0.32 + _MARKS * len(schedules)
    height = above + len(panels) * (_HIGH + _BETWEEN) - _BETWEEN + _BELOW
    picture = Picture(figsize=(width, height), dpi=300)
    for number, panel in enumerate(panels):
        axes = list(_axes(picture, spans, above + number * (_HIGH + _BETWEEN)))
        for axis, span in zip(axes, spans, strict=True):
            _draw(axis, panel, span)
            axis.tick_params(labelbottom=panel is panels[-1], labelleft=axis is axes[0])
        axes[0].set_ylabel(f"concentration [{panel.unit}]", fontsize=TEXT)
        axes[0].yaxis.set_label_coords(-_ASIDE / spans[0].width, 0.5)
        pad = 4 + (0 if number else 72 * _MARKS * len(schedules))
        axes[0].set_title(panel.title, fontsize=TEXT, fontweight="bold", loc="left", pad=pad)
        if number == 0:
            _mark_doses(axes, spans, schedules)
    for axis, span in zip(axes, spans, strict=True):
        axis.set_xlabel(f"time [{span.unit[0]}]", fontsize=TEXT, labelpad=2)
    _write_legend(picture, legend, looks, head)
    write_head(picture, 0.15, titles, notes)
    return picture


# --- what is drawn --------------------------------------------------------------------------------


def _looks(found: Sequence[Exposure]) -> list[Look]:
    """Return colours by regimen and strokes by modifiers, or of one of them both by arm."""
    regimens = _places([(one.drug, one.compiled.species, one.regimen, one.set) for one in found])
    companies = _places([one.compiled.modifiers for one in found])
    arms = list(range(len(found)))
    is_crossed = len(set(zip(regimens, companies, strict=True))) == len(found)
    if is_crossed and max(regimens) and 0 < max(companies) < len(_STROKES):
        inks, strokes = regimens, companies
    else:
        inks, strokes = arms, arms
    colours = _inks(max(inks) + 1)
    return [
        Look(colours[ink], _STROKES[stroke % len(_STROKES)])
        for ink, stroke in zip(inks, strokes, strict=True)
    ]


def _places(items: Sequence[object]) -> list[int]:
    """Return which different item, counted from 0, each is."""
    seen: list[object] = []
    for item in items:
        if item not in seen:
            seen.append(item)
    return [seen.index(item) for item in items]


def _inks(number: int) -> Sequence[str]:
    if number <= len(INKS):
        return INKS
    return [to_hex(colour) for colour in colormaps["viridis"](np.linspace(0, 0.93, number))]


def _analytes(found: Sequence[Exposure]) -> list[str]:
    return list(dict.fromkeys(analyte for one in found for analyte in one.analytes))


def _measured(found: Sequence[Exposure], looks: Sequence[Look]) -> Iterator[Panel]:
    for analyte in _analytes(found):
        arms = [(one, look) for one, look in zip(found, looks, strict=True)
                if analyte in one.analytes]  # fmt: skip
        mass = arms[0][0].as_mass(analyte)
        traces = [Trace(one.time, one.spread(analyte) * mass, look, _USUAL) for one, look in arms]
        where = " or ".join(dict.fromkeys(MATRIX[one.facts.matrix] for one, _ in arms))
        limit = min(one.limit(analyte) for one, _ in arms) * mass
        yield Panel(f"{analyte} in {where}", "ng/mL", tuple(traces), limit)


def _unbound(found: Sequence[Exposure], looks: Sequence[Look]) -> Panel:
    thick, *thin = _analytes(found)
    traces = [
        Trace(
            one.time,
            one.spread(analyte, "interstitium"),
            look,
            _WIDTHS[analyte in thin] if thin else _USUAL,
        )
        for one, look in zip(found, looks, strict=True)
        for analyte in one.analytes
    ]
    title = "unbound in tumour interstitium"
    if thin:
        title += f": {thick} (thick), {', '.join(thin)} (thin)"
    return Panel(title, "nM", tuple(traces))


def _spans(found: Sequence[Exposure]) -> tuple[Span, ...]:
    """The stretches of time drawn side by side: the first day after a dose, and all of it."""
    end = max(float(one.time[-1]) for one in found)
    begin = min(one.doses[0].time for one in found)
    if end < 2.5 * ZOOM or begin + ZOOM > end:
        return (Span(0.0, end, _ALONE),)
    return Span(begin, begin + ZOOM, _NEAR), Span(0.0, end, _FAR)


def _schedules(found: Sequence[Exposure], looks: Sequence[Look]) -> list[Schedule]:
    inks: dict[tuple[float, ...], list[str]] = {}
    for one, look in zip(found, looks, strict=True):
        inks.setdefault(tuple(dose.time for dose in one.doses), []).append(look.ink)
    own = len(inks) > 1
    return [
        Schedule(times, shared[0] if own and len(shared) == 1 else _DARK)
        for times, shared in inks.items()
    ]


def _names(found: Sequence[Exposure]) -> list[str]:
    whose = {(one.drug, one.compiled.species) for one in found}
    return [
        label if len(whose) == 1 else f"{one.drug} in {one.compiled.species}: {label}"
        for one, label in zip(found, labels(found), strict=True)
    ]


def _note(found: Sequence[Exposure], *, is_zoomed: bool) -> str:
    words = "Simulated. Marks above: doses. Dotted: limit of quantification."
    if is_zoomed:
        words += " Left: the day after the first dose."
    number = max(len(one.fits) for one in found)
    if number:
        words += f" Lines: median of {number} accepted fits; bands: 5th to 95th percentile."
    return words


# --- how it is drawn ------------------------------------------------------------------------------


def _axes(picture: Picture, spans: Sequence[Span], top: float) -> Iterator[Axes]:
    """Yield the axes of a row whose upper edge lies `top` inches below that of the page."""
    width, height = (float(size) for size in picture.get_size_inches())
    x = _LEFT
    for span in spans:
        bottom = 1 - (top + _HIGH) / height
        yield picture.add_axes((x / width, bottom, span.width / width, _HIGH / height))
        x += span.width + _GAP


def _draw(axis: Axes, panel: Panel, span: Span) -> None:
    unit = span.unit[1]
    low, high = panel.scale
    axis.set_yscale("log")
    axis.set_xlim(span.begin / unit, span.end / unit)
    axis.set_ylim(low, high)
    if panel.limit is not None:
        axis.axhline(panel.limit, color=FAINT, linewidth=0.7, linestyle=(0, (1, 2)), zorder=1)
    for trace in panel.traces:
        time, values = _within(trace, span)
        # What is not there yet lies below the page, not at minus infinity.
        below, middle, above = np.maximum(values, low * 1e-3)
        if (above > below).any():
            axis.fill_between(
                time / unit, below, above, color=trace.look.ink, alpha=0.18, linewidth=0
            )
        axis.plot(
            time / unit,
            middle,
            color=trace.look.ink,
            linestyle=trace.look.stroke,
            linewidth=trace.width,
            zorder=3,
        )
    _tick(axis, span)


def _within(trace: Trace, span: Span) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of a trace in a span; a dose at its very end is not seen."""
    inside = (trace.time >= span.begin) & (trace.time < span.end)
    time, values = trace.time[inside], trace.values[:, inside]
    if trace.time[-1] < span.end:
        return time, values
    last = [np.interp(span.end - JUST_BEFORE, trace.time, row) for row in trace.values]
    return np.append(time, span.end), np.column_stack([values, last])


def _tick(axis: Axes, span: Span) -> None:
    axis.xaxis.set_major_locator(FixedLocator(_times(span)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda time, _: f"{time:g}"))
    axis.yaxis.set_major_locator(LogLocator(numticks=6))
    axis.yaxis.set_major_formatter(FuncFormatter(_say))
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.tick_params(labelsize=TEXT - 0.5, width=0.6, length=2.5, pad=2)
    axis.tick_params(which="minor", length=1.5, width=0.4)
    axis.spines[["top", "right"]].set_visible(False)
    axis.spines[["left", "bottom"]].set_linewidth(0.6)


def _say(value: float, _: object) -> str:
    if 1e-3 <= value < 1e4:
        return f"{value:g}"
    return f"10{str(round(np.log10(value))).translate(_RAISED)}"


def _times(span: Span) -> list[float]:
    """Ticks at times that a clinic would choose: quarters of a day, weeks."""
    name, unit = span.unit
    length = (span.end - span.begin) / unit
    most = 5 if span.width < _FAR else 9
    steps = _DAYS if name == "d" else _HOURS
    step = next((step for step in steps if length / step <= most), length / most)
    first = int(np.ceil(span.begin / unit / step - 1e-9))
    last = int(np.floor(span.end / unit / step + 1e-9))
    return [step * count for count in range(first, last + 1)]


def _mark_doses(axes: Sequence[Axes], spans: Sequence[Span], schedules: Sequence[Schedule]) -> None:
    for axis, span in zip(axes, spans, strict=True):
        for row, schedule in enumerate(schedules):
            times = [time for time in schedule.times if span.begin <= time < span.end]
            places = np.array(times) / span.unit[1]
            axis.plot(
                places,
                np.full(len(times), 1 + _MARKS * (row + 0.5) / _HIGH),
                transform=axis.get_xaxis_transform(),
                marker=_mark(times, span),
                markersize=3,
                markeredgewidth=0.6,
                color=schedule.ink,
                linestyle="none",
                clip_on=False,
            )


def _mark(times: Sequence[float], span: Span) -> str:
    """Return a triangle, or a stroke where triangles would touch."""
    closest = min(np.diff(times), default=np.inf)
    return "v" if closest / (span.end - span.begin) * span.width * 72 > 4 else "|"


def _write_legend(
    picture: Picture, names: Sequence[Sequence[str]], looks: Sequence[Look], head: float
) -> None:
    """Write a sample of each arm's line and its name below the notes."""
    width, height = (float(size) for size in picture.get_size_inches())
    y = head + 0.08
    for lines, look in zip(names, looks, strict=True):
        picture.add_artist(
            Line2D(
                [0.15 / width, (0.15 + _SIGN) / width],
                [1 - y / height] * 2,
                color=look.ink,
                linestyle=look.stroke,
                linewidth=1.4,
            )
        )
        for line in lines:
            place: dict[str, Any] = {"x": (0.23 + _SIGN) / width, "y": 1 - y / height}
            picture.text(s=line, fontsize=TEXT - 0.5, va="center", color=_DARK, **place)
            y += _ROW
