"""The model files: sound SBML, every number with a unit and an origin, every name known."""

import re
from functools import cache

import libsbml
import numpy as np
import pytest

from mtorsim import cells, drugs, library, perturbation, pharmacokinetics
from mtorsim.administration import analytes
from mtorsim.check import check_file
from mtorsim.compile import compile_scenario, structure
from mtorsim.derived import first_values, follows
from mtorsim.engine import Engine, engine
from mtorsim.ids import sid
from mtorsim.observables import OBSERVABLES
from mtorsim.paths import models_path
from mtorsim.roles import network_roles
from mtorsim.scenario import Scenario
from mtorsim.simulation import simulate
from mtorsim.steps import Run
from mtorsim.symbols import symbols

DRUGS = drugs.names()
IN_CELLS = tuple(n for n in perturbation.names() if perturbation.load(n).place == "cell")
IN_BODIES = tuple(n for n in perturbation.names() if perturbation.load(n).place == "body")
MUTANTS = tuple(n for n in perturbation.names() if perturbation.load(n).mutant is not None)
# Every mechanism, and every mutant; all drugs at once would be hundreds of species of the same.
CROWD = ("Ku-0063794", "RMC-5552", "sirolimus", "tacrolimus")
ALONE = [((), ()), *(((name,), ()) for name in DRUGS), *(((), (name,)) for name in MUTANTS)]
TOGETHER = [(CROWD, ()), (("everolimus", "sirolimus"), MUTANTS), (CROWD, MUTANTS[:1])]
with_parts = pytest.mark.parametrize(
    ("names", "mutants"), [*ALONE, *TOGETHER], ids=lambda parts: "+".join(parts) or "none"
)


def problems(sbml):
    document = library.read_sbml(sbml)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, True)
    document.checkConsistency()
    return [document.getError(i).getMessage() for i in range(document.getNumErrors())]


@pytest.mark.parametrize("branch", library.BRANCHES)
def test_branch_alone_is_sound_sbml(branch):
    assert problems(library.branch_sbml(branch)) == []


@pytest.mark.parametrize("branch", library.BRANCHES)
def test_branch_alone_simulates(branch):
    engine = Engine(library.branch_sbml(branch))
    values = engine.run(Run(np.array([0.0, 600.0])), engine.species)
    assert np.isfinite(values).all()
    assert (values >= -1e-6).all()


@with_parts
def test_network_with_drugs_is_sound_sbml_with_full_units(names, mutants):
    assert problems(structure(names, mutants)) == []


def test_network_is_level_3_version_2():
    document = library.read_sbml(library.network_sbml())
    assert (document.getLevel(), document.getVersion()) == (3, 2)


def assignments(text):
    code = re.sub(r"//.*|\"[^\"]*\"", "", text)
    return re.findall(r"(?m)(?:^|;)\s*(?:\w+:\s)?(\w+)\s*:?=(?!>)", code)


def repeated(found):
    return sorted({one for one in found if found.count(one) > 1})


def test_each_symbol_is_set_in_one_place():
    # On a second assignment Antimony silently keeps the last.
    found = assignments(library.network_text())
    assert len(found) > 150
    assert repeated(found) == []


def test_each_thing_is_said_once():
    # So it does with a second unit, name, note or term.
    code = re.sub(r"//.*|\"[^\"]*\"", "", library.network_text())
    words = "has|is|notes|identity|hasPart|description"
    said = re.findall(rf"(?m)(?:^|;)\s*(\w+) ({words})\b", code)
    terms = re.findall(r"(?m)(?:^|;)\s*(\w+)\.sboTerm", code)
    reactions = re.findall(r"(?m)(?:^|;)\s*(\w+):(?!=)", code)
    assert min(len(said), len(terms), len(reactions)) > 50
    assert [repeated(found) for found in (said, terms, reactions)] == [[], [], []]


