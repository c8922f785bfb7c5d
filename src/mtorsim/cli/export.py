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
    to = to or by_ending(output)
    _check(to, output, fit)
    text = _written(wish.scenario(), to, output, fit)
    if output is None:
        screen.say(text)
    elif not quiet:
        screen.say(f"Wrote {what(to, output)}.")


def by_ending(output: str | None) -> str:
    """Return the format that a file's ending stands for; SBML without a file or an ending."""
    ending = Path(output or "").suffix.lower()
    if ending and ending not in _ENDINGS:
        raise UnknownIdError(
            kind="format for the ending", given=ending, choices=_ENDINGS, where="--output",
            listing="mtorsim export --help, or say it with --to",
        )  # fmt: skip
    return _ENDINGS.get(ending, "sbml")


def check_place(to: str, output: str | None) -> None:
    """Refuse to print what is no text."""
    if output is None and to in _NEED_A_FILE:
        raise InputError(f"--to {to}: where to? Add --output, such as -o {_NEED_A_FILE[to]}.")


def refuse_fit(fit: Fit) -> None:
    """Refuse the options that only a PEtab problem has."""
    if fit != Fit():
        raise InputError(
            "--estimate, --data and --arbitrary-units belong to a problem of parameter "
            "estimation. Add --to petab."
        )


def _check(to: str, output: str | None, fit: Fit) -> None:
    if to not in FORMATS:
        raise UnknownIdError(kind="export format", given=to, choices=FORMATS)
    check_place(to, output)
    if to != "petab":
        refuse_fit(fit)
    elif fit.estimate is not None and not _ids(fit.estimate):
        raise InputError("--estimate: expected ids of parameters, such as 'kphos_S6K1_by_mTORC1'.")


def _written(scenario: "Scenario", to: str, output: str | None, fit: Fit) -> str:
    """Write the file or folder, if there is one to write, and return the text of a text format."""
    from mtorsim import export as edge

    if to == "petab":
        assert output is not None
        edge.export_petab(
            scenario,
            output,
            estimate=_ids(fit.estimate or ()),
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


def _ids(texts: Sequence[str]) -> list[str]:
    ids = [part.strip() for text in texts for part in text.split(",")]
    return [id for id in ids if id]


def what(to: str, output: str) -> str:
    """Return what was written, in words."""
    if to == "sedml":
        return f"{output} and {Path(output).with_suffix('.xml')}"
    return f"{output}: problem.yaml, model.xml and four tables" if to == "petab" else output
