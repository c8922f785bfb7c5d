"""Viability: ATP of a well after days under a drug, as percent of wells without it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mtorsim.assays import spread
from mtorsim.assays.conditions import Conditions, origin
from mtorsim.assays.dose_response import (
    FEWEST_DOSES,
    Estimate,
    Fit,
    GrowthMetrics,
    fit_logistic,
    growth_metrics,
    growth_rate_inhibition,
)
from mtorsim.assays.doses import Doses, dose_series, time_series
from mtorsim.assays.logistic import Floats
from mtorsim.assays.record import Assay, as_numbers, check_random, log_normal
from mtorsim.ensembles import PERCENTILES, Progress
from mtorsim.errors import InputError, shown
from mtorsim.result import Result
from mtorsim.scenario import Drugs
from mtorsim.units import Given, duration, exact_concentration, say_time

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ATP, CELLS = "ATP_signal", "cell_number"
REFERENCE = 72 * 60.0  # min: the usual end of a viability assay
TIMES = ("24 h", "48 h", "72 h", "96 h")
INHIBITIONS = (20, 30, 50)  # %


@dataclass(frozen=True, eq=False)
class TimePoint:
    """One plate, read at one time.

    Attributes
    ----------
    time : float
        [min].
    doses : array, shape (d,)
        [nM], rising; the first is 0.
    viability : array, shape (d, r)
        ATP, percent of the mean of the untreated wells; r replicates.
    gr : array, shape (d, r)
        Growth-rate inhibition from cell numbers [1]; NaN where untreated cells do not grow.
    is_noisy : bool
        Whether readings scatter; else they are the simulation itself.
    """

    time: float
    doses: Floats
    viability: Floats
    gr: Floats
    is_noisy: bool = False

    @cached_property
    def fit(self) -> Fit:
        """The logistic curve through percent of control, untreated wells included."""
        doses = np.repeat(self.doses, self.viability.shape[1])
        return fit_logistic(doses, self.viability.ravel(), noisy=self.is_noisy)

    @cached_property
    def growth(self) -> GrowthMetrics | None:
        """Growth-rate metrics; None where untreated cells do not grow."""
        if np.isnan(self.gr).any():
            return None
        first = 0 if self.is_noisy else 1  # exact, untreated cells say nothing: their GR is 1
        doses = np.repeat(self.doses[first:], self.gr.shape[1])
        return growth_metrics(doses, self.gr[first:].ravel(), noisy=self.is_noisy)

    @property
    def ic20(self) -> Estimate:
        """Dose that takes a fifth of the ATP of untreated wells."""
        return self.fit.ic(20)

    @property
    def ic30(self) -> Estimate:
        """Dose that takes 30 % of the ATP of untreated wells."""
        return self.fit.ic(30)

    @property
    def ic50(self) -> Estimate:
        """Dose that takes half of the ATP of untreated wells."""
        return self.fit.ic(50)

    @property
    def e_max(self) -> float:
        """Percent of control at the highest dose, mean of replicates."""
        return float(self.viability[-1].mean())


@dataclass(frozen=True, eq=False)
class Viability(Assay):
    """A viability assay of one drug in one cell line.

    Attributes
    ----------
    conditions : Conditions
    drug : str
    points : tuple of TimePoint
        In order of time.
    replicates, noise, seed
        As given.
    wells : tuple of Result
        The simulated wells, untreated first.
    members : array, shape (k, times, doses), optional
        Viability of members of the ensemble; see `with_ensemble`.
    """

    conditions: Conditions
    drug: str
    points: tuple[TimePoint, ...]
    replicates: int
    noise: float
    seed: int
    wells: tuple[Result, ...] = field(repr=False)
    members: Floats | None = field(default=None, repr=False)

    def with_ensemble(self, workers: int = 1, progress: Progress | None = None) -> "Viability":
        """Return the same assay with that of each member of the ensemble beside it.

        Raises
        ------
        SimulationError
            When none can be simulated.
        """
        return replace(self, members=spread.plates(self, workers, progress))

    @cached_property
    def ensemble(self) -> pd.DataFrame | None:
        """Percentiles over the members, of viability and IC values: `spread.bands`."""
        return None if self.members is None else spread.bands(self, self.members)

    def band(self, point: TimePoint) -> Floats | None:
        """Return 5, 50 and 95 % of viability at one time, shape (3, doses)."""
        if self.members is None:
            return None
        rows = self.members[:, self.points.index(point)]
        return np.asarray(np.percentile(rows, PERCENTILES, axis=0))

    @property
    def cell(self) -> str:
        """Name of the cell line."""
        return self.conditions.scenario.cell

    @property
    def reference(self) -> TimePoint:
        """The time that `ic20`, `ic30` and `ic50` speak of: 72 h where read, else the last."""
        return next((one for one in self.points if one.time == REFERENCE), self.points[-1])

    @property
    def ic20(self) -> Estimate:
        """IC20 at the `reference` time."""
        return self.reference.ic20

    @property
    def ic30(self) -> Estimate:
        """IC30 at the `reference` time."""
        return self.reference.ic30

    @property
    def ic50(self) -> Estimate:
        """IC50 at the `reference` time."""
        return self.reference.ic50

    def at(self, time: Given) -> TimePoint:
        """Return what was read at a time such as ``"48 h"``.

        Raises
        ------
        InputError
            For a time at which nothing was read.
        """
        minutes = duration(time, "time")
        for point in self.points:
            if point.time == minutes:
                return point
        read = ", ".join(say_time(point.time) for point in self.points)
        raise InputError(f"nothing was read at {shown(time)}. Read: {read}.")

    @property
    def interval_from(self) -> str:
        """What the confidence intervals measure."""
        if self.reference.is_noisy:
            return "scatter of all wells, untreated ones included, and lack of fit"
        return "lack of fit of the logistic curve; the simulation has no noise"

    @cached_property
    def table(self) -> pd.DataFrame:
        """Every well: cell, drug, time_h [h], dose_nM [nM], replicate, viability_percent, GR.

        Replicate 0 stands for the simulation without noise.
        """
        return pd.concat([self._readings(point) for point in self.points], ignore_index=True)

    def _readings(self, point: TimePoint) -> pd.DataFrame:
        number, replicates = point.viability.shape
        first = 1 if self.replicates else 0
        return pd.DataFrame(
            {
                "cell": self.cell,
                "drug": self.drug,
                "time_h": point.time / 60,
                "dose_nM": np.repeat(point.doses, replicates),
                "replicate": np.tile(np.arange(first, first + replicates), number),
                "viability_percent": point.viability.ravel(),
                "GR": point.gr.ravel(),
            }
        )

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row a time.

        IC20, IC30, IC50 and GR50 [nM] with ``_low``, ``_high`` (95 %) and ``_flag``; Emax
        (percent of control at the highest dose), plateau (of the fitted curve, where the doses
        reach it, percent), EC50 (relative) [nM], hill, r_squared, GRmax, GR_AOC, hGR. What is not
        defined is empty.
        """
        return as_numbers(pd.DataFrame([self._summary_row(point) for point in self.points]))

    def _summary_row(self, point: TimePoint) -> dict[str, Any]:
        row: dict[str, Any] = {"cell": self.cell, "drug": self.drug, "time_h": point.time / 60}
        for inhibition in INHIBITIONS:
            row |= _spelled(f"IC{inhibition}", point.fit.ic(inhibition))
        row |= {
            "Emax_percent": point.e_max,
            "plateau_percent": point.fit.plateau,
            "EC50_nM": point.fit.ec50.value,
            "hill": point.fit.hill,
            "r_squared": point.fit.r_squared,
        }
        return row | _spelled_growth(point.growth)

    @property
    def provenance(self) -> dict[str, Any]:
        """Inputs, seed, versions and models; JSON values only."""
        inputs = self.conditions.scenario.to_dict()
        return {
            "assay": "viability",
            "conditions": inputs,
            "drug": self.drug,
            "doses": [exact_concentration(float(dose)) for dose in self.points[0].doses],
            "times": [say_time(point.time) for point in self.points],
            "replicates": self.replicates,
            "noise": self.noise if self.replicates else 0.0,
            "seed": self.seed if self.replicates else None,  # nothing else is random
            "intervals": self.interval_from,
            **({} if self.members is None else {"ensemble": spread.about(self.members)}),
            **origin(self.wells),
        }

    def plot(self) -> "Figure":
        """Return a figure: percent of control and GR over dose, a curve for each time."""
        from mtorsim.plot_assays import viability_figure

        return viability_figure(self)


