"""What the parameter sets that agree with data give for a published number."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from mtorsim import members
from mtorsim.errors import SimulationError
from mtorsim.pharmacology.ensemble import every_fit
from mtorsim.targets import Outcomes, Target

PERCENTILES = (5, 50, 95)
_FEWEST = 0.05  # of the members


@dataclass(frozen=True)
class Spread:
    """Percentiles of a number over the ensemble.

    Attributes
    ----------
    low, middle, high : float
        5, 50 and 95 %; infinite where that many members do not reach it.
    within : int
        Members whose number lies in the published range.
    count : int
        Members that could be simulated.
    """

    low: float
    middle: float
    high: float
    within: int
    count: int

    def as_ratio(self) -> "Spread":
        """Return the spread of what these are binary logarithms of."""
        low, middle, high = (2.0**one for one in (self.low, self.middle, self.high))
        return Spread(low, middle, high, self.within, self.count)

    @property
    def reaches(self) -> bool:
        """Whether one in twenty members lies in the published range."""
        return self.within >= max(1.0, _FEWEST * self.count)


def member_values(number: int) -> Mapping[str, float]:
    """Return what a member puts in place of values of the models, as `targets.Values`.

    Pharmacokinetics come from the fits to exposures, which are an ensemble of their own: member n
    goes with fit n, and with the first again when there are no more.
    """
    fits = every_fit()
    return {**members.flat(number), **fits[(number - 1) % len(fits)]}


def all_outcomes() -> list[Outcomes]:
    """Return what carries simulations out with each member."""
    return [Outcomes(member_values(number)) for number in members.numbers()]


def spread(target: Target, outcomes: Iterable[Outcomes]) -> Spread | None:
    """Return the spread of a number; None where no member can be simulated."""
    found = []
    for one in outcomes:
        try:
            value = target.read(one)
        except SimulationError:
            continue
        if not math.isnan(value):
            found.append(value)
    if not found:
        return None
    # Nearest: some members may never reach what is read, and have no number between.
    low, middle, high = np.percentile(found, PERCENTILES, method="nearest").tolist()
    within = sum(target.verdict(value) == "pass" for value in found)
    return Spread(low, middle, high, within, len(found))
