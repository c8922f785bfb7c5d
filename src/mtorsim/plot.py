"""Figures of a result: small multiples by branch, relative to the untreated cell."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from string import ascii_uppercase
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from mtorsim import pharmacokinetics
from mtorsim.errors import InputError
from mtorsim.regimen import Dose, Regimen
from mtorsim.units import say_concentration, say_time

if TYPE_CHECKING:
    from mtorsim.ensembles import Ensemble
    from mtorsim.result import Result
    from mtorsim.scenario import Scenario

# Okabe and Ito's colours, which stay apart for all common kinds of colour blindness; their yellow
# is left out, being too light for a line on white. Line styles say the same a second time.
INK = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00")
STROKES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), "-")
GREY, SHADE, DOSE = "#767676", "#F5F2E8", "#333333"

ZOOM = 120.0  # min: the first hours, drawn a second time at their own scale
ZOOM_BODY = 1440.0  # min: a body takes and loses drug more slowly than a dish is filled
TEXT = 7.0  # pt
_LEFT, _ACROSS = 0.48, 2.05  # inch, of a pair of axes: what stands left of it, its width
_LETTER = 0.059  # inch, a letter of that size with room to spare
_LONGEST = 20  # letters of a curve's name

PANELS: Mapping[str, tuple[str, ...]] = {
    "mTORC1 axis": ("RHEB_GTP", "mTORC1_active", "S6K1_pT389", "S6_pS235"),
    "Feedback and AKT": ("IRS1_pS636", "IRS1_pY", "PIP3", "AKT_pT308", "AKT_pS473"),
    "mTOR complexes": ("free_mTOR", "mTORC1", "mTORC2"),
    "4E-BP1 and cap-dependent translation": (
        "EIF4EBP1_pT37",
        "EIF4EBP1_pS65",
        "eIF4F",
        "CCND1",
        "MYC",
    ),
    "HIF and VEGF": ("HIF1A", "HIF2A", "REDD1", "VEGF_mRNA", "VEGF_secreted"),
    "Growth": ("proliferation_rate", "G1_fraction", "ATP_per_cell", "viability"),
}
# Read-outs that are drawn on a branch's panel when asked for by id, and not otherwise.
ON_REQUEST = {
    "AMPK_active": "mTORC1 axis",
    "TSC2_pT1462": "Feedback and AKT",
    "AKT_total": "Feedback and AKT",
    "S6K1_total": "mTORC1 axis",
    "EIF4EBP1_total": "4E-BP1 and cap-dependent translation",
    "PDCD4": "4E-BP1 and cap-dependent translation",
    "mTORC2_active": "mTOR complexes",
    "ULK1": "Growth",
    "cell_number": "Growth",
    "ATP_signal": "Growth",
}


DRUG = "Drug"
"""Title of the panel with the concentrations of a drug in a body, on a logarithmic axis."""

_PLACES = ("blood", "plasma", "interstitium")
_DECADES = 5  # below its peak, to which a drug is drawn
_FARTHEST_BAND = 2.5  # times the highest curve, to which a band is drawn


class Picture(Figure):
    """A figure that shows itself in a notebook without a global plotting state."""

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=110)
        return buffer.getvalue()

    def _ipython_display_(self) -> None:
        # Once pyplot is in use, a notebook draws any figure in its own way, at the resolution of
        # print: three times too large. This comes first, and gives the same picture always.
        from IPython.display import display

        shown = {"image/png": self._repr_png_(), "text/plain": repr(self)}
        display(shown, raw=True)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Curve:
    """One line: what it is called, its values over time, and 5, 50, 95 % of an ensemble."""

    label: str
    values: np.ndarray
    band: np.ndarray | None = None


@dataclass(frozen=True)
class Panel:
    """One pair of axes: curves that share a scale."""

    title: str
    unit: str
    curves: tuple[Curve, ...]

    @property
    def is_relative(self) -> bool:
        """Whether the curves are ratios to the untreated cell."""
        return self.unit == "relative to untreated"


def figure(
    result: "Result", ids: Iterable[str] | None = None, ensemble: "Ensemble | None" = None
) -> Picture:
    """Return a figure of a result, one pair of axes per branch of the network.

    The left of each pair shows the two hours after the first treatment at a scale of their own, or
    the first day after the first dose of a body. Doses of a body are marks above the curves.
    A read-out that is zero in the untreated cell (such as bound drug) is drawn in its own unit.

    Parameters
    ----------
    result : Result
        What ``simulate`` returned.
    ids : iterable of str, optional
        Observables to draw; default: those of the scenario, or else a choice of each branch's.
    ensemble : Ensemble, optional
        Runs with other parameter sets, drawn as bands from 5 to 95 % with their median.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot; save it with ``.savefig(path)``.

    Raises
    ------
    InputError
        For an id that is not in the result, or none at all.
    """
    chosen = result.scenario.observe or None if ids is None else tuple(ids)
    panels = _panels(result, chosen, ensemble)
    marks = Marks(tuple(_exposures(result)), tuple(_doses(result.scenario)))
    window = _window(marks, float(result.time[-1]))
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    names = 0.16 + _LETTER * max(len(curve.label) for panel in panels for curve in panel.curves)
    width = columns * (_LEFT + _ACROSS + names)  # inch
    caption = _caption(result.scenario, window) + _said_of(ensemble)
    words = wrap(caption, int((width - _LEFT) / _LETTER))
    head = 0.62 + 0.14 * len(words)
    height = head + 2.1 * rows
    picture = Picture(figsize=(width, height), dpi=300)
    grid = picture.add_gridspec(
        rows,
        columns,
        left=_LEFT / width,
        right=1 - names / width,
        bottom=0.42 / height,
        top=1 - head / height,
        wspace=(names + _LEFT) / _ACROSS,
        hspace=0.42,
    )
    for place, panel in enumerate(panels):
        cell = grid[place // columns, place % columns]
        letter = ascii_uppercase[place % 26] if len(panels) > 1 else ""
        _draw_panel(picture, cell, panel, letter, result.time, window, marks)
    _head(picture, result.scenario, words)
    return picture


# --- what is drawn -------------------------------------------------------------------------------


def _panels(
    result: "Result", ids: tuple[str, ...] | None, ensemble: "Ensemble | None" = None
) -> tuple[Panel, ...]:
    if ids == ():
        raise InputError("plot: nothing to draw. Expected ids such as ['S6K1_pT389'].")
    for name in ids or ():
        result.column(name)  # raises for an id that nobody read
    wanted = _grouped(ids) if ids is not None else _present(result)
    panels = []
    for title, members in wanted.items():
        relative = [name for name in members if name in result.present]
        if relative:
            ratios = result.relative(relative)
            curves = tuple(
                _curve(result, name, ratios[name], ensemble, relative=True) for name in relative
            )
            panels.append(Panel(title, "relative to untreated", curves))
        if ids is not None or title == DRUG:
            absent = [name for name in members if name not in relative]
            panels += _absolute(result, title, absent, ensemble)
    return tuple(panels)


def _absolute(
    result: "Result", title: str, ids: Sequence[str], ensemble: "Ensemble | None" = None
) -> Iterator[Panel]:
    for unit in dict.fromkeys(result.units[name] for name in ids):
        members = [name for name in ids if result.units[name] == unit]
        curves = tuple(_curve(result, name, result.column(name), ensemble) for name in members)
        yield Panel(title, f"concentration [{unit}]" if unit == "nM" else f"[{unit}]", curves)


def _present(result: "Result") -> dict[str, list[str]]:
    there = set(result.ids)
    chosen = {title: [i for i in members if i in there] for title, members in PANELS.items()}
    chosen[DRUG] = [name for name in result.ids if _is_drug(name)]
    chosen = {title: members for title, members in chosen.items() if members}
    return chosen or _grouped(tuple(result.ids))


def _is_drug(name: str) -> bool:
    return name.rpartition("_")[2] in _PLACES and name != "FKBP12_blood"


def _grouped(ids: tuple[str, ...]) -> dict[str, list[str]]:
    home = {name: title for title, members in PANELS.items() for name in members} | ON_REQUEST
    groups: dict[str, list[str]] = {title: [] for title in (*PANELS, DRUG, "Other read-outs")}
    for name in dict.fromkeys(ids):
        groups[home.get(name, DRUG if _is_drug(name) else "Other read-outs")].append(name)
    return {title: members for title, members in groups.items() if members}


def _curve(
    result: "Result",
    name: str,
    values: Any,
    ensemble: "Ensemble | None" = None,
    *,
    relative: bool = False,
) -> Curve:
    full = result.labels[name]
    label = full if len(full) <= _LONGEST else name.replace("_", " ")
    band = None if ensemble is None else ensemble.band(name, relative=relative)
    return Curve(label, np.asarray(values), band)


@dataclass(frozen=True)
class Exposure:
    """A stretch of time with a drug in the medium."""

    drug: str
    begin: float  # min
    end: float  # min
    dose: float  # nM


def _exposures(result: "Result") -> Iterator[Exposure]:
    last = float(result.time[-1])
    for treatment in result.scenario.drugs:
        if isinstance(treatment.schedule, Regimen):
            continue
        changes = [change for change in treatment.schedule.changes() if change.time < last]
        ends = [change.time for change in changes[1:]] + [last]
        for change, end in zip(changes, ends, strict=True):
            if change.concentration > 0:
                yield Exposure(treatment.drug, change.time, end, change.concentration)


def _doses(scenario: "Scenario") -> Iterator[Dose]:
    for drug, regimen in scenario.regimens.items():
        yield from pharmacokinetics.planned(regimen, drug, scenario.species, scenario.duration)


@dataclass(frozen=True)
class Marks:
    """What was given and when: stretches of time in a dish, doses of a body."""

    exposures: tuple[Exposure, ...]
    doses: tuple[Dose, ...]

    @property
    def begin(self) -> float:
        """When the first treatment begins [min]; 0 without any."""
        begins = [one.begin for one in self.exposures] + [dose.time for dose in self.doses]
        return min(begins, default=0.0)

    @property
    def zoom(self) -> float:
        """How long after that is drawn at a scale of its own [min]."""
        return ZOOM_BODY if self.doses else ZOOM


def _window(marks: Marks, last: float) -> tuple[float, float] | None:
    """The time after the first treatment; none where it is most of the run."""
    begin, zoom = marks.begin, marks.zoom
    return (begin, begin + zoom) if last > 1.5 * zoom and begin + zoom <= last else None


@dataclass(frozen=True)
class Clock:
    """The unit of a time axis: its name, its length [min], and steps at which ticks may stand."""

    unit: str
    minutes: float
    steps: tuple[float, ...]


HOURS = Clock("h", 60.0, (0.25, 0.5, 1, 2, 3, 6, 12, 24, 48, 96, 168))
DAYS = Clock("days", 1440.0, (0.5, 1, 2, 7, 14, 28))
WEEKS = Clock("weeks", 10080.0, (1, 2, 4, 8, 13, 26, 52, 104))


def _clock(end: float) -> Clock:
    """The unit of an axis that ends at `end` [min]."""
    if end <= 5 * 1440:
        return HOURS
    return DAYS if end <= 16 * 10080 else WEEKS


# --- how it is drawn -----------------------------------------------------------------------------


def _draw_panel(
    picture: Figure,
    cell: SubplotSpec,
    panel: Panel,
    letter: str,
    time: np.ndarray,
    window: tuple[float, float] | None,
    marks: Marks,
) -> None:
    spans = _spans(window, float(time[-1]))
    ratios = (1, 1.35)[: len(spans)]
    is_broken = len(spans) == 2 and spans[0][1] == spans[1][0]  # one axis, two scales
    parts = cell.subgridspec(1, len(spans), width_ratios=ratios, wspace=0.07 if is_broken else 0.22)
    axes = [picture.add_subplot(parts[0, part]) for part in range(len(spans))]
    for axis, span in zip(axes, spans, strict=True):
        _draw_axis(axis, panel, time, span, marks)
    _scale(axes, panel)
    axes[0].set_ylabel(panel.unit, fontsize=TEXT, labelpad=3)
    title = f"{letter}   {panel.title}" if letter else panel.title
    pad = 9 if marks.doses else 5
    axes[0].set_title(title, fontsize=TEXT + 1, fontweight="bold", loc="left", pad=pad)
    _name_time(picture, cell, axes, spans)
    if is_broken:  # the first part has named the time at which the second begins
        begin = axes[1].get_xlim()[0]
        later = [tick for tick in axes[1].get_xticks() if tick > begin]
        axes[1].xaxis.set_major_locator(FixedLocator(later))
    for axis in axes[1:]:
        axis.tick_params(left=not is_broken, labelleft=False)
        axis.spines["left"].set_visible(not is_broken)
    _name_curves(picture, axes[-1], panel, spans[-1][1])


def _name_time(
    picture: Figure, cell: SubplotSpec, axes: Sequence[Axes], spans: Sequence[tuple[float, float]]
) -> None:
    """Write the unit of time below the axes, once if it is the same for both."""
    units = [_clock(end).unit for _, end in spans]
    places = [axis.get_position() for axis in axes]
    if len({*units}) == 1:
        units, places = units[:1], [cell.get_position(picture)]
    for unit, place in zip(units, places, strict=True):
        middle, below = (place.x0 + place.x1) / 2, place.y0 - 0.28 / picture.get_figheight()
        text = f"time [{unit}]"
        picture.text(middle, below, text, fontsize=TEXT, ha="center", va="center")


def _spans(window: tuple[float, float] | None, last: float) -> tuple[tuple[float, float], ...]:
    """The stretches of time drawn side by side [min].

    A window at the start leaves the rest of the run to the right: one time axis that changes its
    scale. A later window is a close-up, and the whole run stands beside it.
    """
    if window is None:
        return ((0.0, last),)
    return (window, (window[1] if window[0] == 0 else 0.0, last))


def _draw_axis(
    axis: Axes,
    panel: Panel,
    time: np.ndarray,
    span: tuple[float, float],
    marks: Marks,
) -> None:
    begin, end = span
    clock = _clock(end)
    _mark(axis, marks, span, clock)
    if panel.is_relative:
        axis.axhline(1, color=GREY, linewidth=0.6, zorder=1)
    near = (time >= begin) & (time <= end)
    for number, curve in enumerate(panel.curves):
        if curve.band is not None:
            _draw_band(axis, time[near] / clock.minutes, curve.band[:, near], number)
        axis.plot(
            time[near] / clock.minutes,
            curve.values[near],
            color=INK[number % len(INK)],
            linestyle=STROKES[number % len(STROKES)],
            linewidth=1.3,
            zorder=3,
        )
    first, last = begin / clock.minutes, end / clock.minutes
    axis.set_xlim(first, last)
    axis.xaxis.set_major_locator(FixedLocator(_ticks(first, last, clock.steps)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda time, _: f"{time:g}"))
    axis.tick_params(labelsize=TEXT, length=2.5, width=0.6, pad=2)
    axis.spines[["top", "right"]].set_visible(False)
    axis.spines[["left", "bottom"]].set_linewidth(0.6)


def _draw_band(axis: Axes, time: np.ndarray, band: np.ndarray, number: int) -> None:
    """Draw the range and the median of an ensemble behind its curve."""
    low, middle, high = band
    ink = INK[number % len(INK)]
    axis.fill_between(time, low, high, color=ink, alpha=0.13, linewidth=0, zorder=2)
    axis.plot(time, middle, color=ink, alpha=0.6, linewidth=0.6, zorder=2.5)


def _mark(axis: Axes, marks: Marks, span: tuple[float, float], clock: Clock) -> None:
    """Shade the time with drug in the medium; above the curves mark doses, bars being infusions."""
    begin, end = span
    for exposure in marks.exposures:
        left, right = max(exposure.begin, begin), min(exposure.end, end)
        if left < right:
            edges = left / clock.minutes, right / clock.minutes
            axis.axvspan(*edges, color=SHADE, linewidth=0, zorder=0)
    shown = [dose for dose in marks.doses if begin <= dose.time < end]
    above = axis.get_xaxis_transform()  # x in units of time, y from 0 to 1
    at = [dose.time / clock.minutes for dose in shown]
    until = [min(dose.time + (dose.infusion or 0.0), end) / clock.minutes for dose in shown]
    style: dict[str, Any] = {"colors": DOSE, "transform": above, "clip_on": False, "zorder": 4}
    axis.vlines(at, 1.0, 1.05, linewidth=1.0, **style)
    axis.hlines([1.025] * len(at), at, until, linewidth=2.0, **style)


def _ticks(begin: float, end: float, steps: Sequence[float]) -> list[float]:
    """Ticks at times a biologist would choose: quarters of a day for a run of days."""
    step = next((step for step in steps if (end - begin) / step <= 5), (end - begin) / 4)
    first = int(np.ceil(begin / step - 1e-9))
    last = int(np.floor(end / step + 1e-9))
    return [step * count for count in range(first, last + 1)]


def _scale(axes: Sequence[Axes], panel: Panel) -> None:
    top = max(float(np.nanmax(curve.values)) for curve in panel.curves)
    low = min(float(np.nanmin(curve.values)) for curve in panel.curves)
    bands = [curve.band for curve in panel.curves if curve.band is not None]
    # A band that goes far beyond the curves is cut: they are what is looked at.
    reach = max((float(np.nanmax(one)) for one in bands if np.isfinite(one).any()), default=top)
    top = max(top, min(reach, _FARTHEST_BAND * max(top, 1.0 if panel.is_relative else 0.0)))
    for axis in axes:
        if panel.title == DRUG and top > 0:
            axis.set_yscale("log")
            axis.set_ylim(max(low, top * 10**-_DECADES) / 2, top * 2)
            axis.minorticks_off()
        # Beyond an eightfold rise a linear axis would hide what falls.
        elif panel.is_relative and top > 8:
            axis.set_yscale("log")
            axis.set_ylim(max(low * 0.8, 1e-3), top * 1.25)
        else:
            axis.set_ylim(0, max(1.15 if panel.is_relative else 0, top * 1.06) or 1)
            axis.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _name_curves(picture: Figure, axis: Axes, panel: Panel, end: float) -> None:
    """Write each curve's name where it ends, moved apart where two would overlap."""
    height = axis.get_position().height * picture.get_figheight() * 72  # pt
    to_axes = axis.transData + axis.transAxes.inverted()
    floor = axis.get_ylim()[0]  # on a logarithmic axis nothing is lower
    ends = [
        float(to_axes.transform((end / _clock(end).minutes, max(curve.values[-1], floor)))[1])
        for curve in panel.curves
    ]
    gap = 1.2 * TEXT / height
    for number, (curve, at, place) in enumerate(
        zip(panel.curves, ends, _spread(ends, gap), strict=True)
    ):
        ink = INK[number % len(INK)]
        axis.annotate(
            curve.label,
            xy=(1, at),
            xytext=(1.085, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            fontsize=TEXT,
            color=ink,
            va="center",
            ha="left",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": ink,
                "linewidth": 0.5,
                "shrinkA": 0.5,
                "shrinkB": 0.5,
                "relpos": (0, 0.5),
            },
        )


