"""What ``run`` would simulate, in formats that other programs read."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtorsim.errors import InputError
from mtorsim.export.files import (
    check_file_target,
    check_folder_target,
    write_file,
    write_files,
    write_folder,
)
from mtorsim.export.run_folder import save

if TYPE_CHECKING:
    from mtorsim.foreign import Model
    from mtorsim.scenario import Scenario

__all__ = [
    "export_antimony",
    "export_omex",
    "export_petab",
    "export_sbml",
    "export_sedml",
    "save",
    "to_tellurium",
]


def export_sbml(scenario: "Scenario", path: str | Path | None = None) -> str:
    """Return a scenario as one flat SBML Level 3 Version 2 model, doses as events.

    Parameters
    ----------
    scenario : Scenario
        What is done to the cell.
    path : str or Path, optional
        File to write as well; it appears complete or not at all.

    Returns
    -------
    str
        SBML text.

    Raises
    ------
    InputError
        For an id that the model does not know, or a file that cannot be written.
    """
    from mtorsim.simulation import to_sbml

    return _exported(to_sbml, scenario, path)


def export_antimony(scenario: "Scenario", path: str | Path | None = None) -> str:
    """Return a scenario as Antimony text; otherwise as `export_sbml`."""
    from mtorsim.library import sbml_to_antimony
    from mtorsim.simulation import to_sbml

    return _exported(lambda scenario: sbml_to_antimony(to_sbml(scenario)), scenario, path)


def export_sedml(scenario: "Scenario", path: str | Path | None = None) -> str:
    """Return what is simulated, tabulated and drawn, as SED-ML Level 1 Version 4.

    One uniform time course by CVODE with our tolerances; a report of all read-outs and a plot for
    each part of the network, relative to the untreated cell where it has the read-out.

    Parameters
    ----------
    scenario : Scenario
    path : str or Path, optional
        File to write as well. The model that it reads is written beside it, under the same name
        with the ending ``.xml``. Without a path the model is called ``model.xml``.

    Raises
    ------
    InputError
        As `export_sbml`.
    SimulationError
        When the scenario cannot be run.
    """
    if path is None:
        return _sedml(scenario, "model.xml")[0]
    path = Path(path)
    model = _beside(path)
    text, sbml = _sedml(scenario, model.name)
    write_files({model: sbml.encode("utf-8"), path: text.encode("utf-8")})
    return text


def export_omex(scenario: "Scenario", path: str | Path | None = None) -> bytes:
    """Return model and SED-ML in a COMBINE archive, with creator and description.

    Parameters
    ----------
    scenario : Scenario
    path : str or Path, optional
        File to write as well, such as ``run.omex``.

    Returns
    -------
    bytes
        The archive; the same scenario gives the same bytes.

    Raises
    ------
    InputError, SimulationError
        As `export_sedml`.
    """
    from mtorsim.export import omex

    if path is not None:
        check_file_target(path)
    text, sbml = _sedml(scenario, omex.MODEL)
    content = omex.packed(sbml, text, scenario.in_words())
    if path is not None:
        write_file(path, content)
    return content


def export_petab(
    scenario: "Scenario",
    folder: str | Path,
    *,
    estimate: Iterable[str] = (),
    data: str | Path | None = None,
    arbitrary_units: bool = False,
) -> Path:
    """Write a scenario with measurements as a PEtab problem, version 1.

    The untreated cell comes to rest in a pre-equilibration, for any value of what is estimated;
    then the scenario begins.

    Parameters
    ----------
    scenario : Scenario
    folder : str or Path
        Made if it is not there; gets ``problem.yaml``, ``model.xml`` and four tables.
    estimate : iterable of str
        Parameters to estimate; none stands for those that calibration fitted. Bounds follow from
        what the model says of each number.
    data : str or Path, optional
        CSV table with columns ``observable``, ``time`` (such as ``6 h``; or plain numbers in
        ``time_h`` or ``time_min``), ``value`` and optionally ``sd``; where that is empty, the
        standard deviation of the read-out is estimated. Without a table: simulated values.
    arbitrary_units : bool
        Estimate a scale for each read-out, as for densitometry.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        For a parameter that cannot be estimated, a table that cannot be read, or as `export_sbml`.
    SimulationError
        When the scenario cannot be run.
    """
    from mtorsim.export import petab

    check_folder_target(folder, petab.FILES)
    content = petab.files(scenario, estimate, data, arbitrary_units=arbitrary_units)
    write_folder(folder, content)
    return Path(folder)


def foreign_files(
    model: "Model", to: str, path: str | Path | None, **asked: Any
) -> dict[Path, bytes]:
    """Return file -> content of the export of a model that was not written here.

    Parameters
    ----------
    model : Model
    to : str
        ``"sbml"``, ``"antimony"``, ``"sedml"`` or ``"omex"``.
    path : str or Path, optional
        The file; that of the model beside SED-ML is called after it.
    **asked
        As of ``Model.simulate``.

    Raises
    ------
    InputError
        For anything wrong with what was asked, or a file that cannot be written.
    SimulationError
        When the model cannot be run, for SED-ML and archives.
    """
    from mtorsim.export import omex, sedml
    from mtorsim.library import sbml_to_antimony

    file = Path("model.sedml" if path is None else path)
    if path is not None:
        check_file_target(file)
    if to in ("sbml", "antimony"):
        sbml = model.to_sbml(**asked)
        text = sbml if to == "sbml" else sbml_to_antimony(sbml)
        return {file: text.encode("utf-8")}
    beside = file.with_suffix(".xml") if path is None else _beside(file)
    result = model.simulate(**asked)
    experiment = sedml.of_foreign(result, omex.MODEL if to == "omex" else beside.name)
    text = sedml.written(experiment)
    if to == "omex":
        words = result.scenario.in_words()
        return {file: omex.packed(result.sbml, text, words, level=experiment.level)}
    return {file: text.encode("utf-8"), beside: result.sbml.encode("utf-8")}


def _beside(path: Path) -> Path:
    """Return where the model of a SED-ML file is written."""
    model = path.with_suffix(".xml")
    if model == path:
        raise InputError(
            f"cannot write {str(path)!r}: the model is written beside the SED-ML, under that name. "
            "Expected another ending, such as run.sedml."
        )
    for file in (path, model):
        check_file_target(file)
    return model


def to_tellurium(scenario: "Scenario") -> Any:
    """Return a scenario as the RoadRunner object of Tellurium, for those who work with that.

    Doses are events in it; time is in minutes. Importing tellurium takes over a second.

    Raises
    ------
    InputError
        As `export_sbml`.
    """
    import tellurium

    return tellurium.loadSBMLModel(export_sbml(scenario))


def _exported(
    write: "Callable[[Scenario], str]", scenario: "Scenario", path: str | Path | None
) -> str:
    if path is not None:
        check_file_target(path)  # before the work, not after
    text = write(scenario)
    if path is not None:
        write_file(path, text.encode("utf-8"))
    return text


def _sedml(scenario: "Scenario", model: str) -> tuple[str, str]:
    """Return SED-ML and the SBML that it reads at the address `model`."""
    from mtorsim.export import sedml
    from mtorsim.simulation import simulate

    result = simulate(scenario)
    return sedml.written(sedml.of_result(result, model)), result.sbml
