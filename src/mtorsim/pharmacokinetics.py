"""What is known of a drug's way through a body: routes, what is measured, when and how well."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from mtorsim import drugs, facts
from mtorsim.document import Entry
from mtorsim.errors import (
    InputError,
    ModelError,
    RegimenError,
    UnknownIdError,
    about,
    either,
    shown,
)
from mtorsim.facts import Fact, FrozenMapping, Statement
from mtorsim.paths import models_path
from mtorsim.regimen import Dose, Regimen, check_overlaps
from mtorsim.units import duration, say_time

Species: TypeAlias = Literal["human", "mouse"]
Matrix: TypeAlias = Literal["blood", "plasma"]
Route: TypeAlias = Literal["IV", "IV bolus", "IP", "PO"]

SPECIES: tuple[str, ...] = get_args(Species)
"""Whose body a drug can go through."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A drug in one species.

    Attributes
    ----------
    routes : tuple of str
        Ways of giving it; the first is meant where none is named.
    infusion : Fact, optional
        How long it runs into a vein where no time is named [min].
    sampling : tuple of float
        When after a dose blood is drawn [min], increasing.
    usual : Statement
        The regimen that is meant where none is given, and who gives it so.
    """

    routes: tuple[str, ...]
    infusion: Fact | None
    sampling: tuple[float, ...]
    usual: Statement

    @property
    def regimen(self) -> Regimen:
        """What is given where nothing is said."""
        return Regimen(self.usual.text)


@dataclass(frozen=True, kw_only=True)
class Pharmacokinetics:
    """A drug's way through a body; mechanism and numbers stand in the Antimony file of its name.

    Attributes
    ----------
    name : str
        Name of the drug.
    description : str
    analytes : tuple of str
        Drugs that appear in the body: the one given, then its metabolites.
    matrix : {"blood", "plasma"}
        What published concentrations were measured in.
    subjects : mapping of str to Subject
        Species -> how it is given there.
    limits : mapping of str to Fact
        Analyte -> lower limit of quantification [g/litre].

    Raises
    ------
    ModelError
        When the parts do not fit together.
    """

    name: str
    description: str
    analytes: tuple[str, ...]
    matrix: str
    subjects: Mapping[str, Subject]
    limits: Mapping[str, Fact]

    def __post_init__(self) -> None:
        object.__setattr__(self, "subjects", FrozenMapping(self.subjects))
        object.__setattr__(self, "limits", FrozenMapping(self.limits))
        if self.analytes[:1] != (self.name,):
            raise ModelError(f"{self.name}: the first analyte is not the drug itself.")
        for species, subject in self.subjects.items():
            if "IV" in subject.routes and subject.infusion is None:
                raise ModelError(f"{self.name} in {species}: an infusion has no length.")
            _check_usual(self.name, species, subject)
        if {*self.limits} != {*self.analytes}:
            raise ModelError(f"{self.name}: limits are due for exactly {either(self.analytes)}.")


def names(directory: Path | None = None) -> tuple[str, ...]:
    """Return the drugs whose pharmacokinetics is modelled; `directory` replaces the folder."""
    return facts.names(directory or models_path("pharmacokinetics"))


def load(name: str, species: str, directory: Path | None = None) -> Pharmacokinetics:
    """Return the pharmacokinetics of a drug.

    Parameters
    ----------
    name : str
        Name of a drug.
    species : str
        One of `SPECIES`, in which the drug must be modelled.
    directory : Path, optional
        Folder of the files, instead of models/pharmacokinetics.

    Raises
    ------
    UnknownIdError
        When there is no such drug or species, or the drug is not modelled there.
    ModelError
        When its file is not sound.
    """
    check_species(species)
    drugs.load(name)
    folder = directory or models_path("pharmacokinetics")
    known = [one for one in names(folder) if species in _load(one, folder).subjects]
    if name not in known:
        raise UnknownIdError(
            kind=f"drug with pharmacokinetics in {species}",
            given=name,
            choices=known,
            listing="mtorsim show pharmacokinetics",
        )
    return _load(name, folder)


def pairs(directory: Path | None = None) -> tuple[tuple[str, Pharmacokinetics], ...]:
    """Return each species with each drug that is modelled there; `directory` as for `names`."""
    every = [_load(name, directory or models_path("pharmacokinetics")) for name in names(directory)]
    return tuple((species, one) for species in SPECIES for one in every if species in one.subjects)


def planned(regimen: Regimen, drug: str, species: str, end: float) -> tuple[Dose, ...]:
    """Return the doses of a regimen with every route and infusion time filled in.

    Parameters
    ----------
    regimen : Regimen
    drug, species : str
        As for `load`.
    end : float
        Doses before this time are listed [min].

    Raises
    ------
    RegimenError
        For a route by which the drug is not given there, or doses that overlap.
    """
    subject = load(drug, species).subjects[species]
    given = regimen.doses(end)
    doses = tuple(_filled(dose, drug, species, subject) for dose in given)
    try:
        check_overlaps(doses)
    except RegimenError as error:  # the doses as given do not overlap
        assert subject.infusion is not None
        raise RegimenError(
            f"{shown(regimen.text)}: {error} Without an 'over' {drug} is infused over "
            f"{say_time(subject.infusion.value)}."
        ) from None
    return doses


def _filled(dose: Dose, drug: str, species: str, subject: Subject) -> Dose:
    route = dose.route or subject.routes[0]
    if route not in subject.routes:
        raise RegimenError(
            f"{drug} is not given {route} in {species}. Expected {either(subject.routes)}."
        )
    if route != "IV" or dose.infusion is not None:
        return dose._replace(route=route)
    assert subject.infusion is not None  # checked when the file is read
    return dose._replace(route=route, infusion=subject.infusion.value)


def _check_usual(drug: str, species: str, subject: Subject) -> None:
    """Raise `ModelError` for a usual regimen that cannot be given."""
    try:
        for dose in subject.regimen.doses(1.0):
            _filled(dose, drug, species, subject)
    except InputError as error:
        raise ModelError(f"{drug} in {species}, usual: {error}") from None


def check_species(species: object) -> None:
    """Raise `UnknownIdError` unless `species` is one of `SPECIES`."""
    if species not in SPECIES:
        raise UnknownIdError(kind="species", given=species, choices=SPECIES)


def _load(name: str, folder: Path) -> Pharmacokinetics:
    path = folder / f"{name}.yaml"
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _read(path: Path, _changed: int) -> Pharmacokinetics:
    """Read a file; `_changed` makes the cache notice an edit."""
    root = facts.root(path)
    fields = root.fields(("name", "description", "analytes", "matrix", "subjects", "limits"))
    subjects = fields["subjects"].entries()
    limits = fields["limits"].entries()
    parts: dict[str, Any] = {
        "name": facts.named(fields["name"], path),
        "description": fields["description"].text(),
        "analytes": fields["analytes"].texts(),
        "matrix": fields["matrix"].choice(get_args(Matrix)),
        "subjects": {species: _subject(entry) for species, entry in subjects.items()},
        "limits": {name: facts.fact(entry, "g/litre") for name, entry in limits.items()},
    }
    with about(root.where):
        return Pharmacokinetics(**parts)


def _subject(entry: Entry) -> Subject:
    fields = entry.fields(("routes", "sampling", "usual"), ("infusion",))
    return Subject(
        routes=tuple(item.choice(get_args(Route)) for item in fields["routes"].items()),
        infusion=facts.fact(fields["infusion"], "min") if "infusion" in fields else None,
        sampling=tuple(duration(text, "sampling") for text in fields["sampling"].texts()),
        usual=facts.statement(fields["usual"], "regimen"),
    )
