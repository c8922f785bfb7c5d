"""The drug layer: binding by closed forms, states enumerated, nothing lost."""

from dataclasses import replace
from functools import cache

import libsbml
import numpy as np
import pytest
import roadrunner

from mtorsim import drugs, library, perturbation
from mtorsim.compile import structure
from mtorsim.derived import first_values
from mtorsim.drug_layer import attach
from mtorsim.drugs import Drug
from mtorsim.engine import Engine, engine
from mtorsim.errors import ModelError
from mtorsim.observables import OBSERVABLES
from mtorsim.occupancy import states
from mtorsim.roles import Activity, load_roles, network_roles
from mtorsim.steps import Run
from mtorsim.symbols import symbols

ROLES = network_roles()
RAPALOGS = tuple(n for n in drugs.names() if drugs.load(n).mechanism == "rapalog")
STILL = {"population_growth": 0.0}  # cells that come to rest do not change in number
# A closed pot: no synthesis, no degradation, no drug lost.
CLOSED = {**STILL, "ksyn_MTOR": 0, "kdeg_MTOR": 0, "kdecay_medium_sirolimus": 0}


def changed(name, **values):
    """A drug with some of its constants replaced."""
    drug = drugs.load(name)
    return replace(
        drug,
        values={
            key: replace(fact, value=values.get(key, fact.value))
            for key, fact in drug.values.items()
        },
    )


# One drug of each mechanism and a mutant. Those that hold the kinase site hold one complex more
# tightly than the other, which only detailed balance can tell.
LOPSIDED = changed("AZD8055", Kd_kinase_mTORC1=10.0, Kd_kinase_mTORC2=40.0)
BISTERIC = changed("RMC-5552", Kd_kinase_mTORC1=30.0, Kd_kinase_mTORC2=6.0)
CROWD = (LOPSIDED, BISTERIC, drugs.load("sirolimus"), drugs.load("tacrolimus"))
F2108L = perturbation.load("MTOR_F2108L").mutant
STATES = states(("RMC-5552", "sirolimus"), ("AZD8055", "RMC-5552"), ("MTOR_F2108L",))


@cache
def crowd():
    return attach(library.network_sbml(), ROLES, CROWD, [F2108L])


def forms(state):
    if state.is_bridged:
        return ROLES.mTORC1
    return ROLES.open_forms if state.FRB else ROLES.forms


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
    return symbols(crowd())[id].value


def settled(settings, start, ids, minutes=1e6, sbml=None):
    runner = engine(sbml or structure(("sirolimus",)))
    rest = runner.steady_state(STILL)
    run = Run(np.array([0.0, minutes]), {**STILL, **settings}, {**rest, **start})
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


def test_raptor_comes_off_docked_mtor_as_docking_on_mtorc1_is_weaker():
    ids = ["MTOR_FKBP12_sirolimus", "RPTOR", "mTORC1_cytosol_FKBP12_sirolimus"]
    end = settled({**CLOSED, "kpermeation_sirolimus": 0}, {"sirolimus": 50.0}, ids)
    occupied = end["MTOR_FKBP12_sirolimus"] * end["RPTOR"] / end["mTORC1_cytosol_FKBP12_sirolimus"]
    free = value("koff_MTOR_RPTOR") / value("kon_MTOR_RPTOR")
    assert occupied == pytest.approx(free * value("Kd_ratio_mTORC1_to_MTOR"), rel=1e-3)


# -- the kinase site -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pot():
    """The crowd at equilibrium in cells that nothing enters or leaves, half of mTOR mutated."""
    runner = engine(crowd())
    half = {**STILL, "fraction_MTOR_F2108L": 0.5}
    inside = {"AZD8055": 60.0, "RMC_5552": 400.0, "sirolimus": 600.0, "tacrolimus": 100.0}
    settings = half | {f"kpermeation_{drug}": 0.0 for drug in inside}
    settings |= {"ksyn_MTOR": 0.0, "kdeg_MTOR": 0.0}
    ids = [*runner.species, "mTORC1", "mTORC2", "mTORC1_kinase_occupied", "mTORC2_kinase_occupied"]
    run = Run(np.array([0.0, 1e6]), settings, {**runner.steady_state(half), **inside})
    return dict(zip(ids, runner.run(run, ids)[-1], strict=True))


