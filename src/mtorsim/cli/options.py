"""Options that describe a scenario, and how they join with a scenario file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from mtorsim.errors import InputError, shown

if TYPE_CHECKING:
    from mtorsim.cli.foreign import ModelWish
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
    typer.Option(
        metavar="NAME=DOSE",
        help="Drug and dose in the medium, e.g. temsirolimus=20nM; or, a mass, the regimen of a "
        "body, e.g. 'temsirolimus=25 mg IV weekly x8'. Repeatable.",
    ),
]
Species: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="human|mouse",
        help="Whose body a regimen goes through. Default: human.",
        show_default=False,
    ),
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
    str | None,
    typer.Option(
        metavar="TIME",
        help="How long to simulate, e.g. 72h. Default: 72 h, or the whole regimen.",
        show_default=False,
    ),
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
Model: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Somebody's SBML or Antimony model instead of mtorsim's own network.",
        show_default=False,
    ),
]
Map: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--map",
        metavar="FILE",
        help="With --model: its drug map. Default: the shipped one, if there is one for it.",
        show_default=False,
    ),
]
TimeUnit: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="UNIT",
        help="With --model: its time unit, such as min, over what it says.",
        show_default=False,
    ),
]
Quiet: TypeAlias = Annotated[
    bool,
    typer.Option("-q", "--quiet", metavar="", help="Print nothing but errors.", show_default=False),
]
Json: TypeAlias = Annotated[
    bool, typer.Option("--json", metavar="", help="Print the table as JSON.", show_default=False)
]
Workers: TypeAlias = Annotated[
    int | None, typer.Option(help="Processes. Default: one a core.", show_default=False)
]
Ensemble: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--ensemble",
        metavar="",
        help="Also with every parameter set that agrees with published numbers: 5 to 95 % bands.",
        show_default=False,
    ),
]
Resume: TypeAlias = Annotated[
    bool,
    typer.Option("--resume", metavar="", help="Go on after an interruption.", show_default=False),
]
Parameter: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID",
        help="Parameter, or several as in 'kphos_*'; list: mtorsim show parameters. Repeatable.",
        show_default=False,
    ),
]
Bound: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID=LOW:HIGH",
        help="Range of a parameter. Default: as plausible, or by its confidence. Repeatable.",
        show_default=False,
    ),
]
Debug: TypeAlias = Annotated[
    bool,
    typer.Option("--debug", metavar="", help="Show the traceback of an error.", show_default=False),
]


@dataclass(frozen=True)
class Wish:
    """The scenario options of a command line, as typed.

    `is_sweep` lets the file be a sweep file; `may_have_no_drug` leaves out the drug that there is
    by default, since something else gives one.
    """

    file: str | None = None
    cell: str | None = None
    drug: Sequence[str] | None = None
    stimulus: Sequence[str] | None = None
    perturb: Sequence[str] | None = None
    duration: str | None = None
    set: Sequence[str] | None = None
    observe: Sequence[str] | None = None
    species: str | None = None
    is_sweep: bool = False
    may_have_no_drug: bool = False

    def scenario(self) -> "Scenario":
        """Return the scenario that is meant.

        Options win over the file: a drug in both keeps the file's schedule and takes the dose of
        the option, or its start and the option's regimen; a dose instead of a regimen, or a regimen
        instead of a dose, replaces the schedule. Without a file the default is 786-O under 20 nM
        temsirolimus for 72 h.

        Raises
        ------
        InputError
            For anything that is not as it should be.
        """
        base = self._base()
        fields = base.to_dict()
        treatments = self._drugs(base)
        changes: dict[str, Any] = {
            "drugs": treatments,
            "stimuli": fields.get("stimuli", {}) | pairs("--stimulus", self.stimulus, "10nM"),
            "perturbations": tuple(dict.fromkeys([*base.perturbations, *(self.perturb or ())])),
            "set": dict(base.set) | pairs("--set", self.set, "0.3"),
            "observe": _ids(self.observe) or base.observe,
            "species": self._species(base, treatments),
        }
        if self.cell is not None:
            changes["cell"] = self.cell
        if self.duration is not None:
            changes["duration"] = self.duration
        return base.replace(**changes)

    def _base(self) -> "Scenario":
        """Return the scenario to change."""
        if self.file is not None:
            from mtorsim import scenario_file

            return scenario_file.load_with_keys(self.file, sweep=self.is_sweep)[0]
        from mtorsim.scenario import Scenario

        if self.drug or self.may_have_no_drug:
            return Scenario()
        return Scenario(drugs={"temsirolimus": "20 nM"})

    def _drugs(self, base: "Scenario") -> tuple["Treatment", ...]:
        treatments = {treatment.drug: treatment for treatment in base.drugs}
        for name, dose in pairs("--drug", self.drug, "20nM").items():
            treatments[name] = _treatment(name, dose, treatments.get(name))
        return tuple(treatments.values())

    def _species(self, base: "Scenario", treatments: "Iterable[Treatment]") -> str:
        from mtorsim.regimen import Regimen

        if self.species is not None:
            return self.species
        # A file's species goes with its regimens.
        has_body = any(isinstance(one.schedule, Regimen) for one in treatments)
        return base.species if has_body else "human"


def model_wish(file: str | None, drug_map: str | None, time_unit: str | None) -> "ModelWish | None":
    """Return the foreign model that is meant; None without one."""
    from mtorsim.cli.foreign import ModelWish

    for option, given in (("--map", drug_map), ("--time-unit", time_unit)):
        if given is not None and file is None:
            raise InputError(f"{option} goes with --model FILE, somebody's model.")
    return None if file is None else ModelWish(file, drug_map, time_unit)


def _treatment(name: str, dose: str, planned: "Treatment | None") -> "Treatment":
    from mtorsim.regimen import Regimen
    from mtorsim.regimen_text import looks_like_regimen
    from mtorsim.scenario import Treatment

    is_mass = looks_like_regimen(dose)
    try:
        if planned is None or isinstance(planned.schedule, Regimen) != is_mass:
            return Treatment(name, dose)
        what = "regimen" if is_mass else "dose"
        return Treatment(name, planned.schedule.replace(**{what: dose}))
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


def bounds(given: Iterable[str] | None) -> dict[str, tuple[str, str]]:
    """Split ID=LOW:HIGH options; none may be given twice."""
    found = {}
    for id, text in pairs("--bound", given, "0.1:10").items():
        low, colon, high = (part.strip() for part in text.partition(":"))
        if not (low and colon and high) or ":" in high:
            raise InputError(f"--bound {id}: expected LOW:HIGH such as 0.1:10, got {shown(text)}.")
        found[id] = (low, high)
    return found


def _ids(given: Iterable[str] | None) -> tuple[str, ...]:
    if given is None:
        return ()
    ids = tuple(part.strip() for text in given for part in text.split(",") if part.strip())
    if not ids:
        raise InputError("--observe: expected ids such as S6K1_pT389,AKT_pS473, got nothing.")
    return tuple(dict.fromkeys(ids))
