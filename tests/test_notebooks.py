"""The notebooks run from the first cell to the last, and still show what they speak of."""

import re
from pathlib import Path

import nbclient
import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# The kernel is another process: what it warns of goes to its own output.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_notebook_runs(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    errors = [
        output.text
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    ]
    assert not errors
    for told, found in zip(
        _tables(nbformat.read(path, as_version=4)), _tables(notebook), strict=True
    ):
        # Its words were written to these numbers: where a model has moved them, read it again,
        # mend the words, and keep the new outputs.
        assert found == pytest.approx(told, rel=0.05, abs=0.02, nan_ok=True)


def _tables(notebook):
    """Return the numbers in each table that a notebook shows."""
    shown = [
        output.data["text/plain"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "execute_result" and "image/png" not in output.data
    ]
    return [[float(one) for one in re.findall(r"(?<![\w.])-?\d+\.\d+\b", text)] for text in shown]
