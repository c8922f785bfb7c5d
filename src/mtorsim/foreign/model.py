"""A model that was not written here: loaded, looked over, run, and asked what a drug would do."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import libsbml
import numpy as np

from mtorsim import drugs as drug_files
from mtorsim.apart import Arrays, Found, Limits, LostError, apart
from mtorsim.engine import RELATIVE_TOLERANCE, VERSION
from mtorsim.engine.foreign import run_foreign, try_out
from mtorsim.errors import (
    ModelError,
    RegimenError,
    ScenarioError,
    UnitError,
    UnknownIdError,
    shown,
    within,
)
from mtorsim.foreign.adapt import Scale, with_drugs
from mtorsim.foreign.features import Feature, features, is_hierarchical, line_in_antimony
from mtorsim.foreign.maps import DrugMap, load_map, map_for
from mtorsim.foreign.question import Question, Written, changes_of, write
from mtorsim.foreign.timing import Timing
from mtorsim.foreign.units import named_time_unit, time_unit
from mtorsim.library import read_sbml, to_sbml
from mtorsim.prescan import LONGEST as LONGEST_FILE
from mtorsim.prescan import ModelText, read_model
from mtorsim.regimen import Regimen
from mtorsim.result import Result
from mtorsim.scenario import Drugs, Scenario, ids, settings
from mtorsim.steps import Floats, tolerances
from mtorsim.units import LONGEST, Given, decimal, duration, exact_time

_USUAL = 72 * 60.0  # min
_POINTS = 240
_BIOMODELS = re.compile(r"\b(BIOMD\d{10}|MODEL\d{10})\b")
_GRAVE = libsbml.LIBSBML_SEV_ERROR


@dataclass(frozen=True, eq=False)
class Model:
    """Somebody's model, found fit to run.

    Attributes
    ----------
    what : str
        Its file, as messages call it.
    sbml : str
        Flat SBML: the file's own text, or the translation of Antimony.
    time_unit : str
        Such as ``"min"``.
    minutes : float
        How long that is [min].
    time_origin : str
        Where the unit was read.
    notes : tuple of Feature
        Warnings and notes of the look over it.
    map : DrugMap, optional
        What drugs act on; needed only with drugs.
    """

    what: str
    sbml: str = field(repr=False)
    time_unit: str
    minutes: float
    time_origin: str
    notes: tuple[Feature, ...] = field(repr=False)
    map: DrugMap | None = field(repr=False)

    @cached_property
    def _document(self) -> libsbml.SBMLDocument:
        return read_sbml(self.sbml, what=self.what)

    @property
    def name(self) -> str:
        """Name of the model, else its id, else its file."""
        model = self._document.getModel()
        return model.getName() or model.getId() or self.what

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Its id and BioModels identifiers."""
        return identifiers_of(self._document.getModel())

    def simulate(
        self,
        *,
        duration: Given | float | None = None,
        observe: Iterable[str] = (),
        set: Mapping[str, float] = MappingProxyType({}),
        drugs: Drugs = (),
        times: Iterable[Given] | None = None,
        relative_tolerance: float = RELATIVE_TOLERANCE,
    ) -> Result:
        """Simulate from the model's own start.

        Parameters
        ----------
        duration : str, pint quantity or number, optional
            ``"72 h"``; a plain number counts in the model's time unit. Default: that of the map,
            else 72 h.
        observe : iterable of str
            Ids, names, or read-outs of the map. Default: the read-outs of the map, else all
            species and all that follows from rules.
        set : mapping of str to float
            Id of a species, parameter or compartment, or ``reaction.parameter`` -> first value, in
            the model's units.
        drugs : sequence of Treatment, or mapping of str to dose or schedule
            As in `Scenario`; doses in the medium only. Needs a map.
        times : iterable of str, pint quantity or number, optional
            Output times; time 0 is always part of it. Plain numbers as in `duration`.
        relative_tolerance : float
            1e-8 or tighter.

        Returns
        -------
        Result
            Over time [min]; its table is in hours, `dataset` in the model's time unit. `baseline`
            holds the values at time 0 before any drug.

        Raises
        ------
        InputError
            For anything wrong with what was asked.
        SimulationError
            When the solver fails or a value is not finite, or negative where it cannot be.
        """
        question = self._question(duration, observe, set, drugs)
        if tolerances(relative_tolerance, 1.0)["relative"] > RELATIVE_TOLERANCE:
            raise ScenarioError(
                f"relative_tolerance: {relative_tolerance:g} is loose for a model of unknown "
                f"stiffness. Expected {RELATIVE_TOLERANCE:g} or less."
            )
        written = self._written(question)
        grid = self._grid(question, times)
        curves = run_foreign(
            written.sbml,
            grid / self.minutes,
            written.selections,
            relative_tolerance=relative_tolerance,
            is_curved=Timing(self._document).is_curved,
            label=f"{self.what} with {', '.join(t.drug for t in question.drugs) or 'no drug'}",
            time_unit=self.time_unit,
        )
        bare = curves.values[0] if not question.drugs else self._begin(written)
        largest = np.abs(curves.values).max(axis=0)
        return Result(
            scenario=question,
            time=grid,
            values=curves.values,
            baseline=dict(zip(written.observe, bare.tolist(), strict=True)),
            compiled=written,
            rest={},
            tolerances={"relative": relative_tolerance, "absolute": dict(curves.absolute)},
            engine=VERSION,
            floors=dict(zip(written.observe, (1e-9 * largest).tolist(), strict=True)),
        )

    def to_sbml(self, **asked: Any) -> str:
        """Return the SBML that `simulate` would run with the same arguments, doses as events."""
        asked = {"duration": None, "observe": (), "set": {}, "drugs": ()} | asked
        return self._written(self._question(**asked)).sbml

    def in_words(self) -> str:
        """Return what the model is and what was taken as what, one line each."""
        model = self._document.getModel()
        lines = [
            f"Model: {self.name} ({self.what}), {_sizes(model)}.",
            f"Time unit: {self.time_unit} ({self.time_origin}).",
        ]
        if self.map is not None:
            lines.append(f"Drug map: {self.map.path}. {_say_scale(self.map)}")
        return "\n".join(lines)

    # -- inside ----------------------------------------------------------------------------------

    def _question(
        self,
        duration: Given | float | None,
        observe: Iterable[str],
        set: Mapping[str, float],
        drugs: Drugs,
    ) -> Question:
        usual = self.map.duration if self.map is not None and self.map.duration else _USUAL
        end = usual if duration is None else self._minutes_of(duration, "duration")
        if not 0 < end <= LONGEST:
            raise ScenarioError(
                f"duration: {shown(duration)} is not above zero and up to ten years."
            )
        treatments = Scenario(drugs=drugs, duration=exact_time(max(end, 1e-3))).drugs
        if treatments and self.map is None:
            raise ModelError(
                f"{self.what}: no drug map says which of its species are mTOR. Propose one with "
                f"mtorsim map {self.what} -o map.yaml, read it over, and give --map map.yaml "
                "(map='map.yaml')."
            )
        if any(isinstance(one.schedule, Regimen) for one in treatments):
            raise RegimenError(
                "a regimen goes through a body, which only mtorsim's own cell has. Give a dose in "
                "the medium, such as temsirolimus='20 nM'."
            )
        return Question(
            model=self.what,
            name=self.name,
            drugs=treatments,
            duration=end,
            set=settings(set),
            observe=ids(observe, "observe", "['S6K1_pT389']"),
            lines=tuple(self.in_words().splitlines()),
            map=self.map.path if self.map is not None else "",
        )

    def _written(self, question: Question) -> Written:
        sbml = _set(self.sbml, question, self.what)
        if question.drugs:
            assert self.map is not None
            chosen = [drug_files.load(one.drug) for one in question.drugs]
            sbml = with_drugs(sbml, self.map, chosen, self._scale())
        return write(sbml, question, self.map, self._scale(), self.what, self.time_unit)

    def _begin(self, written: Written) -> Floats:
        """Return the values at time 0 without drugs."""
        start = np.zeros(1)
        bare = written.without_doses()
        first: Floats = run_foreign(bare, start, written.selections, label=self.what).values[0]
        return first

    def _scale(self) -> Scale:
        nanomolar = self.map.concentration.value if self.map is not None else 1.0
        return Scale(nanomolar, self.minutes)

    def _grid(self, question: Question, times: Iterable[Given] | None) -> Floats:
        if times is None:
            doses = [change.time for one in question.drugs for change in changes_of(one)]
            grid = np.linspace(0.0, question.duration, _POINTS + 1)
            early = grid[1] * np.array([0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75])
            within_run = [time for time in doses if time < question.duration]
            return np.unique(np.concatenate([grid, early, within_run]))
        with within("times"):
            if isinstance(times, str):
                raise ScenarioError(
                    f"times: expected a list such as ['0 h', '1 h'], got {times!r}."
                )
            asked = [self._minutes_of(time, "times") for time in times]
            if any(not 0 <= time <= question.duration for time in asked):
                end = exact_time(question.duration)
                raise ScenarioError(f"times: expected times from 0 to the end at {end}.")
        return np.unique(np.array([0.0, *asked]))

    def _minutes_of(self, given: Given | float, what: str) -> float:
        if isinstance(given, int | float) and not isinstance(given, bool):
            if not np.isfinite(float(given)):
                raise ScenarioError(f"{what}: {shown(given)} is not a finite number.")
            return float(given) * self.minutes
        return duration(given, what)


