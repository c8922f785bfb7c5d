"""Files that appear whole or not at all; exports in other formats."""

from functools import cache
from pathlib import Path

import libsbml
import numpy as np
import pytest
import roadrunner

import mtorsim as mt
from mtorsim import library
from mtorsim.check import check_file
from mtorsim.errors import InputError, MtorsimError
from mtorsim.export.files import check_file_target, check_folder_target, write_file, write_folder

SHORT = {"duration": "10 min", "drugs": {"temsirolimus": "20 nM"}}


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_a_folder_is_made_with_its_parents(tmp_path):
    write_folder(tmp_path / "a" / "b", {"one.txt": b"1", "two.txt": b"2"})
    assert (tmp_path / "a" / "b" / "two.txt").read_bytes() == b"2"
    assert names(tmp_path / "a") == {"b"}


def test_other_files_in_the_folder_stay(tmp_path):
    (tmp_path / "mine.txt").write_bytes(b"mine")
    (tmp_path / "one.txt").write_bytes(b"old")
    write_folder(tmp_path, {"one.txt": b"new"})
    assert (tmp_path / "one.txt").read_bytes() == b"new"
    assert names(tmp_path) == {"mine.txt", "one.txt"}


def test_a_failure_leaves_what_was_there(tmp_path):
    (tmp_path / "one.txt").write_bytes(b"old")
    with pytest.raises(MtorsimError, match="could not write"):
        write_folder(tmp_path, {"one.txt": b"new", "no/such/folder.txt": b"2"})
    assert (tmp_path / "one.txt").read_bytes() == b"old"
    assert names(tmp_path) == {"one.txt"}


def test_a_file_replaces_an_older_one(tmp_path):
    (tmp_path / "model.xml").write_bytes(b"old")
    write_file(tmp_path / "model.xml", b"new")
    assert (tmp_path / "model.xml").read_bytes() == b"new"
    assert names(tmp_path) == {"model.xml"}


def test_trying_a_target_leaves_no_trace(tmp_path):
    check_folder_target(tmp_path / "out" / "deep", ["a.txt"])
    check_file_target(tmp_path / "model.xml")
    assert names(tmp_path) == set()


def test_targets_that_cannot_be(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "out" / "a.txt").mkdir(parents=True)
    (tmp_path / "link").symlink_to("gone")
    for folder in ("file", "file/out", "x" * 300, "link"):
        with pytest.raises(InputError):
            check_folder_target(tmp_path / folder, ["a.txt"])
    with pytest.raises(InputError, match="a folder is in the way"):
        check_folder_target(tmp_path / "out", ["a.txt"])
    for path in ("out", "nowhere/model.xml", "file/model.xml"):
        with pytest.raises(InputError):
            check_file_target(tmp_path / path)


def test_saving_from_python_is_what_the_command_writes(tmp_path):
    folder = mt.simulate(**SHORT).save(tmp_path / "out")
    assert folder == tmp_path / "out"
    assert names(folder) == {"timecourse.csv", "figure.png", "model.xml", "run.json"}


def test_exports_return_what_they_write(tmp_path):
    scenario = mt.Scenario(**SHORT)
    sbml = mt.export_sbml(scenario, tmp_path / "model.xml")
    antimony = mt.export_antimony(scenario, tmp_path / "model.ant")
    assert Path(tmp_path / "model.xml").read_text(encoding="utf-8") == sbml
    assert Path(tmp_path / "model.ant").read_text(encoding="utf-8") == antimony
    assert sbml == mt.simulate(scenario).sbml


# -- bodies ----------------------------------------------------------------------------------------

BODIES = {
    "weekly into a vein": {
        "drugs": {"temsirolimus": "25 mg IV over 30 min weekly x3"},
        "perturbations": ["ketoconazole"],
        "set": {"body_weight": "85 kg", "haematocrit": 0.35},
    },
    "daily by mouth": {"cell": "Caki-1", "drugs": {"everolimus": "10 mg PO daily x5"}},
    "daily into the peritoneum of a mouse": {
        "drugs": {"temsirolimus": "20 mg/kg IP daily x5"},
        "species": "mouse",
    },
}
PLACES = ("plasma", "blood", "interstitium", "tumour")
READ = ("S6K1_pT389", "AKT_pS473", "mTORC2", "drug_medium", "viability")


@cache
def in_body(name, relative=1e-8, absolute=1e-8):
    scenario = mt.Scenario(**BODIES[name])
    (drug,) = scenario.regimens
    observe = (*READ, *(f"{drug}_{place}" for place in PLACES))
    tolerances = {"relative_tolerance": relative, "absolute_tolerance": absolute}
    return mt.simulate(scenario, observe=observe, **tolerances)


