"""Turns a scenario into one SBML model and the values to run it with.

Scenarios that differ only in values share a structure: the network with the reactions of the
drugs that occur. Cells, perturbations, doses and schedules are values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from xml.sax.saxutils import escape

import libsbml

from mtorsim import cells, drugs, perturbation
from mtorsim.dosing import MediumChange
from mtorsim.drug_layer import (
    attach,
    fraction_parameter,
    medium_species,
    wash_parameter,
)
from mtorsim.errors import ScenarioError, UnknownIdError, within
from mtorsim.library import network_sbml, read_sbml
from mtorsim.observables import OBSERVABLES
from mtorsim.perturbation import Change
from mtorsim.roles import network_roles
from mtorsim.scenario import Scenario
from mtorsim.settable import POPULATION, check_divisors, settings_of
from mtorsim.steps import Step
from mtorsim.symbols import Symbol, symbols
from mtorsim.units import parameter

_TIME_DIGITS = 6  # of a minute: changes closer than this are one, a solver cannot step between them
WASH_RATE = 10.0  # 1/min: the medium is free of drug within half a minute of the first wash


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """A scenario, ready to run.

    Attributes
    ----------
    scenario : Scenario
    sbml : str
        The structure; shared by all scenarios with the same drugs.
    adapted : mapping of str to float
        Values of the untreated cell: the cell line, chronic perturbations, `set`.
    settings : mapping of str to float
        Values from time 0: those of the untreated cell, stimuli, acute perturbations.
    given : mapping of str to float
        Drug species -> concentration in the medium at time 0 [nM].
    steps : tuple of Step
        Later changes of the medium, in order of time.
    observe : tuple of str
        Ids to read out.
    """

    scenario: Scenario
    sbml: str
    adapted: Mapping[str, float]
    settings: Mapping[str, float]
    given: Mapping[str, float]
    steps: tuple[Step, ...]
    observe: tuple[str, ...]


def compile_scenario(
    scenario: Scenario, defaults: Mapping[str, float] = MappingProxyType({})
) -> Compiled:
    """Compile a scenario.

    Parameters
    ----------
    scenario : Scenario
    defaults : mapping of str to float
        Values that stand in for those of the model files, as when they are being fitted. Ids of
        drugs that do not occur are passed over.

    Raises
    ------
    UnknownIdError
        For an id in `set` or `observe` that the model does not have.
    UnitError
        For a value in `set` whose unit is not that of its id.
    ScenarioError
        For a value in `set` that the model computes itself, or a negative one.
    """
    sbml = structure(*parts(scenario))
    table = symbols(sbml)
    changes = _changes(scenario)
    facts = cells.load(scenario.cell).values
    values = {id: value for id, value in defaults.items() if id in table}
    for id, fact in facts.items():
        _known(id, table, f"models/cells/{scenario.cell}.yaml")
        values[id] = fact.to(table[id].unit, id)
    _apply(values, changes["chronic"], table)
    values |= settings_of(scenario.set, table, sbml)
    _check_shares(scenario, values)
    check_divisors({id: values[id] for id in scenario.set}, values, table, sbml)
    settings = dict(values)
    values[POPULATION] = 0.0
    _apply(settings, changes["acute"], table)
    settings |= scenario.stimuli  # last: leucine given beside amino_acid_withdrawal is there
    given, steps = _medium(scenario)
    return Compiled(
        scenario=scenario,
        sbml=sbml,
        adapted=values,
        settings=settings,
        given=given,
        steps=steps,
        observe=_observed(scenario, table),
    )


def parts(scenario: Scenario) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what the structure of a scenario's model depends on: drugs, and mutants of mTOR."""
    loaded = map(perturbation.load, scenario.perturbations)
    mutants = sorted(one.name for one in loaded if one.mutant is not None)
    return tuple(sorted(treatment.drug for treatment in scenario.drugs)), tuple(mutants)


@lru_cache(maxsize=64)
def structure(names: tuple[str, ...] = (), mutants: tuple[str, ...] = ()) -> str:
    """Return the SBML of the network with the reactions of the named drugs and mutants of mTOR."""
    alleles = [one for name in mutants if (one := perturbation.load(name).mutant) is not None]
    loaded = [drugs.load(name) for name in names]
    return attach(network_sbml(), network_roles(), loaded, alleles)


def size(compiled: Compiled) -> str:
    """Return the size of a scenario's model in words, and what the drugs and mutants add to it."""
    whole, bare = (read_sbml(text).getModel() for text in (compiled.sbml, network_sbml()))
    species, reactions = whole.getNumSpecies(), whole.getNumReactions()
    added = species - bare.getNumSpecies(), reactions - bare.getNumReactions()
    words = f"Model: {species} species, {reactions} reactions"
    if not any(added):
        return f"{words}."
    return f"{words}; {added[0]} and {added[1]} of them are added for drugs and mutants of mTOR."


