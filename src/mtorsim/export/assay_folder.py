"""The four files of an assay: table, summary, figure and origin."""

from pathlib import Path
from typing import TYPE_CHECKING

from mtorsim.export.files import check_folder_target, csv, origin, png, write_folder
from mtorsim.export.run_folder import ENSEMBLE, stale_ensemble

if TYPE_CHECKING:
    from mtorsim.assays.record import Assay

FILES = ("table.csv", "summary.csv", "figure.png", "run.json")


def check_folder(folder: str | Path) -> None:
    """Refuse a folder that an assay could not be saved to; see `check_folder_target`."""
    check_folder_target(folder, (*FILES, ENSEMBLE))


def save(assay: "Assay", folder: str | Path) -> Path:
    """Write an assay to a folder: all four files, or none.

    Parameters
    ----------
    assay : Assay
        Such as ``viability`` returned.
    folder : str or Path
        Made if it is not there; files of these names are replaced.

    Returns
    -------
    Path
        The folder, with ``table.csv`` (every reading), ``summary.csv``, ``figure.png`` and
        ``run.json`` (inputs, versions, seed, SHA-256 of the models and of the other files); of an
        assay with the ensemble also ``ensemble.csv``, which otherwise goes if it is an old one.

    Raises
    ------
    InputError
        For a folder that cannot be written to.
    MtorsimError
        When writing fails, for example on a full disk.
    """
    check_folder(folder)
    files = {
        "table.csv": csv(assay.table),
        "summary.csv": csv(assay.summary),
        "figure.png": png(assay.plot()),
    }
    if assay.ensemble is not None:
        files[ENSEMBLE] = csv(assay.ensemble)
    files["run.json"] = origin(assay.provenance, files)
    write_folder(folder, files, lambda: stale_ensemble(Path(folder), files))
    return Path(folder)
