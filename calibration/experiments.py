"""What the calibration reads: rows of published/targets.csv, simulated with values on trial."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np

from mtorsim import targets as published
from mtorsim.targets import Outcomes, Target
from mtorsim.targets.points import Points

HERE = Path(__file__).parent
FIT = "calibration/calibrate.py"
RAPALOGS = ("temsirolimus", "sirolimus", "everolimus", "ridaforolimus")
EFFECT_WEIGHT = 2.0  # an effect stands for a whole experiment: it counts as four points of a curve
COMPARED = ("signalling", "binding and potency")  # groups whose predictions the report lists

Values = Mapping[str, float]
Array = np.ndarray


@cache
def targets() -> Mapping[str, Target]:
    """Return id -> row of published/targets.csv."""
    return {target.id: target for target in published.load()}


def used_by(fit: str) -> list[Target]:
    """Return the rows that a fit is made to."""
    return [target for target in targets().values() if target.fit == fit]


@cache
def curves() -> tuple[Target, ...]:
    """Return the rows that are curves."""
    return tuple(one for one in used_by(FIT) if isinstance(one.reading, Points))


@cache
def fitted_effects() -> tuple[Target, ...]:
    """Return the rows that are single numbers."""
    return tuple(one for one in used_by(FIT) if one not in curves())


@cache
def predicted_effects() -> tuple[Target, ...]:
    """Return the rows on signalling that were kept out of the fit."""
    return tuple(
        one for one in targets().values() if one.use == "predicted" and one.group in COMPARED
    )


def outcomes(values: Values) -> Outcomes:
    """Return what carries simulations out with some values of the models.

    The rapalogs share what is fitted of them.
    """
    own = {name: value for name, value in values.items() if not name.startswith("rapalog.")}
    for name, value in values.items():
        if name.startswith("rapalog."):
            constant = name.removeprefix("rapalog.")
            own |= {f"{constant}_{drug}": value for drug in RAPALOGS}
    return Outcomes(own)


def measured(rows: Iterable[Target], values: Values) -> dict[str, float]:
    """Return id -> what the models give."""
    carry_out = outcomes(values)
    return {one.id: one.read(carry_out) for one in rows}


def residuals(values: Values) -> Iterator[float]:
    """Yield weighted residuals: points of curves, then effects."""
    carry_out = outcomes(values)
    for curve in curves():
        yield from curve.residuals(carry_out)
    for effect in fitted_effects():
        yield from EFFECT_WEIGHT * effect.residuals(carry_out)


def count() -> int:
    """Return how many residuals there are."""
    return sum(len(curve.reading.data.x) for curve in curves()) + len(fitted_effects())
