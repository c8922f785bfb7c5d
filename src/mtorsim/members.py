"""Members of the ensemble: parameter sets of the network that agree with the published numbers.

They stand in models/ensemble.csv, one a row; calibration/ensemble.md says how they were found. The
values of the model files are not among them.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from mtorsim.errors import ModelError, ScenarioError, shown, within
from mtorsim.facts import FrozenMapping
from mtorsim.paths import models_path

ABOUT = ("sample", "above", "chi_square")
"""Columns that say how a member was found: which sample, its cost, its misfit."""


@dataclass(frozen=True)
class Member:
    """A parameter set.

    Attributes
    ----------
    shared : mapping of str to float
        Id of a parameter or species -> value in model units, in place of that of the model file.
    own : mapping of str to mapping
        Cell -> id -> value in that cell alone.
    """

    shared: Mapping[str, float] = FrozenMapping()
    own: Mapping[str, Mapping[str, float]] = FrozenMapping()

    def of(self, cell: str) -> Mapping[str, float]:
        """Return the values that hold in a cell alone."""
        return self.own.get(cell, FrozenMapping())


SHIPPED = Member()
"""The values of the model files."""


def count() -> int:
    """Return how many members there are."""
    return len(_members(models_path("ensemble.csv")))


def numbers() -> tuple[int, ...]:
    """Return the number of each member, from 1."""
    return tuple(range(1, count() + 1))


def load(number: int | None) -> Member:
    """Return a member; for None the values of the model files.

    Raises
    ------
    ScenarioError
        For a number that no member has.
    ModelError
        When the file of the ensemble is not there or damaged.
    """
    if number is None:
        return SHIPPED
    return _members(models_path("ensemble.csv"))[check(number) - 1]


def flat(number: int) -> dict[str, float]:
    """Return all values of a member; those of a cell as ``"PC-3.koff_MTOR_RICTOR"``."""
    one = load(number)
    own = {
        f"{cell}.{id}": value for cell, values in one.own.items() for id, value in values.items()
    }
    return {**one.shared, **own}


def check(number: object) -> int:
    """Return the number of a member.

    Raises
    ------
    ScenarioError
        For what is none.
    """
    last = count()
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= last:
        with within("member"):
            raise ScenarioError(
                f"member: {shown(number)} is not the number of a parameter set of the ensemble, "
                f"from 1 to {last}."
            )
    return number


def digest() -> str:
    """Return the SHA-256 of the file of the ensemble."""
    return sha256(models_path("ensemble.csv").read_bytes()).hexdigest()


@lru_cache(maxsize=4)
def _members(path: Path) -> tuple[Member, ...]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
        return tuple(_member(row) for row in rows)
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(
            f"cannot read the ensemble {path.name}: {error}. Install mtorsim again."
        ) from None


def _member(row: Mapping[str, str]) -> Member:
    values = {id: float(text) for id, text in row.items() if id not in ABOUT}
    own: dict[str, dict[str, float]] = {}
    for id, value in _of_cells(values):
        cell, _, name = id.rpartition(".")
        own.setdefault(cell, {})[name] = value
    shared = {id: value for id, value in values.items() if "." not in id}
    return Member(
        FrozenMapping(shared),
        FrozenMapping({cell: FrozenMapping(one) for cell, one in own.items()}),
    )


def _of_cells(values: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    return ((id, value) for id, value in values.items() if "." in id)
