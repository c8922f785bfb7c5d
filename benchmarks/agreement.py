"""Computes the same scenario in four programs and prints how far they are apart.

    python benchmarks/agreement.py

Each scenario is exported and computed by COPASI, by SciPy and, from its COMBINE archive, by
Tellurium; each is compared to our own run, at the times of the SED-ML that are not times of a
dose. The difference at a time is relative to our value there, or to a thousandth of the
largest value of the read-out where that is more (and to 1e-6 nM at least): what is nearly nothing
is not compared to itself. Published models join
if MTORSIM_BIOMODELS names a folder with some.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from other_programs import Table, copasi_course, scipy_course, tellurium_course

import mtorsim as mt
from mtorsim.engine import Engine
from mtorsim.export import omex, sedml
from mtorsim.library import read_sbml
from mtorsim.steps import Run

FLOOR, NOTHING = 1e-3, 1e-6
"""Share of the largest value, and concentration [nM], below which differences do not count."""

TOLERANCES = {"usual": (1e-8, 1e-8), "tight": (1e-11, 1e-12)}
"""Relative, and absolute [nM]."""

GOALS = {"usual": 1e-4, "tight": 1e-6}

SCENARIOS: Mapping[str, mt.Scenario] = {
    "constant dose": mt.Scenario(drugs={"temsirolimus": "20 nM"}),
    "wash-out": mt.Scenario(
        cell="Caki-1",
        drugs=[mt.Treatment("sirolimus", mt.Constant("20 nM", start="1 h", stop="6 h"))],
        stimuli={"insulin": "10 nM"},
        duration="24 h",
    ),
    "two drugs": mt.Scenario(
        cell="MCF-7", drugs={"everolimus": "20 nM", "AZD8055": "100 nM"}, duration="48 h"
    ),
    "hypoxia": mt.Scenario(
        cell="Caki-1", perturbations=["hypoxia"], drugs={"temsirolimus": "20 nM"}
    ),
    "weekly infusions": mt.Scenario(
        drugs={"temsirolimus": "25 mg IV over 30 min weekly x2"}, duration="10 d"
    ),
}


@dataclass(frozen=True)
class Case:
    """A model, what it gave in mtorsim, and its archive."""

    name: str
    sbml: str
    archive: bytes
    times: np.ndarray
    own: Table
    doses: tuple[float, ...] = ()


def case_of(name: str, tolerances: str) -> Case:
    """Return a scenario as we run it."""
    scenario = SCENARIOS[name]
    relative, absolute = TOLERANCES[tolerances]
    grid = np.linspace(0, scenario.duration, sedml.intervals(scenario.duration) + 1)
    result = mt.simulate(
        scenario,
        times=[float(one) for one in grid],
        relative_tolerance=relative,
        absolute_tolerance=absolute,
    )
    text = sedml.written(sedml.of_result(result, omex.MODEL))
    archive = omex.packed(result.sbml, text, scenario.in_words())
    own = {id: result.column(id) for id in result.ids}
    doses = tuple(step.time for step in result.compiled.steps)
    return Case(name, result.sbml, archive, grid, own, doses)


def published(path: Path, tolerances: str) -> Case:
    """Return a published model, all its species read over its first hundred units of time."""
    sbml = path.read_text(encoding="utf-8")
    relative, absolute = TOLERANCES[tolerances]
    engine = Engine(sbml)
    grid = np.linspace(0, 100, 201)
    run = Run(grid)
    values = engine.run(
        run, engine.species, relative_tolerance=relative, absolute_tolerance=absolute
    )
    document = read_sbml(sbml)
    level = (document.getLevel(), document.getVersion())
    sizes = [one.getSize() for one in document.getModel().getListOfCompartments()]
    experiment = sedml.Experiment(
        model=omex.MODEL,
        name=path.stem,
        names={id: id for id in engine.species},
        kinds=dict.fromkeys(engine.species, "species"),
        end=100,
        steps=200,
        relative=relative,
        absolute=absolute * min(sizes),
        level=level,
    )
    archive = omex.packed(sbml, sedml.written(experiment), path.stem, level=level)
    own = dict(zip(engine.species, values.T, strict=True))
    return Case(path.stem, sbml, archive, grid, own)


def elsewhere(case: Case, tolerances: str) -> Iterator[tuple[str, Table]]:
    """Yield each other program and what it makes of a case."""
    relative, absolute = TOLERANCES[tolerances]
    ids = tuple(case.own)
    yield "COPASI", copasi_course(case.sbml, case.times, ids, relative, absolute)
    yield "SciPy", scipy_course(case.sbml, case.times, ids, relative, absolute)
    yield "Tellurium", tellurium_course(case.archive, ids)


def apart(case: Case, other: Table) -> dict[str, float]:
    """Return read-out -> largest relative difference."""
    between = ~np.isin(case.times, case.doses)
    found = {}
    for id, own in case.own.items():
        scale = np.maximum(np.abs(own), max(FLOOR * np.abs(own).max(), NOTHING))
        found[id] = float((np.abs(other[id] - own) / scale)[between].max())
    return found


def cases(tolerances: str) -> Iterator[Case]:
    """Yield every case that can be computed here."""
    for name in SCENARIOS:
        yield case_of(name, tolerances)
    for path in published_files():
        yield published(path, tolerances)


def published_files() -> list[Path]:
    """Return the models of the folder that MTORSIM_BIOMODELS names; none without one."""
    folder = os.environ.get("MTORSIM_BIOMODELS")
    return sorted(Path(folder).glob("*.xml")) if folder else []


def main() -> None:
    """Measure and print; the status is 1 if any is further apart than its goal."""
    head = f"{'scenario':32s} {'tolerances':>10s} {'program':>10s} {'largest':>9s} "
    print(f"{head} {'median':>9s} {'goal':>7s}  read-out")
    missed = False
    for tolerances, goal in GOALS.items():
        for case in cases(tolerances):
            for program, table in elsewhere(case, tolerances):
                found = apart(case, table)
                worst = max(found, key=found.__getitem__)
                missed |= not found[worst] <= goal
                print(
                    f"{case.name:32s} {tolerances:>10s} {program:>10s} {found[worst]:9.1e}  "
                    f"{np.median([*found.values()]):9.1e} {goal:7.0e}  {worst} "
                    f"(of {len(found)})",
                    flush=True,
                )
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
