"""What a fit returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mtorsim import perturbation
from mtorsim.errors import InputError, UnknownIdError
from mtorsim.fits import optimise
from mtorsim.fits.petab_parameters import Estimated
from mtorsim.fits.petab_problem import PetabProblem
from mtorsim.fits.problem import Free, Problem
from mtorsim.scenario import Scenario
from mtorsim.steps import Floats
from mtorsim.targets import Outcomes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLOTS = ("waterfall", "fit", "profiles")
SAME = 0.1
"""Starts whose objective lies no further above the best found the same fit."""

_WITHIN = 1.959964
_EDGE = 1e-3  # of the search, from its ends


@dataclass(frozen=True, eq=False)
class Fit:
    """Parameters that agree with data, and how well they are known.

    Attributes
    ----------
    problem : Problem or PetabProblem
    starts : DataFrame
        One row a start, the best first: start, cost, converged, evaluations, failed, reason.
    ends : array, shape (n, k)
        Where each of these ended, in units of the parameters.
    curvature : array, shape (k, k)
        JᵀJ of the data at the best.
    records : mapping of str to dict
        Parameter -> its profile.
    validation : DataFrame
        Cross-validation: for each dataset the root mean square residual as predicted from the
        others, as fitted, and before the fit; empty where it was not asked for.
    identity : dict
        What decides the numbers.
    """

    problem: Problem | PetabProblem
    starts: pd.DataFrame
    ends: Floats = field(repr=False)
    curvature: Floats = field(repr=False)
    records: Mapping[str, Mapping[str, Any]] = field(repr=False)
    validation: pd.DataFrame = field(repr=False)
    identity: dict[str, Any] = field(repr=False)

    @property
    def best(self) -> Floats:
        """The best point of the search, shape (k,)."""
        return np.asarray(self.ends[0])

    @property
    def cost(self) -> float:
        """Objective there: loss of the data and squares of the priors."""
        return float(self.starts["cost"].iloc[0])

    @cached_property
    def nllh(self) -> float | None:
        """Minus the logarithm of the likelihood of a PEtab problem, as PEtab defines it."""
        return None if self.problem.nllh is None else self.problem.nllh(self.best)

    @property
    def same(self) -> int:
        """Number of starts that found it."""
        return int((self.starts["cost"] <= self.cost + SAME).sum())

    @property
    def values(self) -> dict[str, float]:
        """Id -> fitted value."""
        return self.problem.values(self.best)

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """One row a parameter.

        Columns: parameter, before (value of the models), estimate, unit; low, high (95 %, prior
        included, from the curvature); data_low, data_high (95 %, from the data and the priors of
        the other parameters: from its profile if there is one; NaN where it is open), interval
        (``"profile"`` or ``"curvature"``), status (``"determined"``, ``"open above"``,
        ``"simulations fail above"`` …: there the interval ends at what could be simulated),
        from_data (share of what is known that the data say), at_end (whether it lies at an end of
        the search), confidence.
        """
        return pd.DataFrame([self._estimate(k) for k in range(len(self.problem.free))])

    def _estimate(self, place: int) -> dict[str, Any]:
        one, step = self.problem.free[place], float(self.best[place])
        low, high, sd, data_sd = self._spreads(place)
        if one.id in self.records:
            record = self.records[one.id]
            found = optimise.interval(
                np.array(record["steps"]), np.array(record["costs"]), record.get("failed", ())
            )
            ends, how, fails = (found.low, found.high), "profile", found.fails
        else:
            ends, how, fails = self._inside(place, step, data_sd), "curvature", ()
        begin, end = one.ends
        return {
            "parameter": one.id,
            "before": one.value,
            "estimate": one.value_at(step),
            "unit": one.unit,
            "low": one.value_at(max(step - _WITHIN * sd, low)),
            "high": one.value_at(min(step + _WITHIN * sd, high)),
            "data_low": one.value_at(ends[0]) if np.isfinite(ends[0]) else np.nan,
            "data_high": one.value_at(ends[1]) if np.isfinite(ends[1]) else np.nan,
            "interval": how,
            "status": optimise.status_of(*ends, fails),
            "from_data": 1.0 if not one.has_prior else min(max(0.0, 1 - sd**2), 1.0),
            "at_end": min(step - begin, end - step) < _EDGE * (end - begin),
            "confidence": one.confidence,
        }

    def _spreads(self, place: int) -> tuple[float, float, float, float]:
        """Return the ends of the search, and standard deviations with its own prior and without."""
        low, high = self.problem.free[place].ends
        variance = float(self.covariance[place, place])
        own = 1.0 if self.problem.free[place].has_prior else 0.0
        known = 1 / variance - own if variance > 0 else np.inf
        data = 1 / np.sqrt(known) if known > 1e-9 else np.inf
        return low, high, float(np.sqrt(variance)), float(data)

    def _inside(self, place: int, step: float, sd: float) -> tuple[float, float]:
        begin, end = self.problem.free[place].ends
        low, high = step - _WITHIN * sd, step + _WITHIN * sd
        return (low if low > begin else -np.inf), (high if high < end else np.inf)

    @cached_property
    def covariance(self) -> Floats:
        """Of the parameters at the best, priors included, in their units, shape (k, k)."""
        # Without a prior, what nothing tells has at least the width of the search.
        width = np.subtract(*self.problem.ends[::-1])
        prior = np.where(self.problem.has_prior, 1.0, 1e-6 / np.maximum(width, 1.0) ** 2)
        return np.asarray(np.linalg.inv(self.curvature + np.diag(prior)))

    @property
    def undetermined(self) -> tuple[str, ...]:
        """Ids that the data leave open on one side or both, or up to where simulations fail."""
        table = self.estimates
        return tuple(table.loc[table["status"] != "determined", "parameter"])

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """The data beside the model: before the fit, and after it; residuals in standard errors."""
        return self.problem.compared({"before": self.problem.origin, "fitted": self.best})

    @cached_property
    def target_table(self) -> pd.DataFrame:
        """Published numbers beside the model: id, quantity, value, low, high, before, fitted."""
        rows = []
        both = [Outcomes(self.problem.values(one)) for one in (self.problem.origin, self.best)]
        for one in self.problem.targets:
            before, fitted = (one.read(outcomes) for outcomes in both)
            rows.append(
                {"id": one.id, "quantity": one.quantity, "value": one.value, "low": one.low,
                 "high": one.high, "unit": one.unit, "before": before, "fitted": fitted,
                 "verdict": one.verdict(fitted)}
            )  # fmt: skip
        return pd.DataFrame(rows)

    @cached_property
    def profiles(self) -> pd.DataFrame:
        """Every point of the profiles: parameter, value, cost (above its least)."""
        rows = [
            (id, self._free(id).value_at(step), cost - min(record["costs"]))
            for id, record in self.records.items()
            for step, cost in zip(record["steps"], record["costs"], strict=True)
        ]
        return pd.DataFrame(rows, columns=["parameter", "value", "cost"])

    @cached_property
    def better(self) -> tuple[str, ...]:
        """Parameters along whose profile a better fit was met: there were too few starts."""
        found = []
        for one in self.problem.free:
            if one.id in self.records:
                record = self.records[one.id]
                own = float(one.has_prior)
                costs = [
                    cost + own * step**2
                    for step, cost in zip(record["steps"], record["costs"], strict=True)
                ]
                found += [one.id] if min(costs) < self.cost - SAME else []
        return tuple(found)

    @cached_property
    def ensemble(self) -> pd.DataFrame:
        """Parameter sets that agree with the data: the best, and starts and points of profiles.

        Their objective lies no further above the best than the 95 % threshold for one parameter;
        each row has its cost above the best and a column for each parameter.
        """
        points = [
            (float(cost), end) for cost, end in zip(self.starts["cost"], self.ends, strict=True)
        ]
        free: Sequence[Free | Estimated] = self.problem.free
        for place, one in enumerate(free):
            for cost, point in self._points(one.id):
                points.append((cost + float(one.has_prior) * point[place] ** 2, point))
        kept = [(cost, end) for cost, end in points if cost <= self.cost + optimise.THRESHOLD]
        rows = [{"cost": cost - self.cost, **self.problem.values(end)} for cost, end in kept]
        return pd.DataFrame(rows).drop_duplicates().sort_values("cost", ignore_index=True)

    def _points(self, id: str) -> list[tuple[float, Floats]]:
        record = self.records.get(id, {"costs": (), "points": ()})
        return [(c, np.array(p)) for c, p in zip(record["costs"], record["points"], strict=True)]

    def _free(self, id: str) -> Free | Estimated:
        return next(one for one in self.problem.free if one.id == id)

    # -- files -------------------------------------------------------------------------------

    def set_blocks(self) -> dict[str, str]:
        """Return file name -> scenario file: what a scenario sets to have the fitted values.

        ``set.yaml``, and for each cell with values of its own ``set_CELL.yaml`` with all of them.
        A PEtab problem has none, but a table of parameters with the fitted values.
        """
        if not self.problem.is_of_cells:
            return {}
        values = {id: float(f"{one:.6g}") for id, one in self.values.items()}
        shared = {id: one for id, one in values.items() if "." not in id}
        found = {} if not shared else {"set.yaml": self._block(shared, None)}
        for cell in dict.fromkeys(id.rpartition(".")[0] for id in values if "." in id):
            own = {k.rpartition(".")[2]: v for k, v in values.items() if k.startswith(f"{cell}.")}
            found[f"set_{cell}.yaml"] = self._block(shared | own, cell)
        return found

    def _block(self, values: Mapping[str, float], cell: str | None) -> str:
        units = {one.id.rpartition(".")[2]: one.unit for one in self.problem.free}
        open_ids = {id.rpartition(".")[2] for id in self.undetermined}
        lines = [
            "# Written by mtorsim fit. What is set goes before what a cell or perturbation says."
        ]
        lines += [f"# {text}" for text in self._clashes(values)]
        lines += [f"cell: {cell}"] if cell else []
        lines.append("set:")
        for id, value in values.items():
            unit = units[id] if units[id] != "1" else ""
            note = "  # not determined by the data" if id in open_ids else ""
            lines.append(f"  {id}: {f'{value!r} {unit}'.strip()}{note}")
        return "\n".join(lines) + "\n"

    @property
    def _scenarios(self) -> Sequence[Scenario]:
        return () if isinstance(self.problem, PetabProblem) else self.problem.scenarios

    def _clashes(self, values: Mapping[str, float]) -> list[str]:
        """Say which perturbations of the data change what would be set."""
        used = dict.fromkeys(name for one in self._scenarios for name in one.perturbations)
        return [
            f"{name} changes {change.target}: with it, set that id yourself."
            for name in used
            for change in perturbation.load(name).changes
            if change.target in values and perturbation.load(name).timing == "chronic"
        ]

    def plot(self, kind: str = "fit") -> "Figure":
        """Return a figure.

        Parameters
        ----------
        kind : {"fit", "waterfall", "profiles"}
            Data and curves; the objective of each start; profiles with the threshold.

        Raises
        ------
        UnknownIdError
            For another kind.
        InputError
            For profiles that were not made, or curves without a table of data.
        """
        from mtorsim import plot_fit

        if kind not in PLOTS:
            raise UnknownIdError(kind="figure", given=kind, choices=PLOTS)
        if kind == "profiles" and not self.records:
            raise InputError("this fit has no profiles: ask for them with profile=True.")
        return getattr(plot_fit, kind)(self)  # type: ignore[no-any-return]

    def files(self) -> dict[str, bytes]:
        """Return every file of a fit: name -> content."""
        from mtorsim.export.files import csv, png

        tables: dict[str, pd.DataFrame] = {
            "estimates.csv": self.estimates,
            "starts.csv": self.starts,
            "ensemble.csv": self.ensemble,
        }
        if self.problem.has_table:
            tables["predictions.csv"] = self.predictions
        if self.problem.targets:
            tables["targets.csv"] = self.target_table
        if self.records:
            tables["profiles.csv"] = self.profiles
        if len(self.validation):
            tables["validation.csv"] = self.validation
        found = {name: csv(one) for name, one in tables.items()}
        found |= {name: text.encode() for name, text in self.set_blocks().items()}
        found |= self.problem.own_files(self.best)
        kinds: Sequence[str] = PLOTS if self.records else PLOTS[:2]
        return found | {f"{kind}.png": png(self.plot(kind)) for kind in kinds}

    def save(self, folder: str | Path) -> Path:
        """Write tables, figures and ``set.yaml`` into a folder; return it.

        Raises
        ------
        InputError
            For a folder that cannot be written to.
        MtorsimError
            When writing fails, for example on a full disk.
        """
        from mtorsim.export.files import check_folder_target, holds, write_folder

        files = self.files()
        if not holds(folder, files):  # read again, perhaps from a disk that takes nothing
            check_folder_target(folder, files)
            write_folder(folder, files)
        return Path(folder)
