"""Models that were not written here: what runs, what is refused by name, and closed forms."""

import subprocess
import sys

import numpy as np
import pytest

import mtorsim as mt
from mtorsim.check import check_file
from mtorsim.errors import InputError, ModelError, ScenarioError, SimulationError, UnknownIdError

MINUTES = "unit time_unit = 60 second\n"
DECAY = MINUTES + "species A; A = 2; k = 0.5\nR: A -> ; k*A"

L3 = """<sbml level="3" version="1" xmlns="{core}" {packages}>
<model id="m" timeUnits="second"><listOfCompartments>
<compartment id="c" size="1" spatialDimensions="3" constant="true"/></listOfCompartments>
<listOfSpecies><species id="A" compartment="c" initialConcentration="1" {species}/></listOfSpecies>
<listOfParameters><parameter id="k" value="1" constant="true"/></listOfParameters>
{rules}
<listOfReactions><reaction id="R" reversible="false" fast="{fast}">
<listOfReactants><speciesReference species="A" stoichiometry="1" constant="true"/></listOfReactants>
<kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><ci>k</ci><ci>A</ci>
</apply></math></kineticLaw></reaction></listOfReactions></model></sbml>
"""
PLAIN = 'hasOnlySubstanceUnits="false" boundaryCondition="false" constant="false"'
ALGEBRAIC = """<listOfRules><algebraicRule>
<math xmlns="http://www.w3.org/1998/Math/MathML"><apply><minus/><ci>A</ci><cn>1</cn></apply></math>
</algebraicRule></listOfRules>"""
L2 = """<sbml xmlns="http://www.sbml.org/sbml/level2/version4" level="2" version="4">
<model id="m"><listOfCompartments><compartment id="c" size="4"/></listOfCompartments>
<listOfSpecies><species id="A" compartment="c" initialAmount="8"/></listOfSpecies>
<listOfReactions><reaction id="R" reversible="false">
<listOfReactants><speciesReference species="A"/></listOfReactants><kineticLaw>
<math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><ci>c</ci><ci>k</ci><ci>A</ci>
</apply></math><listOfParameters><parameter id="k" value="0.5"/></listOfParameters></kineticLaw>
</reaction></listOfReactions></model></sbml>
"""


def l3(packages="", rules="", fast="false"):
    core = "http://www.sbml.org/sbml/level3/version1/core"
    return L3.format(core=core, packages=packages, rules=rules, fast=fast, species=PLAIN)


def refusal(text, kind=ModelError, **given):
    with pytest.raises(kind) as caught:
        mt.load_model(text, **given)
    return str(caught.value)


# --- closed forms ---------------------------------------------------------------------------------


def test_decay_and_its_units():
    run = mt.load_model(DECAY).simulate(duration="4 min", times=["2 min"])
    assert run.time.tolist() == [0.0, 2.0]
    assert run.column("A") == pytest.approx([2, 2 * np.exp(-1)], rel=1e-7)
    assert run.to_dataframe()["time_h"].tolist() == pytest.approx([0, 2 / 60])
    assert isinstance(run, mt.Result)


def test_level_2_counts_seconds_and_its_own_parameters_can_be_set():
    model = mt.load_model(L2)
    assert (model.time_unit, model.minutes) == ("s", pytest.approx(1 / 60))
    assert "default of SBML Level 2" in model.in_words()
    run = model.simulate(duration=4, set={"R.k": 0.25}, times=[4])
    assert run["A"].values == pytest.approx([2, 2 * np.exp(-1)], rel=1e-7)  # 8 in 4 litres
    assert run["A"].time.values.tolist() == pytest.approx([0, 4])
    assert run["A"].time.attrs["units"] == "s"
    assert run.units["A"] == "M"


def test_a_time_unit_is_never_guessed():
    text = DECAY.removeprefix(MINUTES)
    assert "does not say in which unit its time runs" in refusal(text)
    run = mt.load_model(text, time_unit="h").simulate(duration="2 h", times=["2 h"])
    assert run.column("A")[-1] == pytest.approx(2 * np.exp(-1), rel=1e-7)
    assert "not a unit of time" in refusal(text, InputError, time_unit="nM")


@pytest.mark.parametrize("odd", ['scale="2147483647" multiplier="1e300"',
                                 'scale="0" multiplier="0"'])  # fmt: skip
