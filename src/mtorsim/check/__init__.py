"""Is this model or scenario sound: syntax, units, mass balance, unknown ids."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import libsbml

from mtorsim.apart import Arrays, Found, LostError, apart
from mtorsim.check.findings import Finding, Report
from mtorsim.check.sbml import CHECKS, consistency, errors_of, gist, unsupported
from mtorsim.engine.foreign import try_out
from mtorsim.errors import InputError, ModelError
from mtorsim.foreign.features import is_hierarchical
from mtorsim.foreign.model import limits, looked_over_here
from mtorsim.library import to_sbml
from mtorsim.prescan import read_model

__all__ = ["Finding", "Report", "check_file"]

_KINDS = {
    ".yaml": "scenario",
    ".yml": "scenario",
    ".xml": "SBML model",
    ".sbml": "SBML model",
    ".ant": "Antimony model",
    ".txt": "Antimony model",
}


def check_file(path: str | Path) -> Report:
    """Return what is to be said about a scenario, SBML or Antimony file.

    Parameters
    ----------
    path : str or Path
        The ending tells what it is: ``.yaml``, ``.yml`` (scenario), ``.xml``, ``.sbml`` (SBML),
        ``.ant``, ``.txt`` (Antimony).

    Raises
    ------
    InputError
        When the file cannot be read, or its ending says nothing.
    """
    path = Path(path)
    start = _start(path)
    kind = _KINDS.get(path.suffix.lower()) or ("SBML model" if start.startswith("<") else None)
    if kind is None:
        raise InputError(
            f"cannot tell what {str(path)!r} is by its ending. Expected {', '.join(_KINDS)}."
        )
    findings = {
        "scenario": lambda: _scenario(path),
        "SBML model": lambda: _apart(path, is_sbml=True),
        "Antimony model": lambda: _apart(path, is_sbml=False),
    }[kind]()
    return Report(str(path), kind, tuple(findings))


def _start(path: Path) -> str:
    """Return how a file begins; refuse one that cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(1000).decode("utf-8-sig", errors="replace").lstrip()
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}.") from None


def _scenario(path: Path) -> Iterator[Finding]:
    from mtorsim import scenario_file
    from mtorsim.compile import compile_scenario

    try:
        scenario = scenario_file.load(path)
        with scenario_file.located(path):
            compile_scenario(scenario)
    except InputError as error:
        yield Finding("error", "scenario", str(error))
    else:
        yield Finding("note", "scenario", scenario.in_words())


def _apart(path: Path, *, is_sbml: bool) -> Iterator[Finding]:
    """Look over a model in a process of its own: what is broken may crash a library."""
    page = {"path": str(path), "is_sbml": is_sbml}
    try:
        found, _ = apart("mtorsim.check:findings_apart", page, {}, limits(_size(path)))
    except LostError as lost:
        yield Finding("error", "syntax", f"looking it over {lost}.")
    else:
        yield from (Finding(*one) for one in found)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def findings_apart(page: Mapping[str, Any], _arrays: Arrays) -> Found:
    """Look over a model in this process; what is found, as JSON values."""
    found = list(_model(Path(page["path"]), is_sbml=page["is_sbml"]))
    return [[one.severity, one.topic, one.message] for one in found], {}


def _model(path: Path, *, is_sbml: bool) -> Iterator[Finding]:
    """Look over a model as `load_model` does, but say all instead of the first thing."""
    try:
        given = read_model(path)
        if is_sbml and not given.is_sbml:
            raise ModelError("this is not XML. Expected SBML; end the name of Antimony in .ant.")
        sbml = given.text if given.is_sbml else to_sbml(given)
    except ModelError as error:
        yield Finding(
            "error", "syntax", str(error).removeprefix(f"{path}, ").removeprefix(f"{path}: ")
        )
        return
    document = libsbml.readSBMLFromString(sbml)
    unreadable = list(_unreadable(document))
    if unreadable:
        yield from unreadable
        return
    antimony = "" if given.is_sbml else given.text
    refused = list(unsupported(document, antimony))
    yield from refused
    if any("lies in another file" in one.message for one in refused):
        return  # libSBML would look for that file
    yield from consistency(document, with_lines=given.is_sbml)
    if is_hierarchical(document) and not any(one.severity == "error" for one in refused):
        try:
            flat, _ = looked_over_here(given)
        except ModelError as error:
            yield Finding("error", "hierarchy", str(error))
            return
        document = libsbml.readSBMLFromString(flat)
    for look in CHECKS:
        yield from look(document)
    if not any(one.severity == "error" for one in refused):
        yield from _trial(document)


def _unreadable(document: Any) -> Iterator[Finding]:
    grave = [
        one
        for one in errors_of(document)
        if one.getSeverity() >= libsbml.LIBSBML_SEV_ERROR
        and one.getErrorId() != libsbml.RequiredPackagePresent  # said by `unsupported`
    ]
    for one in grave[:5]:
        yield Finding("error", "syntax", f"line {one.getLine()}: {gist(one.getMessage())}")
    if document.getModel() is None and not grave:
        yield Finding("error", "syntax", "there is no model in this file.")


def _trial(document: Any) -> Iterator[Finding]:
    try:
        try_out(str(libsbml.writeSBMLToString(document)))
    except ModelError as error:
        yield Finding("error", "engine", str(error))
