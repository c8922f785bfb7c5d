"""Regimens: which mass of drug a patient or an animal is given, by which route, and when.

A regimen is text such as ``"175 mg IV over 30 min weekly x3 then 75 mg weekly"``: parts joined by
``then`` or ``;``, each a phase (equal doses at equal intervals) or a pause. A phase says, in this
order or another:

========== ==========================================================================
amount     ``25 mg``, ``500 ug``, ``15 mg/m2``, ``20 mg/kg``; always first
route      ``IV``, ``IV bolus``, ``IP``, ``PO``; without one, that of the drug
infusion   ``over 30 min``, after ``IV``
frequency  ``once``, ``daily``, ``twice daily``, ``weekly``, ``every 3 weeks``, ``q12h`` ...
count      ``x4`` or ``for 4 weeks``; without one the last phase goes on until the end
cycle      ``daily x5 every 2 weeks x3``: five daily doses, every two weeks, three times
========== ==========================================================================

After N doses every T the next part begins T after the last dose; after cycles, when the last
cycle ends. ``then pause 2 weeks then`` puts that much between two parts. What is not understood
is refused, never guessed.
"""

import math
import operator
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice, pairwise, takewhile
from typing import Any, NamedTuple, NoReturn, Self, TypeAlias

from mtorsim.errors import RegimenError, UnitError, about, closest, either, shown, within
from mtorsim.units import (
    Given,
    Quantity,
    concentration,
    duration,
    exact_time,
    is_mass_concentration,
    quantity,
    say_time,
)

_MOST_DOSES = 10_000
_LIGHTEST, _HEAVIEST = 1e-6, 1e6  # mg: a nanogram, a kilogram
_SHORTEST, _LONGEST = 1 / 60_000, 3652.5 * 1440.0  # min: a millisecond, ten years
_DAY, _WEEK = 1440.0, 10080.0  # min


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
        milligrams, per = _amount(amount)
        object.__setattr__(self, "amount", milligrams)
        object.__setattr__(self, "per", per)
        object.__setattr__(self, "route", None if route is None else _route(route))
        object.__setattr__(self, "infusion", None if over is None else _positive(over, "over"))
        object.__setattr__(self, "every", None if every is None else _positive(every, "every"))
        object.__setattr__(self, "times", None if times is None else _whole(times, "times"))
        object.__setattr__(self, "cycle", None if cycle is None else _positive(cycle, "cycle"))
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
        object.__setattr__(self, "length", _positive(length, "length"))

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
            # two doses of an open phase show whether what goes before runs into it
            known = sum(part.count or 2 for part in self.parts if isinstance(part, Phase))
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


def looks_like_regimen(text: object) -> bool:
    """Return whether text begins with a mass, as ``"25 mg weekly"`` does and ``"20 nM"`` not.

    Mass per body surface or body weight counts; mass per volume is a concentration.
    """
    if not isinstance(text, str):
        return False
    match = _AMOUNT.match(" ".join(text.split()))
    return match is not None and _is_mass(match["mass"]) and not _VOLUME.match(match["per"] or "")


# What the words of a regimen look like.

_END = r"(?![a-z0-9])"
_NUMBER = (
    r"[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]{1,4})?|(?:nan|inf(?:inity)?)(?![a-z]))"
)
_TIME = (
    rf"(?P<number>{_NUMBER}) ?"
    rf"(?P<unit>s|secs?|seconds?|min|mins|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?){_END}"
)
_A_DAY, _A_WEEK = "(?:daily|(?:a|per) day)", "(?:weekly|(?:a|per) week)"


def _pattern(*choices: str) -> re.Pattern[str]:
    """Compile a pattern that ends where a word ends; the text has single spaces."""
    return re.compile(f"(?:{'|'.join(choices)}){_END}", re.IGNORECASE | re.ASCII)


_COMMA = re.compile("[0-9],[0-9]")
_THEN = re.compile(r"; ?(?:(?:and )?then\b)?|\b(?:and )?then\b|\bfollowed by\b", re.IGNORECASE)

