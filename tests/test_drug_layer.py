"""The drug layer: binding by closed forms, states enumerated, nothing lost."""

from dataclasses import replace
from functools import cache

import libsbml
import numpy as np
import pytest
import roadrunner

from mtorsim import drugs, library
from mtorsim.compile import structure
from mtorsim.drug_layer import attach, load_roles, network_roles
from mtorsim.engine import Engine, engine
from mtorsim.errors import ModelError
from mtorsim.observables import OBSERVABLES
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


@cache
def document(sbml):
    return library.read_sbml(sbml)  # kept: its parts do not keep it alive


def model(sbml):
    return document(sbml).getModel()


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


@pytest.mark.parametrize("dose", [1.0, 20.0, 5000.0])  # nM in the medium
def test_binding_settles_at_the_closed_form_of_the_whole_well(dose):
    # Amounts: dose = medium + (free + bound) * share, with free = funbound * medium.
    settings = {**CLOSED, "kon_FKBP51_sirolimus": 0, "kon_FRB_FKBP12_sirolimus": 0}
    ids = ["FKBP12_sirolimus", "sirolimus_medium"]
    end = settled(settings, {"sirolimus_medium": dose}, ids)
    share = value("cell") / value("medium")
    free_share = share + 1 / value("funbound_medium_sirolimus")  # of the dose, for 1 nM free
    Kd = value("koff_FKBP12_sirolimus") / value("kon_FKBP12_sirolimus")
    # The well as if it were all cell: drug and the Kd it meets are scaled alike.
    scale = free_share / share
    bound = bound_at_equilibrium(dose / share, value("FKBP12"), Kd * scale)
    assert end["FKBP12_sirolimus"] == pytest.approx(bound, rel=1e-6)
    assert end["sirolimus_medium"] < dose


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


def dissociation_constant(runner, id):
    """Constant of a reversible reaction of mass action: its rate backward over that forward."""
    reaction = model(structure(("sirolimus",))).getReaction(id)
    rates = []
    for side in (reaction.getListOfReactants(), reaction.getListOfProducts()):
        taking_part = {one.getSpecies() for one in side}
        for species in runner.model.getFloatingSpeciesIds():
            # What catalyses is there in both directions.
            catalyst = reaction.getModifier(species) is not None
            runner.setValue(f"[{species}]", float(species in taking_part or catalyst))
        rates.append(runner.getValue(id))
    return -rates[1] / rates[0]


def cycles():
    """Reversible reactions that turn one open form into another: with docking, a cycle each."""
    for reaction in model(library.network_sbml()).getListOfReactions():
        sides = (reaction.getListOfReactants(), reaction.getListOfProducts())
        forms = [{one.getSpecies() for one in side} & set(ROLES.open_forms) for side in sides]
        if reaction.getReversible() and all(forms):
            yield reaction.getId(), forms[0].pop(), forms[1].pop()


@pytest.mark.parametrize(("reaction", "before", "after"), list(cycles()))
def test_every_cycle_with_docking_is_in_detailed_balance(reaction, before, after):
    runner = roadrunner.RoadRunner(structure(("sirolimus",)))
    ways = [
        (reaction, f"dock_{after}_FKBP12_sirolimus"),
        (f"dock_{before}_FKBP12_sirolimus", f"{reaction}_FKBP12_sirolimus"),
    ]
    one, other = (
        np.prod([dissociation_constant(runner, step) for step in way]).item() for way in ways
    )
    assert one > 0
    assert one == pytest.approx(other, rel=1e-12)


def test_the_cycles_are_those_of_raptor_pras40_lysosome_and_rheb():
    assert len(list(cycles())) == 4


def test_drug_spreads_until_free_drug_is_equal():
    start = {"sirolimus_medium": 20.0}
    ids = ["sirolimus", "sirolimus_medium"]
    end = settled(CLOSED, start, ids)
    unbound = value("funbound_medium_sirolimus") * end["sirolimus_medium"]
    assert end["sirolimus"] == pytest.approx(unbound, rel=1e-6)


