"""The cells `scenario` and `read` of a table of targets: flow YAML in, a `Reading` out."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mtorsim import pharmacokinetics
from mtorsim.assays.doses import dose_series
from mtorsim.document import Document, Entry, parse
from mtorsim.errors import InputError, UnitError, either, shown
from mtorsim.facts import FrozenMapping
from mtorsim.regimen import Regimen
from mtorsim.scenario import Scenario, Treatment
from mtorsim.targets.in_body import ANALYSES, Analysed, BodyLevel, BodyPeak
from mtorsim.targets.in_dish import HalfDose, Level, Peak, Plate, TimeTo, Untreated
from mtorsim.targets.jobs import Body, Dish
from mtorsim.targets.points import BACKGROUNDS, Points, published
from mtorsim.targets.readings import CHANGES, SUMMARIES, Changed, Ratio, Reading, Summary
from mtorsim.units import duration, exact_concentration, exact_time, quantity

IN_A_DISH = ("cell", "drugs", "stimuli", "perturbations", "set", "species", "duration")
IN_A_BODY = ("drug", "regimen", "with", "set", "species", "duration")
PLATE = ("ic50", "half_effect", "lowest", "mean")
UNTREATED = "untreated"
_FINE = 200  # points of a curve in which a time is looked for


def mapping(text: str, where: str) -> dict[str, Any]:
    """Return the content of a cell of the table, which is a mapping in flow YAML.

    Raises
    ------
    InputError
        When it is not YAML, or no mapping.
    """
    entry = _entry(parse(text, where, InputError).content, where)
    return {key: one.content for key, one in entry.entries("a mapping such as {a: b}").items()}


def reading(
    scenario: Mapping[str, Any], read: Mapping[str, Any], points: Path, where: str
) -> Reading:
    """Return the reading that a row describes.

    Parameters
    ----------
    scenario, read : mapping
        What the cells of these names hold.
    points : Path
        File of published curves.
    where : str
        File and line, as messages begin with them.

    Raises
    ------
    InputError
        For anything that is not as it should be.
    """
    try:
        return _reading(dict(scenario), dict(read), points)
    except InputError as error:
        raise error.at(where) from None


def _entry(content: Any, where: str) -> Entry:
    return Document(where, content, {}, InputError).root


def _reading(scenario: dict[str, Any], read: dict[str, Any], points: Path) -> Reading:
    if isinstance(scenario.get("cell"), list):
        return _in_each(scenario, read, points)
    if "summary" in read:
        raise InputError("read, summary: there is one cell. Expected a list of cells.")
    how, over = read.pop("as", None), read.pop("over", None)
    own = _leaf(scenario, read, points)
    if over is not None:
        own = Ratio(own, _below(scenario, read, over, points))
    return own if how is None else Changed(own, _choice(how, CHANGES, "read, as"))


def _in_each(scenario: dict[str, Any], read: dict[str, Any], points: Path) -> Summary:
    if "summary" not in read:
        raise InputError(f"read: 'summary' is missing, one of {either(SUMMARIES)} over the cells.")
    how = _choice(read.pop("summary"), SUMMARIES, "read, summary")
    parts = [_reading({**scenario, "cell": cell}, dict(read), points) for cell in scenario["cell"]]
    if not parts:
        raise InputError("scenario, cell: expected cells, got an empty list.")
    return Summary(tuple(parts), how)


def _below(scenario: dict[str, Any], read: dict[str, Any], over: Any, points: Path) -> Reading:
    """Return what a reading is divided by: the same with something else."""
    if over == UNTREATED:
        found = _leaf(scenario, read, points)
        if not isinstance(found, Level):
            raise InputError("read, over: 'untreated' is for the level of something in a cell.")
        return Untreated(found.job, found.ids, found.per)
    if not isinstance(over, dict):
        raise InputError(
            "read, over: expected 'untreated', or a mapping of what differs, such as {drugs: {}}."
        )
    keys = _keys(scenario)
    changed = {key: value for key, value in over.items() if key in keys}
    rest = {key: value for key, value in over.items() if key not in keys}
    return _leaf({**scenario, **changed}, {**read, **rest}, points)


def _keys(scenario: Mapping[str, Any]) -> tuple[str, ...]:
    return IN_A_BODY if "regimen" in scenario else IN_A_DISH


def _choice(given: Any, choices: Iterable[str], where: str) -> str:
    return _entry(given, where).choice(choices)


# -- one reading -----------------------------------------------------------------------------------


def _leaf(scenario: dict[str, Any], read: dict[str, Any], points: Path) -> Reading:
    kinds = _OF_BODY if "regimen" in scenario else _OF_DISH
    kind = next((key for key in read if key in kinds), None)
    if kind is None:
        given = ", ".join(read) or "nothing"
        raise InputError(f"read: expected one of {either(kinds)}, got {given}.")
    required, optional, make = kinds[kind]
    _entry(read, "read").fields((kind, *required), optional)
    _entry(scenario, "scenario").fields(("drug", "regimen") if kinds is _OF_BODY else ("cell",),
                                        _keys(scenario))  # fmt: skip
    if kind == "points":
        return _points(scenario, read, points)
    return make(scenario, read)


def _texts(given: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in given) if isinstance(given, list) else (str(given),)


def _ids(read: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = _texts(read[key])
    if not found:
        raise InputError(f"read, {key}: expected an id or a list of ids, got an empty list.")
    return found


def _inner(given: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return a mapping within a cell of the table; empty where there is none."""
    found = given.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InputError(f"{key}: expected a mapping such as {{a: b}}, got {shown(found)}.")
    return dict(found)


