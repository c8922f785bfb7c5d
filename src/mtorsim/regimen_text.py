"""The text of regimens: which words there are, and what is wrong with others.

A regimen is parts joined by ``then`` or ``;``, each a phase (equal doses at equal intervals) or a
pause. A phase says, in this order or another:

========== ==========================================================================
amount     ``25 mg``, ``500 ug``, ``15 mg/m2``, ``20 mg/kg``; always first
route      ``IV``, ``IV bolus``, ``IP``, ``PO``; without one, that of the drug
infusion   ``over 30 min``, after ``IV``
frequency  ``once``, ``daily``, ``twice daily``, ``weekly``, ``every 3 weeks``, ``q12h`` ...
count      ``x4``, ``x4 doses`` or ``for 4 weeks``; without one the last phase goes on until
           the end; several times a day only the latter two, since ``twice daily x5`` may be
           five doses or five days
cycle      ``daily x5 every 2 weeks x3``: five daily doses, every two weeks, three times
========== ==========================================================================

What is not understood is refused, never guessed.
"""

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, NoReturn

from mtorsim.errors import RegimenError, UnitError, about, closest, either, shown, within
from mtorsim.units import (
    LONGEST,
    SHORTEST,
    Given,
    Quantity,
    concentration,
    duration,
    is_mass_concentration,
    quantity,
)

_DAY = 1440.0  # min
_LIGHTEST, _HEAVIEST = 1e-6, 1e6  # mg per kg or m2: a nanogram, a kilogram
_LEAST, _MOST = 1e-3, 1e4  # mg: what a mouse or a patient may be given of a drug


def looks_like_regimen(text: object) -> bool:
    """Return whether text begins with a mass, as ``"25 mg weekly"`` does and ``"20 nM"`` not.

    Mass per body surface or body weight counts; mass per volume is a concentration. So does a
    misspelt unit before a route or a frequency, as in ``"25 mgs weekly"``.
    """
    if not isinstance(text, str):
        return False
    plain = _plain(text)
    match = _AMOUNT.match(plain)
    if match is None or match["mass"] is None or _VOLUME.match(match["per"] or ""):
        return False
    if _is_mass(match["mass"]):
        return True
    # This first: a unit that the tables do not know takes pint a quarter of a second.
    if _HOW.match(plain[match.end() :].lstrip(" ,")) is None:
        return False
    return match["mass"].lower() not in _PLAIN_WORDS and not _is_concentration(match[0])


# What the words of a regimen look like.

_END = r"(?![a-z0-9])"
_NUMBER = (
    r"[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]{1,4})?|(?:nan|inf(?:inity)?)(?![a-z]))"
)
_TIME = (
    rf"(?P<number>{_NUMBER}) ?"
    rf"(?P<unit>s|secs?|seconds?|min|mins|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?){_END}"
)
_A_DAY, _A_WEEK = "(?:daily|(?:a|per|each|every) day)", "(?:weekly|(?:a|per|each|every) week)"
_NUMBER_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
                 "eleven", "twelve")  # fmt: skip


def _pattern(*choices: str) -> re.Pattern[str]:
    """Compile a pattern that ends where a word ends; the text has single spaces."""
    return re.compile(f"(?:{'|'.join(choices)}){_END}", re.IGNORECASE | re.ASCII)


_COMMA = re.compile("[0-9],[0-9]")
_NUMBERS = re.compile(rf"\b(?:{'|'.join(_NUMBER_WORDS)})(?= [a-z])", re.IGNORECASE | re.ASCII)
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

_ROUTES = {
    "IV bolus": _pattern(r"(?:i\.?v\.?|intravenous(?:ly)?) bolus"),
    "IV": _pattern(r"(?:i\.?v\.?|intravenous(?:ly)?)(?: infusion)?"),
    "IP": _pattern(r"i\.?p\.?|intraperitoneal(?:ly)?"),
    "PO": _pattern(r"p\.?o\.?|per os|oral(?:ly)?|by mouth"),
}
_FREQUENCIES = {
    "1 day": _pattern("daily", f"once {_A_DAY}", "(?:once )?(?:every|each) day", "qd"),
    "12 h": _pattern(f"(?:twice|2 times|2 ?x) {_A_DAY}", "bid"),
    "8 h": _pattern(f"(?:thrice|3 times|3 ?x) {_A_DAY}", "tid"),
    "6 h": _pattern(f"(?:4 times|4 ?x) {_A_DAY}", "qid"),
    "1 h": _pattern("every hour"),
    "2 days": _pattern("every (?:other|second) day", "qod"),
    "1 week": _pattern("weekly", f"once {_A_WEEK}", "(?:once )?(?:every|each) week", "qw"),
    "2 weeks": _pattern("every (?:other|second) week"),
}
_EVERY = _pattern(rf"(?:(?:(?:once|repeated) )?(?:every|each) |q ?){_TIME}")
_DAYS_NOT_SAID = _pattern(
    rf"(?:(?P<twice>twice)|thrice|(?P<number>[0-9]+) ?(?:times|[x×])) {_A_WEEK}"
)
_A_TIME_OF_DAY = _pattern(rf"(?:twice|thrice|[234] times|[234] ?x) {_A_DAY}", "[btq]id")
_LENGTH = _pattern(rf"(?:for |[x×] ?){_TIME}")
_OVER, _ONCE = _pattern(f"over {_TIME}"), _pattern("once")
_COUNT = _pattern(
    rf"(?:for )?[x×] ?(?P<after>{_NUMBER})(?: ?(?P<what>times|doses?|cycles?|courses?))?",
    rf"(?:for )?(?P<before>{_NUMBER}) ?(?P<of>times|doses?|cycles?|courses?|[x×])",
)
_ON_AND_OFF = _pattern(r"(?P<on>[0-9]+) ?(?:d|days?) on,? (?P<off>[0-9]+) ?(?:d|days?) off")
_PAUSE = _pattern("(?:pause|holiday|off)(?: for)?")
_PAUSES = (
    _pattern(rf"(?:pause|holiday|off)(?: for)? {_TIME}"),
    _pattern(rf"{_TIME} (?:pause|holiday|off)"),
)
_HOW = _pattern(*(one.pattern for one in (*_ROUTES.values(), *_FREQUENCIES.values())),
                "every", "over", "x ?[0-9]+", "once")  # fmt: skip
