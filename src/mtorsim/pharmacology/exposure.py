"""Exposure: the concentrations that a regimen leads to, and what an analysis makes of them."""

import hashlib
import json
import math
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

import mtorsim
from mtorsim import drugs, pharmacokinetics
from mtorsim.administration import amount, places
from mtorsim.body import CompiledBody, compile_body
from mtorsim.engine import ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE, VERSION
from mtorsim.errors import RegimenError, ScenarioError, UnknownIdError, shown, within
from mtorsim.facts import FrozenMapping
from mtorsim.ids import sid
from mtorsim.pharmacokinetics import Pharmacokinetics
from mtorsim.pharmacology import ensemble
from mtorsim.pharmacology.noncompartmental import Accumulation, Analysis, accumulation, analyse
from mtorsim.regimen import UNTIL_THE_END, Dose, Regimen
from mtorsim.scenario import settings
from mtorsim.steps import JUST_BEFORE, Floats, tolerances
from mtorsim.symbols import symbols
from mtorsim.units import LONGEST, SHORTEST, Given, duration, exact_time, say_time

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PERCENTILES = (5, 50, 95)
"""Of the accepted fits: what a range and its middle mean."""

_WEIGHED = ("body_weight", "body_surface")
_AFTER_BOLUS = (2.0, 5.0)  # min: what falls at once is sampled early
_TOO_BRIEFLY = "followed too briefly"
_FINE = np.concatenate([np.linspace(0, 60, 31), np.geomspace(65, 1440, 60)])  # min, after a dose
_COARSE = 180.0  # min: from a day after a dose on


