"""Measurements: a user's table, each row checked, turned into conditions and series."""

import csv
import hashlib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtorsim import scenario_file
from mtorsim.compile import compile_scenario
from mtorsim.errors import InputError, ScenarioError, UnknownIdError, shown, within
from mtorsim.scenario import Scenario
from mtorsim.steps import Floats
from mtorsim.symbols import symbols
from mtorsim.targets import Dish
from mtorsim.targets.points import BACKGROUNDS, scale_factors
from mtorsim.units import decimal, duration, exact_time, parameter

REQUIRED = ("observable", "value", "sd", "unit")
TIMES = ("time", "time_h", "time_min")
OPTIONAL = (
    *("scenario", "condition", "dataset", "cell", "drug", "dose", "perturbations"),
    "background",
)

ARBITRARY, RELATIVE = "au", "relative"
"""Units of a value beside those of models: one scale for each series, or over untreated."""

_MOST_ROWS = 100_000
_MOST_COLUMNS = 100
_LONGEST = 100_000_000  # bytes
_MINUTES = {"time_h": 60.0, "time_min": 1.0}


@dataclass(frozen=True)
class Point:
    """One measurement.

    Attributes
    ----------
    scenario : Scenario
        What was done, for as long as it is measured.
    condition : str
        What it is called.
    observable : str
    time : float
        [min].
    value, sd : float
        In `unit`; the standard deviation is above zero.
    unit : str
        The model unit of the observable, ``"relative"`` (to the untreated cell) or ``"au"``.
    dataset : str
        What was measured together: values in arbitrary units share a scale within it.
    background : str
        Of arbitrary units, one of `targets.points.BACKGROUNDS`.
    """

    scenario: Scenario
    condition: str
    observable: str
    time: float
    value: float
    sd: float
    unit: str
    dataset: str
    background: str = "none"

    @property
    def series(self) -> tuple[str, str]:
        """What shares a scale and a place in a figure: dataset and observable."""
        return self.dataset, self.observable