_ALONE = _pattern(_TIME)
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
_TWICE_A_WEEK = "Say 'every 84 h', or the days as in 'every 3 days x2 every week'."
_INSTEAD = {
    "biweekly": "It is read as twice a week and as every 2 weeks. Say 'every 2 weeks' or 'q84h'.",
    "bi": "Say 'every 2 weeks', 'twice daily' or another frequency in full.",
    "biw": f"It is read as twice a week. {_TWICE_A_WEEK}",
    "tiw": "It is read as three times a week. Say 'every 2 days x3 every week' or 'every 56 h'.",
    "push": "Say 'IV bolus'.",
    **dict.fromkeys(("a", "each"), "Say 'daily', 'weekly' or 'every 2 days'."),
    **dict.fromkeys(("monthly", "month", "months"), "Say '4 weeks' or '30 days'."),
}


class Piece(NamedTuple):
    """A part of a regimen as it is written.

    Attributes
    ----------
    where : str
        ``"regimen, part 2 '75 mg weekly'"``, for messages.
    fields : dict
        Arguments of a `Phase`, or `length` alone: that of a `Pause`.
    """

    where: str
    fields: dict[str, Any]


def pieces(text: str) -> Iterator[Piece]:
    """Yield the parts that a text names, one after the other.

    Raises
    ------
    RegimenError, UnitError
        For what is not understood.
    """
    plain = _plain(text)
    if not plain:
        raise RegimenError("regimen: nothing given. Expected one such as '25 mg IV weekly x4'.")
    if _COMMA.search(plain):
        word = next(word for word in plain.split(" ") if _COMMA.search(word))
        raise RegimenError(
            f"regimen: {shown(word)} has a comma between digits. "
            "Write the decimal point as '.', and a space after a comma."
        )
    found = [piece.strip(" ,") for piece in _THEN.split(plain)]
    for k, piece in enumerate(found, 1):
        place = f"regimen, part {k}" if len(found) > 1 else "regimen"
        if not piece:
            raise RegimenError(
                f"{place}: nothing given, but 'then' and ';' stand between two parts."
            )
        where = f"{place} {shown(piece)}"
        with about(where):
            fields = _read(piece)
        yield Piece(where, fields)


def _plain(text: str) -> str:
    """Return text with single spaces, for hyphens of "once-daily" too, and digits for words."""
    spaced = re.sub(r"(?<=[A-Za-z])-(?=[A-Za-z])", " ", " ".join(text.split()))
    return _NUMBERS.sub(lambda word: str(_NUMBER_WORDS.index(word[0].lower()) + 1), spaced)


def _read(piece: str) -> dict[str, Any]:
    for pattern in _PAUSES:
        if match := pattern.fullmatch(piece):
            return {"length": _time(match)}
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


def _read_phase(text: str) -> dict[str, Any]:
    reader = _Reader(text)
    found = reader.take(_AMOUNT)
    if found is None or _ALONE.fullmatch(text):
        _refuse_beginning(text)
    amount(found[0])  # what is wrong with it comes before what is wrong with the rest
    reader.put("amount", found[0], found[0])
    while reader.rest:
        if match := _ON_AND_OFF.match(reader.rest):
            _refuse_days_on(match)
        if not any(take(reader) for take in _CLAUSES):
            _refuse(reader.rest)
    return reader.fields


def _refuse_days_on(match: re.Match[str]) -> NoReturn:
    days = int(match["on"][:4]) + int(match["off"][:4])
    every = "every week" if days == 7 else f"every {days} days"
    raise RegimenError(
        f"{shown(match[0])} does not say how often a day. Say 'daily x{match['on']} {every}'."
    )


