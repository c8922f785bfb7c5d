"""``mtorsim assay``: protocols of the laboratory, each with a table and a figure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import typer

from mtorsim.cli import options, screen
from mtorsim.cli.options import pairs
from mtorsim.cli.progress import progress_bar, workers_of
from mtorsim.errors import InputError, shown

if TYPE_CHECKING:
    import pandas as pd

    from mtorsim.assays.combination import Combination
    from mtorsim.assays.record import Assay
    from mtorsim.assays.viability import TimePoint, Viability
    from mtorsim.assays.western import Western

assay = typer.Typer(
    help="Laboratory protocols: viability curves, Western blots, combinations of two drugs.",
    rich_markup_mode="rich",
)

Cells: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--cell", metavar="NAME", help="Cell line; list: mtorsim show cells. Repeatable."),
]
DrugNames: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--drug", metavar="NAME", help="Drug; list: mtorsim show drugs. Repeatable."),
]
Doses: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="DOSE,DOSE…",
        help="E.g. 0.1nM,1nM,10nM,100nM, or lowest:highest:number as 0.1nM:100nM:7. "
        "Default: by mechanism.",
        show_default=False,
    ),
]
With: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="NAME=DOSE",
        help="Drug that all wells get, untreated ones too. Repeatable.",
    ),
]
Seed: TypeAlias = Annotated[int, typer.Option(help="Of the noise: a whole number, zero or more.")]
Out: TypeAlias = Annotated[str, typer.Option("--out", "-o", metavar="DIR", help="Folder to write.")]

# Written out, since what knows them takes a second to import; a test compares.
_TARGETS = (
    "IRS1_pY, IRS1_pS636, IRS1_total, AKT_pT308, AKT_pS473, AKT_total, TSC2_pT1462, TSC2_total, "
    "PRAS40_pT246, PRAS40_total, S6K1_pT389, S6K1_total, S6_pS235, S6_pS240, EIF4EBP1_pT37, "
    "EIF4EBP1_pS65, EIF4EBP1_total, HIF1A, HIF2A, REDD1, CCND1, MYC"
)


@assay.callback(invoke_without_command=True)
def _protocols(context: typer.Context) -> None:
    """Carry out a protocol of the laboratory."""
    if context.invoked_subcommand is None:
        names = [entry.callback.__name__ for entry in assay.registered_commands if entry.callback]
        raise InputError(f"assay which? One of: {', '.join(names)}.")


@assay.command()
def viability(
    cell: Cells = None,
    drug: DrugNames = None,
    doses: Doses = None,
    times: Annotated[
        str, typer.Option(metavar="TIME,TIME…", help="When wells are read.")
    ] = "24h,48h,72h,96h",
    perturb: options.Perturb = None,
    with_: With = None,
    set_: options.Set = None,
    replicates: Annotated[
        int, typer.Option(help="Noisy wells a dose; 0: the simulation itself.")
    ] = 0,
    noise: Annotated[float, typer.Option(help="Coefficient of variation of a reading.")] = 0.05,
    seed: Seed = 0,
    ensemble: options.Ensemble = False,
    workers: options.Workers = None,
    out: Out = "assay/viability",
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """ATP of cells after days at each dose: IC20, IC30, IC50 and growth-rate metrics."""
    _check_out(out)
    _check_workers(ensemble, workers)
    from mtorsim.assays.conditions import settings_in
    from mtorsim.assays.viability import Comparison
    from mtorsim.assays.viability import viability as measure
    from mtorsim.scenario import Scenario

    names = _once("--drug", _names(drug, ("temsirolimus",)), "temsirolimus")
    settings = pairs("--set", set_, "0.3")

    def scenario(cell: str, drug: str) -> Scenario:
        # Of several drugs each has constants that only its own wells know.
        return Scenario(cell=cell, drugs={drug: "1 nM"}, perturbations=perturb or (), set=settings)

    done = [
        measure(
            cell=one,
            drug=other,
            doses=doses,
            times=times,
            perturbations=perturb or (),
            with_drugs=pairs("--with", with_, "20nM"),
            set=settings_in(scenario(one, other), names),
            replicates=replicates,
            noise=noise,
            seed=seed,
        )
        for one in _once("--cell", cell, "786-O")
        for other in names
    ]
    if ensemble:
        done = [_with_members(one, workers, quiet) for one in done]
    rows = [_viability_cells(one, point) for one in done for point in one.points]
    compared = Comparison(tuple(done))
    _hand_over(compared, out, _VIABILITY, rows, quiet=quiet, as_json=json)
    if ensemble and not (quiet or json):
        _print_bands(compared)


@assay.command()
def western(
    cell: Cells = None,
    drug: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=DOSE,DOSE…",
            help="Lanes of a drug, beside an untreated one. Repeatable. "
            "Default: temsirolimus=1nM,10nM,100nM.",
            show_default=False,
        ),
    ] = None,
    times: Annotated[str, typer.Option(metavar="TIME,TIME…", help="When cells are lysed.")] = "24h",
    targets: Annotated[
        str | None,
        typer.Option(metavar="ID,ID…", help=f"What is blotted, beside actin: {_TARGETS}."),
    ] = None,
    stimulus: options.Stimulus = None,
    perturb: options.Perturb = None,
    with_: With = None,
    set_: options.Set = None,
    loading_error: Annotated[
        float, typer.Option(help="Coefficient of variation of the lysate in a lane.")
    ] = 0.0,
    seed: Seed = 0,
    ensemble: options.Ensemble = False,
    workers: options.Workers = None,
    out: Out = "assay/western",
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Blot of proteins and phosphorylated forms, lane by lane, with densitometry."""
    _check_out(out)
    _check_workers(ensemble, workers)
    from mtorsim.assays.western import SERIES
    from mtorsim.assays.western import western as measure

    done = measure(
        cell=_once("--cell", cell, "786-O"),
        drugs=_lane_doses(drug) or SERIES,
        times=times,
        perturbations=perturb or (),
        stimuli=pairs("--stimulus", stimulus, "10nM"),
        with_drugs=pairs("--with", with_, "20nM"),
        set=pairs("--set", set_, "0.3"),
        targets=None if targets is None else [id.strip() for id in targets.split(",")],
        loading_error=loading_error,
        seed=seed,
    )
    if ensemble:
        done = _with_members(done, workers, quiet)
    columns = [screen.Column("over actin, to lane 1")]
    columns += [screen.Column(str(n + 1), is_number=True) for n in range(len(done.lanes))]
    ranges = _ranges(done)
    rows = [
        [
            id,
            *(
                "–" if math.isnan(value) else f"{value:.2f}{ranges.get((id, lane), '')}"
                for lane, value in enumerate(values, start=1)
            ),
        ]
        for id, values in zip(done.targets, done.normalised.tolist(), strict=True)
    ]
    lanes = [f"lane {n}: {lane.in_words()}" for n, lane in enumerate(done.lanes, start=1)]
    _hand_over(done, out, columns, rows, quiet=quiet, as_json=json, before=lanes)


