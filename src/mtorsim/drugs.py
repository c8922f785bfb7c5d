"""Drugs: names, mechanisms and the constants that a mechanism needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mtorsim import facts
from mtorsim.document import Entry
from mtorsim.errors import ModelError, UnknownIdError, about, either, shown
from mtorsim.facts import Fact, FrozenMapping
from mtorsim.paths import models_path

_ENTRY = {"kpermeation": "1/min", "funbound_medium": "1", "kdecay_medium": "1/min"}
_IMMUNOPHILIN = {
    "kon_FKBP12": "1/(nM*min)",
    "koff_FKBP12": "1/min",
    "kon_FKBP51": "1/(nM*min)",
    "koff_FKBP51": "1/min",
}

_DOCKING = {"kon_FRB": "1/(nM*min)", "Kd_FRB": "nM"}
_KINASE = {"kon_kinase": "1/(nM*min)", "Kd_kinase_mTORC1": "nM", "Kd_kinase_mTORC2": "nM"}

CONSTANTS: Mapping[str, Mapping[str, str]] = FrozenMapping(
    {
        "rapalog": FrozenMapping(_ENTRY | _IMMUNOPHILIN | _DOCKING | {"Kd_kinase": "nM"}),
        "atp_competitive": FrozenMapping(_ENTRY | _KINASE),
        "bisteric": FrozenMapping(
            _ENTRY
            | _IMMUNOPHILIN
            | _DOCKING
            | _KINASE
            | {"effective_molarity": "nM", "kbridge": "1/min"}
        ),
        "fkbp_competitor": FrozenMapping(_ENTRY | _IMMUNOPHILIN),
    }
)
"""Mechanism -> the constants that every drug of that mechanism has, and their units.

A rapalog docks on the FRB domain as a complex with FKBP12; at micromolar it holds the kinase site
itself (`Kd_kinase`). An ATP-competitive drug holds the kinase site of both complexes. A bi-steric
drug does both with one molecule. A competitor binds FKBP12 and touches nothing else.
"""


@dataclass(frozen=True, kw_only=True)
class Drug:
    """A drug.

    Attributes
    ----------
    name : str
        Such as ``"temsirolimus"``.
    mechanism : str
        A key of `CONSTANTS`.
    description : str
    identifiers : tuple of str
        Web addresses, ChEBI first.
    molar_mass : Fact
        [g/mol], above zero.
    values : mapping of str to Fact
        The constants of the mechanism, each in the unit that `CONSTANTS` gives.
    synonyms : tuple of str
        Other names, by which it is suggested but not found.

    Raises
    ------
    ModelError
        For an unknown mechanism, or constants that are not those of the mechanism.
    """

    name: str
    mechanism: str
    description: str
    identifiers: tuple[str, ...]
    molar_mass: Fact
    values: Mapping[str, Fact]
    synonyms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", FrozenMapping(self.values))
        if self.mechanism not in CONSTANTS:
            raise ModelError(f"mechanism {shown(self.mechanism)} is not {either(CONSTANTS)}.")
        if self.molar_mass.value <= 0:
            raise ModelError(f"{self.name}: molar_mass is not above zero.")
        odd = set(self.values) ^ set(CONSTANTS[self.mechanism])
        if odd:
            raise ModelError(f"{self.name}: missing or not of its mechanism: {sorted(odd)}.")
        negative = [key for key, fact in self.values.items() if fact.value < 0]
        if negative:
            raise ModelError(f"{self.name}: {either(negative)} is negative.")


def names(directory: Path | None = None) -> tuple[str, ...]:
    """Return the names of the drugs; `directory` replaces models/drugs."""
    return facts.names(directory or models_path("drugs"))


def load(name: str, directory: Path | None = None) -> Drug:
    """Return a drug.

    Parameters
    ----------
    name : str
        Exactly as `names` gives it.
    directory : Path, optional
        Folder of drug files, instead of models/drugs.

    Raises
    ------
    UnknownIdError
        When there is no such drug.
    ModelError
        When its file is not sound.
    """
    folder = directory or models_path("drugs")
    known = names(folder)
    if name not in known:
        raise UnknownIdError(
            kind="drug",
            given=name,
            choices=known,
            listing="mtorsim show drugs",
            synonyms=_synonyms(folder, known),
        )
    path = facts.file(folder, name)
    return _read(path, path.stat().st_mtime_ns)


def _synonyms(folder: Path, known: tuple[str, ...]) -> dict[str, str]:
    """Return other name -> name, so that 'rapamycin' leads to sirolimus."""
    return {other: name for name in known for other in load(name, folder).synonyms}


@lru_cache(maxsize=64)
def _read(path: Path, _changed: int) -> Drug:
    """Read a drug file; `_changed` makes the cache notice an edit."""
    root = facts.root(path)
    fields = root.fields(
        ("name", "mechanism", "description", "molar_mass", "values"), ("identifiers", "synonyms")
    )
    mechanism = fields["mechanism"].choice(CONSTANTS)
    parts: dict[str, Any] = {
        "name": facts.named(fields["name"], path),
        "mechanism": mechanism,
        "description": fields["description"].text(),
        "identifiers": facts.identifiers(fields["identifiers"]) if "identifiers" in fields else (),
        "molar_mass": facts.fact(fields["molar_mass"], "g/mol"),
        "values": _constants(fields["values"], CONSTANTS[mechanism]),
        "synonyms": fields["synonyms"].texts() if "synonyms" in fields else (),
    }
    with about(root.where):
        return Drug(**parts)


def _constants(entry: Entry, units: Mapping[str, str]) -> dict[str, Fact]:
    return {key: facts.fact(value, units[key]) for key, value in entry.fields(units).items()}
