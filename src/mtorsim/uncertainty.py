"""How far each number of a model may be off: what sensitivity and fits vary, and how widely.

A range comes from the user; else from the plausible range that a model file gives beside the
number; else from the confidence of the number.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, get_args

from mtorsim import cells
from mtorsim.compile import Compiled
from mtorsim.errors import InputError, ScenarioError, UnknownIdError, shown, within
from mtorsim.facts import Confidence
from mtorsim.settable import check_settable
from mtorsim.symbols import Symbol, symbols
from mtorsim.units import parameter

FACTORS: Mapping[str, float] = MappingProxyType({"A": 1.25, "B": 2.0, "C": 2.0, "D": 5.0})
"""Confidence -> the factor by which a number may be higher or lower, with 95 % (assumed).

A was measured in human cells, B elsewhere or converted, C was fitted here, D is assumed. The
files give no errors for most numbers: these factors are a convention, to be replaced by what is
known of a number.
"""

WITHIN = 1.96
"""Standard deviations from the middle to the ends of a range that holds 95 %."""

_SHARES = ("fraction_", "residual_", "protection_", "funbound_", "haematocrit")
_PLAUSIBLE = re.compile(r"plausible:? ([0-9.eE+]+)-([0-9.eE+]+)(?: ([^\s;,.]+))?")

Bounds = Mapping[str, Sequence[float | str]]


@dataclass(frozen=True)
class Uncertain:
    """A number of a model and the range in which it may lie.

    Attributes
    ----------
    id : str
    value : float
        In the untreated cell of the scenario, chronic perturbations included.
    unit : str
        Model unit, also of the range.
    low, high : float
        Ends of the range, around the value; of a range from the user wherever that lies.
    confidence : str
        A to D.
    branch : str
        Model file, cell or drug layer that it belongs to.
    basis : str
        Where the range comes from: ``"given"``, ``"plausible range"`` or ``"confidence D"``.
    """

    id: str
    value: float
    unit: str
    low: float
    high: float
    confidence: str
    branch: str
    basis: str

    @property
    def is_share(self) -> bool:
        """Whether it cannot be more than one."""
        return is_share(self.id)


def is_share(id: str) -> bool:
    """Return whether a parameter is a part of a whole: one at most."""
    return id.startswith(_SHARES)


def uncertain(
    compiled: Compiled,
    patterns: Iterable[str] = (),
    *,
    branches: Iterable[str] = (),
    confidences: Iterable[str] = (),
    bounds: Bounds = MappingProxyType({}),
    is_of_files: bool = False,
) -> tuple[Uncertain, ...]:
    """Return the parameters of a scenario that are chosen, in order of the model.

    Parameters
    ----------
    compiled : Compiled
        The scenario.
    patterns : iterable of str
        Ids, or patterns with ``*`` and ``?`` such as ``"kphos_*"``; none for all parameters, and
        all conserved totals, that are above zero. Inputs and volumes only where they are named.
    branches, confidences : iterable of str
        Only those of these model files, of these grades (A to D).
    bounds : mapping of str to (low, high)
        Ranges that go before those of the model files; text may carry units.
    is_of_files : bool
        Values of the model files, whatever the cell and the perturbations make of them.

    Raises
    ------
    UnknownIdError
        For an id, pattern, branch or grade that nothing has.
    ScenarioError
        For a parameter that cannot be set or is zero, a range that does not rise, or nothing left.
    """
    table = symbols(compiled.sbml)
    one_of = [*patterns]
    found = {one.id: one for one in _numbers(compiled, table, is_of_files)}
    chosen = dict.fromkeys(_matching(one_of, found, compiled, table) if one_of else _usual(found))
    every = [found[id] for id in chosen]
    for kind, given in (("branch", tuple(branches)), ("confidence", tuple(confidences))):
        known = get_args(Confidence) if kind == "confidence" else {one.branch: 0 for one in every}
        _check_known(kind, given, known)
        every = [one for one in every if not given or getattr(one, kind) in given]
    if not every:
        raise ScenarioError("no parameter is left of those chosen. List: mtorsim show parameters")
    _check_bounds(bounds, {one.id for one in every})
    order = {id: place for place, id in enumerate(table)}
    return tuple(sorted((_ranged(one, table, bounds) for one in every), key=lambda x: order[x.id]))


def from_grade(value: float, confidence: str) -> tuple[float, float]:
    """Return the range that a confidence gives a value above zero."""
    factor = FACTORS[confidence]
    return value / factor, value * factor


@dataclass(frozen=True)
class _Number:
    """What a scenario could set: a value above zero, not yet with a range."""

    id: str
    value: float
    confidence: str
    branch: str
    notes: str
    is_usual: bool


def _numbers(
    compiled: Compiled, table: Mapping[str, Symbol], is_of_files: bool
) -> Iterator[_Number]:
    """Yield everything above zero that has a grade and may be set."""
    own = {} if is_of_files else cells.load(compiled.scenario.cell).values
    adapted = {} if is_of_files else compiled.adapted
    for id, one in table.items():
        value = adapted.get(id, one.value)
        fact = own.get(id)
        grade = fact.confidence if fact else one.confidence
        if not value or value < 0 or not grade or not _is_settable(id, table, compiled.sbml):
            continue
        branch = f"cells/{compiled.scenario.cell}" if fact else one.branch
        notes = f"plausible {fact.plausible}" if fact and fact.plausible else one.notes
        usual = one.kind != "compartment" and not one.boundary
        yield _Number(id, value, grade, branch, "" if fact and not fact.plausible else notes, usual)


def _is_settable(id: str, table: Mapping[str, Symbol], sbml: str) -> bool:
    try:
        check_settable(id, table, sbml)
    except InputError:
        return False
    return True


def _usual(found: Mapping[str, _Number]) -> list[str]:
    return [id for id, one in found.items() if one.is_usual]


def _matching(
    patterns: Sequence[str],
    found: Mapping[str, _Number],
    compiled: Compiled,
    table: Mapping[str, Symbol],
) -> Iterator[str]:
    for pattern in patterns:
        with within("parameters"):
            if pattern in found:
                yield pattern
                continue
            is_pattern = any(sign in pattern for sign in "*?[")
            hits = [id for id in found if is_pattern and fnmatchcase(id, pattern)]
            if not hits:
                _refuse(pattern, is_pattern, found, compiled, table)
            yield from hits


def _refuse(
    given: str,
    is_pattern: bool,
    found: Mapping[str, _Number],
    compiled: Compiled,
    table: Mapping[str, Symbol],
) -> None:
    if not is_pattern and given in table:
        check_settable(given, table, compiled.sbml)
        raise ScenarioError(
            f"{given!r} is zero here: it cannot be varied by factors. Set it above zero first."
        )
    raise UnknownIdError(
        kind="parameter like" if is_pattern else "parameter",
        given=given,
        choices=found,
        listing="mtorsim show parameters",
    )


def _check_known(kind: str, given: Iterable[str], known: Iterable[str]) -> None:
    for one in given:
        if one not in (choices := tuple(known)):
            raise UnknownIdError(
                kind=f"{kind} of the parameters chosen", given=one, choices=choices
            )


def _check_bounds(bounds: Bounds, ids: set[str]) -> None:
    for id in bounds:
        if id not in ids:
            raise UnknownIdError(kind="chosen parameter for a range", given=id, choices=ids)


def _ranged(one: _Number, table: Mapping[str, Symbol], bounds: Bounds) -> Uncertain:
    unit = table[one.id].unit
    if one.id in bounds:
        low, high = given_range(one.id, bounds[one.id], unit)
        basis = "given"
    elif (plausible := _plausible(one, unit)) is not None:
        (low, high), basis = plausible, "plausible range"
    else:
        (low, high), basis = from_grade(one.value, one.confidence), f"confidence {one.confidence}"
    if is_share(one.id) and basis != "given":
        high = min(high, 1.0)
    return Uncertain(one.id, one.value, unit, low, high, one.confidence, one.branch, basis)


def given_range(id: str, given: Any, unit: str) -> tuple[float, float]:
    """Return a range that a user gave, in model units.

    Raises
    ------
    UnitError, ScenarioError
        For what is no range of numbers above zero.
    """
    with within("bounds", id):
        if isinstance(given, str) or not isinstance(given, Sequence) or len(given) != 2:
            raise ScenarioError(f"{id}: expected two numbers, low and high, got {shown(given)}.")
        low, high = (parameter(one, unit, id) for one in given)
        if not 0 < low < high:
            raise ScenarioError(
                f"{id}: a range from {low:g} to {high:g} does not rise from above zero."
            )
        return low, high


def _plausible(one: _Number, unit: str) -> tuple[float, float] | None:
    """Return the range that the notes of a number give; None where there is none around it."""
    match = _PLAUSIBLE.search(one.notes)
    if match is None:
        return None
    try:
        ends = [
            parameter(f"{text} {match[3] or unit}", unit, one.id) for text in match.groups()[:2]
        ]
    except InputError:  # followed by a word, not by a unit
        try:
            ends = [float(text) for text in match.groups()[:2]]
        except ValueError:
            return None
    low, high = ends
    return (low, high) if 0 < low < one.value < high else None


def standard_deviation(one: Uncertain) -> float:
    """Return the spread of the logarithm of a number [ln] that its range says: 95 % lie in it."""
    return math.log(one.high / one.low) / (2 * WITHIN)