def _time(read: Mapping[str, Any], key: str) -> float:
    minutes = duration(read[key], f"read, {key}")
    if minutes < 0:
        raise UnitError(f"read, {key}: {read[key]!r} lies before the start.")
    return minutes


def _dish(
    scenario: Mapping[str, Any], observe: Iterable[str], times: Iterable[float], **more: Any
) -> Dish:
    """Return a dish that is read at some times [min] and lasts as long as said, or as needed."""
    chosen = tuple(sorted({float(time) for time in times}))
    fields = {key: value for key, value in scenario.items() if key in IN_A_DISH}
    drugs = _inner(fields, "drugs") | more.get("drugs", {})
    own = _inner(fields, "stimuli") | more.get("stimuli", {})
    fields = {key: value for key, value in fields.items() if key not in ("drugs", "stimuli")}
    end = duration(fields.pop("duration", "0 min"), "scenario, duration")
    fields["duration"] = exact_time(max(end, *chosen, 1.0))
    treatments = [_treatment(name, dose) for name, dose in drugs.items()]
    observed = tuple(dict.fromkeys(observe))
    return Dish(Scenario(**fields, drugs=treatments, stimuli=own, observe=observed), chosen)


def _treatment(name: str, given: Any) -> Treatment:
    """Return a drug from a dose, or from a mapping of dose, start and stop."""
    if not isinstance(given, dict):
        return Treatment(name, given)
    from mtorsim.dosing import Constant

    fields = _entry(given, f"scenario, drugs, {name}").fields(("dose",), ("start", "stop"))
    return Treatment(name, Constant(**{key: one.content for key, one in fields.items()}))


def _level(scenario: Mapping[str, Any], read: Mapping[str, Any]) -> Level:
    ids, per = _ids(read, "level"), _ids(read, "per") if "per" in read else ()
    time = _time(read, "at")
    return Level(_dish(scenario, (*ids, *per), [time]), ids, time, per)


def _time_to(scenario: Mapping[str, Any], read: Mapping[str, Any]) -> TimeTo:
    how = next((key for key in ("falls_to", "covers", "back_to") if key in read), None)
    if how is None:
        raise InputError("read: time_to needs one of falls_to, covers and back_to, such as 0.5.")
    start = _time(read, "after") if "after" in read else 0.0
    if "duration" not in scenario:
        raise InputError("scenario: 'duration' is missing; a time is looked for within it.")
    end = duration(scenario["duration"], "scenario, duration")
    grid = np.linspace(start, end, _FINE + 1)
    if how == "falls_to":  # what falls at once is looked at closely
        grid = np.geomspace(end / 480, end, _FINE)
    id, share = str(read["time_to"]), quantity(read[how], "1", f"read, {how}")
    return TimeTo(_dish(scenario, [id], [0.0, *grid]), id, share, how, start)


def _peak(scenario: Mapping[str, Any], read: Mapping[str, Any]) -> Peak:
    id, other = str(read["peak"]), str(read.get("after_peak_of", ""))
    grid = np.linspace(0.0, _time(read, "until"), _FINE + 1)
    after = _time(read, "after") if "after" in read else 0.0
    return Peak(_dish(scenario, [id, other] if other else [id], grid), id, after, other)


def _half_dose(scenario: Mapping[str, Any], read: Mapping[str, Any]) -> HalfDose:
    id, drug, time = str(read["ic50"]), str(read["drug"]), _time(read, "at")
    doses = dose_series(read["doses"], drug)
    whole = dict(scenario) | _inner(read, "half_of")
    return HalfDose(
        tuple(_well(scenario, drug, dose, [id], time) for dose in doses),
        doses,
        id,
        time,
        _dish(whole, [id], [0.0]),
    )


