"""Quantities at the door: "20 nM" and "72 h" in, plain numbers in model units out.

Inside mtorsim every number is in nM, minutes and litres. Units of everyday use are converted by
the small tables here, all others by pint, whose registry takes longer to build than a simulation.
"""

import math
import re
from collections.abc import Iterable
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

from mtorsim.errors import UnitError, closest, either, shown


@runtime_checkable
class Quantity(Protocol):
    """A number with a unit, as pint makes them."""

    @property
    def magnitude(self) -> Any:
        """The number."""

    @property
    def units(self) -> Any:
        """The unit, whose `str` names it."""


Given: TypeAlias = str | float | Quantity
"""What a user may write where a quantity is due."""


SHORTEST, LONGEST = 1 / 60_000, 3652.5 * 1440.0
"""What is followed takes a millisecond at least and ten years at most [min]."""


def _scaled(units: dict[str, str]) -> dict[str, Fraction]:
    return {name: Fraction(factor) for names, factor in units.items() for name in names.split()}


# Model unit -> names of units of that dimension and how many model units each is worth.
_TABLES: dict[str, dict[str, Fraction]] = {
    "nM": _scaled(
        {
            "fM fmol/L fmol/l": "1e-6",
            "pM pmol/L pmol/l": "1e-3",
            "nM nmol/L nmol/l pmol/mL pmol/ml": "1",
            "uM umol/L umol/l nmol/mL nmol/ml": "1e3",
            "mM mmol/L mmol/l umol/mL umol/ml": "1e6",
            "M mol/L mol/l": "1e9",
        }
    ),
    "min": _scaled(
        {
            "ms": "1/60000",
            "s sec second seconds": "1/60",
            "min mins minute minutes": "1",
            "h hr hrs hour hours": "60",
            "d day days": "1440",
            "wk week weeks": "10080",
        }
    ),
    "1": _scaled({"1 dimensionless": "1", "% percent": "1/100"}),
    "1/min": _scaled(
        {
            "1/s s^-1 s**-1": "60",
            "1/min min^-1 min**-1": "1",
            "1/h h^-1 h**-1 1/hour": "1/60",
            "1/d d^-1 d**-1 1/day": "1/1440",
        }
    ),
    "nM/min": _scaled({"nM/s": "60", "nM/min": "1", "nM/h": "1/60", "uM/min": "1000"}),
    "1/nM": _scaled({"1/nM": "1", "1/uM": "1/1000", "1/M": "1e-9"}),
    "1/(nM*min)": _scaled(
        {
            "1/(nM*s) 1/nM/s": "60",
            "1/(nM*min) 1/nM/min 1/(min*nM)": "1",
            "1/(nM*h) 1/nM/h": "1/60",
            "1/(uM*s) 1/uM/s": "3/50",
            "1/(uM*min) 1/uM/min": "1/1000",
            "1/(M*s) 1/M/s": "6e-8",
            "1/(M*min) 1/M/min": "1e-9",
        }
    ),
    "litre": _scaled(
        {
            "L l litre liter litres liters": "1",
            "mL ml": "1e-3",
            "uL ul": "1e-6",
            "nL nl": "1e-9",
            "pL pl": "1e-12",
            "fL fl": "1e-15",
        }
    ),
    "litre/min": _scaled({"L/min l/min litre/min": "1", "L/h l/h litre/h": "1/60"}),
    "g/mol": _scaled({"g/mol Da": "1", "kg/mol kDa": "1000"}),
    "g/litre": _scaled(
        {
            "g/L g/l g/litre mg/mL mg/ml": "1",
            "mg/L mg/l ug/mL ug/ml": "1e-3",
            "ug/L ug/l ng/mL ng/ml": "1e-6",
            "ng/L ng/l pg/mL pg/ml": "1e-9",
        }
    ),
    "kg": _scaled(
        {
            "kg kilogram kilograms": "1",
            "g gram grams": "1e-3",
            "mg milligram milligrams": "1e-6",
            "ug mcg microgram micrograms": "1e-9",
            "ng nanogram nanograms": "1e-12",
        }
    ),
    "m2": _scaled({"m2 m^2 m² m**2": "1", "cm2 cm^2 cm²": "1e-4"}),
    "litre/kg": _scaled({"L/kg l/kg litre/kg mL/g ml/g": "1", "mL/kg ml/kg": "1e-3"}),
    "litre/(kg*min)": _scaled(
        {"L/kg/min litre/(kg*min) L/(kg*min) mL/g/min ml/g/min": "1", "mL/kg/min ml/kg/min": "1e-3"}
    ),
    "nmol/min": _scaled({"nmol/min": "1", "umol/min": "1e3", "nmol/h": "1/60", "umol/h": "50/3"}),
}

