"""Is this model or scenario sound: syntax, units, mass balance, unknown ids."""

from collections.abc import Iterator
from pathlib import Path

import libsbml

from mtorsim.check.findings import Finding, Report
from mtorsim.check.sbml import CHECKS, consistency, errors_of, gist
from mtorsim.errors import InputError

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
    text = _read(path)
    kind = _KINDS.get(path.suffix.lower()) or ("SBML model" if text.startswith("<") else None)
    if kind is None:
        raise InputError(
            f"cannot tell what {str(path)!r} is by its ending. Expected {', '.join(_KINDS)}."
        )
    findings = {
        "scenario": lambda: _scenario(path),
        "SBML model": lambda: _sbml(text),
        "Antimony model": lambda: _antimony(path),
    }[kind]()
    return Report(str(path), kind, tuple(findings))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"cannot read {str(path)!r}: not a UTF-8 text file.") from None
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


def _antimony(path: Path) -> Iterator[Finding]:
    from mtorsim.library import load_file

    try:
        sbml = load_file(path)
    except InputError as error:
        yield Finding("error", "syntax", str(error))
    else:
        # Lines would be those of the translation.
        yield from _document(libsbml.readSBMLFromString(sbml), with_lines=False)


def _sbml(text: str) -> Iterator[Finding]:
    document = libsbml.readSBMLFromString(text)
    grave = [e for e in errors_of(document) if e.getSeverity() >= libsbml.LIBSBML_SEV_ERROR]
    if grave or document.getModel() is None:
        for error in grave[:5]:
            yield Finding("error", "syntax", f"line {error.getLine()}: {gist(error.getMessage())}")
        if not grave:
            yield Finding("error", "syntax", "there is no model in this file.")
    else:
        yield from _document(document, with_lines=True)


def _document(document: libsbml.SBMLDocument, *, with_lines: bool) -> Iterator[Finding]:
    yield from consistency(document, with_lines=with_lines)
    for look in CHECKS:
        yield from look(document)
