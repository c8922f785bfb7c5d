"""Pictures of a fit: data and curves, the objective of each start, profiles."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullFormatter

from mtorsim.errors import InputError
from mtorsim.fits.data import ARBITRARY, RELATIVE
from mtorsim.fits.optimise import THRESHOLD
from mtorsim.fits.petab_problem import PetabProblem
from mtorsim.fits.petab_tables import Measured
from mtorsim.fits.problem import Problem
from mtorsim.plot import GREY, INK, Picture
from mtorsim.targets import Dish, Outcomes
from mtorsim.targets.jobs import curves

if TYPE_CHECKING:
    from mtorsim.fits import Fit

_COLUMNS, _MOST_PANELS = 3, 12
_WIDE, _HIGH = 2.9, 2.2  # inches of a panel
_TEXT = 7.0  # pt
_FINE = 120  # times of a curve
_MARKS = "osD^vP*"


def waterfall(found: "Fit") -> Picture:
    """Return the objective of each start, the best first, above the best."""
    costs = found.starts["cost"].to_numpy(dtype=float)
    rises = np.maximum(costs - costs[0], 1e-4)
    same = costs <= costs[0] + 0.1
    made = Picture(figsize=(4.2, 3.0), layout="constrained")
    panel = made.subplots()
    ranks = np.arange(1, len(costs) + 1)
    panel.plot(ranks, rises, color=GREY, linewidth=0.8, zorder=0)
    for mine, colour, label in ((same, INK[0], "the same fit"), (~same, INK[1], "another")):
        if mine.any():
            panel.scatter(ranks[mine], rises[mine], s=18, color=colour, label=label)
    panel.axhline(THRESHOLD, color=GREY, linewidth=0.6, linestyle="--")
    panel.set_yscale("log")
    panel.set_xlabel("start, the best first", fontsize=_TEXT + 1)
    panel.set_ylabel("objective above the best", fontsize=_TEXT + 1)
    panel.set_title(f"{int(same.sum())} of {len(costs)} starts agree", fontsize=_TEXT + 2)
    panel.tick_params(labelsize=_TEXT)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.legend(fontsize=_TEXT, frameon=False, loc="upper left", bbox_to_anchor=(0, 0.9))
    return made


def profiles(found: "Fit") -> Picture:
    """Return the profile of each parameter with the threshold of its 95 % interval."""
    ids = list(found.records)
    made, panels = _grid(len(ids))
    table = {str(row["parameter"]): row for row in found.estimates.to_dict("records")}
    for panel, id in zip(panels, ids, strict=False):
        mine = found.profiles[found.profiles["parameter"] == id]
        panel.plot(mine["value"], mine["cost"], marker="o", markersize=2.5, color=INK[0])
        panel.axhline(THRESHOLD, color=INK[1], linewidth=0.8, linestyle="--")
        panel.axvline(table[id]["estimate"], color=GREY, linewidth=0.6)
        _decades(panel, mine["value"].to_numpy(dtype=float))
        panel.set_ylim(-0.2, 2.2 * THRESHOLD)
        unit, status = str(table[id]["unit"]), str(table[id]["status"])
        panel.set_xlabel("" if unit == "1" else unit, fontsize=_TEXT)
        mark = "" if status == "determined" else f": {status}"
        panel.set_title(f"{id}{mark}", fontsize=_TEXT, loc="left")
    made.supylabel("objective above the least", fontsize=_TEXT + 1)
    return made


def _decades(panel: Axes, values: Any) -> None:
    """Label a logarithmic axis at a few places, however short it is."""
    if values.min() <= 0:  # searched on a linear scale
        return
    panel.set_xscale("log")
    ticks = np.geomspace(values.min(), values.max(), 5)[[0, 2, 4]]
    panel.set_xticks(ticks, [f"{one:.2g}" for one in ticks])
    panel.xaxis.set_minor_formatter(NullFormatter())


def fit(found: "Fit") -> Picture:
    """Return data and curves, a panel for each dataset and observable, or targets and model."""
    if isinstance(found.problem, PetabProblem):
        return _petab(found, found.problem)
    series = list(dict.fromkeys(one.series for one in found.problem.data.points))
    if not series:
        return _targets(found)
    made, panels = _grid(min(len(series), _MOST_PANELS), right=1.5)
    fine = [
        Dish(one.scenario, tuple(np.linspace(0, max(*one.times, 1.0), _FINE).tolist()))
        for one in found.problem.data.dishes
    ]
    outcomes = Outcomes(found.values)
    model = found.problem.model(outcomes)
    conditions = list(dict.fromkeys(one.condition for one in found.problem.data.points))
    for panel, one in zip(panels, series, strict=False):
        _series(panel, found.problem, one, fine, outcomes, model, conditions)
    handles = [
        panels[0].plot([], [], color=INK[k % len(INK)], marker=_MARKS[k % len(_MARKS)], ms=3)[0]
        for k in range(len(conditions))
    ]
    made.legend(handles, conditions, loc="outside right center", fontsize=_TEXT, frameon=False)
    return made


def _series(
    panel: Axes,
    problem: Problem,
    series: tuple[str, str],
    fine: list[Dish],
    outcomes: Outcomes,
    model: Any,
    conditions: list[str],
) -> None:
    data = problem.data
    places = [k for k, one in enumerate(data.points) if one.series == series]
    first = data.points[places[0]]
    scale, offset = 1.0, 0.0
    if first.unit == ARBITRARY:
        arrays = (model[places], data.values[places], data.errors[places])
        scale, offset = problem.scale(*arrays, first.background)
    hours = max(data.points[k].time for k in places) > 240
    worth, unit = (60.0, "h") if hours else (1.0, "min")
    for place in dict.fromkeys(data.places[k] for k in places):
        mine = [k for k in places if data.places[k] == place]
        colour = conditions.index(data.points[mine[0]].condition)
        look: dict[str, Any] = {"color": INK[colour % len(INK)]}
        read = curves(outcomes(fine[place]))
        base = read.baseline[first.observable] if first.unit == RELATIVE else 1.0
        line = scale * read.values[first.observable] / base + offset
        panel.plot(read.time / worth, line, linewidth=1.2, **look)
        panel.errorbar(
            *(data.times[mine] / worth, data.values[mine]),
            yerr=data.errors[mine],
            fmt=_MARKS[colour % len(_MARKS)],
            markersize=3,
            elinewidth=0.8,
            **look,
        )
    name = first.observable if series[0] == "data" else f"{first.observable}, {series[0]}"
    panel.set_title(name, fontsize=_TEXT + 1, loc="left")
    panel.set_xlabel(f"time [{unit}]", fontsize=_TEXT)
    panel.set_ylabel("" if first.unit == "1" else _SAID.get(first.unit, first.unit), fontsize=_TEXT)
    panel.set_ylim(bottom=min(0.0, panel.get_ylim()[0]))


def _petab(found: "Fit", problem: PetabProblem) -> Picture:
    """Return the measurements of a PEtab problem and curves, a panel for each observable."""
    rows = problem.tables.rows
    ids = list(dict.fromkeys(row.observable for row in rows))
    made, panels = _grid(min(len(ids), _MOST_PANELS), right=1.5)
    shown = dict(zip(ids, panels, strict=False))
    conditions = list(dict.fromkeys(row.course for row in rows))
    _, spread = problem.predicted(found.values)
    last = max([row.time for row in rows if np.isfinite(row.time)], default=1.0) or 1.0
    for places, times, values in problem.curves(found.values, _FINE):
        row = rows[places[0]]
        if row.observable not in shown:
            continue
        panel, colour = shown[row.observable], conditions.index(row.course)
        look: dict[str, Any] = {"color": INK[colour % len(INK)]}
        at = np.array([rows[k].time if np.isfinite(rows[k].time) else 1.1 * last for k in places])
        panel.plot(times, values, linewidth=1.2, **look)
        panel.errorbar(
            *(at, problem.measured[list(places)]),
            yerr=_bars(problem, row, places, spread),
            fmt=_MARKS[colour % len(_MARKS)],
            markersize=3,
            elinewidth=0.8,
            **look,
        )
    for id, panel in shown.items():
        one = problem.tables.observables[id]
        panel.set_title(one.name, fontsize=_TEXT + 1, loc="left")
        panel.set_xlabel("time", fontsize=_TEXT)
        if one.transformation != "lin":
            panel.set_yscale("log")
    handles = [
        panels[0].plot([], [], color=INK[k % len(INK)], marker=_MARKS[k % len(_MARKS)], ms=3)[0]
        for k in range(len(conditions))
    ]
    names = [condition for _, condition in conditions]
    made.legend(handles, names, loc="outside right center", fontsize=_TEXT, frameon=False)
    return made


def _bars(problem: PetabProblem, row: Measured, places: tuple[int, ...], spread: Any) -> Any:
    """Return error bars, downwards and upwards: of logarithms they are factors."""
    values, sd = problem.measured[list(places)], spread[list(places)]
    how = problem.tables.observables[row.observable].transformation
    if how == "lin":
        return sd
    factor = np.exp(sd) if how == "log" else 10.0**sd
    return np.stack([values - values / factor, values * factor - values])


_SAID = {ARBITRARY: "arbitrary units", RELATIVE: "relative to untreated"}


def _targets(found: "Fit") -> Picture:
    """Draw where the model lies in each published range: 0 and 1 are its ends."""
    table = found.target_table
    spans = (table["high"] - table["low"]).to_numpy(dtype=float)
    if not len(table):
        raise InputError("nothing to draw: this fit has no data.")
    made = Picture(figsize=(5.2, 0.9 + 0.2 * len(table)), layout="constrained")
    panel = made.subplots()
    rows = np.arange(len(table))
    panel.axvspan(0, 1, color="#E8F1F8", zorder=0)
    for name, colour, label in (("before", GREY, "before"), ("fitted", INK[0], "fitted")):
        shares = (table[name] - table["low"]).to_numpy(dtype=float) / spans
        panel.scatter(np.clip(shares, -1, 2), rows, s=14, color=colour, label=label)
    panel.set_yticks(rows, table["id"])
    panel.invert_yaxis()
    panel.set_xlim(-1.05, 2.05)
    panel.set_xlabel("place in the published range (0 to 1)", fontsize=_TEXT)
    panel.tick_params(labelsize=_TEXT)
    panel.legend(fontsize=_TEXT, frameon=False, loc="upper right")
    return made


def _grid(count: int, right: float = 0.0) -> tuple[Picture, list[Axes]]:
    columns = min(_COLUMNS, count)
    rows = -(-count // columns)
    size = (_WIDE * columns + 0.3 + right, _HIGH * rows + 0.2)
    made = Picture(figsize=size, layout="constrained")
    panels = list(made.subplots(rows, columns, squeeze=False).ravel())
    for panel in panels[count:]:
        panel.set_axis_off()
    for panel in panels:
        panel.tick_params(labelsize=_TEXT)
    return made, panels
