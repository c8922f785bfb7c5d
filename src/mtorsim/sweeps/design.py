"""Designs: which combinations of the axes are simulated."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from mtorsim.errors import ScenarioError, UnknownIdError, shown, within
from mtorsim.steps import Floats
from mtorsim.sweeps.axes import Axis

Method: TypeAlias = Literal["grid", "list", "random", "latin_hypercube", "sobol"]
METHODS: tuple[str, ...] = get_args(Method)
SAMPLED = METHODS[2:]

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
    with within("design"):
        if method not in METHODS:
            raise UnknownIdError(kind="design", given=method, choices=METHODS)
    with within("vary"):
        if not axes:
            raise ScenarioError("a sweep varies something: give an axis, such as 'cell'.")
    found = _sampled(method, points) if method in SAMPLED else _listed(method, axes, points)
    if math.prod(found) > MOST_POINTS:
        raise ScenarioError(f"{math.prod(found)} points are more than {MOST_POINTS}.")
    return found


def _listed(method: str, axes: Sequence[Axis], points: int | None) -> tuple[int, ...]:
    for one in axes:
        if one.spacing is not None:
            with within("vary", one.target):
                raise ScenarioError(
                    f"{one.target}: a {method} needs 'points' for a range, such as 9; "
                    f"or choose a design that samples it: {', '.join(SAMPLED)}."
                )
    if points is not None:
        with within("points"):
            raise ScenarioError(f"points: a {method} has as many as its axes give.")
    lengths = [len(one.values) for one in axes]
    if method == "grid":
        for one in axes:
            _check_distinct(one)
        return tuple(lengths)
    if len({*lengths}) > 1:
        said = ", ".join(f"{one.target} {len(one.values)}" for one in axes)
        raise ScenarioError(f"a list needs as many values on each axis, got {said}.")
    return (lengths[0],)


def _check_distinct(one: Axis) -> None:
    if len({*one.values}) < len(one.values):
        twice = Counter(one.values).most_common(1)[0][0]
        with within("vary", one.target):
            raise ScenarioError(f"{one.target}: {one.say(twice)} is given twice.")


def _sampled(method: str, points: Any) -> tuple[int, ...]:
    with within("points"):
        if points is None:
            raise ScenarioError(f"points: a {method} design needs how many, such as 100.")
        if isinstance(points, bool) or not isinstance(points, int) or points < 1:
            raise ScenarioError(f"points: {shown(points)} is not a whole number from 1.")
    return (points,)


def columns(
    method: str, axes: Sequence[Axis], count: int, seed: int
) -> tuple[NDArray[np.intp] | Floats, ...]:
    """Return what each point has of each axis, in order of the points.

    Parameters
    ----------
    method : str
        A list takes the first value of each axis, the second and so on; the others sample ranges
        and choose among listed values.
    axes : sequence of Axis
    count : int
        Number of points.
    seed : int
        Of the generator; a design is the same for the same seed.

    Returns
    -------
    tuple of array, shape (count,)
        For each axis the values of a range, or the places of what is listed among its values.
    """
    if method == "list":
        return tuple(np.arange(count) for _ in axes)
    shares = _shares(method, len(axes), count, seed)
    return tuple(_column(one, shares[:, k]) for k, one in enumerate(axes))


def _column(one: Axis, shares: Floats) -> NDArray[np.intp] | Floats:
    if one.spacing is not None:
        return np.array(one.sampled(shares))
    most = len(one.values)
    return np.minimum((shares * most).astype(np.intp), most - 1)


def _shares(method: str, dimensions: int, points: int, seed: int) -> Floats:
    """Return numbers from 0 to 1, shape (points, dimensions)."""
    generator = np.random.default_rng(seed)
    if method == "random":
        return generator.random((points, dimensions))
    from scipy.stats import qmc  # a fifth of a second that other designs do not need

    if method == "latin_hypercube":
        return np.asarray(qmc.LatinHypercube(dimensions, rng=generator).random(points))
    # A Sobol sequence is balanced over powers of two: the next one is drawn, and cut.
    exponent = max(0, math.ceil(math.log2(points)))
    sequence = qmc.Sobol(dimensions, scramble=True, rng=generator).random_base2(exponent)
    return np.asarray(sequence[:points])
