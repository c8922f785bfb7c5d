"""Schedules: what happens to the drug in the medium, and when.

A schedule says when the medium is changed and to which concentration. Between two changes
nothing is held constant: cells take the drug up and the medium runs down.
"""

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self, TypeAlias

from mtorsim.errors import RegimenError, UnitError, shown, within
from mtorsim.units import (
    Given,
    concentration,
    duration,
    exact_concentration,
    exact_time,
    is_mass_concentration,
    quantity,
    say_concentration,
    say_time,
)

_MOST_REPEATS = 10_000


class MediumChange(NamedTuple):
    """The medium is replaced.

    Attributes
    ----------
    time : float
        When [min].
    concentration : float
        Drug in the new medium [nM].
    washed : bool
        Whether the medium is kept free of drug from now to the next change (repeated washes);
        otherwise drug that leaves the cells stays in the medium.
    """

    time: float
    concentration: float
    washed: bool


@dataclass(frozen=True)
class MassConcentration:
    """A dose in mass per volume, waiting for the molar mass that a `Treatment` knows.

    Attributes
    ----------
    text : str
        As given, such as ``"18 ng/mL"``.
    """

    text: str

    def molar(self, molar_mass: float) -> float:
        """Return the dose [nM] of a drug of this molar mass [g/mol]."""
        return concentration(self.text, "dose", molar_mass)


Dose: TypeAlias = float | MassConcentration


@dataclass(frozen=True, init=False)
class Constant:
    """One exposure: drug into the medium at `start`, washed out at `stop`.

    Parameters
    ----------
    dose : str or pint quantity
        Concentration in the fresh medium, not negative: ``"20 nM"``; ``"18 ng/mL"`` in a
        `Treatment`.
    start : str or pint quantity
        When the medium gets the drug, not negative.
    stop : str or pint quantity, optional
        When the medium is replaced by drug-free medium, and kept so by repeated washes.

    Attributes
    ----------
    dose : float
        [nM]; a `MassConcentration` until a `Treatment` brings the molar mass.
    start, stop : float
        [min]; `stop` is None without wash-out.

    Raises
    ------
    UnitError
        For a dose or time without a unit, or with one of another kind.
    RegimenError
        For a negative dose or start, or a stop that is not after the start.
    """

    dose: Dose
    start: float
    stop: float | None

    def __init__(self, dose: Given, *, start: Given = "0 h", stop: Given | None = None) -> None:
        object.__setattr__(self, "dose", _dose(dose))
        object.__setattr__(self, "start", _start(start))
        object.__setattr__(self, "stop", None if stop is None else _time(stop, "stop"))
        if self.stop is not None and self.stop <= self.start:
            with within("stop"):
                raise RegimenError(
                    f"stop at {say_time(self.stop)} is not after start at {say_time(self.start)}."
                )

    def changes(self) -> tuple[MediumChange, ...]:
        """Return the changes of medium, in order of time."""
        given = MediumChange(self.start, _molar(self.dose), washed=False)
        if self.stop is None:
            return (given,)
        return given, MediumChange(self.stop, 0.0, washed=True)

    def in_words(self) -> str:
        """Return ``"20 nM from 0 h, washed out at 24 h"``."""
        end = "" if self.stop is None else f", washed out at {say_time(self.stop)}"
        return f"{_say_dose(self.dose)} from {say_time(self.start)}{end}"

    def to_dict(self) -> dict[str, object]:
        """Return the arguments that make this schedule again."""
        fields: dict[str, object] = {
            "dose": _exact_dose(self.dose),
            "start": exact_time(self.start),
        }
        return fields if self.stop is None else fields | {"stop": exact_time(self.stop)}

    def replace(self, **changes: object) -> Self:
        """Return a copy with some arguments changed."""
        return type(self)(**(self.to_dict() | changes))  # type: ignore[arg-type]


