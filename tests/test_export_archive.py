"""Archives from anybody: run by our engine, read as data, refused where they ask for more."""

import io
import stat
import zipfile

import numpy as np
import pandas as pd
import pytest

import mtorsim as mt
from mtorsim.archive import container, experiment, simulate_archive
from mtorsim.archive.formulas import evaluated
from mtorsim.cli import status_of
from mtorsim.cli.biosimulators import app
from mtorsim.cli.commands import carry_out, run_command
from mtorsim.errors import InputError, UnknownIdError

MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<omexManifest xmlns="http://identifiers.org/combine.specifications/omex-manifest">
  <content location="." format="http://identifiers.org/combine.specifications/omex"/>
  <content location="./model.xml" format="http://identifiers.org/combine.specifications/sbml"/>
  <content location="./a/run.sedml" master="true"
    format="http://identifiers.org/combine.specifications/sed-ml.level-1.version-3"/>
</omexManifest>"""

# A decays with rate constant 0.5; B is counted as an amount in two litres.
MODEL = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1">
<model id="decay"><listOfCompartments>
  <compartment id="c" size="2" constant="true" spatialDimensions="3"/></listOfCompartments>
<listOfSpecies>
  <species id="A" compartment="c" initialConcentration="8" constant="false"
    hasOnlySubstanceUnits="false" boundaryCondition="false"/>
  <species id="B" compartment="c" initialAmount="0" constant="false"
    hasOnlySubstanceUnits="true" boundaryCondition="false"/></listOfSpecies>
<listOfParameters><parameter id="k" value="0.5" constant="true"/></listOfParameters>
<listOfReactions><reaction id="turn" reversible="false" fast="false">
  <listOfReactants><speciesReference species="A" stoichiometry="1" constant="true"/>
  </listOfReactants><listOfProducts>
  <speciesReference species="B" stoichiometry="1" constant="true"/></listOfProducts>
  <kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/>
    <ci>c</ci><ci>k</ci><ci>A</ci></apply></math></kineticLaw></reaction></listOfReactions>
</model></sbml>"""

SEDML = """<?xml version="1.0" encoding="UTF-8"?>
<sedML xmlns="http://sed-ml.org/sed-ml/level1/version3" level="1" version="3"
  xmlns:sbml="http://www.sbml.org/sbml/level3/version1/core">
<listOfSimulations><uniformTimeCourse id="s" initialTime="0" outputStartTime="2"
  outputEndTime="4" numberOfPoints="4"><algorithm kisaoID="KISAO:0000019"/></uniformTimeCourse>
</listOfSimulations>
<listOfModels><model id="m" language="urn:sedml:language:sbml" source="../model.xml"/>
  <model id="fast" language="urn:sedml:language:sbml" source="m"><listOfChanges>
    <changeAttribute newValue="1"
      target="/sbml:sbml/sbml:model/sbml:listOfParameters/sbml:parameter[@id='k']/@value"/>
  </listOfChanges></model></listOfModels>
<listOfTasks><task id="t" modelReference="m" simulationReference="s"/>
  <task id="u" modelReference="fast" simulationReference="s"/></listOfTasks>
<listOfDataGenerators>
  <dataGenerator id="time"><listOfVariables>
    <variable id="x" symbol="urn:sedml:symbol:time" taskReference="t"/></listOfVariables>
    <math xmlns="http://www.w3.org/1998/Math/MathML"><ci>x</ci></math></dataGenerator>
  <dataGenerator id="lnA"><listOfVariables><variable id="y" taskReference="t"
    target="/sbml:sbml/sbml:model/sbml:listOfSpecies/sbml:species[@id='A']"/></listOfVariables>
    <listOfParameters><parameter id="first" value="8"/></listOfParameters>
    <math xmlns="http://www.w3.org/1998/Math/MathML"><apply><ln/><apply><divide/>
      <ci>y</ci><ci>first</ci></apply></apply></math></dataGenerator>
  <dataGenerator id="B"><listOfVariables><variable id="z" taskReference="u"
    target="/sbml:sbml/sbml:model/sbml:listOfSpecies/sbml:species[@id='B']"/></listOfVariables>
    <math xmlns="http://www.w3.org/1998/Math/MathML"><ci>z</ci></math></dataGenerator>
</listOfDataGenerators>
<listOfOutputs><report id="r"><listOfDataSets>
  <dataSet id="d1" label="time" dataReference="time"/>
  <dataSet id="d2" label="ln A/A0" dataReference="lnA"/>
  <dataSet id="d3" label="B when fast" dataReference="B"/></listOfDataSets></report>
  <plot2D id="p" name="decay"><listOfCurves><curve id="q" logX="false" logY="true"
    xDataReference="time" yDataReference="B"/></listOfCurves></plot2D></listOfOutputs>
</sedML>"""

