"""Axes: what a sweep varies, and through which values."""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from mtorsim import drugs, perturbation
from mtorsim.errors import (
    InputError,
    ScenarioError,
    UnitError,
    UnknownIdError,
    either,
    shown,
    within,
)
from mtorsim.regimen_text import looks_like_regimen
from mtorsim.steps import Floats
from mtorsim.units import quantity

Value: TypeAlias = float | str | tuple[str, ...]
Spacing: TypeAlias = Literal["linear", "log"]

NAMES = ("cell", "perturbations", "species")
"""Fields of a scenario that are named, not measured."""

SCHEDULE = ("dose", "start", "stop", "every", "times", "exposure", "regimen")
"""Fields of a drug's schedule that an axis may vary."""

_MOST_VALUES = 1_000_000
_MOST_WRITTEN = 10_000  # values of an axis that are told in words; the results hold them all
_DIGITS = 12  # of a number that is computed: the same on every processor, and 0.3 stays 0.3
_NUMBER = re.compile(
    r"\s*(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?)\s*(?P<unit>.*?)\s*",
    re.DOTALL,
)


@dataclass(frozen=True)
class Axis:
    """One thing that is varied.

    Attributes
    ----------
    target : str
        ``"cell"``, ``"drugs.temsirolimus.dose"``, ``"stimuli.insulin"``, ``"perturbations"``,
        ``"duration"``, ``"species"``, ``"member"`` (of the ensemble), or the id of a parameter or
        species.
    values : tuple
        Numbers in `unit`, or names. Of an axis with a range only its two ends.
    unit : str
        Unit of the numbers as given; empty for names and bare numbers.
    spacing : {"linear", "log"} or None
        For a range that is sampled, how; None where the values are all there are.
    """

    target: str
    values: tuple[Value, ...]
    unit: str = ""
    spacing: Spacing | None = None

    @cached_property
    def is_number(self) -> bool:
        """Whether the values are numbers."""
        return all(isinstance(value, float) for value in self.values)

    @property
    def is_value(self) -> bool:
        """Whether it leaves the untreated cell as it is: what is given, and when."""
        return self.target.startswith(("drugs.", "stimuli.")) or self.target == "duration"

    @property
    def is_structural(self) -> bool:
        """Whether its values may need different models: mutants of mTOR, another body."""
        return self.target in ("perturbations", "species")

    @property
    def is_parameter(self) -> bool:
        """Whether it is the id of a parameter or species."""
        return "." not in self.target and self.target not in (*NAMES, "duration", "member")

    def sampled(self, shares: Floats) -> list[float]:
        """Return the values at shares from 0 to 1 of a range, evenly over it or its logarithm."""
        low, high = (float(value) for value in self.values)  # type: ignore[arg-type]
        if self.target.endswith(".times"):  # whole numbers, the ends as often as the others
            return [float(min(math.floor(low + (high - low + 1) * one), high)) for one in shares]
        if self.spacing == "log":
            return [_rounded(low * (high / low) ** share) for share in shares.tolist()]
        return [_rounded(low + (high - low) * share) for share in shares.tolist()]

    def text(self, value: Value) -> str | tuple[str, ...]:
        """Return a value as a scenario takes it: ``"20.0 nM"``."""
        if isinstance(value, float):
            return f"{value!r} {self.unit}".rstrip()
        return value

    def say(self, value: Value) -> str:
        """Return a value in words: ``"20 nM"``, ``"PTEN_loss+hypoxia"``."""
        if isinstance(value, float):
            return f"{value:.6g} {self.unit}".rstrip()
        return name_of(value)

    def in_words(self) -> str:
        """Return ``"drugs.temsirolimus.dose: 9 values from 0.01 to 100 nM"``."""
        if self.is_number and len(self.values) > 1:
            low, high = min(self.values), max(self.values)
            what = "a range" if self.spacing else f"{len(self.values)} values"
            return f"{self.target}: {what} from {low:.6g} to {high:.6g} {self.unit}".rstrip()
        return f"{self.target}: {', '.join(self.say(one) for one in self.values)}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that say what the axis is; of very many a hash."""
        values: Any = [list(one) if isinstance(one, tuple) else one for one in self.values]
        if len(values) > _MOST_WRITTEN:
            drawn = hashlib.sha256(json.dumps(values).encode()).hexdigest()
            values = {"count": len(values), "sha256": drawn}
        return {"target": self.target, "values": values, "unit": self.unit, "spacing": self.spacing}


