"""Scenario files: YAML in, a `Scenario` out, and the JSON Schema that editors can check with.

The shape of a file (keys and types) is described here by pydantic models; what the values mean is
checked by `Scenario` itself, whose errors are given the line they belong to.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mtorsim.document import Document, dotted, kind_of, read, unknown_key
from mtorsim.dosing import Constant, Repeated, Schedule
from mtorsim.errors import InputError, ScenarioError, UnitError, about, shown, within
from mtorsim.pharmacokinetics import SPECIES
from mtorsim.regimen import Regimen
from mtorsim.regimen_text import looks_like_regimen
from mtorsim.scenario import Scenario, Treatment

_CONFIG = ConfigDict(extra="forbid", strict=True)
_Keys: TypeAlias = tuple[str | int, ...]

_REPEATING = ("every", "times", "exposure")
_IN_DISH = ("stop", *_REPEATING)
_QUANTITIES = {"duration", "dose", "start", "stop", "every", "exposure"}
_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number or text",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}

_Time: TypeAlias = Annotated[str, Field(examples=["72 h", "30 min"])]
_Concentration: TypeAlias = Annotated[str, Field(examples=["20 nM", "0.1 uM"])]
_Unique = {"uniqueItems": True}
# For editors; of a file that is read `_treatment` says what is wrong, in our words.
_Either: Any = {
    "oneOf": [
        {"required": ["dose"]},
        {"required": ["regimen"], "not": {"anyOf": [{"required": [key]} for key in _IN_DISH]}},
    ]
}


def _absent(**extra: Any) -> Any:
    """Describe a key that may be left out, but not be null; `extra` goes into the schema.

    Only keys that are there are read from the model.
    """

    def changed(schema: dict[str, Any]) -> None:
        del schema["default"]
        schema |= extra

    return Field(default=None, json_schema_extra=changed)


_ABSENT = _absent()


class DrugEntry(BaseModel):
    """A drug, and either its dose in the medium or its regimen in a body.

    A dose is given once (start, stop) or repeated (every, times, exposure).
    """

    model_config = _CONFIG | ConfigDict(json_schema_extra=_Either)

    name: Annotated[str, Field(description="Name of a drug.", examples=["temsirolimus"])]
    dose: Annotated[
        _Concentration, Field(description="Concentration in the fresh medium; also '18 ng/mL'.")
    ] = _ABSENT
    regimen: Annotated[
        str,
        Field(
            description="What a patient or an animal is given, by which route and how often.",
            examples=["25 mg IV over 30 min weekly x4", "10 mg PO daily", "20 mg/kg IP daily x5"],
        ),
    ] = _ABSENT
    start: Annotated[_Time, Field(description="When the drug is given first; 0 h if left out.")] = (
        _ABSENT
    )
    stop: Annotated[_Time, Field(description="When it is washed out; never if left out.")] = _ABSENT
    every: Annotated[_Time, Field(description="From one dose to the next.")] = _ABSENT
    times: Annotated[int, Field(description="Number of doses.", examples=[3])] = _ABSENT
    exposure: Annotated[
        _Time, Field(description="How long each dose stays before it is washed out.")
    ] = _ABSENT


class ScenarioFile(BaseModel):
    """What is done to a cell, for how long, and what is read."""

    model_config = _CONFIG

    cell: Annotated[str, Field(description="Name of a cell.", examples=["786-O"])] = "786-O"
    duration: Annotated[
        _Time,
        Field(
            description="How long to simulate, above zero; if left out 72 h, or with regimens "
            "until the last is over."
        ),
    ] = _ABSENT
    perturbations: Annotated[
        list[str],
        Field(
            description="Names of perturbations, carried out in this order.",
            examples=[["PTEN_loss"]],
            json_schema_extra=_Unique,
        ),
    ] = []
    stimuli: Annotated[
        dict[str, _Concentration],
        Field(
            description="Growth factors and nutrients in the medium from time 0.",
            examples=[{"insulin": "10 nM"}],
        ),
    ] = {}
    drugs: Annotated[
        list[DrugEntry],
        Field(
            description="Each drug once.",
            examples=[
                [{"name": "temsirolimus", "dose": "20 nM"}],
                [{"name": "temsirolimus", "regimen": "25 mg IV over 30 min weekly x4"}],
            ],
        ),
    ] = []
    set: Annotated[
        dict[str, float | str],
        Field(
            description="Parameters or species and their values; a bare number is in their unit.",
            examples=[{"kphos_S6K1_by_mTORC1": "0.03 1/(nM*min)"}],
        ),
    ] = {}
    observe: Annotated[
        list[str],
        Field(
            description="Ids to read; all observables if left out.",
            examples=[["S6K1_pT389", "AKT_pS473"]],
            json_schema_extra=_Unique,
        ),
    ] = []
    species: Annotated[
        str,
        Field(
            description="Whose body regimens go through.",
            examples=list(SPECIES),
            json_schema_extra={"enum": list(SPECIES)},
        ),
    ] = SPECIES[0]
    member: Annotated[
        int,
        Field(
            description="Parameter set of the ensemble, from 1; the shipped values if left out.",
            examples=[7],
        ),
    ] = _ABSENT


class RangeEntry(BaseModel):
    """A range of numbers: its two ends, and how many values between them."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    start: Annotated[float | str, Field(alias="from", examples=["0.01 nM"])]
    to: Annotated[float | str, Field(examples=["100 nM"])]
    points: Annotated[
        int, Field(description="Number of values; none for a design that samples.", examples=[9])
    ] = _ABSENT
    spacing: Annotated[
        str,
        Field(
            description="Of the values, or of the range that is sampled; linear if left out.",
            examples=["log"],
        ),
    ] = _absent(enum=["linear", "log"])