def load_model(
    source: str | Path,
    *,
    map: str | Path | DrugMap | None = None,  # noqa: A002 - the word of the command line
    time_unit: str | None = None,
) -> Model:
    """Load somebody's model.

    Parameters
    ----------
    source : str or Path
        Path of an SBML (Level 2 or 3) or Antimony file; or such text itself.
    map : str or Path, optional
        Drug map. Default: the one that mtorsim ships for this model, if any.
    time_unit : str, optional
        Such as ``"min"``, over what the model says.

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        When the file cannot be read, is not sound, or uses what would be computed wrongly (fast
        reactions, algebraic rules, delays, packages that change the meaning): names each and its
        line.
    """
    given = read_model(source)
    sbml, notes = looked_over(given)
    document = read_sbml(sbml, what=given.what)
    model = document.getModel()
    chosen = map if isinstance(map, DrugMap) else None
    if chosen is None:
        chosen = map_for(identifiers_of(model)) if map is None else load_map(map)  # type: ignore[arg-type]
    name, minutes, origin = _time_of(model, given.what, chosen, time_unit)
    return Model(given.what, sbml, name, minutes, origin, notes, chosen)


def looked_over(given: ModelText) -> tuple[str, tuple[Feature, ...]]:
    """Return the flat SBML of a model, and what is to be said of it; refuse what cannot run.

    Looked over in a process of its own: by libSBML, by us, and by RoadRunner in a short trial.

    Raises
    ------
    ModelError
        For what cannot run; also when it crashes a library, or takes too long or too much memory.
    """
    page = {"text": given.text, "what": given.what, "is_sbml": given.is_sbml,
            "folder": None if given.folder is None else str(given.folder)}  # fmt: skip
    try:
        found, _ = apart("mtorsim.foreign.model:looked_over_apart", page, {},
                         limits(len(given.text)))  # fmt: skip
    except LostError as lost:
        raise ModelError(f"{given.what}: looking it over {lost}. It is not loaded.") from None
    return found["sbml"], tuple(Feature(**one) for one in found["notes"])