def _spread(places: Sequence[float], gap: float) -> list[float]:
    """Return `places` moved as little as possible so that neighbours are `gap` apart, from 0 to 1.

    Least squares under an order constraint: neighbours that would touch are pooled and
    centred on their mean, as in isotonic regression.
    """
    order = sorted(range(len(places)), key=places.__getitem__)
    pools: list[list[float]] = []  # [mean of place - rank*gap, size]
    for rank, index in enumerate(order):
        pools.append([places[index] - rank * gap, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, size = pools.pop()
            pools[-1] = [
                (pools[-1][0] * pools[-1][1] + mean * size) / (pools[-1][1] + size),
                pools[-1][1] + size,
            ]
    highest = max(0.0, 1 - gap * (len(places) - 1))
    flat = [min(max(mean, 0.0), highest) for mean, size in pools for _ in range(int(size))]
    spread = [0.0] * len(places)
    for rank, index in enumerate(order):
        spread[index] = flat[rank] + rank * gap
    return spread


def _head(picture: Figure, scenario: "Scenario", words: Sequence[str]) -> None:
    height = picture.get_figheight()
    title = ", ".join((scenario.cell, *scenario.perturbations))
    place = {"x": picture.axes[0].get_position().x0, "va": "top", "ha": "left"}
    picture.text(y=1 - 0.1 / height, s=title, fontsize=TEXT + 2, fontweight="bold", **place)
    text = "\n".join(words)
    picture.text(
        y=1 - 0.29 / height, s=text, fontsize=TEXT, color="#333333", linespacing=1.3, **place
    )


def _said_of(ensemble: "Ensemble | None") -> str:
    """Say what bands are."""
    if ensemble is None:
        return ""
    return f" Bands: 5 to 95 % of {ensemble.count} parameter sets; thin lines: their median."


def _caption(scenario: "Scenario", window: tuple[float, float] | None) -> str:
    given = [f"{name} {say_concentration(value)}" for name, value in scenario.stimuli.items()]
    given += [f"{entry.drug} {entry.schedule.in_words()}" for entry in scenario.drugs]
    words = "; ".join(given) or "untreated"
    words = words[0].upper() + words[1:] + "."
    if scenario.has_body:
        words += f" In a tumour of a {scenario.species}. Marks above: doses."
    elif scenario.drugs:
        words += " Shaded: drug in the medium."
    if window is not None and window[0] == 0:
        words += f" The time axis changes its scale at {say_time(window[1])}."
    elif window is not None:
        first = say_time(window[1] - window[0])
        words += f" Left: the first {first} of treatment; right: the whole run."
    return words
