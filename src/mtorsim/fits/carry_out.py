"""Carries a fit out: starts, profiles and folds, in a folder that survives interruptions."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from mtorsim import targets as published
from mtorsim.errors import InputError, ScenarioError, SimulationError, UnknownIdError, shown, within
from mtorsim.fits import optimise
from mtorsim.fits.data import NO_DATA, read
from mtorsim.fits.petab_files import named
from mtorsim.fits.petab_problem import PetabProblem, petab_problem
from mtorsim.fits.problem import LOSS, LOSS_SCALE, Problem, hashed, problem
from mtorsim.fits.result import Fit
from mtorsim.scenario import Scenario
from mtorsim.steps import Floats
from mtorsim.sweeps import pool
from mtorsim.sweeps.folder import PARTS, WorkFolder, as_json
from mtorsim.targets import Target
from mtorsim.uncertainty import Bounds

STARTS = 8
_MOST_STARTS = 10_000

Progress = Callable[[int, int], object]
Record = dict[str, Any]


def fit(
    data: str | Path | pd.DataFrame | None = None,
    parameters: Iterable[str] = (),
    *,
    scenario: Scenario | None = None,
    targets: Iterable[str | Target] = (),
    branches: Iterable[str] = (),
    confidences: Iterable[str] = (),
    bounds: Bounds = MappingProxyType({}),
    prior: bool = True,
    loss: str | None = None,
    loss_scale: float | None = None,
    starts: int = STARTS,
    seed: int = 0,
    profile: bool | Iterable[str] = False,
    cross_validate: bool = False,
    out: str | Path | None = None,
    workers: int = 1,
    resume: bool = False,
    progress: Progress | None = None,
) -> Fit:
    """Fit parameters to measurements.

    Parameters
    ----------
    data : str, Path or DataFrame, optional
        A table of measurements; see `data.read`. Or the YAML file of a PEtab problem (or its
        folder, with a ``problem.yaml``): its tables then say what is estimated, with which bounds,
        priors and noise, and of the options as far as `loss_scale` only `parameters` and `prior`
        go with it.
    parameters : iterable of str
        Ids or patterns such as ``"kphos_*"``; of one cell alone, ``"MCF-7.INSR"``. With a PEtab
        problem: which of those that it estimates; default: all.
    scenario : Scenario, optional
        What rows of the table have in common; default: 786-O without a drug.
    targets : iterable of str or Target
        Published numbers, as well or instead: ids or patterns of the table that comes with
        mtorsim, or of your own (`mtorsim.targets.load`).
    branches, confidences, bounds, prior, loss, loss_scale
        See `problem.problem`; the loss is by default soft_l1 from 2 standard deviations on.
    starts : int
        Number of starts: the values of the models, and a Latin hypercube.
    seed : int
        Of the hypercube.
    profile : bool or iterable of str
        Whether, or of which parameters, to make profiles.
    cross_validate : bool
        Leave out each dataset (and target) in turn, fit to the others, and predict it.
    out : str or Path, optional
        Folder that keeps the results and survives interruptions; default: nothing is written.
    workers : int
        Processes of this machine.
    resume : bool
        Go on with what `out` holds of this fit.
    progress : callable, optional
        Called with the number of pieces of work done and of all.

    Returns
    -------
    Fit
        The same whatever the number of workers.

    Raises
    ------
    InputError
        For anything that cannot be carried out.
    SimulationError
        When the values of the models cannot be simulated, or no start ends anywhere.
    """
    chosen = chosen_targets(targets)
    branches, confidences = tuple(branches), tuple(confidences)
    options = {
        "scenario": scenario,
        "targets": chosen,
        "branches": branches,
        "confidences": confidences,
        "bounds": bounds,
        "loss": loss,
        "loss_scale": loss_scale,
    }
    path = named(data)
    made: Problem | PetabProblem
    if path is not None:
        _check_petab(path, options)
        made = petab_problem(path, parameters, prior=prior)
    else:
        made = problem(
            NO_DATA if data is None else read(data, scenario),
            parameters,
            targets=chosen,
            branches=branches,
            confidences=confidences,
            bounds=bounds,
            prior=prior,
            loss=LOSS if loss is None else loss,
            loss_scale=LOSS_SCALE if loss_scale is None else loss_scale,
        )
    return carry_out(
        made,
        starts=starts,
        seed=seed,
        profile=profile,
        cross_validate=cross_validate,
        out=out,
        workers=workers,
        resume=resume,
        progress=progress,
    )


def _check_petab(path: Path, options: Mapping[str, Any]) -> None:
    """Refuse what a PEtab problem says itself."""
    for name, given in options.items():
        if given is None or not given or (name, given) == ("loss", "linear"):
            continue
        raise ScenarioError(
            f"{name.replace('_', ' ')}: does not go with {path}: the tables of a PEtab problem say "
            "what is simulated, estimated and compared, and how."
        )


def chosen_targets(given: Iterable[str | Target]) -> tuple[Target, ...]:
    """Return targets; ids and patterns such as ``"EX*"`` are looked up among those that fit.

    Raises
    ------
    UnknownIdError
        For an id or pattern that none has.
    """
    from fnmatch import fnmatchcase

    found: dict[str, Target] = {}
    for one in given:
        if isinstance(one, Target):
            found[one.id] = one
            continue
        every = {target.id: target for target in published.load()}
        hits = [every[one]] if one in every else [
            target for id, target in every.items() if target.is_simulated and fnmatchcase(id, one)
        ]  # fmt: skip
        if not hits:
            raise UnknownIdError(kind="target", given=one, choices=every)
        found |= {target.id: target for target in hits}
    return tuple(found.values())


def carry_out(
    made: Problem | PetabProblem,
    *,
    starts: int = STARTS,
    seed: int = 0,
    profile: bool | Iterable[str] = False,
    cross_validate: bool = False,
    out: str | Path | None = None,
    workers: int = 1,
    resume: bool = False,
    progress: Progress | None = None,
) -> Fit:
    """Carry a problem out; arguments as of `fit`."""
    _check(starts, seed, workers)
    places = _profiled(made, profile)
    folds = list(range(len(made.datasets))) if cross_validate else []
    if cross_validate and len(folds) < 2:
        raise ScenarioError(
            "cross-validation leaves out a dataset in turn: expected two or more, in column "
            "'dataset' (of PEtab: 'datasetId', or observables) or as targets."
        )
    identity = hashed({**made.identity, "starts": starts, "seed": seed})
    folder = None if out is None else WorkFolder(
        Path(out), "fit", lambda: identity, "data, parameters, starts and versions"
    )  # fmt: skip
    crew = _Crew(folder, workers, starts + len(places) + len(folds), progress)
    with nullcontext() if folder is None else folder.opened(
        resume=resume, is_done=lambda: (Path(str(out)) / "estimates.csv").exists()
    ):  # fmt: skip
        made.warm()
        done = _carried_out(made, crew, starts, seed, places, folds, identity)
        if out is not None:
            done.save(out)
    return done


def _carried_out(
    made: Problem | PetabProblem,
    crew: "_Crew",
    starts: int,
    seed: int,
    places: Sequence[int],
    folds: Sequence[int],
    identity: Mapping[str, Any],
) -> Fit:
    begun = optimise.begin(made, starts, seed)
    records = crew.do("start", range(starts), partial(_start, made, begun))
    table, ends = _ranked(records)
    best = ends[0]
    curved = optimise.curvature(made, best)
    spreads = 1 / np.sqrt(np.maximum(np.diag(curved), 1e-6))
    profiles = crew.do("profile", places, partial(_profile, made, best, spreads))
    validated = crew.do("fold", folds, partial(_fold, made, best))
    rows = [
        {key: one for key, one in record.items() if key != "steps"} for record in validated.values()
    ]
    return Fit(
        problem=made,
        starts=table,
        ends=ends,
        curvature=curved,
        records={one["parameter"]: one for one in profiles.values()},
        validation=pd.DataFrame(rows),
        identity=dict(identity),
    )


def _ranked(records: Mapping[int, Record]) -> tuple[pd.DataFrame, Floats]:
    """Return starts, the best first, and where they ended."""
    lost = [one["reason"] for one in records.values() if one["reason"]]
    if len(lost) == len(records):
        raise SimulationError(f"no start could be fitted: {lost[0]}.")
    order = sorted(records, key=lambda k: (bool(records[k]["reason"]), records[k]["cost"], k))
    names = ("cost", "converged", "evaluations", "failed", "reason")
    rows = [{"start": k, **{name: records[k][name] for name in names}} for k in order]
    return pd.DataFrame(rows), np.array([records[k]["steps"] for k in order])


def _check(starts: object, seed: object, workers: object) -> None:
    limits = (("starts", starts, 1, _MOST_STARTS), ("seed", seed, 0, 2**63 - 1),
              ("workers", workers, 1, 1024))  # fmt: skip
    for name, value, least, most in limits:
        with within(name):
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise InputError(
                    f"{name}: {shown(value)} is not a whole number from {least} to {most}."
                )


def _profiled(made: Problem | PetabProblem, asked: bool | Iterable[str]) -> list[int]:
    ids = [one.id for one in made.free]
    if isinstance(asked, bool):
        return list(range(len(ids))) if asked else []
    places = []
    for id in asked:
        if id not in ids:
            raise UnknownIdError(kind="fitted parameter to profile", given=id, choices=ids)
        places.append(ids.index(id))
    return places


# -- work --------------------------------------------------------------------------------------


class _Crew:
    """Does numbered pieces of work in processes, and keeps each in the folder as it is done."""

    def __init__(
        self, folder: WorkFolder | None, workers: int, count: int, progress: Progress | None
    ) -> None:
        self.folder, self.workers, self.count = folder, workers, count
        self.done, self.progress = 0, progress or (lambda done, count: None)  # noqa: ARG005

    def do(
        self, kind: str, numbers: Iterable[int], work: Callable[[int], Record]
    ) -> dict[int, Record]:
        """Return number -> record, in order; what the folder holds is not done again."""
        wanted = list(numbers)
        found = {k: one for k, one in self._kept(kind).items() if k in wanted}
        self._say(len(found))
        left = [k for k in wanted if k not in found]
        with closing(pool.carried_out(partial(_numbered, work), left, self.workers)) as coming:
            for number, record in coming:
                found[number] = record
                if self.folder is not None:
                    self.folder.write(f"{PARTS}/{kind}_{number:05d}.json", as_json(record))
                self._say(1)
        return {k: found[k] for k in wanted}

    def _say(self, more: int) -> None:
        self.done += more
        if more:
            self.progress(self.done, self.count)

    def _kept(self, kind: str) -> dict[int, Record]:
        if self.folder is None:
            return {}
        paths = [one for one in self.folder.parts("json") if one.stem.startswith(f"{kind}_")]
        return {
            int(path.stem.rpartition("_")[2]): json.loads(path.read_text(encoding="utf-8"))
            for path in paths
        }


def _numbered(
    work: Callable[[int], Record],
    number: int,
    given_up: Mapping[int, str],
    begin: Callable[[int], object],
) -> tuple[int, Record]:
    begin(number)
    if number in given_up:
        raise SimulationError(f"a piece of the fit, number {number}: {given_up[number]}")
    return number, work(number)


def _start(made: Problem | PetabProblem, begun: Floats, number: int) -> Record:
    return optimise.one_start(made, begun[number])


def _profile(made: Problem | PetabProblem, best: Floats, spreads: Floats, place: int) -> Record:
    return optimise.profile(made, best, place, float(spreads[place]))


def _fold(made: Problem | PetabProblem, best: Floats, number: int) -> Record:
    return optimise.validate(made, best, made.datasets[number])
