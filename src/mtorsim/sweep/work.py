"""The work of a worker: simulates the points of a chunk and keeps their readings."""

import pickle
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from mtorsim.compile import Compiled, compile_scenario, structure
from mtorsim.engine import engine
from mtorsim.errors import InputError, SimulationError
from mtorsim.simulation import steady_state
from mtorsim.steps import Floats, Run
from mtorsim.sweep.plan import Plan
from mtorsim.sweep.readings import CURVES, read

OK, RETRIED, FAILED = 0, 1, 2
"""What became of a point: done, done with tighter tolerances, not done."""

_TIGHTER = 1e-2  # times both tolerances, for a second try


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
    status: np.ndarray
    reasons: tuple[str, ...]


def run_chunk(plan: Plan, chunk: int) -> Done:
    """Simulate the points of a chunk.

    A point that fails is tried once more with tolerances a hundred times tighter; if it fails
    again, the reason is kept.
    """
    points = plan.chunks[chunk]
    found = [_run_point(plan, point) for point in points]
    values = {
        name: np.stack([_shaped(one.values, name, plan) for one in found]) for name in _names(plan)
    }
    status = np.array([one.status for one in found], dtype=np.int8)
    return Done(chunk, values, status, tuple(one.reason for one in found))


@dataclass(frozen=True)
class _Point:
    values: dict[str, Floats] | None
    status: int
    reason: str = ""


def _names(plan: Plan) -> tuple[str, ...]:
    return (*plan.read, "untreated")


def _shaped(values: dict[str, Floats] | None, name: str, plan: Plan) -> Floats:
    if values is not None:
        return values[name]
    count = len(plan.observe)
    times = len(plan.grid(plan.scenario))
    return np.full((times, count) if name == CURVES else count, np.nan)


def _run_point(plan: Plan, point: int) -> _Point:
    tolerances = np.array([plan.relative_tolerance, plan.absolute_tolerance])
    try:
        compiled = compile_scenario(plan.scenario_of(point))
    except InputError as error:
        return _Point(None, FAILED, str(error))
    try:
        return _Point(_simulated(plan, compiled, tolerances), OK)
    except SimulationError as error:
        first = str(error)
    try:
        return _Point(_simulated(plan, compiled, tolerances * _TIGHTER), RETRIED, first)
    except SimulationError as error:
        return _Point(None, FAILED, str(error))


def _simulated(plan: Plan, compiled: Compiled, tolerances: Floats) -> dict[str, Floats]:
    rest = steady_state(compiled)
    times = plan.grid(compiled.scenario)
    values = engine(compiled.sbml).run(
        Run(times, compiled.settings, {**rest, **compiled.given}, compiled.steps),
        compiled.observe,
        relative_tolerance=float(tolerances[0]),
        absolute_tolerance=float(tolerances[1]),
        label=compiled.scenario.cell,
    )
    return {**read(plan.read, times, values), "untreated": _untreated(compiled, rest)}


def _untreated(compiled: Compiled, rest: dict[str, float]) -> Floats:
    """Return the values in the untreated cell; points that share it share them."""
    key = (compiled.sbml, tuple(compiled.adapted.items()), compiled.observe)
    if key not in _baselines:
        _baselines.clear()
        run = Run(np.zeros(1), compiled.adapted, rest)
        _baselines[key] = engine(compiled.sbml).run(run, compiled.observe)[0]
    return _baselines[key]


_baselines: dict[Any, Floats] = {}


@lru_cache(maxsize=4)
def _plan_from(packed: bytes) -> Plan:
    """Return a plan that was sent here, unpacked once per process."""
    plan = pickle.loads(packed)  # noqa: S301 - packed by the process that sent the task
    assert isinstance(plan, Plan)
    return plan


def work(packed: bytes, chunk: int) -> Done:
    """Simulate a chunk of a packed plan: the task of a worker, wherever it runs."""
    return run_chunk(_plan_from(packed), chunk)


def warm(plan: Plan) -> None:
    """Compile every model of a plan here, so that what forks from this process has it."""
    for one in plan.parts:
        engine(structure(*one))
