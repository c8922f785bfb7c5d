"""SED-ML and COMBINE archives, and what every export carries beside its numbers."""

import io
import re
import zipfile
from collections import Counter
from functools import cache

import libcombine
import libsbml
import libsedml
import numpy as np
import pytest
import roadrunner

import mtorsim as mt
from mtorsim import library
from mtorsim.annotation import parameter_name
from mtorsim.check import check_file
from mtorsim.errors import InputError
from mtorsim.export import omex, sedml

SCENARIOS = {
    "dish": {
        "drugs": [mt.Treatment("temsirolimus", mt.Constant("20 nM", stop="6 h"))],
        "stimuli": {"insulin": "10 nM"},
        "duration": "12 h",
    },
    "mutant": {
        "perturbations": ["MTOR_F2108L"],
        "drugs": {"RapaLink-1": "10 nM"},
        "duration": "6 h",
    },
    "body": {"drugs": {"temsirolimus": "25 mg IV weekly x2", "everolimus": "10 mg PO daily x7"}},
}
NAMES = [*SCENARIOS]


def scenario(name, **changes):
    return mt.Scenario(**SCENARIOS[name] | changes)


@cache
def document(name):
    return library.read_sbml(mt.export_sbml(scenario(name)))


# -- the model -------------------------------------------------------------------------------------


def elements(name):
    model = document(name).getModel()
    return {
        "compartments": model.getListOfCompartments(),
        "species": model.getListOfSpecies(),
        "parameters": model.getListOfParameters(),
        "reactions": model.getListOfReactions(),
        "events": model.getListOfEvents(),
    }


@pytest.mark.parametrize("name", NAMES)
def test_everything_has_a_name_a_unit_and_a_term(name, record_figures):
    found = elements(name)
    for kind, members in found.items():
        assert [one.getId() for one in members if not one.getName()] == []
        if kind != "events":
            assert [one.getId() for one in members if not one.isSetSBOTerm()] == []
    for kind in ("compartments", "parameters"):
        assert [one.getId() for one in found[kind] if not one.isSetUnits()] == []
    # A species is counted in the substance of the model per volume of its compartment.
    assert document(name).getModel().isSetSubstanceUnits()
    identified = [one for one in found["species"] if one.getNumCVTerms()]
    record_figures(
        f"export of {name}: "
        + ", ".join(f"{len(members)} {kind}" for kind, members in found.items())
        + f"; all named, with units; {len(identified)} species with identifiers"
    )


@pytest.mark.parametrize("name", NAMES)
def test_species_without_an_identifier_are_known(name):
    """Pools that nobody catalogues, and RapaLink-1."""
    nameless = {one.getId() for one in elements(name)["species"] if not one.getNumCVTerms()}
    assert nameless <= {"metabolites", "faeces", "urine", "RapaLink_1", "RapaLink_1_medium"}


@pytest.mark.parametrize("name", NAMES)
def test_identifiers_are_of_one_form(name):
    """Compact identifiers, or a DOI: https://identifiers.org/uniprot:P62942."""
    links = re.findall(r'rdf:resource="([^"]*)"', mt.export_sbml(scenario(name)))
    form = re.compile(r"https://identifiers\.org/[\w.]+:\w+(-\w+)?|https://doi\.org/10\.\S+")
    assert [one for one in links if not form.fullmatch(one)] == []
    assert len({*links}) > 50


@pytest.mark.parametrize("name", NAMES)
def test_a_term_is_one_of_quantities_for_a_parameter(name):
    for one in elements(name)["parameters"]:
        assert libsbml.SBO.isQuantitativeParameter(one.getSBOTerm()), one.getId()


@pytest.mark.parametrize(
    ("id", "name"),
    [
        ("kphos_S6K1_by_mTORC1", "phosphorylation of S6K1 by mTORC1"),
        ("Kd_FRB_FKBP12_sirolimus", "dissociation constant of FRB FKBP12 sirolimus"),
        ("kactivate_RAG", "activation of RAG"),
        ("size_by_ribosome", "size by ribosome"),
    ],
)
def test_ids_of_parameters_are_read_as_words(id, name):
    assert parameter_name(id) == name


