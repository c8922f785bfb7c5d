import dataclasses
import pickle
import subprocess
import sys

import numpy as np
import pytest

from mtorsim.dosing import Constant, Repeated
from mtorsim.errors import RegimenError, ScenarioError, UnitError, UnknownIdError
from mtorsim.regimen import Regimen
from mtorsim.scenario import Scenario, Treatment


@pytest.fixture(autouse=True)
def _models(models):
    """Every test here sees the small data files."""


def full():
    return Scenario(
        cell="PC-3",
        drugs=[
            Treatment("sirolimus", Constant("100 nM", stop="24 h")),
            Treatment("temsirolimus", Repeated("20 nM", every="24 h", times=3, exposure="2 h")),
        ],
        stimuli={"insulin": "10 nM"},
        perturbations=["PTEN_loss", "hypoxia"],
        duration="96 h",
        set={"kphos_S6K1_by_mTORC1": "0.3 1/min", "FKBP51": 100},
        observe=["S6K1_pT389", "AKT_pS473"],
    )


def test_defaults():
    scenario = Scenario()
    assert (scenario.cell, scenario.duration) == ("786-O", 4320)
    assert (scenario.drugs, scenario.perturbations, scenario.observe) == ((), (), ())
    assert (dict(scenario.stimuli), dict(scenario.set)) == ({}, {})


def test_a_mapping_of_drugs():
    scenario = Scenario(drugs={"temsirolimus": "20 nM", "sirolimus": Constant("1 nM", stop="1 h")})
    assert scenario.drugs == (
        Treatment("temsirolimus", Constant("20 nM")),
        Treatment("sirolimus", Constant("1 nM", stop="1 h")),
    )


WEEK = 7 * 1440  # min


def in_mouse(**fields):
    regimen = Regimen("20 mg/kg IP daily x5 every 2 weeks x2", start="1 day")
    return Scenario(drugs={"temsirolimus": regimen}, species="mouse", **fields)


def test_a_mass_is_a_regimen():
    scenario = Scenario(drugs={"temsirolimus": "25 mg IV weekly x4"})
    assert scenario.drugs == (Treatment("temsirolimus", Regimen("25 mg IV weekly x4")),)
    assert scenario.regimens == {"temsirolimus": Regimen("25 mg IV weekly x4")}
    assert scenario.has_body
    assert scenario.species == "human"
    assert not Scenario(drugs={"temsirolimus": "18 ng/mL"}).has_body


@pytest.mark.parametrize(
    ("drugs", "minutes"),
    [
        ({}, 3 * 1440),
        ({"temsirolimus": "20 nM"}, 3 * 1440),
        ({"temsirolimus": "25 mg IV weekly x8"}, 8 * WEEK),
        ({"temsirolimus": "25 mg"}, WEEK),
        ({"temsirolimus": "500 mg IV over 2 weeks"}, 2 * WEEK),
        ({"temsirolimus": "25 mg weekly"}, 8 * WEEK),
        ({"temsirolimus": "25 mg daily x5 every 3 weeks x2"}, 6 * WEEK),
        ({"temsirolimus": "175 mg weekly x3 then pause 1 week then 75 mg weekly x2"}, 6 * WEEK),
        ({"temsirolimus": "175 mg weekly x3 then 75 mg weekly"}, 11 * WEEK),
        ({"temsirolimus": Regimen("25 mg weekly x2", start="1 week")}, 3 * WEEK),
        ({"temsirolimus": "25 mg weekly x2", "sirolimus": "2 mg daily x28"}, 4 * WEEK),
    ],
)
def test_without_a_duration_a_regimen_is_followed_to_its_end(drugs, minutes):
    assert Scenario(drugs=drugs).duration == minutes
    assert Scenario(drugs=drugs, duration="1000 h").duration == 60_000


def test_a_regimen_that_takes_longer_than_any_run():
    with pytest.raises(ScenarioError, match="not from 1 ms to 10 years") as caught:
        Scenario(drugs={"temsirolimus": "25 mg weekly x600"})
    assert caught.value.path == ("duration",)