_EXAMPLES = {
    "nM": ("a concentration", "'20 nM' or '0.1 uM'"),
    "min": ("a time", "'72 h' or '30 min'"),
    "g/litre": ("a mass per volume", "'18 ng/mL'"),
    "mg": ("a mass", "'25 mg'"),
}

_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?"
    r"|[+-]?(?:nan|inf|infinity)(?![A-Za-z]))"
    r"\s*(?P<unit>.*)",
    re.IGNORECASE | re.DOTALL,
)
# Products and quotients of units and their small powers: nothing else reaches pint's parser.
_UNIT = re.compile(r"1|(?!.*[0-9]{3})(?:1/)?[A-Za-z%°(][A-Za-z%°_ */()^0-9.-]{0,80}")
_LONGEST = 200
_DENSEST = 1e9  # nM: one mole per litre, more than any medium or cell holds of a drug or nutrient


class _Parsed(NamedTuple):
    number: float
    unit: str | None  # None: a bare number


def concentration(value: Given, what: str, molar_mass: float | None = None) -> float:
    """Return a concentration in nM.

    Parameters
    ----------
    value : str or pint quantity
        Such as ``"20 nM"`` or ``"0.1 µM"``; mass per volume such as ``"18 ng/mL"`` when
        `molar_mass` is known.
    what : str
        What the value is, for the message.
    molar_mass : float, optional
        Molar mass [g/mol], above zero.

    Returns
    -------
    float
        Concentration [nM], up to one mole per litre; may be negative.

    Raises
    ------
    UnitError
        For a bare number, a unit of another kind, or a value that is too high or not finite.
    """
    nanomolar = _nanomolar(value, what, molar_mass)
    if nanomolar > _DENSEST:
        raise UnitError(f"{what}: {shown(value)} is more than 1 M. {_expected('nM')}")
    return nanomolar


def _nanomolar(value: Given, what: str, molar_mass: float | None) -> float:
    if is_mass_concentration(value):
        if molar_mass is None:
            raise UnitError(
                f"{what}: {shown(value)} is a mass per volume and the molar mass is not known "
                f"here. Expected a concentration such as {_EXAMPLES['nM'][1]}."
            )
        grams_per_litre = quantity(value, "g/litre", what)
        return _finite(grams_per_litre * 1e9 / molar_mass, value, what)
    return quantity(value, "nM", what)


def is_mass_concentration(value: object) -> bool:
    """Return whether `value` is a mass per volume, such as ``"18 ng/mL"``."""
    try:
        parsed = _parse(value, "g/litre", "")
        return parsed.unit is not None and _factor(parsed.unit, "g/litre") is not None
    except UnitError:
        return False


def decimal(text: str) -> float:
    """Return the number that a text is; Python alone would read 1_0 as 10, and other digits.

    Raises
    ------
    ValueError
        For text that is not a decimal number, nan or inf.
    """
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    return float(text)


def duration(value: Given, what: str) -> float:
    """Return a time in minutes.

    Parameters
    ----------
    value : str or pint quantity
        Such as ``"72 h"``, ``"90 min"`` or ``"3 days"``.
    what : str
        What the value is, for the message.

    Returns
    -------
    float
        Time [min], finite; may be negative.

    Raises
    ------
    UnitError
        For a bare number, a unit of another kind, or a value that is not finite.
    """
    return quantity(value, "min", what)


def quantity(value: Given, unit: str, what: str) -> float:
    """Return a quantity in `unit`, which it must carry or convert to.

    Like `parameter`, but a bare number passes only where `unit` is ``"1"``.
    """
    parsed = _parse(value, unit, what)
    if parsed.unit is None and unit != "1":
        raise UnitError(f"{what}: {shown(value)} has no unit. {_expected(unit)}")
    return _converted(parsed, unit, value, what)


