"""From a scenario to values: who goes before whom, and what is refused."""

import re
import shutil

import libsbml
import pytest

import mtorsim as mt
from mtorsim import cells, drugs, library, paths, perturbation
from mtorsim.compile import compile_scenario, parts, size, structure
from mtorsim.errors import ScenarioError, UnitError, UnknownIdError
from mtorsim.simulation import steady_state, to_sbml
from mtorsim.symbols import symbols


def adapted(**fields):
    return compile_scenario(mt.Scenario(**fields)).adapted


def test_cell_goes_before_the_model_file():
    assert adapted(cell="PC-3")["PTEN"] == 0
    assert "PTEN" not in adapted(cell="HeLa")  # the model file's own value stays


def test_perturbation_multiplies_the_value_of_the_cell():
    usual = cells.load("PC-3").values["FKBP12"].value
    left = adapted(cell="PC-3", perturbations=["FKBP12_knockdown"])["FKBP12"]
    assert left == pytest.approx(0.05 * usual)


def test_perturbation_multiplies_the_value_of_the_model():
    assert adapted(perturbations=["raptor_knockdown"])["RPTOR"] == pytest.approx(
        0.1 * symbols()["RPTOR"].value
    )


def test_set_goes_before_everything():
    values = adapted(cell="PC-3", perturbations=["FKBP12_knockdown"], set={"FKBP12": "0.7 uM"})
    assert values["FKBP12"] == pytest.approx(700)


def test_set_converts_to_the_unit_of_the_model():
    assert adapted(set={"kdeg_CCND1": "1 1/h"})["kdeg_CCND1"] == pytest.approx(1 / 60)
    assert adapted(set={"kdeg_CCND1": 0.5})["kdeg_CCND1"] == 0.5


def test_acute_perturbation_begins_at_time_zero():
    compiled = compile_scenario(mt.Scenario(perturbations=["glucose_withdrawal"]))
    assert compiled.adapted["glucose"] > 0
    assert compiled.settings["glucose"] == 0


def test_chronic_perturbation_is_there_before():
    compiled = compile_scenario(mt.Scenario(cell="HeLa", perturbations=["PTEN_loss"]))
    assert compiled.adapted["PTEN"] == compiled.settings["PTEN"] == 0


def test_stimulus_begins_at_time_zero():
    compiled = compile_scenario(mt.Scenario(stimuli={"insulin": "100 nM"}))
    assert "insulin" not in compiled.adapted
    assert compiled.settings["insulin"] == 100


def test_defaults_stand_in_for_the_model_file_only():
    scenario = mt.Scenario(cell="PC-3")
    compiled = compile_scenario(scenario, {"kdeg_CCND1": 9.0, "PTEN": 9.0, "elsewhere": 1.0})
    assert compiled.adapted["kdeg_CCND1"] == 9
    assert compiled.adapted["PTEN"] == 0
    assert "elsewhere" not in compiled.adapted


BODY = {"drugs": {"everolimus": "10 mg daily"}}


@pytest.mark.parametrize(
    ("fields", "error", "match"),
    [
        ({"set": {"kdeg_CCDN1": 1}}, UnknownIdError, "kdeg_CCND1"),
        ({"set": {"kdeg_CCND1": "1 nM"}}, UnitError, "kdeg_CCND1"),
        ({"set": {"kdeg_CCND1": "-1 1/min"}}, ScenarioError, "zero or more"),
        ({"set": {"medium": 0}}, ScenarioError, "more than zero"),
        ({"set": {"MTOR": "100 nM"}}, ScenarioError, "made and degraded"),
        (
            {"drugs": {"sirolimus": "1 nM"}, "set": {"FKBP12_sirolimus": "1 nM"}},
            ScenarioError,
            "begins at zero",
        ),
        ({"set": {"AKT_pT308": "1 nM"}}, ScenarioError, "follows from"),
        ({"set": {"G1_fraction": 0.5}}, ScenarioError, "follows from"),  # a rate rule moves it
        ({"set": {"log_cell_number": 1}}, ScenarioError, "follows from"),
        ({"set": {"growth_rate_untreated": "1 1/d"}}, ScenarioError, "follows from"),
        ({"set": {"fraction_MTOR_F2108L": 0.5}}, ScenarioError, "Add --perturb MTOR_F2108L"),
        ({"observe": ["S6K_pT389"]}, UnknownIdError, "S6K1_pT389"),
        ({"set": {"body_weight": 60}}, ScenarioError, "'body_weight' belongs to a body"),
        ({**BODY, "set": {"body_weight": "60 nM"}}, UnitError, "body_weight"),
        ({**BODY, "set": {"body_weight": 0}}, ScenarioError, "divided by it"),
        ({**BODY, "set": {"gut_volume": 0}}, ScenarioError, "divided by it"),
        ({**BODY, "set": {"reference_weight": 0}}, ScenarioError, "divided by it"),
        ({**BODY, "set": {"blood": "5 L"}}, ScenarioError, "follows from"),
        ({**BODY, "set": {"FKBP12_blood": "5 nM"}}, ScenarioError, "follows from"),
        ({**BODY, "set": {"everolimus_plasma": "5 nM"}}, ScenarioError, "from the regimen"),
        ({**BODY, "set": {"kdecay_medium_everolimus": 1}}, UnknownIdError, "kdecay_medium"),
        (
            {"drugs": {"temsirolimus": "25 mg"}, "set": {"infusion_rate_temsirolimus": 1}},
            ScenarioError,
            "from the regimen",
        ),
        ({"observe": ["kdeg_CCND1"]}, UnknownIdError, "observable or species"),
    ],
)
def test_bad_values_are_refused(fields, error, match):
    with pytest.raises(error, match=match):
        compile_scenario(mt.Scenario(**fields))


