"""The four files of a run: table, figure, origin and model."""

import hashlib
import json
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtorsim.export.files import check_folder_target, write_folder

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
        "timecourse.csv": _table(result),
        "figure.png": _figure(result),
        "model.xml": result.sbml.encode("utf-8"),
    }
    files["run.json"] = _origin(result, files)
    write_folder(folder, files)
    return Path(folder)


def _table(result: "Result") -> bytes:
    # Ten digits: the solver's relative tolerance is 1e-8.
    text: str = result.to_dataframe().to_csv(index=False, lineterminator="\n", float_format="%.10g")
    return text.encode("utf-8")


def _figure(result: "Result") -> bytes:
    buffer = BytesIO()
    result.plot().savefig(buffer, format="png", dpi=300)
    return buffer.getvalue()


def _origin(result: "Result", files: dict[str, bytes]) -> bytes:
    origin: dict[str, Any] = {
        **result.provenance,
        "units": {"time_h": "h", **result.units},
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    text = json.dumps(origin, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8")
