"""A plan: everything that decides the numbers of a sweep, and nothing else."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

import mtorsim
from mtorsim.compile import Parts, compile_scenario, parts, structure
from mtorsim.engine import ABSOLUTE_TOLERANCE, VERSION
from mtorsim.errors import InputError, ScenarioError, shown, within
from mtorsim.scenario import Scenario
from mtorsim.steps import Floats, instants
from mtorsim.sweep import design, readings
from mtorsim.sweep.axes import Axis, Value, changed
from mtorsim.units import Given

RELATIVE_TOLERANCE = 1e-6
"""Relative tolerance of a sweep: curves of our network are then right to about 3e-5."""

TIMES = 73
"""Output times where none are given: equally spaced over the duration."""

LARGEST_CHUNK, SMALLEST_COUNT = 50, 32


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
        Output times [min]; None for `TIMES` equally spaced ones.
    relative_tolerance, absolute_tolerance : float
        Of the integrator; the absolute one is a concentration [nM].
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

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Shape of the results before time and observable."""
        return design.shape(self.method, self.axes, self.points)

    @cached_property
    def values(self) -> list[tuple[Value, ...]]:
        """Values of every point, in order of the results."""
        return design.values(self.method, self.axes, self.points, self.seed)

    @property
    def count(self) -> int:
        """Number of points."""
        return len(self.values)

    def scenario_of(self, point: int) -> Scenario:
        """Return the scenario of a point.

        Raises
        ------
        InputError
            For a value that the scenario refuses; the message names the point.
        """
        try:
            return changed(self.scenario, self.axes, self.values[point])
        except InputError as error:
            raise error.at(self.in_words(point)) from None

    def in_words(self, point: int) -> str:
        """Return ``"cell=786-O, drugs.temsirolimus.dose=10 nM"``."""
        pairs = zip(self.axes, self.values[point], strict=True)
        return ", ".join(f"{axis.target}={_said(axis, value)}" for axis, value in pairs)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Points in the order in which they run: those with the same untreated cell together."""
        slow = [k for k, axis in enumerate(self.axes) if not axis.is_value]
        if self.method in ("random", "latin_hypercube", "sobol") or not slow:
            return tuple(range(self.count))
        return tuple(
            sorted(range(self.count), key=lambda n: [str(self.values[n][k]) for k in slow])
        )

    @cached_property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """Points that are run, written and resumed together; the same for any number of workers."""
        size = max(1, min(LARGEST_CHUNK, self.count // SMALLEST_COUNT))
        return tuple(self.order[k : k + size] for k in range(0, self.count, size))

    @cached_property
    def parts(self) -> tuple[Parts, ...]:
        """What the structures of the models depend on; each is compiled once."""
        fixed = {self._structural(point): point for point in range(self.count)}
        return tuple(dict.fromkeys(parts(self.scenario_of(point)) for point in fixed.values()))

    def _structural(self, point: int) -> tuple[Value, ...]:
        # Numbers never change a structure, but for a dose of a drug that is not there otherwise.
        return tuple(
            "number" if axis.is_number else value
            for axis, value in zip(self.axes, self.values[point], strict=True)
        )

    @cached_property
    def observe(self) -> tuple[str, ...]:
        """Ids that are read; the same at all points."""
        found = {compile_scenario(one).observe for one in self._examples()}
        return next(iter(found))

    def _examples(self) -> list[Scenario]:
        fixed = {self._structural(point): point for point in reversed(range(self.count))}
        return [self.scenario_of(point) for point in fixed.values()]

    def grid(self, scenario: Scenario) -> Floats:
        """Return the output times of a point [min], shape (n,)."""
        if self.times is None:
            return np.linspace(0.0, scenario.duration, TIMES)
        return np.array(self.times)

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
        }

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields alone: what follows from them is not worth sending to a worker."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What a sweep directory keeps: the plan, the models' SHA-256, versions."""
        models = [hashlib.sha256(structure(*one).encode()).hexdigest() for one in self.parts]
        return {
            "plan": self.to_dict(),
            "models_sha256": models,
            "versions": {"mtorsim": mtorsim.__version__, "libroadrunner": VERSION},
        }

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the identity: a directory belongs to one."""
        text = json.dumps(self.identity, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def plan(
    scenario: Scenario,
    axes: Iterable[Axis],
    *,
    method: str = "grid",
    points: int | None = None,
    seed: int = 0,
    read: Sequence[str] = readings.NAMES,
    times: Iterable[Given] | None = None,
    relative_tolerance: float = RELATIVE_TOLERANCE,
    absolute_tolerance: float = ABSOLUTE_TOLERANCE,
) -> Plan:
    """Return a checked plan; arguments as the attributes of `Plan`.

    Raises
    ------
    InputError
        For anything that cannot be carried out; every value of a listed axis is tried.
    """
    chosen = tuple(axes)
    twice = [one.target for k, one in enumerate(chosen) if one.target in
             [other.target for other in chosen[:k]]]  # fmt: skip
    if twice:
        raise ScenarioError(f"vary: {twice[0]!r} is given twice.")
    if (
        times is None
        and readings.CURVES in read
        and any(one.target == "duration" for one in chosen)
    ):
        raise ScenarioError(
            "curves of different durations need common times: give them, or leave curves out."
        )
    _check_seed(seed)
    design.shape(method, chosen, points)
    minutes = None if times is None else _instants(times, chosen, scenario)
    made = Plan(scenario, chosen, method, points, seed, readings.checked(read), minutes,
                relative_tolerance, absolute_tolerance)  # fmt: skip
    _try(made)
    return made


def _try(made: Plan) -> None:
    """Compile one point for each value of each axis, so that mistakes come before the work."""
    seen: set[tuple[int, Value]] = set()
    for point, values in enumerate(made.values):
        new = {(k, value) for k, value in enumerate(values)} - seen
        if new and (point == 0 or len(seen) < 1000):
            scenario = made.scenario_of(point)
            compile_scenario(scenario)
            if made.times is not None and made.times[-1] > scenario.duration:
                raise ScenarioError(
                    f"times: {made.times[-1]:g} min lies after the end at {scenario.duration:g} min"
                    f" ({made.in_words(point)})."
                )
            seen |= new


def _instants(
    times: Iterable[Given], axes: Sequence[Axis], scenario: Scenario
) -> tuple[float, ...]:
    ends = [changed(scenario, [one], [value]).duration
            for one in axes if one.target == "duration" for value in one.values]  # fmt: skip
    found = instants(times, min([scenario.duration, *ends]))
    return tuple(np.unique(np.append(0.0, found)).tolist())


def _check_seed(seed: object) -> None:
    with within("seed"):
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
            raise ScenarioError(f"seed: {shown(seed)} is not a whole number from 0.")


def _said(axis: Axis, value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.6g} {axis.unit}".rstrip()
    return "+".join(value) if isinstance(value, tuple) else value
