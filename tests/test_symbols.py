"""The table of ids, read from small models and from the network."""

import pytest

from mtorsim import drugs, library, perturbation
from mtorsim.administration import analytes
from mtorsim.compile import structure
from mtorsim.roles import network_roles
from mtorsim.symbols import symbols
from mtorsim.units import parameter

SMALL = """
unit nM = 1e-9 mole / litre; unit per_min = 1 / (60 second); unit volume = litre
compartment cell; cell = 2; cell has volume
species A in cell, $B in cell
A = 3; A is "molecule A"
A identity "https://identifiers.org/CHEBI:1"
A hasPart "https://identifiers.org/uniprot:P00001"
A notes "confidence=B; a < b & c > d; Table 1"
B = 0
k = 0.5; k has per_min
k description "https://doi.org/10.1000/1"
k notes "no letter here"
off = 0; off is "a rate that is zero"; off has per_min
total := A + B
total has nM; total is "A and B"
n = 0.5; n' = k*(2 dimensionless - n); n has dimensionless; n is "what a rate moves"
J: A => B; cell*(k + off)*A
"""


@pytest.fixture(scope="module")
def small():
    return symbols(library.antimony_to_sbml(SMALL))


def test_kinds(small):
    kinds = {id: symbol.kind for id, symbol in small.items()}
    assert kinds == {
        "cell": "compartment",
        "A": "species",
        "B": "species",
        "k": "parameter",
        "off": "parameter",  # a name and the value zero make no read-out of it
        "total": "observable",
        "n": "observable",  # a state, but not one to set
    }


def test_values_in_the_words_of_units(small):
    assert (small["cell"].value, small["cell"].unit) == (2, "litre")
    assert (small["A"].value, small["A"].unit) == (3, "nM")
    assert (small["k"].value, small["k"].unit) == (0.5, "1/min")
    assert (small["total"].value, small["total"].unit) == (None, "nM")
    assert (small["n"].value, small["n"].unit) == (0.5, "1")  # where it starts


def test_origin(small):
    assert small["A"].name == "molecule A"
    assert (small["A"].confidence, small["A"].notes) == ("B", "a < b & c > d; Table 1")
    assert (small["k"].confidence, small["k"].notes) == ("", "no letter here")
    assert small["k"].source == "https://doi.org/10.1000/1"
    assert small["A"].source == ""
    assert small["A"].identifiers == (
        "https://identifiers.org/CHEBI:1",
        "https://identifiers.org/uniprot:P00001",
    )


def test_what_the_model_does_not_change(small):
    assert small["B"].boundary
    assert not small["A"].boundary


def test_the_default_is_the_network_without_drugs():
    assert symbols() == symbols(library.network_sbml())
    assert "sirolimus" not in symbols()


def test_every_id_of_the_network_has_a_branch():
    branches = {symbol.branch for symbol in symbols().values()}
    assert branches == {"cell", *library.BRANCHES}
    assert symbols()["S6K1_pT389"].branch == "s6k1"
    assert symbols()["AKT"].branch == "akt"  # other branches read it, this one sets it


@pytest.mark.parametrize("species", ["human", "mouse"])
def test_what_a_body_holds_belongs_to_its_files(species):
    given = ("temsirolimus",)
    whole = structure(analytes(given, species), (), species, given)
    for table in (symbols(whole), symbols(library.body_sbml(species, given))):
        branches = {id: symbol.branch for id, symbol in table.items()}
        assert branches["CL_temsirolimus"] == "pharmacokinetics/temsirolimus"
        assert branches["temsirolimus_blood"] == "pharmacokinetics/temsirolimus"
        assert branches["central_temsirolimus"] == "pharmacokinetics/temsirolimus"
        assert branches["sirolimus_plasma"] == "pharmacokinetics/sirolimus"
        assert branches["CYP3A_activity"] == branches["blood"] == "pharmacokinetics/body"
        assert branches["body_weight"] == f"pharmacokinetics/{species}"
    assert symbols(whole)["S6K1_pT389"].branch == "s6k1"
    assert symbols(whole)["temsirolimus_tumour"].branch == "drug layer"


def test_the_words_of_units_of_a_body():
    table = symbols(library.body_sbml("human", ("temsirolimus",)))
    units = {id: table[id].unit for id in ("body_weight", "body_surface", "blood_per_weight")}
    assert units == {"body_weight": "kg", "body_surface": "m2", "blood_per_weight": "litre/kg"}
    assert table["CL_temsirolimus"].unit == table["plasma_flow_tumour"].unit == "litre/min"
    assert table["infusion_rate_temsirolimus"].unit == "nmol/min"
    assert table["perfusion_tumour"].unit == "litre/(kg*min)"
    # Text in such a unit can be set.
    assert all(parameter(f"2 {one.unit}", one.unit, id) == 2 for id, one in table.items())


def test_what_a_drug_adds_belongs_to_its_layer():
    table = symbols(structure(("sirolimus",)))
    added = {id: symbol for id, symbol in table.items() if id not in symbols()}
    assert {symbol.branch for symbol in added.values()} == {"drug layer"}
    fact = drugs.load("sirolimus").values["Kd_FRB"]
    Kd = added["Kd_FRB_FKBP12_sirolimus"]
    assert (Kd.value, Kd.unit, Kd.confidence) == (fact.value, "nM", fact.confidence)
    assert fact.source in Kd.notes


def test_what_a_mutant_adds_belongs_to_the_layer():
    table = symbols(structure((), ("MTOR_F2108L",)))
    added = {id: symbol for id, symbol in table.items() if id not in symbols()}
    assert {symbol.branch for symbol in added.values()} == {"drug layer"}
    share = added["fraction_MTOR_F2108L"]
    assert (share.kind, share.value, share.unit) == ("parameter", 0, "1")
    for key, fact in perturbation.load("MTOR_F2108L").mutant.values.items():
        one = added[f"{key}_MTOR_F2108L"]
        assert (one.value, one.unit, one.confidence) == (fact.value, "1", fact.confidence)
        assert fact.source in one.notes
    assert added["MTOR_F2108L"].name == f"{table['MTOR'].name}; F2108L"
    assert added["MTOR_F2108L"].identifiers == table["MTOR"].identifiers


def test_what_is_bound_is_identified_by_its_parts():
    table = symbols(structure(("sirolimus",)))
    parts = {*table["FKBP12"].identifiers, *drugs.load("sirolimus").identifiers}
    assert set(table["FKBP12_sirolimus"].identifiers) == parts
    held = table["mTORC1_RHEB_FKBP12_sirolimus"]
    assert set(table["mTORC1_RHEB"].identifiers) < set(held.identifiers)


def test_a_drug_turns_read_outs_into_sums():
    ids = network_roles().readouts.values()
    for table in (symbols(), symbols(structure(("sirolimus",)))):
        assert {table[id].kind for id in ids} == {"observable"}
    assert symbols(structure(("sirolimus",)))["FKBP12_drug"].value is None
