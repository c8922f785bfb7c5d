"""The commands and their options. What a command does lies in the module of its name."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from mtorsim import __version__
from mtorsim.cli import options, screen
from mtorsim.cli.assay import assay
from mtorsim.cli.fit import EPILOG as FIT_EXAMPLES
from mtorsim.cli.fit import fit
from mtorsim.cli.pk import pk
from mtorsim.cli.qualify import EPILOG as QUALIFY_EXAMPLES
from mtorsim.cli.qualify import qualify
from mtorsim.cli.sensitivity import EPILOG as SENSITIVITY_EXAMPLES
from mtorsim.cli.sensitivity import sensitivity
from mtorsim.cli.show import show
from mtorsim.cli.sweep import sweep
from mtorsim.errors import InputError, UnknownIdError

WELCOME = """\
mtorsim simulates mTOR signalling under drugs.

  mtorsim run                                       786-O cells, temsirolimus 20 nM, 72 h
  mtorsim run --cell PC-3 --drug sirolimus=100nM    another cell, another drug
  mtorsim show drugs                                what there is

Commands: run, sweep, sensitivity, fit, qualify, pk, assay, show, check, map, export.
Help: mtorsim --help, mtorsim run --help"""

EXAMPLES = """Examples: [bold]mtorsim run[/bold] ·
[bold]mtorsim run --cell PC-3 --drug sirolimus=100nM --out pc3[/bold] ·
[bold]mtorsim assay viability --cell Caki-1[/bold] ·
[bold]mtorsim show parameters FKBP12[/bold]"""

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(assay, name="assay")
app.add_typer(show, name="show")


@app.callback(invoke_without_command=True, epilog=EXAMPLES)
def mtorsim(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", metavar="", help="Print the version.", show_default=False)
    ] = False,
    debug: options.Debug = False,  # noqa: ARG001 - read before parsing
) -> None:
    """Simulate mTOR signalling under drugs."""
    if version:
        screen.say(f"mtorsim {__version__}")
    elif context.invoked_subcommand is None:
        screen.say(WELCOME)


@app.command()
def run(
    scenario: options.ScenarioFile = None,
    cell: options.Cell = None,
    drug: options.Drug = None,
    stimulus: options.Stimulus = None,
    perturb: options.Perturb = None,
    duration: options.Duration = None,
    set_: options.Set = None,
    observe: options.Observe = None,
    species: options.Species = None,
    model: options.Model = None,
    map_: options.Map = None,
    time_unit: options.TimeUnit = None,
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="DIR", help="Folder to write.")
    ] = "out",
    ensemble: options.Ensemble = False,
    workers: options.Workers = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Simulate; write table, figure, origin and model; print read-outs relative to untreated."""
    from mtorsim.cli.run import run as work

    wish = options.Wish(scenario, cell, drug, stimulus, perturb, duration, set_, observe, species)
    if (given := options.model_wish(model, map_, time_unit)) is not None:
        from mtorsim.cli.foreign import run as work_foreign

        if ensemble:
            raise InputError("--ensemble is of mtorsim's own network: it does not go with --model.")
        work_foreign(wish, given, out, quiet=quiet, as_json=json)
        return
    if workers is not None and not ensemble:
        raise InputError("--workers goes with --ensemble: a single run is one process.")
    work(wish, out, ensemble=ensemble, workers=workers, quiet=quiet, as_json=json)


app.command()(sweep)
app.command(epilog=SENSITIVITY_EXAMPLES)(sensitivity)
app.command(epilog=FIT_EXAMPLES)(fit)
app.command()(pk)
app.command(epilog=QUALIFY_EXAMPLES)(qualify)


EXPORTS = """Examples: [bold]mtorsim export -o model.xml[/bold] ·
[bold]mtorsim export scenario.yaml -o run.omex[/bold] ·
[bold]mtorsim export --to petab --data blots.csv --estimate kphos_S6K1_by_mTORC1 -o fit[/bold]"""


