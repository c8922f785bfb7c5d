"""What a foreign model uses, and what of it would be ignored or computed wrongly, by name and line.

Both ``mtorsim check`` and the door of `load_model` read this: what is an error there is refused
here, before anything runs.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import libsbml
import numpy as np

from mtorsim.errors import closest
from mtorsim.foreign.timing import STOP, Timing, is_stop, nodes

Severity = Literal["error", "warning", "note"]
_SHOWN = 5


@dataclass(frozen=True)
class Feature:
    """Something to know about a model before it runs.

    Attributes
    ----------
    severity : {"error", "warning", "note"}
        An error is refused; a warning may surprise; a note says what is taken as what.
    topic, message : str
    line : int
        Of the SBML file, from 1; 0 where there is none.
    symbol : str
        Id that it is about; may be empty.
    """

    severity: Severity
    topic: str
    message: str
    line: int = 0
    symbol: str = ""


def features(document: libsbml.SBMLDocument) -> Iterator[Feature]:
    """Return what is to be said of a model that libSBML could read."""
    yield from packages(document)
    for look in (
        large,
        reserved,
        algebraic,
        fast,
        delays,
        timed,
        stoichiometry,
        nothing,
        unset,
        sizes,
        no_rate,
    ):
        yield from look(document)


def packages(document: libsbml.SBMLDocument) -> Iterator[Feature]:
    """Extensions of SBML: those that change what the model means are refused."""
    if document.getLevel() < 3:  # there they are annotations
        return
    line = document.getLine()
    for index in range(document.getNumPlugins()):
        name = document.getPlugin(index).getPackageName()
        if name == "comp":
            yield from _hierarchy(document)
        elif name == "fbc" and _has_rates(document):
            yield Feature("note", "package", "flux bounds and objectives (fbc) are not used.", line)
        elif name in _REFUSED:
            yield Feature(
                "error", "unsupported", f"{_REFUSED[name]} (SBML package '{name}').", line
            )
        elif document.getPackageRequired(name) and name not in _HARMLESS:
            yield _unknown(name, line)
        elif name not in ("l3v2extendedmath", "req"):
            yield Feature("note", "package", f"'{name}' is passed over: it changes no curve.", line)
    for index in range(document.getNumUnknownPackages()):
        name = document.getUnknownPackagePrefix(index)
        if document.getPackageRequired(document.getUnknownPackageURI(index)):
            yield _unknown(name, line)
        else:
            yield Feature("note", "package", f"'{name}' is passed over: not required.", line)


_REFUSED: Mapping[str, str] = {
    "fbc": "a flux-balance model has no rate laws to run. Use COBRApy, for instance",
    "qual": "a logical model has no concentrations to run. Use a logical simulator such as GINsim",
    "multi": "rules over multi-component species would be ignored: expand them first",
    "distrib": "values drawn from distributions would not be drawn: write a value instead",
    "spatial": "space would be ignored: use a spatial simulator",
    "arrays": "arrays would be ignored: write them out first",
    "dyn": "dynamic structures would be ignored",
}


_HARMLESS = ("layout", "render", "groups", "l3v2extendedmath", "req")


def _unknown(name: str, line: int) -> Feature:
    return Feature(
        "error",
        "unsupported",
        f"the SBML package '{name}' is required to understand this model, and nobody here can "
        "read it. Export the model without it.",
        line,
    )


def _has_rates(document: libsbml.SBMLDocument) -> bool:
    model = document.getModel()
    laws = [one.getKineticLaw() for one in model.getListOfReactions()]
    return any(law is not None and law.isSetMath() for law in laws) or model.getNumRules() > 0


def _hierarchy(document: libsbml.SBMLDocument) -> Iterator[Feature]:
    """Submodels; a document that was flattened has none left."""
    plugin = document.getPlugin("comp")
    outside = [
        plugin.getExternalModelDefinition(index)
        for index in range(plugin.getNumExternalModelDefinitions())
    ]
    for one in outside:
        yield Feature(
            "error",
            "unsupported",
            f"the submodel {one.getId()!r} lies in another file, {one.getSource()!r}, which is not "
            "fetched. Flatten the model in the program that wrote it.",
            one.getLine(),
            one.getId(),
        )
    model = document.getModel().getPlugin("comp")
    if not outside and model is not None and model.getNumSubmodels():
        count = model.getNumSubmodels()
        what = f"{count} submodel{'' if count == 1 else 's'}: flattened before it runs."
        yield Feature("note", "hierarchy", what, document.getLine())


def is_hierarchical(document: libsbml.SBMLDocument) -> bool:
    """Whether a model has submodels, which RoadRunner would pass over without a word."""
    model = document.getModel()
    plugin = model.getPlugin("comp") if model is not None else None
    return plugin is not None and plugin.getNumSubmodels() > 0


_LARGEST = 300_000  # parts; the largest published models have a tenth of it


def large(document: libsbml.SBMLDocument) -> Iterator[Feature]:
    """Functions of functions, which grow without end when they are written out."""
    sizes: dict[str, int] = {}
    for one in document.getModel().getListOfFunctionDefinitions():
        sizes[one.getId()] = _written_out(one.getMath(), sizes)
    for element in with_maths(document):
        if _written_out(element.getMath(), sizes) > _LARGEST:
            yield Feature(
                "error",
                "unsupported",
                f"{place(element)} has more than {_LARGEST} parts when its functions are written "
                "out. Compute it in steps.",
                element.getLine(),
            )
            return


def _written_out(math: Any, sizes: Mapping[str, int]) -> int:
    """Return of how many parts a formula is, those of the functions that it calls included."""
    found = 0
    for node in nodes(math) if math is not None else ():
        called = sizes.get(node.getName(), 0) if node.getType() == libsbml.AST_FUNCTION else 0
        found += 1 + called
    return min(found, 10 * _LARGEST)


def reserved(document: libsbml.SBMLDocument) -> Iterator[Feature]:
    """An id that the engine takes for something else."""
    model = document.getModel()
    for element in (model.getSpecies("time"), model.getParameter("time"),
                    model.getCompartment("time"), model.getReaction("time")):  # fmt: skip
        if element is not None:
            message = "the id 'time' would be read as time itself. Rename it."
            yield Feature("error", "unsupported", message, element.getLine(), "time")
    yield from _stops(document)


def _stops(document: libsbml.SBMLDocument) -> Iterator[Feature]:
    """What is named as the events at which we let the solver stop, and is something else."""
    model = document.getModel()
    given, element = STOP, model.getElementBySId(STOP)
    is_taken = element is not None and (
        element.getTypeCode() != libsbml.SBML_PARAMETER
        or model.getRuleByVariable(STOP) is not None
        or any(node.getName() == STOP for one in with_maths(document) for node in names(one))
    )
    for event in model.getListOfEvents():
        hit = [one for one in event.getListOfEventAssignments() if one.getVariable() == STOP]
        if (hit or event.getId().startswith(f"{STOP}_")) and not is_stop(event):
            is_taken, given, element = True, event.getId() or STOP, event
    if is_taken:
        message = f"the id {given!r} is one that mtorsim gives. Rename it."
        yield Feature("error", "unsupported", message, element.getLine(), given)


# -- what is written in a model -------------------------------------------------------------------


def algebraic(document: libsbml.SBMLDocument) -> Iterator[Feature]:
    """Rules that say 0 = ..."""
    for rule in document.getModel().getListOfRules():
        if rule.isAlgebraic():
            yield Feature(
                "error",
                "unsupported",
                f"algebraic rule 0 = {_formula(rule)}: the solver handles ordinary differential "
                "equations only. Solve it for one symbol and assign that.",
                rule.getLine(),
            )


def fast(document: libsbml.SBMLDocument) -> Iterator[Feature]:
    """Reactions that are to be in equilibrium at all times."""
    for one in document.getModel().getListOfReactions():
        if one.isSetFast() and one.getFast():
            yield Feature(
                "error",
                "unsupported",
                f"{one.getId()!r} is a fast reaction and would run as an ordinary one. Replace it "
                "by its equilibrium, or by an ordinary reaction with large rate constants.",
                one.getLine(),
                one.getId(),
            )


def delays(document: libsbml.SBMLDocument) -> Iterator[Feature]:
    """Formulas that look back in time."""
    for element in with_maths(document):
        if any(node.getType() == libsbml.AST_FUNCTION_DELAY for node in nodes(element.getMath())):
            yield Feature(
                "error",
                "unsupported",
                f"{place(element)} looks back in time (delay), which the solver cannot. Replace "
                "the delay by a chain of intermediate steps.",
                element.getLine(),
            )


def timed(document: libsbml.SBMLDocument) -> Iterator[Feature]:
    """Doses written as formulas of time that would not be given as they say."""
    for trouble in Timing(document).troubles():
        one = trouble.element
        event = one if one.getTypeCode() == libsbml.SBML_EVENT else (
            one.getAncestorOfType(libsbml.SBML_EVENT))  # fmt: skip
        symbol = event.getId() if event is not None else ""
        yield Feature("error", "time", f"{place(one)}: {trouble.message}", one.getLine(), symbol)


def stoichiometry(document: libsbml.SBMLDocument) -> Iterator[Feature]:
    """Stoichiometries that change while the model runs; RoadRunner gets some of them wrong."""
    model = document.getModel()
    changed = {rule.getVariable() for rule in model.getListOfRules() if not rule.isAlgebraic()}
    for event in model.getListOfEvents():
        changed |= {one.getVariable() for one in event.getListOfEventAssignments()}
    for reaction in model.getListOfReactions():
        for one in (*reaction.getListOfReactants(), *reaction.getListOfProducts()):
            named = one.isSetId() and one.getId() in changed
            if named or one.isSetStoichiometryMath():
                yield Feature(
                    "error",
                    "unsupported",
                    f"how much {one.getSpecies()!r} takes part in {reaction.getId()!r} is computed "
                    "while the model runs. Write the number.",
                    one.getLine(),
                    reaction.getId(),
                )


def nothing(document: libsbml.SBMLDocument) -> Iterator[Feature]:
    """A model with nothing in it, such as an empty file."""
    model = document.getModel()
    counts = (model.getNumReactions(), model.getNumUnitDefinitions(), len(_ids(model)))
    if not (any(counts) or is_hierarchical(document)):
        yield Feature("error", "value", "there is nothing in this model.", model.getLine())


def sizes(document: libsbml.SBMLDocument) -> Iterator[Feature]:
    """Compartments of no possible size."""
    for one in document.getModel().getListOfCompartments():
        if one.isSetSize() and not 0 <= one.getSize() < np.inf:
            message = f"compartment {one.getId()!r} has the size {one.getSize():g}."
            yield Feature("error", "value", message, one.getLine(), one.getId())


def unset(document: libsbml.SBMLDocument) -> Iterator[Feature]:
    """Symbols that formulas read and that nothing gives a value."""
    model = document.getModel()
    known = _ids(model)
    read = {node.getName() for element in with_maths(document) for node in names(element)}
    species = {one.getId() for one in model.getListOfSpecies()}
    for name in sorted(_not_numbers(model) & (read | species)):
        line = model.getElementBySId(name).getLine()
        yield Feature("error", "value", f"{name!r} is not a number (NaN).", line, name)
    for kind, element in _valueless(model):
        name = element.getId()
        if name not in read and kind == "parameter":
            continue
        # In Antimony a mistyped id becomes a new parameter without a value.
        near = [other for other in closest(name, known) if other != name][:1]
        hint = f" Did you mean {near[0]!r}?" if near and kind != "compartment" else ""
        message = f"{kind} {name!r} has no {'size' if kind == 'compartment' else 'value'}.{hint}"
        yield Feature("error", "unknown id", message, element.getLine(), name)


def _not_numbers(model: Any) -> set[str]:
    """Return what begins as NaN and nothing gives another value."""
    changed = {item.getSymbol() for item in model.getListOfInitialAssignments()}
    changed |= {rule.getVariable() for rule in model.getListOfRules() if rule.isAssignment()}
    first = {one.getId(): one.getValue() for one in model.getListOfParameters() if one.isSetValue()}
    for one in model.getListOfSpecies():
        if one.isSetInitialAmount():
            first[one.getId()] = one.getInitialAmount()
        elif one.isSetInitialConcentration():
            first[one.getId()] = one.getInitialConcentration()
    return {id for id, value in first.items() if value != value and id not in changed}


def _ids(model: Any) -> list[str]:
    lists = (model.getListOfSpecies(), model.getListOfParameters(), model.getListOfCompartments())
    return [item.getId() for items in lists for item in items]


def _valueless(model: Any) -> Iterator[tuple[str, Any]]:
    given = {item.getSymbol() for item in model.getListOfInitialAssignments()}
    given |= {rule.getVariable() for rule in model.getListOfRules() if rule.isAssignment()}
    for species in model.getListOfSpecies():
        is_set = species.isSetInitialAmount() or species.isSetInitialConcentration()
        if not is_set and species.getId() not in given:
            yield "species", species
    for parameter in model.getListOfParameters():
        if not parameter.isSetValue() and parameter.getId() not in given:
            yield "parameter", parameter
    for compartment in model.getListOfCompartments():
        flat = (
            compartment.isSetSpatialDimensions() and compartment.getSpatialDimensionsAsDouble() == 0
        )
        if not compartment.isSetSize() and not flat and compartment.getId() not in given:
            yield "compartment", compartment


def no_rate(document: libsbml.SBMLDocument) -> Iterator[Feature]:
    """Reactions without a rate law."""
    for reaction in document.getModel().getListOfReactions():
        law = reaction.getKineticLaw()
        if law is None or not law.isSetMath():
            message = f"reaction {reaction.getId()!r} has no rate law."
            yield Feature("error", "rates", message, reaction.getLine(), reaction.getId())


# -- walking through formulas ---------------------------------------------------------------------


def with_maths(document: Any) -> Iterator[Any]:
    """Return every element that holds a formula."""
    elements = document.getListOfAllElements()
    for index in range(elements.getSize()):
        element = elements.get(index)
        if getattr(element, "isSetMath", bool)() and element.getMath() is not None:
            yield element


def names(element: Any) -> Iterator[Any]:
    """Return the ids in an element's formula, as nodes."""
    if element.getMath() is None:
        return
    for node in nodes(element.getMath()):
        if node.getType() == libsbml.AST_NAME:
            yield node


def _formula(element: Any) -> str:
    return str(libsbml.formulaToL3String(element.getMath()))


def place(element: Any) -> str:
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


def line_in_antimony(text: str, symbol: str) -> int:
    """Return the first line of Antimony text that names a symbol; 0 for none."""
    found = re.search(rf"\b{re.escape(symbol)}\b", text) if symbol else None
    return text.count("\n", 0, found.start()) + 1 if found else 0