def test_the_cell_comes_to_rest_before_its_number_changes():
    compiled = compile_scenario(mt.Scenario())
    assert compiled.adapted["population_growth"] == 0
    assert compiled.settings.get("population_growth", symbols()["population_growth"].value) == 1
    assert {"growth_rate_untreated", "ATP_per_cell_untreated"} <= set(steady_state(compiled))


# -- mutants of mTOR -------------------------------------------------------------------------------


def test_a_mutant_is_all_of_mtor_unless_its_share_is_set():
    name = "MTOR_F2108L"
    assert adapted(perturbations=[name])[f"fraction_{name}"] == 1
    shared = {"perturbations": [name], "set": {f"fraction_{name}": 0.3}}
    compiled = compile_scenario(mt.Scenario(**shared))
    assert compiled.adapted[f"fraction_{name}"] == compiled.settings[f"fraction_{name}"] == 0.3
    rest = steady_state(compiled)
    mutated = sum(level for id, level in rest.items() if id.endswith("_F2108L"))
    wild = sum(rest[id] for id in rest if f"{id}_F2108L" in rest)
    assert mutated / (mutated + wild) == pytest.approx(0.3, rel=1e-6)


@pytest.mark.parametrize("shares", [{}, {"MTOR_F2108L": 0.6, "MTOR_M2327I": 0.5}])
def test_mutants_that_are_more_than_all_mtor_are_refused(shares):
    names = ["MTOR_M2327I", "MTOR_F2108L"]
    given = {f"fraction_{name}": share for name, share in shares.items()}
    with pytest.raises(ScenarioError) as caught:
        compile_scenario(mt.Scenario(perturbations=names, set=given))
    first, second = shares.get("MTOR_F2108L", 1), shares.get("MTOR_M2327I", 1)
    assert f"{first:g} MTOR_F2108L + {second:g} MTOR_M2327I" in str(caught.value)
    assert "--set fraction_MTOR_F2108L=" in str(caught.value)


def test_one_mutant_that_is_more_than_all_mtor_is_refused():
    with pytest.raises(ScenarioError, match=r"1\.5 MTOR_A2034V"):
        adapted(perturbations=["MTOR_A2034V"], set={"fraction_MTOR_A2034V": 1.5})


def test_shares_that_are_exactly_all_mtor_are_not_refused():
    # As floats, added one by one, they come to a little above 1.
    shares = {"MTOR_A2034V": 0.33, "MTOR_F2108L": 0.56, "MTOR_M2327I": 0.11}
    assert 0.33 + 0.56 + 0.11 > 1
    given = {f"fraction_{name}": share for name, share in shares.items()}
    rest = steady_state(compile_scenario(mt.Scenario(perturbations=list(shares), set=given)))
    assert rest["MTOR"] == pytest.approx(0, abs=1e-6)


