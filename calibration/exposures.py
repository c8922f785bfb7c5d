"""Pharmacokinetic rows of published/targets.csv, simulated with values on trial."""

from collections.abc import Iterable, Mapping
from functools import cache

from experiments import Values, targets

from mtorsim.perturbation import load as perturbation
from mtorsim.targets import Outcomes, Target

FIT = "calibration/pharmacokinetics.py"
GROUP = "pharmacokinetics"
CYP3A = "CYP3A_activity"
MODIFIERS = ("rifampin",)
"""Perturbations whose factor on CYP3A activity is fitted."""


@cache
def rows() -> Mapping[str, Target]:
    """Return id -> row, of those on pharmacokinetics."""
    return {id: one for id, one in targets().items() if one.group == GROUP}


def of_use(use: str) -> list[Target]:
    """Return the rows of a use."""
    return [one for one in rows().values() if one.use == use]


def measured(chosen: Iterable[Target], values: Values) -> dict[str, float]:
    """Return id -> what the models give.

    Parameters
    ----------
    chosen : iterable of Target
    values : mapping of str to float
        Id of a parameter, or name of a perturbation (its factor on CYP3A activity), -> value.
    """
    own = {f"{id}.{CYP3A}" if id in MODIFIERS else id: one for id, one in values.items()}
    carry_out = Outcomes(own)
    return {one.id: one.read(carry_out) for one in chosen}


def fitted(values: Values) -> dict[str, float]:
    """Return id -> model for the rows that the fit is made to."""
    return measured(of_use("calibrated"), values)


def activity(name: str) -> float:
    """Return the factor on CYP3A activity that a perturbation has in the models now."""
    factor = next(one.multiply for one in perturbation(name).changes if one.target == CYP3A)
    assert factor is not None
    return factor


def all_rows(values: Values, without: Iterable[str] = ()) -> dict[str, float]:
    """Return id -> model for every row that is simulated, but for those named."""
    left_out = {*without}
    return measured(
        [one for one in rows().values() if one.is_simulated and one.id not in left_out], values
    )
