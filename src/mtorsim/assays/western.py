"""Western blot: proteins and their phosphorylated forms in a row of lanes, normalised as a gel is.

A simulated blot has one truth behind it, the concentration of each form. The bands are drawn from
it and the densitometry is read from it, not from the picture, whose film saturates.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mtorsim.assays import spread
from mtorsim.assays.conditions import Conditions, check_dish, origin, settings_in
from mtorsim.assays.doses import Doses, dose_series, time_series
from mtorsim.assays.logistic import Floats
from mtorsim.assays.record import Assay, check_random, log_normal
from mtorsim.ensembles import Progress
from mtorsim.errors import InputError, UnknownIdError, shown
from mtorsim.facts import FrozenMapping
from mtorsim.observables import OBSERVABLES
from mtorsim.regimen import Regimen
from mtorsim.result import Result
from mtorsim.scenario import Drugs, Scenario
from mtorsim.units import Given, exact_concentration, exact_time, say_concentration, say_time

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOADING = "ACTB"
SERIES: Mapping[str, Doses] = FrozenMapping({"temsirolimus": "1nM,10nM,100nM"})
_MOST_LANES = 60
_FAINTEST = 1e-3  # nM: hundreds of molecules a cell would be needed; below it is the solver's noise
_EMPTY: FrozenMapping[str, Any] = FrozenMapping()


@dataclass(frozen=True)
class Band:
    """Where a protein runs on a gel.

    Attributes
    ----------
    label : str
        As written beside a blot.
    kilodalton : str
        Apparent mass; several forms of 4E-BP1 run apart.
    uniprot : str
        Accession of the human protein.
    total : str
        Id of its total, if it is a phosphorylated form; else empty.
    """

    label: str
    kilodalton: str
    uniprot: str
    total: str = ""


# The apparent masses are those at which the bands are found on gels; the accession leads to the
# calculated ones (https://www.uniprot.org), which are lower wherever phosphates slow a protein.
BANDS: Mapping[str, Band] = FrozenMapping(
    {
        "IRS1_pY": Band("p-IRS-1 (Tyr)", "180", "P35568", "IRS1_total"),
        "IRS1_pS636": Band("p-IRS-1 (Ser636)", "180", "P35568", "IRS1_total"),
        "IRS1_total": Band("IRS-1", "180", "P35568"),
        "AKT_pT308": Band("p-AKT (Thr308)", "60", "P31749", "AKT_total"),
        "AKT_pS473": Band("p-AKT (Ser473)", "60", "P31749", "AKT_total"),
        "AKT_total": Band("AKT", "60", "P31749"),
        "TSC2_pT1462": Band("p-TSC2 (Thr1462)", "200", "P49815", "TSC2_total"),
        "TSC2_total": Band("TSC2", "200", "P49815"),
        "PRAS40_pT246": Band("p-PRAS40 (Thr246)", "40", "Q96B36", "PRAS40_total"),
        "PRAS40_total": Band("PRAS40", "40", "Q96B36"),
        "S6K1_pT389": Band("p-S6K1 (Thr389)", "70", "P23443", "S6K1_total"),
        "S6K1_total": Band("S6K1", "70", "P23443"),
        "S6_pS235": Band("p-S6 (Ser235/236)", "32", "P62753"),
        "S6_pS240": Band("p-S6 (Ser240/244)", "32", "P62753"),
        "EIF4EBP1_pT37": Band("p-4E-BP1 (Thr37/46)", "15-20", "Q13541", "EIF4EBP1_total"),
        "EIF4EBP1_pS65": Band("p-4E-BP1 (Ser65)", "15-20", "Q13541", "EIF4EBP1_total"),
        "EIF4EBP1_total": Band("4E-BP1", "15-20", "Q13541"),
        "HIF1A": Band("HIF-1α", "120", "Q16665"),
        "HIF2A": Band("HIF-2α", "118", "Q99814"),
        "REDD1": Band("REDD1", "35", "Q9NX09"),
        "CCND1": Band("cyclin D1", "34", "P24385"),
        "MYC": Band("MYC", "57", "P01106"),
        LOADING: Band("β-actin", "42", "P60709"),
    }
)
"""What can be blotted, by id of the observable."""

TARGETS = (
    *("S6K1_pT389", "S6K1_total", "S6_pS235"),
    *("EIF4EBP1_pT37", "EIF4EBP1_pS65", "EIF4EBP1_total"),
    *("AKT_pT308", "AKT_pS473", "AKT_total", "IRS1_pS636"),
    *("HIF1A", "CCND1"),
)
"""The usual blot, without its loading control."""


@dataclass(frozen=True, init=False)
class Lane:
    """One lane: lysate of a cell after a treatment.

    Parameters
    ----------
    cell : str
        Name of a cell.
    drugs : mapping of str to dose or schedule, or sequence of Treatment
        None for an untreated lane.
    time : str
        When the cells are lysed, such as ``"24 h"``; ``"0 h"`` is before anything has acted.
    label : str
        Written above the lane; may be empty.
    perturbations, stimuli, set
        As in `Scenario`.

    Attributes
    ----------
    scenario : Scenario
        What was done to the cells, up to the time of lysis.
    time : float
        When the cells are lysed [min].
    label : str

    Raises
    ------
    InputError
        As `Scenario`.
    """

    scenario: Scenario
    time: float
    label: str

    def __init__(
        self,
        cell: str = "786-O",
        drugs: Drugs = (),
        time: Given = "24 h",
        label: str = "",
        *,
        perturbations: Iterable[str] = (),
        stimuli: Mapping[str, Given] = _EMPTY,
        set: Mapping[str, float | str] = _EMPTY,
    ) -> None:
        (minutes,) = time_series([time], from_zero=True)
        scenario = Scenario(
            cell=cell,
            drugs=drugs,
            stimuli=stimuli,
            perturbations=perturbations,
            duration=exact_time(minutes) if minutes else "1 min",  # a run has an end
            set=set,
        )
        check_dish(scenario)
        object.__setattr__(self, "scenario", scenario)
        object.__setattr__(self, "time", minutes)
        object.__setattr__(self, "label", label)

    @property
    def doses(self) -> dict[str, float]:
        """Drug -> dose [nM]; a schedule counts with its dose."""
        plans = {one.drug: one.schedule for one in self.scenario.drugs}
        return {
            drug: float(plan.dose)  # type: ignore[arg-type]
            for drug, plan in plans.items()
            if not isinstance(plan, Regimen)
        }

    def to_dict(self) -> dict[str, Any]:
        """Return label, time of lysis and the scenario up to it; JSON values only."""
        scenario = self.scenario.to_dict()
        return {"label": self.label, **scenario, "duration": exact_time(self.time)}

    def in_words(self) -> str:
        """Return ``"786-O, temsirolimus 10 nM, 24 h"``."""
        doses = [f"{name} {say_concentration(dose)}" for name, dose in self.doses.items()]
        parts = (self.label, self.scenario.cell, *self.scenario.perturbations, *doses)
        return ", ".join((*(part for part in parts if part), say_time(self.time)))


@dataclass(frozen=True, eq=False)
class Western(Assay):
    """A simulated blot.

    Attributes
    ----------
    lanes : tuple of Lane
        The first is the control that densitometry refers to.
    targets : tuple of str
        Ids of what was blotted, without the loading control.
    concentrations : array, shape (targets, lanes)
        [nM].
    loaded : array, shape (lanes,)
        How much lysate each lane got, relative to what it should have [1].
    loading_error : float
    seed : int
    wells : tuple of Result
        What was simulated, in the order of lanes.
    members : array, shape (k, targets, lanes), optional
        `normalised` of members of the ensemble; see `with_ensemble`.
    """

    lanes: tuple[Lane, ...]
    targets: tuple[str, ...]
    concentrations: Floats
    loaded: Floats
    loading_error: float
    seed: int
    wells: tuple[Result, ...] = field(repr=False)
    members: Floats | None = field(default=None, repr=False)

    faintest = _FAINTEST
    """What is less is no band [nM]."""

    def with_ensemble(self, workers: int = 1, progress: Progress | None = None) -> "Western":
        """Return the same blot with the densitometry of each member of the ensemble beside it.

        Raises
        ------
        SimulationError
            When none can be simulated.
        """
        return replace(self, members=spread.lanes(self, workers, progress))

    @cached_property
    def ensemble(self) -> pd.DataFrame | None:
        """Percentiles of densitometry over the members: `spread.densitometry`."""
        return None if self.members is None else spread.densitometry(self, self.members)

    @property
    def signals(self) -> Floats:
        """What the film sees: concentration times lysate, shape (targets, lanes) [nM]."""
        return self.concentrations * self.loaded

    @cached_property
    def normalised(self) -> Floats:
        """Signal over that of actin, relative to the first lane, shape (targets, lanes) [1].

        NaN in a row whose first lane has no band: nothing to relate to.
        """
        ratio = self.signals / self.loaded
        control = np.where(ratio[:, :1] > _FAINTEST, ratio[:, :1], np.nan)
        return np.asarray(ratio / control, dtype=float)

    @cached_property
    def per_total(self) -> Floats:
        """`normalised` phospho over `normalised` total, shape (targets, lanes) [1].

        NaN for what is no phosphorylated form, or whose total was not blotted.
        """
        rows = zip(self.targets, self.normalised, strict=True)
        return np.array([self._of_total(id, row) for id, row in rows])

    def _of_total(self, id: str, row: Floats) -> Floats:
        total = BANDS[id].total
        if total not in self.targets:
            return np.full(row.shape, np.nan)
        below = self.normalised[self.targets.index(total)]
        seen = below > 0
        return np.where(seen, row / np.where(seen, below, 1.0), np.nan)

    @property
    def is_seen(self) -> np.ndarray:
        """Whether a target has a band in any lane, shape (targets,)."""
        return np.asarray((self.concentrations > _FAINTEST).any(axis=1))

    @cached_property
    def table(self) -> pd.DataFrame:
        """Densitometry, one row for each band.

        Columns lane (from 1), label, cell, time_h [h], drugs, target, signal [nM],
        loading_control [1], relative_to_control [1], relative_to_strongest [1],
        phospho_per_total [1]. What is not defined is empty.
        """
        return pd.DataFrame(
            [
                self._band_row(row, column)
                for row in range(len(self.targets))
                for column in range(len(self.lanes))
            ]
        )

    def _band_row(self, row: int, column: int) -> dict[str, Any]:
        lane, strongest = self.lanes[column], float(self.concentrations[row].max())
        seen = strongest > _FAINTEST
        drugs = "; ".join(
            f"{name} {exact_concentration(dose)}" for name, dose in lane.doses.items()
        )
        return {
            "lane": column + 1,
            "label": lane.label,
            "cell": lane.scenario.cell,
            "time_h": lane.time / 60,
            "drugs": drugs,
            "target": self.targets[row],
            "signal": self.signals[row, column],
            "loading_control": self.loaded[column],
            "relative_to_control": self.normalised[row, column],
            "relative_to_strongest": (
                self.concentrations[row, column] / strongest if seen else np.nan
            ),
            "phospho_per_total": self.per_total[row, column],
        }

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Densitometry as read: one row a target, one column a lane, relative to the first lane."""
        columns = [f"lane {number}" for number in range(1, len(self.lanes) + 1)]
        frame = pd.DataFrame(self.normalised, columns=columns)
        frame.insert(0, "target", list(self.targets))
        return frame

    @property
    def provenance(self) -> dict[str, Any]:
        """Inputs, seed, versions and models; JSON values only."""
        return {
            "assay": "western",
            "lanes": [lane.to_dict() for lane in self.lanes],
            "targets": list(self.targets),
            "loading_control": f"{LOADING}, taken as constant: it is no part of the network",
            "loading_error": self.loading_error,
            "seed": self.seed if self.loading_error else None,
            **({} if self.members is None else {"ensemble": spread.about(self.members)}),
            **origin(self.wells),
        }

    def plot(self) -> "Figure":
        """Return a figure: the blot and its densitometry."""
        from mtorsim.plot_assays import western_figure

        return western_figure(self)


