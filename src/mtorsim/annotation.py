"""What a written model says of itself beside its numbers: names, SBO terms, origin, history.

Nothing here changes a value, and the same scenario always gives the same text: the date is that of
the release, not of the day.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import mtorsim

if TYPE_CHECKING:
    import libsbml

CREATED = "2026-11-23T00:00:00Z"
"""Date of the model files of this version."""

GIVEN_NAME, FAMILY_NAME = "mtorsim", "developers"
"""Creators of a model are people by name: Antimony makes an invalid history of any other."""

TOR_SIGNALLING = "https://identifiers.org/GO:0031929"

_RATES = {
    "kabsorption": "absorption",
    "kactivate": "activation",
    "kautophos": "autophosphorylation",
    "kbridge": "bridging",
    "kdeath": "death",
    "kdecay": "decay",
    "kdeg": "degradation",
    "kdephos": "dephosphorylation",
    "kdivision": "division",
    "kexchange": "exchange of nucleotide",
    "khydrolysis": "hydrolysis",
    "khydroxylation": "hydroxylation",
    "kinactivate": "inactivation",
    "kinternalise": "internalisation",
    "kloss": "loss",
    "kmake": "making",
    "koff": "dissociation",
    "kon": "association",
    "kpermeation": "permeation",
    "kphos": "phosphorylation",
    "krecruit": "recruitment",
    "krecycle": "recycling",
    "krelease": "release",
    "ksecretion": "secretion",
    "ksyn": "synthesis",
    "ktranslation": "translation",
    "kuse": "use",
    "kwash": "washing out",
}
"""First word of the id of a rate constant -> what happens."""

_CONSTANTS = {
    "Kd": "dissociation constant",
    "Ki": "inhibition constant",
    "Km": "concentration of half effect",
    "activity": "relative activity",
    "funbound": "unbound share",
    "fraction": "share",
    "residual": "residual activity",
    "protection": "rate relative to the unprotected site",
}

_KINETIC, _MICHAELIS, _INHIBITION, _DISSOCIATION, _OTHER = 9, 27, 261, 282, 2
_TERMS = {"Kd": _DISSOCIATION, "Ki": _INHIBITION, "Km": _MICHAELIS}


def parameter_name(id: str) -> str:
    """Return a parameter's id in words.

    >>> parameter_name("kphos_S6K1_by_mTORC1")
    'phosphorylation of S6K1 by mTORC1'
    """
    first, _, rest = id.partition("_")
    words = rest.replace("_", " ")
    kind = _RATES.get(first) or _CONSTANTS.get(first)
    if kind is None:
        return id.replace("_", " ")
    return f"{kind} of {words}" if words and not words.startswith("by ") else f"{kind} {words}"


def parameter_term(id: str, *, is_computed: bool) -> int:
    """Return the SBO number of a parameter: the kind of constant, or a quantity of a system."""
    first = id.partition("_")[0]
    if is_computed or "_ratio" in id:
        return _OTHER
    if first in _RATES:
        return _KINETIC
    return _TERMS.get(first, _OTHER)


def complete(model: "libsbml.Model") -> None:
    """Give every parameter and reaction a name and every parameter an SBO term, where missing."""
    ruled = {rule.getVariable() for rule in model.getListOfRules()}
    for one in model.getListOfParameters():
        id = one.getId()
        if not one.isSetName():
            one.setName(parameter_name(id))
        if not one.isSetSBOTerm():
            one.setSBOTerm(parameter_term(id, is_computed=id in ruled))
    for one in model.getListOfReactions():
        if not one.isSetName():
            one.setName(one.getId().replace("_", " "))


def digest(content: Any) -> str:
    """Return the SHA-256 of text, or of a value as JSON with sorted keys."""
    text = content if isinstance(content, str) else json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def sign(
    model: "libsbml.Model",
    words: str,
    hashes: Mapping[str, str],
    occurs_in: Iterable[str] = (),
) -> None:
    """Write what a model is into its notes, and who made it and when into its history.

    Parameters
    ----------
    model : libsbml.Model
    words : str
        The scenario in plain English, a line for each thing done.
    hashes : mapping of str to str
        What it was made from -> SHA-256.
    occurs_in : iterable of str
        Web addresses of the cell line.
    """
    lines = [*words.splitlines(), f"Written by mtorsim {mtorsim.__version__}."]
    lines += [f"SHA-256 of {what}: {value}" for what, value in hashes.items()]
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in lines)
    model.setNotes(f'<body xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</body>')
    if not model.isSetMetaId():
        model.setMetaId("model")
    _annotate(model, occurs_in)
    _date(model)


def _annotate(model: "libsbml.Model", occurs_in: Iterable[str]) -> None:
    import libsbml

    for relation, addresses in (
        (libsbml.BQB_IS_VERSION_OF, [TOR_SIGNALLING]),
        (libsbml.BQB_OCCURS_IN, [*occurs_in]),
    ):
        if addresses:
            term = libsbml.CVTerm(libsbml.BIOLOGICAL_QUALIFIER)
            term.setBiologicalQualifierType(relation)
            for address in addresses:
                term.addResource(address)
            model.addCVTerm(term)


def _date(model: "libsbml.Model") -> None:
    import libsbml

    creator = libsbml.ModelCreator()
    creator.setGivenName(GIVEN_NAME)
    creator.setFamilyName(FAMILY_NAME)
    creator.setOrganisation("mtorsim")
    history = libsbml.ModelHistory()
    history.addCreator(creator)
    history.setCreatedDate(libsbml.Date(CREATED))
    history.setModifiedDate(libsbml.Date(CREATED))
    model.setModelHistory(history)