@with_parts
def test_every_quantity_has_a_value(names, mutants):
    # What is misspelt in a rate law becomes a parameter without one.
    document = library.read_sbml(structure(names, mutants))
    model = document.getModel()
    made = {rule.getVariable() for rule in model.getListOfRules() if rule.isAssignment()}
    values = [one.getValue() for one in model.getListOfParameters() if one.getId() not in made]
    values += [one.getInitialConcentration() for one in model.getListOfSpecies()]
    values += [one.getSize() for one in model.getListOfCompartments()]
    assert len(values) > 200
    assert np.isfinite(values).all()
    assert min(values) >= 0


def test_stand_ins_of_lone_branches_are_not_in_the_network():
    assert "stands in for" in library.branch_text("akt")
    assert "stands in for" not in library.network_text()
    assert "import" not in re.sub(r"//.*", "", library.network_text())


@with_parts
def test_every_number_has_a_unit_a_confidence_and_an_origin(names, mutants):
    bare = []
    for symbol in symbols(structure(names, mutants)).values():
        # Modified and bound forms start at zero and fill up in pre-equilibration.
        if symbol.value is None or (symbol.kind == "species" and symbol.value == 0):
            continue
        if not (symbol.unit and symbol.confidence in "ABCD" and symbol.confidence and symbol.notes):
            bare.append(symbol.id)
    assert bare == []


def test_confidence_a_or_b_names_a_source():
    vague = [
        symbol.id
        for symbol in symbols().values()
        if symbol.confidence in ("A", "B") and "assumed" in symbol.notes
    ]
    assert vague == []


@with_parts
def test_every_species_has_a_name_a_term_and_an_identifier(names, mutants):
    document = library.read_sbml(structure(names, mutants))
    table = symbols(structure(names, mutants))
    unlisted = {name.replace("-", "_") for name in DRUGS if not drugs.load(name).identifiers}
    for species in document.getModel().getListOfSpecies():
        id = species.getId()
        assert species.getName(), id
        assert species.getSBOTerm() >= 0, id
        # A drug that no database lists has none; what it is bound to has.
        assert table[id].identifiers or id.removesuffix("_medium") in unlisted, id


@with_parts
def test_every_reaction_has_a_term(names, mutants):
    document = library.read_sbml(structure(names, mutants))
    reactions = document.getModel().getListOfReactions()
    assert [one.getId() for one in reactions if one.getSBOTerm() < 0] == []


@with_parts
def test_identifiers_are_well_formed(names, mutants):
    form = re.compile(
        r"https?://identifiers\.org/"
        r"(uniprot:[A-Z]\w{5}|CHEBI:\d+|GO:\d{7}|pubchem\.compound:\d+)$"
    )
    odd = [
        (symbol.id, link)
        for symbol in symbols(structure(names, mutants)).values()
        for link in symbol.identifiers
        if not form.match(link)
    ]
    assert odd == []


@pytest.mark.parametrize("name", cells.names())
def test_cell_sets_what_the_network_has(name):
    table = symbols()
    for id, fact in cells.load(name).values.items():
        assert table[id].kind in ("species", "parameter")
        assert fact.to(table[id].unit, id) >= 0


@pytest.mark.parametrize("name", IN_CELLS)
def test_perturbation_changes_what_the_network_has(name):
    mutants = (name,) if name in MUTANTS else ()
    table = symbols(structure((), mutants))
    for change in perturbation.load(name).changes:
        assert table[change.target].kind in ("species", "parameter")
        # What changes on the way must not be a state that only a start value sets.
        if perturbation.load(name).timing == "acute":
            assert table[change.target].boundary or table[change.target].kind == "parameter"


@pytest.mark.parametrize("cell", cells.names())
def test_what_cells_and_perturbations_change_is_not_forgotten_at_rest(cell):
    # A start value of what is made and degraded would be; `set` refuses it.
    changed = {id: fact.value for id, fact in cells.load(cell).values.items()}
    for name in IN_CELLS:
        changed |= {change.target: 0.2 for change in perturbation.load(name).changes}
    assert len(changed) > 5
    compile_scenario(Scenario(cell=cell, perturbations=MUTANTS, set=changed))


