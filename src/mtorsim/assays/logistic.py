"""The four-parameter logistic curve and its fit, to exact readings or to scattered ones."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import expit

Floats: TypeAlias = NDArray[np.float64]

LN10 = float(np.log(10))
_LN2 = float(np.log(2))
_HILLS = (0.1, 10.0)  # bounds
_CONTROLS = (0.2, 5.0)  # bounds of the level of untreated wells, relative to their mean reading
_BEYOND = 2.0  # decades outside the tested doses in which the relative EC50 may lie
_LEAST = 1e-9  # of a response, where its logarithm is taken
_STARTS = 4


def log_dose(dose: Floats) -> Floats:
    """Return log10 of doses; untreated is minus infinity, where the curve is at its top."""
    with np.errstate(divide="ignore"):
        return np.log10(dose)


def logistic(x: Floats, bottom: float, top: float, log_ec50: float, hill: float) -> Floats:
    """Return the curve at log10 doses, same shape."""
    return top + (bottom - top) * _occupied(x, log_ec50, hill)


def inverse(
    level: float, bottom: float, top: float, log_ec50: float, hill: float
) -> tuple[float, Floats]:
    """Return the log10 dose at `level`, and how it moves with the four parameters, shape (4,)."""
    ratio = float(np.log10((top - level) / (level - bottom)))
    scale = 1 / (hill * LN10)
    moves = [scale / (level - bottom), scale / (top - level), 1.0, -ratio / hill**2]
    return log_ec50 + ratio / hill, np.array(moves)


def _occupied(x: Floats, log_ec50: float, hill: float) -> Floats:
    return np.asarray(expit(hill * LN10 * (x - log_ec50)), dtype=float)


def _slopes(x: Floats, parameters: Floats) -> Floats:
    """Return the derivatives by bottom, top, log10 EC50 and slope, shape (n, 4)."""
    bottom, top, log_ec50, hill = parameters
    share = _occupied(x, log_ec50, hill)
    steep = (top - bottom) * share * (1 - share) * LN10
    away = np.where(np.isfinite(x), x - log_ec50, 0.0)  # untreated: the slope has no say there
    return np.column_stack([share, 1 - share, steep * hill, -steep * away])


class Exact:
    """Readings without scatter: they are compared as they are."""

    floor = -np.inf

    def of(self, response: Floats) -> Floats:
        """Return readings on the scale on which misfit is counted."""
        return response

    def model(self, curve: Floats, control: float) -> Floats:  # noqa: ARG002
        """Return what is expected on that scale, given the level of untreated wells."""
        return curve

    def slopes(self, curve: Floats, control: float) -> tuple[Floats, Floats]:  # noqa: ARG002
        """Return how `model` moves with the curve and with the control, each of shape (n,)."""
        return np.ones_like(curve), np.zeros_like(curve)


class Relative(Exact):
    """Readings that scatter by a share of themselves: their logarithms scatter alike."""

    floor = _LEAST

    def of(self, response: Floats) -> Floats:
        """Return the natural logarithm of percent of control."""
        return np.log(np.maximum(response, _LEAST))

    def model(self, curve: Floats, control: float) -> Floats:
        """Return the logarithm of the curve times the level of untreated wells."""
        return np.log(control * np.maximum(curve, _LEAST))

    def slopes(self, curve: Floats, control: float) -> tuple[Floats, Floats]:
        """Return how `model` moves with the curve and with the control."""
        return 1 / np.maximum(curve, _LEAST), np.full_like(curve, 1 / control)


class Growth(Exact):
    """GR values from counts that scatter by a share of themselves.

    ``log2(1 + GR)`` is the number of doublings over that of untreated cells: linear in the
    logarithm of the count, so that it scatters alike for all doses.
    """

    floor = -1 + _LEAST

    def of(self, response: Floats) -> Floats:
        """Return doublings over those of untreated cells."""
        return np.log2(np.maximum(1 + response, _LEAST))

    def model(self, curve: Floats, control: float) -> Floats:
        """Return doublings; `control` corrects those of the untreated wells."""
        return control * self.of(curve)

    def slopes(self, curve: Floats, control: float) -> tuple[Floats, Floats]:
        """Return how `model` moves with the curve and with the control."""
        return control / (_LN2 * np.maximum(1 + curve, _LEAST)), self.of(curve)


@dataclass(frozen=True)
class Problem:
    """Least squares over bottom, top, log10 EC50, slope and the level of untreated wells.

    Attributes
    ----------
    x : array, shape (n,)
        log10 of doses [nM].
    response : array, shape (n,)
        Percent of control, or GR.
    scale : Exact
        On which misfit is counted.
    top : float or None
        Response at dose zero; None where it is fitted.
    least : float
        Below which no response lies.
    fits_control : bool
        Whether the level of untreated wells is fitted: else their mean is taken as exact.
    """

    x: Floats
    response: Floats
    scale: Exact
    top: float | None
    least: float
    fits_control: bool

    @property
    def free(self) -> NDArray[np.bool_]:
        """Which of the five parameters are fitted."""
        return np.array([True, self.top is None, True, True, self.fits_control])

    @property
    def bounds(self) -> tuple[Floats, Floats]:
        """Lowest and highest value of each parameter, shape (5,)."""
        tested = self.x[np.isfinite(self.x)]
        ceiling = float(self.response.max() + np.ptp(self.response) + 1e-9)
        if self.top is not None:
            ceiling = max(ceiling, self.top + 1e-9)
        least = max(self.least, self.scale.floor)
        low = [least, least, tested.min() - _BEYOND, _HILLS[0], _CONTROLS[0]]
        high = [ceiling, ceiling, tested.max() + _BEYOND, _HILLS[1], _CONTROLS[1]]
        return np.array(low), np.array(high)

    def solve(self) -> tuple[Floats, float]:
        """Return the best parameters, shape (5,), and their sum of squares."""
        trials = [self._descend(start) for start in self._starts()]
        return min(trials, key=lambda trial: trial[1])

    def covariance(self, parameters: Floats, variance: float) -> Floats:
        """Return the covariance of the first four, shape (4, 4); what is not fitted has none.

        A parameter at its bound counts as free: held there, it would make intervals too narrow.
        """
        slopes = self._jacobian(parameters)[:, self.free]
        whole = np.zeros((5, 5))
        whole[np.ix_(self.free, self.free)] = variance * np.linalg.pinv(
            slopes.T @ slopes, rcond=1e-13
        )
        return whole[:4, :4]

    def _descend(self, start: Floats) -> tuple[Floats, float]:
        low, high = (bound[self.free] for bound in self.bounds)
        done = least_squares(
            lambda part: self._misses(self._whole(part)),
            np.clip(start[self.free], low, high),
            jac=lambda part: self._jacobian(self._whole(part))[:, self.free],
            bounds=(low, high),
            x_scale="jac",
            ftol=1e-12,
            xtol=1e-12,
            gtol=1e-12,
            max_nfev=500,
        )
        return self._whole(done.x), float(2 * done.cost)

    def _whole(self, part: Floats) -> Floats:
        whole = np.array([0.0, 0.0 if self.top is None else self.top, 0.0, 0.0, 1.0])
        whole[self.free] = part
        return whole

    def _misses(self, parameters: Floats) -> Floats:
        curve = logistic(self.x, *parameters[:4])
        return self.scale.model(curve, parameters[4]) - self.scale.of(self.response)

    def _jacobian(self, parameters: Floats) -> Floats:
        curve = logistic(self.x, *parameters[:4])
        by_curve, by_control = self.scale.slopes(curve, parameters[4])
        slopes = _slopes(self.x, parameters[:4]) * by_curve[:, None]
        return np.column_stack([slopes, by_control])

    def _starts(self) -> list[Floats]:
        tested = self.x[np.isfinite(self.x)]
        trials = [
            self._levelled(middle, hill)
            for middle in np.linspace(tested.min() - 0.5, tested.max() + 0.5, 12)
            for hill in (0.4, 0.7, 1.0, 1.6, 3.0)
        ]
        return sorted(trials, key=lambda one: float((self._misses(one) ** 2).sum()))[:_STARTS]

    def _levelled(self, log_ec50: float, hill: float) -> Floats:
        """Return the parameters with the best bottom and top for this EC50 and slope."""
        share = _occupied(self.x, log_ec50, hill)
        low, high = self.bounds
        if self.top is None:
            columns = np.column_stack([share, 1 - share])
            levels = np.linalg.lstsq(columns, self.response, rcond=None)[0]
        else:
            rest = self.response - self.top * (1 - share)
            levels = np.array([float(share @ rest) / max(float(share @ share), 1e-300), self.top])
        return np.array([*np.clip(levels, low[:2], high[:2]), log_ec50, hill, 1.0])
