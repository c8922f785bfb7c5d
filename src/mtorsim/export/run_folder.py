"""The four files of a run: table, figure, origin and model."""

import hashlib
import json
from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING

from mtorsim.export.files import check_folder_target, csv, origin, png, write_folder

if TYPE_CHECKING:
    from mtorsim.ensembles import Ensemble
    from mtorsim.result import Result

FILES = ("timecourse.csv", "figure.png", "model.xml", "run.json")
ENSEMBLE = "ensemble.csv"


def check_folder(folder: str | Path) -> None:
    """Refuse a folder that a run could not be saved to; see `check_folder_target`."""
    check_folder_target(folder, (*FILES, ENSEMBLE))


def save(result: "Result", folder: str | Path, ensemble: "Ensemble | None" = None) -> Path:
    """Write a result to a folder: all four files, or none.

    Parameters
    ----------
    result : Result
        What ``simulate`` returned.
    folder : str or Path
        Made if it is not there; files of these names are replaced, and the ensemble.csv of an
        earlier run that its run.json lists goes.
    ensemble : Ensemble, optional
        The same with other parameter sets: bands in the figure, and ``ensemble.csv``.

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
        "figure.png": png((ensemble or result).plot()),
        "model.xml": result.sbml.encode("utf-8"),
    }
    about = {**result.provenance, "units": {"time_h": "h", **result.units}}
    if ensemble is not None:
        files[ENSEMBLE] = csv(ensemble.to_dataframe())
        about["ensemble"] = ensemble.provenance
    files["run.json"] = origin(about, files)
    write_folder(folder, files, lambda: stale_ensemble(Path(folder), files))
    return Path(folder)


def stale_ensemble(folder: Path, files: Container[str]) -> list[Path]:
    """Return the ensemble.csv of an earlier run, if it is not written anew and as it was."""
    if ENSEMBLE in files:
        return []
    try:
        known = json.loads((folder / "run.json").read_text(encoding="utf-8"))["files"][ENSEMBLE]
        is_ours = hashlib.sha256((folder / ENSEMBLE).read_bytes()).hexdigest() == known
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [folder / ENSEMBLE] if is_ours else []
