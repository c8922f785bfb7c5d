"""Sweeps against what else one could do, side by side in one run.

    python benchmarks/sweep.py                  # 1,000 simulations of 72 h for each
    python benchmarks/sweep.py --points 200     # quicker, less exact
    python benchmarks/sweep.py --memory 10000   # also: memory of a worker over so many simulations

The whole model with one drug. All use the same points, tolerances, output times and read-outs, in
turns, so that a slow moment of the machine meets all of them. Times belong to the machine; the
ratios are what to compare. Loops that are many times slower do fewer points. Leave both cores
alone while it runs. tellurium, COPASI (`pip install copasi-basico`) and AMICI are compared where
they are installed.
"""

import argparse
import gc
import itertools
import os
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import roadrunner

import mtorsim as mt
from mtorsim.compile import compile_scenario
from mtorsim.simulation import steady_state
from mtorsim.sweeps.axes import axis
from mtorsim.sweeps.carry_out import carry_out
from mtorsim.sweeps.plan import plan

SCENARIO = mt.Scenario(
    cell="786-O",
    drugs={"temsirolimus": "20 nM"},
    duration="72 h",
    observe=["S6K1_pT389", "AKT_pS473"],
)
TIMES = np.linspace(0, 72 * 60, 73)
RELATIVE, ABSOLUTE = 1e-6, 1e-8  # as of a sweep; the absolute one in nM
HORIZON = 1e7  # min: how long the bare loop waits for the untreated cell to rest, as a sweep does

OF_DRUG, OF_CELL, DOSE = (
    "koff_FKBP12_temsirolimus",
    "kphos_S6K1_by_mTORC1",
    "drugs.temsirolimus.dose",
)
USUAL = {OF_DRUG: 0.036, OF_CELL: 0.3, DOSE: 20.0}
ROUNDS = 5

_turn = itertools.count(1)

Work = Callable[[], object]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--points", type=int, default=1000, help="simulations of each loop")
    parser.add_argument("--memory", type=int, default=0, help="simulations of one worker")
    options = parser.parse_args()
    count, loop = options.points, BareLoop()
    print(
        f"{count} simulations of 72 h, {os.cpu_count()} cores; per simulation, median of {ROUNDS}"
    )

    print("\nA parameter of the drug varies: all points share one untreated cell.")
    shared = _measured(
        {
            "bare loop": lambda: loop.run(OF_DRUG, count),
            "sweep, 1 worker": lambda: sweep(OF_DRUG, count),
            "sweep, 2 workers": lambda: sweep(OF_DRUG, count, workers=2),
        },
        count,
    )
    _say("sweep over bare loop", "at most 1.05", shared, "sweep, 1 worker", "bare loop")
    _say("1 worker over 2", "at least 1.85", shared, "sweep, 1 worker", "sweep, 2 workers")

    print("\nA parameter of the cell varies: each point has an untreated cell of its own.")
    own = _measured(
        {
            "bare loop": lambda: loop.run(OF_CELL, count, equilibrate=True),
            "sweep, 1 worker": lambda: sweep(OF_CELL, count),
            "sweep, 2 workers": lambda: sweep(OF_CELL, count, workers=2),
        },
        count,
    )
    _say("sweep over bare loop", "at most 1.05", own, "sweep, 1 worker", "bare loop")
    _say("1 worker over 2", "at least 1.85", own, "sweep, 1 worker", "sweep, 2 workers")

    print("\nThe dose varies: a bare loop brings the untreated cell to rest each time.")
    dose = _measured(
        {
            "bare loop": lambda: loop.run(DOSE, count, equilibrate=True),
            "sweep, 1 worker": lambda: sweep(DOSE, count),
        },
        count,
    )
    _say("bare loop over sweep", "above 1", dose, "bare loop", "sweep, 1 worker")

    _others(shared, count)
    if options.memory:
        _memory(options.memory)


