"""The drug layer: binding by closed forms, states enumerated, nothing lost."""

from dataclasses import replace

import libsbml
import numpy as np
import pytest

from mtorsim import drugs, library
from mtorsim.compile import structure
from mtorsim.drug_layer import attach, network_roles
from mtorsim.engine import Engine, engine
from mtorsim.errors import ModelError
from mtorsim.steps import Run
from mtorsim.symbols import symbols

ROLES = network_roles()
RAPALOGS = tuple(n for n in drugs.names() if drugs.load(n).mechanism == "rapalog")
# A closed pot: no synthesis, no degradation, no drug lost, both compartments of one size.
CLOSED = {"ksyn_MTOR": 0, "kdeg_MTOR": 0, "kdecay_medium_sirolimus": 0}


def bound_at_equilibrium(one, other, Kd):
    """Exact for tight binding."""
    half = (one + other + Kd) / 2
    return half - np.sqrt(half**2 - one * other)


def value(id):
    return symbols(structure(("sirolimus",)))[id].value


def settled(settings, start, ids, minutes=1e6):
    runner = engine(structure(("sirolimus",)))
    rest = runner.steady_state({})
    run = Run(np.array([0.0, minutes]), settings, {**rest, **start})
    return dict(zip(ids, runner.run(run, ids)[-1], strict=True))


@pytest.mark.parametrize("total", [1.0, 100.0, 1000.0, 5000.0])  # nM in the cell
def test_binding_to_fkbp12_settles_at_the_closed_form(total):
    # Nothing but FKBP12 binds: no FKBP51, no mTOR, and the medium is out of reach.
    settings = {
        **CLOSED,
        "kpermeation_sirolimus": 0,
        "kon_FKBP51_sirolimus": 0,
        "kon_FRB_FKBP12_sirolimus": 0,
    }
    ids = ["FKBP12", "sirolimus", "FKBP12_sirolimus"]
    end = settled(settings, {"sirolimus": total}, ids)
    Kd = value("koff_FKBP12_sirolimus") / value("kon_FKBP12_sirolimus")
    expected = bound_at_equilibrium(total, value("FKBP12"), Kd)
    assert end["FKBP12_sirolimus"] == pytest.approx(expected, rel=1e-6)
    assert end["sirolimus"] == pytest.approx(total - expected, rel=1e-5)


def test_docking_settles_at_the_two_dissociation_constants():
    ids = ["MTOR", "MTOR_FKBP12_sirolimus", "FKBP12_sirolimus"]
    ids += ["mTORC1_cytosol", "mTORC1_cytosol_FKBP12_sirolimus"]
    end = settled({**CLOSED, "kpermeation_sirolimus": 0}, {"sirolimus": 50.0}, ids)
    Kd = value("Kd_FRB_FKBP12_sirolimus")
    free = end["MTOR"] * end["FKBP12_sirolimus"] / end["MTOR_FKBP12_sirolimus"]
    assert free == pytest.approx(Kd, rel=1e-4)
    complexed = end["mTORC1_cytosol"] * end["FKBP12_sirolimus"]
    complexed /= end["mTORC1_cytosol_FKBP12_sirolimus"]
    assert complexed == pytest.approx(Kd * value("Kd_ratio_mTORC1_to_MTOR"), rel=1e-4)


def test_cycle_of_raptor_and_drug_is_in_detailed_balance():
    # Both ways round the cycle mTOR -> mTORC1 with drug give the same constant at rest.
    ids = ["MTOR_FKBP12_sirolimus", "RPTOR", "mTORC1_cytosol_FKBP12_sirolimus"]
    end = settled({**CLOSED, "kpermeation_sirolimus": 0}, {"sirolimus": 50.0}, ids)
    occupied = end["MTOR_FKBP12_sirolimus"] * end["RPTOR"] / end["mTORC1_cytosol_FKBP12_sirolimus"]
    free = value("koff_MTOR_RPTOR") / value("kon_MTOR_RPTOR")
    assert occupied == pytest.approx(free * value("Kd_ratio_mTORC1_to_MTOR"), rel=1e-3)


def test_drug_spreads_until_free_drug_is_equal():
    start = {"sirolimus_medium": 20.0}
    ids = ["sirolimus", "sirolimus_medium"]
    end = settled(CLOSED, start, ids)
    unbound = value("funbound_medium_sirolimus") * end["sirolimus_medium"]
    assert end["sirolimus"] == pytest.approx(unbound, rel=1e-6)


@pytest.mark.parametrize("names", [("sirolimus",), ("sirolimus", "everolimus"), RAPALOGS])
def test_each_open_form_has_one_twin_for_each_rapalog(names):
    added = set(symbols(structure(names))) - set(symbols())
    twins = {id for id in added if "_FKBP12_" in id and not id.startswith(("kon", "koff", "Kd"))}
    expected = {f"{form}_FKBP12_{name}" for form in ROLES.open_forms for name in names}
    assert twins == expected


