import json

import pytest
import yaml

from mtorsim import scenario_file
from mtorsim.dosing import Constant, Repeated
from mtorsim.errors import InputError, RegimenError, ScenarioError, UnitError, UnknownIdError
from mtorsim.regimen import Regimen
from mtorsim.scenario import Scenario, Treatment

FULL = """\
cell: PC-3
duration: 96 h
perturbations: [PTEN_loss]
stimuli: {insulin: 10 nM}
drugs:
  - name: temsirolimus
    dose: 20 nM
    start: 0 h
    stop: 24 h
  - {name: sirolimus, dose: 18 ng/mL, every: 24 h, times: 3, exposure: 2 h}
set: {kphos_S6K1_by_mTORC1: 0.3 1/min, kdeg: 1e-3, FKBP51: 100, f: 1.5e-2}
observe: [S6K1_pT389, AKT_pS473]
"""


BODY = """\
species: mouse
perturbations: [ketoconazole]
drugs:
  - name: temsirolimus
    regimen: 20 mg/kg IP daily x5 every 2 weeks x2 then pause 1 week then 10 mg/kg IV bolus weekly
    start: 2 days
"""


@pytest.fixture(autouse=True)
def _models(models):
    """Every test here sees the small data files."""


@pytest.fixture
def load(tmp_path):
    """Load a scenario from text."""

    def load(text):
        path = tmp_path / "s.yaml"
        path.write_text(text, encoding="utf-8")
        return scenario_file.load(path)

    return load


def test_a_full_file(load):
    assert load(FULL) == Scenario(
        cell="PC-3",
        duration="96 h",
        perturbations=["PTEN_loss"],
        stimuli={"insulin": "10 nM"},
        drugs=[
            Treatment("temsirolimus", Constant("20 nM", stop="24 h")),
            Treatment("sirolimus", Repeated("18 ng/mL", every="24 h", times=3, exposure="2 h")),
        ],
        # YAML reads 1e-3 as text and 1.5e-2 as a number; both mean what they say.
        set={"kphos_S6K1_by_mTORC1": "0.3 1/min", "kdeg": "1e-3", "FKBP51": 100, "f": 0.015},
        observe=["S6K1_pT389", "AKT_pS473"],
    )


def test_a_regimen_in_a_body(load):
    text = "20 mg/kg IP daily x5 every 2 weeks x2 then pause 1 week then 10 mg/kg IV bolus weekly"
    assert load(BODY) == Scenario(
        species="mouse",
        perturbations=["ketoconazole"],
        drugs=[Treatment("temsirolimus", Regimen(text, start="2 days"))],
    )


def test_the_keys_that_a_file_gives(load, tmp_path):
    scenario = load(BODY)
    assert scenario_file.load_with_keys(tmp_path / "s.yaml") == (
        scenario,
        {"species", "perturbations", "drugs"},
        {},
    )


def test_every_key_may_be_left_out(load):
    assert load("cell: 786-O\n") == Scenario()
    assert load("{}\n") == Scenario()


