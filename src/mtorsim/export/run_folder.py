"""The four files of a run: table, figure, origin and model."""

from pathlib import Path
from typing import TYPE_CHECKING

from mtorsim.export.files import check_folder_target, csv, origin, png, write_folder

if TYPE_CHECKING:
    from mtorsim.result import Result

FILES = ("timecourse.csv", "figure.png", "model.xml", "run.json")


def check_folder(folder: str | Path) -> None:
    """Refuse a folder that a run could not be saved to; see `check_folder_target`."""
    check_folder_target(folder, FILES)


def save(result: "Result", folder: str | Path) -> Path:
    """Write a result to a folder: all four files, or none.

    Parameters
    ----------
    result : Result
        What ``simulate`` returned.
    folder : str or Path
        Made if it is not there; files of these names are replaced.

    Returns
    -------
    Path
        The folder, with ``timecourse.csv`` (UTF-8, first column ``time_h``), ``figure.png``,
        ``model.xml`` (SBML) and ``run.json`` (units, inputs, versions, seed, SHA-256 of the model
        and of the other files).

    Raises
    ------
    InputError
        For a folder that cannot be written to.
    MtorsimError
        When writing fails, for example on a full disk.
    """
    check_folder(folder)
    files = {
        "timecourse.csv": csv(result.to_dataframe()),
        "figure.png": png(result.plot()),
        "model.xml": result.sbml.encode("utf-8"),
    }
    units = {"time_h": "h", **result.units}
    files["run.json"] = origin({**result.provenance, "units": units}, files)
    write_folder(folder, files)
    return Path(folder)
