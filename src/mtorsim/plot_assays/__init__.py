"""Figures of assays: dose-response curves, blots, matrices of two drugs."""

from mtorsim.plot_assays.blot import western_figure
from mtorsim.plot_assays.curves import comparison_figure, viability_figure
from mtorsim.plot_assays.matrix import combination_figure

__all__ = ["combination_figure", "comparison_figure", "viability_figure", "western_figure"]
