"""Carries a plan out: in memory, or in a directory that survives interruptions."""

import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mtorsim.amici_engine import unusable
from mtorsim.compile import structure
from mtorsim.errors import InputError, ScenarioError, shown
from mtorsim.scenario import Scenario
from mtorsim.sweeps import pool
from mtorsim.sweeps.axes import Axis, axis
from mtorsim.sweeps.gather import in_memory
from mtorsim.sweeps.labels import variables
from mtorsim.sweeps.plan import Plan, plan
from mtorsim.sweeps.result import Sweep, open_sweep
from mtorsim.sweeps.store import Store
from mtorsim.sweeps.work import FAILED, Done, run_chunk, warm

Progress = Callable[[int, int], object]
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
        Processes of this machine; 1 for this one, where a crash of the solver is not survived.
    dask : str, optional
        Address of the scheduler of a Dask cluster, which then does the work.
    resume : bool
        Go on with what `out` holds of this sweep.
    progress : callable, optional
        Called with the number of points done and of all points.
    **options
        `method` (grid, list, random, latin_hypercube, sobol), `points`, `seed`, `read`, `times`,
        `relative_tolerance`, `absolute_tolerance`, `engine`, as in `Plan`.

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
    if isinstance(vary, Mapping):
        axes = [axis(target, values) for target, values in vary.items()]
    else:
        axes = list(vary)
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= 1024:
        raise InputError(f"workers: {shown(workers)} is not a whole number from 1 to 1024.")
    made, reason = runnable(plan(_scenario(scenario), axes, **options))
    if reason:
        warnings.warn(reason, stacklevel=2)
    return carry_out(made, out, workers=workers, dask=dask, resume=resume, progress=progress)


def runnable(made: Plan) -> tuple[Plan, str]:
    """Return a plan that this machine can carry out, and why its engine is another one.

    Builds the models of a plan for AMICI; where that cannot be done, RoadRunner serves. A cluster's
    workers build their own.
    """
    if made.engine == "amici":
        for one in made.parts:
            if reason := unusable(structure(*one)):
                return replace(made, engine="roadrunner"), f"{reason} RoadRunner simulates instead."
    return made, ""


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
        with closing(_finished(made, range(made.chunk_count), workers, dask)) as found:
            return Sweep(*in_memory(made, _counted(found, made.count, say)))
    if dask is not None:
        from mtorsim.sweeps import cluster

        cluster.check(dask)  # before a folder is begun
    store = Store(Path(out), made)
    with store.opened(resume=resume):
        if not store.is_done:
            _fill(store, made, workers, dask, say)
        store.close()
    return open_sweep(out)


def _scenario(given: object) -> Scenario:
    if given is None:
        return Scenario()
    if not isinstance(given, Scenario):
        raise ScenarioError(f"expected a Scenario, got {type(given).__name__}.")
    return given


def _fill(store: Store, made: Plan, workers: int, dask: str | None, say: Progress) -> None:
    """Do the chunks that are not there yet, and keep each as it comes."""
    kept = store.finished()
    count = sum(len(made.chunk(one)) for one in kept)
    say(count, made.count)
    left = [one for one in range(made.chunk_count) if one not in kept]
    with closing(_finished(made, left, workers, dask)) as found:
        for done in found:
            store.add(done)
            count += len(done.status)
            say(count, made.count)


def _finished(made: Plan, chunks: Sequence[int], workers: int, dask: str | None) -> Generator[Done]:
    if dask is None:
        return pool.run(made, chunks, workers)
    from mtorsim.sweeps import cluster

    return cluster.run(made, chunks, dask)


def _counted(found: Iterable[Done], count: int, say: Progress) -> Iterator[Done]:
    ready = 0
    for done in found:
        ready += len(done.status)
        say(ready, count)
        yield done


@dataclass(frozen=True)
class Estimate:
    """What a sweep will take, from points that were tried.

    Attributes
    ----------
    points, models : int
        Simulations, and models that are compiled.
    seconds : float
        On this machine, with the workers asked for, once models are compiled.
    bytes : int
        Of the results before compression.
    tried, failed : int
        Points that were simulated for this, and those of them that failed.
    reason : str
        Why the first of these failed; empty if none did.
    by_roadrunner : float or None
        As `seconds`, had RoadRunner to do it; None if it has.
    """

    points: int
    models: int
    seconds: float
    bytes: int
    tried: int
    failed: int
    reason: str
    by_roadrunner: float | None = None


def estimate(made: Plan, workers: int = 1, most: int = 8, seconds: float = 5.0) -> Estimate:
    """Return what a sweep will take, after trying chunks spread over it, for some seconds."""
    warm(made)
    places = {k * (made.chunk_count - 1) // max(most - 1, 1) for k in range(most)}
    begun, tried = time.perf_counter(), list[Done]()
    for chunk in sorted(places):
        tried.append(run_chunk(made, chunk))
        if time.perf_counter() - begun > seconds:
            break
    statuses = np.concatenate([one.status for one in tried])
    each = (time.perf_counter() - begun) / len(statuses)
    row = sum(int(np.prod(one.row)) * np.dtype(one.dtype).itemsize for one in variables(made))
    failed = [
        reason
        for one in tried
        for reason, status in zip(one.reasons, one.status, strict=True)
        if status == FAILED
    ]
    return Estimate(
        points=made.count,
        models=len(made.parts),
        seconds=each * made.count / min(workers, made.chunk_count),
        bytes=made.count * row,
        tried=len(statuses),
        failed=len(failed),
        reason=next(iter(failed), ""),
        by_roadrunner=(
            None
            if made.engine == "roadrunner"
            else estimate(replace(made, engine="roadrunner"), workers, most, seconds).seconds
        ),
    )
