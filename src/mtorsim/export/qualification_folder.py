"""The files of a qualification: table, tolerances, page, origin."""

import platform
from pathlib import Path
from typing import Any

import numpy as np

import mtorsim
from mtorsim.engine import ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE, VERSION
from mtorsim.export.files import check_folder_target, csv, origin, write_folder
from mtorsim.export.qualification_page import page
from mtorsim.qualification.report import Report

FILES = ("qualification.csv", "tolerances.csv", "report.html", "run.json")


def check_folder(folder: str | Path) -> None:
    """Refuse a folder that a report could not be saved to; see `check_folder_target`."""
    check_folder_target(folder, FILES)


def save(report: Report, folder: Path) -> Path:
    """Write a report to a folder: all files, or none.

    Parameters
    ----------
    report : Report
    folder : Path
        Made if it is not there; files of these names are replaced.

    Returns
    -------
    Path
        The folder, with ``qualification.csv`` (one row a number), ``tolerances.csv`` (read-outs
        with tighter tolerances), ``report.html`` (one page, pictures included) and ``run.json``
        (versions, counts, SHA-256 of the files).

    Raises
    ------
    InputError
        For a folder that cannot be written to.
    MtorsimError
        When writing fails, for example on a full disk.
    """
    check_folder(folder)
    content = {
        "qualification.csv": csv(report.to_dataframe()),
        "tolerances.csv": csv(report.tolerance_table()),
        "report.html": page(report, report.figures()).encode("utf-8"),
    }
    write_folder(folder, {**content, "run.json": origin(_provenance(report), content)})
    return folder


def _provenance(report: Report) -> dict[str, Any]:
    return {
        "counts": report.counts,
        "tolerances": {"relative": RELATIVE_TOLERANCE, "absolute_nM": ABSOLUTE_TOLERANCE},
        "seconds": round(report.seconds, 1),
        "versions": {
            "mtorsim": mtorsim.__version__,
            "libroadrunner": VERSION,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
