"""Least squares from one start, the curvature at its end, and profiles along one parameter."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mtorsim.errors import SimulationError
from mtorsim.fits.problem import Problem
from mtorsim.steps import Floats

THRESHOLD = 3.841459
"""How much the objective rises to the ends of a 95 % interval: chi-squared, one parameter."""

MOST_STEPS = 100
"""Of an optimisation; each takes as many evaluations as there are parameters, and one."""

_DIFFERENCE = 2e-3  # ln of a parameter, for derivatives: far above the solver's noise
_BAD = 1e3  # residual of what cannot be simulated: the fit steps back
_INSIDE = 1e-6  # from the ends of the search, where an optimisation begins
_TOLERANCE, _OF_PROFILE = 1e-6, 1e-4  # relative, of the objective and of the steps
_MOST_POINTS = 40  # of a profile, on each side
_RISE = (0.4, 1.5)  # of the objective between points of a profile, that steps aim at
_COARSE, _MOST_HALVINGS = 4.0, 12  # rise across the threshold that is halved, and how often
_SMALLEST, _LARGEST = 1e-3, 1.0  # step of a profile, in units of the parameter


@dataclass(frozen=True)
class Found:
    """Where an optimisation ended.

    Attributes
    ----------
    steps : array, shape (k,)
    cost : float
        Loss of the data and squares of the priors: twice the negative logarithm of the
        posterior, but for a constant.
    evaluations, failed : int
        Of the model, and those of them that could not be simulated.
    converged : bool
    """

    steps: Floats
    cost: float
    evaluations: int
    failed: int
    converged: bool


class Objective:
    """Residuals of a problem over its free parameters, some of them held.

    Called with a point of the search, shape (k,), it returns damped residuals of the data, then
    the priors as residuals: half the sum of squares is minus the logarithm of the posterior.

    Parameters
    ----------
    problem : Problem
    held : mapping of int to float, optional
        Place of a parameter -> step at which it is held, without its prior.
    """

    def __init__(self, problem: Problem, held: Mapping[int, float] | None = None) -> None:
        self.problem, self.held = problem, held or {}
        self.free = [k for k in range(len(problem.free)) if k not in self.held]
        # A parameter that is held is told by the data and by what the others are, not by its prior.
        self.priors = [k for k in self.free if problem.has_prior[k]]
        self.spreads = np.array([problem.free[k].spread for k in self.free])
        self.ends = tuple(end[self.free] for end in problem.ends)
        self.evaluations = self.failed = 0
        self._last: tuple[bytes, Floats] | None = None

    def steps(self, own: Floats) -> Floats:
        """Return a point of the whole search, held parameters included."""
        every = np.empty(len(self.problem.free))
        every[self.free] = own
        for k, value in self.held.items():
            every[k] = value
        return every

    def __call__(self, own: Floats) -> Floats:
        """Return the residuals at a point of the search."""
        key = own.tobytes()
        if self._last is None or self._last[0] != key:
            self._last = key, self._evaluated(own)
        return self._last[1]

    def _evaluated(self, own: Floats) -> Floats:
        steps = self.steps(own)
        self.evaluations += 1
        try:
            data = self.problem.damped(steps)
        except SimulationError:
            self.failed += 1
            data = np.full(self.problem.count, _BAD)
        return np.concatenate([data, steps[self.priors]])

    def jacobian(self, own: Floats) -> Floats:
        """Return the derivatives of the residuals, by forward differences."""
        here = self(own)
        columns = []
        for k, spread in enumerate(self.spreads):
            step = _DIFFERENCE / spread
            if own[k] + step > self.ends[1][k]:
                step = -step
            there = own.copy()
            there[k] += step
            columns.append((self._evaluated(there) - here) / step)
        return np.stack(columns, axis=1)


def minimise(
    problem: Problem,
    start: Floats,
    *,
    held: Mapping[int, float] | None = None,
    most: int = MOST_STEPS,
    tolerance: float = _TOLERANCE,
) -> Found:
    """Return the nearest minimum of the objective.

    Parameters
    ----------
    problem : Problem
    start : array, shape (k,)
        A point of the search.
    held : mapping of int to float, optional
        Place of a parameter -> step at which it is held, without its prior.
    most : int
        Number of steps.
    tolerance : float
        Relative, of the objective and of the steps.
    """
    from scipy.optimize import least_squares

    objective = Objective(problem, held)
    if not objective.free:
        cost = float((objective(np.empty(0)) ** 2).sum())
        return Found(objective.steps(np.empty(0)), cost, 1, objective.failed, True)
    low, high = objective.ends
    margin = _INSIDE * (high - low)
    begin = np.clip(np.asarray(start, dtype=float)[objective.free], low + margin, high - margin)
    found = least_squares(
        *(objective, begin),
        jac=objective.jacobian,
        bounds=(low, high),
        ftol=tolerance,
        xtol=tolerance,
        gtol=tolerance,
        max_nfev=most,
    )
    counts = objective.evaluations, objective.failed
    return Found(objective.steps(found.x), 2 * float(found.cost), *counts, found.status > 0)


def begin(problem: Problem, count: int, seed: int) -> Floats:
    """Return starts, shape (count, k): the values of the models, and a Latin hypercube.

    The hypercube reaches over what holds 95 % of a prior, and over the whole search without one.
    """
    from scipy.stats import qmc

    low, high = problem.ends
    inner = np.where(problem.has_prior, 1.96, np.inf)
    low, high = np.maximum(low, -inner), np.minimum(high, inner)
    generator = np.random.default_rng(seed)
    rows = [np.clip(np.zeros(len(low)), low, high)]
    if count > 1:
        shares = qmc.LatinHypercube(len(low), rng=generator).random(count - 1)
        rows += list(low + shares * (high - low))
    return np.stack(rows)


def one_start(problem: Problem, start: Floats) -> dict[str, Any]:
    """Return the record of an optimisation from one start, JSON values."""
    found = minimise(problem, start)
    record = asdict(found) | {"steps": found.steps.tolist(), "begun": start.tolist()}
    # All that was tried failed: there is no fit from here.
    is_lost = found.failed == found.evaluations
    return record | {"reason": "nothing from here could be simulated" if is_lost else ""}


def curvature(problem: Problem, steps: Floats) -> Floats:
    """Return JᵀJ at a point of the search, priors left out, shape (k, k).

    From central differences; what the data say of the parameters near a fit.
    """
    columns = []
    low, high = problem.ends
    for k, one in enumerate(problem.free):
        up, down = steps.copy(), steps.copy()
        up[k] = min(steps[k] + _DIFFERENCE / one.spread, high[k])
        down[k] = max(steps[k] - _DIFFERENCE / one.spread, low[k])
        columns.append((problem.damped(up) - problem.damped(down)) / (up[k] - down[k]))
    jacobian = np.stack(columns, axis=1)
    return np.asarray(jacobian.T @ jacobian)


def profile(problem: Problem, best: Floats, place: int, spread: float) -> dict[str, Any]:
    """Return the record of a profile: the least objective with one parameter held.

    The prior of that parameter is left out.

    Parameters
    ----------
    problem : Problem
    best : array, shape (k,)
        The best fit.
    place : int
        Which parameter.
    spread : float
        Its standard deviation as far as is known, which decides the first step.

    Returns
    -------
    dict
        ``steps`` (where it was held, rising), ``costs``, ``points`` (all parameters there);
        JSON values.
    """
    middle = minimise(problem, best, held={place: float(best[place])})
    rows = {float(best[place]): (middle.cost, middle.steps)}
    for side in (-1, 1, -1, 1):  # once more where the other side went below what was the least
        _walk(problem, rows, place, side, float(np.clip(0.5 * spread, _SMALLEST, _LARGEST)))
    for side in (-1, 1):
        _refine(problem, rows, place, side)
    order = sorted(rows)
    return {
        "parameter": problem.free[place].id,
        "steps": order,
        "costs": [rows[one][0] for one in order],
        "points": [rows[one][1].tolist() for one in order],
    }


def _walk(
    problem: Problem,
    rows: dict[float, tuple[float, Floats]],
    place: int,
    side: int,
    step: float,
) -> None:
    """Add points on one side until the objective has risen enough, or the search ends."""
    end = float(problem.ends[(side + 1) // 2][place])
    for _ in range(_MOST_POINTS):
        outer = max(rows, key=lambda one: side * one)
        cost, there = rows[outer]
        if cost > min(one for one, _ in rows.values()) + THRESHOLD or outer == end:
            return
        held = outer + side * step
        if side * held >= side * end:
            held = end
        found = minimise(problem, there, held={place: held}, most=20, tolerance=_OF_PROFILE)
        rows[held] = found.cost, found.steps
        rise = abs(found.cost - cost)
        step = float(np.clip(step * _pace(rise), _SMALLEST, _LARGEST))


def _refine(
    problem: Problem, rows: dict[float, tuple[float, Floats]], place: int, side: int
) -> None:
    """Add points where the objective crosses the threshold on one side, if it does so steeply."""
    for _ in range(_MOST_HALVINGS):
        least = min(rows, key=lambda one: rows[one][0])
        outwards = sorted(
            (one for one in rows if side * (one - least) >= 0), key=lambda one: side * one
        )
        costs = [rows[one][0] - rows[least][0] for one in outwards]
        k = next((k for k, cost in enumerate(costs) if cost > THRESHOLD), None)
        if k is None or costs[k] - costs[k - 1] <= _COARSE:
            return
        held = (outwards[k - 1] + outwards[k]) / 2
        near = rows[outwards[k - 1]][1]
        found = minimise(problem, near, held={place: held}, most=20, tolerance=_OF_PROFILE)
        rows[held] = found.cost, found.steps


def _pace(rise: float) -> float:
    if rise < _RISE[0]:
        return 1.8
    return 1.0 if rise < _RISE[1] else 0.5


@dataclass(frozen=True)
class Interval:
    """Where a profile crosses its threshold.

    Attributes
    ----------
    low, high : float
        In steps; infinite where it does not cross before the search ends.
    least : float
        Objective at its lowest point.
    """

    low: float
    high: float
    least: float

    @property
    def status(self) -> str:
        """``"determined"``, or which side the data leave open."""
        return status_of(self.low, self.high)


def status_of(low: float, high: float) -> str:
    """Return what an interval says: which of its ends are known."""
    open_sides = [name for name, end in (("below", low), ("above", high)) if not np.isfinite(end)]
    return f"open {' and '.join(open_sides)}" if open_sides else "determined"


def interval(steps: Floats, costs: Floats) -> Interval:
    """Return the 95 % interval of a profile.

    Between its points the root of the rise is linear, which is exact for a parabola: a straight
    line would make intervals too narrow.
    """
    least = float(costs.min())
    above = np.sqrt(costs - least) - np.sqrt(THRESHOLD)
    place = int(costs.argmin())
    return Interval(
        _crossing(steps[: place + 1][::-1], above[: place + 1][::-1], -np.inf),
        _crossing(steps[place:], above[place:], np.inf),
        least,
    )


def _crossing(steps: Floats, above: Floats, nowhere: float) -> float:
    """Return where values, going outwards, first rise above zero."""
    hits = np.flatnonzero(above > 0)
    if not len(hits):
        return nowhere
    k = int(hits[0])
    share = above[k - 1] / (above[k - 1] - above[k])
    return float(steps[k - 1] + share * (steps[k] - steps[k - 1]))


def validate(problem: Problem, best: Floats, name: str) -> dict[str, Any]:
    """Return the record of a fit without one dataset, and how it predicts that; JSON values.

    A dataset in arbitrary units still gets its own scales: each costs its residuals one degree
    of freedom.
    """
    kept, left = problem.split(name)
    found = minimise(kept, best)
    return {
        "dataset": name,
        "points": left.count,
        "scales": left.scales,
        "rms_predicted": _rms(left.residuals(found.steps), left.scales),
        "rms_fitted": _rms(left.residuals(best), left.scales),
        "rms_before": _rms(left.residuals(np.zeros(len(best))), left.scales),
        "cost_of_the_rest": found.cost,
        "steps": found.steps.tolist(),
    }


def _rms(residuals: Floats, scales: int) -> float:
    free = max(1, len(residuals) - scales)
    return float(np.sqrt(float((residuals**2).sum()) / free))
