"""A regimen in a body without a cell: compiled from the pharmacokinetic files alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mtorsim import perturbation, scenario
from mtorsim.administration import analytes
from mtorsim.compile import apply_changes, planned_course, written
from mtorsim.engine import ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE, engine
from mtorsim.errors import ScenarioError, UnknownIdError, either, within
from mtorsim.facts import FrozenMapping
from mtorsim.library import body_sbml
from mtorsim.regimen import Regimen
from mtorsim.settable import check_divisors, settings_of
from mtorsim.steps import Floats, Run, Step
from mtorsim.symbols import symbols


@dataclass(frozen=True, kw_only=True)
class CompiledBody:
    """Regimens in a body, ready to run.

    Attributes
    ----------
    plans : mapping of str to Regimen
        Drug -> its regimen.
    species : str
        ``"human"`` or ``"mouse"``.
    modifiers : tuple of str
        Perturbations of the body.
    end : float
        End of the run [min].
    sbml : str
        The structure; shared by all regimens of these drugs.
    settings : mapping of str to float
        Values from time 0 that are not those of the model files.
    given : mapping of str to float
        Id -> value at time 0 of what follows from others, and of doses given then.
    steps : tuple of Step
        Later doses, in order of time.
    """

    plans: Mapping[str, Regimen]
    species: str
    modifiers: tuple[str, ...]
    end: float
    sbml: str
    settings: Mapping[str, float]
    given: Mapping[str, float]
    steps: tuple[Step, ...]

    def in_words(self) -> str:
        """Return ``"temsirolimus in human: 25 mg once; from 0 h; with ketoconazole"``."""
        given = [f"{drug} in {self.species}: {one.in_words()}" for drug, one in self.plans.items()]
        return "; ".join([*given, *([f"with {', '.join(self.modifiers)}"] * bool(self.modifiers))])

    def read(
        self,
        times: Floats,
        ids: Iterable[str],
        *,
        relative_tolerance: float = RELATIVE_TOLERANCE,
        absolute_tolerance: float = ABSOLUTE_TOLERANCE,
    ) -> Floats:
        """Simulate; return the values of `ids` at `times` [min], shape (n, m), in model units.

        Raises
        ------
        SimulationError
            When the solver fails or a value is not finite or negative.
        """
        return engine(self.sbml).run(
            Run(times, self.settings, self.given, self.steps),
            tuple(ids),
            relative_tolerance=relative_tolerance,
            absolute_tolerance=absolute_tolerance,
            label=self.in_words(),
        )

    def written(self) -> str:
        """Return the SBML that was simulated, doses as events."""
        values = {**self.settings, **self.given}
        name = f"{', '.join(self.plans)} in {self.species}"
        return written(
            self.sbml, values, self.steps, name=name, words=self.in_words(), events="dosing"
        )


def compile_body(
    plans: Mapping[str, Regimen],
    species: str,
    end: float,
    *,
    modifiers: Iterable[str] = (),
    set: Mapping[str, float | str] = MappingProxyType({}),
) -> CompiledBody:
    """Compile regimens in a body.

    Parameters
    ----------
    plans : mapping of str to Regimen
        Drug -> its regimen, at least one.
    species : str
        ``"human"`` or ``"mouse"``.
    end : float
        End of the run [min], above zero.
    modifiers : iterable of str
        Perturbations of the body, such as ``"ketoconazole"``, carried out in this order.
    set : mapping of str to number or str
        Id of a parameter -> value.

    Raises
    ------
    UnknownIdError
        For a drug, species, modifier or id that does not exist here.
    RegimenError, UnitError, ScenarioError
        For a dose that cannot be given, or a value that cannot be set.
    """
    drugs = tuple(sorted(plans))
    analytes(drugs, species)  # names the drug that is not modelled here
    sbml = body_sbml(species, drugs)
    table = symbols(sbml)
    chosen = scenario.ids(modifiers, "modifiers", "['ketoconazole']")
    given = scenario.settings(set)
    values: dict[str, float] = {}
    for name in chosen:
        apply_changes(values, _of_body(name).changes, table)
    values |= settings_of(given, table, sbml)
    check_divisors({id: values[id] for id in given}, values, table, sbml)
    course = planned_course(plans, species, end, values, sbml)
    return CompiledBody(
        plans=FrozenMapping(plans),
        species=species,
        modifiers=chosen,
        end=end,
        sbml=sbml,
        settings=FrozenMapping(values | course.settings),
        given=FrozenMapping(course.given),
        steps=course.steps(end),
    )


def modifiers() -> tuple[str, ...]:
    """Return the names of the perturbations that act on a body."""
    return tuple(one for one in perturbation.names() if perturbation.load(one).place == "body")


def _of_body(name: str) -> perturbation.Perturbation:
    with within("modifiers"):
        if name not in perturbation.names():
            raise UnknownIdError(
                kind="modifier of a body",
                given=name,
                choices=modifiers(),
                listing="mtorsim show perturbations",
            )
        found = perturbation.load(name)
        if found.place != "body":
            raise ScenarioError(f"{name!r} acts on a cell. Expected {either(modifiers())}.")
    return found
