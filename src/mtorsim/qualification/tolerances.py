"""Whether the solver is exact enough: every read-out once more with tighter tolerances."""

import math
from dataclasses import dataclass

from mtorsim.targets import Target

TIGHTER = 100.0
"""By how much the tolerances of the solver are divided."""

LARGEST = 1e-3
"""No read-out may change by more than this share of itself."""


@dataclass(frozen=True)
class Change:
    """A read-out as usual and with tighter tolerances.

    Attributes
    ----------
    id, what, unit : str
    usual, tight : float
    """

    id: str
    what: str
    unit: str
    usual: float
    tight: float

    @property
    def share(self) -> float:
        """How far the read-out moves, as a share of itself [1]; infinite where one fails."""
        if self.usual == self.tight:  # infinities too: a dose that is not reached
            return 0.0
        whole = abs(self.tight)
        moved = abs(self.usual - self.tight)
        return moved / whole if math.isfinite(moved) and whole else math.inf

    @property
    def passed(self) -> bool:
        """Whether it moves by no more than `LARGEST`."""
        return self.share <= LARGEST


def change(target: Target, usual: float, tight: float) -> Change:
    """Return how a read-out changes.

    A logarithm is compared as what it is the logarithm of: 0 is as exact as any other.
    """
    if target.unit == "log2":
        usual, tight = 2.0**usual, 2.0**tight
    return Change(target.id, target.quantity, target.unit, usual, tight)
