"""The parameter table of a PEtab problem: what is estimated, on which scale, with what prior."""

import math
from dataclasses import dataclass

from mtorsim.errors import either, shown
from mtorsim.fits.petab_files import Line

SCALES = ("lin", "log", "log10")
DIFFERENCE = 2e-3
_LN10 = math.log(10)
_SHARE = 0.05  # of the width of a search, where a nominal value of zero has no size
_FLAT = ("uniform", "parameterScaleUniform")
_SUPPORTED = {"lin": ("normal", "parameterScaleNormal"),
              "log": ("logNormal", "parameterScaleNormal"),
              "log10": ("logNormal", "parameterScaleNormal")}  # fmt: skip


def scaled(value: float, scale: str) -> float:
    """Return a value on its scale."""
    return value if scale == "lin" else math.log(value) if scale == "log" else math.log10(value)


def unscaled(value: float, scale: str) -> float:
    """Return what a scaled value stands for."""
    return value if scale == "lin" else math.exp(value if scale == "log" else value * _LN10)


@dataclass(frozen=True)
class Estimated:
    """A parameter that is estimated; as `problem.Free`, on the scale that the table gives.

    Attributes
    ----------
    id : str
    value : float
        Its nominal value.
    low, high : float
        Where the search ends.
    scale : str
        ``"lin"``, ``"log"`` or ``"log10"``.
    centre : float
        On that scale, where a step is 0: the middle of a prior, else the nominal value.
    spread : float
        On that scale, one step: the standard deviation of a prior, else a factor of e, or the size
        of the value.
    has_prior : bool
    size : float
        Of a linear parameter.
    """

    id: str
    value: float
    low: float
    high: float
    scale: str
    centre: float
    spread: float
    has_prior: bool
    size: float
    unit: str = ""
    confidence: str = ""
    basis: str = "parameter table"

    def value_at(self, step: float) -> float:
        """Return the value at a step, within the search."""
        found = unscaled(self.centre + self.spread * step, self.scale)
        return min(max(found, self.low), self.high)

    def step_of(self, value: float) -> float:
        """Return the step at which a value lies."""
        return (scaled(value, self.scale) - self.centre) / self.spread

    @property
    def ends(self) -> tuple[float, float]:
        """Ends of the search, in steps."""
        return self.step_of(self.low), self.step_of(self.high)

    @property
    def difference(self) -> float:
        """Step for derivatives."""
        size = {"lin": self.size, "log": 1.0, "log10": 1 / _LN10}[self.scale]
        return DIFFERENCE * size / self.spread


def is_estimated(line: Line) -> bool:
    """Return whether a row of the table is estimated."""
    return line.text("estimate") in ("1", "1.0")


def fixed_value(line: Line) -> float:
    """Return the value of a parameter that is not estimated."""
    found = line.number("nominalValue")
    if not math.isfinite(found):
        raise line.error("nominalValue", f"{found} is not a finite number.")
    return found


def estimated(line: Line, prior: bool = True) -> Estimated:
    """Return a parameter that is estimated.

    Raises
    ------
    InputError
        For a scale, bounds or a prior that are not supported; names file, line and column.
    """
    scale = line.text("parameterScale") or "lin"
    if scale not in SCALES:
        raise line.error("parameterScale", f"{shown(scale)} is not {either(SCALES)}.")
    low, high = _bounds(line, scale)
    value = fixed_value(line) if line.text("nominalValue") else None
    if value is not None and scale != "lin" and value <= 0:
        raise line.error("nominalValue", f"{value:g} has no logarithm; the scale is {scale}.")
    if value is not None and not low <= value <= high:
        raise line.error("nominalValue", f"{value:g} is not from {low:g} to {high:g}.")
    if value is None:
        value = unscaled((scaled(low, scale) + scaled(high, scale)) / 2, scale)
    size = abs(value) or _SHARE * (high - low)
    centre, spread, has_prior = _prior(line, scale) if prior else (0.0, 0.0, False)
    if not has_prior:
        centre = scaled(value, scale)
        spread = {"lin": size, "log": 1.0, "log10": 1 / _LN10}[scale]
    id = line.text("parameterId")
    return Estimated(id, value, low, high, scale, centre, spread, has_prior, size)


def _bounds(line: Line, scale: str) -> tuple[float, float]:
    low, high = line.number("lowerBound"), line.number("upperBound")
    kind = line.text("objectivePriorType")
    if kind in _FLAT:
        ends = _prior_parameters(line)
        if kind == "parameterScaleUniform":
            ends = (unscaled(ends[0], scale), unscaled(ends[1], scale))
        low, high = max(low, ends[0]), min(high, ends[1])
    if not (math.isfinite(low) and math.isfinite(high)):
        raise line.error("lowerBound", f"{low:g} to {high:g}: a search needs finite ends.")
    if low >= high:
        raise line.error("upperBound", f"{high:g} is not above the lower one, {low:g}.")
    if scale != "lin" and low <= 0:
        raise line.error("lowerBound", f"{low:g} has no logarithm; the scale is {scale}.")
    return low, high


def _prior(line: Line, scale: str) -> tuple[float, float, bool]:
    """Return middle and standard deviation on the scale, and whether there is a prior."""
    kind = line.text("objectivePriorType")
    if not kind or kind in _FLAT:
        return 0.0, 0.0, False
    if kind not in _SUPPORTED[scale]:
        choices = either((*_SUPPORTED[scale], *_FLAT))
        raise line.error(
            "objectivePriorType",
            f"{shown(kind)} on scale {scale} is not supported. Expected {choices}, or none "
            "(--no-prior).",
        )
    middle, spread = _prior_parameters(line)
    if spread <= 0:
        raise line.error("objectivePriorParameters", f"{spread:g} is not above zero.")
    if kind == "logNormal":
        # Its density is one of the value itself, which is highest below the median.
        middle -= spread**2
        worth = _LN10 if scale == "log10" else 1.0
        return middle / worth, spread / worth, True
    return middle, spread, True


def _prior_parameters(line: Line) -> tuple[float, float]:
    text = line.text("objectivePriorParameters")
    try:
        first, second = map(float, text.split(";"))
    except ValueError:
        raise line.error(
            "objectivePriorParameters", f"expected two numbers joined by ;, got {shown(text)}."
        ) from None
    if not (math.isfinite(first) and math.isfinite(second)):
        raise line.error("objectivePriorParameters", f"{text} are not finite numbers.")
    return first, second
