"""Dose-response curves: four-parameter logistic, inhibitory concentrations, growth-rate metrics.

Nothing here extrapolates. A concentration that lies outside the tested doses, or at an effect that
the curve never has, is no number but words.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import f as f_distribution
from scipy.stats import t as t_distribution

from mtorsim.assays.logistic import (
    Exact,
    Floats,
    Growth,
    Problem,
    Relative,
    inverse,
    log_dose,
    logistic,
)
from mtorsim.assays.readings import Readings
from mtorsim.errors import InputError, shown
from mtorsim.units import concentration, say_concentration

FEWEST_DOSES = 4  # and untreated: five points for four parameters
_FLAT = 1e-3  # of the response: exact readings with less from end to end show no effect
_STANDS_OUT = 0.05  # level of the F test that a curve through scattered readings has to pass
_DESCRIBES = 0.99  # r²: below it a logistic curve misplaces doses, and readings are joined instead
_LACKS = 0.05  # level of the F test for lack of fit, beside `_DESCRIBES`, where readings scatter
_REACHED = 0.9  # of the fall: from here on the lower end of a curve is seen, not guessed


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
    is_joined : bool
        Whether it was read from the line that joins the readings, which has no interval.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    flag: str = ""
    is_joined: bool = False

    def __str__(self) -> str:
        if self.value is None:
            return self.flag
        unit = say_concentration(self.value).split(" ")[1]
        size = concentration(f"1 {unit}", "unit")
        if self.is_joined:
            return f"{_short(self.value / size)} {unit} ({self.flag})"
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
    readings : Readings
        What was measured at each dose.
    r_squared : float
        Share of the variance that the curve explains [1]: of the readings where they are exact,
        of their logarithms (for GR, of the doublings) where they scatter.
    freedom : int
        Points less parameters.
    covariance : array, shape (4, 4)
        Of bottom, top, log_ec50 and hill; zero for what was not fitted.
    percent : bool
        Whether responses are percent; else they are GR values.
    is_joined : bool
        Whether no logistic curve describes the readings, as one that falls in two steps: doses
        are then read from the line that joins the readings.
    """

    bottom: float
    top: float
    hill: float | None
    log_ec50: float | None
    readings: Readings = field(repr=False)
    r_squared: float
    freedom: int
    covariance: Floats
    percent: bool = True
    is_joined: bool = False

    def __call__(self, dose: ArrayLike) -> Floats:
        """Return the response of the logistic curve at doses [nM], zero included; same shape."""
        dose = np.asarray(dose, dtype=float)
        if self.hill is None or self.log_ec50 is None:
            return np.full(dose.shape, self.top)
        return logistic(log_dose(dose), self.bottom, self.top, self.log_ec50, self.hill)

    def line(self, dose: ArrayLike) -> Floats:
        """Return the line that doses are read from, at tested doses [nM]; same shape."""
        return self.readings(dose) if self.is_joined else self(dose)

    @property
    def tested(self) -> tuple[float, float]:
        """Lowest and highest dose above zero [nM]."""
        return float(self.readings.doses[0]), float(self.readings.doses[-1])

    @property
    def ec50(self) -> Estimate:
        """The dose halfway between top and bottom: the relative EC50."""
        if self.is_joined:
            return Estimate(None, flag=self._no_curve)
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

        The interval is that of the delta method on log10 dose, with Student's t. For readings
        that scatter by a share of themselves, untreated wells included, it held the dose that the
        exact readings give in 92 to 98 % of simulated assays with three replicates and 5 or 15 %
        noise, where a logistic curve describes the exact readings well (r² above 0.999). What it
        misses is no part of the interval: with r² 0.9989 an IC20 was held in 88 %. Without noise
        it says how badly a logistic curve describes the simulation, not how badly it was measured.
        """
        if self.is_joined:
            return self._read(level)
        lowest, highest = self.tested
        start, end = (float(value) for value in self((lowest, highest)))
        if self.hill is None or self.log_ec50 is None or end >= start:
            return Estimate(None, flag=self._never(level, end))
        if level <= self.bottom or level < end:
            return Estimate(None, flag=self._never(level, end))
        if level > start:
            return Estimate(None, flag=f"< {say_concentration(lowest)}")
        middle, moves = inverse(level, self.bottom, self.top, self.log_ec50, self.hill)
        return self._within_tested(middle, float(np.sqrt(moves @ self.covariance @ moves)))

    @property
    def plateau(self) -> float | None:
        """Lower end of the curve [unit of the response]; None unless the doses reach it.

        Reached means nine tenths of the fall at the highest dose.
        """
        end = float(self(self.tested[1]))
        if self.is_joined or self.hill is None or end >= self.top:
            return None
        return self.bottom if self.top - end >= _REACHED * (self.top - self.bottom) else None

    @property
    def _no_curve(self) -> str:
        r_squared = np.floor(100 * self.r_squared) / 100  # 0.989 is not 0.99
        return f"read between doses; no logistic curve: r² {r_squared:.2f}"

    def _read(self, level: float) -> Estimate:
        """Return the dose at `level` from the readings themselves."""
        lowest, _ = self.tested
        if self.readings.means[0] < level:
            return Estimate(None, flag=f"< {say_concentration(lowest)}")
        dose = self.readings.falls_to(level)
        if dose is None:
            least, where = self.readings.least
            return Estimate(
                None, flag=f"not reached: {self._say(least)} at {say_concentration(where)}"
            )
        again = "; rises above it again" if self.readings.last > level else ""
        return Estimate(dose, flag=self._no_curve + again, is_joined=True)

    def _never(self, level: float, end: float) -> str:
        """Say why the curve has no dose for a level; a reading that has it nevertheless is told."""
        highest = say_concentration(self.tested[1])
        last = f"{self._say(self.readings.last)} at {highest}"
        is_read = self.readings.last <= level
        if self.hill is None or end >= self.top:
            return (
                f"no curve stands out of the noise: {last}" if is_read else f"not reached: {last}"
            )
        though = f", though {last} was read" if is_read else ""
        if level <= self.bottom and self.plateau is not None:
            return f"not reached: plateau at {self._say(self.bottom)}{though}"
        return f"> {highest}{though}"

    def _say(self, response: float) -> str:
        return f"{response:.0f} %" if self.percent else f"GR {fixed(response)}"

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
    noisy: bool | None = None,
) -> Fit:
    """Fit a four-parameter logistic curve by least squares.

    Exact readings are fitted as they are; with less than 0.1 % from end to end they are given as a
    flat line. Of readings that scatter, the logarithms are fitted (for GR, the doublings), since
    they scatter by a share of themselves. The level of the untreated wells is a parameter then,
    because their mean, which all readings were divided by, has an error of its own; the curve is
    percent of that level and begins at `top`. A curve that is not significantly better than a
    flat line (F test, 5 %) is given as that line. Where no logistic curve describes the readings
    (r² below 0.99; where they scatter, a lack of fit that is significant at 5 % as well),
    `Fit.is_joined` is set. With few replicates that test may miss a curve in two steps.

    Started from the best few points of a grid over EC50 and slope, at each of which bottom and top
    follow linearly.

    Parameters
    ----------
    doses : array, shape (n,)
        [nM], not negative; zero stands for untreated. At least four different ones above zero.
    responses : array, shape (n,)
        Percent of control, not negative; or GR values, above -1.
    top : float, optional
        Response at dose zero, when it is known and not to be fitted. Default: fitted for exact
        readings; 100 %, or GR 1, for those that scatter.
    percent : bool
        Whether `responses` are percent; else they are GR values.
    noisy : bool, optional
        Whether readings scatter. Default: whether a dose occurs several times.

    Returns
    -------
    Fit

    Raises
    ------
    InputError
        For values that are not finite or out of range, or too few doses.
    """
    dose, response = _arrays(doses, responses)
    if noisy is None:
        noisy = len(np.unique(dose)) < len(dose)
    if noisy and top is None:
        top = 100.0 if percent else 1.0
    least = 0.0 if percent else -1.0
    scale = (Relative() if percent else Growth()) if noisy else Exact()
    x = log_dose(np.maximum(dose, 0.0))
    problem = Problem(x, response, scale, top, least, bool(noisy and (dose == 0).any()))
    _check(dose, response, least, int(problem.free.sum()))
    return _fitted(problem, dose, percent)


def _fitted(problem: Problem, dose: Floats, percent: bool) -> Fit:
    found, misfit = problem.solve()
    values = problem.scale.of(problem.response)
    spread = float(((values - values.mean()) ** 2).sum())
    free, is_exact = int(problem.free.sum()), type(problem.scale) is Exact
    freedom = len(dose) - free
    readings = Readings.of(dose, problem.response)
    if _is_flat(values, spread, misfit, freedom, free, is_exact):
        level = float(readings.means.mean())
        flat = np.zeros((4, 4))
        return Fit(level, level, None, None, readings, 0.0, freedom, flat, percent)
    bottom, top, log_ec50, hill = (float(value) for value in found[:4])
    return Fit(
        bottom=bottom,
        top=top,
        hill=hill,
        log_ec50=log_ec50,
        readings=readings,
        r_squared=1 - misfit / spread,
        freedom=freedom,
        covariance=problem.covariance(found, misfit / freedom),
        percent=percent,
        is_joined=_lacks_fit(dose, values, misfit, free, is_exact),
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


def growth_metrics(
    doses: ArrayLike, values: ArrayLike, *, noisy: bool | None = None
) -> GrowthMetrics:
    """Return the metrics of GR values.

    Parameters
    ----------
    doses : array, shape (n,)
        [nM], not negative; a dose may occur several times. Untreated wells (dose 0) tell how well
        their mean is known; without them it is taken as exact.
    values : array, shape (n,)
        GR [1].
    noisy : bool, optional
        As in `fit_logistic`.

    Raises
    ------
    InputError
        As `fit_logistic`.
    """
    fit = fit_logistic(doses, values, top=1.0, percent=False, noisy=noisy)
    return GrowthMetrics(
        gr50=fit.dose_at(0.5),
        gr_max=fit.readings.last,
        gr_aoc=area_over_curve(fit.readings.doses, fit.readings.means),
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


def fixed(number: float, digits: int = 2) -> str:
    """Return a number with so many decimals; what rounds to zero has no sign."""
    return f"{round(number, digits) + 0.0:.{digits}f}"


# --- checks and small sums ------------------------------------------------------------------------


def _arrays(doses: ArrayLike, responses: ArrayLike) -> tuple[Floats, Floats]:
    dose, response = (np.asarray(given, dtype=float) for given in (doses, responses))
    if dose.ndim != 1 or dose.shape != response.shape:
        raise InputError(
            f"dose response: {dose.shape} doses and {response.shape} responses. "
            "Expected one response for each dose."
        )
    if not (np.isfinite(dose) & np.isfinite(response)).all() or (dose < 0).any():
        raise InputError("dose response: expected finite numbers, doses not negative.")
    return dose, response


def _check(dose: Floats, response: Floats, least: float, free: int) -> None:
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


def _is_flat(
    values: Floats, spread: float, misfit: float, freedom: int, free: int, is_exact: bool
) -> bool:
    if is_exact or spread == 0:
        return bool(np.ptp(values) <= _FLAT * max(float(np.abs(values).max()), 1e-300))
    if misfit <= 1e-12 * spread:
        return False
    extra = max(free - 1, 1)
    ratio = (spread - misfit) / extra / (misfit / freedom)
    return bool(f_distribution.sf(ratio, extra, freedom) > _STANDS_OUT)


def _lacks_fit(dose: Floats, values: Floats, misfit: float, free: int, is_exact: bool) -> bool:
    """Whether no logistic curve describes the readings; for scattered ones, beyond scatter."""
    different, place = np.unique(dose, return_inverse=True)
    means = np.bincount(place, values) / np.bincount(place)
    scatter = float(((values - means[place]) ** 2).sum())
    between = float(((means[place] - values.mean()) ** 2).sum())
    lack = max(misfit - scatter, 0.0)
    if lack <= (1 - _DESCRIBES) * between:
        return False
    left, spare = len(dose) - len(different), len(different) - free
    if is_exact:
        return True
    if left < 1 or spare < 1 or scatter <= 0:
        return False  # nothing tells scatter from lack of fit
    return bool(f_distribution.sf(lack / spare / (scatter / left), spare, left) < _LACKS)


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
