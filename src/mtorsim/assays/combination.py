"""Two drugs together: a matrix of doses, and what it exceeds of what each does alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtorsim.assays import spread
from mtorsim.assays.conditions import Conditions, origin
from mtorsim.assays.dose_response import FEWEST_DOSES, Fit, fit_logistic
from mtorsim.assays.doses import Doses, dose_series, one_time, usual_doses
from mtorsim.assays.interaction import (
    Alone,
    Loewe,
    MedianEffect,
    bliss_excess,
    combination_index,
    loewe,
    median_effect,
    why_no_line,
)
from mtorsim.assays.logistic import Floats
from mtorsim.assays.record import Assay, as_numbers
from mtorsim.assays.viability import ATP
from mtorsim.ensembles import Progress
from mtorsim.errors import InputError, shown
from mtorsim.result import Result
from mtorsim.scenario import Drugs
from mtorsim.units import Given, exact_concentration, exact_time, say_concentration

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VIABILITY = "viability"
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)  # affected fractions at which a combination index is asked for
_USUAL = 7  # doses of each drug
_MOST = 900  # wells
_SHAM = "one drug with itself is not independent: Bliss says nothing of a sham pair"
_RATIO = 0.02  # decades: doses on one ray keep their ratio this closely


_Series: TypeAlias = tuple[Floats, Floats]


@dataclass(frozen=True)
class Ray:
    """The longest series of mixtures with one ratio.

    Attributes
    ----------
    doses : tuple of float
        Total doses [nM].
    affected : tuple of float
        [1].
    share_a : float
        Share of drug A [1].
    """

    doses: tuple[float, ...]
    affected: tuple[float, ...]
    share_a: float


@dataclass(frozen=True, eq=False)
class Combination(Assay):
    """A matrix of two drugs.

    Attributes
    ----------
    conditions : Conditions
    drugs : tuple of str
        A and B; the same twice for a sham combination.
    doses : tuple of array
        Of A, shape (a,), and of B, shape (b,) [nM]; the first of each is 0.
    time : float
        [min].
    readout : str
    response : array, shape (a, b)
        Percent of the wells without A and B.
    wells : tuple of Result
    members : array, shape (k, a, b), optional
        Response of members of the ensemble; see `with_ensemble`.
    """

    conditions: Conditions
    drugs: tuple[str, str]
    doses: tuple[Floats, Floats]
    time: float
    readout: str
    response: Floats
    wells: tuple[Result, ...] = field(repr=False)
    members: Floats | None = field(default=None, repr=False)

    def with_ensemble(self, workers: int = 1, progress: Progress | None = None) -> "Combination":
        """Return the same matrix with that of each member of the ensemble beside it.

        Raises
        ------
        InputError
            For a sham combination.
        SimulationError
            When none can be simulated.
        """
        if self.is_sham:
            raise InputError(
                f"--ensemble: {self.drugs[0]} with itself is one drug in two portions. Expected "
                "two drugs."
            )
        return replace(self, members=spread.surfaces(self, workers, progress))

    @cached_property
    def ensemble(self) -> pd.DataFrame | None:
        """Percentiles over the members, of response and Bliss excess: `spread.matrices`."""
        return None if self.members is None else spread.matrices(self, self.members)

    @property
    def is_open(self) -> "NDArray[np.bool_]":
        """Where 5 to 95 % of the members do not agree on the sign of the Bliss excess, (a, b)."""
        if self.members is None:
            return np.zeros(self.response.shape, dtype=bool)
        excess = np.array([bliss_excess(one) for one in self.members])
        with np.errstate(invalid="ignore"):
            low, high = np.percentile(excess, (5, 95), axis=0)
        return np.asarray((low <= 0) & (high >= 0), dtype=bool)

    @cached_property
    def alone(self) -> tuple[Fit, Fit]:
        """The logistic curves of A and of B alone [% of control]."""
        a, b = self.doses
        return fit_logistic(a, self.response[:, 0]), fit_logistic(b, self.response[0, :])

    @cached_property
    def bliss(self) -> Floats:
        """Excess over Bliss independence, shape (a, b) [% of control]; positive is synergy."""
        return bliss_excess(self.response)

    @cached_property
    def loewe(self) -> tuple[tuple[Loewe, ...], ...]:
        """Loewe additivity in each well, rows by dose of A."""
        a, b = self.doses
        singles = Alone("A", a, self.response[:, 0]), Alone("B", b, self.response[0, :])
        return tuple(
            tuple(
                loewe(float(a), float(b), float(response), singles)
                for b, response in zip(self.doses[1], row, strict=True)
            )
            for a, row in zip(self.doses[0], self.response, strict=True)
        )

    @cached_property
    def loewe_index(self) -> Floats:
        """Loewe's interaction index, shape (a, b) [1]; NaN where it is not defined."""
        rows = [[np.nan if one.index is None else one.index for one in row] for row in self.loewe]
        return np.array(rows)

    @cached_property
    def ray(self) -> Ray | None:
        """The mixtures that a combination index is read from; None without a constant ratio."""
        a, b = np.meshgrid(*(doses[1:] for doses in self.doses), indexing="ij")
        ratio = np.log10(a / b)
        on = [np.abs(ratio - one) < _RATIO for one in np.unique(ratio)]
        # Of rays with as many points, the one in the middle: both drugs act along it.
        middle = float(np.median(ratio))
        best = max(on, key=lambda one: (one.sum(), -abs(float(ratio[one].mean()) - middle)))
        if best.sum() < 3:
            return None
        affected = 1 - self.response[1:, 1:][best] / 100
        total, share = (a + b)[best], (a / (a + b))[best].mean()
        return Ray(tuple(total.tolist()), tuple(affected.tolist()), float(share))

    @cached_property
    def lines(self) -> tuple[MedianEffect | None, MedianEffect | None, MedianEffect | None]:
        """Median-effect lines of A, of B and of their mixture along `ray`."""
        first, second, together = (series and median_effect(*series) for series in self._series)
        return first, second, together

    @property
    def _series(self) -> tuple[_Series, _Series, _Series | None]:
        """Doses and affected fractions of A, of B, and of their mixture along `ray`."""
        a, b = self.doses
        ray = self.ray
        return (
            (a[1:], 1 - self.response[1:, 0] / 100),
            (b[1:], 1 - self.response[0, 1:] / 100),
            None if ray is None else (np.array(ray.doses), np.array(ray.affected)),
        )

    @property
    def is_sham(self) -> bool:
        """Whether A and B are one drug, in two portions."""
        return self.drugs[0] == self.drugs[1]

    def index_at(self, affected: float) -> tuple[float | None, str]:
        """Return the combination index at an affected fraction [1], or why there is none."""
        if self.ray is None:
            return None, "no three mixtures with one ratio"
        a, b, together = self.lines
        return combination_index(affected, together, self.ray.share_a, a, b)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a well.

        Columns dose_A_nM, dose_B_nM [nM], response_percent, bliss_excess_percent,
        loewe_excess_percent, loewe_index, loewe_flag. What is not defined is empty.
        """
        a, b = (doses.ravel() for doses in np.meshgrid(*self.doses, indexing="ij"))
        wells = [one for row in self.loewe for one in row]
        both = (a > 0) & (b > 0)
        frame = pd.DataFrame(
            {
                "drug_A": self.drugs[0],
                "drug_B": self.drugs[1],
                "dose_A_nM": a,
                "dose_B_nM": b,
                "response_percent": self.response.ravel(),
                "bliss_excess_percent": np.where(both, self.bliss.ravel(), np.nan),
                "loewe_excess_percent": [one.excess for one in wells],
                "loewe_index": [one.index for one in wells],
                "loewe_flag": [one.flag for one in wells],
            }
        )
        frame.loc[~both, ["loewe_excess_percent", "loewe_index"]] = np.nan
        frame.loc[~both, "loewe_flag"] = "one drug alone"
        return frame

    @cached_property
    def summary(self) -> pd.DataFrame:
        """What the matrix says: columns measure, value, unit, flag."""
        return as_numbers(
            pd.DataFrame(self._measures(), columns=["measure", "value", "unit", "flag"])
        )

    def _measures(self) -> list[tuple[str, float | None, str, str]]:
        percent = "% of control"
        inner, excess = self.response[1:, 1:], self.bliss[1:, 1:]
        sham = _SHAM if self.is_sham else ""
        rows: list[tuple[str, float | None, str, str]] = [
            (f"least response, A = {self.drugs[0]} alone", self.response[:, 0].min(), percent, ""),
            (f"least response, B = {self.drugs[1]} alone", self.response[0, :].min(), percent, ""),
            ("least response together", inner.min(), percent, ""),
        ]
        if np.isfinite(excess).any():
            rows += [
                ("mean Bliss excess", float(np.nanmean(excess)), percent, sham),
                ("largest Bliss excess", np.nanmax(excess), percent, self._where(excess, "max")),
                ("least Bliss excess", np.nanmin(excess), percent, self._where(excess, "min")),
            ]
        else:
            rows.append(("mean Bliss excess", None, percent, "a drug alone raises the read-out"))
        rows.append(self._loewe_measure())
        names = ("A", "B", "A and B")
        for name, line, series in zip(names, self.lines, self._series, strict=True):
            rows += _line_measures(name, line, series)
        for level in LEVELS:
            index, flag = self.index_at(level)
            rows.append((f"combination index at {level:.0%} affected", index, "1", flag))
        return rows

    def _loewe_measure(self) -> tuple[str, float | None, str, str]:
        index = self.loewe_index[1:, 1:]
        known = np.isfinite(index)
        flag = f"defined in {known.sum()} of {known.size} wells"
        return (
            "median Loewe index",
            float(np.median(index[known])) if known.any() else None,
            "1",
            flag,
        )

    def _where(self, excess: Floats, end: str) -> str:
        place = (np.nanargmax if end == "max" else np.nanargmin)(excess)
        row, column = np.unravel_index(place, excess.shape)
        a, b = self.doses[0][row + 1], self.doses[1][column + 1]
        return f"at {say_concentration(float(a))} A and {say_concentration(float(b))} B"

    @property
    def provenance(self) -> dict[str, Any]:
        """Inputs, versions and models; JSON values only."""
        return {
            "assay": "combination",
            "conditions": self.conditions.scenario.to_dict(),
            "drugs": list(self.drugs),
            "doses": [[exact_concentration(float(one)) for one in series] for series in self.doses],
            "time": exact_time(self.time),
            "readout": self.readout,
            "seed": None,  # nothing is random
            **({} if self.members is None else {"ensemble": spread.about(self.members)}),
            **origin(self.wells),
        }

    def plot(self) -> "Figure":
        """Return a figure: response, Bliss excess and Loewe index over both doses."""
        from mtorsim.plot_assays import combination_figure

        return combination_figure(self)


def combination(
    *,
    cell: str = "786-O",
    drugs: Sequence[str] = ("temsirolimus", "Ku-0063794"),
    doses: Sequence[Doses | None] = (None, None),
    time: Given = "72 h",
    readout: str = VIABILITY,
    perturbations: Iterable[str] = (),
    with_drugs: Drugs = (),
    set: Mapping[str, float | str] | None = None,
) -> Combination:
    """Measure a read-out at every pair of doses of two drugs.

    Both are given at time 0. Each is also measured alone, and wells without either are 100 %.

    Parameters
    ----------
    cell : str
        Name of a cell.
    drugs : sequence of str
        Names of A and B; the same twice is a sham combination, one drug in two portions.
    doses : sequence of two
        Of A and of B, each as in `viability`, at least four. Default: seven in half-log steps.
    time : str
        When wells are read.
    readout : str
        ``"viability"`` for ATP of the well, or the id of any observable; percent of control.
    perturbations, with_drugs, set
        As in `viability`; for all wells.

    Returns
    -------
    Combination

    Raises
    ------
    InputError
        For anything that is not as it should be.
    SimulationError
        When a simulation fails.
    """
    first, second = _pair(drugs, "drugs", "('temsirolimus', 'Ku-0063794')")
    given = _pair(doses, "doses", "(None, '1nM:1uM:7')")
    a, b = _series(given[0], first), _series(given[1], second)
    _check_size(a, b)
    minutes = one_time(time)
    conditions = Conditions.of(
        cell=cell, perturbations=perturbations, with_drugs=with_drugs, set=set, duration=minutes
    )
    conditions.check_tested(first, second)
    id = ATP if readout == VIABILITY else readout
    untreated = conditions.well(_mixed(first, 0.0, second, 0.0), [minutes], [id])
    if id not in untreated.present or _last(untreated) <= 0:
        raise InputError(f"{readout}: none in untreated {cell}, so there is no percent of control.")
    wells = tuple(
        conditions.well(_mixed(first, float(one), second, float(other)), [minutes], [id])
        for one in a
        for other in b
    )
    values = np.array([_last(well) for well in wells])
    response = 100 * values.reshape(len(a), len(b)) / values[0]
    return Combination(conditions, (first, second), (a, b), minutes, readout, response, wells)


def _last(well: Result) -> float:
    """Return the one read-out of a well at the end of its run."""
    return float(well[well.ids[0]].to_numpy()[-1])


def _pair(given: Any, what: str, example: str) -> tuple[Any, Any]:
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) != 2:
        raise InputError(f"{what}: expected two, such as {example}, got {shown(given)}.")
    return given[0], given[1]


def _series(given: Doses | None, drug: str) -> Floats:
    doses = usual_doses(drug)[-_USUAL:] if given is None else dose_series(given, drug)
    if len(doses) < FEWEST_DOSES:
        raise InputError(f"doses of {drug}: {len(doses)} given. Expected at least {FEWEST_DOSES}.")
    return np.array([0.0, *doses])


def _check_size(a: Floats, b: Floats) -> None:
    if len(a) * len(b) > _MOST:
        raise InputError(f"doses: {len(a)} x {len(b)} wells are more than {_MOST}. Give fewer.")


def _mixed(first: str, a: float, second: str, b: float) -> dict[str, float]:
    return {first: a + b} if first == second else {first: a, second: b}


def _line_measures(
    name: str, line: MedianEffect | None, series: _Series | None
) -> list[tuple[str, float | None, str, str]]:
    if line is None:
        why = "no three mixtures with one ratio" if series is None else why_no_line(*series)
        return [(f"median-effect line of {name}", None, "1", why)]
    dose, flag = line.read(0.5, name)
    return [
        (f"median-effect slope of {name}", line.m, "1", ""),
        (f"median-effect r² of {name}", line.r_squared, "1", ""),
        (f"median-effect dose of {name}", dose, "nM", flag),
    ]
