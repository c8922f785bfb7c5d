"""The model of a PEtab problem: it can come to rest without treatment, and is then treated.

PEtab runs one model twice: the pre-equilibration to its steady state, then the simulation from
there. One parameter, ``population_growth``, is 0 in the first and 1 in the second, and decides

- whether doses are given: their triggers multiply time by it, so none fires on the way to rest;
- whether the number of cells moves;
- whether ``growth_rate_untreated`` and its like follow the cell, so that at the end of the
  pre-equilibration they hold what they mean, for any value of an estimated parameter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtorsim.compile import Compiled, written
from mtorsim.derived import first_values, names_in
from mtorsim.library import read_sbml
from mtorsim.settable import POPULATION, UNTREATED
from mtorsim.symbols import symbols

if TYPE_CHECKING:
    import libsbml

_FOLLOWING = 1.0  # 1/min: how fast what describes the untreated cell follows it


@dataclass(frozen=True)
class PetabModel:
    """A model and its two conditions.

    Attributes
    ----------
    sbml : str
    before, after : mapping of str to float
        Id of a parameter or species -> value in the pre-equilibration, and from time 0 on; the
        same ids in both. Species are concentrations.
    constants : mapping of str to float
        Id of a parameter -> value, of those that are the same in both and that no dose was
        computed with: a dose is a rise of a concentration, which belongs to one volume.
    """

    sbml: str
    before: Mapping[str, float]
    after: Mapping[str, float]
    constants: Mapping[str, float]


def petab_model(compiled: Compiled, rest: Mapping[str, float]) -> PetabModel:
    """Return the model of a scenario for PEtab.

    Parameters
    ----------
    compiled : Compiled
    rest : mapping of str to float
        The untreated cell at rest, from which the pre-equilibration begins: with the values of the
        scenario it is over at once.
    """
    file = {id: one.value for id, one in symbols(compiled.sbml).items() if one.value is not None}
    before = {**file, **compiled.adapted, **first_values(compiled.adapted, compiled.sbml), **rest}
    after = {**before, POPULATION: file[POPULATION], **compiled.settings, **compiled.given}
    moved = [id for id in after if after[id] != before.get(id) and id not in UNTREATED]
    values = {**compiled.adapted, **rest}
    sbml = written(
        compiled.sbml,
        {**values, **{id: after[id] for id in moved}},
        compiled.steps,
        name=f"mTOR signalling in {compiled.scenario.cell}, for parameter estimation",
        words=compiled.scenario.in_words(),
        events="dose",
    )
    document = read_sbml(sbml)
    model = document.getModel()
    _guard(model)
    _follow(model)
    targets = {id for step in compiled.steps for id in step.values}
    for id in targets.intersection(moved):
        if model.getParameter(id) is not None:
            _switch(model, id, before[id])
            moved.remove(id)
    return PetabModel(
        _text(document),
        {id: before[id] for id in moved},
        {id: after[id] for id in moved},
        _constants(model, set(moved)),
    )


def _constants(model: "libsbml.Model", moved: set[str]) -> dict[str, float]:
    first = {one.getSymbol() for one in model.getListOfInitialAssignments()}
    taken = moved | first | _behind_volumes(model) | {"body_weight", "body_surface"}
    return {
        one.getId(): one.getValue()
        for one in model.getListOfParameters()
        if one.getConstant() and one.getId() not in taken
    }


def _behind_volumes(model: "libsbml.Model") -> set[str]:
    """Return the ids that volumes follow from."""
    formulas = {one.getSymbol(): one.getMath() for one in model.getListOfInitialAssignments()}
    formulas |= {one.getVariable(): one.getMath() for one in model.getListOfRules()}
    waiting = [one.getId() for one in model.getListOfCompartments()]
    found: set[str] = set()
    while waiting:
        formula = formulas.get(waiting.pop())
        new = names_in(formula) - found if formula is not None else set()
        found |= new
        waiting += sorted(new)
    return found


def _text(document: Any) -> str:
    import libsbml

    return str(libsbml.writeSBMLToString(document))


def _guard(model: "libsbml.Model") -> None:
    """Let no event fire before the simulation: time counts as zero until then."""
    import libsbml

    for event in model.getListOfEvents():
        trigger = event.getTrigger()
        formula = libsbml.formulaToL3String(trigger.getMath())
        left, at = formula.split(">=")
        trigger.setMath(libsbml.parseL3Formula(f"{left.strip()} * {POPULATION} >= {at.strip()}"))


def _follow(model: "libsbml.Model") -> None:
    """Let what describes the untreated cell follow it while it comes to rest."""
    import libsbml

    for id, followed in UNTREATED.items():
        parameter = model.getParameter(id)
        parameter.setConstant(False)
        rule = model.createRateRule()
        rule.setVariable(id)
        rule.setMath(
            libsbml.parseL3Formula(
                f"{_FOLLOWING!r} per_min * (1 dimensionless - {POPULATION}) * ({followed} - {id})"
            )
        )


def _switch(model: "libsbml.Model", id: str, before: float) -> None:
    """Let a parameter that events change have another value before the simulation.

    PEtab's importers refuse a parameter that both a condition and an event set.
    """
    import libsbml

    old = model.getParameter(id)
    level = model.createParameter()
    level.setId(f"{id}_given")
    level.setName(f"{old.getName()}, as given")
    level.setUnits(old.getUnits())
    level.setValue(old.getValue())
    level.setConstant(False)
    level.setSBOTerm(old.getSBOTerm())
    for event in model.getListOfEvents():
        for assignment in event.getListOfEventAssignments():
            if assignment.getVariable() == id:
                assignment.setVariable(level.getId())
    rule = model.createAssignmentRule()
    rule.setVariable(id)
    rule.setMath(
        libsbml.parseL3Formula(
            f"{POPULATION} * {level.getId()} + "
            f"(1 dimensionless - {POPULATION}) * ({before!r} {old.getUnits()})"
        )
    )
    old.unsetValue()
