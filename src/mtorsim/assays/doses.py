"""Dose series: the usual ones by mechanism, and those that a user writes."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np

from mtorsim import drugs
from mtorsim.errors import InputError, UnitError, shown, within
from mtorsim.regimen_text import looks_like_regimen
from mtorsim.units import LONGEST, Given, concentration, duration

Doses: TypeAlias = str | Iterable[Given]
"""A list such as ``["0.1 nM", "1 nM"]``, or text: ``"0.1nM,1nM"`` or ``"0.1nM:100nM:7"``."""

_MOST = 200
_EXAMPLE = "'0.1nM,1nM,10nM,100nM' or '0.1nM:100nM:7' (lowest, highest, how many)"

# Half-logarithmic steps as they are pipetted. What acts on the kinase's pocket or competes for
# FKBP12 needs more than what FKBP12 concentrates in the cell; what holds both sites needs less.
_NARROW = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # nM
_WIDE = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)  # nM
_RANGES: Mapping[str, tuple[float, ...]] = {
    "bisteric": (0.01, 0.03, *_NARROW),
    "atp_competitive": _WIDE,
    "fkbp_competitor": _WIDE,
}


def usual_doses(drug: str) -> tuple[float, ...]:
    """Return the doses [nM] over which a drug of its mechanism is tested.

    Raises
    ------
    UnknownIdError
        For a drug that does not exist.
    """
    return _RANGES.get(drugs.load(drug).mechanism, _NARROW)


def dose_series(given: Doses | None, drug: str) -> tuple[float, ...]:
    """Return doses [nM], rising, each once.

    Parameters
    ----------
    given : str or iterable of str, optional
        As `Doses`; mass per volume is converted. Default: `usual_doses`.
    drug : str
        Name of the drug, for its molar mass.

    Raises
    ------
    InputError
        For a drug that does not exist, or doses that are not above zero.
    """
    if given is None:
        return usual_doses(drug)
    molar_mass = drugs.load(drug).molar_mass.value
    with within("doses"):
        if isinstance(given, str) and ":" in given:
            doses = _spread(given, molar_mass)
        else:
            doses = tuple(_dose(one, molar_mass) for one in _listed(given))
        if not 0 < len(doses) <= _MOST:
            raise InputError(f"doses: {len(doses)} given. Expected 1 to {_MOST}, as {_EXAMPLE}.")
        return tuple(sorted(dict.fromkeys(doses)))


def time_series(given: str | Iterable[Given], *, from_zero: bool = False) -> tuple[float, ...]:
    """Return times [min], rising, each once.

    Parameters
    ----------
    given : str or iterable of str
        Such as ``["24 h", "72 h"]`` or ``"24h,72h"``.
    from_zero : bool
        Whether time 0 is one of them that may be given.

    Raises
    ------
    InputError
        For a time without a unit, or one that is not above zero.
    """
    with within("times"):
        times = [duration(one, "times") for one in _listed(given)]
        if not times or min(times) < 0 or (min(times) == 0 and not from_zero):
            fault = "one not above zero" if times else "none"
            raise InputError(f"times: {shown(given)} holds {fault}. Expected such as '24h,72h'.")
        if max(times) > LONGEST:
            raise InputError(f"times: {shown(given)} holds one after more than 10 years.")
        return tuple(sorted(dict.fromkeys(times)))


def one_time(given: Given) -> float:
    """Return the one time [min] at which something is read.

    Raises
    ------
    InputError
        For several times, none, or one that is not above zero.
    """
    with within("time"):
        if isinstance(given, str) and "," in given:
            raise InputError(f"time: {shown(given)} holds several. Expected one, such as '72 h'.")
        minutes = duration(given, "time")
        if not 0 < minutes <= LONGEST:
            raise InputError(
                f"time: {shown(given)} is not above zero and up to 10 years. "
                "Expected one such as '72 h'."
            )
        return minutes


def _listed(given: str | Iterable[Given]) -> list[Given]:
    if isinstance(given, str):
        return [part.strip() for part in given.split(",") if part.strip()]
    if not isinstance(given, Iterable):
        raise InputError(f"expected a list such as ['1 nM', '10 nM'], got {shown(given)}.")
    return list(given)


def _spread(text: str, molar_mass: float) -> tuple[float, ...]:
    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 3 or not parts[2].isdecimal():
        raise InputError(f"doses: {shown(text)} is no series. Expected {_EXAMPLE}.")
    low, high = (_dose(part, molar_mass) for part in parts[:2])
    number = int(parts[2]) if len(parts[2]) < 4 else _MOST + 1
    if not 2 <= number <= _MOST or low >= high:
        raise InputError(
            f"doses: {shown(text)} is no series. Expected the lower dose first and 2 to {_MOST} "
            f"of them, as {_EXAMPLE}."
        )
    return tuple(float(f"{dose:.6g}") for dose in np.geomspace(low, high, number))


def _dose(given: Given, molar_mass: float) -> float:
    if looks_like_regimen(given):
        raise UnitError(
            f"doses: {shown(given)} is a mass, and a regimen is given to a body. Assays are done "
            "in a dish and take concentrations, such as '20 nM' or '18 ng/mL'."
        )
    nanomolar = concentration(given, "doses", molar_mass)
    if nanomolar <= 0:
        raise UnitError(
            f"doses: {shown(given)} is not above zero. Untreated is always measured beside them."
        )
    return nanomolar
