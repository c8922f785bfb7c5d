"""Verdicts as they were last accepted: what `qualify --strict` compares with."""

import csv
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path

from mtorsim.errors import InputError, either, shown
from mtorsim.paths import published_path
from mtorsim.qualification.rows import VERDICTS, Row

_COLUMNS = ("id", "verdict", "model")


def read_baseline(path: str | Path | None = None) -> dict[str, str]:
    """Return id -> verdict.

    Parameters
    ----------
    path : str or Path, optional
        Default: the file that comes with mtorsim.

    Raises
    ------
    InputError
        For a file that cannot be read or is no baseline.
    """
    file = published_path("baseline.csv") if path is None else Path(path)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or "not CSV in UTF-8"
        raise InputError(f"baseline: cannot read {str(file)!r}: {why}.") from None
    found: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        verdict = row.get("verdict")
        if not row.get("id") or verdict not in VERDICTS:
            raise InputError(
                f"{file}, line {line}: verdict {shown(verdict)} is not {either(VERDICTS)}. "
                "Write the file with mtorsim qualify --update-baseline."
            )
        found[row["id"]] = verdict
    return found


def written_baseline(rows: Iterable[Row]) -> bytes:
    """Return the content of a baseline file: id, verdict and the number of the models."""
    page = StringIO()
    writer = csv.writer(page, lineterminator="\n")
    writer.writerow(_COLUMNS)
    # Three digits: enough to see what moved, and the same on every processor.
    writer.writerows((row.id, row.verdict, f"{row.model:.3g}") for row in rows)
    return page.getvalue().encode("utf-8")


def lost(rows: Iterable[Row], before: Mapping[str, str], *, whole: bool = True) -> list[str]:
    """Return the ids of rows that passed before and pass no more.

    Parameters
    ----------
    rows : iterable of Row
    before : mapping of str to str
        As `read_baseline` returns.
    whole : bool
        Whether the rows are all there are: one that is not among them is lost then.
    """
    now = {row.id: row.verdict for row in rows}
    passed = [id for id, verdict in before.items() if verdict == "pass"]
    return [id for id in passed if (id in now or whole) and now.get(id) != "pass"]
