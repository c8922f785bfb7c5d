"""Measured values from a user's table, or simulated ones where there is none."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtorsim.errors import InputError, UnknownIdError, shown
from mtorsim.units import duration

if TYPE_CHECKING:
    import pandas as pd

    from mtorsim.result import Result

NOISE = 0.1  # standard deviation of simulated values, relative to the largest of the read-out
_COLUMNS = ("observable", "time", "value", "sd")
_PLAIN = {"time_h": "h", "time_min": "min"}
_EXAMPLE = "observable,time,value,sd and rows such as S6K1_pT389,6 h,0.4,0.05"
_HOURS = (0, 0.25, 0.5, 1, 2, 4, 8, 12, 24, 48, 72)


@dataclass(frozen=True)
class Measurement:
    """One measured value.

    Attributes
    ----------
    observable : str
        Id of a read-out.
    time : float
        [min].
    value : float
        In the unit of the read-out, or in any if it is scaled.
    sd : float, optional
        Standard deviation of the same unit; None where it is to be estimated.
    """

    observable: str
    time: float
    value: float
    sd: float | None = None


def simulated(result: "Result") -> tuple[Measurement, ...]:
    """Return what a result says at a few times, as if it had been measured without error."""
    end = float(result.time[-1])
    times = [60.0 * hour for hour in _HOURS if 60.0 * hour <= end]
    times = times if times[-1] == end else [*times, end]
    found = []
    for id, row in zip(result.ids, result.rows_at(times, result.ids), strict=True):
        sd = NOISE * float(abs(row).max()) or 1.0  # of a read-out that is zero throughout
        found += [
            Measurement(id, time, float(value), sd) for time, value in zip(times, row, strict=True)
        ]
    return tuple(found)


def read(path: str | Path, end: float, ids: Iterable[str]) -> tuple[Measurement, ...]:
    """Return the measurements of a CSV file.

    Parameters
    ----------
    path : str or Path
        Columns ``observable``, ``time`` (with unit, such as ``6 h``; or ``time_h``, ``time_min``
        as plain numbers), ``value`` and, optionally, ``sd``.
    end : float
        End of the scenario [min].
    ids : iterable of str
        Read-outs that the model has.

    Raises
    ------
    InputError
        Naming file and line.
    """
    table = _table(Path(path))
    time = _time_column([*table.columns], path)
    known = tuple(ids)
    found = tuple(
        _measurement({**row}, time, end, known, f"{path}, line {line}")
        for line, row in enumerate(table.to_dict("records"), start=2)
        if any(text.strip() for text in row.values())
    )
    if not found:
        raise InputError(f"{path}: no measurements. Expected {_EXAMPLE}.")
    return found


def _table(path: Path) -> "pd.DataFrame":
    import pandas as pd

    try:
        table = pd.read_csv(
            path, dtype=str, keep_default_na=False, skipinitialspace=True, skip_blank_lines=False
        ).fillna("")
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}.") from None
    except ValueError as error:  # also what the parser raises, and bytes that are no UTF-8
        raise InputError(f"{path}: not a CSV table: {' '.join(str(error).split())}") from None
    table.columns = [str(name).strip() for name in table.columns]
    missing = [name for name in ("observable", "value") if name not in table.columns]
    if missing:
        raise InputError(f"{path}: no column {missing[0]!r}. Expected {_EXAMPLE}.")
    if not isinstance(table.index, pd.RangeIndex):
        raise InputError(f"{path}: rows have more fields than there are columns in the first line.")
    return table


def _time_column(columns: Sequence[str], path: str | Path) -> str:
    found = [name for name in ("time", *_PLAIN) if name in columns]
    unknown = [name for name in columns if name not in (*_COLUMNS, *_PLAIN)]
    if len(found) != 1:
        what = "no column 'time'" if not found else f"both {found[0]!r} and {found[1]!r}"
        raise InputError(f"{path}: {what}. Expected {_EXAMPLE}; or plain numbers in 'time_h'.")
    if unknown:
        raise UnknownIdError(
            kind="column", given=unknown[0], choices=(*_COLUMNS, *_PLAIN), where=str(path)
        )
    return found[0]


def _measurement(
    row: Mapping[Any, Any], time: str, end: float, ids: tuple[str, ...], where: str
) -> Measurement:
    id = row["observable"].strip()
    if id not in ids:
        raise UnknownIdError(
            kind="observable or species",
            given=id,
            choices=ids,
            where=where,
            listing="mtorsim show observables",
        )
    given = row[time].strip()
    minutes = _minutes(given if time == "time" else f"{given} {_PLAIN[time]}", where)
    if not 0 <= minutes <= end:
        raise InputError(
            f"{where}: time {given!r} is not from 0 to the end of the scenario at {end / 60:g} h. "
            "Simulate longer, such as --duration 96h."
        )
    sd = row.get("sd", "").strip()
    spread = _number(sd, "sd", where) if sd else None
    if spread is not None and spread <= 0:
        raise InputError(f"{where}: sd {sd!r} is not above zero. Leave it empty to estimate it.")
    return Measurement(id, minutes, _number(row["value"].strip(), "value", where), spread)


def _minutes(text: str, where: str) -> float:
    try:
        return duration(text, "time")
    except InputError as error:
        raise error.at(where) from None


def _number(text: str, what: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: {what} {shown(text)} is not a number.")
    return value
