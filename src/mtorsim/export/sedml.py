"""SED-ML Level 1 Version 4: what to simulate, how exactly, what to tabulate and what to draw."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import mtorsim
from mtorsim.errors import ModelError
from mtorsim.observables import BY_BRANCH

if TYPE_CHECKING:
    from mtorsim.result import Result

CVODE, RELATIVE, ABSOLUTE, STEPS = (
    "KISAO:0000019",
    "KISAO:0000209",
    "KISAO:0000211",
    "KISAO:0000415",
)
_MAXIMUM_STEPS = 100_000
_MOST_POINTS = 1000
_INTERVALS = (0.1, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 360, 720, 1440)  # min
_ADDRESSES = {
    "species": "listOfSpecies/sbml:species",
    "parameter": "listOfParameters/sbml:parameter",
    "compartment": "listOfCompartments/sbml:compartment",
    "reaction": "listOfReactions/sbml:reaction",
}
_LONGEST = 24  # letters of a curve's name
_TIME = "urn:sedml:symbol:time"
_TITLES = {
    "growth_factor": "Growth factor signalling",
    "akt": "AKT",
    "tsc_rheb": "TSC, Rheb and AMPK",
    "mtor_complexes": "mTOR complexes",
    "s6k1": "S6K1 and S6",
    "eif4e": "4E-BP1 and translation",
    "hif_vegf": "HIF and VEGF",
    "cell_fate": "Growth",
    "immunophilins": "Drug",
}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A plot: a title, and ids of data generators over time.

    Attributes
    ----------
    id, title : str
    curves : tuple of str
        Ids of read-outs.
    """

    id: str
    title: str
    curves: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One uniform time course of one SBML model.

    Attributes
    ----------
    model : str
        Address of the SBML file, relative to that of the SED-ML.
    name : str
    notes : str
        Lines of text.
    names : mapping of str to str
        Id to read -> name for people, in the order of the report.
    kinds : mapping of str to str
        Id -> ``"species"``, ``"compartment"`` or ``"reaction"``; what is not in it is a parameter.
    end : float
        End of the run, in the time of the model.
    steps : int
        Number of output intervals.
    relative, absolute : float
        Tolerances of the integrator; the absolute one is an amount in the unit of the model.
    untreated : mapping of str to float
        Read-out -> value in the untreated cell, by which plots divide it.
    panels : sequence of Panel
    hour : float
        Length of an hour in the time of the model; 0 leaves the time of plots as it is.
    level : (int, int)
        Level and version of the SBML.
    """

    model: str
    name: str
    notes: str = ""
    names: Mapping[str, str]
    kinds: Mapping[str, str]
    end: float
    steps: int
    relative: float
    absolute: float
    untreated: Mapping[str, float] = field(default_factory=dict)
    panels: Sequence[Panel] = ()
    hour: float = 0.0
    level: tuple[int, int] = (3, 2)

    @property
    def namespace(self) -> str:
        """The namespace of the SBML."""
        level, version = self.level
        core = "/core" if level > 2 else ""
        return f"http://www.sbml.org/sbml/level{level}/version{version}{core}"

    @property
    def language(self) -> str:
        """What SED-ML calls the SBML."""
        level, version = self.level
        return f"urn:sedml:language:sbml.level-{level}.version-{version}"


def of_result(result: "Result", model: str) -> Experiment:
    """Return the experiment that draws the curves of a result.

    Parameters
    ----------
    result : Result
        What ``simulate`` returned; its read-outs are those of the experiment.
    model : str
        Address of the SBML file.
    """
    from mtorsim.library import read_sbml

    document = read_sbml(result.sbml)
    sbml = document.getModel()
    smallest = min(one.getSize() for one in sbml.getListOfCompartments())
    end = float(result.time[-1])
    return Experiment(
        model=model,
        name=sbml.getName(),
        notes=result.scenario.in_words(),
        names=result.labels,
        kinds=_kinds(sbml, result.ids),
        end=end,
        steps=intervals(end),
        relative=result.tolerances["relative"],
        # One number for all amounts: that of the smallest compartment, the cell.
        absolute=result.tolerances["absolute_nM"] * smallest,
        untreated={id: result.baseline[id] for id in result.present},
        panels=_panels(result.ids),
        hour=60.0,
    )


def of_foreign(result: "Result", model: str) -> Experiment:
    """Return the experiment that draws the curves of a model that was not written here.

    Parameters
    ----------
    result : Result
        What ``Model.simulate`` returned.
    model : str
        Address of the SBML file.
    """
    from mtorsim.library import read_sbml

    document = read_sbml(result.sbml)
    labels = result.labels
    names: dict[str, str] = {}
    for asked, selection in zip(result.ids, result.compiled.selections, strict=True):
        names.setdefault(selection.strip("[]"), labels[asked])  # one id may be asked for twice
    ids = tuple(names)
    _, minutes = result.compiled.time_unit
    end = float(result.time[-1]) / minutes
    return Experiment(
        model=model,
        name=result.scenario.name,
        notes=result.scenario.in_words(),
        names=names,
        kinds=_kinds(document.getModel(), ids),
        end=end,
        steps=intervals(float(result.time[-1])),
        relative=result.tolerances["relative"],
        # One number for all amounts: that of the smallest.
        absolute=min(result.tolerances["absolute"].values(), default=1e-12),
        panels=(Panel(id="plot", title=result.scenario.name, curves=ids),),
        hour=60.0 / minutes,
        level=(document.getLevel(), document.getVersion()),
    )


def _kinds(sbml: Any, ids: Iterable[str]) -> dict[str, str]:
    finders = {
        "species": sbml.getSpecies,
        "compartment": sbml.getCompartment,
        "reaction": sbml.getReaction,
    }
    return {id: kind for id in ids for kind, find in finders.items() if find(id) is not None}


def intervals(end: float) -> int:
    """Return into how many equal intervals a run is cut: a thousand at most, of round length."""
    fine = (step for step in _INTERVALS if end / step <= _MOST_POINTS)
    step = next(fine, end / _MOST_POINTS)
    return max(100, round(end / step))


def _panels(ids: Sequence[str]) -> tuple[Panel, ...]:
    home = {id: branch for branch, members in BY_BRANCH.items() for id in members}
    groups: dict[str, list[str]] = {}
    for id in ids:
        groups.setdefault(home.get(id, "others"), []).append(id)
    return tuple(
        Panel(id=f"plot_{name}", title=_TITLES.get(name, "Other read-outs"), curves=tuple(members))
        for name, members in groups.items()
    )


def written(experiment: Experiment) -> str:
    """Return an experiment as SED-ML Level 1 Version 4.

    Raises
    ------
    ModelError
        When libSEDML finds an error in what was written.
    """
    import libsedml

    document = libsedml.SedDocument(1, 4)
    # Read-outs are addressed by XPath, whose prefix is declared here.
    document.getNamespaces().add(experiment.namespace, "sbml")
    lines = [*experiment.notes.splitlines(), f"Written by mtorsim {mtorsim.__version__}."]
    document.setNotes(_paragraphs(lines))
    model = document.createModel()
    _name(model, "model", experiment.name)
    model.setSource(experiment.model)
    model.setLanguage(experiment.language)
    _write_course(document, experiment)
    task = document.createTask()
    _name(task, "task", experiment.name)
    task.setModelReference("model")
    task.setSimulationReference("time_course")
    _write_generators(document, experiment)
    _write_report(document, experiment)
    for panel in experiment.panels:
        _write_plot(document, panel)
    text = str(libsedml.writeSedMLToString(document))
    _check(text)
    return text


def _paragraphs(lines: Iterable[str]) -> str:
    from xml.sax.saxutils import escape

    inner = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return f'<body xmlns="http://www.w3.org/1999/xhtml">{inner}</body>'


def _name(element: Any, id: str, name: str) -> None:
    element.setId(id)
    element.setName(name)


def _write_course(document: Any, experiment: Experiment) -> None:
    course = document.createUniformTimeCourse()
    _name(course, "time_course", "time course")
    course.setInitialTime(0.0)
    course.setOutputStartTime(0.0)
    course.setOutputEndTime(experiment.end)
    course.setNumberOfSteps(experiment.steps)
    algorithm = course.createAlgorithm()
    algorithm.setName("CVODE")
    algorithm.setKisaoID(CVODE)
    for term, name, value in (
        (RELATIVE, "relative tolerance", repr(experiment.relative)),
        (ABSOLUTE, "absolute tolerance", repr(experiment.absolute)),
        (STEPS, "maximum number of steps", str(_MAXIMUM_STEPS)),
    ):
        parameter = algorithm.createAlgorithmParameter()
        parameter.setName(name)
        parameter.setKisaoID(term)
        parameter.setValue(value)


def _write_generators(document: Any, experiment: Experiment) -> None:
    time = _generator(document, "time", "time", "variable_time")
    _variable(time, "variable_time", "time").setSymbol(_TIME)
    if experiment.hour:
        hours = _generator(document, "time_h", "time [h]", f"time_model / {experiment.hour!r}")
        _variable(hours, "time_model", "time").setSymbol(_TIME)
    for id, name in experiment.names.items():
        one = _generator(document, f"data_{id}", name, f"value_{id}")
        _variable(one, f"value_{id}", name).setTarget(_address(experiment, id))
    for id in dict.fromkeys(id for panel in experiment.panels for id in panel.curves):
        if experiment.untreated.get(id):
            _write_relative(document, experiment, id)


def _write_relative(document: Any, experiment: Experiment, id: str) -> None:
    name, untreated = experiment.names[id], experiment.untreated[id]
    title = f"{_short(id, name)}, relative to untreated"
    one = _generator(document, f"relative_{id}", title, f"treated_{id} / untreated_{id}")
    _variable(one, f"treated_{id}", name).setTarget(_address(experiment, id))
    parameter = one.createParameter()
    _name(parameter, f"untreated_{id}", f"{name}, untreated")
    parameter.setValue(untreated)


def _generator(document: Any, id: str, name: str, formula: str) -> Any:
    import libsedml

    one = document.createDataGenerator()
    _name(one, id, name)
    one.setMath(libsedml.parseL3Formula(formula))
    return one


def _variable(generator: Any, id: str, name: str) -> Any:
    variable = generator.createVariable()
    _name(variable, id, name)
    variable.setTaskReference("task")
    return variable


def _short(id: str, name: str) -> str:
    return name if len(name) <= _LONGEST else id.replace("_", " ")


def _address(experiment: Experiment, id: str) -> str:
    kind = _ADDRESSES[experiment.kinds.get(id, "parameter")]
    return f"/sbml:sbml/sbml:model/sbml:{kind}[@id='{id}']"


def _write_report(document: Any, experiment: Experiment) -> None:
    report = document.createReport()
    _name(report, "report", "read-outs over time")
    for id, label in {"time": "time", **experiment.names}.items():
        row = report.createDataSet()
        _name(row, f"row_{id}", label)
        row.setLabel(id)
        row.setDataReference("time" if id == "time" else f"data_{id}")


def _write_plot(document: Any, panel: Panel) -> None:
    plot = document.createPlot2D()
    _name(plot, panel.id, panel.title)
    known = {one.getId(): one.getName() for one in document.getListOfDataGenerators()}
    for axis in (plot.createXAxis(), plot.createYAxis()):
        axis.setType("linear")
    for id in panel.curves:
        shown = f"relative_{id}" if f"relative_{id}" in known else f"data_{id}"
        curve = plot.createCurve()
        _name(curve, f"{panel.id}_{id}", known[shown])
        curve.setXDataReference("time_h" if "time_h" in known else "time")
        curve.setYDataReference(shown)


def _check(text: str) -> None:
    import libsedml

    document = libsedml.readSedMLFromString(text)
    severe = libsedml.LIBSEDML_SEV_ERROR
    errors = [document.getError(index) for index in range(document.getNumErrors())]
    messages = [one.getMessage() for one in errors if one.getSeverity() >= severe]
    if messages:
        raise ModelError(f"SED-ML: {' '.join(messages[0].split())}")
