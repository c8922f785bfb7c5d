"""What a scenario may set: which ids, which values, and what would divide by zero."""

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from mtorsim import perturbation
from mtorsim.derived import evaluated, first_formulas, following, follows, names_in
from mtorsim.errors import ScenarioError, UnknownIdError, within
from mtorsim.library import BODY_FOLDER, read_sbml
from mtorsim.symbols import DRUG_LAYER, Symbol
from mtorsim.units import parameter

if TYPE_CHECKING:
    import libsbml

POPULATION = "population_growth"
"""A switch: cells that come to rest do not change in number."""

UNTREATED: Mapping[str, str] = MappingProxyType(
    {"growth_rate_untreated": "growth_rate", "ATP_per_cell_untreated": "ATP_per_cell"}
)
"""Parameters that describe the untreated cell -> what they are set to: its value at rest."""


def settings_of(
    given: Mapping[str, float | str], table: Mapping[str, Symbol], sbml: str
) -> dict[str, float]:
    """Return the values of `set` of a scenario in model units.

    Parameters
    ----------
    given : mapping of str to number or str
        Id -> value, such as ``"0.03 1/(nM*min)"``.
    table : mapping of str to Symbol
        Every id of the model.
    sbml : str
        The model.

    Raises
    ------
    UnknownIdError
        For an id that the model does not have.
    UnitError
        For a value whose unit is not that of its id.
    ScenarioError
        For a value that the model computes itself, or a negative one.
    """
    return {id: _setting(id, one, table, sbml) for id, one in given.items()}


def _setting(id: str, given: float | str, table: Mapping[str, Symbol], sbml: str) -> float:
    with within("set", id):
        check_settable(id, table, sbml)
        value = parameter(given, table[id].unit, id)
        if value < 0:
            raise ScenarioError(f"{id}: {given!r} is negative. Expected zero or more.")
        is_share = id == "haematocrit" or id.startswith("fraction_")
        if value > 1 and is_share and table[id].branch.startswith("pharmacokinetics"):
            raise ScenarioError(f"{id}: {given!r} is more than all. Expected a share from 0 to 1.")
        if value == 0 and table[id].kind == "compartment":
            raise ScenarioError(f"{id}: {given!r} is no volume. Expected more than zero.")
        return value


def check_settable(id: str, table: Mapping[str, Symbol], sbml: str) -> None:
    """Refuse an id that a scenario may not set.

    Raises
    ------
    UnknownIdError
        For one that the model does not have.
    ScenarioError
        For one that the model computes itself.
    """
    reserved = (*UNTREATED, POPULATION)
    if id not in table:
        _check_mutant(id)
        raise UnknownIdError(
            kind="parameter or species",
            given=id,
            choices=[
                one.id
                for one in table.values()
                if one.kind != "observable" and one.id not in reserved
            ],
            listing="mtorsim show parameters",
        )
    if table[id].kind == "observable" or id in reserved or id in follows(sbml):
        raise ScenarioError(
            f"{id!r} follows from the rest of the model and cannot be set. "
            "List: mtorsim show parameters"
        )
    symbol = table[id]
    if id.startswith("infusion_rate_"):
        raise ScenarioError(f"{id!r} follows from the regimen of the drug: change that.")
    if symbol.branch == DRUG_LAYER and id.startswith("kwash_"):
        raise ScenarioError(f"{id!r} follows from the schedule of the drug: give it a stop.")
    if symbol.kind != "species" or symbol.boundary:
        return
    if symbol.branch == DRUG_LAYER:
        raise ScenarioError(
            f"{id!r} begins at zero. Give the drug, such as --drug sirolimus=20nM or "
            "drugs={'sirolimus': '20 nM'}, or the share of a mutant of mTOR."
        )
    if symbol.branch.startswith(f"{BODY_FOLDER}/"):
        raise ScenarioError(
            f"{id!r} follows from the regimen: give one such as '25 mg IV weekly x4', or set a "
            "parameter. List: mtorsim show parameters"
        )
    if id not in _conserved(sbml):
        # The cell comes to rest first: what is made and degraded forgets where it began.
        raise ScenarioError(
            f"{id!r} is made and degraded, so its level at rest follows from rates, not from what "
            f"it is set to. Set a rate. List: mtorsim show parameters {id}"
        )


def _check_mutant(id: str) -> None:
    """Raise `ScenarioError` if an id belongs to a mutant of mTOR that the cell does not have."""
    for name in perturbation.names():
        if perturbation.load(name).mutant is not None and id.endswith(f"_{name}"):
            raise ScenarioError(f"{id!r} belongs to {name}. Add --perturb {name}.")


@lru_cache(maxsize=64)
def _conserved(sbml: str) -> frozenset[str]:
    """Return the species that are part of a conserved total: setting one sets the total."""
    from scipy.linalg import null_space  # a tenth of a second that few runs need

    model = read_sbml(sbml).getModel()
    states = [one.getId() for one in model.getListOfSpecies() if not one.getBoundaryCondition()]
    places = {id: place for place, id in enumerate(states)}
    change = np.zeros((len(places), model.getNumReactions()))
    for column, reaction in enumerate(model.getListOfReactions()):
        for sign, side in ((-1, reaction.getListOfReactants()), (1, reaction.getListOfProducts())):
            for one in side:
                if one.getSpecies() in places:
                    change[places[one.getSpecies()], column] += sign * one.getStoichiometry()
    totals = null_space(change.T, rcond=1e-9)
    weights = np.abs(totals).max(axis=1, initial=0.0)
    return frozenset(id for id, place in places.items() if weights[place] > 1e-6)


def check_divisors(
    given: Mapping[str, float], values: Mapping[str, float], table: Mapping[str, Symbol], sbml: str
) -> None:
    """Refuse a zero that something is divided by.

    Parameters
    ----------
    given : mapping of str to float
        What the user set.
    values : mapping of str to float
        All values that are not those of the model file.
    table : mapping of str to Symbol
    sbml : str

    Raises
    ------
    ScenarioError
        Naming the id.
    """
    zeros = [id for id, value in given.items() if value == 0]
    if not zeros:
        return
    start = {id: values.get(id, one.value) for id, one in table.items()}
    start |= following({id: value for id, value in values.items() if id in table}, sbml)
    for divisor in _divisors(sbml):
        for id in zeros:
            if id in names_in(divisor) and evaluated(divisor, start) == 0:
                with within("set", id):
                    raise ScenarioError(f"{id}: something is divided by it. Expected above zero.")


@cache
def _divisors(sbml: str) -> "tuple[libsbml.ASTNode, ...]":
    """Return what stands below a fraction bar anywhere in a model; volumes do by definition."""
    model = read_sbml(sbml).getModel()
    laws = [one.getKineticLaw() for one in model.getListOfReactions()]
    rules = list(model.getListOfRules())
    below = [divisor.deepCopy() for one in (*laws, *rules) for divisor in _below(one.getMath())]
    volumes = [one.getId() for one in model.getListOfCompartments()]
    return *below, *(tree for id, tree in first_formulas(sbml).items() if id in volumes)


def _below(tree: "libsbml.ASTNode") -> "Iterator[libsbml.ASTNode]":
    import libsbml

    children = [tree.getChild(index) for index in range(tree.getNumChildren())]
    if tree.getType() == libsbml.AST_DIVIDE:
        yield children[1]
    for child in children:
        yield from _below(child)