def test_a_unit_of_no_length_is_none(odd):
    unit = f"""<listOfUnitDefinitions><unitDefinition id="u"><listOfUnits>
    <unit kind="second" exponent="1" {odd}/></listOfUnits></unitDefinition>
    </listOfUnitDefinitions>"""
    text = l3().replace("<listOfCompartments>", unit + "<listOfCompartments>")
    assert "does not say in which unit" in refusal(text.replace('"second">', '"u">'))


def test_amounts_volumes_and_growing_compartments():
    text = (
        MINUTES
        + """
    compartment c; c = 2; c' = 0.1
    species A in c; substanceOnly species U in c; A = 3; U = 5
    k = 0.5; D: U -> ; k*U
    """
    )
    run = mt.load_model(text).simulate(duration="2 min", times=["2 min"])
    # The amount of A stays 6 while the volume grows to 2.2; U is read as what it is, an amount.
    assert run.column("A")[-1] == pytest.approx(6 / 2.2, rel=1e-7)
    assert run.column("U")[-1] == pytest.approx(5 * np.exp(-1), rel=1e-7)
    assert run.column("c")[-1] == pytest.approx(2.2, rel=1e-7)


def test_what_follows_from_a_value_follows_when_it_is_set():
    text = MINUTES + "species A; n = 3; A = 2*n; B := A + n; k = 0\nR: A -> ; k*A"
    model = mt.load_model(text)
    assert model.simulate(duration=1, times=[1]).column("B")[0] == 9
    assert model.simulate(duration=1, times=[1], set={"n": 5}).column("B")[0] == 15
    assert model.simulate(duration=1, times=[1], set={"n": 5, "A": 1}).column("B")[0] == 6
    with pytest.raises(ScenarioError, match="'B' follows from a rule"):
        model.simulate(duration=1, set={"B": 1})
    with pytest.raises(UnknownIdError, match="Closest: 'k'"):
        model.simulate(duration=1, set={"K": 1})
    with pytest.raises(ScenarioError, match="own units"):
        model.simulate(duration=1, set={"k": "1 nM"})


def test_names_are_as_good_as_ids():
    model = mt.load_model(DECAY + '\nA is "the substance"')
    assert model.simulate(duration=1, observe=["the substance"]).ids == ("the substance",)
    with pytest.raises(UnknownIdError, match="Closest: 'the substance'"):
        model.simulate(duration=1, observe=["the substanec"])


PULSE = MINUTES + "B = 0; B' = {}; from_here = 100; long = 10\n"


@pytest.mark.parametrize(("rate", "total"), [
    ("piecewise(1, time > 100 && time < 110, 0)", 10),
    ("piecewise(1, time >= from_here && time - from_here <= long, 0)", 10),
    ("piecewise(1000, 5 < time && 2*time < 10.002, 0)", 1),
    ("pulse(time)", 10),
])  # fmt: skip
def test_pulses_written_as_formulas_of_time_are_not_stepped_over(rate, total):
    text = "function pulse(t) piecewise(1, t > 100 && t < 110, 0) end\n" + PULSE.format(rate)
    model = mt.load_model(text)
    run = model.simulate(duration=1000, times=[1000])
    assert run.column("B")[-1] == pytest.approx(total, rel=1e-6)
    many = model.simulate(duration=1000, times=[50, 100, 105, 1000], set={"B": 1})
    assert many.time.tolist() == [0, 50, 100, 105, 1000]
    assert many.column("B")[-1] == pytest.approx(total + 1, rel=1e-6)


def test_events_at_the_time_of_a_jump_fire_once():
    text = PULSE.format("piecewise(1, time > 100 && time < 110, 0)") + "A = 0; D = 0\n"
    text += "E: at time >= 100: A = A + 1\nF: at 10 after (time >= 100): D = D + 1"
    run = mt.load_model(text).simulate(duration=200, observe=["A", "D", "B"])
    assert run.values[-1] == pytest.approx([1, 1, 10], rel=1e-6)
    rows = np.array(run.rows_at([99, 101, 109, 111], ["A", "D"]))
    assert rows.tolist() == [[0, 1, 1, 1], [0, 0, 0, 1]]


# --- values that cannot be ------------------------------------------------------------------------


def test_a_voltage_may_be_negative():
    run = mt.load_model(MINUTES + "V = -65; V' = 0.1*(20 - V)").simulate(duration=10)
    assert run.column("V")[0] == -65