def reach(pot, drug):
    """What a drug is worth at a kinase site for which the free rapalog competes."""
    return pot[drug] / (1 + pot["sirolimus"] / value("Kd_kinase_sirolimus"))


@pytest.mark.parametrize("total", [1.0, 20.0, 500.0])  # nM in the cell
def test_kinase_sites_fill_with_the_dissociation_constant_of_each_complex(total):
    sbml = attach(library.network_sbml(), ROLES, [LOPSIDED])
    settings = {"ksyn_MTOR": 0, "kdeg_MTOR": 0, "kpermeation_AZD8055": 0}
    ids = ["AZD8055", "MTOR", "MTOR_AZD8055"]
    ids += [f"{one}{what}" for one in ("mTORC1", "mTORC2") for what in ("", "_kinase_occupied")]
    end = settled(settings, {"AZD8055": total}, ids, sbml=sbml)
    for one, Kd in (("mTORC1", 10.0), ("mTORC2", 40.0)):
        share = end[f"{one}_kinase_occupied"] / end[one]
        assert share == pytest.approx(end["AZD8055"] / (end["AZD8055"] + Kd), rel=1e-5)
    free = end["MTOR"] * end["AZD8055"] / end["MTOR_AZD8055"]
    assert free == pytest.approx(10.0, rel=1e-5)


@pytest.mark.parametrize("form", ROLES.open_forms)
def test_the_two_sites_of_a_molecule_fill_independently(pot, form):
    # Rapalog and ATP-competitive drug together: held at both x open = one held x the other held.
    both, docked = (pot[f"{form}_FKBP12_sirolimus{one}"] for one in ("_AZD8055", ""))
    assert both * pot[form] == pytest.approx(docked * pot[f"{form}_AZD8055"], rel=1e-5)
    assert pot[f"{form}_AZD8055"] / pot[form] == pytest.approx(
        reach(pot, "AZD8055") / 10.0, rel=1e-5
    )


@pytest.mark.parametrize("form", ROLES.mTORC1)
def test_the_tethered_warhead_meets_its_effective_molarity(pot, form):
    ratio = pot[f"{form}_FKBP12_RMC_5552_bridged"] / pot[f"{form}_FKBP12_RMC_5552"]
    share = reach(pot, "RMC_5552") / pot["RMC_5552"]  # of sites that no free rapalog holds
    molarity = value("effective_molarity_RMC_5552")
    assert ratio == pytest.approx(share * molarity / 30.0, rel=1e-5)
    assert pot[f"{form}_RMC_5552"] / pot[form] == pytest.approx(
        reach(pot, "RMC_5552") / 30.0, rel=1e-5
    )


def test_the_warhead_alone_holds_mtorc2(pot):
    ratio = pot["mTORC2_complex_RMC_5552"] / pot["mTORC2_complex"]
    assert ratio == pytest.approx(reach(pot, "RMC_5552") / 6.0, rel=1e-5)
    assert pot["mTORC2_complex_AZD8055"] / pot["mTORC2_complex"] == pytest.approx(
        reach(pot, "AZD8055") / 40.0, rel=1e-5
    )


@pytest.mark.parametrize("form", ROLES.open_forms)
def test_a_mutant_docks_more_weakly_by_its_ratio(pot, form):
    usual, mutated = (
        pot[one] * pot["FKBP12_sirolimus"] / pot[f"{one}_FKBP12_sirolimus"]
        for one in (form, f"{form}_F2108L")
    )
    assert mutated / usual == pytest.approx(value("Kd_FRB_ratio_MTOR_F2108L"), rel=1e-5)
    assert value("Kd_FRB_ratio_MTOR_F2108L") > 1


# -- detailed balance ------------------------------------------------------------------------------


def dissociation_constant(runner, id):
    """Constant of a reversible reaction of mass action: its rate backward over that forward."""
    reaction = model(crowd()).getReaction(id)
    rates = []
    for side in (reaction.getListOfReactants(), reaction.getListOfProducts()):
        taking_part = {one.getSpecies() for one in side}
        for species in runner.model.getFloatingSpeciesIds():
            # What catalyses is there in both directions.
            catalyst = reaction.getModifier(species) is not None
            runner.setValue(f"[{species}]", float(species in taking_part or catalyst))
        rates.append(runner.getValue(id))
    return -rates[1] / rates[0]


