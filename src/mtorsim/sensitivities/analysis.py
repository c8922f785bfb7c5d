"""From the readings of a design to indices, with what is known of their errors."""

import warnings
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mtorsim.sensitivities.design import STEP, block, problem
from mtorsim.steps import Floats
from mtorsim.uncertainty import Uncertain

NOTHING = 1e-6
"""A reading below this [its unit] is the solver's noise around zero."""

RESOLVED = 0.01
"""How far a local sensitivity may change when the step is halved, of itself (or 1e-3)."""

_SMALLEST = 1e-3
_NOISE = 1e-4  # of the logarithm of a reading: three times the solver's error in a sweep
_STILL = 1e-5  # relative spread of a reading: nothing moves it but the solver
_FEWEST = 4  # blocks that are needed
_RESAMPLES = 200


class Unanalysed(NamedTuple):
    """A read-out without indices, and why."""

    place: int
    reason: str


def local(values: Floats, parameters: Sequence[Uncertain]) -> tuple[pd.DataFrame, list[Unanalysed]]:
    """Return scaled sensitivities d ln read-out / d ln parameter.

    Central differences with two steps, one half of the other, extrapolated to none: the error that
    is left is of the fourth order in the step, and what halving changed bounds it.

    Parameters
    ----------
    values : array, shape (1 + 4 k, q)
        Readings at the rows of the design; a failed simulation holds NaN.
    parameters : sequence of Uncertain, length k

    Returns
    -------
    DataFrame
        place, parameter, sensitivity, error (by how much halving the step changed it),
        is_resolved.
    list of Unanalysed
    """
    base, steps = values[0], values[1:].reshape(len(parameters), 4, -1)
    left_out = [Unanalysed(int(k), "is zero") for k in np.flatnonzero(np.abs(base) <= NOTHING)]
    left_out += [Unanalysed(int(k), "failed") for k in np.flatnonzero(np.isnan(base))]
    kept = np.flatnonzero(np.abs(base) > NOTHING)
    whole = (steps[:, 0] - steps[:, 1])[:, kept] / (2 * STEP * base[kept])
    half = (steps[:, 2] - steps[:, 3])[:, kept] / (STEP * base[kept])
    found, error = (4 * half - whole) / 3, np.abs(half - whole)
    is_resolved = error <= np.maximum(RESOLVED * np.abs(found), _SMALLEST)
    columns = {"sensitivity": found, "error": error, "is_resolved": is_resolved}
    return _long(kept, parameters, {name: one.T for name, one in columns.items()}), left_out


def sampled(
    method: str,
    design: Floats,
    values: Floats,
    parameters: Sequence[Uncertain],
    *,
    seed: int,
    second_order: bool = False,
    logarithmic: bool = True,
) -> tuple[pd.DataFrame, pd.DataFrame, list[Unanalysed], int]:
    """Return the indices of Morris or Sobol with 95 % intervals.

    Simulations that failed take the whole trajectory or base sample out.

    Parameters
    ----------
    method : {"morris", "sobol"}
    design : array, shape (n, k)
    values : array, shape (n, q)
    parameters : sequence of Uncertain, length k
    seed : int
        Of the bootstrap.
    second_order : bool
        Whether the design has the points for pairs of parameters.
    logarithmic : bool
        Analyse the natural logarithm of the readings.

    Returns
    -------
    DataFrame
        place, parameter and the indices.
    DataFrame
        Pairs of parameters, for Sobol's second order; else empty.
    list of Unanalysed
    int
        Trajectories or base samples that were left out.
    """
    size = block(method, len(parameters), second_order=second_order)
    whole = ~np.isnan(values).any(axis=1).reshape(-1, size).any(axis=1)
    rows = np.repeat(whole, size)
    lost = int((~whole).sum())
    tables, pairs, left_out = [], [], []
    for place in range(values.shape[1]):
        reading = values[rows, place]
        if reason := _reason(reading, int(whole.sum()), logarithmic):
            left_out.append(Unanalysed(place, reason))
            continue
        kept = np.log(reading) if logarithmic else reading
        arguments = (problem(parameters), design[rows], kept, size, seed)
        if method == "morris":
            noise = _NOISE * (1.0 if logarithmic else float(np.abs(reading).mean()))
            tables.append(_morris(*arguments, noise=noise).assign(place=place))
        else:
            one, second = _sobol(*arguments, second_order=second_order)
            tables.append(one.assign(place=place))
            pairs.append(second.assign(place=place))
    return _joined(tables), _joined(pairs), left_out, lost


