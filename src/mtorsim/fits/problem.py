"""A fit as a problem: which parameters, which data, and how far a parameter set is from them."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

import mtorsim
from mtorsim import cells
from mtorsim.compile import Compiled, compile_scenario, parts, structure
from mtorsim.engine import VERSION, engine
from mtorsim.errors import InputError, ScenarioError, UnknownIdError, shown, within
from mtorsim.fits.data import ARBITRARY, NO_DATA, RELATIVE, Data
from mtorsim.fits.loss import LOSSES, damped, weights
from mtorsim.scenario import Scenario
from mtorsim.steps import Floats
from mtorsim.sweeps.plan import model_files
from mtorsim.targets import Dish, Outcomes, Target
from mtorsim.targets.jobs import curves
from mtorsim.targets.points import fitted_scale, scale_factors
from mtorsim.uncertainty import Bounds, Uncertain, standard_deviation, uncertain

FARTHEST = 3.0
"""How far a fit searches: three times as far from the value, in logarithms, as its range goes."""

LOSS, LOSS_SCALE = "soft_l1", 2.0
_DIFFERENCE = 2e-3  # ln of a parameter, for derivatives: far above the solver's noise
_MOST_ROUNDS, _SAME_SCALE = 100, 1e-9  # of the scale of a series


@dataclass(frozen=True)
class Free:
    """A parameter that is fitted.

    Attributes
    ----------
    id : str
        ``"kphos_S6K1_by_mTORC1"``: stands in for the value of the model files; or
        ``"MCF-7.INSR"``: holds in that cell alone.
    value : float
        Of the models now, in `unit`.
    unit : str
    low, high : float
        Where the search ends.
    spread : float
        Unit in which it is searched, of its natural logarithm: the standard deviation of the
        prior if there is one.
    has_prior : bool
        Whether a log-normal prior around `value` holds it back.
    confidence, basis : str
        As in `Uncertain`.
    """

    id: str
    value: float
    unit: str
    low: float
    high: float
    spread: float
    has_prior: bool
    confidence: str
    basis: str

    def value_at(self, step: float) -> float:
        """Return the value at a distance from that of the models, in units of `spread`."""
        return self.value * math.exp(self.spread * step)

    def step_of(self, value: float) -> float:
        """Return the distance of a value from that of the models, in units of `spread`."""
        return math.log(value / self.value) / self.spread

    @property
    def ends(self) -> tuple[float, float]:
        """Ends of the search, in units of `spread`."""
        return self.step_of(self.low), self.step_of(self.high)

    @property
    def difference(self) -> float:
        """Step for derivatives."""
        return _DIFFERENCE / self.spread


@dataclass(frozen=True)
class Problem:
    """What is fitted to what.

    Attributes
    ----------
    free : tuple of Free
    data : Data
        A table of measurements; may have no points.
    targets : tuple of Target
        Published numbers.
    loss : str
        One of `loss.LOSSES`; of data, never of priors.
    loss_scale : float
        Where damping sets in [standard deviations].
    """

    free: tuple[Free, ...]
    data: Data = NO_DATA
    targets: tuple[Target, ...] = ()
    loss: str = LOSS
    loss_scale: float = LOSS_SCALE

    has_noise = False
    is_of_cells = True
    nllh = None

    def values(self, steps: Floats) -> dict[str, float]:
        """Return id -> value at a point of the search, in units of the parameters."""
        pairs = zip(self.free, np.asarray(steps, dtype=float).tolist(), strict=True)
        return {one.id: one.value_at(step) for one, step in pairs}

    @cached_property
    def ends(self) -> tuple[Floats, Floats]:
        """Lower and upper ends of the search, each of shape (k,)."""
        low, high = zip(*(one.ends for one in self.free), strict=True)
        return np.array(low), np.array(high)

    @cached_property
    def has_prior(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which parameters have a prior, shape (k,)."""
        return np.array([one.has_prior for one in self.free])

    @cached_property
    def origin(self) -> Floats:
        """The values of the models as a point of the search, shape (k,)."""
        return np.zeros(len(self.free))

    # -- comparison --------------------------------------------------------------------------

    def residuals(self, steps: Floats) -> Floats:
        """Return distances from all data, in standard deviations, as they are: not damped.

        Parameters
        ----------
        steps : array, shape (k,)
            A point of the search.

        Returns
        -------
        array, shape (n,)
            Of the table, then of the targets.

        Raises
        ------
        SimulationError
            When a simulation fails.
        """
        outcomes = Outcomes(self.values(steps))
        mine = (self.in_units_of_data(outcomes) - self.data.values) / self.data.errors
        return np.concatenate([mine, *(one.residuals(outcomes) for one in self.targets)])

    def in_units_of_data(self, outcomes: Outcomes) -> Floats:
        """Return the model at each measurement, in its unit, shape (n,)."""
        model = self.model(outcomes)
        for places, background in self.scaled_series.values():
            arrays = (model[places], self.data.values[places], self.data.errors[places])
            scale, offset = self.scale(*arrays, background)
            model[places] = scale * model[places] + offset
        return model

    def scale(
        self, model: Floats, values: Floats, errors: Floats, background: str
    ) -> tuple[float, float]:
        """Return scale and background of a series, with the loss of this fit.

        Weighted least squares again and again, so that a stray point pulls no more on the scale
        than on the parameters. Arguments as those of `targets.points.fitted_scale`.
        """
        found = fitted_scale(model, values, errors, background)
        if self.loss == "linear":
            return found
        for _ in range(_MOST_ROUNDS):
            away = (found[0] * model + found[1] - values) / errors
            eased = errors / np.sqrt(weights(away, self.loss, self.loss_scale))
            last, found = found, fitted_scale(model, values, eased, background)
            if np.allclose(found, last, rtol=_SAME_SCALE, atol=0):
                break
        return found

    def model(self, outcomes: Outcomes) -> Floats:
        """Return the model at each measurement, not scaled, shape (n,)."""
        found = np.empty(len(self.data.points))
        for place, (one, dish) in enumerate(zip(self.data.points, self.data.places, strict=True)):
            read = curves(outcomes(self.data.dishes[dish]))
            row = int(np.searchsorted(read.time, one.time))
            base = read.baseline[one.observable] if one.unit == RELATIVE else 1.0
            found[place] = read.values[one.observable][row] / base
        return found

    @cached_property
    def scaled_series(self) -> Mapping[tuple[str, str], tuple[list[int], str]]:
        """Dataset and observable of what is in arbitrary units -> its points, its background."""
        found: dict[tuple[str, str], tuple[list[int], str]] = {}
        for place, one in enumerate(self.data.points):
            if one.unit == ARBITRARY:
                found.setdefault(one.series, ([], one.background))[0].append(place)
        return found

    def damped(self, steps: Floats) -> Floats:
        """Return the residuals whose squares are the loss, of the data alone."""
        return damped(self.residuals(steps), self.loss, self.loss_scale)

    @cached_property
    def count(self) -> int:
        """Number of residuals of data."""
        return len(self.residuals(np.zeros(len(self.free))))

    @cached_property
    def scales(self) -> int:
        """Number of scales and backgrounds that are fitted to the data besides parameters."""
        return sum(scale_factors(background) for _, background in self.scaled_series.values())

    # -- parts -------------------------------------------------------------------------------

    @property
    def datasets(self) -> tuple[str, ...]:
        """What can be left out in turn: datasets of the table, ids of targets."""
        return (*self.data.datasets, *(one.id for one in self.targets))

    def split(self, name: str) -> tuple["Problem", "Problem"]:
        """Return the problem without a dataset or target, and with that alone."""
        others = tuple(one for one in self.targets if one.id != name)
        mine = tuple(one for one in self.targets if one.id == name)
        return (
            replace(self, data=self.data.without(name), targets=others),
            replace(self, data=self.data.of(name), targets=mine),
        )

    def own(self, _other: Any) -> tuple[int, ...]:
        """Return the places of parameters that are met here alone: scales are none."""
        return ()

    @property
    def has_table(self) -> bool:
        """Whether there is a table of measurements."""
        return bool(self.data.points)

    def compared(self, points: Mapping[str, Floats]) -> Any:
        """Return a table (DataFrame): the data beside the model at some points of the search."""
        table, count = self.data.to_dataframe(), len(self.data.points)
        for name, steps in points.items():
            outcomes = Outcomes(self.values(steps))
            if count:
                table[name] = self.in_units_of_data(outcomes)
            table[f"residual_{name}"] = self.residuals(steps)[:count]
        return table

    def own_files(self, _steps: Floats) -> dict[str, bytes]:
        """Return further files of a fit: there are none."""
        return {}

    @cached_property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Every scenario of a cell that is simulated."""
        of_targets = [job for one in self.targets for job in one.jobs]
        dishes = [job for job in (*self.data.dishes, *of_targets) if isinstance(job, Dish)]
        return tuple(dict.fromkeys(one.scenario for one in dishes))

    def warm(self) -> None:
        """Compile every model here, so that what forks from this process has it."""
        for one in dict.fromkeys(parts(scenario) for scenario in self.scenarios):
            engine(structure(*one))
            engine(structure((), one.mutants))

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What decides the numbers of a fit, JSON values."""
        targets = [[getattr(one, name) for name in _OF_TARGET] for one in self.targets]
        return {
            "parameters": [asdict(one) for one in self.free],
            "data_sha256": self.data.sha256,
            "targets": [[str(item) for item in row] for row in targets],
            "loss": {"name": self.loss, "scale": self.loss_scale},
            "model_files_sha256": model_files(),
            "versions": {"mtorsim": mtorsim.__version__, "libroadrunner": VERSION},
        }