STEP_SIZE = (
    '<listOfAlgorithmParameters><algorithmParameter kisaoID="KISAO:0000467" value="1"/>'
    "</listOfAlgorithmParameters>"
)

FILES = {"manifest.xml": MANIFEST, "model.xml": MODEL, "a/run.sedml": SEDML}


def packed(path, **changes):
    members = FILES | {name.replace("__", "/"): text for name, text in changes.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def with_sedml(tmp_path, old, new):
    assert old in SEDML
    files = FILES | {"a/run.sedml": SEDML.replace(old, new)}
    with zipfile.ZipFile(tmp_path / "a.omex", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return tmp_path / "a.omex"


# -- what it gives ---------------------------------------------------------------------------------


def test_our_own_archive_gives_our_own_curves(tmp_path):
    scenario = mt.Scenario(
        drugs=[mt.Treatment("temsirolimus", mt.Constant("20 nM", stop="90 min"))],
        duration="3 h",
        observe=["S6K1_pT389", "AKT_pS473", "drug_medium", "mTORC2_complex"],
    )
    mt.export_omex(scenario, tmp_path / "a.omex")
    folder = simulate_archive(tmp_path / "a.omex", tmp_path / "out")
    table = pd.read_csv(folder / "simulation.sedml" / "report.csv")
    own = mt.simulate(scenario, times=[float(time) for time in table["time"]])
    assert [*table.columns] == ["time", *scenario.observe]
    for id in scenario.observe:
        away = (
            table["time"].to_numpy() != 90
        )  # where the medium changes, its event may print either side
        given = table[id].to_numpy()
        assert given[away] == pytest.approx(own.column(id)[away], rel=1e-5, abs=1e-6)
    pictures = {path.name for path in (folder / "simulation.sedml").glob("*.png")}
    assert pictures == {f"plot_{n}.png" for n in ("s6k1", "akt", "immunophilins", "others")}


def test_our_own_plots_are_relative_and_over_hours(tmp_path):
    """Evaluated by hand: 120 min are 2 h; half of what the untreated cell has is 0.5."""
    scenario = mt.Scenario(duration="2 h", observe=["S6K1_pT389"])
    mt.export_omex(scenario, tmp_path / "a.omex")
    one = experiment.read(container.read(tmp_path / "a.omex"), "simulation.sedml")
    hours, relative = one.generators["time_h"], one.generators["relative_S6K1_pT389"]
    assert evaluated(hours.formula, {"time_model": np.array(120.0)}, "hours") == 2
    untreated = mt.simulate(scenario).baseline["S6K1_pT389"]
    assert relative.numbers == {"untreated_S6K1_pT389": pytest.approx(untreated)}
    half = {"treated_S6K1_pT389": np.array(untreated / 2), **relative.numbers}
    assert evaluated(relative.formula, half, "relative") == pytest.approx(0.5)
    (plot,) = [output for output in one.outputs if output.curves]
    assert [curve[:2] for curve in plot.curves] == [("time_h", "relative_S6K1_pT389")]


def test_a_decay_by_hand(tmp_path):
    """Tables of a formula, of an amount, of a changed parameter, from the second time unit on."""
    folder = simulate_archive(packed(tmp_path / "a.omex"), tmp_path / "out")
    table = pd.read_csv(folder / "a" / "run.sedml" / "r.csv")
    time = np.array([2, 2.5, 3, 3.5, 4])
    assert table["time"].to_numpy() == pytest.approx(time)
    assert table["ln A/A0"].to_numpy() == pytest.approx(-0.5 * time, rel=1e-6)
    assert table["B when fast"].to_numpy() == pytest.approx(16 * (1 - np.exp(-time)), rel=1e-6)
    assert (folder / "a" / "run.sedml" / "p.png").read_bytes().startswith(b"\x89PNG")


def test_reports_as_hdf5(tmp_path):
    h5py = pytest.importorskip("h5py")
    folder = simulate_archive(packed(tmp_path / "a.omex"), tmp_path / "out", reports=["h5"])
    assert not (folder / "a" / "run.sedml" / "r.csv").exists()
    with h5py.File(folder / "reports.h5") as file:
        report = file["a/run.sedml/r"]
        assert report.shape == (3, 5)
        assert report[1] == pytest.approx(-0.5 * report[0], rel=1e-6)
        assert [*report.attrs["sedmlDataSetLabels"]] == ["time", "ln A/A0", "B when fast"]
        assert report.attrs["_type"] == "SedReport"
        # What the readers of BioSimulators look for, by the ids of the data sets.
        assert [*report.attrs["sedmlDataSetIds"]] == ["d1", "d2", "d3"]
        assert [*report.attrs["sedmlDataSetNames"]] == ["", "", ""]
        assert [*report.attrs["sedmlDataSetDataTypes"]] == ["float64"] * 3
        assert [*report.attrs["sedmlDataSetShapes"]] == ["5"] * 3
        assert file["a/run.sedml"].attrs["combineArchiveLocation"] == "a/run.sedml"


def test_small_numbers_are_as_exact_as_large_ones(tmp_path):
    """Without a tolerance in the SED-ML, one that is right for 8 is not for 8e-9."""
    small = MODEL.replace('initialConcentration="8"', 'initialConcentration="8e-9"')
    path = packed(tmp_path / "a.omex", **{"model.xml": small})
    table = pd.read_csv(simulate_archive(path, tmp_path / "out") / "a" / "run.sedml" / "r.csv")
    time = table["time"].to_numpy()
    assert table["ln A/A0"].to_numpy() == pytest.approx(np.log(1e-9) - 0.5 * time, abs=1e-6)
    assert table["B when fast"].to_numpy() == pytest.approx(16e-9 * (1 - np.exp(-time)), rel=1e-6)


def test_a_loose_tolerance_spoils_nothing(tmp_path):
    loose = (
        '<algorithm kisaoID="KISAO:0000019"><listOfAlgorithmParameters>'
        '<algorithmParameter kisaoID="KISAO:0000209" value="0.5"/>'
        '<algorithmParameter kisaoID="KISAO:0000415" value="500"/>'
        "</listOfAlgorithmParameters></algorithm>"
    )
    path = with_sedml(tmp_path, '<algorithm kisaoID="KISAO:0000019"/>', loose)
    table = pd.read_csv(simulate_archive(path, tmp_path / "out") / "a" / "run.sedml" / "r.csv")
    assert table["ln A/A0"].to_numpy() == pytest.approx(-0.5 * table["time"].to_numpy(), rel=1e-6)


def test_a_run_that_begins_later(tmp_path):
    path = with_sedml(tmp_path, 'initialTime="0"', 'initialTime="1"')
    table = pd.read_csv(simulate_archive(path, tmp_path / "out") / "a" / "run.sedml" / "r.csv")
    assert [*table["time"]] == [2, 2.5, 3, 3.5, 4]
    assert table["ln A/A0"].to_numpy() == pytest.approx(-0.5 * (table["time"] - 1), rel=1e-6)


def test_submodels_are_run(tmp_path):
    """RoadRunner alone would leave out what stands in a submodel: here that B is lost."""
    comp = "http://www.sbml.org/sbml/level3/version1/comp/version1"
    whole = (
        MODEL.replace("<sbml ", f'<sbml xmlns:comp="{comp}" comp:required="true" ', 1)
        .replace(
            "</model></sbml>",
            """<comp:listOfSubmodels><comp:submodel comp:id="sub" comp:modelRef="loss"/>
        </comp:listOfSubmodels></model><comp:listOfModelDefinitions>
        <comp:modelDefinition id="loss"><listOfParameters>
        <parameter id="k" value="0.5" constant="true"><comp:listOfReplacedBy/></parameter>
        <parameter id="lost" value="8" constant="false"/></listOfParameters><listOfRules>
        <rateRule variable="lost"><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><minus/>
        <apply><times/><ci>k</ci><ci>lost</ci></apply></apply></math></rateRule></listOfRules>
        </comp:modelDefinition></comp:listOfModelDefinitions></sbml>""",
        )
        .replace("<comp:listOfReplacedBy/>", "")
    )
    lost = SEDML.replace(
        "listOfSpecies/sbml:species[@id='A']", "listOfParameters/sbml:parameter[@id='sub__lost']"
    )
    path = packed(tmp_path / "a.omex", **{"model.xml": whole, "a/run.sedml": lost})
    table = pd.read_csv(simulate_archive(path, tmp_path / "out") / "a" / "run.sedml" / "r.csv")
    assert table["ln A/A0"].to_numpy() == pytest.approx(-0.5 * table["time"].to_numpy(), rel=1e-6)


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("<apply><root/><ci>y</ci></apply>", lambda a: np.sqrt(a)),
        ("<apply><log/><ci>y</ci></apply>", lambda a: np.log10(a)),
        ("<apply><log/><logbase><cn>2</cn></logbase><ci>y</ci></apply>", lambda a: np.log2(a)),
        ("<apply><minus/><ci>y</ci></apply>", lambda a: -a),
        ("<apply><min/><ci>y</ci><cn>2</cn></apply>", lambda a: np.minimum(a, 2)),
    ],
)
def test_formulas_by_hand(tmp_path, formula, value):
    ln = "<apply><ln/><apply><divide/>\n      <ci>y</ci><ci>first</ci></apply></apply>"
    path = with_sedml(tmp_path, ln, formula)
    table = pd.read_csv(simulate_archive(path, tmp_path / "out") / "a" / "run.sedml" / "r.csv")
    expected = value(8 * np.exp(-0.5 * table["time"].to_numpy()))
    assert table["ln A/A0"].to_numpy() == pytest.approx(expected, rel=1e-6)


