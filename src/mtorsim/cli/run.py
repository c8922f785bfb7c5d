"""``mtorsim run``: simulate, write four files, print the read-outs relative to untreated."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtorsim.cli import screen
from mtorsim.cli.options import Wish
from mtorsim.cli.progress import progress_bar, workers_of
from mtorsim.errors import InputError

if TYPE_CHECKING:
    from mtorsim.ensembles import Ensemble
    from mtorsim.result import Result
    from mtorsim.scenario import Scenario

HOURS = (0, 1, 6, 24, 72)
_AFTER_DOSE, _LONG = (1, 24, 72), 14 * 24  # h: of a body that is given drug for longer than that
_MOST_COLUMNS = 8


def run(
    wish: Wish, out: str, *, ensemble: bool, workers: int | None, quiet: bool, as_json: bool
) -> None:
    """Carry out the command; the folder is tried before the work."""
    if not out:  # an empty variable in a script, not the wish to write here
        raise InputError("--out: expected a folder, got nothing.")
    from mtorsim.export.run_folder import ENSEMBLE, FILES, check_folder
    from mtorsim.simulation import simulate

    scenario = wish.scenario()
    check_folder(out)
    spread = _members(scenario, workers, quiet) if ensemble else None
    result = simulate(scenario) if spread is None else spread.run
    hours = _summary_times(result)
    rows = list(_rows(result, hours))
    # The table first: drawing the figure takes longer than all before it.
    if as_json:
        said = {"time_h": hours, "read_outs": [vars(row) for row in rows]}
        screen.say_json(said if spread is None else {**said, "ensemble": _bands(spread, hours)})
    elif not quiet:
        screen.say(f"{scenario.in_words()}\n\n")
        _print(hours, rows)
        if _dose_hours(result) & {*hours[1:]}:
            screen.say("At the time of a dose: just before it.")
        if spread is not None:
            _print_spread(spread, hours[-1])
    folder = (spread or result).save(out)
    if not (quiet or as_json):
        files = (*FILES, ENSEMBLE) if ensemble else FILES
        screen.say(f"Wrote {', '.join(files)} to {str(folder)!r}.")


def _members(scenario: "Scenario", workers: int | None, quiet: bool) -> "Ensemble":
    from mtorsim.ensembles import ensemble

    with progress_bar(quiet, "members simulated") as progress:
        return ensemble(scenario, workers=workers_of(workers), progress=progress)


def _bands(spread: "Ensemble", hours: list[float]) -> dict[str, Any]:
    """Return 5, 50 and 95 % of each read-out at some times, in its unit, for JSON."""
    import numpy as np

    from mtorsim.ensembles import PERCENTILES

    found = []
    for id in spread.run.ids:
        band = spread.band(id)
        at = [np.interp([60 * hour for hour in hours], spread.run.time, row) for row in band]
        named = {f"p{name}": row.tolist() for name, row in zip(PERCENTILES, at, strict=True)}
        found.append({"id": id, "unit": spread.run.units[id], **named})
    return {"members": spread.count, "failed": spread.failed, "read_outs": found}


def _print_spread(spread: "Ensemble", hour: float) -> None:
    """Print what the members of the ensemble give at the end."""
    titles = ("5 %", "median", "95 %", "this run")
    columns = [screen.Column(f"at {_time(hour)}, relative to untreated")]
    columns += [screen.Column(title, is_number=True) for title in titles]
    rows = []
    for id in spread.run.present:
        last = spread.band(id, relative=True)[:, -1].tolist()
        own = float(spread.run.column(id)[-1]) / spread.run.baseline[id]
        rows.append([id, *(_ratio(value) for value in (*last, own))])
    screen.say_table(columns, rows)
    lost = f"; {spread.failed} could not be simulated" if spread.failed else ""
    screen.say(f"\n{spread.count} parameter sets that agree with published numbers{lost}.")


@dataclass(frozen=True)
class Row:
    """One read-out of the summary: at some times, in its unit and relative to untreated."""

    id: str
    unit: str
    untreated: float
    value: list[float]
    relative: list[float | None]  # None: nothing in the untreated cell to relate to


def _summary_times(result: "Result") -> list[float]:
    """The times of the summary [h]: those within the run, and its end."""
    end = float(result.time[-1]) / 60
    doses = _dose_hours(result)
    if not doses or end <= _LONG:
        return [*(float(hour) for hour in HOURS if hour < end), end]
    early = [0.0, *(min(doses) + hour for hour in _AFTER_DOSE if min(doses) + hour < end)]
    later = [*sorted(hour for hour in doses if hour > early[-1]), end]
    stride = -(-len(later) // (_MOST_COLUMNS - len(early)))
    return [*early, *reversed(later[::-stride])]


def _dose_hours(result: "Result") -> set[float]:
    """Return when a body is given drug [h]."""
    end = result.scenario.duration
    plans = result.scenario.regimens.values()
    return {dose.time / 60 for plan in plans for dose in plan.doses(end)}


def _rows(result: "Result", hours: list[float]) -> Iterator[Row]:
    from mtorsim.steps import JUST_BEFORE

    doses = _dose_hours(result) - {0.0}
    minutes = [60 * hour - (JUST_BEFORE if hour in doses else 0.0) for hour in hours]
    for name, row in zip(result.ids, result.rows_at(minutes, result.ids), strict=True):
        untreated, value = result.baseline[name], row.tolist()
        relative = [one / untreated if name in result.present else None for one in value]
        yield Row(name, result.units[name], untreated, value, relative)


def _print(hours: list[float], rows: list[Row]) -> None:
    times = [screen.Column(_time(hour), is_number=True) for hour in hours]
    present = [row for row in rows if None not in row.relative]
    absent = [row for row in rows if None in row.relative]
    if present:
        columns = [screen.Column("relative to untreated"), *times]
        columns += [screen.Column("untreated", is_number=True), screen.Column("unit")]
        screen.say_table(columns, (_relative_cells(row) for row in present))
        screen.say("")
    if absent:
        columns = [screen.Column("none in untreated"), *times, screen.Column("unit")]
        screen.say_table(columns, (_absolute_cells(row) for row in absent))
        screen.say("")


def _time(hour: float) -> str:
    return f"{hour / 24:g} d" if hour > 72 and hour % 24 == 0 else f"{hour:g} h"


def _relative_cells(row: Row) -> list[str]:
    ratios = [_ratio(value) for value in row.relative if value is not None]
    return [row.id, *ratios, _number(row.untreated), row.unit]


def _absolute_cells(row: Row) -> list[str]:
    return [row.id, *(_number(value) for value in row.value), row.unit]


def _ratio(value: float) -> str:
    if value >= 1e4:
        return f"{value:.3g}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def _number(value: float) -> str:
    return f"{value:.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"
