"""A scenario: what is done to which cell, for how long, and what is read."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Self, TypeAlias

from mtorsim import cells, drugs, members, perturbation, pharmacokinetics
from mtorsim.dosing import Constant, Repeated, Schedule, resolved
from mtorsim.errors import RegimenError, ScenarioError, about, shown, within
from mtorsim.facts import FrozenMapping
from mtorsim.regimen import UNTIL_THE_END, Phase, Regimen
from mtorsim.regimen_text import looks_like_regimen
from mtorsim.units import (
    LONGEST,
    SHORTEST,
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
_USUAL, _AFTER_ONE = 72 * 60.0, 7 * 1440.0  # min


@dataclass(frozen=True, init=False)
class Treatment:
    """A drug and its schedule.

    Parameters
    ----------
    drug : str
        Name of a drug, as `mtorsim show drugs` lists it.
    schedule : Constant, Repeated, Regimen, or str or pint quantity
        A dose alone, such as ``"20 nM"``, stands for ``Constant(dose)``; a mass, such as
        ``"25 mg IV weekly x4"``, for ``Regimen(text)``.

    Attributes
    ----------
    drug : str
    schedule : Constant, Repeated or Regimen
        With its dose in nM, also where it was given as mass per volume; a regimen in mg.

    Raises
    ------
    UnknownIdError
        For a drug that does not exist.
    UnitError, RegimenError
        For a dose that is not one.
    """

    drug: str
    schedule: Schedule | Regimen

    def __init__(self, drug: str, schedule: Schedule | Regimen | Given) -> None:
        with within("name"):
            molar_mass = drugs.load(_text(drug, "drug", "'temsirolimus'")).molar_mass.value
        plan = _schedule(drug, schedule)
        object.__setattr__(self, "drug", drug)
        object.__setattr__(
            self, "schedule", plan if isinstance(plan, Regimen) else resolved(plan, molar_mass)
        )

    def in_words(self) -> str:
        """Return ``"temsirolimus: 20 nM from 0 h"``."""
        return f"{self.drug}: {self.schedule.in_words()}"

    def to_dict(self) -> dict[str, object]:
        """Return the entry that a scenario file has for it."""
        return {"name": self.drug, **self.schedule.to_dict()}


Drugs: TypeAlias = Iterable[Treatment] | Mapping[str, Schedule | Regimen | Given]


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
    duration : str or pint quantity, optional
        From a millisecond to ten years: ``"72 h"``. Without one: 72 h in a dish; the whole regimen
        in a body, that is up to one interval after the last dose, a week after a dose without a
        frequency, and eight weeks of doses that go on until the end.
    set : mapping of str to number or str
        Id of a parameter or species -> value. Checked against the model when it is compiled.
    observe : sequence of str
        Ids to read, each once; none stands for all observables, in a body without those of a dish
        and with the concentrations of the drug. Checked when it is compiled.
    species : str
        Whose body a regimen goes through, ``"human"`` or ``"mouse"``; only with a regimen.
    member : int, optional
        Parameter set of the ensemble, from 1; None for the values of the model files.

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
    species : str
    member : int or None

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
    species: str
    member: int | None
    # Whether the duration was given; two scenarios that last as long do the same either way.
    _has_duration: bool = field(repr=False, compare=False)

    def __init__(
        self,
        *,
        cell: str = "786-O",
        drugs: Drugs = (),
        stimuli: Mapping[str, Given] = _NOTHING,
        perturbations: Iterable[str] = (),
        duration: Given | None = None,
        set: Mapping[str, float | str] = _NOTHING,
        observe: Iterable[str] = (),
        species: str = "human",
        member: int | None = None,
    ) -> None:
        object.__setattr__(self, "cell", _cell(cell))
        object.__setattr__(self, "species", _species(species))
        object.__setattr__(self, "member", None if member is None else members.check(member))
        object.__setattr__(self, "_has_duration", duration is not None)
        end = None if duration is None else _duration(duration)
        object.__setattr__(self, "drugs", _treatments(drugs))
        object.__setattr__(self, "duration", _usual_duration(self.drugs) if end is None else end)
        object.__setattr__(self, "stimuli", _stimuli(stimuli))
        object.__setattr__(self, "perturbations", _perturbations(perturbations))
        object.__setattr__(self, "set", settings(set))
        object.__setattr__(self, "observe", ids(observe, "observe", "['S6K1_pT389']"))
        _check_starts(self.drugs, self.duration)
        self._check_body()

    def _check_body(self) -> None:
        """Refuse what only goes with a body, or not with one."""
        _check_in_vitro({one.drug for one in self.drugs} - set(self.regimens), self.regimens)
        for k, treatment in enumerate(self.drugs):
            if isinstance(treatment.schedule, Regimen):
                with within("drugs", k, "regimen"):
                    plan = (treatment.schedule, treatment.drug, self.species)
                    pharmacokinetics.planned(*plan, self.duration)
        if not self.has_body:
            _check_no_body(self.species, self.perturbations)

    @property
    def regimens(self) -> dict[str, Regimen]:
        """Drug -> its regimen, of the drugs that are given to a body."""
        plans = {one.drug: one.schedule for one in self.drugs}
        return {drug: one for drug, one in plans.items() if isinstance(one, Regimen)}

    @property
    def has_body(self) -> bool:
        """Whether a drug is given to a body and not with the medium."""
        return bool(self.regimens)

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
            *(f"Drug: {one.in_words()}{self._usual_route(one)}." for one in self.drugs),
            f"In a tumour of a {self.species}." if self.has_body else "",
            "" if self.drugs else "Drugs: none.",
            "" if self.member is None else f"Parameters: member {self.member} of the ensemble.",
            _line("Set", changed),
            f"Duration: {say_time(self.duration)}{self._doses_within()}.",
            _line("Read-outs", self.observe) or self._usual_read_outs(),
        ]
        return "\n".join(line for line in lines if line)

    def _usual_read_outs(self) -> str:
        if self.has_body:
            return "Read-outs: all observables of a cell, and the concentrations of the drug."
        return "Read-outs: all observables."

    def _usual_route(self, treatment: Treatment) -> str:
        """Say what a regimen leaves to the drug: its route, how long an infusion runs."""
        if (regimen := self.regimens.get(treatment.drug)) is None:
            return ""
        given = regimen.doses(self.duration)
        planned = pharmacokinetics.planned(regimen, treatment.drug, self.species, self.duration)
        usual = [dose for dose, as_said in zip(planned, given, strict=True) if dose != as_said]
        ways = dict.fromkeys(
            f"{dose.route} over {say_time(dose.infusion)}" if dose.infusion else str(dose.route)
            for dose in usual
        )
        return f" ({' or '.join(ways)}, as is usual)" if ways else ""

    def _doses_within(self) -> str:
        """Say how much of the regimens the duration holds; nothing of those that go on and on."""
        closed = {drug: plan for drug, plan in self.regimens.items() if not plan.is_open}
        given = {
            drug: (len(plan.doses(self.duration)), len(plan.doses(math.inf)))
            for drug, plan in closed.items()
        }
        later = [
            f"{every - now} of {every} doses of {drug} would come later"
            for drug, (now, every) in given.items()
            if now < every
        ]
        if later:
            return f"; {', '.join(later)}"
        is_whole = closed and closed == self.regimens
        if is_whole and self.duration == _usual_duration(self.drugs):
            return ", the whole regimen"
        return ""

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
            "species": self.species if self.has_body else "",
            "member": self.member,
        }
        return {key: value for key, value in fields.items() if value}

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some arguments changed, checked again.

        Where no duration was given, that of the copy follows from its own drugs.
        """
        same = {name: getattr(self, name) for name in ("cell", "drugs", "perturbations", "set",
                                                       "observe", "species", "member")}  # fmt: skip
        same["stimuli"] = {name: f"{dose!r} nM" for name, dose in self.stimuli.items()}
        if self._has_duration:
            same["duration"] = f"{self.duration!r} min"
        return type(self)(**(same | changes))


