"""From a scenario to its curves: compile, pre-equilibrate the untreated cell, run."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from mtorsim.administration import after_doses
from mtorsim.compile import (
    Compiled,
    compile_scenario,
    parts,
    structure,
    write_sbml,
)
from mtorsim.derived import first_values
from mtorsim.engine import ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE, VERSION, engine
from mtorsim.errors import ScenarioError, SimulationError
from mtorsim.result import Result
from mtorsim.scenario import Scenario
from mtorsim.settable import UNTREATED
from mtorsim.steps import JUST_BEFORE, Floats, Run, instants, tolerances
from mtorsim.symbols import symbols
from mtorsim.units import Given

_FINE = 120.0  # min: after this the default grid is coarser
_INTERVALS = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 360.0, 720.0, 1440.0)
_MOST_COARSE = 250
_LITTLE = 1e-3  # of a rate: the search is long enough to forget where it began, but not for less
_LAGS = tuple(60.0 * h for h in (0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 24, 48, 72))  # min


def simulate(
    scenario: Scenario | None = None,
    /,
    *,
    times: Iterable[Given] | None = None,
    relative_tolerance: float = RELATIVE_TOLERANCE,
    absolute_tolerance: float = ABSOLUTE_TOLERANCE,
    **fields: Any,
) -> Result:
    """Simulate a scenario.

    Parameters
    ----------
    scenario : Scenario, optional
        What to simulate; or give its fields as keywords: ``simulate(cell="PC-3", ...)``.
        Fields given beside a scenario replace its own.
    times : iterable of str, pint quantity or number, optional
        Output times such as ``["0 h", "30 min"]``; plain numbers are minutes. Time 0
        is always part of it. Default: every minute for two hours, then coarser.
    relative_tolerance, absolute_tolerance : float
        Of the integrator, above zero; the absolute one is a concentration [nM].
    **fields
        As in `Scenario`.

    Returns
    -------
    Result
        Concentrations [nM] over time [min]. Each is at its untreated steady state at time 0,
        except for what the scenario changes at that very instant.

    Raises
    ------
    InputError
        For anything wrong with the scenario.
    SimulationError
        When the solver fails or a value is not finite or negative.
    """
    scenario = _scenario(scenario, fields)
    accepted = tolerances(relative_tolerance, absolute_tolerance)
    compiled = compile_scenario(scenario)
    grid = output_times(compiled, times)
    rest = steady_state(compiled)
    run = Run(grid, compiled.settings, {**rest, **compiled.given}, compiled.steps)
    label = f"{scenario.cell} with {', '.join(t.drug for t in scenario.drugs) or 'no drug'}"
    runner = engine(compiled.sbml)
    values = runner.run(
        run,
        compiled.observe,
        relative_tolerance=accepted["relative"],
        absolute_tolerance=accepted["absolute_nM"],
        label=label,
    )
    begun = {**first_values(compiled.adapted, compiled.sbml), **rest}
    untreated = runner.run(Run(np.zeros(1), compiled.adapted, begun), compiled.observe)[0]
    return Result(
        scenario=scenario,
        time=grid,
        values=values,
        baseline=dict(zip(compiled.observe, untreated.tolist(), strict=True)),
        compiled=compiled,
        rest=rest,
        tolerances=accepted,
        engine=VERSION,
    )


def steady_state(compiled: Compiled) -> dict[str, float]:
    """Return the state of the untreated cell at rest in its medium.

    The search begins where the cell without `set` rests, the same place whatever was computed
    before. It begins where the model does if that fails, if the cell holds other amounts of what is
    neither made nor degraded, and if `set` switches something off: a complex that can no longer
    form or fall apart would stay as it was.

    Returns
    -------
    dict
        Species -> concentration [nM], and the parameters that describe the untreated cell.

    Raises
    ------
    SimulationError
        When it does not come to rest.
    """
    bare = structure((), parts(compiled.scenario).mutants)  # at rest there is no drug
    values, usual = (_held(one, bare) for one in (compiled.adapted, compiled.usual))
    is_near = (
        values != usual
        and _amounts(values, bare) == _amounts(usual, bare)
        and not _is_switched_off(values, usual, bare)
    )
    return dict(_steady_state(bare, values, compiled.scenario.cell, usual if is_near else None))


_Values: TypeAlias = tuple[tuple[str, float], ...]


def _held(values: Mapping[str, float], sbml: str) -> _Values:
    """Return the values that a model has a place for."""
    table = symbols(sbml)
    return tuple(sorted((id, one) for id, one in values.items() if id in table))


def _is_switched_off(values: _Values, usual: _Values, sbml: str) -> bool:
    """Return whether a parameter is nothing, or next to nothing, of what it usually is."""
    table, before = symbols(sbml), dict(usual)
    changed = ((id, one) for id, one in values if before.get(id) != one)
    return any(abs(one) < _LITTLE * abs(before.get(id, table[id].value) or 0.0)
               for id, one in changed)  # fmt: skip


def _amounts(values: _Values, sbml: str) -> dict[str, float]:
    """Return volumes and first levels of species, as far as they are not those of the model."""
    table = symbols(sbml)
    given = {id: value for id, value in values if table[id].kind in ("species", "compartment")}
    return given | first_values(dict(values), sbml)


def to_sbml(scenario: Scenario) -> str:
    """Return the SBML that `simulate` would run: values, initial state and dosing events in it.

    Returns
    -------
    str
        SBML Level 3 Version 2, flat.

    Raises
    ------
    InputError, SimulationError
        As `simulate`.
    """
    compiled = compile_scenario(_scenario(scenario, {}))
    return write_sbml(compiled, steady_state(compiled))


@lru_cache(maxsize=256)
def _steady_state(
    sbml: str, values: _Values, cell: str, near: _Values | None = None
) -> Mapping[str, float]:
    if near is not None:
        with suppress(SimulationError):  # then from where the model begins
            begun = _steady_state(sbml, near, cell)
            return _rest(sbml, values, cell, {id: begun[id] for id in begun if id not in UNTREATED})
    return _rest(sbml, values, cell)


def _rest(
    sbml: str, values: _Values, cell: str, start: Mapping[str, float] = MappingProxyType({})
) -> Mapping[str, float]:
    reads = tuple(UNTREATED.values())
    found = engine(sbml).steady_state(dict(values), start=start, also=reads, label=cell)
    untreated = {id: found.pop(read) for id, read in UNTREATED.items()}
    return found | untreated


def _scenario(scenario: Scenario | None, fields: Mapping[str, Any]) -> Scenario:
    if scenario is None:
        return Scenario(**fields)
    if not isinstance(scenario, Scenario):
        raise ScenarioError(f"expected a Scenario, got {type(scenario).__name__}.")
    return scenario.replace(**fields) if fields else scenario


def output_times(compiled: Compiled, times: Iterable[Given] | None = None) -> Floats:
    """Return the output times of a run [min]: those given, or dense where curves bend."""
    end = compiled.scenario.duration
    if times is None:
        steps = [step.time for step in compiled.steps]
        jumps = [step.time - JUST_BEFORE for step in compiled.steps]
        jumps = [time for time in jumps if time > 0]
        bends = after_doses(compiled.scenario.regimens, end, _LAGS)
        return np.unique(np.concatenate([default_times(end), steps, jumps, bends]))
    return np.unique(np.append(0.0, instants(times, end)))


def default_times(end: float) -> Floats:
    """Return the default output times [min]: each minute for two hours, then coarser."""
    fine = np.linspace(0.0, min(end, _FINE), int(_FINE) + 1)
    rest = end - _FINE
    interval = next((step for step in _INTERVALS if rest / step <= _MOST_COARSE), _INTERVALS[-1])
    coarse = np.arange(_FINE + interval, end, interval)
    return np.concatenate([fine[fine < end], coarse, [end]])
