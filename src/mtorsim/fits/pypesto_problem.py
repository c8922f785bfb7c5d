"""A fit handed to pyPESTO, for its samplers and optimisers."""

from typing import Any

import numpy as np

from mtorsim.errors import InputError
from mtorsim.fits.objective import Objective
from mtorsim.fits.petab_problem import PetabProblem
from mtorsim.fits.problem import Problem
from mtorsim.steps import Floats


def to_pypesto(problem: Problem | PetabProblem) -> Any:
    """Return a problem as a `pypesto.Problem`.

    Its objective is minus the logarithm of the posterior, but for a constant; its parameters are
    steps from the values of the models, in units of each one's spread: `Problem.values` turns
    them into values.

    Parameters
    ----------
    problem : Problem or PetabProblem
        Such as ``Fit.problem``.

    Raises
    ------
    InputError
        When pyPESTO is not installed.
    """
    try:
        import pypesto
    except ImportError:
        raise InputError("pyPESTO is not installed. pip install 'mtorsim[pypesto]'.") from None
    functions = _with_noise(problem) if problem.has_noise else _of_residuals(problem)
    ids = [one.id for one in problem.free]
    low, high = problem.ends
    return pypesto.Problem(
        pypesto.Objective(**functions, x_names=ids),
        *(low, high),
        x_names=ids,
        # Steps are logarithms of the values already.
        x_scales=["lin"] * len(ids),
    )


def _of_residuals(problem: Problem | PetabProblem) -> dict[str, Any]:
    mine = Objective(problem)

    def value(steps: Floats) -> float:
        return 0.5 * float((mine(np.asarray(steps)) ** 2).sum())

    def gradient(steps: Floats) -> Floats:
        point = np.asarray(steps)
        return np.asarray(mine.jacobian(point).T @ mine(point))

    return {"fun": value, "grad": gradient, "res": mine, "sres": mine.jacobian}


def _with_noise(problem: Problem | PetabProblem) -> dict[str, Any]:
    """Return what is no sum of squares: standard deviations are estimated, too."""
    from mtorsim.fits.scoring import Likelihood

    assert isinstance(problem, PetabProblem)
    mine = Likelihood(problem)

    def value(steps: Floats) -> float:
        return 0.5 * mine.cost(mine(np.asarray(steps)))

    def gradient(steps: Floats) -> Floats:
        vector, matrix = mine.linear(np.asarray(steps))
        return np.asarray(matrix.T @ vector)

    return {"fun": value, "grad": gradient}
