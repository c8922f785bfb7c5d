"""Between which values a parameter may be estimated: wider than the range that holds 95 %."""

import math

from mtorsim.uncertainty import Uncertain

WIDENED = 3.0
"""How many times as wide, on a logarithmic scale, a range that follows from a grade becomes.

A bound stops a fit, while a range only says what is likely. What a model file itself calls
plausible is taken as it is.
"""


def bounds(one: Uncertain) -> tuple[float, float]:
    """Return the lower and the upper bound of a parameter, both above zero, around its value."""
    if one.basis == "plausible range":
        return one.low, one.high
    low, high = one.value / (one.value / one.low) ** WIDENED, one.value
    high *= (one.high / one.value) ** WIDENED
    return rounded(low), rounded(min(high, 1.0) if one.is_share else high)


def rounded(value: float) -> float:
    """Return a number above zero with three digits: bounds are no measurements."""
    return round(value, 2 - math.floor(math.log10(value)))
