"""Readings: what is kept of a curve."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mtorsim.errors import ScenarioError, UnknownIdError
from mtorsim.steps import Floats

CURVES = "curves"
"""Keeps the curves themselves, at the output times."""


REDUCTIONS: Mapping[str, Callable[[Floats, Floats], Any]] = {
    "end": lambda times, values: values[-1],  # noqa: ARG005
    "auc": lambda times, values: np.trapezoid(values, times, axis=0),
    "peak": lambda times, values: values.max(axis=0),  # noqa: ARG005
    "time_to_peak": lambda times, values: times[values.argmax(axis=0)],
}
"""Name -> what makes one number of a curve: from times [min], shape (n,), and values, shape (n, m).

The area and the peak are those of the curve at the output times, not between them.
"""

NAMES = (CURVES, *REDUCTIONS)

UNITS: Mapping[str, Callable[[str], str]] = {
    "curves": lambda unit: unit,
    "end": lambda unit: unit,
    "auc": lambda unit: "min" if unit == "1" else f"{unit}*min",
    "peak": lambda unit: unit,
    "time_to_peak": lambda unit: "min",  # noqa: ARG005
}
"""Reading -> its unit, from that of the observable."""


def checked(names: Sequence[str]) -> tuple[str, ...]:
    """Return readings in their usual order, each once.

    Raises
    ------
    UnknownIdError
        For a reading that does not exist.
    ScenarioError
        For none.
    """
    for name in names:
        if name not in NAMES:
            raise UnknownIdError(kind="reading", given=name, choices=NAMES)
    if not names:
        raise ScenarioError("read: expected at least one reading, such as 'end'.")
    return tuple(name for name in NAMES if name in names)


def read(names: Sequence[str], times: Floats, values: Floats) -> dict[str, Floats]:
    """Return reading -> numbers: shape (m,) of a reduction, (n, m) of the curves."""
    return {name: values if name == CURVES else REDUCTIONS[name](times, values) for name in names}
