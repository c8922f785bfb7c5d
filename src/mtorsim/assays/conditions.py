"""What all wells of an assay share, and one well."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from mtorsim.compile import parts, structure
from mtorsim.errors import InputError, about, shown
from mtorsim.result import Result
from mtorsim.scenario import Drugs, Scenario, Treatment
from mtorsim.simulation import simulate
from mtorsim.symbols import symbols
from mtorsim.units import Given, exact_concentration, exact_time


@dataclass(frozen=True)
class Conditions:
    """What every well of an assay has, whatever is tested in it.

    Attributes
    ----------
    scenario : Scenario
        Cell, perturbations, stimuli, settings, and the drugs that all wells get.
    """

    scenario: Scenario

    def __post_init__(self) -> None:
        check_dish(self.scenario)

    @classmethod
    def of(
        cls,
        *,
        cell: str,
        perturbations: Iterable[str] = (),
        stimuli: Mapping[str, Given] | None = None,
        with_drugs: Drugs = (),
        set: Mapping[str, float | str] | None = None,
        duration: float,
    ) -> "Conditions":
        """Return the conditions; arguments as `Scenario`, `duration` in minutes.

        Raises
        ------
        InputError
            As `Scenario`, and for a drug that is given to a body.
        """
        return cls(
            Scenario(
                cell=cell,
                drugs=with_drugs,
                stimuli=stimuli or {},
                perturbations=perturbations,
                duration=exact_time(duration),
                set=set or {},
            )
        )

    def check_tested(self, *drugs: str) -> None:
        """Raise `InputError` if a tested drug is in every well already."""
        shared = {treatment.drug for treatment in self.scenario.drugs} & {*drugs}
        if shared:
            raise InputError(
                f"{', '.join(sorted(shared))}: tested and given to all wells. Expected one of both."
            )

    def well(
        self, doses: Mapping[str, float], times: Iterable[float], observe: Iterable[str]
    ) -> Result:
        """Simulate one well.

        Parameters
        ----------
        doses : mapping of str to float
            Tested drug -> dose from time 0 [nM]; none at all for zero. Name every tested drug:
            a setting that only its reactions know does not apply to a well without it.
        times : iterable of float
            When to read [min].
        observe : iterable of str
            What to read.
        """
        added = [
            Treatment(drug, exact_concentration(dose)) for drug, dose in doses.items() if dose > 0
        ]
        scenario = self.scenario.replace(
            drugs=(*self.scenario.drugs, *added), observe=tuple(observe)
        )
        scenario = scenario.replace(set=settings_in(scenario, doses))
        with about(scenario.cell):
            return simulate(scenario, times=list(times))


def check_dish(scenario: Scenario) -> None:
    """Raise `InputError` if a drug goes through a body: assays are done in a dish."""
    for drug, regimen in scenario.regimens.items():
        raise InputError(
            f"{drug}: {shown(regimen.text)} is given to a body, and assays are done in a dish. "
            "Expected a dose such as '20 nM'."
        )


def settings_in(scenario: Scenario, tested: Iterable[str]) -> dict[str, float | str]:
    """Return the settings of a scenario, without those of tested drugs that it does not have.

    What neither the scenario's model nor those of the tested drugs know is kept, to be complained
    of when the scenario is compiled.
    """
    names, mutants, *_ = parts(scenario)
    if not scenario.set or {*tested} <= {*names}:
        return dict(scenario.set)
    here = symbols(structure(names, mutants))
    anywhere = symbols(structure(tuple(sorted({*names, *tested})), mutants))
    return {id: value for id, value in scenario.set.items() if id in here or id not in anywhere}


def origin(results: Iterable[Result]) -> dict[str, Any]:
    """Return versions, tolerances and the SHA-256 of the models that wells ran with.

    The models are those before cell, doses and settings are written into them, which the inputs of
    the assay give: one for each set of drugs.
    """
    import scipy

    wells = list(results)
    first = wells[0]
    models = dict.fromkeys(well.compiled.sbml for well in wells)
    return {
        "structures_sha256": [sha256(model.encode()).hexdigest() for model in models],
        "tolerances": dict(first.tolerances),
        "versions": {**first.provenance["versions"], "scipy": scipy.__version__},
    }
