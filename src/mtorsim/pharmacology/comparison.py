"""Exposures side by side: what a modifier changes, and what follows a dose in proportion."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from mtorsim.errors import InputError
from mtorsim.pharmacology.exposure import PERCENTILES, Exposure
from mtorsim.pharmacology.words import labels
from mtorsim.steps import Floats

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Key: TypeAlias = tuple[str, str, str]
"""Analyte, dose (first, last, last over first) and quantity: what a row of the table is about."""

_PER_DOSE = {
    ("first", "AUC 0-inf"): "AUC 0-inf per dose, relative",
    ("last", "AUC tau"): "AUC tau per dose, relative",
}
_WITH_RATIO = ("Cmax", "AUC", "half-life", "CL", "V", "MRT", "Ctrough", "Caverage")


@dataclass(frozen=True, eq=False)
class Comparison:
    """Exposures side by side.

    Attributes
    ----------
    exposures : tuple of Exposure
        At least one, of one drug in one species: two regimens, say, each without and with
        ketoconazole.

    Raises
    ------
    InputError
        For no exposure, or two that are the same.
    """

    exposures: tuple[Exposure, ...]

    def __post_init__(self) -> None:
        if not self.exposures:
            raise InputError("exposures: none given. Expected at least one.")
        for place, one in enumerate(self.exposures):
            for other in self.exposures[:place]:
                if one.doses and _what_is_done(one) == _what_is_done(other):
                    raise InputError(
                        f"{one.label!r} is the same as {other.label!r}: equal doses at equal "
                        "times. Leave one of them out."
                    )

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What the exposures are called; no two are called the same."""
        return tuple(labels(self.exposures))

    @cached_property
    def table(self) -> pd.DataFrame:
        """The tables of the exposures as one: one row an arm, analyte, dose and quantity.

        Columns arm, analyte, dose, quantity, value, unit, ratio and reason. `ratio` is that to the
        same regimen without modifiers. Where each of several regimens gives doses of one size,
        there are areas per dose, relative to the first regimen with the same modifiers: below 1
        exposure rises less than in proportion. With accepted fits beside an exposure there are
        further columns: median, p5 and p95 of the value over the fits, the same of the ratio, and
        how many fits have the value; where less than half have it there are no percentiles.
        """
        arms = [
            _Arm(name, one, tuple(_lines(one, self.exposures)))
            for name, one in zip(self.labels, self.exposures, strict=True)
        ]
        table = pd.DataFrame(row for arm in arms for row in _rows(arm, _plain(arm, arms)))
        has_fits = any(one.fits for one in self.exposures)
        return table if has_fits else table.drop(columns=[*_OVER_FITS])

    def plot(self) -> "Figure":
        """Return a figure of the concentrations over time."""
        from mtorsim.plot_pharmacology import exposures

        return exposures(self.exposures)

    def save(self, folder: str | Path) -> Path:
        """Write curves, table, figure, models and origin into a folder; return it."""
        from mtorsim.export.exposure_folder import save

        return save(self.exposures, Path(folder))


class _Line(NamedTuple):
    """A row before ratios: its value, and that of each fit."""

    key: Key
    value: float  # nan: none
    unit: str
    reason: str
    fits: Floats


class _Arm(NamedTuple):
    label: str
    exposure: Exposure
    lines: tuple[_Line, ...]


_OVER_FITS = ("median", "p5", "p95", "ratio_median", "ratio_p5", "ratio_p95", "fits")


def _rows(arm: _Arm, plain: _Arm | None) -> Iterator[dict[str, object]]:
    below = {line.key: line for line in plain.lines} if plain else {}
    for line in arm.lines:
        base = below.get(line.key) if _has_ratio(line) else None
        ratio = _over(line, base) if base else _NOTHING
        yield {
            "arm": arm.label,
            **dict(zip(("analyte", "dose", "quantity"), line.key, strict=True)),
            "value": line.value,
            "unit": line.unit,
            "ratio": ratio.value,
            "reason": line.reason,
            **dict(zip(_OVER_FITS, _summary(line, ratio), strict=True)),
        }


