"""Runs the experiments of an archive and writes their reports and plots."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mtorsim.archive import container, experiment
from mtorsim.archive.experiment import Course, Experiment, Output
from mtorsim.archive.formulas import evaluated
from mtorsim.archive.reports import FORMATS, csv, hdf5
from mtorsim.engine import RELATIVE_TOLERANCE
from mtorsim.engine.foreign import run_foreign
from mtorsim.errors import InputError, UnknownIdError
from mtorsim.export.files import check_folder_target, png, write_folder
from mtorsim.foreign.question import selection
from mtorsim.foreign.timing import Timing
from mtorsim.library import read_sbml
from mtorsim.steps import Floats

Data = Mapping[str, Floats]


def simulate_archive(
    path: str | Path, folder: str | Path, *, reports: Iterable[str] = ("csv",)
) -> Path:
    """Run every experiment of a COMBINE archive and write what it asks for.

    Uniform time courses of SBML models by CVODE, also where LSODA is asked for, with changed
    values; reports and two-dimensional plots. Tolerances are those asked for, or 1e-8 relative and
    1e-10 of the size of each state where that is finer. Species are concentrations, or amounts
    where the model counts them so.

    Parameters
    ----------
    path : str or Path
        The archive.
    folder : str or Path
        Made if it is not there; gets, for ``a.sedml`` in the archive, ``a.sedml/REPORT.csv`` and
        ``a.sedml/PLOT.png``.
    reports : iterable of str
        ``"csv"``, ``"h5"`` (all reports in ``reports.h5``) or both.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        For an archive that cannot be trusted, or that asks for more than is supported.
    SimulationError
        When the solver fails.
    """
    formats = tuple(reports)
    for kind in formats:
        if kind not in FORMATS:
            raise UnknownIdError(kind="report format", given=kind, choices=FORMATS)
    if "h5" in formats:
        import_h5py()
    archive = container.read(path)
    experiments = [experiment.read(archive, place) for place in archive.experiments]
    folder = Path(folder)
    check_folder_target(folder, ["reports.h5"])
    for one in experiments:
        check_folder_target(folder / one.place, [])
    results = [(one, _generated(one)) for one in experiments]
    for one, data in results:
        write_folder(folder / one.place, _files(one, data, formats))
    if "h5" in formats:
        write_folder(folder, {"reports.h5": hdf5(results)})
    return folder


def import_h5py() -> Any:
    """Return h5py.

    Raises
    ------
    InputError
        When it is not installed.
    """
    try:
        import h5py
    except ImportError:
        raise InputError("reports as h5 need h5py: pip install 'mtorsim[hdf5]'.") from None
    return h5py


def _files(one: Experiment, data: Data, formats: Iterable[str]) -> dict[str, bytes]:
    from mtorsim.plot_archive import figure

    files: dict[str, bytes] = {}
    for output in one.outputs:
        if output.curves:
            across = one.generators[output.curves[0][0]].name
            curves = _curves(output, data)
            files[f"{output.id}.png"] = png(figure(output.name, across, curves, output))
        elif "csv" in formats:
            files[f"{output.id}.csv"] = csv(output, data)
    return files


def _curves(output: Output, data: Data) -> list[tuple[Floats, Floats, str]]:
    return [(data[x], data[y], name) for x, y, name in output.curves]


def _generated(one: Experiment) -> Data:
    """Return data generator -> values."""
    wanted: dict[str, set[str]] = {task: set() for task in one.tasks}
    for generator in one.generators.values():
        for item in generator.variables:
            wanted[item.task].add(item.symbol)
    read = {
        task: _run(*one.tasks[task], sorted(symbols - {""}), f"{one.place}, task {task!r}")
        for task, symbols in wanted.items()
        if symbols
    }
    found = {}
    for id, generator in one.generators.items():
        values: dict[str, Floats] = {
            name: np.asarray(number) for name, number in generator.numbers.items()
        }
        values |= {item.id: read[item.task][item.symbol] for item in generator.variables}
        found[id] = np.atleast_1d(
            evaluated(generator.formula, values, f"{one.place}, data generator {id!r}")
        )
    return found


def _readable(model: Any) -> tuple[Callable[[str], Any], ...]:
    return model.getSpecies, model.getParameter, model.getCompartment, model.getReaction


def _run(sbml: str, course: Course, symbols: list[str], label: str) -> Data:
    """Return symbol -> values, and time under the empty name."""
    document = read_sbml(sbml)
    model = document.getModel()
    for id in symbols:
        if not any(find(id) is not None for find in _readable(model)):
            raise InputError(f"{label}: {id!r} is nothing in its model that can be read.")
    curves = run_foreign(
        sbml,
        np.unique(np.append(course.start, course.times)),
        [selection(model, id) for id in symbols],
        # At least as exact as asked, and never less than our own runs.
        relative_tolerance=min(course.relative or 1.0, RELATIVE_TOLERANCE),
        absolute_tolerance=course.absolute,
        is_curved=Timing(document).is_curved,
        label=label,
        time_unit="units of time",
    )
    rows = curves.values[-len(course.times) :]
    return {"": course.times, **{id: rows[:, place] for place, id in enumerate(symbols)}}
