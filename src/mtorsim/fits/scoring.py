"""Optimisation where standard deviations are estimated, too: Fisher scoring within bounds.

Such a likelihood is no sum of squares. At each point it has the slope and the expected curvature of
one, though, which gives the step; the likelihood itself decides whether the step is taken.
"""

import math
from collections.abc import Mapping

import numpy as np

from mtorsim.fits.objective import Found, Objective
from mtorsim.fits.petab_problem import PetabProblem
from mtorsim.steps import Floats

_SQRT_2 = math.sqrt(2)
_GENTLE, _STEEP = 1e-3, 1e12  # damping at the start, and where no step helps any more
_EASED, _STIFFENED = 0.2, 4.0
_ENOUGH = 1e-4  # of the fall that was expected


class Likelihood(Objective):
    """Called with a point it returns differences, standard deviations and priors, in a row."""

    problem: PetabProblem

    def __init__(self, problem: PetabProblem, held: Mapping[int, float] | None = None) -> None:
        super().__init__(problem, held)
        self._reference = np.log(problem.differences(problem.origin)[1])

    def of_data(self, steps: Floats) -> Floats:
        """Return differences, then logarithms of standard deviations."""
        away, spread = self.problem.differences(steps)
        return np.concatenate([away, np.log(spread)])

    def of_failure(self) -> Floats:
        """Return nothing that could be taken for a value."""
        return np.full(2 * self.problem.count, np.nan)

    def cost(self, row: Floats) -> float:
        """Return twice minus the logarithm of the posterior, but for a constant."""
        away, logs, priors = self._parts(row)
        found = float(((away / np.exp(logs)) ** 2).sum() + 2 * (logs - self._reference).sum())
        return found + float((priors**2).sum()) if math.isfinite(found) else math.inf

    def linear(self, own: Floats) -> tuple[Floats, Floats]:
        """Return residuals R and slopes J: JᵀR is half the slope of the cost, JᵀJ its curvature."""
        row = self(own)
        slopes = np.nan_to_num(self.jacobian(own))  # of what fails on one side nothing is known
        away, logs, priors = self._parts(row)
        n, spread = len(away), np.exp(logs)
        r = away / spread
        matrix = np.concatenate(
            [slopes[:n] / spread[:, None], _SQRT_2 * slopes[n : 2 * n], slopes[2 * n :]]
        )
        return np.concatenate([r, (1 - r**2) / _SQRT_2, priors]), matrix

    def _parts(self, row: Floats) -> tuple[Floats, Floats, Floats]:
        n = self.problem.count
        return row[:n], row[n : 2 * n], row[2 * n :]


def minimise(
    problem: PetabProblem,
    start: Floats,
    held: Mapping[int, float] | None,
    most: int,
    tolerance: float,
) -> Found:
    """Return the nearest minimum; as `optimise.minimise`."""
    seen = Likelihood(problem, held)
    low, high = seen.ends
    own = np.clip(np.asarray(start, dtype=float)[seen.free], low, high)
    cost, converged = seen.cost(seen(own)), not seen.free
    damping = _GENTLE
    for _ in range(most if seen.free else 0):
        if not math.isfinite(cost):
            break
        vector, matrix = seen.linear(own)
        better = None
        while better is None and damping < _STEEP:
            step, expected = _step(vector, matrix, damping, low - own, high - own)
            tried = np.clip(own + step, low, high)
            there = seen.cost(seen(tried))
            if expected <= tolerance * max(1.0, abs(cost)):
                converged = True
                better = (tried, there) if there < cost else (own, cost)
            elif cost - there >= _ENOUGH * expected:
                better = tried, there
                damping = max(damping * _EASED, 1e-9)
            else:
                damping *= _STIFFENED
        if better is None:
            break
        own, cost = better
        if converged:
            break
    lost = not math.isfinite(cost)
    counts = seen.evaluations, seen.failed
    return Found(seen.steps(own), _NOWHERE if lost else cost, *counts, converged, lost)


_NOWHERE = 1e9


def _step(
    vector: Floats, matrix: Floats, damping: float, low: Floats, high: Floats
) -> tuple[Floats, float]:
    """Return the damped step within bounds, and by how much the cost should fall."""
    from scipy.optimize import lsq_linear

    scale = np.sqrt(damping * np.maximum((matrix**2).sum(axis=0), 1e-12))
    rows = np.concatenate([matrix, np.diag(scale)])
    target = np.concatenate([-vector, np.zeros(len(scale))])
    low, high = np.minimum(low, 0.0) - 1e-12, np.maximum(high, 0.0) + 1e-12
    step = lsq_linear(rows, target, bounds=(low, high)).x
    before, after = (vector**2).sum(), ((vector + matrix @ step) ** 2).sum()
    return step, float(before - after)
