"""What ``run`` would simulate, in formats that other programs read."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtorsim.export.files import check_file_target, write_file
from mtorsim.export.run_folder import save

if TYPE_CHECKING:
    from mtorsim.scenario import Scenario

__all__ = ["export_antimony", "export_sbml", "save", "to_tellurium"]


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