@pytest.mark.parametrize(("names", "mutants"), [((), ()), *TOGETHER], ids=str)
def test_nothing_is_lost_or_made_on_the_way(tmp_path, names, mutants):
    (tmp_path / "model.xml").write_text(structure(names, mutants), encoding="utf-8")
    report = check_file(tmp_path / "model.xml")
    assert [str(found) for found in report.findings if found.severity != "note"] == []


def test_roles_name_parts_of_the_network():
    known = {*symbols(), *reactions()}
    roles = network_roles()
    residuals = {one.residual for one in roles.activity.values()} - {None}
    named = {roles.cell, roles.medium, roles.FKBP12, roles.FKBP51, roles.Kd_ratio, *residuals}
    named |= {*roles.forms, *roles.totals, *roles.open_totals, *roles.readouts.values()}
    named |= {*roles.assembly, *roles.assembly.values(), *roles.activity}
    named |= {form for one in roles.activity.values() for form in one.forms}
    assert named <= known


def test_every_form_of_mtor_is_in_the_roles():
    document = library.read_sbml(library.network_sbml())
    rule = document.getModel().getAssignmentRuleByVariable("MTOR_total").getMath()
    terms = libsbml.formulaToL3String(rule).split(" + ")
    assert sorted(terms) == sorted(network_roles().forms)


def test_every_form_of_mtorc1_is_in_the_roles():
    model = library.read_sbml(library.network_sbml()).getModel()
    rule = libsbml.formulaToL3String(model.getAssignmentRuleByVariable("mTORC1").getMath())
    assert set(rule.split(" + ")) == set(network_roles().mTORC1)


def test_observables_are_in_the_network():
    kinds = {id: symbols()[id].kind for id in OBSERVABLES}
    assert set(kinds.values()) <= {"species", "observable"}


def reactions():
    model = library.read_sbml(library.network_sbml()).getModel()
    return {reaction.getId() for reaction in model.getListOfReactions()}


# -- pharmacokinetics ------------------------------------------------------------------------------

KINETICS = {species: [] for species in pharmacokinetics.SPECIES}
for _species, _one in pharmacokinetics.pairs():
    KINETICS[_species].append(_one.name)
FILES = sorted(path.stem for path in models_path("pharmacokinetics").glob("*.ant"))
GIVEN = [(species, (name,)) for species, names in KINETICS.items() for name in names]
GIVEN += [(species, tuple(names)) for species, names in KINETICS.items()]
with_body = pytest.mark.parametrize(
    ("species", "given"), GIVEN, ids=lambda one: one if isinstance(one, str) else "+".join(one)
)


def whole(species, given):
    """The network with the drugs that appear in a body, and that body."""
    return structure(analytes(given, species), (), species, given)


def sids(names):
    return tuple(sid(name) for name in names)


@cache
def file_alone(name):
    return library.load_file(models_path("pharmacokinetics", f"{name}.ant"))


def test_every_drug_with_pharmacokinetics_has_its_files():
    assert sorted({*library.BODIES, *pharmacokinetics.names()}) == FILES
    assert all(KINETICS.values())


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_pharmacokinetics_is_sound_sbml_alone(name):
    assert problems(file_alone(name)) == []


@pytest.mark.parametrize("name", pharmacokinetics.names())
def test_a_drug_file_alone_is_what_a_body_gets(name):
    alone = library.read_sbml(file_alone(name)).getModel()
    for species in (one for one in KINETICS if name in KINETICS[one]):
        joined = library.read_sbml(library.body_sbml(species, (name,))).getModel()
        for kind in ("Reactions", "Species", "Parameters", "Compartments", "Rules"):
            lists = [getattr(one, f"getListOf{kind}")() for one in (alone, joined)]
            ids = [[one.getId() or one.getVariable() for one in found] for found in lists]
            assert sorted(ids[0]) == sorted(ids[1])


@pytest.mark.parametrize("name", FILES)
def test_everything_in_a_body_has_unit_name_and_origin(name):
    table = symbols(file_alone(name))
    derived = follows(file_alone(name))
    for id, one in table.items():
        assert one.unit, id
        assert one.name != id or one.kind == "species", id
        # What follows from other values by a formula shows that formula.
        if one.kind != "observable" and not (one.kind == "compartment" and id in derived):
            assert one.confidence in "ABCD", id
            assert one.confidence, id
            assert one.notes, id
        if one.confidence in ("A", "B"):
            assert "assumed" not in one.notes, id


