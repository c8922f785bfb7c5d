"""Regimens: which mass of drug a patient or an animal is given, by which route, and when.

A regimen is text such as ``"175 mg IV over 30 min weekly x3 then 75 mg weekly"``; its words stand
in `mtorsim.regimen_text`. After N doses every T the next part begins T after the last dose; after
cycles, when the last cycle ends. ``then pause 2 weeks then`` puts that much between two parts.
"""

import math
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice, pairwise, takewhile
from typing import NamedTuple, Self, TypeAlias

from mtorsim import regimen_text
from mtorsim.errors import RegimenError, about, shown, within
from mtorsim.units import LONGEST, Given, duration, exact_time, quantity, say_time

_MOST_DOSES = 10_000
_DAY, _WEEK = 1440.0, 10080.0  # min

UNTIL_THE_END = 8 * _WEEK
"""How long doses that go on until the end are followed where nothing is said [min]."""


_PER_WORDS = {"": "", "m2": " per m² of body surface", "kg": " per kg of body weight"}
_ROUTE_WORDS = {
    "IV bolus": "as an intravenous bolus",
    "IV": "intravenously",
    "IP": "intraperitoneally",
    "PO": "by mouth",
}
_EVERY_ONE = {_WEEK: "every week", _DAY: "every day"}
_SHORT = {
    _WEEK: "weekly",
    _DAY: "daily",
    _DAY / 2: "twice daily",
    _DAY / 3: "three times daily",
}
_A_DAY = ("twice daily", "three times daily")  # five doses of these are no five days


class Dose(NamedTuple):
    """Drug is given.

    Attributes
    ----------
    time : float
        When it begins [min].
    amount : float
        Mass [mg], or mass per `per`.
    per : str
        ``""``, ``"m2"`` of body surface or ``"kg"`` of body weight.
    route : str or None
        ``"IV"``, ``"IV bolus"``, ``"IP"`` or ``"PO"``; None leaves it to the drug.
    infusion : float or None
        How long it lasts [min]; None where nothing is said, and for what takes no time.
    """

    time: float
    amount: float
    per: str
    route: str | None
    infusion: float | None


