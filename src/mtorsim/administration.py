"""A regimen in the terms of a model: which species or rate changes, when, and by how much."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from mtorsim import drugs, pharmacokinetics
from mtorsim.ids import sid
from mtorsim.library import read_sbml
from mtorsim.regimen import Dose, Regimen
from mtorsim.steps import Step

_PLACES = {"IV bolus": "plasma", "IP": "peritoneum", "PO": "gut"}
TIME_DIGITS = 6  # of a minute: changes closer than this are one, a solver cannot step between them


@dataclass
class Course:
    """What a run is given and when.

    Attributes
    ----------
    given : dict of str to float
        Species -> concentration at time 0 [nM].
    settings : dict of str to float
        Parameter -> value from time 0 on.
    values, added : dict of float to dict
        Time [min] -> what is set then, and by how much what rises then.
    """

    given: dict[str, float] = field(default_factory=dict)
    settings: dict[str, float] = field(default_factory=dict)
    values: dict[float, dict[str, float]] = field(default_factory=dict)
    added: dict[float, dict[str, float]] = field(default_factory=dict)

    def set_at(self, time: float, values: Mapping[str, float]) -> None:
        """Plan new values of parameters or species at a time [min] after the start."""
        self.values.setdefault(round(time, TIME_DIGITS), {}).update(values)

    def add_at(self, time: float, species: str, rise: float) -> None:
        """Plan a rise of a species [nM]."""
        there = self.added.setdefault(round(time, TIME_DIGITS), {})
        there[species] = there.get(species, 0.0) + rise

    def steps(self, end: float) -> tuple[Step, ...]:
        """Return what happens after time 0 and before `end` [min], in order of time."""
        end = round(end, TIME_DIGITS)
        times = sorted(time for time in {*self.values, *self.added} if 0 < time < end)
        return tuple(
            Step(time, self.values.get(time, {}), self.added.get(time, {})) for time in times
        )


def analytes(names: Iterable[str], species: str) -> tuple[str, ...]:
    """Return the drugs that appear in a body which is given some: these and their metabolites."""
    found = [one for name in names for one in pharmacokinetics.load(name, species).analytes]
    return tuple(sorted({*found}))


def administer(
    course: Course,
    plans: Mapping[str, Regimen],
    species: str,
    end: float,
    values: Mapping[str, float],
    sbml: str,
) -> None:
    """Write regimens into a course.

    Parameters
    ----------
    course : Course
        Gets the doses.
    plans : mapping of str to Regimen
        Drug -> its regimen.
    species : str
        Whose body it is.
    end : float
        End of the run [min].
    values : mapping of str to float
        Values of the model as they are at time 0: body weight and surface, volumes.
    sbml : str
        The model, which holds the compartments that doses go to.
    """
    for drug, regimen in plans.items():
        for dose in pharmacokinetics.planned(regimen, drug, species, end):
            nanomoles = amount(dose, drug, values)
            if dose.infusion is None:
                _give(course, dose.time, f"{sid(drug)}_{_PLACES[str(dose.route)]}", nanomoles,
                      values, sbml)  # fmt: skip
            else:
                _infuse(course, dose.time, dose.infusion, sid(drug), nanomoles)


def amount(dose: Dose, drug: str, values: Mapping[str, float]) -> float:
    """Return a dose in nmol for a body of this weight [kg] and surface [m2]."""
    size = {"": 1.0, "m2": values["body_surface"], "kg": values["body_weight"]}[dose.per]
    return dose.amount * size * 1e6 / drugs.load(drug).molar_mass.value


def _infuse(course: Course, time: float, length: float, drug: str, nanomoles: float) -> None:
    rate = f"infusion_rate_{drug}"
    if round(time, TIME_DIGITS) == 0:
        course.settings[rate] = nanomoles / length
    else:
        course.set_at(time, {rate: nanomoles / length})
    # What begins as another ends must win: it is planned later.
    course.set_at(time + length, {rate: 0.0})


def _give(
    course: Course,
    time: float,
    place: str,
    nanomoles: float,
    values: Mapping[str, float],
    sbml: str,
) -> None:
    rise = nanomoles / values[places(sbml)[place]]
    if round(time, TIME_DIGITS) == 0:
        course.given[place] = course.given.get(place, 0.0) + rise
    else:
        course.add_at(time, place, rise)


@cache
def places(sbml: str) -> Mapping[str, str]:
    """Return species -> the compartment that it is in."""
    document = read_sbml(sbml)  # the model lives no longer than its document
    found = document.getModel().getListOfSpecies()
    return {one.getId(): one.getCompartment() for one in found}


def after_doses(plans: Mapping[str, Regimen], end: float, lags: Sequence[float]) -> list[float]:
    """Return times [min] at each dose and some lags after it, before `end`: curves bend there."""
    starts = {dose.time for regimen in plans.values() for dose in regimen.doses(end)}
    times = {round(time + lag, TIME_DIGITS) for time in starts for lag in (0.0, *lags)}
    return sorted(time for time in times if time < end)
