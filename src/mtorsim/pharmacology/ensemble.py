"""The spread of pharmacokinetic parameters: fits that agree with the published exposures."""

from collections.abc import Mapping
from functools import cache

import pandas as pd

from mtorsim import perturbation
from mtorsim.errors import InputError, ModelError
from mtorsim.ids import sid
from mtorsim.library import BODY_FOLDER, body_sbml
from mtorsim.paths import models_path
from mtorsim.symbols import symbols

_CYP3A = "CYP3A_activity"


def members(
    drug: str, species: str = "human", modifiers: tuple[str, ...] = ()
) -> list[dict[str, float]]:
    """Return the accepted fits of the model of a drug, for `set` of an exposure or a scenario.

    Parameters
    ----------
    drug, species : str
        Whose model; ids that it does not have are left out.
    modifiers : tuple of str
        Perturbations of the body that go with it; where the fits differ in how strong one is, the
        value of that fit is part of it.

    Returns
    -------
    list of dict
        Id of a parameter -> value, in model units; the best fit, which stands in the model files,
        is not among them.

    Raises
    ------
    UnknownIdError
        For a drug that is not modelled in this species.
    InputError
        For a drug whose own parameters were not fitted: they are assumed, and no fit varies them.
    ModelError
        When the file of the ensemble is not there.
    """
    table = symbols(body_sbml(species, (drug,)))
    rows = _rows()
    if not any(id in table and sid(drug) in id for row in rows[:1] for id in row):
        raise InputError(
            f"{drug} has no accepted fits: its parameters are assumed and were fitted to nothing."
        )
    return [_member(row, table, modifiers) for row in rows]


def _member(
    row: Mapping[str, float], table: Mapping[str, object], modifiers: tuple[str, ...]
) -> dict[str, float]:
    own = {id: value for id, value in row.items() if id in table}
    # What is set goes before what a perturbation does, so its factor is written out.
    factors = [row.get(name, _factor(name)) for name in modifiers]
    product = 1.0
    for factor in factors:
        product *= factor
    return own | ({_CYP3A: product} if product != 1.0 else {})


def _factor(name: str) -> float:
    changes = perturbation.load(name).changes
    return next((one.multiply or 1.0 for one in changes if one.target == _CYP3A), 1.0)


def every_fit() -> list[dict[str, float]]:
    """Return all accepted fits as `targets.Values`; a modifier of the body has its own name."""
    return [
        {f"{id}.{_CYP3A}" if id in perturbation.names() else id: value for id, value in row.items()}
        for row in _rows()
    ]


@cache
def _rows() -> tuple[Mapping[str, float], ...]:
    path = models_path(BODY_FOLDER, "ensemble.csv")
    if not path.is_file():
        raise ModelError(f"no file {path.name} of accepted fits. Install mtorsim again.")
    return tuple(pd.read_csv(path).to_dict("records"))  # type: ignore[arg-type]
