"""Readings of cells: levels, times, doses that halve something, viability."""

from dataclasses import dataclass, field

import numpy as np

from mtorsim.assays.dose_response import fit_logistic
from mtorsim.steps import Floats
from mtorsim.targets.jobs import Dish, Job, curves
from mtorsim.targets.readings import CarryOut


@dataclass(frozen=True)
class Level:
    """A sum of quantities at a time [min], over another sum where `per` is not empty."""

    job: Dish
    ids: tuple[str, ...]
    time: float
    per: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """That of what is read, or none."""
        return "1" if self.per else self.job.unit(self.ids[0])

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The dish."""
        return (self.job,)

    def value(self, carry_out: CarryOut) -> float:
        """Return the level."""
        found = curves(carry_out(self.job))
        at = {id: float(np.interp(self.time, found.time, one)) for id, one in found.values.items()}
        below = sum(at[id] for id in self.per) if self.per else 1.0
        return sum(at[id] for id in self.ids) / below


@dataclass(frozen=True)
class Untreated:
    """A sum of quantities in the untreated cell at rest, over another sum if there is one."""

    job: Dish
    ids: tuple[str, ...]
    per: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """That of what is read, or none."""
        return "1" if self.per else self.job.unit(self.ids[0])

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The dish."""
        return (self.job,)

    def value(self, carry_out: CarryOut) -> float:
        """Return the level."""
        rest = curves(carry_out(self.job)).baseline
        below = sum(rest[id] for id in self.per) if self.per else 1.0
        return sum(rest[id] for id in self.ids) / below


@dataclass(frozen=True)
class TimeTo:
    """When a curve gets somewhere.

    Attributes
    ----------
    job : Dish
        The grid of its times decides how finely the time is found, linear in between.
    id : str
    share : float
        Of the start; for ``"covers"`` of the way from the start to the highest point.
    how : str
        ``"falls_to"``, ``"covers"`` or ``"back_to"``.
    start : float
        Time is counted from here [min].
    """

    job: Dish
    id: str
    share: float
    how: str
    start: float = 0.0
    unit: str = field(default="min", init=False)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The dish."""
        return (self.job,)

    def value(self, carry_out: CarryOut) -> float:
        """Return the time [min]; infinite if it is not reached."""
        found = curves(carry_out(self.job))
        later = found.time >= self.start
        curve = found.values[self.id]
        first, after = curve[0], curve[later]
        if self.how == "covers":
            return crossing(found.time, (curve - first) / (curve.max() - first), self.share)
        shares = after / first
        sign = -1.0 if self.how == "falls_to" else 1.0
        return crossing(found.time[later] - self.start, sign * shares, sign * self.share)


@dataclass(frozen=True)
class Peak:
    """When a curve is highest [min], counted from `after` or from the peak of another."""

    job: Dish
    id: str
    after: float = 0.0
    after_peak_of: str = ""
    unit: str = field(default="min", init=False)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The dish."""
        return (self.job,)

    def value(self, carry_out: CarryOut) -> float:
        """Return the time."""
        found = curves(carry_out(self.job))
        first = self.after
        if self.after_peak_of:
            first = top(found.time, found.values[self.after_peak_of])
        return top(found.time, found.values[self.id]) - first


@dataclass(frozen=True)
class HalfDose:
    """The dose [nM] that halves a read-out, log-linear between the doses tried.

    `reference` is the dish whose untreated cell counts as whole.
    """

    wells: tuple[Dish, ...]
    doses: tuple[float, ...]
    id: str
    time: float
    reference: Dish
    unit: str = field(default="nM", init=False)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All wells, and the one that counts as whole."""
        return (*self.wells, self.reference)

    def value(self, carry_out: CarryOut) -> float:
        """Return the dose; infinite if none tried halves it."""
        whole = curves(carry_out(self.reference)).baseline[self.id]
        found = [curves(carry_out(well)) for well in self.wells]
        left = [np.interp(self.time, one.time, one.values[self.id]) / whole for one in found]
        return float(np.exp(crossing(np.log(self.doses), -np.array(left), -0.5)))


@dataclass(frozen=True)
class Plate:
    """Viability after doses of a drug, as percent of wells without it, and a curve through it.

    Attributes
    ----------
    control : Dish
    wells : tuple of Dish
        One for each dose [nM].
    doses : tuple of float
    what : str
        ``"ic50"`` (half of control), ``"half_effect"`` (half of what the curve reaches),
        ``"lowest"`` (percent at the highest dose) or ``"mean"`` (percent over all wells).
    """

    control: Dish
    wells: tuple[Dish, ...]
    doses: tuple[float, ...]
    what: str

    @property
    def unit(self) -> str:
        """Of a dose or of viability."""
        return "nM" if self.what in ("ic50", "half_effect") else "%"

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All wells."""
        return (self.control, *self.wells)

    def percent(self, carry_out: CarryOut) -> Floats:
        """Return viability [%], untreated first, shape (doses + 1,)."""
        found = [curves(carry_out(job)).values["ATP_signal"][-1] for job in self.jobs]
        return np.asarray(100 * np.array(found) / found[0], dtype=float)

    def value(self, carry_out: CarryOut) -> float:
        """Return what was asked for; infinite where no dose tested has the effect."""
        percent = self.percent(carry_out)
        if self.what == "lowest":
            return float(percent[-1])
        if self.what == "mean":
            return float(percent.mean())
        fit = fit_logistic([0.0, *self.doses], percent, noisy=False)
        found = fit.ic(50) if self.what == "ic50" else fit.ec50
        return np.inf if found.value is None else found.value


def crossing(x: Floats, y: Floats, level: float) -> float:
    """Return where a curve first reaches a level from below, linear in between; else infinity."""
    reached = np.flatnonzero(y >= level)
    if not reached.size:
        return np.inf
    place = int(reached[0])
    if place == 0:
        return float(x[0])
    return float(np.interp(level, y[place - 1 : place + 1], x[place - 1 : place + 1]))


def top(times: Floats, curve: Floats) -> float:
    """Return when a curve is highest: the top of the parabola through its highest points [min]."""
    place = int(np.clip(curve.argmax(), 1, len(curve) - 2))
    near = slice(place - 1, place + 2)
    a, b, _ = np.polyfit(times[near], curve[near], 2)
    return float(-b / (2 * a)) if a < 0 else float(times[place])