def test_parts_are_drugs_and_mutants_in_order_of_name():
    fields = {
        "drugs": {"tacrolimus": "1 uM", "AZD8055": "5 nM"},
        "perturbations": ["PTEN_loss", "MTOR_M2327I", "MTOR_A2034V"],
    }
    found = parts(mt.Scenario(**fields))
    assert found[:2] == (("AZD8055", "tacrolimus"), ("MTOR_A2034V", "MTOR_M2327I"))
    assert (found.species, found.given) == ("", ())
    assert parts(mt.Scenario(perturbations=["PTEN_loss"])) == ((), (), "", ())


def test_parts_of_a_body_are_what_appears_there_and_what_it_is_given():
    fields = {"drugs": {"temsirolimus": "25 mg weekly"}, "perturbations": ["MTOR_M2327I"]}
    both = ("sirolimus", "temsirolimus")
    assert parts(mt.Scenario(**fields)) == (both, ("MTOR_M2327I",), "human", ("temsirolimus",))


def test_size_says_what_drugs_and_mutants_add():
    def counts(sbml):
        document = library.read_sbml(sbml)
        return document.getModel().getNumSpecies(), document.getModel().getNumReactions()

    species, reactions = counts(library.network_sbml())
    bare = size(compile_scenario(mt.Scenario()))
    assert bare == f"Model: {species} species, {reactions} reactions."
    # Outside and inside, two immunophilins, six open forms of mTOR.
    words = size(compile_scenario(mt.Scenario(drugs={"sirolimus": "1 nM"})))
    assert words.startswith(f"Model: {species + 10} species, ")
    assert "; 10 and " in words
    assert words.endswith(" of them are added for drugs and mutants of mTOR.")
    # Outside and inside, seven forms; each of those mutated, with the drug and without.
    fields = {"drugs": {"AZD8055": "1 nM"}, "perturbations": ["MTOR_F2108L"]}
    compiled = compile_scenario(mt.Scenario(**fields))
    added = [a - b for a, b in zip(counts(compiled.sbml), (species, reactions), strict=True)]
    assert added[0] == 2 + 7 + 14
    assert f"; {added[0]} and {added[1]} of them" in size(compiled)


def test_size_says_what_a_body_adds():
    compiled = compile_scenario(mt.Scenario(drugs={"everolimus": "10 mg daily"}))
    body = library.read_sbml(library.body_sbml("human", ("everolimus",))).getModel()
    species, reactions = body.getNumSpecies(), body.getNumReactions()
    # Inside, two immunophilins, six open forms of mTOR.
    words = size(compiled)
    assert f"; {species} and {reactions} of them make the body; 9 and " in words
    assert words.endswith(" of them are added for drugs and mutants of mTOR.")
    numbers = [int(word) for word in re.findall(r"\d+", words.partition("mTOR")[0])]
    bare = library.read_sbml(library.network_sbml()).getModel()
    assert numbers[0] == bare.getNumSpecies() + species + 9
    assert numbers[1] == bare.getNumReactions() + reactions + numbers[-1]


def test_what_is_given_is_there_whatever_is_withdrawn():
    fields = {"perturbations": ["amino_acid_withdrawal"], "stimuli": {"leucine": "0.4 mM"}}
    compiled = compile_scenario(mt.Scenario(**fields))
    assert compiled.settings["leucine"] == 4e5
    assert compiled.adapted["leucine"] > 0


def test_what_differs_in_values_shares_one_structure():
    scenarios = [
        mt.Scenario(drugs={"temsirolimus": "20 nM"}),
        mt.Scenario(drugs={"temsirolimus": mt.Constant("1 nM", stop="2 h")}, cell="HeLa"),
        mt.Scenario(drugs={"temsirolimus": "3 nM"}, perturbations=["PTEN_loss"]),
    ]
    assert len({compile_scenario(scenario).sbml for scenario in scenarios}) == 1
    assert structure(("temsirolimus",)) is structure(("temsirolimus",))


def test_the_order_of_drugs_does_not_matter():
    drugs = {"tacrolimus": "1 uM", "sirolimus": "5 nM"}
    one, other = (
        mt.simulate(drugs=given, duration="2 h", observe=["S6K1_pT389", "drug_medium"])
        for given in (drugs, dict(reversed(drugs.items())))
    )
    assert one.compiled.sbml == other.compiled.sbml
    assert one.dataset.equals(other.dataset)


