"""Runs a model that was not written here under conditions: first to rest, perhaps, then from there.

Each phase begins from the compiled model as it was loaded, so that nothing of an earlier one
reaches it but the state that is carried over. It runs in a process of its own, see `apart`, which
keeps the compiled model for the next piece of work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import roadrunner

from mtorsim.apart import Arrays, Found, Limits, LostError, apart
from mtorsim.engine import RELATIVE_TOLERANCE, one_at_a_time
from mtorsim.engine.foreign import (
    _OF_SHORT_STEPS,
    _additions,
    _check,
    _check_doses,
    _check_start,
    _Doses,
    _failure,
    _followed,
    _listen,
    _loaded,
    _reacting,
    _simulated,
    _smaller,
    _tolerances,
)
from mtorsim.errors import ModelError, SimulationError
from mtorsim.steps import Floats

_HORIZONS = (1e7, 1e9)  # in the model's unit of time
_STILL = 1e-6  # of a state: what it may move from half a horizon to its end, at rest
_MOST_STEPS = 100_000
_PASSES = 3
_MEGABYTES = 8000

Tolerances: TypeAlias = Mapping[str, float]
Rests: TypeAlias = dict[Any, tuple[dict[str, float], Tolerances]]
"""Model and what is set in it -> its state at rest, and tolerances."""


@dataclass(frozen=True)
class Course:
    """One simulation.

    Attributes
    ----------
    before : mapping of str to float, optional
        What is set in a pre-equilibration, in RoadRunner's words: ``"[A]"`` is a concentration,
        ``"A"`` an amount, a parameter or a compartment; None where there is none.
    after : mapping of str to float
        What is set at time 0; other states go on from rest, or begin as the model says.
    times : tuple of float
        When it is read, rising; infinite for the state at rest.
    selections : tuple of str
        What is read, in the same words.
    sbml : str
        The model, with first values that follow from what is set.
    sbml_before : str
        The same for the pre-equilibration.
    is_curved : bool
        Whether a formula is a curve in time: that it is followed is made sure when tolerances are
        found.
    """

    before: Mapping[str, float] | None
    after: Mapping[str, float]
    times: tuple[float, ...]
    selections: tuple[str, ...]
    sbml: str = field(repr=False)
    sbml_before: str = field(default="", repr=False)
    is_curved: bool = False


def run_conditions(
    courses: Sequence[Course],
    absolute: Sequence[Sequence[Tolerances]] | None = None,
    *,
    label: str = "",
    seconds: float = 900,
) -> tuple[list[Floats], list[list[dict[str, float]]]]:
    """Simulate a model under several conditions.

    Parameters
    ----------
    courses : sequence of Course
    absolute : sequence, optional
        For each course the absolute tolerances of its phases, as returned earlier; default: what
        the sizes of the states ask for.
    label : str
        For messages.
    seconds : float
        Processor time that each course may take.

    Returns
    -------
    values : list of array, shape (times, selections)
    absolute : list
        Tolerances that were used.

    Raises
    ------
    ModelError, SimulationError
        As `run_foreign`; also when a state at rest is asked for and none is reached.
    """
    texts = list(dict.fromkeys(text for one in courses for text in (one.sbml, one.sbml_before)))
    rows = [
        {**asdict(one), "sbml": texts.index(one.sbml), "sbml_before": texts.index(one.sbml_before)}
        for one in courses
    ]
    asked = {"texts": texts, "courses": rows, "absolute": absolute, "label": label}
    limits = Limits(seconds * max(1, len(courses)), _MEGABYTES)
    try:
        used, found = apart("mtorsim.engine.conditions:carried_out", asked, {}, limits)
    except LostError as lost:
        raise SimulationError(f"{label or 'the model'}: the run {lost}.") from None
    return [found[str(place)] for place in range(len(courses))], used


def carried_out(asked: Mapping[str, Any], _arrays: Arrays) -> Found:
    """Simulate here; the arguments of `run_conditions` by name."""
    texts, found, used = asked["texts"], {}, []
    rests: Rests = {}
    for place, row in enumerate(asked["courses"]):
        one = Course(
            **{**row, "sbml": texts[row["sbml"]], "sbml_before": texts[row["sbml_before"]]}
        )
        given = None if asked["absolute"] is None else asked["absolute"][place]
        found[str(place)], mine = run_course(one, given, rests, label=asked["label"])
        used.append(mine)
    return used, found


@one_at_a_time
def run_course(
    course: Course,
    absolute: Sequence[Tolerances] | None,
    rests: Rests,
    *,
    label: str = "",
) -> tuple[Floats, list[Tolerances]]:
    """Simulate one course in this process; `rests` holds pre-equilibrations of earlier ones."""
    what = label or "the model"
    given = iter(absolute or ())
    used = []
    rest: dict[str, float] = {}
    mine: Tolerances | None
    if course.before is not None:
        key = course.sbml_before, tuple(sorted(course.before.items()))
        mine = next(given, None)
        if key not in rests:
            phase = _Phase(course.sbml_before, course.before, {}, f"{what}, pre-equilibration")
            rests[key] = phase.at_rest(mine)
        rest, mine = rests[key]
        used.append(mine)
    phase = _Phase(course.sbml, course.after, rest, what)
    absolute_after = next(given, None)
    values, mine = phase.read(course.times, course.selections, absolute_after)
    if course.is_curved and absolute_after is None:
        phase.check_followed(course.times, course.selections, mine)
    return values, [*used, mine]


class _Phase:
    """A model with what is set, from time 0."""

    def __init__(
        self, sbml: str, values: Mapping[str, float], state: Mapping[str, float], label: str
    ) -> None:
        self.sbml, self.values, self.state, self.label = sbml, values, state, label
        self.doses = _events(sbml)

    def begun(self) -> roadrunner.RoadRunner:
        """Return the model at time 0."""
        runner = _fresh(self.sbml)
        _listen(runner, self.doses)
        # Sizes and parameters first: concentrations are set in volumes.
        for id, value in sorted(
            {**self.state, **self.values}.items(), key=lambda one: "[" in one[0]
        ):
            runner.setValue(id, value)
        return runner

    def read(
        self, times: Sequence[float], selections: Sequence[str], absolute: Tolerances | None
    ) -> tuple[Floats, Tolerances]:
        """Return what is read, shape (times, selections)."""
        finite = sorted({0.0, *(time for time in times if np.isfinite(time))})
        if len(finite) == len({0.0, *times}):
            rows, used = self._curves(np.array(finite), selections, absolute)
            return rows[np.searchsorted(finite, times)], used
        rows, used = self._to_rest(finite, selections, absolute)
        places = [int(np.searchsorted(finite, t)) if np.isfinite(t) else -1 for t in times]
        return rows[places], used

    def check_followed(
        self, times: Sequence[float], selections: Sequence[str], absolute: Tolerances
    ) -> None:
        """Refuse a model of which the solver steps over a curve in time."""
        grid = np.array(sorted({0.0, *(time for time in times if np.isfinite(time))}))
        columns = [*selections, *absolute]
        if len(grid) < 2:
            return

        def again(share: float) -> Floats:
            runner = self.begun()
            runner.getIntegrator().setValue("maximum_time_step", share * float(grid[-1]))
            tight = _OF_SHORT_STEPS * RELATIVE_TOLERANCE
            try:
                return _simulated(runner, grid, columns, absolute, tight, 10 * _MOST_STEPS)
            finally:
                runner.getIntegrator().setValue("maximum_time_step", 0.0)

        rows, _ = self._every(grid, selections, absolute)
        if _followed(rows, again, self.label) is not rows:
            raise ModelError(
                f"{self.label}: the solver steps over a formula of time. Write it as events."
            )

    def at_rest(self, absolute: Tolerances | None) -> tuple[dict[str, float], Tolerances]:
        """Return the state that is reached, by names that can be set."""
        names = _states(self.begun())
        rows, used = self._to_rest([0.0], names, absolute)
        return dict(zip(names, rows[-1].tolist(), strict=True)), used

    def _to_rest(
        self, times: Sequence[float], selections: Sequence[str], absolute: Tolerances | None
    ) -> tuple[Floats, Tolerances]:
        """Return rows at times and one at rest."""
        moving = ""
        for horizon in _HORIZONS:
            last = max(times[-1], 1.0)
            grid = np.array([*times, last + horizon / 2, last + horizon])
            rows, used = self._every(grid, selections, absolute)
            half, end = rows[-2:, len(selections) :]
            moved = np.abs(end - half) / (np.abs(end) + 1e3 * np.array([*used.values()]))
            if not used or moved.max() <= _STILL:
                return np.delete(rows[:, : len(selections)], -2, axis=0), used
            moving = [*used][int(moved.argmax())]
        raise SimulationError(
            f"{self.label} found no resting state in {_HORIZONS[-1]:g} units of time: {moving} "
            "still moves."
        )

    def _curves(
        self, grid: Floats, selections: Sequence[str], absolute: Tolerances | None
    ) -> tuple[Floats, Tolerances]:
        rows, used = self._every(grid, selections, absolute)
        return rows[:, : len(selections)], used

    def _every(
        self, grid: Floats, selections: Sequence[str], absolute: Tolerances | None
    ) -> tuple[Floats, Tolerances]:
        """Return what is read, and all states as amounts, and their tolerances."""
        runner = self.begun()
        watched = [id for id in _reacting(runner) if runner.getValue(f"[{id}]") >= 0]
        used = dict(absolute) if absolute else _tolerances(runner)
        columns = [*selections, *used]
        try:
            rows = _simulated(runner, grid, columns, used, RELATIVE_TOLERANCE, _MOST_STEPS)
            for _ in range(0 if absolute else _PASSES):
                finer = _smaller(rows[:, len(selections) :], used)
                if not finer:
                    break
                used |= finer
                rows = _simulated(
                    self.begun(), grid, columns, used, RELATIVE_TOLERANCE, _MOST_STEPS
                )
        except RuntimeError as error:
            raise _failure(runner, error, self.label, "") from None
        _check_doses(self.doses, self.label, "")
        _check(rows, columns, watched, grid, used, self.label, "")
        return rows, used


def _fresh(sbml: str) -> roadrunner.RoadRunner:
    """Return a model as it was loaded. Nothing but an event outlives a reset to the origin."""
    if (kept := _without_events(sbml)) is not None:
        kept.resetToOrigin()
        return kept
    runner = roadrunner.RoadRunner()
    runner.loadStateS(_compiled(sbml))
    return runner


@lru_cache(maxsize=16)
def _without_events(sbml: str) -> roadrunner.RoadRunner | None:
    runner = _loaded(sbml)
    return None if runner.model.getNumEvents() else runner


@lru_cache(maxsize=16)
def _events(sbml: str) -> _Doses:
    """Return what the events of a model add to; those of time 0 are looked at here."""
    doses = _additions(sbml)
    _check_start(sbml, doses, "", "")
    return doses


@lru_cache(maxsize=16)
def _compiled(sbml: str) -> bytes:
    return bytes(_loaded(sbml).saveStateS())


def _states(runner: roadrunner.RoadRunner) -> list[str]:
    """Return the states, by names that can be set: species as concentrations."""
    model = runner.model
    species = {*model.getFloatingSpeciesIds(), *model.getBoundarySpeciesIds()}
    rates = [id for id in runner.getRateRuleIds() if id not in species]
    ruled = [id for id in runner.getRateRuleIds() if id in species]
    return [*rates, *(f"[{id}]" for id in dict.fromkeys((*ruled, *_reacting(runner))))]