CHANGE = """<changeAttribute newValue="1"
      target="/sbml:sbml/sbml:model/sbml:listOfParameters/sbml:parameter[@id='k']/@value"/>"""
MATH = '<math xmlns="http://www.w3.org/1998/Math/MathML">'


def test_a_changed_value_goes_before_an_initial_assignment(tmp_path):
    """The model computes k = 3 first; task u asks for 1."""
    assigned = MODEL.replace(
        "<listOfReactions>",
        f'<listOfInitialAssignments><initialAssignment symbol="k">{MATH}<cn>3</cn></math>'
        "</initialAssignment></listOfInitialAssignments><listOfReactions>",
        1,
    )
    path = packed(tmp_path / "a.omex", **{"model.xml": assigned})
    table = pd.read_csv(simulate_archive(path, tmp_path / "out") / "a" / "run.sedml" / "r.csv")
    time = table["time"].to_numpy()
    assert table["ln A/A0"].to_numpy() == pytest.approx(-3 * time, rel=1e-5)
    assert table["B when fast"].to_numpy() == pytest.approx(16 * (1 - np.exp(-time)), rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "id", "attribute", "value", "expected"),
    [
        ("Species/sbml:species", "B", "initialAmount", 4, lambda t: 4 + 16 * (1 - np.exp(-t / 2))),
        (
            "Species/sbml:species", "A", "initialConcentration", 2,
            lambda t: 4 * (1 - np.exp(-t / 2)),
        ),
        ("Compartments/sbml:compartment", "c", "size", 1, lambda t: 8 * (1 - np.exp(-t / 2))),
    ],
)  # fmt: skip
def test_changed_values_by_hand(tmp_path, kind, id, attribute, value, expected):
    target = f"/sbml:sbml/sbml:model/sbml:listOf{kind}[@id='{id}']/@{attribute}"
    change = f'<changeAttribute newValue="{value}" target="{target}"/>'
    path = with_sedml(tmp_path, CHANGE, change)
    table = pd.read_csv(simulate_archive(path, tmp_path / "out") / "a" / "run.sedml" / "r.csv")
    time = table["time"].to_numpy()
    assert table["B when fast"].to_numpy() == pytest.approx(expected(time), rel=1e-6)


