"""B12 and B13: exposure after temsirolimus, and the target through the week."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np

from mtorsim.administration import places
from mtorsim.drug_layer import CELLS
from mtorsim.ids import sid
from mtorsim.pharmacology.exposure import Exposure, exposure
from mtorsim.pharmacology.noncompartmental import area
from mtorsim.qualification.measure import HOUR, Measure, curve
from mtorsim.result import Result
from mtorsim.scenario import Scenario
from mtorsim.simulation import simulate
from mtorsim.symbols import symbols

PARENT, CHILD = "temsirolimus", "sirolimus"
FLAT = "25 mg IV over 30 min weekly x8"
LOADING = "175 mg IV over 60 min weekly x3 then 75 mg IV over 30 min weekly x5"
WEEK = 168 * HOUR
INHIBITED = 0.5  # of the untreated cell: what counts as inhibited

# -- B12: pharmacokinetics -------------------------------------------------------------------------


def pharmacokinetics() -> Iterator[Measure]:
    """25 mg temsirolimus into a vein of a human: exposure, disposition, interactions."""
    usual = _table(exposure(PARENT, "25 mg IV over 30 min"))
    fitted: tuple[tuple[str, str, str, float, float], ...] = (
        (PARENT, "Cmax", "ng/mL", 503, 667),
        (PARENT, "AUC 0-inf", "ng*h/mL", 1204, 2050),
        (PARENT, "half-life", "h", 13, 25),
        (PARENT, "CL", "L/h", 12.6, 19.8),
        (PARENT, "Vss", "L", 120, 230),
        (CHILD, "half-life", "h", 45, 75),
    )
    for analyte, quantity, unit, low, high in fitted:
        value = usual[analyte, quantity]
        yield Measure(f"{analyte} in blood, {quantity}", value, unit, low, high, fitted=True)
    ratio = usual[CHILD, "AUC 0-inf"] / usual[PARENT, "AUC 0-inf"]
    yield Measure("AUC of sirolimus over that of temsirolimus", ratio, "1", 2.2, 3.8, fitted=True)
    yield from _proportionality()
    yield from _interactions()


def _proportionality() -> Iterator[Measure]:
    # The assays of the trials do not see the end of the curve after 1 mg; here it is followed.
    areas = {dose: _area(f"{dose} mg IV over 30 min") for dose in (1, 25)}
    parent, child = (areas[25][one] / areas[1][one] / 25 for one in (PARENT, CHILD))
    yield Measure("temsirolimus AUC per dose, 25 mg over 1 mg", parent, high=0.95, fitted=True)
    yield Measure("sirolimus AUC per dose, 25 mg over 1 mg", child, "1", 0.85, 1.15, fitted=True)


def _area(regimen: str, *modifiers: str) -> dict[str, float]:
    """Return analyte -> area under its curve in blood over four weeks [nM min]."""
    found = exposure(PARENT, regimen, modifiers=modifiers, duration="28 d")
    end = float(found.time[-1])
    return {one: area(found.time, found.curve(one), 0.0, end) for one in (PARENT, CHILD)}


def _interactions() -> Iterator[Measure]:
    alone, blocked = _area("5 mg IV over 30 min"), _area("5 mg IV over 30 min", "ketoconazole")
    for analyte, low, high in ((PARENT, 0.9, 1.12), (CHILD, 2.6, 3.7)):
        fold = blocked[analyte] / alone[analyte]
        yield Measure(f"ketoconazole, AUC of {analyte}", fold, "fold", low, high, fitted=True)
    usual, induced = (
        _table(exposure(PARENT, "25 mg IV over 30 min", modifiers=modifiers))
        for modifiers in ((), ("rifampin",))
    )
    for analyte, quantity, low, high, is_fitted in (
        (CHILD, "AUC 0-inf", 0.36, 0.53, True),
        (CHILD, "Cmax", 0.25, 0.5, False),
        (PARENT, "AUC 0-inf", 0.8, 1.25, False),
    ):
        fold = induced[analyte, quantity] / usual[analyte, quantity]
        what = f"rifampin, {quantity} of {analyte}"
        yield Measure(what, fold, "fold", low, high, fitted=is_fitted)
    well, ill = (
        _table(exposure(CHILD, "15 mg PO", modifiers=modifiers, duration="28 d"))
        for modifiers in ((), ("hepatic_impairment_severe",))
    )
    fold = ill[CHILD, "AUC 0-inf"] / well[CHILD, "AUC 0-inf"]
    what = "severe hepatic impairment, AUC of sirolimus by mouth"
    yield Measure(what, fold, "fold", 2.2, 4.2, fitted=True)


def _table(found: Exposure) -> dict[tuple[str, str], float]:
    """Return (analyte, quantity) -> value after the first dose."""
    first = found.table[found.table["dose"] == "first"]
    titles = first["quantity"].str.removesuffix("/F")
    return dict(zip(zip(first["analyte"], titles, strict=True), first["value"], strict=True))


# -- B13: the target through the week --------------------------------------------------------------


def weekly() -> Iterator[Measure]:
    """Weekly 25 mg keeps mTORC1 inhibited through most of the week; so does the loading regimen."""
    for cell in ("786-O", "PC-3"):
        runs = {name: _run(cell, regimen) for name, regimen in _REGIMENS.items()}
        for name, run in runs.items():
            held = _share_inhibited(run, 7 * WEEK)
            what = f"{cell}, {name}: part of week 8 with S6K1 pT389 below half"
            yield Measure(what, held, low=0.5)
            what = f"{cell}, {name}: lowest S6K1 pT389 in week 8"
            yield Measure(what, _relative(run)[run.time >= 7 * WEEK].min(), high=0.1)
        flat, loading = (_trough(run, 3 * WEEK) for run in runs.values())
        yield Measure(f"{cell}: S6K1 pT389 before the 4th dose of 25 mg", flat)
        what = f"{cell}: the same, 175 mg loading over 25 mg"
        yield Measure(what, loading / flat, high=1.0)
    for share in (0.3, 0.1):  # what a barrier between plasma and tumour would do
        run = _run("786-O", FLAT, {f"Kp_interstitium_{one}": share for one in (PARENT, CHILD)})
        what = f"786-O, 25 mg weekly, unbound drug in tumour {share:g} of plasma: part of week 8"
        yield Measure(f"{what} below half", _share_inhibited(run, 7 * WEEK))
    mouse = simulate(
        cell="786-O", drugs={PARENT: "20 mg/kg IP daily x5"}, duration="7 d", species="mouse"
    )
    what = "786-O in a mouse, 20 mg/kg daily x5: S6K1 pT389 a day after the 5th dose"
    yield Measure(what, _trough(mouse, 5 * 24 * HOUR), high=0.5)
    for name, scenario in _BALANCED.items():
        yield Measure(
            f"{name}: drug missing or too much", imbalance(scenario), high=1e-6, invariant=True
        )


_REGIMENS = {"25 mg weekly": FLAT, "175 mg x3 then 75 mg": LOADING}
_BALANCED = {
    "786-O in a human, weekly": Scenario(drugs={PARENT: FLAT}, duration="56 d"),
    "PC-3 in a mouse, 20 mg/kg daily": Scenario(
        cell="PC-3", drugs={PARENT: "20 mg/kg IP daily x5"}, duration="7 d", species="mouse"
    ),
}


def _run(cell: str, regimen: str, changed: Mapping[str, float] = MappingProxyType({})) -> Result:
    return simulate(
        cell=cell,
        drugs={PARENT: regimen},
        duration="56 d",
        observe=["S6K1_pT389"],
        set=changed,
    )


def _relative(run: Result) -> np.ndarray:
    return curve(run, "S6K1_pT389") / run.baseline["S6K1_pT389"]


def _share_inhibited(run: Result, start: float) -> float:
    """Return the share of the week from `start` [min] in which the target is inhibited."""
    times = np.linspace(start, min(start + WEEK, float(run.time[-1])), 2017)
    values = np.interp(times, run.time, _relative(run))
    return float((values < INHIBITED).mean())


def _trough(run: Result, minutes: float) -> float:
    return float(np.interp(minutes - 1.0, run.time, _relative(run)))


def imbalance(scenario: Scenario) -> float:
    """Return the largest share of the drug given that is missing or too much in body and tumour.

    All forms count: every species of the body, and of the cell times the cells in the tumour.
    """
    held = _forms(scenario)
    run = simulate(scenario.replace(observe=[*held, CELLS]))
    cells = curve(run, CELLS)
    amount = np.zeros_like(run.time)
    for id, (volume, is_in_cell) in held.items():
        amount += curve(run, id) * volume * (cells if is_in_cell else 1.0)
    # Nothing is given between the last infusion and the end.
    last = max(step.time for step in run.compiled.steps)
    after = amount[run.time >= last]
    return float(max(np.abs(after / after[0] - 1).max(), abs(after[0] / _given(scenario) - 1)))


def _given(scenario: Scenario) -> float:
    """Return all that is given [nmol]."""
    found = exposure(
        scenario.drugs[0].drug,
        scenario.drugs[0].schedule,  # type: ignore[arg-type]
        species=scenario.species,
        duration=f"{scenario.duration} min",
    )
    return sum(found.nanomoles(dose) for dose in found.doses)


def _forms(scenario: Scenario) -> dict[str, tuple[float, bool]]:
    """Return species that hold drug -> volume of their compartment, whether in the cell."""
    start = simulate(scenario, times=["1 min"]).compiled
    table = symbols(start.sbml)
    body = {id for id, one in table.items() if one.branch.startswith("pharmacokinetics")}
    names = tuple(sid(one) for one in (PARENT, CHILD))
    found = {}
    for id, compartment in places(start.sbml).items():
        holds = id in body or any(id.endswith(f"_{name}") or id == name for name in names)
        if holds and id != "FKBP12_blood":
            volume = start.given.get(compartment, table[compartment].value or 0.0)
            found[id] = (volume, compartment == "cell")
    return found
