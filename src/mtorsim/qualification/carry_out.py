"""Carries a qualification out: every published number and behaviour, on the cores there are."""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from typing import TypeAlias

from mtorsim.errors import InputError, SimulationError, UnknownIdError
from mtorsim.qualification import BEHAVIOURS, behaviour
from mtorsim.qualification.drawn import Course, DoseResponse, course, dose_responses
from mtorsim.qualification.report import Report
from mtorsim.qualification.rows import Row, of_measure, of_target
from mtorsim.qualification.scenes import Seen, seen
from mtorsim.qualification.spread import all_outcomes, spread
from mtorsim.qualification.tolerances import TIGHTER, Change, change
from mtorsim.sweeps import pool
from mtorsim.targets import Outcomes, Target, groups, load

Progress: TypeAlias = Callable[[int, int], None]
_TOGETHER = 8  # published numbers of one task: neighbours share simulations
_LONG = ("B7", "B13", "B16")  # are begun first


@dataclass
class Part:
    """What one task found."""

    rows: list[Row] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    statements: dict[str, str] = field(default_factory=dict)
    courses: dict[str, Course] = field(default_factory=dict)
    responses: dict[str, list[DoseResponse]] = field(default_factory=dict)
    scenes: dict[str, list[Seen]] = field(default_factory=dict)


Begin: TypeAlias = Callable[[int], object]


@dataclass(frozen=True)
class Carried:
    """What carries the simulations of a task out, and keeps what neighbours share."""

    usual: Outcomes
    tight: Outcomes | None
    members: list[Outcomes]


@dataclass(frozen=True)
class Ways:
    """In which ways every published number is simulated, beside the usual one."""

    tolerances: bool
    ensemble: bool

    def begun(self) -> Carried:
        """Return what carries a task out."""
        tight = Outcomes(tighter=TIGHTER) if self.tolerances else None
        return Carried(Outcomes(), tight, all_outcomes() if self.ensemble else [])


Task: TypeAlias = tuple[str | Target, ...]
"""A behaviour, or a few published numbers."""