def test_addresses_of_formats_old_and_new(tmp_path):
    manifest = MANIFEST.replace("combine.specifications/sed-ml", "combine.specifications:sed-ml")
    content = container.read(packed(tmp_path / "a.omex", **{"manifest.xml": manifest}))
    assert content.experiments == ("a/run.sedml",)


def test_the_master_is_run_or_all_where_none_is(tmp_path):
    other = MANIFEST.replace(
        "</omexManifest>",
        '<content location="./b.sedml" '
        'format="http://identifiers.org/combine.specifications/sed-ml"/></omexManifest>',
    )
    content = container.read(packed(tmp_path / "a.omex", **{"manifest.xml": other}))
    assert content.experiments == ("a/run.sedml",)
    none = other.replace(' master="true"', "")
    content = container.read(packed(tmp_path / "b.omex", **{"manifest.xml": none}))
    assert content.experiments == ("a/run.sedml", "b.sedml")


def test_axes_of_version_4_may_be_logarithmic(tmp_path):
    old = '<plot2D id="p" name="decay">'
    text = SEDML.replace("level1/version3", "level1/version4").replace('version="3"', 'version="4"')
    text = text.replace(old, old + '<xAxis type="log10"/><yAxis type="linear"/>')
    text = text.replace('logX="false" logY="true"', "")
    archive = container.read(packed(tmp_path / "a.omex", **{"a/run.sedml": text}))
    plot = experiment.read(archive, "a/run.sedml").outputs[1]
    assert (plot.log_x, plot.log_y) == (True, False)


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil", "a/../../evil", "a\\evil", "C:evil"])
def test_members_that_lead_elsewhere(tmp_path, name):
    path = packed(tmp_path / "a.omex")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zipfile.ZipInfo(name), "evil")
    with pytest.raises(InputError, match="leads out of the archive"):
        simulate_archive(path, tmp_path / "out")
    assert {one.name for one in tmp_path.iterdir()} == {"a.omex"}