def name_of(value: Value) -> str:
    """Return one text for a name or several: ``"PTEN_loss+hypoxia"``, ``"none"``."""
    return "+".join(value) or "none" if isinstance(value, tuple) else str(value)


def axis(target: str, given: object) -> Axis:
    """Return an axis.

    Parameters
    ----------
    target : str
        As in `Axis`; ``drug.`` stands for ``drugs.`` and ``set.`` may stand before a parameter.
    given : list, array, or mapping
        Values such as ``["786-O", "Caki-1"]`` or ``["1 nM", "10 nM"]``; or a range
        ``{"from": "0.01 nM", "to": "100 nM", "points": 9, "spacing": "log"}``, without points
        for a design that samples it. Perturbations are ``"none"``, one name, several joined by
        ``+``, or a list; they stand in place of those of the scenario.

    Raises
    ------
    ScenarioError, UnknownIdError, UnitError
        For a target that does not exist or values that cannot be used.
    """
    with within("vary", str(target)):
        name = normalized(target)
        if isinstance(given, Mapping):
            return _range(name, given)
        return _listed(name, given)


def parsed(text: str) -> Axis:
    """Return an axis from ``NAME=a,b,c``, ``NAME=lo:hi:n[:log]`` or ``NAME=lo:hi[::log]``.

    Raises
    ------
    InputError
        For text of another form.
    """
    name, equals, values = (part.strip() for part in text.partition("="))
    if not (name and equals and values):
        raise InputError(
            f"{shown(text)}: expected NAME=a,b,c or NAME=low:high:points[:log], such as "
            "drugs.temsirolimus.dose=0.01nM:100nM:9:log."
        )
    if ":" in values:
        return axis(name, _colons(values))
    return axis(name, [part.strip() for part in values.split(",") if part.strip()])


def normalized(target: object) -> str:
    """Return the one name of a target, which exists as far as can be told without a model.

    Raises
    ------
    ScenarioError, UnknownIdError
        For what is no name, or a drug, field or stimulus that does not exist.
    """
    if not isinstance(target, str) or not target:
        raise ScenarioError(f"vary: expected a name such as 'cell', got {shown(target)}.")
    name = re.sub(r"^drug\.", "drugs.", target.removeprefix("set."))
    group, dot, rest = name.partition(".")
    if group in drugs.names():
        raise ScenarioError(f"{target}: a drug. To vary it write 'drugs.{group}.{rest or 'dose'}'.")
    if group == "drugs":
        _check_field(rest, target)
    elif group == "stimuli":
        perturbation.check_stimulus(rest)
    elif dot:
        raise UnknownIdError(kind="group to vary", given=group, choices=("drugs", "stimuli", "set"))
    return name


def logspace(low: str | float, high: str | float, points: int) -> dict[str, Any]:
    """Return a range of equal ratios, for an axis: ``logspace("0.01 nM", "100 nM", 9)``."""
    return {"from": low, "to": high, "points": points, "spacing": "log"}


def linspace(low: str | float, high: str | float, points: int) -> dict[str, Any]:
    """Return a range of equal steps, for an axis: ``linspace("0 h", "24 h", 5)``."""
    return {"from": low, "to": high, "points": points, "spacing": "linear"}


# -- reading what the user gives ---------------------------------------------------------------


def _check_field(rest: str, target: str) -> None:
    drug, _, field = rest.rpartition(".")
    if not drug:
        example = f"drugs.{rest if rest in drugs.names() else 'temsirolimus'}.dose"
        raise ScenarioError(f"{target}: expected a drug and what of it, such as {example}.")
    drugs.load(drug)
    if field not in SCHEDULE:
        raise UnknownIdError(kind="field of a drug", given=field, choices=SCHEDULE)


def _listed(target: str, given: object) -> Axis:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ScenarioError(
            f"{target}: expected a list of values or a range with 'from', 'to' and 'points', got "
            f"{shown(given)}."
        )
    values = list(given)
    if not 0 < len(values) <= _MOST_VALUES:
        raise ScenarioError(f"{target}: expected 1 to {_MOST_VALUES} values, got {len(values)}.")
    return _axis(target, values)


def _axis(target: str, values: Sequence[object], spacing: Spacing | None = None) -> Axis:
    if not (target in NAMES or target.endswith(".regimen")):
        pairs = [pair for pair in map(_number, values) if pair is not None]
        if len(pairs) == len(values):
            numbers, unit = _in_one_unit(target, pairs, values)
            return Axis(target, numbers, unit, spacing)
    if spacing is not None:
        raise ScenarioError(f"{target}: expected a range between two quantities, such as '1 nM'.")
    return Axis(target, tuple(_name(target, one) for one in values))