@dataclass(frozen=True, eq=False)
class Exposure:
    """Concentrations of a drug and its metabolites in a body.

    Attributes
    ----------
    drug : str
    regimen : Regimen
    compiled : CompiledBody
        The model and the values it ran with: species, modifiers, what was set.
    dataset : xarray.Dataset
        Every species and sum of the model over ``time`` [min]; concentrations [nM].
    doses : tuple of Dose
        As given, with route and infusion time.
    samples : array, shape (m,)
        When after each dose blood is drawn for the analysis [min].
    set : mapping of str to number or str
        As given.
    tolerances : mapping of str to float
        ``relative`` and ``absolute_nM`` of the integrator.
    fits : tuple of Exposure
        The same with each accepted fit of the model; empty unless asked for.
    """

    drug: str
    regimen: Regimen
    compiled: CompiledBody = field(repr=False)
    dataset: xr.Dataset = field(repr=False)
    doses: tuple[Dose, ...]
    samples: Floats = field(repr=False)
    set: Mapping[str, float | str]
    tolerances: Mapping[str, float]
    fits: "tuple[Exposure, ...]" = field(default=(), repr=False)

    @property
    def facts(self) -> Pharmacokinetics:
        """What is known of the drug in this species."""
        return pharmacokinetics.load(self.drug, self.compiled.species)

    @property
    def analytes(self) -> tuple[str, ...]:
        """The drug given, then its metabolites."""
        return self.facts.analytes

    @property
    def label(self) -> str:
        """The regimen, and what it is given with: ``"25 mg weekly x4 with ketoconazole"``."""
        beside = [*self.compiled.modifiers, *(f"{id}={value}" for id, value in self.set.items())]
        return self.regimen.text + (f" with {', '.join(beside)}" if beside else "")

    @property
    def time(self) -> Floats:
        """Times of the curves, shape (n,) [min]."""
        return np.asarray(self.dataset["time"].to_numpy(), dtype=float)

    def curve(self, analyte: str, where: str | None = None) -> Floats:
        """Return a concentration over time [nM], shape (n,).

        Parameters
        ----------
        analyte : str
            One of `analytes`.
        where : str, optional
            ``"blood"``, ``"plasma"`` or ``"interstitium"`` (unbound); default: what is measured.

        Raises
        ------
        UnknownIdError
            For an analyte or a place that is not there.
        """
        id = f"{sid(self._known(analyte))}_{where or self.facts.matrix}"
        if id not in self.dataset:
            places = [place for place in ("blood", "plasma", "interstitium")
                      if f"{sid(analyte)}_{place}" in self.dataset]  # fmt: skip
            raise UnknownIdError(kind=f"place of {analyte}", given=where, choices=places)
        return np.asarray(self.dataset[id].to_numpy(), dtype=float)

    def spread(self, analyte: str, where: str | None = None) -> Floats:
        """Return the 5th, 50th and 95th percentile of a concentration over the fits [nM].

        Parameters are those of `curve`; the shape is (3, n), and without fits the curve, thrice.
        """
        curves = [one.curve(analyte, where) for one in self.fits or (self,)]
        return np.asarray(np.percentile(curves, PERCENTILES, axis=0), dtype=float)

    def analysis(self, analyte: str, dose: int = 0) -> Analysis:
        """Return the non-compartmental analysis of what is measured after one dose.

        Parameters
        ----------
        analyte : str
            One of `analytes`.
        dose : int
            Which dose: 0 is the first, -1 the last.

        Returns
        -------
        Analysis
            In nM, nmol, litre and minutes. After a bolus the simulated height at time 0 is part of
            areas, and the peak is that of the samples after it. Where the run ends before the
            infusion, the peak or the samples of an interval, there are reasons instead of numbers.
        """
        start, end = self.window(dose)
        given = self.doses[dose]
        times = np.unique([0.0, *(self.samples[self.samples < end - start]), end - start])
        # At the time of the next dose the curve holds what it makes of the blood, not the trough.
        drawn = np.minimum(start + times, end - JUST_BEFORE)
        values = np.interp(drawn, self.time, self.curve(analyte))
        found = analyse(
            times,
            np.maximum(values, 0.0),
            dose=self.nanomoles(given) if analyte == self.drug else None,
            infusion=given.infusion or 0.0,
            limit=self.limit(analyte),
            interval=self.interval(dose),
            bolus=given.route == "IV bolus",
        )
        return self._without_what_is_cut(found, dose)

    def _without_what_is_cut(self, found: Analysis, dose: int) -> Analysis:
        """Drop what the end of the run, earlier than a last sample or dose, leaves untold."""
        (start, end), infusion = self.window(dose), self.doses[dose].infusion or 0.0
        length = end - start
        if found.cmax is None or self._is_before_a_dose(end):
            return found
        gone: list[str] = []
        if length < infusion or found.tmax == length:
            gone += ["cmax", "tmax", "fluctuation"]
        interval = self.interval(dose)
        due = float(self.samples[-1]) if interval is None else min(self.samples[-1], interval)
        if length < due * (1 - 1e-9):
            gone += ["auc_tau", "ctrough", "caverage", "fluctuation"]
        if interval is None:
            gone = [name for name in gone if name in ("cmax", "tmax")]
        reasons = {**found.reasons, **dict.fromkeys(gone, _TOO_BRIEFLY)}
        return replace(found, **dict.fromkeys(gone), reasons=reasons)

    def _is_before_a_dose(self, end: float) -> bool:
        return any(one.time == end for one in self.doses)

    def limit(self, analyte: str) -> float:
        """Return the lower limit of quantification [nM]."""
        fact = self.facts.limits[self._known(analyte)]
        return fact.value * 1e9 / drugs.load(analyte).molar_mass.value

    def as_mass(self, analyte: str) -> float:
        """Return how many ng/mL of an analyte are 1 nM."""
        return drugs.load(self._known(analyte)).molar_mass.value / 1000

    def accumulation(self, analyte: str) -> Accumulation | None:
        """Return how the last dosing interval compares with the first; None for a single dose.

        There are reasons instead of numbers where the last dose or interval is another.
        """
        if len(self.doses) < 2:
            return None
        if self._changed:
            reasons = dict.fromkeys(_RATIOS, f"the last {self._changed} differs from the first")
            return Accumulation(None, None, None, reasons)
        first, last = self.analysis(analyte), self.analysis(analyte, -1)
        return accumulation(replace(first, interval=last.interval), last)

    @property
    def _changed(self) -> str:
        """What is not at the end as at the beginning of the regimen; empty if nothing."""
        if self.doses[0]._replace(time=self.doses[-1].time) != self.doses[-1]:
            return "dose"
        first, last = self.interval(0) or 0.0, self.interval(-1) or 0.0
        return "" if math.isclose(first, last, rel_tol=1e-9) else "interval"

    def interval(self, dose: int = 0) -> float | None:
        """Return the time from a dose to the next [min], of the last from that before it.

        None for a single dose.
        """
        times = [one.time for one in self.doses]
        if len(times) < 2:
            return None
        place = min(dose % len(times), len(times) - 2)
        return times[place + 1] - times[place]

    def nanomoles(self, dose: Dose) -> float:
        """Return a dose [nmol] in this body."""
        table = symbols(self.compiled.sbml)
        sizes = {id: self.compiled.settings.get(id, table[id].value or 0.0) for id in _WEIGHED}
        return amount(dose, self.drug, sizes)

    @cached_property
    def table(self) -> pd.DataFrame:
        """What a pharmacologist reads off: one row a quantity, analyte and dose (first, last).

        Columns analyte, dose, quantity, value, unit, reason; molar results as mass where that is
        usual (ng/mL, ng*h/mL), clearance in L/h, volumes in L. Where there is no value the reason
        says why. After a dose by mouth or into the peritoneum clearance and volume are apparent:
        divided by the share that reaches the blood.
        """
        columns = ["analyte", "dose", "quantity", "value", "unit", "reason"]
        return pd.DataFrame(self._rows(), columns=columns).astype({"value": float})

    def imbalance(self) -> float:
        """Return the largest share of the drug given that is missing or too much at any time."""
        table = symbols(self.compiled.sbml)
        start = {id: one.value for id, one in table.items() if one.kind == "compartment"}
        volumes = {**start, **self.compiled.given}
        found = np.zeros_like(self.time)
        for id, compartment in places(self.compiled.sbml).items():
            if id != "FKBP12_blood":
                found += self.dataset[id].to_numpy() * volumes[compartment]
        given = self._given()
        has_drug = given > 0
        return float(np.abs(found[has_drug] / given[has_drug] - 1).max())

    @cached_property
    def sbml(self) -> str:
        """The model that was simulated, doses as events."""
        return self.compiled.written()

    @property
    def provenance(self) -> dict[str, Any]:
        """Inputs, versions and the SHA-256 of the model; JSON values only."""
        return {
            "drug": self.drug,
            "regimen": self.regimen.text,
            "species": self.compiled.species,
            "with": list(self.compiled.modifiers),
            "set": dict(self.set),
            "tolerances": dict(self.tolerances),
            "end_h": self.compiled.end / 60,
            "samples_h": [minutes / 60 for minutes in self.samples.tolist()],
            **({"ensemble": self._ensemble()} if self.fits else {}),
            "model_sha256": hashlib.sha256(self.sbml.encode()).hexdigest(),
            "versions": {
                "mtorsim": mtorsim.__version__,
                "libroadrunner": VERSION,
                "numpy": np.__version__,
                "python": platform.python_version(),
            },
        }

    def with_fits(self, members: Iterable[Mapping[str, float]] | None = None) -> "Exposure":
        """Return the same exposure with that of each accepted fit beside it.

        Parameters
        ----------
        members : iterable of mapping of str to float, optional
            Id of a parameter -> value, such as `mtorsim.pharmacology.members` returns, which is
            the default. What is `set` wins over it.

        Raises
        ------
        ModelError
            When the file of the fits is not there.
        SimulationError
            When the solver fails for one of them.
        """
        if members is None:
            members = ensemble.members(self.drug, self.compiled.species, self.compiled.modifiers)
        return replace(self, fits=tuple(self._with(one) for one in members))

    def _with(self, values: Mapping[str, float]) -> "Exposure":
        return exposure(
            self.drug,
            self.regimen,
            species=self.compiled.species,
            modifiers=self.compiled.modifiers,
            set={**values, **self.set},
            duration=exact_time(self.compiled.end),
            samples=[exact_time(minutes) for minutes in self.samples.tolist()],
            relative_tolerance=self.tolerances["relative"],
            absolute_tolerance=self.tolerances["absolute_nM"],
        )

    def _ensemble(self) -> dict[str, Any]:
        values = json.dumps([dict(one.set) for one in self.fits], sort_keys=True)
        return {"fits": len(self.fits), "sha256": hashlib.sha256(values.encode()).hexdigest()}

    def to_dataframe(self) -> pd.DataFrame:
        """Return a table of the curves: ``time_h``, then a column [nM] for each species and sum."""
        columns = {str(id): self.dataset[id].to_numpy() for id in self.dataset.data_vars}
        return pd.DataFrame({"time_h": self.time / 60, **columns})

    def plot(self) -> "Figure":
        """Return a figure of the measured concentrations over time."""
        from mtorsim.plot_pharmacology import exposures

        return exposures([self])

    def save(self, folder: str | Path) -> Path:
        """Write curves, table, figure, model and origin into a folder; return it."""
        from mtorsim.export.exposure_folder import save

        return save([self], Path(folder))

    def _known(self, analyte: str) -> str:
        if analyte not in self.analytes:
            raise UnknownIdError(kind="analyte", given=analyte, choices=self.analytes)
        return analyte

    def window(self, dose: int = 0) -> tuple[float, float]:
        """Return start of a dose and start of the next, or the end of the run [min]."""
        try:
            start = self.doses[dose].time
        except IndexError:
            raise ScenarioError(
                f"dose {dose}: there are {len(self.doses)}. Expected 0 for the first, -1 for the "
                "last."
            ) from None
        later = [one.time for one in self.doses if one.time > start]
        return start, min(later, default=self.compiled.end)

    def _given(self) -> Floats:
        """Return how much has been given until each time [nmol]."""
        found = np.zeros_like(self.time)
        for dose in self.doses:
            begun = self.time - dose.time
            share = np.clip(begun / dose.infusion, 0, 1) if dose.infusion else begun >= 0
            found += self.nanomoles(dose) * share
        return found

    def _rows(self) -> Iterator[tuple[str, str, str, float | None, str, str]]:
        for analyte in self.analytes:
            yield from self._read_off(analyte, "first", 0, _SINGLE)
            if len(self.doses) > 1:
                yield from self._read_off(analyte, "last", -1, _REPEATED)
                yield from self._ratios(analyte)

    def _read_off(
        self, analyte: str, name: str, dose: int, listed: Sequence["_Quantity"]
    ) -> Iterator[tuple[str, str, str, float | None, str, str]]:
        analysis = self.analysis(analyte, dose)
        mass = self.as_mass(analyte)
        for one in listed:
            if not self._says(one.field, analyte):
                continue
            value, reason = getattr(analysis, one.field), analysis.reasons.get(one.field, "")
            if one.field == "ctrough" and value is not None and value < self.limit(analyte):
                value, reason = None, "below the limit of quantification"
            apparent = "/F" if one.is_apparent and self._is_apparent else ""
            found = None if value is None else value * one.factor * (mass if one.is_mass else 1.0)
            yield analyte, name, one.title + apparent, found, one.unit, reason

    def _says(self, name: str, analyte: str) -> bool:
        """Return whether a result means anything: a metabolite has no dose, for one."""
        if name == "volume_ss" and self._is_apparent:
            return False  # the mean residence time holds that of absorption
        return analyte == self.drug or name not in ("clearance", "volume_z", "volume_ss", "mrt")

    def _ratios(self, analyte: str) -> Iterator[tuple[str, str, str, float | None, str, str]]:
        ratios = self.accumulation(analyte)
        if ratios is None:
            return
        for title, name in _ACCUMULATION:
            reason = ratios.reasons.get(name, "")
            for plain, usual in (("auc_tau", "AUC tau"), ("cmax", "Cmax")):
                reason = reason.replace(plain, usual)
            yield analyte, "last over first", title, getattr(ratios, name), "1", reason

    @property
    def _is_apparent(self) -> bool:
        return self.doses[0].route in ("PO", "IP")


