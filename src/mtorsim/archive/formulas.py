"""Formulas of SED-ML over arrays: arithmetic, a few functions, nothing else and nothing run."""

from collections.abc import Callable, Mapping
from functools import cache, reduce
from typing import Any

import numpy as np

from mtorsim.errors import InputError
from mtorsim.steps import Floats


def evaluated(tree: Any, values: Mapping[str, Floats], what: str) -> Floats:
    """Return the value of a formula.

    Parameters
    ----------
    tree : ASTNode
    values : mapping of str to array
        Id -> its values, or one number.
    what : str
        Names the formula in messages.

    Raises
    ------
    InputError
        For an unknown id, or a function that is not supported.
    """
    if tree.isNumber():
        return np.asarray(tree.getValue(), dtype=float)
    if tree.isName():
        if tree.getName() not in values:
            raise InputError(f"{what}: nothing is called {tree.getName()!r} in its formula.")
        return values[tree.getName()]
    parts = [
        evaluated(tree.getChild(index), values, what) for index in range(tree.getNumChildren())
    ]
    operation, fewest, most = _operations().get(tree.getType(), (None, 0, 0))
    if operation is None or not fewest <= len(parts) <= most:
        import libsbml

        raise InputError(
            f"{what}: {libsbml.formulaToL3String(tree)!r} is not supported. Expected arithmetic, "
            "exp, ln, log, abs, sqrt, min or max."
        )
    with np.errstate(all="ignore"):
        return np.asarray(operation(parts), dtype=float)


@cache
def _operations() -> Mapping[int, tuple[Callable[[list[Floats]], Any], int, int]]:
    """Return type of node -> what it does with its parts, and how few and many there may be."""
    import libsbml

    any_number = 2**31
    return {
        libsbml.AST_PLUS: (lambda parts: reduce(np.add, parts), 1, any_number),
        libsbml.AST_TIMES: (lambda parts: reduce(np.multiply, parts), 1, any_number),
        libsbml.AST_MINUS: (
            lambda parts: -parts[0] if len(parts) == 1 else parts[0] - parts[1],
            1,
            2,
        ),
        libsbml.AST_DIVIDE: (lambda parts: np.divide(parts[0], parts[1]), 2, 2),
        libsbml.AST_POWER: (lambda parts: np.power(parts[0], parts[1]), 2, 2),
        libsbml.AST_FUNCTION_POWER: (lambda parts: np.power(parts[0], parts[1]), 2, 2),
        libsbml.AST_FUNCTION_ROOT: (lambda parts: np.power(parts[-1], 1 / parts[0]), 2, 2),
        libsbml.AST_FUNCTION_EXP: (lambda parts: np.exp(parts[0]), 1, 1),
        libsbml.AST_FUNCTION_LN: (lambda parts: np.log(parts[0]), 1, 1),
        libsbml.AST_FUNCTION_LOG: (lambda parts: np.log(parts[-1]) / np.log(parts[0]), 2, 2),
        libsbml.AST_FUNCTION_ABS: (lambda parts: np.abs(parts[0]), 1, 1),
        libsbml.AST_FUNCTION_MIN: (lambda parts: reduce(np.minimum, parts), 1, any_number),
        libsbml.AST_FUNCTION_MAX: (lambda parts: reduce(np.maximum, parts), 1, any_number),
    }
