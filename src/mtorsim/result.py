"""What a simulation returns: labelled arrays with units and origin."""

import hashlib
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import mtorsim
from mtorsim.errors import UnknownIdError
from mtorsim.scenario import Scenario
from mtorsim.steps import Floats, instants
from mtorsim.units import Given

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

_NOISE = 100  # absolute tolerances: what is less is nothing, since errors of the steps add up


@dataclass(frozen=True, eq=False)
class Result:
    """Time courses of one scenario.

    Attributes
    ----------
    scenario : Scenario or Question
        What was simulated.
    time : array, shape (n,)
        Output times [min].
    values : array, shape (n, m)
        One column per observable, in its unit.
    baseline : mapping of str to float
        Observable -> value in the untreated cell at its steady state; in a foreign model at
        time 0.
    compiled : Compiled or Written
        The model and the values it ran with.
    rest : mapping of str to float
        Species -> concentration in the untreated cell at its steady state [nM].
    tolerances : mapping
        Of the integrator.
    engine : str
        Version of libRoadRunner.
    floors : mapping of str to float
        Observable -> what is less is the solver's noise; by default from the tolerances.
    """

    scenario: Any  # a Scenario, or what was asked of a model that was not written here
    time: Floats = field(repr=False)
    values: Floats = field(repr=False)
    baseline: Mapping[str, float] = field(repr=False)
    compiled: Any = field(repr=False)  # its SBML would fill a notebook
    rest: Mapping[str, float] = field(repr=False)
    tolerances: Mapping[str, Any]
    engine: str
    floors: Mapping[str, float] = field(default_factory=dict, repr=False)

    @cached_property
    def dataset(self) -> "xr.Dataset":
        """One variable per observable over ``time`` in the model's unit; units and names beside."""
        import xarray as xr  # half a second that a table does without

        units, labels = self.units, self.labels
        variables = {
            id: ("time", self.column(id), {"units": units[id], "long_name": labels[id]})
            for id in self.ids
        }
        unit, minutes = self.compiled.time_unit
        return xr.Dataset(variables, {"time": ("time", self.time / minutes, {"units": unit})})

    @cached_property
    def sbml(self) -> str:
        """The model that was simulated, with its initial state and dosing events."""
        return str(self.compiled.written(self.rest))

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
    def ids(self) -> tuple[str, ...]:
        """Ids that can be read, in order."""
        return tuple(self.compiled.observe)

    @property
    def units(self) -> dict[str, str]:
        """Observable -> unit."""
        return dict(self.compiled.units)

    @property
    def labels(self) -> dict[str, str]:
        """Observable -> name for people, such as ``"S6K1 pThr389"``."""
        return dict(self.compiled.labels)

    @property
    def present(self) -> tuple[str, ...]:
        """Ids of what the untreated cell has, beyond the solver's noise around zero."""
        usual = _NOISE * self.tolerances.get("absolute_nM", 0.0)
        return tuple(id for id in self.ids if self.baseline[id] > self.floors.get(id, usual))

    def __getitem__(self, id: str) -> "xr.DataArray":
        """Return one observable over time.

        Raises
        ------
        UnknownIdError
            For an id that was not read.
        """
        self._place(id)
        return self.dataset[id]

    def column(self, id: str) -> Floats:
        """Return one observable over time as a plain array, shape (n,); else as ``result[id]``."""
        return self.values[:, self._place(id)]

    def _place(self, id: str) -> int:
        if id not in self.ids:
            raise UnknownIdError(kind="observable in this result", given=id, choices=self.ids)
        return self.ids.index(id)

    def at(self, times: Iterable[Given], ids: Iterable[str] | None = None) -> "pd.DataFrame":
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
        import pandas as pd  # a fifth of a second, here and below

        chosen = self.ids if ids is None else tuple(ids)
        minutes = instants(times, float(self.time[-1]))
        rows = self.rows_at(minutes, chosen)
        return pd.DataFrame(rows, index=pd.Index(chosen, name="observable"), columns=minutes)

    def rows_at(self, minutes: Iterable[float], ids: Iterable[str]) -> list[Floats]:
        """Return the rows of `at` as plain arrays; times are in minutes and are not checked."""
        times = np.asarray([*minutes], dtype=float)
        return [np.interp(times, self.time, self.column(id)) for id in ids]

    def relative(self, ids: Iterable[str] | None = None) -> "pd.DataFrame":
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
        import pandas as pd

        chosen = self.present if ids is None else tuple(ids)
        columns = {id: self.column(id) for id in chosen}
        for id in chosen:
            if id not in self.present:
                raise UnknownIdError(
                    kind="observable above zero in the untreated cell",
                    given=id,
                    choices=self.present,
                )
        ratios = {id: column / self.baseline[id] for id, column in columns.items()}
        return pd.DataFrame(ratios, index=pd.Index(self.time / 60, name="time_h"))

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a table: ``time_h`` [h], then one column per observable in its unit."""
        import pandas as pd

        columns = {id: self.column(id) for id in self.ids}
        return pd.DataFrame({"time_h": self.time / 60, **columns})

    def plot(self, ids: Iterable[str] | None = None) -> "Figure":
        """Return a figure: relative to the untreated cell; of a foreign model, in its own units."""
        if isinstance(self.scenario, Scenario):
            from mtorsim.plot import figure

            return figure(self, ids)
        from mtorsim.plot_foreign import figure as foreign_figure

        return foreign_figure(self, ids)

    def save(self, folder: str | Path) -> Path:
        """Write timecourse.csv, figure.png, run.json and model.xml into a folder; return it."""
        from mtorsim.export import save

        return save(self, Path(folder))
