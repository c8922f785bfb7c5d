"""The work of a worker: simulates the points of a chunk and keeps their readings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtorsim.amici_engine import AmiciEngine, amici_engine
from mtorsim.compile import Compiled, compile_scenario, parts, structure
from mtorsim.derived import first_values
from mtorsim.engine import Engine, engine
from mtorsim.errors import InputError, SimulationError
from mtorsim.simulation import steady_state
from mtorsim.steps import Floats, Run
from mtorsim.sweeps.plan import Plan
from mtorsim.sweeps.readings import CURVES, read
from mtorsim.symbols import symbols

OK, RETRIED, FAILED = 0, 1, 2
"""What became of a point: done, done with tighter tolerances, not done."""

UNTREATED = "untreated"
"""The reading that every sweep has: each observable in the untreated cell."""

_TIGHTER, _TIGHTEST = 1e-2, 1e-12  # times both tolerances for a second try, as far as floats go
_MOST_BASELINES = 256


@dataclass(frozen=True)
class Done:
    """The readings of a chunk.

    Attributes
    ----------
    chunk : int
        Which.
    readings : dict of str to array
        Reading -> shape (k, m), or (k, n, m) for curves, for k points; ``"untreated"`` -> (k, m).
        Points that failed hold NaN.
    status : array, shape (k,)
        `OK`, `RETRIED` or `FAILED`.
    reasons : tuple of str
        Why a point was retried or failed; empty for the others.
    """

    chunk: int
    readings: dict[str, Floats]
    status: NDArray[np.int8]
    reasons: tuple[str, ...]


def names(plan: Plan) -> tuple[str, ...]:
    """Return the names of all readings of a plan."""
    return (*plan.read, UNTREATED)


def row_shape(plan: Plan, name: str) -> tuple[int, ...]:
    """Return the shape of a reading of one point."""
    count = len(plan.observe)
    return (len(plan.curve_times), count) if name == CURVES else (count,)


def run_chunk(
    plan: Plan,
    chunk: int,
    given_up: Mapping[int, str] | None = None,
    begin: Callable[[int], object] = lambda _point: None,
) -> Done:
    """Simulate the points of a chunk.

    A point that fails is tried once more with tolerances a hundred times tighter; if it fails
    again, the reason is kept.

    Parameters
    ----------
    plan : Plan
    chunk : int
    given_up : mapping of int to str
        Points that are not to be tried -> why.
    begin : callable
        Called with each point before it is simulated.
    """
    found = []
    for point in plan.chunk(chunk):
        begin(point)
        reason = (given_up or {}).get(point)
        found.append(_Point({}, FAILED, reason) if reason else _run_point(plan, point))
    values = {
        name: np.stack(
            [one.values.get(name, np.full(row_shape(plan, name), np.nan)) for one in found]
        )
        for name in names(plan)
    }
    status = np.array([one.status for one in found], dtype=np.int8)
    return Done(chunk, values, status, tuple(one.reason for one in found))


@dataclass(frozen=True)
class _Point:
    values: Mapping[str, Floats]
    status: int
    reason: str = ""


def _run_point(plan: Plan, point: int) -> _Point:
    tolerances = (plan.relative_tolerance, plan.absolute_tolerance)
    try:
        compiled = compile_scenario(plan.scenario_of(point))
        base = baseline(compiled)
    except (InputError, SimulationError) as error:  # no other tolerances would help
        return _Point({}, FAILED, str(error))
    try:
        return _Point(_simulated(plan, compiled, base, tolerances), OK)
    except SimulationError as error:
        first = str(error)
    tighter = (max(tolerances[0] * _TIGHTER, _TIGHTEST), tolerances[1] * _TIGHTER)
    try:
        return _Point(_simulated(plan, compiled, base, tighter), RETRIED, first)
    except SimulationError as error:
        return _Point({}, FAILED, str(error))


@dataclass(frozen=True)
class Baseline:
    """The untreated cell: its state at rest [nM], and what is read of it, shape (m,)."""

    rest: Mapping[str, float]
    observed: Floats


def _simulated(
    plan: Plan, compiled: Compiled, base: Baseline, tolerances: tuple[float, float]
) -> dict[str, Floats]:
    times, places = plan.times_of(compiled)
    values = _simulator(plan, compiled.sbml).run(
        Run(times, compiled.settings, {**base.rest, **compiled.given}, compiled.steps),
        compiled.observe,
        relative_tolerance=tolerances[0],
        absolute_tolerance=tolerances[1],
        label=compiled.scenario.cell,
    )
    found = {**read(plan.read, times, values), UNTREATED: base.observed}
    return {CURVES: values[places], **found} if CURVES in plan.read else found


def _simulator(plan: Plan, sbml: str) -> Engine | AmiciEngine:
    return amici_engine(sbml) if plan.engine == "amici" else engine(sbml)


_baselines: dict[Any, Baseline | str] = {}  # or why there is none


def baseline(compiled: Compiled) -> Baseline:
    """Return the untreated cell; points that share it share it, and also that there is none.

    Raises
    ------
    SimulationError
        When it does not come to rest.
    """
    bare = structure((), parts(compiled.scenario).mutants)
    known = symbols(bare)
    # Constants of a drug do not reach a cell without it: what is read there needs only these.
    is_bare = all(id in known for id in compiled.observe)
    adapted = [one for one in compiled.adapted.items() if not is_bare or one[0] in known]
    model = bare if is_bare else compiled.sbml
    key = (model, compiled.scenario.cell, compiled.observe, tuple(adapted))
    if key not in _baselines:
        if len(_baselines) >= _MOST_BASELINES:
            _baselines.clear()
        _baselines[key] = _rested(compiled, model, dict(adapted))
    found = _baselines[key]
    if isinstance(found, str):
        raise SimulationError(found)
    return found


def _rested(compiled: Compiled, model: str, adapted: dict[str, float]) -> Baseline | str:
    try:
        rest = steady_state(compiled)
        run = Run(np.zeros(1), adapted, {**first_values(adapted, model), **rest})
        return Baseline(rest, engine(model).run(run, compiled.observe)[0])
    except SimulationError as error:
        return str(error)


def warm(plan: Plan) -> None:
    """Compile every model of a plan here, so that what forks from this process has it."""
    for one in plan.parts:
        _simulator(plan, structure(*one))
        engine(structure((), one.mutants))