def parameter(value: Given, unit: str, what: str) -> float:
    """Return the value of a model parameter in its own unit.

    Parameters
    ----------
    value : number, str or pint quantity
        A bare number is taken in `unit`; text may carry any unit of the same kind.
    unit : str
        Unit of the parameter, such as ``"1/(nM*min)"``; ``"1"`` for none.
    what : str
        What the value is, for the message.

    Returns
    -------
    float
        Value [`unit`], finite.

    Raises
    ------
    UnitError
        For a unit of another kind, or a value that is not a finite number.
    """
    parsed = _parse(value, unit, what)
    return _converted(parsed._replace(unit=parsed.unit or unit), unit, value, what)


def in_model_units(value: Given, what: str) -> tuple[float, str]:
    """Return a quantity of any kind that models use, and the model unit that it is now in.

    Parameters
    ----------
    value : number, str or pint quantity
        Such as ``"0.1 uM"``, which becomes ``(100.0, "nM")``. A bare number has unit ``"1"``.
    what : str
        What the value is, for the message.

    Returns
    -------
    tuple of float and str
        Value and unit; the unit is one of nM, min, 1, 1/min, nM/min, 1/nM, 1/(nM*min), litre,
        litre/min, g/mol, g/litre, kg, m2, litre/kg, litre/(kg*min) and nmol/min.

    Raises
    ------
    UnitError
        For a kind that models do not use, or a value that is not a finite number.
    """
    parsed = _parse(value, "1", what)
    given = parsed.unit or "1"
    for unit in _TABLES:
        if _factor(given, unit) is not None:
            return _converted(parsed._replace(unit=given), unit, value, what), unit
    raise UnitError(
        f"{what}: {shown(value)} has unit {given!r}, which models do not use. "
        f"Expected one that converts to {either(_TABLES)}."
    )


def say_time(minutes: float) -> str:
    """Return a time [min] as people say it: ``"30 min"``, ``"72 h"``, ``"14 d"``."""
    return _say(minutes, *_time_scale(minutes))


def say_concentration(nanomolar: float) -> str:
    """Return a concentration [nM] as people say it: ``"20 nM"``, ``"1.5 uM"``."""
    return _say(nanomolar, *_concentration_scale(nanomolar))


def exact_time(minutes: float) -> str:
    """Return text that `duration` turns back into exactly `minutes`."""
    text = say_time(minutes)
    return text if duration(text, "time") == minutes else f"{minutes!r} min"


def exact_concentration(nanomolar: float) -> str:
    """Return text that `concentration` turns back into exactly `nanomolar`."""
    text = say_concentration(nanomolar)
    return text if concentration(text, "concentration") == nanomolar else f"{nanomolar!r} nM"


def _say(value: float, unit: str, size: float) -> str:
    return f"{value / size:.4g} {unit}"


def _time_scale(minutes: float) -> tuple[str, float]:
    size = abs(minutes)
    if size > 7 * 1440:
        return "d", 1440
    if size == 0 or size >= 600 or (size >= 60 and size % 15 == 0):
        return "h", 60
    return "min", 1


def _concentration_scale(nanomolar: float) -> tuple[str, float]:
    size = abs(nanomolar)
    if size >= 1e6:
        return "mM", 1e6
    if size >= 1e3:
        return "uM", 1e3
    if 0 < size < 1e-3:
        return "pM", 1e-3
    return "nM", 1


def _converted(parsed: _Parsed, unit: str, value: object, what: str) -> float:
    given = parsed.unit or "1"
    factor = _factor(given, unit)
    if factor is None:
        raise UnitError(f"{what}: {_mismatch(given, unit, value)} {_expected(unit)}")
    return _finite(_times(parsed.number, factor), value, what)


def _times(number: float, factor: Fraction | float) -> float:
    # 90 s is 90/60 min, one rounding; 90 * (1/60) would be two.
    if isinstance(factor, Fraction):
        return number * float(factor.numerator) / float(factor.denominator)
    return number * factor