def test_perturbation_that_sets_a_value_in_another_unit(tmp_path, monkeypatch):
    folder = tmp_path / "models"
    shutil.copytree(paths.models_path("cell.ant").parent, folder)
    with (folder / "perturbations.yaml").open("a", encoding="utf-8") as file:
        file.write(TWO_CHANGES)
    monkeypatch.setattr(paths, "_root", lambda _name: folder)
    compiled = compile_scenario(mt.Scenario(perturbations=["half_of_little_leucine"]))
    assert compiled.settings["leucine"] == pytest.approx(5000)
    assert compiled.adapted["leucine"] == cells.load("786-O").values["leucine"].value


TWO_CHANGES = """
half_of_little_leucine:
  description: For tests.
  timing: acute
  changes: [{target: leucine, set: 10 uM}, {target: leucine, multiply: 0.5}]
  source: assumed
  confidence: D
"""


def test_acute_perturbation_multiplies_what_is_set():
    fields = {"perturbations": ["amino_acid_withdrawal"], "set": {"leucine": "1 mM"}}
    compiled = compile_scenario(mt.Scenario(**fields))
    (change,) = perturbation.load("amino_acid_withdrawal").changes
    assert compiled.adapted["leucine"] == 1e6
    assert compiled.settings["leucine"] == pytest.approx(1e6 * change.multiply)


def test_schedule_becomes_a_start_and_steps():
    schedule = mt.Repeated("5 nM", every="24 h", times=2, exposure="2 h")
    compiled = compile_scenario(mt.Scenario(drugs={"sirolimus": schedule}, duration="25 h"))
    assert compiled.given == {"sirolimus_medium": 5}
    assert [step.time for step in compiled.steps] == [120, 1440]
    washed, given = (step.values for step in compiled.steps)
    assert washed["sirolimus_medium"] == 0
    assert washed["kwash_sirolimus"] > 0
    assert given == {"sirolimus_medium": 5, "kwash_sirolimus": 0}


def test_a_regimen_becomes_a_start_and_steps():
    fields = {"drugs": {"temsirolimus": "25 mg IV over 1 h weekly x2"}, "duration": "3 weeks"}
    compiled = compile_scenario(mt.Scenario(**fields))
    rate = compiled.settings["infusion_rate_temsirolimus"]
    assert rate * 60 == pytest.approx(25e6 / drugs.load("temsirolimus").molar_mass.value)
    assert "infusion_rate_temsirolimus" not in compiled.adapted
    assert [step.time for step in compiled.steps] == [60, 10080, 10140]
    assert [step.values["infusion_rate_temsirolimus"] for step in compiled.steps] == [0, rate, 0]
    assert {"blood", "central_temsirolimus", "FKBP12_blood"} <= set(compiled.given)


def test_regimens_in_one_kind_of_body_share_a_structure():
    one, other, mouse = (
        compile_scenario(mt.Scenario(drugs={"temsirolimus": text}, **fields))
        for text, fields in (
            ("25 mg IV weekly", {"cell": "PC-3"}),
            ("15 mg/m2 IV bolus", {"set": {"body_surface": 1.6}, "perturbations": ["rifampin"]}),
            ("20 mg/kg IP daily", {"species": "mouse"}),
        )
    )
    assert one.sbml == other.sbml != mouse.sbml


def test_a_modifier_multiplies_what_is_in_the_body():
    regimen = {"temsirolimus": "25 mg IV"}
    compiled = compile_scenario(mt.Scenario(drugs=regimen, perturbations=["ketoconazole"]))
    (change,) = perturbation.load("ketoconazole").changes
    assert compiled.adapted["CYP3A_activity"] == compiled.settings["CYP3A_activity"]
    assert compiled.settings["CYP3A_activity"] == change.multiply
    sirolimus = [
        mt.simulate(drugs=regimen, perturbations=done, times=["24 h"], observe=["sirolimus_blood"])[
            "sirolimus_blood"
        ].to_numpy()[-1]
        for done in ([], ["ketoconazole"])
    ]
    assert sirolimus[1] > sirolimus[0]


def test_change_within_rounding_of_an_end_is_at_that_end():
    almost = mt.Constant("5 nM", start="1e-9 min", stop="59.99999999999 min")
    compiled = compile_scenario(mt.Scenario(drugs={"sirolimus": almost}, duration="1 h"))
    assert compiled.given == {"sirolimus_medium": 5}
    assert compiled.steps == ()


def test_two_drugs_at_one_time_change_in_one_step():
    later = mt.Constant("5 nM", start="1 h")
    compiled = compile_scenario(mt.Scenario(drugs={"sirolimus": later, "tacrolimus": later}))
    assert [step.time for step in compiled.steps] == [60]
    assert len(compiled.steps[0].values) == 4