@dataclass(frozen=True, init=False)
class Phase:
    """Equal doses at equal intervals.

    Parameters
    ----------
    amount : str or pint quantity
        Mass of a dose, above zero: ``"25 mg"``, ``"15 mg/m2"`` or ``"20 mg/kg"``.
    route : str, optional
        ``"IV"``, ``"IV bolus"``, ``"IP"`` or ``"PO"``; without, that of the drug.
    over : str or pint quantity, optional
        Length of an infusion, above zero and shorter than `every`; route ``"IV"`` only.
    every : str or pint quantity, optional
        From one dose to the next, above zero; without, there is one dose.
    times : int, optional
        Number of doses, from 1; without, they go on until the end.
    cycle : str or pint quantity, optional
        From the beginning of one course of `times` doses to that of the next; not shorter than
        ``times*every``.
    cycles : int, optional
        Number of courses, from 1; without, they go on until the end.

    Attributes
    ----------
    amount : float
        [mg], or [mg] per `per`.
    per : str
        ``""``, ``"m2"`` or ``"kg"``.
    route : str or None
    infusion, every, cycle : float or None
        [min].
    times, cycles : int or None
        `times` is 1 without `every`.

    Raises
    ------
    UnitError
        For an amount or time without a unit, or with one of another kind.
    RegimenError
        For an amount, time or number out of range, or any that do not fit together.
    """

    amount: float
    per: str
    route: str | None
    infusion: float | None
    every: float | None
    times: int | None
    cycle: float | None
    cycles: int | None

    def __init__(
        self,
        amount: Given,
        *,
        route: str | None = None,
        over: Given | None = None,
        every: Given | None = None,
        times: int | None = None,
        cycle: Given | None = None,
        cycles: int | None = None,
    ) -> None:
        milligrams, per = regimen_text.amount(amount)
        object.__setattr__(self, "amount", milligrams)
        object.__setattr__(self, "per", per)
        object.__setattr__(self, "route", None if route is None else regimen_text.route(route))
        object.__setattr__(
            self, "infusion", None if over is None else regimen_text.positive(over, "over")
        )
        object.__setattr__(
            self, "every", None if every is None else regimen_text.positive(every, "every")
        )
        object.__setattr__(self, "times", None if times is None else _whole(times, "times"))
        object.__setattr__(
            self, "cycle", None if cycle is None else regimen_text.positive(cycle, "cycle")
        )
        object.__setattr__(self, "cycles", None if cycles is None else _whole(cycles, "cycles"))
        self._check_infusion()
        self._check_repeats()
        self._check_cycle()

    def _check_infusion(self) -> None:
        if self.infusion is None:
            return
        long = _say_long(self.infusion)
        with within("over"):
            if self.route != "IV":
                given = f"with route {self.route!r}" if self.route else "without a route"
                raise RegimenError(
                    f"over: an infusion of {long} {given}. Write 'IV over {long}', or no 'over'."
                )
            if self.every is not None and self.infusion >= self.every:
                raise RegimenError(
                    f"over: an infusion of {long} is not shorter than the interval of "
                    f"{_say_long(self.every)} between two doses."
                )

    def _check_repeats(self) -> None:
        if self.every is None:
            if self.times not in {None, 1}:
                with within("times"):
                    raise RegimenError(
                        f"times: {self.times} doses without a frequency. "
                        "Say how often, such as 'weekly' or every='1 week'."
                    )
            object.__setattr__(self, "times", 1)

    def _check_cycle(self) -> None:
        if self.cycle is None:
            if self.cycles is not None:
                with within("cycles"):
                    raise RegimenError(
                        f"cycles: {self.cycles} courses without a cycle. "
                        "Say how often a course begins, such as cycle='3 weeks'."
                    )
            return
        with within("cycle"):
            if self.every is None or self.times is None:
                raise RegimenError(
                    "cycle: a course that repeats needs a frequency and a number of doses, "
                    "such as 'daily x5 every 2 weeks'."
                )
            # seven doses every seventh of a day may be a rounding longer than a day
            if self.times * self.every > self.cycle * (1 + 1e-12):
                raise RegimenError(
                    f"cycle: {self.times} doses every {_say_long(self.every)} take "
                    f"{_say_long(self.times * self.every)}, more than the cycle of "
                    f"{_say_long(self.cycle)}."
                )

    @property
    def is_open(self) -> bool:
        """Whether the doses go on until the end."""
        return self.times is None or (self.cycle is not None and self.cycles is None)

    @property
    def count(self) -> int | None:
        """Number of doses; None until the end."""
        return None if self.times is None or self.is_open else self.times * (self.cycles or 1)

    @property
    def length(self) -> float | None:
        """Time [min] from the first dose to what follows; 0 for a dose without a frequency.

        None until the end.
        """
        if self.times is None or self.is_open:
            return None
        if self.cycle is not None and self.cycles is not None:
            return self.cycles * self.cycle
        return self.times * (self.every or 0.0)

    def offsets(self) -> Iterator[float]:
        """Yield the times [min] of the doses after the beginning of the phase, maybe for ever."""
        for k in _counted(1 if self.cycle is None else self.cycles):
            for i in _counted(self.times):
                yield k * (self.cycle or 0.0) + i * (self.every or 0.0)

    @property
    def text(self) -> str:
        """Text that a `Regimen` reads as exactly this phase."""
        amount = _exact_amount(self.amount) + (f"/{self.per}" if self.per else "")
        over = None if self.infusion is None else f"over {exact_time(self.infusion)}"
        every = "once" if self.every is None else _SHORT.get(self.every, _exact_every(self.every))
        times = None if self.times is None or self.every is None else f"x{self.times}"
        if times and every in _A_DAY:
            times += " doses"
        cycle = None if self.cycle is None else _exact_every(self.cycle)
        cycles = None if self.cycles is None else f"x{self.cycles}"
        words = (amount, self.route, over, every, times, cycle, cycles)
        return " ".join(word for word in words if word is not None)

    def in_words(self) -> str:
        """Return ``"25 mg intravenously over 30 min every week, 4 times"``."""
        amount = _say_amount(self.amount) + _PER_WORDS[self.per]
        route = "" if self.route is None else f" {_ROUTE_WORDS[self.route]}"
        over = "" if self.infusion is None else f" over {say_time(self.infusion)}"
        return f"{amount}{route}{over} {self._frequency_in_words()}"

    def _frequency_in_words(self) -> str:
        if self.every is None:
            return "once"
        course = f"{_say_every(self.every)}{_say_count(self.times)}"
        if self.cycle is None:
            return course
        return f"{course}, all this {_say_every(self.cycle)}{_say_count(self.cycles)}"


