"""B8 to B10: PI3K activation, HIF and VEGF, viability."""

import math
from collections.abc import Iterator
from functools import cache

from mtorsim.assays import Viability, viability
from mtorsim.assays.viability import TimePoint
from mtorsim.qualification.measure import HOUR, Measure, remaining
from mtorsim.qualification.signalling import RAPALOG
from mtorsim.result import Result
from mtorsim.simulation import simulate

KIDNEY = ("Caki-1", "786-O")
PAEDIATRIC = "Houghton 2008, Pediatr Blood Cancer, initial testing of rapamycin (PPTP)"


# -- B8: PI3K --------------------------------------------------------------------------------------


def activated_pi3k() -> Iterator[Measure]:
    """PTEN loss or mutant PIK3CA: more AKT, more mTORC1 output, growth more sensitive."""
    for cell in ("Caki-1", "HEK293"):
        usual = simulate(cell=cell, drugs=RAPALOG, duration="72 h")
        for change in ("PTEN_loss", "PIK3CA_mutant"):
            run = simulate(cell=cell, drugs=RAPALOG, perturbations=[change], duration="72 h")
            for id, name in (("AKT_pT308", "AKT pThr308"), ("S6K1_pT389", "S6K1 pThr389")):
                ratio = run.baseline[id] / usual.baseline[id]
                yield Measure(f"{cell}, {change}: basal {name} / usual", ratio, low=1.1)
            lost, lost_usual = _growth_lost(run), _growth_lost(usual)
            what = f"{cell}, {change}: growth lost under 20 nM temsirolimus, 72 h / usual"
            # Constants of PDCD4, Ser65 and LARP1 were chosen with this in view.
            yield Measure(what, lost / lost_usual, low=1.05, fitted=True)


def _growth_lost(run: Result) -> float:
    """Return the share of divisions that a drug prevents at the end of a run."""
    return 1 - remaining(run, "proliferation_rate", float(run.time[-1]))


# -- B9: HIF and VEGF ------------------------------------------------------------------------------


def hif_and_vegf() -> Iterator[Measure]:
    """VHL loss and hypoxia raise HIF and VEGF; a rapalog lowers HIF-1alpha, HIF-2alpha less."""
    # Rates of synthesis, turnover and secretion were assumed with these sizes in view.
    usual, lost = (_normoxia(changes) for changes in ((), ("VHL_loss",)))
    for id, name in NAMES.items():
        what = f"Caki-1, VHL lost: {name} / usual"
        yield Measure(what, lost.baseline[id] / usual.baseline[id], low=3, fitted=True)
    treated = simulate(cell="Caki-1", perturbations=["VHL_loss"], drugs=RAPALOG, duration="48 h")
    one, two = (remaining(treated, id, 24 * HOUR) for id in ("HIF1A", "HIF2A"))
    yield Measure("Caki-1, VHL lost: HIF-1alpha at 24 h, rapalog", one, high=0.5, fitted=True)
    yield Measure(
        "Caki-1, VHL lost: HIF-2alpha kept / HIF-1alpha kept", two / one, low=1.25, fitted=True
    )
    secreted = remaining(treated, "VEGF_secreted", 48 * HOUR)
    yield Measure("Caki-1, VHL lost: VEGF at 48 h, rapalog", secreted, high=0.67, fitted=True)
    rcc4 = simulate(cell="RCC4", drugs=RAPALOG, duration="48 h")
    for id, bound in (("HIF1A", 0.5), ("VEGF_secreted", 0.67)):
        value = remaining(rcc4, id, 48 * HOUR)
        # RCC4 differs from the fitted context by its medium only.
        yield Measure(f"RCC4: {NAMES[id]} at 48 h, rapalog", value, high=bound, fitted=True)
    yield from _line_786_o()
    yield from _hypoxia()


NAMES = {"HIF1A": "HIF-1alpha", "HIF2A": "HIF-2alpha", "VEGF_secreted": "VEGF secreted"}


def _normoxia(perturbations: tuple[str, ...]) -> Result:
    return simulate(cell="Caki-1", drugs={}, perturbations=perturbations, duration="1 min")


