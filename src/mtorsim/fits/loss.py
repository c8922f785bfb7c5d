"""Losses: how much a point far from the model pulls."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from mtorsim.steps import Floats


def _soft_l1(squares: Floats) -> Floats:
    return np.asarray(2 * (np.sqrt(1 + squares) - 1))


def _huber(squares: Floats) -> Floats:
    return np.where(squares <= 1, squares, 2 * np.sqrt(squares) - 1)


def _cauchy(squares: Floats) -> Floats:
    return np.asarray(np.log1p(squares))


LOSSES: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType(
    {"linear": np.asarray, "soft_l1": _soft_l1, "huber": _huber, "cauchy": _cauchy}
)
"""Name -> loss of squared residuals, as `scipy.optimize.least_squares` has them."""


def damped(residuals: Floats, loss: str, scale: float) -> Floats:
    """Return residuals whose squares are the loss: stray points pull less.

    So that only data are damped, and priors beside them are not.

    Parameters
    ----------
    residuals : array, shape (n,)
        In standard deviations.
    loss : str
        One of `LOSSES`.
    scale : float
        Where damping sets in [standard deviations].
    """
    if loss == "linear":
        return residuals
    squares = LOSSES[loss]((residuals / scale) ** 2)
    return np.asarray(np.sign(residuals) * scale * np.sqrt(squares))


def weights(residuals: Floats, loss: str, scale: float) -> Floats:
    """Return how much less each residual pulls than in least squares, from 0 to 1.

    The derivative of the loss by the squared residual. Parameters as those of `damped`.
    """
    return np.asarray(_SLOPES[loss]((residuals / scale) ** 2))


_SLOPES: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType(
    {
        "linear": np.ones_like,
        "soft_l1": lambda squares: 1 / np.sqrt(1 + squares),
        "huber": lambda squares: 1 / np.sqrt(np.maximum(1, squares)),
        "cauchy": lambda squares: 1 / (1 + squares),
    }
)
