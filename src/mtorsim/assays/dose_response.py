"""Dose-response curves: four-parameter logistic, inhibitory concentrations, growth-rate metrics.

Nothing here extrapolates. A concentration that lies outside the tested doses, or at an effect that
the curve never has, is no number but words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares
from scipy.special import expit
from scipy.stats import f as f_distribution
from scipy.stats import t as t_distribution

from mtorsim.errors import InputError, shown
from mtorsim.units import concentration, say_concentration

Floats: TypeAlias = NDArray[np.float64]

FEWEST_DOSES = 4  # and untreated: five points for four parameters
_LN10 = float(np.log(10))
_HILLS = (0.1, 10.0)  # bounds
_BEYOND = 2.0  # decades outside the tested doses in which the relative EC50 may lie
_FLAT = 1e-4  # of the response: less than this from end to end is no curve
_REACHED = 0.9  # of the fall: from here on the lower end of a curve is seen, not guessed
_STARTS = 4


@dataclass(frozen=True)
class Estimate:
    """A concentration with its 95 % confidence interval, or why there is none.

    Attributes
    ----------
    value : float or None
        [nM]; None when it lies outside the tested doses or is never reached: then see `flag`.
    low, high : float or None
        Ends of the interval [nM]; None where an end lies outside the tested doses.
    flag : str
        Such as ``"> 100 nM"`` or ``"not reached: plateau at 62 %"``; empty when nothing is odd.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    flag: str = ""

    def __str__(self) -> str:
        if self.value is None:
            return self.flag
        unit = say_concentration(self.value).split(" ")[1]
        size = concentration(f"1 {unit}", "unit")
        ends = ("…" if end is None else _short(end / size) for end in (self.low, self.high))
        return f"{_short(self.value / size)} {unit} ({'–'.join(ends)})"


@dataclass(frozen=True, eq=False)
class Fit:
    """A logistic curve through responses: ``top + (bottom - top) / (1 + (ec50/dose)**hill)``.

    Attributes
    ----------
    bottom, top : float
        Response at endless dose and at none [unit of the response].
    hill : float or None
        Slope [1], above zero; None for a flat line.
    log_ec50 : float or None
        log10 of the dose [nM] halfway between top and bottom; None for a flat line.
    tested : tuple of float
        Lowest and highest dose above zero [nM].
    r_squared : float
        Share of the variance that the curve explains [1].
    freedom : int
        Points less parameters.
    covariance : array, shape (4, 4)
        Of bottom, top, log_ec50 and hill; zero for what was not fitted.
    percent : bool
        Whether responses are percent; else they are GR values.
    """

    bottom: float
    top: float
    hill: float | None
    log_ec50: float | None
    tested: tuple[float, float]
    r_squared: float
    freedom: int
    covariance: Floats
    percent: bool = True

    def __call__(self, dose: ArrayLike) -> Floats:
        """Return the response at doses [nM], zero included; same shape."""
        dose = np.asarray(dose, dtype=float)
        if self.hill is None or self.log_ec50 is None:
            return np.full(dose.shape, self.top)
        return _logistic(_log(dose), self.bottom, self.top, self.log_ec50, self.hill)

    @property
    def ec50(self) -> Estimate:
        """The dose halfway between top and bottom: the relative EC50."""
        if self.log_ec50 is None:
            return Estimate(None, flag="no effect")
        return self._within_tested(self.log_ec50, float(np.sqrt(self.covariance[2, 2])))

    def ic(self, inhibition: float) -> Estimate:
        """Return the dose at which `inhibition` [%] of the untreated response is gone.

        Absolute: the IC50 is where the curve passes 50 % of control, whatever its plateau.

        Raises
        ------
        InputError
            For an inhibition that is not between 0 and 100 %, or a fit of GR values.
        """
        if not self.percent:
            raise InputError("ic: this curve holds GR values. Expected dose_at(0.5) for the GR50.")
        if not 0 < inhibition < 100:
            raise InputError(f"ic: {shown(inhibition)} is not between 0 and 100 %. Such as 50.")
        return self.dose_at(100 - inhibition)

    def dose_at(self, level: float) -> Estimate:
        """Return the dose at which the curve passes `level` [unit of the response].

        The interval is that of the delta method on log10 dose, with Student's t; for noise of one
        size at all doses it holds the truth in 90 to 98 % of experiments with three replicates.
        Without noise it says how badly a logistic curve describes the simulation, not how badly
        it was measured.
        """
        lowest, highest = self.tested
        start, end = (float(value) for value in self((lowest, highest)))
        falls = end < start
        if self.hill is None or self.log_ec50 is None or not falls:
            return Estimate(None, flag=self._never(level, end))
        if level <= self.bottom or level < end:
            return Estimate(None, flag=self._never(level, end))
        if level > start:
            return Estimate(None, flag=f"< {say_concentration(lowest)}")
        gradient, log_dose = _gradient(level, self.bottom, self.top, self.log_ec50, self.hill)
        return self._within_tested(log_dose, float(np.sqrt(gradient @ self.covariance @ gradient)))

    @property
    def plateau(self) -> float | None:
        """Lower end of the curve [unit of the response]; None unless the doses reach it.

        Reached means nine tenths of the fall at the highest dose.
        """
        end = float(self(self.tested[1]))
        if self.hill is None or end >= self.top:
            return None
        return self.bottom if self.top - end >= _REACHED * (self.top - self.bottom) else None

    def _never(self, level: float, end: float) -> str:
        if self.hill is None or end >= self.top:
            return f"not reached: {self._say(end)} at {say_concentration(self.tested[1])}"
        if level <= self.bottom and self.plateau is not None:
            return f"not reached: plateau at {self._say(self.bottom)}"
        return f"> {say_concentration(self.tested[1])}"

    def _say(self, response: float) -> str:
        return f"{response:.0f} %" if self.percent else f"GR {response:.2f}"

    def _within_tested(self, log_dose: float, error: float) -> Estimate:
        lowest, highest = self.tested
        value = 10**log_dose
        if value < lowest * (1 - 1e-9):
            return Estimate(None, flag=f"< {say_concentration(lowest)}")
        if value > highest * (1 + 1e-9):
            return Estimate(None, flag=f"> {say_concentration(highest)}")
        half = float(t_distribution.ppf(0.975, self.freedom)) * error
        low, high = log_dose - half, log_dose + half
        is_in = (low >= np.log10(lowest), high <= np.log10(highest))
        return Estimate(
            value,
            10**low if is_in[0] else None,
            10**high if is_in[1] else None,
            _open_ends(is_in, self.tested),
        )