def western(
    lanes: Sequence[Lane] | None = None,
    *,
    cell: str | Sequence[str] = "786-O",
    drugs: Mapping[str, Doses] = SERIES,
    times: str | Iterable[Given] = ("24 h",),
    perturbations: Iterable[str] = (),
    stimuli: Mapping[str, Given] = _EMPTY,
    with_drugs: Mapping[str, Given] = _EMPTY,
    set: Mapping[str, float | str] = _EMPTY,
    targets: Sequence[str] | None = None,
    loading_error: float = 0.0,
    seed: int = 0,
) -> Western:
    """Blot lanes; the first is the control.

    Parameters
    ----------
    lanes : sequence of Lane, optional
        Any lanes at all. Without: those of `grid`, from the arguments that follow.
    cell : str or sequence of str
    drugs : mapping of str to doses
        Such as ``{"temsirolimus": "1nM,10nM"}``; doses as in `viability`.
    times : str or iterable of str
        When cells are lysed.
    perturbations, stimuli, with_drugs, set
        As in `viability`; for all lanes.
    targets : sequence of str, optional
        Ids from `BANDS`; default: `TARGETS`.
    loading_error : float
        Coefficient of variation of the lysate that a lane gets [1], log-normal. Normalising to
        actin takes it out again; the picture shows it.
    seed : int
        Of the loading error.

    Returns
    -------
    Western

    Raises
    ------
    InputError
        For anything that is not as it should be.
    SimulationError
        When a simulation fails.
    """
    check_random(loading_error, seed, what="loading_error")
    chosen = _targets(targets)
    if lanes is None:
        cells = [cell] if isinstance(cell, str) else cell
        shared = {"perturbations": tuple(perturbations), "stimuli": stimuli, "set": set}
        lanes = grid(cells, drugs, times, with_drugs, **shared)
    laid = _checked(lanes)
    wells = tuple(_lysed(lane, chosen) for lane in laid)
    last = [
        well.at([lane.time], chosen).to_numpy()[:, 0]
        for well, lane in zip(wells, laid, strict=True)
    ]
    factors = log_normal(loading_error, (len(laid),), seed)
    return Western(laid, chosen, np.array(last).T, factors, loading_error, seed, wells)


