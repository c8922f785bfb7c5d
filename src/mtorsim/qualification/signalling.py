"""B1 to B4 and B6: insulin, a rapalog, its feedback, mTORC2, potency."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import numpy as np
from scipy.optimize import brentq

from mtorsim.dosing import Constant
from mtorsim.qualification.measure import HOUR, Measure, at, curve, hours_until, remaining, time_to
from mtorsim.result import Result
from mtorsim.simulation import simulate

RAPALOG = {"temsirolimus": "20 nM"}
CUT = ("S6K1_IRS1_feedback_off",)
CONTEXTS = ("786-O", "adipocyte", "Caki-1", "HEK293", "HeLa", "MCF-7", "PC-3")
"""Cells in which the acute response is measured: one of each kind."""

# -- B1: insulin -----------------------------------------------------------------------------------


def insulin() -> Iterator[Measure]:
    """Insulin to starved cells: IRS-1 pTyr overshoots, AKT and S6K1 follow, feedback restrains."""
    run = _insulin_step()
    cut = _insulin_step(perturbations=("serum_starvation", *CUT))
    tyrosine, threonine, serine = (curve(run, k) for k in ("IRS1_pY", "AKT_pT308", "AKT_pS473"))
    peak = run.time[tyrosine.argmax()]
    yield Measure("IRS-1 pTyr peaks at", peak, "min", 1, 3, fitted=True)
    saturating = _insulin_step(insulin="100 nM")
    fastest = saturating.time[curve(saturating, "IRS1_pY").argmax()]
    # The highest published point at this dose is itself at 0.9 min.
    yield Measure("the same at 100 nM insulin", fastest, "min", 1, 3, fitted=True)
    yield Measure(
        "IRS-1 pTyr at 15 min / peak",
        at(run, "IRS1_pY", 15) / tyrosine.max(),
        high=0.8,
        fitted=True,
    )
    early = run.time <= 20
    reached, follows = (run.time[curve[early].argmax()] for curve in (threonine, serine))
    yield Measure("AKT pThr308 peaks at", reached, "min", 2, 10, fitted=True)
    yield Measure("AKT pSer473 peaks after it by", follows - reached, "min", 0, 20, fitted=True)
    plateau = time_to(run.time, curve(run, "S6K1_pT389"), 0.95)
    yield Measure(
        "S6K1 pThr389 reaches 95 % of its plateau at", plateau, "min", 20, 60, fitted=True
    )
    risen = time_to(run.time, curve(run, "IRS1_pS636"), 0.9)
    yield Measure("IRS-1 pSer636 has risen to 90 % at", risen, "min", 15, 60)
    late = at(cut, "AKT_pT308", 120) / at(run, "AKT_pT308", 120)
    yield Measure("late AKT pThr308, feedback cut / intact", late, low=1.3)


@cache
def _insulin_step(
    perturbations: tuple[str, ...] = ("serum_starvation",), insulin: str = "10 nM"
) -> Result:
    """Insulin to a starved adipocyte, the cell in which the time courses were measured."""
    return simulate(
        cell="adipocyte",
        perturbations=perturbations,
        stimuli={"insulin": insulin},
        duration="2 h",
        times=np.arange(0, 120.05, 0.1).tolist(),
    )


# -- B2 to B4: a rapalog ---------------------------------------------------------------------------


def acute() -> Iterator[Measure]:
    """20 nM rapalog: S6K1 off within the hour, S6 follows; 4E-BP1 keeps Thr37/46, loses Ser65."""
    for cell in CONTEXTS:
        run, fitted = _treated(cell), cell == "HEK293"  # phosphoproteomics at 1 h
        falls = cell == "786-O"  # how fast it falls
        yield Measure(
            f"{cell}: S6K1 pThr389 at 30 min",
            remaining(run, "S6K1_pT389", 30),
            high=0.25,
            fitted=falls,
        )
        yield Measure(
            f"{cell}: S6K1 pThr389 at 1 h",
            remaining(run, "S6K1_pT389", HOUR),
            high=0.1,
            fitted=fitted or falls,
        )
        yield Measure(f"{cell}: S6 pSer235 at 3 h", remaining(run, "S6_pS235", 3 * HOUR), high=0.4)
        threonine = remaining(run, "EIF4EBP1_pT37", HOUR)
        yield Measure(f"{cell}: 4E-BP1 pThr37/46 at 1 h", threonine, low=0.5, fitted=fitted)
        serine = remaining(run, "EIF4EBP1_pS65", HOUR)
        yield Measure(f"{cell}: 4E-BP1 pSer65 / pThr37/46 at 1 h", serine / threonine, high=0.5)
        later = remaining(run, "EIF4EBP1_pT37", 24 * HOUR) / threonine
        # "Stays or recovers": a loss below what a blot can show is staying.
        yield Measure(f"{cell}: 4E-BP1 pThr37/46 at 24 h / 1 h", later, low=0.95)
        raptor = remaining(run, "mTORC1", 6 * HOUR)
        yield Measure(f"{cell}: assembled mTORC1 at 6 h, raptor comes off", raptor)


def feedback() -> Iterator[Measure]:
    """The same dose raises AKT through the lost feedback; the rise vanishes with the edge cut."""
    for cell in ("786-O", "Caki-1", "HeLa", "MCF-7"):
        run, cut = _treated(cell), _treated(cell, CUT)
        yield Measure(f"{cell}: highest AKT pThr308, 1-24 h", _highest(run), low=1.3, high=4)
        yield Measure(f"{cell}: the same, feedback cut", _highest(cut), high=1.1)
    serine = max(remaining(_treated("HeLa"), "AKT_pS473", hour * HOUR) for hour in (1, 6, 24))
    yield Measure("HeLa (insensitive): highest AKT pSer473", serine, low=1.3, high=4, fitted=True)


def _highest(run: Result) -> float:
    window = (run.time >= HOUR) & (run.time <= 24 * HOUR)
    return float(curve(run, "AKT_pT308")[window].max() / run.baseline["AKT_pT308"])


def prolonged() -> Iterator[Measure]:
    """Over days mTORC2 goes in a sensitive context only; wash-out restores mTORC1 in 1-3 days."""
    sensitive, insensitive = _treated("PC-3"), _treated("HeLa")
    for hours in (24, 72):
        left = remaining(sensitive, "mTORC2", hours * HOUR)
        yield Measure(f"PC-3 (sensitive): mTORC2 at {hours} h", left, high=0.35, fitted=hours == 24)
        serine = remaining(sensitive, "AKT_pS473", hours * HOUR)
        yield Measure(f"PC-3 (sensitive): AKT pSer473 at {hours} h", serine, high=1)
        serine = remaining(insensitive, "AKT_pS473", hours * HOUR)
        yield Measure(
            f"HeLa (insensitive): AKT pSer473 at {hours} h", serine, low=1, fitted=hours == 24
        )
    acute = remaining(sensitive, "mTORC2", HOUR)
    yield Measure("PC-3: mTORC2 at 1 h, no acute effect", acute, low=0.85, high=1.1, fitted=True)
    for cell in ("786-O", "PC-3", "HeLa"):
        back = hours_until(_washed_out(cell), "S6K1_pT389", 0.8, 24 * HOUR)
        what = f"{cell}: S6K1 pThr389 restored to 80 % after wash-out"
        yield Measure(what, back, "h", 24, 72, fitted=True)  # FKBP12 was chosen for it


def _washed_out(cell: str) -> Result:
    schedule = Constant("20 nM", stop="24 h")
    return simulate(cell=cell, drugs={"temsirolimus": schedule}, duration="240 h")


@cache
def _treated(cell: str, perturbations: tuple[str, ...] = ()) -> Result:
    return simulate(cell=cell, drugs=RAPALOG, perturbations=perturbations, duration="72 h")


# -- B6: potency -----------------------------------------------------------------------------------


def potency() -> Iterator[Measure]:
    """Rapalogs are potent (below 2 nM), more so with time, and need FKBP12."""
    for drug in ("sirolimus", "temsirolimus"):
        early, late = (ic50("786-O", drug, hours * HOUR) for hours in (1, 24))
        yield Measure(f"{drug}: IC50 of S6K1 pThr389 at 1 h", early, "nM", high=2)
        yield Measure(f"{drug}: IC50 of S6K1 pThr389 at 24 h / 1 h", late / early, high=0.9)
        without = ic50("786-O", drug, 24 * HOUR, {"FKBP12": "0 nM"})
        # What is left is the drug on the kinase itself, at micromolar.
        yield Measure(f"{drug}: IC50 without FKBP12 / with", without / late, low=100)


def ic50(
    cell: str,
    drug: str,
    minutes: float,
    values: Mapping[str, str] | None = None,
    *,
    perturbations: Sequence[str] = (),
    with_drugs: Mapping[str, str] | None = None,
    reference: float | None = None,
    highest: float = 1e5,
) -> float:
    """Return the dose that halves S6K1 pThr389.

    Parameters
    ----------
    cell, drug : str
    minutes : float
        Time of exposure [min].
    values : mapping, optional
        As `set` of a scenario.
    perturbations, with_drugs
        As in `Scenario`; the drugs are given at time 0 as well.
    reference : float, optional
        What is halved [nM]; default: the level of the same cell without any drug.
    highest : float
        Largest dose tried [nM].

    Returns
    -------
    float
        [nM]; infinite when the largest dose does not halve it.
    """

    def excess(log_dose: float) -> float:
        run = simulate(
            cell=cell,
            drugs={**(with_drugs or {}), drug: f"{math.exp(log_dose)!r} nM"},
            perturbations=perturbations,
            set=values or {},
            duration=f"{minutes} min",
            observe=["S6K1_pT389"],
            times=[minutes],
        )
        level = reference if reference is not None else run.baseline["S6K1_pT389"]
        return float(curve(run, "S6K1_pT389")[-1] / level) - 0.5

    low, high = math.log(1e-4), math.log(highest)
    if excess(high) > 0:
        return math.inf
    return math.exp(brentq(excess, low, high, xtol=1e-3))