def test_bodies_have_the_same_ids_in_the_same_units():
    human, mouse = (symbols(file_alone(species)) for species in ("human", "mouse"))
    assert len(human) >= 7
    keys = ("id", "kind", "unit", "name")
    first, second = (
        [[getattr(one, k) for k in keys] for one in t.values()] for t in (human, mouse)
    )
    assert sorted(first) == sorted(second)
    assert human["body_weight"].value > 1000 * mouse["body_weight"].value


@pytest.mark.parametrize("species", KINETICS)
def test_in_a_body_each_symbol_is_set_and_each_thing_said_once(species):
    files = library.body_files(species, KINETICS[species])
    paths = [models_path("pharmacokinetics", f"{name}.ant") for name in files]
    text = "\n".join(
        [library.network_text(), *(path.read_text(encoding="utf-8") for path in paths)]
    )
    code = re.sub(r"//.*|\"[^\"]*\"", "", re.sub(r"(?m)^import .*$", "", text))
    found = assignments(re.sub(r"(?m)^compartment ", "", code))
    said = re.findall(r"(?m)(?:^|;)\s*(\w+) (has|is|notes|identity|hasPart|description)\b", code)
    terms = re.findall(r"(?m)(?:^|;)\s*(\w+)\.sboTerm", code)
    reactions = re.findall(r"(?m)(?:^|;)\s*(\w+):(?!=)", code)
    assert [repeated(one) for one in (found, said, terms, reactions)] == [[], [], [], []]


@with_body
def test_network_with_a_body_is_sound_sbml_with_full_units(species, given):
    assert problems(whole(species, given)) == []


@with_body
def test_every_quantity_of_a_body_has_a_value(species, given):
    sbml = whole(species, given)
    first = first_values({}, sbml)
    assert len(first) > 3
    for id, one in symbols(sbml).items():
        if one.kind != "observable":
            value = first.get(id, one.value)
            assert np.isfinite(value), id
            assert value > 0 or one.kind != "compartment", id
            assert value >= 0, id


@with_body
def test_every_species_and_reaction_of_a_body_has_a_name_and_a_term(species, given):
    model = library.read_sbml(whole(species, given)).getModel()
    table = symbols(whole(species, given))
    several = {"metabolites", "faeces", "urine"}  # of all drugs together
    for one in model.getListOfSpecies():
        assert one.getName(), one.getId()
        assert one.getSBOTerm() >= 0, one.getId()
        assert table[one.getId()].identifiers or one.getId() in several, one.getId()
    assert [one.getId() for one in model.getListOfReactions() if one.getSBOTerm() < 0] == []


@with_body
def test_what_is_measured_in_a_body_can_be_read(species, given):
    table = symbols(whole(species, given))
    for name in analytes(given, species):
        matrix = pharmacokinetics.load(given[0], species).matrix if len(given) == 1 else "plasma"
        for place in (matrix, "plasma", "interstitium", "tumour"):
            assert table[f"{sid(name)}_{place}"].unit == "nM"


@with_body
def test_a_body_holds_what_it_is_given_by_the_ways_it_is_given(species, given):
    table = symbols(library.body_sbml(species, given))
    places = {"IV bolus": "plasma", "IP": "peritoneum", "PO": "gut"}
    for name in given:
        for route in pharmacokinetics.load(name, species).subjects[species].routes:
            id = f"infusion_rate_{sid(name)}" if route == "IV" else f"{sid(name)}_{places[route]}"
            assert id in table


