"""The files of exposures: curves, table, figure, origin, and the model of each arm."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtorsim.export.files import check_folder_target, csv, origin, png, write_folder
from mtorsim.ids import sid
from mtorsim.pharmacology.comparison import Comparison
from mtorsim.pharmacology.exposure import PERCENTILES, Exposure
from mtorsim.pharmacology.words import letters

_MODEL = re.compile(r"model(_[A-Z][0-9]*)?\.xml")


def files(number: int) -> tuple[str, ...]:
    """Return the names of the files of so many arms."""
    return ("curves.csv", "table.csv", "figure.png", *_models(number), "run.json")


def check_folder(folder: str | Path, number: int) -> None:
    """Refuse a folder that so many arms could not be saved to; see `check_folder_target`."""
    check_folder_target(folder, files(number))


def save(exposures: Sequence[Exposure], folder: str | Path) -> Path:
    """Write exposures to a folder: all files, or none.

    Parameters
    ----------
    exposures : sequence of Exposure
        Arms, at least one.
    folder : str or Path
        Made if it is not there; files of these names are replaced. Models of an earlier comparison
        that the folder's own run.json lists, and that nobody has changed since, go.

    Returns
    -------
    Path
        The folder, with ``curves.csv`` (arm, ``time_h``, then concentrations in nM; of accepted
        fits also the percentiles), ``table.csv`` (that of `Comparison`), ``figure.png``,
        ``model.xml`` (SBML; of several arms ``model_A.xml``, ``model_B.xml`` and so on, since
        doses are part of the model) and ``run.json`` (inputs and versions, SHA-256 of models
        and files).

    Raises
    ------
    InputError
        For no exposure, or a folder that cannot be written to.
    MtorsimError
        When writing fails, for example on a full disk.
    """
    comparison = Comparison(tuple(exposures))
    check_folder(folder, len(exposures))
    models = _models(len(exposures))
    arms = list(zip(comparison.labels, models, exposures, strict=True))
    curves = pd.concat([_curves(label, one) for label, _, one in arms], ignore_index=True)
    content = {
        "curves.csv": csv(curves),
        "table.csv": csv(comparison.table),
        "figure.png": png(comparison.plot()),
        **{model: one.sbml.encode() for _, model, one in arms},
    }
    origins = [{"arm": label, "model": model, **one.provenance} for label, model, one in arms]
    units = {name: "h" if name == "time_h" else "nM" for name in curves.columns if name != "arm"}
    content["run.json"] = origin({"arms": origins, "units": units}, content)
    write_folder(folder, content, lambda: _stale_models(Path(folder), content))
    return Path(folder)


def _models(number: int) -> tuple[str, ...]:
    return ("model.xml",) if number == 1 else tuple(f"model_{one}.xml" for one in letters(number))


def _stale_models(folder: Path, content: Mapping[str, bytes]) -> list[Path]:
    """Return models that an earlier run wrote here and this one does not write again."""
    try:
        written = json.loads((folder / "run.json").read_text(encoding="utf-8"))["files"]
        return [
            folder / name
            for name, digest in written.items()
            if _MODEL.fullmatch(name)
            and name not in content
            and hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []  # no folder of ours, or not as we left it


def _curves(label: str, one: Exposure) -> pd.DataFrame:
    table = one.to_dataframe()
    table.insert(0, "arm", label)
    return pd.concat([table, pd.DataFrame(_spreads(one))], axis=1) if one.fits else table


def _spreads(one: Exposure) -> dict[str, Any]:
    found: dict[str, np.ndarray] = {}
    for analyte in one.analytes:
        for where in (one.facts.matrix, "interstitium"):
            rows = zip(PERCENTILES, one.spread(analyte, where), strict=True)
            found |= {f"{sid(analyte)}_{where}_p{percent}": row for percent, row in rows}
    return found
