"""Perturbations of the cell, and the growth factors that can be given to it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from mtorsim import facts
from mtorsim.document import Entry
from mtorsim.errors import ModelError, UnknownIdError, about, shown
from mtorsim.facts import Confidence, Fact, FrozenMapping
from mtorsim.paths import models_path

Timing: TypeAlias = Literal["chronic", "acute"]
Place: TypeAlias = Literal["cell", "body"]

STIMULI: Mapping[str, Fact] = FrozenMapping(
    {
        "insulin": Fact(
            value=5807.6,
            unit="g/mol",
            source="formula C257H383N65O77S6 of human insulin, "
            "https://identifiers.org/drugbank:DB00030",
            confidence="A",
        ),
        "IGF1": Fact(
            value=7648.7,
            unit="g/mol",
            source="formula C331H512N94O101S7 of human IGF-1, "
            "https://identifiers.org/drugbank:DB01277",
            confidence="A",
        ),
        "leucine": Fact(
            value=131.17,
            unit="g/mol",
            source="formula C6H13NO2, https://identifiers.org/CHEBI:15603",
            confidence="A",
        ),
        "glucose": Fact(
            value=180.16,
            unit="g/mol",
            source="formula C6H12O6, https://identifiers.org/CHEBI:4167",
            confidence="A",
        ),
    }
)
"""What a scenario may give with the medium from time 0: growth factors and nutrients, and their
molar masses. Leucine stands for the amino acids."""


@dataclass(frozen=True)
class Change:
    """One value of the model, changed.

    Attributes
    ----------
    target : str
        Id of a species (initial concentration) or parameter.
    multiply : float, optional
        Factor [1], not negative.
    set : float, optional
        New value [`unit`]. Exactly one of `multiply` and `set` is given.
    unit : str, optional
        Model unit of `set`; None for a bare number, which is in the unit of the target.

    Raises
    ------
    ModelError
        Unless exactly one of `multiply` and `set` is given, finite, and the factor not negative.
    """

    target: str
    multiply: float | None = None
    set: float | None = None
    unit: str | None = None

    def __post_init__(self) -> None:
        if (self.multiply is None) == (self.set is None):
            raise ModelError(f"change of {self.target!r}: give either 'multiply' or 'set'.")
        given = self.set if self.multiply is None else self.multiply
        if given is None or not math.isfinite(given):
            raise ModelError(f"change of {self.target!r}: {shown(given)} is not a finite number.")
        if self.multiply is not None and self.multiply < 0:
            raise ModelError(f"change of {self.target!r}: factor {self.multiply} is negative.")

    def in_words(self) -> str:
        """Return ``"PTEN × 0"`` or ``"O2 = 10000 nM"``."""
        if self.multiply is not None:
            return f"{self.target} × {self.multiply:g}"
        return f"{self.target} = {self.set:g} {self.unit or ''}".rstrip()


MUTANT_CONSTANTS: Mapping[str, str] = FrozenMapping({"Kd_FRB_ratio": "1", "kinase_activity": "1"})
"""What a mutant of mTOR is described by -> unit; both relative to the wild type."""


@dataclass(frozen=True)
class Mutant:
    """A mutant of mTOR that stands beside the wild type in a cell.

    Attributes
    ----------
    name : str
        Such as ``"MTOR_F2108L"``.
    values : mapping of str to Fact
        The constants of `MUTANT_CONSTANTS` [1].
    """

    name: str
    values: Mapping[str, Fact]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", FrozenMapping(self.values))


@dataclass(frozen=True, kw_only=True)
class Perturbation:
    """Something done to a cell, or to the body it sits in, other than a drug of the network.

    Attributes
    ----------
    name : str
        Such as ``"PTEN_loss"``.
    description : str
    timing : {"chronic", "acute"}
        Chronic: the cell has adapted to it when the experiment begins. Acute: from time 0.
    changes : tuple of Change
        At least one; carried out in order.
    mutant : Mutant, optional
        Mutant of mTOR that the cell then has; its share is set by one of the changes.
    place : {"cell", "body"}
        Body: a modifier of pharmacokinetics, such as ketoconazole.
    source, confidence, notes
        Origin of the whole, as in `Fact`.
    """

    name: str
    description: str
    timing: Timing
    changes: tuple[Change, ...]
    source: str
    confidence: Confidence
    notes: str = ""
    mutant: Mutant | None = None
    place: Place = "cell"

    def in_words(self) -> str:
        """Return ``"PTEN_loss (chronic: PTEN × 0)"``."""
        return f"{self.name} ({self.timing}: {', '.join(c.in_words() for c in self.changes)})"


def names(path: Path | None = None) -> tuple[str, ...]:
    """Return the names of the perturbations; `path` replaces models/perturbations.yaml."""
    return tuple(_all(path))


def load(name: str, path: Path | None = None) -> Perturbation:
    """Return a perturbation.

    Parameters
    ----------
    name : str
        Exactly as `names` gives it.
    path : Path, optional
        File of perturbations, instead of models/perturbations.yaml.

    Raises
    ------
    UnknownIdError
        When there is no such perturbation.
    ModelError
        When the file is not sound.
    """
    known = _all(path)
    if not isinstance(name, str) or name not in known:
        raise UnknownIdError(
            kind="perturbation", given=name, choices=known, listing="mtorsim show perturbations"
        )
    return known[name]


def check_stimulus(name: str) -> None:
    """Raise `UnknownIdError` unless `name` is a key of `STIMULI`."""
    if not isinstance(name, str) or name not in STIMULI:
        raise UnknownIdError(
            kind="stimulus", given=name, choices=STIMULI, listing="mtorsim show stimuli"
        )


def _all(path: Path | None) -> Mapping[str, Perturbation]:
    path = path or models_path("perturbations.yaml")
    if not path.is_file():
        raise ModelError(f"no file {shown(str(path))}. Install mtorsim again.")
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int) -> Mapping[str, Perturbation]:
    """Read the file of perturbations; `_changed` makes the cache notice an edit."""
    entries = facts.root(path).entries()
    return FrozenMapping({name: _perturbation(name, entry) for name, entry in entries.items()})


def _perturbation(name: str, entry: Entry) -> Perturbation:
    fields = entry.fields(
        ("description", "timing", "changes", "source", "confidence"), ("notes", "mutant", "place")
    )
    place = fields["place"].choice(get_args(Place)) if "place" in fields else "cell"
    changes = tuple(_change(item) for item in fields["changes"].items())
    if not changes:
        raise fields["changes"].error("expected at least one change, got none.")
    return Perturbation(
        name=name,
        description=fields["description"].text(),
        timing=fields["timing"].choice(get_args(Timing)),  # type: ignore[arg-type]
        changes=changes,
        source=fields["source"].text(),
        confidence=fields["confidence"].choice(get_args(Confidence)),  # type: ignore[arg-type]
        notes=fields["notes"].text() if "notes" in fields else "",
        mutant=_mutant(name, fields["mutant"]) if "mutant" in fields else None,
        place=place,  # type: ignore[arg-type]
    )


def _mutant(name: str, entry: Entry) -> Mutant:
    fields = entry.fields(MUTANT_CONSTANTS)
    return Mutant(name, {key: facts.fact(fields[key], MUTANT_CONSTANTS[key]) for key in fields})


def _change(entry: Entry) -> Change:
    fields = entry.fields(("target",), ("multiply", "set"))
    target = fields["target"].text()
    multiply = facts.number(fields["multiply"], "1")[0] if "multiply" in fields else None
    value, unit = _value(fields.get("set"))
    with about(entry.where):
        return Change(target, multiply, value, unit)


def _value(entry: Entry | None) -> tuple[float | None, str | None]:
    if entry is None:
        return None, None
    value, unit = facts.number(entry)
    return value, None if unit == "1" else unit
