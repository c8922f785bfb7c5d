"""B5 and B7: ATP-competitive and bi-steric drugs, an FKBP12 competitor, resistance mutants."""

import math
from collections.abc import Iterator
from functools import cache

from mtorsim.qualification.measure import HOUR, Measure, curve, remaining
from mtorsim.qualification.signalling import ic50
from mtorsim.simulation import simulate

ATP_COMPETITIVE = {
    "Torin-1": "250 nM",
    "AZD8055": "1 uM",
    "sapanisertib": "500 nM",
    "Ku-0063794": "3 uM",
}
"""Doses at which these drugs are used on cells."""

SITES = {
    "AKT_pS473": "AKT pSer473",
    "S6K1_pT389": "S6K1 pThr389",
    "EIF4EBP1_pT37": "4E-BP1 pThr37/46",
}
IN_THE_FIT = ("MCF-7", "AZD8055")
"""Cell and drug whose 4E-BP1 pThr37/46 and AKT pThr308 the calibration uses."""


def atp_competitive() -> Iterator[Measure]:
    """ATP-competitive: S473, T389, T37/46 below 20 % in 1 h; T308 falls, then partly rebounds."""
    for cell in ("786-O", "Caki-1", "MCF-7", "HEK293"):
        for drug, dose in ATP_COMPETITIVE.items():
            run = simulate(cell=cell, drugs={drug: dose}, duration="24 h")
            for id, name in SITES.items():
                what = f"{cell}, {drug} {dose}: {name} at 1 h"
                # Dissociation constants were made from the doses that take the other two sites.
                fitted = id != "EIF4EBP1_pT37" or (cell, drug) == IN_THE_FIT
                yield Measure(what, remaining(run, id, HOUR), high=0.2, fitted=fitted)
            share = curve(run, "AKT_pT308") / run.baseline["AKT_pT308"]
            early, later = run.time <= HOUR, run.time > HOUR
            lowest, highest = float(share[early].min()), float(share[later].max())
            fitted = (cell, drug) == IN_THE_FIT
            what = f"{cell}, {drug} {dose}: lowest AKT pThr308 within 1 h"
            yield Measure(what, lowest, high=0.75, fitted=fitted)
            what = f"{cell}, {drug}: AKT pThr308 back, in part, by 24 h to"
            yield Measure(what, highest, low=1.1 * lowest, high=1, fitted=fitted)


def resistance() -> Iterator[Measure]:
    """Tacrolimus and FRB mutants undo rapalogs alone; bi-steric drugs overcome the mutants."""
    rapalog, azd, rapalink = "temsirolimus", "AZD8055", "RapaLink-1"
    for drug in ("temsirolimus", "sirolimus"):
        with_competitor = dose_for(drug, with_drugs={"tacrolimus": "5 uM"})
        what = f"{drug}: shift of IC50 by 5 uM tacrolimus"
        yield Measure(what, with_competitor / dose_for(drug), low=10)
    ku = dose_for("Ku-0063794", with_drugs={"tacrolimus": "5 uM"}) / dose_for("Ku-0063794")
    yield Measure("Ku-0063794: shift of IC50 by 5 uM tacrolimus", ku, low=0.95, high=1.05)
    for mutant in ("MTOR_F2108L", "MTOR_A2034V"):
        what = f"{rapalog}: shift of IC50 by {mutant}"
        yield Measure(what, shift(rapalog, mutant), low=100, fitted=True)
        yield Measure(f"{azd}: shift of IC50 by {mutant}", shift(azd, mutant), low=0.5, high=2)
    for bisteric in ("RapaLink-1", "RMC-5552"):
        moved = dose_for(bisteric, with_drugs={"tacrolimus": "5 uM"}) / dose_for(bisteric)
        yield Measure(f"{bisteric}: shift of IC50 by 5 uM tacrolimus", moved, low=3)
        spared = simulate(cell=CELL, drugs={bisteric: "1 nM"}, duration="72 h")
        kept = remaining(spared, "AKT_pS473", 72 * HOUR)
        # That free mTOR is not bridged was assumed with this in view.
        what = f"{bisteric} 1 nM: AKT pSer473 at 72 h, mTORC2 is spared"
        yield Measure(what, kept, low=0.7, fitted=True)
    half = dose_for(rapalog, mutant="MTOR_F2108L", fraction=0.5) / dose_for(rapalog)
    yield Measure(f"{rapalog}: the same, half of mTOR being MTOR_F2108L", half)
    hyperactive = shift(azd, "MTOR_M2327I")
    yield Measure(f"{azd}: shift of IC50 by MTOR_M2327I", hyperactive, low=3, high=30, fitted=True)
    for mutant in ("MTOR_F2108L", "MTOR_A2034V", "MTOR_M2327I"):
        for id in ("S6K1_pT389", "EIF4EBP1_pT37"):
            what = f"{rapalink} 10 nM on {mutant}: {SITES[id]} at 24 h"
            yield Measure(what, _under_rapalink(mutant, id), high=0.2)


def shift(drug: str, mutant: str) -> float:
    """Return how many times more drug S6K1 pThr389 takes, all mTOR being a mutant.

    Both doses bring it to half of what the wild-type cell has without drug, so that a kinase that
    is hyperactive counts as resistant.
    """
    return dose_for(drug, mutant=mutant) / dose_for(drug)


@cache
def _wild_type() -> float:
    run = simulate(cell=CELL, drugs={}, duration="1 min", observe=["S6K1_pT389"])
    return run.baseline["S6K1_pT389"]


CELL = "MCF-7"  # the line in which the mutants arose


def dose_for(
    drug: str,
    *,
    mutant: str = "",
    fraction: float = 1.0,
    with_drugs: dict[str, str] | None = None,
) -> float:
    """Return the dose that halves S6K1 pThr389 within 6 h, relative to the wild-type cell [nM]."""
    return ic50(
        CELL,
        drug,
        6 * HOUR,
        {f"fraction_{mutant}": str(fraction)} if mutant else {},
        perturbations=(mutant,) if mutant else (),
        with_drugs=with_drugs or {},
        reference=_wild_type(),
    )


def _under_rapalink(mutant: str, id: str) -> float:
    run = simulate(
        cell=CELL, drugs={"RapaLink-1": "10 nM"}, perturbations=[mutant], duration="24 h"
    )
    wild_type = simulate(cell=CELL, drugs={}, duration="1 min", observe=[id]).baseline[id]
    value = curve(run, id)[-1] / wild_type
    return float(value) if math.isfinite(value) else math.inf
