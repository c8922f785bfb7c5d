"""Other programs draw our curves: COPASI, SciPy on the equations alone, Tellurium.

`benchmarks/agreement.py` does all scenarios at both tolerances and prints the table.
"""

import importlib
import os
import sys
from pathlib import Path

import libsbml
import numpy as np
import pytest

import mtorsim as mt
from mtorsim.library import keep_libsbml

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PUBLISHED = os.environ.get("MTORSIM_BIOMODELS", "")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of tellurium and basico
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def agreement():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield importlib.import_module("agreement")
    finally:
        sys.path.remove(str(BENCHMARKS))
        for module in ("agreement", "other_programs"):
            sys.modules.pop(module, None)


@pytest.mark.parametrize(
    ("name", "tolerances"),
    [
        ("constant dose", "tight"),
        ("wash-out", "usual"),
        ("two drugs", "usual"),
        ("hypoxia", "usual"),
        ("weekly infusions", "usual"),
    ],
)
def test_other_programs_draw_the_same_curves(agreement, name, tolerances):
    case = agreement.case_of(name, tolerances)
    for program, table in agreement.elsewhere(case, tolerances):
        found = agreement.apart(case, table)
        worst = max(found, key=found.__getitem__)
        assert found[worst] < agreement.GOALS[tolerances], (program, worst)


@pytest.mark.skipif(not PUBLISHED, reason="MTORSIM_BIOMODELS names no folder of SBML models")
def test_other_programs_draw_the_same_curves_of_published_models(agreement):
    for path in agreement.published_files():
        case = agreement.published(path, "tight")
        for program, table in agreement.elsewhere(case, "tight"):
            assert max(agreement.apart(case, table).values()) < 1e-6, (path.name, program)


def test_a_difference_is_seen(agreement):
    """A parameter half a percent off in the other program shows as what it does."""
    case = agreement.case_of("constant dose", "usual")
    document = libsbml.readSBMLFromString(case.sbml)
    parameter = document.getModel().getParameter("kphos_S6K1_by_mTORC1")
    parameter.setValue(1.005 * parameter.getValue())
    sbml = libsbml.writeSBMLToString(document)
    ids = ("S6K1_pT389",)
    table = agreement.scipy_course(sbml, case.times, ids, 1e-8, 1e-8)
    own = {"S6K1_pT389": case.own["S6K1_pT389"]}
    found = agreement.apart(agreement.Case("", "", b"", case.times, own), table)
    assert 1e-3 < found["S6K1_pT389"] < 1e-2


def test_decay_by_hand(agreement):
    """The solver used for comparison, against a closed form: A halves each 10 min, then a dose."""
    sbml = """<?xml version="1.0" encoding="UTF-8"?>
    <sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2">
    <model timeUnits="second"><listOfCompartments>
      <compartment id="c" size="2" constant="true" spatialDimensions="3"/></listOfCompartments>
    <listOfSpecies><species id="A" compartment="c" initialConcentration="8" constant="false"
      hasOnlySubstanceUnits="false" boundaryCondition="false"/></listOfSpecies>
    <listOfParameters><parameter id="k" value="0.06931471805599453" constant="true"/>
    </listOfParameters>
    <listOfReactions><reaction id="decay" reversible="false"><listOfReactants>
      <speciesReference species="A" stoichiometry="1" constant="true"/></listOfReactants>
      <kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/>
        <ci>c</ci><ci>k</ci><ci>A</ci></apply></math></kineticLaw></reaction></listOfReactions>
    <listOfEvents><event id="dose" useValuesFromTriggerTime="true">
      <trigger initialValue="false" persistent="true">
      <math xmlns="http://www.w3.org/1998/Math/MathML"><apply><geq/>
      <csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/time">t</csymbol>
      <cn>20</cn></apply></math></trigger><listOfEventAssignments>
      <eventAssignment variable="A"><math xmlns="http://www.w3.org/1998/Math/MathML"><apply>
      <plus/><ci>A</ci><cn>4</cn></apply></math></eventAssignment></listOfEventAssignments>
    </event></listOfEvents></model></sbml>"""
    table = agreement.scipy_course(sbml, [0, 10, 20, 30], ["A"], 1e-10, 1e-12)
    assert table["A"] == pytest.approx([8, 4, 6, 3], rel=1e-7)


# -- libraries that share a table of types ---------------------------------------------------------


def test_a_regimen_is_understood_after_another_library_was_imported():
    """libSEDML takes the classes of libSBML; volumes of a body are formulas of libSBML."""
    scenario = mt.Scenario(drugs={"temsirolimus": "25 mg once"}, duration="1 h", observe=["mTORC2"])
    before = mt.simulate(scenario)["mTORC2"].to_numpy()
    import libsedml
    import tellurium  # noqa: F401

    low = libsedml._libsedml
    for name in [name for name in vars(low) if name.endswith("_swigregister")]:
        if kind := getattr(libsedml, name.removesuffix("_swigregister"), None):
            getattr(low, name)(kind)
    assert type(libsbml.parseL3Formula("a + b")) is not libsbml.ASTNode  # so it would be
    heavier = mt.simulate(scenario, set={"body_weight": "60 kg"})
    assert np.all(np.isfinite(heavier["mTORC2"]))
    assert np.array_equal(mt.simulate(scenario)["mTORC2"], before)
    keep_libsbml()
    assert type(libsbml.parseL3Formula("a + b")) is libsbml.ASTNode
