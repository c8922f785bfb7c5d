"""One published number: what it says, where it stands, and what of the models it is set beside."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np

from mtorsim.errors import InputError
from mtorsim.scenario import Scenario
from mtorsim.steps import Floats
from mtorsim.targets.jobs import NOTHING, Dish, Job, Outcome, Values
from mtorsim.targets.points import Points
from mtorsim.targets.readings import Reading
from mtorsim.units import quantity

Use: TypeAlias = Literal["calibrated", "chosen", "follows", "predicted", "input", "not simulated"]
USES: tuple[str, ...] = get_args(Use)
PROVENANCES = ("found", "second-hand", "derived", "memory", "assumed")
CONFIDENCES = ("high", "medium", "low")
SCALES = ("linear", "log")
SIMULATED = ("calibrated", "chosen", "follows", "predicted")
EVIDENT = ("found", "second-hand", "derived")
"""Provenances that count as evidence: what was recalled or assumed does not."""

Verdict: TypeAlias = Literal["pass", "near", "miss"]
_NEAR = 2.0  # times as far from the published value as the range goes


@dataclass(frozen=True, eq=False)
class Target:
    """A published number beside what is simulated for it.

    Attributes
    ----------
    id, group, quantity : str
    value : float
        As published; NaN for a direction or an order, of which only the bounds count.
    low, high : float
        Its range, both ends inside; infinite where there is none.
    unit : str
    scale : str
        ``"log"`` where ratios count, else ``"linear"``: for distances, not for the range.
    use : str
        ``"calibrated"`` (a fit used it), ``"chosen"`` (a constant was set with it in view),
        ``"follows"`` (nearly repeats what was fitted), ``"predicted"``, ``"input"`` (it is a
        constant of the models), ``"not simulated"``.
    fit : str
        Which fit used it; empty for the others.
    condition : str
        What was done, in words.
    provenance : str
        ``"found"`` (read), ``"second-hand"`` (read where somebody quotes it), ``"derived"`` (from
        other rows), ``"memory"`` (recalled, not read) or ``"assumed"``.
    confidence : str
        ``"high"``, ``"medium"`` or ``"low"``: how well the number itself is known.
    citation, doi, place : str
        The paper, its identifier, and where in it the number stands.
    remark : str
        Why it is not simulated; what to know about the comparison.
    reading : Reading or None
        What is simulated; None for rows that are not.
    """

    id: str
    group: str
    quantity: str
    value: float
    low: float
    high: float
    unit: str
    scale: str
    use: str
    fit: str
    condition: str
    provenance: str
    confidence: str
    citation: str
    doi: str
    place: str
    remark: str
    reading: Reading | None = field(repr=False)

    @property
    def is_simulated(self) -> bool:
        """Whether it is compared with a simulation."""
        return self.reading is not None

    @property
    def is_evidence(self) -> bool:
        """Whether the number was read; what was recalled is no evidence on its own."""
        return self.provenance in EVIDENT

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Everything that is simulated for it, each once."""
        return tuple(dict.fromkeys(self.reading.jobs)) if self.reading else ()

    @property
    def scenario(self) -> Scenario | None:
        """The first scenario; None for a body without a cell and for rows not simulated."""
        return next((job.scenario for job in self.jobs if isinstance(job, Dish)), None)

    def read(self, carry_out: Callable[[Job], Outcome]) -> float:
        """Return the number that the models give, in `unit`.

        Parameters
        ----------
        carry_out : callable
            Turns each of `jobs` into its outcome: ``lambda job: job.carry_out(values)``, or
            outcomes that are there already.

        Raises
        ------
        InputError
            When the row is not simulated.
        SimulationError
            When a simulation fails.
        """
        if self.reading is None:
            raise InputError(f"{self.id} is not simulated: {self.remark or 'see its use'}.")
        value, own = self.reading.value(carry_out), self.reading.unit
        # Times, doses and levels come in minutes and nM, whatever the paper wrote.
        return value / quantity(f"1 {self.unit}", own, self.id) if own in ("min", "nM") else value

    def measure(self, values: Values = NOTHING, *, tighter: float = 1.0) -> float:
        """Simulate and return the number that the models give, in `unit`.

        Parameters
        ----------
        values : mapping of str to float
            Values that stand in for those of the model files, as when they are being fitted:
            ``{"kphos_S6K1_by_mTORC1": 0.03, "PC-3.koff_MTOR_RICTOR": 0.001}``.
        tighter : float
            By how much the tolerances of the solver are divided.
        """
        return self.read(Outcomes(values, tighter))

    def residuals(self, carry_out: Callable[[Job], Outcome]) -> Floats:
        """Return weighted differences for a fit: one, or one for each point of a curve.

        A range counts as four standard deviations; so a value at its end has residual 2.
        """
        if isinstance(self.reading, Points):
            return self.reading.residuals(carry_out)
        return np.array([self.residual(self.read(carry_out))])

    def residual(self, model: float) -> float:
        """Return (model - value) over a quarter of the range, in logarithms where ratios count.

        Without a published value the middle of the range stands in; where there is no range on one
        side, only what lies beyond the other end counts, in units of that end.
        """
        change = math.log if self.scale == "log" else float
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            end = self.low if math.isfinite(self.low) else self.high
            beyond = 0.0 if self.low <= model <= self.high else change(model) - change(end)
            return 4 * beyond / (1.0 if self.scale == "log" else abs(end) or 1.0)
        low, high = change(self.low), change(self.high)
        centre = (low + high) / 2 if math.isnan(self.value) else change(self.value)
        return (change(model) - centre) / ((high - low) / 4)

    def verdict(self, model: float) -> Verdict:
        """Return how a number lies to the published range.

        ``"pass"`` within it. ``"near"`` if it is no more than twice as far from the published value
        as the end of the range on that side: ranges are about two standard errors, so that near is
        within four, more than chance but of the right size. Else ``"miss"``. What has no published
        value (a direction, an order) is seen or not, and never near.
        """
        if self.low <= model <= self.high:
            return "pass"
        if not math.isfinite(model) or math.isnan(self.value):
            return "miss"
        change = math.log if self.scale == "log" else float
        if change is math.log and model <= 0:
            return "miss"
        end = self.low if model < self.value else self.high
        if not math.isfinite(end) or (change is math.log and min(end, self.value) <= 0):
            return "miss"
        reach = abs(change(end) - change(self.value))
        is_near = abs(change(model) - change(self.value)) <= _NEAR * reach
        return "near" if is_near else "miss"


class Outcomes:
    """Carries jobs out, each once."""

    def __init__(self, values: Values = NOTHING, tighter: float = 1.0) -> None:
        self._values, self._tighter = values, tighter
        self._known: dict[Job, Outcome] = {}

    def __call__(self, job: Job) -> Outcome:
        """Return the outcome of a job.

        Raises
        ------
        InputError, SimulationError
            As `mtorsim.simulate`.
        """
        if job not in self._known:
            self._known[job] = job.carry_out(self._values, tighter=self._tighter)
        return self._known[job]


def groups(targets: Sequence[Target]) -> tuple[str, ...]:
    """Return the groups of targets, in order."""
    return tuple(dict.fromkeys(one.group for one in targets))
