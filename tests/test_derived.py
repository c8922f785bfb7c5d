"""What follows from other values when a run begins."""

import numpy as np
import pytest
import roadrunner

import mtorsim as mt
from mtorsim import library
from mtorsim.compile import compile_scenario
from mtorsim.derived import first_values, following, follows
from mtorsim.errors import ModelError
from mtorsim.simulation import to_sbml
from mtorsim.symbols import symbols

SMALL = """
weight = 70; reference = 70; per_weight = 0.1; share = 0.4
scale := (weight/reference)^0.75
compartment blood = per_weight*weight*scale
species A in blood, B in blood
A = share*B_there - 1
B_there = 10
B = 3
twice := 2*A
J: A -> B; blood*(A - B)
"""


def small(**changes):
    text = SMALL
    for id, value in changes.items():
        text += f"\n{id} = {value}"
    return library.antimony_to_sbml(text)


def test_by_hand():
    sbml = small()
    assert follows(sbml) == {"blood", "A"}
    assert first_values({}, sbml) == pytest.approx({"blood": 7, "A": 3})
    # 140 kg: twice the blood per weight, and 2**0.75 of that
    changed = first_values({"weight": 140.0, "share": 0.5}, sbml)
    assert changed == pytest.approx({"blood": 14 * 2**0.75, "A": 4})


def test_what_it_depends_on_comes_with_it():
    found = following({"weight": 140.0}, small())
    assert found == pytest.approx({"scale": 2**0.75, "blood": 14 * 2**0.75, "A": 3})


@pytest.mark.parametrize(("weight", "share"), [(70.0, 0.4), (55.5, 0.9), (0.02, 0.11)])
def test_roadrunner_makes_the_same_of_it(weight, share):
    runner = roadrunner.RoadRunner(small(weight=weight, share=share))
    found = first_values({"weight": weight, "share": share}, small())
    assert found["blood"] == pytest.approx(runner.getValue("blood"), rel=1e-12)
    assert found["A"] == pytest.approx(runner.getValue("[A]"), rel=1e-12)


@pytest.mark.parametrize(
    ("text", "match"),
    [("a = 0; compartment c = 1/a", "first value of c"), ("compartment c = sin(1)", "sin")],
)
def test_what_has_no_value_is_an_error(text, match):
    with pytest.raises(ModelError, match=match):
        first_values({}, library.antimony_to_sbml(text))


def test_a_model_in_which_nothing_follows():
    assert first_values({"kdeg_MTOR": 1.0}, library.network_sbml()) == {}


# -- bodies ----------------------------------------------------------------------------------------

HEAVY = {"body_weight": "90 kg", "haematocrit": 0.3}


def heavy(**fields):
    return mt.Scenario(drugs={"temsirolimus": "25 mg IV weekly x2"}, set=HEAVY, **fields)


def test_volumes_go_with_body_weight():
    sbml = compile_scenario(heavy()).sbml
    light, much = (
        first_values(values, sbml) for values in ({}, {"body_weight": 90.0, "haematocrit": 0.3})
    )
    ratio = {id: much[id] / light[id] for id in light}
    assert ratio["blood"] == pytest.approx(90 / 70, rel=1e-12)
    assert ratio["central_temsirolimus"] == pytest.approx(90 / 70, rel=1e-12)
    assert ratio["interstitium"] == 1  # of the tumour
    assert ratio["FKBP12_blood"] == pytest.approx(0.3 / 0.4, rel=1e-12)


def test_the_export_begins_where_the_run_does():
    compiled = compile_scenario(heavy())
    runner = roadrunner.RoadRunner(to_sbml(heavy()))
    found = first_values({"body_weight": 90.0, "haematocrit": 0.3}, compiled.sbml)
    volumes = set(runner.model.getCompartmentIds())
    for id, value in found.items():
        assert compiled.given[id] == value
        read = runner.getValue(id if id in volumes else f"[{id}]")
        assert read == pytest.approx(value, rel=1e-12), id


def test_the_weight_of_a_body_reaches_the_curves():
    blood = [
        mt.simulate(
            drugs={"temsirolimus": "25 mg IV"},
            set={"body_weight": weight},
            times=["30 min"],
            observe=["temsirolimus_plasma", "FKBP12_blood"],
        )
        for weight in (70, 140)
    ]
    peaks = [run["temsirolimus_plasma"].to_numpy()[-1] for run in blood]
    assert peaks[1] < 0.7 * peaks[0]
    levels = [run.baseline["FKBP12_blood"] for run in blood]
    assert levels[0] == levels[1] > 0


def test_the_untreated_body_has_the_values_that_follow():
    run = mt.simulate(heavy(), times=["1 h"], observe=["FKBP12_blood"])
    content = symbols(run.compiled.sbml)["FKBP12_in_blood_cells"].value
    assert run.baseline["FKBP12_blood"] == pytest.approx(0.3 * content, rel=1e-9)
    assert run.baseline["FKBP12_blood"] == run["FKBP12_blood"].to_numpy()[0]
    assert np.ptp(run["FKBP12_blood"].to_numpy()) > 0