@with_body
def test_a_body_loses_drug_into_metabolites_only(species, given):
    # From a micromolar wherever each drug can be given.
    sbml = library.body_sbml(species, given)
    runner = engine(sbml)
    model = library.read_sbml(sbml).getModel()
    first = first_values({}, sbml)
    home = {one.getId(): one.getCompartment() for one in model.getListOfSpecies()}
    volume = {id: first.get(id, model.getCompartment(id).getSize()) for id in home.values()}
    places = ("plasma", "peritoneum", "gut")
    start = {id: 1000.0 for id in home if id.endswith(places) and id.startswith(sids(given))}
    assert len(start) > len(given)
    ids = [id for id in home if id != "FKBP12_blood"]
    values = runner.run(Run(np.linspace(0, 20_160, 15), start=first | start), ids)
    amounts = values * [volume[home[id]] for id in ids]
    total = amounts.sum(axis=1)
    assert total == pytest.approx(np.full(15, total[0]), rel=1e-6)
    out = dict(zip(ids, amounts.T, strict=True))
    assert (np.diff(out["faeces"]) > 0).all()
    assert out["metabolites"][0] == 0


@pytest.mark.parametrize("name", IN_BODIES)
@pytest.mark.parametrize("species", KINETICS)
def test_perturbation_changes_what_a_body_has(name, species):
    assert perturbation.load(name).timing == "chronic"
    for change in perturbation.load(name).changes:
        for given in KINETICS[species]:
            assert symbols(library.body_sbml(species, (given,)))[change.target].kind == "parameter"
        assert change.target not in symbols()


def test_modifiers_of_bodies_are_among_the_perturbations():
    assert {"ketoconazole", "rifampin"} <= {*IN_BODIES}


# -- HIF and VEGF, by hand -------------------------------------------------------------------------


@cache
def alone(branch):
    return Engine(library.branch_sbml(branch)), symbols(library.branch_sbml(branch))


def at_rest(settings, ids):
    engine, _ = alone("hif_vegf")
    rest = engine.steady_state(settings)
    return dict(zip(ids, engine.run(Run(np.zeros(1), settings, rest), ids)[0], strict=True))


@pytest.mark.parametrize("VHL", [0.0, 100.0])  # nM
@pytest.mark.parametrize("O2", [0.0, 9_500.0, 200_000.0])  # nM
def test_hif_rests_where_translation_hydroxylation_and_degradation_meet(O2, VHL):
    table = alone("hif_vegf")[1]
    v = {id: symbol.value for id, symbol in table.items()} | {"O2": O2, "VHL": VHL}
    ids = [f"HIF{n}A_{form}" for n in "12" for form in ("unmodified", "hydroxylated")]
    ids += ["HIF1A", "HIF2A", "REDD1", "HIF1A_transactivation", "HIF_transactivation"]
    ids += ["make_HIF1A", "make_HIF2A"]
    end = at_rest({"O2": O2, "VHL": VHL}, ids)
    hydroxylation = v["khydroxylation_HIF_by_EGLN1"] * v["EGLN1"] * O2 / (v["Km_O2_EGLN1"] + O2)
    for n in "12":
        made = end[f"make_HIF{n}A"] / v["cell"]
        assert made > 0
        slow = v["kdeg_HIF"] + (v["kdeg_HIF1A_by_ULK1"] * v["ULK1"] if n == "1" else 0)
        unmodified = made / (hydroxylation + slow)
        hydroxylated = hydroxylation * unmodified / (v["kdeg_HIF_by_VHL"] * VHL + slow)
        assert end[f"HIF{n}A_unmodified"] == pytest.approx(unmodified, rel=1e-6)
        assert end[f"HIF{n}A_hydroxylated"] == pytest.approx(hydroxylated, rel=1e-6, abs=1e-6)
        assert end[f"HIF{n}A"] == pytest.approx(unmodified + hydroxylated, rel=1e-6)
    fih = v["Km_O2_HIF1AN"] / (v["Km_O2_HIF1AN"] + O2)
    each = v["activity_HIF_basal"] + v["activity_HIF_by_HIF1AN_loss"] * fih
    assert end["HIF1A_transactivation"] == pytest.approx(each * end["HIF1A"], rel=1e-9)
    both = each * (end["HIF1A"] + end["HIF2A"])
    assert end["HIF_transactivation"] == pytest.approx(both, rel=1e-9)
    active = end["HIF1A_transactivation"]
    induced = v["ksyn_REDD1_by_HIF"] * active / (v["Km_HIF1A_REDD1"] + active)
    REDD1 = (v["ksyn_REDD1_basal"] + induced) / v["kdeg_REDD1"]
    assert end["REDD1"] == pytest.approx(REDD1, rel=1e-6)


