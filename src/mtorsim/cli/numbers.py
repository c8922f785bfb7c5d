"""Numbers of cells and perturbations as rows of ``show parameters``; the page of all numbers."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, TypeAlias

from mtorsim.facts import Fact

Row: TypeAlias = dict[str, Any]

_FITTED = re.compile(r"fitted \((calibration/[\w.]+)\)")
_HEAD = (
    "# Every number of the models\n\n"
    "Written by `mtorsim show parameters --markdown`; not edited by hand. `A` measured in human "
    "cells, `B` measured elsewhere or converted, `C` fitted here, `D` assumed or recalled. "
    "*Fitted*: by which calibration. *Ensemble*: 5 to 95 % of the parameter sets that agree with "
    "data, where it varies there ([network](../calibration/ensemble.md), "
    "[exposures](../calibration/pharmacokinetics.md)). Which of the papers were looked up: "
    "[sources](sources.md).\n"
)
_COLUMNS = "| id | value | unit | | fitted | ensemble | what and where from |"


def of_cells() -> Iterator[Row]:
    """Yield a row for each value of a cell's own: ``"MCF-7.INSR"``, as `mtorsim fit` calls it."""
    from mtorsim import cells

    for name in cells.names():
        cell = cells.load(name)
        facts = dict(cell.values)
        if cell.doubling_time is not None:
            facts = {"doubling_time": cell.doubling_time, **facts}
        yield from (_of_fact(f"{name}.{id}", one, f"cells/{name}") for id, one in facts.items())


def of_perturbations() -> Iterator[Row]:
    """Yield a row for each value that a perturbation changes, and for constants of mutants."""
    from mtorsim import perturbation

    for name in perturbation.names():
        found = perturbation.load(name)
        for one in found.changes:
            is_factor = one.multiply is not None
            yield {
                "id": f"{name}.{one.target}",
                "value": one.multiply if is_factor else one.set,
                "unit": one.unit or "1",
                "confidence": found.confidence,
                "source": found.source,
                "notes": found.notes,
                "name": "factor on it" if is_factor else "set to it",
                "branch": "perturbations",
            }
        for id, fact in found.mutant.values.items() if found.mutant else ():
            yield _of_fact(f"{name}.{id}", fact, "perturbations")


def _of_fact(id: str, fact: Fact, branch: str) -> Row:
    plausible = f"plausible {fact.plausible}" if fact.plausible else ""
    return {
        "id": id,
        "value": fact.value,
        "unit": fact.unit,
        "confidence": fact.confidence,
        "source": fact.source,
        "notes": "; ".join(part for part in (fact.notes, plausible) if part),
        "name": "",
        "branch": branch,
    }


def with_fit(row: Row) -> Row:
    """Return a row that says which calibration fitted its number, and its range in the ensemble."""
    found = _FITTED.search(f"{row['source']} {row['notes']}")
    fit = found[1] if found else ""
    return {**row, "fitted": fit, "ensemble": ranges().get(row["id"])}


@cache
def ranges() -> dict[str, tuple[float, float]]:
    """Return id -> 5 and 95 % over the ensembles of the network and of pharmacokinetics."""
    from mtorsim import members
    from mtorsim.pharmacology.ensemble import every_fit

    found: dict[str, list[float]] = {}
    for values in (*(members.flat(number) for number in members.numbers()), *every_fit()):
        for id, value in values.items():
            found.setdefault(id, []).append(value)
    return {id: _ends(values) for id, values in found.items()}


def _ends(values: Sequence[float]) -> tuple[float, float]:
    import numpy as np

    low, high = np.percentile(values, (5, 95)).tolist()
    return low, high


def page(rows: Iterable[Row]) -> str:
    """Return all numbers as Markdown, one table a branch."""
    listed = [row if "fitted" in row else with_fit(row) for row in rows]
    branches = dict.fromkeys(row["branch"] for row in listed)
    parts = [_HEAD, _counts(listed)]
    parts += [_table(one, [row for row in listed if row["branch"] == one]) for one in branches]
    return "\n".join(parts)


def _counts(rows: Sequence[Row]) -> str:
    grades = {one: sum(row["confidence"] == one for row in rows) for one in "ABCD"}
    said = ", ".join(f"{count} {one}" for one, count in grades.items())
    fitted = sum(bool(row["fitted"]) for row in rows)
    return f"{len(rows)} numbers: {said}; {fitted} were fitted.\n"


def _table(branch: str, rows: Sequence[Row]) -> str:
    lines = [f"## {branch}", "", _COLUMNS, "|---|---|---|---|---|---|---|"]
    for row in rows:
        value = "" if row["value"] is None else f"{row['value']:.5g}"
        parts = [row["notes"]] if row["source"] in row["notes"] else [row["source"], row["notes"]]
        text = "; ".join(part for part in (row["name"], *parts) if part).replace("|", "\\|")
        lines.append(
            f"| `{row['id']}` | {value} | {row['unit']} | {row['confidence']} "
            f"| {row['fitted'].removeprefix('calibration/')} | {_range(row)} | {text} |"
        )
    return "\n".join([*lines, ""])


def _range(row: Row) -> str:
    ends = row["ensemble"]
    return "" if ends is None else f"{ends[0]:.3g} to {ends[1]:.3g}"
