"""Whether the reactions between the forms that a map names leave the drug layer nothing to guess.

The layer lets every drug-bound state of a form take part in the reactions that turn the form
over. That is wrong where such reactions are the catalysis itself, as in ``E + S -> ES -> E + P``,
and where a form becomes something that the map does not name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mtorsim.foreign.maps import DrugMap


@dataclass(frozen=True)
class _Step:
    """A reaction of forms: which it uses up and makes, what else it gives (above 0) or takes."""

    id: str
    gone: tuple[str, ...]
    made: tuple[str, ...]
    others: Mapping[str, float]


def check_turnover(model: Any, found: DrugMap) -> None:
    """Refuse a map whose forms become what it does not name, or catalyse by being turned over.

    Raises
    ------
    ModelError
        Naming the reaction.
    """
    steps = list(_steps(model, found))
    used = _used(model)
    for step in steps:
        if bool(step.gone) != bool(step.made):
            _check_ends(step, found, used)
    _check_cycles([one for one in steps if len(one.gone) == len(one.made) == 1], found)
    if not (found.activity or found.free_mTOR or found.mTORC2_loss):
        raise found.error(
            "nothing that mTOR does is named here, so a drug would change nothing. Add an entry "
            "such as mTORC1_on_S6K1: {forms: [...], catalyses: [...], site: S6K1_pT389}.",
            "activity",
        )


def _steps(model: Any, found: DrugMap) -> Iterator[_Step]:
    forms = {*found.forms}
    for reaction in model.getListOfReactions():
        moved = _moved(model, reaction)
        gone = tuple(id for id, count in moved.items() if id in forms and count < 0)
        made = tuple(id for id, count in moved.items() if id in forms and count > 0)
        if gone or made:
            others = {id: count for id, count in moved.items() if id not in forms}
            yield _Step(reaction.getId(), gone, made, others)


def _moved(model: Any, reaction: Any) -> dict[str, float]:
    """Return what a reaction gives (above zero) and takes of the species that are not held."""
    net: dict[str, float] = {}
    for sign, side in ((-1, reaction.getListOfReactants()), (1, reaction.getListOfProducts())):
        for one in side:
            species = model.getSpecies(one.getSpecies())
            if not (species.getBoundaryCondition() or species.getConstant()):
                id = one.getSpecies()
                net[id] = net.get(id, 0.0) + sign * one.getStoichiometry()
    return {id: count for id, count in net.items() if count}


def _used(model: Any) -> set[str]:
    """Return the species that reactions use up or read; a mere sink is none."""
    found = set()
    for reaction in model.getListOfReactions():
        for side in (reaction.getListOfReactants(), reaction.getListOfModifiers()):
            found |= {one.getSpecies() for one in side}
    return found


def _check_ends(step: _Step, found: DrugMap, used: set[str]) -> None:
    """Refuse a form that becomes something else, or is made of it; nothing and sinks aside."""
    if step.gone:
        others = [id for id, count in step.others.items() if count > 0 and id in used]
    else:
        others = [id for id, count in step.others.items() if count < 0]
    if others:
        form, verb = (*step.gone, *step.made)[0], "becomes" if step.gone else "is made of"
        raise found.error(
            f"{form!r} {verb} {_all(others)} in {step.id!r}, and no list of forms has that: "
            "drug-bound states could not follow. List all that holds mTOR under mTORC1, mTORC2 or "
            "free_mTOR.",
            "mTORC1",
        )  # fmt: skip


def _check_cycles(steps: Sequence[_Step], found: DrugMap) -> None:
    """Refuse reactions of forms that, gone round, turn one species into another.

    Each form is given the net amount of other species in it, from one form of each group on; where
    two ways to a form differ by both a gain and a loss, the cycle between them is a catalyst.
    """
    held: dict[str, dict[str, float]] = {}
    for root in found.forms:
        if root in held:
            continue
        held[root] = {}
        waiting = [root]
        while waiting:
            form = waiting.pop()
            for step in steps:
                (gone,), (made,) = step.gone, step.made
                if form not in (gone, made):
                    continue
                other, sign = (made, -1.0) if form == gone else (gone, 1.0)
                content = _sum(held[form], step.others, sign)
                if other not in held:
                    held[other] = content
                    waiting.append(other)
                _check_same(step, _sum(content, held[other], -1.0), found)


def _sum(one: Mapping[str, float], other: Mapping[str, float], sign: float) -> dict[str, float]:
    both = {id: one.get(id, 0.0) + sign * other.get(id, 0.0) for id in (*one, *other)}
    return {id: count for id, count in both.items() if count}


def _check_same(step: _Step, extra: Mapping[str, float], found: DrugMap) -> None:
    lost = sorted(id for id, count in extra.items() if count > 0)
    gained = sorted(id for id, count in extra.items() if count < 0)
    if lost and gained:
        raise found.error(
            f"with {step.id!r}, {step.gone[0]!r} and other forms turn {_all(lost + gained)} into "
            "each other by binding and letting go. Drug-bound states would do so unhindered. Write "
            "it as one reaction with the form in its rate, of Michaelis-Menten form for instance.",
            "mTORC1",
        )  # fmt: skip


def _all(ids: Sequence[str]) -> str:
    return " and ".join(repr(id) for id in ids)