def _take_route(reader: _Reader) -> bool:
    for known, pattern in _ROUTES.items():
        if match := reader.take(pattern):
            reader.put("route", known, match[0])
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
    if reader.fields.get("every") is not None and "times" in reader.fields:
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
        _refuse_days(match)
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
    if length:
        reader.put(number, _intervals(match, interval, of), match[0])
        return True
    _check_count(match, of, reader.said[of], positive(interval, of))
    reader.put(number, _number(match), match[0])
    return True


def _check_count(match: re.Match[str], of: str, frequency: str, interval: float) -> None:
    """Refuse a count that may be one of doses as well as one of days or courses."""
    what, count = (match["what"] or match["of"] or "").lower(), _number(match)
    if what[:5] in ("cycle", "cours") and of == "every":
        raise RegimenError(
            f"{shown(match[0])} has no course before it. "
            "Expected one such as 'daily x5 every 2 weeks x4'."
        )
    if what.startswith("dose"):
        if of == "cycle":
            raise RegimenError(
                f"{shown(match[0])} follows a course. Give the number of courses, such as 'x4'."
            )
        return
    if of == "every" and _A_TIME_OF_DAY.fullmatch(frequency):
        raise RegimenError(
            f"{shown(f'{frequency} {match[0]}')} may be {count} doses or {count} days. "
            f"Say 'x{count} doses' or 'for {count} days'."
        )
    if of == "every" and interval == _DAY and match["before"]:
        raise RegimenError(
            f"{shown(f'{frequency} {match[0]}')} may be {count} doses or {count} doses a day. "
            f"Say 'x{count} doses' for {count} days, or '{count} times daily'."
        )


def _refuse_days(match: re.Match[str]) -> NoReturn:
    number = 2 if match["twice"] else int((match["number"] or "3")[:4])
    course = {2: "every 3 days", 3: "every 2 days"}.get(number, "daily")
    even = f", or evenly 'every {168 / number:.4g} h'" if number in (1, 2, 3, 4, 6, 7) else ""
    days = f"'{course} x{number} every week'{even}" if 1 < number < 7 else "'daily' or 'weekly'"
    raise RegimenError(f"{shown(match[0])} does not say on which days. Expected {days}.")


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
    number = duration(_time(match), "for") / positive(interval, of)
    if number < 0.5 or not math.isclose(number, round(number), rel_tol=1e-9):
        raise RegimenError(
            f"{shown(match[0])} is not a whole number of intervals of {shown(interval)}. "
            "Give the number of doses, such as 'x4'."
        )
    return round(number)


def _refuse_beginning(text: str) -> NoReturn:
    if _ALONE.fullmatch(text):
        raise RegimenError(f"{shown(text)} does not say what it is. Expected 'pause {text}'.")
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


def amount(value: Given) -> tuple[float, str]:
    """Return an amount [mg, or mg per what follows] and ``""``, ``"m2"`` or ``"kg"``.

    Raises
    ------
    UnitError, RegimenError
        For what is no mass, and for a mass that nobody is given.
    """
    with within("amount"):
        text = _amount_text(value)
        match = _AMOUNT.fullmatch(text)
        if match is None or match["mass"] is None or not _is_mass(match["mass"]):
            _refuse_amount(text, match)
        per = _per(match["per"], text)
        milligrams = quantity(f"{match['number']} {match['mass'].lower()}", "mg", "amount")
        if milligrams <= 0:
            raise RegimenError(f"amount: {shown(text)} is not above zero.")
        if per and not _LIGHTEST <= milligrams <= _HEAVIEST:
            raise RegimenError(
                f"amount: {shown(text)} is not from 1 ng to 1 kg. {_EXPECTED_AMOUNT}"
            )
        if not per and not _LEAST <= milligrams <= _MOST:
            meant = f"Did you mean {shown(f'{text}/mL')}? " if milligrams < _LEAST else ""
            raise RegimenError(
                f"amount: {shown(text)} is not from 1 ug to 10 g. {meant}{_EXPECTED_AMOUNT}"
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


def route(value: object) -> str:
    """Return the name of a route; `RegimenError` for what is none."""
    with within("route"):
        plain = " ".join(value.split()) if isinstance(value, str) else ""
        for known, pattern in _ROUTES.items():
            if pattern.fullmatch(plain):
                return known
        raise RegimenError(
            f"route: {shown(value)} is not a route.{_closest(plain, _ROUTES)} "
            f"Expected {either(_ROUTES)}."
        )


def positive(value: Given, what: str) -> float:
    """Return a time [min] from a millisecond to ten years; `RegimenError` for any other."""
    with within(what):
        minutes = duration(value, what)
        if minutes <= 0:
            bolus = " For an instantaneous dose write 'IV bolus', without 'over'."
            raise RegimenError(
                f"{what}: {shown(value)} is not above zero.{bolus if what == 'over' else ''}"
            )
        if not SHORTEST <= minutes <= LONGEST:
            raise RegimenError(f"{what}: {shown(value)} is not from 1 ms to 10 years.")
        return minutes