class _Quantity(NamedTuple):
    """A row of the table: its title, the result it shows, and the unit that it is shown in."""

    title: str
    field: str
    factor: float
    unit: str
    is_mass: bool = False
    is_apparent: bool = False


_SEEN = (
    _Quantity("Cmax", "cmax", 1, "ng/mL", is_mass=True),
    _Quantity("tmax", "tmax", 1 / 60, "h"),
)
_SINGLE = (
    *_SEEN,
    _Quantity("AUC 0-t", "auc_last", 1 / 60, "ng*h/mL", is_mass=True),
    _Quantity("AUC 0-inf", "auc_inf", 1 / 60, "ng*h/mL", is_mass=True),
    _Quantity("AUC extrapolated", "extrapolated", 100, "%"),
    _Quantity("half-life", "half_life", 1 / 60, "h"),
    _Quantity("CL", "clearance", 60, "L/h", is_apparent=True),
    _Quantity("Vz", "volume_z", 1, "L", is_apparent=True),
    _Quantity("Vss", "volume_ss", 1, "L"),
    _Quantity("MRT", "mrt", 1 / 60, "h"),
)
_REPEATED = (
    *_SEEN,
    _Quantity("AUC tau", "auc_tau", 1 / 60, "ng*h/mL", is_mass=True),
    _Quantity("Ctrough", "ctrough", 1, "ng/mL", is_mass=True),
    _Quantity("Caverage", "caverage", 1, "ng/mL", is_mass=True),
    _Quantity("half-life", "half_life", 1 / 60, "h"),
)
_RATIOS = ("auc_ratio", "cmax_ratio", "trough_ratio")
_ACCUMULATION = (("accumulation of AUC", "auc_ratio"), ("accumulation of Cmax", "cmax_ratio"))


