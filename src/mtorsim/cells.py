"""Cell contexts: what distinguishes one cell line from another in the same network."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mtorsim import facts
from mtorsim.errors import UnknownIdError
from mtorsim.facts import Fact, FrozenMapping, Statement
from mtorsim.paths import models_path


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell line in its growth medium.

    Attributes
    ----------
    name : str
        Such as ``"786-O"``.
    description : str
    identifiers : tuple of str
        Web addresses, Cellosaurus first.
    status : mapping of str to Statement
        Gene -> what is known of it, such as ``"loss"``.
    medium : Statement
        The growth medium.
    values : mapping of str to Fact
        Id of a species (initial concentration) or parameter -> value in this cell. What is not
        named keeps the value of the model file.
    doubling_time : Fact, optional
        Published, in growth medium [h]; None where the cell does not divide.
    """

    name: str
    description: str
    identifiers: tuple[str, ...]
    status: Mapping[str, Statement]
    medium: Statement
    values: Mapping[str, Fact]
    doubling_time: Fact | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", FrozenMapping(self.status))
        object.__setattr__(self, "values", FrozenMapping(self.values))


def names(directory: Path | None = None) -> tuple[str, ...]:
    """Return the names of the cells; `directory` replaces models/cells."""
    return facts.names(directory or models_path("cells"))


def load(name: str, directory: Path | None = None) -> Cell:
    """Return a cell.

    Parameters
    ----------
    name : str
        Exactly as `names` gives it.
    directory : Path, optional
        Folder of cell files, instead of models/cells.

    Raises
    ------
    UnknownIdError
        When there is no such cell.
    ModelError
        When its file is not sound.
    """
    folder = directory or models_path("cells")
    known = names(folder)
    if name not in known:
        raise UnknownIdError(kind="cell", given=name, choices=known, listing="mtorsim show cells")
    path = facts.file(folder, name)
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _read(path: Path, _changed: int) -> Cell:
    """Read a cell file; `_changed` makes the cache notice an edit."""
    fields = facts.root(path).fields(
        ("name", "description", "medium", "values"), ("identifiers", "status", "doubling_time")
    )
    status = fields["status"].entries() if "status" in fields else {}
    return Cell(
        name=facts.named(fields["name"], path),
        description=fields["description"].text(),
        identifiers=facts.identifiers(fields["identifiers"]) if "identifiers" in fields else (),
        status={gene: facts.statement(entry) for gene, entry in status.items()},
        medium=facts.statement(fields["medium"], key="name"),
        doubling_time=(
            facts.fact(fields["doubling_time"], "h") if "doubling_time" in fields else None
        ),
        values={key: facts.fact(entry) for key, entry in fields["values"].entries().items()},
    )
