"""Sweeps: one scenario at many points, on one machine or on many."""

from mtorsim.sweep.axes import Axis, axis, linspace, logspace
from mtorsim.sweep.carry_out import carry_out, estimate, sweep
from mtorsim.sweep.plan import Plan, plan
from mtorsim.sweep.result import Sweep
from mtorsim.sweep.store import opened

__all__ = [
    "Axis",
    "Plan",
    "Sweep",
    "axis",
    "carry_out",
    "estimate",
    "linspace",
    "logspace",
    "opened",
    "plan",
    "sweep",
]
