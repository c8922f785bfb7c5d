"""Designs: which parameter sets are simulated for which kind of sensitivity."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from mtorsim.errors import ScenarioError, UnknownIdError, shown, within
from mtorsim.steps import Floats
from mtorsim.uncertainty import Uncertain

METHODS: Mapping[str, str] = MappingProxyType(
    {
        "local": "d ln read-out / d ln parameter at the values of the model",
        "morris": "elementary effects over the ranges: a screening",
        "sobol": "shares of the variance over the ranges",
    }
)
"""Method -> what it asks."""

USUAL_POINTS = {"local": 0, "morris": 20, "sobol": 256}
"""Trajectories of Morris, base samples of Sobol, where none are given."""

STEP = 0.02
"""Larger of the two steps of a local sensitivity, in ln of the parameter; the other is half."""

_STEPS = (1.0, -1.0, 0.5, -0.5)
_LEVELS = 4
_DIGITS = 12  # as those of axes: the same on every processor
_MOST = 1_000_000


def check(method: str, points: int | None, *, second_order: bool) -> int:
    """Return the number of trajectories or base samples.

    Raises
    ------
    UnknownIdError
        For a method that does not exist.
    ScenarioError
        For a number that the method cannot use.
    """
    if method not in METHODS:
        raise UnknownIdError(kind="method", given=method, choices=METHODS)
    if second_order and method != "sobol":
        raise ScenarioError(f"second order: a {method} design has none. Expected method 'sobol'.")
    with within("points"):
        if points is None:
            return USUAL_POINTS[method]
        if method == "local":
            raise ScenarioError("points: a local sensitivity has four for each parameter.")
        least = 4 if method == "morris" else 8
        if isinstance(points, bool) or not isinstance(points, int) or points < least:
            raise ScenarioError(f"points: {shown(points)} is not a whole number from {least}.")
        if method == "sobol" and points & (points - 1):
            raise ScenarioError(
                f"points: {points} is no power of two, over which a Sobol sequence is balanced. "
                f"Expected one such as {1 << (points - 1).bit_length()}."
            )
        return points


def block(method: str, dimensions: int, *, second_order: bool = False) -> int:
    """Return how many simulations belong together: a trajectory, a base sample, or all."""
    if method == "local":
        return 1 + len(_STEPS) * dimensions
    if method == "morris":
        return dimensions + 1
    return 2 * dimensions + 2 if second_order else dimensions + 2


def design(
    method: str,
    parameters: Sequence[Uncertain],
    points: int,
    seed: int,
    *,
    second_order: bool = False,
) -> Floats:
    """Return parameter sets, shape (n, number of parameters), in the units of the parameters.

    Raises
    ------
    ScenarioError
        For more than a million.
    """
    count = block(method, len(parameters), second_order=second_order) * max(points, 1)
    if count > _MOST:
        raise ScenarioError(
            f"{count} simulations are more than {_MOST}. Choose fewer parameters or points."
        )
    if method == "local":
        return _local(parameters)
    shares = _shares(problem(parameters), method, points, seed, second_order=second_order)
    return _rounded(np.exp(shares))


def problem(parameters: Sequence[Uncertain]) -> dict[str, Any]:
    """Return the problem in SALib's words; its bounds are natural logarithms."""
    return {
        "num_vars": len(parameters),
        "names": [one.id for one in parameters],
        "bounds": [[float(np.log(one.low)), float(np.log(one.high))] for one in parameters],
    }


def _shares(
    asked: dict[str, Any], method: str, points: int, seed: int, *, second_order: bool
) -> Floats:
    if method == "morris":
        from SALib.sample import morris

        return np.asarray(morris.sample(asked, points, num_levels=_LEVELS, seed=seed))
    from SALib.sample import sobol

    # The first point of the sequence is a corner unless it is scrambled; the seed decides how.
    return np.asarray(sobol.sample(asked, points, calc_second_order=second_order, seed=seed))


def _local(parameters: Sequence[Uncertain]) -> Floats:
    """Return the values of the model, and four rows for each parameter: a step up, down, halves."""
    middle = np.array([one.value for one in parameters])
    rows = [middle]
    for place, value in enumerate(middle):
        for step in _STEPS:
            row = middle.copy()
            row[place] = value * np.exp(step * STEP)
            rows.append(row)
    return np.stack(rows)


def _rounded(values: Floats) -> Floats:
    return np.array([float(f"{one:.{_DIGITS}g}") for one in values.ravel()]).reshape(values.shape)
