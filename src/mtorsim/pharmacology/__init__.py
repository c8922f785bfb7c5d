"""Pharmacokinetics of a regimen: exposure in blood, plasma and tumour, and its analysis."""

from mtorsim.pharmacology.comparison import Comparison
from mtorsim.pharmacology.ensemble import members
from mtorsim.pharmacology.exposure import Exposure, exposure
from mtorsim.pharmacology.noncompartmental import (
    Accumulation,
    Analysis,
    accumulation,
    analyse,
    area,
)

__all__ = [
    "Accumulation",
    "Analysis",
    "Comparison",
    "Exposure",
    "accumulation",
    "analyse",
    "area",
    "exposure",
    "members",
]
