"""``mtorsim qualify``: the models beside everything that was published and is checked."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtorsim.cli import options, screen
from mtorsim.cli.progress import progress_bar, said_time, workers_of
from mtorsim.errors import InputError

if TYPE_CHECKING:
    from mtorsim.qualification.report import Report
    from mtorsim.qualification.rows import Row
    from mtorsim.targets import Target

EPILOG = """Examples: [bold]mtorsim qualify[/bold] ·
[bold]mtorsim qualify --only pharmacokinetics --only B12[/bold] ·
[bold]mtorsim qualify --targets my.csv --only own[/bold] ·
[bold]mtorsim qualify --strict[/bold]
The format of a table: published/README.md."""

_FEW = 60  # rows that are all printed


def qualify(
    targets: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Table of published numbers (CSV) beside the one that comes with mtorsim.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GROUP|ID",
            help="Only this group, row or behaviour, e.g. signalling, TC05, B5. Repeatable.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="DIR", help="Folder to write.")
    ] = "qualification",
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Verdicts as they were accepted. Default: those that come with mtorsim.",
            show_default=False,
        ),
    ] = None,
    update_baseline: Annotated[
        bool,
        typer.Option(
            "--update-baseline",
            metavar="",
            help="Write the verdicts to the --baseline file.",
            show_default=False,
        ),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            metavar="",
            help="End with status 1 when a row that passed in the baseline passes no more, or "
            "tighter tolerances move a read-out by more than 0.1 %.",
            show_default=False,
        ),
    ] = False,
    ensemble: options.Ensemble = False,
    workers: options.Workers = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Simulate every published number and behaviour; report what passes, what is missed and why."""
    if not out:
        raise InputError("--out: expected a folder, got nothing.")
    count, before = workers_of(workers), _before(baseline, only, update_baseline, strict)
    from mtorsim.export.qualification_folder import FILES, check_folder
    from mtorsim.qualification.carry_out import qualify as work

    check_folder(out)
    listed = _listed(targets)
    with progress_bar(quiet, "numbers") as progress:
        report = work(listed, only=only or (), workers=count, ensemble=ensemble, progress=progress)
    folder = report.save(out)
    if update_baseline and baseline is not None:
        _update(baseline, report)
    if json:
        screen.say_json(report.to_dataframe().to_dict("records"))
    elif not quiet:
        _print(report)
        screen.say(f"Wrote {', '.join(FILES)} to {str(folder)!r}.")
    if strict and (faults := _faults(report, before)):
        screen.complain(f"error: {faults}", is_debugging=False)
        raise typer.Exit(1)


# --- options --------------------------------------------------------------------------------------


def _before(
    baseline: str | None, only: Sequence[str] | None, is_new: bool, is_strict: bool
) -> dict[str, str]:
    """Return the verdicts to compare with, read before the work."""
    from mtorsim.export.files import check_file_target
    from mtorsim.qualification.baseline import read_baseline

    if is_new and baseline is None:
        raise InputError("--update-baseline: expected --baseline FILE, which it writes.")
    if is_new and only:
        raise InputError("--update-baseline: --only leaves rows out. Expected one of both.")
    if is_new and baseline is not None:
        check_file_target(baseline)
        if not (is_strict and Path(baseline).exists()):
            return {}
    return read_baseline(baseline) if is_strict else {}


def _listed(path: str | None) -> "list[Target]":
    from mtorsim.targets import load

    shipped = load()
    if path is None:
        return shipped
    own = load(path)
    known = {one.id for one in shipped}
    for one in own:
        if one.id in known:
            raise InputError(f"{path}: id {one.id!r} is there already. Expected one of your own.")
    return [*own, *shipped]


def _update(path: str, report: "Report") -> None:
    from mtorsim.export.files import write_file
    from mtorsim.qualification.baseline import written_baseline

    write_file(path, written_baseline(report.rows))


def _faults(report: "Report", before: dict[str, str]) -> str:
    from mtorsim.qualification.baseline import lost

    ids = lost(report.rows, before, whole=report.is_whole)
    found = []
    if ids:
        shown = ", ".join(ids[:5]) + (" …" if len(ids) > 5 else "")
        found.append(f"{len(ids)} passed before and pass no more: {shown}.")
    if report.moved:
        moved = ", ".join(one.id for one in report.moved[:5])
        found.append(f"Tighter tolerances move {len(report.moved)} by more than 0.1 %: {moved}.")
    return " ".join(found)


# --- what is printed ------------------------------------------------------------------------------


def _print(report: "Report") -> None:
    if len(report.rows) <= _FEW:
        _print_rows("All numbers", report.rows)
    elif report.misses:
        _print_rows("Not within the published range", report.misses)
    columns = [screen.Column("group"), screen.Column("kind")]
    columns += [screen.Column(one, is_number=True) for one in ("pass", "near", "miss", "failed")]
    screen.say_table(columns, (_score_cells(one) for one in report.scores))
    screen.say("")
    for line in _summary(report):
        screen.say(line)


def _print_rows(title: str, rows: Iterable["Row"]) -> None:
    columns = [
        screen.Column(title),
        screen.Column("quantity"),
        screen.Column("published"),
        screen.Column("model", is_number=True),
        screen.Column("unit"),
        screen.Column("kind"),
        screen.Column("verdict"),
    ]
    screen.say_table(columns, (_cells(row) for row in rows))
    screen.say("")


def _cells(row: "Row") -> list[str]:
    model = _reached(row.model)
    if row.spread is not None:
        model += f" ({_reached(row.spread.low)}–{_reached(row.spread.high)})"
    return [
        *((row.id, row.what) if row.is_published else (row.group, row.what)),
        row.published,
        "" if row.verdict == "failed" else model,
        "" if row.unit == "1" else row.unit,
        row.words,
        row.verdict,
    ]


def _reached(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "not reached"


def _score_cells(one: Any) -> list[str]:
    numbers = (one.passed, one.near, one.missed, one.failed)
    return [one.group, one.words, *(str(number or "") for number in numbers)]


def _summary(report: "Report") -> list[str]:
    lines = [*report.totals, *report.spread_totals]
    if report.unexplained:
        lines.append(f"Not explained: {', '.join(row.id for row in report.unexplained[:5])}.")
    if report.changes:
        worst = max(one.share for one in report.changes)
        lines.append(
            f"Tolerances a hundredfold tighter: {len(report.moved)} of {len(report.changes)} "
            f"read-outs move by more than 0.1 %; the largest change is {100 * worst:.2g} %."
        )
    lines.append(f"{len(report.rows)} numbers in {said_time(report.seconds)}.")
    return lines
