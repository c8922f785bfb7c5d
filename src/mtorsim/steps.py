"""What an engine is asked to do: output times, settings, and values that change on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """Values that are set at one instant of a run.

    Attributes
    ----------
    time : float
        When [min].
    values : mapping of str to float
        Id of a species (concentration [nM]) or parameter -> new value in model units.
    """

    time: float
    values: Mapping[str, float]


@dataclass(frozen=True)
class Run:
    """One simulation of a compiled model.

    Attributes
    ----------
    times : array, shape (n,)
        Output times [min], increasing; the first is the start.
    settings : mapping of str to float
        Id of a parameter or species -> value from the start on. What is not named has the value
        of the model.
    start : mapping of str to float
        Species -> concentration at the start [nM]; goes before `settings`.
    steps : sequence of Step
        In order of time, each after the start.
    """

    times: Floats
    settings: Mapping[str, float] = field(default_factory=dict)
    start: Mapping[str, float] = field(default_factory=dict)
    steps: Sequence[Step] = ()