def _reason(reading: Floats, blocks: int, logarithmic: bool) -> str:
    if blocks < _FEWEST:
        return "failed"
    if logarithmic and reading.min() <= NOTHING:
        return "falls to zero, which has no logarithm"
    spread = float(reading.max() - reading.min())
    return "" if spread > _STILL * max(float(np.abs(reading).max()), NOTHING) else "does not change"


def _morris(
    asked: dict[str, Any], design: Floats, reading: Floats, size: int, seed: int, *, noise: float
) -> pd.DataFrame:
    from SALib.analyze import morris

    def analysed(count: int) -> Mapping[str, Any]:
        rows = slice(0, count * size)
        with _quiet():
            found: Mapping[str, Any] = morris.analyze(
                *(asked, np.log(design[rows]), reading[rows]),
                num_resamples=_RESAMPLES,
                num_levels=4,
                seed=seed,
            )
        return found

    count = len(reading) // size
    whole, first = analysed(count), analysed(max(2, count // 2))
    star, interval = (np.asarray(whole[name], dtype=float) for name in ("mu_star", "mu_star_conf"))
    return pd.DataFrame(
        {
            "parameter": asked["names"],
            "mu_star": star,
            "mu_star_interval": interval,
            "mu": np.asarray(whole["mu"], dtype=float),
            "sigma": np.asarray(whole["sigma"], dtype=float),
            "mu_star_half": np.asarray(first["mu_star"], dtype=float),
            "is_zero": star - interval <= noise,
        }
    )


def _sobol(
    asked: dict[str, Any],
    _design: Floats,
    reading: Floats,
    size: int,
    seed: int,
    *,
    second_order: bool,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    from SALib.analyze import sobol

    def analysed(count: int) -> Mapping[str, Any]:
        with _quiet():
            found: Mapping[str, Any] = sobol.analyze(
                *(asked, reading[: count * size]),
                calc_second_order=second_order,
                num_resamples=_RESAMPLES,
                seed=seed,
            )
        return found

    count = len(reading) // size
    whole, first = analysed(count), analysed(max(2, count // 2))
    table = pd.DataFrame(
        {
            "parameter": asked["names"],
            "S1": whole["S1"],
            "S1_interval": whole["S1_conf"],
            "ST": whole["ST"],
            "ST_interval": whole["ST_conf"],
            "ST_half": first["ST"],
            "is_zero": whole["ST"] - whole["ST_conf"] <= 0,
        }
    )
    return table, _pairs(whole, asked["names"]) if second_order else pd.DataFrame()


def _pairs(found: Mapping[str, Any], names: Sequence[str]) -> pd.DataFrame:
    places = list(combinations(range(len(names)), 2))
    return pd.DataFrame(
        {
            "parameter": [names[i] for i, _ in places],
            "with": [names[k] for _, k in places],
            "S2": [found["S2"][i, k] for i, k in places],
            "S2_interval": [found["S2_conf"][i, k] for i, k in places],
            "is_zero": [abs(found["S2"][i, k]) <= found["S2_conf"][i, k] for i, k in places],
        }
    )


def _quiet() -> warnings.catch_warnings:
    return warnings.catch_warnings(action="ignore", category=FutureWarning)


def _long(
    kept: np.ndarray[Any, Any], parameters: Sequence[Uncertain], columns: Mapping[str, Any]
) -> pd.DataFrame:
    """Return columns of shape (q, k) as a table with a row for each read-out and parameter."""
    ids = [one.id for one in parameters]
    return pd.DataFrame(
        {
            "place": np.repeat(kept, len(ids)),
            "parameter": np.tile(np.array(ids, dtype=object), len(kept)),
            **{name: one.ravel() for name, one in columns.items()},
        }
    )


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
