"""Names for the numbers of a sweep: dimensions, coordinates, units."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from mtorsim.compile import structure
from mtorsim.steps import Floats
from mtorsim.sweep.axes import Axis, Value
from mtorsim.sweep.plan import Plan
from mtorsim.sweep.readings import CURVES, UNITS
from mtorsim.symbols import symbols


def dataset(plan: Plan, arrays: Mapping[str, Floats], status: np.ndarray) -> xr.Dataset:
    """Return the readings of a sweep as labelled arrays.

    Parameters
    ----------
    plan : Plan
    arrays : mapping of str to array
        Reading -> shape (count, m), or (count, n, m) for curves.
    status : array, shape (count,)
        What became of each point.

    Returns
    -------
    xarray.Dataset
        Dimensions: the axes of a grid, or ``point``; ``time`` [min] for curves; ``observable``.
        Variables: the readings, ``untreated`` (each observable in the untreated cell) and
        ``status`` (0 done, 1 done with tighter tolerances, 2 failed: NaN).
    """
    first = tuple(axis.target for axis in plan.axes) if plan.method == "grid" else ("point",)
    variables = {
        name: (
            (*first, *(("time",) if name == CURVES else ()), "observable"),
            values.reshape(*plan.shape, *values.shape[1:]),
        )
        for name, values in arrays.items()
    }
    found = xr.Dataset(
        {**variables, "status": (first, status.reshape(plan.shape))}, _coordinates(plan, first)
    )
    return _described(found, plan)


def _coordinates(plan: Plan, first: tuple[str, ...]) -> dict[str, object]:
    found: dict[str, object] = {"observable": ("observable", np.array(plan.observe))}
    if CURVES in plan.read:
        found["time"] = ("time", plan.grid(plan.scenario), {"units": "min"})
    for place, axis in enumerate(plan.axes):
        values = axis.values if plan.method == "grid" else [row[place] for row in plan.values]
        dimension = axis.target if plan.method == "grid" else first[0]
        found[axis.target] = (dimension, _array(axis, values), {"units": axis.unit or "1"}
                              if axis.is_number else {})  # fmt: skip
    return found


def _array(axis: Axis, values: "tuple[Value, ...] | list[Value]") -> np.ndarray:
    if axis.is_number:
        return np.array(values, dtype=float)
    return np.array([_text(value) for value in values])


def _text(value: Value) -> str:
    return "+".join(value) or "none" if isinstance(value, tuple) else str(value)


def _described(found: xr.Dataset, plan: Plan) -> xr.Dataset:
    table = {id: one for parts in plan.parts for id, one in symbols(structure(*parts)).items()}
    units = {id: table[id].unit for id in plan.observe}
    found = found.assign_coords(unit=("observable", np.array(list(units.values()))))
    for name in found.data_vars:
        kinds = {UNITS[str(name)](unit) for unit in units.values()} if name in UNITS else set()
        if len(kinds) == 1:
            found[name].attrs["units"] = kinds.pop()
    found["status"].attrs["meaning"] = "0 done, 1 done with tighter tolerances, 2 failed"
    found.attrs = {
        "title": "mtorsim sweep",
        "design": plan.method,
        "seed": plan.seed,
        "hash": plan.hash,
        "scenario": plan.scenario.in_words(),
    }
    return found
