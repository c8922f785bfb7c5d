"""Runs SBML in libRoadRunner. The only importer of roadrunner: its surprises end here.

An `Engine` holds one compiled model. Every run sets all parameters, boundary species and initial
concentrations anew, so nothing of one run reaches the next. A schedule runs in segments, from
step to step, which gives the same numbers as events and lets one compiled model serve them all.
"""

import os
import platform
import sys
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, wraps
from itertools import takewhile
from pathlib import Path
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

import numpy as np

from mtorsim import cache
from mtorsim.errors import ModelError, SimulationError
from mtorsim.steps import ADVICE, Floats, Run, Step, check_curves, in_pieces
from mtorsim.units import say_time

# CVODE writes its warnings to the C library's stdout, which would corrupt tables and JSON.
os.environ.setdefault("SUNLOGGER_ERROR_FILENAME", os.devnull)
os.environ.setdefault("SUNLOGGER_WARNING_FILENAME", os.devnull)

import roadrunner

roadrunner.Logger.setLevel(roadrunner.Logger.LOG_CRITICAL)
# Loads three to eight times faster than the default backend and runs at the same speed.
roadrunner.Config.setValue(roadrunner.Config.LLVM_BACKEND, roadrunner.Config.LLJIT)

VERSION: str = roadrunner.__version__

ABSOLUTE_TOLERANCE = 1e-8
"""Absolute tolerance of every species [nM]: a hundred-thousandth of one molecule in a cell.

What is scarce decides: with 1e-6 free mTOR under a drug is wrong by 3e-5 of itself, with this by
1e-6, and no run takes longer.
"""

RELATIVE_TOLERANCE = 1e-8
"""Relative tolerance of a single run."""

STEADY_HORIZON = 1e7  # min: twenty years
STEADY_DRIFT = 1e-9  # 1/min: relative; over four days it moves nothing by more than 1e-5

# Of the backward differentiation formulas. Curves with steps in them take up to a third less time
# with 4 than with CVODE's 5 and are as exact; the long slow way to a resting state takes a third
# more.
_CURVE_ORDER, _REST_ORDER = 4, 5
_NUDGE = 1e-4  # of a state: its derivatives by differences
_GROWTH = 1e-7  # 1/min: of a disturbance, by a tenth in two years
_ROUNDING = 1e-10  # of the fastest rate
_NOTHING: Mapping[str, float] = MappingProxyType({})
_MAXIMUM_STEPS = 100_000
_PROCESSOR = (  # what /proc/cpuinfo calls it, and what it can do, on Intel's and on ARM's
    *("vendor_id", "cpu family", "model", "model name", "stepping", "flags"),
    *("CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision", "Features"),
)

_P = ParamSpec("_P")
_T = TypeVar("_T")
_turn = threading.RLock()  # RoadRunner compiles and runs for one thread at a time, or crashes


_alive: "weakref.WeakValueDictionary[int, roadrunner.RoadRunner]" = weakref.WeakValueDictionary()
_inherited: list[roadrunner.RoadRunner] = []


def _kept(runner: roadrunner.RoadRunner) -> roadrunner.RoadRunner:
    _alive[id(runner)] = runner
    return runner


def _free() -> None:
    """Make a forked process ready: a lock that nobody holds, engines that are never ended.

    The end of a compiled model waits for threads of its compiler, which a fork leaves behind.
    """
    _inherited.extend(_alive.values())
    global _turn
    _turn = threading.RLock()


if hasattr(os, "register_at_fork"):  # nobody is in RoadRunner while a process is forked
    os.register_at_fork(
        before=lambda: _turn.acquire(),
        after_in_parent=lambda: _turn.release(),
        after_in_child=_free,
    )


