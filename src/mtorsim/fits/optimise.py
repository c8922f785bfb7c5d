"""Least squares from one start, the curvature at its end, and profiles along one parameter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np

from mtorsim.fits.objective import Found, Objective
from mtorsim.fits.petab_parameters import Estimated
from mtorsim.fits.petab_problem import PetabProblem, noise_seen_from
from mtorsim.fits.problem import Free, Problem
from mtorsim.steps import Floats

AnyProblem: TypeAlias = Problem | PetabProblem

THRESHOLD = 3.841459
"""How much the objective rises to the ends of a 95 % interval: chi-squared, one parameter."""

MOST_STEPS = 100
"""Of an optimisation; each takes as many evaluations as there are parameters, and one."""

_INSIDE = 1e-6  # from the ends of the search, where an optimisation begins
_TOLERANCE, _OF_PROFILE = 1e-6, 1e-4  # relative, of the objective and of the steps
_MOST_POINTS = 40  # of a profile, on each side
_RISE = (0.4, 1.5)  # of the objective between points of a profile, that steps aim at
_COARSE, _MOST_HALVINGS = 4.0, 12  # rise across the threshold that is halved, and how often
_SMALLEST, _LARGEST = 1e-3, 1.0  # step of a profile, in units of the parameter


def minimise(
    problem: AnyProblem,
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

    if problem.has_noise:
        from mtorsim.fits import scoring

        assert isinstance(problem, PetabProblem)
        return scoring.minimise(problem, start, held, most, tolerance)
    objective = Objective(problem, held)
    if not objective.free:
        nothing = np.empty(0)
        cost, lost = float((objective(nothing) ** 2).sum()), objective.is_lost(nothing)
        return Found(objective.steps(nothing), cost, 1, objective.failed, True, lost)
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
    lost = objective.is_lost(found.x)
    return Found(objective.steps(found.x), 2 * float(found.cost), *counts, found.status > 0, lost)


def begin(problem: AnyProblem, count: int, seed: int) -> Floats:
    """Return starts, shape (count, k): the values of the models, and a Latin hypercube.

    The hypercube reaches over what holds 95 % of a prior, and over the whole search without one.
    """
    from scipy.stats import qmc

    low, high = problem.ends
    inner = np.where(problem.has_prior, 1.96, np.inf)
    low, high = np.maximum(low, -inner), np.minimum(high, inner)
    generator = np.random.default_rng(seed)
    rows = [np.clip(problem.origin, low, high)]
    if count > 1:
        shares = qmc.LatinHypercube(len(low), rng=generator).random(count - 1)
        rows += list(low + shares * (high - low))
    return np.stack(rows)


def one_start(problem: AnyProblem, start: Floats) -> dict[str, Any]:
    """Return the record of an optimisation from one start, JSON values."""
    found = minimise(problem, start)
    plain = {key: one for key, one in asdict(found).items() if key != "is_lost"}
    record = plain | {"steps": found.steps.tolist(), "begun": start.tolist()}
    # All that was tried failed: there is no fit from here.
    is_lost = found.failed == found.evaluations
    return record | {"reason": "nothing from here could be simulated" if is_lost else ""}


def curvature(problem: AnyProblem, steps: Floats) -> Floats:
    """Return JᵀJ at a point of the search, priors left out, shape (k, k).

    From central differences; what the data say of the parameters near a fit.
    """
    columns = []
    low, high = problem.ends
    seen: Callable[[Floats], Floats] = problem.damped
    if problem.has_noise:
        assert isinstance(problem, PetabProblem)
        seen = noise_seen_from(problem, steps)
    free: Sequence[Free | Estimated] = problem.free
    for k, one in enumerate(free):
        up, down = steps.copy(), steps.copy()
        up[k] = min(steps[k] + one.difference, high[k])
        down[k] = max(steps[k] - one.difference, low[k])
        columns.append((seen(up) - seen(down)) / (up[k] - down[k]))
    jacobian = np.stack(columns, axis=1)
    return np.asarray(jacobian.T @ jacobian)


def profile(problem: AnyProblem, best: Floats, place: int, spread: float) -> dict[str, Any]:
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
        ``steps`` (where it was held, rising), ``costs``, ``points`` (all parameters there),
        ``failed`` (whether nothing there could be simulated); JSON values.
    """
    middle = minimise(problem, best, held={place: float(best[place])})
    rows = {float(best[place]): middle}
    for side in (-1, 1, -1, 1):  # once more where the other side went below what was the least
        _walk(problem, rows, place, side, float(np.clip(0.5 * spread, _SMALLEST, _LARGEST)))
    for side in (-1, 1):
        _refine(problem, rows, place, side)
    order = sorted(rows)
    return {
        "parameter": problem.free[place].id,
        "steps": order,
        "costs": [rows[one].cost for one in order],
        "points": [rows[one].steps.tolist() for one in order],
        "failed": [rows[one].is_lost for one in order],
    }


