"""Axes: what a sweep varies, and through which values."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from mtorsim import drugs, perturbation
from mtorsim.errors import InputError, ScenarioError, UnknownIdError, either, shown, within
from mtorsim.regimen import Regimen
from mtorsim.scenario import Scenario, Treatment

Value: TypeAlias = float | str | tuple[str, ...]
Spacing: TypeAlias = Literal["linear", "log"]

WHOLE = ("cell", "duration", "perturbations", "species")
"""Fields of a scenario that an axis replaces as they are."""

SCHEDULE = ("dose", "start", "stop", "every", "times", "exposure", "regimen")
"""Fields of a drug's schedule that an axis may vary."""

_MOST_VALUES = 1_000_000
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
        ``"duration"``, ``"species"``, or the id of a parameter or species.
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

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers."""
        return all(isinstance(value, float) for value in self.values)

    @property
    def is_value(self) -> bool:
        """Whether it leaves the untreated cell as it is: what is given, and when."""
        return self.target.startswith(("drugs.", "stimuli.")) or self.target == "duration"

    def at(self, share: float) -> Value:
        """Return the value at a share from 0 to 1 of a range, or of the list of values."""
        if self.spacing is None:
            return self.values[min(int(share * len(self.values)), len(self.values) - 1)]
        low, high = (float(value) for value in self.values)  # type: ignore[arg-type]
        if self.spacing == "log":
            return float(low * (high / low) ** share)
        return float(low + (high - low) * share)

    def text(self, value: Value) -> str | tuple[str, ...]:
        """Return a value as a scenario takes it: ``"20.0 nM"``."""
        if isinstance(value, float):
            return f"{value!r} {self.unit}".rstrip()
        return value

    def in_words(self) -> str:
        """Return ``"drugs.temsirolimus.dose: 9 values from 0.01 to 100 nM"``."""
        if self.is_number and len(self.values) > 1:
            low, high = min(self.values), max(self.values)
            what = "a range" if self.spacing else f"{len(self.values)} values"
            return f"{self.target}: {what} from {low:.6g} to {high:.6g} {self.unit}".rstrip()
        shown_values = [
            "+".join(one) if isinstance(one, tuple) else str(one) for one in self.values
        ]
        return f"{self.target}: {', '.join(shown_values)} {self.unit}".rstrip()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that say what the axis is."""
        values = [list(one) if isinstance(one, tuple) else one for one in self.values]
        return {"target": self.target, "values": values, "unit": self.unit, "spacing": self.spacing}


def axis(target: str, given: object) -> Axis:
    """Return an axis.

    Parameters
    ----------
    target : str
        As in `Axis`; ``drug.`` stands for ``drugs.`` and ``set.`` may stand before a parameter.
    given : list, array, or mapping
        Values such as ``["786-O", "Caki-1"]`` or ``["1 nM", "10 nM"]``; or a range
        ``{"from": "0.01 nM", "to": "100 nM", "points": 9, "spacing": "log"}``, without points
        for a design that samples it.

    Raises
    ------
    ScenarioError, UnknownIdError, UnitError
        For a target that does not exist or values that cannot be used.
    """
    name = _target(target)
    with within("vary", target):
        if isinstance(given, Mapping):
            return _range(name, given)
        values = _listed(given)
        if not values:
            raise ScenarioError(f"{target}: expected at least one value, got none.")
        return _axis(name, values)


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
            f"--vary {shown(text)}: expected NAME=a,b,c or NAME=low:high:points[:log], such as "
            "drugs.temsirolimus.dose=0.01nM:100nM:9:log."
        )
    try:
        if ":" not in values:
            return axis(name, [part.strip() for part in values.split(",") if part.strip()])
        return axis(name, _colons(values))
    except InputError as error:
        raise error.at("--vary") from None


def logspace(low: str | float, high: str | float, points: int) -> dict[str, Any]:
    """Return a range of equal ratios, for an axis: ``logspace("0.01 nM", "100 nM", 9)``."""
    return {"from": low, "to": high, "points": points, "spacing": "log"}


def linspace(low: str | float, high: str | float, points: int) -> dict[str, Any]:
    """Return a range of equal steps, for an axis."""
    return {"from": low, "to": high, "points": points, "spacing": "linear"}


def changed(scenario: Scenario, axes: Sequence[Axis], values: Sequence[Value]) -> Scenario:
    """Return the scenario of one point.

    Parameters
    ----------
    scenario : Scenario
        What all points have in common.
    axes : sequence of Axis
    values : sequence
        One value for each axis.

    Raises
    ------
    InputError
        For a value that the scenario refuses; names the axis.
    """
    fields: dict[str, Any] = {}
    treatments = {one.drug: one for one in scenario.drugs}
    for one, value in zip(axes, values, strict=True):
        with within("vary", one.target):
            _change(one, value, scenario, fields, treatments)
    return scenario.replace(**fields, drugs=tuple(treatments.values()))