def _has_ratio(line: _Line) -> bool:
    """Return whether a row is compared: times of peaks and what is a ratio itself are not."""
    return line.key[2].startswith(_WITH_RATIO) and line.unit not in ("1", "%")


def _summary(line: _Line, ratio: _Line) -> tuple[float, ...]:
    low, middle, high = _percentiles(line.fits)
    ratio_low, ratio_middle, ratio_high = _percentiles(ratio.fits)
    found = int(np.isfinite(line.fits).sum())
    return middle, low, high, ratio_middle, ratio_low, ratio_high, found


def _percentiles(values: Floats) -> Floats:
    there = values[np.isfinite(values)]
    if not there.size or 2 * there.size < values.size:
        return np.full(3, np.nan)
    return np.asarray(np.percentile(there, PERCENTILES), dtype=float)


def _plain(arm: _Arm, arms: Sequence[_Arm]) -> _Arm | None:
    """Return the arm with the same regimen and no modifier; None for that arm itself."""
    if not arm.exposure.compiled.modifiers:
        return None
    wanted = _without_modifiers(arm.exposure)
    return next(
        (
            one
            for one in arms
            if not one.exposure.compiled.modifiers and _without_modifiers(one.exposure) == wanted
        ),
        None,
    )


def _without_modifiers(one: Exposure) -> tuple[object, ...]:
    samples = tuple(one.samples.tolist())
    return one.drug, one.compiled.species, one.doses, one.compiled.end, samples, one.set


def _what_is_done(one: Exposure) -> tuple[object, ...]:
    return *_without_modifiers(one), one.compiled.modifiers, one.tolerances


# --- lines ----------------------------------------------------------------------------------------


def _lines(one: Exposure, exposures: Sequence[Exposure]) -> Iterator[_Line]:
    first = _first_alike(one, exposures)
    reference = {line.key: line for line in _read(first)} if first else {}
    for line in _read(one):
        yield line
        base, title = reference.get(line.key), _PER_DOSE.get(line.key[1:])
        if first and base and title:
            yield _per_dose(line, base, _dose(one) / _dose(first), title)


def _read(one: Exposure) -> list[_Line]:
    rows = one.table.to_dict("records")
    fits = np.array([fit.table["value"].to_numpy() for fit in one.fits]).reshape(-1, len(rows))
    return [
        _Line(
            (row["analyte"], row["dose"], row["quantity"]),
            row["value"],
            row["unit"],
            row["reason"],
            fits[:, place],
        )
        for place, row in enumerate(rows)
    ]


def _first_alike(one: Exposure, exposures: Sequence[Exposure]) -> Exposure | None:
    """Return the first exposure to which areas per dose are compared; None where none are."""
    company = [other for other in exposures if other.compiled.modifiers == one.compiled.modifiers]
    regimens = {other.regimen for other in company}
    if len(regimens) < 2 or not all(_has_one_size(other) for other in company):
        return None
    return company[0]


def _has_one_size(one: Exposure) -> bool:
    return len({(dose.amount, dose.per) for dose in one.doses}) == 1


def _dose(one: Exposure) -> float:
    return one.nanomoles(one.doses[0])


def _per_dose(line: _Line, base: _Line, doses: float, title: str) -> _Line:
    found = _over(line, base)
    reason = line.reason or base.reason
    return _Line((*line.key[:2], title), found.value / doses, "1", reason, found.fits / doses)


_NOTHING = _Line(("", "", ""), np.nan, "1", "", np.empty(0))


def _over(line: _Line, base: _Line) -> _Line:
    """Return one line over another; the fits go in pairs, since both arms have the same ones."""
    paired = len(line.fits) == len(base.fits)
    with np.errstate(all="ignore"):
        value = float(np.divide(line.value, base.value)) if base.value else np.nan
        fits = line.fits / base.fits if paired else np.empty(0)
    return line._replace(value=value, fits=fits)
