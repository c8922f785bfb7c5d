"""What is simulated for a published number: a cell in a dish, or a regimen in a body."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from mtorsim import drugs, pharmacokinetics
from mtorsim.administration import amount
from mtorsim.body import CompiledBody, compile_body
from mtorsim.compile import compile_scenario
from mtorsim.derived import first_values
from mtorsim.engine import ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE, engine
from mtorsim.errors import InputError, UnknownIdError
from mtorsim.facts import FrozenMapping
from mtorsim.library import body_sbml
from mtorsim.pharmacology.noncompartmental import Analysis, analyse
from mtorsim.regimen import Dose, Regimen
from mtorsim.scenario import Scenario
from mtorsim.simulation import steady_state
from mtorsim.steps import JUST_BEFORE, Floats, Run
from mtorsim.symbols import symbols

Values: TypeAlias = Mapping[str, float]
"""Id of a parameter -> value that stands in for that of the model files.

``"PC-3.koff_MTOR_RICTOR"`` holds in that cell alone, ``"rifampin.CYP3A_activity"`` under that
perturbation of the body alone.
"""

NOTHING: Values = MappingProxyType({})


@dataclass(frozen=True)
class Curves:
    """What was read of a dish.

    Attributes
    ----------
    time : array, shape (n,)
        [min].
    values : mapping of str to array, shape (n,)
        Id -> its course.
    baseline : mapping of str to float
        Id -> value in the untreated cell at rest.
    """

    time: Floats
    values: Mapping[str, Floats]
    baseline: Mapping[str, float]


@dataclass(frozen=True)
class Dish:
    """A scenario, which says what is observed, and when it is read [min]."""

    scenario: Scenario
    times: tuple[float, ...]

    def unit(self, id: str) -> str:
        """Return the model unit of something that is observed."""
        return _unit_in_a_cell(self.scenario, id)

    def carry_out(self, values: Values = NOTHING, *, tighter: float = 1.0) -> Curves:
        """Simulate.

        Parameters
        ----------
        values : mapping of str to float
            As `Values`; ids that do not occur here are passed over. What the scenario sets wins.
        tighter : float
            By how much the tolerances of the solver are divided.

        Raises
        ------
        InputError, SimulationError
            As `mtorsim.simulate`.
        """
        compiled = compile_scenario(self.scenario, values)
        rest = steady_state(compiled)
        runner = engine(compiled.sbml)
        grid = np.unique(np.array([0.0, *self.times]))
        rows = runner.run(
            Run(grid, compiled.settings, {**rest, **compiled.given}, compiled.steps),
            compiled.observe,
            relative_tolerance=RELATIVE_TOLERANCE / tighter,
            absolute_tolerance=ABSOLUTE_TOLERANCE / tighter,
            label=f"{self.scenario.cell} in a comparison with published numbers",
        )
        begun = {**first_values(compiled.adapted, compiled.sbml), **rest}
        untreated = runner.run(Run(np.zeros(1), compiled.adapted, begun), compiled.observe)[0]
        return Curves(
            grid,
            dict(zip(compiled.observe, rows.T, strict=True)),
            dict(zip(compiled.observe, untreated.tolist(), strict=True)),
        )


@dataclass(frozen=True)
class Blood:
    """A regimen in a body, ready to be read."""

    job: "Body"
    compiled: CompiledBody
    tighter: float

    def curve(self, id: str, times: Sequence[float] | Floats) -> Floats:
        """Return a quantity of the model at some times [min], in its unit."""
        grid = np.unique(np.concatenate([[0.0], times]))
        read = self.compiled.read(
            grid,
            [id],
            relative_tolerance=RELATIVE_TOLERANCE / self.tighter,
            absolute_tolerance=ABSOLUTE_TOLERANCE / self.tighter,
        )
        return np.asarray(read[np.searchsorted(grid, times), 0], dtype=float)

    @cached_property
    def doses(self) -> tuple[Dose, ...]:
        """Every dose that is given until the end."""
        return pharmacokinetics.planned(
            self.job.plan, self.job.drug, self.job.species, self.job.end
        )

    def nanomoles(self, dose: int = 0) -> float:
        """Return how much drug a dose holds [nmol]."""
        sizes = self.compiled.read(np.zeros(1), ["body_weight", "body_surface"])[0]
        weighed = {"body_weight": float(sizes[0]), "body_surface": float(sizes[1])}
        return amount(self.doses[dose], self.job.drug, weighed)

    def analysis(
        self, analyte: str, *, dose: int = 0, limit: float | None = None, window: float = np.inf
    ) -> Analysis:
        """Return the analysis of blood after a dose.

        Parameters
        ----------
        analyte : str
        dose : int
            Which; -1 for the last.
        limit : float, optional
            Of quantification [ng/mL]; default: that of the assay of the drug.
        window : float
            How long blood is drawn at most [min].
        """
        start = self.doses[dose].time
        end = min([one.time for one in self.doses if one.time > start], default=self.job.end)
        end = min(end, start + window)
        facts = pharmacokinetics.load(self.job.drug, self.job.species)
        sampling = facts.subjects[self.job.species].sampling
        lags = np.array([0.0, *(lag for lag in sampling if lag < end - start), end - start])
        drawn = np.minimum(start + lags, end - JUST_BEFORE)
        mass = drugs.load(analyte).molar_mass.value
        smallest = facts.limits[analyte].value * 1e6 if limit is None else limit
        return analyse(
            lags,
            np.maximum(self.curve(f"{analyte}_{facts.matrix}", drawn), 0.0),
            dose=self.nanomoles(dose) if analyte == self.job.drug else None,
            infusion=self.doses[dose].infusion or 0.0,
            limit=smallest * 1e3 / mass,
            interval=end - start if len(self.doses) > 1 else None,
        )


@dataclass(frozen=True)
class Body:
    """A regimen in a patient or a mouse, without a cell.

    Attributes
    ----------
    drug, regimen, species : str
    end : float
        [min].
    modifiers : tuple of str
        Perturbations of the body.
    set : mapping of str to number or str
    """

    drug: str
    regimen: str
    end: float
    species: str = "human"
    modifiers: tuple[str, ...] = ()
    set: FrozenMapping[str, float | str] = FrozenMapping()  # noqa: RUF009 - it does not change

    @property
    def plan(self) -> Regimen:
        """The regimen."""
        return Regimen(self.regimen)

    def unit(self, id: str) -> str:
        """Return the model unit of a quantity of the body."""
        known = symbols(body_sbml(self.species, (self.drug,)))
        if id not in known:
            raise UnknownIdError(kind="quantity of the body", given=id, choices=known)
        return known[id].unit

    def carry_out(self, values: Values = NOTHING, *, tighter: float = 1.0) -> Blood:
        """Compile; what is read of it is simulated then. Arguments as those of `Dish`."""
        strength = {name: _of(values, name) for name in self.modifiers}
        changed = {id: value for own in strength.values() for id, value in own.items()}
        known = symbols(body_sbml(self.species, (self.drug,)))
        shared = {id: value for id, value in _shared(values).items() if id in known}
        compiled = compile_body(
            {self.drug: self.plan},
            self.species,
            self.end,
            modifiers=[name for name in self.modifiers if not strength[name]],
            set={**shared, **changed, **self.set},
        )
        return Blood(self, compiled, tighter)


Job: TypeAlias = Dish | Body
Outcome: TypeAlias = Curves | Blood


def curves(outcome: Outcome) -> Curves:
    """Return an outcome that must be that of a dish."""
    if not isinstance(outcome, Curves):
        raise InputError("this reading needs a cell, and the scenario has a body alone.")
    return outcome


def blood(outcome: Outcome) -> Blood:
    """Return an outcome that must be that of a body."""
    if not isinstance(outcome, Blood):
        raise InputError("this reading needs a body, and the scenario has a cell.")
    return outcome


@lru_cache(maxsize=256)
def _unit_in_a_cell(scenario: Scenario, id: str) -> str:
    return symbols(compile_scenario(scenario).sbml)[id].unit


def _shared(values: Values) -> dict[str, float]:
    return {id: value for id, value in values.items() if "." not in id}


def _of(values: Values, name: str) -> dict[str, float]:
    prefix = f"{name}."
    return {id.removeprefix(prefix): one for id, one in values.items() if id.startswith(prefix)}