def fit_logistic(
    doses: ArrayLike,
    responses: ArrayLike,
    *,
    top: float | None = None,
    percent: bool = True,
) -> Fit:
    """Fit a four-parameter logistic curve by least squares.

    Started from the best few points of a grid over EC50 and slope, at each of which bottom and top
    follow linearly. A curve that is not significantly better than a flat line (F test, 5 %)
    is given as that line.

    Parameters
    ----------
    doses : array, shape (n,)
        [nM], not negative; zero stands for untreated. At least four different ones above zero.
    responses : array, shape (n,)
        Percent of control, not negative; or GR values, above -1.
    top : float, optional
        Response at dose zero, when it is known and not to be fitted.
    percent : bool
        Whether `responses` are percent; else they are GR values.

    Returns
    -------
    Fit

    Raises
    ------
    InputError
        For values that are not finite or out of range, or too few doses.
    """
    least, free = (0.0 if percent else -1.0), (4 if top is None else 3)
    dose, response = _checked(doses, responses, least, free)
    problem = _Problem(_log(dose), response, top, least)
    found, misfit = problem.solve()
    above = dose[dose > 0]
    tested = float(above.min()), float(above.max())
    freedom = len(dose) - free
    spread = float(((response - response.mean()) ** 2).sum())
    if _is_flat(response, spread, misfit, freedom, free):
        mean = float(response.mean())
        flat = np.zeros((4, 4))
        return Fit(mean, mean, None, None, tested, 0.0, freedom, flat, percent)
    bottom, level, log_ec50, hill = (float(value) for value in found)
    return Fit(
        bottom=bottom,
        top=level,
        hill=hill,
        log_ec50=log_ec50,
        tested=tested,
        r_squared=1 - misfit / spread,
        freedom=freedom,
        covariance=problem.covariance(found, misfit / freedom),
        percent=percent,
    )


@dataclass(frozen=True)
class GrowthMetrics:
    """Growth-rate inhibition metrics of one dose series.

    Attributes
    ----------
    gr50 : Estimate
        Dose at which GR is 0.5: the growth rate is log2(1.5) = 0.58 of the untreated.
    gr_max : float
        GR at the highest dose, mean of replicates [1].
    gr_aoc : float
        Area over the GR curve on log10 dose, over its width [1].
    hill : float or None
        Slope of the fitted GR curve [1]; None when it is flat.
    fit : Fit
        Logistic curve through the GR values, which begins at 1.
    """

    gr50: Estimate
    gr_max: float
    gr_aoc: float
    hill: float | None
    fit: Fit


