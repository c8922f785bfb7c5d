"""Designs: which combinations of the axes are simulated."""

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np

from mtorsim.errors import ScenarioError, UnknownIdError
from mtorsim.sweep.axes import Axis, Value

Method: TypeAlias = Literal["grid", "list", "random", "latin_hypercube", "sobol"]
METHODS: tuple[str, ...] = get_args(Method)

MOST_POINTS = 10_000_000


def shape(method: str, axes: Sequence[Axis], points: int | None) -> tuple[int, ...]:
    """Return the shape of the results: one number per axis for a grid, else the number of points.

    Raises
    ------
    UnknownIdError
        For a method that does not exist.
    ScenarioError
        For axes that the method cannot use, or too many points.
    """
    if method not in METHODS:
        raise UnknownIdError(kind="design", given=method, choices=METHODS)
    if not axes:
        raise ScenarioError("a sweep varies something: give at least one axis, such as 'cell'.")
    found = _counted(method, axes, points)
    if math.prod(found) > MOST_POINTS:
        raise ScenarioError(f"{math.prod(found)} points are more than {MOST_POINTS}.")
    return found


def _counted(method: str, axes: Sequence[Axis], points: int | None) -> tuple[int, ...]:
    if method in ("grid", "list"):
        ranges = [one.target for one in axes if one.spacing is not None]
        if ranges:
            raise ScenarioError(f"{ranges[0]}: a {method} needs 'points' for a range.")
        if points is not None:
            raise ScenarioError(f"points: a {method} has as many as its axes give.")
    lengths = [len(one.values) for one in axes]
    if method == "grid":
        return tuple(lengths)
    if method == "list":
        if len({*lengths}) > 1:
            raise ScenarioError(f"a list needs axes of one length, got {lengths}.")
        return (lengths[0],)
    if points is None or points < 1:
        raise ScenarioError(f"a {method} design needs the number of points, such as --points 100.")
    return (points,)


def values(
    method: str, axes: Sequence[Axis], points: int | None, seed: int
) -> list[tuple[Value, ...]]:
    """Return the values of every point, in order of the results.

    Parameters
    ----------
    method : str
        One of `METHODS`: a grid takes every combination, a list the first of each axis, the
        second and so on; the others sample ranges and choose among listed values.
    axes : sequence of Axis
    points : int, optional
        How many, for a design that samples.
    seed : int
        Of the generator; a design is the same for the same seed.
    """
    count = shape(method, axes, points)
    if method == "grid":
        places = np.indices(count).reshape(len(count), -1).T
        return [tuple(one.values[k] for one, k in zip(axes, row, strict=True)) for row in places]
    if method == "list":
        return list(zip(*(one.values for one in axes), strict=True))
    shares = _shares(method, len(axes), count[0], seed)
    return [tuple(one.at(share) for one, share in zip(axes, row, strict=True)) for row in shares]


def _shares(method: str, dimensions: int, points: int, seed: int) -> np.ndarray:
    """Return numbers from 0 to 1, shape (points, dimensions)."""
    from scipy.stats import qmc  # a fifth of a second that a grid does not need

    generator = np.random.default_rng(seed)
    if method == "random":
        return generator.random((points, dimensions))
    if method == "latin_hypercube":
        return np.asarray(qmc.LatinHypercube(dimensions, rng=generator).random(points))
    # A Sobol sequence is balanced over powers of two; longer than needed and cut, it stays so.
    exponent = max(0, math.ceil(math.log2(points)))
    sequence = qmc.Sobol(dimensions, scramble=True, rng=generator).random_base2(exponent)
    return np.asarray(sequence[:points])