def qualify(
    targets: Sequence[Target] | None = None,
    *,
    only: Iterable[str] = (),
    workers: int = 1,
    tolerances: bool = True,
    ensemble: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Simulate published numbers and behaviours, and return how the models compare.

    Parameters
    ----------
    targets : sequence of Target, optional
        Default: the table that comes with mtorsim.
    only : iterable of str
        Groups, ids, or behaviours such as ``"B5"``; default: everything.
    workers : int
        Processes of this machine.
    tolerances : bool
        Whether every number is simulated once more with tolerances a hundredfold tighter.
    ensemble : bool
        Whether every published number is simulated with each member of the ensemble too.
    progress : callable, optional
        Called with how many numbers and behaviours are done, and how many there are.

    Raises
    ------
    UnknownIdError
        For a name in `only` that is no group, id or behaviour.
    InputError
        For a scenario or read-out that the models do not have.
    SimulationError
        When a behaviour cannot be simulated. A published number that cannot be simulated, or that
        crashes its process twice, is a row that says so; a process that dies is replaced.
    MtorsimError
        When processes die again and again.
    """
    listed = load() if targets is None else list(targets)
    chosen, behaviours = _chosen(listed, tuple(only))
    simulated = [one for one in chosen if one.is_simulated]
    begun = time.monotonic()
    tasks = _tasks(simulated, behaviours)
    done = _all(tasks, Ways(tolerances, ensemble), workers, progress)
    parts = [done[place] for place in range(len(tasks))]
    order = {one.id: place for place, one in enumerate(listed)}
    rows = [row for part in parts for row in part.rows]
    rows.sort(key=lambda row: (order.get(row.id, math.inf), _number(row.group)))
    return Report(
        rows=tuple(rows),
        left_out=tuple(one for one in chosen if not one.is_simulated),
        statements={id: text for part in parts for id, text in part.statements.items()},
        changes=tuple(
            sorted((one for part in parts for one in part.changes), key=lambda one: order[one.id])
        ),
        courses={id: one for part in parts for id, one in part.courses.items()},
        responses={id: one for part in parts for id, one in part.responses.items()},
        scenes={id: one for part in parts for id, one in part.scenes.items()},
        is_whole=not tuple(only),
        seconds=time.monotonic() - begun,
    )


def _number(group: str) -> int:
    return int(group[1:]) if group in BEHAVIOURS else 0


def _chosen(targets: Sequence[Target], only: Sequence[str]) -> tuple[list[Target], list[str]]:
    """Return the published numbers and the behaviours that are meant."""
    if not only:
        return list(targets), list(BEHAVIOURS)
    names = {name.casefold(): name for name in [*groups(targets), *(t.id for t in targets),
                                                *BEHAVIOURS]}  # fmt: skip
    for name in only:
        if name.casefold() not in names:
            raise UnknownIdError(
                kind="group, id or behaviour", given=name, choices=names.values()
            ).at("--only")
    meant = {names[name.casefold()] for name in only}
    kept = [one for one in targets if {one.id, one.group} & meant]
    return kept, [id for id in BEHAVIOURS if id in meant]


def _tasks(targets: Sequence[Target], behaviours: Sequence[str]) -> list[Task]:
    """Return what is done, the longest first, neighbours together."""
    chunks = [tuple(targets[k : k + _TOGETHER]) for k in range(0, len(targets), _TOGETHER)]
    first = [(id,) for id in behaviours if id in _LONG]
    return [*first, *chunks, *((id,) for id in behaviours if id not in _LONG)]


def _all(
    tasks: Sequence[Task], ways: Ways, workers: int, progress: Progress | None
) -> Mapping[int, Part]:
    firsts = [0, *accumulate(len(task) for task in tasks)]  # numbers of what is done
    work = partial(_do, tasks, firsts, ways)
    done: dict[int, Part] = {}
    finished = 0
    with closing(pool.carried_out(work, range(len(tasks)), workers, pool.PATIENCE)) as coming:
        for place, part in coming:
            done[place] = part
            finished += len(tasks[place])
            if progress is not None:
                progress(finished, firsts[-1])
    return done


def _do(
    tasks: Sequence[Task],
    firsts: Sequence[int],
    ways: Ways,
    place: int,
    given_up: Mapping[int, str],
    begin: Begin,
) -> tuple[int, Part]:
    """Do a task; what crashed its process twice is given up."""
    part, carried_out = Part(), ways.begun()
    for number, one in enumerate(tasks[place], start=firsts[place]):
        begin(number)
        reason = given_up.get(number)
        if isinstance(one, str):
            _measure(one, part, reason)
        elif reason is not None:
            part.rows.append(of_target(one, math.nan, reason))
        else:
            _compare_or_say(one, part, carried_out)
    return place, part


def _measure(id: str, part: Part, reason: str | None) -> None:
    if reason is not None:
        raise SimulationError(f"behaviour {id}: {reason}")
    found = behaviour(id)
    part.rows += [of_measure(id, measure) for measure in found.measures]
    part.statements[id] = found.statement
    part.scenes[id] = seen(id)


def _compare_or_say(target: Target, part: Part, carried_out: Carried) -> None:
    try:
        _compare(target, part, carried_out)
    except SimulationError as error:
        part.rows.append(of_target(target, math.nan, str(error)))
    except InputError as error:
        raise error.at(target.id) from None


def _compare(target: Target, part: Part, carried_out: Carried) -> None:
    usual, tight = carried_out.usual, carried_out.tight
    model = target.read(usual)
    again = None if tight is None else target.read(tight)
    if (drawn := course(target, usual)) is not None:
        part.courses[target.id] = drawn
    if lines := dose_responses(target, usual):
        part.responses[target.id] = lines
    if again is not None:
        part.changes.append(change(target, model, again))
    found = spread(target, carried_out.members) if carried_out.members else None
    part.rows.append(of_target(target, model, spread=found))