def _name(target: str, value: object) -> Value:
    if target == "perturbations" and isinstance(value, list | tuple):
        return tuple(str(one) for one in value)
    if not isinstance(value, str):
        raise ScenarioError(f"{target}: expected text such as a name, got {shown(value)}.")
    return value


def _number(value: object) -> tuple[float, str] | None:
    """Return number and unit of a quantity; None for a name."""
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, int | float | np.number):
        return float(value), ""
    match = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    return None if match is None else (float(match["number"]), match["unit"])


def _in_one_unit(
    target: str, pairs: Sequence[tuple[float, str]], given: Sequence[object]
) -> tuple[tuple[float, ...], str]:
    """Return numbers, all in the unit of the first."""
    unit = _usual(pairs[0][1])
    if target.endswith(".dose") and looks_like_regimen(given[0]) and " " in unit:
        raise UnitError(f"{target}: {shown(given[0])} is a regimen. Vary {target[:-4]}regimen.")
    found = []
    for (number, own), text in zip(pairs, given, strict=True):
        if not math.isfinite(number):
            raise UnitError(f"{target}: {shown(text)} is not a finite number.")
        if own == pairs[0][1]:
            found.append(number)
        elif own and unit:
            found.append(_rounded(quantity(f"{number!r} {own}", unit, target)))
        else:
            raise UnitError(f"{target}: some values have a unit and some have none.")
    return tuple(found), unit


def _usual(unit: str) -> str:
    """Return a unit of time as an abbreviation: readers of the store take words for calendars."""
    return _ABBREVIATED.get(unit, unit)


_ABBREVIATED = {
    word: short
    for words, short in (
        ("second seconds sec", "s"),
        ("minute minutes mins", "min"),
        ("hour hours hr hrs", "h"),
        ("day days", "d"),
        ("week weeks", "wk"),
    )
    for word in words.split()
}


def _range(target: str, given: Mapping[str, Any]) -> Axis:
    known = ("from", "to", "points", "spacing")
    for key in given:
        if key not in known:
            raise UnknownIdError(kind="key of a range", given=key, choices=known)
    missing = [key for key in known[:2] if key not in given]
    if missing:
        raise ScenarioError(f"{target}: {either(missing)} is missing from the range.")
    spacing = given.get("spacing", "linear")
    if spacing not in get_args(Spacing):
        raise UnknownIdError(kind="spacing", given=spacing, choices=get_args(Spacing))
    ends = _axis(target, [given["from"], given["to"]], spacing)
    _check_ends(ends)
    points = given.get("points")
    return ends if points is None else _spaced(ends, _points(points))


def _check_ends(ends: Axis) -> None:
    low, high = (float(value) for value in ends.values)  # type: ignore[arg-type]
    if not low < high:
        raise ScenarioError(f"{ends.target}: a range from {low:g} to {high:g} does not rise.")
    if ends.spacing == "log" and low <= 0:
        raise ScenarioError(f"{ends.target}: a logarithmic range begins above zero, not {low:g}.")


def _spaced(ends: Axis, points: int) -> Axis:
    low, high = (float(value) for value in ends.values)  # type: ignore[arg-type]
    shares = [k / (points - 1) for k in range(1, points - 1)]
    if ends.spacing == "log":
        between = [_rounded(low * (high / low) ** share) for share in shares]
    else:
        between = [_rounded(low + (high - low) * share) for share in shares]
    return Axis(ends.target, (low, *between, high), ends.unit)


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _points(given: object) -> int:
    number, unit = _number(given) or (math.nan, "")
    if unit or not 2 <= number <= _MOST_VALUES or number != int(number):
        raise ScenarioError(
            f"points: {shown(given)} is not a whole number from 2 to {_MOST_VALUES}."
        )
    return int(number)


def _colons(text: str) -> dict[str, Any]:
    parts = [part.strip() for part in text.split(":")]
    if not 2 <= len(parts) <= 4 or not all(parts[:2]):
        raise InputError(f"{shown(text)}: expected low:high:points[:log].")
    found: dict[str, Any] = {"from": parts[0], "to": parts[1]}
    if len(parts) > 2 and parts[2]:
        found["points"] = parts[2]
    if len(parts) > 3:
        found["spacing"] = parts[3]
    return found
