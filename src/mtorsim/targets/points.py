"""Published curves in arbitrary units: each has a scale, and what the method adds, fitted to it."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from mtorsim.errors import InputError, UnknownIdError, shown
from mtorsim.steps import Floats
from mtorsim.targets.jobs import Dish, Job, curves
from mtorsim.targets.readings import CarryOut

BACKGROUNDS = ("none", "added", "subtracted")
SMALLEST_ERROR = 0.05  # of the largest mean of a curve: no blot is more exact than that
WITHIN = 2.0  # published standard deviations
_COLUMNS = ("dataset", "observable", "x", "mean", "sd")


@dataclass(frozen=True, eq=False)
class Published:
    """Points of one published curve.

    Attributes
    ----------
    x : array, shape (n,)
        Time [min], or dose [nM].
    mean, sd : array, shape (n,)
        In arbitrary units; a standard deviation of zero means that none was published.
    """

    x: Floats
    mean: Floats
    sd: Floats

    @property
    def error(self) -> Floats:
        """Standard error used as weight, shape (n,)."""
        return np.asarray(np.maximum(self.sd, SMALLEST_ERROR * self.mean.max()), dtype=float)


@dataclass(frozen=True)
class Points:
    """The share of published points that the model meets, once it is scaled to them.

    Attributes
    ----------
    dishes : tuple of Dish
        One read at all times, or one for each dose.
    id : str
    data : Published
    background : str
        ``"added"`` to the signal by the method, ``"subtracted"`` from it with an unstimulated
        sample, or ``"none"``.
    """

    dishes: tuple[Dish, ...]
    id: str
    data: Published
    background: str
    unit: str = field(default="%", init=False)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The dishes."""
        return self.dishes

    def model(self, carry_out: CarryOut) -> Floats:
        """Return the model at the published points [nM], shape (n,)."""
        found = [curves(carry_out(dish)) for dish in self.dishes]
        if len(found) == 1:
            return np.interp(self.data.x, found[0].time, found[0].values[self.id])
        return np.array([one.values[self.id][-1] for one in found])

    def scaled(self, model: Floats) -> Floats:
        """Return the model in the units of the data, shape (n,)."""
        scale, background = self.scale(model)
        return scale * model + background

    def scale(self, model: Floats) -> tuple[float, float]:
        """Return scale and background that fit best; the scale, and what is added, not negative."""
        return fitted_scale(model, self.data.mean, self.data.error, self.background)

    def within(self, model: Floats) -> Floats:
        """Return 1 for points within two published standard deviations, else 0; NaN without one."""
        inside = np.abs(self.scaled(model) - self.data.mean) <= WITHIN * self.data.sd
        return np.where(self.data.sd > 0, inside.astype(float), np.nan)

    def value(self, carry_out: CarryOut) -> float:
        """Return the share of points within two standard deviations [%]."""
        return 100 * float(np.nanmean(self.within(self.model(carry_out))))

    def of_a_constant(self) -> float:
        """Return what the best constant would catch [%]: the model is worth what it adds to it."""
        return 100 * float(np.nanmean(self.within(np.ones_like(self.data.mean))))

    def residuals(self, carry_out: CarryOut) -> Floats:
        """Return how far the model is from each point, in its standard errors, shape (n,)."""
        return (self.scaled(self.model(carry_out)) - self.data.mean) / self.data.error


def scale_factors(background: str) -> int:
    """Return how many numbers are fitted to bring a model to a curve in arbitrary units."""
    return 1 if background == "none" else 2


def fitted_scale(
    model: Floats, mean: Floats, error: Floats, background: str = "none"
) -> tuple[float, float]:
    """Return scale and background that bring a model closest to data in arbitrary units.

    Parameters
    ----------
    model, mean, error : array, shape (n,)
        The model [nM], the data and their standard deviations [arbitrary units].
    background : str
        One of `BACKGROUNDS`.

    Returns
    -------
    float
        The scale, not negative.
    float
        What is added to the scaled model: zero or more, or, of a subtracted one, zero or less.
    """
    from scipy.optimize import nnls

    weights = 1 / error
    sign = {"none": 0.0, "added": 1.0, "subtracted": -1.0}[background]
    matrix = np.stack([model, np.full_like(model, sign)][: 1 + bool(sign)], axis=1)
    factors, _ = nnls(matrix * weights[:, None], mean * weights)
    return float(factors[0]), sign * float(factors[1:].sum())


@lru_cache(maxsize=8)
def read_points(path: Path) -> Mapping[tuple[str, str], Published]:
    """Read a file of points: (dataset, observable) -> its curve.

    Raises
    ------
    InputError
        When there is no such file, a column is missing, or a number is none.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}.") from None
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for line, row in enumerate(rows, start=2):
        for name in _COLUMNS:
            if row.get(name) is None:
                raise InputError(f"{path}: column {name!r} is missing.")
        x, mean, sd = (_number(row[key], f"{path}, line {line}, {key}") for key in _COLUMNS[2:])
        found.setdefault((row["dataset"], row["observable"]), []).append((x, mean, sd))
    return {key: Published(*np.array(points).T) for key, points in found.items()}


def published(path: Path, dataset: str, observable: str) -> Published:
    """Return one curve of a file of points.

    Raises
    ------
    UnknownIdError
        For one that the file does not hold.
    """
    found = read_points(path)
    if (dataset, observable) not in found:
        known = [" of ".join(reversed(key)) for key in found]
        raise UnknownIdError(
            kind="published curve", given=f"{observable} of {dataset}", choices=known,
            listing=str(path),
        )  # fmt: skip
    return found[dataset, observable]


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise InputError(f"{where}: {shown(text)} is not a number.")
    return value
