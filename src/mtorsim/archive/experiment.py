"""SED-ML read as data: models with changed values, uniform time courses, read-outs, outputs.

What goes beyond that is refused by its name: nothing is left out in silence.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtorsim.apart import Arrays, Found
from mtorsim.archive.container import Archive, survived
from mtorsim.errors import InputError, shown
from mtorsim.foreign.model import looked_over
from mtorsim.library import keep_libsbml, read_sbml
from mtorsim.prescan import ModelText
from mtorsim.steps import Floats
from mtorsim.units import decimal

_TIME = "urn:sedml:symbol:time"
_ADDRESS = re.compile(
    r"/(?:\w+:)?sbml/(?:\w+:)?model/(?:\w+:)?listOf(?:Species|Parameters|Compartments|Reactions)"
    r"/(?:\w+:)?(species|parameter|compartment|reaction)\[@id=['\"](\w+)['\"]\](?:/@(\w+))?"
)
_ODE = {"KISAO:0000019": "CVODE", "KISAO:0000088": "LSODA", "KISAO:0000560": "LSODA/LSODAR"}
_RELATIVE, _ABSOLUTE = "KISAO:0000209", "KISAO:0000211"
_STEPS = "KISAO:0000415"  # how many steps at most, beyond which a run fails: we allow a million
_SETTERS = {
    ("species", "initialConcentration"): "setInitialConcentration",
    ("species", "initialAmount"): "setInitialAmount",
    ("parameter", "value"): "setValue",
    ("compartment", "size"): "setSize",
}
_MOST_POINTS = 1_000_000
_MOST_VALUES = 50_000_000  # of one file: points of time times what is read and computed at each


@dataclass(frozen=True)
class Course:
    """A uniform time course: start, output times, tolerances (the absolute one an amount)."""

    start: float
    times: Floats
    relative: float | None
    absolute: float | None


@dataclass(frozen=True)
class Variable:
    """What a generator reads: the id of a symbol of the model, or time where it is empty."""

    id: str
    task: str
    symbol: str


@dataclass(frozen=True)
class Generator:
    """A formula over variables and numbers."""

    id: str
    name: str
    formula: Any
    variables: tuple[Variable, ...]
    numbers: Mapping[str, float]


@dataclass(frozen=True)
class DataSet:
    """A row of a report: its own id, name and label, and the generator that it shows."""

    id: str
    name: str
    label: str
    generator: str


@dataclass(frozen=True)
class Output:
    """A report, or a plot of curves (x, y, name).

    Attributes
    ----------
    rows : tuple of DataSet
        Of a report.
    curves : tuple of (str, str, str)
        Of a plot: generators of x and y, and a name.
    log_x, log_y : bool
        Whether an axis of a plot is logarithmic.
    """

    id: str
    name: str
    rows: tuple[DataSet, ...] = ()
    curves: tuple[tuple[str, str, str], ...] = ()
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class Experiment:
    """One SED-ML file.

    Attributes
    ----------
    place : str
        Its path in the archive.
    tasks : mapping of str to (str, Course)
        Task -> its SBML, changes made, and its time course.
    """

    place: str
    tasks: Mapping[str, tuple[str, Course]]
    generators: Mapping[str, Generator]
    outputs: tuple[Output, ...]


def read(archive: Archive, place: str) -> Experiment:
    """Return a SED-ML file of an archive.

    Raises
    ------
    InputError
        For what is not sound SED-ML, or asks for more than uniform time courses.
    """
    import libsedml

    where = f"{archive.name}, {place}"
    text = archive.text(place, "sedML", "SED-ML")
    survived("mtorsim.archive.experiment:readable_apart", {"text": text}, where)
    document = libsedml.readSedMLFromString(text)
    keep_libsbml()
    errors = [document.getError(index) for index in range(document.getNumErrors())]
    for error in errors:
        if error.getSeverity() >= libsedml.LIBSEDML_SEV_ERROR:
            raise InputError(
                f"{where}, line {error.getLine()}: not sound SED-ML. "
                f"{' '.join(error.getMessage().split())}"
            )
    _check_once(document, where)
    courses = {one.getId(): _course(one, where) for one in document.getListOfSimulations()}
    tasks = {}
    for one in document.getListOfTasks():
        _expect(one, "task", where)
        model = _sbml(archive, document, one.getModelReference(), place, where)
        course = _known(courses, one.getSimulationReference(), "simulation", where)
        tasks[one.getId()] = (model, course)
    generators = {
        one.getId(): _generator(one, tasks, where) for one in document.getListOfDataGenerators()
    }
    outputs = tuple(_output(one, generators, where) for one in document.getListOfOutputs())
    if not outputs:
        raise InputError(f"{where}: no output is asked for: neither report nor plot.")
    _check_size(tasks, generators, outputs, where)
    return Experiment(place, tasks, generators, outputs)


def readable_apart(page: Mapping[str, Any], _arrays: Arrays) -> Found:
    """Read SED-ML in this process, which may not survive it."""
    import libsedml

    count = libsedml.readSedMLFromString(page["text"]).getNumErrors()
    keep_libsbml()
    return count, {}


def _check_once(document: Any, where: str) -> None:
    """Refuse two of one id, of which the second would win."""
    for kind in ("Models", "Simulations", "Tasks", "DataGenerators", "Outputs"):
        seen: set[str] = set()
        for one in getattr(document, f"getListOf{kind}")():
            # Outputs name files, and not every disk tells a from A.
            id = one.getId().casefold() if kind == "Outputs" else one.getId()
            if id in seen:
                what = f"{one.getElementName()} {shown(one.getId())}"
                raise InputError(f"{where}: {what} is there twice. Rename one.")
            seen.add(id)


def _check_size(
    tasks: Mapping[str, tuple[str, Course]],
    generators: Mapping[str, Generator],
    outputs: tuple[Output, ...],
    where: str,
) -> None:
    longest = max((len(course.times) for _, course in tasks.values()), default=0)
    columns = sum(1 + len(one.variables) for one in generators.values())
    columns += sum(len(one.rows) + len(one.curves) for one in outputs)
    if longest * columns > _MOST_VALUES:
        raise InputError(
            f"{where}: {longest} points of {columns} variables and outputs; at most "
            f"{_MOST_VALUES} values are computed."
        )


def _expect(element: Any, kind: str, where: str) -> None:
    if element.getElementName() != kind:
        raise InputError(
            f"{where}: {element.getElementName()} {element.getId()!r} is not supported. "
            f"Expected a {kind}."
        )


def _known(choices: Mapping[str, Any], id: str, what: str, where: str) -> Any:
    if id not in choices:
        raise InputError(f"{where}: no {what} {id!r}.")
    return choices[id]


def _course(one: Any, where: str) -> Course:
    _expect(one, "uniformTimeCourse", where)
    algorithm = one.getAlgorithm()
    kind = algorithm.getKisaoID() if algorithm is not None else ""
    if kind not in _ODE:
        raise InputError(
            f"{where}: algorithm {shown(kind)} of {one.getId()!r} is not supported. "
            f"Expected one of {', '.join(f'{id} ({name})' for id, name in _ODE.items())}."
        )
    given = {
        item.getKisaoID(): item.getValue() for item in algorithm.getListOfAlgorithmParameters()
    }
    if unknown := sorted({*given} - {_RELATIVE, _ABSOLUTE, _STEPS}):
        raise InputError(
            f"{where}: algorithm parameter {shown(unknown[0])} of {one.getId()!r} is not "
            f"supported. Expected {_RELATIVE}, {_ABSOLUTE} (tolerances) or {_STEPS} (steps)."
        )
    numbers = (one.getInitialTime(), one.getOutputStartTime(), one.getOutputEndTime())
    steps = one.getNumberOfSteps()
    if not (np.isfinite(numbers).all() and numbers[0] <= numbers[1] < numbers[2]):
        raise InputError(f"{where}: the times of {one.getId()!r} do not rise.")
    if not 0 < steps <= _MOST_POINTS:
        raise InputError(
            f"{where}: {one.getId()!r} has {steps} steps; 1 to {_MOST_POINTS} are run."
        )
    times = np.linspace(numbers[1], numbers[2], steps + 1)
    tolerances = [_tolerance(given.get(term), where) for term in (_RELATIVE, _ABSOLUTE)]
    return Course(numbers[0], times, *tolerances)


def _tolerance(text: str | None, where: str) -> float | None:
    if text is None:
        return None
    try:
        value = decimal(text)
    except ValueError:
        value = np.nan
    if not 0 < value < 1:
        raise InputError(f"{where}: a tolerance of {shown(text)}. Expected one such as 1e-8.")
    return value


def _sbml(archive: Archive, document: Any, id: str, place: str, where: str) -> str:
    """Return the SBML of a model, with its changes and those of the model it is made from.

    It goes through the door for models that were not written here: flattened, or refused.
    """
    chain: list[Any] = []
    source = id
    models = {one.getId(): one for one in document.getListOfModels()}
    while source in models:
        if len(chain) > len(models):
            raise InputError(f"{where}: model {id!r} is made from itself.")
        chain.append(models[source])
        source = chain[-1].getSource().removeprefix("#")
    if not chain:
        raise InputError(f"{where}: no model {id!r}.")
    if ":" in source:
        raise InputError(
            f"{where}: model source {shown(source)} is not supported. Expected a file of the "
            "archive: nothing is fetched."
        )
    if "sbml" not in (language := chain[-1].getLanguage()):
        raise InputError(f"{where}: model language {shown(language)} is not supported: only SBML.")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(place), source))
    text, what = archive.text(path, "sbml", "an SBML file"), f"{archive.name}, {path}"
    if changes := [one for model in reversed(chain) for one in model.getListOfChanges()]:
        text = _changed(text, changes, what, where)
    return looked_over(ModelText(text, what, is_sbml=True))[0]


def _changed(text: str, changes: Iterable[Any], what: str, where: str) -> str:
    asked = []
    for change in changes:
        _expect(change, "changeAttribute", where)
        asked.append([change.getTarget(), change.getNewValue()])
    page = {"text": text, "changes": asked, "what": what, "where": where}
    return str(survived("mtorsim.archive.experiment:changed_apart", page, what))


def changed_apart(page: Mapping[str, Any], _arrays: Arrays) -> Found:
    """Return the text of a model with other values: targets and their new ones."""
    import libsbml

    sbml = read_sbml(page["text"], what=page["what"])
    for target, value in page["changes"]:
        _change(sbml.getModel(), target, value, page["where"])
    return str(libsbml.writeSBMLToString(sbml)), {}


def _change(model: Any, target: str, given: str, where: str) -> None:
    kind, id, attribute = _address(target, where)
    setter = _SETTERS.get((kind, attribute))
    find = {"species": model.getSpecies, "parameter": model.getParameter,
            "compartment": model.getCompartment}.get(kind)  # fmt: skip
    element = find(id) if find else None
    if setter is None or element is None:
        raise InputError(f"{where}: a change of {target!r} is not supported.")
    try:
        value = decimal(given)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise InputError(f"{where}: {given!r} for {id!r} is not a number.")
    getattr(element, setter)(value)
    model.removeInitialAssignment(id)  # what is given goes before what was computed


def _address(target: str, where: str) -> tuple[str, str, str]:
    match = _ADDRESS.fullmatch(target.strip())
    if match is None:
        raise InputError(
            f"{where}: target {shown(target)} is not supported. Expected one such as "
            "/sbml:sbml/sbml:model/sbml:listOfSpecies/sbml:species[@id='A']."
        )
    return match[1], match[2], match[3] or ""


def _generator(one: Any, tasks: Mapping[str, Any], where: str) -> Generator:
    if one.getMath() is None:
        raise InputError(f"{where}: data generator {one.getId()!r} has no formula.")
    return Generator(
        id=one.getId(),
        name=one.getName() or one.getId(),
        formula=one.getMath().deepCopy(),
        variables=tuple(_variables(one, tasks, where)),
        numbers={item.getId(): item.getValue() for item in one.getListOfParameters()},
    )


def _variables(one: Any, tasks: Mapping[str, Any], where: str) -> Iterator[Variable]:
    for item in one.getListOfVariables():
        task = item.getTaskReference()
        _known(tasks, task, "task", where)
        if item.isSetSymbol():
            if item.getSymbol() != _TIME:
                raise InputError(f"{where}: symbol {item.getSymbol()!r} is not supported.")
            yield Variable(item.getId(), task, "")
        else:
            _, id, attribute = _address(item.getTarget(), where)
            if attribute:
                raise InputError(
                    f"{where}: target {item.getTarget()!r} of a variable is not supported. "
                    f"Expected the {attribute!r} left out: what is read changes with time."
                )
            yield Variable(item.getId(), task, id)


def _output(one: Any, generators: Mapping[str, Generator], where: str) -> Output:
    id, name = one.getId(), one.getName() or one.getId()
    if not re.fullmatch(r"\w{1,100}", id):
        raise InputError(f"{where}: output id {shown(id)} cannot name a file.")
    if one.getElementName() == "report":
        rows = tuple(_row(item, generators, where) for item in one.getListOfDataSets())
        if not rows:
            raise InputError(f"{where}: report {id!r} has no data set.")
        return Output(id, name, rows=rows)
    _expect(one, "plot2D", where)
    curves = tuple(_curve(item, generators, where) for item in one.getListOfCurves())
    if not curves:
        raise InputError(f"{where}: plot {id!r} has no curve.")
    log_x, log_y = _logarithmic(one)
    return Output(id, name, curves=curves, log_x=log_x, log_y=log_y)


def _row(item: Any, generators: Mapping[str, Generator], where: str) -> DataSet:
    reference = item.getDataReference()
    _known(generators, reference, "data generator", where)
    return DataSet(item.getId(), item.getName(), item.getLabel() or item.getId(), reference)


def _curve(item: Any, generators: Mapping[str, Generator], where: str) -> tuple[str, str, str]:
    _expect(item, "curve", where)
    x, y = item.getXDataReference(), item.getYDataReference()
    for reference in (x, y):
        _known(generators, reference, "data generator", where)
    return x, y, item.getName() or generators[y].name


def _logarithmic(plot: Any) -> tuple[bool, bool]:
    """Return whether the axes are: Version 4 says so of an axis, versions before of a curve."""
    curves = [*plot.getListOfCurves()]
    x, y = (axis is not None and axis.getTypeAsString() == "log10"
            for axis in (plot.getXAxis(), plot.getYAxis()))  # fmt: skip
    return x or any(one.getLogX() for one in curves), y or any(one.getLogY() for one in curves)
