"""A plan: everything that decides the numbers of a sweep, and nothing else."""

import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

import mtorsim
from mtorsim.amici_engine import version_of_amici
from mtorsim.compile import Compiled, Parts, compile_scenario, parts, structure
from mtorsim.engine import ABSOLUTE_TOLERANCE, VERSION
from mtorsim.errors import InputError, ScenarioError, UnknownIdError, shown, within
from mtorsim.paths import models_path
from mtorsim.scenario import Scenario
from mtorsim.simulation import output_times
from mtorsim.steps import Floats, instants, tolerances
from mtorsim.sweeps import design, readings
from mtorsim.sweeps.axes import Axis, Value
from mtorsim.sweeps.points import axis_to_blame, changed
from mtorsim.symbols import symbols
from mtorsim.units import Given, duration, exact_time, say_time

RELATIVE_TOLERANCE = 1e-6
"""Relative tolerance of a sweep: curves of our network are then right to about 3e-5."""

TIMES = 73
"""Times of curves where none are given: equally spaced over the duration."""

ENGINES = ("roadrunner", "amici")
"""What may simulate; the second is an extra, and only for cells in a dish."""

LARGEST_CHUNK, FEWEST_CHUNKS = 50, 64

_TRIED_NUMBERS, _TRIED_NAMES, _TRIED_POINTS = 20, 1000, 1000  # before the work begins

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Plan:
    """A sweep, ready to run: the same plan gives the same bytes wherever it runs.

    Attributes
    ----------
    scenario : Scenario
        What all points have in common.
    axes : tuple of Axis
    method : str
        Design, one of `design.METHODS`.
    points : int or None
        Number of points, for a design that samples.
    seed : int
    read : tuple of str
        Readings, of `readings.NAMES`.
    times : tuple of float or None
        Output times [min]; None for curves at `TIMES` equally spaced ones, and other readings
        from a curve as fine as that of `simulate`.
    relative_tolerance, absolute_tolerance : float
        Of the integrator; the absolute one is a concentration [nM].
    engine : str
        What simulates, of `ENGINES`.
    """

    scenario: Scenario
    axes: tuple[Axis, ...]
    method: str = "grid"
    points: int | None = None
    seed: int = 0
    read: tuple[str, ...] = readings.NAMES
    times: tuple[float, ...] | None = None
    relative_tolerance: float = RELATIVE_TOLERANCE
    absolute_tolerance: float = ABSOLUTE_TOLERANCE
    engine: str = ENGINES[0]

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields alone: what follows from them is not worth sending to a worker."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    # -- points ------------------------------------------------------------------------------

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Shape of the results before time and observable."""
        return design.shape(self.method, self.axes, self.points)

    @cached_property
    def count(self) -> int:
        """Number of points."""
        return math.prod(self.shape)

    @cached_property
    def _columns(self) -> tuple[Places | Floats, ...]:
        return design.columns(self.method, self.axes, self.count, self.seed)

    def _kinds(self, place: int) -> Places:
        """Return numbers that are equal where the values of a listed axis are."""
        if self.method != "list":
            return self._columns[place].astype(np.intp)
        first: dict[Value, int] = {}
        values = self.axes[place].values
        return np.array([first.setdefault(value, k) for k, value in enumerate(values)])

    def values_of(self, point: int) -> tuple[Value, ...]:
        """Return the value of each axis at a point, counted in order of the results."""
        if self.method == "grid":
            places: Iterable[Any] = np.unravel_index(point, self.shape)
        else:
            places = (column[point] for column in self._columns)
        pairs = zip(self.axes, places, strict=True)
        return tuple(float(k) if axis.spacing else axis.values[k] for axis, k in pairs)

    def along(self, axis: Axis) -> Sequence[Value]:
        """Return what stands along an axis of the results: its values, or one for each point."""
        if self.method == "grid":
            return axis.values
        column = self._columns[self.axes.index(axis)].tolist()
        return column if axis.spacing else [axis.values[k] for k in column]

    def scenario_of(self, point: int) -> Scenario:
        """Return the scenario of a point.

        Raises
        ------
        InputError
            For a value that the scenario refuses.
        """
        return changed(self.scenario, self.axes, self.values_of(point))

    def in_words(self, point: int) -> str:
        """Return ``"cell=786-O, drugs.temsirolimus.dose=10 nM"``."""
        pairs = zip(self.axes, self.values_of(point), strict=True)
        return ", ".join(f"{axis.target}={axis.say(value)}" for axis, value in pairs)

    # -- chunks ------------------------------------------------------------------------------

    @cached_property
    def order(self) -> Places:
        """Points in the order in which they run: those with the same untreated cell together."""
        slow = [k for k, axis in enumerate(self.axes) if not axis.is_value]
        slow.sort(key=lambda k: not self.axes[k].is_structural)
        points = np.arange(self.count)
        if self.method == "grid":
            fast = [k for k in range(len(self.axes)) if k not in slow]
            return points.reshape(self.shape).transpose(*slow, *fast).ravel()
        keys = [self._kinds(k) for k in slow if self.axes[k].spacing is None]
        return np.lexsort(keys[::-1]) if keys else points

    @cached_property
    def places(self) -> Places:
        """Place of each point in `order`."""
        found = np.empty(self.count, dtype=np.intp)
        found[self.order] = np.arange(self.count)
        return found

    @cached_property
    def chunk_size(self) -> int:
        """Number of points that are run, written and resumed together, whoever does the work."""
        return max(1, min(LARGEST_CHUNK, self.count // FEWEST_CHUNKS))

    @cached_property
    def chunk_count(self) -> int:
        """Number of chunks; the last may be smaller."""
        return -(-self.count // self.chunk_size)

    def chunk(self, number: int) -> list[int]:
        """Return the points of a chunk."""
        begin = number * self.chunk_size
        return [int(point) for point in self.order[begin : begin + self.chunk_size]]

    # -- models and times --------------------------------------------------------------------

    @cached_property
    def parts(self) -> tuple[Parts, ...]:
        """What the structures of the models depend on; each is compiled once."""
        return tuple(dict.fromkeys(parts(one) for one in self.examples))

    @cached_property
    def examples(self) -> tuple[Scenario, ...]:
        """A scenario for each combination of names that may need a model of its own.

        Raises
        ------
        InputError
            When none of them can be carried out.
        """
        found, first = [], InputError("no point can be simulated.")
        for candidates in self._combinations():
            for values in candidates:
                try:
                    found.append(changed(self.scenario, self.axes, values))
                    break
                except InputError as error:
                    first = error
        if not found:
            raise first
        return tuple(found)

    def _combinations(self) -> Iterator[list[tuple[Value, ...]]]:
        """Yield a few points with each combination of names that may need another model."""
        deciding = [k for k, axis in enumerate(self.axes) if axis.is_structural]
        if self.method == "grid":
            for chosen in itertools.product(*(self.axes[k].values for k in deciding)):
                new = dict(zip(deciding, chosen, strict=True))
                yield [tuple(new.get(k, value) for k, value in enumerate(values))
                       for values in self.corners]  # fmt: skip
            return
        rows = np.array([self._kinds(k) for k in deciding]).reshape(len(deciding), self.count)
        kinds, of = np.unique(rows, axis=1, return_inverse=True)
        for kind in range(kinds.shape[1]):
            points = np.flatnonzero(of.ravel() == kind)
            yield [self.values_of(int(points[k])) for k in (0, len(points) // 2, -1)]

    @cached_property
    def corners(self) -> tuple[tuple[Value, ...], ...]:
        """Values of the first point, one in the middle, and the last."""
        return tuple(self.values_of(k) for k in (0, self.count // 2, self.count - 1))

    @cached_property
    def observe(self) -> tuple[str, ...]:
        """Ids that are read; the same at all points."""
        return compile_scenario(self.examples[0]).observe

    @cached_property
    def curve_times(self) -> Floats:
        """Times of the curves [min], shape (n,)."""
        if self.times is None:
            return np.linspace(0.0, self.scenario.duration, TIMES)
        return np.array(self.times)

    def times_of(self, compiled: Compiled) -> tuple[Floats, Places | slice]:
        """Return the output times of a point [min], and the places of those of its curves.

        A peak, and the area under it, need more times than a picture of it.
        """
        if self.times is not None:
            return self.curve_times, slice(None)
        end = compiled.scenario.duration
        kept = self.curve_times if readings.CURVES in self.read else np.array([0.0, end])
        if not {*self.read} & readings.FINE:
            return kept, slice(None)
        fine = output_times(compiled)
        distance = np.abs(fine - kept[np.searchsorted((kept[1:] + kept[:-1]) / 2, fine)])
        times = np.sort(np.append(kept, fine[distance > 1e-9 * end]))
        return times, np.searchsorted(times, kept)

    # -- what it is --------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that say all there is to say about this plan."""
        return {
            "scenario": self.scenario.to_dict(),
            "axes": [axis.to_dict() for axis in self.axes],
            "design": {"method": self.method, "points": self.points, "seed": self.seed},
            "read": list(self.read),
            "times_min": None if self.times is None else list(self.times),
            "tolerances": {
                "relative": self.relative_tolerance,
                "absolute_nM": self.absolute_tolerance,
            },
            "engine": self.engine,
        }

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What a sweep directory keeps: the plan, SHA-256 of models and design, versions."""
        models = [hashlib.sha256(structure(*one).encode()).hexdigest() for one in self.parts]
        found = self.to_dict() | {
            "models_sha256": models,
            "model_files_sha256": model_files(),
            "versions": {"mtorsim": mtorsim.__version__, "libroadrunner": VERSION},
        }
        if self.engine == "amici":
            found["versions"]["amici"] = version_of_amici()
        if self.method in design.SAMPLED:
            drawn = hashlib.sha256(b"".join(column.tobytes() for column in self._columns))
            found["design"]["sha256"] = drawn.hexdigest()
        return found

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the identity: a directory belongs to one, and so does a worker."""
        text = json.dumps(self.identity, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def model_files() -> str:
    """Return the SHA-256 of what the models are made from."""
    found, folder = hashlib.sha256(), models_path()
    files = [path for ending in ("ant", "yaml") for path in folder.rglob(f"*.{ending}")]
    files += folder.glob("ensemble.csv")
    for path in sorted(files):
        found.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def plan(
    scenario: Scenario,
    axes: Iterable[Axis],
    *,
    method: str = "grid",
    points: int | None = None,
    seed: int = 0,
    read: str | Sequence[str] = readings.NAMES,
    times: Iterable[Given] | None = None,
    relative_tolerance: float = RELATIVE_TOLERANCE,
    absolute_tolerance: float = ABSOLUTE_TOLERANCE,
    engine: str = ENGINES[0],
) -> Plan:
    """Return a checked plan; arguments as the attributes of `Plan`.

    Raises
    ------
    InputError
        For anything that cannot be carried out. Names and the ends of numbers are tried; a
        combination that turns out to be refused is one failed point.
    """
    chosen = tuple(axes)
    _check_once(chosen)
    _check_seed(seed)
    _check_engine(engine)
    design.shape(method, chosen, points)
    kept = readings.checked((read,) if isinstance(read, str) else read)
    if times is None and readings.CURVES in kept:
        _check_one_duration(chosen)
    made = Plan(
        scenario,
        chosen,
        method,
        points,
        seed,
        kept,
        relative_tolerance=_tolerance(relative_tolerance, "relative"),
        absolute_tolerance=_tolerance(absolute_tolerance, "absolute_nM"),
        engine=engine,
    )
    _try(made)
    _check_dish(made)
    made = _of_one_length(made)
    return made if times is None else replace(made, times=_instants(times, made))


def _tolerance(given: float, which: str) -> float:
    option = f"{which.partition('_')[0]}_tolerance"
    with within(option):
        return tolerances(given, given)[which]


def _of_one_length(made: Plan) -> Plan:
    """Return the plan with the duration of its longest regimen, where none was given."""
    if any(axis.target == "duration" for axis in made.axes):
        return made
    longest = max([made.examples[0].duration, *_durations(made)])
    if longest == made.scenario.duration:
        return made
    return replace(made, scenario=made.scenario.replace(duration=exact_time(longest)))


def _durations(made: Plan) -> Iterator[float]:
    """Yield the durations that scenarios with each regimen have."""
    for k, axis in enumerate(made.axes):
        if axis.target.endswith(".regimen"):
            for value in axis.values:
                with suppress(InputError):
                    values = [*made.corners[0][:k], value, *made.corners[0][k + 1 :]]
                    yield changed(made.scenario, made.axes, values).duration


# -- checks ------------------------------------------------------------------------------------


def _try(made: Plan) -> None:
    """Compile points with each name and the ends of numbers, so that mistakes come early."""
    if made.method == "list":
        for point in _spread(range(made.count), _TRIED_POINTS):
            _check_point(made, made.values_of(point))
        return
    for k, axis in enumerate(made.axes):
        for value in _to_try(axis):
            _check_any(made, [(*others[:k], value, *others[k + 1 :]) for others in made.corners])


def _to_try(axis: Axis) -> list[Value]:
    if not axis.is_number:
        return _spread(axis.values, _TRIED_NAMES)
    ends = [min(axis.values), max(axis.values)]
    return list(dict.fromkeys(ends + _spread(axis.values, _TRIED_NUMBERS)))


def _spread(items: Sequence[Any], most: int) -> list[Any]:
    """Return some of many items, evenly over all."""
    if len(items) <= most:
        return list(items)
    return [items[k * (len(items) - 1) // (most - 1)] for k in range(most)]


def _check_any(made: Plan, candidates: Iterable[tuple[Value, ...]]) -> None:
    """Refuse a value that goes with no other values that were tried."""
    first: InputError | None = None
    for values in dict.fromkeys(candidates):
        try:
            _check_point(made, values)
        except InputError as error:
            first = first or error
        else:
            return
    if first is not None:
        raise first


def _check_point(made: Plan, values: tuple[Value, ...]) -> None:
    try:
        scenario = changed(made.scenario, made.axes, values)
        _check_doses(scenario, made.axes)
        compile_scenario(scenario)
    except InputError as error:
        blamed = axis_to_blame(error, made.axes)
        if blamed is None:
            raise
        value = values[made.axes.index(blamed)]
        located = error.at(f"{blamed.target}={blamed.say(value)}")
        located.path = ("vary", blamed.target)
        raise located from None


def _check_doses(scenario: Scenario, axes: Sequence[Axis]) -> None:
    """Refuse regimens that go beyond the end, where they are compared: all would look alike."""
    varied = {axis.target for axis in axes}
    for k, treatment in enumerate(scenario.drugs):
        regimen = scenario.regimens.get(treatment.drug)
        if regimen is None or regimen.is_open or f"drugs.{treatment.drug}.regimen" not in varied:
            continue
        every, now = len(regimen.doses(math.inf)), len(regimen.doses(scenario.duration))
        if now < every:
            usual = say_time(scenario.replace(duration=None).duration)
            with within("drugs", k, "regimen"):
                raise ScenarioError(
                    f"{every - now} of {every} doses would come after the end at "
                    f"{say_time(scenario.duration)}. Give a duration such as {usual}."
                )


def _check_engine(name: object) -> None:
    with within("engine"):
        if name not in ENGINES:
            raise UnknownIdError(kind="engine", given=str(name), choices=ENGINES)


def _check_dish(made: Plan) -> None:
    """Refuse to have AMICI simulate what it has compiled in: bodies, and volumes that are set."""
    if made.engine != "amici":
        return
    volumes = {one.id for one in symbols().values() if one.kind == "compartment"}
    varied = {axis.target for axis in made.axes if axis.is_parameter} | {*made.scenario.set}
    found = [f"the volume {id!r}" for id in sorted(volumes & varied)]
    if any(one.has_body for one in made.examples):
        found.append("a drug in a body")
    if found:
        with within("engine"):
            raise ScenarioError(
                f"engine: amici simulates cells in a dish of fixed volumes, and not {found[0]}. "
                "Leave the engine out."
            )


def _check_once(axes: Sequence[Axis]) -> None:
    targets = [one.target for one in axes]
    for target in targets:
        if targets.count(target) > 1:
            with within("vary", target):
                raise ScenarioError(f"vary: {target!r} is given twice.")


def _check_one_duration(axes: Sequence[Axis]) -> None:
    if any(one.target == "duration" for one in axes):
        with within("vary", "duration"):
            raise ScenarioError(
                "curves of different durations need common times: give 'times', or leave "
                "'curves' out of 'read'."
            )


def _instants(times: Iterable[Given], made: Plan) -> tuple[float, ...]:
    ends = [duration(str(one.text(value)), "duration")
            for one in made.axes if one.target == "duration" for value in one.values]  # fmt: skip
    found = instants(times, min(ends, default=made.scenario.duration))
    return tuple(np.unique(np.append(0.0, found)).tolist())


def _check_seed(seed: object) -> None:
    with within("seed"):
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
            raise ScenarioError(f"seed: {shown(seed)} is not a whole number from 0.")
