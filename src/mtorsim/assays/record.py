"""What every assay hands back: a table, a summary, a figure, and where they come from."""

from abc import ABC, abstractmethod
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


def log_normal(spread: float, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return random factors with mean 1 and coefficient of variation `spread`.

    Log-normal, so that no reading falls below zero; the same seed gives the same factors.
    """
    sigma = np.sqrt(np.log1p(spread**2))
    normal = np.random.default_rng(seed).standard_normal(shape)
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
    for name, value, most in (("seed", seed, 2**63), ("replicates", replicates, _MOST_REPLICATES)):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise InputError(f"{name}: {shown(value)} is not a whole number from 0 to {most}.")
