"""``mtorsim export``: what ``run`` would simulate, in another program's format."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mtorsim.cli import screen
from mtorsim.cli.options import Wish
from mtorsim.errors import InputError, UnknownIdError

if TYPE_CHECKING:
    from mtorsim.scenario import Scenario

_ENDINGS = {
    ".xml": "sbml",
    ".sbml": "sbml",
    ".ant": "antimony",
    ".txt": "antimony",
    ".sedml": "sedml",
    ".omex": "omex",
}
FORMATS = ("sbml", "antimony", "sedml", "omex", "petab")
_NEED_A_FILE = {"omex": "run.omex", "petab": "problem"}


@dataclass(frozen=True)
class Fit:
    """The options that only a PEtab problem has, as typed."""

    estimate: Sequence[str] | None = None
    data: str | None = None
    arbitrary_units: bool = False


def export(wish: Wish, to: str | None, output: str | None, fit: Fit, *, quiet: bool) -> None:
    """Carry out the command."""
    to = to or _ENDINGS.get(Path(output or "").suffix.lower(), "sbml")
    _check(to, output, fit)
    text = _written(wish.scenario(), to, output, fit)
    if output is None:
        screen.say(text)
    elif not quiet:
        screen.say(f"Wrote {_what(to, output)}.")


def _check(to: str, output: str | None, fit: Fit) -> None:
    if to not in FORMATS:
        raise UnknownIdError(kind="export format", given=to, choices=FORMATS)
    if output is None and to in _NEED_A_FILE:
        raise InputError(f"--to {to}: where to? Add --output, such as -o {_NEED_A_FILE[to]}.")
    if to != "petab" and fit != Fit():
        raise InputError(
            "--estimate, --data and --arbitrary-units belong to a problem of parameter "
            "estimation. Add --to petab."
        )


def _written(scenario: "Scenario", to: str, output: str | None, fit: Fit) -> str:
    """Write the file or folder, if there is one to write, and return the text of a text format."""
    from mtorsim import export as edge

    if to == "petab":
        assert output is not None
        ids = [part.strip() for text in fit.estimate or () for part in text.split(",")]
        edge.export_petab(
            scenario,
            output,
            estimate=[id for id in ids if id],
            data=fit.data,
            arbitrary_units=fit.arbitrary_units,
        )
    elif to == "omex":
        edge.export_omex(scenario, output)
    else:
        writers = {
            "sbml": edge.export_sbml,
            "antimony": edge.export_antimony,
            "sedml": edge.export_sedml,
        }
        return writers[to](scenario, output)
    return ""


def _what(to: str, output: str) -> str:
    if to == "sedml":
        return f"{output} and {Path(output).with_suffix('.xml')}"
    return f"{output}: problem.yaml, model.xml and four tables" if to == "petab" else output
