"""What every assay hands back: a table, a summary, a figure, and where they come from."""

from abc import ABC, abstractmethod
from binascii import crc32
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mtorsim.errors import InputError, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_REPLICATES = 1000


class Assay(ABC):
    """An assay that was carried out."""

    @property
    @abstractmethod
    def table(self) -> pd.DataFrame:
        """Every reading, one a row."""

    @property
    @abstractmethod
    def summary(self) -> pd.DataFrame:
        """What follows from the readings."""

    @property
    def ensemble(self) -> pd.DataFrame | None:
        """What members of the ensemble give, as percentiles; None where they were not asked."""
        return None

    @property
    @abstractmethod
    def provenance(self) -> dict[str, Any]:
        """Inputs, seed, versions and models; JSON values only."""

    @abstractmethod
    def plot(self) -> "Figure":
        """Return a figure."""

    def save(self, folder: str | Path) -> Path:
        """Write table.csv, summary.csv, figure.png and run.json into a folder; return it.

        Raises
        ------
        InputError
            For a folder that cannot be written to.
        MtorsimError
            When writing fails, for example on a full disk.
        """
        from mtorsim.export.assay_folder import save

        return save(self, folder)


def as_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which columns without words are numbers, what is not defined being NaN."""
    wordless = [
        name for name in table if not table[name].map(lambda value: isinstance(value, str)).any()
    ]
    return table.astype(dict.fromkeys(wordless, float))


def log_normal(spread: float, shape: tuple[int, ...], seed: int, *names: str) -> np.ndarray:
    """Return random factors with mean 1 and coefficient of variation `spread`.

    Log-normal, so that no reading falls below zero; the same seed and names, such as cell and
    drug, give the same factors, other names others.
    """
    sigma = np.sqrt(np.log1p(spread**2))
    entropy = [seed, crc32("/".join(names).encode())] if names else [seed]
    normal = np.random.default_rng(entropy).standard_normal(shape)
    return np.asarray(np.exp(sigma * normal - sigma**2 / 2), dtype=float)


def check_random(noise: float, seed: int, replicates: int = 0, what: str = "noise") -> None:
    """Refuse a noise, seed or number of replicates that is none.

    Raises
    ------
    InputError
    """
    is_number = isinstance(noise, int | float) and not isinstance(noise, bool)
    if not is_number or not 0 <= noise <= 1:
        raise InputError(f"{what}: {shown(noise)} is not from 0 to 1. Such as 0.05 for 5 %.")
    limits = (
        ("seed", seed, 10**18, "zero or more, of at most 18 digits"),
        ("replicates", replicates, _MOST_REPLICATES, f"from 0 to {_MOST_REPLICATES}"),
    )
    for name, value, most, range_ in limits:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < most + 1:
            raise InputError(f"{name}: {shown(value)} is no whole number {range_}.")