def elsewhere(sbml, result, relative=1e-8, absolute=1e-20):
    """What plain RoadRunner makes of a model, without anything of ours."""
    runner = roadrunner.RoadRunner(sbml)
    runner.integrator.relative_tolerance = relative
    runner.integrator.absolute_tolerance = absolute  # an amount: of 1e-8 nM in a cell of 2 pL
    species = {*runner.model.getFloatingSpeciesIds()}
    runner.timeCourseSelections = [f"[{id}]" if id in species else id for id in result.ids]
    return np.array(runner.simulate(times=result.time.tolist()))


def apart(result, foreign):
    """The largest difference of two runs, relative to the largest value of each read-out."""
    own = np.stack([result[id].to_numpy() for id in result.ids], axis=1)
    # At the very time of a dose the two may read either side of it.
    between = ~np.isin(result.time, [step.time for step in result.compiled.steps])
    return (np.abs(own - foreign) / np.abs(own).max(axis=0))[between].max()


@pytest.mark.parametrize("name", BODIES)
def test_another_program_draws_the_same_curves_of_a_body(name):
    usual, strict = in_body(name), in_body(name, 1e-11, 1e-12)
    assert apart(usual, elsewhere(usual.sbml, usual)) < 1e-4
    assert apart(strict, elsewhere(strict.sbml, strict, 1e-11, 1e-24)) < 1e-6


@pytest.mark.parametrize("name", BODIES)
def test_antimony_of_a_body_loads_again_and_draws_the_same_curves(name, tmp_path):
    result = in_body(name)
    mt.export_antimony(mt.Scenario(**BODIES[name]), tmp_path / "model.ant")
    again = library.load_file(tmp_path / "model.ant")
    assert apart(result, elsewhere(again, result)) < 1e-4


@pytest.mark.parametrize("name", BODIES)
def test_what_is_exported_of_a_body_passes_the_check(name, tmp_path):
    for file, write in (("model.xml", mt.export_sbml), ("model.ant", mt.export_antimony)):
        write(mt.Scenario(**BODIES[name]), tmp_path / file)
        found = check_file(tmp_path / file).findings
        assert [str(one) for one in found if one.severity != "note"] == []


def events(name):
    """Time -> variable -> formula, of each event of an export."""
    document = library.read_sbml(in_body(name).sbml)
    found = {}
    for event in document.getModel().getListOfEvents():
        assert event.getId().startswith("dosing_")
        at = libsbml.formulaToL3String(event.getTrigger().getMath())
        found[float(at.split()[2])] = {
            one.getVariable(): libsbml.formulaToL3String(one.getMath())
            for one in event.getListOfEventAssignments()
        }
    return found


def test_an_infusion_is_two_events():
    rate = in_body("weekly into a vein").compiled.settings["infusion_rate_temsirolimus"]
    found = events("weekly into a vein")
    assert [*found] == [30, 10080, 10110, 20160, 20190]
    rates = [float(one["infusion_rate_temsirolimus"].split()[0]) for one in found.values()]
    assert rates == pytest.approx([0, rate, 0, rate, 0], rel=1e-12)
    model = library.read_sbml(in_body("weekly into a vein").sbml).getModel()
    assert model.getParameter("infusion_rate_temsirolimus").getValue() == pytest.approx(
        rate, rel=1e-12
    )
    assert not model.getParameter("infusion_rate_temsirolimus").getConstant()


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("daily by mouth", "everolimus_gut"),
        ("daily into the peritoneum of a mouse", "temsirolimus_peritoneum"),
    ],
)
def test_other_doses_add_to_what_is_there(name, place):
    found = events(name)
    assert [*found] == [1440, 2880, 4320, 5760]
    first = in_body(name).compiled.given[place]
    for changed in found.values():
        assert [*changed] == [place]
        there, plus, rise, unit = changed[place].split()
        assert (there, plus, unit) == (place, "+", "nM")
        assert float(rise) == pytest.approx(first, rel=1e-12)


def test_volumes_of_an_export_follow_from_the_weight():
    model = library.read_sbml(in_body("weekly into a vein").sbml).getModel()
    formulas = {
        one.getSymbol(): libsbml.formulaToL3String(one.getMath())
        for one in model.getListOfInitialAssignments()
    }
    assert formulas["blood"] == "blood_per_weight * body_weight"
    assert model.getParameter("body_weight").getValue() == 85
    assert model.getCompartment("blood").getSize() == pytest.approx(
        85 * model.getParameter("blood_per_weight").getValue()
    )


def test_an_export_of_a_body_says_what_it_is():
    notes = library.read_sbml(in_body("daily by mouth").sbml).getModel().getNotesString()
    assert "everolimus: 10 mg by mouth every day, 5 times; from 0 h" in notes
    assert "In a tumour of a human." in notes
