"""Checks of an SBML model, one function each: (document) -> findings, in plain words."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from textwrap import shorten
from typing import Any, TypeAlias

import libsbml

from mtorsim.check.findings import Finding, Severity, some
from mtorsim.check.mass import Change, imbalances, moieties
from mtorsim.errors import closest

Check: TypeAlias = Callable[[Any], Iterator[Finding]]

_UNITS_DISAGREE = range(10500, 10600)  # every other complaint about units is that some are missing
_SAME = 5  # complaints of one kind that are spelled out
_VALUES_MISSING = {80601, 80602, 80702}  # said by `values` below, more clearly

_SYNTHESIS = {183, 184, 205, 393, 589}  # transcription, translation, composite, production, polymer
_DEGRADATION = {179, 394}  # degradation, consumption
_ASSEMBLY = {177, 180, 526}  # binding, dissociation, complex formation


def errors_of(document: Any) -> tuple[Any, ...]:
    """Return libSBML's complaints about a document, gathered so far."""
    return tuple(document.getError(index) for index in range(document.getNumErrors()))


def consistency(document: Any, *, with_lines: bool = True) -> Iterator[Finding]:
    """What libSBML says of the document, units apart from the rest."""
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, True)
    document.checkConsistency()
    kinds = defaultdict(list)
    missing = set()
    for error in errors_of(document):
        number = error.getErrorId()
        if number not in _UNITS_DISAGREE and _is_about_units(error):
            missing.add(error.getLine())
        elif number not in _VALUES_MISSING:
            kinds[number].append(error)
    for errors in kinds.values():
        yield from _said(errors, with_lines)
    if missing:
        yield Finding(
            "warning",
            "units",
            f"units are missing in {len(missing)} places, so formulas there cannot be checked.",
        )


def _is_about_units(error: Any) -> bool:
    # 80701, a parameter without a unit, is filed under modelling practice.
    in_category = error.getCategory() == libsbml.LIBSBML_CAT_UNITS_CONSISTENCY
    return bool(in_category or error.getErrorId() == 80701)


def _said(errors: list[Any], with_lines: bool) -> Iterator[Finding]:
    about_units = _is_about_units(errors[0])
    is_error = about_units or errors[0].getSeverity() >= libsbml.LIBSBML_SEV_ERROR
    severity: Severity = "error" if is_error else "warning"
    topic = "units" if about_units else "syntax"
    for error in errors[:_SAME]:
        where = f"line {error.getLine()}: " if with_lines and error.getLine() else ""
        yield Finding(severity, topic, where + gist(error.getMessage()))
    if len(errors) > _SAME:
        yield Finding(severity, topic, f"and {len(errors) - _SAME} more of this kind.")


