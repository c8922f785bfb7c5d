"""Points: the scenario that the values of the axes make of the common one."""

import re
from collections.abc import Sequence
from typing import Any

from mtorsim.dosing import Constant, Repeated, Schedule
from mtorsim.errors import InputError, ScenarioError, within
from mtorsim.regimen import Phase, Regimen
from mtorsim.regimen_text import looks_like_regimen
from mtorsim.scenario import Scenario, Treatment
from mtorsim.sweeps.axes import Axis, Value

_REPEATING = ("every", "times", "exposure")
_AMOUNT = re.compile(r"\S+ \S+")  # what a phase of a regimen begins with: "25 mg", "15 mg/m2"


def changed(scenario: Scenario, axes: Sequence[Axis], values: Sequence[Value]) -> Scenario:
    """Return the scenario of one point.

    Parameters
    ----------
    scenario : Scenario
        What all points have in common.
    axes : sequence of Axis
    values : sequence
        One value for each axis.

    Raises
    ------
    InputError
        For a value that the scenario refuses; see `axis_to_blame`.
    """
    fields: dict[str, Any] = {}
    given: dict[str, dict[str, str]] = {}
    for one, value in zip(axes, values, strict=True):
        text = one.text(value)
        group, _, rest = one.target.partition(".")
        if group == "drugs":
            drug, _, field = rest.rpartition(".")
            given.setdefault(drug, {})[field] = str(text)
        elif group == "stimuli":
            fields.setdefault("stimuli", _stimuli(scenario))[rest] = text
        elif one.target == "perturbations":
            fields["perturbations"] = _names(text)
        elif one.target == "member":
            fields["member"] = _whole(value) if isinstance(value, float) else value
        elif one.is_parameter:
            is_bare = isinstance(value, float) and not one.unit
            fields.setdefault("set", dict(scenario.set))[one.target] = value if is_bare else text
        else:
            fields[one.target] = text
    if given:
        fields["drugs"] = _treatments(scenario, given)
    return scenario.replace(**fields)


def axis_to_blame(error: InputError, axes: Sequence[Axis]) -> Axis | None:
    """Return the axis whose value a scenario or its model refused; None for what they share."""
    group, name, *_ = (*map(str, error.path), "", "")
    if group == "drugs":
        fitting = [one for one in axes if one.target.startswith("drugs.")]
        mine = [one for one in fitting if one.target.startswith(f"drugs.{name}.")] or fitting
        exact = [one for one in mine if one.target.endswith(f".{error.path[-1]}")]
        return next(iter(exact + mine), None)
    targets = {group, name} if group == "set" else {group, f"stimuli.{name}"}
    return next((one for one in axes if one.target in targets), None)


def _stimuli(scenario: Scenario) -> dict[str, str]:
    return {name: f"{dose!r} nM" for name, dose in scenario.stimuli.items()}


def _names(given: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return perturbations: ``"none"``, one name, or several joined by ``+``."""
    if isinstance(given, tuple):
        return given
    return () if given == "none" else tuple(one.strip() for one in given.split("+"))


def _treatments(scenario: Scenario, given: dict[str, dict[str, str]]) -> tuple[Treatment, ...]:
    planned = {one.drug: one for one in scenario.drugs}
    for drug, fields in given.items():
        schedule = planned[drug].schedule if drug in planned else None
        with within("drugs", drug):
            planned[drug] = Treatment(drug, _scheduled(drug, schedule, fields))
    return tuple(planned.values())


def _scheduled(
    drug: str, planned: Schedule | Regimen | None, fields: dict[str, str]
) -> Schedule | Regimen:
    is_regimen = "regimen" in fields or isinstance(planned, Regimen)
    if is_regimen or (planned is None and looks_like_regimen(fields.get("dose"))):
        return _regimen(drug, planned if isinstance(planned, Regimen) else None, fields)
    every = {} if planned is None else planned.to_dict()
    every |= fields
    if "dose" not in every:
        raise ScenarioError(
            f"drugs.{drug}: the scenario does not give {drug}. Give it, or vary its dose as well."
        )
    repeating = [key for key in _REPEATING if key in every]
    if not repeating:
        return Constant(**every)  # type: ignore[arg-type]
    missing = [key for key in ("every", "times") if key not in every]
    if missing:
        raise ScenarioError(f"drugs.{drug}: a repeated dose needs {missing[0]!r} as well.")
    if "stop" in every:
        raise ScenarioError(
            f"drugs.{drug}: 'stop' does not go with {repeating[0]!r}. "
            "To wash out after each dose give 'exposure'."
        )
    return Repeated(**{**every, "times": _whole(every["times"])})  # type: ignore[arg-type]


def _whole(given: object) -> object:
    """Return a number of doses; what is no whole number as it is, to be refused by name."""
    number = float(str(given))
    return int(number) if number.is_integer() else number


def _regimen(drug: str, planned: Regimen | None, fields: dict[str, str]) -> Regimen:
    for key in ("stop", *_REPEATING):
        if key in fields:
            raise ScenarioError(
                f"drugs.{drug}.{key}: {drug} is given as a regimen, which says when. "
                f"Vary drugs.{drug}.regimen."
            )
    arguments: dict[str, Any] = {} if planned is None else planned.to_dict()
    if "regimen" in fields or planned is None:
        arguments["regimen"] = fields.get("regimen", fields.get("dose"))
    made = Regimen(**(arguments | {key: fields[key] for key in ("start",) if key in fields}))
    if "dose" in fields and arguments["regimen"] != fields["dose"]:
        return _with_amount(drug, made, fields["dose"])
    return made


def _with_amount(drug: str, regimen: Regimen, amount: str) -> Regimen:
    """Return a regimen with another amount at each dose."""
    phases = [one for one in regimen.parts if isinstance(one, Phase)]
    if len({(one.amount, one.per) for one in phases}) > 1:
        raise ScenarioError(
            f"drugs.{drug}.dose: the doses of {regimen.text!r} differ. Vary drugs.{drug}.regimen."
        )
    if not looks_like_regimen(amount):
        raise ScenarioError(
            f"drugs.{drug}.dose: {drug} is given to a body: expected a mass such as '25 mg', "
            f"got {amount!r}."
        )
    new = " ".join(amount.split())
    texts = [
        _AMOUNT.sub(new, one.text, count=1) if isinstance(one, Phase) else one.text
        for one in regimen.parts
    ]
    return regimen.replace(regimen=" then ".join(texts))