@dataclass(frozen=True, init=False)
class Repeated:
    """The same exposure again and again.

    Exposure k begins at ``start + k*every``. With `exposure` each ends in a wash-out; without,
    the medium is renewed at the full dose at each repeat and stays after the last.

    Parameters
    ----------
    dose : str or pint quantity
        Concentration in the fresh medium, not negative.
    every : str or pint quantity
        From one beginning to the next, above zero.
    times : int
        Number of exposures, from 1.
    start : str or pint quantity
        When the first begins, not negative.
    exposure : str or pint quantity, optional
        How long each lasts, above zero and shorter than `every`.

    Attributes
    ----------
    dose : float
        [nM]; a `MassConcentration` until a `Treatment` brings the molar mass.
    every, start, exposure : float
        [min]; `exposure` is None without wash-outs.
    times : int

    Raises
    ------
    UnitError
        For a dose or time without a unit, or with one of another kind.
    RegimenError
        For a negative dose or start, or intervals that do not fit.
    """

    dose: Dose
    every: float
    times: int
    start: float
    exposure: float | None

    def __init__(
        self,
        dose: Given,
        *,
        every: Given,
        times: int,
        start: Given = "0 h",
        exposure: Given | None = None,
    ) -> None:
        object.__setattr__(self, "dose", _dose(dose))
        object.__setattr__(self, "every", _positive(every, "every"))
        object.__setattr__(self, "times", _times(times))
        object.__setattr__(self, "start", _start(start))
        object.__setattr__(
            self, "exposure", None if exposure is None else _positive(exposure, "exposure")
        )
        self._check_order()

    def _check_order(self) -> None:
        if self.exposure is not None and self.exposure >= self.every:
            with within("exposure"):
                raise RegimenError(
                    f"exposure of {say_time(self.exposure)} is not shorter than the interval of "
                    f"{say_time(self.every)} between two. For drug all the time leave it out."
                )
        times = list(self._times())
        if any(late <= early for early, late in pairwise(times)):
            with within("every"):  # 1e-12 min after a start of 1e6 min: the same float
                raise RegimenError(f"two changes of medium fall on the same time. {self!r}")

    def _times(self) -> Iterator[float]:
        for k in range(self.times):
            begin = self.start + k * self.every
            yield begin
            if self.exposure is not None:
                yield begin + self.exposure

    def changes(self) -> tuple[MediumChange, ...]:
        """Return the changes of medium, in order of time."""
        dose = _molar(self.dose)
        if self.exposure is None:
            return tuple(MediumChange(time, dose, washed=False) for time in self._times())
        return tuple(
            MediumChange(time, 0.0, washed=True) if k % 2 else MediumChange(time, dose, False)
            for k, time in enumerate(self._times())
        )

    def in_words(self) -> str:
        """Return ``"20 nM for 2 h every 24 h, 3 times from 0 h"``."""
        each = "renewed" if self.exposure is None else f"for {say_time(self.exposure)}"
        count = "once" if self.times == 1 else f"{self.times} times"
        return (
            f"{_say_dose(self.dose)} {each} every {say_time(self.every)}, {count} "
            f"from {say_time(self.start)}"
        )

    def to_dict(self) -> dict[str, object]:
        """Return the arguments that make this schedule again."""
        fields: dict[str, object] = {
            "dose": _exact_dose(self.dose),
            "start": exact_time(self.start),
            "every": exact_time(self.every),
            "times": self.times,
        }
        return fields if self.exposure is None else fields | {"exposure": exact_time(self.exposure)}

    def replace(self, **changes: object) -> Self:
        """Return a copy with some arguments changed."""
        return type(self)(**(self.to_dict() | changes))  # type: ignore[arg-type]


Schedule: TypeAlias = Constant | Repeated


def resolved(schedule: Schedule, molar_mass: float) -> Schedule:
    """Return the schedule with its dose in nM, for a drug of this molar mass [g/mol]."""
    if isinstance(schedule.dose, MassConcentration):
        return schedule.replace(dose=f"{schedule.dose.molar(molar_mass)!r} nM")
    return schedule


def _dose(value: Given) -> Dose:
    with within("dose"):
        by_mass = is_mass_concentration(value)
        amount = quantity(value, "g/litre", "dose") if by_mass else concentration(value, "dose")
        if amount < 0:
            raise RegimenError(f"dose: {shown(value)} is negative. Expected '0 nM' or more.")
        return MassConcentration(str(value)) if by_mass else amount + 0.0  # no minus zero


def _time(value: Given, what: str) -> float:
    with within(what):
        return duration(value, what)


def _start(value: Given) -> float:
    minutes = _time(value, "start")
    if minutes < 0:
        with within("start"):
            raise RegimenError(
                f"start: {shown(value)} is before the beginning. Expected '0 h' or later."
            )
    return minutes + 0.0


def _positive(value: Given, what: str) -> float:
    minutes = _time(value, what)
    if minutes <= 0:
        with within(what):
            raise RegimenError(f"{what}: {shown(value)} is not above zero.")
    return minutes


def _times(value: object) -> int:
    with within("times"):
        try:
            if isinstance(value, bool):
                raise TypeError
            times = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            raise RegimenError(
                f"times: {shown(value)} is not a whole number. Expected how often, such as 3."
            ) from None
        if not 1 <= times <= _MOST_REPEATS:
            raise RegimenError(f"times: {shown(value)} is not from 1 to {_MOST_REPEATS}.")
        return times


def _molar(dose: Dose) -> float:
    if isinstance(dose, MassConcentration):
        raise UnitError(
            f"dose: {dose.text!r} is a mass per volume and needs a molar mass. "
            "Put the schedule into a Treatment, which knows its drug, or give nM."
        )
    return dose


def _say_dose(dose: Dose) -> str:
    return dose.text if isinstance(dose, MassConcentration) else say_concentration(dose)


def _exact_dose(dose: Dose) -> str:
    return dose.text if isinstance(dose, MassConcentration) else exact_concentration(dose)