_AMOUNT = re.compile(
    rf"(?P<number>{_NUMBER}) ?(?P<mass>[a-zµμ%]+)?"
    r"(?: ?(?:/|\bper\b(?! os\b)) ?(?P<per>m(?:et(?:er|re))? ?(?:\^|\*\*) ?2|[^ ,]+))?",
    re.IGNORECASE | re.ASCII,
)
_MASS = _pattern("kg|g|mg|mcg|[uµμ]g|ng|(?:kilo|milli|micro|nano)?grams?")
_VOLUME = _pattern(r"[munpfdcµμ]?l|[a-z]*lit(?:er|re)s?|[cd]?m\^?3")
_PER = {
    "m2": _pattern(r"m(?:et(?:er|re))?(?:2|²| ?(?:\^|\*\*) ?2)"),
    "kg": _pattern("kg|kilograms?"),
}
_PER_WORDS = {"": "", "m2": " per m² of body surface", "kg": " per kg of body weight"}

_ROUTES = {
    "IV bolus": _pattern(r"(?:i\.?v\.?|intravenous(?:ly)?) bolus"),
    "IV": _pattern(r"(?:i\.?v\.?|intravenous(?:ly)?)(?: infusion)?"),
    "IP": _pattern(r"i\.?p\.?|intraperitoneal(?:ly)?"),
    "PO": _pattern(r"p\.?o\.?|per os|oral(?:ly)?|by mouth"),
}
_ROUTE_WORDS = {
    "IV bolus": "as an intravenous bolus",
    "IV": "intravenously",
    "IP": "intraperitoneally",
    "PO": "by mouth",
}

_FREQUENCIES = {
    "1 day": _pattern("daily", f"once {_A_DAY}", "(?:once )?(?:every|each) day", "qd"),
    "12 h": _pattern(f"(?:twice|(?:two|2) times|2 ?x) {_A_DAY}", "bid"),
    "8 h": _pattern(f"(?:thrice|(?:three|3) times|3 ?x) {_A_DAY}", "tid"),
    "6 h": _pattern(f"(?:(?:four|4) times|4 ?x) {_A_DAY}", "qid"),
    "1 h": _pattern("every hour"),
    "2 days": _pattern("every (?:other|second) day", "qod"),
    "1 week": _pattern("weekly", f"once {_A_WEEK}", "(?:once )?(?:every|each) week", "qw"),
    "2 weeks": _pattern("every (?:other|second) week"),
}
_EVERY_ONE = {_WEEK: "every week", _DAY: "every day"}
_SHORT = {
    _WEEK: "weekly",
    _DAY: "daily",
    _DAY / 2: "twice daily",
    _DAY / 3: "three times daily",
}
_EVERY = _pattern(rf"(?:(?:(?:once|repeated) )?every |q ?){_TIME}")
_DAYS_NOT_SAID = _pattern(
    rf"(?:twice|thrice|(?:two|three|four|five|six) times|{_NUMBER} ?(?:times|[x×])) {_A_WEEK}"
)
_LENGTH = _pattern(rf"(?:for |[x×] ?){_TIME}")
_OVER, _ONCE = _pattern(f"over {_TIME}"), _pattern("once")
_COUNT = _pattern(
    rf"[x×] ?(?P<after>{_NUMBER})(?: ?(?:times|doses?))?",
    rf"(?:for )?(?P<before>{_NUMBER}) ?(?:times|doses?|[x×])",
)
_PAUSE = _pattern("(?:pause|holiday|off)(?: for)?")
_PAUSES = (
    _pattern(rf"(?:pause|holiday|off)(?: for)? {_TIME}"),
    _pattern(rf"{_TIME} (?:pause|holiday|off)"),
)
_NEEDS_TIME = _pattern("over", "for", "(?:(?:once|repeated) )?every")
_NO_TIME = re.compile(rf"(?P<number>{_NUMBER})? ?(?P<unit>[a-z][a-z0-9]*)?", re.IGNORECASE)

_WORDS = (
    *("IV", "IV bolus", "intravenous", "intravenously", "IP", "intraperitoneal", "by mouth"),
    *("PO", "oral", "orally", "over", "once", "daily", "twice daily", "three times daily"),
    *("weekly", "every", "every other day", "qd", "bid", "tid", "qw", "q12h", "q2d", "q3w"),
    *("for", "times", "x4", "then", "pause", "holiday", "off"),
)
_PLAIN_WORDS = frozenset(word.lower() for word in _WORDS) | {"bolus", "x"}
_EXPECTED_AMOUNT = "Expected a mass such as '25 mg', '15 mg/m2' or '20 mg/kg'."
_EXPECTED_WORDS = "Expected words such as 'IV', 'over 30 min', 'weekly' and 'x4'."
_TIME_WORDS = ("min", "minutes", "h", "hours", "d", "days", "week", "weeks")
_UNITS_OF_TIME = {"s": "s", "m": "min", "h": "h", "d": "d", "w": "week"}  # by first letter
_INSTEAD = {
    "biweekly": "It is read as twice a week and as every 2 weeks. Say 'every 2 weeks' or 'q84h'.",
    "bi": "Say 'every 2 weeks', 'twice daily' or another frequency in full.",
    **dict.fromkeys(("monthly", "month", "months"), "Say '4 weeks' or '30 days'."),
}


