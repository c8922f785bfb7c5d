"""``biosimulators-mtorsim -i ARCHIVE.omex -o DIR``: the command line that BioSimulators expects."""

import sys
from typing import Annotated

import typer

from mtorsim import __version__
from mtorsim.cli import screen

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

EXAMPLES = """Example: [bold]mtorsim export -o run.omex && biosimulators-mtorsim -i run.omex -o
results[/bold]"""


@app.command(epilog=EXAMPLES)
def simulate(
    archive: Annotated[
        str | None,
        typer.Option("--archive", "-i", metavar="FILE", help="A COMBINE archive.",
                     show_default=False),
    ] = None,
    out_dir: Annotated[
        str | None,
        typer.Option("--out-dir", "-o", metavar="DIR", help="Folder to write.",
                     show_default=False),
    ] = None,
    reports: Annotated[
        str,
        typer.Option(
            "--reports",
            metavar="csv|h5|csv,h5",
            envvar="REPORT_FORMATS",
            help="Format of reports; h5 needs the extra 'hdf5'.",
        ),
    ] = "csv",
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", metavar="", help="Print nothing but errors.",
                           show_default=False)
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", "-v", metavar="", help="Print the version.",
                           show_default=False)
    ] = False,
    debug: Annotated[  # noqa: ARG001 - read before parsing
        bool, typer.Option("--debug", metavar="", help="Show the traceback of an error.",
                           show_default=False)
    ] = False,
) -> None:  # fmt: skip
    """Run the SED-ML time courses of a COMBINE archive; write its reports and plots."""
    from mtorsim.errors import InputError

    if version:
        screen.say(f"mtorsim {__version__}")
        return
    if archive is None or out_dir is None:
        raise InputError("expected an archive and a folder: -i ARCHIVE.omex -o DIR.")
    from mtorsim.archive import simulate_archive

    formats = [part.strip() for part in reports.split(",") if part.strip()]
    folder = simulate_archive(archive, out_dir, reports=formats)
    if not quiet:
        screen.say(f"Wrote {folder}.")


def main() -> None:
    """Run the command line and exit with its status; see `mtorsim.cli`."""
    from mtorsim.cli import status_of
    from mtorsim.cli.commands import carry_out
    from mtorsim.cli.guard import guarded

    def work() -> int:
        return status_of(sys.argv[1:], lambda given: carry_out(app, "biosimulators-mtorsim", given))

    sys.exit(guarded(work))