@dataclass(frozen=True, init=False)
class Pause:
    """A time without a dose, between two phases.

    It begins where the next phase would: one interval after the last dose, or with the dose
    itself after one without a frequency.

    Parameters
    ----------
    length : str or pint quantity
        Above zero.

    Attributes
    ----------
    length : float
        [min].

    Raises
    ------
    UnitError
        For a time without a unit, or with one of another kind.
    RegimenError
        For a time that is not above zero.
    """

    length: float

    def __init__(self, length: Given) -> None:
        object.__setattr__(self, "length", regimen_text.positive(length, "length"))

    @property
    def text(self) -> str:
        """Text that a `Regimen` reads as exactly this pause."""
        return f"pause {_exact_time(self.length)}"

    def in_words(self) -> str:
        """Return ``"a pause of 2 weeks"``."""
        return f"a pause of {_say_long(self.length)}"


Part: TypeAlias = Phase | Pause


@dataclass(frozen=True, init=False)
class Regimen:
    """What is given, and when; phases and pauses one after the other.

    Parameters
    ----------
    regimen : str, or sequence of Phase and Pause
        ``"25 mg IV over 30 min weekly x4"``; the words are those of this module.
    start : str or pint quantity
        When the first dose begins, not negative.

    Attributes
    ----------
    parts : tuple of Phase and Pause
    start : float
        [min].

    Raises
    ------
    UnitError
        For an amount or time without a unit, or with one of another kind.
    RegimenError
        For text that is not understood, parts that cannot follow each other, infusions that
        overlap, or more than 10 000 doses.
    """

    parts: tuple[Part, ...]
    start: float

    def __init__(self, regimen: str | Sequence[Part], *, start: Given = "0 h") -> None:
        object.__setattr__(self, "start", _start(start))
        with within("regimen"):
            object.__setattr__(self, "parts", _parts(regimen))
            _check_order(self.parts)
            _check_count(self.parts)
            # the first dose of an open phase shows whether what goes before runs into it
            known = sum(part.count or 1 for part in self.parts if isinstance(part, Phase))
            check_overlaps(tuple(islice(self._all_doses(), known)))

    def _all_doses(self) -> Iterator[Dose]:
        begin = self.start
        for part in self.parts:
            if isinstance(part, Phase):
                given = (part.amount, part.per, part.route, part.infusion)
                yield from (Dose(begin + offset, *given) for offset in part.offsets())
            begin += part.length or 0.0

    def doses(self, end: float) -> tuple[Dose, ...]:
        """Return the doses that begin before `end` [min], in order of time.

        Raises
        ------
        RegimenError
            For more than 10 000 doses, or an end that is not a time.
        """
        if math.isnan(end):
            raise RegimenError("end: nan is not a time. Expected minutes.")
        before = takewhile(lambda dose: dose.time < end, self._all_doses())
        found = tuple(islice(before, _MOST_DOSES + 1))
        if len(found) > _MOST_DOSES:
            raise RegimenError(
                f"{shown(self.text)} gives more than {_MOST_DOSES} doses before {_plain(end)} min. "
                "Give a count, such as 'x4', or an earlier end."
            )
        check_overlaps(found)
        return found

    @property
    def is_open(self) -> bool:
        """Whether the last phase goes on until the end."""
        last = self.parts[-1]
        return isinstance(last, Phase) and last.is_open

    @property
    def is_per_surface(self) -> bool:
        """Whether a dose is given per body surface."""
        return any(isinstance(part, Phase) and part.per == "m2" for part in self.parts)

    def last_time(self) -> float | None:
        """Return when the last dose begins [min]; None if doses go on until the end."""
        return None if self.is_open else self.doses(math.inf)[-1].time

    @property
    def text(self) -> str:
        """Text that makes exactly these parts again."""
        return " then ".join(part.text for part in self.parts)

    def __str__(self) -> str:
        return self.text

    def in_words(self) -> str:
        """Return ``"25 mg intravenously every week, 4 times; from 0 h"``."""
        parts = ", then ".join(part.in_words() for part in self.parts)
        return f"{parts}; from {say_time(self.start)}"

    def to_dict(self) -> dict[str, object]:
        """Return the arguments that make this regimen again."""
        return {"regimen": self.text, "start": exact_time(self.start)}

    def replace(self, **changes: object) -> Self:
        """Return a copy with some arguments changed."""
        return type(self)(**(self.to_dict() | changes))  # type: ignore[arg-type]


