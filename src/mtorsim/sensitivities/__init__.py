"""Sensitivity: how much each parameter moves each read-out, near the model's values and far off."""

from mtorsim.sensitivities.carry_out import sensitivity
from mtorsim.sensitivities.result import Sensitivity

__all__ = ["Sensitivity", "sensitivity"]