def passages():
    """Reversible reactions that turn one form into another."""
    for reaction in model(library.network_sbml()).getListOfReactions():
        sides = (reaction.getListOfReactants(), reaction.getListOfProducts())
        found = [{one.getSpecies() for one in side} & set(ROLES.forms) for side in sides]
        if reaction.getReversible() and all(found):
            yield reaction.getId(), found[0].pop(), found[1].pop()


def last_steps(state):
    """What may have been bound last, and the state before it."""
    if state.is_bridged:
        yield "bridge", replace(state, kinase="")
    elif state.FRB:
        yield "dock", replace(state, FRB="")
    if state.kinase and not state.is_bridged:
        yield "bind_kinase", replace(state, kinase="")


def cycles(state):
    """Pairs of ways between the same two forms: a passage before or after a step, or two steps."""
    for step, earlier in last_steps(state):
        for passage, before, after in passages():
            if {before, after} <= set(forms(state)):
                yield (
                    (f"{passage}{earlier.suffix}", f"{step}_{after}{state.suffix}"),
                    (f"{step}_{before}{state.suffix}", f"{passage}{state.suffix}"),
                )
    if len(list(last_steps(state))) == 2:
        docked, held = (replace(state, **{site: ""}) for site in ("kinase", "FRB"))
        for form in forms(state):
            yield (
                (f"dock_{form}{docked.suffix}", f"bind_kinase_{form}{state.suffix}"),
                (f"bind_kinase_{form}{held.suffix}", f"dock_{form}{state.suffix}"),
            )


@pytest.mark.parametrize("state", [one for one in STATES if one.FRB or one.kinase], ids=str)
def test_every_cycle_is_in_detailed_balance(state):
    runner = roadrunner.RoadRunner(crowd())
    found = list(cycles(state))
    # Raptor (no bridge outlasts it), PRAS40, lysosome and Rheb; rictor where the FRB domain is
    # open; six open forms.
    expected = (4 - state.is_bridged) * len(list(last_steps(state))) + (not state.FRB)
    assert len(found) == expected + 6 * (len(list(last_steps(state))) == 2)
    for ways in found:
        one, other = (
            np.prod([dissociation_constant(runner, step) for step in way]).item() for way in ways
        )
        assert one > 0
        assert one == pytest.approx(other, rel=1e-12), ways


# -- entry -----------------------------------------------------------------------------------------


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


def test_the_states_are_those_of_the_drugs_and_the_mutant():
    added = {one.getId() for one in model(crowd()).getListOfSpecies()} - set(symbols())
    found = {id for id in added if id.startswith(("MTOR", "mTORC"))}
    assert found == {f"{form}{one.suffix}" for one in STATES[1:] for form in forms(one)}
    # Wild type and mutant: 9 states of six open forms, but no bridge on free mTOR, and 3 of mTORC2;
    # the network has 7 of them.
    assert len(found) == 2 * (9 * 6 - 1 + 3) - 7


def test_mtorc2_hides_its_frb_domain():
    network = model(crowd())
    assert not [one.getId() for one in network.getListOfSpecies() if "mTORC2_complex" in one.getId()
                and "FKBP12" in one.getId()]  # fmt: skip
    makers = set()
    for reaction in network.getListOfReactions():
        if any("mTORC2_complex" in one.getSpecies() for one in reaction.getListOfProducts()):
            makers.add(reaction.getId())
            assert not [o for o in reaction.getListOfReactants() if "FKBP12" in o.getSpecies()]
    assert "assemble_mTORC2_F2108L_AZD8055" in makers


def test_tacrolimus_docks_on_nothing():
    added = set(symbols(structure(("tacrolimus",)))) - set(symbols())
    assert not [id for id in added if id.startswith(("mTORC1", "MTOR"))]
    assert "FKBP12_tacrolimus" in added


@pytest.mark.parametrize("state", STATES[1:], ids=str)
def test_degraded_mtor_lets_go_of_what_it_held(state):
    network = model(crowd())
    held = [f"FKBP12_{state.FRB}".replace("-", "_")] if state.FRB else []
    # The warhead of a bridging molecule is no molecule of its own.
    held += [state.kinase.replace("-", "_")] if state.kinase not in ("", state.FRB) else []
    for form in forms(state):
        usual, occupied = (
            sorted(one.getSpecies() for one in network.getReaction(id).getListOfProducts())
            for id in (f"degrade_{form}", f"degrade_{form}{state.suffix}")
        )
        assert occupied == sorted([*usual, *held])


