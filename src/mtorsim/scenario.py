"""A scenario: what is done to which cell, for how long, and what is read."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Self, TypeAlias

from mtorsim import cells, drugs, perturbation
from mtorsim.dosing import Constant, Repeated, Schedule, resolved
from mtorsim.errors import RegimenError, ScenarioError, about, shown, within
from mtorsim.facts import FrozenMapping
from mtorsim.units import (
    Given,
    Quantity,
    concentration,
    duration,
    exact_concentration,
    exact_time,
    say_concentration,
    say_time,
)

_NOTHING: FrozenMapping[str, Any] = FrozenMapping()
_SHORTEST, _LONGEST = 1 / 60_000, 3652.5 * 1440.0  # min: a millisecond, ten years


@dataclass(frozen=True, init=False)
class Treatment:
    """A drug and its schedule.

    Parameters
    ----------
    drug : str
        Name of a drug, as `mtorsim show drugs` lists it.
    schedule : Constant, Repeated, or str or pint quantity
        A dose alone, such as ``"20 nM"``, stands for ``Constant(dose)``.

    Attributes
    ----------
    drug : str
    schedule : Constant or Repeated
        With its dose in nM, also where it was given as mass per volume.

    Raises
    ------
    UnknownIdError
        For a drug that does not exist.
    UnitError, RegimenError
        For a dose that is not one.
    """

    drug: str
    schedule: Schedule

    def __init__(self, drug: str, schedule: Schedule | Given) -> None:
        with within("name"):
            molar_mass = drugs.load(_text(drug, "drug", "'temsirolimus'")).molar_mass.value
        object.__setattr__(self, "drug", drug)
        object.__setattr__(self, "schedule", resolved(_schedule(drug, schedule), molar_mass))

    def in_words(self) -> str:
        """Return ``"temsirolimus: 20 nM from 0 h"``."""
        return f"{self.drug}: {self.schedule.in_words()}"

    def to_dict(self) -> dict[str, object]:
        """Return the entry that a scenario file has for it."""
        return {"name": self.drug, **self.schedule.to_dict()}


Drugs: TypeAlias = Iterable[Treatment] | Mapping[str, Schedule | Given]


@dataclass(frozen=True, init=False)
class Scenario:
    """What is done to a cell and what is read; checked on creation.

    The cell sits in its growth medium and is at its own steady state there, chronic perturbations
    included, when drugs, stimuli and acute perturbations reach it.

    Parameters
    ----------
    cell : str
        Name of a cell, as `mtorsim show cells` lists it.
    drugs : sequence of Treatment, or mapping of str to dose or schedule
        Each drug once.
    stimuli : mapping of str to concentration
        What the medium holds from time 0, whatever a perturbation takes out of it, such as
        ``{"insulin": "10 nM"}``.
    perturbations : sequence of str
        Names, each once, carried out in this order.
    duration : str or pint quantity
        From a millisecond to ten years: ``"72 h"``.
    set : mapping of str to number or str
        Id of a parameter or species -> value. Checked against the model when it is compiled.
    observe : sequence of str
        Ids to read, each once; none stands for all observables. Checked when it is compiled.

    Attributes
    ----------
    cell : str
    drugs : tuple of Treatment
    stimuli : mapping of str to float
        [nM].
    perturbations : tuple of str
    duration : float
        [min].
    set : mapping of str to float or str
        As given.
    observe : tuple of str

    Raises
    ------
    UnknownIdError
        For a cell, drug, stimulus or perturbation that does not exist.
    UnitError
        For a quantity without a unit or with one of another kind.
    RegimenError
        For a schedule that cannot be carried out within the duration.
    ScenarioError
        For anything else that is not as it should be.
    """

    cell: str
    drugs: tuple[Treatment, ...]
    stimuli: Mapping[str, float]
    perturbations: tuple[str, ...]
    duration: float
    set: Mapping[str, float | str]
    observe: tuple[str, ...]

    def __init__(
        self,
        *,
        cell: str = "786-O",
        drugs: Drugs = (),
        stimuli: Mapping[str, Given] = _NOTHING,
        perturbations: Iterable[str] = (),
        duration: Given = "72 h",
        set: Mapping[str, float | str] = _NOTHING,
        observe: Iterable[str] = (),
    ) -> None:
        object.__setattr__(self, "cell", _cell(cell))
        object.__setattr__(self, "duration", _duration(duration))
        object.__setattr__(self, "drugs", _treatments(drugs, self.duration))
        object.__setattr__(self, "stimuli", _stimuli(stimuli))
        object.__setattr__(self, "perturbations", _perturbations(perturbations))
        object.__setattr__(self, "set", _settings(set))
        object.__setattr__(self, "observe", _ids(observe, "observe", "['S6K1_pT389']"))

    def in_words(self) -> str:
        """Return the scenario in plain English, one line for each thing done."""
        cell = cells.load(self.cell)
        changed = [f"{key} = {value}" for key, value in self.set.items()]
        given = [f"{name} {say_concentration(dose)}" for name, dose in self.stimuli.items()]
        done = [perturbation.load(name).in_words() for name in self.perturbations]
        lines = [
            f"Cell: {cell.name} in {cell.medium.text}, at its steady state without drug.",
            _line("Perturbations", done),
            _line("Stimuli from 0 h", given),
            *(f"Drug: {treatment.in_words()}." for treatment in self.drugs or ()),
            "" if self.drugs else "Drugs: none.",
            _line("Set", changed),
            f"Duration: {say_time(self.duration)}.",
            _line("Read-outs", self.observe) or "Read-outs: all observables.",
        ]
        return "\n".join(line for line in lines if line)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of a scenario file that gives this scenario again, exactly."""
        fields = {
            "cell": self.cell,
            "duration": exact_time(self.duration),
            "perturbations": list(self.perturbations),
            "stimuli": {name: exact_concentration(dose) for name, dose in self.stimuli.items()},
            "drugs": [treatment.to_dict() for treatment in self.drugs],
            "set": dict(self.set),
            "observe": list(self.observe),
        }
        return {key: value for key, value in fields.items() if value}

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some arguments changed, checked again."""
        same = {**self.to_dict(), "drugs": self.drugs}
        return type(self)(**(same | changes))


def _line(title: str, parts: Iterable[str]) -> str:
    text = ", ".join(parts)
    return f"{title}: {text}." if text else ""


def _cell(name: object) -> str:
    with within("cell"):
        return cells.load(_text(name, "cell", "'786-O'")).name


def _duration(value: Given) -> float:
    with within("duration"):
        minutes = duration(value, "duration")
        if minutes <= 0:
            raise ScenarioError(
                f"duration: {shown(value)} is not above zero. Expected a time such as '72 h'."
            )
        if not _SHORTEST <= minutes <= _LONGEST:
            raise ScenarioError(
                f"duration: {shown(value)} is not from 1 ms to 10 years. "
                "Expected a time such as '72 h'."
            )
        return minutes


def _schedule(drug: str, schedule: Schedule | Given) -> Schedule:
    if isinstance(schedule, Constant | Repeated):
        return schedule
    with about(drug):  # with several drugs in one mapping, "dose" alone does not say whose
        return Constant(schedule)


def _treatments(given: object, end: float) -> tuple[Treatment, ...]:
    with within("drugs"):
        found: dict[str, Treatment] = {}
        for k, treatment in enumerate(_listed_treatments(given)):
            with within(k):
                _check_treatment(treatment, found, end)
            found[treatment.drug] = treatment
        return tuple(found.values())


def _listed_treatments(given: object) -> list[Treatment]:
    if isinstance(given, Mapping):
        return [Treatment(drug, schedule) for drug, schedule in given.items()]
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ScenarioError(
            f"drugs: {shown(given)} is not a list of treatments. "
            "Expected drugs={'temsirolimus': '20 nM'} or a list of Treatment."
        )
    return list(given)


def _check_treatment(treatment: object, before: Mapping[str, Treatment], end: float) -> None:
    if not isinstance(treatment, Treatment):
        raise ScenarioError(
            f"drugs: {shown(treatment)} is not a treatment. "
            "Expected one such as Treatment('temsirolimus', '20 nM')."
        )
    if treatment.drug in before:
        with within("name"):
            raise ScenarioError(
                f"drugs: {treatment.drug!r} is given twice. "
                "Give each drug one schedule; Repeated gives it several times."
            )
    if treatment.schedule.start >= end:
        with within("start"):
            raise RegimenError(
                f"{treatment.drug}: start at {say_time(treatment.schedule.start)} is not before "
                f"the end at {say_time(end)}. Start earlier or simulate longer."
            )


def _stimuli(given: object) -> FrozenMapping[str, float]:
    with within("stimuli"):
        if not isinstance(given, Mapping):
            raise ScenarioError(
                f"stimuli: expected a mapping such as {{'insulin': '10 nM'}}, got {shown(given)}."
            )
        return FrozenMapping({name: _stimulus(name, dose) for name, dose in given.items()})


def _stimulus(name: str, dose: Given) -> float:
    with within(str(name)):
        perturbation.check_stimulus(name)
        nanomolar = concentration(dose, name, perturbation.STIMULI[name].value)
        if nanomolar < 0:
            raise ScenarioError(f"{name}: {shown(dose)} is negative. Expected '0 nM' or more.")
        return nanomolar + 0.0  # no minus zero


def _perturbations(given: object) -> tuple[str, ...]:
    names = _ids(given, "perturbations", "['PTEN_loss']")
    for k, name in enumerate(names):
        with within("perturbations", k):
            perturbation.load(name)
    return names


def _ids(given: object, what: str, example: str) -> tuple[str, ...]:
    """Check a list of names, none of them twice."""
    with within(what):
        if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
            raise ScenarioError(f"{what}: expected a list such as {example}, got {shown(given)}.")
        names: list[str] = []
        for k, name in enumerate(given):
            with within(k):
                if _text(name, what, f"names as in {example}") in names:
                    raise ScenarioError(f"{what}: {name!r} is given twice.")
            names.append(name)
        return tuple(names)


def _settings(given: object) -> FrozenMapping[str, float | str]:
    with within("set"):
        if not isinstance(given, Mapping):
            raise ScenarioError(
                "set: expected a mapping such as {'kphos_S6K1_by_mTORC1': '0.3 1/min'}, "
                f"got {shown(given)}."
            )
        return FrozenMapping(
            {_text(key, "set", "an id"): _setting(key, given[key]) for key in given}
        )


def _setting(key: str, value: object) -> float | str:
    with within(key):
        if isinstance(value, Quantity):
            value = f"{value.magnitude!r} {value.units}"
        if isinstance(value, bool) or not isinstance(value, str | Real):
            raise ScenarioError(
                f"{key}: expected a number, or text such as '0.3 1/min', got {shown(value)}."
            )
        if _not_finite(value):
            raise ScenarioError(f"{key}: {shown(value)} is not a finite number.")
        return value if isinstance(value, str) else float(value)


def _not_finite(value: str | Real) -> bool:
    if isinstance(value, str):
        return re.match(r"\s*[+-]?(nan|inf)", value, re.IGNORECASE) is not None
    return not math.isfinite(value)


def _text(value: object, what: str, example: str) -> str:
    if not isinstance(value, str):
        raise ScenarioError(f"{what}: expected text such as {example}, got {shown(value)}.")
    if not value:
        raise ScenarioError(f"{what}: expected text such as {example}, got nothing.")
    return value