@pytest.mark.parametrize(
    "fields",
    [
        {"drugs": {"sirolimus": "20 nM"}},
        {"drugs": {"sirolimus": mt.Constant("20 nM", stop="24 h")}},
        {"drugs": {"sirolimus": mt.Constant("20 nM", start="1 h")}},
        {"drugs": {"everolimus": mt.Repeated("1 nM", every="24 h", times=3, exposure="2 h")}},
        {
            "drugs": {
                "temsirolimus": mt.Constant("20 nM", start="6 h", stop="24 h"),
                "tacrolimus": mt.Constant("1 uM", start="6 h"),
            },
            "perturbations": ["TSC2_loss", "glucose_withdrawal"],
            "stimuli": {"insulin": "100 nM"},
            "set": {"medium": "0.2 nL"},
        },
        {
            "drugs": {"sirolimus": "20 nM", "Ku-0063794": "1 uM"},
            "perturbations": ["MTOR_F2108L"],
            "set": {"fraction_MTOR_F2108L": 0.4},
        },
        {"drugs": {"RMC-5552": mt.Constant("1 nM", stop="2 h")}, "perturbations": ["hypoxia"]},
        {
            "drugs": {"temsirolimus": "15 mg/m2 IV weekly x3"},
            "perturbations": ["ketoconazole"],
            "set": {"body_weight": "85 kg", "body_surface": 2},
        },
        {"drugs": {"everolimus": "10 mg PO daily x5", "sirolimus": "2 mg PO daily x3"}},
        {
            "drugs": {"temsirolimus": "20 mg/kg IP daily x5", "Ku-0063794": "10 mg/kg IP daily"},
            "species": "mouse",
        },
    ],
)
def test_export_is_sound_sbml_with_full_units(fields):
    document = library.read_sbml(to_sbml(mt.Scenario(**fields)))
    assert (document.getLevel(), document.getVersion()) == (3, 2)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, True)
    document.checkConsistency()
    errors = [document.getError(i).getMessage() for i in range(document.getNumErrors())]
    assert errors == []


def test_export_says_what_it_is():
    model = library.read_sbml(to_sbml(mt.Scenario(cell="HeLa"))).getModel()
    assert "HeLa" in model.getName()
    assert "EMEM" in model.getNotesString()


# --- a body ---------------------------------------------------------------------------------------


def test_in_a_body_the_drug_is_read_and_the_dish_is_not():
    found = compile_scenario(mt.Scenario(drugs={"temsirolimus": "25 mg weekly x2"})).observe
    assert found[-4:] == (
        *("temsirolimus_blood", "sirolimus_blood"),
        *("temsirolimus_interstitium", "sirolimus_interstitium"),
    )
    assert not {"cell_number", "ATP_signal", "viability", "drug_medium"} & {*found}
    assert {"S6K1_pT389", "proliferation_rate", "ATP_per_cell", "VEGF_mRNA"} <= {*found}
    asked = mt.Scenario(drugs={"temsirolimus": "25 mg"}, observe=["viability", "cell_number"])
    assert compile_scenario(asked).observe == ("viability", "cell_number")
    mouse = mt.Scenario(drugs={"Ku-0063794": "10 mg/kg"}, species="mouse")
    ids = compile_scenario(mouse).observe
    assert ids[-2:] == ("Ku_0063794_plasma", "Ku_0063794_interstitium")


def test_years_in_a_body_are_no_years_in_a_dish():
    found = mt.simulate(drugs={"everolimus": "10 mg daily for 700 days"}, times=["700 d"])
    assert found.ids[-1] == "everolimus_interstitium"


def test_what_a_body_has_is_not_set_in_a_dish():
    with pytest.raises(ScenarioError, match="'haematocrit' belongs to a body") as caught:
        compile_scenario(mt.Scenario(set={"haematocrit": 0.3}))
    assert caught.value.path == ("set", "haematocrit")
    assert compile_scenario(
        mt.Scenario(set={"haematocrit": 0.3}, drugs={"temsirolimus": "25 mg"})
    ).settings["haematocrit"] == pytest.approx(0.3)


def test_a_body_weight_far_off_is_refused():
    for weight in (7, 700):
        with pytest.raises(ScenarioError, match="is far from the 70 kg of this body"):
            compile_scenario(
                mt.Scenario(set={"body_weight": weight}, drugs={"temsirolimus": "25 mg"})
            )