def exposure(
    drug: str,
    regimen: str | Regimen,
    *,
    species: str = "human",
    modifiers: Iterable[str] = (),
    set: Mapping[str, float | str] = MappingProxyType({}),
    duration: Given | None = None,
    samples: Iterable[Given] | None = None,
    relative_tolerance: float = RELATIVE_TOLERANCE,
    absolute_tolerance: float = ABSOLUTE_TOLERANCE,
) -> Exposure:
    """Simulate a regimen in a body.

    Parameters
    ----------
    drug : str
        Name of a drug whose pharmacokinetics is modelled in this species.
    regimen : str or Regimen
        Such as ``"25 mg IV over 30 min weekly x4"``.
    species : str
        ``"human"`` or ``"mouse"``.
    modifiers : iterable of str
        Perturbations of the body, such as ``["ketoconazole"]``.
    set : mapping of str to number or str
        Id of a parameter -> value, such as ``{"haematocrit": 0.3}``.
    duration : str or pint quantity, optional
        How long to follow; default: until the last sample after the last dose, and eight weeks
        for a regimen without an end.
    samples : iterable of str or pint quantity, optional
        When after each dose blood is drawn; default: as in clinical studies of the drug.
    relative_tolerance, absolute_tolerance : float
        Of the integrator; the absolute one is a concentration [nM].

    Raises
    ------
    UnknownIdError, UnitError, RegimenError, ScenarioError
        For anything that cannot be given.
    SimulationError
        When the solver fails or a value is not finite or negative.
    """
    accepted = tolerances(relative_tolerance, absolute_tolerance)
    plan = regimen if isinstance(regimen, Regimen) else Regimen(regimen)
    drawn = _samples(samples, drug, species)
    end = _end(plan, duration, float(drawn[-1]))
    compiled = compile_body({drug: plan}, species, end, modifiers=modifiers, set=set)
    doses = pharmacokinetics.planned(plan, drug, species, end)
    if samples is None:  # blood is drawn at the end of an infusion too: there it peaks
        early = _AFTER_BOLUS if any(one.route == "IV bolus" for one in doses) else ()
        drawn = np.unique([*drawn, *early, *(one.infusion for one in doses if one.infusion)])
    times = _times(doses, drawn, end)
    ids = [id for id, one in symbols(compiled.sbml).items() if _is_curve(one.kind, one.unit)]
    values = compiled.read(
        times,
        ids,
        relative_tolerance=accepted["relative"],
        absolute_tolerance=accepted["absolute_nM"],
    )
    return Exposure(
        drug=drug,
        regimen=plan,
        compiled=compiled,
        dataset=_dataset(compiled.sbml, ids, times, values),
        doses=doses,
        samples=drawn,
        set=settings(set),
        tolerances=FrozenMapping(accepted),
    )


