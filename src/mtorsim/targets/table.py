"""Tables of published numbers: CSV in, `Target`s out. published/README.md describes the columns."""

import csv
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from mtorsim.document import unknown_key
from mtorsim.errors import InputError, closest, either, shown
from mtorsim.paths import published_path
from mtorsim.targets.readings import Reading
from mtorsim.targets.target import (
    CONFIDENCES,
    PROVENANCES,
    SCALES,
    SIMULATED,
    USES,
    Target,
)
from mtorsim.targets.words import mapping, reading
from mtorsim.units import quantity

NEEDED = ("id", "quantity", "value", "low", "high", "unit", "scenario", "read", "citation")
USUAL: Mapping[str, str] = {
    "group": "own",
    "scale": "linear",
    "use": "predicted",
    "fit": "",
    "condition": "",
    "provenance": "found",
    "confidence": "medium",
    "doi": "",
    "place": "",
    "remark": "",
}
"""Column that may be left out -> what stands in its fields then."""

COLUMNS = ("id", "group", "quantity", "value", "low", "high", "unit", "scale", "use", "fit",
           "condition", "scenario", "read", "provenance", "confidence", "citation", "doi", "place",
           "remark")  # fmt: skip
POINTS = "timecourses.csv"
_LARGEST = 10_000_000  # bytes


def load(path: str | Path | None = None) -> list[Target]:
    """Read a table of published numbers.

    Parameters
    ----------
    path : str or Path, optional
        A CSV file with the columns that published/README.md describes; published curves are read
        from ``timecourses.csv`` beside it. Default: the table that comes with mtorsim.

    Returns
    -------
    list of Target
        In the order of the file.

    Raises
    ------
    InputError
        For a file that cannot be read, a column that is missing or unknown, an id that is there
        twice, or a field that is not as it should be; the message begins with file and line.
    """
    file = published_path("targets.csv") if path is None else Path(path)
    name = file.name if path is None else str(path)
    found: dict[str, Target] = {}
    for line, row in _rows(file, name):
        target = _target(row, file.with_name(POINTS), f"{name}, line {line}")
        if target.id in found:
            raise InputError(f"{name}, line {line}: id {target.id!r} is there already.")
        found[target.id] = target
    if not found:
        raise InputError(f"{name}: no rows. Expected one for each published number.")
    return list(found.values())


def _rows(file: Path, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        if file.stat().st_size > _LARGEST:
            raise InputError(f"{name} is longer than 10 MB. Expected a table of published numbers.")
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            _check_columns(reader.fieldnames, name)
            for row in reader:
                yield reader.line_num, _whole(row, f"{name}, line {reader.line_num}")
    except FileNotFoundError:
        raise InputError(f"no file {name!r}.") from None
    except OSError as error:
        raise InputError(f"cannot read {name!r}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{name} is not UTF-8 text.") from None
    except csv.Error as error:
        raise InputError(f"{name}: not CSV: {error}.") from None


def _check_columns(given: object, name: str) -> None:
    columns = list(given) if isinstance(given, list) else []
    for column in columns:
        if column not in COLUMNS:
            raise InputError(f"{name}, line 1: {unknown_key(column, COLUMNS)}")
        if columns.count(column) > 1:
            raise InputError(f"{name}, line 1: column {column!r} is there twice.")
    for column in NEEDED:
        if column not in columns:
            raise InputError(f"{name}, line 1: column {column!r} is missing.")


def _whole(row: Mapping[str | None, object], where: str) -> dict[str, str]:
    if None in row or None in row.values():
        raise InputError(f"{where}: {'more' if None in row else 'fewer'} fields than columns.")
    given = {str(key): str(value).strip() for key, value in row.items()}
    return {**USUAL, **{key: value for key, value in given.items() if value or key in NEEDED}}


def _target(row: Mapping[str, str], points: Path, where: str) -> Target:
    for key in ("id", "quantity", "citation"):
        if not row[key]:
            raise InputError(f"{where}: {key} is blank.")
    use = _choice(row, "use", USES, where)
    reading = _reading(row, points, where) if use in SIMULATED or row["read"] else None
    value = _number(row["value"], math.nan, f"{where}, value")
    low = _number(row["low"], -math.inf, f"{where}, low")
    high = _number(row["high"], math.inf, f"{where}, high")
    _check_range(reading, (value, low, high), where)
    _check_unit(reading, row["unit"], where)
    return Target(
        value=value,
        low=low,
        high=high,
        use=use,
        reading=reading,
        scale=_choice(row, "scale", SCALES, where),
        provenance=_choice(row, "provenance", PROVENANCES, where),
        confidence=_choice(row, "confidence", CONFIDENCES, where),
        **{key: row[key] for key in ("id", "group", "quantity", "unit", "fit", "condition",
                                     "citation", "doi", "place", "remark")},
    )  # fmt: skip


def _choice(row: Mapping[str, str], key: str, choices: tuple[str, ...], where: str) -> str:
    if row[key] not in choices:
        near = closest(row[key], choices)
        hint = f" Closest: {either(near)}." if near else ""
        raise InputError(f"{where}, {key}: {shown(row[key])} is not {either(choices)}.{hint}")
    return row[key]


def _reading(row: Mapping[str, str], points: Path, where: str) -> Reading:
    parts = {}
    for key in ("scenario", "read"):
        if not row[key]:
            raise InputError(f"{where}: {key} is blank, and the row is {row['use']!r}.")
        parts[key] = mapping(row[key], f"{where}, {key}")
    return reading(parts["scenario"], parts["read"], points, where)


def _number(text: str, usual: float, where: str) -> float:
    if not text:
        return usual
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: {shown(text)} is not a number. Leave it blank for none.")
    return value


def _check_range(reading: Reading | None, numbers: tuple[float, float, float], where: str) -> None:
    value, low, high = numbers
    if reading is not None and not (math.isfinite(low) or math.isfinite(high)):
        raise InputError(f"{where}: neither low nor high is given, so nothing can be missed.")
    if low > high or value < low or value > high:
        raise InputError(f"{where}: expected low <= value <= high, got {low}, {value}, {high}.")


def _check_unit(reading: Reading | None, unit: str, where: str) -> None:
    if reading is None:
        return
    try:
        own = reading.unit
    except InputError as error:  # what is read is not there
        raise error.at(where) from None
    if own == "1":
        return
    if own in ("min", "nM"):
        quantity(f"1 {unit}", own, f"{where}, unit")
    elif unit != own:
        raise InputError(f"{where}, unit: {shown(unit)} given, and what is read is in {own!r}.")
