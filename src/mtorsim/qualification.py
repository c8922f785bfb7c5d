"""The behaviours that the model must show, each measured as numbers with bounds.

A behaviour is a published, qualitative fact about cells (insulin response, rapalog response, loss
of mTORC2 ...) turned into measurements on simulations. The bounds are those of the literature, not
of the model: a miss is reported. Contexts are sensitive or insensitive by what is assumed of them.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import brentq

from mtorsim import cells
from mtorsim.compile import structure
from mtorsim.dosing import Constant
from mtorsim.errors import UnknownIdError
from mtorsim.result import Result
from mtorsim.scenario import Scenario
from mtorsim.simulation import simulate
from mtorsim.steps import Floats
from mtorsim.symbols import symbols

RAPALOG = {"temsirolimus": "20 nM"}
HOUR = 60.0
CUT = ("S6K1_IRS1_feedback_off",)


@dataclass(frozen=True)
class Measure:
    """One measured number and where it must lie.

    Attributes
    ----------
    what : str
        What was measured, in words.
    value : float
    unit : str
    low, high : float
        Bounds, both inside; infinite where there is none.
    fitted : bool
        Whether the calibration used data on this very quantity: then it is no evidence for itself.
    """

    what: str
    value: float
    unit: str = "1"
    low: float = -np.inf
    high: float = np.inf
    fitted: bool = False

    @property
    def passed(self) -> bool:
        """Whether the value lies within the bounds."""
        return bool(self.low <= self.value <= self.high)

    def __str__(self) -> str:
        bounds = {
            (True, True): f"{self.low:g} to {self.high:g}",
            (True, False): f"at least {self.low:g}",
            (False, True): f"at most {self.high:g}",
            (False, False): "no bound",
        }[bool(np.isfinite(self.low)), bool(np.isfinite(self.high))]
        unit = "" if self.unit == "1" else f" {self.unit}"
        verdict = "ok" if self.passed else "MISS"
        basis = "fitted" if self.fitted else "predicted"
        return f"{verdict:4s} {self.what}: {self.value:.4g}{unit} ({bounds}; {basis})"


@dataclass(frozen=True)
class Behaviour:
    """A behaviour and its measurements.

    Attributes
    ----------
    id : str
        Such as ``"B1"``.
    statement : str
        What must be seen.
    measures : tuple of Measure
    """

    id: str
    statement: str
    measures: tuple[Measure, ...]

    @property
    def passed(self) -> bool:
        """Whether every measurement lies within its bounds."""
        return all(measure.passed for measure in self.measures)

    def __str__(self) -> str:
        return "\n".join((f"{self.id} {self.statement}", *(f"  {m}" for m in self.measures)))


def behaviour(id: str) -> Behaviour:
    """Measure one behaviour.

    Raises
    ------
    UnknownIdError
        For an id that is not in `BEHAVIOURS`.
    SimulationError
        When a simulation fails.
    """
    if id not in BEHAVIOURS:
        raise UnknownIdError(kind="behaviour", given=id, choices=BEHAVIOURS)
    measure = BEHAVIOURS[id]
    statement = " ".join((measure.__doc__ or "").split())
    return Behaviour(id, statement, tuple(measure()))


# -- B1: insulin -----------------------------------------------------------------------------------


def _insulin() -> Iterator[Measure]:
    """Insulin to starved cells: IRS-1 pTyr overshoots, AKT and S6K1 follow, feedback restrains."""
    run = _insulin_step()
    cut = _insulin_step(perturbations=("serum_starvation", *CUT))
    tyrosine, threonine, serine = (_curve(run, k) for k in ("IRS1_pY", "AKT_pT308", "AKT_pS473"))
    peak = run.time[tyrosine.argmax()]
    yield Measure("IRS-1 pTyr peaks at", peak, "min", 1, 3, fitted=True)
    saturating = _insulin_step(insulin="100 nM")
    fastest = saturating.time[_curve(saturating, "IRS1_pY").argmax()]
    # The highest published point at this dose is itself at 0.9 min.
    yield Measure("the same at 100 nM insulin", fastest, "min", 1, 3, fitted=True)
    yield Measure(
        "IRS-1 pTyr at 15 min / peak",
        _at(run, "IRS1_pY", 15) / tyrosine.max(),
        high=0.8,
        fitted=True,
    )
    early = run.time <= 20
    reached, follows = (run.time[curve[early].argmax()] for curve in (threonine, serine))
    yield Measure("AKT pThr308 peaks at", reached, "min", 2, 10, fitted=True)
    yield Measure("AKT pSer473 peaks after it by", follows - reached, "min", 0, 20, fitted=True)
    plateau = _time_to(run.time, _curve(run, "S6K1_pT389"), 0.95)
    yield Measure(
        "S6K1 pThr389 reaches 95 % of its plateau at", plateau, "min", 20, 60, fitted=True
    )
    risen = _time_to(run.time, _curve(run, "IRS1_pS636"), 0.9)
    yield Measure("IRS-1 pSer636 has risen to 90 % at", risen, "min", 15, 60)
    late = _at(cut, "AKT_pT308", 120) / _at(run, "AKT_pT308", 120)
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


def _acute() -> Iterator[Measure]:
    """20 nM rapalog: S6K1 off within the hour, S6 follows; 4E-BP1 keeps Thr37/46, loses Ser65."""
    for cell in cells.names():
        run, fitted = _treated(cell), cell == "HEK293"  # phosphoproteomics at 1 h
        yield Measure(f"{cell}: S6K1 pThr389 at 30 min", _left(run, "S6K1_pT389", 30), high=0.25)
        yield Measure(
            f"{cell}: S6K1 pThr389 at 1 h", _left(run, "S6K1_pT389", HOUR), high=0.1, fitted=fitted
        )
        yield Measure(f"{cell}: S6 pSer235 at 3 h", _left(run, "S6_pS235", 3 * HOUR), high=0.4)
        threonine = _left(run, "EIF4EBP1_pT37", HOUR)
        yield Measure(f"{cell}: 4E-BP1 pThr37/46 at 1 h", threonine, low=0.5, fitted=fitted)
        serine = _left(run, "EIF4EBP1_pS65", HOUR)
        yield Measure(f"{cell}: 4E-BP1 pSer65 / pThr37/46 at 1 h", serine / threonine, high=0.5)
        later = _left(run, "EIF4EBP1_pT37", 24 * HOUR) / threonine
        # "Stays or recovers": a loss below what a blot can show is staying.
        yield Measure(f"{cell}: 4E-BP1 pThr37/46 at 24 h / 1 h", later, low=0.95)
        raptor = _left(run, "mTORC1", 6 * HOUR)
        yield Measure(f"{cell}: assembled mTORC1 at 6 h, raptor comes off", raptor)


def _feedback() -> Iterator[Measure]:
    """The same dose raises AKT through the lost feedback; the rise vanishes with the edge cut."""
    for cell in ("786-O", "Caki-1", "HeLa", "MCF-7"):
        run, cut = _treated(cell), _treated(cell, CUT)
        yield Measure(f"{cell}: highest AKT pThr308, 1-24 h", _highest(run), low=1.3, high=4)
        yield Measure(f"{cell}: the same, feedback cut", _highest(cut), high=1.1)
    serine = max(_left(_treated("HeLa"), "AKT_pS473", hour * HOUR) for hour in (1, 6, 24))
    yield Measure("HeLa (insensitive): highest AKT pSer473", serine, low=1.3, high=4, fitted=True)


def _highest(run: Result) -> float:
    window = (run.time >= HOUR) & (run.time <= 24 * HOUR)
    return float(_curve(run, "AKT_pT308")[window].max() / run.baseline["AKT_pT308"])


def _prolonged() -> Iterator[Measure]:
    """Over days mTORC2 goes in a sensitive context only; wash-out restores mTORC1 in 1-3 days."""
    sensitive, insensitive = _treated("PC-3"), _treated("HeLa")
    for hours in (24, 72):
        left = _left(sensitive, "mTORC2", hours * HOUR)
        yield Measure(f"PC-3 (sensitive): mTORC2 at {hours} h", left, high=0.35, fitted=hours == 24)
        serine = _left(sensitive, "AKT_pS473", hours * HOUR)
        yield Measure(f"PC-3 (sensitive): AKT pSer473 at {hours} h", serine, high=1)
        serine = _left(insensitive, "AKT_pS473", hours * HOUR)
        yield Measure(
            f"HeLa (insensitive): AKT pSer473 at {hours} h", serine, low=1, fitted=hours == 24
        )
    acute = _left(sensitive, "mTORC2", HOUR)
    yield Measure("PC-3: mTORC2 at 1 h, no acute effect", acute, low=0.85, high=1.1, fitted=True)
    for cell in ("786-O", "PC-3", "HeLa"):
        back = _hours_until(_washed_out(cell), "S6K1_pT389", 0.8, 24 * HOUR)
        what = f"{cell}: S6K1 pThr389 restored to 80 % after wash-out"
        yield Measure(what, back, "h", 24, 72, fitted=cell == "786-O")


def _washed_out(cell: str) -> Result:
    schedule = Constant("20 nM", stop="24 h")
    return simulate(cell=cell, drugs={"temsirolimus": schedule}, duration="240 h")


@cache
def _treated(cell: str, perturbations: tuple[str, ...] = ()) -> Result:
    return simulate(cell=cell, drugs=RAPALOG, perturbations=perturbations, duration="72 h")


# -- B6: potency -----------------------------------------------------------------------------------


def _potency() -> Iterator[Measure]:
    """Rapalogs are potent (below 2 nM), more so with time, and need FKBP12."""
    for drug in ("sirolimus", "temsirolimus"):
        early, late = (ic50("786-O", drug, hours * HOUR) for hours in (1, 24))
        yield Measure(f"{drug}: IC50 of S6K1 pThr389 at 1 h", early, "nM", high=2)
        yield Measure(f"{drug}: IC50 of S6K1 pThr389 at 24 h / 1 h", late / early, high=0.9)
        without = ic50("786-O", drug, 24 * HOUR, {"FKBP12": "0 nM"})
        # Infinite by construction: the model has no route around FKBP12.
        yield Measure(f"{drug}: IC50 without FKBP12 / with", without / late, low=100)


def ic50(
    cell: str,
    drug: str,
    minutes: float,
    values: Mapping[str, str] | None = None,
    *,
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
            drugs={drug: f"{math.exp(log_dose)!r} nM"},
            set=values or {},
            duration=f"{minutes} min",
            observe=["S6K1_pT389"],
            times=[minutes],
        )
        return _left(run, "S6K1_pT389", minutes) - 0.5

    low, high = math.log(1e-4), math.log(highest)
    if excess(high) > 0:
        return math.inf
    return math.exp(brentq(excess, low, high, xtol=1e-3))


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


def _invariants() -> Iterator[Measure]:
    """Mass is conserved, nothing is negative, tolerances do not matter."""
    observe = tuple(dict.fromkeys(id for ids in CONSERVED.values() for id in ids))
    scenario = Scenario(drugs=RAPALOG, duration="72 h", observe=observe)
    run = simulate(scenario)
    worst = max(_relative_drift(run, ids) for ids in CONSERVED.values())
    yield Measure(f"largest drift of {len(CONSERVED)} conserved totals", worst, high=1e-6)
    yield Measure("drift of the drug, no decay and no wash", _drug_drift(), high=1e-6)
    lowest = min(float(values.min()) for values in _every_species(scenario))
    yield Measure("lowest concentration of any species", lowest, "nM", low=-1e-6)
    yield Measure("largest change by tighter tolerances", _tolerance_effect(), high=1e-3)


def _relative_drift(run: Result, ids: Sequence[str]) -> float:
    total = np.sum([_curve(run, id) for id in ids], axis=0)
    return float(np.abs(total / total[0] - 1).max())


def _drug_drift() -> float:
    """All forms of the drug as an amount, the two compartments weighted by their volumes."""
    run = simulate(
        drugs=RAPALOG,
        duration="72 h",
        set={"kdecay_medium_temsirolimus": 0},
        observe=["temsirolimus_medium", "temsirolimus", "FKBP51_temsirolimus", "FKBP12_drug"],
    )
    outside, *inside = (_curve(run, id) for id in run.ids)
    volumes = {id: symbols()[id].value or 0.0 for id in ("medium", "cell")}
    amount = volumes["medium"] * outside + volumes["cell"] * np.sum(inside, axis=0)
    return float(np.abs(amount / amount[0] - 1).max())


def _every_species(scenario: Scenario) -> list[Floats]:
    table = symbols(structure(tuple(t.drug for t in scenario.drugs)))
    species = [id for id, symbol in table.items() if symbol.kind == "species"]
    run = simulate(scenario.replace(observe=species))
    return [_curve(run, id) for id in run.ids]


def _tolerance_effect() -> float:
    usual = simulate(drugs=RAPALOG, duration="72 h")
    tight = simulate(
        drugs=RAPALOG, duration="72 h", relative_tolerance=1e-11, absolute_tolerance=1e-9
    )
    return max(
        float((np.abs(_curve(usual, id) - _curve(tight, id)) / _curve(tight, id).max()).max())
        for id in usual.ids
    )


BEHAVIOURS: Mapping[str, Callable[[], Iterator[Measure]]] = {
    "B1": _insulin,
    "B2": _acute,
    "B3": _feedback,
    "B4": _prolonged,
    "B6": _potency,
    "B16": _invariants,
}
"""Id -> what measures it; its docstring states the behaviour."""


def _curve(run: Result, id: str) -> Floats:
    return run[id].to_numpy()


def _at(run: Result, id: str, minutes: float) -> float:
    return float(np.interp(minutes, run.time, _curve(run, id)))


def _left(run: Result, id: str, minutes: float) -> float:
    """Return a value relative to the untreated cell."""
    return _at(run, id, minutes) / run.baseline[id]


def _time_to(time: Floats, values: Floats, share: float) -> float:
    """Return when a curve has first covered `share` of its way from the start to its maximum."""
    goal = values[0] + share * (values.max() - values[0])
    return float(time[np.argmax(values >= goal)])


def _hours_until(run: Result, id: str, share: float, start: float) -> float:
    """Return the hours after `start` [min] until a value is back at `share` of the baseline."""
    later = run.time > start
    back = _curve(run, id)[later] >= share * run.baseline[id]
    return float((run.time[later][back.argmax()] - start) / HOUR) if back.any() else np.inf
