"""B16: what must hold whatever is simulated."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mtorsim.compile import parts, structure
from mtorsim.ids import medium_species, sid
from mtorsim.qualification.measure import Measure, curve
from mtorsim.result import Result
from mtorsim.scenario import Scenario
from mtorsim.simulation import simulate
from mtorsim.steps import Floats
from mtorsim.symbols import symbols

# -- B16: invariants -------------------------------------------------------------------------------

CONSERVED: Mapping[str, tuple[str, ...]] = {
    "AKT": ("AKT_total",),
    "TSC2": ("TSC2_total",),
    "S6K1": ("S6K1_total",),
    "4E-BP1": ("EIF4EBP1_total",),
    "eIF4E": ("eIF4E_total",),
    "PRAS40": ("PRAS40_total",),
    "phosphoinositides": ("PIP2", "PIP3"),
    "adenylates": ("ATP", "AMP"),
    "FKBP12": ("FKBP12", "FKBP12_drug"),
    "rictor": ("RICTOR", "mTORC2"),
    "raptor": ("RPTOR", "mTORC1"),
}
"""What must be conserved -> the observables and species that add up to it."""


SCENARIOS = {
    "786-O, temsirolimus": Scenario(drugs={"temsirolimus": "20 nM"}, duration="72 h"),
    "MCF-7, half MTOR_M2327I, four drugs": Scenario(
        cell="MCF-7",
        drugs={
            "temsirolimus": "20 nM",
            "AZD8055": "100 nM",
            "RapaLink-1": "3 nM",
            "tacrolimus": "50 nM",
        },
        perturbations=["MTOR_M2327I"],
        set={"fraction_MTOR_M2327I": "0.5"},
        duration="72 h",
    ),
}


def invariants() -> Iterator[Measure]:
    """Mass is conserved, nothing is negative, tolerances do not matter."""
    for name, scenario in SCENARIOS.items():
        observe = tuple(dict.fromkeys(id for ids in CONSERVED.values() for id in ids))
        run = simulate(scenario.replace(observe=observe))
        worst = max(_relative_drift(run, ids) for ids in CONSERVED.values())
        what = f"{name}: largest drift of {len(CONSERVED)} conserved totals"
        yield Measure(what, worst, high=1e-6, invariant=True)
        drifts = [_drug_drift(scenario, treatment.drug) for treatment in scenario.drugs]
        yield Measure(
            f"{name}: drift of a drug, no decay and no wash", max(drifts), high=1e-6, invariant=True
        )
        lowest = min(float(values.min()) for values in _every_species(scenario))
        yield Measure(
            f"{name}: lowest concentration of any species", lowest, "nM", low=-1e-6, invariant=True
        )
        change = _tolerance_effect(scenario)
        yield Measure(
            f"{name}: largest change by tighter tolerances", change, high=1e-3, invariant=True
        )


def _relative_drift(run: Result, ids: Sequence[str]) -> float:
    total = np.sum([curve(run, id) for id in ids], axis=0)
    return float(np.abs(total / total[0] - 1).max())


def _drug_drift(scenario: Scenario, drug: str) -> float:
    """All forms of a drug as an amount, the two compartments weighted by their volumes."""
    kept = scenario.replace(
        set={**scenario.set, f"kdecay_medium_{sid(drug)}": 0},
        observe=[id for id in _species(scenario) if sid(drug) in id],
    )
    run = simulate(kept)
    volumes = {id: symbols()[id].value or 0.0 for id in ("medium", "cell")}
    outside = medium_species(drug)
    amount = np.sum(
        [volumes["medium" if id == outside else "cell"] * curve(run, id) for id in run.ids], axis=0
    )
    return float(np.abs(amount / amount[0] - 1).max())


def _species(scenario: Scenario) -> list[str]:
    table = symbols(structure(*parts(scenario)))
    return [id for id, symbol in table.items() if symbol.kind == "species"]


def _every_species(scenario: Scenario) -> list[Floats]:
    run = simulate(scenario.replace(observe=_species(scenario)))
    return [curve(run, id) for id in run.ids]


def _tolerance_effect(scenario: Scenario) -> float:
    usual = simulate(scenario)
    tight = simulate(scenario, relative_tolerance=1e-11, absolute_tolerance=1e-9)
    return max(
        float((np.abs(curve(usual, id) - curve(tight, id)) / curve(tight, id).max()).max())
        for id in usual.ids
        if curve(tight, id).max() > 0
    )