@pytest.mark.parametrize(
    "text",
    [
        FULL,
        BODY,
        "cell: 786-O",
        "duration: 100 s",
        "drugs: [{name: sirolimus, dose: 0.7 ng/mL}]",
        "drugs: [{name: temsirolimus, regimen: 7 ug IV over 7.3 min q84h x3, start: 0.1 h}]",
        "drugs: [{name: temsirolimus, regimen: 25 mg}, {name: sirolimus, regimen: 2 mg daily}]",
    ],
)
def test_round_trip(load, text):
    scenario = load(text)
    assert load(yaml.safe_dump(scenario.to_dict())) == scenario
    assert load(json.dumps(scenario.to_dict())) == scenario


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (
            "cell: 786O",
            UnknownIdError,
            "line 1: no cell '786O'. Closest: '786-O'. List: mtorsim show cells",
        ),
        (
            "drugs:\n  - dose: 20 nM\n    name: temsirolimu\n",
            UnknownIdError,
            "line 3: no drug 'temsirolimu'. Closest: 'temsirolimus'. List: mtorsim show drugs",
        ),
        (
            "perturbations:\n  - hypoxia\n  - PTEN_los\n",
            UnknownIdError,
            "line 3: no perturbation 'PTEN_los'. Closest: 'PTEN_loss'. List: mtorsim show pert",
        ),
        (
            "stimuli:\n  insuline: 10 nM\n",
            UnknownIdError,
            "line 2: no stimulus 'insuline'. Closest: 'insulin'.",
        ),
        (
            "drugs:\n  - name: temsirolimus\n    dose: 20\n",
            ScenarioError,
            "line 3: drugs[0].dose: 20 has no unit. Expected text such as '20 nM'.",
        ),
        (
            "drugs:\n  - name: temsirolimus\n    dose: '20'\n",
            UnitError,
            "line 3: temsirolimus: dose: '20' has no unit. Expected a concentration such as",
        ),
        (
            "drugs:\n  - name: temsirolimus\n    dose: 20 mg\n",
            UnitError,
            "line 3: temsirolimus: dose: '20 mg' is a mass, and a medium has a concentration",
        ),
        (
            "drugs:\n  - name: temsirolimus\n    regimen: 20 nM\n",
            UnitError,
            "line 3: temsirolimus: regimen '20 nM': amount: '20 nM' is a concentration, and",
        ),
        (
            "drugs:\n  - name: temsirolimus\n    regimen: 25\n",
            ScenarioError,
            "line 3: drugs[0].regimen: expected text such as '25 mg IV over 30 min weekly x4', got",
        ),
        (
            "drugs:\n  - name: temsirolimus\n    regimen: 25 mg IM weekly\n",
            RegimenError,
            "line 3: temsirolimus: regimen '25 mg IM weekly': unknown word 'IM'.",
        ),
        (
            "drugs:\n  - name: temsirolimus\n    regimen: 25 mg PO weekly\n",
            RegimenError,
            "line 3: temsirolimus is not given PO in human. Expected 'IV' or 'IV bolus'.",
        ),
        (
            "drugs:\n  - name: temsirolimus\n    regimen: 25 mg weekly\n    dose: 20 nM\n",
            ScenarioError,
            "line 4: temsirolimus: 'dose' does not go with 'regimen'. Give the regimen to a body,",
        ),
        *(
            (
                f"drugs:\n  - name: temsirolimus\n    {key}: {value}\n    regimen: 25 mg weekly\n",
                ScenarioError,
                f"line 3: temsirolimus: '{key}' does not go with 'regimen'. Say in the regimen how",
            )
            for key, value in {"stop": "1 h", "every": "1 h", "times": 2, "exposure": "1 h"}.items()
        ),
        (
            "drugs:\n  - name: temsirolimus\n    regimen: 25 mg\n    start: 3\n",
            ScenarioError,
            "line 4: drugs[0].start: 3 has no unit. Expected text such as '72 h'.",
        ),
        (
            "drugs:\n- {name: temsirolimus, dose: 1 nM}\n- {name: sirolimus, regimen: 2 mg}\n",
            ScenarioError,
            "line 1: drugs: sirolimus is given to a body and temsirolimus with the medium",
        ),
        (
            "cell: 786-O\nspecies: rat\n",
            UnknownIdError,
            "line 2: no species 'rat'. Known: human, m",
        ),
        (
            "species: 1\n",
            ScenarioError,
            "line 1: species: expected text such as 'human', got the n",
        ),
        ("species: mouse\n", ScenarioError, "line 1: species: 'mouse' is whose body drugs go thro"),
        (
            "perturbations:\n- hypoxia\n- ketoconazole\n",
            ScenarioError,
            "line 3: perturbations: 'ketoconazole' acts on a body. Give a drug as a regimen, such",
        ),
        (
            "drugs:\n  - name: temsirolimus\n    dose: -20 nM\n",
            RegimenError,
            "line 3: temsirolimus: dose: '-20 nM' is negative. Expected '0 nM' or more.",
        ),
        (
            "drugs:\n  - name: temsirolimus\n    dose: .nan\n",
            ScenarioError,
            "line 3: drugs[0].dose: nan has no unit.",
        ),
        (
            "drugs:\n  - {name: temsirolimus, dose: 1 nM, start: 80 h}\n",
            RegimenError,
            "line 2: temsirolimus: start at 80 h is not before the end at 72 h.",
        ),
        (
            "drugs:\n- {name: sirolimus, dose: 1 nM}\n- {name: sirolimus, dose: 2 nM}\n",
            ScenarioError,
            "line 3: drugs: 'sirolimus' is given twice.",
        ),
        (
            "drugs:\n- {name: sirolimus, dose: 1 nM, every: 1 h, times: 2, stop: 9 h}\n",
            ScenarioError,
            "line 2: sirolimus: 'stop' does not go with 'every'. To wash out after each dose give",
        ),
        (
            "drugs:\n- {name: sirolimus, dose: 1 nM, every: 1 h}\n",
            ScenarioError,
            "line 2: sirolimus: 'times' is missing: a repeated dose needs 'every' and 'times'.",
        ),
        (
            "drugs:\n- {name: sirolimus, dose: 1 nM, every: 1 h, times: 0}\n",
            RegimenError,
            "line 2: sirolimus: times: 0 is not from 1 to 10000.",
        ),
        (
            "drugs:\n- {name: sirolimus, dose: 1 nM, every: 1 h, times: '3'}\n",
            ScenarioError,
            "line 2: drugs[0].times: expected a whole number such as 3, got the text '3'.",
        ),
        (
            "drugs:\n- {name: sirolimus}\n",
            ScenarioError,
            "line 2: sirolimus: 'dose' or 'regimen' is missing.",
        ),
        ("drugs:\n- {dose: 1 nM}\n", ScenarioError, "line 2: drugs[0]: 'name' is missing."),
        (
            "drugs:\n- {name: sirolimus, dose: 1 nM,\n   strat: 1 h}\n",
            ScenarioError,
            "line 3: unknown key 'strat'. Closest: 'start'.",
        ),
        (
            "drugs: {temsirolimus: 20 nM}\n",
            ScenarioError,
            "line 1: drugs: expected a list such as [{'name': 'temsirolimus', 'dose': '20 nM'}]",
        ),
        (
            "drugs: [temsirolimus]\n",
            ScenarioError,
            "line 1: drugs[0]: expected a mapping such as {'name': 'temsirolimus', 'dose':",
        ),
        ("drugs:\n", ScenarioError, "line 1: drugs: expected a list such as"),
        ("duration: 72\n", ScenarioError, "line 1: duration: 72 has no unit. Expected text such"),
        ("duration: 0 h\n", ScenarioError, "line 1: duration: '0 h' is not above zero."),
        ("duration: -1 h\n", ScenarioError, "line 1: duration: '-1 h' is not above zero."),
        ("duration: nan h\n", UnitError, "line 1: duration: 'nan h' is not a finite number."),
        ("duration: 72 nM\n", UnitError, "line 1: duration: '72 nM' is not a time."),
        (
            "cell: 786\n",
            ScenarioError,
            "line 1: cell: expected text such as '786-O', got the number 786.",
        ),
        ("cell:\n", ScenarioError, "line 1: cell: expected text such as '786-O', got nothing."),
        ("cell: [a]\n", ScenarioError, "line 1: cell: expected text such as '786-O', got a list."),
        (
            "cell: no\n",
            ScenarioError,
            "line 1: cell: expected text such as '786-O', got the truth value false (quote it if",
        ),
        (
            "cell: 2024-01-01\n",
            ScenarioError,
            "line 1: cell: expected text such as '786-O', got a d",
        ),
        (
            "stimuli: {insulin: 10}\n",
            ScenarioError,
            "line 1: stimuli.insulin: 10 has no unit. Expected text such as '10 nM'.",
        ),
        (
            "set:\n  k: yes\n",
            ScenarioError,
            "line 2: set.k: expected a number or text such as '0.03 1/(nM*min)', got the truth",
        ),
        ("set:\n  k: [1]\n", ScenarioError, "line 2: set.k: expected a number or text such as"),
        ("set:\n  k: .inf\n", ScenarioError, "line 2: k: inf is not a finite number."),
        ("set: k\n", ScenarioError, "line 1: set: expected a mapping such as {'kphos_S6K1_by_mT"),
        ("observe: S6\n", ScenarioError, "line 1: observe: expected a list such as ['S6K1_pT389'"),
        ("observe: [S6, S6]\n", ScenarioError, "line 1: observe: 'S6' is given twice."),
        ("observe: [6]\n", ScenarioError, "line 1: observe[0]: expected text such as 'S6K1_pT389'"),
        ("cel: 786-O\n", ScenarioError, "line 1: unknown key 'cel'. Closest: 'cell'."),
        (
            "cell: 786-O\nwhatever: 1\n",
            ScenarioError,
            "line 2: unknown key 'whatever'. Known: cell, duration, perturbations, stimuli, drugs,",
        ),
        ("cell: PC-3\ncell: 786-O\n", ScenarioError, "line 2: key 'cell' stands on line 1 already"),
        ("cell: PC-3\nvary: {cell: [a]}\n", ScenarioError, "line 2: 'vary' makes this a sweep fil"),
        ("cell: [\n", ScenarioError, "line 2, column 1: not valid YAML: "),
        ("cell: a: b\n", ScenarioError, "line 1, column 8: not valid YAML: mapping values are not"),
    ],
)
def test_bad_input(load, tmp_path, text, kind, message):
    with pytest.raises(kind) as caught:
        load(text)
    assert str(caught.value).startswith(f"{tmp_path / 's.yaml'}, {message}")
    assert type(caught.value) is kind
    assert caught.value.exit_status == 2
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty. Expected 'key: value' lines."),
        ("- cell\n", "expected 'key: value' lines such as 'cell: 786-O', got a list."),
        ("786-O\n", "expected 'key: value' lines such as 'cell: 786-O', got the text '786-O'."),
        ("null\n", "expected 'key: value' lines such as 'cell: 786-O', got nothing."),
    ],
)
def test_files_that_hold_no_mapping(load, tmp_path, text, message):
    with pytest.raises(ScenarioError) as caught:
        load(text)
    assert str(caught.value) == f"{tmp_path / 's.yaml'}: {message}"