def test_new_mtor_holds_nothing():
    makers = {r.getId() for r in model(crowd()).getListOfReactions() if "make_MTOR" in r.getId()}
    assert makers == {"make_MTOR", "make_MTOR_F2108L"}


# -- sums ------------------------------------------------------------------------------------------


def terms(sbml, variable):
    rule = model(sbml).getAssignmentRuleByVariable(variable)
    return libsbml.formulaToL3String(rule.getMath()).split(" + ")


@pytest.mark.parametrize("name", ROLES.totals + ROLES.open_totals)
def test_sums_count_each_twin_once(name):
    usual = terms(library.network_sbml(), name)
    twins = [
        f"{form}{one.suffix}"
        for one in STATES[1:]
        for form in usual
        if form in forms(one) and not (one.FRB and name in ROLES.open_totals)
    ]
    assert twins
    assert sorted(terms(crowd(), name)) == sorted([*usual, *twins])


def test_read_outs_are_the_sums_over_the_drugs():
    docked = {f"{form}{one.suffix}" for one in STATES for form in forms(one) if one.FRB}
    held = {f"{form}{one.suffix}" for one in STATES for form in forms(one) if one.kinase}
    expected = {
        "FKBP12_drug": docked | {f"FKBP12_{d}" for d in ("RMC_5552", "sirolimus", "tacrolimus")},
        "drug_medium": {f"{d}_medium" for d in ("AZD8055", "RMC_5552", "sirolimus", "tacrolimus")},
        "mTORC1_FRB_occupied": {id for id in docked if id.startswith("mTORC1")},
        "mTORC1_kinase_occupied": {id for id in held if id.startswith("mTORC1")},
        "mTORC2_kinase_occupied": {id for id in held if id.startswith("mTORC2")},
    }
    assert set(expected) == set(ROLES.readouts)
    for variable, ids in expected.items():
        assert sorted(terms(crowd(), variable)) == sorted(ids)


# -- laws ------------------------------------------------------------------------------------------

DOSES = {"AZD8055": 30.0, "RMC_5552": 3.0, "sirolimus": 50.0, "tacrolimus": 50.0}
HALF = {"fraction_MTOR_F2108L": 0.5, "kinase_activity_MTOR_F2108L": 3.0}


@pytest.fixture(scope="module")
def crowded():
    """Three days of the crowd with half of mTOR mutated, no drug lost: id -> curve."""
    runner = engine(crowd())
    rest = runner.steady_state({**STILL, **HALF})
    settings = HALF | {f"kdecay_medium_{drug}": 0.0 for drug in DOSES}
    ids = (*runner.species, *OBSERVABLES, "MTOR_total", "mTORC1_active_on_Thr37")
    doses = {f"{drug}_medium": dose for drug, dose in DOSES.items()}
    run = Run(np.linspace(0, 4320, 30), settings, {**rest, **doses})
    return dict(zip(ids, runner.run(run, ids).T, strict=True))


TOTALS = {
    "FKBP12": ("FKBP12", "FKBP12_drug"),
    "FKBP51": ("FKBP51", *(f"FKBP51_{drug}" for drug in list(DOSES)[1:])),
    "Rheb": ("RHEB_GDP", "RHEB_GTP", *(f"mTORC1_RHEB{one.suffix}" for one in STATES)),
    "raptor": ("RPTOR", "mTORC1"),
    "rictor": ("RICTOR", "mTORC2"),
    "PRAS40": ("PRAS40_total",),
}


@pytest.mark.parametrize("what", TOTALS)
def test_proteins_are_conserved_under_every_mechanism(crowded, what):
    columns = [crowded[id] for id in TOTALS[what]]
    assert min(np.ptp(column) for column in columns) > 0  # every form takes part
    total = sum(columns)
    assert total == pytest.approx(np.full(30, total[0]), rel=1e-8)