def grid(
    cells: Iterable[str],
    drugs: Mapping[str, Doses],
    times: str | Iterable[Given],
    with_drugs: Mapping[str, Given] = _EMPTY,
    **shared: Any,
) -> tuple[Lane, ...]:
    """Return lanes: for each cell and time one without tested drug, then each dose of each.

    At time 0 no drug has acted: there is one lane.

    Parameters
    ----------
    cells : iterable of str
    drugs : mapping of str to doses
        Tested drugs; doses as in `viability`.
    times : str or iterable of str
    with_drugs : mapping of str to dose
        Drugs that all lanes get.
    **shared
        Perturbations, stimuli and settings of all lanes, as in `Lane`.

    Raises
    ------
    InputError
        For anything that is not as it should be.
    """
    minutes, names = time_series(times, from_zero=True), tuple(cells)
    tested: list[dict[str, str]] = [{}]
    for drug, doses in drugs.items():
        if drug in with_drugs:
            raise InputError(f"{drug}: tested and given to all lanes. Expected one of both.")
        tested += [{drug: exact_concentration(dose)} for dose in dose_series(doses, drug)]
    return tuple(
        _lane(Lane(name, {**with_drugs, **given}, exact_time(time), **shared), drugs)
        for name in names
        for time in minutes
        for given in (tested if time else [{}])
    )


