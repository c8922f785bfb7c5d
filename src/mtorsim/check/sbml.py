"""Checks of an SBML model, one function each: (document) -> findings, in plain words."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from textwrap import shorten
from typing import Any, TypeAlias

import libsbml

from mtorsim.check.findings import Finding, Severity, some
from mtorsim.check.mass import Change, imbalances, moieties
from mtorsim.foreign.features import features, line_in_antimony
from mtorsim.foreign.features import names as _names
from mtorsim.foreign.units import time_unit

Check: TypeAlias = Callable[[Any], Iterator[Finding]]

_UNITS_DISAGREE = range(10500, 10600)  # every other complaint about units is that some are missing
_SAME = 5  # complaints of one kind that are spelled out
_SAID_BELOW = {80601, 80602, 80702, 99107}  # by `unsupported`, more clearly

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
        elif number not in _SAID_BELOW:
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


def unsupported(document: Any, antimony: str = "") -> Iterator[Finding]:
    """Features that would be ignored or computed wrongly, and symbols without a value.

    Lines are those of the SBML file, or of the Antimony text that it was translated from.
    """
    for one in features(document):
        line = line_in_antimony(antimony, one.symbol) if antimony else one.line
        where = f"line {line}: " if line and one.severity == "error" else ""
        yield Finding(one.severity, one.topic, where + one.message)


def time(document: Any) -> Iterator[Finding]:
    """What one unit of time is taken for, and whether a drug map is at hand."""
    read = time_unit(document.getModel())
    if read is None:
        yield Finding("note", "time", "the time unit is not stated: run needs --time-unit.")
    elif "not said" in read[2]:
        yield Finding("note", "time", f"time is taken to be in {read[0]}: {read[2]}.")


def rates(document: Any) -> Iterator[Finding]:
    """Reactions without a rate, or whose rate can drive a reactant below zero."""
    model = document.getModel()
    if model.getNumReactions() + model.getNumRules() + model.getNumEvents() == 0:
        yield Finding("warning", "rates", "no reaction, rule or event: nothing would happen.")
    assigned = {rule.getVariable(): rule for rule in model.getListOfRules() if rule.isAssignment()}
    for reaction in model.getListOfReactions():
        law = reaction.getKineticLaw()
        if law is None or not law.isSetMath():
            continue  # said by `unsupported`
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


CHECKS: tuple[Check, ...] = (rates, mass_balance, time)
"""Run after `consistency` and `unsupported`, on a document that libSBML could read."""
