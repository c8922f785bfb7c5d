"""What is minimised: residuals of a problem over its free parameters, some of them held."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtorsim.errors import SimulationError
from mtorsim.steps import Floats

BAD = 1e3
"""Residual of what cannot be simulated: the fit steps back."""


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
    is_lost : bool
        Whether where it ended cannot be simulated either.
    """

    steps: Floats
    cost: float
    evaluations: int
    failed: int
    converged: bool
    is_lost: bool = False


class Objective:
    """Residuals of a problem over its free parameters, some of them held.

    Called with a point of the search, shape (k,), it returns damped residuals of the data, then
    the priors as residuals: half the sum of squares is minus the logarithm of the posterior.

    Parameters
    ----------
    problem : Problem or PetabProblem
    held : mapping of int to float, optional
        Place of a parameter -> step at which it is held, without its prior.
    """

    def __init__(self, problem: Any, held: Mapping[int, float] | None = None) -> None:
        self.problem, self.held = problem, held or {}
        self.free = [k for k in range(len(problem.free)) if k not in self.held]
        # A parameter that is held is told by the data and by what the others are, not by its prior.
        self.priors = [k for k in self.free if problem.has_prior[k]]
        self.differences = np.array([problem.free[k].difference for k in self.free])
        self.ends = tuple(end[self.free] for end in problem.ends)
        self.evaluations = self.failed = 0
        self._last: tuple[bytes, Floats] | None = None
        self._lost: set[bytes] = set()

    def steps(self, own: Floats) -> Floats:
        """Return a point of the whole search, held parameters included."""
        every = np.empty(len(self.problem.free))
        every[self.free] = own
        for k, value in self.held.items():
            every[k] = value
        return every

    def is_lost(self, own: Floats) -> bool:
        """Return whether a point that was tried could not be simulated."""
        return own.tobytes() in self._lost

    def __call__(self, own: Floats) -> Floats:
        """Return the residuals at a point of the search."""
        key = own.tobytes()
        if self._last is None or self._last[0] != key:
            self._last = key, self.evaluated(own)
        return self._last[1]

    def evaluated(self, own: Floats) -> Floats:
        """Return what a point gives, computed anew."""
        steps = self.steps(own)
        self.evaluations += 1
        try:
            data = self.of_data(steps)
        except SimulationError:
            self.failed += 1
            self._lost.add(own.tobytes())
            data = self.of_failure()
        return np.concatenate([data, steps[self.priors]])

    def of_data(self, steps: Floats) -> Floats:
        """Return the part that needs simulations."""
        return np.asarray(self.problem.damped(steps))

    def of_failure(self) -> Floats:
        """Return what stands in for it where they fail."""
        return np.full(self.problem.count, BAD)

    def jacobian(self, own: Floats) -> Floats:
        """Return the derivatives of the residuals, by forward differences."""
        here = self(own)
        columns = []
        for k, step in enumerate(self.differences):
            if own[k] + step > self.ends[1][k]:
                step = -step
            there = own.copy()
            there[k] += step
            columns.append((self.evaluated(there) - here) / step)
        return np.stack(columns, axis=1)
