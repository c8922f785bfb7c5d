"""What a simulation returns: labelled arrays with units and origin."""

import hashlib
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

import mtorsim
from mtorsim.compile import Compiled, write_sbml
from mtorsim.errors import UnknownIdError
from mtorsim.scenario import Scenario
from mtorsim.steps import Floats, instants
from mtorsim.units import Given

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NOISE = 100  # absolute tolerances: what is less is nothing, since errors of the steps add up


@dataclass(frozen=True, eq=False)
class Result:
    """Time courses of one scenario.

    Attributes
    ----------
    scenario : Scenario
        What was simulated.
    dataset : xarray.Dataset
        One variable per observable, dimension ``time`` [min]; units and names as attributes.
    baseline : mapping of str to float
        Observable -> value in the untreated cell at its steady state.
    compiled : Compiled
        The model and the values it ran with.
    rest : mapping of str to float
        Species -> concentration in the untreated cell at its steady state [nM].
    tolerances : mapping of str to float
        Of the integrator.
    engine : str
        Version of libRoadRunner.
    """

    scenario: Scenario
    dataset: xr.Dataset = field(repr=False)
    baseline: Mapping[str, float] = field(repr=False)
    compiled: Compiled = field(repr=False)  # its SBML would fill a notebook
    rest: Mapping[str, float] = field(repr=False)
    tolerances: Mapping[str, float]
    engine: str

    @cached_property
    def sbml(self) -> str:
        """The model that was simulated, with its initial state and dosing events."""
        return write_sbml(self.compiled, self.rest)

    @property
    def provenance(self) -> dict[str, Any]:
        """Inputs, versions, tolerances, seed and the SHA-256 of the model; JSON values only."""
        return {
            "scenario": self.scenario.to_dict(),
            "model_sha256": hashlib.sha256(self.sbml.encode()).hexdigest(),
            "tolerances": dict(self.tolerances),
            "seed": None,  # nothing in a single run is random
            "versions": {
                "mtorsim": mtorsim.__version__,
                "libroadrunner": self.engine,
                "numpy": np.__version__,
                "python": platform.python_version(),
            },
        }

    @property
    def time(self) -> Floats:
        """Output times, shape (n,) [min]."""
        return np.asarray(self.dataset["time"].to_numpy(), dtype=float)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids that can be read, in order."""
        return tuple(str(id) for id in self.dataset.data_vars)

    @property
    def units(self) -> dict[str, str]:
        """Observable -> unit."""
        return {id: self.dataset[id].attrs["units"] for id in self.ids}

    @property
    def labels(self) -> dict[str, str]:
        """Observable -> name for people, such as ``"S6K1 pThr389"``."""
        return {id: self.dataset[id].attrs["long_name"] for id in self.ids}

    @property
    def present(self) -> tuple[str, ...]:
        """Ids of what the untreated cell has, beyond the solver's noise around zero."""
        floor = _NOISE * self.tolerances["absolute_nM"]
        return tuple(id for id in self.ids if self.baseline[id] > floor)

    def __getitem__(self, id: str) -> xr.DataArray:
        """Return one observable over time.

        Raises
        ------
        UnknownIdError
            For an id that was not read.
        """
        if id not in self.ids:
            raise UnknownIdError(kind="observable in this result", given=id, choices=self.ids)
        return self.dataset[id]

    def at(self, times: Iterable[Given], ids: Iterable[str] | None = None) -> pd.DataFrame:
        """Return values at some times, linear between output times; one row per id.

        Parameters
        ----------
        times : iterable of str, pint quantity or number
            Within the run, such as ``["1 h", 90]``; plain numbers are minutes.
        ids : iterable of str, optional
            Default: every observable.

        Returns
        -------
        DataFrame, shape (n, m)
            One row per observable, in its unit; one column per time [min].

        Raises
        ------
        InputError
            For a time outside the run, or an id that was not read.
        """
        chosen = self.ids if ids is None else tuple(ids)
        minutes = instants(times, float(self.time[-1]))
        rows = [np.interp(minutes, self.time, self[id].to_numpy()) for id in chosen]
        return pd.DataFrame(rows, index=pd.Index(chosen, name="observable"), columns=minutes)

    def relative(self, ids: Iterable[str] | None = None) -> pd.DataFrame:
        """Return values divided by those of the untreated cell.

        Parameters
        ----------
        ids : iterable of str, optional
            Default: every observable that is `present` in the untreated cell.

        Returns
        -------
        DataFrame, shape (n, m)
            Index ``time_h`` [h], one column per observable [1].

        Raises
        ------
        UnknownIdError
            For an id that was not read, or that the untreated cell does not have.
        """
        chosen = self.present if ids is None else tuple(ids)
        for id in chosen:
            if self[id].name not in self.present:
                raise UnknownIdError(
                    kind="observable above zero in the untreated cell",
                    given=id,
                    choices=self.present,
                )
        columns = {id: self[id].to_numpy() / self.baseline[id] for id in chosen}
        return pd.DataFrame(columns, index=pd.Index(self.time / 60, name="time_h"))

    def to_dataframe(self) -> pd.DataFrame:
        """Return a table: ``time_h`` [h], then one column per observable in its unit."""
        columns = {id: self[id].to_numpy() for id in self.ids}
        return pd.DataFrame({"time_h": self.time / 60, **columns})

    def plot(self, ids: Iterable[str] | None = None) -> "Figure":
        """Return a figure of the time courses relative to the untreated cell."""
        from mtorsim.plot import figure

        return figure(self, ids)

    def save(self, folder: str | Path) -> Path:
        """Write timecourse.csv, figure.png, run.json and model.xml into a folder; return it."""
        from mtorsim.export import save

        return save(self, Path(folder))
