"""Pictures of a sweep: lines along one axis, a heat map over two."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtorsim.errors import ScenarioError

if TYPE_CHECKING:
    from mtorsim.sweep.result import Sweep

_MOST_PANELS = 12
_WIDE, _HIGH = 3.4, 2.6  # inches of a panel


def figure(sweep: "Sweep", reading: str = "end") -> Figure:
    """Return a figure: one panel an observable, relative to the untreated cell where it has any.

    Parameters
    ----------
    sweep : Sweep
        Of a grid of one or two axes with more than one value, or of any other design (points over
        its first axis with numbers).
    reading : str
        ``"end"``, ``"peak"``, ``"auc"`` or ``"time_to_peak"``.

    Raises
    ------
    ScenarioError
        For a grid of more axes: choose in the dataset what to show.
    """
    values, label = _values(sweep, reading)
    ids = [str(id) for id in values["observable"].to_numpy()][:_MOST_PANELS]
    dimensions = [str(one) for one in values.dims if one != "observable" and values.sizes[one] > 1]
    if len(dimensions) > 2:
        raise ScenarioError(
            f"plot: {len(dimensions)} axes have more than one value. Expected one or two; select "
            "from the dataset, or plot without the others."
        )
    columns = min(3, len(ids))
    rows = -(-len(ids) // columns)
    made = Figure(figsize=(_WIDE * columns, _HIGH * rows + 0.5), layout="constrained")
    panels = made.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels[len(ids) :]:
        panel.set_axis_off()
    for panel, id in zip(panels, ids, strict=False):
        _panel(panel, values.sel(observable=id).squeeze(), id, sweep, label)
    made.suptitle(
        f"{sweep.plan.scenario.cell if 'cell' not in values.coords else 'sweep'}: {label}"
    )
    return made


def _values(sweep: "Sweep", reading: str) -> tuple[xr.DataArray, str]:
    found = sweep[reading].load()
    if reading in ("end", "peak"):
        base = sweep["untreated"].load()
        has_base = (base.min([one for one in base.dims if one != "observable"]) > 1e-6).to_numpy()
        if has_base.all():
            return found / base, f"{reading}, relative to untreated"
    return found, reading


def _panel(panel: Axes, values: xr.DataArray, id: str, sweep: "Sweep", label: str) -> None:
    panel.set_title(id, fontsize="medium")
    if sweep.plan.method != "grid":
        _points(panel, values, sweep)
    elif values.ndim == 2:
        _map(panel, values, label)
    elif values.ndim == 1:
        _line(panel, values)
    else:
        panel.text(0.5, 0.5, f"{float(values):.3g}", ha="center", va="center")


def _line(panel: Axes, values: xr.DataArray) -> None:
    name = str(values.dims[0])
    places = values[name].to_numpy()
    if places.dtype.kind != "f":
        panel.bar([str(one) for one in places], values.to_numpy())
        panel.tick_params(axis="x", rotation=30)
        return
    panel.plot(places, values.to_numpy(), marker="o", markersize=3)
    _scale(panel, "x", places)
    panel.set_xlabel(_label(values, name))
    panel.set_ylim(bottom=0)


def _map(panel: Axes, values: xr.DataArray, label: str) -> None:
    high, wide = (str(one) for one in values.dims)
    if values[wide].dtype.kind != "f" and values[high].dtype.kind == "f":
        values = values.transpose(wide, high)
        high, wide = wide, high
    mesh = panel.imshow(values.to_numpy(), aspect="auto", origin="lower", cmap="viridis")
    for side, name in (("x", wide), ("y", high)):
        texts = [f"{one:.3g}" if isinstance(one, float) else str(one)
                 for one in values[name].to_numpy().tolist()]  # fmt: skip
        places = np.unique(np.linspace(0, len(texts) - 1, min(len(texts), 6)).astype(int))
        getattr(panel, f"set_{side}ticks")(places, [texts[k] for k in places], fontsize="small")
        getattr(panel, f"set_{side}label")(_label(values, name))
    panel.figure.colorbar(mesh, ax=panel, label=label)


def _points(panel: Axes, values: xr.DataArray, sweep: "Sweep") -> None:
    name = next((one.target for one in sweep.plan.axes if one.is_number), "point")
    places = values[name].to_numpy() if name in values.coords else np.arange(values.size)
    panel.plot(places, values.to_numpy(), ".", markersize=3, alpha=0.6)
    _scale(panel, "x", np.asarray(places, dtype=float))
    panel.set_xlabel(_label(values, name))


def _scale(panel: Axes, side: str, places: np.ndarray) -> None:
    if places.min() > 0 and places.max() / places.min() > 50:
        getattr(panel, f"set_{side}scale")("log")


def _label(values: xr.DataArray, name: str) -> str:
    unit = values[name].attrs.get("units", "1") if name in values.coords else "1"
    return name if unit == "1" else f"{name} [{unit}]"