def _walk(
    problem: AnyProblem,
    rows: dict[float, Found],
    place: int,
    side: int,
    step: float,
) -> None:
    """Add points on one side until the objective has risen enough, or the search ends."""
    end = float(problem.ends[(side + 1) // 2][place])
    for _ in range(_MOST_POINTS):
        outer = max(rows, key=lambda one: side * one)
        cost, there = rows[outer].cost, rows[outer].steps
        if cost > min(one.cost for one in rows.values()) + THRESHOLD or outer == end:
            return
        held = outer + side * step
        if side * held >= side * end:
            held = end
        found = minimise(problem, there, held={place: held}, most=20, tolerance=_OF_PROFILE)
        rows[held] = found
        rise = abs(found.cost - cost)
        step = float(np.clip(step * _pace(rise), _SMALLEST, _LARGEST))


def _refine(problem: AnyProblem, rows: dict[float, Found], place: int, side: int) -> None:
    """Add points where the objective crosses the threshold on one side, if it does so steeply."""
    for _ in range(_MOST_HALVINGS):
        least = min(rows, key=lambda one: rows[one].cost)
        outwards = sorted(
            (one for one in rows if side * (one - least) >= 0), key=lambda one: side * one
        )
        costs = [rows[one].cost - rows[least].cost for one in outwards]
        k = next((k for k, cost in enumerate(costs) if cost > THRESHOLD), None)
        if k is None or costs[k] - costs[k - 1] <= _COARSE:
            return
        held = (outwards[k - 1] + outwards[k]) / 2
        near = rows[outwards[k - 1]].steps
        found = minimise(problem, near, held={place: held}, most=20, tolerance=_OF_PROFILE)
        rows[held] = found


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
    fails : tuple of str
        Sides (``"below"``, ``"above"``) that end where simulations fail: there `low` or `high` is
        the last point that could be simulated, and the data say nothing.
    """

    low: float
    high: float
    least: float
    fails: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """``"determined"``, or which side the data leave open."""
        return status_of(self.low, self.high, self.fails)


def status_of(low: float, high: float, fails: Sequence[str] = ()) -> str:
    """Return what an interval says: which of its ends the data determine."""
    open_sides = [name for name, end in (("below", low), ("above", high)) if not np.isfinite(end)]
    said = [f"open {' and '.join(open_sides)}"] if open_sides else []
    said += [f"simulations fail {' and '.join(fails)}"] if fails else []
    return ", ".join(said) or "determined"


def interval(steps: Floats, costs: Floats, failed: Sequence[bool] = ()) -> Interval:
    """Return the 95 % interval of a profile.

    Between its points the root of the rise is linear, which is exact for a parabola: a straight
    line would make intervals too narrow. An end beyond which nothing could be simulated is no
    crossing.
    """
    least = float(costs.min())
    above = np.sqrt(costs - least) - np.sqrt(THRESHOLD)
    lost = np.array(failed or [False] * len(steps), dtype=bool)
    place = int(costs.argmin())
    below, upward = slice(place, None, -1), slice(place, None)
    ends = [
        _crossing(steps[side], above[side], lost[side], nowhere)
        for side, nowhere in ((below, -np.inf), (upward, np.inf))
    ]
    fails = [name for name, (_, is_lost) in zip(("below", "above"), ends, strict=True) if is_lost]
    return Interval(ends[0][0], ends[1][0], least, tuple(fails))


def _crossing(
    steps: Floats, above: Floats, lost: np.ndarray[Any, np.dtype[np.bool_]], nowhere: float
) -> tuple[float, bool]:
    """Return where values, going outwards, first rise above zero, and whether they fail there."""
    hits = np.flatnonzero(above > 0)
    if not len(hits):
        return nowhere, False
    k = int(hits[0])
    if lost[k]:
        return float(steps[k - 1]), True
    share = above[k - 1] / (above[k - 1] - above[k])
    return float(steps[k - 1] + share * (steps[k] - steps[k - 1])), False


def validate(problem: AnyProblem, best: Floats, name: str) -> dict[str, Any]:
    """Return the record of a fit without one dataset, and how it predicts that; JSON values.

    A dataset in arbitrary units still gets its own scales: each costs its residuals one degree
    of freedom.
    """
    kept, left = problem.split(name)
    found = minimise(kept, best)
    steps = found.steps
    if own := left.own(kept):  # scales that it alone has are its to find
        held = {k: float(steps[k]) for k in range(len(best)) if k not in own}
        steps = minimise(left, steps, held=held).steps
    return {
        "dataset": name,
        "points": left.count,
        "scales": left.scales,
        "rms_predicted": _rms(left.residuals(steps), left.scales),
        "rms_fitted": _rms(left.residuals(best), left.scales),
        "rms_before": _rms(left.residuals(problem.origin), left.scales),
        "cost_of_the_rest": found.cost,
        "steps": steps.tolist(),
    }


def _rms(residuals: Floats, scales: int) -> float:
    free = max(1, len(residuals) - scales)
    return float(np.sqrt(float((residuals**2).sum()) / free))
