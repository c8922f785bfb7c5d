"""What an engine is asked to do: output times, settings, and values that change on the way."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mtorsim.errors import ScenarioError, SimulationError, shown, within
from mtorsim.units import Given, parameter

Floats = NDArray[np.float64]

ADVICE = "Try a shorter duration, a value of --set closer to its default, or a lower dose."
"""What may help where a solver fails."""

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


Piece = Callable[[float, Floats, float | None, str], Floats]
"""From start, times wanted, stop (None: the last time) and a name to rows of values."""


def in_pieces(run: Run, piece: Piece, carry_out: Callable[[Step], object]) -> Floats:
    """Carry out a run from step to step.

    Parameters
    ----------
    run : Run
    piece : callable
        Simulates from where the last piece stopped.
    carry_out : callable
        Does what a step says, between two pieces.

    Returns
    -------
    array, shape (n, m)
        A row for each output time; at that of a step, the values after it.
    """
    rows = []
    breaks = [*(step.time for step in run.steps), np.inf]
    position = float(run.times[0])
    done = 0
    for index, end in enumerate(breaks):
        upto = int(np.searchsorted(run.times, end, side="left"))
        # Nothing is read after the last time, so nothing there may fail.
        stop = end if upto < len(run.times) else None
        which = f"segment {index + 1} of {len(breaks)}"
        rows.append(piece(position, run.times[done:upto], stop, which))
        done = upto
        if done == len(run.times):
            break
        position = end
        carry_out(run.steps[index])
    return np.concatenate(rows)


def check_curves(
    values: Floats,
    columns: Sequence[str],
    is_species: Sequence[bool],
    times: Floats,
    absolute: float,
    label: str,
) -> None:
    """Refuse values that are not finite and concentrations below zero.

    Parameters
    ----------
    values : array, shape (n, m)
        Species are concentrations [nM].
    columns : sequence of str, length m
        Ids.
    is_species : sequence of bool, length m
    times : array, shape (n,)
        [min].
    absolute : float
        Absolute tolerance of the integrator [nM].
    label : str
        Names the run.

    Raises
    ------
    SimulationError
        Naming id and time of the first.
    """
    # The integrator only promises each step to within its tolerance; errors add up, and those
    # of a pool of 100 nM reach what is made from it. At the usual tolerance the floor is
    # 1e-5 nM, a hundredth of a molecule in a cell.
    floor = -1000 * absolute - 1e-6 * np.abs(values).max(axis=0, initial=0.0)
    negative = (values < floor) & is_species
    for bad, fault in ((~np.isfinite(values), "not a number"), (negative, "negative")):
        if bad.any():
            row, column = (int(where) for where in np.argwhere(bad)[0])
            unit = " nM" if is_species[column] else ""
            raise SimulationError(
                f"{columns[column]} is {fault} ({values[row, column]:.3g}{unit}) at "
                f"{times[row]:.6g} min, {label or 'run'}. {ADVICE}"
            )
