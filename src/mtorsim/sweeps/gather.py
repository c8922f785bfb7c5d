"""Puts finished chunks, which ran in one order, into arrays in the order of the results."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import xarray as xr

from mtorsim.sweeps.labels import STATUS, Variable, coordinates, variables
from mtorsim.sweeps.plan import Plan
from mtorsim.sweeps.work import FAILED, Done

Array: TypeAlias = np.ndarray[Any, Any]
Rows: TypeAlias = Callable[[int, str], Array]
"""Returns the rows that a chunk has of a variable."""

OUTCOMES = ("point", "values", "outcome", "reason")
"""Columns of the table of failures."""


def in_memory(plan: Plan, chunks: Iterable[Done]) -> tuple[xr.Dataset, pd.DataFrame]:
    """Return all results as labelled arrays, and the points that were retried or failed."""
    kinds = list(variables(plan))
    arrays = {one.name: np.empty((plan.count, *one.row), one.dtype) for one in kinds}
    failures: list[tuple[Any, ...]] = []
    for done in chunks:
        points = plan.chunk(done.chunk)
        for name, values in (done.readings | {STATUS: done.status}).items():
            arrays[name][points] = values
        failures += failures_of(plan, done.chunk, done.status, done.reasons)
    found = coordinates(plan).assign(
        {
            one.name: (
                one.dimensions,
                arrays[one.name].reshape(*plan.shape, *one.row),
                one.attributes,
            )
            for one in kinds
        }
    )
    return found, table_of(failures)


def gathered(plan: Plan, one: Variable, low: int, high: int, rows: Rows) -> Array:
    """Return a variable at the points from `low` to before `high`, shape (high - low, ...)."""
    found = np.empty((high - low, *one.row), one.dtype)
    chunks, places = np.divmod(plan.places[low:high], plan.chunk_size)
    order = np.argsort(chunks, kind="stable")
    borders = np.flatnonzero(np.diff(chunks[order])) + 1
    for mine in np.split(order, borders):
        found[mine] = rows(int(chunks[mine[0]]), one.name)[places[mine]]
    return found


def failures_of(
    plan: Plan, chunk: int, status: Sequence[int] | Array, reasons: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    """Yield a row of the table of failures for each point of a chunk that has a reason."""
    for point, outcome, reason in zip(plan.chunk(chunk), status, reasons, strict=True):
        if reason:
            yield point, plan.in_words(point), "failed" if outcome == FAILED else "retried", reason


def table_of(failures: Iterable[tuple[Any, ...]]) -> pd.DataFrame:
    """Return the table of failures, in order of the points."""
    table = pd.DataFrame(sorted(failures), columns=list(OUTCOMES))
    return table.astype({"point": "int64", **dict.fromkeys(OUTCOMES[1:], "str")})