@pytest.mark.parametrize("drug", DOSES)
def test_drug_is_conserved_where_it_does_not_decay(crowded, drug):
    species = engine(crowd()).species
    inside = [id for id in species if drug in id and not id.endswith("_medium")]
    assert all(id.count(drug) == 1 for id in inside)  # one molecule in each
    amount = value("medium") * crowded[f"{drug}_medium"]
    amount = amount + value("cell") * sum(crowded[id] for id in inside)
    assert amount == pytest.approx(np.full(30, DOSES[drug] * value("medium")), rel=1e-8)


def test_drugs_change_neither_the_turnover_of_mtor_nor_the_share_of_a_mutant(crowded):
    made = value("ksyn_MTOR") / value("kdeg_MTOR")
    assert crowded["MTOR_total"] == pytest.approx(np.full(30, made), rel=1e-6)
    mutated = sum(curve for id, curve in crowded.items() if "_F2108L" in id)
    assert mutated == pytest.approx(np.full(30, 0.5 * made), rel=1e-6)


@pytest.mark.parametrize(
    ("variable", "form", "residual"),
    [
        ("mTORC1_active", "mTORC1_RHEB", "residual_mTORC1_FRB_occupied"),
        ("mTORC1_active_on_Thr37", "mTORC1_RHEB", "residual_mTORC1_FRB_occupied_Thr37"),
        ("mTORC2_active", "mTORC2_complex", None),
    ],
)
def test_activity_is_that_of_the_open_kinase_sites(crowded, variable, form, residual):
    docked = ("_FKBP12_sirolimus", "_FKBP12_RMC_5552") if residual else ()
    expected = 0
    for allele, activity in (("", 1.0), ("_F2108L", 3.0)):
        expected += activity * crowded[f"{form}{allele}"]
        for one in docked:
            expected += activity * value(residual) * crowded[f"{form}{allele}{one}"]
    expected /= 1 + crowded["sirolimus"] / value("Kd_kinase_sirolimus")
    assert crowded[variable] == pytest.approx(expected, rel=1e-9)
    assert np.ptp(expected) > 0


@pytest.mark.parametrize(
    ("one", "other"), [("everolimus", "sirolimus"), ("AZD8055", "sapanisertib")]
)
def test_two_drugs_that_are_the_same_add_up_to_one(one, other):
    parts = ((0.0, 20.0), (8.0, 12.0), (20.0, 0.0))
    none, some, every = (as_one(one, other, doses, OBSERVABLES) for doses in parts)
    assert none == pytest.approx(some, rel=1e-6, abs=1e-7)
    assert none == pytest.approx(every, rel=1e-6, abs=1e-7)


def test_two_molecules_of_a_bisteric_drug_on_one_mtor_hardly_matter():
    # They are left out for one drug, but not for two that are the same.
    ids = ("S6K1_pT389", "AKT_pS473", "mTORC1", "mTORC2")
    one, two = (as_one("RMC-5552", "RapaLink-1", d, ids) for d in ((0.0, 20.0), (8.0, 12.0)))
    assert one == pytest.approx(two, rel=0.03)


def as_one(one, other, doses, ids):
    """Curves of two drugs, one with every constant of the other."""
    sbml = structure(tuple(sorted((one, other))))
    runner, table = engine(sbml), symbols(sbml)
    one, other = (name.replace("-", "_") for name in (one, other))
    same = {
        id: table[id.replace(one, other)].value
        for id, symbol in table.items()
        if symbol.kind == "parameter" and one in id
    }
    assert len(same) >= 7
    given = dict(zip((f"{one}_medium", f"{other}_medium"), doses, strict=True))
    run = Run(np.linspace(0, 4320, 30), same, {**runner.steady_state({**STILL, **same}), **given})
    return runner.run(run, ids, relative_tolerance=1e-10)


def read(sbml, settings, doses, ids=OBSERVABLES, hours=24):
    """Curves of a treated cell; the settings hold before time 0 as well."""
    runner = engine(sbml)
    rest = runner.steady_state({**STILL, **settings})
    start = rest | {f"{drug}_medium": dose for drug, dose in doses.items()}
    return runner.run(Run(np.linspace(0, 60 * hours, 13), settings, start), ids)