def test_links(tmp_path):
    path = packed(tmp_path / "a.omex")
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="'link' is a link"):
        simulate_archive(path, tmp_path / "out")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_twice(tmp_path):
    path = packed(tmp_path / "a.omex")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("./model.xml", "other")
    with pytest.raises(InputError, match="is there twice"):
        simulate_archive(path, tmp_path / "out")


def test_what_unpacks_to_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(container, "LARGEST", 1_000_000)
    with zipfile.ZipFile(tmp_path / "a.omex", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.xml", MANIFEST)
        archive.writestr("zeros", b"\0" * 2_000_000)
    with pytest.raises(InputError, match="larger than 1 MB unpacked"):
        simulate_archive(tmp_path / "a.omex", tmp_path / "out")


def test_what_unpacks_to_too_much_together(tmp_path, monkeypatch):
    monkeypatch.setattr(container, "LARGEST_TOGETHER", 1_000_000)
    with zipfile.ZipFile(tmp_path / "a.omex", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.xml", MANIFEST)
        for name in "ab":
            archive.writestr(name, b"\0" * 600_000)
    with pytest.raises(InputError, match="more than 1 MB unpacked, with 'b'"):
        simulate_archive(tmp_path / "a.omex", tmp_path / "out")


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(container, "MOST_FILES", 2)
    with pytest.raises(InputError, match="3 files; at most 2"):
        simulate_archive(packed(tmp_path / "a.omex"), tmp_path / "out")


def test_entities(tmp_path):
    bomb = MODEL.replace("<sbml", '<!DOCTYPE x [<!ENTITY a "aaaa">]><sbml', 1)
    with pytest.raises(InputError, match=r"model\.xml, line 2: a document type"):
        simulate_archive(packed(tmp_path / "a.omex", **{"model.xml": bomb}), tmp_path / "out")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('source="../model.xml"', 'source="http://x.org/m.xml"', "nothing is fetched"),
        ('source="../model.xml"', 'source="../../secret.xml"', "no file '../secret.xml'"),
        ('source="../model.xml"', 'source="fast"', "made from itself"),
        ("language:sbml", "language:cellml", "only SBML"),
        ("KISAO:0000019", "KISAO:0000029", "'KISAO:0000029' of 's' is not supported"),
        ("/@value", "/@constant", "a change of .* is not supported"),
        ('newValue="1"', 'newValue="os.system(1)"', "is not a number"),
        ("[@id='A']", "[@name='A']", "is not supported. Expected one such as"),
        ("[@id='A']", "[@id='Z']", "'Z' is nothing in its model that can be read"),
        ("symbol:time", "symbol:volume", "symbol 'urn:sedml:symbol:volume'"),
        ("<ln/>", "<sin/>", "is not supported. Expected arithmetic"),
        ("<ci>first</ci>", "", "'divide\\(y\\)' is not supported"),
        ("<ci>y</ci>", "<apply><abs/>" * 300 + "<ci>y</ci>" + "</apply>" * 300, "more than 256"),
        (
            "[@id='A']",
            "[@id='A']/@initialConcentration",
            "Expected the 'initialConcentration' left",
        ),
        (SEDML[SEDML.index("<dataSet ") : SEDML.index("</listOfDataSets>")], "", "no data set"),
        (SEDML[SEDML.index("<curve ") : SEDML.index("</listOfCurves>")], "", "no curve"),
        (
            '"KISAO:0000019"/>',
            f'"KISAO:0000019">{STEP_SIZE}</algorithm>',
            "algorithm parameter 'KISAO:0000467' of 's' is not supported",
        ),
        ("<ci>first</ci>", "<ci>last</ci>", "nothing is called 'last'"),
        ('numberOfPoints="4"', 'numberOfPoints="2000000"', "has 2000000 steps"),
        ('outputEndTime="4"', 'outputEndTime="1"', "do not rise"),
        ('<report id="r">', '<report id="../r">', "not sound SED-ML|cannot name a file"),
        ('dataReference="lnA"', 'dataReference="lnZ"', "no data generator 'lnZ'"),
        ('modelReference="fast"', 'modelReference="slow"', "no model 'slow'"),
    ],
)
def test_sedml_that_asks_for_more(tmp_path, old, new, message):
    with pytest.raises(InputError, match=message):
        simulate_archive(with_sedml(tmp_path, old, new), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_repeated_task_is_refused_by_name(tmp_path):
    task = '<task id="u" modelReference="fast" simulationReference="s"/>'
    repeated = (
        '<repeatedTask id="u" range="v" resetModel="true"><listOfRanges>'
        '<vectorRange id="v"><value>1</value></vectorRange></listOfRanges><listOfSubTasks>'
        '<subTask task="t" order="1"/></listOfSubTasks></repeatedTask>'
    )
    with pytest.raises(InputError, match="repeatedTask 'u' is not supported"):
        simulate_archive(with_sedml(tmp_path, task, repeated), tmp_path / "out")


def test_a_model_that_the_engine_cannot_run(tmp_path):
    fast = MODEL.replace('fast="false"', 'fast="true"')
    with pytest.raises(InputError, match=r"model\.xml, line 11: 'turn' is a fast reaction"):
        simulate_archive(packed(tmp_path / "a.omex", **{"model.xml": fast}), tmp_path / "out")


def test_a_model_too_deep_for_a_parser(tmp_path):
    """A hundred thousand brackets end the process in libSBML; here they are refused before."""
    deep = MODEL.replace("<ci>A</ci>", "<apply><abs/>" * 9999 + "<ci>A</ci>" + "</apply>" * 9999)
    with pytest.raises(InputError, match=r"model\.xml, line .*elements more than 256 deep"):
        simulate_archive(packed(tmp_path / "a.omex", **{"model.xml": deep}), tmp_path / "out")


def test_more_values_than_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "_MOST_VALUES", 49)
    with pytest.raises(InputError, match="5 points of 10 variables and outputs; at most 49"):
        simulate_archive(packed(tmp_path / "a.omex"), tmp_path / "out")