@pytest.mark.parametrize("cell", cells.names())
def test_no_message_no_protein(cell):
    baseline = simulate(cell=cell, duration="1 min", observe=["HIF1A", "HIF2A"]).baseline
    values = cells.load(cell).values
    for messages, protein in (("HIF1A_mRNA", "HIF1A"), ("EPAS1_mRNA", "HIF2A")):
        lost = messages in values and values[messages].value == 0
        assert (baseline[protein] < 1e-6) == lost


def test_a_cell_without_the_gene_of_hif1_is_among_the_cells():
    found = [c for c in cells.names() if "HIF1A_mRNA" in cells.load(c).values]
    assert [c for c in found if cells.load(c).values["HIF1A_mRNA"].value == 0]


@pytest.mark.parametrize("oxygen", ["O2", "EGLN1"])
def test_without_oxygen_or_phd2_nothing_is_hydroxylated(oxygen):
    run = simulate(set={oxygen: 0}, duration="1 min", observe=["HIF2A", "HIF2A_hydroxylated"])
    assert run.baseline["HIF2A_hydroxylated"] == pytest.approx(0, abs=1e-6)
    assert run.baseline["HIF2A"] > 1


def test_without_vhl_hif_goes_at_the_pace_of_slow_turnover():
    engine, table = alone("hif_vegf")
    settings = {"VHL": 0.0, "ktranslation_HIF1A": 0.0, "ktranslation_HIF2A": 0.0}
    start = dict.fromkeys(("HIF1A_unmodified", "HIF2A_unmodified"), 100.0)
    slow = table["kdeg_HIF"].value
    faster = slow + table["kdeg_HIF1A_by_ULK1"].value * table["ULK1"].value
    for id, rate in (("HIF1A", faster), ("HIF2A", slow)):
        half_life = np.log(2) / rate
        left = engine.run(Run(np.array([0.0, half_life]), settings, start), [id])
        assert left[:, 0] == pytest.approx([100, 50], rel=1e-6)


def test_what_the_cell_secretes_is_in_the_medium():
    engine, table = alone("hif_vegf")
    settings = {"kloss_VEGF": 0.0, "ktranslation_VEGF_basal": 0.0, "ktranslation_VEGF_by_eIF4F": 0}
    run = Run(np.array([0.0, 5000.0]), settings, {"VEGF": 1000.0})
    inside, outside = engine.run(run, ["VEGF", "VEGF_secreted"])[-1]
    assert inside == pytest.approx(0, abs=1e-6)
    assert outside == pytest.approx(1000 * table["cell"].value / table["medium"].value, rel=1e-6)


# -- cell fate, by hand ----------------------------------------------------------------------------

FATE = ("growth_rate", "cell_number", "log_cell_number", "viability", "ATP_signal", "ATP_per_cell")
DAYS = np.arange(0, 4.5, 0.5) * 1440


@cache
def untreated(cell):
    return simulate(cell=cell, duration="4 d", times=DAYS, observe=FATE)


@pytest.mark.parametrize("cell", cells.names())
def test_the_population_begins_to_grow_at_time_zero(cell):
    run = untreated(cell)
    assert run.rest["log_cell_number"] == 0
    assert run["cell_number"].to_numpy()[0] == 1
    assert run.baseline["cell_number"] == 1


@pytest.mark.parametrize("cell", cells.names())
def test_untreated_cells_are_viable_and_double_at_their_rate(cell):
    run = untreated(cell)
    rate = run["growth_rate"].to_numpy()[0]
    assert run["viability"].to_numpy() == pytest.approx(1, rel=1e-5)
    assert run["ATP_per_cell"].to_numpy() == pytest.approx(run.baseline["ATP_per_cell"], rel=1e-5)
    doublings = DAYS * rate / np.log(2)  # the doubling time is ln 2 over the rate
    assert run["cell_number"].to_numpy() == pytest.approx(2**doublings, rel=1e-5)
    assert run.rest["growth_rate_untreated"] == pytest.approx(rate, rel=1e-7)


