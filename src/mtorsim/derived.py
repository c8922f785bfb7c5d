"""What follows from other values when a run begins, such as a volume from body weight."""

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from mtorsim.errors import ModelError
from mtorsim.library import keep_libsbml, read_sbml

if TYPE_CHECKING:
    import libsbml


def first_values(values: Mapping[str, float], sbml: str) -> dict[str, float]:
    """Return what follows from other values when a run begins: volumes, say, from body weight.

    Parameters
    ----------
    values : mapping of str to float
        All values that are not those of the model file.
    sbml : str

    Returns
    -------
    dict
        Id of a compartment, species or parameter with an initial assignment -> its value.

    Raises
    ------
    ModelError
        For a formula beyond plain arithmetic, or one that has no finite value.
    """
    known = following(values, sbml)
    for id, formula, _ in _formulas(sbml):
        if not math.isfinite(known[id]):
            import libsbml

            text = libsbml.formulaToL3String(formula)
            raise ModelError(f"the first value of {id}, {text}, is {known[id]:g}.")
    return {id: known[id] for id in follows(sbml)}


def following(values: Mapping[str, float], sbml: str) -> dict[str, float]:
    """Return what first values depend on and these themselves, as `first_values`; NaN for none."""
    formulas = _formulas(sbml)
    known = dict(_file_values(sbml)) | dict(values) if formulas else {}
    if formulas:
        keep_libsbml()  # they were read earlier, perhaps before another library was imported
    for id, formula, _ in formulas:
        known[id] = evaluated(formula, known)
    return {id: known[id] for id, _, _ in formulas}


def first_formulas(sbml: str) -> "Mapping[str, libsbml.ASTNode]":
    """Return id -> the formula that its first value follows from."""
    return {id: formula for id, formula, is_first in _formulas(sbml) if is_first}


def follows(sbml: str) -> frozenset[str]:
    """Return the ids whose first value follows from other values."""
    return frozenset(id for id, _, is_first in _formulas(sbml) if is_first)


@cache
def _file_values(sbml: str) -> Mapping[str, float]:
    model = read_sbml(sbml).getModel()
    return {one.getId(): one.getValue() for one in model.getListOfParameters()} | {
        one.getId(): one.getSize() for one in model.getListOfCompartments()
    }


@cache
def _formulas(sbml: str) -> "tuple[tuple[str, libsbml.ASTNode, bool], ...]":
    """Return id, formula and whether it is a first value or a rule on the way, in order of need."""
    if "initialAssignment" not in sbml:  # spares a dish, which has none, the parsing
        return ()
    model = read_sbml(sbml).getModel()
    first = {one.getSymbol(): one.getMath() for one in model.getListOfInitialAssignments()}
    rules = {
        one.getVariable(): one.getMath() for one in model.getListOfRules() if one.isAssignment()
    }
    order: dict[str, libsbml.ASTNode] = {}

    def visit(id: str) -> None:
        formula = first.get(id, rules.get(id))
        if formula is None or id in order:
            return
        for name in sorted(names_in(formula)):
            visit(name)
        order[id] = formula.deepCopy()

    for id in first:
        visit(id)
    return tuple((id, formula, id in first) for id, formula in order.items())


def names_in(tree: "libsbml.ASTNode") -> set[str]:
    """Return the ids that an expression depends on."""
    own = {tree.getName()} if tree.isName() else set()
    return own.union(*(names_in(tree.getChild(index)) for index in range(tree.getNumChildren())))


def evaluated(tree: "libsbml.ASTNode", values: Mapping[str, float | None]) -> float:
    """Return the value of an expression; NaN for a function, or of what has no value yet."""
    if tree.isNumber():
        return float(tree.getValue())
    if tree.isName():
        value = values.get(tree.getName())
        return np.nan if value is None else value
    parts = [evaluated(tree.getChild(index), values) for index in range(tree.getNumChildren())]
    operation = _operations().get(tree.getType())
    return float(operation(parts)) if operation else np.nan


@cache
def _operations() -> Mapping[int, Callable[[list[float]], float]]:
    import libsbml

    return {
        libsbml.AST_PLUS: sum,
        libsbml.AST_TIMES: math.prod,
        libsbml.AST_MINUS: lambda parts: -parts[0] if len(parts) == 1 else parts[0] - parts[1],
        libsbml.AST_DIVIDE: lambda parts: parts[0] / parts[1] if parts[1] else np.nan,
        libsbml.AST_POWER: lambda parts: parts[0] ** parts[1],
        libsbml.AST_FUNCTION_POWER: lambda parts: parts[0] ** parts[1],
    }
