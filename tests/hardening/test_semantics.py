"""What SBML says is what is computed: each feature against a closed form, through `load_model`."""

import math

import numpy as np
import pytest

import mtorsim as mt
from mtorsim.errors import ModelError

S = "unit time_unit = second; compartment c = 2; "
E, LN2 = math.e, math.log(2)

CASES = {  # Antimony -> what, its value at t = 2
    "decay in a volume": (S + "species A in c = 3; R: A -> ; c*0.5*A", "A", 3 / E),
    "reversible": (S + "species A in c = 1, B in c = 0; R: A -> B; c*(A - B)", "A",
                   0.5 + 0.5 * math.exp(-4)),
    "stoichiometry": (S + "species A in c = 4, B in c = 0; R: 2 A -> 3 B; c*0.5*A", "B",
                      1.5 * 4 * (1 - math.exp(-2))),
    "second order": (S + "species A in c = 1, B in c = 0; R: A + A -> B; c*A*A", "A", 1 / 5),
    "amounts": (S + "substanceOnly species A in c = 6; R: A -> ; 0.5*A", "A", 6 / E),
    "two volumes": (S + "compartment d = 4; species A in c = 8, B in d = 0; R: A -> B; 1*A", "B",
                    2 * 8 * (1 - math.exp(-1)) / 4),
    "a boundary species": (S + "species $A in c = 3, B in c = 0; R: A -> B; c*0.5*A", "B", 3.0),
    "an assignment rule": (S + "species A in c = 3; R: A -> ; c*k*A; k := 1/q; q = 2", "A", 3 / E),
    "a rate rule": (S + "p = 2; p' = -p/2", "p", 2 / E),
    "a rate rule on a species": (S + "species A in c = 2; A' = -A/2", "A", 2 / E),
    "a growing volume": (S + "var compartment d = 1; d' = 1; species A in d = 6", "A", 2.0),
    "an initial assignment": (S + "species A in c = 3*k; k = 2; R: A -> ; c*0.5*A", "A", 6 / E),
    "a function": ("function f(x, y)\n x*y/2\nend\nmodel m\n" + S
                   + "species A in c = 3; R: A -> ; c*f(A, 1)\nend", "A", 3 / E),
    "an event": (S + "species A in c = 3; E: at time >= 1: A = 7", "A", 7.0),
    "an event on a state": (S + "A = 0; p = 0; p' = 1; E: at p > 1: A = time", "A", 1.0),
    "an event and its delay": (S + "A = 3; E: at 0.5 after time >= 1: A = 7", "A", 7.0),
    "values of the trigger": (S + "A = 0; E: at 1 after time >= 0.5: A = time", "A", 0.5),
    "a short window of a state": (
        S + "X = 0; A = 0; X' = 1 - X; E: at X > 0.5 && X < 0.5001: A = 7", "A", 7.0),
    "values of the execution": (
        S + "species A in c = 0; E: at 1 after time >= 0.5, fromTrigger=false: A = time", "A", 1.5),
    "not persistent": (
        S + "species A in c = 3; p = 0; p' = 1; "
        "E: at 1 after p > 0.5 && p < 1, persistent=false: A = 9", "A", 3.0),
    "persistent": (
        S + "species A in c = 3; p = 0; p' = 1; "
        "E: at 1 after p > 0.5 && p < 1, persistent=true: A = 9", "A", 9.0),
    "priorities": (
        S + "species A in c = 1; "
        "E: at time >= 1, priority=1, fromTrigger=false: A = A + 3; "
        "F: at time >= 1, priority=2, fromTrigger=false: A = A*10", "A", 13.0),
    "an event at the start": (S + "species A in c = 3; E: at time >= 0, t0=false: A = 7", "A", 7.0),
    "an event that sets a parameter": (
        S + "species A in c = 0; k = 1; R: -> A; c*k; E: at time >= 1: k = 5", "A", 6.0),
    "an event again and again": (
        S + "n = 0; x = 0; x' = 1; E: at x >= 0.3: x = 0, n = n + 1", "n", 6.0),
    "piecewise on a state": (
        S + "species A in c = 0; R: -> A; c*piecewise(2, A < 1, 1)", "A", 2.5),
    "powers, roots, logarithms": (
        S + "p := sqrt(16) + 2^3 + ln(exp(1)) + log10(100) + abs(-1) + ceil(0.2) + floor(1.9)", "p",
        18.0),
    "trigonometry": (S + "p := sin(pi/2) + cos(0) + tan(pi/4) + arctan(0)", "p", 3.0),
    "logic": (S + "p := piecewise(1, (time > 1 && !(time > 3)) || false, 0)", "p", 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_antimony(name):
    text, what, value = CASES[name]
    run = mt.load_model(text + "\n").simulate(duration=2.0, times=[0, 2.0], observe=[what])
    assert run[what].values[-1] == pytest.approx(value, rel=1e-7)


MATH = 'xmlns="http://www.w3.org/1998/Math/MathML"'
L2 = f"""<sbml xmlns="http://www.sbml.org/sbml/level2/version4" level="2" version="4">
<model id="m"><listOfCompartments><compartment id="c" size="2"/></listOfCompartments>
<listOfSpecies><species id="A" compartment="c" initialConcentration="3" {{species}}/>
</listOfSpecies><listOfParameters><parameter id="k" value="9"/></listOfParameters>
<listOfReactions><reaction id="R" reversible="false"><listOfReactants>
<speciesReference species="A" {{reference}}/></listOfReactants><kineticLaw><math {MATH}>
<apply><times/>{{volume}}<ci>k</ci><ci>A</ci></apply></math><listOfParameters>
<parameter id="k" value="0.5"/></listOfParameters></kineticLaw></reaction></listOfReactions>
</model></sbml>"""


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({}, 3 / E),  # the reaction's own k, not that of the model
        ({"reference": 'stoichiometry="2"'}, 3 / E**2),
        ({"species": 'boundaryCondition="true"'}, 3.0),
        ({"species": 'hasOnlySubstanceUnits="true"', "volume": ""}, 6 / E),  # amounts
    ],
)
def test_level_2(fields, value):
    text = L2.format(**{"species": "", "reference": "", "volume": "<ci>c</ci>"} | fields)
    run = mt.load_model(text).simulate(duration=2.0, times=[0, 2.0])
    assert run["A"].values[-1] == pytest.approx(value, rel=1e-7)