@dataclass(frozen=True, eq=False)
class Comparison(Assay):
    """Viability assays side by side, such as several drugs or cell lines.

    Attributes
    ----------
    assays : tuple of Viability
        At least one.
    """

    assays: tuple[Viability, ...]

    def __post_init__(self) -> None:
        if not self.assays:
            raise InputError("nothing to compare. Expected viability assays.")

    @cached_property
    def table(self) -> pd.DataFrame:
        """The tables of all assays, one below the other."""
        return pd.concat([assay.table for assay in self.assays], ignore_index=True)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """The summaries of all assays, one below the other."""
        return pd.concat([assay.summary for assay in self.assays], ignore_index=True)

    @cached_property
    def ensemble(self) -> pd.DataFrame | None:
        """Percentiles over the members of the ensemble, of all assays that have them."""
        tables = [assay.ensemble for assay in self.assays if assay.ensemble is not None]
        return pd.concat(tables, ignore_index=True) if tables else None

    @property
    def provenance(self) -> dict[str, Any]:
        """Inputs, seed, versions and models of each assay; JSON values only."""
        return {"assays": [assay.provenance for assay in self.assays]}

    def plot(self) -> "Figure":
        """Return a figure: one curve for each assay at its reference time."""
        from mtorsim.plot_assays import comparison_figure

        return comparison_figure(self.assays)


