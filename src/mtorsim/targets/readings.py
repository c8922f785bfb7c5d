"""Readings: how a number is made of simulations. They nest: the median of ratios."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from mtorsim.steps import Floats
from mtorsim.targets.jobs import Job, Outcome

CarryOut: TypeAlias = Callable[[Job], Outcome]


class Reading(Protocol):
    """What is simulated, and the number that is made of it."""

    @property
    def unit(self) -> str:
        """Unit of the value, ``"1"`` for none."""

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Everything that is simulated."""

    def value(self, carry_out: CarryOut) -> float:
        """Return the number; `carry_out` turns a job into its outcome."""


@dataclass(frozen=True)
class Ratio:
    """One reading over another."""

    top: Reading
    bottom: Reading

    @property
    def unit(self) -> str:
        """A ratio has none."""
        return "1"

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Everything that is simulated."""
        return (*self.top.jobs, *self.bottom.jobs)

    def value(self, carry_out: CarryOut) -> float:
        """Return the ratio; infinite over zero."""
        bottom = self.bottom.value(carry_out)
        return self.top.value(carry_out) / bottom if bottom else np.inf


CHANGES: Mapping[str, Callable[[float], float]] = {
    "percent": lambda x: 100 * x,
    "percent lost": lambda x: 100 * (1 - x),
    "log2": lambda x: float(np.log2(x)),
}
"""Word of `as` -> what it does to a share."""


@dataclass(frozen=True)
class Changed:
    """A share said in another way: as percent, as what is lost, as a logarithm."""

    part: Reading
    how: str

    @property
    def unit(self) -> str:
        """A share has none."""
        return "1"

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Everything that is simulated."""
        return self.part.jobs

    def value(self, carry_out: CarryOut) -> float:
        """Return the number."""
        return CHANGES[self.how](self.part.value(carry_out))


SUMMARIES: Mapping[str, Callable[[Floats], float]] = {
    "mean": np.mean,
    "median": np.median,
    "geometric mean": lambda values: float(np.exp(np.mean(np.log(values)))),
    "lowest": np.min,
    "highest": np.max,
}
"""Word of `summary` -> what it does to the values of several cells."""


@dataclass(frozen=True)
class Summary:
    """The same reading in several cells, as one number."""

    parts: tuple[Reading, ...]
    how: str

    @property
    def unit(self) -> str:
        """That of each."""
        return self.parts[0].unit

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Everything that is simulated."""
        return tuple(job for part in self.parts for job in part.jobs)

    def value(self, carry_out: CarryOut) -> float:
        """Return the number."""
        return float(SUMMARIES[self.how](np.array([one.value(carry_out) for one in self.parts])))
