"""The units of a foreign model: how long its time unit is, and what its numbers are called."""

from math import inf
from typing import Any

import libsbml

from mtorsim.errors import MtorsimError, UnitError, shown
from mtorsim.units import duration

_TIMES = {1e-3: "ms", 1.0: "s", 60.0: "min", 3600.0: "h", 86400.0: "d", 604800.0: "week"}
_MOLAR = {1e-12: "pM", 1e-9: "nM", 1e-6: "uM", 1e-3: "mM", 1.0: "M"}


def time_unit(model: libsbml.Model) -> tuple[str, float, str] | None:
    """Return name, length [min] and origin of a model's time unit; None when it says none.

    Level 2 without a word about it means seconds; Level 3 leaves it open.
    """
    level = model.getLevel()
    named = model.getTimeUnits() if level > 2 else "time"
    definition = model.getUnitDefinition(named) if named else None
    if definition is not None:
        return _length(definition, f"unit {named!r} of the model")
    if named == "second" or level < 3:
        origin = "as the model says" if level > 2 else "the default of SBML Level 2, not said"
        return "s", 1 / 60, origin
    return None


def _length(definition: libsbml.UnitDefinition, origin: str) -> tuple[str, float, str] | None:
    if definition.getNumUnits() != 1 or not definition.getUnit(0).isSecond():
        return None  # dimensionless, say
    unit = definition.getUnit(0)
    seconds = _size(unit)
    if not 0 < seconds < inf:
        return None
    near = next((name for size, name in _TIMES.items() if abs(size / seconds - 1) < 1e-9), "")
    return near or f"{seconds:g} s", seconds / 60, origin


def named_time_unit(text: str) -> tuple[str, float, str]:
    """Return the same for a unit that the user names, such as ``"min"``."""
    try:
        return text, duration(f"1 {text}", "time unit"), "as given"
    except MtorsimError:
        raise UnitError(
            f"time unit: {shown(text)} is not a unit of time. Expected one such as s, min, h or d."
        ) from None


def unit_of(element: Any, *, amount: bool = False) -> str:
    """Return the unit of a symbol in words; ``"not stated"`` where the model does not say."""
    model = element.getModel()
    if element.getTypeCode() == libsbml.SBML_SPECIES:
        substance = _derived(model, element, "substance")
        if amount:
            return _words(substance)
        volume = _derived(model, model.getCompartment(element.getCompartment()), "volume")
        if substance is None or volume is None:
            return "not stated"
        return _words(libsbml.UnitDefinition.divide(substance, volume))
    return _words(element.getDerivedUnitDefinition())


def _derived(model: Any, element: Any, kind: str) -> Any:
    """Return the unit of an amount or a size as a definition; None where none is stated."""
    if kind == "volume":
        return _stated(element.getDerivedUnitDefinition())
    named = element.getSubstanceUnits() or (
        model.getSubstanceUnits() if model.getLevel() > 2 else "substance"
    )
    definition = model.getUnitDefinition(named) if named else None
    if definition is not None:
        return definition.clone()
    base = "mole" if named == "substance" else named
    if not base:
        return None
    made = libsbml.UnitDefinition(model.getLevel(), model.getVersion())
    unit = made.createUnit()
    unit.initDefaults()
    unit.setKind(libsbml.UnitKind_forName(base))
    return made


def _stated(definition: Any) -> Any:
    return definition if definition is not None and definition.getNumUnits() else None


def _words(definition: Any) -> str:
    if _stated(definition) is None:
        return "not stated"
    plain = libsbml.UnitDefinition.convertToSI(definition)
    kinds: dict[str, float] = {}
    factor = 1.0
    for index in range(plain.getNumUnits()):
        unit = plain.getUnit(index)
        name = libsbml.UnitKind_toString(unit.getKind())
        power = unit.getExponentAsDouble()
        factor *= _size(unit, power)
        if name != "dimensionless":
            kinds[name] = kinds.get(name, 0.0) + power
    kinds = {name: power for name, power in kinds.items() if power}
    return _simple(kinds, factor) or _long(definition)


def _size(unit: Any, power: float = 1.0) -> float:
    """Return how many of its base a unit is; infinite where no number can say it."""
    try:
        return float((unit.getMultiplier() * 10.0 ** unit.getScale()) ** power)
    except (OverflowError, ZeroDivisionError):
        return inf


def _simple(kinds: dict[str, float], factor: float) -> str:
    if not 0 < factor < inf:
        return ""
    if not kinds:
        return "1" if factor == 1 else f"{factor:g}"
    if kinds == {"mole": 1, "metre": -3}:
        return _near(factor / 1000, _MOLAR)
    if kinds == {"item": 1}:
        return "item" if factor == 1 else ""
    if kinds == {"second": 1}:
        return _near(factor, _TIMES)
    if kinds == {"second": -1}:
        return f"1/{_near(1 / factor, _TIMES)}" if _near(1 / factor, _TIMES) else ""
    return ""


def _near(value: float, table: dict[float, str]) -> str:
    return next((name for size, name in table.items() if abs(size / value - 1) < 1e-9), "")


def _long(definition: Any) -> str:
    """Return ``"1e-06 mole / litre"`` from what libSBML prints: "(1e-06 mole)^1, (1 litre)^-1"."""
    parts: dict[bool, list[str]] = {True: [], False: []}
    for index in range(definition.getNumUnits()):
        unit = definition.getUnit(index)
        power = unit.getExponentAsDouble()
        size = _size(unit)
        name = libsbml.UnitKind_toString(unit.getKind())
        if name == "dimensionless" and size == 1:
            continue
        text = name if size == 1 else f"({size:g} {name})"
        parts[power > 0].append(text if abs(power) == 1 else f"{text}^{abs(power):g}")
    above = " ".join(parts[True]) or "1"
    return f"{above}/{' '.join(parts[False])}" if parts[False] else above
