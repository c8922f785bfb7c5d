"""Rows of a PEtab problem, checked: what is measured, under which conditions, with what noise."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mtorsim.errors import either, shown
from mtorsim.fits.petab_files import Files, Line
from mtorsim.foreign.conditions import Conditioned
from mtorsim.steps import Floats

TRANSFORMATIONS = ("lin", "log", "log10")
TIME = "time"
_LN10 = math.log(10)
_MOST_ROWS = 100_000
_LONGEST = 2000  # characters of a formula
_PLACEHOLDER = re.compile(r"(observable|noise)Parameter([1-9]\d*)_(.+)")

Override = float | str
"""A number, or the id of a parameter of the table."""


def transformed(values: Floats, how: str) -> Floats:
    """Return values as they are compared; NaN for the logarithm of what is not above zero."""
    if how == "lin":
        return values
    above = np.where(values > 0, values, np.nan)
    return np.asarray(np.log(above) if how == "log" else np.log10(above))


@dataclass(frozen=True)
class Formula:
    """A formula and what stands in it; `value` takes arrays in the order of `symbols`."""

    text: str
    symbols: tuple[str, ...]
    value: Callable[..., Any] = field(repr=False, compare=False)

    def at(self, known: Callable[[str], Any], count: int) -> Floats:
        """Return the values of `count` rows; `known` gives what a symbol is there."""
        with np.errstate(all="ignore"):  # what is not a number is refused by whoever asks
            found = self.value(*map(known, self.symbols))
        return np.broadcast_to(np.asarray(found, dtype=float), (count,))


@dataclass(frozen=True)
class Observable:
    """What is measured."""

    id: str
    name: str
    formula: Formula
    noise: Formula
    transformation: str


@dataclass(frozen=True)
class Measured:
    """A row of the measurement table.

    Attributes
    ----------
    observable : str
    before, condition : str
        Conditions of the pre-equilibration (may be empty) and the simulation.
    time, value : float
        The time may be infinite: at rest.
    scales, noises : tuple
        In the place of the placeholders of the two formulas.
    dataset : str
    line : Line
    """

    observable: str
    before: str
    condition: str
    time: float
    value: float
    scales: tuple[Override, ...]
    noises: tuple[Override, ...]
    dataset: str
    line: Line = field(repr=False, compare=False)

    @property
    def course(self) -> tuple[str, str]:
        """What is simulated for it."""
        return self.before, self.condition

    @property
    def group(self) -> tuple[tuple[str, str], str, tuple[Override, ...]]:
        """What is computed together: rows that differ in time and noise alone."""
        return self.course, self.observable, self.scales

    def override(self, symbol: str) -> Override | None:
        """Return what stands in the place of a placeholder; None for another symbol."""
        place = _placeholder(symbol, self.observable)
        if place is None:
            return None
        return (self.scales if place[0] == "observable" else self.noises)[place[1]]


def _placeholder(symbol: str, observable: str) -> tuple[str, int] | None:
    found = _PLACEHOLDER.fullmatch(symbol)
    if found is None or found[3] != observable:
        return None
    return found[1], int(found[2]) - 1


@dataclass(frozen=True)
class Tables:
    """A problem's tables but for its parameters."""

    observables: Mapping[str, Observable]
    conditions: Mapping[str, Mapping[str, Override]]
    rows: tuple[Measured, ...]


def tables(files: Files, model: Conditioned, parameters: Iterable[str]) -> Tables:
    """Return the checked tables of a problem.

    Parameters
    ----------
    files : Files
    model : Conditioned
    parameters : iterable of str
        Ids of the parameter table.

    Raises
    ------
    InputError
        For what is not supported, naming file, line and column.
    """
    known = frozenset(parameters)
    observables = {
        one.text("observableId"): _observable(one, model, known) for one in files.observables
    }
    conditions = {
        one.text("conditionId"): _condition(one, model, known) for one in files.conditions
    }
    if len(files.measurements) > _MOST_ROWS:
        raise files.measurements[_MOST_ROWS].error("observableId", "too many measurements.")
    rows = tuple(_measured(one, observables, conditions, known) for one in files.measurements)
    return Tables(observables, conditions, rows)


# -- observables ----------------------------------------------------------------------------------


