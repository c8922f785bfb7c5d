"""The command line as a user meets it: the real thing, nothing stands in for anything."""

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mtorsim import units
from mtorsim.cli import main

MTORSIM = [sys.executable, "-c", "from mtorsim.cli import main; main()"]


class Outcome:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def mtorsim(capsys, monkeypatch, tmp_path):
    """Call the command in an empty folder; return status, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments):
        with pytest.raises(SystemExit) as leaving:
            main([str(argument) for argument in arguments])
        return Outcome(leaving.value.code, *capsys.readouterr())

    return call


@pytest.fixture(scope="module")
def default_run(tmp_path_factory):
    """README's main job, once: its folder and what it printed."""
    folder = tmp_path_factory.mktemp("run")
    done = subprocess.run([*MTORSIM, "run"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder / "out", done.stdout


# --- run ------------------------------------------------------------------------------------------


def test_run_writes_its_four_files_and_nothing_else(default_run):
    folder, printed = default_run
    names = {"timecourse.csv", "figure.png", "run.json", "model.xml"}
    assert {path.name for path in folder.iterdir()} == names
    assert {path.name for path in folder.parent.iterdir()} == {"out"}
    assert all(name in printed for name in names)


def test_python_runs_the_command_as_a_module():
    command = [sys.executable, "-m", "mtorsim", "show", "stimuli"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "insulin" in done.stdout


def test_timecourse_begins_with_hours(default_run):
    folder, _ = default_run
    with (folder / "timecourse.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert next(iter(rows[0])) == "time_h"
    assert (float(rows[0]["time_h"]), float(rows[-1]["time_h"])) == (0, 72)
    assert float(rows[-1]["S6K1_pT389"]) < 0.3 * float(rows[0]["S6K1_pT389"])


def test_origin_holds_inputs_versions_units_and_hashes(default_run):
    folder, _ = default_run
    origin = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert origin["scenario"]["cell"] == "786-O"
    assert origin["units"]["time_h"] == "h"
    assert origin["units"]["S6K1_pT389"] == "nM"
    assert origin["seed"] is None
    assert {"mtorsim", "libroadrunner", "python"} <= origin["versions"].keys()
    for name, digest in origin["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert origin["model_sha256"] == origin["files"]["model.xml"]


def test_the_origin_gives_the_same_run_again(default_run, mtorsim, tmp_path):
    folder, _ = default_run
    origin = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    Path("again.yaml").write_text(json.dumps(origin["scenario"]), encoding="utf-8")
    assert mtorsim("run", "again.yaml", "-q").status == 0
    for name in ("timecourse.csv", "model.xml", "run.json"):
        assert (tmp_path / "out" / name).read_bytes() == (folder / name).read_bytes()


def test_the_table_is_relative_to_untreated(default_run):
    _, printed = default_run
    head = next(line for line in printed.splitlines() if line.startswith("relative to"))
    assert head.split() == [
        *("relative", "to", "untreated"),
        *("0", "h", "1", "h", "6", "h", "24", "h", "72", "h"),
        *("untreated", "unit"),
    ]
    row = next(line for line in printed.splitlines() if line.startswith("S6K1_pT389")).split()
    assert row[1] == "1.00"
    assert float(row[2]) < 0.3


def test_json_prints_the_table_and_nothing_else(mtorsim):
    done = mtorsim("run", "--json", "--duration", "30min", "--observe", "S6K1_pT389,drug_medium")
    table = json.loads(done.out)
    assert (done.status, done.err) == (0, "")
    assert table["time_h"] == [0, 0.5]
    s6k1, medium = table["read_outs"]
    assert s6k1["relative"][0] == pytest.approx(1)
    assert s6k1["value"][1] == pytest.approx(s6k1["relative"][1] * s6k1["untreated"])
    assert medium["value"][0] == pytest.approx(20)
    assert medium["relative"] == [None, None]  # no drug in the untreated cell


def test_summary_times_end_with_the_run(mtorsim):
    done = mtorsim("run", "--json", "--duration", "30 h", "--observe", "mTORC2")
    assert json.loads(done.out)["time_h"] == [0, 1, 6, 24, 30]


def test_quiet_prints_nothing(mtorsim, tmp_path):
    done = mtorsim("run", "-q", "--duration", "10min", "--out", "deep/er")
    assert (done.status, done.out, done.err) == (0, "", "")
    assert (tmp_path / "deep" / "er" / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_options_change_and_extend_a_file(mtorsim):
    Path("s.yaml").write_text(
        "cell: PC-3\nduration: 24 h\nperturbations: [PTEN_loss]\nstimuli: {insulin: 1 nM}\n"
        "drugs: [{name: sirolimus, dose: 5 nM, start: 1 h, stop: 2 h}]\n"
        "observe: [mTORC1]\n",
        encoding="utf-8",
    )
    done = mtorsim(
        *("show", "scenario", "s.yaml", "--json", "--cell", "HeLa", "--drug", "sirolimus=50nM"),
        *("--drug", "tacrolimus=1uM", "--stimulus", "IGF1=2nM", "--perturb", "TSC2_loss"),
        *("--perturb", "PTEN_loss", "--duration", "3h", "--observe", "mTORC2,S6K1_pT389"),
    )
    assert json.loads(done.out) == {
        "cell": "HeLa",
        "duration": "3 h",
        "perturbations": ["PTEN_loss", "TSC2_loss"],
        "stimuli": {"insulin": "1 nM", "IGF1": "2 nM"},
        "drugs": [
            {"name": "sirolimus", "dose": "50 nM", "start": "1 h", "stop": "2 h"},
            {"name": "tacrolimus", "dose": "1 uM", "start": "0 h"},
        ],
        "observe": ["mTORC2", "S6K1_pT389"],
    }


def test_a_drug_option_without_a_file_replaces_the_default_drug(mtorsim):
    done = mtorsim("show", "scenario", "--json", "--drug", "sirolimus=1nM")
    assert [drug["name"] for drug in json.loads(done.out)["drugs"]] == ["sirolimus"]


# --- bodies ---------------------------------------------------------------------------------------

IN_MOUSE = """\
species: mouse
perturbations: [ketoconazole]
drugs: [{name: temsirolimus, regimen: 20 mg/kg IP daily x5, start: 1 day}]
"""


def meant(done):
    """The scenario that `show scenario --json` prints."""
    assert done.err == ""
    return json.loads(done.out)


def show(mtorsim, *arguments):
    return meant(mtorsim("show", "scenario", "--json", *arguments))


@pytest.mark.parametrize(
    "given",
    [
        "temsirolimus=25 mg IV weekly x8",
        " temsirolimus = 25 mg  IV  weekly x8 ",
        "temsirolimus=25mg IV weekly x8",
        "temsirolimus=25 mg IV every 1 week x8",
    ],
)
def test_a_mass_is_a_regimen(mtorsim, given):
    assert show(mtorsim, "--drug", given) == {
        "cell": "786-O",
        "duration": "56 d",
        "drugs": [{"name": "temsirolimus", "regimen": "25 mg IV weekly x8", "start": "0 h"}],
        "species": "human",
    }


@pytest.mark.parametrize(
    ("arguments", "duration"),
    [
        (("--drug", "temsirolimus=25 mg"), "168 h"),
        (("--drug", "temsirolimus=25 mg weekly"), "56 d"),
        (("--drug", "temsirolimus=25 mg weekly x2", "--drug", "sirolimus=2 mg daily x3"), "14 d"),
        (("--drug", "temsirolimus=25 mg weekly x8", "--duration", "72h"), "72 h"),
        (("--drug", "temsirolimus=20nM"), "72 h"),
        (("mouse.yaml",), "6 d"),
        (("mouse.yaml", "--drug", "temsirolimus=20 mg/kg IP daily x10"), "11 d"),
        (("mouse.yaml", "--duration", "3 weeks"), "21 d"),
        (("short.yaml",), "24 h"),
        (("short.yaml", "--drug", "temsirolimus=25 mg weekly x8"), "24 h"),  # as the file says
        (("dish.yaml",), "72 h"),
        (("dish.yaml", "--drug", "sirolimus=2 mg daily x28"), "28 d"),
    ],
)
def test_without_a_duration_a_regimen_is_followed_to_its_end(mtorsim, arguments, duration):
    Path("mouse.yaml").write_text(IN_MOUSE, encoding="utf-8")
    dish = "drugs: [{name: sirolimus, dose: 5 nM}]\n"
    Path("dish.yaml").write_text(dish, encoding="utf-8")
    short = "duration: 24 h\ndrugs: [{name: temsirolimus, regimen: 25 mg weekly x2}]\n"
    Path("short.yaml").write_text(short, encoding="utf-8")
    found = show(mtorsim, *arguments)["duration"]
    assert units.duration(found, "found") == units.duration(duration, "expected")


def test_an_option_changes_the_regimen_of_a_file(mtorsim):
    Path("s.yaml").write_text(IN_MOUSE, encoding="utf-8")
    done = show(mtorsim, "s.yaml", "--drug", "temsirolimus=10 mg/kg IV weekly x2")
    regimen = {"name": "temsirolimus", "regimen": "10 mg/kg IV weekly x2", "start": "24 h"}
    assert done == {
        "cell": "786-O",
        "duration": "15 d",
        "perturbations": ["ketoconazole"],
        "drugs": [regimen],
        "species": "mouse",
    }
    human = show(mtorsim, "s.yaml", "--species", "human", "--drug", "temsirolimus=25 mg IV")
    assert human["species"] == "human"


def test_an_option_replaces_a_schedule_of_another_kind(mtorsim):
    body = IN_MOUSE.replace("perturbations: [ketoconazole]\n", "")
    Path("body.yaml").write_text(body, encoding="utf-8")
    Path("dish.yaml").write_text(
        "drugs: [{name: temsirolimus, dose: 5 nM, start: 1 h, stop: 2 h}]\n", encoding="utf-8"
    )
    dish = show(mtorsim, "body.yaml", "--drug", "temsirolimus=20nM")
    assert dish == {
        "cell": "786-O",
        "duration": "72 h",
        "drugs": [{"name": "temsirolimus", "dose": "20 nM", "start": "0 h"}],
    }
    again = show(mtorsim, "dish.yaml", "--drug", "temsirolimus=25 mg IV weekly x2")
    assert again["drugs"] == [
        {"name": "temsirolimus", "regimen": "25 mg IV weekly x2", "start": "0 h"}
    ]


def test_a_modifier_of_a_body_goes_with_a_regimen(mtorsim):
    given = ("--drug", "temsirolimus=25 mg weekly x4", "--perturb", "ketoconazole")
    assert show(mtorsim, *given)["perturbations"] == ["ketoconazole"]


def test_run_of_a_regimen(mtorsim, tmp_path):
    done = mtorsim("run", "--drug", "temsirolimus=25 mg IV weekly x8", "--observe", "S6K1_pT389")
    assert (done.status, done.err) == (0, "")
    assert "25 mg intravenously every week, 8 times; from 0 h (IV over 30 min, as is" in done.out
    assert "In a tumour of a human." in done.out
    assert "Duration: 56 d, the whole regimen." in done.out
    head = next(line for line in done.out.splitlines() if line.startswith("relative to"))
    times = head.removeprefix("relative to untreated").split()[:-2]
    assert " ".join(times) == "0 h 1 h 24 h 72 h 14 d 28 d 42 d 56 d"
    assert "At the time of a dose: just before it." in done.out
    names = {"timecourse.csv", "figure.png", "run.json", "model.xml"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    origin = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert origin["scenario"]["drugs"][0]["regimen"] == "25 mg IV weekly x8"
    Path("again.yaml").write_text(json.dumps(origin["scenario"]), encoding="utf-8")
    before = (tmp_path / "out" / "timecourse.csv").read_bytes()
    assert mtorsim("run", "again.yaml", "-q").status == 0
    assert (tmp_path / "out" / "timecourse.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "days"),
    [
        (("temsirolimus=25 mg IV",), [0, 1 / 24, 0.25, 1, 3, 7]),
        (("everolimus=10 mg daily x14",), [0, 1 / 24, 0.25, 1, 3, 14]),
        (("everolimus=10 mg daily x28",), [0, 1 / 24, 1, 3, 7, 14, 21, 28]),
        (("everolimus=10 mg daily x15",), [0, 1 / 24, 1, 3, 6, 9, 12, 15]),
        (("temsirolimus=25 mg weekly x3",), [0, 1 / 24, 1, 3, 7, 14, 21]),
        (("temsirolimus=25 mg weekly x8", "--duration", "50 h"), [0, 1 / 24, 0.25, 1, 50 / 24]),
        (("temsirolimus=25 mg every 5 weeks x2",), [0, 1 / 24, 1, 3, 35, 70]),
    ],
)
def test_a_long_summary_ends_with_troughs(mtorsim, arguments, days):
    done = mtorsim("run", "--json", "--observe", "mTORC2", "--drug", *arguments)
    assert json.loads(done.out)["time_h"] == pytest.approx([24 * day for day in days])


def test_the_summary_shows_a_dose_just_before_it(mtorsim):
    arguments = ("--species", "mouse", "--drug", "temsirolimus=20 mg/kg IV bolus daily x21")
    done = mtorsim("run", "--json", *arguments, "--observe", "temsirolimus_plasma")
    (plasma,) = json.loads(done.out)["read_outs"]
    first, *_, last = plasma["value"]
    assert all(value < 1e-3 * first for value in plasma["value"][2:])  # never the peak
    assert last > 0


def test_export_of_a_regimen(mtorsim, tmp_path):
    done = mtorsim("export", "--drug", "everolimus=10 mg PO daily x2", "-o", "model.xml", "-q")
    assert (done.status, done.err) == (0, "")
    text = (tmp_path / "model.xml").read_text(encoding="utf-8")
    assert '<event id="dosing_1"' in text or 'id="dosing_1"' in text


def test_show_scenario_says_the_regimen_and_what_the_body_adds(mtorsim):
    Path("s.yaml").write_text(IN_MOUSE, encoding="utf-8")
    said = mtorsim("show", "scenario", "s.yaml").out
    assert "20 mg per kg of body weight intraperitoneally every day, 5 times; from 24 h." in said
    assert "In a tumour of a mouse." in said
    assert "ketoconazole (chronic: CYP3A_activity" in said
    assert " of them make the body; " in said


@pytest.mark.parametrize("command", ["run", "export"])
def test_help_lists_the_species(mtorsim, command):
    assert "--species" in mtorsim(command, "--help").out
    assert "human|mouse" in mtorsim(command, "--help").out


def test_show_pharmacokinetics(mtorsim):
    rows = json.loads(mtorsim("show", "pharmacokinetics", "--json").out)
    found = {(row["drug"], row["species"]): row for row in rows}
    human = found["temsirolimus", "human"]
    assert human["routes"] == "IV, IV bolus"
    assert human["infusion"] == "30 min"
    assert human["analytes"] == "temsirolimus, sirolimus"
    assert human["measured in"] == "blood"
    assert human["read-outs"] == "temsirolimus_blood, sirolimus_blood"
    assert found["Ku-0063794", "mouse"]["read-outs"] == "Ku_0063794_plasma"
    assert ("Ku-0063794", "human") not in found


def test_show_parameters_finds_those_of_a_body(mtorsim):
    rows = json.loads(mtorsim("show", "parameters", "temsirolimus", "--json").out)
    found = {row["id"]: row for row in rows}
    clearance = found["CL_temsirolimus"]
    assert clearance["unit"] == "litre/min"
    assert clearance["branch"] == "pharmacokinetics/temsirolimus"
    assert clearance["confidence"]
    assert clearance["notes"]
    assert "kpermeation_temsirolimus" in found  # those of the cell are there as before
    assert "central_temsirolimus" not in found  # it follows from others and cannot be set
    assert "CL_temsirolimus" in mtorsim("show", "parameters", "temsirolimus").out


def test_what_differs_between_bodies_is_shown_for_each(mtorsim):
    rows = json.loads(mtorsim("show", "parameters", "body_weight", "--json").out)
    weights = {row["branch"]: row["value"] for row in rows if row["id"] == "body_weight"}
    assert weights == {"pharmacokinetics/human": 70, "pharmacokinetics/mouse": 0.02}
    names = [row["name"] for row in rows if row["id"] == "body_weight"]
    assert names == ["body weight (human)", "body weight (mouse)"]
    once = json.loads(mtorsim("show", "parameters", "CL_sirolimus", "--json").out)
    assert [row["id"] for row in once] == ["CL_sirolimus"]


def test_show_species_holds_those_of_a_body(mtorsim):
    rows = json.loads(mtorsim("show", "species", "--json").out)
    found = {row["id"]: row["value"] for row in rows}
    assert found["temsirolimus_plasma"] == 0
    assert found["FKBP12_blood"] > 0
    assert found["FKBP12"] > 0


def test_show_perturbations_tells_bodies_from_cells(mtorsim):
    rows = json.loads(mtorsim("show", "perturbations", "--json").out)
    place = {row["name"]: row["acts on"] for row in rows}
    assert (place["ketoconazole"], place["PTEN_loss"]) == ("body", "cell")


# --- bad input: one or two lines, status 2, nothing written ---------------------------------------

FILES = {
    "malformed.yaml": "cell: [786-O\nduration: 72 h\n",
    "unknown_key.yaml": "cell: 786-O\ndurration: 72 h\n",
    "empty.yaml": "",
    "list.yaml": "- 786-O\n",
    "twice.yaml": "cell: 786-O\ncell: PC-3\n",
    "sweep.yaml": "cell: 786-O\nvary: {cell: [PC-3]}\n",
    "nan.yaml": "set: {kphos_S6K1_by_mTORC1: .nan}\n",
    "number.yaml": "drugs: [{name: temsirolimus, dose: 20}]\n",
    "binary.yaml": "\x00\x01",
    "a_file": "something else lies here",
}

BAD_INPUT = {
    "unknown cell": (["--cell", "786O"], ["no cell '786O'", "'786-O'", "mtorsim show cells"]),
    "unknown drug": (["--drug", "temsirolmus=20nM"], ["no drug", "'temsirolimus'"]),
    "unknown observable": (["--observe", "S6K_pT389"], ["no observable", "'S6K1_pT389'"]),
    "unknown perturbation": (["--perturb", "PTEN-loss"], ["no perturbation", "'PTEN_loss'"]),
    "unknown stimulus": (["--stimulus", "insuline=1nM"], ["no stimulus", "'insulin'"]),
    "unknown parameter": (
        ["--set", "kdeg_mTOR=1"],
        ["no parameter or species 'kdeg_mTOR'", "'kdeg_MTOR'", "mtorsim show parameters"],
    ),
    "a dose without a unit": (["--drug", "temsirolimus=20"], ["no unit", "'20 nM'"]),
    "a dose with a wrong unit": (["--drug", "temsirolimus=20h"], ["temsirolimus", "20h"]),
    "an unknown unit": (["--drug", "temsirolimus=20 nMol"], ["temsirolimus", "nMol"]),
    "a negative dose": (["--drug", "temsirolimus=-20nM"], ["negative"]),
    "a dose that is not a number": (["--drug", "temsirolimus=nan nM"], ["nan"]),
    "an infinite dose": (["--drug", "temsirolimus=1e999 nM"], ["1e999"]),
    "no dose": (["--drug", "temsirolimus"], ["NAME=VALUE", "temsirolimus=20nM"]),
    "a regimen nobody understands": (
        ["--drug", "temsirolimus=25 mg IM weekly"],
        ["--drug", "temsirolimus", "'IM'"],
    ),
    "a way it is not given": (
        ["--drug", "temsirolimus=25 mg PO weekly"],
        ["temsirolimus is not given PO in human", "'IV'"],
    ),
    "a drug whose way is not known": (
        ["--drug", "Torin-1=25 mg PO"],
        ["no drug with pharmacokinetics in human 'Torin-1'", "mtorsim show pharmacokinetics"],
    ),
    "a body and a dish": (
        ["--drug", "temsirolimus=25 mg", "--drug", "sirolimus=20nM"],
        ["temsirolimus is given to a body and sirolimus with the medium"],
    ),
    "a modifier without a body": (["--perturb", "ketoconazole"], ["acts on a body", "regimen"]),
    "an unknown species": (
        ["--drug", "temsirolimus=25 mg", "--species", "rat"],
        ["no species 'rat'", "human, mouse"],
    ),
    "a species without a body": (["--species", "mouse"], ["species", "regimen"]),
    "an endless regimen": (["--drug", "temsirolimus=25 mg weekly x9000"], ["duration", "10 years"]),
    "no weight": (["--drug", "temsirolimus=25 mg", "--set", "body_weight=0"], ["body_weight"]),
    "a drug given twice": (
        ["--drug", "sirolimus=1nM", "--drug", "sirolimus=2nM"],
        ["'sirolimus' is given twice"],
    ),
    "a negative duration": (["--duration", "-3h"], ["duration", "'-3h'"]),
    "no duration": (["--duration", "0h"], ["duration", "'0h'"]),
    "a duration without a unit": (["--duration", "72"], ["duration", "no unit"]),
    "an age": (["--duration", "1e30h"], ["duration", "1e30h", "10 years"]),
    "a dose that no medium holds": (["--drug", "temsirolimus=1e30nM"], ["temsirolimus", "1 M"]),
    "an endless duration": (["--duration", "inf h"], ["duration", "inf"]),
    "NaN for a parameter": (["--set", "kdeg_MTOR=nan"], ["kdeg_MTOR", "finite"]),
    "a negative parameter": (["--set", "kdeg_MTOR=-1"], ["kdeg_MTOR", "negative"]),
    "a wrong unit for a parameter": (["--set", "kdeg_MTOR=1 nM"], ["kdeg_MTOR", "1 nM"]),
    "text for a parameter": (["--set", "kdeg_MTOR=fast"], ["kdeg_MTOR", "fast"]),
    "nothing to observe": (["--observe", ","], ["--observe"]),
    "a missing file": (["absent.yaml"], ["absent.yaml"]),
    "a folder for a file": (["."], ["is a folder"]),
    "malformed YAML": (["malformed.yaml"], ["malformed.yaml", "line"]),
    "an unknown key": (["unknown_key.yaml"], ["unknown_key.yaml, line 2", "'duration'"]),
    "an empty file": (["empty.yaml"], ["empty.yaml"]),
    "no mapping": (["list.yaml"], ["list.yaml"]),
    "a key given twice": (["twice.yaml"], ["twice.yaml, line 2", "'cell'"]),
    "a sweep file": (["sweep.yaml"], ["sweep.yaml, line 2", "sweep"]),
    "NaN in a file": (["nan.yaml"], ["nan.yaml, line 1", "finite"]),
    "a bare number in a file": (["number.yaml"], ["number.yaml, line 1", "no unit"]),
    "a file that is not text": (["binary.yaml"], ["binary.yaml"]),
    "a file where the folder should be": (["--out", "a_file"], ["'a_file'", "not a folder"]),
    "a folder below a file": (["--out", "a_file/out"], ["a_file", "not a folder"]),
    "a folder that cannot be made": (["--out", "/proc/mtorsim"], ["/proc/mtorsim"]),
    "a name that is too long": (["--out", "x" * 300], ["too long"]),
    "no name for the folder": (["--out", ""], ["--out"]),
    "an unknown option": (["--cel", "PC-3"], ["no option '--cel'", "'--cell'", "run --help"]),
    "an option without its value": (["--cell"], ["--cell"]),
    "an argument too many": (["a.yaml", "b.yaml"], ["b.yaml"]),
}


@pytest.mark.parametrize(("arguments", "said"), BAD_INPUT.values(), ids=BAD_INPUT.keys())
def test_bad_input_is_refused_and_nothing_is_written(mtorsim, tmp_path, arguments, said):
    for name, text in FILES.items():
        Path(name).write_text(text, encoding="utf-8")
    done = mtorsim("run", *arguments)
    assert done.status == 2
    assert done.out == ""
    assert "Traceback" not in done.err
    assert 1 <= len(done.err.splitlines()) <= 2, done.err
    assert all(words in done.err for words in said), done.err
    assert {path.name for path in tmp_path.iterdir()} == FILES.keys()


@pytest.mark.parametrize("command", [("rnu",), ("show", "drugz"), ("show",), ("check",)])
def test_commands_that_do_not_exist_or_lack_something(mtorsim, command):
    done = mtorsim(*command)
    assert (done.status, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1


def test_debug_adds_the_traceback(mtorsim):
    done = mtorsim("run", "--cell", "786O", "--debug")
    assert done.status == 2
    assert "Traceback" in done.err
    assert done.err.splitlines()[-1].startswith("error: no cell '786O'")


def test_a_folder_in_the_way_of_a_file_is_seen_before_the_run(mtorsim, tmp_path):
    (tmp_path / "out" / "figure.png").mkdir(parents=True)
    done = mtorsim("run")
    assert done.status == 2
    assert "figure.png" in done.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["figure.png"]


# --- what can go wrong while running --------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="needs ulimit")
def test_a_full_disk_leaves_the_older_run_as_it_was(tmp_path):
    short = [*MTORSIM, "run", "-q", "--duration", "10min"]
    subprocess.run(short, cwd=tmp_path, check=True)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    limited = f"ulimit -f 100; exec {subprocess.list2cmdline(MTORSIM[:2])} {MTORSIM[2]!r} run"
    done = subprocess.run(["bash", "-c", limited], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: could not write to 'out': ")
    assert len(done.stderr.splitlines()) == 1
    assert "relative to untreated" in done.stdout  # which did not wait for the files
    assert "Wrote" not in done.stdout
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_interrupting_says_so_and_leaves_130(tmp_path):
    # The command waits for a scenario that does not come: that moment can be known.
    pipe = tmp_path / "scenario.yaml"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [*MTORSIM, "run", pipe.name],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # Tests started in the background, by nohup say, hand down that interrupts are ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    writer = _opened(pipe)
    process.send_signal(signal.SIGINT)
    os.close(writer)  # a signal between opening and reading is noticed when the reading ends
    _, complaint = process.communicate(timeout=30)
    assert (process.returncode, complaint) == (130, "interrupted\n")
    assert [path.name for path in tmp_path.iterdir()] == ["scenario.yaml"]


def _opened(pipe):
    for _ in range(300):
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads yet
            time.sleep(0.1)
    raise AssertionError("the command never opened its file")


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_a_reader_that_goes_away_is_no_error():
    show = f"{subprocess.list2cmdline(MTORSIM[:2])} {MTORSIM[2]!r} show parameters"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {show} | head -n 1"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("id")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_that_takes_nothing_is_one_line():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*MTORSIM, "show", "cells"], stdout=full, stderr=-1, text=True)
    assert done.returncode == 1
    assert done.stderr == "error: could not write to standard output: No space left on device.\n"


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
@pytest.mark.parametrize(
    ("closing", "status"), [("show cells >&-", 0), ("run --cell 786O 2>&-", 2)]
)
def test_closed_streams_are_no_surprise(closing, status):
    command = f"{subprocess.list2cmdline(MTORSIM[:2])} {MTORSIM[2]!r} {closing}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


# --- show, check, export --------------------------------------------------------------------------


def test_alone_it_gives_three_examples(mtorsim):
    done = mtorsim()
    assert done.status == 0
    assert sum(line.startswith("  mtorsim ") for line in done.out.splitlines()) == 3


@pytest.mark.parametrize(
    "command", [(), ("run",), ("show",), ("show", "parameters"), ("check",), ("export",)]
)
def test_every_command_has_help(mtorsim, command):
    done = mtorsim(*command, "--help")
    assert done.status == 0
    assert "Usage" in done.out


def test_help_waits_for_no_library_that_computes():
    # That it then answers at once is measured in benchmarks/, not here: machines differ.
    code = "import sys; from mtorsim.cli import main; main(['--help'])"
    ask = f"import sys\ntry:\n    exec({code!r})\nfinally:\n    print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", ask], check=False, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "mtorsim.cli" in loaded
    slow = {"numpy", "pandas", "xarray", "matplotlib", "roadrunner", "antimony", "libsbml", "pint"}
    assert not loaded & slow


TOPICS = [
    *("cells", "drugs", "pharmacokinetics", "perturbations", "stimuli", "branches"),
    *("species", "observables", "parameters"),
]


@pytest.mark.parametrize("topic", TOPICS)
def test_show_as_table_json_and_names(mtorsim, topic):
    table = mtorsim("show", topic)
    rows = json.loads(mtorsim("show", topic, "--json").out)
    names = mtorsim("show", topic, "-q").out.split()
    assert table.status == 0
    assert names == [next(iter(row.values())) for row in rows]
    assert all(name in table.out for name in names)


def test_every_parameter_shows_where_it_comes_from(mtorsim):
    rows = json.loads(mtorsim("show", "parameters", "--json").out)
    assert all(row["unit"] and row["confidence"] in "ABCD" and row["confidence"] for row in rows)
    assert all(row["source"] or row["notes"] for row in rows)
    assert not any("&" in row["notes"] for row in rows)  # no XML shows through
    assert {"cell", "medium"} <= {row["id"] for row in rows}  # volumes can be set too


def test_show_parameters_filters_by_text(mtorsim):
    ids = mtorsim("show", "parameters", "fkbp51", "-q").out.split()
    assert ids
    assert all("FKBP51" in name for name in ids)
    assert mtorsim("show", "parameters", "nonsense_xyz").status == 2


def test_show_scenario_says_the_schedule_in_words(mtorsim):
    Path("s.yaml").write_text(
        "drugs: [{name: temsirolimus, dose: 20 nM, start: 0 h, stop: 24 h}]", encoding="utf-8"
    )
    assert "washed out at 24 h" in mtorsim("show", "scenario", "s.yaml").out


@pytest.mark.parametrize(
    "arguments", [("--set", "kdeg_mTOR=1"), ("--observe", "S6K_pT389"), ("--cell", "786O")]
)
def test_show_scenario_refuses_what_run_would(mtorsim, arguments):
    done = mtorsim("show", "scenario", *arguments)
    assert (done.status, done.out) == (2, "")


def test_show_scenario_can_be_quiet(mtorsim):
    assert mtorsim("show", "scenario", "-q").out == ""


def test_show_schema_is_json(mtorsim):
    plain, as_json = mtorsim("show", "schema").out, mtorsim("show", "schema", "--json").out
    assert plain == as_json
    assert "observe" in json.loads(plain)["properties"]
    assert "observe" in mtorsim("show", "schema", "-q").out.split()


def test_an_unknown_option_is_compared_with_options_only(mtorsim):
    complaint = mtorsim("show", "scenario", "--xyz").err
    assert "--cell" in complaint
    assert "Known: --" in complaint


def test_what_export_writes_is_what_run_wrote(default_run, mtorsim, tmp_path):
    folder, _ = default_run
    assert mtorsim("export", "--to", "sbml", "-o", "model.xml").status == 0
    assert (tmp_path / "model.xml").read_bytes() == (folder / "model.xml").read_bytes()


def test_export_goes_to_standard_output_or_by_ending(mtorsim, tmp_path):
    printed = mtorsim("export", "--to", "antimony", "--duration", "1h")
    assert mtorsim("export", "--duration", "1h", "-o", "model.ant", "-q").out == ""
    assert (tmp_path / "model.ant").read_text(encoding="utf-8").strip() == printed.out.strip()
    assert "model *" in printed.out


@pytest.mark.parametrize(
    "arguments",
    [("--to", "sbm"), ("-o", "nowhere/model.xml"), ("-o", "."), ("--cell", "786O", "-o", "m.xml")],
)
def test_a_bad_export_writes_nothing(mtorsim, tmp_path, arguments):
    done = mtorsim("export", *arguments)
    assert (done.status, done.out) == (2, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["model.xml", "model.ant"])
def test_an_export_passes_the_check(mtorsim, name):
    mtorsim("export", "-o", name)
    done = mtorsim("check", name)
    assert (done.status, done.err) == (0, "")
    assert "no warnings" in done.out


def test_check_of_a_scenario(mtorsim):
    Path("good.yaml").write_text("cell: PC-3", encoding="utf-8")
    Path("bad.yaml").write_text("cell: PC-3\nobserve: [S6K_pT389]", encoding="utf-8")
    good, bad = mtorsim("check", "good.yaml"), mtorsim("check", "bad.yaml")
    assert (good.status, bad.status) == (0, 2)
    assert "PC-3" in good.out
    assert "bad.yaml, line 2: no observable" in bad.out
    assert "S6K1_pT389" in bad.out
    assert bad.err == "error: bad.yaml is not sound: 1 error.\n"


def test_check_as_json(mtorsim):
    Path("model.ant").write_text("species A; A = 1; k = 1\nlose: A -> ; k*A", encoding="utf-8")
    report = json.loads(mtorsim("check", "model.ant", "--json").out)
    assert report["sound"] is True
    assert {"severity", "topic", "message"} == report["findings"][0].keys()