def _line_786_o() -> Iterator[Measure]:
    run = simulate(cell="786-O", drugs=RAPALOG, duration="48 h")
    yield Measure("786-O: HIF-1alpha", run.baseline["HIF1A"], "nM", high=0, fitted=True)
    acute = remaining(run, "VEGF_secreted", 6 * HOUR)
    yield Measure("786-O: VEGF at 6 h, rapalog", acute, low=0.9)
    rcc4 = simulate(cell="RCC4", drugs=RAPALOG, duration="48 h")
    for hours in (24, 48):
        own, other = (remaining(one, "VEGF_secreted", hours * HOUR) for one in (run, rcc4))
        what = f"786-O: VEGF kept at {hours} h, rapalog / the same in RCC4, which has HIF-1alpha"
        yield Measure(what, own / other, low=1.1, fitted=True)


def _hypoxia() -> Iterator[Measure]:
    """Hypoxia in a cell with VHL, with REDD1 free to rise and held where it was."""
    run = simulate(cell="Caki-1", drugs={}, perturbations=["hypoxia"], duration="48 h")
    for id, name in NAMES.items():
        hours = 24 if id == "VEGF_secreted" else 6
        what = f"Caki-1, hypoxia: {name} at {hours} h"
        yield Measure(what, remaining(run, id, hours * HOUR), low=2)
    without = simulate(
        cell="Caki-1",
        drugs={},
        perturbations=["hypoxia"],
        duration="48 h",
        set={"ksyn_REDD1_by_HIF": "0 nM/min"},
    )
    yield Measure(
        "Caki-1, hypoxia: REDD1 at 6 h", remaining(run, "REDD1", 6 * HOUR), low=2, fitted=True
    )
    for site in ("mTORC1_active", "S6K1_pT389"):
        value = remaining(run, site, 6 * HOUR)
        yield Measure(f"Caki-1, hypoxia: {site} at 6 h", value, high=0.9, fitted=True)
        held = remaining(without, site, 6 * HOUR)
        yield Measure(f"Caki-1, hypoxia, REDD1 not induced: {site} at 6 h", held, low=0.98)


# -- B10: viability --------------------------------------------------------------------------------


def cytostatic() -> Iterator[Measure]:
    """Viability under temsirolimus is shallow with a plateau; Ku-0063794 goes lower."""
    for cell in KIDNEY:
        rapalog = _assay(cell, "temsirolimus")
        for hours in (24, 48, 72, 96):
            lowest = rapalog.at(f"{hours} h").e_max
            what = f"{cell}: viability at 100 nM temsirolimus, {hours} h"
            # At 72 h: 23 lines lose 19 to 85 % of their growth to rapamycin, says its abstract.
            low, high = (15, 81) if hours == 72 else (-math.inf, math.inf)
            source = PAEDIATRIC if hours == 72 else ""
            yield Measure(what, lowest, "%", low, high, fitted=hours == 72, source=source)
        usual = rapalog.at("72 h")
        plateau = float(usual.viability[-3].mean() - usual.viability[-1].mean())
        yield Measure(f"{cell}: viability at 10 nM less that at 100 nM, 72 h", plateau, "%", high=5)
        slope = math.nan if usual.fit.hill is None else usual.fit.hill
        yield Measure(f"{cell}: Hill slope, 72 h", slope, high=1.5)
        for share in (20, 30, 50):
            yield _inhibitory(cell, share, usual)
        ku = _assay(cell, "Ku-0063794").at("72 h").e_max
        what = f"{cell}: viability at the highest dose, Ku-0063794 / temsirolimus, 72 h"
        # How far either kind of drug goes in these two lines was fitted.
        yield Measure(what, ku / usual.e_max, high=0.9, fitted=True)


def _inhibitory(cell: str, share: int, plate: TimePoint) -> Measure:
    found = plate.fit.ic(share)
    said = f" ({found.flag})" if found.flag else ""
    if found.low is not None and found.high is not None:
        said = f", 95 % {found.low:.2g}-{found.high:.2g} nM{said}"
    value = math.inf if found.value is None else found.value
    what = f"{cell}: IC{share} of temsirolimus, 72 h"
    return Measure(what, value, "nM", high=100 if share == 20 else math.inf, note=said)


@cache
def _assay(cell: str, drug: str) -> Viability:
    # A decade below the usual lowest dose, so that no IC20 lies outside.
    doses = "0.01nM:100nM:9" if drug in RAPALOG else None
    return viability(cell=cell, drug=drug, doses=doses)
