"""AMICI as the engine of a sweep: same read-outs; where it cannot be built, RoadRunner serves.

What needs AMICI is skipped where it is not installed.
"""

import sys
from importlib.util import find_spec

import numpy as np
import pytest

import mtorsim as mt
from mtorsim.amici_engine import unusable
from mtorsim.compile import compile_scenario
from mtorsim.sweeps import axis, plan

DOSE = "drugs.temsirolimus.dose"
SHORT = mt.Scenario(
    drugs={"temsirolimus": "20 nM"},
    duration="6 h",
    observe=["S6K1_pT389", "mTORC1_kinase_occupied"],
)
with_amici = pytest.mark.skipif(find_spec("amici") is None, reason="AMICI is not installed")


def exact(scenario, vary, **options):
    return mt.sweep(
        scenario, vary, relative_tolerance=1e-10, absolute_tolerance=1e-12, **options
    ).dataset


@pytest.fixture
def without(monkeypatch):
    for name in [one for one in sys.modules if one.partition(".")[0] == "amici"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "amici", None)
    from mtorsim import amici_engine

    amici_engine._simulator.cache_clear()
    amici_engine.amici_engine.cache_clear()
    yield
    amici_engine._simulator.cache_clear()


def test_without_amici_roadrunner_serves_and_says_so(without):
    with pytest.warns(UserWarning, match=r"AMICI is not installed.*mtorsim\[amici\].*RoadRunner"):
        found = mt.sweep(SHORT, {DOSE: ["1 nM", "20 nM"]}, read="end", engine="amici")
    usual = mt.sweep(SHORT, {DOSE: ["1 nM", "20 nM"]}, read="end")
    assert found.dataset["end"].equals(usual.dataset["end"])


def test_the_reason_names_what_to_install(without):
    assert "pip install 'mtorsim[amici]'" in unusable(compile_scenario(SHORT).sbml)


def test_an_unknown_engine_is_named():
    with pytest.raises(mt.UnknownIdError, match=r"amicy.*amici"):
        plan(SHORT, [axis(DOSE, ["1 nM"])], engine="amicy")


@pytest.mark.parametrize(
    ("scenario", "vary", "what"),
    [
        (SHORT.replace(drugs={"temsirolimus": "25 mg IV"}), {"haematocrit": [0.4]}, "body"),
        (SHORT, {"medium": ["1e-4 litre"]}, "volume 'medium'"),
        (SHORT.replace(set={"medium": "1e-4 litre"}), {DOSE: ["1 nM"]}, "volume 'medium'"),
    ],
)
def test_what_amici_has_compiled_in_is_refused_before_the_work(scenario, vary, what):
    with pytest.raises(mt.ScenarioError, match=what):
        plan(scenario, [axis(*pair) for pair in vary.items()], engine="amici")


def test_engines_make_different_sweeps():
    one, other = (
        plan(SHORT, [axis(DOSE, ["1 nM"])], engine=name) for name in ("roadrunner", "amici")
    )
    assert one.hash != other.hash


@with_amici
@pytest.mark.parametrize(
    ("scenario", "vary"),
    [
        (SHORT, {DOSE: ["0.1 nM", "10 nM", "1 uM"], "cell": ["786-O", "PC-3"]}),
        (SHORT, {"kphos_S6K1_by_mTORC1": [0.1, 1.0]}),
        (
            SHORT.replace(drugs={"temsirolimus": mt.Repeated("20 nM", every="2 h", times=2)}),
            {"drugs.temsirolimus.exposure": ["30 min", "1 h"]},
        ),
    ],
)
def test_read_outs_are_those_of_roadrunner(scenario, vary):
    ours = exact(scenario, vary)
    theirs = exact(scenario, vary, engine="amici")
    for reading in ("curves", "end", "auc", "peak"):
        one, other = ours[reading].to_numpy(), theirs[reading].to_numpy()
        assert np.allclose(other, one, rtol=1e-5, atol=1e-9), reading


@with_amici
def test_the_same_bits_from_one_worker_and_from_two():
    found = [
        mt.sweep(SHORT, {DOSE: [f"{k} nM" for k in range(1, 9)]}, engine="amici", workers=count)
        for count in (1, 2)
    ]
    assert found[0].dataset.equals(found[1].dataset)
