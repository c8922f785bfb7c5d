"""Names for the numbers of a sweep: dimensions, coordinates, units."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from mtorsim.compile import structure
from mtorsim.sweeps.axes import Axis, name_of
from mtorsim.sweeps.plan import Plan
from mtorsim.sweeps.readings import CURVES, REDUCTIONS
from mtorsim.sweeps.work import UNTREATED, names, row_shape
from mtorsim.symbols import Symbol, symbols
from mtorsim.units import say_time

STATUS = "status"


@dataclass(frozen=True)
class Variable:
    """An array of the results without its numbers.

    Attributes
    ----------
    name : str
    dimensions : tuple of str
        Those of the points, and those of a row.
    row : tuple of int
        Shape of what it has of one point.
    dtype : str
    attributes : dict
    """

    name: str
    dimensions: tuple[str, ...]
    row: tuple[int, ...]
    dtype: str = "f8"
    attributes: dict[str, Any] = field(default_factory=dict)


def variables(plan: Plan) -> Iterator[Variable]:
    """Yield the arrays of the results: readings, ``untreated``, ``status``."""
    first, table = _dimensions(plan), _symbols(plan)
    kinds = {table[id].unit for id in plan.observe}
    for name in names(plan):
        inner = ("time", "observable") if name == CURVES else ("observable",)
        attributes = {"long_name": _TITLES[name]}
        units = {REDUCTIONS[name].unit(one) if name in REDUCTIONS else one for one in kinds}
        if len(units) == 1:
            attributes["units"] = units.pop()
        yield Variable(name, (*first, *inner), row_shape(plan, name), attributes=attributes)
    meaning = "0 done, 1 done with tighter tolerances, 2 failed: no numbers"
    yield Variable(STATUS, first, (), "i1", {"long_name": meaning})


_TITLES: Mapping[str, str] = {
    CURVES: "value over time",
    UNTREATED: "value in the untreated cell",
    **{name: one.title for name, one in REDUCTIONS.items()},
}


def coordinates(plan: Plan) -> xr.Dataset:
    """Return what labels the results: the axes, time [min], observables and their units."""
    found: dict[str, Any] = {"observable": ("observable", np.array(plan.observe))}
    table, first = _symbols(plan), _dimensions(plan)
    found["unit"] = ("observable", np.array([table[id].unit for id in plan.observe]))
    if CURVES in plan.read:
        found["time"] = ("time", plan.curve_times, {"units": "min"})
    for axis in plan.axes:
        dimension = axis.target if plan.method == "grid" else first[0]
        attributes = {"units": _unit(axis, table)} if axis.is_number else {}
        found[axis.target] = (dimension, _array(axis, plan), attributes)
    return xr.Dataset(coords=found, attrs=_attributes(plan))


def _attributes(plan: Plan) -> dict[str, Any]:
    identity = plan.identity
    return {
        "title": "mtorsim sweep",
        "scenario": plan.scenario.in_words(),
        "cell": plan.scenario.cell,
        "duration": say_time(plan.scenario.duration),
        "axes": [axis.target for axis in plan.axes],
        "design": plan.method,
        "seed": plan.seed,
        "relative_tolerance": plan.relative_tolerance,
        "absolute_tolerance_nM": plan.absolute_tolerance,
        "versions": ", ".join(f"{name} {one}" for name, one in identity["versions"].items()),
        "models_sha256": identity["models_sha256"],
        "hash": plan.hash,
    }


def _dimensions(plan: Plan) -> tuple[str, ...]:
    return tuple(axis.target for axis in plan.axes) if plan.method == "grid" else ("point",)


def _symbols(plan: Plan) -> dict[str, Symbol]:
    return {id: one for parts in plan.parts for id, one in symbols(structure(*parts)).items()}


def _unit(axis: Axis, table: Mapping[str, Symbol]) -> str:
    """Return the unit of an axis; bare numbers are in that of their parameter."""
    return axis.unit or (table[axis.target].unit if axis.is_parameter else "1")


def _array(axis: Axis, plan: Plan) -> np.ndarray[Any, Any]:
    values = plan.along(axis)
    if axis.is_number:
        return np.array(values, dtype=float)
    return np.array([name_of(value) for value in values])
