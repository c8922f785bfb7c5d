"""Pharmacokinetic experiments: what each published number is compared with."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache

import numpy as np
import pandas as pd
from experiments import HERE, Array, Values

import mtorsim as mt
from mtorsim import drugs, pharmacokinetics
from mtorsim.administration import amount
from mtorsim.body import compile_body
from mtorsim.perturbation import load as perturbation
from mtorsim.pharmacology.noncompartmental import Analysis, analyse
from mtorsim.regimen import Regimen

HOUR = 60.0
CYP3A = "CYP3A_activity"
FREE_OF_LIMITS = 1e-3  # ng/mL: single doses far below those of the trials are followed as far
BEFORE = 1e-3  # min: just before the next dose
OCCUPIED = "PC-3"  # the cell that stands for a tumour in tumour/blood ratios


@cache
def rows() -> pd.DataFrame:
    """Read the published numbers; index id."""
    return pd.read_csv(HERE / "data" / "pharmacokinetics.csv", index_col="id")


class Study:
    """A regimen in people or mice, simulated with some values of the models.

    Parameters
    ----------
    values : mapping of str to float
        Id of a parameter, or name of a perturbation (its factor on CYP3A activity), -> value.
    """

    def __init__(
        self,
        values: Values,
        drug: str,
        regimen: str,
        *modifiers: str,
        species: str = "human",
        days: float = 7.0,
        **settings: float,
    ) -> None:
        self.drug, self.species, self.end = drug, species, days * 24 * HOUR
        self.plan = Regimen(regimen)
        own = {id: value for id, value in values.items() if id not in MODIFIERS}
        strength = {name: values[name] for name in modifiers if name in values}
        self.body = compile_body(
            {drug: self.plan},
            species,
            self.end,
            modifiers=[name for name in modifiers if name not in strength],
            set={
                **_known(own, drug, species),
                **({CYP3A: strength.popitem()[1]} if strength else {}),
                **settings,
            },
        )

    def curve(self, id: str, times: Array) -> Array:
        """Return a quantity of the model at some times [min]."""
        grid = np.unique(np.concatenate([[0.0], times]))
        return self.body.read(grid, [id])[np.searchsorted(grid, times), 0]

    def analysis(
        self,
        analyte: str,
        *,
        limit: float | None = None,
        dose: int = 0,
        window: float | None = None,
    ) -> Analysis:
        """Return the analysis of blood after a dose; limit in ng/mL, window in hours."""
        doses = pharmacokinetics.planned(self.plan, self.drug, self.species, self.end)
        start = doses[dose].time
        end = min([one.time for one in doses if one.time > start], default=self.end)
        end = min(end, start + (np.inf if window is None else window * HOUR))
        sampling = pharmacokinetics.load(self.drug, self.species).subjects[self.species].sampling
        lags = np.array([0.0, *(lag for lag in sampling if lag < end - start), end - start])
        mass = drugs.load(analyte).molar_mass.value
        fact = pharmacokinetics.load(self.drug, self.species).limits[analyte]
        smallest = fact.value * 1e6 if limit is None else limit
        return analyse(
            lags,
            np.maximum(self.curve(f"{analyte}_blood", np.minimum(start + lags, end - BEFORE)), 0.0),
            dose=amount(doses[dose], self.drug, self._sizes()) if analyte == self.drug else None,
            infusion=doses[dose].infusion or 0.0,
            limit=smallest * 1e3 / mass,
            interval=end - start if len(doses) > 1 else None,
        )

    def _sizes(self) -> dict[str, float]:
        grid = np.zeros(1)
        sizes = self.body.read(grid, ["body_weight", "body_surface"])[0]
        return {"body_weight": float(sizes[0]), "body_surface": float(sizes[1])}


GRADES = ("mild", "moderate", "severe")
MODIFIERS = ("rifampin",)
"""Perturbations whose factor on CYP3A activity is fitted."""


def _known(values: Values, drug: str, species: str) -> dict[str, float]:
    """Return the values whose ids occur in the model of a drug."""
    from mtorsim.library import body_sbml
    from mtorsim.symbols import symbols

    table = symbols(body_sbml(species, (drug,)))
    return {id: value for id, value in values.items() if id in table}


def mass(analyte: str) -> float:
    """Return ng/mL of one nM."""
    return drugs.load(analyte).molar_mass.value / 1000


T, S, E = "temsirolimus", "sirolimus", "everolimus"


def fitted(values: Values) -> dict[str, float]:
    """Return id -> model for the rows that the fit is made to."""
    usual = Study(values, T, "25 mg IV over 30 min", days=14)
    parent, child = usual.analysis(T), usual.analysis(S)
    low = Study(values, T, "1 mg IV over 30 min")
    low_child = low.analysis(S, limit=FREE_OF_LIMITS)
    five = Study(values, T, "5 mg IV over 30 min")
    with_inhibitor = Study(values, T, "5 mg IV over 30 min", "ketoconazole")
    five_t, five_s = (five.analysis(one, limit=0.01) for one in (T, S))
    keto_t, keto_s = (with_inhibitor.analysis(one, limit=0.01) for one in (T, S))
    induced = Study(values, T, "25 mg IV over 30 min", "rifampin").analysis(S)
    both = five_t.auc_inf * mass(T) + five_s.auc_inf * mass(S)
    peak = _peak(usual, f"{S}_blood") - 0.5 * HOUR
    week = np.array([7 * 24 * HOUR])
    out = np.array([14 * 24 * HOUR])
    given = 25e6 / drugs.load(T).molar_mass.value
    by_mouth, into_vein = (_once(values, S, text) for text in ("5 mg PO", "2 mg IV bolus"))
    alone = Study(values, E, "2 mg PO")
    blocked = Study(values, E, "2 mg PO", "ketoconazole")
    own, kept = alone.analysis(E), blocked.analysis(E)
    return {
        "PK01": parent.cmax * mass(T),
        "PK02": parent.auc_inf * mass(T) / HOUR,
        "PK03": parent.clearance * HOUR,
        "PK04": parent.volume_ss,
        "PK05": parent.half_life / HOUR,
        "PK06": child.half_life / HOUR,
        "PK07": _ratio(child, parent),
        "PK08": peak / HOUR,
        "PK10": child.auc_inf / low_child.auc_inf / 25,
        "PK13": keto_t.auc_inf / five_t.auc_inf,
        "PK14": keto_s.auc_inf / five_s.auc_inf,
        "PK15": (keto_t.auc_inf * mass(T) + keto_s.auc_inf * mass(S)) / both,
        "PK16": _ratio(five_s, five_t),
        "PK56": five_t.auc_inf / parent.auc_inf * 5,
        "PK19": induced.auc_inf / child.auc_inf,
        "PK39": float(usual.curve(f"{S}_blood", week)[0] / usual.curve(f"{S}_plasma", week)[0]),
        "PK50": 100 * float(usual.curve("faeces", out)[0]) / given,
        "PK50u": 100 * float(usual.curve("urine", out)[0]) / given,
        "PK42": by_mouth.clearance * HOUR,
        "PK43": 100 * into_vein.clearance / by_mouth.clearance,
        "PX60": own.auc_inf * mass(E) / HOUR,
        "PX61": own.cmax * mass(E),
        "PX65": own.half_life / HOUR,
        "PX62": kept.auc_inf / own.auc_inf,
        "PX64": kept.cmax / own.cmax,
        "PX66": kept.half_life / HOUR,
        "PX75": _in_plasma(values),
    }


def chosen(values: Values) -> dict[str, float]:
    """Return id -> model for the rows that a number was set by hand from."""
    well, mild, moderate, severe = (
        _once(values, S, "15 mg PO", *modifiers, days=14)
        for modifiers in ((), *((f"hepatic_impairment_{grade}",) for grade in GRADES))
    )
    return {
        "PK46": severe.auc_inf / well.auc_inf,
        "PX48": mild.clearance / well.clearance,
        "PX49": moderate.clearance / well.clearance,
        "PX73b": _ill("moderate")(values),
    }


def predicted(values: Values, without: Iterable[str] = ()) -> dict[str, float]:
    """Return id -> model for the rows that nothing was set from."""
    return {id: measure(values) for id, measure in PREDICTED.items() if id not in {*without}}


def _ratio(child: Analysis, parent: Analysis) -> float:
    return child.auc_inf * mass(S) / (parent.auc_inf * mass(T))


def _peak(study: Study, id: str) -> float:
    """Return when a curve peaks [min], between the points of a fine grid."""
    times = np.linspace(0, 8 * HOUR, 97)
    values = study.curve(id, times)
    k = int(np.clip(values.argmax(), 1, len(times) - 2))
    a, b, _ = np.polyfit(times[k - 1 : k + 2], values[k - 1 : k + 2], 2)
    return float(-b / (2 * a)) if a < 0 else float(times[k])


def _once(values: Values, drug: str, regimen: str, *modifiers: str, **settings: float) -> Analysis:
    return Study(values, drug, regimen, *modifiers, **settings).analysis(drug)


def _to_the_end(
    values: Values, drug: str, regimen: str, *modifiers: str, **settings: float
) -> Analysis:
    """As `_once`, without a limit of quantification: where a modifier would hide the end."""
    study = Study(values, drug, regimen, *modifiers, days=14, **settings)
    return study.analysis(drug, limit=FREE_OF_LIMITS)


def _less_than_proportional(values: Values) -> float:
    high, low = (Study(values, T, f"{dose} mg IV over 30 min") for dose in (25, 1))
    return high.analysis(T).auc_inf / low.analysis(T, limit=FREE_OF_LIMITS).auc_inf / 25


def _converted(values: Values) -> float:
    """Sirolimus that reaches blood, per temsirolimus given: AUCs of both as if into a vein."""
    formed = Study(values, T, "25 mg IV over 30 min").analysis(S).auc_inf
    into_vein = Study(values, S, "5 mg IV bolus").analysis(S)
    given = 25e6 / drugs.load(T).molar_mass.value
    return formed * into_vein.clearance / given


def _accumulation(values: Values) -> float:
    weekly = Study(values, T, "25 mg IV over 30 min weekly x6", days=42)
    return weekly.analysis(S, dose=-1).auc_tau / weekly.analysis(S).auc_tau


def _daily(values: Values, dose: float = 10) -> Study:
    return Study(values, T, f"{dose:g} mg/m2 IV over 30 min daily x5", days=14)


def _first_day(values: Values, dose: float) -> float:
    parent, child = (_daily(values, dose).analysis(one) for one in (T, S))
    return child.auc_tau * mass(S) / (parent.auc_tau * mass(T))


def _induced(values: Values, regimen: str, analyte: str, what: str, **window: float) -> float:
    with_it = Study(values, T, regimen, "rifampin").analysis(analyte, **window)
    return getattr(with_it, what) / getattr(
        Study(values, T, regimen).analysis(analyte, **window), what
    )


def _tissue(analyte: str) -> Callable[[Values], float]:
    """Return what measures a drug in a piece of tumour relative to blood, a day after 25 mg."""

    def measure(values: Values) -> float:
        own = _known(values, T, "human")
        run = mt.simulate(
            cell=OCCUPIED,
            drugs={T: "25 mg IV over 30 min"},
            duration="24 h",
            set=own,
            observe=[f"{analyte}_tumour", f"{analyte}_blood"],
            times=["24 h"],
        )
        return float(run[f"{analyte}_tumour"][-1] / run[f"{analyte}_blood"][-1])

    return measure


def _steady(values: Values, **settings: float) -> tuple[Study, Analysis]:
    study = Study(values, E, "10 mg PO daily x14", days=14, **settings)
    return study, study.analysis(E, dose=-1)


def _in_plasma(values: Values) -> float:
    study, _ = _steady(values)
    times = np.linspace(13, 14, 97)[:-1] * 24 * HOUR
    return 100 * float(
        study.curve(f"{E}_plasma", times).mean() / study.curve(f"{E}_blood", times).mean()
    )


def _ill(grade: str) -> Callable[[Values], float]:
    modifier = f"hepatic_impairment_{grade}"
    return lambda v: (
        _once(v, E, "10 mg PO", modifier, days=14).auc_inf
        / _once(v, E, "10 mg PO", days=14).auc_inf
    )


FOLLOWING = ("PK09", "PK44", "PK59", "PX14")
"""Rows that nearly follow from what is fitted: no test."""

PREDICTED: Mapping[str, Callable[[Values], float]] = {
    "PK09": _less_than_proportional,
    "PK41": lambda v: _once(v, S, "5 mg PO").half_life / HOUR,
    "PX36": lambda v: _once(v, S, "5 mg PO").half_life / HOUR,
    "PK44": _converted,
    "PK59": _accumulation,
    "PK28": lambda v: _daily(v).analysis(T, dose=-1).half_life / HOUR,
    "PX10a": lambda v: _first_day(v, 0.75),
    "PX10b": lambda v: _first_day(v, 24),
    "PX01": lambda v: _induced(v, "25 mg IV over 30 min", S, "cmax"),
    "PX03": lambda v: _induced(v, "25 mg IV over 30 min", T, "auc_inf"),
    "PX08": lambda v: _induced(v, "250 mg IV over 30 min", T, "auc_last", window=24),
    "PX27": lambda v: _once(v, T, "175 mg IV over 30 min").cmax * mass(T),
    "PX14": lambda v: Study(v, T, "25 mg IV over 30 min").analysis(S).auc_inf * mass(S) / HOUR,
    "PX43": lambda v: _fold(v, S, "5 mg PO", "ketoconazole", "auc_inf", days=14),
    "PX42": lambda v: _fold(v, S, "20 mg PO", "rifampin", "auc_inf", days=6),
    "PX41": lambda v: _fold(v, S, "20 mg PO", "rifampin", "cmax", days=6),
    "PX51": lambda v: _fold(v, S, "15 mg PO", "hepatic_impairment_severe", "half_life", days=14),
    "PK25": _tissue(T),
    "PK26": _tissue(S),
    "PK52": lambda v: (
        Study(v, T, "20 mg/kg IV bolus", species="mouse", days=3).analysis(S).half_life / HOUR
    ),
    "PX79": lambda v: _steady(v)[1].auc_tau * mass(E) / HOUR,
    "PX80": lambda v: _steady(v)[1].cmax * mass(E),
    "PX78": lambda v: _once(v, E, "10 mg PO").half_life / HOUR,
    "PX70": lambda v: (
        _to_the_end(v, E, "4 mg PO", "rifampin").half_life / _to_the_end(v, E, "4 mg PO").half_life
    ),
    "PX69": lambda v: (
        _to_the_end(v, E, "4 mg PO", "rifampin").auc_inf / _to_the_end(v, E, "4 mg PO").auc_inf
    ),
    "PX73a": _ill("mild"),
    "PX73c": _ill("severe"),
    "PX88": lambda v: (
        _steady(v, haematocrit=0.20)[1].auc_tau / _steady(v, haematocrit=0.45)[1].auc_tau
    ),
    "PX45": lambda v: (
        _once(v, S, "5 mg PO", haematocrit=0.30).auc_inf
        / _once(v, S, "5 mg PO", haematocrit=0.40).auc_inf
    ),
}


def _fold(
    values: Values, drug: str, regimen: str, modifier: str, what: str, days: float = 7.0
) -> float:
    changed = getattr(_once(values, drug, regimen, modifier, days=days), what)
    return changed / getattr(_once(values, drug, regimen, days=days), what)


def activity(name: str) -> float:
    """Return the factor on CYP3A activity that a perturbation has in the models now."""
    factor = next(one.multiply for one in perturbation(name).changes if one.target == CYP3A)
    assert factor is not None
    return factor


def all_rows(values: Values, without: Iterable[str] = ()) -> dict[str, float]:
    """Return id -> model for every row that is simulated, but for those named."""
    return {**fitted(values), **chosen(values), **predicted(values, without)}