def viability(
    *,
    cell: str = "786-O",
    drug: str = "temsirolimus",
    doses: Doses | None = None,
    times: str | Iterable[Given] = TIMES,
    perturbations: Iterable[str] = (),
    with_drugs: Drugs = (),
    set: Mapping[str, float | str] | None = None,
    replicates: int = 0,
    noise: float = 0.05,
    seed: int = 0,
) -> Viability:
    """Measure how much ATP cells have left after days at each dose of a drug.

    The drug is given once, at time 0; wells without it stand beside and count as 100 %. Cells are
    counted as well: their growth rates give GR values, which do not depend on how fast the cell
    line divides or when it is read.

    Parameters
    ----------
    cell : str
        Name of a cell.
    drug : str
        Name of the drug under test.
    doses : str or iterable of str, optional
        As ``["0.1 nM", "1 nM", ...]`` or ``"0.1nM:100nM:7"``; at least four. Default: half-log
        steps over 0.1-100 nM, from 0.01 nM for bi-steric drugs, and over 1 nM-10 uM for what needs
        more (ATP-competitive drugs, FKBP12 competitors).
    times : str or iterable of str
        When wells are read, such as ``["24 h", "72 h"]``.
    perturbations, set
        As in `Scenario`; for all wells.
    with_drugs : mapping of str to dose
        Drugs that all wells get, untreated ones included.
    replicates : int
        Noisy wells a dose; 0 for the simulation itself.
    noise : float
        Coefficient of variation of a reading [1], log-normal; plays no part without replicates.
    seed : int
        Of the noise, together with cell and drug: the same seed gives the same readings of the
        same pair, and others for another pair.

    Returns
    -------
    Viability

    Raises
    ------
    InputError
        For anything that is not as it should be.
    SimulationError
        When a simulation fails.
    """
    check_random(noise, seed, replicates)
    tested, minutes = dose_series(doses, drug), time_series(times)
    if len(tested) < FEWEST_DOSES:
        raise InputError(
            f"doses: {len(tested)} given. Expected at least {FEWEST_DOSES}: the curve through them "
            "has four parameters."
        )
    conditions = Conditions.of(
        cell=cell,
        perturbations=perturbations,
        with_drugs=with_drugs,
        set=set,
        duration=minutes[-1],
    )
    conditions.check_tested(drug)
    every = (0.0, *tested)
    wells = tuple(conditions.well({drug: dose}, minutes, (ATP, CELLS)) for dose in every)
    atp, counts = (_read(wells, minutes, id) for id in (ATP, CELLS))
    shape = (2, len(minutes), len(every), max(replicates, 1))
    is_noisy = replicates > 0 and noise > 0
    factors = log_normal(noise, shape, seed, cell, drug) if is_noisy else np.ones(shape)
    start = float(wells[0][CELLS].to_numpy()[0])
    points = tuple(
        _plate(
            time,
            np.array(every),
            start,
            (atp[:, k, None] * bright, counts[:, k, None] * counted),
            is_noisy,
        )
        for k, (time, bright, counted) in enumerate(zip(minutes, *factors, strict=True))
    )
    return Viability(conditions, drug, points, replicates, noise, seed, wells)


def _read(wells: Sequence[Result], minutes: Sequence[float], id: str) -> Floats:
    """Return one read-out of all wells, shape (d, t)."""
    return np.array([well.at(minutes, [id]).to_numpy()[0] for well in wells])


def _plate(
    time: float, doses: Floats, start: float, read: tuple[Floats, Floats], is_noisy: bool
) -> TimePoint:
    """Return the plate of one time; `read` holds ATP and cell numbers, each of shape (d, r)."""
    atp, counts = read
    percent = 100 * atp / atp[0].mean()
    control = float(counts[0].mean())
    if control > start:
        gr = growth_rate_inhibition(start, counts, control)
    else:
        gr = np.full(counts.shape, np.nan)
    return TimePoint(time, doses, percent, gr, is_noisy)


def _spelled(name: str, estimate: Estimate) -> dict[str, Any]:
    return {
        f"{name}_nM": estimate.value,
        f"{name}_low": estimate.low,
        f"{name}_high": estimate.high,
        f"{name}_flag": estimate.flag,
    }


def _spelled_growth(growth: GrowthMetrics | None) -> dict[str, Any]:
    if growth is None:
        none = Estimate(None, flag="untreated cells do not grow")
        return _spelled("GR50", none) | {"GRmax": None, "GR_AOC": None, "hGR": None}
    return _spelled("GR50", growth.gr50) | {
        "GRmax": growth.gr_max,
        "GR_AOC": growth.gr_aoc,
        "hGR": growth.hill,
    }