def test_a_concentration_may_not():
    text = MINUTES + "species A; A = 1; k = 1\nR: A => ; k"
    with pytest.raises(SimulationError, match=r"A is negative .* min"):
        mt.load_model(text).simulate(duration=5)


def test_nan_is_an_error():
    text = MINUTES + "species A; A = 1; B := sqrt(A - 2); k = 1\nR: A -> ; k*A"
    with pytest.raises(SimulationError, match="B is not a number"):
        mt.load_model(text).simulate(duration=5)


def test_loose_tolerances_are_refused():
    with pytest.raises(ScenarioError, match="1e-08 or less"):
        mt.load_model(DECAY).simulate(duration=1, relative_tolerance=1e-6)


def test_a_species_that_lives_in_tiny_numbers_is_resolved():
    # With one absolute tolerance for all, 1e-15 would be noise.
    run = mt.load_model(DECAY.replace("A = 2", "A = 2e-15")).simulate(duration=4, times=[4])
    assert run.column("A")[-1] == pytest.approx(2e-15 * np.exp(-2), rel=1e-6)


@pytest.mark.parametrize(("rate", "expected"), [
    ("1e-12*big", lambda t: 2e-6 * (1 - np.exp(-t / 2))),
    ("0.5*B + 1e-6*(1 + sin(time))", lambda t: 1e-6 * (t + 1 - np.cos(t))),
])  # fmt: skip
def test_what_begins_at_zero_may_be_far_smaller_than_the_rest(rate, expected):
    # Its size is not known beforehand; that of the others, 1e6, says nothing about it.
    text = MINUTES + f"species big, B; big = 1e6; B = 0\nR: -> B; {rate}\nQ: B -> ; 0.5*B"
    run = mt.load_model(text).simulate(duration=20, times=[1, 20])
    assert run.column("B")[1:] == pytest.approx([expected(1), expected(20)], rel=1e-6)


def test_an_id_may_be_a_word_of_the_engine():
    for word in ("simulate", "getModel", "getIntegrator"):
        text = MINUTES + f"species load; load = 2; {word} = 0.5\nR: load -> ; {word}*load"
        run = mt.load_model(text).simulate(duration=2, times=[2])
        assert run.column("load")[-1] == pytest.approx(2 * np.exp(-1), rel=1e-7)
    sbml = l3().replace('"k"', '"model"').replace(">k<", ">model<")
    assert mt.load_model(sbml).simulate(duration=1, times=[1], observe=["model"])["model"][-1] == 1
    assert mt.load_model(DECAY).simulate(duration=1).column("A")[0] == 2  # as ever


def test_a_refusal_is_short_whatever_the_formula():
    assert len(refusal("A := " + "2^" * 5000 + "1\n")) < 1000


def test_compartments_of_one_dimension_and_a_half():
    text = l3().replace('size="1" spatialDimensions="3"', 'size="2" spatialDimensions="1.5"')
    run = mt.load_model(text).simulate(duration=1, times=[1])
    assert run.column("A") == pytest.approx([1, np.exp(-0.5)], rel=1e-7)  # k takes amount away


# --- one run knows nothing of another -------------------------------------------------------------

EVENTS = (
    MINUTES
    + """
species A; A = 1; k = 0.1; p = 1
R: A -> ; k*p*A
later: at 5 after (time > 1): A = 10
change: at (time > 2): p = 3
"""
)
FRESH = """
import hashlib, sys, mtorsim as mt
run = mt.load_model(open(sys.argv[1]).read()).simulate(duration=3)
print(hashlib.sha256(run.values.tobytes()).hexdigest())
"""


def test_a_run_after_any_other_is_bitwise_that_of_a_fresh_process(tmp_path):
    import hashlib

    path = tmp_path / "model.ant"
    path.write_text(EVENTS, encoding="utf-8")
    model = mt.load_model(EVENTS)
    model.simulate(duration=3)  # ends while `later` still waits, after `change` set p
    model.simulate(duration=9, set={"k": 1})
    digest = hashlib.sha256(model.simulate(duration=3).values.tobytes()).hexdigest()
    call = [sys.executable, "-c", FRESH, str(path)]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest


def test_delayed_events_fire():
    run = mt.load_model(EVENTS).simulate(duration=7, times=[5.9, 6.1])
    assert run.column("A")[1] < 1 < 9 < run.column("A")[2]


