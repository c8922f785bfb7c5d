"""Proposes a drug map for a model, from names and identifiers, and says why, line by line."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import libsbml

from mtorsim import document
from mtorsim.drugs import load
from mtorsim.errors import InputError, ModelError
from mtorsim.foreign.adapt import MOST, Scale, amount, inlined, level_3, turned_over, with_drugs
from mtorsim.foreign.maps import build_map
from mtorsim.foreign.model import identifiers_of, looked_over
from mtorsim.foreign.units import unit_of
from mtorsim.prescan import read_model

_MTOR, _RAPTOR, _RICTOR = "P42345", "Q8N122", "Q6R327"
_TORC1, _TORC2 = "GO:0031931", "GO:0031932"
_COMPLEX = re.compile(r"(?:m|(?<![a-z]))TOR_?-?C(?:omplex)?_?-?([12])", re.IGNORECASE)
_WITH = {
    "mTORC1": re.compile(r"raptor|rptor", re.IGNORECASE),
    "mTORC2": re.compile(r"rictor", re.IGNORECASE),
}
_ALONE = re.compile(r"(?<![a-z])(?:m|free_?m?)TOR(?![a-z])", re.IGNORECASE)
_4EBP = re.compile(r"4E?-?_?BP|eIF4EBP|PHAS", re.IGNORECASE)
_READ_OUTS = (
    (
        "S6K1_pT389",
        re.compile(r"(S6K|RPS6KB).*(389(?!~u)|[_-]?p(?![a-z0-9])|~p)|p_?S6K", re.IGNORECASE),
    ),
    ("EIF4EBP1_p", re.compile(r"(4E-?_?BP.*(p|~p))|p_?4E-?_?BP", re.IGNORECASE)),
    ("AKT_pS473", re.compile(r"(AKT|PKB).*S47[34](?!.{0,3}~u)", re.IGNORECASE)),
    ("AKT_pT308", re.compile(r"(AKT|PKB).*T30[89](?!.{0,3}~u)", re.IGNORECASE)),
)
_IN_NM = {"pM": 1e-3, "nM": 1.0, "uM": 1e3, "mM": 1e6, "M": 1e9}


@dataclass
class _Found:
    """What was found so far: key -> entries, each with the reason for it."""

    forms: dict[str, list[tuple[str, str]]] = field(
        default_factory=lambda: {"mTORC1": [], "mTORC2": [], "free_mTOR": []}
    )
    left_out: list[str] = field(default_factory=list)

    def ids(self, key: str) -> list[str]:
        return [id for id, _ in self.forms[key]]

    @property
    def every(self) -> list[str]:
        return [id for key in self.forms for id in self.ids(key)]


def proposed(file: str | Path) -> str:
    """Return a drug map for a model file as YAML, with a comment on every choice.

    Nothing is asked and nothing is hidden: what was left out is said, and whether a drug can be
    written into the model with this map.

    Raises
    ------
    ModelError
        When the file is not a model that can run, or nothing in it looks like mTOR.
    """
    given = read_model(file)
    sbml, _ = looked_over(given)
    level3 = level_3(sbml, given.what)
    model = level3.getModel()
    found = _sorted_out(model)
    if not found.ids("mTORC1"):
        left = f" Left out: {'; '.join(found.left_out)}." if found.left_out else ""
        raise ModelError(
            f"{given.what}: no species looks like mTORC1 by its name (mTORC1, TORC1, mTOR with "
            f"raptor) or identifiers (uniprot {_MTOR} with {_RAPTOR}, {_TORC1}).{left} Write a map "
            "by hand; the shipped ones show the form."
        )
    lines = list(_lines(model, found, given.what))
    return "\n".join([*_head(given.what, sbml, "\n".join(lines)), *lines]) + "\n"


def _head(what: str, sbml: str, text: str) -> Iterator[str]:
    yield f"# Drug map for {what}, proposed by names and identifiers. Read every line before use."
    try:
        made = build_map(document.parse(text, "the proposal", ModelError))
        with_drugs(sbml, made, [load("temsirolimus")], Scale(made.concentration.value, 1.0))
    except InputError as error:
        yield f"# Not yet usable: {error}"
    else:
        yield "# Tried: temsirolimus can be written into the model with it."


def _lines(model: Any, found: _Found, what: str) -> Iterator[str]:
    known = identifiers_of(model) or (Path(what).stem,)
    yield f"model: [{', '.join(known)}]"
    yield from _concentration(model, found)
    for key, entries in found.forms.items():
        if entries:
            yield f"{key}:"
            yield from (f"  - {id}   # {why}" for id, why in entries)
    for one in found.left_out:
        yield f"# left out: {one}"
    if not found.ids("free_mTOR"):
        yield "# No free mTOR: nothing to sequester, so mTORC2 is not lost. The block mTORC2_loss"
        yield "# would add a slow loss (half_life and most, each with source and confidence)."
    else:
        yield from _assembly(model, found)
    yield from _activity(model, found)
    yield from _read_outs(model)


# -- which species --------------------------------------------------------------------------------


def _sorted_out(model: Any) -> _Found:
    found = _Found()
    for species in model.getListOfSpecies():
        kind, why = _kind(species)
        if not kind:
            continue
        label = _label(species)
        fault = _fault(model, species)
        if fault:
            found.left_out.append(f"{label}, {kind} by {why}, {fault}")
        else:
            found.forms[kind].append((species.getId(), f"{_name(species)}{why}"))
    return found


def _kind(species: Any) -> tuple[str, str]:
    """Return mTORC1, mTORC2 or free_mTOR and the reason; two empty texts for none."""
    text = f"{species.getId()} {species.getName()}"
    terms = _terms(species)
    named = _COMPLEX.findall(text)
    if named:
        return f"mTORC{named[0]}", f"name says TORC{named[0]}"
    if _TORC1 in terms or _TORC2 in terms:
        which = "1" if _TORC1 in terms else "2"
        return f"mTORC{which}", f"identifier {_TORC1 if which == '1' else _TORC2}"
    has_mtor = _MTOR in terms or bool(_ALONE.search(text))
    for kind, partner in (("mTORC1", _RAPTOR), ("mTORC2", _RICTOR)):
        if has_mtor and (partner in terms or _WITH[kind].search(text)):
            return kind, f"mTOR with {'raptor' if kind == 'mTORC1' else 'rictor'} ({partner})"
    if has_mtor and not ({_RAPTOR, _RICTOR} & terms):
        return (
            "free_mTOR",
            f"identifier {_MTOR}" if _MTOR in terms else "name says mTOR, no complex",
        )
    return "", ""


def _terms(species: Any) -> set[str]:
    found = set()
    for index in range(species.getNumCVTerms()):
        term = species.getCVTerm(index)
        for place in range(term.getNumResources()):
            uri = term.getResourceURI(place).strip().replace("%3A", ":")
            found.add(re.split(r"[/:](?=[A-Z0-9]{6}$)|/(?=GO:)|:(?=GO:)", uri)[-1])
    return found


def _fault(model: Any, species: Any) -> str:
    if model.getRuleByVariable(species.getId()) is not None:
        return "but it follows from a rule, and drugs bind only what reactions turn over"
    if species.getBoundaryCondition() or species.getConstant():
        return "but it is held constant"
    return ""


def _label(element: Any) -> str:
    name = element.getName()
    return f"{element.getId()} ({name})" if name and name != element.getId() else element.getId()


def _name(element: Any) -> str:
    name = element.getName()
    return f"{name}: " if name and name != element.getId() else ""


# -- what they do ---------------------------------------------------------------------------------


def _activity(model: Any, found: _Found) -> Iterator[str]:
    entries: dict[str, tuple[str, list[str], list[str], str]] = {}
    for rate, form, substrate, why in _catalysed(model, found):
        key = next(key for key in found.forms if form in found.ids(key))
        name = f"{key}_on_{_plain(substrate)}"
        _, forms, rates, _ = entries.setdefault(name, (key, [], [], f"{substrate}; {why}"))
        forms += [form] if form not in forms else []
        rates += [rate] if rate not in rates else []
    if not entries:
        yield "activity: {}   # no form stands in a rate that it is not turned over in"
        return
    yield "activity:   # where a form stands in a rate without being used up"
    for name, (key, forms, rates, why) in entries.items():
        site = "" if key == "mTORC2" else f", site: {_site(name)}"
        note = "" if key == "mTORC2" else _why_site(name)
        lists = f"forms: [{', '.join(forms)}], catalyses: [{', '.join(rates)}]"
        yield f"  {name}: {{{lists}{site}}}   # {why}{note}"


def _site(name: str) -> str:
    return "EIF4EBP1_pT37" if _4EBP.search(name) else "S6K1_pT389"


def _why_site(name: str) -> str:
    if _4EBP.search(name):
        return ". Thr37/46 keeps half under a rapalog; for Ser65 write S6K1_pT389"
    return ". Assumed like S6K1: a rapalog leaves about 2 %"


def _catalysed(model: Any, found: _Found) -> Iterator[tuple[str, str, str, str]]:
    """Return rate, form, name of what is changed, and the reason."""
    for reaction in model.getListOfReactions():
        law = reaction.getKineticLaw()
        read = _ids(inlined(model, law.getMath(), found.every)) & {*found.every}
        reactants = [one.getSpecies() for one in reaction.getListOfReactants()]
        others = [one for one in reactants if one not in found.every] or reactants
        changed = others or [one.getSpecies() for one in reaction.getListOfProducts()]
        for form in sorted(read - turned_over(reaction, found.every)):
            target = model.getSpecies(changed[0]) if changed else reaction
            yield reaction.getId(), form, target.getName() or target.getId(), _label(reaction)
    for rule in model.getListOfRules():
        if rule.isRate():
            for form in sorted(_ids(inlined(model, rule.getMath(), found.every)) & {*found.every}):
                yield rule.getVariable(), form, rule.getVariable(), "a rate rule"


def _assembly(model: Any, found: _Found) -> Iterator[str]:
    inside = {*found.ids("mTORC1"), *found.ids("mTORC2")}
    lines = []
    for reaction in model.getListOfReactions():
        turned = turned_over(reaction, found.every)
        if not (turned & inside and turned & {*found.ids("free_mTOR")}):
            continue
        constant = _falling_apart(model, reaction, turned & inside)
        if constant:
            lines.append(f"  {reaction.getId()}: {constant}   # multiplies the complex in its rate")
    yield "assembly:" if lines else "# no reaction makes a complex of free mTOR: move it elsewhere"
    yield from lines


def _falling_apart(model: Any, reaction: Any, inside: set[str]) -> str:
    """Return the constant in the term of a rate in which the complex stands."""
    for term in _products(reaction.getKineticLaw().getMath()):
        read = _ids(term)
        constants = sorted(id for id in read if model.getParameter(id) is not None)
        if read & inside and constants:
            return constants[0]
    return ""


def _products(math: Any) -> Iterator[Any]:
    """Return the smallest products of a formula, those without a sum in them."""
    sums = (libsbml.AST_PLUS, libsbml.AST_MINUS)
    if any(node.getType() in sums for node in _nodes(math)):
        for index in range(math.getNumChildren()):
            yield from _products(math.getChild(index))
    else:
        yield math


def _nodes(math: Any) -> Iterator[Any]:
    yield math
    for index in range(math.getNumChildren()):
        yield from _nodes(math.getChild(index))


def _ids(math: Any) -> set[str]:
    return {node.getName() for node in _nodes(math) if node.isName()}


def _plain(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_") or "X"


# -- what its numbers are -------------------------------------------------------------------------


def _concentration(model: Any, found: _Found) -> Iterator[str]:
    unit = unit_of(model.getSpecies(found.ids("mTORC1")[0]))
    total = sum(amount(model, id) for id in found.ids("mTORC1"))
    worth = _IN_NM.get(unit, 0.0)
    if worth and total * worth <= MOST:
        value, confidence, source = f"{worth:g} nM", "B", f"the model counts in {unit}"
        why = f"{total:g} {unit} of mTORC1"
    else:
        value, confidence, source = "1 nM", "D", "assumed"
        why = (
            f"the model says {unit}, so that mTORC1 would be {total:g} {unit}: beyond any cell"
            if worth else f"the model's unit is {unit!r}; its mTORC1 adds up to {total:g}"
        )  # fmt: skip
    yield f"concentration:   # {why}"
    yield f"  {{value: {value}, source: {source}, confidence: {confidence}}}"


def _read_outs(model: Any) -> Iterator[str]:
    hits: Mapping[str, list[Any]] = {name: [] for name, _ in _READ_OUTS}
    for species in model.getListOfSpecies():
        text = species.getName() or species.getId()
        for name, pattern in _READ_OUTS:
            if pattern.search(text):
                hits[name].append(species)
    named = {name: those for name, those in hits.items() if those}
    if named:
        yield "read_outs:   # each a sum, by names"
    for name, those in named.items():
        free = name if model.getElementBySId(name) is None else f"{name}_total"
        ids = ", ".join(one.getId() for one in those)
        yield f"  {free}: [{ids}]   # {', '.join(one.getName() or one.getId() for one in those)}"
