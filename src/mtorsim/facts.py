"""Numbers and statements with their origin, as the data files of models/ hold them."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar, get_args

from mtorsim.document import Entry, dotted, read
from mtorsim.errors import ModelError, UnitError, shown
from mtorsim.units import in_model_units, parameter, quantity

Confidence: TypeAlias = Literal["A", "B", "C", "D"]
"""A measured in human cells, B measured elsewhere or converted, C fitted here, D assumed."""

K = TypeVar("K")
V = TypeVar("V")
_ORIGIN = ("source", "confidence")
_REMARKS = ("notes", "plausible")


class FrozenMapping(Mapping[K, V]):
    """A mapping that does not change, so that values holding it can be hashed and pickled."""

    __slots__ = ("_content",)

    def __init__(self, content: Mapping[K, V] | Iterable[tuple[K, V]] = ()) -> None:
        self._content: dict[K, V] = dict(content)

    def __getitem__(self, key: K) -> V:
        return self._content[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def __hash__(self) -> int:
        return hash(frozenset(self._content.items()))

    def __repr__(self) -> str:
        return repr(self._content)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A number with its unit and origin.

    Attributes
    ----------
    value : float
        Finite, in `unit`.
    unit : str
        A model unit: nM, min, litre, their combinations, or ``"1"``.
    source : str
        Where it was read: DOI or page, and the table in it; or ``"assumed"``.
    confidence : {"A", "B", "C", "D"}
        See `Confidence`.
    notes, plausible : str
        Remarks, and the range in which the true value may lie; may be empty.

    Raises
    ------
    ModelError
        For a value that is not finite, no source, or an unknown confidence.
    """

    value: float
    unit: str
    source: str
    confidence: Confidence
    notes: str = ""
    plausible: str = ""

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ModelError(f"{shown(self.value)} is not a finite number.")
        _check_origin(self.source, self.confidence)

    def to(self, unit: str, what: str) -> float:
        """Return the value in another unit of the same kind; `what` is for the message."""
        if unit == self.unit:
            return self.value
        return parameter(f"{self.value!r} {self.unit}", unit, what)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A statement in words, such as ``"loss"``, with its origin.

    Attributes
    ----------
    text : str
        What is stated.
    source, confidence, notes
        As in `Fact`.
    """

    text: str
    source: str
    confidence: Confidence
    notes: str = ""

    def __post_init__(self) -> None:
        _check_origin(self.source, self.confidence)

    def __str__(self) -> str:
        return self.text


def fact(entry: Entry, unit: str | None = None) -> Fact:
    """Read a fact from ``{value: 20 nM, source: ..., confidence: A}``.

    Parameters
    ----------
    entry : Entry
        A mapping with value, source and confidence; optionally notes and plausible.
    unit : str, optional
        Unit to convert to; by default the model unit of the value's own kind.
    """
    fields = entry.fields(("value", *_ORIGIN), _REMARKS)
    value, found = number(fields["value"], unit)
    return Fact(value=value, unit=found, **_texts(fields))


def statement(entry: Entry, key: str = "value") -> Statement:
    """Read a statement from ``{value: loss, source: ..., confidence: B}``."""
    fields = entry.fields((key, *_ORIGIN), ("notes",))
    return Statement(text=fields[key].text(), **_texts(fields))


def number(entry: Entry, unit: str | None = None) -> tuple[float, str]:
    """Read a number and its unit: `unit`, or else the model unit of its kind."""
    name = dotted(entry.keys)
    try:
        if unit is None:
            return in_model_units(entry.content, name)
        return quantity(entry.content, unit, name), unit
    except UnitError as error:
        raise entry.document.kind(f"{entry.where}: {error}") from None


def names(folder: Path) -> tuple[str, ...]:
    """Return the names of the data files in a folder, in order of the alphabet."""
    return _names(folder, folder.stat().st_mtime_ns if folder.is_dir() else 0)


@lru_cache(maxsize=16)
def _names(folder: Path, _changed: int) -> tuple[str, ...]:
    """List a folder; `_changed` makes the cache notice a new file."""
    return tuple(sorted((file.stem for file in folder.glob("*.yaml")), key=str.casefold))


@lru_cache(maxsize=256)
def file(folder: Path, name: str) -> Path:
    """Return the path of a data file."""
    return folder / f"{name}.yaml"


def root(path: Path) -> Entry:
    """Return the content of a data file, whose mistakes are raised as `ModelError`."""
    return read(path, ModelError).root


def named(entry: Entry, path: Path) -> str:
    """Return the name that a data file gives itself, which must be that of the file."""
    name = entry.text()
    if name != path.stem:
        raise entry.error(f"{shown(name)} is not the name of the file, {shown(path.stem)}.")
    return name


def identifiers(entry: Entry) -> tuple[str, ...]:
    """Return a list of web addresses."""
    for item in entry.items():
        if not item.text().startswith("https://"):
            raise item.error(
                f"{shown(item.content)} is no web address. "
                "Expected one such as 'https://identifiers.org/CHEBI:9168'."
            )
    return entry.texts()


def _texts(fields: Mapping[str, Entry]) -> dict[str, Any]:
    remarks = {key: fields[key].text() for key in ("source", *_REMARKS) if key in fields}
    return {**remarks, "confidence": fields["confidence"].choice(get_args(Confidence))}


def _check_origin(source: str, confidence: str) -> None:
    if not source.strip():
        raise ModelError("a source is missing. An honest 'assumed' beats a blank.")
    if confidence not in get_args(Confidence):
        raise ModelError(f"confidence {shown(confidence)} is not one of A, B, C, D.")