def test_a_model_says_who_made_it_when_and_from_what():
    model = document("dish").getModel()
    history = model.getModelHistory()
    assert history.getCreator(0).getOrganisation() == "mtorsim"
    assert history.getCreatedDate().getDateAsString().startswith("20")
    notes = model.getNotesString()
    assert f"mtorsim {mt.__version__}" in notes
    assert scenario("dish").drugs[0].in_words() in notes
    assert notes.count("SHA-256") == 2


def test_the_hash_in_the_notes_tells_scenarios_apart():
    one = mt.export_sbml(scenario("dish"))
    same = mt.export_sbml(scenario("dish"))
    other = mt.export_sbml(scenario("dish", stimuli={"insulin": "11 nM"}))
    hashes = [text[text.index("SHA-256 of the scenario") :][:90] for text in (one, same, other)]
    assert one == same
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("name", ["dish", "mutant"])  # of bodies: tests/test_export.py
@pytest.mark.parametrize(("ending", "write"), [("xml", "sbml"), ("ant", "antimony")])
def test_an_export_has_no_fault_and_loads_again_with_the_same_curves(name, ending, write, tmp_path):
    """Units included; then it is read back, and written and read once more."""
    path = tmp_path / f"model.{ending}"
    getattr(mt, f"export_{write}")(scenario(name), path)
    assert [str(one) for one in check_file(path).findings if one.severity != "note"] == []
    once = library.load_file(path)
    twice = library.antimony_to_sbml(library.sbml_to_antimony(once))
    result = mt.simulate(scenario(name))
    own = np.stack([result.column(id) for id in result.ids], axis=1)
    scale = np.abs(own).max(axis=0) + 1e-6
    between = ~np.isin(result.time, [step.time for step in result.compiled.steps])
    for sbml in (once, twice):
        apart = np.abs(curves(sbml, result) - own) / scale
        assert apart[between].max() < 1e-4


def curves(sbml, result):
    runner = roadrunner.RoadRunner(sbml)
    runner.integrator.relative_tolerance = 1e-8
    runner.integrator.absolute_tolerance = 1e-20
    species = {*runner.model.getFloatingSpeciesIds()}
    runner.timeCourseSelections = [f"[{id}]" if id in species else id for id in result.ids]
    return np.array(runner.simulate(times=result.time.tolist()))


def test_tellurium_gets_the_model():
    pytest.importorskip("tellurium")
    runner = mt.to_tellurium(scenario("dish"))
    assert "S6K1_pT389" in runner.model.getGlobalParameterIds()
    assert runner.model.getNumEvents() == 1


# -- SED-ML ----------------------------------------------------------------------------------------


@cache
def experiment(name):
    text = mt.export_sedml(scenario(name))
    return libsedml.readSedMLFromString(text)


@pytest.mark.parametrize("name", NAMES)
def test_libsedml_finds_no_fault(name):
    one = experiment(name)
    assert (one.getLevel(), one.getVersion()) == (1, 4)
    assert [one.getError(k).getMessage() for k in range(one.getNumErrors())] == []


def test_sedml_says_solver_tolerances_and_times():
    course = experiment("dish").getSimulation(0)
    algorithm = course.getAlgorithm()
    assert algorithm.getKisaoID() == "KISAO:0000019"  # CVODE
    given = {
        one.getKisaoID(): float(one.getValue()) for one in algorithm.getListOfAlgorithmParameters()
    }
    assert given["KISAO:0000209"] == 1e-8
    # 1e-8 nM in a cell of 2 pL, in nmol.
    assert given["KISAO:0000211"] == pytest.approx(2e-20)
    assert course.getOutputEndTime() == 720
    assert course.getNumberOfSteps() == 720


@pytest.mark.parametrize("name", NAMES)
def test_a_report_holds_every_read_out_and_plots_draw_each(name):
    one = experiment(name)
    ids = mt.simulate(scenario(name)).ids
    outputs = {output.getId(): output for output in one.getListOfOutputs()}
    labels = [row.getLabel() for row in outputs.pop("report").getListOfDataSets()]
    assert labels == ["time", *ids]
    drawn = Counter(
        curve.getYDataReference().split("_", 1)[1]
        for plot in outputs.values()
        for curve in plot.getListOfCurves()
    )
    assert drawn == Counter(ids)


