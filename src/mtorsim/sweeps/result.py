"""What a sweep returns."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from mtorsim.errors import ScenarioError, UnknownIdError
from mtorsim.observables import GROWING
from mtorsim.steps import Floats
from mtorsim.sweeps import store
from mtorsim.sweeps.labels import STATUS
from mtorsim.sweeps.readings import CURVES
from mtorsim.sweeps.work import UNTREATED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NOTHING = 1e-6  # of an observable in the untreated cell: the solver's noise around zero
_ROWS = 200_000  # of a table that are made at once
_RELATIVE = ("end", "peak", CURVES)  # readings in the unit of the untreated cell


@dataclass(frozen=True, eq=False)
class Sweep:
    """Readings over the points of a sweep.

    Attributes
    ----------
    dataset : xarray.Dataset
        Dimensions: the axes of a grid, or ``point``; ``time`` [min]; ``observable``. Variables:
        the readings, ``untreated`` (each observable in the untreated cell) and ``status`` (0 done,
        1 done with tighter tolerances, 2 failed: NaN).
    failures : DataFrame
        Points that were retried or failed: point, values, outcome, reason.
    folder : Path or None
        Where it is kept.
    """

    dataset: xr.Dataset
    failures: pd.DataFrame = field(repr=False)
    folder: Path | None = None

    def __getitem__(self, reading: str) -> xr.DataArray:
        """Return a reading, such as ``sweep["end"]``.

        Raises
        ------
        UnknownIdError
            For a reading that was not kept.
        """
        if reading not in self.dataset.data_vars:
            kept = [str(one) for one in self.dataset.data_vars]
            raise UnknownIdError(kind="reading in this sweep", given=reading, choices=kept)
        return self.dataset[reading]

    @property
    def axes(self) -> tuple[str, ...]:
        """What was varied, in the order given."""
        return tuple(self.dataset.attrs["axes"])

    @property
    def is_grid(self) -> bool:
        """Whether every combination was simulated."""
        return bool(self.dataset.attrs["design"] == "grid")

    @property
    def count(self) -> int:
        """Number of points."""
        return int(self.dataset[STATUS].size)

    @property
    def failed(self) -> int:
        """Number of points without numbers."""
        return int((self.failures["outcome"] == "failed").sum())

    @property
    def retried(self) -> int:
        """Number of points that needed tighter tolerances."""
        return len(self.failures) - self.failed

    def relative(self, reading: str = "end") -> xr.DataArray:
        """Return a reading divided by the untreated cell of the same point [1].

        NaN where the untreated cell has none.

        Raises
        ------
        ScenarioError
            For a reading that is no level, such as ``"auc"``.
        """
        if reading not in _RELATIVE:
            raise ScenarioError(
                f"{reading!r} has no counterpart in the untreated cell. "
                f"Expected one of {', '.join(_RELATIVE)}."
            )
        base = self.dataset[UNTREATED]
        found: xr.DataArray = self[reading] / base.where(base > _NOTHING)
        return found.rename(reading).assign_attrs(long_name=f"{reading}, relative to untreated")

    def ic50(self, axis: str, reading: str = "end") -> xr.DataArray:
        """Return where along an axis a reading has fallen to half of the untreated cell.

        Parameters
        ----------
        axis : str
            An axis of a grid with numbers above zero, such as ``"drugs.temsirolimus.dose"``; a
            dose of zero is passed over.
        reading : str
            ``"end"`` or ``"peak"``.

        Returns
        -------
        DataArray
            In the unit of the axis, over the other axes and ``observable``; the first crossing,
            log-linear between doses (four a decade: within 4 %). NaN where it does not fall to
            half within the axis: nothing is extrapolated. Without what grows in the untreated
            dish, as ``cell_number``: what counts there is ``viability``.

        Raises
        ------
        ScenarioError
            For an axis that is none of a grid, or has less than two numbers above zero; where
            only what grows was read.
        """
        if axis not in self.dataset.dims or axis not in self.dataset.coords:
            raise ScenarioError(f"IC50: {axis!r} is not an axis of a grid.")
        if self.dataset[axis].dtype.kind != "f":
            raise ScenarioError(f"IC50: {axis!r} has no numbers.")
        doses = self.dataset[axis].to_numpy()
        order = np.argsort(doses)[np.count_nonzero(doses <= 0) :]
        if len(order) < 2:
            raise ScenarioError(f"IC50: {axis!r} needs two or more values above zero.")
        still = [id for id in self.dataset["observable"].to_numpy() if id not in GROWING]
        if not still:
            raise ScenarioError(f"IC50: {' and '.join(GROWING)} grow untreated. Read viability.")
        half = xr.apply_ufunc(
            lambda values: _crossing(np.log(doses[order]), values[..., order]),
            self.relative(reading).sel(observable=still),
            input_core_dims=[[axis]],
        )
        unit = self.dataset[axis].attrs["units"]
        found: xr.DataArray = half.rename("ic50").assign_attrs(units=unit, long_name="IC50")
        return found

    def to_dataframe(self) -> pd.DataFrame:
        """Return a tidy table: one row a point and observable.

        Columns: the axes, observable, its unit, the readings, untreated, status. Curves have rows
        of their own for each time, and are left out if there are other readings.
        """
        return pd.concat(self.tables(), ignore_index=True)

    def tables(self) -> Iterator[pd.DataFrame]:
        """Yield the rows of `to_dataframe` in pieces that fit into memory."""
        readings = [str(name) for name in self.dataset.data_vars if name != STATUS]
        others = [name for name in readings if name not in (CURVES, UNTREATED)]
        kept = self.dataset[[*(others or [CURVES]), UNTREATED, STATUS]]
        if others:
            kept = kept.drop_vars("time", errors="ignore")
        dims = [str(one) for one in self.dataset[STATUS].dims]
        inner = [one for one in ("time", "observable") if one in kept.dims]
        columns = [*([] if self.is_grid else dims), *self.axes, *inner, "unit", *kept.data_vars]
        length = kept.sizes[dims[0]]
        rows = math.prod(kept.sizes.values()) // length
        step = max(1, _ROWS // rows)
        for low in range(0, length, step):
            piece = kept.isel({dims[0]: slice(low, low + step)}).load()
            yield piece.to_dataframe(dim_order=[*dims, *inner]).reset_index()[columns]

    def plot(self, reading: str = "end") -> "Figure":
        """Return a figure: lines along one axis, a heat map over two, points of other designs."""
        from mtorsim.plot_sweep import figure

        return figure(self, reading)


def open_sweep(folder: str | Path) -> Sweep:
    """Return a finished sweep from its folder; arrays are read when they are used.

    Raises
    ------
    InputError
        When there is none.
    """
    return Sweep(*store.opened(folder), Path(folder))


def _crossing(log_doses: Floats, values: Floats) -> Floats:
    """Return where values along the last dimension first fall to one half; NaN where nowhere."""
    below = values <= 0.5
    first = below.argmax(axis=-1)
    found = below.any(axis=-1) & (first > 0)
    after = np.take_along_axis(values, first[..., None], -1)[..., 0]
    before = np.take_along_axis(values, np.maximum(first - 1, 0)[..., None], -1)[..., 0]
    fall = np.where(found, before - after, 1.0)
    share = np.where(found, before - 0.5, 0.0) / fall
    low, high = log_doses[np.maximum(first - 1, 0)], log_doses[first]
    return np.where(found, np.exp(low + share * (high - low)), np.nan)