def _line(title: str, parts: Iterable[str]) -> str:
    text = ", ".join(parts)
    return f"{title}: {text}." if text else ""


def _cell(name: object) -> str:
    with within("cell"):
        return cells.load(_text(name, "cell", "'786-O'")).name


def _species(name: object) -> str:
    with within("species"):
        pharmacokinetics.check_species(name)
        return str(name)


def _check_in_vitro(medium: set[str], regimens: Mapping[str, Regimen]) -> None:
    """Refuse a drug in the medium beside one that is given to a body."""
    if medium and regimens:
        with within("drugs"):
            raise ScenarioError(
                f"drugs: {min(regimens)} is given to a body and {min(medium)} with the medium of "
                "a dish. Give both as regimens, or both as doses."
            )


def _check_no_body(species: str, perturbations: Iterable[str]) -> None:
    """Refuse what only goes with a body."""
    example = "Give a drug as a regimen, such as '25 mg IV weekly x4'"
    if species != pharmacokinetics.SPECIES[0]:
        with within("species"):
            raise ScenarioError(
                f"species: {species!r} is whose body drugs go through, and none does. {example}, "
                "or leave the species out."
            )
    for k, name in enumerate(perturbations):
        if perturbation.load(name).place == "body":
            with within("perturbations", k):
                raise ScenarioError(f"perturbations: {name!r} acts on a body. {example}.")


