import pickle

import pytest

from mtorsim import drugs
from mtorsim.errors import ModelError, UnknownIdError


def test_a_drug(models):
    assert drugs.names() == ("AZD8055", "sirolimus", "tacrolimus", "temsirolimus")
    drug = drugs.load("temsirolimus")
    assert drug.mechanism == "rapalog"
    assert drug.molar_mass.value == 1000
    # 3e6 /M/s = 3e6 * 60 * 1e-9 /nM/min; 0.6 /h = 0.01 /min
    assert drug.values["kon_FKBP12"].value == pytest.approx(0.18)
    assert drug.values["kdecay_medium"].value == pytest.approx(0.01)
    assert {key: fact.unit for key, fact in drug.values.items()} == drugs.CONSTANTS["rapalog"]
    assert pickle.loads(pickle.dumps(drug)) == drug


@pytest.mark.parametrize(
    ("given", "closest"),
    [("temsirolimu", "temsirolimus"), ("Rapamycin", "sirolimus"), ("FK-506", "tacrolimus")],
)
def test_the_closest_is_named(models, given, closest):
    with pytest.raises(UnknownIdError) as caught:
        drugs.load(given)
    assert str(caught.value) == (
        f"no drug {given!r}. Closest: {closest!r}. List: mtorsim show drugs"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "mechanism: rapalog",
            "mechanism: rapalogue",
            "is not 'rapalog', 'atp_competitive', 'bisteric' or 'fkbp_competitor'.",
        ),
        ("mechanism: rapalog", "mechanism: bisteric", "unknown key 'Kd_kinase'."),
        ("  Kd_kinase: {value: 2 uM", "  Kd_kinases: {value: 2 uM", "unknown key 'Kd_kinases'."),
        (
            "  Kd_FRB: {value: 12",
            "  KD_FRB: {value: 12",
            "unknown key 'KD_FRB'. Closest: 'Kd_FRB'.",
        ),
        ("12 nM", "12 1/min", "values.Kd_FRB.value: '12 1/min' is not a concentration."),
        ("12 nM", "-12 nM", "'Kd_FRB' is negative."),
        ("1000 g/mol", "0 g/mol", "molar_mass is not above zero."),
        ("1000 g/mol", "1000", "molar_mass.value: 1000 has no unit."),
        ("  kpermeation: {value: 5 1/min, source: assumed, confidence: D}\n", "", "is missing."),
    ],
)
def test_a_file_that_is_not_sound(models, old, new, message):
    path = models / "drugs" / "temsirolimus.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        drugs.load("temsirolimus")
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_a_drug_of_the_kinase_site(models):
    drug = drugs.load("AZD8055")
    # 1e6 /M/s = 1e6 * 60 * 1e-9 /nM/min
    assert drug.values["kon_kinase"].value == pytest.approx(0.06)
    assert drug.values["Kd_kinase_mTORC2"].value == pytest.approx(12)
    units = {key: fact.unit for key, fact in drug.values.items()}
    assert units == drugs.CONSTANTS["atp_competitive"]


def test_what_each_mechanism_binds():
    binds = {name: set(constants) for name, constants in drugs.CONSTANTS.items()}
    immunophilins = {"kon_FKBP12", "koff_FKBP12", "kon_FKBP51", "koff_FKBP51"}
    frb, kinase = {"kon_FRB", "Kd_FRB"}, {"kon_kinase", "Kd_kinase_mTORC1", "Kd_kinase_mTORC2"}
    entry = {"kpermeation", "funbound_medium", "kdecay_medium"}
    assert binds == {
        "rapalog": entry | immunophilins | frb | {"Kd_kinase"},
        "atp_competitive": entry | kinase,
        "bisteric": entry | immunophilins | frb | kinase | {"effective_molarity", "kbridge"},
        "fkbp_competitor": entry | immunophilins,
    }


@pytest.mark.parametrize("name", drugs.names())
def test_the_shipped_drugs_are_sound(name):
    drug = drugs.load(name)
    assert drug.name == name
    assert 100 < drug.molar_mass.value < 5000
    assert 0 < drug.values["funbound_medium"].value <= 1
