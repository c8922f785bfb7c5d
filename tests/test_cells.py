import pickle

import pytest

from mtorsim import cells
from mtorsim.errors import ModelError, UnknownIdError


def test_a_cell(models):
    assert cells.names() == ("786-O", "PC-3")
    cell = cells.load("786-O")
    assert cell.name == "786-O"
    assert cell.medium.text == "RPMI-1640 + 10 % FBS"
    assert str(cell.status["PTEN"]) == "wild type"
    assert (cell.values["FKBP12"].value, cell.values["FKBP12"].unit) == (300, "nM")
    assert (cell.doubling_time.value, cell.doubling_time.unit) == (36, "h")
    assert pickle.loads(pickle.dumps(cell)) == cell
    assert hash(cell) == hash(cells.load("786-O"))


@pytest.mark.parametrize("given", ["786O", "786-o", "786-O ", "786 O"])
def test_the_closest_is_named(models, given):
    with pytest.raises(UnknownIdError) as caught:
        cells.load(given)
    assert str(caught.value) == f"no cell {given!r}. Closest: '786-O'. List: mtorsim show cells"


@pytest.mark.parametrize("given", ["../cells/786-O", "", "nothing like it", None, 786])
def test_what_is_no_cell(models, given):
    with pytest.raises(UnknownIdError):
        cells.load(given)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: 786-O", "name: PC-3", "line 1: name: 'PC-3' is not the name of the file, '786-O'."),
        ("status:", "states:", "line 4: unknown key 'states'. Closest: 'status'."),
        ("values:", "values: [", "not valid YAML"),
        ("0.3 uM", "0.3 um", "values.FKBP12.value: '0.3 um' has unit 'um', which models"),
        ("https://", "ftp://", "is no web address."),
        ("wild type", "no", "expected text, got the truth value false (quote it if it is text)"),
        ("description: A line for tests.\n", "", "'description' is missing."),
        ("1.5 d", "1.5 nM", "doubling_time.value: '1.5 nM' is not in h."),
        ("1.5 d", "36", "doubling_time.value: 36 has no unit."),
    ],
)
def test_a_file_that_is_not_sound(models, old, new, message):
    path = models / "cells" / "786-O.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        cells.load("786-O")
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_a_cell_that_does_not_divide(models):
    path = models / "cells" / "786-O.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(one for one in lines if "doubling" not in one), encoding="utf-8")
    assert cells.load("786-O").doubling_time is None


def test_an_edited_file_is_read_again(models):
    path = models / "cells" / "786-O.yaml"
    assert cells.load("786-O") is cells.load("786-O")
    path.write_text(path.read_text(encoding="utf-8").replace("0.3 uM", "0.4 uM"), encoding="utf-8")
    assert cells.load("786-O").values["FKBP12"].value == 400


def test_another_folder(tmp_path):
    assert cells.names(tmp_path) == ()
    with pytest.raises(UnknownIdError):
        cells.load("786-O", tmp_path)


@pytest.mark.parametrize("name", cells.names())
def test_the_shipped_cells_are_sound(name):
    cell = cells.load(name)
    assert cell.name == name
    if cell.doubling_time is not None:
        assert cell.doubling_time.unit == "h"
        assert 6 < cell.doubling_time.value < 240
