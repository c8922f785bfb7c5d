"""The model files: sound SBML, every number with a unit and an origin, every name known."""

import re

import libsbml
import numpy as np
import pytest
import yaml

from mtorsim import cells, drugs, library, perturbation
from mtorsim.check import check_file
from mtorsim.compile import compile_scenario, structure
from mtorsim.drug_layer import network_roles
from mtorsim.engine import Engine
from mtorsim.observables import OBSERVABLES
from mtorsim.paths import models_path
from mtorsim.scenario import Scenario
from mtorsim.steps import Run
from mtorsim.symbols import symbols

DRUGS = drugs.names()


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


@pytest.mark.parametrize("names", [(), *((name,) for name in DRUGS), DRUGS])
def test_network_with_drugs_is_sound_sbml_with_full_units(names):
    assert problems(structure(names)) == []


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


def test_every_quantity_has_a_value():
    # What is misspelt in a rate law becomes a parameter without one.
    model = library.read_sbml(structure(DRUGS)).getModel()
    made = {rule.getVariable() for rule in model.getListOfRules()}
    values = [one.getValue() for one in model.getListOfParameters() if one.getId() not in made]
    values += [one.getInitialConcentration() for one in model.getListOfSpecies()]
    values += [one.getSize() for one in model.getListOfCompartments()]
    assert len(values) > 250
    assert np.isfinite(values).all()
    assert min(values) >= 0


def test_stand_ins_of_lone_branches_are_not_in_the_network():
    assert "stands in for" in library.branch_text("akt")
    assert "stands in for" not in library.network_text()
    assert "import" not in re.sub(r"//.*", "", library.network_text())


def test_every_number_has_a_unit_a_confidence_and_an_origin():
    model = library.read_sbml(structure(DRUGS)).getModel()
    made = {rule.getVariable() for rule in model.getListOfRules()}
    bare = []
    for symbol in symbols(structure(DRUGS)).values():
        # Modified and bound forms start at zero and fill up in pre-equilibration.
        if symbol.id in made or (symbol.kind == "species" and symbol.value == 0):
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


def test_every_species_has_a_name_a_term_and_an_identifier():
    model = library.read_sbml(structure(DRUGS)).getModel()
    for species in model.getListOfSpecies():
        assert species.getName(), species.getId()
        assert species.getSBOTerm() >= 0, species.getId()
        assert symbols(structure(DRUGS))[species.getId()].identifiers, species.getId()


def test_every_reaction_has_a_term():
    model = library.read_sbml(structure(DRUGS)).getModel()
    assert [r.getId() for r in model.getListOfReactions() if r.getSBOTerm() < 0] == []


def test_identifiers_are_well_formed():
    form = re.compile(r"https?://identifiers\.org/(uniprot:[A-Z]\w{5}|CHEBI:\d+|GO:\d{7})$")
    odd = [
        (symbol.id, link)
        for symbol in symbols(structure(DRUGS)).values()
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


@pytest.mark.parametrize("name", perturbation.names())
def test_perturbation_changes_what_the_network_has(name):
    table = symbols()
    for change in perturbation.load(name).changes:
        assert table[change.target].kind in ("species", "parameter")
        # What changes on the way must not be a state that only a start value sets.
        if perturbation.load(name).timing == "acute":
            assert table[change.target].boundary or table[change.target].kind == "parameter"


@pytest.mark.parametrize("cell", cells.names())
def test_what_cells_and_perturbations_change_is_not_forgotten_at_rest(cell):
    # A start value of what is made and degraded would be; `set` refuses it.
    changed = {id: fact.value for id, fact in cells.load(cell).values.items()}
    for name in perturbation.names():
        changed |= {change.target: 1.0 for change in perturbation.load(name).changes}
    assert len(changed) > 5
    compile_scenario(Scenario(cell=cell, set=changed))


@pytest.mark.parametrize("names", [(), DRUGS], ids=["network", "with all drugs"])
def test_nothing_is_lost_or_made_on_the_way(tmp_path, names):
    (tmp_path / "model.xml").write_text(structure(names), encoding="utf-8")
    report = check_file(tmp_path / "model.xml")
    assert [str(found) for found in report.findings if found.severity != "note"] == []


def test_roles_name_parts_of_the_network():
    known = {*symbols(), *reactions()}
    text = models_path("roles.yaml").read_text(encoding="utf-8")
    named = set(flat(yaml.safe_load(text))) - {"cell", "medium"}
    assert named <= known


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


def flat(content):
    if isinstance(content, dict):
        for key, value in content.items():
            if isinstance(value, list | dict):
                yield from () if key in ROLE_KEYS else (key,)
                yield from flat(value)
            else:
                yield value
    elif isinstance(content, list):
        yield from content


ROLE_KEYS = {
    "compartments",
    "free_mTOR",
    "mTORC1",
    "closed_to_occupied",
    "weakened_in_occupied",
    "activity",
    "totals",
    "readouts",
}
