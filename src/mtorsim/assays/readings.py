"""Readings of a dose series as they are: means, and a monotone curve that joins them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator

from mtorsim.assays.logistic import Floats


@dataclass(frozen=True, eq=False)
class Readings:
    """The mean reading at each dose, joined without a model.

    Between doses the response runs as a cubic over log10 dose that is monotone wherever the
    readings are.

    Attributes
    ----------
    doses : array, shape (n,)
        [nM], above zero, rising; at least two.
    means : array, shape (n,)
        Mean of the replicates [unit of the response].
    """

    doses: Floats
    means: Floats

    @classmethod
    def of(cls, doses: Floats, values: Floats) -> "Readings":
        """Return the readings of wells, untreated ones left out; both of shape (n,)."""
        different, place = np.unique(doses, return_inverse=True)
        means = [float(values[place == number].mean()) for number in range(len(different))]
        treated = different > 0
        return cls(np.asarray(different[treated], dtype=float), np.array(means)[treated])

    @property
    def last(self) -> float:
        """Reading at the highest dose."""
        return float(self.means[-1])

    @property
    def least(self) -> tuple[float, float]:
        """Lowest reading, and its dose [nM]."""
        place = int(np.argmin(self.means))
        return float(self.means[place]), float(self.doses[place])

    @cached_property
    def _curve(self) -> PchipInterpolator:
        return PchipInterpolator(np.log10(self.doses), self.means, extrapolate=False)

    def __call__(self, dose: ArrayLike) -> Floats:
        """Return the joined curve at doses [nM]; NaN outside those that were tested."""
        return np.asarray(self._curve(np.log10(np.asarray(dose, dtype=float))), dtype=float)

    def falls_to(self, level: float) -> float | None:
        """Return the first dose [nM] at which the joined curve falls to `level`; None if never."""
        below = np.flatnonzero(self.means <= level)
        if not below.size or self.means[0] < level:
            return None
        roots = self._curve.solve(level, extrapolate=False)
        within = roots[roots <= np.log10(self.doses[below[0]]) + 1e-9]
        return float(10 ** within.max()) if within.size else float(self.doses[below[0]])
