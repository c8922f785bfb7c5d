"""Antimony text, looked over before Antimony reads it: what it would read wrongly in silence.

It reads 0x10 as 0 and 1e999 as 1, each with the rest as a unit, and of two values of one symbol it
keeps the last.
"""

import re
from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mtorsim.errors import ModelError, shown

DEEPEST = 256
"""Most brackets of a formula inside one another."""

_STRING = r'"(?:\\[ \t\r]*\n|[^"\n])*"'  # a backslash at its end lets a line go on
_PASSED_OVER = re.compile(rf"```.*?(?:```|\Z)|{_STRING}|//[^\n]*|#[^\n]*|/\*.*?(?:\*/|\Z)", re.S)
_NUMBER = re.compile(r"(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_REST = re.compile(r"[eEdD][+-]?[\w.]*|[xXoO][\w.]*|[bB][01]+\b|[_.\d][\w.]*")
_IMPORT = re.compile(r'\bimport\b\s*(?:"(?P<name>[^"\n]*)")?')
_ANYWHERE = re.compile(r'\bimport\b(?>(?>\s|\\|/\*.*?\*/|//[^\n]*\n)*)"(?P<name>[^"\n]*)"', re.S)
_BLOCK = re.compile(r"\s*(?:model|module|function|end)\b")
_KINDS = r"(?:const|var|substanceOnly|species|compartment|formula|gene|DNA|operator|reaction)"
_DECLARED = re.compile(rf"\s*{_KINDS}\s+")
_EVENT = re.compile(r"\s*(?:(?P<name>\w+)\s*:(?!=)\s*)?at\b")
_LABEL = re.compile(r"\s*(?P<name>\w+)\s*:(?!=)")
_VALUE = re.compile(r"\s*\$?(?P<name>\w[\w.]*)(?:\s+in\s+\w+)?\s*(?P<how>'\s*=|:=|=)(?!=)")
_GOES_ON = "\x1f"  # stands for a line end that ends no statement; white space for patterns
_UNIT = re.compile(r"\s*unit\b")


@dataclass(frozen=True)
class Imported:
    """What an Antimony text imports: a file name and the line from 1.

    `is_said` is False where it seems to stand in a comment or a string.
    """

    name: str
    line: int
    is_said: bool = True


def check(text: str, what: str) -> None:
    """Refuse text that Antimony would read wrongly.

    Raises
    ------
    ModelError
        For brackets too deep, a number that would be read as another one, or a symbol that gets two
        values; with the line.
    """
    plain = _without(text, strings=True)
    for number, line in enumerate(plain.split("\n"), start=1):
        where = f"{what}, line {number}"
        _check_depth(line, where)
        _check_numbers(line, where)
    _check_once(plain, what)


def imports(text: str) -> Iterator[Imported]:
    """Return what a text imports, wherever in a line that stands.

    Also what seems to be in a comment or a string: where those end is for Antimony to say.
    """
    said = list(_said(text))
    yield from said
    names = {one.name for one in said}
    line = _line_of(text)
    for one in _ANYWHERE.finditer(text):
        if one["name"] not in names:
            yield Imported(one["name"], line(one.start()), is_said=False)


def _said(text: str) -> Iterator[Imported]:
    plain = _without(text, strings=False)
    # A string is passed over as a whole, so that what is said in one is no import.
    blank = re.sub(rf'(?<!"){_STRING}', lambda found: "\0" * len(found[0]), plain)
    line = _line_of(plain)
    for found in _IMPORT.finditer(plain):
        if blank[found.start()] != "\0":
            yield Imported(found["name"] or "", line(found.start()))


def _line_of(text: str) -> Callable[[int], int]:
    """Return a function: the line, from 1, of a place in a text."""
    ends = [found.start() for found in re.finditer("\n", text)]
    return lambda place: bisect(ends, place) + 1


def _without(text: str, *, strings: bool) -> str:
    """Return a text without comments and notes, and without strings where asked; lines stay."""

    def kept(found: re.Match[str]) -> str:
        if found[0].startswith('"'):
            return '""' if strings else found[0]
        return " " + "\\\n" * found[0].count("\n")  # a comment does not end a statement

    return _PASSED_OVER.sub(kept, text)


def _check_depth(line: str, where: str) -> None:
    depth = most = 0
    for letter in line:
        depth += (letter == "(") - (letter == ")")
        most = max(most, depth)
    if most > DEEPEST:
        raise ModelError(f"{where}: brackets more than {DEEPEST} deep. Write the formula in parts.")


def _check_numbers(line: str, where: str) -> None:
    for found in _NUMBER.finditer(line):
        value, mantissa = float(found[0]), re.split("[eE]", found[0])[0]
        if rest := _REST.match(line, found.end()):
            odd = shown(found[0] + rest[0])
            raise ModelError(
                f"{where}: {odd} would be read as {value:g} and a unit. Write a decimal number, "
                "such as 16 or 1.5e-3, and a unit after a blank."
            )
        if value == float("inf"):
            raise ModelError(f"{where}: {shown(found[0])} is larger than a number can be.")
        if value == 0 and mantissa.strip("0."):
            raise ModelError(f"{where}: {shown(found[0])} is smaller than a number can be.")


@dataclass
class _Seen:
    """What one model of a text has named so far: name -> line, and how."""

    values: dict[tuple[str, str], int] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)


def _check_once(plain: str, what: str) -> None:
    seen = _Seen()
    for line, statement in _statements(plain):
        where = f"{what}, line {line}"
        if _BLOCK.match(statement):
            seen = _Seen()
        elif named := _EVENT.match(statement) or _LABEL.match(statement):
            _label(named["name"], line, where, seen)
        elif not _UNIT.match(statement):
            for name, how in _values(statement):
                _value(name, how, line, where, seen)


def _label(name: str | None, line: int, where: str, seen: _Seen) -> None:
    if name is None:
        return
    if name in seen.labels:
        raise ModelError(
            f"{where}: {name!r} is the name of something else already, in line "
            f"{seen.labels[name]}. Antimony would mix the two in silence: rename one."
        )
    seen.labels[name] = line


def _value(name: str, how: str, line: int, where: str, seen: _Seen) -> None:
    others = ("=", ":=", "'=") if how == ":=" else (how, ":=")
    for other in others:
        before = seen.values.get((name, other))
        if before is not None:
            raise ModelError(
                f"{where}: {name!r} has a value already, in line {before}. Antimony would keep "
                "the last in silence: delete one."
            )
    seen.values[name, how] = line


def _values(statement: str) -> Iterator[tuple[str, str]]:
    """Return the symbols that a statement gives a value, and how: ``=``, ``:=`` or ``'=``."""
    begun = _DECLARED.match(statement)
    rest, several = statement, False
    while begun:
        rest, several = rest[begun.end() :], True
        begun = _DECLARED.match(rest)
    for part in _parts(rest) if several else (rest,):
        if found := _VALUE.match(part):
            yield found["name"], "".join(found["how"].split())


def _parts(text: str) -> Iterator[str]:
    """Return what commas part that stand in no brackets."""
    depth = begun = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            yield text[begun:place]
            begun = place + 1
    yield text[begun:]


def _statements(plain: str) -> Iterator[tuple[int, str]]:
    """Return each statement and its line."""
    joined = re.sub(r"\\[ \t\r]*\n", _GOES_ON, plain)
    number = 0
    for line in joined.split("\n"):
        number += 1
        for statement in line.split(";"):
            bare = statement.lstrip()
            if bare:
                yield number + statement[: -len(bare)].count(_GOES_ON), statement
            number += statement.count(_GOES_ON)