def growth_rate_inhibition(start: ArrayLike, treated: ArrayLike, untreated: ArrayLike) -> Floats:
    """Return GR values: 1 untreated growth, 0 no growth, below 0 loss of cells.

    ``GR = 2**(log2(treated/start) / log2(untreated/start)) - 1``; Hafner 2016, Nat Methods 13:521,
    https://doi.org/10.1038/nmeth.3853.

    Parameters
    ----------
    start, treated, untreated : array, shapes that broadcast
        Cell numbers when the drug was given, and at the end with and without it; above zero, in
        one unit.

    Returns
    -------
    array
        GR [1], above -1.

    Raises
    ------
    InputError
        When a number is not above zero, or untreated cells do not grow: then there is no growth
        to inhibit.
    """
    counts = [np.asarray(count, dtype=float) for count in (start, treated, untreated)]
    if any(not (np.isfinite(count) & (count > 0)).all() for count in counts):
        raise InputError("GR: cell numbers must be finite and above zero.")
    first, last, control = counts
    if (control <= first).any():
        raise InputError("GR: untreated cells do not grow, so growth cannot be inhibited.")
    values: Floats = np.exp2(np.log2(last / first) / np.log2(control / first)) - 1
    return values


def growth_metrics(doses: ArrayLike, values: ArrayLike) -> GrowthMetrics:
    """Return the metrics of GR values.

    Parameters
    ----------
    doses : array, shape (n,)
        [nM], above zero; a dose may occur several times.
    values : array, shape (n,)
        GR [1].

    Raises
    ------
    InputError
        As `fit_logistic`.
    """
    fit = fit_logistic(doses, values, top=1.0, percent=False)
    tested, means = _means(np.asarray(doses, dtype=float), np.asarray(values, dtype=float))
    return GrowthMetrics(
        gr50=fit.dose_at(0.5),
        gr_max=float(means[-1]),
        gr_aoc=area_over_curve(tested, means),
        hill=fit.hill,
        fit=fit,
    )


def area_over_curve(doses: Sequence[float] | Floats, values: Sequence[float] | Floats) -> float:
    """Return the area between GR = 1 and the curve on log10 dose, over its width [1].

    Trapezia between the doses; 0 without effect, 1 for arrest at every dose, more for death.

    Parameters
    ----------
    doses, values : array, shape (n,)
        Doses [nM], above zero and rising, at least two; GR [1].
    """
    log_dose = np.log10(np.asarray(doses, dtype=float))
    over = 1 - np.asarray(values, dtype=float)
    area = ((over[1:] + over[:-1]) / 2 * np.diff(log_dose)).sum()
    return float(area / (log_dose[-1] - log_dose[0]))


# --- the logistic curve ---------------------------------------------------------------------------


