"""What a sensitivity returns."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mtorsim.errors import UnknownIdError
from mtorsim.uncertainty import Uncertain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mtorsim.sweeps import Sweep

INDEX: Mapping[str, str] = {"local": "sensitivity", "morris": "mu_star", "sobol": "ST"}
"""Method -> the index by which parameters are ranked."""

INTERVAL: Mapping[str, str] = {"morris": "mu_star_interval", "sobol": "ST_interval"}
"""Method -> half the width of the 95 % interval of that index."""

PLOTS = ("tornado", "heatmap")


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """How much each parameter moves each read-out.

    Attributes
    ----------
    method : str
        ``"local"``, ``"morris"`` or ``"sobol"``.
    table : DataFrame
        One row for each read-out (observable, reading, time_min) and parameter. Local:
        ``sensitivity`` (d ln read-out / d ln parameter), ``error`` (how far halving the step moved
        it), ``is_resolved``. Morris: ``mu_star``, ``mu``, ``sigma``, Sobol: ``S1``, ``ST``, with
        ``…_interval`` (half the width of the 95 % interval), ``…_half`` (from the first half of
        the samples) and ``is_zero`` (whether the interval includes zero).
    pairs : DataFrame
        Sobol's second order; else empty.
    parameters : tuple of Uncertain
        What was varied, and in which ranges.
    left_out : DataFrame
        Read-outs without indices, and why.
    lost : int
        Trajectories or base samples that were left out since a simulation failed.
    sweep : Sweep
        All simulations.
    settings : dict
        What was asked.
    """

    method: str
    table: pd.DataFrame
    pairs: pd.DataFrame = field(repr=False)
    parameters: tuple[Uncertain, ...] = field(repr=False)
    left_out: pd.DataFrame = field(repr=False)
    lost: int
    sweep: "Sweep" = field(repr=False)
    settings: dict[str, Any] = field(repr=False)

    @property
    def index(self) -> str:
        """Name of the index by which parameters are ranked."""
        return INDEX[self.method]

    def matrix(self, reading: str = "") -> pd.DataFrame:
        """Return the ranking index: a row for each parameter, a column for each observable.

        Parameters
        ----------
        reading : str
            Such as ``"end"``; default: the first that there is. Of curves the largest over time,
            with its sign.

        Raises
        ------
        UnknownIdError
            For a reading that was not analysed.
        """
        table = self.of(reading)
        wide = table.sort_values(self.index, key=np.abs, kind="stable")
        wide = wide.drop_duplicates(["parameter", "observable"], keep="last")
        found = wide.pivot_table(
            index="parameter", columns="observable", values=self.index, dropna=False, sort=False
        )
        rows = [one.id for one in self.parameters if one.id in found.index]
        return found.loc[rows, list(dict.fromkeys(table["observable"]))]

    def ranking(self, reading: str = "") -> pd.Series:
        """Return parameters by their largest index over all observables, the largest first."""
        found = self.matrix(reading).abs().max(axis=1)
        return found.sort_values(ascending=False, kind="stable").rename(self.index)

    def of(self, reading: str = "") -> pd.DataFrame:
        """Return the rows of one reading; default: the first that there is.

        Raises
        ------
        UnknownIdError
            For a reading that was not analysed.
        """
        known = list(dict.fromkeys(self.table["reading"])) if len(self.table) else []
        chosen = reading or next(iter(known), "")
        if chosen not in known:
            raise UnknownIdError(kind="analysed reading", given=chosen, choices=known)
        return self.table[self.table["reading"] == chosen]

    def plot(self, kind: str = "tornado", reading: str = "") -> "Figure":
        """Return a figure.

        Parameters
        ----------
        kind : {"tornado", "heatmap"}
            Bars of the parameters that matter most for each observable; or all together in colour.
        reading : str
            As in `matrix`.

        Raises
        ------
        UnknownIdError
            For another kind, or a reading that was not analysed.
        """
        from mtorsim import plot_sensitivity

        if kind not in PLOTS:
            raise UnknownIdError(kind="figure", given=kind, choices=PLOTS)
        return getattr(plot_sensitivity, kind)(self, reading)  # type: ignore[no-any-return]

    def save(self, folder: str | Path) -> Path:
        """Write tables, figures and what was asked into a folder; return it.

        ``sensitivity.csv``, ``parameters.csv``, ``left_out.csv``, ``pairs.csv`` (of second order),
        ``tornado.png``, ``heatmap.png``, ``sensitivity.json``.

        Raises
        ------
        InputError
            For a folder that cannot be written to.
        MtorsimError
            When writing fails, for example on a full disk.
        """
        from mtorsim.export.files import check_folder_target, csv, holds, origin, png, write_folder

        tables = {
            "sensitivity.csv": self.table,
            "parameters.csv": self.parameter_table,
            "left_out.csv": self.left_out,
        }
        if len(self.pairs):
            tables["pairs.csv"] = self.pairs
        files = {name: csv(one) for name, one in tables.items()}
        if len(self.table):
            files |= {f"{kind}.png": png(self.plot(kind)) for kind in PLOTS}
        files["sensitivity.json"] = origin(self.provenance, files)
        if not holds(folder, files):  # read again, perhaps from a disk that takes nothing
            check_folder_target(folder, files)
            write_folder(folder, files)
        return Path(folder)

    @property
    def parameter_table(self) -> pd.DataFrame:
        """What was varied: id, value, unit, low, high, confidence, branch, basis of the range."""
        return pd.DataFrame([asdict(one) for one in self.parameters])

    @property
    def provenance(self) -> dict[str, Any]:
        """What was asked, of which models, with which versions; JSON values only."""
        attributes = self.sweep.dataset.attrs
        return {
            "title": f"mtorsim sensitivity: {self.method}",
            **self.settings,
            "simulations": self.sweep.count,
            "failed": self.sweep.failed,
            "blocks_left_out": self.lost,
            "scenario": attributes["scenario"],
            "versions": attributes["versions"],
            "models_sha256": list(attributes["models_sha256"]),
            "sweep_hash": attributes["hash"],
        }