def one_at_a_time(work: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let one thread after the other into a function that uses RoadRunner."""

    @wraps(work)
    def waits(*args: _P.args, **named: _P.kwargs) -> _T:
        with _turn:
            return work(*args, **named)

    return waits


def without_attributes(sbml: str) -> roadrunner.RoadRunner:
    """Compile a model; its ids do not become attributes.

    Those would cover RoadRunner's own, of every model in the process: ``model`` or ``simulate``.
    """
    key = roadrunner.Config.ROADRUNNER_DISABLE_PYTHON_DYNAMIC_PROPERTIES
    before = roadrunner.Config.getValue(key)
    roadrunner.Config.setValue(key, True)
    try:
        return _kept(roadrunner.RoadRunner(sbml))
    finally:
        roadrunner.Config.setValue(key, before)


class Engine:
    """One compiled SBML model. Threads may share it: they wait for each other.

    Parameters
    ----------
    sbml : str
        Flat SBML. Its own events, if any, run too.
    state : bytes, optional
        What `state` gave right after the same model was compiled on such a machine. RoadRunner
        runs it unchecked: of another model or damaged it ends the process.

    Raises
    ------
    ModelError
        When RoadRunner cannot compile the model.
    """

    @one_at_a_time
    def __init__(self, sbml: str, state: bytes | None = None) -> None:
        try:
            if state is None:
                self._runner = without_attributes(sbml)
            else:
                self._runner = _kept(roadrunner.RoadRunner())
                self._runner.loadStateS(state)
        except RuntimeError as error:
            raise ModelError(f"RoadRunner cannot load the model: {_one_line(error)}") from None
        model = self._runner.model
        self.species: tuple[str, ...] = tuple(model.getFloatingSpeciesIds())
        # Parameters that a rate rule moves are states like species; RoadRunner puts them first.
        self.rates: tuple[str, ...] = tuple(self._runner.getRateRuleIds())
        self.states = self.rates + self.species
        self._tables = {
            "compartment": _Table(model.getCompartmentIds(), model.getCompartmentVolumes()),
            "species": _Table(self.species, model.getFloatingSpeciesConcentrations()),
            "boundary": _Table(
                model.getBoundarySpeciesIds(), model.getBoundarySpeciesConcentrations()
            ),
            "parameter": self._free_parameters(),
        }
        self._places = {  # id -> its kind, and its place in the table of that
            id: (kind, row)
            for kind, table in self._tables.items()
            for id, row in table.index.items()
        }
        self._concentrations = frozenset(self.species + self._tables["boundary"].ids)
        self._selected: dict[str, int] = {}  # what RoadRunner writes out -> its column
        integrator = self._runner.getIntegrator()
        integrator.setValue("maximum_num_steps", _MAXIMUM_STEPS)
        integrator.setValue("initial_time_step", 0.0)

    @one_at_a_time
    def state(self) -> bytes:
        """Return the compiled model with the values that it has now."""
        return bytes(self._runner.saveStateS())

    @one_at_a_time
    def run(
        self,
        run: Run,
        selections: Sequence[str],
        *,
        relative_tolerance: float = RELATIVE_TOLERANCE,
        absolute_tolerance: float = ABSOLUTE_TOLERANCE,
        label: str = "",
    ) -> Floats:
        """Simulate and return the selected quantities.

        Parameters
        ----------
        run : Run
            Times, settings and steps. At the time of a step the value after it is returned.
        selections : sequence of str, length m
            Ids of species and parameters; species are concentrations.
        relative_tolerance, absolute_tolerance : float
            Of the integrator; the absolute one is a concentration [nM].
        label : str
            Names the run in error messages.

        Returns
        -------
        array, shape (n, m)
            In model units.

        Raises
        ------
        SimulationError
            When the solver fails, or a value is not finite, or a concentration is negative.
        """
        return self._run(run, selections, relative_tolerance, absolute_tolerance, label)

    def _run(
        self,
        run: Run,
        selections: Sequence[str],
        relative: float,
        absolute: float,
        label: str,
        order: int = _CURVE_ORDER,
    ) -> Floats:
        self._runner.getIntegrator().setValue("maximum_bdf_order", order)
        self._prepare(run, relative, absolute)
        columns = [*selections, *self.species]

        def piece(start: float, wanted: Floats, stop: float | None, which: str) -> Floats:
            where = f"{label or 'run'}, {which}"
            return self._segment(start, wanted, stop, columns, where)

        values = in_pieces(run, piece, self._carry_out)
        is_species = [id in self._concentrations for id in columns]
        check_curves(values, columns, is_species, run.times, absolute, label)
        return values[:, : len(selections)]

    @one_at_a_time
    def steady_state(
        self,
        settings: Mapping[str, float],
        *,
        start: Mapping[str, float] = _NOTHING,
        also: Sequence[str] = (),
        relative_tolerance: float = 1e-9,
        absolute_tolerance: float = ABSOLUTE_TOLERANCE,
        label: str = "",
    ) -> dict[str, float]:
        """Return the concentrations at which the model rests under `settings`.

        Found by simulating, since root finders fail or return negative states for such networks,
        and what no small disturbance leaves: a cycle or an explosion rests in its middle, too.

        Parameters
        ----------
        settings : mapping of str to float
            Id of a parameter or species -> value; what is not named has that of the model.
        start : mapping of str to float
            Species -> concentration from which to search [nM], with the same conserved totals;
            the nearer to rest, the sooner it is found. Goes before `settings`.
        also : sequence of str
            Ids of read-outs whose values at rest are returned as well.
        relative_tolerance, absolute_tolerance, label
            As of `run`.

        Returns
        -------
        dict
            Species -> concentration [nM], and `also`.

        Raises
        ------
        SimulationError
            When it still moves after the longest time tried, and names what moves fastest; or when
            it rests only as long as nothing disturbs it.
        """
        what = f"{label or 'run'}: pre-equilibration"
        for horizon in (STEADY_HORIZON, 10 * STEADY_HORIZON):
            columns = (*self.states, *also)
            run = Run(np.array([0.0, horizon]), settings, start)
            tolerances = (relative_tolerance, absolute_tolerance)
            found = self._run(run, columns, *tolerances, what, _REST_ORDER)[-1]
            name, drift = self._fastest(found[: len(self.states)], absolute_tolerance)
            if drift <= STEADY_DRIFT:
                self._check_stable(found[: len(self.states)], absolute_tolerance, what)
                return dict(zip(columns, found.tolist(), strict=True))
        raise SimulationError(
            f"{what} found no resting state in {say_time(horizon)}: {name} still changes by "
            f"{drift:.1e} of itself per minute. {ADVICE}"
        )

    # -- inside ------------------------------------------------------------------------------

    def _prepare(self, run: Run, relative: float, absolute: float) -> None:
        runner, model = self._runner, self._runner.model
        integrator = runner.getIntegrator()
        integrator.setValue("relative_tolerance", relative)
        filled = self._filled({**run.settings, **run.start})
        places = {kind: table.places for kind, table in self._tables.items()}
        # Parameters first: reset() recomputes what depends on them.
        model.setGlobalParameterValues(places["parameter"], filled["parameter"])
        runner.reset()
        model.setCompartmentVolumes(places["compartment"], filled["compartment"])
        model.setGlobalParameterValues(places["parameter"], filled["parameter"])
        if places["boundary"]:
            model.setBoundarySpeciesConcentrations(places["boundary"], filled["boundary"])
        self._scales = np.concatenate([np.ones(len(self.rates)), self._species_volumes()])
        model.setFloatingSpeciesConcentrations(places["species"], filled["species"])
        model.setTime(float(run.times[0]))
        # As amounts, one for each species: with one scalar for all, steps at a first dose fail.
        integrator.setValue("absolute_tolerance", (absolute * self._scales).tolist())

    def _filled(self, settings: Mapping[str, float]) -> dict[str, Floats]:
        """Return kind -> the values of all ids of that kind: those given, or else the model's."""
        found = {kind: table.defaults.copy() for kind, table in self._tables.items()}
        unknown = []
        for id, value in settings.items():
            place = self._places.get(id)
            if place is None:
                unknown.append(id)
            else:
                found[place[0]][place[1]] = value
        if unknown:
            raise ModelError(f"the model has no {', '.join(map(repr, unknown))} to set.")
        return found

    def _carry_out(self, step: Step) -> None:
        for id in step.added:
            if id not in self._concentrations:
                raise ModelError(f"the model has no species {id!r} to add to.")
        before = {id: float(self._runner.getValue(f"[{id}]")) for id in step.added}
        self._assign({**step.values, **{id: before[id] + step.added[id] for id in before}})

    def _assign(self, values: Mapping[str, float]) -> None:
        model = self._runner.model
        setters = {
            "compartment": model.setCompartmentVolumes,
            "species": model.setFloatingSpeciesConcentrations,
            "boundary": model.setBoundarySpeciesConcentrations,
            "parameter": model.setGlobalParameterValues,
        }
        for id, value in values.items():
            if id not in self._places:
                raise ModelError(f"the model has no {id!r} to change.")
            kind, row = self._places[id]
            setters[kind]([self._tables[kind].places[row]], [value])

    def _segment(
        self, start: float, wanted: Floats, stop: float | None, columns: Sequence[str], label: str
    ) -> Floats:
        """Simulate from `start` to `stop` (or the last time) and return the rows of `wanted`."""
        grid = [start, *(time for time in wanted if time > start)]
        if stop is not None and stop > grid[-1]:
            grid.append(stop)
        places = self._select(columns)
        if len(grid) == 1:
            return np.array([self._runner.getSelectedValues()])[:, places]
        try:
            # RoadRunner needs the grid to start where the model stands.
            result: Any = self._runner.simulate(times=grid)
        except RuntimeError as error:
            raise self._failure(error, label) from None
        rows = np.array(result)
        first = 0 if len(wanted) and wanted[0] <= start else 1
        return rows[first : first + len(wanted), places]

    def _select(self, columns: Sequence[str]) -> list[int]:
        """Say what is read and return its columns.

        RoadRunner looks up each name, which takes as long as a short run, so what was once read
        goes on being read.
        """
        new = [id for id in dict.fromkeys(columns) if id not in self._selected]
        if new:
            every = (*self._selected, *new)
            self._runner.timeCourseSelections = [
                f"[{id}]" if id in self._concentrations else id for id in every
            ]
            self._selected = {id: place for place, id in enumerate(every)}
        return [self._selected[id] for id in columns]

    def _failure(self, error: RuntimeError, label: str) -> SimulationError:
        model = self._runner.model
        state = np.array(model.getFloatingSpeciesConcentrations())
        lowest = int(np.argmin(state)) if len(state) else 0
        return SimulationError(
            f"solver stopped at {model.getTime():.6g} min, {label}. Lowest: "
            f"{self.species[lowest]} = {state[lowest]:.3g} nM. CVODE: {_one_line(error)} {ADVICE}"
        )

    def _fastest(self, state: Floats, absolute: float) -> tuple[str, float]:
        """Return the state that moves fastest, and by how much of itself in a minute."""
        rates = self._rates_at(state)
        drift = np.abs(rates) / (np.abs(state) + 1e3 * absolute)
        index = int(np.argmax(drift))
        return self.states[index], float(drift[index])

    def _rates_at(self, state: Floats) -> Floats:
        """Return how fast each state changes [its unit per min]."""
        model, own = self._runner.model, len(self.rates)
        parameters = self._tables["parameter"]
        places = [parameters.places[parameters.index[id]] for id in self.rates]
        if places:
            model.setGlobalParameterValues(places, state[:own])
        model.setFloatingSpeciesConcentrations(self._tables["species"].places, state[own:])
        rates: Floats = np.array(self._runner.getRatesOfChange()) / self._scales
        return rates

    def _check_stable(self, state: Floats, absolute: float, what: str) -> None:
        """Refuse a state that the slightest disturbance would leave."""
        steps = _NUDGE * np.maximum(np.abs(state), 1e3 * absolute)
        moved = np.diag(steps)
        columns = [
            (self._rates_at(state + one) - self._rates_at(state - one)) / (2 * step)
            for one, step in zip(moved, steps, strict=True)
        ]
        jacobian = np.array(columns).T
        if not np.isfinite(jacobian).all():  # at the edge of where the rates are defined
            return
        growth = float(np.linalg.eigvals(jacobian).real.max(initial=0.0))
        if growth > _GROWTH + _ROUNDING * np.abs(jacobian).max(initial=0.0):
            raise SimulationError(
                f"{what} found a state that does not last: any disturbance of it grows by a factor "
                f"of e in {say_time(1 / growth)}. {ADVICE}"
            )

    def _free_parameters(self) -> "_Table":
        """Return the parameters that may be set; with a rate rule, that is their first value."""
        model = self._runner.model
        ruled = set(self._runner.getAssignmentRuleIds())
        ids = model.getGlobalParameterIds()
        places = [place for place, id in enumerate(ids) if id not in ruled]
        values = np.array(model.getGlobalParameterValues())[places]
        return _Table([ids[place] for place in places], values, places)

    def _species_volumes(self) -> Floats:
        """Return the volume of each species as set now; leaves all concentrations at 1."""
        model, places = self._runner.model, self._tables["species"].places
        model.setFloatingSpeciesConcentrations(places, np.ones(len(places)))
        return np.array(model.getFloatingSpeciesAmounts())


class _Table:
    """Ids of one kind, their places in RoadRunner's arrays, and the values of the model file."""

    def __init__(
        self, ids: Sequence[str], defaults: Any, places: Sequence[int] | None = None
    ) -> None:
        self.ids = tuple(ids)
        self.index = {id: row for row, id in enumerate(self.ids)}
        self.defaults = np.array(defaults, dtype=float)
        self.places = list(range(len(self.ids)) if places is None else places)


@one_at_a_time
@lru_cache(maxsize=16)
def engine(sbml: str) -> Engine:
    """Return the engine of a model: compiled once per process, or kept from an earlier one."""
    computer = machine()
    if not computer or cache.folder() is None:
        return Engine(sbml)
    place = cache.name("state", sbml, computer)
    state = cache.read(place)
    if state is not None:
        with suppress(ModelError):
            return Engine(sbml, state)
    made = Engine(sbml)
    cache.write(place, made.state())
    return made


def machine() -> str:
    """Return what compiled code depends on beside the model; empty if that cannot be told."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            first = list(takewhile(str.strip, file))  # the lines of the first core
    except OSError:
        return ""
    config = roadrunner.Config
    ours = (
        roadrunner.getVersionStr(),  # with the date of the build, and the versions in it
        config.getValue(config.LLVM_BACKEND),
        config.getValue(config.LLJIT_OPTIMIZATION_LEVEL),
        sys.implementation.cache_tag,
        platform.machine(),
    )
    processor = [line for line in first if line.partition(":")[0].strip() in _PROCESSOR]
    return "\n".join((*map(str, ours), *processor))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
