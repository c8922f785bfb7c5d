"""Why rows are missed: what the model does, why, and what would mend it, each written by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mtorsim.document import read
from mtorsim.errors import ModelError
from mtorsim.paths import published_path


@dataclass(frozen=True)
class Explanation:
    """Of one row that is missed.

    Attributes
    ----------
    does : str
        What the model does.
    why : str
    mend : str
        What would mend it.
    """

    does: str
    why: str
    mend: str

    def __str__(self) -> str:
        return f"{self.does} {self.why} {self.mend}"


@cache
def explanations(path: Path | None = None) -> Mapping[str, Explanation]:
    """Return id of a row -> its explanation.

    Raises
    ------
    ModelError
        For a file that is not as it should be.
    """
    root = read(path or published_path("explanations.yaml"), ModelError).root
    found = {}
    for id, entry in root.entries().items():
        fields = entry.fields(("does", "why", "mend"))
        found[id] = Explanation(**{key: one.text() for key, one in fields.items()})
    return found
