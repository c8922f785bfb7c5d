"""Every id of a model with its value, unit, source and confidence, read from the SBML itself."""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from html import unescape
from typing import TYPE_CHECKING

from mtorsim import cache
from mtorsim.library import (
    BODY_FOLDER,
    BRANCHES,
    branch_text,
    network_sbml,
    read_sbml,
)
from mtorsim.observables import OBSERVABLES
from mtorsim.paths import models_path
from mtorsim.pharmacokinetics import SPECIES

if TYPE_CHECKING:
    import libsbml

UNITS: Mapping[str, str] = {
    "nM": "nM",
    "per_min": "1/min",
    "per_nM_per_min": "1/(nM*min)",
    "nM_per_min": "nM/min",
    "dimensionless": "1",
    "volume": "litre",
    "litre": "litre",
    "kg": "kg",
    "square_metre": "m2",
    "litre_per_kg": "litre/kg",
    "litre_per_min": "litre/min",
    "litre_per_kg_per_min": "litre/(kg*min)",
    "nmol_per_min": "nmol/min",
}
"""Unit ids of cell.ant -> the same in the words of the command line."""

DRUG_LAYER = "drug layer"
"""What stands for the branch of everything that no model file holds."""

_NOTE = re.compile(r"confidence=([ABCD]);?\s*(.*)", re.S)


@dataclass(frozen=True, kw_only=True)
class Symbol:
    """One id of a model.

    Attributes
    ----------
    id, name : str
        `name` may be empty.
    kind : str
        ``"species"``, ``"parameter"``, ``"observable"`` (follows from others by a rule),
        ``"compartment"``.
    value : float or None
        In `unit`; of a species its concentration before equilibration, None for an observable.
    unit : str
        Model unit.
    confidence : str
        A to D, or empty where there is no number of its own.
    notes : str
        Origin in words.
    source : str
        Web address of the source, or empty.
    identifiers : tuple of str
        What it is, as web addresses.
    boundary : bool
        A species that the model does not change.
    branch : str
        Model file, or ``"drug layer"``.
    """

    id: str
    name: str
    kind: str
    value: float | None
    unit: str
    confidence: str
    notes: str
    source: str
    identifiers: tuple[str, ...]
    boundary: bool
    branch: str


@functools.cache
def symbols(sbml: str | None = None) -> Mapping[str, Symbol]:
    """Return id -> Symbol for a model (default: the network without drugs), in file order."""
    text = network_sbml() if sbml is None else sbml
    names = [field.name for field in fields(Symbol)]
    rows = json.loads(cache.text("symbols", (text, *_model_files()), lambda: _written(text)))
    found = (dict(zip(names, row, strict=True)) for row in rows)
    return {one["id"]: Symbol(**one | {"identifiers": (*one["identifiers"],)}) for one in found}


def _written(sbml: str) -> str:
    """Return the symbols of a model as JSON: rows of what `Symbol` holds."""
    document = read_sbml(sbml)  # the model lives no longer than its document
    model = document.getModel()
    found = (*_compartments(model), *_species(model), *_parameters(model))
    return json.dumps([astuple(symbol) for symbol in found])


def _compartments(model: "libsbml.Model") -> Iterator[Symbol]:
    for element in model.getListOfCompartments():
        yield _symbol(element, "compartment", element.getSize(), element.getUnits() or "litre")


def _species(model: "libsbml.Model") -> Iterator[Symbol]:
    for element in model.getListOfSpecies():
        value = element.getInitialConcentration() if element.isSetInitialConcentration() else None
        yield _symbol(
            element, "species", value, "nM", boundary=bool(element.getBoundaryCondition())
        )


def _parameters(model: "libsbml.Model") -> Iterator[Symbol]:
    for element in model.getListOfParameters():
        ruled = model.getAssignmentRuleByVariable(element.getId()) is not None
        changes = model.getRateRuleByVariable(element.getId()) is not None
        # Read-outs that only a drug gives a rule have one place in the tables all the same.
        named = element.getId() in OBSERVABLES
        kind = "observable" if ruled or changes or named else "parameter"
        value = None if ruled else element.getValue()
        yield _symbol(element, kind, value, element.getUnits())


def _symbol(
    element: "libsbml.SBase", kind: str, value: float | None, unit: str, *, boundary: bool = False
) -> Symbol:
    import libsbml

    confidence, notes = _origin(element)
    return Symbol(
        id=element.getId(),
        name=element.getName(),
        kind=kind,
        value=value,
        unit=UNITS.get(unit, unit),
        confidence=confidence,
        notes=notes,
        source=next(iter(_links(element, libsbml.BQB_IS_DESCRIBED_BY)), ""),
        identifiers=(
            *_links(element, libsbml.BQB_IS),
            *_links(element, libsbml.BQB_HAS_PART),
            *_links(element, libsbml.BQB_ENCODES),
        ),
        boundary=boundary,
        branch=_branches(_species_of(element)).get(element.getId(), DRUG_LAYER),
    )


def _origin(element: "libsbml.SBase") -> tuple[str, str]:
    text = unescape(" ".join(re.sub(r"<[^>]*>", " ", element.getNotesString()).split()))
    match = _NOTE.match(text)
    return (match[1], match[2]) if match else ("", text)


def _links(element: "libsbml.SBase", relation: int) -> Iterator[str]:
    for index in range(element.getNumCVTerms()):
        term = element.getCVTerm(index)
        if term.getBiologicalQualifierType() == relation:
            yield from (term.getResourceURI(i) for i in range(term.getNumResources()))


def _species_of(element: "libsbml.SBase") -> str:
    """Return whose body a model of the library holds; the first that there is for any other."""
    id = element.getModel().getId()
    return next((one for one in SPECIES if id.endswith(f"_{one}")), SPECIES[0])


@functools.cache
def _branches(species: str) -> Mapping[str, str]:
    """Return id -> the branch that gives it a value or a rule."""
    set_here = re.compile(r"^(?:compartment )?(\w+)\s*:?=(?!=)", re.M)
    where = {"cell": "cell", "medium": "cell"}
    for branch in BRANCHES:
        where |= dict.fromkeys(set_here.findall(branch_text(branch, standalone=False)), branch)
    others = {*SPECIES} - {species}
    for name, text in _body_texts().items():
        if name not in others:
            where |= dict.fromkeys(set_here.findall(text), f"{BODY_FOLDER}/{name}")
    return where


def _model_files() -> Iterator[str]:
    """Return the names and texts of the files that tell which branch an id belongs to."""
    for branch in BRANCHES:
        yield from (branch, branch_text(branch, standalone=False))
    for name, text in _body_texts().items():
        yield from (name, text)


@functools.cache
def _body_texts() -> Mapping[str, str]:
    paths = sorted(models_path(BODY_FOLDER).glob("*.ant"))
    return {path.stem: path.read_text(encoding="utf-8") for path in paths}