def _read(text: str) -> tuple[Part, ...]:
    """Return the parts that a text names."""
    # single spaces, also for no-break ones and for the hyphens of "once-daily"
    plain = re.sub(r"(?<=[A-Za-z])-(?=[A-Za-z])", " ", " ".join(text.split()))
    if not plain:
        raise RegimenError("regimen: nothing given. Expected one such as '25 mg IV weekly x4'.")
    if _COMMA.search(plain):
        word = next(word for word in plain.split(" ") if _COMMA.search(word))
        raise RegimenError(
            f"regimen: {shown(word)} has a comma between digits. "
            "Write the decimal point as '.', and a space after a comma."
        )
    pieces = [piece.strip(" ,") for piece in _THEN.split(plain)]
    return tuple(_read_part(piece, k, len(pieces)) for k, piece in enumerate(pieces, 1))


def _read_part(piece: str, k: int, of: int) -> Part:
    place = f"regimen, part {k}" if of > 1 else "regimen"
    if not piece:
        raise RegimenError(f"{place}: nothing given, but 'then' and ';' stand between two parts.")
    with about(f"{place} {shown(piece)}"):
        for pattern in _PAUSES:
            if match := pattern.fullmatch(piece):
                return Pause(_time(match))
        return _read_phase(piece)


class _Reader:
    """The text of a phase, taken from left to right, and what it has said so far."""

    def __init__(self, text: str) -> None:
        self.rest = text
        self.fields: dict[str, Any] = {}  # arguments of Phase
        self.said: dict[str, str] = {}

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.rest)
        if match:
            self.rest = self.rest[match.end() :].lstrip(" ,")
        return match

    def put(self, field: str, value: object, words: str) -> None:
        if field in self.fields:
            raise RegimenError(
                f"{shown(words)} comes after {shown(self.said[field])}. {_ONE_ONLY[field]}"
            )
        self.fields[field], self.said[field] = value, words


_ONE_ONLY = {
    "route": "Expected one route; put 'then' between two phases.",
    "over": "Expected one length of the infusion.",
    "every": "Expected one frequency; a course that repeats is 'daily x5 every 2 weeks'.",
    "times": "Expected one number of doses.",
    "cycle": "Expected one cycle, as in 'daily x5 every 2 weeks x3'.",
    "cycles": "Expected one number of cycles.",
}


def _read_phase(text: str) -> Phase:
    reader = _Reader(text)
    amount = reader.take(_AMOUNT)
    if amount is None:
        _refuse_beginning(text)
    _amount(amount[0])  # what is wrong with it comes before what is wrong with the rest
    reader.put("amount", amount[0], amount[0])
    while reader.rest:
        if not any(take(reader) for take in _CLAUSES):
            _refuse(reader.rest)
    return Phase(**reader.fields)


def _take_route(reader: _Reader) -> bool:
    for route, pattern in _ROUTES.items():
        if match := reader.take(pattern):
            reader.put("route", route, match[0])
            return True
    return False


def _take_over(reader: _Reader) -> bool:
    if match := reader.take(_OVER):
        reader.put("over", _time(match), match[0])
    return match is not None


def _take_frequency(reader: _Reader) -> bool:
    found = _frequency(reader)
    if found is None:
        return False
    time, words = found
    again = reader.fields.get("every") is not None
    if again and "times" in reader.fields and re.match("every|repeated|q", words, re.IGNORECASE):
        reader.put("cycle", time, words)
    else:
        reader.put("every", time, words)
    return True


def _frequency(reader: _Reader) -> tuple[str, str] | None:
    for time, pattern in _FREQUENCIES.items():
        if match := reader.take(pattern):
            return time, match[0]
    match = reader.take(_EVERY)
    return (_time(match), match[0]) if match else None