def _observable(line: Line, model: Conditioned, known: frozenset[str]) -> Observable:
    id = line.text("observableId")
    how = line.text("observableTransformation") or "lin"
    if how not in TRANSFORMATIONS:
        raise line.error(
            "observableTransformation", f"{shown(how)} is not {either(TRANSFORMATIONS)}."
        )
    distribution = line.text("noiseDistribution") or "normal"
    if distribution != "normal":
        raise line.error(
            "noiseDistribution", f"{shown(distribution)} is not supported. Expected 'normal'."
        )
    found = {}
    for column in ("observableFormula", "noiseFormula"):
        own = (id,) if column == "noiseFormula" else ()
        found[column] = one = formula(line, column)
        for symbol in one.symbols:
            is_known = symbol in model.names or symbol in known or symbol in (TIME, *own)
            if not is_known and _placeholder(symbol, id) is None:
                raise line.unknown(
                    column, "id in model or parameter table", symbol, (*model.names, *known)
                )
    return Observable(
        id, line.text("observableName") or id, found["observableFormula"], found["noiseFormula"],
        how,
    )  # fmt: skip


def formula(line: Line, column: str) -> Formula:
    """Return the formula in a column."""
    import sympy
    from petab.v1.math import sympify_petab

    text = str(line.cells.get(column, ""))
    if not text or len(text) > _LONGEST:
        raise line.error(column, f"expected a formula of up to {_LONGEST} characters.")
    try:
        tree = sympify_petab(text)
        symbols = sorted(tree.free_symbols, key=str)
        value = sympy.lambdify(symbols, tree, modules="numpy", dummify=True)
    except Exception as error:  # noqa: BLE001 - whatever the parser makes of somebody's text
        gist = " ".join(str(error).split())[:200]
        raise line.error(column, f"{shown(text)} cannot be read: {gist}") from None
    return Formula(text, tuple(map(str, symbols)), value)


# -- conditions -----------------------------------------------------------------------------------


def _condition(line: Line, model: Conditioned, known: frozenset[str]) -> dict[str, Override]:
    found = {}
    for column in line.cells:
        if column in ("conditionId", "conditionName"):
            continue
        if column not in model.names:
            raise line.error(column, f"no such id in {model.what}.")
        if column in model.ruled:
            raise line.error(column, f"follows from a rule of {model.what} and cannot be set.")
        found[column] = _override(line, column, line.cells[column], known)
    return found


def _override(line: Line, column: str, given: str | float, known: frozenset[str]) -> Override:
    if isinstance(given, str) and given in known:
        return given
    try:
        found = float(given)
    except ValueError:
        raise line.unknown(column, "parameter in the parameter table", str(given), known) from None
    if not math.isfinite(found):
        raise line.error(column, f"{given} is not a finite number.")
    return found


# -- measurements ---------------------------------------------------------------------------------


def _measured(
    line: Line,
    observables: Mapping[str, Observable],
    conditions: Mapping[str, Any],
    known: frozenset[str],
) -> Measured:
    for column, choices in (
        ("observableId", observables),
        ("simulationConditionId", conditions),
        ("preequilibrationConditionId", {"": None, **conditions}),
    ):
        if line.text(column) not in choices:
            raise line.unknown(column, column.removesuffix("Id"), line.text(column), choices)
    one = observables[line.text("observableId")]
    time, value = line.number("time"), line.number("measurement")
    if time < 0:
        raise line.error("time", f"{time:g} is before the start.")
    if math.isinf(time) and TIME in (*one.formula.symbols, *one.noise.symbols):
        raise line.error("time", f"at rest there is no time, which is in a formula of {one.id}.")
    if not math.isfinite(value):
        raise line.error("measurement", f"{value} is not a finite number.")
    if one.transformation != "lin" and value <= 0:
        raise line.error(
            "measurement", f"{value:g} has no logarithm, and {one.id} is compared in logarithms."
        )
    return Measured(
        observable=one.id,
        before=line.text("preequilibrationConditionId"),
        condition=line.text("simulationConditionId"),
        time=time,
        value=value,
        scales=_overrides(line, "observable", one, known),
        noises=_overrides(line, "noise", one, known),
        dataset=line.text("datasetId") or one.id,
        line=line,
    )


def _overrides(
    line: Line, kind: str, one: Observable, known: frozenset[str]
) -> tuple[Override, ...]:
    """Return what a row has for the placeholders of an observable."""
    column = f"{kind}Parameters"
    given = line.cells.get(column, "")
    parts: Sequence[str | float] = (
        [given] if isinstance(given, float) else [p.strip() for p in given.split(";") if p.strip()]
    )
    symbols = {*one.formula.symbols, *one.noise.symbols}
    places = [place for symbol in symbols if (place := _placeholder(symbol, one.id)) is not None]
    needed = max((number + 1 for what, number in places if what == kind), default=0)
    if len(parts) != needed:
        raise line.error(column, f"{len(parts)} given, and the formulas of {one.id} have {needed}.")
    return tuple(_override(line, column, part, known) for part in parts)


def log_slope(values: Floats, how: str) -> Floats:
    """Return minus the logarithm of the slope of a transformation, part of a likelihood."""
    if how == "lin":
        return np.zeros_like(values)
    return np.asarray(np.log(values) + (math.log(_LN10) if how == "log10" else 0.0))
