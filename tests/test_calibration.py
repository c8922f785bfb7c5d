"""The calibration script: it reads its data, knows its files, and says what the models give."""

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

FOLDER = Path(__file__).parents[1] / "calibration"
MODULES = ("experiments", "parameters", "reporting")


@pytest.fixture(scope="module")
def calibrate():
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


def test_every_free_parameter_stands_in_a_model_file(calibrate):
    values = calibrate.current()
    assert set(values) == set(calibrate.free().index)
    assert all(value > 0 for value in values.values())


def test_model_files_hold_the_fitted_values(calibrate):
    """What fit.json says was found is what the models carry."""
    found = json.loads((FOLDER / "fit.json").read_text(encoding="utf-8"))["values"]
    assert calibrate.current() == pytest.approx(found, rel=1e-3)


def test_a_fit_uses_what_is_marked_as_fitted_and_nothing_else(calibrate):
    used = {one.id for one in (*calibrate.curves(), *calibrate.fitted_effects())}
    marked = {one.id for one in calibrate.targets().values() if one.use == "calibrated"}
    others = {one.id for fit in ("growth", "pharmacokinetics")
              for one in calibrate.used_by(f"calibration/{fit}.py")}  # fmt: skip
    assert used | others == marked
    assert not used & others
    assert not used & {one.id for one in calibrate.predicted_effects()}


def test_residuals_are_as_many_as_published_numbers(calibrate):
    found = list(calibrate.residuals(calibrate.current()))
    assert len(found) == calibrate.count() == 144 + 23  # points of curves, single numbers


def test_report_is_that_of_the_models(calibrate):
    """The committed report is not out of date."""
    report = calibrate.report(calibrate.current())
    committed = (FOLDER / "report.md").read_text(encoding="utf-8")
    assert figures(report) == pytest.approx(figures(committed), rel=0.02, abs=0.02)


def figures(text):
    words = text.replace("|", " ").replace("%", " ").split()
    return [float(word) for word in words if word.lstrip("+-").replace(".", "", 1).isdigit()]
