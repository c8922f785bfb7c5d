"""What is known of a drug's way through a body."""

import pickle

import pytest

from mtorsim import drugs, pharmacokinetics
from mtorsim.errors import ModelError, RegimenError, UnknownIdError
from mtorsim.paths import models_path
from mtorsim.pharmacokinetics import SPECIES, load, pairs, planned
from mtorsim.regimen import Dose, Regimen

DAY, WEEK = 1440.0, 10_080.0  # min


@pytest.mark.usefixtures("models")
class TestSmallFiles:
    def test_a_drug(self):
        one = load("temsirolimus", "human")
        assert (one.name, one.matrix) == ("temsirolimus", "blood")
        assert one.analytes == ("temsirolimus", "sirolimus")
        human, mouse = one.subjects["human"], one.subjects["mouse"]
        assert (human.routes, human.infusion.value) == (("IV", "IV bolus"), 30)
        assert (mouse.routes, mouse.infusion) == (("IP", "IV bolus"), None)
        assert human.sampling == (60, DAY)
        assert (human.usual.text, human.regimen) == ("25 mg weekly x4", Regimen("25 mg weekly x4"))
        # 0.1 ng/mL is 1e-7 g/L
        assert one.limits["sirolimus"].value == pytest.approx(1e-7)
        assert pickle.loads(pickle.dumps(one)) == one
        assert hash(one) == hash(load("temsirolimus", "mouse"))

    def test_names_and_pairs(self):
        assert pharmacokinetics.names() == ("sirolimus", "temsirolimus")
        found = [(species, one.name) for species, one in pairs()]
        expected = [("human", "sirolimus"), ("human", "temsirolimus"), ("mouse", "temsirolimus")]
        assert found == expected

    def test_what_is_not_known(self):
        with pytest.raises(UnknownIdError, match=r"no species 'rat'. Known: human, mouse"):
            load("temsirolimus", "rat")
        with pytest.raises(UnknownIdError, match=r"no drug 'temsirolimu'. Closest: 'temsirolimus'"):
            load("temsirolimu", "human")
        with pytest.raises(UnknownIdError, match="pharmacokinetics in mouse 'sirolimus'"):
            load("sirolimus", "mouse")

    def test_doses_with_everything_filled_in(self):
        plan = planned(Regimen("25 mg weekly x3"), "temsirolimus", "human", 2 * WEEK)
        assert plan == tuple(Dose(time, 25.0, "", "IV", 30.0) for time in (0, WEEK))
        plan = planned(Regimen("20 mg/kg", start="1 h"), "temsirolimus", "mouse", WEEK)
        assert plan == (Dose(60.0, 20.0, "kg", "IP", None),)

    def test_what_is_said_stays(self):
        plan = planned(Regimen("25 mg IV over 2 h"), "temsirolimus", "human", WEEK)
        assert plan == (Dose(0.0, 25.0, "", "IV", 120.0),)
        plan = planned(Regimen("25 mg IV bolus"), "temsirolimus", "human", WEEK)
        assert plan == (Dose(0.0, 25.0, "", "IV bolus", None),)

    @pytest.mark.parametrize("text", ["25 mg PO", "25 mg IV weekly x1 then 25 mg IP"])
    def test_a_way_it_is_not_given(self, text):
        with pytest.raises(RegimenError, match=r"temsirolimus is not given .. in human. Expected"):
            planned(Regimen(text), "temsirolimus", "human", 10 * WEEK)

    def test_usual_infusions_may_overlap(self):
        # Half an hour, every quarter of an hour: only the drug knows.
        assert Regimen("1 mg IV every 15 min x2")
        with pytest.raises(RegimenError, match="infusions overlap from 15 to 30 min") as caught:
            planned(Regimen("1 mg IV every 15 min x2"), "temsirolimus", "human", WEEK)
        assert "'1 mg IV every 15 min x2': infusions" in str(caught.value)
        assert "Without an 'over' temsirolimus is infused over 30 min." in str(caught.value)

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("name: temsirolimus", "name: sirolimus", "name"),
            ("[temsirolimus, sirolimus]", "[sirolimus, temsirolimus]", "first analyte"),
            ("matrix: blood", "matrix: serum", "'serum' is not 'blood' or 'plasma'"),
            ("[IV, IV bolus]", "[IM]", "'IM' is not"),
            ("    infusion: {value: 30 min, source: assumed, confidence: D}\n", "", "no length"),
            ("value: 30 min", "value: 30 nM", "30 nM"),
            ("  sirolimus: {value: 0.1 ng/mL, source: assumed, confidence: D}\n", "", "limits"),
            ("sampling: [1 h, 24 h]", "sampling: [1, 24 h]", "sampling"),
            ("regimen: 25 mg weekly x4", "regimen: 25 mg weeekly", "human, usual: regimen '25 mg"),
            ("regimen: 25 mg weekly x4", "regimen: 25 mg PO weekly", "usual: temsirolimus is not"),
            ("matrix: blood", "matrix: blood\nblood: true", "unknown key 'blood'"),
        ],
    )
    def test_a_file_that_is_not_sound(self, models, old, new, message):
        path = models / "pharmacokinetics" / "temsirolimus.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(ModelError) as caught:
            load("temsirolimus", "human")
        assert str(path) in str(caught.value)
        assert message in str(caught.value)


@pytest.mark.parametrize("name", pharmacokinetics.names())
def test_the_shipped_files_are_sound(name):
    species = [one for one, found in pairs() if found.name == name]
    assert species
    one = load(name, species[0])
    assert {*one.analytes} <= {*drugs.names()}
    for subject in one.subjects.values():
        assert subject.routes
        assert subject.regimen.last_time() >= 3 * DAY
        assert subject.usual.text == subject.regimen.text
        assert sorted(subject.sampling) == list(subject.sampling)
        assert subject.sampling[-1] >= DAY
    assert models_path("pharmacokinetics", f"{name}.ant").is_file()
    assert {*one.subjects} <= {*SPECIES}