def _well(
    scenario: Mapping[str, Any], drug: str, dose: float, observe: Iterable[str], time: float
) -> Dish:
    return _dish(scenario, observe, [time], drugs={drug: exact_concentration(dose)})


def _plate(scenario: Mapping[str, Any], read: Mapping[str, Any]) -> Plate:
    drug, time = str(read["drug"]), _time(read, "at")
    doses = dose_series(read.get("doses"), drug)
    observe = ["ATP_signal"]
    return Plate(
        _dish(scenario, observe, [time]),
        tuple(_well(scenario, drug, dose, observe, time) for dose in doses),
        doses,
        _choice(read["viability"], PLATE, "read, viability"),
    )


def _points(scenario: Mapping[str, Any], read: Mapping[str, Any], file: Path) -> Points:
    dataset, id = str(read["points"]), str(read["of"])
    data = published(file, dataset, id)
    background = _choice(read.get("background", "none"), BACKGROUNDS, "read, background")
    along = str(read.get("along", "time"))
    if along == "time":
        return Points((_dish(scenario, [id], data.x),), id, data, background)
    name = along.removeprefix("stimuli.")
    if name == along or "at" not in read:
        raise InputError("read, along: expected 'time', or 'stimuli.insulin' with 'at'.")
    doses = [exact_concentration(dose) for dose in data.x.tolist()]
    dishes = [_dish(scenario, [id], [_time(read, "at")], stimuli={name: one}) for one in doses]
    return Points(tuple(dishes), id, data, background)


# -- of a body -------------------------------------------------------------------------------------


def _body(scenario: Mapping[str, Any], end: float = 0.0) -> Body:
    if "duration" not in scenario and not end:
        raise InputError("scenario: 'duration' is missing, how long blood is drawn.")
    given = duration(scenario["duration"], "scenario, duration") if "duration" in scenario else 0.0
    drug, species = str(scenario["drug"]), str(scenario.get("species", "human"))
    # Complain of what is none.
    Regimen(str(scenario["regimen"]))
    pharmacokinetics.load(drug, species)
    return Body(
        drug=drug,
        regimen=str(scenario["regimen"]),
        end=max(given, end),
        species=species,
        modifiers=_texts(scenario.get("with") or []),
        set=FrozenMapping(_inner(scenario, "set")),
    )


def _analysed(scenario: Mapping[str, Any], read: Mapping[str, Any]) -> Analysed:
    limit = read.get("limit")
    return Analysed(
        _body(scenario),
        _choice(read["analysis"], ANALYSES, "read, analysis"),
        _texts(read.get("of", scenario["drug"])),
        dose=-1 if _choice(read.get("dose", "first"), ("first", "last"), "dose") == "last" else 0,
        limit=None if limit is None else 1e6 * quantity(limit, "g/litre", "read, limit"),
        window=_time(read, "window") if "window" in read else np.inf,
        per_dose=_per_dose(read),
    )


def _body_level(scenario: Mapping[str, Any], read: Mapping[str, Any]) -> BodyLevel:
    given = read.get("between", [read.get("at")])
    if not isinstance(given, list) or None in given or len(given) != 1 + ("between" in read):
        raise InputError("read: level needs 'at: 24 h', or 'between: [0 h, 24 h]'.")
    times = tuple(duration(one, "read, at") for one in given)
    return BodyLevel(_body(scenario, max(times)), str(read["level"]), times, _per_dose(read))


def _body_peak(scenario: Mapping[str, Any], read: Mapping[str, Any]) -> BodyPeak:
    until = _time(read, "until")
    after = _time(read, "after") if "after" in read else 0.0
    return BodyPeak(_body(scenario, until), str(read["peak"]), until, after)


def _per_dose(read: Mapping[str, Any]) -> bool:
    return "per" in read and _choice(read["per"], ("dose",), "read, per") == "dose"


_Kinds = Mapping[str, tuple[tuple[str, ...], tuple[str, ...], Callable[..., Reading]]]

_OF_DISH: _Kinds = {
    "level": (("at",), ("per",), _level),
    "time_to": ((), ("falls_to", "covers", "back_to", "after"), _time_to),
    "peak": (("until",), ("after", "after_peak_of"), _peak),
    "ic50": (("drug", "at", "doses"), ("half_of",), _half_dose),
    "viability": (("drug", "at"), ("doses",), _plate),
    "points": (("of",), ("background", "along", "at"), _points),
}
_OF_BODY: _Kinds = {
    "analysis": ((), ("of", "dose", "limit", "window", "per"), _analysed),
    "level": ((), ("at", "between", "per"), _body_level),
    "peak": (("until",), ("after",), _body_peak),
}
"""First key of `read` -> other keys it needs, those it may have, and what it makes of them."""
