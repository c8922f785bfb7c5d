"""Least squares where an evaluation takes half a second: derivatives are measured seldom.

A search goes in rounds. A round begins with derivatives taken by differences (those at the shipped
values are measured once for all searches) and takes steps of Levenberg and Marquardt; each step
corrects the derivatives by what it taught (Broyden's update), so that it costs one evaluation and
not one a parameter. A round ends at rest; the next one measures the derivatives where it is.

Some numbers jump: which of two peaks is the higher one decides when a curve peaks. A difference
across a jump is no derivative, so where one is steep it is taken to the other side as well, and the
flatter one is believed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from experiments import Array

from mtorsim.fits.loss import damped

LOSS, LOSS_SCALE = "soft_l1", 2.0  # those of calibrate.py; of priors too
MOST_IDLE, SMALLEST_GAIN = 3, 1e-3  # steps in a row that hardly lower the cost: the end
MOST_DAMPING = 1e3  # a step so short and still no better: the end
MOST_STEPS = 60  # of a round
ENOUGH = 0.003  # by which a round must lower the cost for another to follow
DIFFERENCE = 0.02  # standard deviations of the prior, for derivatives
STEEP = 30.0  # residuals a standard deviation of the prior; the steepest smooth one is near 11
SEARCH = (MOST_IDLE, SMALLEST_GAIN, MOST_DAMPING, MOST_STEPS, ENOUGH, DIFFERENCE, STEEP)


@dataclass(frozen=True)
class Found:
    """Where a search ended: steps, cost there, evaluations, and how.

    `end` is ``"rest"`` (further steps lowered the cost by next to nothing), ``"stuck"`` (no step
    lowered it, however short: a minimum, or the edge of a jump) or ``"out of steps"``.
    """

    steps: Array
    cost: float
    evaluations: int
    end: str


def cost(residuals: Array) -> float:
    """Return the cost of residuals, as `calibrate.py` counts it."""
    return float(0.5 * (damped(residuals, LOSS, LOSS_SCALE) ** 2).sum())


def descend(
    residuals: Callable[[Array], Array],
    start: Array,
    jacobian: Array,
    bounds: tuple[Array, Array],
    centre: Array,
    rounds: int,
) -> Found:
    """Return the nearest minimum of the cost of data and priors.

    Parameters
    ----------
    residuals : callable
        From steps, shape (k,), to weighted residuals of the data, shape (n,).
    start : array, shape (k,)
    jacobian : array, shape (n, k)
        Derivatives of the residuals near the start.
    bounds : tuple of array, shape (k,)
    centre : array, shape (k,)
        Middle of the priors, in their standard deviations.
    rounds : int
        How often at most it goes on from where it came to rest. It ends when a round has lowered
        the cost by less than `ENOUGH`.
    """
    found = _round(residuals, start, jacobian, bounds, centre)
    count = found.evaluations
    for _ in range(rounds - 1):
        before = found
        _, slopes = differences(residuals, before.steps)
        found = _round(residuals, before.steps, slopes, bounds, centre)
        count += found.evaluations + len(start) + 1
        if found.cost > (1 - ENOUGH) * before.cost:
            break
    return Found(found.steps, found.cost, count, found.end)


def differences(
    values: Callable[[Array], Array], here: Array, gauge: Callable[[Array], Array] = np.asarray
) -> tuple[Array, Array]:
    """Return values and their derivatives by differences of `DIFFERENCE`, shapes (n,) and (n, k).

    `gauge` turns values into residuals, by which a difference counts as steep.
    """
    base = values(here)
    slopes = [_slope(values, gauge, here, base, unit) for unit in np.eye(len(here))]
    return base, np.stack(slopes, axis=1)


def _slope(
    values: Callable[[Array], Array], gauge: Callable[[Array], Array], here: Array, base: Array,
    unit: Array,
) -> Array:  # fmt: skip
    up = values(here + DIFFERENCE * unit) - base
    size = np.abs(gauge(base + up) - gauge(base)).max()
    if size > STEEP * DIFFERENCE:
        down = base - values(here - DIFFERENCE * unit)
        if np.abs(gauge(base) - gauge(base - down)).max() < size:
            return down / DIFFERENCE
    return up / DIFFERENCE


def _round(
    residuals: Callable[[Array], Array],
    start: Array,
    jacobian: Array,
    bounds: tuple[Array, Array],
    centre: Array,
) -> Found:
    slopes, damping, idle = jacobian.copy(), 1e-2, 0
    here, there = start, residuals(start)
    best = cost(np.append(there, here - centre))
    for count in range(1, MOST_STEPS):
        step = _step(slopes, there, here, centre, bounds, damping)
        tried = residuals(here + step)
        found = cost(np.append(tried, here + step - centre))
        slopes += np.outer(tried - there - slopes @ step, step) / max(step @ step, 1e-12)
        gain = best - found
        if gain > 0:
            here, there, best = here + step, tried, found
            damping = max(damping / 3, 1e-3)
            idle = idle + 1 if gain < SMALLEST_GAIN * best else 0
        else:
            damping *= 2  # slopes learn from a step that failed: the next need not be much shorter
        if idle >= MOST_IDLE or damping > MOST_DAMPING:
            return Found(here, best, count + 1, "rest" if idle >= MOST_IDLE else "stuck")
    return Found(here, best, MOST_STEPS, "out of steps")


def _step(
    slopes: Array,
    there: Array,
    here: Array,
    centre: Array,
    bounds: tuple[Array, Array],
    damping: float,
) -> Array:
    """Return the step to where the cost would be least, within bounds, were all linear."""
    every = np.concatenate([there, here - centre])
    slope = np.concatenate([slopes, np.eye(len(here))]) * _flattened(every)[:, None]
    target = damped(every, LOSS, LOSS_SCALE)
    step = np.zeros(len(here))
    free = np.ones(len(here), dtype=bool)
    for _ in range(len(here)):  # what would leave the bounds is held there, the others go again
        rest = target + slope[:, ~free] @ step[~free]
        own = slope[:, free]
        curved = own.T @ own
        step[free] = -np.linalg.solve(curved + damping * np.diag(np.diag(curved)), own.T @ rest)
        outside = free & ((here + step < bounds[0]) | (here + step > bounds[1]))
        step = np.clip(here + step, *bounds) - here
        if not outside.any():
            break
        free &= ~outside
    return step


def _flattened(residuals: Array) -> Array:
    """Return the derivative of what `damped` makes of residuals."""
    near = 1e-6
    up, down = (
        damped(residuals + near, LOSS, LOSS_SCALE),
        damped(residuals - near, LOSS, LOSS_SCALE),
    )
    return (up - down) / (2 * near)