def _lane(lane: Lane, tested: Iterable[str]) -> Lane:
    """Return the lane without settings of tested drugs that it does not have."""
    scenario = lane.scenario
    return Lane(
        scenario.cell,
        scenario.drugs,
        exact_time(lane.time),
        perturbations=scenario.perturbations,
        stimuli={name: exact_concentration(dose) for name, dose in scenario.stimuli.items()},
        set=settings_in(scenario, tested),
    )


def _targets(given: Sequence[str] | None) -> tuple[str, ...]:
    known = [id for id in BANDS if id in OBSERVABLES]
    if given is None:
        return tuple(id for id in TARGETS if id in known)
    if isinstance(given, str) or not given:
        raise InputError(f"targets: expected a list such as ['S6K1_pT389'], got {shown(given)}.")
    for id in given:
        if id == LOADING:
            raise InputError(
                f"targets: {LOADING} is always blotted, below the others. Leave it out."
            )
        if id not in known:
            listing = ", ".join(known)
            raise UnknownIdError(
                kind="target of a blot", given=id, choices=known, listing=f"{listing}."
            )
    return tuple(dict.fromkeys(given))


def _checked(lanes: object) -> tuple[Lane, ...]:
    if isinstance(lanes, Lane) or not isinstance(lanes, Iterable):
        raise InputError(f"lanes: expected a list of Lane, got {shown(lanes)}.")
    laid = tuple(lanes)
    for lane in laid:
        if not isinstance(lane, Lane):
            raise InputError(f"lanes: {shown(lane)} is not a Lane. Such as Lane('786-O').")
    if not 0 < len(laid) <= _MOST_LANES:
        raise InputError(f"lanes: {len(laid)} given. Expected 1 to {_MOST_LANES}.")
    return laid


def _lysed(lane: Lane, targets: Sequence[str]) -> Result:
    return Conditions(lane.scenario).well({}, [lane.time], targets)
