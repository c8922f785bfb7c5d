"""Sweeps: one scenario at many points, on one machine or on many."""

from mtorsim.sweeps.axes import Axis, axis, linspace, logspace
from mtorsim.sweeps.carry_out import carry_out, estimate, runnable, sweep
from mtorsim.sweeps.plan import Plan, plan
from mtorsim.sweeps.result import Sweep, open_sweep

__all__ = [
    "Axis",
    "Plan",
    "Sweep",
    "axis",
    "carry_out",
    "estimate",
    "linspace",
    "logspace",
    "open_sweep",
    "plan",
    "runnable",
    "sweep",
]