def _take_once(reader: _Reader) -> bool:
    if match := reader.take(_ONCE):
        reader.put("every", None, match[0])
    return match is not None


def _take_count(reader: _Reader) -> bool:
    if match := reader.take(_DAYS_NOT_SAID):
        raise RegimenError(
            f"{shown(match[0])} does not say on which days. Expected an interval such as "
            "'every 84 h', or a course such as 'every 2 days x3 every week'."
        )
    length = reader.take(_LENGTH)
    match = length or reader.take(_COUNT)
    if match is None:
        return False
    of, number = ("cycle", "cycles") if "cycle" in reader.fields else ("every", "times")
    interval = reader.fields.get(of)
    if interval is None:
        raise RegimenError(
            f"{shown(match[0])} has no frequency before it. Expected 'weekly x4' or "
            "'daily for 5 days'; the length of an infusion is 'over 30 min'."
        )
    times = _intervals(match, interval, of) if length else _number(match)
    reader.put(number, times, match[0])
    return True


_CLAUSES = (_take_route, _take_over, _take_frequency, _take_once, _take_count)


def _time(match: re.Match[str]) -> str:
    """Return the time that a pattern has found, as `duration` reads it."""
    return f"{match['number']} {_UNITS_OF_TIME[match['unit'][0].lower()]}"


def _number(match: re.Match[str]) -> int | str:
    """Return a count as a whole number, or the text that is none."""
    text: str = match["after"] or match["before"]
    try:
        return int(text)
    except ValueError:
        return text


def _intervals(match: re.Match[str], interval: str, of: str) -> int:
    """Return how many intervals a length such as ``"for 4 weeks"`` holds."""
    number = duration(_time(match), "for") / _positive(interval, of)
    if number < 0.5 or not math.isclose(number, round(number), rel_tol=1e-9):
        raise RegimenError(
            f"{shown(match[0])} is not a whole number of intervals of {shown(interval)}. "
            "Give the number of doses, such as 'x4'."
        )
    return round(number)


def _refuse_beginning(text: str) -> NoReturn:
    if whole := _PAUSES[0].match(text):
        what = shown(_first_word(text[whole.end() :].strip(" ,")))
        raise RegimenError(f"{what} follows {shown(whole[0])}. Put 'then' between two parts.")
    if pause := _PAUSE.match(text):
        _refuse_time(pause[0], text[pause.end() :].strip(" ,"))
    word = _first_word(text)
    unknown = "" if word.lower() in _PLAIN_WORDS else f"{_unknown(text)} "
    raise RegimenError(
        f"{unknown}A phase begins with its amount, such as '25 mg', not with {shown(word)}."
    )


def _refuse(rest: str) -> NoReturn:
    """Say what is wrong where no clause goes on."""
    if keyword := _NEEDS_TIME.match(rest):
        _refuse_time(keyword[0], rest[keyword.end() :].strip(" ,"))
    amount = _AMOUNT.match(rest)
    if amount and _is_mass(amount["mass"]):
        raise RegimenError(f"a second amount {shown(amount[0])}. Put 'then' between two phases.")
    if amount:
        raise RegimenError(
            f"{shown(_first_word(rest))} does not say what it is. Expected 'x4' for a count, "
            "'over 30 min' for an infusion or 'every 2 weeks' for a frequency."
        )
    raise RegimenError(_unknown(rest))


def _refuse_time(keyword: str, rest: str) -> NoReturn:
    found = _NO_TIME.match(rest)
    assert found is not None  # it matches nothing, too
    number, unit, words = found["number"], found["unit"], f"{keyword} {found[0]}"
    if unit and unit.lower() in _INSTEAD:
        raise RegimenError(f"{shown(words)} is not exact. {_INSTEAD[unit.lower()]}")
    if number and unit:
        hint = _closest(unit, _TIME_WORDS)
        raise UnitError(f"unknown unit of time {shown(unit)} in {shown(words)}.{hint}")
    if number:
        raise UnitError(f"{shown(words.strip())} has no unit. Expected a time such as '30 min'.")
    what = shown(_first_word(rest)) if rest else "nothing"
    raise RegimenError(f"{shown(keyword)} needs a time, such as '30 min'; {what} follows.")