@pytest.mark.parametrize(
    "settings",
    [
        {"fraction_MTOR_F2108L": 0.0},
        {
            "fraction_MTOR_F2108L": 0.5,
            "Kd_FRB_ratio_MTOR_F2108L": 1.0,
            "kinase_activity_MTOR_F2108L": 1.0,
        },
    ],
    ids=["none of it", "like the wild type"],
)
def test_a_mutant_that_makes_no_difference(settings):
    usual = read(attach(library.network_sbml(), ROLES, CROWD), {}, DOSES)
    assert read(crowd(), settings, DOSES) == pytest.approx(usual, rel=1e-5, abs=1e-6)


def test_shares_of_two_mutants_are_shares_of_all_mtor():
    sbml = structure((), ("MTOR_A2034V", "MTOR_M2327I"))
    shares = {"fraction_MTOR_A2034V": 0.2, "fraction_MTOR_M2327I": 0.7}
    runner = engine(sbml)
    rest = runner.steady_state({**STILL, **shares})
    made = value("ksyn_MTOR") / value("kdeg_MTOR")
    for allele, share in (("A2034V", 0.2), ("M2327I", 0.7)):
        found = sum(level for id, level in rest.items() if id.endswith(allele))
        assert found == pytest.approx(share * made, rel=1e-6)


def test_tacrolimus_takes_fkbp12_from_the_rapalog_and_does_nothing_to_other_drugs():
    for drug, dose, spared in (("sirolimus", 1.0, True), ("AZD8055", 200.0, False)):
        sbml = structure(tuple(sorted((drug, "tacrolimus"))))
        left = []
        for rescue in (0.0, 10_000.0):
            rows = read(sbml, {}, {drug: dose, "tacrolimus": rescue}, ["S6K1_pT389"], hours=6)
            left.append(rows[-1, 0] / rows[0, 0])
        assert left[0] < 0.3
        assert left[1] > 0.6 if spared else left[1] == pytest.approx(left[0], rel=1e-6)


# -- a rapalog in the kinase site itself -----------------------------------------------------------

NO_FKBP = {"FKBP12": 0.0, "FKBP51": 0.0}


@pytest.mark.parametrize("dose", [100.0, 2000.0, 20_000.0])  # nM in the medium
def test_without_fkbp12_a_rapalog_holds_the_kinase_site_at_micromolar(dose):
    ids = ("mTORC1_active", "mTORC1_RHEB", "mTORC2_active", "mTORC2_complex", "sirolimus")
    values = read(structure(("sirolimus",)), NO_FKBP, {"sirolimus": dose}, ids)
    first, rhebs, second, complexes, free = values.T
    expected = 1 / (1 + free / value("Kd_kinase_sirolimus"))
    assert free[1] > 0.3 * dose
    assert first / rhebs == pytest.approx(expected, rel=1e-9)
    assert second / complexes == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("other", [0.0, 10.0, 100.0])  # nM of an ATP-competitive drug beside it
@pytest.mark.parametrize("dose", [2000.0, 20_000.0])  # nM in the medium
def test_the_rule_is_what_binding_step_by_step_comes_to(dose, other):
    # A drug that enters like sirolimus and binds the kinase site by reactions, as others do.
    ids = ("mTORC1_active", "mTORC2_active", "S6K1_pT389", "AKT_pS473", "EIF4EBP1_pT37")
    doses = {"sirolimus": dose, "AZD8055": other}
    rule = read(structure(("AZD8055", "sirolimus")), NO_FKBP, doses, ids, hours=72)
    enumerated = attach(library.network_sbml(), ROLES, [drugs.load("AZD8055"), binder()])
    doses = {"binder": dose, "AZD8055": other}
    steps = read(enumerated, NO_FKBP, doses, ids, hours=72)
    assert rule == pytest.approx(steps, rel=0.01)
    assert (rule[:, :2].min(axis=0) < 0.8 * rule[0, :2]).all()


def binder():
    rapalog, other = drugs.load("sirolimus"), drugs.load("AZD8055")
    values = {key: rapalog.values.get(key, fact) for key, fact in other.values.items()}
    values |= dict.fromkeys(("Kd_kinase_mTORC1", "Kd_kinase_mTORC2"), rapalog.values["Kd_kinase"])
    return Drug(
        name="binder",
        mechanism="atp_competitive",
        description="For tests.",
        identifiers=(),
        molar_mass=rapalog.molar_mass,
        values=values,
    )


# -- drugs from a body ----------------------------------------------------------------------------

BOTH = ("sirolimus", "temsirolimus")