@app.command(epilog=EXPORTS)
def export(
    scenario: options.ScenarioFile = None,
    cell: options.Cell = None,
    drug: options.Drug = None,
    stimulus: options.Stimulus = None,
    perturb: options.Perturb = None,
    duration: options.Duration = None,
    set_: options.Set = None,
    observe: options.Observe = None,
    species: options.Species = None,
    model: options.Model = None,
    map_: options.Map = None,
    time_unit: options.TimeUnit = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="sbml|antimony|sedml|omex|petab",
            help="Format; default: by the ending of FILE, else sbml.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File to write, of petab a folder; default: standard output.",
        ),
    ] = None,
    estimate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID,ID…",
            help="petab: parameters to estimate, also kphos_*; default: those that were fitted. "
            "List: mtorsim show parameters.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.csv",
            help="petab: measurements, with columns observable, time (such as 6 h), value and "
            "optionally sd; default: what the model says.",
            show_default=False,
        ),
    ] = None,
    arbitrary_units: Annotated[
        bool,
        typer.Option(
            "--arbitrary-units",
            metavar="",
            help="petab: estimate a scale for each read-out.",
            show_default=False,
        ),
    ] = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Write what `run` would simulate, in the format of another program."""
    from mtorsim.cli.export import Fit, refuse_fit
    from mtorsim.cli.export import export as work

    wish = options.Wish(scenario, cell, drug, stimulus, perturb, duration, set_, observe, species)
    if (given := options.model_wish(model, map_, time_unit)) is not None:
        from mtorsim.cli.foreign import export as work_foreign

        if to != "petab":  # which is refused for a foreign model
            refuse_fit(Fit(estimate, data, arbitrary_units))
        work_foreign(wish, given, to, output, quiet=quiet)
        return
    work(wish, to, output, Fit(estimate, data, arbitrary_units), quiet=quiet)


@app.command("map")
def propose_map(
    file: Annotated[str, typer.Argument(metavar="FILE", help="SBML or Antimony file.")],
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="File to write; default: standard output."
        ),
    ] = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Propose a drug map for somebody's model: which of its species are mTOR, and why."""
    from mtorsim.cli.foreign import propose as work

    work(file, output, quiet=quiet)


@app.command()
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="SBML, Antimony or scenario file.")],
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Tell whether a file is sound: syntax, units, mass balance, unknown ids."""
    from mtorsim.cli.check import check as work

    work(file, quiet=quiet, as_json=json)


def run_command(arguments: Sequence[str]) -> int:
    """Carry out a command line and return its exit status.

    Raises
    ------
    InputError
        For a command line that cannot be understood.
    """
    return carry_out(app, "mtorsim", arguments)


def carry_out(program: typer.Typer, name: str, arguments: Sequence[str]) -> int:
    """Carry out a command line of a program; otherwise as `run_command`."""
    command = typer.main.get_command(program)
    try:
        status = command.main(list(arguments), prog_name=name, standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        if hasattr(error, "format_message") and hasattr(error, "ctx"):
            raise _usage_error(error, name) from None
        raise
    if status == 130:
        raise KeyboardInterrupt
    return status if isinstance(status, int) else 0


def _usage_error(error: Any, name: str) -> InputError:
    """Say in our words what typer could not parse."""
    path = error.ctx.command_path if error.ctx else name
    option = getattr(error, "option_name", None)
    command = re.match(r"No such command '(.*?)'", error.message)
    if option and type(error).__name__ == "NoSuchOption":
        names = [name for parameter in error.ctx.command.params for name in parameter.opts]
        known = [name for name in names if name.startswith("-")]  # arguments have a name too
        return UnknownIdError(kind="option", given=option, choices=known, listing=f"{path} --help")
    if command:
        return UnknownIdError(
            kind="command",
            given=command[1],
            choices=error.ctx.command.commands,
            listing=f"{path} --help",
        )
    return InputError(f"{error.format_message().rstrip('.')}. Help: {path} --help")
