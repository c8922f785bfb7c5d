"""Drug maps: which parts of a foreign model are mTOR, what they do, and what its numbers mean."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from mtorsim import document, facts
from mtorsim.document import Document, Entry
from mtorsim.errors import InputError, ModelError, either
from mtorsim.facts import Fact, FrozenMapping
from mtorsim.paths import models_path
from mtorsim.units import duration

FOLDER = "foreign"
"""Folder of models/ with the maps that mtorsim ships."""

SITES: Mapping[str, str] = FrozenMapping(
    {
        "S6K1_pT389": "residual_mTORC1_FRB_occupied",
        "EIF4EBP1_pT37": "residual_mTORC1_FRB_occupied_Thr37",
    }
)
"""Kind of substrate -> parameter of mtorsim's own network: activity that a rapalog leaves on it."""

_REQUIRED = ("model", "concentration", "mTORC1", "activity")
_OPTIONAL = (
    "name", "source", "notes", "expected", "duration", "time_unit", "mTORC2", "free_mTOR",
    "assembly", "mTORC2_loss", "FKBP12", "FKBP51", "read_outs",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Catalysis:
    """What some forms of a complex do.

    Attributes
    ----------
    forms : tuple of str
        Species whose kinase is at work.
    catalyses : tuple of str
        Reactions, or variables of rate rules, in whose rate the forms stand.
    site : str
        Key of `SITES`: which residual activity a rapalog leaves; empty for mTORC2.
    residual : Fact, optional
        That activity as a number of its own [1], instead of `site`.
    """

    forms: tuple[str, ...]
    catalyses: tuple[str, ...]
    site: str = ""
    residual: Fact | None = None


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Slow loss of mTORC2 in a model without free mTOR.

    Attributes
    ----------
    half_life : Fact
        Of an assembled complex [min].
    most : Fact
        Share that is lost when FKBP12-drug abounds [1].
    """

    half_life: Fact
    most: Fact


@dataclass(frozen=True, kw_only=True)
class DrugMap:
    """A map, as its file says it; `document` knows the lines. Checked against a model in `adapt`.

    Attributes
    ----------
    models : tuple of str
        Ids and BioModels identifiers of the models that it is for.
    concentration : Fact
        What one unit of concentration of the model stands for [nM].
    mTORC1, mTORC2, free_mTOR : tuple of str
        Species. The FRB domain of the first and the last is open.
    assembly : mapping of str to str
        Reaction that makes or breaks a complex of free mTOR -> its constant of falling apart.
    activity : mapping of str to Catalysis
    FKBP12, FKBP51 : Fact, optional
        Amounts in the cell [nM]; without them those of mtorsim's own network.
    read_outs : mapping of str to tuple of str
        Name -> species that are added up, in all their drug states.
    time_unit : str
        Overrides what the model says; may be empty.
    duration : float
        Of a run that names none [min]; 0 for none.
    """

    models: tuple[str, ...]
    concentration: Fact
    mTORC1: tuple[str, ...]
    activity: Mapping[str, Catalysis]
    mTORC2: tuple[str, ...] = ()
    free_mTOR: tuple[str, ...] = ()
    assembly: Mapping[str, str] = FrozenMapping()
    mTORC2_loss: Loss | None = None
    FKBP12: Fact | None = None
    FKBP51: Fact | None = None
    read_outs: Mapping[str, tuple[str, ...]] = FrozenMapping()
    name: str = ""
    source: str = ""
    notes: str = ""
    expected: str = ""
    time_unit: str = ""
    duration: float = 0.0
    document: Document = field(repr=False, compare=False)

    @property
    def forms(self) -> tuple[str, ...]:
        """Every form of mTOR."""
        return self.free_mTOR + self.mTORC1 + self.mTORC2

    @property
    def path(self) -> str:
        """The file, as messages call it."""
        return self.document.name

    def error(self, message: str, *keys: str | int) -> ModelError:
        """Return an error about a place in the file, to be raised."""
        return ModelError(f"{self.document.where(keys)}: {message}")


def load_map(path: str | Path) -> DrugMap:
    """Read a map.

    Raises
    ------
    ModelError
        When the file is missing or not a map; names the line and the closest key.
    """
    return build_map(document.read(path, ModelError))


def shipped_maps() -> tuple[DrugMap, ...]:
    """Return the maps in models/foreign."""
    return _shipped(models_path(FOLDER))


@lru_cache(maxsize=4)
def _shipped(folder: Path) -> tuple[DrugMap, ...]:
    found = []
    for path in sorted(folder.glob("*.yaml")):
        text, name = path.read_text(encoding="utf-8"), f"models/{FOLDER}/{path.name}"
        found.append(build_map(document.parse(text, name, ModelError)))
    return tuple(found)


def map_for(identifiers: Iterable[str]) -> DrugMap | None:
    """Return the shipped map of a model that is known under some identifiers; None without one."""
    known = {*identifiers}
    return next((one for one in shipped_maps() if known & {*one.models}), None)


_READERS: Mapping[str, Callable[[Entry], Any]] = {
    **dict.fromkeys(("name", "source", "notes", "expected", "time_unit"), Entry.text),
    "mTORC1": lambda entry: _names(entry),
    "mTORC2": lambda entry: _names(entry),
    "free_mTOR": lambda entry: _names(entry),
    "concentration": lambda entry: _positive(entry, "nM"),
    "FKBP12": lambda entry: _positive(entry, "nM"),
    "FKBP51": lambda entry: _positive(entry, "nM"),
    "duration": lambda entry: _duration(entry),
    "activity": lambda entry: _each(entry, _catalysis),
    "assembly": lambda entry: _each(entry, Entry.text),
    "read_outs": lambda entry: _each(entry, _names),
    "mTORC2_loss": lambda entry: _loss(entry),
}


def build_map(content: Document) -> DrugMap:
    """Return the map that a document holds; `ModelError` where it is none."""
    fields = content.root.fields(_REQUIRED, _OPTIONAL)
    parts = {key: read(fields[key]) for key, read in _READERS.items() if key in fields}
    return _checked(DrugMap(models=_names(fields["model"]), **parts, document=content))


def _each(entry: Entry, read: Callable[[Entry], Any]) -> FrozenMapping[str, Any]:
    return FrozenMapping({key: read(one) for key, one in entry.entries().items()})


def _checked(found: DrugMap) -> DrugMap:
    """Refuse a map that contradicts itself."""
    for key in ("mTORC1", "mTORC2", "free_mTOR"):
        others = [one for other in ("mTORC1", "mTORC2", "free_mTOR") if other != key
                  for one in getattr(found, other)]  # fmt: skip
        for place, form in enumerate(getattr(found, key)):
            if form in others:
                raise found.error(f"{form!r} stands in two lists. A form is one thing.", key, place)
    _check_activity(found)
    if found.free_mTOR and not found.assembly:
        raise found.error(
            "a model with free mTOR needs 'assembly': {REACTION: CONSTANT}, the reactions that "
            "make or break complexes and their constant of falling apart.", "free_mTOR",
        )  # fmt: skip
    if found.free_mTOR and found.mTORC2_loss:
        raise found.error(
            "the model has free mTOR, so mTORC2 is lost by sequestration. Delete 'mTORC2_loss'.",
            "mTORC2_loss",
        )
    return found


def _check_activity(found: DrugMap) -> None:
    for key, one in found.activity.items():
        for place, form in enumerate(one.forms):
            if form not in found.forms:
                raise found.error(
                    f"{form!r} is in no list of forms. Add it to mTORC1, mTORC2 or free_mTOR.",
                    "activity", key, "forms", place,
                )  # fmt: skip
        open_forms = [form for form in one.forms if form not in found.mTORC2]
        if not open_forms and (one.site or one.residual):
            raise found.error(
                "FKBP12-drug cannot hold mTORC2, so nothing is left over. Delete 'site' and "
                "'residual'.", "activity", key,
            )  # fmt: skip
        if open_forms and not one.site and one.residual is None:
            raise found.error(
                f"{open_forms[0]!r} can be held by FKBP12-drug: say what activity is left. Add "
                f"site: {either(SITES)}, or residual: {{value: 0.1, source: …, confidence: D}}.",
                "activity", key,
            )  # fmt: skip


def _names(entry: Entry) -> tuple[str, ...]:
    if isinstance(entry.content, str):
        return (entry.text(),)
    found = entry.texts()
    if not found:
        raise entry.error("an empty list. Name at least one, or delete it.")
    twice = [name for name in found if found.count(name) > 1]
    if twice:
        raise entry.error(f"{twice[0]!r} stands there twice.")
    return found


def _positive(entry: Entry, unit: str) -> Fact:
    found = facts.fact(entry, unit)
    if found.value <= 0:
        raise entry.error(f"{found.value:g} is not above zero.")
    return found


def _share(entry: Entry) -> Fact:
    found = facts.fact(entry, "1")
    if not 0 <= found.value <= 1:
        raise entry.error(f"{found.value:g} is not a share from 0 to 1.")
    return found


def _duration(entry: Entry) -> float:
    try:
        minutes = duration(entry.content, "duration")
    except InputError as error:
        raise entry.error(str(error)) from None
    if minutes <= 0:
        raise entry.error(f"{entry.content} is not above zero.")
    return minutes


def _catalysis(entry: Entry) -> Catalysis:
    fields = entry.fields(("forms", "catalyses"), ("site", "residual"))
    if "site" in fields and "residual" in fields:
        raise entry.error("has both 'site' and 'residual'. Keep one.")
    return Catalysis(
        forms=_names(fields["forms"]),
        catalyses=_names(fields["catalyses"]),
        site=fields["site"].choice(SITES) if "site" in fields else "",
        residual=_share(fields["residual"]) if "residual" in fields else None,
    )


def _loss(entry: Entry) -> Loss:
    fields = entry.fields(("half_life", "most"))
    return Loss(half_life=_positive(fields["half_life"], "min"), most=_share(fields["most"]))
