"""The published numbers of the calibration as one array: what the models give, and how far off."""

import numpy as np
from experiments import EFFECT_WEIGHT, Array, Values, curves, fitted_effects, outcomes

from mtorsim.targets.points import fitted_scale


def outputs(values: Values) -> Array:
    """Return what the models give at each published number, not scaled, shape (n,)."""
    carry_out = outcomes(values)
    found = [curve.reading.model(carry_out) for curve in curves()]
    return np.concatenate([*found, [effect.read(carry_out) for effect in fitted_effects()]])


def residuals(given: Array, shift: Array | None = None) -> Array:
    """Return weighted residuals of outputs, of data that are shifted.

    `shift` is in standard deviations of what the cost counts: of a point its standard error, of an
    effect, which counts as several points, that over `EFFECT_WEIGHT`.
    """
    shift = np.zeros(len(given)) if shift is None else shift
    found, place = [], 0
    for curve in curves():
        data = curve.reading.data
        here = slice(place, place + len(data.x))
        mean = data.mean + shift[here] * data.error
        scale, offset = fitted_scale(given[here], mean, data.error, curve.reading.background)
        found.append((scale * given[here] + offset - mean) / data.error)
        place = here.stop
    pairs = zip(fitted_effects(), given[place:].tolist(), strict=True)
    effects = np.array([one.residual(value) for one, value in pairs])
    return np.concatenate([*found, EFFECT_WEIGHT * effects - shift[place:]])


def names() -> list[str]:
    """Return the id of the row that each number belongs to, shape (n,)."""
    points = [curve.id for curve in curves() for _ in curve.reading.data.x]
    return [*points, *(effect.id for effect in fitted_effects())]


def data() -> list[list[float]]:
    """Return the published numbers: means and errors of curves; value and range of effects."""
    points = [[*one.reading.data.mean.tolist(), *one.reading.data.error.tolist()]
              for one in curves()]  # fmt: skip
    return [*points, *([one.value, one.low, one.high] for one in fitted_effects())]


def recalled() -> tuple[int, int]:
    """Return how many single numbers there are, and how many were recalled or assumed, not read."""
    every = fitted_effects()
    return len(every), sum(not one.is_evidence for one in every)


def weights() -> Array:
    """Return how many times its standard error each residual counts, shape (n,)."""
    count = len(names()) - len(fitted_effects())
    return np.array([1.0] * count + [EFFECT_WEIGHT] * len(fitted_effects()))


def freedom() -> int:
    """Return how many published numbers there are beyond scales and backgrounds."""
    return len(names()) - sum(1 + (one.reading.background != "none") for one in curves())
