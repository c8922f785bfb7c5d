"""What two drugs do together beyond what each does alone: Bliss, Loewe, Chou and Talalay.

Each is given only where it is defined. An effect that a drug never has alone has no equivalent
dose of it, and none is made up.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from mtorsim.assays.logistic import Floats

_CLEAR = (0.01, 0.99)  # affected fractions that a median-effect line is drawn through
_FEWEST = 3  # points of such a line
_STRAIGHT = 0.9  # r² of such a line, below which a plateau bends it and doses read from it mislead
_LEAST = 0.5  # % of control: an effect
_EDGE = 1e-6  # % of control: the solver's rounding


def bliss_excess(response: Floats) -> Floats:
    """Return by how much a matrix of responses falls below Bliss independence [% of control].

    Expected is the product of the two single responses: 60 % and 50 % give 30 %. Positive is
    synergy.

    Parameters
    ----------
    response : array, shape (a, b)
        Percent of control; the first column is drug A alone, the first row drug B alone.

    Returns
    -------
    array, shape (a, b)
        NaN where a single response is not from 0 to 100 %: a gain is no fraction affected.
    """
    single_a, single_b = np.broadcast_arrays(response[:, :1], response[:1, :])
    excess = single_a * single_b / 100 - response
    fractions = [(one >= 0) & (one <= 100 + _EDGE) for one in (single_a, single_b)]
    return np.where(fractions[0] & fractions[1], excess, np.nan)


@dataclass(frozen=True, eq=False)
class Alone:
    """What one drug does alone: its measured responses, joined without a model.

    Between doses the log10 dose runs as a monotone cubic through the responses, below the lowest
    the dose runs straight to zero. A fitted curve would put its own misfit into the index.

    Attributes
    ----------
    name : str
        ``"A"`` or ``"B"``.
    doses : array, shape (n,)
        [nM], rising from 0.
    responses : array, shape (n,)
        Percent of control.
    """

    name: str
    doses: Floats
    responses: Floats

    @cached_property
    def _falling(self) -> tuple[Floats, Floats]:
        """Doses and responses without those that no longer fall, by more than rounding."""
        least = np.minimum.accumulate(self.responses)
        keep = np.append(True, np.diff(least) < -_EDGE)
        return self.doses[keep], self.responses[keep]

    @cached_property
    def _log_dose(self) -> PchipInterpolator:
        doses, responses = self._falling
        return PchipInterpolator(responses[:0:-1], np.log10(doses[:0:-1]))

    @property
    def lowest(self) -> float:
        """Least response [% of control]."""
        return float(self.responses.min())

    def undefined(self, response: float) -> str:
        """Say why a response has no equivalent dose; empty where it has one."""
        rise = float((self.responses - np.minimum.accumulate(self.responses)).max())
        if len(self._falling[0]) < _FEWEST or self.responses[0] - self.lowest < _LEAST:
            return f"{self.name} alone has no effect"
        if rise > _LEAST:
            return f"{self.name} alone falls and rises again"
        if response >= self.responses[0]:
            return f"no effect to compare with {self.name}"
        if response < self.lowest:
            return f"beyond {self.name} alone, which reaches {self.lowest:.0f} %"
        return ""

    def dose(self, response: float) -> float:
        """Return the dose [nM] with this response, which must not be `undefined`."""
        doses, responses = self._falling
        if response >= responses[1]:
            return float(doses[1] * (responses[0] - response) / (responses[0] - responses[1]))
        return float(10 ** self._log_dose(response))


@dataclass(frozen=True)
class Loewe:
    """Loewe additivity at one pair of doses.

    Attributes
    ----------
    index : float or None
        ``a/A + b/B``, A and B being the doses that have the effect alone [1]: 1 is additive, less
        is synergy. None where it is not defined: then see `flag`.
    excess : float or None
        By how much the response falls below the additive one [% of control].
    flag : str
        Why something is not defined.
    """

    index: float | None
    excess: float | None
    flag: str = ""


def loewe(a: float, b: float, response: float, alone: tuple[Alone, Alone]) -> Loewe:
    """Return Loewe's interaction index and excess for one well.

    Parameters
    ----------
    a, b : float
        Doses [nM], not negative. With one of them zero there is nothing to add.
    response : float
        Percent of control.
    alone : tuple of Alone
        Each drug alone.
    """
    if a == 0 or b == 0:
        return Loewe(None, None, "one drug alone")
    flags = dict.fromkeys(one.undefined(response) for one in alone)
    said = "; ".join(flag for flag in flags if flag)
    index = None if said else _index(a, b, response, alone)
    expected = _additive(a, b, alone)
    if expected is None and not said:
        said = "additive response beyond what one drug does alone"
    return Loewe(index, None if expected is None else expected - response, said)


def _index(a: float, b: float, response: float, alone: tuple[Alone, Alone]) -> float:
    return a / alone[0].dose(response) + b / alone[1].dose(response)


def _additive(a: float, b: float, alone: tuple[Alone, Alone]) -> float | None:
    """Response at which the index is 1; None where one drug never has it alone."""
    low = max(one.lowest for one in alone)
    high = min(float(one.responses[0]) for one in alone)
    low, high = low + _EDGE, high - _EDGE
    if any(one.undefined(low) for one in alone):
        return None
    ends = [_index(a, b, end, alone) - 1 for end in (low, high)]
    if ends[0] > 0 or ends[1] < 0:
        return None

    def excess(response: float) -> float:
        # The index spans many decades: on its own scale the solver would creep.
        return math.log(_index(a, b, response, alone))

    return float(brentq(excess, low, high, xtol=1e-10, maxiter=1000))


@dataclass(frozen=True)
class MedianEffect:
    """A line through log10(fa/(1 - fa)) over log10 dose; fa is the affected fraction.

    Attributes
    ----------
    m : float
        Slope [1].
    median_dose : float
        Dose with half the effect by the line [nM]; it may lie outside the tested doses.
    r_squared : float
        [1].
    effects : tuple of float
        Lowest and highest affected fraction that the line was drawn through [1].
    """

    m: float
    median_dose: float
    r_squared: float
    effects: tuple[float, float]

    def read(self, affected: float, name: str) -> tuple[float | None, str]:
        """Return the dose [nM] for an affected fraction, or None and why there is none.

        Nothing is read outside what was measured, nor from a line that a plateau has bent.
        """
        low, high = self.effects
        if self.r_squared < _STRAIGHT:
            return None, f"no straight median-effect line of {name}: r² {self.r_squared:.2f}"
        if not low <= affected <= high:
            return None, f"{name} measured from {low:.2f} to {high:.2f} affected"
        return float(self.median_dose * (affected / (1 - affected)) ** (1 / self.m)), ""


def median_effect(
    doses: Sequence[float] | Floats, affected: Sequence[float] | Floats
) -> MedianEffect | None:
    """Fit the median-effect line of one dose series.

    Chou and Talalay 1984, Adv Enzyme Regul 22:27, https://doi.org/10.1016/0065-2571(84)90007-4.

    Parameters
    ----------
    doses, affected : array, shape (n,)
        Doses [nM], above zero; affected fractions [1].

    Returns
    -------
    MedianEffect or None
        None unless at least three points between 1 and 99 % rise with dose.
    """
    dose, fraction = (np.asarray(given, dtype=float) for given in (doses, affected))
    clear = (fraction > _CLEAR[0]) & (fraction < _CLEAR[1])
    dose, fraction = dose[clear], fraction[clear]
    if len(np.unique(dose)) < _FEWEST or np.ptp(fraction) < 1e-9:
        return None
    x, y = np.log10(dose), np.log10(fraction / (1 - fraction))
    m, start = (float(value) for value in np.polyfit(x, y, 1))
    if m <= 0:
        return None
    explained = 1 - float(((y - m * x - start) ** 2).sum() / ((y - y.mean()) ** 2).sum())
    return MedianEffect(
        m, 10 ** (-start / m), explained, (float(fraction.min()), float(fraction.max()))
    )


def why_no_line(doses: Sequence[float] | Floats, affected: Sequence[float] | Floats) -> str:
    """Say why `median_effect` finds no line; arguments as there."""
    dose, fraction = (np.asarray(given, dtype=float) for given in (doses, affected))
    clear = (fraction > _CLEAR[0]) & (fraction < _CLEAR[1])
    if len(np.unique(dose[clear])) < _FEWEST:
        return f"fewer than {_FEWEST} doses between 1 and 99 % affected"
    return "slope not above zero: the effect does not rise with dose"


def combination_index(
    affected: float,
    together: MedianEffect | None,
    share_a: float,
    alone_a: MedianEffect | None,
    alone_b: MedianEffect | None,
) -> tuple[float | None, str]:
    """Return Chou and Talalay's combination index at an affected fraction, or why there is none.

    Parameters
    ----------
    affected : float
        Affected fraction [1].
    together, alone_a, alone_b : MedianEffect or None
        Lines of the mixture (over its total dose) and of each drug.
    share_a : float
        Share of drug A in the mixture [1].

    Returns
    -------
    index : float or None
        1 is additive, less is synergy [1].
    flag : str
        Why it is not defined; empty where it is.
    """
    doses = []
    for name, line in (("the mixture", together), ("A alone", alone_a), ("B alone", alone_b)):
        if line is None:
            return None, f"no median-effect line of {name}"
        dose, flag = line.read(affected, name)
        if dose is None:
            return None, flag
        doses.append(dose)
    mixture, a, b = doses
    return mixture * (share_a / a + (1 - share_a) / b), ""