@pytest.mark.parametrize("name", NAMES)
def test_addresses_lead_to_what_the_model_has(name):
    model = document(name).getModel()
    for generator in experiment(name).getListOfDataGenerators():
        for variable in generator.getListOfVariables():
            if variable.isSetTarget():
                kind, _, id = variable.getTarget().rpartition("/")[2].partition("[@id='")
                find = model.getSpecies if kind == "sbml:species" else model.getParameter
                assert find(id.rstrip("']")) is not None


def test_sedml_and_its_model_are_written_side_by_side(tmp_path):
    text = mt.export_sedml(scenario("dish"), tmp_path / "run.sedml")
    assert (tmp_path / "run.sedml").read_text(encoding="utf-8") == text
    assert (tmp_path / "run.xml").read_text(encoding="utf-8") == mt.export_sbml(scenario("dish"))
    assert 'source="run.xml"' in text
    assert {path.name for path in tmp_path.iterdir()} == {"run.sedml", "run.xml"}


def test_nothing_is_written_when_the_model_would_be_in_the_way(tmp_path):
    (tmp_path / "run.xml").mkdir()
    with pytest.raises(InputError, match="it is a folder"):
        mt.export_sedml(scenario("dish"), tmp_path / "run.sedml")
    assert not (tmp_path / "run.sedml").exists()


def test_a_model_is_not_written_over_its_sedml(tmp_path):
    with pytest.raises(InputError, match=r"run\.xml.*Expected another ending"):
        mt.export_sedml(scenario("dish"), tmp_path / "run.xml")
    assert not (tmp_path / "run.xml").exists()


def test_plots_are_those_of_version_4():
    """There the axes say whether they are logarithmic, no longer the curves."""
    text = mt.export_sedml(scenario("dish"))
    assert '<xAxis type="linear"/>' in text
    assert "logX" not in text


@pytest.mark.parametrize(
    ("minutes", "steps"), [(10, 100), (60, 600), (720, 720), (4320, 864), (80640, 672), (7, 100)]
)
def test_runs_are_cut_into_round_intervals(minutes, steps):
    assert sedml.intervals(minutes) == steps


# -- COMBINE archives ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("omex") / "run.omex"
    mt.export_omex(scenario("dish"), path)
    return path


def test_libcombine_reads_the_archive(archive):
    one = libcombine.CombineArchive()
    assert one.initializeFromArchive(str(archive))
    assert one.getMasterFile().getLocation() == "./simulation.sedml"
    kinds = {
        one.getEntry(k).getLocation(): one.getEntry(k).getFormat().rpartition("/")[2]
        for k in range(one.getNumEntries())
    }
    assert kinds["./model.xml"] == "sbml.level-3.version-2"
    assert libcombine.KnownFormats.isFormat("sedml", one.getMasterFile().getFormat())
    said = one.getMetadataForLocation(".")
    assert said.getDescription() == scenario("dish").in_words()
    assert said.getCreator(0).getOrganization() == "mtorsim"
    one.cleanUp()


def test_the_manifest_lists_what_is_in_the_archive(archive):
    with zipfile.ZipFile(archive) as members:
        assert members.testzip() is None
        manifest = libcombine.readOMEXFromString(members.read("manifest.xml").decode())
        listed = [one.getLocation().removeprefix("./") for one in manifest.getListOfContents()]
        assert sorted(listed) == sorted([".", *members.namelist()])
        assert members.read("model.xml").decode() == mt.export_sbml(scenario("dish"))


def test_the_same_scenario_gives_the_same_bytes(archive):
    again = mt.export_omex(scenario("dish"))
    assert again == archive.read_bytes()
    with zipfile.ZipFile(io.BytesIO(again)) as members:
        assert {one.date_time for one in members.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_description_may_hold_any_letter(tmp_path):
    path = tmp_path / "a.omex"
    path.write_bytes(omex.packed("<sbml/>", "<sedML/>", "PI3K & <AKT> > 5 %"))
    one = libcombine.CombineArchive()
    assert one.initializeFromArchive(str(path))
    assert one.getMetadataForLocation(".").getDescription() == "PI3K & <AKT> > 5 %"
    one.cleanUp()
