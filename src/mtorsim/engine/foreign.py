"""Runs a model that was not written here.

Each run compiles the model afresh (a tenth of a second), so that nothing of an earlier one can
reach it: events that assign parameters survive `reset()`, and an event that still waits at the end
of a run survives more. All values stand in the SBML that is run, schedules as events. It runs in a
process of its own, see `apart`: a model that crashes RoadRunner, or keeps it busy, is an error.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import roadrunner

from mtorsim.apart import Arrays, Found, Limits, LostError, apart
from mtorsim.derived import names_in
from mtorsim.engine import RELATIVE_TOLERANCE, one_at_a_time, without_attributes
from mtorsim.errors import ModelError, SimulationError
from mtorsim.library import read_sbml
from mtorsim.steps import Floats

_MAXIMUM_STEPS = 1_000_000
_LIMITS = Limits(seconds=900, megabytes=8000)
_TRIAL_STEPS = 1000
_OF_AMOUNT = 1e-10
"""Absolute tolerance of a state, as a share of its size, at the usual relative tolerance."""
_RESOLVED = 1e6  # times its tolerance: of a state that reaches less, the tolerance was too loose
_ROUNDING = 1e-5  # times its tolerance: what stays below may be nothing but rounding
_PASSES = 3
_SHORT_STEPS = (1e-4, 2.5e-5)  # of the run
_OF_SHORT_STEPS = 0.01  # of the tolerance: each step adds its error
_SAME = 1e-3  # of the largest value: what a curve in time does is seen, or hardly matters
_SMALL = 1e-6  # of the largest value of a species: what is less below zero is the solver's error


@dataclass(frozen=True)
class Curves:
    """What a run returned.

    Attributes
    ----------
    values : array, shape (n, m)
        One column per selection, in the units of the model.
    absolute : mapping of str to float
        State -> absolute tolerance, in its own unit; species as amounts.
    """

    values: Floats
    absolute: Mapping[str, float]


def run_foreign(
    sbml: str,
    times: Floats,
    selections: Sequence[str],
    *,
    relative_tolerance: float = RELATIVE_TOLERANCE,
    absolute_tolerance: float | None = None,
    is_curved: bool = False,
    label: str = "",
    time_unit: str = "",
) -> Curves:
    """Simulate a model as it stands.

    Parameters
    ----------
    sbml : str
        Flat SBML.
    times : array, shape (n,)
        Output times in the model's unit, increasing; at the first the model is as it begins.
    selections : sequence of str, length m
        What to read, in RoadRunner's words: ``"[A]"`` is a concentration, ``"A"`` an amount or
        the value of a parameter.
    relative_tolerance : float
    absolute_tolerance : float, optional
        Amount that the absolute tolerance of each state stays below, beside what its size asks for.
    is_curved : bool
        Whether the model has curves in time, such as a narrow ``exp(-(time - 5)^2)``: they are run
        again in steps of a 10,000th of the run, to see whether the solver stepped over one.
    label, time_unit : str
        For messages.

    Raises
    ------
    ModelError
        When RoadRunner cannot compile the model, `sbml` is not the text of one, or of two doses
        that its events give at one instant one would be lost.
    SimulationError
        When the solver fails, a value is not finite, or a species that began at zero or above and
        that only reactions change falls below zero.
    """
    asked = {
        "sbml": sbml,
        "selections": list(selections),
        "relative_tolerance": relative_tolerance,
        "absolute_tolerance": absolute_tolerance,
        "is_curved": is_curved,
        "label": label,
        "time_unit": time_unit,
    }
    try:
        absolute, found = apart("mtorsim.engine.foreign:carried_out", asked, {"times": times},
                                _LIMITS)  # fmt: skip
    except LostError as lost:
        raise SimulationError(f"{label or 'the model'}: the run {lost}.") from None
    return Curves(found["values"], absolute)


def carried_out(asked: Mapping[str, Any], arrays: Arrays) -> Found:
    """Simulate here; the arguments of `run_foreign` by name, and ``times``."""
    curves = run_here(times=arrays["times"], **asked)
    return curves.absolute, {"values": curves.values}


def try_out(sbml: str) -> None:
    """Compile a model and run it for one unit of its time, here; what the solver says is passed by.

    Raises
    ------
    ModelError
        When RoadRunner cannot compile it.
    """
    with suppress(SimulationError):
        run_here(sbml, np.array([0.0, 1.0]), (), most_steps=_TRIAL_STEPS)


@one_at_a_time
def run_here(
    sbml: str,
    times: Floats,
    selections: Sequence[str],
    *,
    relative_tolerance: float = RELATIVE_TOLERANCE,
    absolute_tolerance: float | None = None,
    is_curved: bool = False,
    label: str = "",
    time_unit: str = "",
    most_steps: int = _MAXIMUM_STEPS,
) -> Curves:
    """Simulate in this process; otherwise as `run_foreign`."""
    doses = _additions(sbml)
    _check_start(sbml, doses, label, time_unit)

    def loaded() -> roadrunner.RoadRunner:
        runner = _loaded(sbml)
        _listen(runner, doses)
        return runner

    runner = loaded()
    tighter = min(1.0, relative_tolerance / RELATIVE_TOLERANCE)
    most = np.inf if absolute_tolerance is None else absolute_tolerance
    absolute = {id: min(tighter * value, most) for id, value in _tolerances(runner).items()}
    begun = dict(zip(runner.model.getFloatingSpeciesIds(),
                     runner.model.getFloatingSpeciesAmounts(), strict=True))  # fmt: skip
    place = f"{label or 'the model'}"
    columns = [*selections, *absolute]
    try:
        values = _simulated(runner, times, columns, absolute, relative_tolerance, most_steps)
    except RuntimeError as error:
        raise _failure(runner, error, place, time_unit) from None
    for _ in range(_PASSES):
        smaller = _smaller(values[:, len(selections) :], absolute)
        if not smaller or most_steps < _MAXIMUM_STEPS:
            break
        finer = absolute | smaller
        with suppress(RuntimeError):  # of what is nothing but rounding, the first run is as good
            values = _simulated(loaded(), times, columns, finer, relative_tolerance, most_steps)
            absolute = finer
            continue
        break
    _check_doses(doses, label, time_unit)
    if is_curved and len(times) > 1:
        span = float(times[-1] - times[0])

        def again(share: float) -> Floats:
            runner = loaded()
            runner.getIntegrator().setValue("maximum_time_step", share * span)
            tight = _OF_SHORT_STEPS * relative_tolerance
            return _simulated(runner, times, columns, absolute, tight, most_steps)

        try:
            values = _followed(values, again, place)
        except RuntimeError as error:
            raise _failure(runner, error, place, time_unit) from None
    watched = [id for id in _reacting(runner) if begun[id] >= 0]
    _check(values, columns, watched, times, absolute, place, time_unit)
    return Curves(values[:, : len(selections)], absolute)


@dataclass
class _Doses:
    """Events that change what is there by some amount, and what became of them in a run.

    Attributes
    ----------
    names : list of str
        Of all events, in the order of the model.
    changed : list of set of str
        Symbols that each gives a value.
    added : list of set of str
        Those of them to which it adds, as it were when it was triggered.
    ranked : list of bool
        Whether an event has a priority.
    lost : list of (float, int, int, str)
        Time, two events and what both changed: the second did not know of the first.
    """

    names: list[str]
    changed: list[set[str]]
    added: list[set[str]]
    ranked: list[bool]
    lost: list[tuple[float, int, int, str]] = field(default_factory=list)

    @property
    def is_needed(self) -> bool:
        """Whether two events may change one symbol, one of them by adding to it."""
        return any(
            self.added[k] & self.changed[other]
            for k in range(len(self.names))
            for other in range(len(self.names))
            if k != other
        )


def _additions(sbml: str) -> _Doses:
    """Return what the events of a model add to."""
    if sbml.count("<event ") + sbml.count("<event>") < 2:
        return _Doses([], [], [], [])
    found = _Doses([], [], [], [])
    document = read_sbml(sbml)  # the events go with it
    for event in document.getModel().getListOfEvents():
        changes = [one for one in event.getListOfEventAssignments() if one.isSetMath()]
        read = {one.getVariable(): names_in(one.getMath()) for one in changes}
        adds = {id for id, names in read.items() if id in names}
        is_early = event.getLevel() < 3 or event.getUseValuesFromTriggerTime()
        found.names.append(event.getId() or f"number {len(found.names) + 1}")
        found.changed.append({*read})
        found.added.append(adds if is_early else set())
        found.ranked.append(event.isSetPriority())
    return found


def _listen(runner: roadrunner.RoadRunner, doses: _Doses) -> None:
    """Note in a run when an event puts a value in place that another has changed meanwhile.

    Of two events at one instant RoadRunner computes both values first, so that the second undoes
    the first.
    """
    doses.lost.clear()
    if not doses.is_needed:
        return
    begun: dict[int, int] = {}  # event -> how many assignments had been made when it was triggered
    made: list[tuple[float, int]] = []  # time and event of each assignment

    def triggered(_model: Any, index: int, _id: str) -> None:
        begun[index] = len(made)

    def assigned(model: Any, index: int, _id: str) -> None:
        now = float(model.getTime())
        for when, other in made[begun.get(index, len(made)) :]:
            both = doses.added[index] & doses.changed[other]
            is_ordered = doses.ranked[index] and doses.ranked[other]
            if when == now and other != index and both and not is_ordered:
                doses.lost.append((now, other, index, min(both)))
        made.append((now, index))

    for index in range(len(doses.names)):
        event = runner.model.getEvent(index)
        event.setOnTrigger(triggered)
        event.setOnAssignment(assigned)


def _check_start(sbml: str, doses: _Doses, label: str, time_unit: str) -> None:
    """Look at the events of time 0, which happen before a run: resetting lets them happen again."""
    if doses.is_needed:
        runner = _loaded(sbml)
        _listen(runner, doses)
        runner.reset()
        _check_doses(doses, label, time_unit)


def _check_doses(doses: _Doses, label: str, time_unit: str) -> None:
    if doses.lost:
        when, first, second, what = doses.lost[0]
        at = f"{when:.6g} {time_unit or 'units of time'}"
        raise ModelError(
            f"{label + ': ' if label else ''}events {doses.names[first]!r} and "
            f"{doses.names[second]!r} both change {what!r} at {at}: one would undo the other. Make "
            "them one event."
        )


def _followed(values: Floats, again: Callable[[float], Floats], label: str) -> Floats:
    """Return what a model with curves in time does, whether the solver stepped over one or not."""
    for share in _SHORT_STEPS:
        closer = again(share)
        if (np.abs(values - closer) <= _SAME * np.abs(closer).max(axis=0)).all():
            return values
        values = closer
    raise ModelError(
        f"{label}: a formula of time comes and goes too fast for the solver. Write it as events, "
        "or run a shorter time."
    )


def _simulated(
    runner: roadrunner.RoadRunner,
    times: Floats,
    columns: Sequence[str],
    absolute: Mapping[str, float],
    relative_tolerance: float,
    most_steps: int,
) -> Floats:
    integrator = runner.getIntegrator()
    integrator.setValue("relative_tolerance", relative_tolerance)
    integrator.setValue("maximum_num_steps", most_steps)
    if absolute:
        integrator.setValue("absolute_tolerance", list(absolute.values()))
    runner.timeCourseSelections = list(columns)
    if times[0] != 0:
        runner.model.setTime(float(times[0]))
    if len(times) > 1:
        return np.array(runner.simulate(times=times.tolist()))
    return np.array([runner.getSelectedValues()])


def _smaller(states: Floats, absolute: Mapping[str, float]) -> dict[str, float]:
    """Return the tolerances of states that turned out too small for the ones they were given.

    What begins at zero has no size to go by; it may stay a million times smaller than the others.
    """
    largest = dict(zip(absolute, np.abs(states).max(axis=0, initial=0.0).tolist(), strict=True))
    return {
        id: _OF_AMOUNT * largest[id]
        for id, given in absolute.items()
        if _ROUNDING * given < largest[id] < _RESOLVED * given
    }


def _loaded(sbml: str) -> roadrunner.RoadRunner:
    if not sbml.lstrip().startswith("<"):  # RoadRunner would open it as a path or an address
        raise ModelError("expected the text of an SBML model.")
    try:
        return without_attributes(sbml)
    except RuntimeError as error:
        raise ModelError(f"RoadRunner cannot load the model: {_one_line(error)}") from None


def _reacting(runner: roadrunner.RoadRunner) -> list[str]:
    """Return the species that reactions alone change."""
    ruled = {*runner.getRateRuleIds(), *runner.getAssignmentRuleIds()}
    return [id for id in runner.model.getFloatingSpeciesIds() if id not in ruled]


def _tolerances(runner: roadrunner.RoadRunner) -> dict[str, float]:
    """Return state -> absolute tolerance, in the order of RoadRunner's state vector.

    The size of a state is its first value; of one that begins at zero, the median of the others.
    """
    rates = list(runner.getRateRuleIds())
    species = _reacting(runner)
    model = runner.model
    amounts = dict(zip(model.getFloatingSpeciesIds(), model.getFloatingSpeciesAmounts(),
                       strict=True))  # fmt: skip
    sizes = {id: abs(float(runner.getValue(id))) for id in rates}
    sizes |= {id: abs(float(amounts[id])) for id in species}
    present = [size for size in sizes.values() if size > 0 and np.isfinite(size)]
    usual = float(np.median(present)) if present else 1.0
    return {id: _OF_AMOUNT * (min(size, usual) or usual) if np.isfinite(size) else _OF_AMOUNT
            for id, size in sizes.items()}  # fmt: skip


def _check(
    values: Floats,
    columns: Sequence[str],
    watched: Sequence[str],
    times: Floats,
    absolute: Mapping[str, float],
    label: str,
    time_unit: str,
) -> None:
    if not np.isfinite(values).all():
        row, column = (int(where) for where in np.argwhere(~np.isfinite(values))[0])
        raise SimulationError(
            f"{columns[column].strip('[]')} is not a number ({values[row, column]:.3g}) at "
            f"{times[row]:.6g} {time_unit}, {label}. Look at what it is divided by, and at what "
            "--set changed."
        )
    first = len(columns) - len(absolute)  # what was asked for comes before the states
    amounts = values[:, [first + [*absolute].index(id) for id in watched]]
    floor = [-1000 * absolute[id] for id in watched]
    below = amounts < np.array(floor) - _SMALL * np.abs(amounts).max(axis=0, initial=0.0)
    if below.any():
        row, column = (int(where) for where in np.argwhere(below)[0])
        raise SimulationError(
            f"{watched[column]} is negative ({amounts[row, column]:.3g}) at "
            f"{times[row]:.6g} {time_unit}, {label}. A reaction uses it up at a rate that does not "
            "fall with it; mtorsim check FILE names such reactions."
        )


def _failure(
    runner: roadrunner.RoadRunner, error: RuntimeError, label: str, time_unit: str
) -> SimulationError:
    return SimulationError(
        f"solver stopped at {runner.model.getTime():.6g} {time_unit}, {label}. CVODE: "
        f"{_one_line(error)} Try a shorter duration, or what --set changed closer to its default."
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
