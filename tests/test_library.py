"""The model files, joined and alone; models of others, and what is wrong with them."""

import locale
import re
import shutil
import subprocess
from functools import cache

import libsbml
import numpy as np
import pytest

from mtorsim import library
from mtorsim.engine import Engine
from mtorsim.errors import ModelError, UnknownIdError
from mtorsim.paths import models_path
from mtorsim.steps import Run
from mtorsim.symbols import symbols

DECAY = "compartment cell; cell = 0.5; species X in cell; X = 1.5; J: X => ; cell*k*X; k = 0.25"


@cache
def document(sbml):
    return library.read_sbml(sbml)  # kept: its parts do not keep it alive


def model(sbml):
    return document(sbml).getModel()


def reactions(sbml):
    return [reaction.getId() for reaction in model(sbml).getListOfReactions()]


def stand_ins(branch):
    """Ids that a branch file gives a value only for the case that it is opened alone."""
    text = library.branch_text(branch)
    start, end = "// --- standalone inputs", "// --- end of standalone inputs"
    inside = text.partition(start)[2].partition(end)[0]
    return set(re.findall(r"(?m)^(\w+) = ", inside))


# --- branches and network -------------------------------------------------------------------------


def test_every_branch_file_is_joined():
    files = {path.stem for path in models_path("cell.ant").parent.glob("*.ant")}
    assert files == {"cell", "units", *library.BRANCHES}


def test_stand_ins_belong_to_other_branches():
    owners = {id: symbol.branch for id, symbol in symbols().items()}
    found = {branch: stand_ins(branch) for branch in library.BRANCHES}
    assert sum(map(len, found.values())) >= 8
    for branch, ids in found.items():
        assert {owners[id] for id in ids}.isdisjoint({branch, "cell", "drug layer"})


@pytest.mark.parametrize("branch", library.BRANCHES)
def test_stand_ins_are_constant_alone_and_not_in_the_network(branch):
    alone = model(library.branch_sbml(branch))
    network = model(library.network_sbml())
    for id in stand_ins(branch):
        here, joined = alone.getElementBySId(id), network.getElementBySId(id)
        assert "stands in for" in here.getNotesString()
        assert "stands in for" not in joined.getNotesString()
        assert alone.getAssignmentRuleByVariable(id) is None
        assert isinstance(here, libsbml.Parameter) or here.getBoundaryCondition()


@pytest.mark.parametrize("branch", library.BRANCHES)
def test_a_branch_brings_all_its_own_to_the_network(branch):
    alone, network = model(library.branch_sbml(branch)), model(library.network_sbml())
    for reaction in alone.getListOfReactions():
        same = network.getReaction(reaction.getId())
        laws = [libsbml.formulaToL3String(r.getKineticLaw().getMath()) for r in (reaction, same)]
        assert laws[0] == laws[1]
    own = {s.getId() for s in alone.getListOfSpecies()} - stand_ins(branch)
    for id in own:
        one, other = alone.getSpecies(id), network.getSpecies(id)
        assert one.getInitialConcentration() == other.getInitialConcentration()
        assert one.getBoundaryCondition() == other.getBoundaryCondition()


def test_the_network_has_no_reaction_beyond_its_branches():
    alone = {id for branch in library.BRANCHES for id in reactions(library.branch_sbml(branch))}
    joined = reactions(library.network_sbml())
    assert len(joined) == len(set(joined))
    assert set(joined) == alone


def test_a_branch_file_opens_by_its_path_as_anyone_would():
    sbml = library.load_file(models_path("akt.ant"))
    assert model(sbml).getSpecies("AKT_pThr308") is not None
    assert model(sbml).getCompartment("medium") is not None  # through its import


# --- bodies ---------------------------------------------------------------------------------------


def test_a_drug_brings_the_files_that_it_imports():
    of = library.body_files
    assert of("human", ["everolimus"]) == ("human", "body", "everolimus")
    assert of("mouse", ["temsirolimus"]) == ("mouse", "body", "sirolimus", "temsirolimus")
    both = of("human", ["temsirolimus", "sirolimus", "everolimus"])
    assert both == ("human", "body", "sirolimus", "temsirolimus", "everolimus")


@pytest.mark.parametrize(("species", "weight"), [("human", 70), ("mouse", 0.02)])  # kg
def test_a_body_has_the_numbers_of_its_species(species, weight):
    for sbml in (
        library.body_sbml(species, ("temsirolimus",)),
        library.network_sbml(species, ("temsirolimus",)),
    ):
        assert model(sbml).getParameter("body_weight").getValue() == weight
        assert model(sbml).getId().endswith(f"_{species}")