def limits(length: int) -> Limits:
    """Return what it may take to look over a model of some bytes; sound ones take a tenth of it."""
    megabytes = min(length, LONGEST_FILE) / 1e6
    return Limits(seconds=8 + 8 * megabytes, megabytes=int(2000 + 100 * megabytes))


def looked_over_apart(page: Mapping[str, Any], _arrays: Arrays) -> Found:
    """Look over a model in this process; its text is that of a `ModelText`, as JSON values."""
    folder = None if page["folder"] is None else Path(page["folder"])
    sbml, notes = looked_over_here(ModelText(**{**page, "folder": folder}))
    try:
        try_out(sbml)
    except ModelError as error:
        raise error.at(page["what"]) from None
    return {"sbml": sbml, "notes": [asdict(one) for one in notes]}, {}


def looked_over_here(given: ModelText) -> tuple[str, tuple[Feature, ...]]:
    """Look over a model in this process, without a trial; otherwise as `looked_over`."""
    sbml = to_sbml(given)
    document = read_sbml(sbml, what=given.what)
    found = tuple(features(document))
    grave = [one for one in found if one.severity == "error"]
    if grave:
        raise ModelError(_refusal(given, grave))
    if is_hierarchical(document):
        sbml, document = _flattened(document, given.what)
        later = tuple(features(document))
        if wrong := [one for one in later if one.severity == "error"]:
            raise ModelError(f"{given.what}, flattened: {wrong[0].message}")
        found += later
    if document.getLevel() == 1:
        raise ModelError(
            f"{given.what} is SBML Level 1. Convert it to Level 2 or 3, in COPASI for instance."
        )
    _check_consistency(document, given)
    if Timing(document).mended():
        sbml = str(libsbml.writeSBMLToString(document))
    return sbml, found


