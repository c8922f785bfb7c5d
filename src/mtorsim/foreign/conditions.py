"""A model with what can be set and read in it, for simulations under conditions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import libsbml

from mtorsim.derived import names_in
from mtorsim.engine.conditions import Course
from mtorsim.errors import ModelError
from mtorsim.foreign.model import looked_over
from mtorsim.foreign.timing import Timing
from mtorsim.library import read_sbml
from mtorsim.prescan import read_model


@dataclass(frozen=True)
class Conditioned:
    """A model that is run under conditions.

    Attributes
    ----------
    what : str
        As messages call it.
    sbml : str
        Flat SBML that was looked over.
    names : mapping of str to str
        Id of a species, parameter or compartment -> what RoadRunner calls its value.
    kinds : mapping of str to str
        The same ids -> ``"species"``, ``"parameter"``, ``"compartment"``.
    ruled : frozenset of str
        Ids that follow from rules at all times.
    volatile : frozenset of str
        Ids on which first values of others depend: they are written into the model.
    is_curved : bool
        Whether a formula is a curve in time, that a solver might step over.
    """

    what: str
    sbml: str = field(repr=False)
    names: Mapping[str, str] = field(repr=False)
    kinds: Mapping[str, str] = field(repr=False)
    ruled: frozenset[str] = field(repr=False)
    volatile: frozenset[str] = field(repr=False)
    is_curved: bool = False

    @cached_property
    def settable(self) -> tuple[str, ...]:
        """Ids that can be given a value."""
        return tuple(id for id in self.names if id not in self.ruled)

    def course(
        self,
        before: Mapping[str, float] | None,
        after: Mapping[str, float],
        times: Iterable[float],
        read: Iterable[str],
    ) -> Course:
        """Return a simulation under conditions.

        Parameters
        ----------
        before, after : mapping of str to float
            Id -> value in a pre-equilibration, and from time 0 on.
        times : iterable of float
            Rising; infinite for rest.
        read : iterable of str
            Ids.

        Raises
        ------
        ModelError
            When what first values depend on is not the same in both.
        """
        self._check_volatile(before, after)
        return Course(
            before=None if before is None else self._named(before),
            after=self._named(after),
            times=tuple(times),
            selections=tuple(self.names[id] for id in read),
            sbml=self._with(after),
            sbml_before="" if before is None else self._with(before),
            is_curved=self.is_curved,
        )

    def _named(self, values: Mapping[str, float]) -> dict[str, float]:
        return {self.names[id]: value for id, value in values.items() if id not in self.volatile}

    def _with(self, values: Mapping[str, float]) -> str:
        mine = tuple(sorted((id, one) for id, one in values.items() if id in self.volatile))
        return _rewritten(self.sbml, mine) if mine else self.sbml

    def _check_volatile(
        self, before: Mapping[str, float] | None, after: Mapping[str, float]
    ) -> None:
        if before is None:
            return
        for id in sorted(self.volatile):
            if before.get(id) != after.get(id):
                raise ModelError(
                    f"{self.what}: {id!r} differs between the pre-equilibration and the "
                    "simulation, and it is a volume or first values follow from it. That is not "
                    "supported."
                )


def conditioned(path: Path) -> Conditioned:
    """Return a model for conditions; it is looked over as `load_model` does.

    Raises
    ------
    ModelError
        For what cannot be run.
    """
    given = read_model(path)
    sbml, _ = looked_over(given)
    document = read_sbml(sbml, what=given.what)
    model = document.getModel()
    kinds = {one.getId(): kind for kind, items in _lists(model) for one in items}
    amounts = {one.getId() for one in model.getListOfSpecies() if one.getHasOnlySubstanceUnits()}
    rules = [one for one in model.getListOfRules() if one.isAssignment()]
    return Conditioned(
        what=given.what,
        sbml=sbml,
        names={
            id: f"[{id}]" if kind == "species" and id not in amounts else id
            for id, kind in kinds.items()
        },
        kinds=kinds,
        ruled=frozenset(one.getVariable() for one in rules),
        volatile=_volatile(model, rules),
        is_curved=Timing(document).is_curved,
    )


def _lists(model: Any) -> tuple[tuple[str, Any], ...]:
    return (
        ("compartment", model.getListOfCompartments()),
        ("parameter", model.getListOfParameters()),
        ("species", model.getListOfSpecies()),
    )


def _volatile(model: Any, rules: Iterable[Any]) -> frozenset[str]:
    """Return volumes, what first values depend on, and what has a first value that is computed."""
    first = {one.getSymbol(): one.getMath() for one in model.getListOfInitialAssignments()}
    formulas = {one.getVariable(): one.getMath() for one in rules} | first
    found = set(first) | {one.getId() for one in model.getListOfCompartments()}
    waiting = [*first]
    while waiting:
        formula = formulas.get(waiting.pop())
        new = names_in(formula) - found if formula is not None else set()
        found |= new
        waiting += sorted(new)
    return frozenset(found)


@lru_cache(maxsize=64)
def _rewritten(sbml: str, values: tuple[tuple[str, float], ...]) -> str:
    document = read_sbml(sbml)
    model = document.getModel()
    for id, value in values:
        model.removeInitialAssignment(id)
        if (species := model.getSpecies(id)) is not None:
            is_amount = species.getHasOnlySubstanceUnits()
            (species.setInitialAmount if is_amount else species.setInitialConcentration)(value)
        elif (compartment := model.getCompartment(id)) is not None:
            compartment.setSize(value)
        else:
            model.getParameter(id).setValue(value)
    return str(libsbml.writeSBMLToString(document))
