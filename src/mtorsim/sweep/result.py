"""What a sweep returns."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from mtorsim.errors import ScenarioError, UnknownIdError
from mtorsim.sweep.plan import Plan
from mtorsim.sweep.work import FAILED

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Sweep:
    """Readings over the points of a sweep.

    Attributes
    ----------
    plan : Plan
    dataset : xarray.Dataset
        Dimensions: the axes of a grid, or ``point``; ``time`` [min]; ``observable``. Variables:
        the readings, ``untreated``, ``status``.
    failures : DataFrame
        Points that were retried or failed: point, values, outcome, reason.
    folder : Path or None
        Where it is kept.
    """

    plan: Plan
    dataset: xr.Dataset = field(repr=False)
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
            raise UnknownIdError(kind="reading", given=reading, choices=kept)
        return self.dataset[reading]

    @property
    def failed(self) -> int:
        """Number of points without numbers."""
        return int((self.dataset["status"] == FAILED).sum())

    def relative(self, reading: str = "end") -> xr.DataArray:
        """Return a reading divided by the untreated cell of the same point [1]."""
        return self[reading] / self.dataset["untreated"]

    def ic50(self, axis: str, reading: str = "end") -> xr.DataArray:
        """Return where along an axis a reading has fallen to half of the untreated cell.

        Parameters
        ----------
        axis : str
            An axis of a grid with numbers above zero, such as ``"drugs.temsirolimus.dose"``.
        reading : str
            ``"end"`` or ``"peak"``.

        Returns
        -------
        DataArray
            In the unit of the axis, over the other axes and ``observable``; the first crossing,
            log-linear between doses. NaN where it does not fall to half within the axis: nothing
            is extrapolated.

        Raises
        ------
        ScenarioError
            For an axis that is none of a grid, or has no numbers above zero.
        """
        if axis not in self.dataset.dims or axis not in self.dataset.coords:
            raise ScenarioError(f"IC50: {axis!r} is not an axis of a grid.")
        doses = self.dataset[axis].to_numpy()
        if doses.dtype.kind != "f" or len(doses) < 2 or doses.min() <= 0:
            raise ScenarioError(f"IC50: {axis!r} needs two or more values above zero.")
        order = np.argsort(doses)
        half = xr.apply_ufunc(
            lambda values: _crossing(np.log(doses[order]), values[..., order]),
            self.relative(reading),
            input_core_dims=[[axis]],
        )
        unit = self.dataset[axis].attrs["units"]
        found: xr.DataArray = half.rename("ic50").assign_attrs(units=unit)
        return found

    def to_dataframe(self) -> pd.DataFrame:
        """Return a tidy table: one row a point and observable (and time, for curves apart)."""
        kept = [name for name in self.dataset.data_vars if name not in ("curves", "status")]
        table = self.dataset[kept].to_dataframe().reset_index()
        return table.drop(columns=[one for one in ("time",) if one in table])

    def plot(self, reading: str = "end") -> "Figure":
        """Return a figure: curves along one axis, a heat map over two."""
        from mtorsim.plot_sweep import figure

        return figure(self, reading)


def _crossing(log_doses: np.ndarray, values: np.ndarray) -> np.ndarray:
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