@cache
def in_tumour(species="human"):
    host = library.network_sbml(species, ("temsirolimus",))
    return attach(host, ROLES, [drugs.load(name) for name in BOTH], infused=BOTH)


def law(sbml, id):
    return libsbml.formulaToL3String(model(sbml).getReaction(id).getKineticLaw().getMath())


@pytest.mark.parametrize("drug", BOTH)
def test_a_drug_from_a_body_enters_from_the_interstitium(drug):
    table = symbols(in_tumour())
    medium = ("medium", "funbound_medium", "kdecay_medium", "kwash")
    assert not {f"{drug}_medium", *(f"{name}_{drug}" for name in medium)} & set(table)
    assert table[f"{drug}_interstitium"].branch == f"pharmacokinetics/{drug}"
    uptake = f"cell * kpermeation_{drug} * ({drug}_interstitium - {drug})"
    assert law(in_tumour(), f"permeate_{drug}") == uptake
    assert law(in_tumour(), f"permeate_{drug}_into_all_cells") == f"cells_in_tumour * {uptake}"
    one, all_cells = (
        model(in_tumour()).getReaction(f"permeate_{drug}{end}") for end in ("", "_into_all_cells")
    )
    assert [one.getProduct(0).getSpecies(), one.getNumReactants()] == [drug, 0]
    assert [all_cells.getReactant(0).getSpecies(), all_cells.getNumProducts()] == [
        f"{drug}_interstitium",
        0,
    ]


def test_what_is_around_the_cell_is_the_interstitium():
    assert sorted(terms(in_tumour(), "drug_medium")) == [f"{drug}_interstitium" for drug in BOTH]


def test_inside_the_cell_a_drug_does_what_it_does_in_a_dish():
    dish = attach(library.network_sbml(), ROLES, [drugs.load(name) for name in BOTH])
    bare = {one.getId() for one in model(library.network_sbml()).getListOfReactions()}
    added = {one.getId() for one in model(dish).getListOfReactions()} - bare
    outside = {id for id in added if "_medium" in id} | {f"permeate_{drug}" for drug in BOTH}
    inside = added - outside
    assert len(inside) > 20
    assert {id: law(dish, id) for id in inside} == {id: law(in_tumour(), id) for id in inside}


def test_cells_fill_what_interstitium_and_vessels_leave():
    # As 0.6 L in a kg of tumour, 1 g of it, and cells of 2 pL: 3e8 cells.
    read = engine(in_tumour()).run(Run(np.zeros(1)), ["cells_in_tumour"])
    filled = value_in(in_tumour(), "cell_volume_per_mass") * value_in(in_tumour(), "tumour_mass")
    assert read[0, 0] == pytest.approx(filled / value_in(in_tumour(), "cell"), rel=1e-12)


def value_in(sbml, id):
    return symbols(sbml)[id].value


def holding(drug, ids):
    """Species of the cell that hold a drug."""
    outside = ("plasma", "peripheral", "peritoneum", "gut", "liver", "blood", "interstitium")
    found = [id for id in ids if f"_{drug}_" in f"_{id}_" and not id.endswith(outside)]
    assert drug in found
    return found


@pytest.fixture(scope="module", params=["human", "mouse"])
def given(request):
    """Three days after drug in plasma: id -> curve, id -> volume that it counts for [litre]."""
    sbml = in_tumour(request.param)
    runner, network = engine(sbml), model(sbml)
    first = first_values({}, sbml)
    rest = engine(library.network_sbml()).steady_state(STILL)
    start = {**rest, **first, "temsirolimus_plasma": 500.0}
    ids = (*runner.species, *OBSERVABLES, *(f"{drug}_{w}" for drug in BOTH for w in WHERE))
    run = Run(np.linspace(0, 4320, 30), start=start)
    curves = dict(zip(ids, runner.run(run, ids).T, strict=True))
    cells = runner.run(Run(np.zeros(1)), ["cells_in_tumour"])[0, 0]
    volumes = {}
    for one in network.getListOfSpecies():
        home = one.getCompartment()
        size = first.get(home, network.getCompartment(home).getSize())
        volumes[one.getId()] = size * (cells if home == "cell" else 1)
    return sbml, curves, volumes


WHERE = ("blood", "tumour")


