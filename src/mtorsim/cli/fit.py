"""``mtorsim fit``: parameters that agree with measurements, and how well they are known."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtorsim.cli import options, screen
from mtorsim.cli.progress import keeping, progress_bar, workers_of
from mtorsim.errors import InputError

if TYPE_CHECKING:
    from mtorsim.fits import Fit

EPILOG = """Examples: [bold]mtorsim fit blots.csv --parameter 'k*phos_S6K1*'[/bold] ·
[bold]mtorsim fit blots.csv --scenario starved.yaml --parameter MCF-7.INSR --profile --out f[/bold]
· [bold]mtorsim fit --target 'EX0*' --parameter 'kdeg_IRS1*' --cross-validate[/bold]
· [bold]mtorsim fit problem.yaml --profile[/bold] (PEtab version 1: its tables say the rest).
Columns of the table: observable, time (or time_h, time_min), value, sd, unit (nM, relative, au);
scenario, cell, drug, dose, perturbations, condition, dataset, background if needed."""


def fit(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="A table of measurements (CSV), or a PEtab problem (YAML).",
            show_default=False,
        ),
    ] = None,
    scenario: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="What rows that name no scenario have in common. Default: 786-O, no drug.",
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="Published number, or several as in 'EX*'; see published/targets.csv. Repeatable.",
            show_default=False,
        ),
    ] = None,
    parameter: options.Parameter = None,
    branch: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Only parameters of this branch. Repeatable.", show_default=False
        ),
    ] = None,
    confidence: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A|B|C|D", help="Only parameters of this grade. Repeatable.", show_default=False
        ),
    ] = None,
    bound: options.Bound = None,
    no_prior: Annotated[
        bool,
        typer.Option(
            "--no-prior",
            metavar="",
            help="Do not hold parameters near the values of the models.",
            show_default=False,
        ),
    ] = False,
    loss: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="linear, soft_l1, huber or cauchy. Default: soft_l1; PEtab: its likelihood.",
            show_default=False,
        ),
    ] = None,
    loss_scale: Annotated[
        float | None,
        typer.Option(
            help="Standard deviations from which a point pulls less. Default: 2.",
            show_default=False,
        ),
    ] = None,
    starts: Annotated[int, typer.Option(help="Optimisations: the models' values, others.")] = 8,
    seed: Annotated[int, typer.Option(help="Of the starts.")] = 0,
    profile: Annotated[
        bool,
        typer.Option(
            "--profile", metavar="", help="Profile of each parameter.", show_default=False
        ),
    ] = False,
    cross_validate: Annotated[
        bool,
        typer.Option(
            "--cross-validate",
            metavar="",
            help="Predict each dataset from the others.",
            show_default=False,
        ),
    ] = False,
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="DIR", help="Folder to write.")
    ] = "fit",
    workers: options.Workers = None,
    resume: options.Resume = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Fit parameters to measurements or published numbers; no model file is changed."""
    from mtorsim import scenario_file
    from mtorsim.fits import fit as work

    if not out:
        raise InputError("--out: expected a folder, got nothing.")
    count = workers_of(workers)
    with keeping(out), progress_bar(quiet, "fitted") as progress:
        done = work(
            data,
            parameter or (),
            scenario=None if scenario is None else scenario_file.load(scenario),
            targets=target or (),
            branches=branch or (),
            confidences=confidence or (),
            bounds=options.bounds(bound),
            prior=not no_prior,
            loss=loss,
            loss_scale=loss_scale,
            starts=starts,
            seed=seed,
            profile=profile,
            cross_validate=cross_validate,
            out=out,
            workers=count,
            resume=resume,
            progress=progress,
        )
    if json:
        screen.say_json(_record(done, out))
    elif not quiet:
        _report(done, Path(out))


def _record(done: "Fit", out: str) -> dict[str, object]:
    return {
        "cost": done.cost,
        "nllh": done.nllh,
        "residuals": done.problem.count,
        "starts": done.starts.to_dict("records"),
        "same": done.same,
        "estimates": done.estimates.to_dict("records"),
        "undetermined": list(done.undetermined),
        "better_fit_along": list(done.better),
        "validation": done.validation.to_dict("records"),
        "set": done.values,
        "identity": done.identity,
        "folder": out,
    }


def _report(done: "Fit", folder: Path) -> None:
    columns = [
        screen.Column("parameter"),
        *(
            screen.Column(title, is_number=True)
            for title in ("before", "estimate", "95 % interval")
        ),
        screen.Column("unit"),
        screen.Column("from data", is_number=True),
        screen.Column("by the data"),
    ]
    rows = []
    for row in done.estimates.to_dict("records"):
        ends = (f"{row['data_low']:.3g}", f"{row['data_high']:.3g}")
        low, high = ("open" if one == "nan" else one for one in ends)
        rows.append(
            [row["parameter"], f"{row['before']:.3g}", f"{row['estimate']:.3g}", f"{low} to {high}",
             row["unit"], f"{row['from_data']:.0%}", row["status"]]
        )  # fmt: skip
    screen.say_table(columns, rows)
    count = len(done.starts)
    screen.say(
        f"\nObjective {done.cost:.4g} with {done.problem.count} data. {done.same} of {count} "
        f"{'start' if count == 1 else 'starts'} found this fit."
    )
    if done.undetermined:
        screen.say(f"Not determined by the data: {', '.join(done.undetermined)}.")
    if done.better:
        names = ", ".join(done.better)
        screen.say(f"A better fit was met along {names}: give more --starts.")
    if len(done.validation):
        _say_validation(done)
    if (nllh := done.nllh) is not None:
        screen.say(f"Negative log-likelihood, as PEtab defines it: {nllh:.6g}.")
    names = ", ".join(sorted(done.set_blocks() or ("parameters.tsv", "simulations.tsv")))
    screen.say(f"Wrote estimates, figures and {names} to {str(folder)!r}.")


def _say_validation(done: "Fit") -> None:
    screen.say("\nRoot mean square residual of each dataset [standard errors]:\n\n")
    titles = ("points", "predicted", "fitted", "before")
    columns = [screen.Column("left out"), *(screen.Column(one, is_number=True) for one in titles)]
    rows = [
        [row["dataset"], str(row["points"]),
         *(f"{row[f'rms_{name}']:.3g}" for name in titles[1:])]
        for row in done.validation.to_dict("records")
    ]  # fmt: skip
    screen.say_table(columns, rows)
    screen.say("")
