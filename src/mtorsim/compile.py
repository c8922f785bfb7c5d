"""Turns a scenario into one SBML model and the values to run it with.

Scenarios that differ only in values share a structure: the network with the reactions of the
drugs that occur. Cells, perturbations, doses and schedules are values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from mtorsim import cache, cells, drugs, members, perturbation, pharmacokinetics
from mtorsim.administration import TIME_DIGITS, Course, administer, analytes
from mtorsim.annotation import complete, digest, sign
from mtorsim.derived import first_values
from mtorsim.dosing import MediumChange, Schedule
from mtorsim.errors import ScenarioError, UnknownIdError, within
from mtorsim.ids import fraction_parameter, medium_species, sid, wash_parameter
from mtorsim.library import body_sbml, network_origin, network_sbml, read_sbml
from mtorsim.observables import OBSERVABLES, OF_A_DISH
from mtorsim.paths import models_path
from mtorsim.perturbation import Change
from mtorsim.regimen import Regimen
from mtorsim.scenario import Scenario
from mtorsim.settable import POPULATION, check_divisors, settings_of
from mtorsim.steps import Step
from mtorsim.symbols import Symbol, symbols
from mtorsim.units import parameter, say_time

if TYPE_CHECKING:
    import libsbml

_READABLE = ("species", "observable")
WASH_RATE = 10.0  # 1/min: the medium is free of drug within half a minute of the first wash


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """A scenario, ready to run.

    Attributes
    ----------
    scenario : Scenario
    sbml : str
        The structure; shared by all scenarios with the same drugs.
    usual : mapping of str to float
        Values of the untreated cell that the cell line and chronic perturbations give it.
    adapted : mapping of str to float
        Those, and what `set` of the scenario changes.
    settings : mapping of str to float
        Values from time 0: those of the untreated cell, stimuli, acute perturbations.
    given : mapping of str to float
        Species outside the cell -> concentration at time 0 [nM]: drug in the medium, or a body.
    steps : tuple of Step
        Later changes of the medium and doses, in order of time.
    observe : tuple of str
        Ids to read out.
    """

    scenario: Scenario
    sbml: str
    usual: Mapping[str, float]
    adapted: Mapping[str, float]
    settings: Mapping[str, float]
    given: Mapping[str, float]
    steps: tuple[Step, ...]
    observe: tuple[str, ...]

    @property
    def units(self) -> dict[str, str]:
        """Id that is read -> unit."""
        table = symbols(self.sbml)
        return {id: table[id].unit for id in self.observe}

    @property
    def labels(self) -> dict[str, str]:
        """Id that is read -> name for people."""
        table = symbols(self.sbml)
        return {id: table[id].name or id for id in self.observe}

    @property
    def time_unit(self) -> tuple[str, float]:
        """Name of the model's time unit, and its length [min]."""
        return "min", 1.0

    def written(self, start: Mapping[str, float], /) -> str:
        """Return `write_sbml` of this."""
        return write_sbml(self, start)


def compile_scenario(
    scenario: Scenario, defaults: Mapping[str, float] = MappingProxyType({})
) -> Compiled:
    """Compile a scenario.

    Parameters
    ----------
    scenario : Scenario
    defaults : mapping of str to float
        Values that stand in for those of the model files, as when they are being fitted;
        ``"PC-3.koff_MTOR_RICTOR"`` for that of one cell. What does not occur is passed over.

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
    usual = _untreated(scenario, changes["chronic"], table)
    values = dict(usual)
    if defaults or scenario.member is not None:
        member = members.load(scenario.member)
        shared = {**member.shared, **defaults}
        prefix = f"{scenario.cell}."
        begun = {id.removeprefix(prefix): one for id, one in defaults.items()
                 if id.startswith(prefix)}  # fmt: skip
        own = {**member.of(scenario.cell), **begun}
        values = _untreated(scenario, changes["chronic"], table, shared, own)
    _check_no_body(scenario, table)
    values |= settings_of(scenario.set, table, sbml)
    _check_shares(scenario, values)
    check_divisors({id: values[id] for id in scenario.set}, values, table, sbml)
    settings = dict(values)
    values[POPULATION] = usual[POPULATION] = 0.0
    apply_changes(settings, changes["acute"], table)
    settings |= scenario.stimuli  # last: leucine given beside amino_acid_withdrawal is there
    plans = {one.drug: one.schedule for one in scenario.drugs}
    course = planned_course(plans, scenario.species, scenario.duration, settings, sbml)
    return Compiled(
        scenario=scenario,
        sbml=sbml,
        usual=usual,
        adapted=values,
        settings=settings | course.settings,
        given=course.given,
        steps=course.steps(scenario.duration),
        observe=_observed(scenario, table),
    )


def _untreated(
    scenario: Scenario,
    chronic: Iterable[Change],
    table: Mapping[str, Symbol],
    defaults: Mapping[str, float] = MappingProxyType({}),
    own: Mapping[str, float] = MappingProxyType({}),
) -> dict[str, float]:
    values = {id: value for id, value in defaults.items() if id in table}
    for id, fact in cells.load(scenario.cell).values.items():
        _known(id, table, f"models/cells/{scenario.cell}.yaml")
        values[id] = fact.to(table[id].unit, id)
    values |= {id: value for id, value in own.items() if id in table}
    apply_changes(values, chronic, table)
    return values


class Parts(NamedTuple):
    """What the structure of a scenario's model depends on.

    Attributes
    ----------
    names : tuple of str
        Drugs that reach the cell, metabolites included.
    mutants : tuple of str
        Mutants of mTOR.
    species : str
        Whose body drugs go through; empty for a dish.
    given : tuple of str
        Drugs that the body is given.
    """

    names: tuple[str, ...] = ()
    mutants: tuple[str, ...] = ()
    species: str = ""
    given: tuple[str, ...] = ()


def parts(scenario: Scenario) -> Parts:
    """Return what the structure of a scenario's model depends on."""
    loaded = map(perturbation.load, scenario.perturbations)
    mutants = tuple(sorted(one.name for one in loaded if one.mutant is not None))
    given = tuple(sorted(treatment.drug for treatment in scenario.drugs))
    if not scenario.has_body:
        return Parts(given, mutants)
    return Parts(analytes(given, scenario.species), mutants, scenario.species, given)