def test_what_a_body_is_given_is_in_the_body_or_in_all_cells(given):
    _, curves, volumes = given
    body = {"metabolites", "faeces", "urine"}
    body |= {id for id in volumes if id.startswith(BOTH) and id not in BOTH}
    body |= {f"FKBP12_{drug}_blood" for drug in BOTH}
    inside = {id for drug in BOTH for id in holding(drug, volumes)}
    assert not body & inside
    total = sum(volumes[id] * curves[id] for id in body | inside)
    assert total == pytest.approx(np.full(30, total[0]), rel=1e-7)
    cells = sum(volumes[id] * curves[id] for id in inside)
    assert 0 < cells.max() < 0.05 * total[0]  # a tumour takes next to nothing of a dose


@pytest.mark.parametrize("drug", BOTH)
def test_a_piece_of_tumour_is_cells_interstitium_and_blood(given, drug):
    sbml, curves, volumes = given
    parts = {
        "interstitium_per_mass": curves[f"{drug}_interstitium"],
        "cell_volume_per_mass": sum(curves[id] for id in holding(drug, volumes)),
        "blood_per_tumour_mass": curves[f"{drug}_blood"],
    }
    shares = {id: value_in(sbml, id) for id in parts}
    expected = sum(shares[id] * curve for id, curve in parts.items()) / sum(shares.values())
    assert curves[f"{drug}_tumour"] == pytest.approx(expected, rel=1e-9)
    assert expected.max() > 0


# -- what does not fit -----------------------------------------------------------------------------


def test_no_drug_changes_nothing():
    assert attach(library.network_sbml(), ROLES, []) == library.network_sbml()


@pytest.mark.parametrize(
    "wrong",
    [
        {"cell": "nowhere"},
        {"medium": "nowhere"},
        {"FKBP12": "nowhere"},
        {"FKBP51": "nowhere"},
        {"free_mTOR": ("nowhere",)},
        {"mTORC1": (*ROLES.mTORC1, "nowhere")},
        {"mTORC2": ("nowhere",)},
        {"Kd_ratio": "nowhere"},
        {"assembly": {"nowhere": "koff_MTOR_RPTOR"}},
        {"assembly": {"assemble_mTORC1": "nowhere"}},
        {"activity": {"nowhere": Activity(("mTORC1_RHEB",))}},
        {"activity": {"mTORC1_active": Activity(("nowhere",))}},
        {"activity": {"mTORC1_active": Activity(("mTORC1_RHEB",), "nowhere")}},
        {"totals": ("nowhere",)},
        {"open_totals": ("nowhere",)},
        {"readouts": {**ROLES.readouts, "drug_medium": "nowhere"}},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_map_that_does_not_fit_is_an_error(wrong):
    with pytest.raises(ModelError, match="nowhere"):
        attach(library.network_sbml(), replace(ROLES, **wrong), [drugs.load("sirolimus")])


@pytest.mark.parametrize(
    "readouts",
    [{"drug_medium": "drug_medium"}, {**ROLES.readouts, "mTORC3": "drug_medium"}],
    ids=["too few", "too many"],
)
def test_map_needs_exactly_its_read_outs(readouts):
    with pytest.raises(ModelError, match="exactly FKBP12_drug, drug_medium, mTORC1_FRB"):
        attach(library.network_sbml(), replace(ROLES, readouts=readouts), CROWD)


def test_constant_that_the_reaction_lacks_is_an_error():
    # It would leave the cycle out of balance and say nothing.
    wrong = replace(ROLES, assembly={"assemble_mTORC1": "kdeg_MTOR"})
    with pytest.raises(ModelError, match="assemble_mTORC1 does not depend on kdeg_MTOR"):
        attach(library.network_sbml(), wrong, [drugs.load("sirolimus")])


@pytest.mark.parametrize("text", ["FKBP12: FKBP12", "[]", "", "compartments: {cell: cell}"])
def test_file_that_is_no_map_is_an_error(tmp_path, text):
    path = tmp_path / "roles.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"roles\.yaml"):
        load_roles(path)


def test_untreated_model_with_the_layer_rests_where_the_network_does():
    bare = engine(library.network_sbml()).steady_state(STILL)
    layered = Engine(crowd()).steady_state(STILL)
    assert {id: layered[id] for id in bare} == pytest.approx(bare, rel=1e-5, abs=1e-6)
