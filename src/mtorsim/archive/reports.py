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

    table = pd.DataFrame(_table(report, data).T, columns=[label for label, _ in report.rows])
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
                    dataset.attrs["sedmlDataSetIds"] = [id for _, id in report.rows]
                    dataset.attrs["sedmlDataSetLabels"] = [label for label, _ in report.rows]
    return buffer.getvalue()


def _table(report: Output, data: Mapping[str, Floats]) -> Floats:
    """Return a row for each data set; what is shorter than the longest ends in NaN."""
    rows = [data[reference] for _, reference in report.rows]
    table = np.full((len(rows), max(map(len, rows))), np.nan)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table