def test_values_are_in_model_units():
    scenario = full()
    assert scenario.stimuli == {"insulin": 10.0}
    assert scenario.duration == 96 * 60
    assert scenario.set == {"kphos_S6K1_by_mTORC1": "0.3 1/min", "FKBP51": 100.0}


def test_a_treatment_knows_the_molar_mass():
    # 18 ng/mL at 1000 g/mol is 18 nM
    schedule = Constant("18 ng/mL", stop="24 h")
    assert Treatment("temsirolimus", schedule).schedule.dose == pytest.approx(18)
    assert Treatment("temsirolimus", "18 ng/mL").schedule.dose == pytest.approx(18)


def test_stimuli_by_mass():
    assert Scenario(stimuli={"IGF1": "100 ng/mL"}).stimuli["IGF1"] == pytest.approx(13.07, rel=1e-3)


def test_a_dose_by_mass_is_bounded_too():
    with pytest.raises(UnitError, match="more than 1 M"):
        Treatment("temsirolimus", "1e9 g/L")


@pytest.mark.parametrize("number", [5, 5.0, np.int64(5), np.float64(5)])
def test_numbers_of_numpy_are_numbers(number):
    assert Scenario(set={"FKBP51": number}).set["FKBP51"] == 5


def test_a_scenario_does_not_change():
    scenario = full()
    with pytest.raises(dataclasses.FrozenInstanceError):
        scenario.cell = "786-O"
    with pytest.raises(TypeError):
        scenario.set["a"] = 1
    assert hash(scenario) == hash(full())
    assert pickle.loads(pickle.dumps(scenario)) == scenario


@pytest.mark.parametrize(
    "scenario", [Scenario, full, lambda: Scenario(duration=f"{1 / 3} h"), in_mouse]
)
def test_to_dict_makes_it_again(scenario):
    def schedule(entry):
        kinds = {"regimen": Regimen, "every": Repeated}
        return next((kind for key, kind in kinds.items() if key in entry), Constant)(**entry)

    fields = scenario().to_dict()
    drugs = [Treatment(entry.pop("name"), schedule(entry)) for entry in fields.pop("drugs", [])]
    assert Scenario(drugs=drugs, **fields) == scenario()


def test_replace():
    assert full().replace() == full()
    assert full().replace(cell="786-O", drugs={}).to_dict() == {
        key: value
        for key, value in (full().to_dict() | {"cell": "786-O"}).items()
        if key != "drugs"
    }
    with pytest.raises(RegimenError):
        Scenario(drugs={"sirolimus": Constant("1 nM", start="48 h")}).replace(duration="24 h")
    with pytest.raises(TypeError):
        full().replace(cells="786-O")
    assert in_mouse(duration="3 d").replace(cell="PC-3") == in_mouse(cell="PC-3", duration="3 d")
    assert in_mouse(duration="3 d").replace(duration=None) == in_mouse()


def test_a_duration_that_was_not_given_follows_the_drugs():
    four = Scenario(drugs={"temsirolimus": "25 mg weekly x4"})
    assert four.replace(drugs={"temsirolimus": "25 mg weekly x8"}).duration == 8 * WEEK
    assert four.replace(cell="PC-3").replace(drugs={}).duration == 3 * 1440
    assert Scenario().replace(drugs=four.drugs) == four
    assert four.replace(duration="28 d").replace(drugs={"temsirolimus": "25 mg"}).duration == 40_320
    told = Scenario(drugs=four.drugs, duration="28 d")
    assert (told, hash(told), told.to_dict()) == (four, hash(four), four.to_dict())
    again = pickle.loads(pickle.dumps(four))
    assert again.replace(drugs={"temsirolimus": "25 mg"}).duration == WEEK
    assert told.replace(drugs={"temsirolimus": "25 mg"}).duration == 4 * WEEK
    assert "_has_duration" not in repr(four)