class SweepFile(ScenarioFile):
    """A scenario, what of it varies, and what is read."""

    vary: Annotated[
        dict[str, RangeEntry | list[float | str | list[str]]],
        Field(
            description="What varies: cell, perturbations, duration, species, "
            "drugs.NAME.dose (start, stop, every, times, exposure, regimen), stimuli.NAME, or a "
            "parameter.",
            examples=[{"cell": ["786-O", "Caki-1"]}],
        ),
    ] = _ABSENT
    design: Annotated[
        str,
        Field(
            description="Which combinations of the values; every one if left out.",
            examples=["grid"],
        ),
    ] = _absent(enum=["grid", "list", "random", "latin_hypercube", "sobol"])
    points: Annotated[
        int, Field(description="How many, for a design that samples.", examples=[100])
    ] = _ABSENT
    seed: Annotated[
        int, Field(description="Of a design that samples; 0 if left out.", examples=[0])
    ] = _ABSENT
    read: Annotated[
        list[str],
        Field(
            description="What is kept of each curve; everything if left out.",
            examples=[["end", "auc"]],
        ),
    ] = _absent(items={"type": "string", "enum": ["curves", "end", "auc", "peak", "time_to_peak"]})
    times: Annotated[
        list[str],
        Field(
            description="Output times; if left out 73 for curves, and as many as readings need.",
            examples=[["0 h", "24 h"]],
        ),
    ] = _ABSENT
    relative_tolerance: Annotated[
        float | str, Field(description="Of the integrator; 1e-6 if left out.", examples=[1e-6])
    ] = _ABSENT
    engine: Annotated[
        str, Field(description="What simulates; RoadRunner if left out.", examples=["roadrunner"])
    ] = _absent(enum=["roadrunner", "amici"])


_OF_SWEEP = tuple(name for name in SweepFile.model_fields if name not in ScenarioFile.model_fields)


def load(path: str | Path) -> Scenario:
    """Read a scenario file.

    Parameters
    ----------
    path : str or Path
        A YAML file as `schema` describes it; every key may be left out.

    Returns
    -------
    Scenario

    Raises
    ------
    ScenarioError
        When there is no such file, it is not YAML, or a key is unknown, missing, twice there or of
        the wrong type.
    UnknownIdError, UnitError, RegimenError
        As `Scenario` does. The message begins with file and line.
    """
    return load_with_keys(path)[0]


def load_with_keys(
    path: str | Path, *, sweep: bool = False
) -> tuple[Scenario, frozenset[str], dict[str, Any]]:
    """Read a scenario file as `load` does, or a sweep file.

    Returns
    -------
    Scenario
    frozenset of str
        Keys of a scenario that the file gives.
    dict
        Keys of a sweep and their content: vary, design, points, seed, read, times,
        relative_tolerance; none for a scenario file.
    """
    document = read(path, ScenarioError)
    fields = _checked(document, SweepFile if sweep else ScenarioFile)
    own = {key: fields.pop(key) for key in _OF_SWEEP if key in fields}
    keys = frozenset(fields)
    with _located(document):
        return _scenario(fields), keys, own


@contextmanager
def located(path: str | Path) -> Iterator[None]:
    """Put file and line in front of any `InputError` about a scenario that came from `path`."""
    with _located(read(path, ScenarioError)):
        yield