def check_overlaps(doses: Sequence[Dose]) -> None:
    """Check that no dose begins before the one before it has ended.

    An infusion may begin when another ends. A dose without a duration takes no time.

    Parameters
    ----------
    doses : sequence of Dose
        In any order; messages count them from 1 as they are given.

    Raises
    ------
    RegimenError
        For two infusions that overlap, a dose within an infusion, or two doses at one time.
    """
    numbered = sorted(enumerate(doses, 1), key=lambda one: one[1].time)
    for (first, early), (second, late) in pairwise(numbered):
        end = early.time + (early.infusion or 0.0)
        # sums of intervals that meet may differ in the last digit
        if end > late.time and not math.isclose(end, late.time, rel_tol=1e-12):
            raise RegimenError(f"{_overlap(first, end, second, late)} Shift one or merge them.")
        if early.time == late.time:
            raise RegimenError(
                f"two doses at {_plain(late.time)} min (dose {first} and dose {second}). "
                "Shift one or merge them."
            )


def _overlap(first: int, end: float, second: int, late: Dose) -> str:
    if not late.infusion:
        return (
            f"dose {second} at {_plain(late.time)} min falls into the infusion of dose {first}, "
            f"which ends at {_plain(end)} min."
        )
    until = min(end, late.time + late.infusion)
    return (
        f"infusions overlap from {_plain(late.time)} to {_plain(until)} min "
        f"(dose {first} and dose {second})."
    )


def _parts(given: object) -> tuple[Part, ...]:
    if isinstance(given, str):
        return tuple(_part(piece) for piece in regimen_text.pieces(given))
    if not isinstance(given, Sequence) or isinstance(given, bytes):
        raise RegimenError(
            f"regimen: {shown(given)} is not a regimen. Expected text such as "
            "'25 mg IV weekly x4', or a list of Phase and Pause."
        )
    for k, part in enumerate(given):
        if not isinstance(part, Phase | Pause):
            with within(k):
                raise RegimenError(
                    f"regimen, part {k + 1}: {shown(part)} is not a Phase or a Pause."
                )
    return tuple(given)


def _part(piece: regimen_text.Piece) -> Part:
    with about(piece.where):
        return Pause(**piece.fields) if "length" in piece.fields else Phase(**piece.fields)


