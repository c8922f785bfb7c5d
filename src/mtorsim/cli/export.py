"""``mtorsim export``: the model that ``run`` would simulate, in another program's format."""

from pathlib import Path

from mtorsim.cli import screen
from mtorsim.cli.options import Wish
from mtorsim.errors import UnknownIdError

_ENDINGS = {".xml": "sbml", ".sbml": "sbml", ".ant": "antimony", ".txt": "antimony"}
_FORMATS = ("sbml", "antimony")


def export(wish: Wish, to: str | None, output: str | None, *, quiet: bool) -> None:
    """Carry out the command."""
    from mtorsim.export import export_antimony, export_sbml

    to = to or _ENDINGS.get(Path(output or "").suffix.lower(), "sbml")
    if to not in _FORMATS:
        raise UnknownIdError(kind="export format", given=to, choices=_FORMATS)
    write = export_sbml if to == "sbml" else export_antimony
    text = write(wish.scenario(), output)
    if output is None:
        screen.say(text)
    elif not quiet:
        screen.say(f"Wrote {output}.")
