"""Carries a sensitivity out: a design, simulated as a sweep of listed points, and analysed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from mtorsim.compile import compile_scenario
from mtorsim.errors import ScenarioError, shown
from mtorsim.scenario import Scenario
from mtorsim.sensitivities import analysis
from mtorsim.sensitivities.design import check, design
from mtorsim.sensitivities.result import Sensitivity
from mtorsim.steps import Floats
from mtorsim.sweeps import Axis, Plan, Sweep, carry_out, plan
from mtorsim.sweeps.carry_out import Progress
from mtorsim.sweeps.readings import CURVES
from mtorsim.sweeps.work import UNTREATED
from mtorsim.uncertainty import Bounds, Uncertain, uncertain
from mtorsim.units import Given

POINTS = "points"
"""Folder, within that of a sensitivity, of its sweep."""

READ = ("end",)

_LOCAL_TOLERANCES = {"relative_tolerance": 1e-10, "absolute_tolerance": 1e-10}
_LEVELS = ("end", "peak", CURVES)  # readings that have a counterpart in the untreated cell
_NO_SLOPE = "time_to_peak"  # of a curve at output times: jumps from one to the next


@dataclass(frozen=True)
class Request:
    """A sensitivity, checked, before anything is simulated.

    Attributes
    ----------
    method : str
    parameters : tuple of Uncertain
    points : int
        Trajectories of Morris, base samples of Sobol.
    seed : int
    second_order, relative, linear : bool
    plan : Plan
        The simulations.
    design : array, shape (n, k)
        Parameter sets.
    """

    method: str
    parameters: tuple[Uncertain, ...]
    points: int
    seed: int
    second_order: bool
    relative: bool
    linear: bool
    plan: Plan
    design: Floats

    @property
    def settings(self) -> dict[str, Any]:
        """What was asked, as JSON values."""
        kept = ("method", "points", "seed", "second_order", "relative", "linear")
        return {name: getattr(self, name) for name in kept} | {"read": list(self.plan.read)}


def sensitivity(
    scenario: Scenario | None = None,
    parameters: Iterable[str] = (),
    *,
    out: str | Path | None = None,
    workers: int = 1,
    resume: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Sensitivity:
    """Return how much each parameter moves each read-out of a scenario.

    Parameters
    ----------
    scenario : Scenario, optional
        Default: 786-O without a drug. Its `observe` says which read-outs.
    parameters : iterable of str
        Ids or patterns such as ``"kphos_*"``; none for all.
    out : str or Path, optional
        Folder for tables, figures and, in ``points/``, the simulations, which survive
        interruptions; default: nothing is written.
    workers : int
        Processes of this machine.
    resume : bool
        Go on with what `out` holds of these simulations.
    progress : callable, optional
        Called with the number of simulations done and of all.
    **options
        As of `request`: `method`, `branches`, `confidences`, `bounds`, `read`, `times`, `points`,
        `seed`, `second_order`, `relative`, `linear`.

    Raises
    ------
    InputError
        For anything that cannot be carried out.
    SimulationError
        When the values of the model themselves cannot be simulated.
    """
    asked = request(_scenario(scenario), parameters, **options)
    return analysed(asked, out, workers=workers, resume=resume, progress=progress)


def request(
    scenario: Scenario,
    parameters: Iterable[str] = (),
    *,
    method: str = "local",
    branches: Iterable[str] = (),
    confidences: Iterable[str] = (),
    bounds: Bounds = MappingProxyType({}),
    read: Sequence[str] = READ,
    times: Iterable[Given] | None = None,
    points: int | None = None,
    seed: int = 0,
    second_order: bool = False,
    relative: bool = False,
    linear: bool = False,
) -> Request:
    """Return a checked sensitivity.

    Parameters
    ----------
    scenario : Scenario
    parameters, branches, confidences, bounds
        What is varied and how widely; see `uncertainty.uncertain`.
    method : {"local", "morris", "sobol"}
        Derivatives at the values of the model; or over the ranges, evenly in their logarithms,
        a screening or shares of the variance.
    read : sequence of str
        What of each curve: ``"end"``, ``"auc"``, ``"peak"``, ``"curves"`` (at each time),
        ``"time_to_peak"`` (not local).
    times : iterable of time, optional
        Output times; see `sweep`.
    points : int, optional
        Trajectories of Morris (20), or base samples of Sobol (256, a power of two).
    seed : int
        Of the design and of the bootstrap behind the intervals.
    second_order : bool
        Sobol's indices of pairs as well: twice the simulations.
    relative : bool
        Of the reading relative to the untreated cell with the same parameters.
    linear : bool
        Analyse readings of Morris and Sobol themselves, not their natural logarithms.

    Raises
    ------
    InputError
        For anything that cannot be carried out.
    """
    count = check(method, points, second_order=second_order)
    kept = (read,) if isinstance(read, str) else tuple(read)
    _check_read(kept, method, relative)
    chosen = uncertain(
        compile_scenario(scenario),
        parameters,
        branches=branches,
        confidences=confidences,
        bounds=bounds,
    )
    rows = design(method, chosen, count, seed, second_order=second_order)
    axes = [Axis(one.id, tuple(rows[:, k].tolist())) for k, one in enumerate(chosen)]
    tolerances: Any = _LOCAL_TOLERANCES if method == "local" else {}
    made = plan(scenario, axes, method="list", read=kept, times=times, **tolerances)
    return Request(method, chosen, count, seed, second_order, relative, linear, made, rows)


def analysed(
    asked: Request,
    out: str | Path | None = None,
    *,
    workers: int = 1,
    resume: bool = False,
    progress: Progress | None = None,
) -> Sensitivity:
    """Simulate and analyse; arguments as of `sensitivity`."""
    folder = None if out is None else Path(out) / POINTS
    done = carry_out(asked.plan, folder, workers=workers, resume=resume, progress=progress)
    labels, values = _readings(done, asked)
    if asked.method == "local":
        table, left_out = analysis.local(values, asked.parameters)
        pairs, lost = pd.DataFrame(), 0
    else:
        table, pairs, left_out, lost = analysis.sampled(
            *(asked.method, asked.design, values, asked.parameters),
            seed=asked.seed,
            second_order=asked.second_order,
            logarithmic=not asked.linear,
        )
    missing = pd.DataFrame([{"place": one.place, "reason": one.reason} for one in left_out])
    found = Sensitivity(
        method=asked.method,
        table=_labelled(table, labels),
        pairs=_labelled(pairs, labels),
        parameters=asked.parameters,
        left_out=_labelled(missing, labels),
        lost=lost,
        sweep=done,
        settings=asked.settings,
    )
    if out is not None:
        found.save(out)
    return found


def _scenario(given: object) -> Scenario:
    if given is None:
        return Scenario()
    if not isinstance(given, Scenario):
        raise ScenarioError(f"expected a Scenario, got {type(given).__name__}.")
    return given


def _check_read(read: Sequence[str], method: str, relative: bool) -> None:
    if method == "local" and _NO_SLOPE in read:
        raise ScenarioError(
            f"read: {_NO_SLOPE} jumps from one output time to the next and has no derivative. "
            "Leave it out, or choose method 'morris' or 'sobol'."
        )
    bad = [one for one in read if relative and one not in _LEVELS]
    if bad:
        raise ScenarioError(
            f"read: {shown(bad[0])} has no counterpart in the untreated cell. "
            f"Relative are {', '.join(_LEVELS)}."
        )


def _readings(done: Sweep, asked: Request) -> tuple[pd.DataFrame, Floats]:
    """Return labels of the read-outs, and their values, shape (n, q)."""
    data, labels, columns = done.dataset, [], []
    observables = [str(one) for one in data["observable"].to_numpy()]
    untreated = data[UNTREATED].to_numpy()
    for reading in asked.plan.read:
        values = data[reading].to_numpy()
        if asked.relative:
            base = untreated[:, None] if reading == CURVES else untreated
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.where(base > analysis.NOTHING, values / base, 0.0)
                values = np.where(np.isnan(base), np.nan, values)
        times = asked.plan.curve_times.tolist() if reading == CURVES else [np.nan]
        labels += [(one, reading, time) for time in times for one in observables]
        columns.append(values.reshape(len(values), -1))
    table = pd.DataFrame(labels, columns=["observable", "reading", "time_min"])
    return table, np.concatenate(columns, axis=1)


def _labelled(table: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the labels of its read-outs in front, in their order."""
    if not len(table):
        return pd.DataFrame(
            columns=[*labels.columns, *table.columns.drop("place", errors="ignore")]
        )
    ordered = table.sort_values("place", kind="stable")
    front = labels.iloc[ordered["place"]].reset_index(drop=True)
    return pd.concat([front, ordered.drop(columns="place").reset_index(drop=True)], axis=1)