def test_the_species_is_written_with_a_regimen_only():
    assert in_mouse().to_dict()["species"] == "mouse"
    assert "species" not in full().to_dict()


def test_in_words():
    assert full().in_words() == (
        "Cell: PC-3 in RPMI-1640 + 10 % FBS, at its steady state without drug.\n"
        "Perturbations: PTEN_loss (chronic: PTEN × 0), "
        "hypoxia (acute: O2 = 10000 nM, REDD1 × 2.5).\n"
        "Stimuli from 0 h: insulin 10 nM.\n"
        "Drug: sirolimus: 100 nM from 0 h, washed out at 24 h.\n"
        "Drug: temsirolimus: 20 nM for 2 h every 24 h, 3 times from 0 h.\n"
        "Set: kphos_S6K1_by_mTORC1 = 0.3 1/min, FKBP51 = 100.0.\n"
        "Duration: 96 h.\n"
        "Read-outs: S6K1_pT389, AKT_pS473."
    )
    assert Scenario().in_words() == (
        "Cell: 786-O in RPMI-1640 + 10 % FBS, at its steady state without drug.\n"
        "Drugs: none.\n"
        "Duration: 72 h.\n"
        "Read-outs: all observables."
    )


def test_a_regimen_in_words():
    assert in_mouse(perturbations=["ketoconazole"]).in_words() == (
        "Cell: 786-O in RPMI-1640 + 10 % FBS, at its steady state without drug.\n"
        "Perturbations: ketoconazole (chronic: CYP3A_activity × 0.1).\n"
        "Drug: temsirolimus: 20 mg per kg of body weight intraperitoneally every day, 5 times, "
        "all this every 2 weeks, 2 times; from 24 h.\n"
        "In a tumour of a mouse.\n"
        "Duration: 29 d, the whole regimen.\n"
        "Read-outs: all observables of a cell, and the concentrations of the drug."
    )


@pytest.mark.parametrize(
    ("regimen", "duration", "said"),
    [
        ("25 mg IV over 1 h weekly x2", None, "from 0 h.\n"),
        ("25 mg IV weekly x2", None, "from 0 h (IV over 30 min, as is usual).\n"),
        ("25 mg weekly x2", None, "from 0 h (IV over 30 min, as is usual).\n"),
        ("25 mg weekly x2", None, "Duration: 14 d, the whole regimen.\n"),
        ("25 mg weekly x2", "3 weeks", "Duration: 21 d.\n"),
        ("25 mg weekly", None, "Duration: 56 d.\n"),
        (
            "25 mg weekly x4",
            "8 d",
            "Duration: 8 d; 2 of 4 doses of temsirolimus would come later.\n",
        ),
    ],
)
def test_what_a_regimen_leaves_open_is_said(regimen, duration, said):
    assert said in Scenario(drugs={"temsirolimus": regimen}, duration=duration).in_words()