def gist(message: str) -> str:
    """Return the part of a libSBML message that is about this model, without the rule's text."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    own = [line for line in lines[1:] if not line.startswith("Reference:")]
    return shorten(" ".join((own or lines or ["no message"])[-2:]), 300, placeholder=" …")


# --- what the engine cannot run ------------------------------------------------------------------


def unsupported(document: Any) -> Iterator[Finding]:
    """Features that would be ignored or computed wrongly."""
    model = document.getModel()
    for package, plainly in _packages(document):
        yield Finding("error", "unsupported", f"{plainly} (SBML package '{package}').")
    for rule in model.getListOfRules():
        if rule.isAlgebraic():
            yield Finding(
                "error",
                "unsupported",
                f"algebraic rule 0 = {_formula(rule)}: the solver handles ordinary differential "
                "equations only. Solve it for one symbol and assign that.",
            )
    fast = [r.getId() for r in model.getListOfReactions() if r.isSetFast() and r.getFast()]
    if fast:
        yield Finding(
            "error",
            "unsupported",
            f"fast reactions would run as ordinary ones: {some(fast)}. "
            "Replace each by its equilibrium.",
        )
    yield from _unsupported_maths(document)


_PACKAGES = {
    "comp": "built from submodels, which would load without any reaction: flatten it first",
    "fbc": "a flux-balance model has no rate laws to run",
    "qual": "a logical model has no concentrations to run",
    "multi": "rules over multi-component species would be ignored: expand them first",
    "distrib": "values drawn from distributions would not be drawn",
    "spatial": "space would be ignored",
    "arrays": "arrays would be ignored: write them out first",
}


def _packages(document: Any) -> Iterator[tuple[str, str]]:
    for index in range(document.getNumPlugins()):
        name = document.getPlugin(index).getPackageName()
        if name in _PACKAGES:
            yield name, _PACKAGES[name]
    for index in range(document.getNumUnknownPackages()):
        name = document.getUnknownPackagePrefix(index)
        yield name, "an extension that nobody here can read"


def _unsupported_maths(document: Any) -> Iterator[Finding]:
    timed = []
    for element in _with_maths(document):
        kinds = {node.getType() for node in _nodes(element.getMath())}
        if libsbml.AST_FUNCTION_DELAY in kinds:
            yield Finding(
                "error",
                "unsupported",
                f"{_place(element)} looks back in time (delay), which the solver cannot.",
            )
        in_event = element.getAncestorOfType(libsbml.SBML_EVENT) is not None
        if not in_event and {libsbml.AST_FUNCTION_PIECEWISE, libsbml.AST_NAME_TIME} <= kinds:
            timed.append(_place(element))
    if timed:
        yield Finding(
            "warning",
            "unsupported",
            f"piecewise in time: a short pulse may be stepped over in {some(timed)}. "
            "Write it as an event.",
        )


# --- ids and values ------------------------------------------------------------------------------


def values(document: Any) -> Iterator[Finding]:
    """Symbols that formulas read and that nothing gives a value."""
    model = document.getModel()
    known = _ids(model)
    read = {node.getName() for element in _with_maths(document) for node in _names(element)}
    for kind, name in _valueless(model):
        if name not in read and kind != "species":
            continue
        # In Antimony a mistyped id becomes a new parameter without a value.
        near = [other for other in closest(name, known) if other != name][:1]
        hint = f" Did you mean {near[0]!r}?" if near else ""
        yield Finding("error", "unknown id", f"{kind} {name!r} has no value.{hint}")


def _ids(model: Any) -> list[str]:
    lists = (model.getListOfSpecies(), model.getListOfParameters(), model.getListOfCompartments())
    return [item.getId() for items in lists for item in items]


def _valueless(model: Any) -> Iterator[tuple[str, str]]:
    given = {item.getSymbol() for item in model.getListOfInitialAssignments()}
    given |= {rule.getVariable() for rule in model.getListOfRules() if rule.isAssignment()}
    for species in model.getListOfSpecies():
        is_set = species.isSetInitialAmount() or species.isSetInitialConcentration()
        if not is_set and species.getId() not in given:
            yield "species", species.getId()
    for parameter in model.getListOfParameters():
        if not parameter.isSetValue() and parameter.getId() not in given:
            yield "parameter", parameter.getId()
    for compartment in model.getListOfCompartments():
        if not compartment.isSetSize() and compartment.getId() not in given:
            yield "compartment", compartment.getId()


def rates(document: Any) -> Iterator[Finding]:
    """Reactions without a rate, or whose rate can drive a reactant below zero."""
    model = document.getModel()
    if model.getNumReactions() + model.getNumRules() + model.getNumEvents() == 0:
        yield Finding("warning", "rates", "no reaction, rule or event: nothing would happen.")
    assigned = {rule.getVariable(): rule for rule in model.getListOfRules() if rule.isAssignment()}
    for reaction in model.getListOfReactions():
        law = reaction.getKineticLaw()
        if law is None or not law.isSetMath():
            yield Finding("error", "rates", f"reaction {reaction.getId()!r} has no rate law.")
            continue
        read = _reads(law, assigned)
        used = [entry.getSpecies() for entry in reaction.getListOfReactants()]
        heedless = [name for name in used if name not in read and not _is_outside(model, name)]
        if heedless:
            yield Finding(
                "warning",
                "rates",
                f"the rate of {reaction.getId()!r} does not depend on {some(heedless)}, which it "
                "uses up: that may fall below zero.",
            )


def _reads(law: Any, assigned: dict[str, Any]) -> set[str]:
    """Ids that a rate law reads, directly or through assignment rules."""
    read: set[str] = set()
    waiting = [node.getName() for node in _names(law)]
    while waiting:
        name = waiting.pop()
        if name not in read:
            read.add(name)
            if name in assigned:
                waiting += [node.getName() for node in _names(assigned[name])]
    return read


# --- mass ----------------------------------------------------------------------------------------


def mass_balance(document: Any) -> Iterator[Finding]:
    """Conserved sums, and reactions that make or lose mass."""
    model = document.getModel()
    species = [s.getId() for s in model.getListOfSpecies() if not _is_outside(model, s.getId())]
    changes = [_change(model, reaction) for reaction in model.getListOfReactions()]
    open_ended: dict[str, list[str]] = {"makes": [], "loses": []}
    for found in imbalances(species, changes):
        reaction = model.getReaction(found.name)
        verb = "makes" if found.gain > 0 else "loses"
        if _is_turnover(reaction):
            open_ended[verb].append(found.name)
        else:
            yield Finding(
                "warning",
                "mass balance",
                f"{found.name!r} {verb} mass: {_equation(reaction)} cannot be balanced together "
                "with the other reactions.",
            )
    for verb, what in (("makes", "synthesis"), ("loses", "degradation")):
        if open_ended[verb]:
            names = some(open_ended[verb])
            yield Finding("note", "mass balance", f"{what}, which {verb} mass by intent: {names}.")
    doses = {
        a.getVariable() for e in model.getListOfEvents() for a in e.getListOfEventAssignments()
    }
    for moiety in moieties(species, changes):
        if len(moiety) > 1:
            terms = [_term(model.getSpecies(name), weight) for name, weight in moiety.items()]
            when = " (between events)" if doses & moiety.keys() else ""
            yield Finding("note", "mass balance", f"conserved{when}: {' + '.join(terms)}.")


def _term(species: Any, weight: int) -> str:
    name = species.getId()
    if species.isSetName() and re.fullmatch(r"(s|species_?)\d+", name, re.IGNORECASE):
        name = f"{name} [{species.getName()}]"  # S12 says nothing
    return name if weight == 1 else f"{weight} {name}"


def _change(model: Any, reaction: Any) -> Change:
    net: dict[str, float] = defaultdict(float)
    for sign, entries in ((-1, reaction.getListOfReactants()), (1, reaction.getListOfProducts())):
        for entry in entries:
            if not _is_outside(model, entry.getSpecies()):
                net[entry.getSpecies()] += sign * _count(entry)
    return Change(
        reaction.getId(),
        {name: amount for name, amount in net.items() if amount},
        _suspicion(reaction),
    )


def _count(entry: Any) -> float:
    return float(entry.getStoichiometry()) if entry.isSetStoichiometry() else 1.0


def _suspicion(reaction: Any) -> float:
    if _is_turnover(reaction):
        return 100.0
    if reaction.getReversible() or reaction.getSBOTerm() in _ASSEMBLY:
        return 0.01
    return 1.0


def _is_turnover(reaction: Any) -> bool:
    """Whether a reaction is meant as synthesis or degradation, by its SBO term or an empty side."""
    by_term = reaction.getSBOTerm() in _SYNTHESIS | _DEGRADATION
    return by_term or 0 in (reaction.getNumReactants(), reaction.getNumProducts())


def _is_outside(model: Any, name: str) -> bool:
    """Whether a species is held by something other than the reactions."""
    species = model.getSpecies(name)
    if species is None or species.getBoundaryCondition() or species.getConstant():
        return True
    return model.getRuleByVariable(name) is not None


def _equation(reaction: Any) -> str:
    sides = [
        " + ".join(
            entry.getSpecies() if _count(entry) == 1 else f"{_count(entry):g} {entry.getSpecies()}"
            for entry in entries
        )
        for entries in (reaction.getListOfReactants(), reaction.getListOfProducts())
    ]
    return f"{sides[0] or 'nothing'} -> {sides[1] or 'nothing'}"


# --- walking through formulas --------------------------------------------------------------------


def _with_maths(document: Any) -> Iterator[Any]:
    elements = document.getListOfAllElements()
    for index in range(elements.getSize()):
        element = elements.get(index)
        if getattr(element, "isSetMath", bool)() and element.getMath() is not None:
            yield element


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for index in range(node.getNumChildren()):
        yield from _nodes(node.getChild(index))


def _names(element: Any) -> Iterator[Any]:
    if element.getMath() is None:
        return
    for node in _nodes(element.getMath()):
        if node.getType() == libsbml.AST_NAME:
            yield node


def _formula(element: Any) -> str:
    return str(libsbml.formulaToL3String(element.getMath()))


def _place(element: Any) -> str:
    """Return where a formula stands, such as ``the rate of 'bind'``."""
    owner = element
    while owner is not None and owner.getTypeCode() not in _PLACES:
        owner = owner.getParentSBMLObject()
    if owner is None:
        return f"a {element.getElementName()}"
    words, name = _PLACES[owner.getTypeCode()]
    return f"{words} {name(owner)!r}"


_PLACES: dict[int, tuple[str, Callable[[Any], str]]] = {
    libsbml.SBML_REACTION: ("the rate of", lambda reaction: reaction.getId()),
    libsbml.SBML_ASSIGNMENT_RULE: ("the rule for", lambda rule: rule.getVariable()),
    libsbml.SBML_RATE_RULE: ("the rate of", lambda rule: rule.getVariable()),
    libsbml.SBML_INITIAL_ASSIGNMENT: ("the initial value of", lambda item: item.getSymbol()),
    libsbml.SBML_EVENT: ("event", lambda event: event.getId()),
    libsbml.SBML_FUNCTION_DEFINITION: ("function", lambda function: function.getId()),
}

CHECKS: tuple[Check, ...] = (unsupported, values, rates, mass_balance)
"""Run after `consistency`, on a document that libSBML could read."""