def _refusal(given: ModelText, grave: list[Feature]) -> str:
    first = grave[0]
    line = first.line if given.is_sbml else line_in_antimony(given.text, first.symbol)
    where = f"{given.what}, line {line}" if line else given.what
    more = len(grave) - 1
    rest = f" And {more} more: mtorsim check {given.what}" if more else ""
    return f"{where}: {first.message}{rest}"


def _flattened(document: Any, what: str) -> tuple[str, Any]:
    properties = libsbml.ConversionProperties()
    properties.addOption("flatten comp", True)
    properties.addOption("leavePorts", False)
    properties.addOption("abortIfUnflattenable", "all")
    properties.addOption("performValidation", False)
    status = document.convert(properties)
    model = document.getModel()
    if status != libsbml.LIBSBML_OPERATION_SUCCESS or is_hierarchical(document):
        raise ModelError(
            f"{what}: its submodels cannot be flattened. Flatten it in the program that wrote it."
        )
    if not (model.getNumReactions() or model.getNumRules() or model.getNumEvents()):
        raise ModelError(f"{what}: flattened, it has no reaction, rule or event. Nothing to run.")
    sbml = str(libsbml.writeSBMLToString(document))
    return sbml, read_sbml(sbml, what=what)


def _check_consistency(document: Any, given: ModelText) -> None:
    """Refuse what libSBML calls an error, units and good habits aside."""
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, False)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_MODELING_PRACTICE, False)
    document.checkConsistency()
    for index in range(document.getNumErrors()):
        error = document.getError(index)
        if error.getSeverity() >= _GRAVE and error.getErrorId() != libsbml.RequiredPackagePresent:
            said = [line.strip() for line in error.getMessage().splitlines() if line.strip()]
            gist = " ".join((said[1:] or said)[-2:])[:300]
            line = f", line {error.getLine()}" if given.is_sbml and error.getLine() else ""
            raise ModelError(f"{given.what}{line}: not sound SBML. {gist}")


def _time_of(
    model: Any, what: str, found: DrugMap | None, given: str | None
) -> tuple[str, float, str]:
    if given is not None:
        return named_time_unit(given)
    if found is not None and found.time_unit:
        try:
            name, minutes, _ = named_time_unit(found.time_unit)
        except UnitError as error:
            raise error.at(found.document.where(("time_unit",))) from None
        return name, minutes, f"as {found.path} says"
    read = time_unit(model)
    if read is None:
        raise ModelError(
            f"{what} does not say in which unit its time runs. Say it: --time-unit min "
            "(time_unit='min')."
        )
    return read