@lru_cache(maxsize=64)
def structure(
    names: tuple[str, ...] = (),
    mutants: tuple[str, ...] = (),
    species: str = "",
    given: tuple[str, ...] = (),
) -> str:
    """Return the SBML of the network with the reactions that `Parts` name."""
    alleles = [one for name in mutants if (one := perturbation.load(name).mutant) is not None]
    loaded = [drugs.load(name) for name in names]
    if not (loaded or alleles):
        return network_sbml(species, given)

    def attached() -> str:
        from mtorsim.drug_layer import attach
        from mtorsim.roles import network_roles

        network = network_sbml(species, given)
        return attach(network, network_roles(), loaded, alleles, names if species else ())

    roles = models_path("roles.yaml").read_text(encoding="utf-8")
    origin = (*network_origin(species, given), roles, repr(loaded), repr(alleles))
    return cache.text("structure", origin, attached)


def size(compiled: Compiled) -> str:
    """Return the size of a scenario's model in words, and what a body, drugs and mutants add."""
    made = parts(compiled.scenario)
    whole, bare = _counts(compiled.sbml), _counts(network_sbml())
    host = _counts(network_sbml(made.species, made.given))
    added = [
        f"{species} and {reactions} of them {what}"
        for (species, reactions), what in (
            (_minus(host, bare), "make the body"),
            (_minus(whole, host), "are added for drugs and mutants of mTOR"),
        )
        if species or reactions
    ]
    return "; ".join((f"Model: {whole[0]} species, {whole[1]} reactions", *added)) + "."


def _counts(sbml: str) -> tuple[int, int]:
    model = read_sbml(sbml).getModel()
    return model.getNumSpecies(), model.getNumReactions()


def _minus(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] - other[0], one[1] - other[1]


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
    values = {**compiled.settings, **start, **compiled.given}
    scenario = compiled.scenario
    return written(
        compiled.sbml,
        values,
        compiled.steps,
        name=f"mTOR signalling in {scenario.cell}",
        words=scenario.in_words(),
        events="dosing" if scenario.has_body else "change_medium",
        hashes={"the scenario": digest(scenario.to_dict())},
        occurs_in=cells.load(scenario.cell).identifiers,
    )


def written(
    sbml: str,
    values: Mapping[str, float],
    steps: Iterable[Step],
    *,
    name: str,
    words: str,
    events: str,
    hashes: Mapping[str, str] = MappingProxyType({}),
    occurs_in: Iterable[str] = (),
) -> str:
    """Return a model with other values, and with events for what happens on the way.

    Parameters
    ----------
    sbml : str
    values : mapping of str to float
        Id of a species, compartment or parameter -> value at time 0.
    steps : iterable of Step
        Each becomes an event.
    name, words : str
        Name and notes of the model.
    events : str
        What the ids of events begin with.
    hashes : mapping of str to str
        What else the model was made from, beside `sbml` -> SHA-256; goes into the notes.
    occurs_in : iterable of str
        Web addresses of the cell line.
    """
    import libsbml

    document = read_sbml(sbml)
    model = document.getModel()
    for id, value in values.items():
        if (species := model.getSpecies(id)) is not None:
            species.setInitialConcentration(value)
        elif (compartment := model.getCompartment(id)) is not None:
            compartment.setSize(value)
        else:
            model.getParameter(id).setValue(value)
    for number, step in enumerate(steps, start=1):
        _write_event(model, f"{events}_{number}", step)
    complete(model)
    sign(model, words, {"the model before it": digest(sbml), **hashes}, occurs_in)
    model.setName(name)
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


def apply_changes(
    values: dict[str, float], changes: Iterable[Change], table: Mapping[str, Symbol]
) -> None:
    """Carry out changes on values, which start from those of the model.

    Raises
    ------
    UnknownIdError
        For a target that the model does not have.
    """
    for change in changes:
        _known(change.target, table, "models/perturbations.yaml")
        symbol = table[change.target]
        if change.multiply is not None:
            before = values.get(symbol.id, symbol.value)
            values[symbol.id] = (before or 0.0) * change.multiply
        else:
            given = f"{change.set!r} {change.unit or symbol.unit}"
            values[symbol.id] = parameter(given, symbol.unit, symbol.id)


