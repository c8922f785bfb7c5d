"""Times one 72 h run of the whole model, stage by stage.

    python benchmarks/one_run.py

Each stage is repeated and the median printed. Times depend on the machine; the ratios to the
simulation itself, measured in the same run, are what to compare.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
import roadrunner

import mtorsim as mt
from mtorsim import drugs, library
from mtorsim.compile import compile_scenario, structure
from mtorsim.drug_layer import attach
from mtorsim.engine import VERSION, Engine
from mtorsim.roles import network_roles
from mtorsim.simulation import default_times
from mtorsim.steps import Run

SCENARIO = mt.Scenario(cell="786-O", drugs={"temsirolimus": "20 nM"}, duration="72 h")


def median(work: Callable[[], object], repeats: int) -> float:
    """Return the median time of some work [s]."""
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def command(*arguments: str, keep: str = "off") -> float:
    """Run mtorsim in a process of its own; return the time until it has printed its table [s].

    Parameters
    ----------
    *arguments : str
    keep : str
        Folder that keeps what was computed, or ``"off"``.
    """
    code = "from mtorsim.cli import main; main()"
    begun, seen = time.perf_counter(), 0.0
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", code, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, "MTORSIM_CACHE": keep},
        )
        assert process.stdout is not None
        for line in process.stdout:
            if not line.startswith(b"Wrote"):
                seen = time.perf_counter() - begun
        assert process.wait() == 0
    return seen


def until_table(keep: str, repeats: int) -> float:
    """Return the median time until ``mtorsim run`` has printed its table [s]."""
    return statistics.median(command("run", keep=keep) for _ in range(repeats))


def main() -> None:
    """Measure and print."""
    # Without this, RoadRunner takes a model it has seen from its own cache.
    roadrunner.Config.setValue(roadrunner.Config.LOADSBMLOPTIONS_RECOMPILE, True)
    text = library.network_text()
    network = library.network_sbml()
    drug = drugs.load("temsirolimus")
    sbml = structure(("temsirolimus",))
    engine = Engine(sbml)
    compiled = compile_scenario(SCENARIO)
    rest = engine.steady_state(compiled.adapted)
    start = {**rest, **compiled.given}
    hourly = Run(np.arange(73) * 60.0, compiled.settings, start)
    curves = Run(default_times(SCENARIO.duration), compiled.settings, start)
    stages = {
        "Antimony to SBML": median(lambda: library.antimony_to_sbml(text), 5),
        "drug layer": median(lambda: attach(network, network_roles(), [drug]), 5),
        "load and compile": median(lambda: Engine(sbml), 5),
        "pre-equilibration": median(lambda: engine.steady_state(compiled.adapted), 20),
        "72 h, 73 points, rtol 1e-6": median(
            lambda: engine.run(hourly, compiled.observe, relative_tolerance=1e-6), 50
        ),
        "72 h, 73 points, rtol 1e-8": median(lambda: engine.run(hourly, compiled.observe), 50),
        "72 h, default points, rtol 1e-8": median(lambda: engine.run(curves, compiled.observe), 50),
        "mt.simulate, all of it, again": median(lambda: mt.simulate(SCENARIO), 10),
        "mtorsim --help, new process": median(lambda: command("--help"), 5),
        "mtorsim run, all files, no cache": median(lambda: command("run"), 3),
        "mtorsim run to its table, no cache": until_table("off", 5),
    }
    with tempfile.TemporaryDirectory() as kept:
        command("run", keep=kept)
        stages["mtorsim run to its table, cache"] = until_table(kept, 5)
    unit = stages["72 h, 73 points, rtol 1e-8"]
    print(f"libroadrunner {VERSION}; {len(engine.species)} species that change")
    print(f"{'stage':36s} {'ms':>8s} {'ratio to one run':>18s}")
    for name, seconds in stages.items():
        print(f"{name:36s} {1e3 * seconds:8.1f} {seconds / unit:18.1f}")


if __name__ == "__main__":
    main()