def _samples(given: Iterable[Given] | None, drug: str, species: str) -> Floats:
    subject = pharmacokinetics.load(drug, species).subjects[species]
    if given is None:
        return np.array(subject.sampling)
    with within("samples"):
        if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
            raise ScenarioError(
                f"samples: expected a list such as ['30 min', '24 h'], got {shown(given)}."
            )
        minutes = sorted({duration(one, "samples") for one in given})
        if len(minutes) < 1 or minutes[0] < 0 or not 0 < minutes[-1] <= LONGEST:
            raise ScenarioError(
                "samples: expected times after a dose, up to 10 years, such as '30 min' and '24 h'."
            )
        return np.array(minutes)


def _end(plan: Regimen, given: Given | None, last_sample: float) -> float:
    if given is None:
        last = plan.last_time()
        if last is None:
            return UNTIL_THE_END + plan.start
        infusion = plan.doses(math.inf)[-1].infusion or 0.0
        return last + last_sample + (infusion if infusion >= last_sample else 0.0)
    with within("duration"):
        end = duration(given, "duration")
        if end <= plan.start:
            raise RegimenError(
                f"duration: {shown(given)} is not after the first dose at {say_time(plan.start)}."
            )
        if not SHORTEST <= end <= LONGEST:
            raise RegimenError(f"duration: {shown(given)} is not from 1 ms to 10 years.")
        return end


def _times(doses: Sequence[Dose], drawn: Floats, end: float) -> Floats:
    """Return times at which curves are read: fine after each dose, at its ends and samples."""
    found = [np.array([0.0, end])]
    for k, dose in enumerate(doses):
        stop = doses[k + 1].time if k + 1 < len(doses) else end
        late = np.arange(_FINE[-1] + _COARSE, stop - dose.time, _COARSE)
        lags = np.concatenate([_FINE, late, drawn, [dose.infusion or 0.0]])
        found.append(dose.time + lags[dose.time + lags < stop])
        found.append(np.array([stop - JUST_BEFORE, stop]))
    times = np.unique(np.round(np.concatenate(found), 6))
    return np.asarray(times[times <= end], dtype=float)


def _is_curve(kind: str, unit: str) -> bool:
    return kind == "species" or (kind == "observable" and unit == "nM")


def _dataset(sbml: str, ids: Sequence[str], times: Floats, values: Floats) -> xr.Dataset:
    table = symbols(sbml)
    variables = {
        id: ("time", values[:, k], {"units": table[id].unit, "long_name": table[id].name or id})
        for k, id in enumerate(ids)
    }
    return xr.Dataset(variables, {"time": ("time", times, {"units": "min"})})
