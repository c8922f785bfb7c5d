"""The map that tells the drug layer which parts of a network it acts on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from mtorsim.errors import ModelError
from mtorsim.paths import models_path

READOUTS = (
    "FKBP12_drug",
    "drug_medium",
    "mTORC1_FRB_occupied",
    "mTORC1_kinase_occupied",
    "mTORC2_kinase_occupied",
)
"""What the layer sums up over all drugs."""


@dataclass(frozen=True)
class Activity:
    """What contributes to an activity.

    Attributes
    ----------
    forms : tuple of str
        Forms of mTOR that are active. A form whose kinase site is held by a drug is not.
    residual : str, optional
        Parameter: activity left when the FRB domain is held. None where it never is.
    """

    forms: tuple[str, ...]
    residual: str | None = None


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Which parts of a network the drug layer acts on.

    Attributes
    ----------
    cell, medium : str
        Compartments.
    FKBP12, FKBP51 : str
        Species that bind the drugs.
    free_mTOR, mTORC1 : tuple of str
        Forms with an open FRB domain, outside and inside mTORC1.
    mTORC2 : tuple of str
        Forms of mTORC2, in which the FRB domain is hidden: FKBP12-drug cannot dock.
    bridged : tuple of str
        Forms on which one molecule of a bi-steric drug reaches both sites.
    Kd_ratio : str
        Parameter: how many times weaker FKBP12-drug docks on mTORC1 than on free mTOR.
    assembly : mapping of str to str
        Reaction that makes a complex -> rate constant at which it falls apart. In occupied forms
        detailed balance multiplies it by the ratio of the drug's two dissociation constants.
    activity : mapping of str to Activity
        Assignment-rule variable -> what contributes to it.
    totals : tuple of str
        Assignment-rule variables that count twins like the forms themselves.
    open_totals : tuple of str
        The same, counting only twins whose FRB domain is open.
    readouts : mapping of str to str
        ``FKBP12_drug``, ``drug_medium``, ``mTORC1_FRB_occupied``, ``mTORC1_kinase_occupied``,
        ``mTORC2_kinase_occupied`` -> parameter that becomes the sum.
    whole : mapping of str to str
        Form -> variable of `totals` that counts it in all its states: these compete where a rate
        saturates. Not needed where rates are proportional to the forms, as in our own network.
    """

    cell: str
    medium: str
    FKBP12: str
    FKBP51: str
    free_mTOR: tuple[str, ...]
    mTORC1: tuple[str, ...]
    mTORC2: tuple[str, ...]
    bridged: tuple[str, ...]
    Kd_ratio: str
    assembly: Mapping[str, str]
    activity: Mapping[str, Activity]
    totals: tuple[str, ...]
    open_totals: tuple[str, ...]
    readouts: Mapping[str, str]
    whole: Mapping[str, str] = field(default_factory=dict)

    @property
    def open_forms(self) -> tuple[str, ...]:
        """Every form with an open FRB domain."""
        return self.free_mTOR + self.mTORC1

    @property
    def forms(self) -> tuple[str, ...]:
        """Every form of mTOR."""
        return self.open_forms + self.mTORC2


def load_roles(path: Path) -> Roles:
    """Read a map file; `ModelError` when a key is missing or unknown."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        content |= content.pop("compartments")
        content["activity"] = {
            name: Activity(tuple(entry["forms"]), entry.get("residual"))
            for name, entry in content["activity"].items()
        }
        lists = {key: tuple(value) for key, value in content.items() if isinstance(value, list)}
        return Roles(**{**content, **lists})
    except (TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{path}: not a map for the drug layer: {error}.") from None


@cache
def network_roles() -> Roles:
    """Return the map of the network that mtorsim ships."""
    return load_roles(models_path("roles.yaml"))
