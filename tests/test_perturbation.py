import pickle

import pytest

from mtorsim import perturbation
from mtorsim.errors import ModelError, UnknownIdError
from mtorsim.paths import models_path
from mtorsim.perturbation import Change


def test_perturbations(models):
    assert perturbation.names() == ("PTEN_loss", "hypoxia", "MTOR_F2108L", "ketoconazole")
    loss, hypoxia, _, inhibitor = (perturbation.load(name) for name in perturbation.names())
    assert loss.mutant is None
    assert (loss.place, inhibitor.place) == ("cell", "body")
    assert loss.changes == (Change("PTEN", multiply=0),)
    assert loss.in_words() == "PTEN_loss (chronic: PTEN × 0)"
    assert hypoxia.changes == (Change("O2", set=10000, unit="nM"), Change("REDD1", multiply=2.5))
    assert hypoxia.in_words() == "hypoxia (acute: O2 = 10000 nM, REDD1 × 2.5)"
    assert hypoxia.notes == "For tests."


def test_a_mutant_of_mtor(models):
    one = perturbation.load("MTOR_F2108L")
    assert one.changes == (Change("fraction_MTOR_F2108L", set=1),)
    assert one.mutant.name == "MTOR_F2108L"
    facts = {key: (fact.value, fact.unit) for key, fact in one.mutant.values.items()}
    assert facts == {"Kd_FRB_ratio": (300, "1"), "kinase_activity": (1.5, "1")}
    assert one.mutant.values["kinase_activity"].confidence == "C"
    assert one.mutant.values["Kd_FRB_ratio"].plausible == "100-1000"
    assert pickle.loads(pickle.dumps(one)) == one
    assert hash(one) == hash(perturbation.load("MTOR_F2108L"))


def test_the_closest_is_named(models):
    with pytest.raises(UnknownIdError) as caught:
        perturbation.load("pten-loss")
    assert str(caught.value) == (
        "no perturbation 'pten-loss'. Closest: 'PTEN_loss'. List: mtorsim show perturbations"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("place: body", "place: liver", "'liver' is not 'cell' or 'body'."),
        ("timing: chronic", "timing: cronic", "'cronic' is not 'chronic' or 'acute'. Closest: 'ch"),
        ("multiply: 0}", "multiply: -1}", "change of 'PTEN': factor -1.0 is negative."),
        ("multiply: 0}", "multiply: 2 nM}", "multiply: '2 nM' is not in 1."),
        ("multiply: 0}", "multiply: .nan}", "multiply: nan is not a finite number."),
        ("multiply: 0}", "mult: 0}", "unknown key 'mult'. Closest: 'multiply'."),
        ("multiply: 0}", "multiply: 0, set: 1}", "give either 'multiply' or 'set'."),
        (", multiply: 0}", "}", "give either 'multiply' or 'set'."),
        ("[{target: PTEN, multiply: 0}]", "[]", "expected at least one change, got none."),
        ("10 uM", "10 fathoms", "unit 'fathoms', which models do not use"),
        ("confidence: D", "confidence: d", "Closest: 'D'."),
        ("Kd_FRB_ratio: {value: 300", "Kd_FRB: {value: 300", "unknown key 'Kd_FRB'. Closest: 'Kd_"),
        ("    kinase_activity: {value: 1.5, source: assumed, confidence: C}\n", "", "is missing."),
        ("value: 300,", "value: 300 nM,", "Kd_FRB_ratio.value: '300 nM' is not in 1."),
        ("value: 1.5, source: assumed", "value: 1.5, source: ''", "source"),
    ],
)
def test_a_file_that_is_not_sound(models, old, new, message):
    path = models / "perturbations.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        perturbation.names()
    assert str(caught.value).startswith(f"{path}, line ")
    assert message in str(caught.value)


def test_no_file(tmp_path):
    with pytest.raises(ModelError, match="no file"):
        perturbation.names(tmp_path / "perturbations.yaml")


def test_a_bare_number_is_in_the_unit_of_the_target(models):
    path = models / "perturbations.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("10 uM", "1e-3"), encoding="utf-8")
    assert perturbation.load("hypoxia").changes[0] == Change("O2", set=0.001, unit=None)


def test_stimuli():
    perturbation.check_stimulus("insulin")
    with pytest.raises(UnknownIdError, match=r"no stimulus 'IGF-1'. Closest: 'IGF1'."):
        perturbation.check_stimulus("IGF-1")


SHIPPED = models_path("perturbations.yaml")


@pytest.mark.parametrize("name", perturbation.names() if SHIPPED.is_file() else [])
def test_the_shipped_perturbations_are_sound(name):
    assert perturbation.load(name).changes
