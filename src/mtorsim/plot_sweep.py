"""Pictures of a sweep: lines along one axis, a heat map over two, points of other designs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize

from mtorsim.errors import ScenarioError
from mtorsim.observables import GROWING
from mtorsim.plot import GREY, INK, STROKES, Picture

if TYPE_CHECKING:
    from mtorsim.sweeps import Sweep

_USUAL = (  # of many observables
    *("S6K1_pT389", "EIF4EBP1_pT37", "AKT_pT308", "AKT_pS473", "mTORC1", "mTORC2"),
    *("eIF4F", "CCND1", "HIF1A", "VEGF_mRNA", "proliferation_rate", "viability"),
)
_MOST_PANELS, _COLUMNS = len(_USUAL), 3
_WIDE, _HIGH = 2.7, 2.1  # inches of a panel
_TEXT = 7.0  # pt
_MOST_LINES = 7  # in a panel; more are a heat map
_MOST_TICKS = 6
_WIDE_RANGE = 10  # fold: more is drawn over a logarithm
_NOTHING = 1e-6  # in the untreated cell: the solver's noise around zero


def figure(sweep: "Sweep", reading: str = "end") -> Picture:
    """Return a figure: one panel an observable, relative to the untreated cell where it has any.

    Parameters
    ----------
    sweep : Sweep
        Of a grid of one or two axes with more than one value, or of any other design (points over
        its first axis with numbers, coloured by the second). Of many observables a choice.
    reading : str
        ``"end"``, ``"peak"``, ``"auc"`` or ``"time_to_peak"``; where ``"end"`` was not kept,
        the first that was.

    Raises
    ------
    ScenarioError
        For a grid of more axes: choose in the dataset what to show.
    """
    values = _values(sweep, reading)
    axes = [str(one) for one in values.dims if one not in ("observable", "point")]
    long = [one for one in axes if values.sizes[one] > 1]
    if len(long) > 2:
        raise ScenarioError(
            f"plot: {len(long)} axes have more than one value. Expected one or two; select "
            "from the dataset what to draw."
        )
    ids = _chosen([str(id) for id in values["observable"].to_numpy()])
    columns = min(_COLUMNS, len(ids))
    rows = -(-len(ids) // columns)
    made = Picture(figsize=(_WIDE * columns + 0.3, _HIGH * rows + 0.5), layout="constrained")
    panels = made.subplots(rows, columns, squeeze=False).ravel()
    for panel, id in zip(panels, ids, strict=False):
        one = values.sel(observable=id)
        one = one.isel({name: 0 for name in axes if name not in long})
        _draw(panel, *_relative(one, sweep, id), sweep.axes)
        panel.set_title(id, fontsize=_TEXT + 1, loc="left")
    for panel in panels[len(ids) :]:
        panel.set_axis_off()
    _tidy(made, panels[: len(ids)])
    made.suptitle(_title(sweep, values, axes, long), fontsize=_TEXT + 2)
    return made


def _values(sweep: "Sweep", reading: str) -> xr.DataArray:
    names = [str(name) for name in sweep.dataset.data_vars]
    if reading == "end" and reading not in names:
        reading = next((one for one in ("peak", "auc", "time_to_peak") if one in names), "curves")
    found = sweep[reading]
    if "time" in found.dims:  # only curves were kept: their end
        found = found.isel(time=-1).rename("end")
    return found.load()


def _chosen(ids: list[str]) -> list[str]:
    """Return the ids that are drawn: all, or a choice of each branch."""
    if len(ids) <= _MOST_PANELS:
        return ids
    return [id for id in _USUAL if id in ids] or ids[:_MOST_PANELS]


def _title(sweep: "Sweep", values: xr.DataArray, axes: list[str], long: list[str]) -> str:
    words = {"end": "at the end", "peak": "highest value", "auc": "area under the curve",
             "time_to_peak": "time of the highest value"}  # fmt: skip
    shared = [str(sweep.dataset.attrs[name]) for name in ("cell", "duration")
              if name not in sweep.axes]  # fmt: skip
    fixed = [f"{name} {_said(values[name].item(0))}" for name in axes if name not in long]
    return ", ".join((*shared, words[str(values.name)], *fixed, f"{sweep.count} points"))


def _relative(values: xr.DataArray, sweep: "Sweep", id: str) -> tuple[xr.DataArray, str]:
    """Return numbers to draw and what they are in."""
    if values.name in ("end", "peak") and id not in GROWING:
        base = sweep["untreated"].sel(observable=id).load()
        base = base.isel({name: 0 for name in base.dims if name not in values.dims})
        if float(base.min()) > _NOTHING:
            return values / base, "relative to untreated"
    unit = str(values["unit"].item())
    if values.name == "auc":
        return values, "min" if unit == "1" else f"{unit}·min"
    return values, "min" if values.name == "time_to_peak" else "" if unit == "1" else unit


def _draw(panel: Axes, values: xr.DataArray, unit: str, varied: Sequence[str]) -> None:
    dims = [str(one) for one in values.dims]
    numbers = [name for name in dims if values[name].dtype.kind == "f"] if dims != ["point"] else []
    if dims == ["point"]:
        _points(panel, values, unit, varied)
    elif len(dims) == 2:
        other = next((name for name in dims if name not in numbers), None)
        if other is not None and numbers and values.sizes[other] <= _MOST_LINES:
            _lines(panel, values.transpose(other, numbers[0]), unit)
        else:
            _map(panel, values, unit)
    elif numbers:
        _lines(panel, values.expand_dims("line"), unit)
    elif dims:
        _bars(panel, values, unit)
    else:
        panel.text(0.5, 0.5, f"{float(values):.3g} {unit}", ha="center", va="center")


def _lines(panel: Axes, values: xr.DataArray, unit: str) -> None:
    """Draw one line for each place of the first dimension."""
    line, name = (str(one) for one in values.dims)
    values = values.sortby(name)  # as given they may go back and forth
    labels = [_said(one) for one in values[line].to_numpy()] if line in values.coords else [""]
    for place, label in enumerate(labels):
        panel.plot(
            values[name].to_numpy(),
            values.isel({line: place}).to_numpy(),
            color=INK[place % len(INK)],
            linestyle=STROKES[place % len(STROKES)],
            marker="o",
            markersize=2.5,
            linewidth=1.2,
            label=label,
        )
    _along(panel, values[name].to_numpy(), _label(values, name))
    _up(panel, values, unit)


def _bars(panel: Axes, values: xr.DataArray, unit: str) -> None:
    name = str(values.dims[0])
    labels = [_said(one) for one in values[name].to_numpy()]
    panel.barh(range(len(labels)), values.to_numpy(), color=INK[0], height=0.7)
    panel.set_yticks(range(len(labels)), labels)
    panel.invert_yaxis()
    panel.set_xlabel(unit)
    if unit.startswith("relative"):
        panel.axvline(1, color=GREY, linewidth=0.6)


def _map(panel: Axes, values: xr.DataArray, unit: str) -> None:
    high, wide = (str(one) for one in values.dims)
    if values[wide].dtype.kind != "f" and values[high].dtype.kind == "f":
        values = values.transpose(wide, high)
        high, wide = wide, high
    top = float(values.max())  # NaN where all failed
    if unit.startswith("relative"):
        top = max(1.0, top)
    mesh = panel.imshow(
        values.to_numpy(),
        aspect="auto",
        origin="lower",
        cmap="viridis",
        interpolation="nearest",
        norm=Normalize(0, top if top > 0 else 1),
    )
    for side, name in (("x", wide), ("y", high)):
        texts = [_said(one) for one in values[name].to_numpy().tolist()]
        is_number = values[name].dtype.kind == "f"
        most = min(len(texts), _MOST_TICKS) if is_number else len(texts)
        places = np.unique(np.linspace(0, len(texts) - 1, most).astype(int))
        getattr(panel, f"set_{side}ticks")(places, [texts[k] for k in places])
        getattr(panel, f"set_{side}label")(_label(values, name))
    panel.tick_params(axis="x", rotation=45 if values[wide].dtype.kind != "f" else 0)
    _bar(panel, mesh, unit)


def _points(panel: Axes, values: xr.DataArray, unit: str, varied: Sequence[str]) -> None:
    # In order of the axes: a store gives its coordinates back in order of the alphabet.
    numbers = [name for name in varied if values[name].dtype.kind == "f"]
    places = values[numbers[0]].to_numpy() if numbers else np.arange(values.size, dtype=float)
    look: dict[str, Any] = {"s": 6, "alpha": 0.7, "linewidths": 0}
    if len(numbers) > 1:
        colours = values[numbers[1]].to_numpy()
        scale = LogNorm if _is_wide(colours) else Normalize
        norm = scale(colours.min(), colours.max())
        panel.scatter(places, values.to_numpy(), c=colours, norm=norm, cmap="viridis", **look)
        _bar(panel, ScalarMappable(norm, "viridis"), _label(values, numbers[1]))
    else:
        panel.scatter(places, values.to_numpy(), color=INK[0], **look)
    _along(panel, places, _label(values, numbers[0]) if numbers else "point")
    _up(panel, values, unit)


def _along(panel: Axes, places: np.ndarray[Any, Any], label: str) -> None:
    above = places[places > 0]
    if not (len(above) and places.min() >= 0 and _is_wide(above)):
        panel.locator_params(axis="x", nbins=4)  # long numbers would run into each other
    elif len(above) == len(places):
        panel.set_xscale("log")
    else:  # a dose of zero has its place, a decade below the others
        panel.set_xscale("symlog", linthresh=above.min(), linscale=0.5)
    panel.set_xlabel(label)


def _up(panel: Axes, values: xr.DataArray, unit: str) -> None:
    top = float(values.max())
    if np.isfinite(top) and top > 0:
        panel.set_ylim(0, 1.08 * max(top, 1.0 if unit.startswith("relative") else top))
    if unit.startswith("relative"):
        panel.axhline(1, color=GREY, linewidth=0.6, zorder=0)
    panel.set_ylabel(unit)


def _is_wide(places: np.ndarray[Any, Any]) -> bool:
    return bool(places.min() > 0 and places.max() / places.min() > _WIDE_RANGE)


def _bar(panel: Axes, mesh: Any, label: str) -> None:
    bar = panel.figure.colorbar(mesh, ax=panel)
    bar.set_label(label, fontsize=_TEXT)
    bar.ax.tick_params(labelsize=_TEXT)


def _tidy(made: Picture, panels: Any) -> None:
    for panel in panels:
        panel.tick_params(labelsize=_TEXT)
        panel.xaxis.label.set_size(_TEXT)
        panel.yaxis.label.set_size(_TEXT)
    handles, labels = panels[0].get_legend_handles_labels()
    if len(labels) > 1:
        made.legend(handles, labels, loc="outside right center", fontsize=_TEXT, frameon=False)


def _label(values: xr.DataArray, name: str) -> str:
    if name not in values.coords:
        return name
    unit = values[name].attrs.get("units", "1")
    return name if unit == "1" else f"{name} [{unit}]"


def _said(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e5 else f"{value:.3g}"
