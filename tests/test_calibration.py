"""The calibration script: it reads its data, knows its files, and says what the models give."""

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
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


def curve(calibrate, background, mean):
    x = np.arange(len(mean), dtype=float)
    mean = np.array(mean, dtype=float)
    return calibrate.Curve("hand", "hand", x, mean, np.full_like(mean, 0.1), background)


@pytest.mark.parametrize(
    ("background", "mean"),
    [("none", [2, 4, 6]), ("added", [3, 5, 7]), ("subtracted", [0, 2, 4])],
)
def test_scale_and_background_are_found(calibrate, background, mean):
    # The data are 2 x model, with 1 added or 2 taken away.
    scaled = curve(calibrate, background, mean).scaled(np.array([1.0, 2.0, 3.0]))
    assert scaled == pytest.approx(mean)


def test_added_background_is_never_negative(calibrate):
    # 2 x model - 2 cannot be had by adding; the best scale alone is (1*0 + 2*2 + 3*4) / 14.
    scaled = curve(calibrate, "added", [0, 2, 4]).scaled(np.array([1.0, 2.0, 3.0]))
    assert scaled == pytest.approx(np.array([1, 2, 3]) * 16 / 14)


def test_point_without_a_standard_deviation_is_not_counted(calibrate):
    one = calibrate.Curve(
        "hand", "hand", np.arange(3.0), np.array([1.0, 2.0, 9.0]), np.array([0.0, 0.1, 0.1]), "none"
    )
    inside = one.within(np.array([1.0, 2.0, 3.0]))
    assert np.isnan(inside[0])


def test_every_free_parameter_stands_in_a_model_file(calibrate):
    values = calibrate.current()
    assert set(values) == set(calibrate.free().index)
    assert all(value > 0 for value in values.values())


def test_model_files_hold_the_fitted_values(calibrate):
    """What fit.json says was found is what the models carry."""
    found = json.loads((FOLDER / "fit.json").read_text(encoding="utf-8"))["values"]
    assert calibrate.current() == pytest.approx(found, rel=1e-3)


def test_fitted_and_predicted_targets_are_kept_apart(calibrate):
    values = calibrate.current()
    fitted, predicted = calibrate.effects(values), calibrate.predictions(values)
    table = calibrate.targets()
    assert set(fitted) == set(table.index[table["use"] == "fitted"])
    assert set(predicted) == set(table.index[table["use"] == "predicted"])


def test_report_is_that_of_the_models(calibrate):
    """The committed report is not out of date."""
    report = calibrate.report(calibrate.current())
    committed = (FOLDER / "report.md").read_text(encoding="utf-8")
    assert figures(report) == pytest.approx(figures(committed), rel=0.02, abs=0.02)


def figures(text):
    words = text.replace("|", " ").replace("%", " ").split()
    return [float(word) for word in words if word.lstrip("+-").replace(".", "", 1).isdigit()]


@pytest.fixture(scope="module")
def published(calibrate):
    """The module that compares the models with published numbers."""
    yield importlib.import_module("published")
    for module in ("growth", "published"):
        sys.modules.pop(module, None)


def test_table_of_published_numbers_is_that_of_the_models(published):
    """The committed comparison is not out of date, misses included."""
    committed = (FOLDER / "targets.md").read_text(encoding="utf-8")
    text = published.report()
    assert figures(text) == pytest.approx(figures(committed), rel=0.02, abs=0.02)
    assert text.count("| MISS.") == committed.count("| MISS.")


def test_each_target_is_listed_once_with_its_use(published):
    table = published.targets()
    assert table.index.is_unique
    uses = {"fitted", "growth", "chosen", "predicted", "compared", "input", "not simulated"}
    assert set(table["use"]) == uses
    assert set(published.COMPARED) >= set(table.index[table["use"] == "compared"])
    assert set(published.HIGHEST) == set(table.index[table["use"] == "growth"])
