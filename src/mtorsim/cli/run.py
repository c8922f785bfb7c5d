"""``mtorsim run``: simulate, write four files, print the read-outs relative to untreated."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtorsim.cli import screen
from mtorsim.cli.options import Wish
from mtorsim.errors import InputError

if TYPE_CHECKING:
    from mtorsim.result import Result

HOURS = (0, 1, 6, 24, 72)
_AFTER_DOSE, _LONG = (1, 24, 72), 14 * 24  # h: of a body that is given drug for longer than that
_MOST_COLUMNS = 8


def run(wish: Wish, out: str, *, quiet: bool, as_json: bool) -> None:
    """Carry out the command; the folder is tried before the work."""
    if not out:  # an empty variable in a script, not the wish to write here
        raise InputError("--out: expected a folder, got nothing.")
    from mtorsim.export.run_folder import FILES, check_folder
    from mtorsim.simulation import simulate

    scenario = wish.scenario()
    check_folder(out)
    result = simulate(scenario)
    hours = _summary_times(result)
    rows = list(_rows(result, hours))
    # The table first: drawing the figure takes longer than all before it.
    if as_json:
        screen.say_json({"time_h": hours, "read_outs": [vars(row) for row in rows]})
    elif not quiet:
        screen.say(f"{scenario.in_words()}\n\n")
        _print(hours, rows)
        if _dose_hours(result) & {*hours[1:]}:
            screen.say("At the time of a dose: just before it.")
    folder = result.save(out)
    if not (quiet or as_json):
        screen.say(f"Wrote {', '.join(FILES)} to {str(folder)!r}.")


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
