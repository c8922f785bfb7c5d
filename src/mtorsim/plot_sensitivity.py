"""Pictures of a sensitivity: tornado bars for each observable, and a map of all together."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize, TwoSlopeNorm

from mtorsim.plot import GREY, INK, Picture
from mtorsim.sensitivities.result import INTERVAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mtorsim.sensitivities import Sensitivity

_BARS = 12  # of an observable
_ROWS = 40  # of a map
_COLUMNS, _MOST_PANELS = 3, 9
_WIDE, _BAR, _ROW = 3.4, 0.17, 0.16  # inches of a panel, of a bar, of a row
_TEXT = 7.0  # pt
_USUAL = (  # of many observables
    *("S6K1_pT389", "EIF4EBP1_pT37", "AKT_pT308", "AKT_pS473", "mTORC1_active", "mTORC2"),
    *("eIF4F", "HIF1A", "proliferation_rate"),
)
_SAID = {
    "local": "d ln read-out / d ln parameter",
    "morris": "mean absolute elementary effect (μ*)",
    "sobol": "total share of the variance (ST)",
}
_READING = {
    "end": "at the end",
    "auc": "area under the curve",
    "peak": "highest value",
    "time_to_peak": "time of the highest value",
    "curves": "largest over time",
}


def tornado(found: "Sensitivity", reading: str = "") -> Picture:
    """Return bars of the parameters that matter most, one panel an observable.

    Of Morris and Sobol with 95 % intervals; bars whose interval includes zero are grey.
    """
    table = found.of(reading)
    ids = _chosen(list(dict.fromkeys(table["observable"])))
    columns = min(_COLUMNS, len(ids))
    rows = -(-len(ids) // columns)
    bars = min(_BARS, len(found.parameters))
    high = (_BAR * bars + 0.75) * rows + 0.5
    made = Picture(figsize=(_WIDE * columns + 0.2, high), layout="constrained")
    panels = made.subplots(rows, columns, squeeze=False).ravel()
    for panel, id in zip(panels, ids, strict=False):
        _bars(panel, table[table["observable"] == id], found)
        panel.set_title(id, fontsize=_TEXT + 1, loc="left")
    for panel in panels[len(ids) :]:
        panel.set_axis_off()
    made.supxlabel(_SAID[found.method], fontsize=_TEXT + 1)
    made.suptitle(_title(found, table), fontsize=_TEXT + 2)
    return made


def heatmap(found: "Sensitivity", reading: str = "") -> Picture:
    """Return a map: parameters by observables, or of curves by time with a panel an observable."""
    table = found.of(reading)
    order = found.ranking(str(table["reading"].iloc[0])).index[:_ROWS].tolist()
    if table["reading"].iloc[0] == "curves":
        return _over_time(found, table, order)
    wide = found.matrix(str(table["reading"].iloc[0])).loc[order]
    size = (2.6 + 0.3 * wide.shape[1] + 0.9, 1.6 + _ROW * len(wide))
    made = Picture(figsize=(max(size[0], 5.0), size[1]), layout="constrained")
    panel = made.subplots()
    mesh = _map(panel, wide.to_numpy(), order, _norm(found, wide.to_numpy()), found.method)
    panel.set_xticks(range(wide.shape[1]), wide.columns, rotation=60, ha="right")
    _finish(made, [panel], mesh, found, table)
    return made


def _over_time(found: "Sensitivity", table: pd.DataFrame, order: list[str]) -> Picture:
    ids = _chosen(list(dict.fromkeys(table["observable"])))
    columns = min(_COLUMNS, len(ids))
    rows = -(-len(ids) // columns)
    made = Picture(
        figsize=(2.4 * columns + 2.4, (_ROW * len(order) + 0.6) * rows + 0.5), layout="constrained"
    )
    panels = made.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    norm = _norm(found, table[found.index].to_numpy(dtype=float))
    mesh = None
    for panel, id in zip(panels, ids, strict=False):
        mine = table[table["observable"] == id]
        wide = mine.pivot_table(
            index="parameter", columns="time_min", values=found.index, dropna=False, sort=False
        ).loc[order]
        mesh = _map(panel, wide.to_numpy(), order, norm, found.method)
        hours = wide.columns.to_numpy(dtype=float) / 60
        places = np.unique(np.linspace(0, len(hours) - 1, min(len(hours), 6)).astype(int))
        panel.set_xticks(places, [f"{hours[k]:.3g}" for k in places])
        panel.set_title(id, fontsize=_TEXT + 1, loc="left")
    for panel in panels[len(ids) :]:
        panel.set_axis_off()
    made.supxlabel("time [h]", fontsize=_TEXT + 1)
    _finish(made, list(panels), mesh, found, table)
    made.suptitle(_title(found, table, "over time"), fontsize=_TEXT + 2)
    return made


def _bars(panel: "Axes", table: pd.DataFrame, found: "Sensitivity") -> None:
    # Of curves one bar a parameter: where in time it is largest.
    rows = table.sort_values(found.index, key=np.abs, kind="stable")
    rows = rows.drop_duplicates("parameter", keep="last").tail(_BARS)
    values = rows[found.index].to_numpy(dtype=float)
    colours = [INK[1] if one > 0 else INK[0] for one in values]
    errors = None
    if found.method in INTERVAL:
        colours = [GREY if zero else INK[0] for zero in rows["is_zero"]]
        errors = rows[INTERVAL[found.method]].to_numpy(dtype=float)
    panel.barh(
        *(range(len(rows)), values),
        color=colours,
        height=0.7,
        xerr=errors,
        error_kw={"elinewidth": 0.8, "ecolor": "#333333"},
    )
    panel.set_yticks(range(len(rows)), rows["parameter"])
    panel.axvline(0, color=GREY, linewidth=0.6)
    panel.tick_params(labelsize=_TEXT)
    panel.margins(y=0.02)


def _map(panel: "Axes", values: Any, rows: list[str], norm: Any, method: str) -> Any:
    mesh = panel.imshow(
        values,
        aspect="auto",
        interpolation="nearest",
        norm=norm,
        cmap="RdBu_r" if method == "local" else "viridis",
    )
    panel.set_yticks(range(len(rows)), rows)
    panel.tick_params(labelsize=_TEXT)
    return mesh


def _norm(found: "Sensitivity", values: Any) -> Any:
    top = float(np.nanmax(np.abs(values))) or 1.0
    return TwoSlopeNorm(0, -top, top) if found.method == "local" else Normalize(0, top)


def _finish(
    made: Picture, panels: list["Axes"], mesh: Any, found: "Sensitivity", table: pd.DataFrame
) -> None:
    bar = made.colorbar(mesh, ax=panels, shrink=0.6)
    bar.set_label(_SAID[found.method], fontsize=_TEXT)
    bar.ax.tick_params(labelsize=_TEXT)
    made.suptitle(_title(found, table), fontsize=_TEXT + 2)


def _chosen(ids: list[str]) -> list[str]:
    if len(ids) <= _MOST_PANELS:
        return ids
    return [id for id in _USUAL if id in ids] or ids[:_MOST_PANELS]


def _title(found: "Sensitivity", table: pd.DataFrame, what: str = "") -> str:
    attributes = found.sweep.dataset.attrs
    relative = ", relative to untreated" if found.settings["relative"] else ""
    what = what or _READING[str(table["reading"].iloc[0])]
    return f"{attributes['cell']}, {attributes['duration']}, {what}{relative}"
