"""The model files: joins the branches into one network and turns Antimony into SBML and back.

The only importer of antimony. A branch file opens alone in any Antimony tool because it declares
what it reads from the others between two marker comments; joining the branches drops those lines.
"""

import functools
import locale
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtorsim import cache
from mtorsim.errors import ModelError, UnknownIdError
from mtorsim.paths import models_path
from mtorsim.prescan import ModelText, read_model, scan_sbml

if TYPE_CHECKING:
    import libsbml

BRANCHES = (
    "growth_factor",
    "akt",
    "tsc_rheb",
    "mtor_complexes",
    "s6k1",
    "eif4e",
    "hif_vegf",
    "cell_fate",
    "immunophilins",
)
"""Branch files of the network, in the order in which they are joined."""

NETWORK_ID = "mtorsim_network"

BODY_FOLDER = "pharmacokinetics"
BODIES = ("human", "mouse", "body")
"""Files of that folder that hold no drug."""

_SHARED = ("units", "cell")  # units and compartments, imported by every branch
_STANDALONE = re.compile(
    r"^// --- standalone inputs.*?^// --- end of standalone inputs\n", re.M | re.S
)
_IMPORT = re.compile(r'^import "(?:\.\./)?(?P<name>[^"]+)\.ant"\n', re.M)
_LONGEST_MESSAGE = 500  # libAntimony repeats whole formulas
_antimony_lock = threading.Lock()  # libAntimony keeps its models in globals


def branch_text(name: str, *, standalone: bool = True) -> str:
    """Return the Antimony text of one branch file.

    Parameters
    ----------
    name : str
        One of `BRANCHES`.
    standalone : bool
        As the file stands; False leaves out its imports and the stand-ins for other branches.

    Raises
    ------
    UnknownIdError
        For a branch that does not exist.
    """
    if name not in BRANCHES:
        raise UnknownIdError(
            kind="branch", given=name, choices=BRANCHES, listing="mtorsim show branches"
        )
    text = _read(name)
    return text if standalone else _IMPORT.sub("", _STANDALONE.sub("", text))


def branch_summary(name: str) -> str:
    """Return the first sentence of a branch file's header."""
    header = branch_text(name).partition("\n")[0]
    return header.removeprefix(f"// {name}.ant: ")


def network_text() -> str:
    """Return the Antimony text of the whole network: every branch, no standalone inputs."""
    branches = (branch_text(name, standalone=False) for name in BRANCHES)
    return "\n".join((_shared_text(), *branches))


def network_sbml(species: str = "", drugs: tuple[str, ...] = ()) -> str:
    """Return the whole network without drugs as SBML Level 3 Version 2.

    Parameters
    ----------
    species : str
        Whose body stands beside the cell, ``"human"`` or ``"mouse"``; none by default.
    drugs : tuple of str
        Drugs whose pharmacokinetics that body has.
    """
    return _network_sbml(species, drugs)


@functools.cache
def _network_sbml(species: str, drugs: tuple[str, ...]) -> str:
    return _translated(network_origin(species, drugs), "the network")