def _unknown(rest: str) -> str:
    word = _first_word(rest)
    if word.lower() in _INSTEAD:
        return f"{shown(word)} is not exact. {_INSTEAD[word.lower()]}"
    if word.lower() in _PLAIN_WORDS:
        return f"{shown(word)} is out of place. {_EXPECTED_WORDS}"
    return f"unknown word {shown(word)}.{_closest(word, _WORDS) or f' {_EXPECTED_WORDS}'}"


def _closest(word: str, words: Iterable[str]) -> str:
    near = closest(word, words)
    return f" Closest: {either(near)}." if near else ""


def _first_word(text: str) -> str:
    return text.replace(",", " ").split(" ", 1)[0]


def _parts(given: object) -> tuple[Part, ...]:
    if isinstance(given, str):
        return _read(given)
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


def _amount(value: Given) -> tuple[float, str]:
    """Return an amount [mg, or mg per what follows] and ``""``, ``"m2"`` or ``"kg"``."""
    with within("amount"):
        text = _amount_text(value)
        match = _AMOUNT.fullmatch(text)
        if match is None or match["mass"] is None or not _is_mass(match["mass"]):
            _refuse_amount(text, match)
        per = _per(match["per"], text)
        milligrams = quantity(f"{match['number']} {match['mass'].lower()}", "mg", "amount")
        if milligrams <= 0:
            raise RegimenError(f"amount: {shown(text)} is not above zero.")
        if not _LIGHTEST <= milligrams <= _HEAVIEST:
            raise RegimenError(
                f"amount: {shown(text)} is not from 1 ng to 1 kg. {_EXPECTED_AMOUNT}"
            )
        return milligrams, per


def _amount_text(value: object) -> str:
    if isinstance(value, Quantity):
        value = f"{value.magnitude} {value.units}"
    if not isinstance(value, str):
        raise UnitError(f"amount: {shown(value)} has no unit. {_EXPECTED_AMOUNT}")
    return " ".join(value.split())


def _per(given: str | None, text: str) -> str:
    if given is None:
        return ""
    for per, pattern in _PER.items():
        if pattern.fullmatch(given):
            return per
    if _is_concentration(text):
        _refuse_amount(text, None)
    raise UnitError(
        f"amount: {shown(text)} is per {shown(given)}. "
        "Expected '25 mg', '15 mg/m2' or '20 mg/kg'; a dose a day is '25 mg daily'."
    )


def _refuse_amount(text: str, match: re.Match[str] | None) -> NoReturn:
    if match and (match["mass"] is None or match["mass"].lower() in _PLAIN_WORDS):
        raise UnitError(f"amount: {shown(text)} has no unit of mass. {_EXPECTED_AMOUNT}")
    if _is_concentration(text):
        raise UnitError(
            f"amount: {shown(text)} is a concentration, and a regimen gives a mass such as "
            "'25 mg'. A concentration in the medium is a dose, not a regimen."
        )
    quantity(text, "mg", "amount")  # says what is wrong with the unit
    raise UnitError(f"amount: {shown(text)} is not an amount. {_EXPECTED_AMOUNT}")


def _is_mass(unit: str | None) -> bool:
    return unit is not None and _MASS.fullmatch(unit) is not None


def _is_concentration(text: str) -> bool:
    if is_mass_concentration(text) or is_mass_concentration(text.lower()):
        return True
    try:
        concentration(text, "amount")
    except UnitError:
        return False
    return True


def _route(value: object) -> str:
    with within("route"):
        plain = " ".join(value.split()) if isinstance(value, str) else ""
        for route, pattern in _ROUTES.items():
            if pattern.fullmatch(plain):
                return route
        raise RegimenError(
            f"route: {shown(value)} is not a route.{_closest(plain, _ROUTES)} "
            f"Expected {either(_ROUTES)}."
        )


def _positive(value: Given, what: str) -> float:
    with within(what):
        minutes = duration(value, what)
        if minutes <= 0:
            bolus = " For an instantaneous dose write 'IV bolus', without 'over'."
            raise RegimenError(
                f"{what}: {shown(value)} is not above zero.{bolus if what == 'over' else ''}"
            )
        if not _SHORTEST <= minutes <= _LONGEST:
            raise RegimenError(f"{what}: {shown(value)} is not from 1 ms to 10 years.")
        return minutes


def _start(value: Given) -> float:
    with within("start"):
        minutes = duration(value, "start")
        if not 0 <= minutes <= _LONGEST:
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