def test_a_body_beside_the_cell_takes_nothing_from_it_and_adds_itself():
    bare, body = library.network_sbml(), library.body_sbml("human", ("everolimus",))
    joined = library.network_sbml("human", ("everolimus",))
    assert sorted(reactions(joined)) == sorted([*reactions(bare), *reactions(body)])
    assert library.network_sbml() is library.network_sbml("", ())


def test_a_file_of_a_body_opens_by_its_path_as_anyone_would():
    path = models_path("pharmacokinetics", "temsirolimus.ant")
    alone = model(library.load_file(path))
    assert alone.getSpecies("sirolimus_plasma") is not None  # through its import
    assert alone.getParameter("body_weight") is not None


def test_summary_is_the_first_sentence_of_the_file():
    for branch in library.BRANCHES:
        summary = library.branch_summary(branch)
        assert summary[0] not in " /"
        assert not summary.startswith(branch)


def test_unknown_branch_names_the_closest():
    with pytest.raises(UnknownIdError, match="'s6k1'"):
        library.branch_text("S6K-1")


# --- models of others -----------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["plain", "with a byte order mark"])
@pytest.mark.parametrize("form", ["ant", "xml"])
def test_a_file_of_someone_else(tmp_path, form, start):
    text = DECAY if form == "ant" else library.antimony_to_sbml(DECAY)
    path = tmp_path / f"their.{form}"
    path.write_text(start + text, encoding="utf-8")
    values = Engine(library.load_file(path)).run(Run(np.array([0.0, 4.0])), ["X"])
    assert values[:, 0] == pytest.approx([1.5, 1.5 * np.exp(-1)], rel=1e-6)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"species (", "line 1"),
        (b"k = 1\nk = = 2", "line 2"),
        ("k = 1 µ".encode(), "line 1"),  # Antimony's message ends within the letter
        (b"\xff\xfe", "UTF-8"),
        (b"<sbml", "not well-formed XML"),
        (b"<html></html>", "SBML"),
        (b'import "nowhere.ant"\nk = 1', "nowhere.ant"),
    ],
)
def test_a_file_that_is_no_model(tmp_path, content, match):
    path = tmp_path / "their.model"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=match) as caught:
        library.load_file(path)
    assert "their.model" in str(caught.value)


@pytest.mark.parametrize("name", ["missing.xml", ".", "a\0b"])
def test_a_file_that_cannot_be_read(tmp_path, name):
    with pytest.raises(ModelError, match="cannot read"):
        library.load_file(f"{tmp_path}/{name}")


def test_one_model_leaves_nothing_for_the_next():
    uses = "model two\n A: one()\nend"
    both = "model one\n a = 1\nend\n" + uses
    assert model(library.antimony_to_sbml(both)).getNumParameters() == 1
    with pytest.raises(ModelError, match="line 2"):
        library.antimony_to_sbml(uses)


def test_text_goes_to_sbml_and_back():
    text = library.sbml_to_antimony(library.antimony_to_sbml(DECAY))
    again = model(library.antimony_to_sbml(text))
    assert again.getParameter("k").getValue() == 0.25
    assert again.getSpecies("X").getInitialConcentration() == 1.5


@pytest.fixture
def decimal_comma(tmp_path, monkeypatch):
    """A process that writes 0,5 for a half, in a locale built for the purpose."""
    if (localedef := shutil.which("localedef")) is None:
        pytest.skip("no localedef here")
    made = subprocess.run(
        [localedef, "-i", "de_DE", "-f", "UTF-8", tmp_path / "de_DE.UTF-8"],
        check=False,
        capture_output=True,
    )
    if made.returncode:
        pytest.skip("no locale sources here")
    monkeypatch.setenv("LOCPATH", str(tmp_path))
    before = locale.setlocale(locale.LC_ALL)
    locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
    yield
    locale.setlocale(locale.LC_ALL, before)


@pytest.mark.usefixtures("decimal_comma")
def test_numbers_survive_a_decimal_comma():
    assert locale.localeconv()["decimal_point"] == ","
    sbml = library.antimony_to_sbml(DECAY)
    assert model(sbml).getParameter("k").getValue() == 0.25
    assert "k = 0.25" in library.sbml_to_antimony(sbml)
    values = Engine(sbml).run(Run(np.array([0.0, 4.0])), ["X"])
    assert values[:, 0] == pytest.approx([1.5, 1.5 * np.exp(-1)], rel=1e-6)
    assert locale.localeconv()["decimal_point"] == ","  # the user's, as before
