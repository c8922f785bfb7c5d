"""What a row is drawn from: published curves and dose-responses beside the model."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mtorsim.steps import Floats
from mtorsim.targets import Dish, Target
from mtorsim.targets.in_dish import HalfDose, Plate
from mtorsim.targets.jobs import curves
from mtorsim.targets.points import Points
from mtorsim.targets.readings import CarryOut, Changed, Ratio, Reading, Summary

_FINE = 200


@dataclass(frozen=True, eq=False)
class Course:
    """A published curve and the model scaled to it.

    Attributes
    ----------
    x, mean, sd : array, shape (n,)
        As published.
    fine, model : array, shape (m,)
        The model between the points.
    along : str
        ``"time"`` [min] or ``"dose"`` [nM].
    background : float
        Offset that the fit added, as a share of the highest published point.
    constant : float
        What the best constant would catch [% of points].
    """

    x: Floats
    mean: Floats
    sd: Floats
    fine: Floats
    model: Floats
    along: str
    background: float
    constant: float


@dataclass(frozen=True, eq=False)
class DoseResponse:
    """What is left of a read-out after doses of a drug.

    Attributes
    ----------
    label : str
        Cell and perturbations.
    doses : array, shape (n,)
        [nM], above zero.
    percent : array, shape (n,)
        Of control.
    """

    label: str
    doses: Floats
    percent: Floats


def course(target: Target, carry_out: CarryOut) -> Course | None:
    """Return the curve of a row; None for one that has none."""
    reading = target.reading
    if not isinstance(reading, Points):
        return None
    at_points = reading.model(carry_out)
    scale, background = reading.scale(at_points)
    fine, model = _between(reading, at_points, carry_out)
    data = reading.data
    return Course(
        *(data.x, data.mean, data.sd, fine, scale * model + background),
        along="time" if len(reading.dishes) == 1 else "dose",
        background=background / float(data.mean.max()),
        constant=reading.of_a_constant(),
    )


def _between(reading: Points, at_points: Floats, carry_out: CarryOut) -> tuple[Floats, Floats]:
    if len(reading.dishes) > 1:
        return reading.data.x, at_points
    dish = reading.dishes[0]
    end = float(reading.data.x.max())
    fine = np.unique(np.concatenate([np.linspace(0, end, _FINE), np.geomspace(0.1, end, 60)]))
    found = curves(carry_out(replace(dish, times=tuple(fine.tolist()))))
    return found.time, found.values[reading.id]


def dose_responses(target: Target, carry_out: CarryOut) -> list[DoseResponse]:
    """Return the dose-responses that a row is read from; none for most."""
    if target.reading is None:
        return []
    return list(_responses(target.reading, carry_out))


def _responses(reading: Reading, carry_out: CarryOut) -> Iterator[DoseResponse]:
    if isinstance(reading, HalfDose):
        whole = curves(carry_out(reading.reference)).baseline[reading.id]
        left = [curves(carry_out(well)).values[reading.id][-1] / whole for well in reading.wells]
        yield DoseResponse(_label(reading.wells[0]), np.array(reading.doses), 100 * np.array(left))
    elif isinstance(reading, Plate):
        percent = reading.percent(carry_out)[1:]
        yield DoseResponse(_label(reading.wells[0]), np.array(reading.doses), percent)
    elif isinstance(reading, Ratio):
        yield from _responses(reading.top, carry_out)
        yield from _responses(reading.bottom, carry_out)
    elif isinstance(reading, Changed):
        yield from _responses(reading.part, carry_out)
    elif isinstance(reading, Summary):
        for part in reading.parts:
            yield from _responses(part, carry_out)


def _label(dish: Dish) -> str:
    scenario = dish.scenario
    drugs = ", ".join(one.drug for one in scenario.drugs)
    return " ".join([scenario.cell, *scenario.perturbations, drugs])