def write_sbml(compiled: Compiled, start: Mapping[str, float]) -> str:
    """Return the SBML model that holds the whole scenario: values, initial state, dosing events.

    Parameters
    ----------
    compiled : Compiled
    start : mapping of str to float
        Species -> concentration at time 0 [nM], the steady state of the untreated cell.

    Returns
    -------
    str
        SBML Level 3 Version 2.
    """
    document = read_sbml(compiled.sbml)
    model = document.getModel()
    values = {**compiled.settings, **start, **compiled.given}
    for id, value in values.items():
        if (species := model.getSpecies(id)) is not None:
            species.setInitialConcentration(value)
        elif (compartment := model.getCompartment(id)) is not None:
            compartment.setSize(value)
        else:
            model.getParameter(id).setValue(value)
    for number, step in enumerate(compiled.steps, start=1):
        _write_event(model, number, step)
    _write_history(model, compiled.scenario)
    return str(libsbml.writeSBMLToString(document))


def _changes(scenario: Scenario) -> dict[str, list[Change]]:
    """Return timing -> what the perturbations change then, in order."""
    found: dict[str, list[Change]] = {"chronic": [], "acute": []}
    for one in map(perturbation.load, scenario.perturbations):
        found[one.timing] += one.changes
    return found


def _known(id: str, table: Mapping[str, Symbol], where: str) -> None:
    if id not in table:
        raise UnknownIdError(kind="parameter or species", given=id, choices=table, where=where)


def _apply(
    values: dict[str, float], changes: Iterable[Change], table: Mapping[str, Symbol]
) -> None:
    for change in changes:
        _known(change.target, table, "models/perturbations.yaml")
        symbol = table[change.target]
        if change.multiply is not None:
            before = values.get(symbol.id, symbol.value)
            values[symbol.id] = (before or 0.0) * change.multiply
        else:
            given = f"{change.set!r} {change.unit or symbol.unit}"
            values[symbol.id] = parameter(given, symbol.unit, symbol.id)


def _check_shares(scenario: Scenario, values: Mapping[str, float]) -> None:
    """Refuse mutants of mTOR that together are more than all of it."""
    shares = {name: values.get(fraction_parameter(name), 0.0) for name in parts(scenario)[1]}
    if sum(shares.values()) > 1 + 1e-9:  # 0.33 + 0.56 + 0.11 is a little above 1 in floats
        given = " + ".join(f"{share:g} {name}" for name, share in shares.items())
        example = f"--set {fraction_parameter(next(iter(shares)))}=0.5"
        raise ScenarioError(
            f"mutants of mTOR add up to more than all of it: {given}. "
            f"Give their shares, such as {example}."
        )


def _medium(scenario: Scenario) -> tuple[dict[str, float], tuple[Step, ...]]:
    """Return what is in the medium at time 0 and the steps that follow."""
    given: dict[str, float] = {}
    later: dict[float, dict[str, float]] = {}
    for treatment in scenario.drugs:
        for change in treatment.schedule.changes():
            values = _medium_values(treatment.drug, change)
            time = round(change.time, _TIME_DIGITS)
            if time == 0:
                given[medium_species(treatment.drug)] = change.concentration
            elif time < round(scenario.duration, _TIME_DIGITS):
                later.setdefault(time, {}).update(values)
    return given, tuple(Step(time, later[time]) for time in sorted(later))


def _medium_values(drug: str, change: MediumChange) -> dict[str, float]:
    rate = WASH_RATE if change.washed else 0.0
    return {medium_species(drug): change.concentration, wash_parameter(drug): rate}


def _observed(scenario: Scenario, table: Mapping[str, Symbol]) -> tuple[str, ...]:
    readable = [id for id, symbol in table.items() if symbol.kind in ("species", "observable")]
    for place, id in enumerate(scenario.observe):
        if id not in readable:
            with within("observe", place):
                raise UnknownIdError(
                    kind="observable or species",
                    given=id,
                    choices=readable,
                    listing="mtorsim show observables",
                )
    return scenario.observe or OBSERVABLES


def _write_event(model: libsbml.Model, number: int, step: Step) -> None:
    event = model.createEvent()
    event.setId(f"change_medium_{number}")
    event.setUseValuesFromTriggerTime(True)
    trigger = event.createTrigger()
    trigger.setInitialValue(False)
    trigger.setPersistent(True)
    trigger.setMath(libsbml.parseL3Formula(f"time >= {step.time!r} time_unit"))
    for id, value in step.values.items():
        assignment = event.createEventAssignment()
        assignment.setVariable(id)
        parameter = model.getParameter(id)
        unit = "nM" if parameter is None else parameter.getUnits()
        if parameter is not None:
            parameter.setConstant(False)
        assignment.setMath(libsbml.parseL3Formula(f"{value!r} {unit}"))


def _write_history(model: libsbml.Model, scenario: Scenario) -> None:
    lines = "".join(f"<p>{escape(line)}</p>" for line in scenario.in_words().splitlines())
    model.setNotes(f'<body xmlns="http://www.w3.org/1999/xhtml">{lines}</body>')
    model.setName(f"mTOR signalling in {scenario.cell}")