def schema(*, sweep: bool = False) -> dict[str, Any]:
    """Return the JSON Schema of scenario files, or of sweep files."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **(SweepFile if sweep else ScenarioFile).model_json_schema(by_alias=True),
        "title": "mtorsim sweep" if sweep else "mtorsim scenario",
    }


@contextmanager
def _located(document: Document) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise error.at(document.where(error.path)) from None


def _checked(document: Document, shape: type[ScenarioFile]) -> dict[str, Any]:
    """Return the content of a file, with keys and types as they should be."""
    content = document.content
    if not isinstance(content, dict):
        raise document.root.error(
            f"expected 'key: value' lines such as 'cell: 786-O', got {kind_of(content)}."
        )
    if "vary" in content and shape is ScenarioFile:
        raise ScenarioError(
            f"{document.where(('vary',))}: 'vary' makes this a sweep file. "
            "Run it with 'mtorsim sweep', or take 'vary' out."
        )
    try:
        return shape.model_validate(content).model_dump(exclude_unset=True, by_alias=True)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        found = [(_keys(one["loc"]), one) for one in faults if _is_meant(one["loc"], content)]
        # The order of the file, not that of the model.
        keys, first = min(found, key=lambda one: document.line(one[0]) or 0)
        raise ScenarioError(
            f"{document.where(keys)}: {_complaint(first['type'], keys, first['input'])}"
        ) from None


def _is_meant(keys: _Keys, content: Mapping[str, Any]) -> bool:
    """Whether a fault is one of what was meant: pydantic tries an axis as a range and as a list."""
    if keys[0] != "vary" or len(keys) < 3:
        return True
    return (keys[2] == RangeEntry.__name__) == isinstance(content["vary"][keys[1]], dict)


def _keys(keys: _Keys) -> _Keys:
    """Return the keys of a fault as they are in the file."""
    if keys[0] != "vary" or len(keys) < 3:
        return keys
    return keys[:2] + (keys[3:] if keys[2] == RangeEntry.__name__ else ())


def _scenario(fields: dict[str, Any]) -> Scenario:
    entries = fields.pop("drugs", [])
    treatments = []
    for k, entry in enumerate(entries):
        with within("drugs", k):
            treatments.append(_treatment(**entry))
    return Scenario(drugs=treatments, **fields)


def _treatment(name: str, **timing: Any) -> Treatment:
    with about(name):
        schedule = _regimen(timing) if "regimen" in timing else _schedule(timing)
    return Treatment(name, schedule)


def _regimen(timing: Mapping[str, Any]) -> Regimen:
    for key in ("dose", *_IN_DISH):
        if key in timing:
            with within(key):
                raise ScenarioError(f"{key!r} does not go with 'regimen'. {_INSTEAD[key]}")
    return Regimen(**timing)


_INSTEAD = {
    "dose": "Give the regimen to a body, or the dose to a dish.",
    **dict.fromkeys(_IN_DISH, "Say in the regimen how often it is given, as in 'weekly x4'."),
}


def _schedule(timing: Mapping[str, Any]) -> Schedule:
    if "dose" not in timing:
        raise ScenarioError("'dose' or 'regimen' is missing.")
    if looks_like_regimen(dose := timing["dose"]):
        with within("dose"):
            raise UnitError(
                f"dose: {shown(dose)} is a mass, and a medium has a concentration such as '20 nM'. "
                f"To give it to a body write 'regimen: {dose}'."
            )
    repeating = [key for key in _REPEATING if key in timing]
    if not repeating:
        return Constant(**timing)
    _check_repeating(timing, repeating)
    return Repeated(**timing)


def _check_repeating(timing: Mapping[str, Any], repeating: list[str]) -> None:
    if "stop" in timing:
        with within("stop"):
            raise ScenarioError(
                f"'stop' does not go with {repeating[0]!r}. "
                "To wash out after each dose give 'exposure'."
            )
    for key in ("every", "times"):
        if key not in timing:
            raise ScenarioError(f"{key!r} is missing: a repeated dose needs 'every' and 'times'.")


def _complaint(kind: str, keys: _Keys, given: object) -> str:
    """Say in our words what pydantic found."""
    if kind == "extra_forbidden":
        return unknown_key(str(keys[-1]), _place(keys)[0].model_fields)
    if kind == "missing":
        return f"{dotted(keys[:-1])}: {str(keys[-1])!r} is missing."
    if keys[0] == "set":
        keys = keys[:2]  # pydantic adds which of the allowed types it tried
    if _is_number(given) and _is_quantity(keys):
        return (
            f"{dotted(keys)}: {shown(given)} has no unit. Expected text such as {_example(keys)}."
        )
    expected = f"{_TYPES.get(kind, 'something else')} such as {_example(keys)}"
    return f"{dotted(keys)}: expected {expected}, got {kind_of(given)}."


def _place(keys: _Keys) -> tuple[type[BaseModel], str, _Keys]:
    """Return the model and field that keys lead to, and the keys within that field."""
    if keys[0] == "drugs" and len(keys) > 2:
        return DrugEntry, str(keys[2]), keys[3:]
    if keys[0] == "vary" and len(keys) > 2:
        return RangeEntry, "start" if keys[2] == "from" else str(keys[2]), ()
    return SweepFile, str(keys[0]), keys[1:]


def _example(keys: _Keys) -> str:
    model, field, inner = _place(keys)
    example: Any = (model.model_fields[field].examples or [""])[0]
    for _ in inner:
        example = next(iter(example.values() if isinstance(example, dict) else example))
    return repr(example)


def _is_quantity(keys: _Keys) -> bool:
    return _place(keys)[1] in _QUANTITIES if keys[0] != "stimuli" else len(keys) == 2


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
