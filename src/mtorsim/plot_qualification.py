"""Pictures of a qualification: model against published, curves and points, dose-responses."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from textwrap import shorten, wrap
from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from mtorsim.plot import GREY, INK, STROKES, Picture

if TYPE_CHECKING:
    from mtorsim.qualification.drawn import Course, DoseResponse
    from mtorsim.qualification.report import Report
    from mtorsim.qualification.rows import Row
    from mtorsim.qualification.scenes import Seen

TEXT = 7.0  # pt
_COLUMNS = 4
_WIDE, _HIGH = 2.45, 1.9  # inch, of a panel
_COLOURS = dict(zip(("calibrated", "chosen", "follows", "predicted"), INK, strict=False))
_MARKS = {"pass": "o", "near": "s", "miss": "X"}
_MOST_LINES = 6  # of dose-responses, that are told apart


def figures(report: "Report") -> dict[str, Picture]:
    """Return title -> figure, of those that the report has something for."""
    found = {}
    valued = [_as_ratio(row) for row in report.rows if _has_value(row)]
    if pairs := [row for row in valued if _is_pair(row)]:
        others = [row for row in valued if not _is_pair(row)]
        found["Model against published"] = scatter(pairs, others)
    by_id = {row.id: row for row in report.rows}
    if report.courses:
        found["Published curves"] = courses(
            [(by_id[id], one) for id, one in report.courses.items()]
        )
    if report.responses:
        drawn = [(by_id[id], lines) for id, lines in report.responses.items()]
        found["Dose-responses"] = dose_responses(drawn)
    if any(report.scenes.values()):
        found["What behaviours look like"] = scenes(report.scenes)
    return found


def _has_value(row: "Row") -> bool:
    """Whether a value was published; shares of points are drawn elsewhere."""
    return math.isfinite(row.value) and row.group != "time courses"


def _as_ratio(row: "Row") -> "Row":
    """Return a row whose logarithms are what they are the logarithms of."""
    if row.unit != "log2":
        return row
    numbers = {name: 2.0 ** getattr(row, name) for name in ("value", "model", "low", "high")}
    spread = None if row.spread is None else row.spread.as_ratio()
    return replace(row, unit="1", spread=spread, **numbers)


def _is_pair(row: "Row") -> bool:
    return all(math.isfinite(one) and one > 0 for one in (row.value, row.model))


def scatter(rows: Sequence["Row"], others: Sequence["Row"] = ()) -> Picture:
    """Return published numbers against those of the models, each in its own unit.

    Upright lines are 5 to 95 % of the ensemble, where that was asked for.

    `others` have no place on logarithmic axes; it is said which.
    """
    made = Picture(figsize=(5.2, 4.6), layout="constrained")
    panel = made.subplots()
    for row in rows:
        colour = _COLOURS[row.kind]
        _range(panel, row, colour)
        _across(panel, row, colour)
        face = colour if row.is_evidence else "white"
        panel.scatter(row.value, row.model, 18, marker=_MARKS[row.verdict], color=face,
                      edgecolors=colour, linewidths=0.8, zorder=3)  # fmt: skip
    ends = np.array([one for row in rows for one in (row.value, row.model)])
    line = (ends.min() / 2, ends.max() * 2)
    panel.plot(line, line, color=GREY, linewidth=0.8, zorder=0)
    panel.set(xscale="log", yscale="log", xlim=line, ylim=line)
    panel.set_xlabel("published, with its range", fontsize=TEXT + 1)
    panel.set_ylabel("model", fontsize=TEXT + 1)
    panel.tick_params(labelsize=TEXT)
    if others:
        names = ", ".join(f"{row.id} ({row.verdict})" for row in others)
        said = "\n".join(wrap(f"Not reached, or not above zero: {names}", 90))
        panel.set_title(said, fontsize=TEXT, loc="left")
    _legend(panel, rows)
    _label([row for row in rows if row.verdict == "miss"], panel, line)
    return made


def _label(rows: Sequence["Row"], panel: Axes, ends: tuple[float, float]) -> None:
    """Write ids beside points, one above the other where points lie close."""
    point = _LONG_AXIS / math.log(ends[1] / ends[0])  # per unit of a logarithm
    taken: list[tuple[float, float]] = []
    for row in sorted(rows, key=lambda one: (one.model, one.value)):
        x, y = point * math.log(row.value), point * math.log(row.model)
        rise = 3.0
        while any(
            abs(x - left) < _LABEL[0] and abs(y + rise - low) < _LABEL[1] for left, low in taken
        ):
            rise += 1.0
        taken.append((x, y + rise))
        panel.annotate(row.id, (row.value, row.model), (3, rise), fontsize=TEXT,
                       textcoords="offset points")  # fmt: skip


_LONG_AXIS = 270.0  # pt, of the scatter: about the shorter one
_LABEL = (24.0, 8.0)  # pt, of an id


def _range(panel: Axes, row: "Row", colour: str) -> None:
    low = row.low if row.low > 0 else row.value
    high = row.high if math.isfinite(row.high) else row.value
    panel.plot([low, high], [row.model] * 2, color=colour, linewidth=0.7, alpha=0.5, zorder=1)


def _across(panel: Axes, row: "Row", colour: str) -> None:
    """Draw 5 to 95 % of the ensemble, where there is one."""
    if row.spread is not None and row.spread.low > 0 and math.isfinite(row.spread.high):
        ends = [row.spread.low, row.spread.high]
        panel.plot([row.value] * 2, ends, color=colour, linewidth=0.7, alpha=0.5, zorder=1)


def _legend(panel: Axes, rows: Sequence["Row"]) -> None:
    kinds = [kind for kind in _COLOURS if any(row.kind == kind for row in rows)]
    for kind in kinds:
        panel.scatter([], [], 18, marker="o", color=_COLOURS[kind], label=kind)
    for verdict in ("near", "miss"):
        if any(row.verdict == verdict for row in rows):
            panel.scatter([], [], 18, marker=_MARKS[verdict], color=GREY, label=verdict)
    if not all(row.is_evidence for row in rows):
        panel.scatter([], [], 18, marker="o", color="white", edgecolors=GREY, label="recalled")
    panel.legend(fontsize=TEXT, frameon=False, loc="upper left")


def _key(panel: Axes, where: Literal["best", "lower left"] = "best") -> None:
    """Add a legend that takes no room from the panel."""
    panel.legend(fontsize=TEXT - 1.5, frameon=False, loc=where).set_in_layout(False)


def _panels(count: int) -> tuple[Picture, list[Axes]]:
    columns = min(_COLUMNS, count)
    rows = -(-count // columns)
    made = Picture(figsize=(_WIDE * columns + 0.3, _HIGH * rows + 0.3), layout="constrained")
    panels = list(made.subplots(rows, columns, squeeze=False).ravel())
    for spare in panels[count:]:
        spare.set_axis_off()
    for panel in panels:
        panel.tick_params(labelsize=TEXT - 1)
    return made, panels


def courses(drawn: Sequence[tuple["Row", "Course"]]) -> Picture:
    """Return published points with two standard deviations, and the model scaled to them."""
    made, panels = _panels(len(drawn))
    for panel, (row, one) in zip(panels, drawn, strict=False):
        unit = "min" if one.along == "time" else "nM insulin"
        colour = INK[0] if row.verdict == "pass" else INK[1]
        panel.errorbar(one.x, one.mean, 2 * one.sd, fmt="o", color="black", markersize=2.5,
                       linewidth=0.7, capsize=1.2, zorder=2)  # fmt: skip
        panel.plot(one.fine, one.model, color=colour, linewidth=1.3, zorder=3)
        if one.along == "dose":
            panel.set_xscale("symlog", linthresh=float(one.x[one.x > 0].min()))
        panel.set_ylim(bottom=min(0.0, *panel.get_ylim()))
        name = row.what.partition(":")[0]
        where = row.condition.partition(",")[0]
        panel.set_title(f"{row.id} {name}\n{where}", fontsize=TEXT, loc="left")
        panel.set_xlabel(unit, fontsize=TEXT)
    bars = "bars: two standard deviations (adipocytes: two standard errors)"
    made.supylabel(f"arbitrary units; {bars}", fontsize=TEXT + 1)
    return made


def dose_responses(drawn: Sequence[tuple["Row", "list[DoseResponse]"]]) -> Picture:
    """Return read-outs after doses, and the published dose of half the effect as a band."""
    made, panels = _panels(len(drawn))
    for panel, (row, lines) in zip(panels, drawn, strict=False):
        for place, line in enumerate(lines):
            few = len(lines) <= _MOST_LINES
            colour = INK[place % len(INK)] if few else GREY
            stroke = STROKES[place % len(STROKES)] if few else "-"
            panel.plot(line.doses, line.percent, color=colour, linestyle=stroke, linewidth=1.0,
                       label=line.label if few else None)  # fmt: skip
        _band(panel, row)
        panel.set_xscale("log")
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.set_ylim(0, max(110.0, panel.get_ylim()[1]))
        panel.yaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
        panel.axhline(50, color=GREY, linewidth=0.5, linestyle=":")
        panel.set_title(_lines(f"{row.id} {row.what}"), fontsize=TEXT, loc="left")
        panel.set_xlabel("nM", fontsize=TEXT)
        if len(lines) <= _MOST_LINES:
            _key(panel, "lower left")
    made.supylabel("% of control; band: published dose", fontsize=TEXT + 1)
    return made


def scenes(found: "Mapping[str, list[Seen]]") -> Picture:
    """Return curves of each behaviour."""
    drawn = [(id, one) for id, several in found.items() for one in several]
    drawn.sort(key=lambda one: int(one[0][1:]))
    made, panels = _panels(len(drawn))
    for panel, (id, one) in zip(panels, drawn, strict=False):
        days = one.hours[-1] > 100
        x = one.hours / 24 if days else one.hours * 60 if one.hours[-1] <= 1 else one.hours
        for place, (name, values) in enumerate(one.curves.items()):
            stroke = {"color": INK[place % len(INK)], "linestyle": STROKES[place % len(STROKES)]}
            panel.plot(x, values, linewidth=1.1, label=name.partition(",")[0], **stroke)
        panel.set_ylim(0, 1.05 * max(float(values.max()) for values in one.curves.values()))
        panel.set_title(f"{id} {_lines(one.title)}", fontsize=TEXT, loc="left")
        panel.set_xlabel("days" if days else "min" if one.hours[-1] <= 1 else "h", fontsize=TEXT)
        panel.set_ylabel(f"of {one.relative_to}", fontsize=TEXT)
        _key(panel)
    return made


_NANOMOLAR = {"nM": 1.0, "uM": 1e3}


def _band(panel: Axes, row: "Row") -> None:
    """Draw the published dose; a ratio of doses has none."""
    scale = _NANOMOLAR.get(row.unit)
    if scale is None or not (math.isfinite(row.low) and math.isfinite(row.high)):
        return
    panel.axvspan(row.low * scale, row.high * scale, color=INK[6], alpha=0.25, linewidth=0)
    if math.isfinite(row.value):
        panel.axvline(row.value * scale, color=INK[6], linewidth=1.0)


def _lines(text: str) -> str:
    """Return a title that fits above a panel."""
    return "\n".join(wrap(shorten(text, 72, placeholder=" …"), 38))
