"""``mtorsim sensitivity``: how much each parameter moves each read-out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtorsim.cli import options, screen
from mtorsim.cli.progress import keeping, progress_bar, workers_of
from mtorsim.errors import InputError, shown

if TYPE_CHECKING:
    from mtorsim.sensitivities import Sensitivity

_LISTED = 12  # parameters that are printed

EPILOG = """Examples: [bold]mtorsim sensitivity --observe S6K1_pT389,AKT_pS473[/bold] ·
[bold]mtorsim sensitivity --parameter 'kphos_*' --read curves --times 0h,1h,24h[/bold] ·
[bold]mtorsim sensitivity --confidence D --branch akt --method morris[/bold] ·
[bold]mtorsim sensitivity --parameter kphos_S6K1_by_mTORC1 --parameter 'kdeg_IRS1*' --method sobol
--points 512 --bound kdeg_IRS1=1e-4:1e-3 --out s --resume[/bold]"""


def sensitivity(
    scenario: options.ScenarioFile = None,
    parameter: options.Parameter = None,
    branch: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only parameters of this branch; list: mtorsim show branches. Repeatable.",
            show_default=False,
        ),
    ] = None,
    confidence: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A|B|C|D", help="Only parameters of this grade. Repeatable.", show_default=False
        ),
    ] = None,
    bound: options.Bound = None,
    method: Annotated[
        str,
        typer.Option(
            metavar="local|morris|sobol",
            help="Derivatives at the model's values; or over the ranges, screening or shares of "
            "the variance.",
        ),
    ] = "local",
    points: Annotated[
        int | None,
        typer.Option(
            help="Trajectories of morris (20); base samples of sobol (256, a power of two).",
            show_default=False,
        ),
    ] = None,
    second_order: Annotated[
        bool,
        typer.Option(
            "--second-order", metavar="", help="Pairs of parameters (sobol).", show_default=False
        ),
    ] = False,
    read: Annotated[
        str,
        typer.Option(metavar="NAME,NAME…", help="end, auc, peak, curves, time_to_peak."),
    ] = "end",
    times: Annotated[
        str | None,
        typer.Option(
            metavar="TIME,TIME…", help="Output times, e.g. 0h,1h,24h.", show_default=False
        ),
    ] = None,
    relative: Annotated[
        bool,
        typer.Option(
            "--relative",
            metavar="",
            help="Of read-outs relative to the untreated cell.",
            show_default=False,
        ),
    ] = False,
    linear: Annotated[
        bool,
        typer.Option(
            "--linear",
            metavar="",
            help="Morris and sobol of read-outs, not of their logarithms.",
            show_default=False,
        ),
    ] = False,
    cell: options.Cell = None,
    drug: options.Drug = None,
    stimulus: options.Stimulus = None,
    perturb: options.Perturb = None,
    duration: options.Duration = None,
    set_: options.Set = None,
    observe: options.Observe = None,
    species: options.Species = None,
    seed: Annotated[int, typer.Option(help="Of design and bootstrap.")] = 0,
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="DIR", help="Folder to write.")
    ] = "sensitivity",
    workers: options.Workers = None,
    resume: options.Resume = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Say how much each parameter moves each read-out, near its value or over its range."""
    from mtorsim.sensitivities.carry_out import analysed, request

    if not out:
        raise InputError("--out: expected a folder, got nothing.")
    wish = options.Wish(scenario, cell, drug, stimulus, perturb, duration, set_, observe, species)
    count = workers_of(workers)
    asked = request(
        wish.scenario(),
        parameter or (),
        method=method,
        branches=branch or (),
        confidences=confidence or (),
        bounds=options.bounds(bound),
        read=_listed("--read", read),
        times=None if times is None else _listed("--times", times),
        points=points,
        seed=seed,
        second_order=second_order,
        relative=relative,
        linear=linear,
    )
    with keeping(out), progress_bar(quiet, "simulated") as progress:
        done = analysed(asked, out, workers=count, resume=resume, progress=progress)
    _report(done, Path(out), quiet=quiet, as_json=json)
    if done.sweep.failed:
        raise typer.Exit(1)


def _listed(option: str, text: str) -> list[str]:
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise InputError(f"{option}: expected names separated by commas, got {shown(text)}.")
    return names


def _report(done: "Sensitivity", folder: Path, *, quiet: bool, as_json: bool) -> None:
    if as_json:
        screen.say_json(_record(done, folder))
    elif not quiet:
        for reading in dict.fromkeys(done.table["reading"]) if len(done.table) else ():
            _say_reading(done, str(reading))
        _say_doubts(done)
        screen.say(f"{done.sweep.count} simulations. Wrote tables and figures to {str(folder)!r}.")
    if done.sweep.failed:
        screen.complain(
            f"error: {done.sweep.failed} of {done.sweep.count} simulations failed: see "
            f"failures.csv in {str(folder / 'points')!r}.",
            False,
        )


def _record(done: "Sensitivity", folder: Path) -> dict[str, Any]:
    return {
        **done.provenance,
        "table": done.table.to_dict("records"),
        "pairs": done.pairs.to_dict("records"),
        "left_out": done.left_out.to_dict("records"),
        "folder": str(folder),
    }


def _say_reading(done: "Sensitivity", reading: str) -> None:
    """Print the parameters that matter most, with the observable that each moves most."""
    wide, ranking = done.matrix(reading), done.ranking(reading)
    rows = []
    known = {one.id: one for one in done.parameters}
    for id in ranking.index[:_LISTED]:
        mine = wide.loc[id]
        most = mine.abs().idxmax()
        one = known[id]
        rows.append(
            [id, f"{mine[most]:.3g}", str(most), one.confidence, f"{one.low:.3g}-{one.high:.3g}"]
        )
    screen.say(f"{reading}: the largest {_NAME[done.method]}\n\n")
    columns = [
        screen.Column("parameter"),
        screen.Column(done.index, is_number=True),
        screen.Column("of"),
        screen.Column("confidence"),
        screen.Column("range", is_number=True),
    ]
    screen.say_table(columns if done.method != "local" else columns[:4], [
        row if done.method != "local" else row[:4] for row in rows
    ])  # fmt: skip
    screen.say("")


_NAME = {
    "local": "d ln read-out / d ln parameter",
    "morris": "mean absolute effects over the ranges (mu_star)",
    "sobol": "total shares of the variance over the ranges (ST)",
}


def _say_doubts(done: "Sensitivity") -> None:
    """Print what is not certain: unresolved steps, intervals with zero, what was left out."""
    count = len(done.table)
    if done.method == "local" and count:
        bad = int((~done.table["is_resolved"].astype(bool)).sum())
        if bad:
            screen.say(f"{bad} of {count} changed when the step was halved: see is_resolved.")
    elif count:
        zero = int(done.table["is_zero"].astype(bool).sum())
        screen.say(f"{zero} of {count} have a 95 % interval that includes zero: see is_zero.")
    if done.lost:
        screen.say(f"{done.lost} blocks of samples were left out: a simulation failed in each.")
    if len(done.left_out):
        names = ", ".join(dict.fromkeys(done.left_out["observable"]))
        screen.say(f"No index for {names}: see left_out.csv.")
