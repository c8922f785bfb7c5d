"""The four files of an assay: table, summary, figure and origin."""

import hashlib
import json
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from mtorsim.export.files import check_folder_target, write_folder

if TYPE_CHECKING:
    import pandas as pd

    from mtorsim.assays.record import Assay

FILES = ("table.csv", "summary.csv", "figure.png", "run.json")


def check_folder(folder: str | Path) -> None:
    """Refuse a folder that an assay could not be saved to; see `check_folder_target`."""
    check_folder_target(folder, FILES)


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
        ``run.json`` (inputs, versions, seed, SHA-256 of the models and of the other files).

    Raises
    ------
    InputError
        For a folder that cannot be written to.
    MtorsimError
        When writing fails, for example on a full disk.
    """
    check_folder(folder)
    files = {
        "table.csv": _csv(assay.table),
        "summary.csv": _csv(assay.summary),
        "figure.png": _png(assay),
    }
    files["run.json"] = _origin(assay, files)
    write_folder(folder, files)
    return Path(folder)


def _csv(table: "pd.DataFrame") -> bytes:
    # Ten digits, as in a run's table; what is not defined is an empty field.
    text: str = table.to_csv(index=False, lineterminator="\n", float_format="%.10g")
    return text.encode("utf-8")


def _png(assay: "Assay") -> bytes:
    buffer = BytesIO()
    assay.plot().savefig(buffer, format="png", dpi=300)
    return buffer.getvalue()


def _origin(assay: "Assay", files: dict[str, bytes]) -> bytes:
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    origin = {**assay.provenance, "files": hashes}
    text = json.dumps(origin, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8")