def test_viability_compares_with_untreated_cells_at_the_same_time():
    treated = simulate(
        cell="PC-3", drugs={"sirolimus": "20 nM"}, duration="4 d", times=DAYS, observe=FATE
    )
    ratio = treated["ATP_signal"].to_numpy() / untreated("PC-3")["ATP_signal"].to_numpy()
    assert treated["viability"].to_numpy() == pytest.approx(ratio, rel=1e-5)
    product = treated["cell_number"].to_numpy() * treated["ATP_per_cell"].to_numpy()
    assert treated["ATP_signal"].to_numpy() == pytest.approx(product, rel=1e-9)
    assert ratio[-1] < 0.9


def test_number_grows_by_proliferation_less_death():
    times = np.arange(0, 5761.0, 10)
    ids = ["log_cell_number", "proliferation_rate", "death_rate"]
    drug = {"AZD8055": "300 nM"}
    run = simulate(cell="PC-3", drugs=drug, duration="4 d", times=times, observe=ids)
    number, births, deaths = (run[id].to_numpy() for id in ids)
    net = births - deaths
    summed = np.append(0, np.cumsum((net[1:] + net[:-1]) / 2) * 10)
    assert number == pytest.approx(summed, abs=1e-4)
    assert np.ptp(net) > 1e-5  # the drug acts
    assert np.ptp(deaths) > 1e-6


def test_cells_that_never_leave_g1_die_at_the_rate_of_death():
    engine, table = alone("cell_fate")
    v = {id: symbol.value for id, symbol in table.items()}
    weak = v["Km_AKT_survival"] / (v["Km_AKT_survival"] + v["AKT_active"])
    rate = v["kdeath_basal"] + v["kdeath_without_AKT"] * weak
    run = Run(np.array([0.0, 2880.0]), {"kG1_exit_max": 0.0}, {"G1_fraction": 1.0})
    number, share = engine.run(run, ["cell_number", "G1_fraction"])[-1]
    assert number == pytest.approx(np.exp(-2880 * rate), rel=1e-6)
    assert share == pytest.approx(1, rel=1e-6)


def test_share_in_g1_is_that_of_two_phases_in_balanced_growth():
    # G1: x; the rest: 1 - x. One division makes two cells in G1, and all shares thin out alike:
    # 2*d*(1 - x) = e*x + d*(1 - x)*x.
    engine, table = alone("cell_fate")
    still = {"population_growth": 0.0}
    rest = engine.steady_state(still)
    leaving = engine.run(Run(np.zeros(1), still, rest), ["kG1_exit"])[0, 0]
    division = table["kdivision"].value
    half = 3 + leaving / division
    assert rest["G1_fraction"] == pytest.approx((half - np.sqrt(half**2 - 8)) / 2, rel=1e-7)


def test_ulk1_is_free_where_mtorc1_is_not_active():
    engine, table = alone("cell_fate")
    held = table["kphos_ULK1_by_mTORC1"].value * table["mTORC1_active"].value
    freed = table["kdephos_ULK1"].value
    rest = engine.steady_state({"population_growth": 0.0})
    total = table["ULK1"].value + table["ULK1_pSer757"].value
    assert rest["ULK1"] == pytest.approx(total * freed / (held + freed), rel=1e-7)
    assert rest["ULK1"] + rest["ULK1_pSer757"] == pytest.approx(total, rel=1e-7)


@pytest.mark.parametrize("cell", cells.names())
def test_cell_doubles_in_its_published_time(cell):
    observe = ["growth_rate", "G1_fraction"]
    rest = simulate(cell=cell, drugs={}, duration="1 min", observe=observe).baseline
    doubling = cells.load(cell).doubling_time
    if doubling is None:
        assert rest["G1_fraction"] == pytest.approx(1, abs=1e-6)
        return
    hours = np.log(2) / rest["growth_rate"] / 60
    assert hours == pytest.approx(doubling.value, rel=5e-3)
