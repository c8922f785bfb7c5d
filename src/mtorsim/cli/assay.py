"""``mtorsim assay``: protocols of the laboratory, each with a table and a figure."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from mtorsim.cli import options, screen
from mtorsim.cli.options import pairs
from mtorsim.errors import InputError, shown

if TYPE_CHECKING:
    import pandas as pd

    from mtorsim.assays.record import Assay
    from mtorsim.assays.viability import TimePoint, Viability

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
    out: Out = "assay/viability",
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """ATP of cells after days at each dose: IC20, IC30, IC50 and growth-rate metrics."""
    _check_out(out)
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
    rows = [_viability_cells(one, point) for one in done for point in one.points]
    _hand_over(Comparison(tuple(done)), out, _VIABILITY, rows, quiet=quiet, as_json=json)


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
    out: Out = "assay/western",
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Blot of proteins and phosphorylated forms, lane by lane, with densitometry."""
    _check_out(out)
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
    columns = [screen.Column("over actin, to lane 1")]
    columns += [screen.Column(str(n + 1), is_number=True) for n in range(len(done.lanes))]
    rows = [
        [id, *("–" if math.isnan(value) else f"{value:.2f}" for value in values)]
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
    out: Out = "assay/combination",
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Two drugs at every pair of doses: Bliss, Loewe, Chou-Talalay."""
    _check_out(out)
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

    folder = done.save(out)
    if as_json:
        screen.say_json(_records(done.summary))
    elif not quiet:
        if before:
            screen.say("\n".join(before) + "\n\n")
        screen.say_table(columns, rows)
        screen.say("")
        screen.say(f"Wrote {', '.join(FILES)} to {str(folder)!r}.")


def _records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{round(value, 6):.3g}"