def _check_order(parts: Sequence[Part]) -> None:
    if not any(isinstance(part, Phase) for part in parts):
        raise RegimenError("regimen: no dose given. Expected one such as '25 mg IV weekly x4'.")
    if isinstance(parts[0], Pause):
        raise RegimenError(
            f"regimen, part 1: {shown(parts[0].text)} comes before the first dose. "
            "Give the regimen a later start instead."
        )
    if isinstance(parts[-1], Pause):
        raise RegimenError(
            f"regimen, part {len(parts)}: {shown(parts[-1].text)} comes after the last dose. "
            "Leave it out, or repeat the course, as in 'weekly x3 every 4 weeks'."
        )
    for k, (part, after) in enumerate(pairwise(parts), 1):
        if isinstance(part, Phase):
            _check_follows(k, part, after)


def _check_follows(k: int, part: Phase, after: Part) -> None:
    if part.is_open:
        count = "a number of cycles" if part.cycle else "a count"
        raise RegimenError(
            f"regimen, part {k}: {shown(part.text)} goes on until the end, and "
            f"{shown(after.text)} would follow it. Give it {count}, such as 'x4'."
        )
    if part.every is None and isinstance(after, Phase):
        raise RegimenError(
            f"regimen, part {k}: {shown(part.text)} does not say when {shown(after.text)} follows. "
            "Write a frequency such as 'weekly x1', or put a pause between them."
        )


def _check_count(parts: Sequence[Part]) -> None:
    number = sum(part.count or 0 for part in parts if isinstance(part, Phase))
    if number > _MOST_DOSES:
        raise RegimenError(f"regimen: {number} doses. Expected no more than {_MOST_DOSES}.")


def _counted(number: int | None) -> Iterable[int]:
    return count() if number is None else range(number)


def _length(value: Given | None, what: str) -> float | None:
    return None if value is None else regimen_text.positive(value, what)


def _start(value: Given) -> float:
    with within("start"):
        minutes = duration(value, "start")
        if not 0 <= minutes <= LONGEST:
            raise RegimenError(
                f"start: {shown(value)} is not from 0 h to 10 years, counted from the beginning."
            )
        return minutes + 0.0  # no minus zero


def _whole(value: object, what: str) -> int:
    with within(what):
        try:
            if isinstance(value, bool):
                raise TypeError
            number = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            raise RegimenError(
                f"{what}: {shown(value)} is not a whole number. Expected how often, such as 3."
            ) from None
        if not 1 <= number <= _MOST_DOSES:
            raise RegimenError(f"{what}: {shown(value)} is not from 1 to {_MOST_DOSES}.")
        return number


def _say_amount(milligrams: float) -> str:
    for unit, size in (("mg", 1.0), ("ug", 1e-3)):
        if milligrams >= 0.01 * size:
            return f"{milligrams / size:.6g} {unit}"
    return f"{milligrams / 1e-6:.6g} ng"


def _exact_amount(milligrams: float) -> str:
    text = _say_amount(milligrams)
    return text if quantity(text, "mg", "amount") == milligrams else f"{milligrams!r} mg"


def _say_long(minutes: float) -> str:
    for unit, size in (("week", _WEEK), ("day", _DAY)):
        if minutes % size == 0:
            number = round(minutes / size)
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return say_time(minutes)


def _exact_time(minutes: float) -> str:
    text = _say_long(minutes)
    return text if duration(text, "time") == minutes else exact_time(minutes)


def _say_every(minutes: float) -> str:
    return _EVERY_ONE.get(minutes, f"every {_say_long(minutes)}")


def _exact_every(minutes: float) -> str:
    return _EVERY_ONE.get(minutes, f"every {_exact_time(minutes)}")


def _say_count(number: int | None) -> str:
    if number is None:
        return " until the end"
    return f", {number} time{'s' if number > 1 else ''}"


def _plain(minutes: float) -> str:
    return f"{minutes:.10g}"
