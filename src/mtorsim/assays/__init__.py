"""In-silico protocols: viability, Western blot, drug combination. Each has a table and a figure."""

from mtorsim.assays.combination import Combination, combination
from mtorsim.assays.dose_response import (
    Estimate,
    Fit,
    fit_logistic,
    growth_metrics,
    growth_rate_inhibition,
)
from mtorsim.assays.viability import Comparison, Viability, viability
from mtorsim.assays.western import Lane, Western, western

__all__ = [
    "Combination",
    "Comparison",
    "Estimate",
    "Fit",
    "Lane",
    "Viability",
    "Western",
    "combination",
    "fit_logistic",
    "growth_metrics",
    "growth_rate_inhibition",
    "viability",
    "western",
]
