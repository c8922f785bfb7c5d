"""What is asked of a foreign model, and the one SBML text that answers it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import libsbml

from mtorsim.dosing import MediumChange
from mtorsim.drugs import load
from mtorsim.errors import ModelError, UnknownIdError, within
from mtorsim.facts import FrozenMapping
from mtorsim.foreign.adapt import MEDIUM, Scale, parsed
from mtorsim.foreign.maps import DrugMap
from mtorsim.foreign.units import unit_of
from mtorsim.ids import medium_species, wash_parameter
from mtorsim.library import read_sbml
from mtorsim.regimen import Regimen
from mtorsim.scenario import Treatment
from mtorsim.units import exact_time, say_time

WASH_RATE = 10.0  # 1/min, as in `compile`
_OF_DRUGS = ("mTORC1_FRB_occupied", "mTORC1_kinase_occupied", "mTORC2_kinase_occupied")


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is done to a foreign model and what is read.

    Attributes
    ----------
    model, name : str
        Its file, and what it calls itself.
    drugs : tuple of Treatment
    duration : float
        [min].
    set : mapping of str to float or str
    observe : tuple of str
        As asked; none stands for the usual read-outs.
    lines : tuple of str
        What the model is, in words.
    map : str
        File of the drug map; may be empty.
    """

    model: str
    name: str
    drugs: tuple[Treatment, ...]
    duration: float
    set: Mapping[str, float | str]
    observe: tuple[str, ...]
    lines: tuple[str, ...]
    map: str

    @property
    def regimens(self) -> dict[str, Any]:
        """No drug goes through a body."""
        return {}

    def in_words(self) -> str:
        """Return what is asked in plain English, one line for each thing done."""
        changed = ", ".join(f"{key} = {value}" for key, value in self.set.items())
        lines = [
            *self.lines,
            *(f"Drug: {one.in_words()}." for one in self.drugs),
            "" if self.drugs else "Drugs: none.",
            f"Set: {changed}." if changed else "",
            f"Duration: {say_time(self.duration)}.",
        ]
        return "\n".join(line for line in lines if line)

    def to_dict(self) -> dict[str, Any]:
        """Return the question as JSON values."""
        fields = {
            "model": self.model,
            "name": self.name,
            "map": self.map,
            "duration": exact_time(self.duration),
            "drugs": [one.to_dict() for one in self.drugs],
            "set": dict(self.set),
            "observe": list(self.observe),
        }
        return {key: value for key, value in fields.items() if value}


@dataclass(frozen=True, kw_only=True)
class Written:
    """A foreign model with all that was asked in it, ready to run.

    Attributes
    ----------
    sbml : str
        The model that runs and is exported: first values, drugs, doses as events.
    observe : tuple of str
        Names of the read-outs.
    selections : tuple of str
        The same in RoadRunner's words.
    units, labels : mapping of str to str
        Of each read-out.
    time_unit : tuple of str and float
        Name and length [min].
    doses : tuple of str
        Species of drug in the medium that are there at time 0.
    """

    sbml: str = field(repr=False)
    observe: tuple[str, ...]
    selections: tuple[str, ...]
    units: Mapping[str, str]
    labels: Mapping[str, str]
    time_unit: tuple[str, float]
    doses: tuple[str, ...]

    def written(self, _start: Mapping[str, float]) -> str:
        """Return the model that was run."""
        return self.sbml

    def without_doses(self) -> str:
        """Return the same model with no drug in the medium at time 0."""
        document = read_sbml(self.sbml)
        for id in self.doses:
            document.getModel().getSpecies(id).setInitialConcentration(0.0)
        return str(libsbml.writeSBMLToString(document))


def write(
    sbml: str, question: Question, found: DrugMap | None, scale: Scale, what: str, time_name: str
) -> Written:
    """Write doses and read-outs into a model that has the drugs already."""
    document = read_sbml(sbml, what=what)
    model = document.getModel()
    read_outs = _read_outs(model, found) if found is not None else {}
    doses = [id for one in question.drugs for id in _dose(model, one, scale)]
    usual = (*read_outs, *(_OF_DRUGS if question.drugs else ())) or tuple(_usual(model))
    wanted = _resolved(model, question, read_outs) or {id: id for id in usual}
    return Written(
        sbml=str(libsbml.writeSBMLToString(document)) if doses or read_outs else sbml,
        observe=tuple(wanted),
        selections=tuple(selection(model, id) for id in wanted.values()),
        units=FrozenMapping({name: _unit(model, id, found) for name, id in wanted.items()}),
        labels=FrozenMapping({name: _label(model, name, id) for name, id in wanted.items()}),
        time_unit=(time_name, scale.minutes),
        doses=tuple(doses),
    )


def _read_outs(model: Any, found: DrugMap) -> dict[str, str]:
    """Add the read-outs of a map to a model; a form counts in all its states."""
    for name, parts in found.read_outs.items():
        for part in parts:
            if model.getElementBySId(part) is None:
                ids = [one.getId() for one in model.getListOfSpecies()]
                raise UnknownIdError(
                    kind="species of the model", given=part, choices=ids,
                    where=found.document.where(("read_outs", name)),
                )  # fmt: skip
        terms = [_counted(model, found, part) for part in parts]
        if model.getElementBySId(name) is not None:
            if parts == (name,) or _is_sum_of(model, name, terms):
                continue
            raise found.error(
                f"the model has an id {name!r} of its own. Choose another name for the read-out, "
                f"such as {name}_total.", "read_outs", name,
            )  # fmt: skip
        parameter = model.createParameter()
        if parameter.setId(name) != libsbml.LIBSBML_OPERATION_SUCCESS:
            raise found.error(f"{name!r} cannot be an id.", "read_outs", name)
        parameter.setConstant(False)
        parameter.setName(name.replace("_", " "))
        rule = model.createAssignmentRule()
        rule.setVariable(name)
        rule.setMath(parsed(" + ".join(terms), model))
    return {name: name for name in found.read_outs}