def _change(
    one: Axis,
    value: Value,
    scenario: Scenario,
    fields: dict[str, Any],
    treatments: dict[str, Treatment],
) -> None:
    text = one.text(value)
    group, _, rest = one.target.partition(".")
    if one.target == "perturbations":
        fields["perturbations"] = _names(text)
    elif one.target in WHOLE:
        fields[one.target] = text
    elif group == "drugs":
        drug, _, field = rest.rpartition(".")
        treatments[drug] = _treatment(treatments.get(drug), drug, field, str(text))
    elif group == "stimuli":
        fields["stimuli"] = {**fields.get("stimuli", scenario.to_dict().get("stimuli", {})),
                             rest: text}  # fmt: skip
    else:
        number = value if isinstance(value, float) and not one.unit else text
        fields["set"] = {**fields.get("set", scenario.set), one.target: number}


def _names(text: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return perturbations: ``"none"``, one name, or several joined by ``+``."""
    if isinstance(text, tuple):
        return text
    return () if text == "none" else tuple(text.split("+"))


def _treatment(planned: Treatment | None, drug: str, field: str, text: str) -> Treatment:
    if field == "regimen":
        return Treatment(drug, Regimen(text))
    if planned is None or (isinstance(planned.schedule, Regimen) and field == "dose"):
        if field != "dose":
            raise ScenarioError(f"drugs.{drug}.{field}: the scenario does not give {drug}.")
        return Treatment(drug, text)
    value: Any = int(float(text)) if field == "times" else text
    return Treatment(drug, planned.schedule.replace(**{field: value}))


# -- reading what the user gives ---------------------------------------------------------------


def _target(given: object) -> str:
    if not isinstance(given, str) or not given:
        raise ScenarioError(f"vary: expected a name such as 'cell', got {shown(given)}.")
    name = re.sub(r"^drug\.", "drugs.", given.removeprefix("set."))
    group, _, rest = name.partition(".")
    if group == "drugs":
        drug, _, field = rest.rpartition(".")
        drugs.load(drug)
        if field not in SCHEDULE:
            raise UnknownIdError(kind="field of a drug", given=field, choices=SCHEDULE)
    elif group == "stimuli":
        perturbation.check_stimulus(rest)
    return name


def _listed(given: object) -> list[object]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ScenarioError(
            f"expected a list of values or a range with 'from', 'to' and 'points', got "
            f"{shown(given)}."
        )
    values = list(given)
    if len(values) > _MOST_VALUES:
        raise ScenarioError(f"{len(values)} values are more than {_MOST_VALUES}.")
    return values


def _axis(target: str, values: Sequence[object], spacing: Spacing | None = None) -> Axis:
    pairs = [_number(value) for value in values]
    units = {pair[1] for pair in pairs if pair is not None}
    if None not in pairs and len(units) == 1 and target not in ("cell", "perturbations", "species"):
        numbers = tuple(pair[0] for pair in pairs if pair is not None)
        return Axis(target, numbers, units.pop(), spacing)
    if spacing is not None:
        raise ScenarioError(f"{target}: expected two quantities of one unit, such as '1 nM'.")
    texts = tuple(
        tuple(map(str, one)) if isinstance(one, list | tuple) else str(one) for one in values
    )
    return Axis(target, texts)


def _number(value: object) -> tuple[float, str] | None:
    """Return number and unit of a quantity; None for a name."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | np.number):
        return float(value), ""
    match = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    return None if match is None else (float(match["number"]), match["unit"])


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
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ScenarioError(f"{ends.target}: a range from {low:g} to {high:g} does not rise.")
    if ends.spacing == "log" and low <= 0:
        raise ScenarioError(f"{ends.target}: a logarithmic range begins above zero, not {low:g}.")


def _spaced(ends: Axis, points: int) -> Axis:
    low, high = (float(value) for value in ends.values)  # type: ignore[arg-type]
    space = np.geomspace if ends.spacing == "log" else np.linspace
    return Axis(ends.target, tuple(space(low, high, points).tolist()), ends.unit)


def _points(given: object) -> int:
    number = _number(given)
    if (
        number is None
        or number[1]
        or number[0] != int(number[0])
        or not 2 <= number[0] <= _MOST_VALUES
    ):
        raise ScenarioError(
            f"points: {shown(given)} is not a whole number from 2 to {_MOST_VALUES}."
        )
    return int(number[0])


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