def _log(dose: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log10(dose)  # untreated: minus infinity, where the curve is at its top


def _occupied(x: Floats, log_ec50: float, hill: float) -> Floats:
    return np.asarray(expit(hill * _LN10 * (x - log_ec50)), dtype=float)


def _logistic(x: Floats, bottom: float, top: float, log_ec50: float, hill: float) -> Floats:
    return top + (bottom - top) * _occupied(x, log_ec50, hill)


def _slopes(x: Floats, parameters: Floats) -> Floats:
    """Return the derivatives by bottom, top, log10 EC50 and slope, shape (n, 4)."""
    bottom, top, log_ec50, hill = parameters
    share = _occupied(x, log_ec50, hill)
    steep = (top - bottom) * share * (1 - share) * _LN10
    away = np.where(np.isfinite(x), x - log_ec50, 0.0)  # untreated: the slope has no say there
    return np.column_stack([share, 1 - share, steep * hill, -steep * away])


def _gradient(
    level: float, bottom: float, top: float, log_ec50: float, hill: float
) -> tuple[Floats, float]:
    """Return how the log10 dose at `level` moves with the four parameters, and that log10 dose."""
    ratio = float(np.log10((top - level) / (level - bottom)))
    scale = 1 / (hill * _LN10)
    moves = [scale / (level - bottom), scale / (top - level), 1.0, -ratio / hill**2]
    return np.array(moves), log_ec50 + ratio / hill


@dataclass(frozen=True)
class _Problem:
    """Least squares over bottom, top, log10 EC50 and slope."""

    x: Floats  # log10 dose
    response: Floats
    top: float | None
    floor: float

    @property
    def free(self) -> NDArray[np.bool_]:
        return np.array([True, self.top is None, True, True])

    @property
    def bounds(self) -> tuple[Floats, Floats]:
        tested = self.x[np.isfinite(self.x)]
        ceiling = float(self.response.max() + np.ptp(self.response) + 1e-9)
        low = [self.floor, self.floor, tested.min() - _BEYOND, _HILLS[0]]
        high = [ceiling, ceiling, tested.max() + _BEYOND, _HILLS[1]]
        return np.array(low), np.array(high)

    def solve(self) -> tuple[Floats, float]:
        """Return the best parameters, shape (4,), and their sum of squares."""
        trials = [self._descend(start) for start in self._starts()]
        return min(trials, key=lambda trial: trial[1])

    def _descend(self, start: Floats) -> tuple[Floats, float]:
        low, high = (bound[self.free] for bound in self.bounds)
        done = least_squares(
            lambda part: self._misses(self._whole(part)),
            np.clip(start[self.free], low, high),
            jac=lambda part: _slopes(self.x, self._whole(part))[:, self.free],
            bounds=(low, high),
            x_scale="jac",
            ftol=1e-12,
            xtol=1e-12,
            gtol=1e-12,
            max_nfev=500,
        )
        return self._whole(done.x), float(2 * done.cost)

    def _whole(self, part: Floats) -> Floats:
        whole = np.full(4, 0.0 if self.top is None else self.top)
        whole[self.free] = part
        return whole

    def _misses(self, parameters: Floats) -> Floats:
        return _logistic(self.x, *parameters) - self.response

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
        return np.array([*np.clip(levels, low[:2], high[:2]), log_ec50, hill])

    def covariance(self, parameters: Floats, variance: float) -> Floats:
        """Return the covariance, shape (4, 4); what is not fitted has none.

        A parameter at its bound counts as free: held there, it would make intervals too narrow.
        """
        slopes = _slopes(self.x, parameters)[:, self.free]
        whole = np.zeros((4, 4))
        whole[np.ix_(self.free, self.free)] = variance * np.linalg.pinv(
            slopes.T @ slopes, rcond=1e-13
        )
        return whole


# --- checks and small sums ------------------------------------------------------------------------


def _checked(
    doses: ArrayLike, responses: ArrayLike, least: float, free: int
) -> tuple[Floats, Floats]:
    dose, response = (np.asarray(given, dtype=float) for given in (doses, responses))
    if dose.ndim != 1 or dose.shape != response.shape:
        raise InputError(
            f"dose response: {dose.shape} doses and {response.shape} responses. "
            "Expected one response for each dose."
        )
    if not (np.isfinite(dose) & np.isfinite(response)).all() or (dose < 0).any():
        raise InputError("dose response: expected finite numbers, doses not negative.")
    if (response < least).any():
        raise InputError(f"dose response: a response of {response.min():g} is below {least:g}.")
    different = len(np.unique(dose[dose > 0]))
    if different < FEWEST_DOSES:
        raise InputError(
            f"dose response: {different} doses above zero. Expected at least {FEWEST_DOSES}, "
            "since the curve has four parameters."
        )
    if len(dose) <= free:
        raise InputError(
            f"dose response: {len(dose)} points leave nothing to judge {free} parameters by. "
            "Add the untreated response (dose 0), another dose, or replicates."
        )
    return dose, response


def _is_flat(response: Floats, spread: float, misfit: float, freedom: int, free: int) -> bool:
    if np.ptp(response) <= _FLAT * max(float(np.abs(response).max()), 1e-300):
        return True
    if misfit <= 1e-12 * spread:
        return False
    extra = max(free - 1, 1)
    ratio = (spread - misfit) / extra / (misfit / freedom)
    return bool(f_distribution.sf(ratio, extra, freedom) > 0.05)


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def _open_ends(is_in: tuple[bool, bool], tested: tuple[float, float]) -> str:
    words = ("interval begins below", "interval ends above")
    said = [
        f"{word} {say_concentration(dose)}"
        for word, dose, inside in zip(words, tested, is_in, strict=True)
        if not inside
    ]
    return "; ".join(said)


def _means(doses: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return the different doses, rising, and the mean value at each."""
    different, place = np.unique(doses, return_inverse=True)
    means = [float(values[place == number].mean()) for number in range(len(different))]
    return np.asarray(different, dtype=float), np.array(means)
