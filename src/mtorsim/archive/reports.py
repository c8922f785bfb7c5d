"""Reports as CSV, and as HDF5 with the attributes that BioSimulators gives them."""

from collections.abc import Iterable, Mapping
from io import BytesIO

import numpy as np

from mtorsim.archive.experiment import Experiment, Output
from mtorsim.steps import Floats

FORMATS = ("csv", "h5")


def csv(report: Output, data: Mapping[str, Floats]) -> bytes:
    """Return a report as CSV: a column for each data set, a row for each time."""
    import pandas as pd

    from mtorsim.export.files import csv as as_csv

    table = pd.DataFrame(_table(report, data).T, columns=[one.label for one in report.rows])
    return as_csv(table)


def hdf5(results: Iterable[tuple[Experiment, Mapping[str, Floats]]]) -> bytes:
    """Return all reports as one HDF5 file: ``a.sedml/report``, a row for each data set."""
    import h5py

    buffer = BytesIO()
    with h5py.File(buffer, "w") as file:
        for one, data in results:
            for report in one.outputs:
                if report.rows:
                    place = f"{one.place}/{report.id}"
                    dataset = file.create_dataset(place, data=_table(report, data))
                    dataset.attrs["_type"] = "SedReport"
                    dataset.attrs["uri"] = place
                    dataset.attrs["sedmlId"] = report.id
                    dataset.attrs["sedmlName"] = report.name
                    for name, texts in _described(report, data).items():
                        dataset.attrs[name] = texts
                    for group in _above(place):
                        file[group].attrs["uri"] = group
                        file[group].attrs["combineArchiveLocation"] = group
    return buffer.getvalue()


def _described(report: Output, data: Mapping[str, Floats]) -> dict[str, list[str]]:
    """Return what the readers of BioSimulators need to cut the rows out again."""
    rows = report.rows
    return {
        "sedmlDataSetIds": [one.id for one in rows],
        "sedmlDataSetNames": [one.name for one in rows],
        "sedmlDataSetLabels": [one.label for one in rows],
        "sedmlDataSetDataTypes": ["float64" for _ in rows],
        "sedmlDataSetShapes": [str(len(data[one.generator])) for one in rows],
    }


def _above(place: str) -> list[str]:
    parts = place.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def _table(report: Output, data: Mapping[str, Floats]) -> Floats:
    """Return a row for each data set; what is shorter than the longest ends in NaN."""
    rows = [data[one.generator] for one in report.rows]
    table = np.full((len(rows), max(map(len, rows))), np.nan)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table