_OF_TARGET = ("id", "value", "low", "high", "scale", "reading")


def hashed(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return an identity with its hash."""
    text = json.dumps(identity, sort_keys=True)
    return {**identity, "hash": hashlib.sha256(text.encode()).hexdigest()}


def problem(
    data: Data = NO_DATA,
    parameters: Iterable[str] = (),
    *,
    targets: Sequence[Target] = (),
    branches: Iterable[str] = (),
    confidences: Iterable[str] = (),
    bounds: Bounds = MappingProxyType({}),
    prior: bool = True,
    loss: str = LOSS,
    loss_scale: float = LOSS_SCALE,
) -> Problem:
    """Return a checked problem.

    Parameters
    ----------
    data : Data
        A table of measurements.
    parameters : iterable of str
        Ids or patterns such as ``"kphos_*"``, or of one cell alone, ``"MCF-7.INSR"``.
    targets : sequence of Target
        Published numbers; those that are not simulated are refused.
    branches, confidences : iterable of str
        Only parameters of these.
    bounds : mapping of str to (low, high)
        Where the search of a parameter ends; then it has no prior.
    prior : bool
        Whether each other parameter has a log-normal prior around the value of the models, as
        wide as its confidence says.
    loss, loss_scale
        See `Problem`.

    Raises
    ------
    InputError
        For anything that cannot be carried out.
    """
    if loss not in LOSSES:
        raise UnknownIdError(kind="loss", given=loss, choices=LOSSES)
    if not (isinstance(loss_scale, int | float) and 0 < loss_scale < math.inf):
        raise ScenarioError(f"loss scale: {shown(loss_scale)} is not above zero.")
    idle = [one.id for one in targets if not one.is_simulated]
    if idle:
        raise ScenarioError(f"target {idle[0]} is not simulated, so nothing can be fitted to it.")
    begun = Problem((), data, tuple(targets), loss, float(loss_scale))
    if not (data.points or targets):
        raise ScenarioError("nothing to fit to: give a table of measurements or targets.")
    names = tuple(parameters)
    if not (names or tuple(branches) or tuple(confidences)):
        raise ScenarioError("nothing to fit: give parameters, such as 'kphos_*'.")
    chosen = _chosen(
        begun.scenarios, names, bounds, branches=tuple(branches), confidences=tuple(confidences)
    )
    made = replace(begun, free=tuple(_free(id, one, prior) for id, one in chosen.items()))
    made.residuals(np.zeros(len(made.free)))  # what the models themselves give must exist
    return made


def _chosen(
    scenarios: Sequence[Scenario], names: Sequence[str], bounds: Bounds, **only: Any
) -> dict[str, Uncertain]:
    """Return id -> parameter, those of the files before those of cells."""
    models = {compiled.sbml: compiled for compiled in map(compile_scenario, scenarios)}
    shared = [one for one in names if not _is_of_cell(one)]
    found: dict[str, Uncertain] = {}
    every: list[str | None] = [] if names else [None]
    for pattern in (*shared, *every):
        found |= _of_files(list(models.values()), pattern, bounds, only)
    for name in names:
        if _is_of_cell(name):
            found |= _of_cell(name, scenarios, bounds)
    _check_bounds(bounds, found)
    return found


def _is_of_cell(name: str) -> bool:
    return name.rpartition(".")[0] in cells.names()


def _of_files(
    models: Sequence[Compiled], pattern: str | None, bounds: Bounds, only: Mapping[str, Any]
) -> dict[str, Uncertain]:
    """Return what a pattern chooses in any of the models."""
    found: dict[str, Uncertain] = {}
    fault: InputError | None = None
    for compiled in models:
        patterns = () if pattern is None else (pattern,)
        try:
            mine = uncertain(compiled, patterns, is_of_files=True, **only)
            known = {one.id for one in mine}
            given = {id: one for id, one in bounds.items() if id in known}
            mine = uncertain(compiled, patterns, is_of_files=True, bounds=given, **only)
            found |= {one.id: one for one in mine if one.id not in found}
        except InputError as error:
            fault = fault or error
    if not found and fault is not None:
        raise fault
    return found


def _of_cell(name: str, scenarios: Sequence[Scenario], bounds: Bounds) -> dict[str, Uncertain]:
    cell, _, id = name.rpartition(".")
    mine = [one for one in scenarios if one.cell == cell]
    with within("parameters"):
        if not mine:
            raise ScenarioError(f"{name}: no measurement is of {cell}.")
        ends = {id: bounds[name]} if name in bounds else {}
        (one,) = uncertain(compile_scenario(mine[0].replace(perturbations=())), (id,), bounds=ends)
    return {name: one}


def _check_bounds(bounds: Bounds, found: Mapping[str, Uncertain]) -> None:
    for id in bounds:
        if id not in found:
            raise UnknownIdError(kind="chosen parameter for a range", given=id, choices=found)


def _free(id: str, one: Uncertain, prior: bool) -> Free:
    is_given = one.basis == "given"
    low, high = one.low, one.high
    if not is_given:
        low = one.value * (one.low / one.value) ** FARTHEST
        high = one.value * (one.high / one.value) ** FARTHEST
        high = min(high, 1.0) if one.is_share else high
    return Free(
        id=id,
        value=one.value,
        unit=one.unit,
        low=low,
        high=high,
        spread=standard_deviation(one),
        has_prior=prior and not is_given,
        confidence=one.confidence,
        basis=one.basis,
    )