def identifiers_of(model: Any) -> tuple[str, ...]:
    """Return the id of an SBML model and its BioModels identifiers."""
    links = _BIOMODELS.findall(" ".join(_resources(model)))
    return tuple(dict.fromkeys((*([model.getId()] if model.getId() else []), *links)))


def _resources(model: Any) -> Iterator[str]:
    for index in range(model.getNumCVTerms()):
        term = model.getCVTerm(index)
        if term.getQualifierType() == libsbml.MODEL_QUALIFIER:
            yield from (term.getResourceURI(place) for place in range(term.getNumResources()))


def _sizes(model: Any) -> str:
    return f"{model.getNumSpecies()} species, {model.getNumReactions()} reactions"


def _say_scale(found: DrugMap) -> str:
    one = found.concentration
    assumed = " (assumed)" if one.confidence == "D" else ""
    return f"One unit of concentration stands for {one.value:g} nM{assumed}."


# -- first values ---------------------------------------------------------------------------------


def _set(sbml: str, question: Question, what: str) -> str:
    """Return the model with other first values; nothing that follows from them is held back."""
    if not question.set:
        return sbml
    document = read_sbml(sbml, what=what)
    model = document.getModel()
    for id, given in question.set.items():
        with within("set", id):
            _set_one(model, id, _number(id, given), what)
    return str(libsbml.writeSBMLToString(document))


def _number(id: str, given: float | str) -> float:
    try:
        value = decimal(given) if isinstance(given, str) else float(given)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise ScenarioError(
            f"{id}: {shown(given)} is not a number. A foreign model counts in its own units: give "
            "a plain number."
        )
    return value


def _set_one(model: Any, id: str, value: float, what: str) -> None:
    reaction, _, own = id.partition(".")
    element = model.getElementBySId(id) if not own else _local(model, reaction, own)
    settable = (libsbml.SBML_SPECIES, libsbml.SBML_PARAMETER, libsbml.SBML_COMPARTMENT,
                libsbml.SBML_LOCAL_PARAMETER)  # fmt: skip
    if element is None or element.getTypeCode() not in settable:
        raise UnknownIdError(
            kind="species, parameter or compartment", given=id, choices=_settable(model),
            where=what,
        )  # fmt: skip
    if model.getAssignmentRuleByVariable(id) is not None:
        raise ScenarioError(f"{id!r} follows from a rule of the model and cannot be set.")
    model.removeInitialAssignment(id)
    if element.getTypeCode() == libsbml.SBML_COMPARTMENT:
        if value <= 0:
            raise ScenarioError(f"{id}: {value:g} is no size. Expected more than zero.")
        element.setSize(value)
    elif element.getTypeCode() == libsbml.SBML_SPECIES:
        # What follows a rate rule may be a voltage.
        if value < 0 and model.getRateRuleByVariable(id) is None:
            raise ScenarioError(f"{id}: {value:g} is negative. Expected zero or more.")
        amount = element.getHasOnlySubstanceUnits()
        (element.setInitialAmount if amount else element.setInitialConcentration)(value)
    else:
        element.setValue(value)


def _local(model: Any, reaction: str, own: str) -> Any:
    found = model.getReaction(reaction)
    law = found.getKineticLaw() if found is not None else None
    if law is None:
        return None
    return law.getLocalParameter(own) if model.getLevel() > 2 else law.getParameter(own)


def _settable(model: Any) -> list[str]:
    ids = [one.getId() for items in (model.getListOfSpecies(), model.getListOfParameters(),
                                     model.getListOfCompartments()) for one in items]  # fmt: skip
    for reaction in model.getListOfReactions():
        law = reaction.getKineticLaw()
        own = [] if law is None else law.getListOfLocalParameters() if model.getLevel() > 2 else (
            law.getListOfParameters())  # fmt: skip
        ids += [f"{reaction.getId()}.{one.getId()}" for one in own]
    return ids