def network_origin(species: str = "", drugs: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return all that `network_sbml` follows from: text, id, the libraries that translate."""
    if not species:
        return _origin(network_text(), NETWORK_ID)
    text = "\n".join((network_text(), _body_text(species, drugs)))
    return _origin(text, f"{NETWORK_ID}_{species}")


def _origin(text: str, model_id: str) -> tuple[str, ...]:
    return text, model_id, cache.installed("antimony"), cache.installed("libsbml")


@functools.cache
def body_sbml(species: str, drugs: tuple[str, ...]) -> str:
    """Return the pharmacokinetics of some drugs, without a cell, as SBML Level 3 Version 2.

    Parameters
    ----------
    species : str
        ``"human"`` or ``"mouse"``.
    drugs : tuple of str
        Names of files in models/pharmacokinetics.
    """
    text = "\n".join((_read("units"), _body_text(species, drugs)))
    what = f"pharmacokinetics of {', '.join(drugs)}"
    return _translated(_origin(text, f"mtorsim_{species}"), what)


def body_files(species: str, drugs: Iterable[str]) -> tuple[str, ...]:
    """Return the files of models/pharmacokinetics that drugs need, each after what it imports."""
    found = [species, "body"]
    for name in drugs:
        imported = [other for other in _imports(name) if other not in BODIES]
        for file in (*body_files(species, imported), name):
            if file not in found:
                found.append(file)
    return tuple(found)


def _imports(name: str) -> list[str]:
    return [match["name"] for match in _IMPORT.finditer(_read(f"{BODY_FOLDER}/{name}"))]


def _body_text(species: str, drugs: tuple[str, ...]) -> str:
    files = body_files(species, drugs)
    return "\n".join(_IMPORT.sub("", _read(f"{BODY_FOLDER}/{name}")) for name in files)


@functools.cache
def branch_sbml(name: str) -> str:
    """Return one branch alone, with its standalone inputs, as SBML Level 3 Version 2."""
    text = "\n".join((_shared_text(), _IMPORT.sub("", branch_text(name))))
    return _translated(_origin(text, name), f"{name}.ant")


def _translated(origin: tuple[str, ...], what: str) -> str:
    """Return the SBML of model files that were joined to a text which imports nothing."""
    text, model_id, *_ = origin
    return cache.text("sbml", origin, lambda: antimony_to_sbml(text, model_id=model_id, what=what))


def load_file(path: str | Path) -> str:
    """Return the SBML of a user's own SBML or Antimony file, or of such text.

    Raises
    ------
    ModelError
        When the file is missing, unreadable, or not valid SBML or Antimony, or holds what no
        model needs (see `prescan`).
    """
    return to_sbml(read_model(path))


def to_sbml(model: ModelText) -> str:
    """Return a scanned model as SBML: what it was, or the translation of Antimony."""
    if model.is_sbml:
        read_sbml(model.text, what=model.what)
        return model.text
    sbml = antimony_to_sbml(model.text, what=model.what, folder=model.folder)
    return scan_sbml(sbml.encode(), model.what)  # a long sum becomes a deep tree


def keep_libsbml() -> None:
    """Give libsbml its own classes back, if another library took them.

    libSBML, libSEDML and libCombine share a table of types in which the library that was imported
    last wins: after ``import libsedml`` (or ``tellurium``) a formula of libsbml would be an object
    of libsedml, which cannot tell a sum from a product.
    """
    import libsbml

    if type(libsbml.parseL3Formula("1")) is libsbml.ASTNode:
        return
    table, end = libsbml._libsbml, "_swigregister"  # noqa: SLF001 - nothing public does this
    for name in [name for name in vars(table) if name.endswith(end)]:
        if (kind := getattr(libsbml, name.removesuffix(end), None)) is not None:
            getattr(table, name)(kind)


def read_sbml(text: str, *, what: str = "the model") -> "libsbml.SBMLDocument":
    """Parse SBML text; raise `ModelError` on the first reading error or when no model is in it."""
    import libsbml  # with its wrapper a fifth of a second, and what is kept needs no parsing

    keep_libsbml()
    document = libsbml.readSBMLFromString(text)
    for index in range(document.getNumErrors()):
        error = document.getError(index)
        if error.getSeverity() >= libsbml.LIBSBML_SEV_ERROR and (
            error.getErrorId() != libsbml.RequiredPackagePresent  # `foreign.features` names it
        ):
            message = " ".join(error.getMessage().split())
            raise ModelError(f"{what}, line {error.getLine()}: not sound SBML. {message}")
    if document.getModel() is None:
        raise ModelError(f"{what}: no model in this SBML file.")
    return document


def antimony_to_sbml(
    text: str, *, model_id: str | None = None, what: str = "the model", folder: Path | None = None
) -> str:
    """Translate Antimony text to SBML Level 3 Version 2.

    Parameters
    ----------
    text : str
        Antimony text; `import` is looked up below `folder` (default: nowhere).
    model_id : str, optional
        Id that the SBML model gets; default: what Antimony chose.
    what : str
        Name of the text in error messages.

    Raises
    ------
    ModelError
        With Antimony's own message, which names the line.
    """
    import libsbml

    with _antimony(folder) as antimony:
        if antimony.loadAntimonyString(text) < 0:
            raise ModelError(f"{what}: {_last_error(antimony)}")
        sbml = antimony.getSBMLString(antimony.getMainModuleName())
    document = read_sbml(sbml, what=what)
    if model_id is not None:
        document.getModel().setId(model_id)
    for species in document.getModel().getListOfSpecies():
        if not species.isSetName():  # Antimony drops a name that is the id
            species.setName(species.getId())
    return str(libsbml.writeSBMLToString(document))


def sbml_to_antimony(sbml: str) -> str:
    """Translate SBML to Antimony text.

    Raises
    ------
    ModelError
        When Antimony cannot read the SBML.
    """
    with _antimony() as antimony:
        if antimony.loadSBMLString(sbml) < 0:
            raise ModelError(f"cannot be written as Antimony: {_last_error(antimony)}")
        return str(antimony.getAntimonyString(antimony.getMainModuleName()))


def _shared_text() -> str:
    return "\n".join(_IMPORT.sub("", _read(name)) for name in _SHARED)


@functools.cache
def _read(name: str) -> str:
    return models_path(*f"{name}.ant".split("/")).read_text(encoding="utf-8")


@contextmanager
def _antimony(folder: Path | None = None) -> Iterator[Any]:
    import antimony

    # Antimony keeps every model it saw, is not thread-safe, and reads 0.5 as 0 under a locale with
    # a decimal comma.
    with _antimony_lock:
        numeric = locale.setlocale(locale.LC_NUMERIC)
        locale.setlocale(locale.LC_NUMERIC, "C")
        antimony.clearPreviousLoads()
        if folder is not None:
            antimony.addDirectory(str(folder))
        try:
            yield antimony
        finally:
            antimony.clearPreviousLoads()
            antimony.clearDirectories()
            locale.setlocale(locale.LC_NUMERIC, numeric)


def _last_error(antimony: Any) -> str:
    try:
        text = str(antimony.getLastError())
    except UnicodeDecodeError as error:  # it repeats the first byte of a letter such as µ
        text = error.object.decode("utf-8", errors="replace")
    said = " ".join(text.split()).removeprefix("Error in model string, ")
    return said if len(said) <= _LONGEST_MESSAGE else f"{said[:_LONGEST_MESSAGE]} …"
