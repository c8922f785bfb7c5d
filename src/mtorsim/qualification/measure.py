"""One measured number and its bounds; how numbers are read off a simulation."""

from dataclasses import dataclass

import numpy as np

from mtorsim.result import Result
from mtorsim.steps import Floats

HOUR = 60.0


@dataclass(frozen=True)
class Measure:
    """One measured number and where it must lie.

    Attributes
    ----------
    what : str
        What was measured, in words.
    value : float
    unit : str
    low, high : float
        Bounds, both inside; infinite where there is none.
    fitted : bool
        Whether the calibration used data on this very quantity, or a constant was chosen with it in
        view: then it is no evidence for itself.
    invariant : bool
        Whether it holds whatever the numbers of the models are, such as conservation of mass: a
        test of the program, no prediction.
    note : str
        What goes with the number, such as its interval.
    source : str
        Paper that the bounds come from; empty where they come from no single one.
    """

    what: str
    value: float
    unit: str = "1"
    low: float = -np.inf
    high: float = np.inf
    fitted: bool = False
    invariant: bool = False
    note: str = ""
    source: str = ""

    @property
    def passed(self) -> bool:
        """Whether the value lies within the bounds."""
        return bool(self.low <= self.value <= self.high)

    def __str__(self) -> str:
        bounds = {
            (True, True): f"{self.low:g} to {self.high:g}",
            (True, False): f"at least {self.low:g}",
            (False, True): f"at most {self.high:g}",
            (False, False): "no bound",
        }[bool(np.isfinite(self.low)), bool(np.isfinite(self.high))]
        unit = "" if self.unit == "1" else f" {self.unit}"
        verdict = "ok" if self.passed else "MISS"
        what = self.what + self.note
        return f"{verdict:4s} {what}: {self.value:.4g}{unit} ({bounds}; {self._basis})"

    @property
    def _basis(self) -> str:
        if self.invariant:
            return "invariant"
        return "fitted" if self.fitted else "predicted"


@dataclass(frozen=True)
class Behaviour:
    """A behaviour and its measurements.

    Attributes
    ----------
    id : str
        Such as ``"B1"``.
    statement : str
        What must be seen.
    measures : tuple of Measure
    """

    id: str
    statement: str
    measures: tuple[Measure, ...]

    @property
    def passed(self) -> bool:
        """Whether every measurement lies within its bounds."""
        return all(measure.passed for measure in self.measures)

    def __str__(self) -> str:
        return "\n".join((f"{self.id} {self.statement}", *(f"  {m}" for m in self.measures)))


def curve(run: Result, id: str) -> Floats:
    """Return a read-out over time, shape (n,)."""
    return run[id].to_numpy()


def at(run: Result, id: str, minutes: float) -> float:
    """Return a read-out at a time [min], linear between output times."""
    return float(np.interp(minutes, run.time, curve(run, id)))


def remaining(run: Result, id: str, minutes: float) -> float:
    """Return a value relative to the untreated cell."""
    return at(run, id, minutes) / run.baseline[id]


def time_to(time: Floats, values: Floats, share: float) -> float:
    """Return when a curve has first covered `share` of its way from the start to its maximum."""
    goal = values[0] + share * (values.max() - values[0])
    return float(time[np.argmax(values >= goal)])


def hours_until(run: Result, id: str, share: float, start: float) -> float:
    """Return the hours after `start` [min] until a value is back at `share` of the baseline."""
    later = run.time > start
    back = curve(run, id)[later] >= share * run.baseline[id]
    return float((run.time[later][back.argmax()] - start) / HOUR) if back.any() else np.inf