def _check_no_body(scenario: Scenario, table: Mapping[str, Symbol]) -> None:
    """Refuse to set in a dish what only a body has."""
    unknown = [] if scenario.has_body else [id for id in scenario.set if id not in table]
    for id in unknown:
        whose = [species for species, drug in pharmacokinetics.pairs()
                 if id in symbols(body_sbml(species, (drug.name,)))]  # fmt: skip
        if whose:
            with within("set", id):
                raise ScenarioError(
                    f"{id!r} belongs to a body, and drugs are given to a dish. Give one as a "
                    "regimen, such as '25 mg IV weekly x4'."
                )


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


def planned_course(
    plans: Mapping[str, Schedule | Regimen],
    species: str,
    end: float,
    settings: Mapping[str, float],
    sbml: str,
) -> Course:
    """Return what is given at time 0 and later.

    Parameters
    ----------
    plans : mapping of str to Constant, Repeated or Regimen
        Drug -> its schedule.
    species : str
        Whose body regimens go through.
    end : float
        End of the run [min].
    settings : mapping of str to float
        Values from time 0 on that are not those of the model.
    sbml : str
        The model.
    """
    course = Course(given=first_values(settings, sbml))
    regimens = {drug: plan for drug, plan in plans.items() if isinstance(plan, Regimen)}
    if regimens:
        start = {id: one.value for id, one in symbols(sbml).items() if one.value is not None}
        _check_weight(settings, start)
        _check_surface(regimens, settings)
        values = {**start, **settings, **course.given}
        administer(course, regimens, species, end, values, sbml)
    for drug, plan in plans.items():
        if not isinstance(plan, Regimen):
            _add_medium(course, drug, plan.changes())
    return course


def _check_weight(settings: Mapping[str, float], start: Mapping[str, float]) -> None:
    """Refuse a body weight to which nothing known of this species reaches."""
    weight, usual = settings.get("body_weight"), start.get("body_weight")
    if weight is not None and usual is not None and not 0.1 < weight / usual < 10:
        with within("set", "body_weight"):
            raise ScenarioError(
                f"body_weight: {weight:g} kg is far from the {usual:g} kg of this body. Expected "
                f"from {usual / 10:g} to {10 * usual:g} kg; for a mouse say species 'mouse'."
            )


def _check_surface(regimens: Mapping[str, Regimen], settings: Mapping[str, float]) -> None:
    """Refuse a dose per body surface for a body whose weight alone was changed."""
    per_surface = [drug for drug, one in regimens.items() if one.is_per_surface]
    if per_surface and "body_weight" in settings and "body_surface" not in settings:
        with within("set", "body_weight"):
            raise ScenarioError(
                f"{per_surface[0]} is given per m2 and body_weight was changed. Set body_surface "
                "as well, such as body_surface=1.6."
            )


def _add_medium(course: Course, drug: str, changes: Iterable[MediumChange]) -> None:
    for change in changes:
        if round(change.time, TIME_DIGITS) == 0:
            course.given[medium_species(drug)] = change.concentration
        else:
            course.set_at(change.time, _medium_values(drug, change))


def _medium_values(drug: str, change: MediumChange) -> dict[str, float]:
    rate = WASH_RATE if change.washed else 0.0
    return {medium_species(drug): change.concentration, wash_parameter(drug): rate}


def _observed(scenario: Scenario, table: Mapping[str, Symbol]) -> tuple[str, ...]:
    for place, id in enumerate(scenario.observe):
        if id not in table or table[id].kind not in _READABLE:
            with within("observe", place):
                raise UnknownIdError(
                    kind="observable or species",
                    given=id,
                    choices=[id for id, one in table.items() if one.kind in _READABLE],
                    listing="mtorsim show observables",
                )
    return scenario.observe or _usual(scenario)


def _usual(scenario: Scenario) -> tuple[str, ...]:
    """Return what is read where nothing is named: in a body also where the drug is."""
    if not scenario.has_body:
        return OBSERVABLES
    given = {drug: pharmacokinetics.load(drug, scenario.species) for drug in scenario.regimens}
    measured = [f"{sid(name)}_{one.matrix}" for one in given.values() for name in one.analytes]
    unbound = [f"{sid(name)}_interstitium" for one in given.values() for name in one.analytes]
    inside = [id for id in OBSERVABLES if id not in OF_A_DISH]
    return tuple(dict.fromkeys((*inside, *measured, *unbound)))


def _write_event(model: "libsbml.Model", id: str, step: Step) -> None:
    import libsbml

    event = model.createEvent()
    event.setId(id)
    event.setName(f"{', '.join((*step.values, *step.added))} at {say_time(step.time)}")
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
    for id, rise in step.added.items():
        assignment = event.createEventAssignment()
        assignment.setVariable(id)
        assignment.setMath(libsbml.parseL3Formula(f"{id} + {rise!r} nM"))
