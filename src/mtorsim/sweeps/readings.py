"""Readings: what is kept of a curve."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from mtorsim.errors import ScenarioError, UnknownIdError, within
from mtorsim.steps import Floats

CURVES = "curves"
"""Keeps the curves themselves, at the output times."""


class Reduction(NamedTuple):
    """What makes one number of a curve.

    Attributes
    ----------
    title : str
        In words.
    of : callable
        From times [min], shape (n,), and values, shape (n, m), to numbers, shape (m,).
    unit : callable
        From the unit of the observable to that of the number.
    """

    title: str
    of: Callable[[Floats, Floats], Floats]
    unit: Callable[[str], str]


def _end(_times: Floats, values: Floats) -> Floats:
    return np.asarray(values[-1])


def _area(times: Floats, values: Floats) -> Floats:
    halves = np.diff(times)[:, None] / 2
    return np.asarray(((values[1:] + values[:-1]) * halves).sum(axis=0))


def _peak(_times: Floats, values: Floats) -> Floats:
    return np.asarray(values.max(axis=0))


def _time_to_peak(times: Floats, values: Floats) -> Floats:
    return np.asarray(times[values.argmax(axis=0)])


REDUCTIONS: Mapping[str, Reduction] = {
    "end": Reduction("value at the end", _end, str),
    "auc": Reduction(
        "area under the curve", _area, lambda unit: "min" if unit == "1" else f"{unit}*min"
    ),
    "peak": Reduction("highest value", _peak, str),
    "time_to_peak": Reduction("time of the highest value", _time_to_peak, lambda _unit: "min"),
}
"""Name -> reduction, of the curve at the output times: nothing is read between them."""

FINE = frozenset(REDUCTIONS) - {"end"}
"""Readings that need many output times."""

NAMES = (CURVES, *REDUCTIONS)


def checked(names: Sequence[str]) -> tuple[str, ...]:
    """Return readings in their usual order, each once.

    Raises
    ------
    UnknownIdError
        For a reading that does not exist.
    ScenarioError
        For none.
    """
    with within("read"):
        for name in names:
            if name not in NAMES:
                raise UnknownIdError(kind="reading", given=name, choices=NAMES)
        if not names:
            raise ScenarioError("read: expected at least one reading, such as 'end'.")
    return tuple(name for name in NAMES if name in names)


def read(names: Sequence[str], times: Floats, values: Floats) -> dict[str, Floats]:
    """Return reading -> numbers of a curve, each of shape (m,), for the names of reductions."""
    return {name: REDUCTIONS[name].of(times, values) for name in names if name != CURVES}
