"""Readings of a body: what a pharmacologist makes of blood, and levels over time."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mtorsim import drugs
from mtorsim.errors import SimulationError
from mtorsim.targets.in_dish import top
from mtorsim.targets.jobs import Blood, Body, Job, blood
from mtorsim.targets.readings import CarryOut

HOUR = 60.0

ANALYSES: Mapping[str, tuple[str, float, bool]] = {
    "cmax": ("ng/mL", 1.0, True),
    "auc_inf": ("ng*h/mL", 1 / HOUR, True),
    "auc_last": ("ng*h/mL", 1 / HOUR, True),
    "auc_tau": ("ng*h/mL", 1 / HOUR, True),
    "half_life": ("min", 1.0, False),
    "clearance": ("L/h", HOUR, False),
    "volume_ss": ("L", 1.0, False),
}
"""What can be read off blood -> its unit, the factor to it, and whether it is a mass."""


@dataclass(frozen=True)
class Analysed:
    """A result of the non-compartmental analysis; the sum over analytes, as mass.

    Attributes
    ----------
    job : Body
    what : str
        One of `ANALYSES`.
    analytes : tuple of str
    dose : int
        Which dose: 0 the first, -1 the last.
    limit : float, optional
        Of quantification [ng/mL].
    window : float
        How long blood is drawn [min].
    per_dose : bool
        Whether it is divided by the dose, both in moles.
    """

    job: Body
    what: str
    analytes: tuple[str, ...]
    dose: int = 0
    limit: float | None = None
    window: float = np.inf
    per_dose: bool = False

    @property
    def unit(self) -> str:
        """Of the quantity; none where it is divided by the dose."""
        return "1" if self.per_dose else ANALYSES[self.what][0]

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The body."""
        return (self.job,)

    def value(self, carry_out: CarryOut) -> float:
        """Return the number."""
        body = blood(carry_out(self.job))
        return sum(self._of(body, analyte) for analyte in self.analytes)

    def _of(self, body: Blood, analyte: str) -> float:
        found = body.analysis(analyte, dose=self.dose, limit=self.limit, window=self.window)
        value = getattr(found, self.what)
        if value is None:
            why = found.reasons.get(self.what, "no reason given")
            raise SimulationError(f"{self.what} of {analyte}, {body.compiled.in_words()}: {why}.")
        if self.per_dose:
            return float(value) / body.nanomoles(self.dose)
        _, factor, is_mass = ANALYSES[self.what]
        per_nM = drugs.load(analyte).molar_mass.value / 1000 if is_mass else 1.0
        return float(value) * factor * per_nM


@dataclass(frozen=True)
class BodyLevel:
    """A quantity at a time, or its mean between two [min]; over what was given, if so said."""

    job: Body
    id: str
    times: tuple[float, ...]
    per_dose: bool = False

    @property
    def unit(self) -> str:
        """That of what is read, or none."""
        return "1" if self.per_dose else self.job.unit(self.id)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The body."""
        return (self.job,)

    def value(self, carry_out: CarryOut) -> float:
        """Return the level."""
        body = blood(carry_out(self.job))
        grid = np.array(self.times)
        if len(grid) == 2:  # a mean over a while
            grid = np.linspace(grid[0], grid[1], 97)[:-1]
        level = float(body.curve(self.id, grid).mean())
        return level / body.nanomoles() if self.per_dose else level


@dataclass(frozen=True)
class BodyPeak:
    """When a curve is highest, counted from `after`; looked for until `until` [min]."""

    job: Body
    id: str
    until: float
    after: float = 0.0
    unit: str = field(default="min", init=False)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The body."""
        return (self.job,)

    def value(self, carry_out: CarryOut) -> float:
        """Return the time."""
        times = np.linspace(0, self.until, 97)
        return top(times, blood(carry_out(self.job)).curve(self.id, times)) - self.after
