"""Options that describe a scenario, and how they join with a scenario file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from mtorsim.errors import InputError, shown

if TYPE_CHECKING:
    from mtorsim.scenario import Scenario, Treatment

ScenarioFile: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="SCENARIO.yaml",
        help="A scenario file; options change it or add to it. "
        "Without: 786-O, temsirolimus 20 nM, 72 h.",
        show_default=False,
    ),
]
Cell: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="Cell line; list: mtorsim show cells.")
]
Drug: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=DOSE", help="Drug and dose, e.g. temsirolimus=20nM. Repeatable."),
]
Stimulus: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="Growth factor or nutrient, e.g. insulin=10nM; "
        "list: mtorsim show stimuli. Repeatable.",
    ),
]
Perturb: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="Perturbation; list: mtorsim show perturbations. Repeatable."
    ),
]
Duration: TypeAlias = Annotated[
    str | None, typer.Option(metavar="TIME", help="How long to simulate, e.g. 72h.")
]
Set: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PARAM=VALUE",
        help="Value of a parameter or species; list: mtorsim show parameters. Repeatable.",
    ),
]
Observe: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="ID,ID…", help="Read-outs; list: mtorsim show observables."),
]
Quiet: TypeAlias = Annotated[
    bool,
    typer.Option("-q", "--quiet", metavar="", help="Print nothing but errors.", show_default=False),
]
Json: TypeAlias = Annotated[
    bool, typer.Option("--json", metavar="", help="Print the table as JSON.", show_default=False)
]
Debug: TypeAlias = Annotated[
    bool,
    typer.Option("--debug", metavar="", help="Show the traceback of an error.", show_default=False),
]


@dataclass(frozen=True)
class Wish:
    """The scenario options of a command line, as typed."""

    file: str | None = None
    cell: str | None = None
    drug: Sequence[str] | None = None
    stimulus: Sequence[str] | None = None
    perturb: Sequence[str] | None = None
    duration: str | None = None
    set: Sequence[str] | None = None
    observe: Sequence[str] | None = None

    def scenario(self) -> "Scenario":
        """Return the scenario that is meant.

        Options win over the file: a drug in both keeps the file's schedule and takes the dose of
        the option. Without a file the default is 786-O under 20 nM temsirolimus for 72 h.

        Raises
        ------
        InputError
            For anything that is not as it should be.
        """
        base = self._base()
        fields = base.to_dict()
        changes: dict[str, Any] = {
            "drugs": self._drugs(base),
            "stimuli": fields.get("stimuli", {}) | pairs("--stimulus", self.stimulus, "10nM"),
            "perturbations": tuple(dict.fromkeys([*base.perturbations, *(self.perturb or ())])),
            "set": dict(base.set) | pairs("--set", self.set, "0.3"),
            "observe": _ids(self.observe) or base.observe,
        }
        if self.cell is not None:
            changes["cell"] = self.cell
        if self.duration is not None:
            changes["duration"] = self.duration
        return base.replace(**changes)

    def _base(self) -> "Scenario":
        if self.file is not None:
            from mtorsim import scenario_file

            return scenario_file.load(self.file)
        from mtorsim.scenario import Scenario

        return Scenario() if self.drug else Scenario(drugs={"temsirolimus": "20 nM"})

    def _drugs(self, base: "Scenario") -> tuple["Treatment", ...]:
        treatments = {treatment.drug: treatment for treatment in base.drugs}
        for name, dose in pairs("--drug", self.drug, "20nM").items():
            treatments[name] = _treatment(name, dose, treatments.get(name))
        return tuple(treatments.values())


def _treatment(name: str, dose: str, planned: "Treatment | None") -> "Treatment":
    from mtorsim.scenario import Treatment

    try:
        schedule = dose if planned is None else planned.schedule.replace(dose=dose)
        return Treatment(name, schedule)
    except InputError as error:
        raise error.at("--drug") from None


def pairs(option: str, given: Iterable[str] | None, example: str) -> dict[str, str]:
    """Split NAME=VALUE options; none may be given twice."""
    pairs: dict[str, str] = {}
    for text in given or ():
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise InputError(
                f"{option} {shown(text)}: expected NAME=VALUE, such as "
                f"{option} {name or 'NAME'}={example}."
            )
        if name in pairs:
            raise InputError(f"{option}: {name!r} is given twice.")
        pairs[name] = value
    return pairs


def _ids(given: Iterable[str] | None) -> tuple[str, ...]:
    if given is None:
        return ()
    ids = tuple(part.strip() for text in given for part in text.split(",") if part.strip())
    if not ids:
        raise InputError("--observe: expected ids such as S6K1_pT389,AKT_pS473, got nothing.")
    return tuple(dict.fromkeys(ids))
