"""The calibration of pharmacokinetics: what it fitted is what the models carry."""

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import mtorsim as mt
from mtorsim.pharmacology import members

FOLDER = Path(__file__).parents[1] / "calibration"
MODULES = ("experiments", "exposures", "pharmacokinetics", "pharmacokinetics_report")


@pytest.fixture(scope="module")
def pk():
    """All names of the calibration's modules, imported from where the script finds them."""
    sys.path.insert(0, str(FOLDER))
    try:
        names = {}
        for module in MODULES:
            names |= vars(importlib.import_module(module))
        yield SimpleNamespace(**names)
    finally:
        sys.path.remove(str(FOLDER))
        for module in MODULES:
            sys.modules.pop(module, None)


@pytest.fixture(scope="module")
def record():
    return json.loads((FOLDER / "pharmacokinetics.json").read_text(encoding="utf-8"))


def test_model_files_hold_the_fitted_values(pk, record):
    assert pk.current() == pytest.approx(record["values"], rel=1e-3)


def test_the_fit_is_made_to_what_is_marked_so(pk):
    marked = {one.id for one in pk.used_by(pk.FIT)}
    assert set(pk.goals().index) == marked == {one.id for one in pk.of_use("calibrated")}
    assert set(pk.fitted(pk.current())) == marked


def test_every_fitted_number_lies_in_its_published_range(pk):
    assert pk.in_range(pk.fitted(pk.current()))


def test_recalled_numbers_are_not_fitted(pk):
    assert "memory" not in {one.provenance for one in pk.of_use("calibrated")}


def test_ensemble_is_what_the_fits_accepted(pk, record):
    kept = [one for one in record["samples"] if one["accepted"]]
    shipped = pd.DataFrame(pk.ensemble())
    assert len(shipped) == len(kept) >= 30
    expected = pd.DataFrame([pk.to_values(np.array(one["steps"])) for one in kept])
    assert shipped.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-3)


@pytest.mark.parametrize("place", [0, 20, -1])
def test_members_agree_with_the_data(pk, place):
    steps = pk.to_steps(pk.ensemble()[place])
    count = len(pk.goals())
    misfit = pk.residuals(steps, np.zeros(count), np.zeros(len(pk.free())))[:count]
    assert pk.agrees(misfit)


def test_CYP3A_as_the_main_route_is_refuted(record):
    best = record["fits"][0]["cost"]
    unsaturated = {
        one["share"]: one for one in record["by_CYP3A"] if one["Km"] > 1e5 and one["tissue"]
    }
    assert unsaturated[0.2]["cost"] < best + 5  # a side path cannot be excluded
    assert unsaturated[0.5]["cost"] > best + 8
    assert unsaturated[0.9]["cost"] > best + 20
    without = [one for one in record["by_CYP3A"] if not one["tissue"] and one["Km"] >= 10]
    for variant in without:  # ketoconazole would raise temsirolimus: it does not
        assert variant["model"]["PK13"] > 1.5
        assert variant["cost"] > best + 50


def test_members_run_and_differ():
    found = [
        mt.exposure("temsirolimus", "25 mg IV", set=member).analysis("sirolimus").half_life
        for member in members("temsirolimus")[:3]
    ]
    assert len({round(value) for value in found}) == 3


def test_a_member_brings_its_own_strength_of_rifampin():
    plain = members("temsirolimus")[0]
    induced = members("temsirolimus", modifiers=("rifampin",))[0]
    assert "CYP3A_activity" not in plain
    assert 1.5 < induced["CYP3A_activity"] < 6


def test_report_is_that_of_the_models(pk):
    """The committed report is not out of date."""
    table = pk.table()
    text = (FOLDER / "pharmacokinetics.md").read_text(encoding="utf-8")
    for id, row in table[table["verdict"].isin(["in range", "MISS"])].iterrows():
        line = next(one for one in text.splitlines() if one.startswith(f"| {id} |"))
        cells = [cell.strip() for cell in line.split("|")]
        assert float(cells[5]) == pytest.approx(row["model"], rel=0.02), id
        assert cells[8].startswith(row["verdict"]), id