@assay.command()
def combination(
    cell: options.Cell = None,
    drug: DrugNames = None,
    doses: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DOSE,DOSE…",
            help="As for viability; once for both drugs, or twice in their order.",
        ),
    ] = None,
    time: Annotated[str, typer.Option(metavar="TIME", help="When wells are read.")] = "72h",
    readout: Annotated[
        str,
        typer.Option(metavar="ID", help="viability (ATP of the well), or an observable."),
    ] = "viability",
    perturb: options.Perturb = None,
    with_: With = None,
    set_: options.Set = None,
    ensemble: options.Ensemble = False,
    workers: options.Workers = None,
    out: Out = "assay/combination",
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Two drugs at every pair of doses: Bliss, Loewe, Chou-Talalay."""
    _check_out(out)
    _check_workers(ensemble, workers)
    from mtorsim.assays.combination import combination as measure

    given: list[str | None] = [*doses] if doses else [None]
    names = _names(drug, ("temsirolimus", "Ku-0063794"))
    _check_two(names, given)
    done = measure(
        cell=cell or "786-O",
        drugs=names,
        doses=given * 2 if len(given) == 1 else given,
        time=time,
        readout=readout,
        perturbations=perturb or (),
        with_drugs=pairs("--with", with_, "20nM"),
        set=pairs("--set", set_, "0.3"),
    )
    if ensemble:
        done = _with_members(done, workers, quiet)
    columns = [screen.Column("measure"), screen.Column("value", is_number=True)]
    columns += [screen.Column("unit"), screen.Column("note")]
    rows = [
        [
            row["measure"],
            _number(row["value"]),
            "" if row["unit"] == "1" else row["unit"],
            row["flag"],
        ]
        for row in done.summary.to_dict("records")
    ]
    _hand_over(done, out, columns, rows, quiet=quiet, as_json=json)


# --- options --------------------------------------------------------------------------------------


def _check_out(out: str) -> None:
    """Try the folder before the work."""
    if not out:
        raise InputError("--out: expected a folder, got nothing.")
    from mtorsim.export.assay_folder import check_folder

    check_folder(out)


def _once(option: str, given: Iterable[str] | None, usual: str) -> list[str]:
    names = list(given or [usual])
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{option}: {name!r} is given twice.")
    return names


def _names(given: Sequence[str] | None, usual: Sequence[str]) -> list[str]:
    names = list(given or usual)
    for name in names:
        if "=" in name:
            raise InputError(
                f"--drug {shown(name)}: expected a name alone, such as "
                f"--drug {name.partition('=')[0].strip()}; doses go to --doses."
            )
    return names


_Kind = TypeVar("_Kind", "Viability", "Western", "Combination")


def _with_members(done: _Kind, workers: int | None, quiet: bool) -> _Kind:
    """Return an assay with what the members of the ensemble give."""
    with progress_bar(quiet, "simulated with members") as progress:
        return done.with_ensemble(workers_of(workers), progress)


def _check_workers(ensemble: bool, workers: int | None) -> None:
    if workers is not None and not ensemble:
        raise InputError("--workers goes with --ensemble: an assay alone is one process.")


def _print_bands(done: "Assay") -> None:
    """Print the IC values of the members of the ensemble."""
    table = done.ensemble
    assert table is not None
    rows = table[table["quantity"].str.startswith("IC")].to_dict("records")
    columns = [screen.Column("cell"), screen.Column("drug"), screen.Column("time"),
               screen.Column("members"), *(screen.Column(one, is_number=True) for one in
               ("5 % [nM]", "median [nM]", "95 % [nM]", "below", "above the doses"))]  # fmt: skip
    screen.say("")
    screen.say_table(columns, (_band_cells(row) for row in rows))


def _band_cells(row: "Mapping[Any, Any]") -> list[str]:
    ends = ["–" if math.isnan(row[one]) else f"{row[one]:.3g}" for one in ("p5", "p50", "p95")]
    beyond = [f"{row[one]:.0f}" for one in ("members_below", "members_above")]
    what = row["quantity"].removesuffix("_nM")
    return [row["cell"], row["drug"], f"{row['time_h']:g} h", what, *ends, *beyond]


def _ranges(done: "Western") -> dict[tuple[str, int], str]:
    """Return target and lane -> 5 to 95 % of the ensemble, as it is printed."""
    if done.ensemble is None:
        return {}
    rows = done.ensemble.to_dict("records")
    return {(row["target"], row["lane"]): f" ({row['p5']:.2f}–{row['p95']:.2f})" for row in rows}


def _check_two(names: Sequence[str], doses: Sequence[str | None]) -> None:
    if len(names) != 2:
        raise InputError(
            f"--drug: {len(names)} given. Expected two, such as "
            "--drug temsirolimus --drug Ku-0063794."
        )
    if len(doses) > 2:
        raise InputError(
            f"--doses: {len(doses)} given. Expected one for both drugs, or two in their order."
        )


def _lane_doses(given: Sequence[str] | None) -> dict[str, str]:
    """Return drug -> doses; a drug given several times has its doses joined."""
    found: dict[str, str] = {}
    for text in given or ():
        for name, doses in pairs("--drug", [text], "1nM,10nM").items():
            found[name] = f"{found[name]},{doses}" if name in found else doses
    return found


# --- what is printed ------------------------------------------------------------------------------

_VIABILITY = [
    *(screen.Column(title) for title in ("cell", "drug")),
    screen.Column("time", is_number=True),
    *(screen.Column(title) for title in ("IC20", "IC30", "IC50")),
    *(screen.Column(title, is_number=True) for title in ("Emax", "r²")),
    screen.Column("GR50"),
    *(screen.Column(title, is_number=True) for title in ("GRmax", "GR_AOC")),
]


def _viability_cells(assay: "Viability", point: "TimePoint") -> list[str]:
    from mtorsim.assays.dose_response import fixed

    growth = point.growth
    return [
        assay.cell,
        assay.drug,
        f"{point.time / 60:g} h",
        *(str(point.fit.ic(level)) for level in (20, 30, 50)),
        f"{point.e_max:.0f} %",
        f"{point.fit.r_squared:.3f}",
        "untreated cells do not grow" if growth is None else str(growth.gr50),
        "" if growth is None else fixed(growth.gr_max),
        "" if growth is None else fixed(growth.gr_aoc),
    ]


def _hand_over(
    done: "Assay",
    out: str,
    columns: Sequence[screen.Column],
    rows: Sequence[Sequence[str]],
    *,
    quiet: bool,
    as_json: bool,
    before: Sequence[str] = (),
) -> None:
    """Save an assay and print its summary."""
    from mtorsim.export.assay_folder import FILES
    from mtorsim.export.run_folder import ENSEMBLE

    folder = done.save(out)
    if as_json:
        summary = _records(done.summary)
        if done.ensemble is None:
            screen.say_json(summary)
        else:
            screen.say_json({"summary": summary, "ensemble": _records(done.ensemble)})
    elif not quiet:
        if before:
            screen.say("\n".join(before) + "\n\n")
        screen.say_table(columns, rows)
        screen.say("")
        files: tuple[str, ...] = FILES
        if done.ensemble is not None:
            files = (*FILES, ENSEMBLE)
            count = int(done.ensemble["members"].max())
            screen.say(f"Ensemble: {count} parameter sets that agree with published numbers.")
        screen.say(f"Wrote {', '.join(files)} to {str(folder)!r}.")


def _records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{round(value, 6):.3g}"