# --- refused by name and line ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [  # lines counted in L3 above: its sixth holds the rules
        (l3(fast="true"), "line 7: 'R' is a fast reaction"),
        (l3(rules=ALGEBRAIC), "line 6: algebraic rule 0 = A - 1"),
        (MINUTES + "A := delay(B, 3); B = 1; B' = 1", "the rule for 'A' looks back in time"),
        (MINUTES + "species A; A = 1\nR: A -> ; kk*A", "line 3: parameter 'kk' has no value"),
        (l3().replace('"k"', '"time"').replace(">k<", ">time<"), "line 5: the id 'time' would be"),
        (l3('xmlns:q="http://www.sbml.org/sbml/level3/version1/qual/version1" q:required="true"'),
         "a logical model has no concentrations to run"),
        (l3('xmlns:z="http://www.sbml.org/sbml/level3/version1/zz/version1" z:required="true"'),
         "the SBML package 'z' is required to understand this model"),
    ],
)  # fmt: skip
def test_what_would_be_computed_wrongly_is_refused(tmp_path, text, words):
    message = refusal(text)
    assert words in message
    path = tmp_path / ("model.xml" if text.startswith("<") else "model.ant")
    path.write_text(text, encoding="utf-8")
    report = check_file(path)
    assert not report.is_sound
    assert any(words in finding.message for finding in report.of("error"))


def test_pictures_of_a_network_are_passed_over():
    layout = 'xmlns:l="http://www.sbml.org/sbml/level3/version1/layout/version1" l:required="false"'
    assert mt.load_model(l3(layout)).simulate(duration=1, times=[1]).column("A")[-1] == (
        pytest.approx(np.exp(-1), rel=1e-7)
    )


def _composed(definition):
    import libsbml

    document = libsbml.SBMLDocument(libsbml.CompPkgNamespaces(3, 1, 1))
    document.setPackageRequired("comp", True)
    plugin = document.getPlugin("comp")
    if definition == "external":
        outside = plugin.createExternalModelDefinition()
        outside.setId("inner")
        outside.setSource("https://example.org/inner.xml")
    else:
        inner = libsbml.readSBMLFromString(l3()).getModel()
        made = plugin.createModelDefinition()
        made.setId("inner")
        made.setTimeUnits("second")
        for compartment in inner.getListOfCompartments():
            made.addCompartment(compartment)
        for species in inner.getListOfSpecies():
            made.addSpecies(species)
        for parameter in inner.getListOfParameters():
            made.addParameter(parameter)
        for reaction in inner.getListOfReactions():
            made.addReaction(reaction)
    model = document.createModel()
    model.setId("outer")
    model.setTimeUnits("second")
    submodel = model.getPlugin("comp").createSubmodel()
    submodel.setId("part")
    submodel.setModelRef("inner")
    return libsbml.writeSBMLToString(document)


def test_submodels_are_flattened_and_never_run_empty(tmp_path):
    path = tmp_path / "composed.xml"
    path.write_text(_composed("inside"), encoding="utf-8")
    assert "1 submodel: flattened" in str(check_file(path).of("note"))
    run = mt.load_model(path).simulate(duration=1, times=[1])
    assert run.column("part__A")[-1] == pytest.approx(np.exp(-1), rel=1e-7)


def test_submodels_elsewhere_are_refused():
    message = refusal(_composed("external"))
    assert "the submodel 'inner' lies in another file, 'https://example.org/inner.xml'" in message


def test_check_says_which_unit_time_is_taken_for(tmp_path):
    path = tmp_path / "model.xml"
    path.write_text(L2, encoding="utf-8")
    notes = [finding.message for finding in check_file(path).of("note")]
    assert any("time is taken to be in s" in note for note in notes)


# --- out again ------------------------------------------------------------------------------------


def test_what_was_run_is_what_is_exported(tmp_path):
    model = mt.load_model(L2)
    run = model.simulate(duration=4, set={"A": 3})
    path = tmp_path / "again.xml"
    path.write_text(run.sbml, encoding="utf-8")
    again = mt.load_model(path).simulate(duration=4)
    assert np.array_equal(run.values, again.values)
    assert model.to_sbml(duration=4, set={"A": 3}) == run.sbml
    saved = run.save(tmp_path / "out")
    assert (saved / "model.xml").read_text(encoding="utf-8") == run.sbml
    assert (saved / "figure.png").stat().st_size > 1000


def test_a_drug_needs_a_map():
    with pytest.raises(ModelError, match="mtorsim map"):
        mt.load_model(DECAY).simulate(duration=1, drugs={"temsirolimus": "20 nM"})