def _parse(value: object, unit: str, what: str) -> _Parsed:
    """Split `value` into number and unit; `unit` is what would have been right."""
    if isinstance(value, str):
        return _parse_text(value, unit, what)
    if not isinstance(value, float) and isinstance(value, Quantity):  # the second takes long
        return _Parsed(_number(value.magnitude, value, unit, what), str(value.units) or "1")
    return _Parsed(_number(value, value, unit, what), None)


def _parse_text(value: str, unit: str, what: str) -> _Parsed:
    match = _QUANTITY.fullmatch(value.strip()) if len(value) <= _LONGEST else None
    if match is None:
        raise UnitError(f"{what}: {shown(value)} does not begin with a number. {_expected(unit)}")
    number = _finite(float(match["number"]), value, what)
    if match["unit"].startswith(","):
        raise UnitError(f"{what}: {shown(value)} has a comma. Write the decimal point as '.'.")
    return _Parsed(number, _tidy(match["unit"]) or None)


def _number(number: object, value: object, unit: str, what: str) -> float:
    try:
        if isinstance(number, bool | str | bytes):
            raise TypeError
        plain = float(number)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise UnitError(f"{what}: {shown(value)} is not a quantity. {_expected(unit)}") from None
    except OverflowError:  # an integer of hundreds of digits
        plain = math.inf
    return _finite(plain, value, what)


def _finite(number: float, value: object, what: str) -> float:
    if not math.isfinite(number):
        raise UnitError(f"{what}: {shown(value)} is not a finite number.")
    return number


@lru_cache(maxsize=256)
def _tidy(unit: str) -> str:
    """Bring a unit to the spelling of the tables: ``1 / (µM · s)`` to ``1/(uM*s)``."""
    # Both micro signs: the one on keyboards and the Greek letter look alike.
    unit = unit.strip().replace("\u00b5", "u").replace("\u03bc", "u").replace("·", "*")
    unit = re.sub(r"\s*([*/()^])\s*", r"\1", unit)
    return f"1{unit}" if unit.startswith("/") else unit


@cache
def _factor(given: str, unit: str) -> Fraction | float | None:
    """Return how many `unit` one `given` is worth; None if unknown or of another kind."""
    for table in _TABLES.values():
        if given in table and unit in table:
            return table[given] / table[unit]
    if _kind(given) and _kind(unit):
        return None
    return _pint_factor(given, unit)


def _kind(unit: str) -> str | None:
    return next((kind for kind, table in _TABLES.items() if unit in table), None)


def _pint_factor(given: str, unit: str) -> float | None:
    source, target = _pint_unit(given), _pint_unit(unit)
    if source is None or target is None or not source.is_compatible_with(target):
        return None
    try:
        return float((1.0 * source).to(target).magnitude)
    except ArithmeticError:
        return None


@cache
def _pint_unit(unit: str) -> Any | None:
    if not _UNIT.fullmatch(unit):
        return None
    try:
        return _registry().parse_units(re.sub(r"(?<=m)2\b", "^2", unit))  # m2 is no unit of its
    except Exception:  # noqa: BLE001 - pint lets the errors of Python's tokenizer through
        return None


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(cache_folder=None)


def _mismatch(given: str, unit: str, value: object) -> str:
    """Say what is wrong with the unit `given` where `unit` was due."""
    right = _TABLES.get(_kind(unit) or "", {})
    if _kind(given) is None and _pint_unit(given) is None:
        return f"unknown unit {shown(given)} in {shown(value)}.{_hint(closest(given, right))}"
    # A unit that exists may still be a slip of the shift key: nm for nM, H for h.
    slips = [name for name in right if name.casefold() == given.casefold()]
    kind = _EXAMPLES[unit][0] if unit in _EXAMPLES else f"in {unit}"
    return f"{shown(value)} is not {kind}.{_hint(slips)}"


def _hint(names: Iterable[str]) -> str:
    names = tuple(names)
    return f" Closest: {either(names)}." if names else ""


def _expected(unit: str) -> str:
    if unit in _EXAMPLES:
        kind, example = _EXAMPLES[unit]
        return f"Expected {kind} such as {example}."
    return "Expected a number." if unit == "1" else f"Expected a number with a unit such as {unit}."