def test_drug_enters_at_the_rate_of_its_permeation():
    settings = {**CLOSED, "kon_FKBP12_sirolimus": 0, "kon_FKBP51_sirolimus": 0}
    minutes = 0.5 / value("kpermeation_sirolimus")
    end = settled(settings, {"sirolimus_medium": 20.0}, ["sirolimus"], minutes)
    unbound = value("funbound_medium_sirolimus")
    slowed = 1 + unbound * value("cell") / value("medium")  # as the medium runs down
    expected = 20 * unbound / slowed * (1 - np.exp(-0.5 * slowed))
    assert end["sirolimus"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("rate", ["kdecay_medium_sirolimus", "kwash_sirolimus"])
def test_drug_leaves_the_medium_at_its_own_rate(rate):
    settings = {**CLOSED, "kpermeation_sirolimus": 0, rate: 0.01}
    end = settled(settings, {"sirolimus_medium": 20.0}, ["sirolimus_medium"], 100.0)
    assert end["sirolimus_medium"] == pytest.approx(20 * np.exp(-1), rel=1e-6)


@pytest.mark.parametrize("names", [("sirolimus",), ("sirolimus", "everolimus"), RAPALOGS])
def test_each_open_form_has_one_twin_for_each_rapalog(names):
    added = set(symbols(structure(names))) - set(symbols())
    twins = {id for id in added if "_FKBP12_" in id and not id.startswith(("kon", "koff", "Kd"))}
    expected = {f"{form}_FKBP12_{name}" for form in ROLES.open_forms for name in names}
    assert twins == expected
    assert len(twins) == 6 * len(names)


def test_mtorc2_is_never_occupied():
    for reaction in model(structure(RAPALOGS)).getListOfReactions():
        made = [product.getSpecies() for product in reaction.getListOfProducts()]
        if "mTORC2" in made:
            assert reaction.getId() == "assemble_mTORC2"
    assert not [id for id in symbols(structure(RAPALOGS)) if id.startswith("mTORC2_")]


def test_tacrolimus_docks_on_nothing():
    added = set(symbols(structure(("tacrolimus",)))) - set(symbols())
    assert not [id for id in added if id.startswith(("mTORC1", "MTOR"))]
    assert "FKBP12_tacrolimus" in added


@pytest.mark.parametrize("form", ROLES.open_forms)
def test_degraded_mtor_lets_go_of_the_drug(form):
    network = model(structure(("sirolimus",)))
    usual, occupied = (
        sorted(one.getSpecies() for one in network.getReaction(id).getListOfProducts())
        for id in (f"degrade_{form}", f"degrade_{form}_FKBP12_sirolimus")
    )
    assert occupied == sorted([*usual, "FKBP12_sirolimus"])


def test_new_mtor_is_not_occupied():
    assert model(structure(("sirolimus",))).getReaction("make_MTOR_FKBP12_sirolimus") is None


@pytest.mark.parametrize("name", ROLES.totals)
def test_sums_count_each_twin_once(name):
    drugs = ("everolimus", "sirolimus")
    usual = terms(library.network_sbml(), name)
    twins = [f"{form}_FKBP12_{d}" for form in usual if form in ROLES.open_forms for d in drugs]
    assert len(twins) >= 2
    assert sorted(terms(structure(drugs), name)) == sorted([*usual, *twins])


def terms(sbml, variable):
    rule = model(sbml).getAssignmentRuleByVariable(variable)
    return libsbml.formulaToL3String(rule.getMath()).split(" + ")


def test_read_outs_are_the_sums_over_the_drugs():
    sbml = structure(("sirolimus", "tacrolimus"))
    twins = {f"{form}_FKBP12_sirolimus" for form in ROLES.open_forms}
    bound = terms(sbml, "FKBP12_drug")
    assert len(bound) == len(set(bound))
    assert set(bound) == {"FKBP12_sirolimus", "FKBP12_tacrolimus", *twins}
    assert set(terms(sbml, "drug_medium")) == {"sirolimus_medium", "tacrolimus_medium"}
    assert set(terms(sbml, "mTORC1_FRB_occupied")) == twins - {"MTOR_FKBP12_sirolimus"}


def test_occupied_complex_keeps_the_residual_activity():
    ids = ["mTORC1_active", "mTORC1_RHEB", "mTORC1_RHEB_FKBP12_sirolimus"]
    end = settled({}, {"sirolimus_medium": 100.0}, ids, minutes=600)
    expected = end["mTORC1_RHEB"]
    expected += value("residual_mTORC1_FRB_occupied") * end["mTORC1_RHEB_FKBP12_sirolimus"]
    assert end["mTORC1_active"] == pytest.approx(expected, rel=1e-9)


THREE = ("everolimus", "sirolimus", "tacrolimus")
TOTALS = {
    "FKBP12": ["FKBP12", "FKBP12_drug"],
    "FKBP51": ["FKBP51", *(f"FKBP51_{name}" for name in THREE)],
    "Rheb": ["RHEB_GDP", "RHEB_GTP", "mTORC1_RHEB"]
    + [f"mTORC1_RHEB_FKBP12_{name}" for name in THREE[:2]],
    "raptor": ["RPTOR", "mTORC1"],
    "rictor": ["RICTOR", "mTORC2"],
    "PRAS40": ["PRAS40_total"],
}


@pytest.mark.parametrize("what", TOTALS)
def test_proteins_are_conserved_under_three_drugs(what):
    run, runner = under_three_drugs({})
    values = runner.run(run, TOTALS[what])
    assert np.ptp(values, axis=0).min() > 0  # every form takes part
    total = values.sum(axis=1)
    assert total == pytest.approx(np.full(30, total[0]), rel=1e-8)


def under_three_drugs(settings):
    runner = engine(structure(THREE))
    doses = {f"{name}_medium": 50.0 for name in THREE}
    times = np.linspace(0, 4320, 30)
    return Run(times, settings, {**runner.steady_state({}), **doses}), runner


@pytest.mark.parametrize("drug", THREE)
def test_drug_is_conserved_where_it_does_not_decay(drug):
    run, runner = under_three_drugs({f"kdecay_medium_{drug}": 0.0})
    medium, *inside = (id for id in runner.species if id.endswith((drug, f"{drug}_medium")))
    assert medium == f"{drug}_medium"
    assert len(inside) == (3 if drug == "tacrolimus" else 9)
    amount = value("medium") * runner.run(run, [medium])[:, 0]
    amount += value("cell") * runner.run(run, inside).sum(axis=1)
    assert amount == pytest.approx(np.full(30, 50.0 * value("medium")), rel=1e-8)


def test_two_rapalogs_that_are_the_same_add_up_to_one():
    # Everolimus with every constant of sirolimus: 8 nM and 12 nM are 20 nM.
    runner = engine(structure(("everolimus", "sirolimus")))
    table = symbols(structure(("everolimus", "sirolimus")))
    same = {
        id: table[id.replace("everolimus", "sirolimus")].value
        for id, one in table.items()
        if one.kind == "parameter" and "everolimus" in id
    }
    assert len(same) >= 9
    rest = runner.steady_state(same)
    curves = []
    for parts in ((0.0, 20.0), (8.0, 12.0), (20.0, 0.0)):
        doses = dict(zip(("everolimus_medium", "sirolimus_medium"), parts, strict=True))
        run = Run(np.linspace(0, 4320, 30), same, {**rest, **doses})
        curves.append(runner.run(run, OBSERVABLES, relative_tolerance=1e-10))
    assert curves[0] == pytest.approx(curves[1], rel=1e-6, abs=1e-7)
    assert curves[0] == pytest.approx(curves[2], rel=1e-6, abs=1e-7)


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


@pytest.mark.parametrize(
    "wrong",
    [
        {"FKBP12": "nowhere"},
        {"FKBP51": "nowhere"},
        {"free_mTOR": ("nowhere",)},
        {"mTORC1": (*ROLES.mTORC1, "nowhere")},
        {"Kd_ratio": "nowhere"},
        {"residual": "nowhere"},
        {"closed_to_occupied": ("nowhere",)},
        {"weakened_in_occupied": {"nowhere": "koff_MTOR_RPTOR"}},
        {"totals": ("nowhere",)},
        {"activity": {"nowhere": ("mTORC1_RHEB",)}},
        {"readouts": {**ROLES.readouts, "drug_medium": "nowhere"}},
        {"cell": "nowhere"},
        {"medium": "nowhere"},
        {"activity": {"mTORC1_active": ("nowhere",)}},
        {"weakened_in_occupied": {"assemble_mTORC1": "nowhere"}},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_map_that_does_not_fit_is_an_error(wrong):
    with pytest.raises(ModelError, match="nowhere"):
        attach(library.network_sbml(), replace(ROLES, **wrong), [drugs.load("sirolimus")])


def test_constant_that_the_reaction_lacks_is_an_error():
    # It would leave the cycle out of balance and say nothing.
    wrong = replace(ROLES, weakened_in_occupied={"assemble_mTORC1": "kdeg_MTOR"})
    with pytest.raises(ModelError, match="assemble_mTORC1 does not depend on kdeg_MTOR"):
        attach(library.network_sbml(), wrong, [drugs.load("sirolimus")])


@pytest.mark.parametrize("text", ["FKBP12: FKBP12", "[]", "", "compartments: {cell: cell}"])
def test_file_that_is_no_map_is_an_error(tmp_path, text):
    path = tmp_path / "roles.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"roles\.yaml"):
        load_roles(path)


def test_untreated_model_with_the_layer_rests_where_the_network_does():
    bare = engine(library.network_sbml()).steady_state({})
    runner = Engine(structure(("sirolimus", "tacrolimus")))
    layered = runner.steady_state({})
    assert {id: layered[id] for id in bare} == pytest.approx(bare, rel=1e-5, abs=1e-6)