@pytest.mark.parametrize(
    ("fields", "kind", "path", "message"),
    [
        (
            {"cell": "786O"},
            UnknownIdError,
            ("cell",),
            "no cell '786O'. Closest: '786-O'. List: mtorsim show cells",
        ),
        (
            {"drugs": {"temsirolimu": "20 nM"}},
            UnknownIdError,
            ("drugs", "name"),
            "no drug 'temsirolimu'. Closest: 'temsirolimus'. List: mtorsim show drugs",
        ),
        (
            {"perturbations": ["hypoxia", "PTEN_los"]},
            UnknownIdError,
            ("perturbations", 1),
            "no perturbation 'PTEN_los'. Closest: 'PTEN_loss'. List: mtorsim show perturbations",
        ),
        (
            {"stimuli": {"insuline": "10 nM"}},
            UnknownIdError,
            ("stimuli", "insuline"),
            "no stimulus 'insuline'. Closest: 'insulin'.",
        ),
        (
            {"drugs": {"temsirolimus": "20"}},
            UnitError,
            ("drugs", "dose"),
            "temsirolimus: dose: '20' has no unit. Expected a concentration such as '20 nM'",
        ),
        ({"drugs": {"temsirolimus": 20}}, UnitError, ("drugs", "dose"), "temsirolimus: dose: 20 h"),
        (
            {"drugs": {"temsirolimus": "20 mg IM"}},
            RegimenError,
            ("drugs", "regimen"),
            "temsirolimus: regimen '20 mg IM': unknown word 'IM'.",
        ),
        (
            {"drugs": {"temsirolimus": "20 mg PO"}},
            RegimenError,
            ("drugs", 0, "regimen"),
            "temsirolimus is not given PO in human. Expected 'IV' or 'IV bolus'.",
        ),
        (
            {"drugs": {"temsirolimus": "20 mg IV", "sirolimus": "2 mg PO"}, "species": "mouse"},
            RegimenError,
            ("drugs", 0, "regimen"),
            "temsirolimus is not given IV in mouse. Expected 'IP' or 'IV bolus'.",
        ),
        (
            {"drugs": {"temsirolimus": "20 mg", "sirolimus": "2 mg PO"}, "species": "mouse"},
            UnknownIdError,
            ("drugs", 1, "regimen"),
            "no drug with pharmacokinetics in mouse 'sirolimus'. Closest: 'temsirolimus'. List: m",
        ),
        (
            {"drugs": {"tacrolimus": "5 mg daily"}},
            UnknownIdError,
            ("drugs", 0, "regimen"),
            "no drug with pharmacokinetics in human 'tacrolimus'. Closest:",
        ),
        (
            {"drugs": {"temsirolimus": "25 mg weekly", "sirolimus": "20 nM"}},
            ScenarioError,
            ("drugs",),
            "drugs: temsirolimus is given to a body and sirolimus with the medium of a dish.",
        ),
        (
            {"drugs": {"temsirolimus": Regimen("25 mg", start="3 d")}, "duration": "3 d"},
            RegimenError,
            ("drugs", 0, "start"),
            "temsirolimus: start at 72 h is not before the end at 72 h. Start earlier or",
        ),
        (
            {"species": "rat"},
            UnknownIdError,
            ("species",),
            "no species 'rat'. Known: human, mouse.",
        ),
        (
            {"species": "mouse", "drugs": {"temsirolimus": "20 nM"}},
            ScenarioError,
            ("species",),
            "species: 'mouse' is whose body drugs go through, and none does. Give a drug as a reg",
        ),
        (
            {"perturbations": ["hypoxia", "ketoconazole"], "drugs": {"temsirolimus": "20 nM"}},
            ScenarioError,
            ("perturbations", 1),
            "perturbations: 'ketoconazole' acts on a body. Give a drug as a regimen, such as '25",
        ),
        (
            {"drugs": {"temsirolimus": "-20 nM"}},
            RegimenError,
            ("drugs", "dose"),
            "temsirolimus: dose: '-20 nM' is negative. Expected '0 nM' or more.",
        ),
        ({"drugs": {"temsirolimus": "nan nM"}}, UnitError, ("drugs", "dose"), "temsirolimus: dose"),
        (
            {"duration": "0 h"},
            ScenarioError,
            ("duration",),
            "duration: '0 h' is not above zero. Expected a time such as '72 h'.",
        ),
        ({"duration": "-72 h"}, ScenarioError, ("duration",), "duration: '-72 h' is not above"),
        (
            {"duration": "1e30 h"},
            ScenarioError,
            ("duration",),
            "duration: '1e30 h' is not from 1 ms",
        ),
        ({"duration": "1e-30 h"}, ScenarioError, ("duration",), "duration: '1e-30 h' is not from"),
        (
            {"stimuli": {"insulin": "1e30 nM"}},
            UnitError,
            ("stimuli", "insulin"),
            "insulin: '1e30 nM' is more than 1 M.",
        ),
        ({"duration": "inf h"}, UnitError, ("duration",), "duration: 'inf h' is not a finite num"),
        ({"duration": 72}, UnitError, ("duration",), "duration: 72 has no unit. Expected a time"),
        ({"duration": "72 nM"}, UnitError, ("duration",), "duration: '72 nM' is not a time."),
        ({"duration": [72]}, UnitError, ("duration",), "duration: [72] is not a quantity."),
        (
            {"drugs": {"temsirolimus": Constant("1 nM", start="72 h")}},
            RegimenError,
            ("drugs", 0, "start"),
            "temsirolimus: start at 72 h is not before the end at 72 h. Start earlier or",
        ),
        (
            {"drugs": ["temsirolimus"]},
            ScenarioError,
            ("drugs", 0),
            "drugs: 'temsirolimus' is not a treatment. Expected one such as Treatment('tems",
        ),
        ({"drugs": "temsirolimus"}, ScenarioError, ("drugs",), "drugs: 'temsirolimus' is not a l"),
        ({"drugs": None}, ScenarioError, ("drugs",), "drugs: None is not a list of treatments."),
        ({"drugs": {3: "1 nM"}}, ScenarioError, ("drugs", "name"), "drug: expected text such as"),
        ({"cell": 786}, ScenarioError, ("cell",), "cell: expected text such as '786-O', got 786."),
        ({"cell": ""}, ScenarioError, ("cell",), "cell: expected text such as '786-O', got noth"),
        (
            {"perturbations": "PTEN_loss"},
            ScenarioError,
            ("perturbations",),
            "perturbations: expected a list such as ['PTEN_loss'], got 'PTEN_loss'.",
        ),
        (
            {"perturbations": ["PTEN_loss", "PTEN_loss"]},
            ScenarioError,
            ("perturbations", 1),
            "perturbations: 'PTEN_loss' is given twice.",
        ),
        ({"observe": "S6K1_pT389"}, ScenarioError, ("observe",), "observe: expected a list such"),
        ({"observe": [1]}, ScenarioError, ("observe", 0), "observe: expected text such as names"),
        ({"stimuli": ["insulin"]}, ScenarioError, ("stimuli",), "stimuli: expected a mapping such"),
        ({"stimuli": {"insulin": "-1 nM"}}, ScenarioError, ("stimuli", "insulin"), "insulin: '-1"),
        ({"stimuli": {"insulin": 10}}, UnitError, ("stimuli", "insulin"), "insulin: 10 has no un"),
        ({"set": ["a"]}, ScenarioError, ("set",), "set: expected a mapping such as"),
        ({"set": {"k": float("nan")}}, ScenarioError, ("set", "k"), "k: nan is not a finite numb"),
        ({"set": {"k": "inf 1/min"}}, ScenarioError, ("set", "k"), "k: 'inf 1/min' is not a finit"),
        ({"set": {"k": True}}, ScenarioError, ("set", "k"), "k: expected a number, or text such"),
        ({"set": {"k": None}}, ScenarioError, ("set", "k"), "k: expected a number, or text such"),
        ({"set": {1: 2}}, ScenarioError, ("set",), "set: expected text such as an id, got 1."),
    ],
)
def test_bad_input(fields, kind, path, message):
    with pytest.raises(kind) as caught:
        Scenario(**fields)
    assert str(caught.value).startswith(message)
    assert caught.value.path == path
    assert caught.value.exit_status == 2


def test_each_drug_once():
    twice = [Treatment("sirolimus", "1 nM"), Treatment("sirolimus", "2 nM")]
    with pytest.raises(ScenarioError, match="'sirolimus' is given twice"):
        Scenario(drugs=twice)


def test_words_are_quick_to_import():
    heavy = {"pint", "pydantic", "numpy", "yaml", "antimony", "roadrunner", "libsbml"}
    script = (
        f"import sys, mtorsim.errors, mtorsim.scenario\nprint(sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
