"""What an engine is asked to do: output times, settings, and values that change on the way."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mtorsim.errors import ScenarioError, shown, within
from mtorsim.units import Given, parameter

Floats = NDArray[np.float64]

JUST_BEFORE = 1e-3
"""How long before a dose [min] a curve is read, so that the dose itself does not show."""


@dataclass(frozen=True)
class Step:
    """Values that are set at one instant of a run.

    Attributes
    ----------
    time : float
        When [min].
    values : mapping of str to float
        Id of a species (concentration [nM]) or parameter -> new value in model units.
    added : mapping of str to float
        Id of a species -> by how much its concentration rises [nM].
    """

    time: float
    values: Mapping[str, float] = field(default_factory=dict)
    added: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One simulation of a compiled model.

    Attributes
    ----------
    times : array, shape (n,)
        Output times [min], increasing; the first is the start.
    settings : mapping of str to float
        Id of a parameter or species -> value from the start on. What is not named has the value
        of the model.
    start : mapping of str to float
        Species -> concentration at the start [nM]; goes before `settings`.
    steps : sequence of Step
        In order of time, each after the start.
    """

    times: Floats
    settings: Mapping[str, float] = field(default_factory=dict)
    start: Mapping[str, float] = field(default_factory=dict)
    steps: Sequence[Step] = ()


def tolerances(relative: float, absolute: float) -> dict[str, float]:
    """Return ``relative`` [1] and ``absolute_nM`` of an integrator, both above zero.

    Raises
    ------
    UnitError, ScenarioError
        For what is not such a number.
    """
    return {
        "relative": _above_zero(relative, "1", "relative_tolerance"),
        "absolute_nM": _above_zero(absolute, "nM", "absolute_tolerance"),
    }


def _above_zero(value: float, unit: str, what: str) -> float:
    number = parameter(value, unit, what)
    if number <= 0:
        raise ScenarioError(f"{what}: {shown(value)} is not above zero. Expected one such as 1e-8.")
    return number


def instants(times: Iterable[Given], end: float) -> Floats:
    """Return times within a run.

    Parameters
    ----------
    times : iterable of str, pint quantity or number
        Such as ``["0 h", "30 min", 90]``; plain numbers are minutes.
    end : float
        End of the run [min].

    Returns
    -------
    array, shape (n,)
        Times [min], in the order given.

    Raises
    ------
    UnitError
        For what is not a time.
    ScenarioError
        For a time before the start or after the end.
    """
    with within("times"):
        if isinstance(times, str):
            raise ScenarioError(f"times: expected a list such as ['0 h', '30 min'], got {times!r}.")
        minutes = [parameter(time, "min", "times") for time in times]
        if any(not 0 <= time <= end for time in minutes):
            raise ScenarioError(f"times: expected times from 0 to the end at {end:g} min.")
        return np.array(minutes, dtype=float)