def test_mtorc2_is_never_occupied():
    model = library.read_sbml(structure(RAPALOGS)).getModel()
    for reaction in model.getListOfReactions():
        made = [product.getSpecies() for product in reaction.getListOfProducts()]
        if "mTORC2" in made:
            assert reaction.getId() == "assemble_mTORC2"
    assert not [id for id in symbols(structure(RAPALOGS)) if id.startswith("mTORC2_")]


def test_tacrolimus_docks_on_nothing():
    added = set(symbols(structure(("tacrolimus",)))) - set(symbols())
    assert not [id for id in added if id.startswith(("mTORC1", "MTOR"))]
    assert "FKBP12_tacrolimus" in added


def test_degraded_mtor_lets_go_of_the_drug():
    model = library.read_sbml(structure(("sirolimus",))).getModel()
    reaction = model.getReaction("degrade_mTORC1_RHEB_FKBP12_sirolimus")
    products = {product.getSpecies() for product in reaction.getListOfProducts()}
    assert products == {"RPTOR", "RHEB_GTP", "FKBP12_sirolimus"}


def test_new_mtor_is_not_occupied():
    model = library.read_sbml(structure(("sirolimus",))).getModel()
    assert model.getReaction("make_MTOR_FKBP12_sirolimus") is None


def test_sums_count_each_twin_once():
    model = library.read_sbml(structure(("sirolimus",))).getModel()
    rule = libsbml.formulaToL3String(model.getAssignmentRuleByVariable("mTORC1").getMath())
    terms = rule.split(" + ")
    assert len(terms) == len(set(terms)) == 2 * len(ROLES.mTORC1)


def test_occupied_complex_keeps_the_residual_activity():
    ids = ["mTORC1_active", "mTORC1_RHEB", "mTORC1_RHEB_FKBP12_sirolimus"]
    end = settled({}, {"sirolimus_medium": 100.0}, ids, minutes=600)
    expected = end["mTORC1_RHEB"]
    expected += value("residual_mTORC1_FRB_occupied") * end["mTORC1_RHEB_FKBP12_sirolimus"]
    assert end["mTORC1_active"] == pytest.approx(expected, rel=1e-9)


TOTALS = {
    "FKBP12": ["FKBP12", "FKBP12_drug"],
    "raptor": ["RPTOR", "mTORC1"],
    "rictor": ["RICTOR", "mTORC2"],
    "PRAS40": ["PRAS40_total"],
}


@pytest.mark.parametrize("what", TOTALS)
def test_proteins_are_conserved_under_three_drugs(what):
    runner = engine(structure(("sirolimus", "everolimus", "tacrolimus")))
    doses = {f"{name}_medium": 50.0 for name in ("sirolimus", "everolimus", "tacrolimus")}
    run = Run(np.linspace(0, 4320, 30), {}, {**runner.steady_state({}), **doses})
    total = runner.run(run, TOTALS[what]).sum(axis=1)
    assert total == pytest.approx(np.full(30, total[0]), rel=1e-8)


def test_rheb_is_conserved_with_its_bound_forms():
    runner = engine(structure(("sirolimus",)))
    ids = ["RHEB_GDP", "RHEB_GTP", "mTORC1_RHEB", "mTORC1_RHEB_FKBP12_sirolimus"]
    run = Run(np.linspace(0, 4320, 30), {}, {**runner.steady_state({}), "sirolimus_medium": 20.0})
    total = runner.run(run, ids).sum(axis=1)
    assert total == pytest.approx(np.full(30, value("RHEB_GDP")), rel=1e-8)


def test_tacrolimus_takes_fkbp12_from_the_rapalog():
    runner = engine(structure(("sirolimus", "tacrolimus")))
    rest = runner.steady_state({})
    read = ["S6K1_pT389"]
    left = []
    for rescue in (0.0, 10_000.0):
        start = {**rest, "sirolimus_medium": 1.0, "tacrolimus_medium": rescue}
        rows = runner.run(Run(np.array([0.0, 360.0]), {}, start), read)
        left.append(rows[-1, 0] / rows[0, 0])
    assert left[0] < 0.2
    assert left[1] > 0.6


def test_no_drug_changes_nothing():
    assert attach(library.network_sbml(), ROLES, []) == library.network_sbml()


def test_map_that_does_not_fit_is_an_error():
    wrong = replace(ROLES, mTORC1=("mTORC1_nucleus",))
    with pytest.raises(ModelError, match="mTORC1_nucleus"):
        attach(library.network_sbml(), wrong, [drugs.load("sirolimus")])


def test_untreated_model_with_the_layer_rests_where_the_network_does():
    bare = engine(library.network_sbml()).steady_state({})
    runner = Engine(structure(("sirolimus", "tacrolimus")))
    layered = runner.steady_state({})
    assert {id: layered[id] for id in bare} == pytest.approx(bare, rel=1e-5, abs=1e-6)
