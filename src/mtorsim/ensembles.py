"""An ensemble of runs: one scenario with each parameter set that agrees with published numbers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtorsim import members
from mtorsim.errors import ScenarioError, SimulationError
from mtorsim.result import Result
from mtorsim.scenario import Scenario
from mtorsim.simulation import simulate
from mtorsim.steps import Floats
from mtorsim.sweeps import Sweep, sweep
from mtorsim.sweeps.work import FAILED, UNTREATED
from mtorsim.units import Given

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PERCENTILES = (5, 50, 95)

AXIS = "member"
"""Axis of a sweep over the ensemble."""

Progress = Callable[[int, int], object]


@dataclass(frozen=True, eq=False)
class Ensemble:
    """A run with the values of the model files, and one with each member of the ensemble.

    Attributes
    ----------
    run : Result
        With the values of the model files.
    sweep : Sweep
        The members, along ``"member"``, at the times of the run.
    """

    run: Result
    sweep: Sweep = field(repr=False)

    @property
    def scenario(self) -> Scenario:
        """What was simulated."""
        found: Scenario = self.run.scenario
        return found

    @cached_property
    def done(self) -> NDArray[np.bool_]:
        """Which members could be simulated, shape (k,)."""
        return np.asarray(self.sweep["status"].to_numpy() != FAILED)

    @property
    def count(self) -> int:
        """Number of members that could be simulated."""
        return int(self.done.sum())

    @property
    def failed(self) -> int:
        """Number of members that could not; they are in no percentile."""
        return self.sweep.failed

    def values(self, id: str) -> Floats:
        """Return a read-out of each member over time, in its unit, shape (k, n).

        Raises
        ------
        UnknownIdError
            For an id that was not read.
        """
        place = self.run.ids.index(id) if id in self.run.ids else self.run.column(id)
        return np.asarray(self.sweep["curves"].to_numpy()[self.done][:, :, place], dtype=float)

    def relative(self, id: str) -> Floats:
        """Return a read-out of each member over that of its own untreated cell, shape (k, n).

        NaN where that has none.
        """
        values = self.values(id)
        base = self.sweep[UNTREATED].to_numpy()[self.done][:, self.run.ids.index(id)]
        there = base > self.floor(id)
        return np.where(there[:, None], values / np.where(there, base, 1.0)[:, None], np.nan)

    def floor(self, id: str) -> float:
        """Return what of a read-out is the noise of the solver."""
        return 1e-6 * max(1.0, abs(self.run.baseline[id]))

    def band(self, id: str, *, relative: bool = False) -> Floats:
        """Return the `PERCENTILES` of a read-out over time, shape (3, n); NaN without members."""
        rows = self.relative(id) if relative else self.values(id)
        rows = rows[np.isfinite(rows).all(axis=1)]
        if not len(rows):
            return np.full((len(PERCENTILES), len(self.run.time)), np.nan)
        return np.asarray(np.percentile(rows, PERCENTILES, axis=0))

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a table: one row a time and read-out.

        Columns ``time_h`` [h], ``observable``, ``unit``, ``members`` (how many could be simulated),
        ``shipped`` (the values of the model files), ``p5``, ``p50``, ``p95`` over the members, and
        the same relative to the untreated cell (``relative_shipped``, ``relative_p5`` and so on;
        empty where that has none).
        """
        import pandas as pd

        names = [f"p{one}" for one in PERCENTILES]
        tables = []
        for id in self.run.ids:
            shipped = self.run.column(id)
            base = self.run.baseline[id] if id in self.run.present else np.nan
            columns: dict[str, Any] = {
                "time_h": self.run.time / 60, "observable": id, "unit": self.run.units[id],
                "members": self.count, "shipped": shipped,
                **dict(zip(names, self.band(id), strict=True)),
                "relative_shipped": shipped / base,
            }  # fmt: skip
            band = self.band(id, relative=True)
            columns |= {f"relative_{name}": row for name, row in zip(names, band, strict=True)}
            tables.append(pd.DataFrame(columns))
        return pd.concat(tables, ignore_index=True)

    @property
    def provenance(self) -> dict[str, Any]:
        """How many members, which file they come from, the sweep; JSON values only."""
        return {
            "members": self.count,
            "failed": self.failed,
            "sha256": members.digest(),
            "percentiles": list(PERCENTILES),
            "relative_tolerance": self.sweep.dataset.attrs["relative_tolerance"],
            "sweep": self.sweep.dataset.attrs["hash"],
        }

    def plot(self, ids: Iterable[str] | None = None) -> "Figure":
        """Return a figure: that of the run, with the 5 to 95 % band and median of the members."""
        from mtorsim.plot import figure

        return figure(self.run, ids, self)

    def save(self, folder: str | Path) -> Path:
        """Write the files of a run and ensemble.csv into a folder; return it."""
        from mtorsim.export.run_folder import save

        return save(self.run, Path(folder), self)


def ensemble(
    scenario: Scenario | None = None,
    /,
    *,
    times: Iterable[Given] | None = None,
    out: str | Path | None = None,
    workers: int = 1,
    resume: bool = False,
    progress: Progress | None = None,
    **fields: Any,
) -> Ensemble:
    """Simulate a scenario with each member of the ensemble.

    Members differ in parameters of the network, and agree with the numbers that it was calibrated
    with within their errors: calibration/ensemble.md. A member's values stand in for those of the
    model files, and its values of one cell for those of that cell's file; what perturbations and
    the scenario set goes before both. Pharmacokinetics are those of the models.

    Parameters
    ----------
    scenario, times, **fields
        As `mtorsim.simulate`.
    out : str or Path, optional
        Directory that keeps the sweep over the members and survives interruptions.
    workers, resume, progress
        As `mtorsim.sweep`.

    Returns
    -------
    Ensemble

    Raises
    ------
    InputError
        For anything wrong with the scenario, or one that names a member.
    SimulationError
        When it cannot be simulated with the values of the models, or with no member at all.
    """
    chosen = Scenario(**fields) if scenario is None else scenario.replace(**fields)
    if chosen.member is not None:
        raise ScenarioError(
            f"member: {chosen.member} is one parameter set, and an ensemble simulates all of them. "
            "Expected a scenario without member."
        )
    run = simulate(chosen, times=times)
    minutes = run.time.tolist()
    found = over_members(
        run.scenario.replace(observe=run.ids), minutes,
        out=out, workers=workers, resume=resume, progress=progress,
    )  # fmt: skip
    return Ensemble(run, found)


def over_members(
    scenario: Scenario,
    minutes: Iterable[float],
    vary: Mapping[str, object] | None = None,
    **options: Any,
) -> Sweep:
    """Return the curves of each member at some times, and of what else varies.

    Raises
    ------
    SimulationError
        When no point could be simulated.
    """
    axes = {AXIS: list(members.numbers()), **(vary or {})}
    found = sweep(scenario, axes, read="curves", times=list(minutes), **options)
    if found.failed == found.count:
        raise SimulationError(f"no member can be simulated: {found.failures['reason'].iloc[0]}")
    return found