def values(target: str, count: int) -> np.ndarray:
    """Return values around the usual one; others at each call, so that nothing is remembered."""
    return USUAL[target] * (1 + 1e-4 * next(_turn)) * np.linspace(0.5, 2.0, count)


def sweep(target: str, count: int, workers: int = 1) -> None:
    """Sweep, as `mt.sweep` does."""
    unit = " nM" if target == DOSE else ""
    given = [f"{one!r}{unit}" if unit else one for one in values(target, count).tolist()]
    made = plan(
        SCENARIO,
        [axis(target, given)],
        read=["curves"],
        times=TIMES.tolist(),
        relative_tolerance=RELATIVE,
        absolute_tolerance=ABSOLUTE,
    )
    carry_out(made, workers=workers)


class BareLoop:
    """What someone writes who knows RoadRunner: one compiled model; set, reset, simulate."""

    def __init__(self) -> None:
        compiled = compile_scenario(SCENARIO)
        rest = steady_state(compiled)
        self.runner = roadrunner.RoadRunner(compiled.sbml)
        self.model = self.runner.model
        self.species = list(self.model.getFloatingSpeciesIds())
        self.places = list(range(len(self.species)))
        self.start = np.array([rest.get(id, compiled.given.get(id, 0.0)) for id in self.species])
        ids = list(self.model.getGlobalParameterIds())
        ruled = {*self.runner.getAssignmentRuleIds()}
        self.free = [place for place, id in enumerate(ids) if id not in ruled]
        self.index = {id: place for place, id in enumerate(ids)}
        self.usual = np.array(self.model.getGlobalParameterValues())
        for id, value in {**compiled.settings, **rest}.items():
            if id in self.index:
                self.usual[self.index[id]] = value
        self.integrator = self.runner.getIntegrator()
        self.integrator.setValue("maximum_num_steps", 100_000)
        self.integrator.setValue("maximum_bdf_order", 4)
        self.integrator.setValue("relative_tolerance", RELATIVE)
        self.integrator.setValue("absolute_tolerance", self._absolute())
        self.runner.timeCourseSelections = [
            f"[{id}]" if id in self.species else id for id in SCENARIO.observe
        ]

    def _absolute(self) -> list[float]:
        """Return the tolerance of each state as an amount, which RoadRunner wants."""
        self.model.setFloatingSpeciesConcentrations(self.places, np.ones(len(self.places)))
        rates = len(self.runner.getRateRuleIds())
        volumes = np.array(self.model.getFloatingSpeciesAmounts())
        return (ABSOLUTE * np.append(np.ones(rates), volumes)).tolist()

    def run(self, target: str, count: int, *, equilibrate: bool = False) -> None:
        """Simulate `count` points."""
        medium, grid = self.species.index("temsirolimus_medium"), TIMES.tolist()
        for value in values(target, count):
            given, start = self.usual.copy(), self.start.copy()
            if target == DOSE:
                start[medium] = value
            else:
                given[self.index[target]] = value
            if equilibrate:
                start = self._rest(given, start, medium)
            self._begin(given, start)
            np.array(self.runner.simulate(times=grid))

    def _rest(self, given: np.ndarray, start: np.ndarray, medium: int) -> np.ndarray:
        still, dry = given.copy(), start.copy()
        still[self.index["population_growth"]], dry[medium] = 0.0, 0.0
        self._begin(still, dry)
        self.integrator.setValue("relative_tolerance", 1e-9)
        self.runner.simulate(times=[0.0, HORIZON])
        self.integrator.setValue("relative_tolerance", RELATIVE)
        rest = np.array(self.model.getFloatingSpeciesConcentrations())
        rest[medium] = start[medium]
        return rest

    def _begin(self, given: np.ndarray, start: np.ndarray) -> None:
        self.runner.reset()
        self.model.setGlobalParameterValues(self.free, given[self.free])
        self.model.setFloatingSpeciesConcentrations(self.places, start)
        self.model.setTime(0.0)