@dataclass(frozen=True)
class Data:
    """Measurements, in the order of their table."""

    points: tuple[Point, ...]

    @cached_property
    def dishes(self) -> tuple[Dish, ...]:
        """What is simulated: each condition once, with everything that is read of it."""
        found: dict[str, list[Point]] = {}
        for one in self.points:
            found.setdefault(_key(one.scenario), []).append(one)
        return tuple(map(_dish, found.values()))

    @cached_property
    def places(self) -> tuple[int, ...]:
        """For each point the place of its dish in `dishes`."""
        keys = {_key(one.scenario): place for place, one in enumerate(self.dishes)}
        return tuple(keys[_key(one.scenario)] for one in self.points)

    @cached_property
    def values(self) -> Floats:
        """Values, shape (n,)."""
        return np.array([one.value for one in self.points])

    @cached_property
    def errors(self) -> Floats:
        """Standard deviations, shape (n,)."""
        return np.array([one.sd for one in self.points])

    @cached_property
    def times(self) -> Floats:
        """Times [min], shape (n,)."""
        return np.array([one.time for one in self.points])

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of what was measured together."""
        return tuple(dict.fromkeys(one.dataset for one in self.points))

    def without(self, dataset: str) -> "Data":
        """Return the data but for one dataset."""
        return Data(tuple(one for one in self.points if one.dataset != dataset))

    def of(self, dataset: str) -> "Data":
        """Return one dataset."""
        return Data(tuple(one for one in self.points if one.dataset == dataset))

    def to_dataframe(self) -> pd.DataFrame:
        """Return dataset, condition, observable, time_min, value, sd, unit."""
        names = ("dataset", "condition", "observable", "time", "value", "sd", "unit")
        rows = [[getattr(one, name) for name in names] for one in self.points]
        return pd.DataFrame(rows, columns=[f"{n}_min" if n == "time" else n for n in names])

    @property
    def sha256(self) -> str:
        """Hash of all that the measurements say."""
        text = repr([(one.scenario.to_dict(), *vars(one).values()) for one in self.points])
        return hashlib.sha256(text.encode()).hexdigest()


NO_DATA = Data(())
"""For a fit to published numbers alone."""


def read(source: str | Path | pd.DataFrame, base: Scenario | None = None) -> Data:
    """Return the measurements of a table.

    Parameters
    ----------
    source : str, Path or DataFrame
        A CSV file. Columns: observable; time (``"24 h"``), time_h or time_min; value; sd; unit
        (that of the observable, such as nM, or ``relative`` to the untreated cell, or ``au``:
        arbitrary). May have: scenario (a file, beside the table), cell, drug and dose (several
        joined by +), perturbations (joined by +), condition (its name), dataset (what was
        measured together), background (of arbitrary units: none, added, subtracted).
    base : Scenario, optional
        What the rows have in common where they name no scenario; default: 786-O without a drug.

    Raises
    ------
    InputError
        For anything that is not as it should be; the message names file and line.
    """
    is_table = isinstance(source, pd.DataFrame)
    name = "data" if is_table else str(source)
    table = source if isinstance(source, pd.DataFrame) else _table(Path(source))
    folder = Path() if is_table else Path(str(source)).parent
    _check_columns(table, name)
    reader = _Reader(base or Scenario(), folder)
    points: dict[str, Point] = {}
    for place, row in enumerate(table.to_dict("records")):
        cells = {str(key): _cell(one) for key, one in row.items()}
        if not any(cells.values()):
            continue
        where = f"{name}, {'row' if is_table else 'line'} {place + 2 - is_table}"
        try:
            points[where] = reader.point(cells)
        except InputError as error:
            raise error.at(where) from None
    if not points:
        raise ScenarioError(f"{name}: no measurement in it.")
    _check_series(points)
    return Data(tuple(points.values()))


def _check_series(points: Mapping[str, Point]) -> None:
    """Refuse series that mix units or backgrounds, or that a scale of their own meets alone."""
    found: dict[tuple[str, str], list[str]] = {}
    for where, one in points.items():
        found.setdefault(one.series, []).append(where)
    for (dataset, observable), places in found.items():
        series = f"{observable} of dataset {dataset!r}"
        first = points[places[0]]
        for where in places:
            for name in ("unit", "background"):
                here, before = getattr(points[where], name), getattr(first, name)
                if here != before:
                    raise ScenarioError(
                        f"{name}: {series}, has {here!r} here and {before!r} before. Expected one "
                        "of them, or datasets of their own."
                    ).at(where)
        fitted = scale_factors(first.background)
        if first.unit == ARBITRARY and len(places) <= fitted:
            raise ScenarioError(
                f"{series} is in arbitrary units and has {len(places)} of the {fitted + 1} points "
                "that it takes: the scale of a series alone can meet fewer."
            ).at(places[0])


def _table(path: Path) -> pd.DataFrame:
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST + 1)
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        raise ScenarioError(f"no file {str(path)!r}. Expected a table of measurements.") from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ScenarioError(f"cannot read {str(path)!r}: {reason}.") from None
    if len(content) > _LONGEST:
        raise ScenarioError(f"{path}: longer than {_LONGEST // 1_000_000} MB.")
    _check_fields(text, path)
    try:
        return pd.read_csv(
            io.StringIO(text), dtype=str, keep_default_na=False, skip_blank_lines=False
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ScenarioError(f"{path}: not a table in CSV: {reason}") from None


def _check_fields(text: str, path: Path) -> None:
    """Refuse rows longer than the head: pandas would shift them by a column."""
    rows = csv.reader(io.StringIO(text))
    try:
        head = next(rows, [])
        if len(head) > _MOST_COLUMNS:
            raise ScenarioError(f"{path}: {len(head)} columns are more than {_MOST_COLUMNS}.")
        for row in rows:
            if len(row) > len(head):
                raise ScenarioError(
                    f"{path}, line {rows.line_num}: {len(row)} fields, and {len(head)} columns."
                )
    except csv.Error as error:
        raise ScenarioError(f"{path}: not a table in CSV: {error}") from None


def _check_columns(table: pd.DataFrame, name: str) -> None:
    columns = [str(one) for one in table.columns]
    known = (*REQUIRED, *TIMES, *OPTIONAL)
    for one in columns:
        if one not in known:
            raise UnknownIdError(kind="column", given=one, choices=known, where=name)
    missing = [one for one in REQUIRED if one not in columns]
    if missing:
        raise ScenarioError(f"{name}: column {missing[0]!r} is missing.")
    if len([one for one in TIMES if one in columns]) != 1:
        raise ScenarioError(f"{name}: expected one column of {', '.join(TIMES)}.")
    if len(table) > _MOST_ROWS:
        raise ScenarioError(f"{name}: {len(table)} rows are more than {_MOST_ROWS}.")


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(value) if isinstance(value, float) else str(value).strip()


class _Reader:
    """Turns rows into points; a scenario is read and compiled once."""

    def __init__(self, base: Scenario, folder: Path) -> None:
        self.base, self.folder = base, folder
        self._files: dict[str, Scenario] = {}
        self._made: dict[tuple[str, ...], Scenario] = {}

    def point(self, row: Mapping[str, str]) -> Point:
        scenario = self._scenario(row)
        time = _time(row)
        observable, unit = row["observable"], row["unit"]
        model_unit = _observed(scenario, observable)
        value, sd = _number(row, "value"), _number(row, "sd")
        if unit not in (ARBITRARY, RELATIVE):
            if not unit:
                raise ScenarioError(
                    f"unit: is missing. Expected that of {observable}, {model_unit}; or relative, "
                    "or au."
                )
            value, sd = (
                parameter(f"{one!r} {unit}", model_unit, observable) for one in (value, sd)
            )
            unit = model_unit
        if sd <= 0:
            raise ScenarioError(f"sd: {row['sd']} is not above zero: no measurement is exact.")
        background = row.get("background", "") or "none"
        if background not in BACKGROUNDS:
            raise UnknownIdError(kind="background", given=background, choices=BACKGROUNDS)
        if background != "none" and unit != ARBITRARY:
            raise ScenarioError("background: goes with unit au.")
        longest = max(time, 1.0)
        if scenario.duration < longest or not scenario.has_body:
            scenario = scenario.replace(duration=exact_time(longest))
        named = row.get("condition", "") or _in_short(scenario)
        dataset = row.get("dataset", "") or "data"
        return Point(scenario, named, observable, time, value, sd, unit, dataset, background)

    def _scenario(self, row: Mapping[str, str]) -> Scenario:
        names = ("scenario", "cell", "drug", "dose", "perturbations")
        key = tuple(row.get(name, "") for name in names)
        if key not in self._made:
            self._made[key] = self._new(dict(zip(names, key, strict=True)))
        return self._made[key]

    def _new(self, given: Mapping[str, str]) -> Scenario:
        found = self._file(given["scenario"]) if given["scenario"] else self.base
        changes: dict[str, Any] = {}
        if given["cell"]:
            changes["cell"] = given["cell"]
        if given["perturbations"]:
            changes["perturbations"] = _split(given["perturbations"])
        drugs, doses = _split(given["drug"]), _split(given["dose"])
        if len(drugs) != len(doses):
            raise ScenarioError(
                f"dose: {shown(given['dose'])} does not go with drug {shown(given['drug'])}. "
                "Expected one dose for each drug, joined by + as the drugs are."
            )
        if drugs:
            changes["drugs"] = dict(zip(drugs, doses, strict=True))
        return found.replace(observe=(), **changes)

    def _file(self, name: str) -> Scenario:
        if name not in self._files:
            self._files[name] = scenario_file.load(self._beside(name))
        return self._files[name]

    def _beside(self, name: str) -> Path:
        """Return the path of a scenario file; refuse one elsewhere, which a table may not read."""
        path = self.folder / name
        with within("scenario"):
            try:
                is_below = path.resolve().is_relative_to(self.folder.resolve().parent)
            except (OSError, ValueError) as error:
                raise ScenarioError(f"scenario: cannot read {shown(name)}: {error}.") from None
            if Path(name).is_absolute() or not is_below:
                raise ScenarioError(
                    f"scenario: {shown(name)} is elsewhere. Put it beside the table."
                )
        return path


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.split("+") if one.strip()]


def _number(row: Mapping[str, str], name: str) -> float:
    with within(name):
        try:
            found = decimal(row[name])
        except ValueError:
            raise ScenarioError(f"{name}: expected a number, got {shown(row[name])}.") from None
        if not math.isfinite(found):
            raise ScenarioError(f"{name}: {row[name]} is not a finite number.")
        return found


def _time(row: Mapping[str, str]) -> float:
    name = next(one for one in TIMES if one in row)
    found = duration(row[name], name) if name == "time" else _number(row, name) * _MINUTES[name]
    if found < 0:
        raise ScenarioError(f"{name}: {row[name]} is before the start.")
    return found


def _observed(scenario: Scenario, id: str) -> str:
    """Return the unit of an observable, which the model must have."""
    compiled = compile_scenario(scenario.replace(observe=(id,)))
    return symbols(compiled.sbml)[id].unit


def _in_short(scenario: Scenario) -> str:
    drugs = [one.in_words().partition(" from")[0] for one in scenario.drugs]
    return ", ".join((scenario.cell, *scenario.perturbations, *drugs))


def _key(scenario: Scenario) -> str:
    """Return what two scenarios share that differ only in how long and what is read."""
    fields = scenario.to_dict()
    kept = ("duration",) if scenario.has_body else ()
    return repr(
        {k: one for k, one in fields.items() if k in kept or k not in ("duration", "observe")}
    )


def _dish(points: Sequence[Point]) -> Dish:
    scenario = points[0].scenario.replace(
        observe=tuple(dict.fromkeys(one.observable for one in points)),
        duration=exact_time(max(one.scenario.duration for one in points)),
    )
    return Dish(scenario, tuple(sorted({one.time for one in points})))


def joined(parts: Sequence[Data]) -> Data:
    """Return the measurements of several tables."""
    return Data(tuple(point for one in parts for point in one.points))
