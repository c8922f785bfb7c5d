"""Non-compartmental analysis of concentrations, as it is reported from a clinical study.

Units are the caller's own, as long as they agree: time T, concentration C and dose D, an amount,
give areas in C T, clearances in D / (C T) and volumes in D / C. After a dose that is swallowed
clearance and volumes are those over bioavailability.

The numbers are those of Phoenix WinNonlin and of PKNCA; the tests hold published output of the
former.

References
----------
.. [1] Gabrielsson J, Weiner D. Pharmacokinetic and Pharmacodynamic Data Analysis: Concepts and
   Applications. 5th ed. Swedish Pharmaceutical Press, 2016.
.. [2] Purves RD. Optimum numerical integration methods for estimation of area-under-the-curve
   (AUC) and area-under-the-moment-curve (AUMC). J Pharmacokinet Biopharm 1992; 20: 211-226.
.. [3] Denney W, Duvvuri S, Buckeridge C. Simple, automatic noncompartmental analysis: the PKNCA R
   package. J Pharmacokinet Pharmacodyn 2015; 42: S65.
.. [4] Perrier D, Mayersohn M. Noncompartmental determination of the steady-state volume of
   distribution for any mode of administration. J Pharm Sci 1982; 71: 372-373.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtorsim.errors import ScenarioError, shown

Floats: TypeAlias = NDArray[np.float64]

FEWEST_POINTS = 3  # of a terminal slope
_AS_GOOD = 1e-4  # of adjusted r²: within it of the best, more points win
_STRAIGHT = 1e-4  # fall in log concentration below which a segment is as good as straight
_LEVEL = 1e-9  # fall in log concentration over a line that rounding alone may feign
_SAME = 1e-9  # share of the last time by which a time may miss another

_TERMINAL = ("lambda_z", "half_life", "terminal_points", "adjusted_r2")
_WHOLE = ("auc_inf", "extrapolated", "aumc_inf", "mrt")
_DISPOSITION = ("clearance", "volume_z", "volume_ss")
_REPEATED = ("auc_tau", "ctrough", "caverage", "fluctuation")

_Found: TypeAlias = dict[str, float | str]
"""Name of a result -> the number, or in words why there is none."""


@dataclass(frozen=True)
class Analysis:
    """What one concentration curve says; None where it does not, and `reasons` says why.

    Attributes
    ----------
    cmax, tmax : float
        Highest concentration [C] and its time [T]; the first, if there are several.
    clast, tlast : float
        Last quantifiable concentration [C] and its time [T].
    auc_last : float
        Area from 0 to `tlast` [C T]. Each segment that falls is taken as an exponential, every
        other as a straight line (linear up, logarithmic down) [2]_.
    auc_inf : float
        Area from 0 to infinity [C T]: ``auc_last + clast / lambda_z``, from the concentration
        observed and not from that on the line.
    extrapolated : float
        Share of `auc_inf` that lies after `tlast`, from 0 to 1.
    lambda_z : float
        Terminal slope of the natural logarithm [1/T].
    half_life : float
        ``ln 2 / lambda_z`` [T].
    terminal_points : int
        How many of the last concentrations the slope is drawn through.
    adjusted_r2 : float
        Of that line.
    aumc_inf : float
        Area under time times concentration, from 0 to infinity [C T²].
    mrt : float
        Mean residence time ``aumc_inf / auc_inf - infusion / 2`` [T] [4]_. After a dose that is
        swallowed, and for a metabolite, it holds the time of absorption or of formation.
    clearance : float
        Of a single dose: ``dose / auc_inf`` [D / (C T)]. In a steady state it is
        ``dose / auc_tau``, which is left to the caller.
    volume_z : float
        ``clearance / lambda_z`` [D / C].
    volume_ss : float
        ``clearance * mrt`` [D / C] [4]_; for a dose into the blood only.
    auc_tau : float
        Area over a dosing interval from 0 [C T]. Beyond `tlast` the terminal slope carries it on.
    ctrough : float
        Concentration at the end of the dosing interval [C], found in the same way.
    caverage : float
        ``auc_tau / interval`` [C].
    fluctuation : float
        Highest less lowest concentration in the dosing interval, over `caverage`.
    interval : float or None
        The dosing interval as given [T].
    reasons : mapping of str to str
        Name of each of the above that is None -> why, in words.
    """

    cmax: float | None
    tmax: float | None
    clast: float | None
    tlast: float | None
    auc_last: float | None
    auc_inf: float | None
    extrapolated: float | None
    lambda_z: float | None
    half_life: float | None
    terminal_points: int | None
    adjusted_r2: float | None
    aumc_inf: float | None
    mrt: float | None
    clearance: float | None
    volume_z: float | None
    volume_ss: float | None
    auc_tau: float | None
    ctrough: float | None
    caverage: float | None
    fluctuation: float | None
    interval: float | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


_RESULTS = tuple(one.name for one in fields(Analysis) if one.name not in {"interval", "reasons"})


@dataclass(frozen=True)
class Accumulation:
    """How much higher a later dosing interval lies than the first.

    Attributes
    ----------
    auc_ratio, cmax_ratio, trough_ratio : float or None
        `auc_tau`, `cmax` and `ctrough`, the later over the first.
    reasons : mapping of str to str
        Name of each ratio that is None -> why, in words.
    """

    auc_ratio: float | None
    cmax_ratio: float | None
    trough_ratio: float | None
    reasons: Mapping[str, str] = field(default_factory=dict)


def analyse(
    time: ArrayLike,
    concentration: ArrayLike,
    *,
    dose: float | None = None,
    infusion: float = 0.0,
    limit: float = 0.0,
    interval: float | None = None,
    bolus: bool = False,
) -> Analysis:
    """Return the non-compartmental analysis of the concentrations after one dose [1]_.

    Parameters
    ----------
    time : array, shape (n,)
        From the start of the dose [T], rising from 0 and ending before the next dose.
    concentration : array, shape (n,)
        [C], not negative. At time 0 that is 0 before a first infusion or a first dose swallowed,
        the trough before a later one, and right after a bolus the height that it reaches.
    dose : float, optional
        Amount [D]. Default: unknown, as for a metabolite; no clearance and no volumes then.
    infusion : float
        Its duration [T]; 0 for a bolus or a dose swallowed.
    limit : float
        Lower limit of quantification [C]. What lies below it, and every 0, counts as 0 before the
        first quantifiable concentration and as missing after it. Set it for simulated curves too,
        above the solver's tolerance.
    interval : float, optional
        Dosing interval [T].
    bolus : bool
        Whether the dose went into the blood at once. The value at time 0 is then no sample but the
        height from which the curve falls: it is part of areas, and neither `cmax` nor `tmax`.

    Returns
    -------
    Analysis
        Its `lambda_z` is the slope of log concentration through those last 3 or more quantifiable
        points, all after the peak and none before the end of the infusion, that have the best
        adjusted r²; within 1e-4 of the best, more points win [3]_. A densely simulated curve
        should be read at the times of a clinical schedule: any 3 points of it lie on a line.

    Raises
    ------
    ScenarioError
        For times that do not rise from 0, concentrations that are negative or not finite, or a
        dose, infusion, limit or interval out of range.
    """
    profile = _profile(time, concentration)
    _check_start(profile)
    for name, number in (("dose", dose), ("interval", interval)):
        _check_number(name, number, zero=False)
    for name, number in (("infusion", infusion), ("limit", limit)):
        _check_number(name, number, zero=True)
    found = _found(_quantified(profile, limit), dose, infusion, interval)
    if bolus:
        found |= _sampled(_quantified(profile, limit))
    return Analysis(**_numbers(found), interval=interval, reasons=_reasons(found))


def accumulation(first: Analysis, last: Analysis) -> Accumulation:
    """Return how a later dosing interval, in a steady state say, compares with the first [1]_.

    Parameters
    ----------
    first, last : Analysis
        After the first and after a later dose, over the same dosing interval, each with times
        from its own dose.

    Raises
    ------
    ScenarioError
        For dosing intervals that differ.
    """
    if first.interval != last.interval:
        raise ScenarioError(
            f"accumulation: dosing intervals of {first.interval} and {last.interval}. "
            "Expected the same one in both analyses."
        )
    pairs = {"auc_ratio": "auc_tau", "cmax_ratio": "cmax", "trough_ratio": "ctrough"}
    found = {ratio: _ratio(first, last, name) for ratio, name in pairs.items()}
    return Accumulation(**_numbers(found), reasons=_reasons(found))


def area(time: ArrayLike, concentration: ArrayLike, start: float, end: float) -> float:
    """Return the area under a curve between two times within it [C T].

    Linear up, logarithmic down [2]_; a time between two points is interpolated in the same way:
    log-linear where the curve falls, linear elsewhere.

    Parameters
    ----------
    time, concentration : array, shape (n,)
        [T], rising, and [C], not negative.
    start, end : float
        [T].

    Raises
    ------
    ScenarioError
        For an unusable curve, and for times that lie outside it or do not rise.
    """
    curve = _profile(time, concentration)
    earliest, latest = curve.time[0], curve.time[-1]
    if not earliest <= start < end <= latest:
        raise ScenarioError(
            f"area: from {start:g} to {end:g}. Expected a start before its end, both within the "
            f"times given, {earliest:g} to {latest:g}."
        )
    return float(_areas(_cut(curve, start, end)).sum())


# --- the curve and the areas under it -------------------------------------------------------------


class _Curve(NamedTuple):
    time: Floats  # rising
    concentration: Floats  # of the same shape


class _Terminal(NamedTuple):
    slope: float  # as fall: positive
    points: int
    adjusted_r2: float


def _quantified(curve: _Curve, limit: float) -> _Curve:
    """Return what counts: zeros, then quantifiable concentrations only; empty without any."""
    quantifiable = (curve.concentration >= limit) & (curve.concentration > 0)
    before = np.cumsum(quantifiable) == 0
    kept = quantifiable | (before & quantifiable.any())
    return _Curve(curve.time[kept], np.where(before, 0.0, curve.concentration)[kept])


def _falls(curve: _Curve) -> Floats:
    """Return the fall in log concentration over each segment, 0 for one that counts as straight.

    Its shape is (n - 1,).
    """
    before, after = curve.concentration[:-1], curve.concentration[1:]
    falling = (after > 0) & (after < before)
    fall = np.zeros_like(before)
    fall[falling] = np.log(before[falling]) - np.log(after[falling])
    return np.where(fall > _STRAIGHT, fall, 0.0)


def _areas(curve: _Curve) -> Floats:
    """Return the area under each segment [C T], shape (n - 1,): linear up, logarithmic down."""
    (time, value), fall = curve, _falls(curve)
    step, bent = np.diff(time), fall > 0
    areas: Floats = step * (value[:-1] + value[1:]) / 2
    areas[bent] = (step * (value[:-1] - value[1:]))[bent] / fall[bent]
    return areas


def _moments(curve: _Curve) -> Floats:
    """Return the area under time times concentration of each segment [C T²], shape (n - 1,)."""
    (time, value), fall = curve, _falls(curve)
    step, first, bent = np.diff(time), time * value, fall > 0
    moments: Floats = step * (first[:-1] + first[1:]) / 2
    rate = fall[bent] / step[bent]
    over = (first[:-1] - first[1:])[bent] / rate
    moments[bent] = over + (value[:-1] - value[1:])[bent] / rate**2
    return moments


def _cut(curve: _Curve, start: float, end: float) -> _Curve:
    """Return the part between two times, its ends interpolated."""
    inside = (curve.time > start) & (curve.time < end)
    return _Curve(
        np.array([start, *curve.time[inside], end]),
        np.array([_at(curve, start), *curve.concentration[inside], _at(curve, end)]),
    )


def _at(curve: _Curve, time: float) -> float:
    segment = min(max(int(np.searchsorted(curve.time, time)) - 1, 0), len(curve.time) - 2)
    (begun, ended), (before, after) = (one[segment : segment + 2] for one in curve)
    share = (time - begun) / (ended - begun)
    if 0 < after < before:
        return float(before * (after / before) ** share)
    return float(before + share * (after - before))


# --- the terminal slope ---------------------------------------------------------------------------


def _terminal(curve: _Curve, infusion: float) -> _Terminal | str:
    peak = curve.time[np.argmax(curve.concentration)]
    after = (curve.time > peak) & (curve.time >= infusion)
    if np.count_nonzero(after) < FEWEST_POINTS:
        event = "peak" if infusion <= peak else "infusion"
        return f"fewer than three quantifiable values after the {event}"
    slopes, fits = _lines(curve.time[after], np.log(curve.concentration[after]))
    good = np.flatnonzero((slopes > 0) & (fits > fits.max() - _AS_GOOD))
    if not good.size:
        return "curve does not fall at its end"
    most = good[-1]
    return _Terminal(float(slopes[most]), int(most) + FEWEST_POINTS, float(fits[most]))


def _lines(time: Floats, logs: Floats) -> tuple[Floats, Floats]:
    """Return fall and adjusted r² of the lines through the last 3, 4, ... points.

    The r² of a level line says nothing: it is minus infinity. Both have shape (n - 2,).
    """
    x, y = (time - time[-1])[::-1], (logs - logs[-1])[::-1]
    n = np.arange(1, len(x) + 1)
    sum_x, sum_y = np.cumsum(x), np.cumsum(y)
    sums = {
        "xx": n * np.cumsum(x * x) - sum_x**2,
        "xy": n * np.cumsum(x * y) - sum_x * sum_y,
        "yy": n * np.cumsum(y * y) - sum_y**2,
    }
    xx, xy, yy, x, n = (one[FEWEST_POINTS - 1 :] for one in (*sums.values(), x, n))
    sloping = (np.abs(xy / xx * x) > _LEVEL) & (yy > 0)
    r2 = np.minimum(xy**2 / (xx * np.where(sloping, yy, 1.0)), 1.0)
    return -xy / xx, np.where(sloping, 1 - (1 - r2) * (n - 1) / (n - 2), -np.inf)


# --- the results ----------------------------------------------------------------------------------


def _found(curve: _Curve, dose: float | None, infusion: float, interval: float | None) -> _Found:
    if not curve.time.size:
        return dict.fromkeys(_RESULTS, "no quantifiable value")
    terminal = _terminal(curve, infusion)
    found = _observed(curve) | _over_interval(curve, terminal, interval)
    if isinstance(terminal, str):
        found |= dict.fromkeys((*_TERMINAL, *_WHOLE, *_DISPOSITION), terminal)
    else:
        found |= _with_slope(curve, terminal, dose, infusion)
    return found if dose is not None else found | dict.fromkeys(_DISPOSITION, "no dose given")


def _observed(curve: _Curve) -> _Found:
    peak = int(np.argmax(curve.concentration))
    return {
        "cmax": float(curve.concentration[peak]),
        "tmax": float(curve.time[peak]),
        "clast": float(curve.concentration[-1]),
        "tlast": float(curve.time[-1]),
        "auc_last": float(_areas(curve).sum()),
    }


def _sampled(curve: _Curve) -> _Found:
    """Return the peak of what is drawn after time 0."""
    drawn = _Curve(*(one[curve.time > 0] for one in curve))
    if not drawn.concentration.any():
        return dict.fromkeys(("cmax", "tmax"), "no quantifiable value")
    return {name: one for name, one in _observed(drawn).items() if name in ("cmax", "tmax")}


def _with_slope(
    curve: _Curve, terminal: _Terminal, dose: float | None, infusion: float
) -> dict[str, float]:
    whole = _to_infinity(curve, terminal.slope, infusion)
    slope = (terminal.slope, math.log(2) / terminal.slope, *terminal[1:])
    found = dict(zip(_TERMINAL, slope, strict=True)) | whole
    return found | (_disposition(dose, terminal.slope, whole) if dose is not None else {})


def _to_infinity(curve: _Curve, slope: float, infusion: float) -> dict[str, float]:
    """Add the exponential after the last point: C / λ, and (t + 1 / λ) C / λ to the moment [1]_."""
    rest = float(curve.concentration[-1]) / slope
    whole = float(_areas(curve).sum()) + rest
    moment = float(_moments(curve).sum()) + rest * (float(curve.time[-1]) + 1 / slope)
    residence = moment / whole - infusion / 2
    return dict(zip(_WHOLE, (whole, rest / whole, moment, residence), strict=True))


def _disposition(dose: float, slope: float, whole: dict[str, float]) -> dict[str, float]:
    clearance = dose / whole["auc_inf"]
    volumes = (clearance / slope, clearance * whole["mrt"])
    return dict(zip(_DISPOSITION, (clearance, *volumes), strict=True))


def _over_interval(curve: _Curve, terminal: _Terminal | str, interval: float | None) -> _Found:
    """Take the curve up to the end of the interval, or carry it on as an exponential."""
    if interval is None:
        return dict.fromkeys(_REPEATED, "no dosing interval given")
    beyond = interval - float(curve.time[-1])
    inside = curve if beyond >= 0 else _cut(curve, float(curve.time[0]), interval)
    total, trough = float(_areas(inside).sum()), float(inside.concentration[-1])
    if beyond > _SAME * interval:
        if isinstance(terminal, str):
            return dict.fromkeys(_REPEATED, f"values end within the dosing interval: {terminal}")
        last, trough = trough, trough * math.exp(-terminal.slope * beyond)
        total += (last - trough) / terminal.slope
    swing = float(inside.concentration.max()) - min(float(inside.concentration.min()), trough)
    fluctuation = swing * interval / total if total else "no quantifiable value within the interval"
    return dict(zip(_REPEATED, (total, trough, total / interval, fluctuation), strict=True))


def _ratio(first: Analysis, last: Analysis, name: str) -> float | str:
    below, above = getattr(first, name), getattr(last, name)
    for which, one, number in (("first", first, below), ("later", last, above)):
        if number is None:
            return f"{name} of the {which} dose: {one.reasons[name]}"
    return float(above / below) if below > 0 else f"{name} of the first dose is zero"


def _numbers(found: _Found) -> dict[str, Any]:
    return {name: None if isinstance(one, str) else one for name, one in found.items()}


def _reasons(found: _Found) -> dict[str, str]:
    return {name: one for name, one in found.items() if isinstance(one, str)}


# --- checks ---------------------------------------------------------------------------------------


def _profile(time: ArrayLike, concentration: ArrayLike) -> _Curve:
    try:
        curve = _Curve(*(np.asarray(one, dtype=float) for one in (time, concentration)))
    except (TypeError, ValueError):
        raise ScenarioError("time, concentration: expected numbers.") from None
    shapes = tuple(one.shape for one in curve)
    if curve.time.ndim != 1 or shapes[0] != shapes[1] or curve.time.size < 2:
        raise ScenarioError(
            f"time, concentration: shapes {shapes[0]} and {shapes[1]}. "
            "Expected one concentration for each time, and two of them at least."
        )
    _check_values(curve)
    return curve


def _check_values(curve: _Curve) -> None:
    if not np.isfinite(curve).all():
        raise ScenarioError(
            "time, concentration: expected finite numbers; leave out what is missing."
        )
    falls = np.flatnonzero(np.diff(curve.time) <= 0)
    if falls.size:
        pair = " and ".join(f"{one:g}" for one in curve.time[falls[0] : falls[0] + 2])
        raise ScenarioError(f"time: {pair} in this order. Expected rising times, each once.")
    if (curve.concentration < 0).any():
        lowest = curve.concentration.min()
        raise ScenarioError(f"concentration: {lowest:g} is negative. Expected 0 or more.")


def _check_start(curve: _Curve) -> None:
    start = float(curve.time[0])
    if abs(start) > _SAME * abs(float(curve.time[-1])):
        raise ScenarioError(
            f"time: starts at {start:g}. Expected the start of the dose, 0. The concentration "
            "there is 0 before a first infusion or a first dose swallowed; that of a bolus is "
            "found by extrapolation."
        )


def _check_number(name: str, number: float | None, *, zero: bool) -> None:
    if number is None or 0 < number < math.inf or (zero and number == 0):
        return
    expected = "0 or more" if zero else "above zero"
    raise ScenarioError(f"{name}: got {shown(number)}. Expected a finite number, {expected}.")
