"""docs/parameters.md: every number of the models with unit, origin and grade, and up to date."""

import re
from pathlib import Path

import numpy as np
import pytest

from mtorsim import cells
from mtorsim.cli import main

ROOT = Path(__file__).parents[1]
ROW = re.compile(
    r"\| `(?P<id>[^`]+)` \| (?P<value>[^|]*) \| (?P<unit>[^|]*) \| (?P<grade>[^|]*) "
    r"\| (?P<fit>[^|]*) \| (?P<ensemble>[^|]*) \| (?P<origin>.*) \|"
)


@pytest.fixture(scope="module")
def page():
    import contextlib
    import io

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), pytest.raises(SystemExit):
        main(["show", "parameters", "--markdown"])
    return printed.getvalue()


@pytest.fixture(scope="module")
def rows(page):
    return [found for line in page.splitlines() if (found := ROW.fullmatch(line))]


def test_the_page_is_that_of_the_models(page):
    """Write it with: mtorsim show parameters --markdown > docs/parameters.md."""
    assert (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8") == page


def test_every_number_has_unit_grade_and_origin(page, rows):
    assert len(rows) == page.count("\n| `") > 500
    for row in rows:
        assert row["value"].strip(), row["id"]
        assert row["unit"].strip(), row["id"]
        assert row["grade"] in tuple("ABCD"), row["id"]
        assert len(row["origin"].strip()) > 3, row["id"]


def test_what_was_fitted_has_grade_C_and_names_the_fit(rows):
    fitted = {row["id"] for row in rows if row["fit"].strip()}
    assert fitted == {row["id"] for row in rows if row["grade"] == "C"}
    assert {row["fit"].strip() for row in rows} == {"", "report.md", "growth.py",
                                                    "pharmacokinetics.md"}  # fmt: skip


def test_the_range_of_the_ensemble_stands_beside_what_varies_there(rows):
    from mtorsim import members

    found = {row["id"]: row["ensemble"].strip() for row in rows}
    assert found["kexchange_RHEB"]
    values = [members.load(number).shared["kexchange_RHEB"] for number in members.numbers()]
    low, high = np.percentile(values, (5, 95))
    assert found["kexchange_RHEB"] == f"{low:.3g} to {high:.3g}"
    assert found["CL_temsirolimus"], "of the fits to exposures"
    assert not found["medium"]


def test_values_of_cells_and_perturbations_are_among_them(rows):
    ids = {row["id"] for row in rows}
    for name in cells.names():
        assert {f"{name}.{id}" for id in cells.load(name).values} <= ids
    assert {"PTEN_loss.PTEN", "MTOR_F2108L.Kd_FRB_ratio", "kphos_S6K1_by_mTORC1"} <= ids
