"""What members of the ensemble give in the wells of an assay."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mtorsim import members
from mtorsim.assays.dose_response import fit_logistic
from mtorsim.assays.interaction import bliss_excess
from mtorsim.assays.logistic import Floats
from mtorsim.ensembles import AXIS, PERCENTILES, Progress, over_members
from mtorsim.errors import SimulationError
from mtorsim.scenario import Scenario
from mtorsim.sweeps.work import FAILED
from mtorsim.units import exact_concentration

if TYPE_CHECKING:
    from mtorsim.assays.combination import Combination
    from mtorsim.assays.viability import Viability
    from mtorsim.assays.western import Western
    from mtorsim.sweeps import Sweep

NAMES = tuple(f"p{one}" for one in PERCENTILES)
INHIBITIONS = (20, 30, 50)  # %
_ATP = "ATP_signal"


def plates(assay: "Viability", workers: int, progress: Progress | None) -> Floats:
    """Return viability of each member [% of its own untreated wells], shape (k, t, doses + 1)."""
    minutes = [point.time for point in assay.points]
    control, treated = (one.scenario.replace(observe=(_ATP,)) for one in assay.wells[:2])
    axis = f"drugs.{assay.drug}.dose"
    doses = [exact_concentration(float(dose)) for dose in assay.points[0].doses[1:]]
    alone = over_members(control, minutes, workers=workers)
    every = over_members(treated, minutes, {axis: doses}, workers=workers, progress=progress)
    done = (alone["status"] != FAILED) & (every["status"] != FAILED).all(axis)
    below = alone["curves"].isel(observable=0)
    above = every["curves"].isel(observable=0).transpose(AXIS, "time", axis)
    read = np.searchsorted(every.dataset["time"].to_numpy(), minutes)  # they begin at 0
    percent = 100 * above.to_numpy() / below.transpose(AXIS, "time").to_numpy()[:, :, None]
    whole = np.concatenate([np.full((*percent.shape[:2], 1), 100.0), percent], axis=2)
    return _some(whole[:, read][done.to_numpy()])


def bands(assay: "Viability", percent: Floats) -> pd.DataFrame:
    """Return percentiles of viability at each dose, and of the IC values.

    Columns cell, drug, time_h, quantity (``viability_percent``, ``IC20_nM`` and so on), dose_nM,
    p5, p50, p95, members (those that have a value), members_below and members_above (whose IC lies
    below or above the doses tested). A percentile beyond the doses tested is empty.
    """
    rows: list[dict[str, Any]] = []
    for k, point in enumerate(assay.points):
        begun = {"cell": assay.cell, "drug": assay.drug, "time_h": point.time / 60}
        levels = np.percentile(percent[:, k], PERCENTILES, axis=0).T
        for dose, level in zip(point.doses, levels, strict=True):
            told = {"quantity": "viability_percent", "dose_nM": float(dose)}
            rows.append({**begun, **told, **_named(level), "members": len(percent)})
        found = np.array([_doses(point.doses, one) for one in percent[:, k]])
        for inhibition, values in zip(INHIBITIONS, found.T, strict=True):
            # Members without one lie beyond the doses: they count, and have no number.
            level = np.percentile(values, PERCENTILES, method="nearest")
            level = np.where(np.isfinite(level) & (level > 0), level, np.nan)
            has = int((np.isfinite(values) & (values > 0)).sum())
            told = {"quantity": f"IC{inhibition}_nM", "dose_nM": np.nan}
            beyond = {
                "members_below": int((values == 0).sum()),
                "members_above": int(np.isinf(values).sum()),
            }
            rows.append({**begun, **told, **_named(level), "members": has, **beyond})
    return pd.DataFrame(rows)


def _doses(doses: Floats, percent: Floats) -> list[float]:
    """Return IC values of one member [nM]; 0 below and infinite above the doses tested."""
    fit = fit_logistic(doses, percent, noisy=False)
    found = [fit.ic(one) for one in INHIBITIONS]
    return [_number(one.value, one.flag) for one in found]


def _number(value: float | None, flag: str) -> float:
    if value is not None:
        return value
    return 0.0 if flag.startswith("<") else np.inf


def lanes(assay: "Western", workers: int, progress: Progress | None) -> Floats:
    """Return densitometry of each member, relative to its own first lane.

    Shape (k, targets, lanes); NaN in a row whose first lane has no band.
    """
    levels = _some(np.stack(list(_lysates(assay, workers, progress)), axis=2))
    control = np.where(levels[:, :, :1] > assay.faintest, levels[:, :, :1], np.nan)
    return np.asarray(levels / control, dtype=float)


def _lysates(assay: "Western", workers: int, progress: Progress | None) -> Iterator[Floats]:
    """Yield the concentrations in each lane, shape (members, targets)."""
    known: dict[tuple[str, float], Floats] = {}
    for number, lane in enumerate(assay.lanes, start=1):
        key = (str(lane.scenario.to_dict()), lane.time)
        if key not in known:
            known[key] = _lysed(lane.scenario, lane.time, assay.targets, workers)
        if progress is not None:
            progress(number, len(assay.lanes))
        yield known[key]


def _lysed(scenario: Scenario, time: float, targets: Sequence[str], workers: int) -> Floats:
    found = over_members(scenario.replace(observe=targets), [time], workers=workers)
    values = found["curves"].to_numpy()[:, -1]
    if time == 0:  # before anything has acted
        values = found["untreated"].to_numpy()
    return np.asarray(values, dtype=float)


def surfaces(assay: "Combination", workers: int, progress: Progress | None) -> Floats:
    """Return the response of each member [% of its own untreated wells], shape (k, a, b)."""
    minutes, doses = [assay.time], [[exact_concentration(float(one)) for one in series[1:]]
                                    for series in assay.doses]  # fmt: skip
    axes = [f"drugs.{drug}.dose" for drug in assay.drugs]
    wells = np.array(assay.wells, dtype=object).reshape(assay.response.shape)
    control = over_members(wells[0, 0].scenario, minutes, workers=workers)
    first = over_members(wells[1, 0].scenario, minutes, {axes[0]: doses[0]}, workers=workers)
    second = over_members(wells[0, 1].scenario, minutes, {axes[1]: doses[1]}, workers=workers)
    both = over_members(
        wells[1, 1].scenario, minutes, dict(zip(axes, doses, strict=True)),
        workers=workers, progress=progress,
    )  # fmt: skip
    levels = np.empty((members.count(), *assay.response.shape))
    levels[:, 0, 0] = _ends(control)
    levels[:, 1:, 0] = _ends(first, axes[0])
    levels[:, 0, 1:] = _ends(second, axes[1])
    levels[:, 1:, 1:] = _ends(both, *axes)
    return _some(100 * (levels / levels[:, :1, :1]))


def _ends(found: "Sweep", *axes: str) -> Floats:
    """Return the one read-out at the end, members first; NaN where a point failed."""
    last = found["curves"].isel(observable=0, time=-1).transpose(AXIS, *axes)
    return np.asarray(last.where(found["status"].transpose(AXIS, *axes) != FAILED), dtype=float)


def matrices(assay: "Combination", percent: Floats) -> pd.DataFrame:
    """Return percentiles of response and Bliss excess in each well.

    Columns drug_A, drug_B, dose_A_nM, dose_B_nM, quantity (``response_percent``,
    ``bliss_excess_percent``), p5, p50, p95, members.
    """
    excess = np.array([bliss_excess(one) for one in percent])
    rows = []
    for (i, a), (j, b) in product(*(enumerate(series.tolist()) for series in assay.doses)):
        told = {"drug_A": assay.drugs[0], "drug_B": assay.drugs[1], "dose_A_nM": a, "dose_B_nM": b}
        level = np.percentile(percent[:, i, j], PERCENTILES)
        rows.append({**told, "quantity": "response_percent", **_named(level),
                     "members": len(percent)})  # fmt: skip
        has = excess[:, i, j][np.isfinite(excess[:, i, j])]
        if i and j and len(has):
            level = np.percentile(has, PERCENTILES)
            rows.append({**told, "quantity": "bliss_excess_percent", **_named(level),
                         "members": len(has)})  # fmt: skip
    return pd.DataFrame(rows)


def densitometry(assay: "Western", relative: Floats) -> pd.DataFrame:
    """Return percentiles of densitometry: lane, label, target, p5, p50, p95, members."""
    rows = []
    for row, id in enumerate(assay.targets):
        for column, lane in enumerate(assay.lanes):
            values = relative[:, row, column]
            values = values[np.isfinite(values)]
            level = np.percentile(values, PERCENTILES) if len(values) else [np.nan] * len(NAMES)
            rows.append({"lane": column + 1, "label": lane.label, "cell": lane.scenario.cell,
                         "target": id, **_named(level), "members": len(values)})  # fmt: skip
    return pd.DataFrame(rows)


def about(rows: Floats) -> dict[str, Any]:
    """Return how many members there are, which file they come from; JSON values only."""
    return {
        "members": len(rows),
        "failed": members.count() - len(rows),
        "sha256": members.digest(),
        "percentiles": list(PERCENTILES),
    }


def _named(level: Any) -> dict[str, float]:
    return dict(zip(NAMES, (float(one) for one in level), strict=True))


def _some(rows: Floats) -> Floats:
    """Return the members that could be simulated in every well."""
    kept = rows[np.isfinite(rows).all(axis=tuple(range(1, rows.ndim)))]
    if not len(kept):
        raise SimulationError("no member of the ensemble can be simulated in every well.")
    return np.asarray(kept, dtype=float)
