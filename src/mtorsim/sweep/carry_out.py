"""Carries a plan out: in memory, or in a directory that survives interruptions."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtorsim.errors import InputError, shown
from mtorsim.scenario import Scenario
from mtorsim.sweep import pool
from mtorsim.sweep.axes import Axis, axis
from mtorsim.sweep.plan import Plan, plan
from mtorsim.sweep.result import Sweep
from mtorsim.sweep.store import FAILURES, Store, assembled
from mtorsim.sweep.work import run_chunk, warm

Progress = Callable[[int, int], None]
"""Called with the number of points done and of all points."""


def sweep(
    scenario: Scenario | None = None,
    vary: Mapping[str, object] | Iterable[Axis] = (),
    *,
    out: str | Path | None = None,
    workers: int = 1,
    dask: str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Sweep:
    """Simulate a scenario at many points.

    Parameters
    ----------
    scenario : Scenario, optional
        What all points have in common; default: 786-O without a drug.
    vary : mapping of str to values, or sequence of Axis
        ``{"cell": ["786-O", "PC-3"], "drugs.sirolimus.dose": mt.logspace("1 pM", "1 uM", 9)}``:
        cells, perturbations, doses and times of drugs, stimuli, duration, or any parameter.
    out : str or Path, optional
        Directory that keeps the results and survives interruptions; default: in memory only.
    workers : int
        Processes of this machine.
    dask : str, optional
        Address of the scheduler of a Dask cluster, which then does the work.
    resume : bool
        Go on with what `out` holds of this sweep.
    progress : callable, optional
        Called with the number of points done and of all points.
    **options
        `method` (grid, list, random, latin_hypercube, sobol), `points`, `seed`, `read`, `times`,
        `relative_tolerance`, `absolute_tolerance`, as in `plan`.

    Returns
    -------
    Sweep
        Bit-identical whatever the number of workers. A point that fails twice holds NaN and is
        listed in `failures` with the reason.

    Raises
    ------
    InputError
        For anything that cannot be carried out, or a directory that cannot be used.
    MtorsimError
        When results cannot be written, or workers die again and again.
    """
    axes = [axis(target, values) for target, values in vary.items()] if isinstance(
        vary, Mapping) else list(vary)  # fmt: skip
    made = plan(scenario or Scenario(), axes, **options)
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= 1024:
        raise InputError(f"workers: {shown(workers)} is not a whole number from 1 to 1024.")
    return carry_out(made, out, workers=workers, dask=dask, resume=resume, progress=progress)


def carry_out(
    made: Plan,
    out: str | Path | None = None,
    *,
    workers: int = 1,
    dask: str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Sweep:
    """Carry out a plan; arguments as of `sweep`."""
    say = progress or (lambda done, count: None)  # noqa: ARG005
    if out is None:
        parts = []
        for done in pool.run(made, range(len(made.chunks)), workers=workers, dask=dask):
            parts.append(done)
            say(sum(len(one.status) for one in parts), made.count)
        return Sweep(made, *assembled(made, iter(parts)))
    store = Store(Path(out), made)
    with store.opened(resume=resume):
        if not store.is_done:
            _fill(store, made, workers, dask, say)
        dataset = store.close()
    import pandas as pd

    return Sweep(made, dataset, pd.read_csv(store.folder / FAILURES), store.folder)


def _fill(store: Store, made: Plan, workers: int, dask: str | None, say: Progress) -> None:
    finished = store.finished()
    count = sum(len(made.chunks[chunk]) for chunk in finished)
    say(count, made.count)
    left = [chunk for chunk in range(len(made.chunks)) if chunk not in finished]
    for done in pool.run(made, left, workers=workers, dask=dask):
        store.add(done)
        count += len(done.status)
        say(count, made.count)


@dataclass(frozen=True)
class Estimate:
    """What a sweep will take, from its first points.

    Attributes
    ----------
    points, models : int
        Simulations, and models that are compiled.
    seconds : float
        On this machine, with the workers asked for, once models are compiled.
    bytes : int
        Of the results before compression.
    """

    points: int
    models: int
    seconds: float
    bytes: int


def estimate(made: Plan, workers: int = 1, tried: int = 8) -> Estimate:
    """Return what a sweep will take, after trying a few points spread over it."""
    warm(made)
    places = sorted({int(k * (len(made.chunks) - 1) / max(tried - 1, 1)) for k in range(tried)})
    begun, points = time.perf_counter(), 0
    for chunk in places:
        points += len(run_chunk(made, chunk).status)
        if time.perf_counter() - begun > 5.0:
            break
    each = (time.perf_counter() - begun) / points
    size = made.count * len(made.observe) * 8 * (
        sum(len(made.grid(made.scenario)) if name == "curves" else 1 for name in made.read) + 1
    )  # fmt: skip
    return Estimate(made.count, len(made.parts), each * made.count / workers, size)
