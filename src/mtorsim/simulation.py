"""From a scenario to its curves: compile, pre-equilibrate the untreated cell, run."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

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
from mtorsim.errors import ScenarioError
from mtorsim.result import Result
from mtorsim.scenario import Scenario
from mtorsim.settable import UNTREATED
from mtorsim.steps import JUST_BEFORE, Floats, Run, instants, tolerances
from mtorsim.symbols import symbols
from mtorsim.units import Given

_FINE = 120.0  # min: after this the default grid is coarser
_INTERVALS = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 360.0, 720.0, 1440.0)
_MOST_COARSE = 250
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

    Species -> concentration [nM], and the parameters that describe the untreated cell.
    """
    bare = structure((), parts(compiled.scenario).mutants)  # at rest there is no drug
    table = symbols(bare)
    values = tuple(sorted((id, one) for id, one in compiled.adapted.items() if id in table))
    return dict(_steady_state(bare, values, compiled.scenario.cell))


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
    sbml: str, values: tuple[tuple[str, float], ...], cell: str
) -> Mapping[str, float]:
    runner = engine(sbml)
    rest = runner.steady_state(dict(values), label=cell)
    read = runner.run(Run(np.zeros(1), dict(values), rest), tuple(UNTREATED.values()))[0]
    return {**rest, **dict(zip(UNTREATED, read.tolist(), strict=True))}


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
        jumps = [step.time - JUST_BEFORE for step in compiled.steps if step.added]
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