def _is_sum_of(model: Any, name: str, terms: list[str]) -> bool:
    """Whether a model has a read-out already: it was exported from here."""
    rule = model.getAssignmentRuleByVariable(name)
    same = libsbml.formulaToL3String(parsed(" + ".join(terms), model))
    return rule is not None and libsbml.formulaToL3String(rule.getMath()) == same


def _counted(model: Any, found: DrugMap, part: str) -> str:
    whole = f"{part}_in_all_states"
    return whole if part in found.forms and model.getParameter(whole) is not None else part


def _resolved(model: Any, question: Question, read_outs: Mapping[str, str]) -> dict[str, str]:
    """Return asked name -> id: of a read-out, an id of the model, or a name in it."""
    named: dict[str, list[str]] = {}
    for items in (model.getListOfSpecies(), model.getListOfParameters(),
                  model.getListOfCompartments(), model.getListOfReactions()):  # fmt: skip
        for one in items:
            named.setdefault(one.getName(), []).append(one.getId())
    found = {}
    for place, asked in enumerate(question.observe):
        with within("observe", place):
            known = model.getElementBySId(asked) is not None
            by_name = [asked] if asked in read_outs or known else named.get(asked, [])
            if len(by_name) > 1:
                raise ModelError(
                    f"{asked!r} is the name of {', '.join(by_name)}. Give one of these ids."
                )
            if not by_name:
                labels = {name for name in named if name.replace(" ", "_") not in read_outs}
                known_ids = (id for ids in named.values() for id in ids)
                raise UnknownIdError(
                    kind="read-out or symbol of this model",
                    given=asked,
                    choices=[*read_outs, *sorted(labels - {""}), *known_ids],
                )
            found[asked] = by_name[0]
    return found


def _usual(model: Any) -> list[str]:
    """Return all species, and all that rules move or compute."""
    ruled = [rule.getVariable() for rule in model.getListOfRules()]
    found = [one.getId() for one in model.getListOfSpecies()] + ruled
    return list(dict.fromkeys(id for id in found if id and model.getElementBySId(id) is not None))


def selection(model: Any, id: str) -> str:
    """Return what RoadRunner calls the value of an SBML symbol."""
    species = model.getSpecies(id)
    return f"[{id}]" if species is not None and not _is_amount(model, species) else id


def _is_amount(model: Any, species: Any) -> bool:
    home = model.getCompartment(species.getCompartment())
    flat = home.isSetSpatialDimensions() and home.getSpatialDimensionsAsDouble() == 0
    return bool(species.getHasOnlySubstanceUnits() or flat)


def _unit(model: Any, id: str, found: DrugMap | None) -> str:
    if found is not None and (id in found.read_outs or id in _OF_DRUGS):
        # Sums of species: their unit is that of the first.
        parts = found.read_outs.get(id, found.mTORC1)
        id = parts[0]
    species = model.getSpecies(id)
    if species is not None:
        return unit_of(species, amount=_is_amount(model, species))
    rule = model.getAssignmentRuleByVariable(id)
    element = model.getElementBySId(id)
    if rule is not None and not element.getUnits():
        return unit_of(rule)
    return unit_of(element)


def _label(model: Any, name: str, id: str) -> str:
    return model.getElementBySId(id).getName() or name


def changes_of(treatment: Treatment) -> tuple[MediumChange, ...]:
    """Return the changes of medium of a drug; a regimen has none."""
    schedule = treatment.schedule
    return () if isinstance(schedule, Regimen) else schedule.changes()


def _dose(model: Any, treatment: Treatment, scale: Scale) -> list[str]:
    """Write a schedule: what is there at time 0 as a first value, the rest as events."""
    outside, wash = medium_species(treatment.drug), wash_parameter(treatment.drug)
    at_once = []
    for number, change in enumerate(changes_of(treatment), start=1):
        level = change.concentration / scale.nanomolar
        if change.time == 0:
            model.getSpecies(outside).setInitialConcentration(level)
            at_once.append(outside)
            continue
        event = model.createEvent()
        event.setId(f"change_medium_{load(treatment.drug).name.replace('-', '_')}_{number}")
        event.setUseValuesFromTriggerTime(True)
        trigger = event.createTrigger()
        trigger.setInitialValue(False)
        trigger.setPersistent(True)
        trigger.setMath(libsbml.parseL3Formula(f"time >= {change.time / scale.minutes!r}"))
        model.getParameter(wash).setConstant(False)
        rate = WASH_RATE * scale.minutes if change.washed else 0.0
        for id, value in ((outside, level), (wash, rate)):
            assignment = event.createEventAssignment()
            assignment.setVariable(id)
            assignment.setMath(libsbml.parseL3Formula(repr(value)))
    return at_once


__all__ = ["MEDIUM", "Question", "Written", "selection", "write"]