def _measured(work: Mapping[str, Work], count: int) -> dict[str, float]:
    """Return name -> seconds a simulation, measured in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for job in work.values():
        job()  # once for what is compiled or cached
    for _ in range(ROUNDS):
        for name, job in work.items():
            seconds[name].append(_seconds(job) / count)
    found = {name: statistics.median(one) for name, one in seconds.items()}
    for name, value in found.items():
        print(f"  {name:42s} {1000 * value:9.2f} ms", flush=True)
    return found


def _seconds(job: Work) -> float:
    gc.collect()
    begun = time.perf_counter()
    job()
    return time.perf_counter() - begun


def _say(what: str, goal: str, found: Mapping[str, float], above: str, below: str) -> None:
    print(f"  -> {what}: {found[above] / found[below]:.3f} ({goal})", flush=True)


def _others(ours: Mapping[str, float], count: int) -> None:
    """Print how other programs compare on the same points, where they are installed."""
    print("\nOther programs, a parameter of the drug")
    for name, loop, most, goals in (
        ("tellurium, loada for each point", _tellurium, 40, (40, 75)),
        ("COPASI through basico", _copasi, 200, (2.5, None)),
    ):
        some = min(count, most)
        try:
            job = loop(some)
        except ImportError:
            print(f"  {name:42s} not installed")
            continue
        job()
        each = statistics.median(_seconds(job) for _ in range(3)) / some
        print(f"  {name:42s} {1000 * each:9.2f} ms", flush=True)
        for workers, goal in zip((1, 2), goals, strict=True):
            own = ours[f"sweep, {workers} worker{'s' * (workers > 1)}"]
            aim = f" (at least {goal})" if goal else ""
            print(f"  -> over a sweep with {workers}: {each / own:.1f}{aim}", flush=True)


def _tellurium(count: int) -> Work:
    """What a tutorial of tellurium shows: load, set and simulate in each iteration."""
    import tellurium

    text = mt.export_antimony(SCENARIO)

    def loop() -> None:
        config = roadrunner.Config
        ours = config.getValue(config.LLVM_BACKEND)
        config.setValue(config.LLVM_BACKEND, config.MCJIT)  # as tellurium leaves it
        for value in values(OF_DRUG, count):
            runner = tellurium.loada(text)
            runner[OF_DRUG] = value
            runner.simulate(0, TIMES[-1], len(TIMES), list(SCENARIO.observe))
        config.setValue(config.LLVM_BACKEND, ours)

    return loop


def _copasi(count: int) -> Work:
    import basico

    model = basico.load_model_from_string(mt.export_sbml(SCENARIO))
    basico.set_task_settings(
        "Time-Course",
        {"method": {"Relative Tolerance": RELATIVE, "Absolute Tolerance": ABSOLUTE}},
        model=model,
    )

    def loop() -> None:
        for value in values(OF_DRUG, count):
            basico.set_parameters(OF_DRUG, initial_value=value, exact=True, model=model)
            basico.run_time_course(duration=TIMES[-1], intervals=len(TIMES) - 1, model=model)

    return loop


def _memory(count: int) -> None:
    """Print the memory of a process over many simulations in it."""
    print(f"\nMemory of one worker over {count} simulations, each with a cell of its own")
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.close(reader)
        with os.fdopen(writer, "w") as out:
            for done in range(500, count + 1, 500):
                sweep(OF_CELL, 500)
                print(done, _resident(), file=out, flush=True)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as lines:
        seen = {int(done): float(size) for done, size in (line.split() for line in lines)}
    os.waitpid(child, 0)
    early, late = seen[min(1000, max(seen))], seen[max(seen)]
    print(f"  {early:.0f} MB after 1000, {late:.0f} MB after {max(seen)} (under 250)")
    print(f"  -> growth: {100 * (late / early - 1):.1f} % (under 5)")


def _resident() -> float:
    """Return what this process has in memory [MB]."""
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(one for one in text.splitlines() if one.startswith("VmRSS"))
    return float(line.split()[1]) / 1000


if __name__ == "__main__":
    main()
