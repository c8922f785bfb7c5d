"""PEtab version 1: a scenario with measurements as a problem for pyPESTO, AMICI or COPASI."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtorsim.annotation import parameter_name
from mtorsim.compile import Compiled
from mtorsim.errors import InputError, UnknownIdError, either, within
from mtorsim.export import measurements
from mtorsim.export.bounds import bounds, rounded
from mtorsim.export.measurements import NOISE, Measurement
from mtorsim.export.petab_model import PetabModel, petab_model
from mtorsim.scenario import ids
from mtorsim.symbols import Symbol, symbols
from mtorsim.uncertainty import Uncertain, uncertain

if TYPE_CHECKING:
    import pandas as pd

    from mtorsim.result import Result
    from mtorsim.scenario import Scenario

FILES = (
    "problem.yaml",
    "model.xml",
    "conditions.tsv",
    "observables.tsv",
    "measurements.tsv",
    "parameters.tsv",
)
BEFORE, AFTER = "untreated", "treated"
_WIDE = 1000.0  # factor that a scale between arbitrary units and nM may be off
_NOT_ESTIMATED = ("infusion_rate_", "kwash_")


@dataclass(frozen=True)
class Estimated:
    """A row of the parameter table, on a logarithmic scale."""

    id: str
    name: str
    low: float
    high: float
    value: float


def files(
    scenario: "Scenario",
    estimate: Iterable[str] = (),
    data: str | Path | None = None,
    *,
    arbitrary_units: bool = False,
) -> dict[str, bytes]:
    """Return name -> content of the files of a PEtab problem; parameters as `export_petab`."""
    from mtorsim.simulation import simulate

    wanted = ids(estimate, "estimate", "['kphos_S6K1_by_mTORC1']")
    result = simulate(scenario)
    table = symbols(result.compiled.sbml)
    model = petab_model(result.compiled, result.rest)
    chosen = _chosen(wanted, model, result.compiled)
    if data is None:
        values = measurements.simulated(result)
    else:
        values = measurements.read(data, scenario.duration, _readable(table))
        result = simulate(scenario, observe=_observed(values))
    scales = _scales(values, result) if arbitrary_units else ()
    rows = [_estimated(one, table[one.id].name) for one in chosen]
    return {
        "problem.yaml": _yaml(),
        "model.xml": model.sbml.encode("utf-8"),
        "conditions.tsv": _tsv(_conditions(model)),
        "observables.tsv": _tsv(_observables(values, result.labels, bool(scales))),
        "measurements.tsv": _tsv(_measurements(values)),
        "parameters.tsv": _tsv(_parameters([*rows, *scales, *_spreads(values)])),
    }


def _estimated(one: Uncertain, name: str) -> Estimated:
    low, high = bounds(one)
    return Estimated(one.id, name or parameter_name(one.id), low, high, one.value)


def _chosen(wanted: Sequence[str], model: PetabModel, compiled: Compiled) -> tuple[Uncertain, ...]:
    """Return what is estimated: what is named, else what calibration fitted."""
    table = symbols(compiled.sbml)
    free = {
        id
        for id, value in model.constants.items()
        if value > 0 and id in table and table[id].kind == "parameter"
        and not id.startswith(_NOT_ESTIMATED)
    }  # fmt: skip
    for place, id in enumerate(wanted):
        with within("estimate", place):
            _check(id, free, table)
    found = [one for one in uncertain(compiled, wanted) if one.id in free]
    if wanted:
        return tuple(found)
    return tuple(one for one in found if _is_fitted(one, table[one.id]))


def _is_fitted(one: Uncertain, symbol: Symbol) -> bool:
    return one.confidence == "C" and "fitted" in symbol.notes


def _check(id: str, free: Collection[str], table: Mapping[str, Symbol]) -> None:
    if id in free or any(fnmatchcase(one, id) for one in free):
        return
    if id not in table:
        raise UnknownIdError(
            kind="parameter to estimate",
            given=id,
            choices=free,
            listing="mtorsim show parameters",
        )
    if table[id].kind != "parameter":
        near = [one for one in free if id in one][:3]
        hint = f", such as {either(near)}" if near else ""
        raise InputError(
            f"estimate: {id!r} is no parameter ({table[id].kind}). Expected a parameter{hint}. "
            "List: mtorsim show parameters"
        )
    raise InputError(
        f"estimate: {id!r} cannot be estimated: it is zero, or it follows from the scenario, or "
        "doses were computed with it. List: mtorsim show parameters"
    )


def _readable(table: Mapping[str, Symbol]) -> list[str]:
    return [id for id, symbol in table.items() if symbol.kind in ("species", "observable")]


def _observed(values: Iterable[Measurement]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.observable for one in values))


def _scales(values: Sequence[Measurement], result: "Result") -> tuple[Estimated, ...]:
    """Return a scale for each read-out, first the one that fits best."""
    found = []
    for id in _observed(values):
        mine = [one for one in values if one.observable == id]
        (curve,) = result.rows_at([one.time for one in mine], [id])
        below = float(curve @ curve)
        best = float(curve @ [one.value for one in mine]) / below if below > 0 else 1.0
        value = rounded(best) if best > 0 else 1.0
        name = f"measured over modelled {id}"
        found.append(Estimated(f"scaling_{id}", name, value / _WIDE, value * _WIDE, value))
    return tuple(found)


def _spreads(values: Sequence[Measurement]) -> list[Estimated]:
    """Return a standard deviation to estimate for each read-out that has values without one."""
    found = []
    for id in dict.fromkeys(one.observable for one in values if one.sd is None):
        largest = max(abs(one.value) for one in values if one.observable == id)
        value = rounded(NOISE * largest or NOISE)
        name = f"standard deviation of {id}"
        found.append(Estimated(f"sd_{id}", name, value / 100, value * 100, value))
    return found


def _conditions(model: PetabModel) -> "pd.DataFrame":
    import pandas as pd

    rows = [
        {"conditionId": BEFORE, "conditionName": "at rest, before anything is done"}
        | dict(model.before),
        {"conditionId": AFTER, "conditionName": "the scenario, from time 0"} | dict(model.after),
    ]
    return pd.DataFrame(rows)


def _observables(
    values: Sequence[Measurement], labels: Mapping[str, str], is_scaled: bool
) -> "pd.DataFrame":
    import pandas as pd

    rows = [
        {
            "observableId": f"observable_{id}",
            "observableName": labels[id],
            "observableFormula": f"scaling_{id} * {id}" if is_scaled else id,
            "observableTransformation": "lin",
            "noiseFormula": f"noiseParameter1_observable_{id}",
            "noiseDistribution": "normal",
        }
        for id in _observed(values)
    ]
    return pd.DataFrame(rows)


def _measurements(values: Sequence[Measurement]) -> "pd.DataFrame":
    import pandas as pd

    rows = [
        {
            "observableId": f"observable_{one.observable}",
            "preequilibrationConditionId": BEFORE,
            "simulationConditionId": AFTER,
            "time": one.time,
            "measurement": one.value,
            "noiseParameters": f"sd_{one.observable}" if one.sd is None else repr(one.sd),
        }
        for one in values
    ]
    return pd.DataFrame(rows)


def _parameters(rows: Sequence[Estimated]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(
        {
            "parameterId": one.id,
            "parameterName": one.name,
            "parameterScale": "log10",
            "lowerBound": one.low,
            "upperBound": one.high,
            "nominalValue": one.value,
            "estimate": 1,
        }
        for one in rows
    )


def _tsv(table: "pd.DataFrame") -> bytes:
    # Without a format, pandas writes numbers so that they read back exactly.
    text: str = table.to_csv(sep="\t", index=False, lineterminator="\n")
    return text.encode("utf-8")


def _yaml() -> bytes:
    import yaml

    problem: dict[str, Any] = {
        "sbml_files": ["model.xml"],
        "condition_files": ["conditions.tsv"],
        "observable_files": ["observables.tsv"],
        "measurement_files": ["measurements.tsv"],
    }
    content = {"format_version": 1, "parameter_file": "parameters.tsv", "problems": [problem]}
    return yaml.safe_dump(content, sort_keys=False).encode("utf-8")