CONVERTED = f"""<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1">
<model id="m" timeUnits="second" {{model}}><listOfCompartments>
<compartment id="c" size="2" spatialDimensions="3" constant="true"/></listOfCompartments>
<listOfSpecies><species id="A" compartment="c" initialConcentration="0" {{species}}
 hasOnlySubstanceUnits="false" boundaryCondition="false" constant="false"/></listOfSpecies>
<listOfParameters><parameter id="ten" value="10" constant="true"/>
<parameter id="four" value="4" constant="true"/></listOfParameters>
<listOfReactions><reaction id="R" reversible="false" fast="false"><listOfProducts>
<speciesReference species="A" stoichiometry="1" constant="true"/></listOfProducts><kineticLaw>
<math {MATH}><cn>3</cn></math></kineticLaw></reaction></listOfReactions></model></sbml>"""


@pytest.mark.parametrize(
    ("model", "species", "value"),
    [
        ("", "", 3.0),  # 3 per second for 2 s in a volume of 2
        ('conversionFactor="ten"', "", 30.0),
        ('conversionFactor="ten"', 'conversionFactor="four"', 12.0),
    ],
)
def test_conversion_factors(model, species, value):
    found = mt.load_model(CONVERTED.format(model=model, species=species))
    assert found.simulate(duration=2.0, times=[0, 2.0])["A"].values[-1] == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("p := delay(q, 1); q = 1", "looks back in time"),
        ("species A in c = 1; R: A -> ; c*A*k", "has no value"),
        ("species A in c = 1; R: n A -> ; c*A; n := time", "computed while the model runs"),
    ],
)
def test_what_cannot_be_computed_is_refused_by_name(text, words):
    with pytest.raises(ModelError, match=words):
        mt.load_model(S + text + "\n")


def test_a_run_after_others_is_that_of_a_fresh_start():
    text = CASES["an event that sets a parameter"][0] + "\n"
    fresh = [mt.load_model(text).simulate(duration=2.0)["A"].values for _ in range(2)]
    model = mt.load_model(text)
    model.simulate(duration=1.5)  # ends after the event
    model.simulate(duration=7.0, set={"k": 3.0, "A": 100.0})
    again = model.simulate(duration=2.0)["A"].values
    assert np.array_equal(again, fresh[0])
    assert np.array_equal(fresh[0], fresh[1])
