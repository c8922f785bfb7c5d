"""Whether a rate of a foreign model can be shared out among the drug-bound states of a form."""

import random
from collections.abc import Mapping
from typing import Any

import libsbml

from mtorsim.derived import evaluated
from mtorsim.drug_layer import saturating
from mtorsim.foreign.maps import DrugMap

_NEAR = 1e-9


def check_shares(reaction: Any, found: DrugMap, everywhere: Mapping[str, str]) -> None:
    """Refuse a rate that does not split into those of the states of a form.

    Tried with numbers: a share of each form at a rate that saturates with all of them, twice, must
    add up to the rate of all.

    Parameters
    ----------
    reaction : Reaction
    found : DrugMap
    everywhere : mapping of str to str
        Form -> variable that counts all its states.

    Raises
    ------
    ModelError
        Naming the reaction.
    """
    law = reaction.getKineticLaw()
    if law is None or law.getMath() is None:
        return
    gone = {one.getSpecies() for one in reaction.getListOfReactants()}
    made = {one.getSpecies() for one in reaction.getListOfProducts()}
    forms = sorted((gone ^ made) & {*found.forms})
    if not gone & {*forms}:
        return
    dice = random.Random(17)  # noqa: S311 - numbers to try a formula with
    values = {name: dice.uniform(0.5, 2.0) for name in sorted(_names(law.getMath()) | {*forms})}
    math = _opaque(law.getMath().deepCopy(), {*forms}, values, dice)
    whole = evaluated(math, values)
    split = math.deepCopy()
    for form in forms:
        split = saturating(split, form, everywhere[form])
    total = {everywhere[form]: values[form] for form in forms}
    share = dice.uniform(0.2, 0.8)
    parts = sum(
        evaluated(split, values | total | {form: part * values[form] for form in forms})
        for part in (share, 1 - share)
    )
    if not abs(parts - whole) <= _NEAR * abs(whole):
        raise found.error(
            f"the rate of {reaction.getId()!r}, {libsbml.formulaToL3String(law.getMath())}, cannot "
            f"be shared among drug-bound states of {', '.join(forms)}: it is neither proportional "
            "to them nor of Michaelis-Menten or Hill form. Rewrite it, or leave them out.",
            "mTORC1",
        )


def _opaque(math: Any, forms: set[str], values: dict[str, float], dice: random.Random) -> Any:
    """Put a number in the place of each part that no form stands in, whatever it computes."""
    if not _names(math) & forms:
        name = f"part_{len(values)}"
        values[name] = dice.uniform(0.5, 2.0)
        is_plain = math.isNumber() or math.isName()
        return math if is_plain else libsbml.parseL3Formula(name)
    for index in range(math.getNumChildren()):
        child = _opaque(math.getChild(index).deepCopy(), forms, values, dice)
        math.replaceChild(index, child, True)
    return math


def _names(math: Any) -> set[str]:
    own = {math.getName()} if math.isName() else set()
    return own.union(*(_names(math.getChild(index)) for index in range(math.getNumChildren())))