def _duration(value: Given) -> float:
    with within("duration"):
        minutes = duration(value, "duration")
        if minutes <= 0:
            raise ScenarioError(
                f"duration: {shown(value)} is not above zero. Expected a time such as '72 h'."
            )
        if not SHORTEST <= minutes <= LONGEST:
            raise ScenarioError(
                f"duration: {shown(value)} is not from 1 ms to 10 years. "
                "Expected a time such as '72 h'."
            )
        return minutes


def _usual_duration(treatments: Iterable[Treatment]) -> float:
    plans = [one.schedule for one in treatments]
    whole = [_whole(plan) for plan in plans if isinstance(plan, Regimen)]
    return _duration(exact_time(max(whole))) if whole else _USUAL


def _whole(regimen: Regimen) -> float:
    """Return when a regimen is over [min]."""
    *before, last = regimen.parts
    begin = regimen.start + sum(part.length or 0.0 for part in before)
    assert isinstance(last, Phase)  # checked when it is made
    if last.length is None:
        return begin + UNTIL_THE_END
    return begin + (last.length or max(_AFTER_ONE, last.infusion or 0.0))


def _schedule(drug: str, schedule: Schedule | Regimen | Given) -> Schedule | Regimen:
    if isinstance(schedule, Constant | Repeated | Regimen):
        return schedule
    with about(drug):  # with several drugs in one mapping, "dose" alone does not say whose
        if isinstance(schedule, str) and looks_like_regimen(schedule):
            return Regimen(schedule)
        return Constant(schedule)


def _treatments(given: object) -> tuple[Treatment, ...]:
    with within("drugs"):
        found: dict[str, Treatment] = {}
        for k, treatment in enumerate(_listed_treatments(given)):
            with within(k):
                _check_treatment(treatment, found)
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


def _check_treatment(treatment: object, before: Mapping[str, Treatment]) -> None:
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


def _check_starts(treatments: Iterable[Treatment], end: float) -> None:
    for k, one in enumerate(treatments):
        if one.schedule.start >= end:
            with within("drugs", k, "start"):
                raise RegimenError(
                    f"{one.drug}: start at {say_time(one.schedule.start)} is not before "
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
    names = ids(given, "perturbations", "['PTEN_loss']")
    for k, name in enumerate(names):
        with within("perturbations", k):
            perturbation.load(name)
    return names


def ids(given: object, what: str, example: str) -> tuple[str, ...]:
    """Return a list of names as a tuple; `ScenarioError` for what is none, or a name twice."""
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


def settings(given: object) -> FrozenMapping[str, float | str]:
    """Return id -> value of a mapping; `ScenarioError` for what is none, or what no value is."""
    with within("set"):
        if not isinstance(given, Mapping):
            raise ScenarioError(
                "set: expected a mapping such as {'kphos_S6K1_by_mTORC1': '0.03 1/(nM*min)'}, "
                f"got {shown(given)}."
            )
        return FrozenMapping(
            {_text(key, "set", "an id"): _setting(key, given[key]) for key in given}
        )


def _setting(key: str, value: object) -> float | str:
    with within(key):
        if not isinstance(value, str | float) and isinstance(value, Quantity):
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