def test_names_that_a_terminal_would_obey(tmp_path):
    with pytest.raises(InputError, match=r"'a\\x1b\[31m' is no name of a file"):
        simulate_archive(packed(tmp_path / "a.omex", **{"a\x1b[31m": ""}), tmp_path / "out")


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_archives(tmp_path, kind):
    with zipfile.ZipFile(tmp_path / "a.omex", "w", kind) as archive:
        for name, text in FILES.items():
            archive.writestr(name, text)
    content = bytearray((tmp_path / "a.omex").read_bytes())
    begin = content.index(b"manifest.xml") + len("manifest.xml")
    content[begin + 12 : begin + 40] = b"\xff" * 28
    (tmp_path / "a.omex").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.omex"):
        simulate_archive(tmp_path / "a.omex", tmp_path / "out")


def test_no_archive_at_all(tmp_path):
    (tmp_path / "a.omex").write_bytes(b"PK nothing")
    with pytest.raises(InputError, match="not a COMBINE archive"):
        simulate_archive(tmp_path / "a.omex", tmp_path / "out")
    with pytest.raises(InputError, match="cannot read"):
        simulate_archive(tmp_path / "none.omex", tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "b.omex", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(InputError, match="there is no manifest"):
        simulate_archive(tmp_path / "b.omex", tmp_path / "out")
    with pytest.raises(UnknownIdError, match="no report format 'pdf'"):
        simulate_archive(packed(tmp_path / "c.omex"), tmp_path / "out", reports=["pdf"])


# -- the command -----------------------------------------------------------------------------------


def command(*arguments):
    name = "biosimulators-mtorsim"
    return status_of([*arguments], lambda given: carry_out(app, name, given))


def test_the_command_of_biosimulators(tmp_path, capsys):
    path = packed(tmp_path / "a.omex")
    assert command("-i", str(path), "-o", str(tmp_path / "out")) == 0
    assert (tmp_path / "out" / "a" / "run.sedml" / "r.csv").is_file()
    assert capsys.readouterr().out == f"Wrote {tmp_path / 'out'}.\n"


def test_the_command_refuses_in_a_line(tmp_path, capsys):
    for arguments in (["-i", "none.omex", "-o", "x"], ["-i", "a.omex"], ["--nothing"], ["-i"]):
        assert command(*arguments) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("error: ")
        assert len(captured.err.splitlines()) == 1


def test_the_bytes_of_an_archive_are_read_in_memory(tmp_path):
    content = container.read(packed(tmp_path / "a.omex"))
    assert {*content.files} == {*FILES}
    assert content.experiments == ("a/run.sedml",)
    assert io.BytesIO(content.files["model.xml"]).read() == MODEL.encode()


# -- archives of models that were not written here -------------------------------------------------

FOREIGN = """
model decay
  unit hour = 3600 second; time_unit = hour
  compartment c = 2; species A in c, B in c; A = 8; B = 0; k = 0.5
  turn: A -> B; c*k*A
  half := A/2
end
"""


def foreign(tmp_path, *arguments):
    (tmp_path / "decay.ant").write_text(FOREIGN, encoding="utf-8")
    model = ["--model", str(tmp_path / "decay.ant"), "--duration", "4h", "--observe", "A,half,turn"]
    return status_of(["export", *model, *arguments], run_command)


def test_a_foreign_model_leaves_as_an_archive_and_comes_back(tmp_path, capsys):
    """In its own time unit; a species, what a rule computes, and a rate."""
    path = tmp_path / "decay.omex"
    assert foreign(tmp_path, "-o", str(path)) == 0
    assert capsys.readouterr().out == f"Wrote {path}.\n"
    first = path.read_bytes()
    assert foreign(tmp_path, "-o", str(path)) == 0
    assert path.read_bytes() == first
    table = pd.read_csv(
        simulate_archive(path, tmp_path / "out") / "simulation.sedml" / "report.csv"
    )
    assert [*table.columns] == ["time", "A", "half", "turn"]
    expected = 8 * np.exp(-0.5 * np.linspace(0, 4, len(table)))
    assert table["time"].iloc[-1] == 4
    assert table["A"].to_numpy() == pytest.approx(expected, rel=1e-6)
    assert table["half"].to_numpy() == pytest.approx(expected / 2, rel=1e-6)
    assert table["turn"].to_numpy() == pytest.approx(expected, rel=1e-6)  # 2 l * 0.5/h * A


def test_sed_ml_of_a_foreign_model_stands_beside_it(tmp_path, capsys):
    assert foreign(tmp_path, "-o", str(tmp_path / "run.sedml")) == 0
    assert {"run.sedml", "run.xml"} <= {one.name for one in tmp_path.iterdir()}
    text = (tmp_path / "run.sedml").read_text(encoding="utf-8")
    assert 'source="run.xml"' in text
    assert "listOfReactions/sbml:reaction[@id=&apos;turn&apos;]" in text
    capsys.readouterr()
    assert foreign(tmp_path, "--to", "sedml", "-o", str(tmp_path / "other.xml")) == 2
    assert "Expected another ending, such as run.sedml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "petab", "-o", "p"], "written as sbml, antimony, sedml or omex"),
        (["-o", "p.xml", "--estimate", "k"], "--estimate, --data and --arbitrary-units belong to"),
        (["--to", "omex"], "--to omex: where to?"),
        (["-o", "p.omx"], "no format for the ending '.omx'. Closest: '.omex'"),
    ],
)
def test_what_a_foreign_model_is_not_exported_as(tmp_path, capsys, options, message):
    assert foreign(tmp_path, *options) == 2
    assert message in capsys.readouterr().err