def test_the_first_mistake_of_the_file_is_reported_first(load):
    with pytest.raises(ScenarioError, match="line 1: unknown key 'foo'"):
        load("foo: 1\ncell: 786\n")
    with pytest.raises(ScenarioError, match="line 1: cell: expected text"):
        load("cell: 786\nfoo: 1\n")


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="no file"):
        scenario_file.load(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="is a folder"):
        scenario_file.load(tmp_path)


def test_schema():
    schema = scenario_file.schema()
    assert schema["additionalProperties"] is False
    entry = schema["$defs"]["DrugEntry"]
    assert entry["required"] == ["name"]
    dose, regimen = entry["oneOf"]
    assert (dose["required"], regimen["required"]) == (["dose"], ["regimen"])
    refused = {one["required"][0] for one in regimen["not"]["anyOf"]}
    assert refused == {"stop", "every", "times", "exposure"}
    assert schema["properties"]["species"]["enum"] == ["human", "mouse"]
    assert entry["additionalProperties"] is False
    assert all("description" in field for field in schema["properties"].values())
    assert all("description" in field for field in entry["properties"].values())
    assert "null" not in json.dumps(schema)


def test_the_schema_has_the_fields_of_a_scenario():
    fields = [name for name in Scenario.__dataclass_fields__ if not name.startswith("_")]
    assert set(scenario_file.schema()["properties"]) == set(fields)


def test_the_examples_of_the_schema_are_regimens():
    fields = scenario_file.schema()["$defs"]["DrugEntry"]["properties"]
    assert len(fields["regimen"]["examples"]) > 2
    assert all(Regimen(text) for text in fields["regimen"]["examples"])
