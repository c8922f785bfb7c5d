"""Between which values a parameter may be estimated, from what the models say of its number."""

import math
import re

from mtorsim.errors import ScenarioError
from mtorsim.symbols import Symbol

FACTORS = {"A": 2.0, "B": 5.0, "C": 10.0, "D": 100.0, "": 100.0}
"""Confidence -> factor by which a number may be off where nothing closer is said."""

_NUMBER = r"([0-9.]+(?:[eE][+-]?\d+)?)"
_PLAUSIBLE = re.compile(
    rf"plausible {_NUMBER}(?:\s*-\s*|\s+to\s+){_NUMBER}(?![\w.%])\s*([\w/*()]*)"
)
_PRIOR = re.compile(rf"prior {_NUMBER} within a factor of {_NUMBER}")
_SPREAD = 3.0  # standard deviations of a prior that bounds reach to: its factor is one


def bounds(symbol: Symbol, value: float) -> tuple[float, float]:
    """Return the lower and the upper bound of a parameter, both above zero.

    The range that the model calls plausible, if it is given in the unit of the parameter; else
    three times the factor (on a logarithmic scale) of the prior that it was fitted with; else a
    factor that follows from its confidence. The value itself lies between them in any case.

    Parameters
    ----------
    symbol : Symbol
    value : float
        In the scenario, in the unit of the symbol.

    Raises
    ------
    ScenarioError
        For a value that is zero: there is no factor of it.
    """
    if not value > 0:
        raise ScenarioError(
            f"estimate: {symbol.id} is {value:g}, and bounds are a factor of the value. "
            f"Give it one above zero, such as --set {symbol.id}=0.1."
        )
    low, high = _stated(symbol) or _by_factor(FACTORS[symbol.confidence], value)
    return min(low, rounded(value / 1.1)), max(high, rounded(value * 1.1))


def _stated(symbol: Symbol) -> tuple[float, float] | None:
    found = _PLAUSIBLE.search(symbol.notes)
    if found is not None and found[3] in ("", symbol.unit):
        low, high = float(found[1]), float(found[2])
        if 0 < low < high:
            return low, high
    if (prior := _PRIOR.search(symbol.notes)) is not None:
        return _by_factor(float(prior[2]) ** _SPREAD, float(prior[1]))
    return None


def _by_factor(factor: float, value: float) -> tuple[float, float]:
    low, high = value / factor, value * factor
    return rounded(low), rounded(high)


def rounded(value: float) -> float:
    """Return a number above zero with three digits: bounds are no measurements."""
    digits = 2 - math.floor(math.log10(value))
    return round(value, digits)
