"""``mtorsim pk``: files, tables, errors."""

import csv
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from mtorsim import SimulationError, body
from mtorsim.cli import main
from mtorsim.cli.commands import app
from mtorsim.pharmacology import ensemble, exposure
from mtorsim.symbols import symbols

FILES = {"curves.csv", "table.csv", "figure.png", "model.xml", "run.json"}
FITS = "CL_temsirolimus,Q_temsirolimus\n0.5,0.7\n0.7,0.8\n0.9,1\n"


@pytest.fixture
def mtorsim(capsys, monkeypatch, tmp_path):
    """Call the command in an empty folder; return status, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments):
        with pytest.raises(SystemExit) as leaving:
            main([str(argument) for argument in arguments])
        return leaving.value.code, *capsys.readouterr()

    return call


@pytest.fixture
def fits(tmp_path_factory, monkeypatch):
    """Three accepted fits in place of those that are shipped."""
    path = tmp_path_factory.mktemp("models") / "ensemble.csv"
    path.write_text(FITS, encoding="utf-8")
    monkeypatch.setattr(ensemble, "models_path", lambda *parts: path)
    ensemble._rows.cache_clear()
    yield
    ensemble._rows.cache_clear()


@pytest.fixture
def no_picture(monkeypatch):
    """Without drawing, which takes longer than all the rest."""
    monkeypatch.setattr("mtorsim.export.exposure_folder.png", lambda figure: b"")


def rows(path):
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def printed(out, quantity):
    """The cells of the first row of that name."""
    line = next(line for line in out.splitlines() if line.startswith(quantity))
    return line.removeprefix(quantity).split()


# --- what is written and printed ------------------------------------------------------------------


def test_the_default_writes_and_prints(mtorsim, tmp_path):
    status, out, err = mtorsim("pk")
    assert (status, err) == (0, "")
    assert {path.name for path in (tmp_path / "pk").iterdir()} == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["pk"]
    words = out.split("\n\n")[0]
    assert words.startswith("temsirolimus in a human of 70 kg, 1.8 m²")
    assert "25 mg intravenously every week, 4 times; over 30 min; followed for 28 d." in words
    assert words.endswith("Without --regimen: 25 mg IV weekly x4 (label: 25 mg once a week).")
    assert "Whole blood is drawn 30 min, 1 h" in words
    assert "Limits of quantification: temsirolimus 0.25 ng/mL" in words
    assert out.index("temsirolimus, whole blood") < out.index("sirolimus, whole blood  ")
    assert out.rstrip().endswith(
        "Wrote curves.csv, table.csv, figure.png, model.xml, run.json to 'pk'."
    )
    assert "nan" not in out.lower()


def test_the_table_holds_the_numbers_of_the_exposure(mtorsim, no_picture):
    _, out, _ = mtorsim("pk", "--regimen", "25 mg")
    table = exposure("temsirolimus", "25 mg").table.set_index(["analyte", "dose", "quantity"])
    value = table["value"]["temsirolimus", "first", "half-life"]
    assert printed(out, "half-life") == ["first", f"{value:.3g}", "h"]
    found = {(row["analyte"], row["dose"], row["quantity"]): row for row in rows("pk/table.csv")}
    assert found.keys() == {*table.index}
    for key, row in found.items():
        assert float(row["value"]) == pytest.approx(table["value"][key], rel=1e-8)
        assert row["unit"] == table["unit"][key]


def test_curves_and_origin(mtorsim, tmp_path):
    mtorsim("pk", "--regimen", "25 mg", "--with", "ketoconazole", "--out", "o", "-q")
    curves = rows("o/curves.csv")
    assert list(curves[0])[:2] == ["arm", "time_h"]
    arms = ["25 mg once", "25 mg once with ketoconazole"]
    assert list(dict.fromkeys(row["arm"] for row in curves)) == arms
    peak = exposure("temsirolimus", "25 mg").curve("temsirolimus").max()
    own = [row for row in curves if row["arm"] == arms[0]]
    assert max(float(row["temsirolimus_blood"]) for row in own) == pytest.approx(peak, rel=1e-8)
    origin = json.loads(Path("o/run.json").read_text(encoding="utf-8"))
    assert [arm["arm"] for arm in origin["arms"]] == arms
    assert [arm["with"] for arm in origin["arms"]] == [[], ["ketoconazole"]]
    assert origin["units"]["time_h"] == "h"
    assert origin["units"]["sirolimus_plasma"] == "nM"
    assert {*origin["files"], "run.json"} == {path.name for path in (tmp_path / "o").iterdir()}
    for name, digest in origin["files"].items():
        assert hashlib.sha256((tmp_path / "o" / name).read_bytes()).hexdigest() == digest


def test_each_arm_has_its_model(mtorsim, tmp_path, no_picture):
    mtorsim("pk", "--regimen", "25 mg", "--regimen", "5 mg", "--with", "ketoconazole", "-q")
    names = {f"model_{letter}.xml" for letter in "ABCD"}
    assert {path.name for path in (tmp_path / "pk").iterdir()} == FILES - {"model.xml"} | names
    origin = json.loads(Path("pk/run.json").read_text(encoding="utf-8"))
    for arm in origin["arms"]:
        model = (tmp_path / "pk" / arm["model"]).read_bytes()
        assert hashlib.sha256(model).hexdigest() == arm["model_sha256"]
    activity = symbols((tmp_path / "pk" / "model_B.xml").read_text(encoding="utf-8"))
    assert activity["CYP3A_activity"].value < 1


def test_arms_and_ratios(mtorsim, no_picture):
    _, out, _ = mtorsim(
        *("pk", "--regimen", "1 mg", "--regimen", "25 mg", "--with", "ketoconazole"),
        *("--with", "ketoconazole, hepatic_impairment_mild"),
    )
    arms = [line for line in out.splitlines() if line[1:3] == ": "]
    assert [line[0] for line in arms] == list("ABCDEF")
    assert arms[2].endswith("with ketoconazole, hepatic_impairment_mild.")
    header = next(line for line in out.splitlines() if line.startswith("temsirolimus, whole"))
    assert header.split()[-11:-1] == ["A", "B", "B/A", "C", "C/A", "D", "E", "E/D", "F", "F/D"]
    found = {row["arm"]: row for row in rows("pk/table.csv")
             if (row["analyte"], row["quantity"]) == ("sirolimus", "AUC 0-inf")}  # fmt: skip
    assert [arm for arm, row in found.items() if row["ratio"]] == [
        *(f"{dose} once with {names}" for dose in ("1 mg", "25 mg")
          for names in ("ketoconazole", "ketoconazole, hepatic_impairment_mild")),
    ]  # fmt: skip
    ratio = float(found["25 mg once with ketoconazole"]["ratio"])
    assert f"{ratio:.2f}" in printed(out.partition("\nsirolimus, whole")[2], "AUC 0-inf")
    assert "AUC 0-inf per dose, relative" in out
    assert "1: as much as the dose" in out


def test_reasons_stand_below(mtorsim, no_picture):
    _, out, _ = mtorsim("pk", "--regimen", "1 ug weekly x2", "--regimen", "25 mg")
    assert "nan" not in out
    assert "[1] no quantifiable value\n" in out
    assert "AUC tau of the first dose: no quantifiable value" in out
    assert "– does not apply to this regimen" in out
    cells = printed(out, "Ctrough")
    assert cells == ["last", "[1]", "–", "ng/mL"]


def test_json_has_all_arms(mtorsim, no_picture):
    status, out, err = mtorsim("pk", "--regimen", "1 ug", "--with", "rifampin", "--json")
    assert (status, err) == (0, "")
    records = json.loads(out)
    assert {record["arm"] for record in records} == {"1 ug once", "1 ug once with rifampin"}
    assert records[0]["regimen"] == "1 ug once"
    assert records[-1]["with"] == ["rifampin"]
    assert records[0]["value"] is None
    assert records[0]["reason"] == "no quantifiable value"
    assert {"analyte", "dose", "quantity", "unit", "ratio", "drug", "species"} <= records[0].keys()


def test_quiet(mtorsim, no_picture):
    assert mtorsim("pk", "--regimen", "25 mg", "-q") == (0, "", "")
    assert Path("pk/table.csv").is_file()


def test_the_same_call_writes_the_same_bytes(mtorsim, tmp_path):
    for folder in ("one", "two"):
        mtorsim("pk", "--regimen", "25 mg", "--out", folder, "-q")
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_mouse(mtorsim, no_picture):
    _, out, _ = mtorsim(
        *("pk", "--drug", "Ku-0063794", "--species", "mouse", "--regimen", "8 mg/kg daily x3"),
    )
    assert "Ku-0063794 in a mouse of 20 g" in out
    assert "Ku-0063794, plasma" in out
    assert "IP; followed for" in out
    assert "CL/F" in out


def test_an_exposure_saves_itself(tmp_path):
    folder = exposure("sirolimus", "5 mg").save(tmp_path / "new")
    assert {path.name for path in folder.iterdir()} == FILES


def test_each_drug_has_its_usual_regimen(mtorsim, no_picture):
    _, out, _ = mtorsim("pk", "--drug", "sirolimus")
    assert "Without --regimen: 2 mg PO daily x14" in out
    _, out, _ = mtorsim("pk", "--drug", "Ku-0063794", "--species", "mouse")
    assert "Without --regimen: 10 mg/kg IP daily x5 (assumed)." in out
    _, out, _ = mtorsim("pk", "--drug", "everolimus", "--regimen", "10 mg")
    assert "Without --regimen" not in out


def test_models_of_an_earlier_comparison_go(mtorsim, tmp_path, no_picture):
    folder = tmp_path / "pk"
    mtorsim("pk", "--regimen", "25 mg", "--regimen", "5 mg", "--with", "ketoconazole", "-q")
    (folder / "model_C.xml").write_text("changed by hand", encoding="utf-8")
    (folder / "model_Z.xml").write_text("not ours", encoding="utf-8")
    mtorsim("pk", "--regimen", "25 mg", "-q")
    kept = {path.name for path in folder.iterdir()}
    assert kept == FILES | {"model_C.xml", "model_Z.xml"}
    for text in ("no json", "{}", "[]", '{"files": 3}'):
        (folder / "run.json").write_text(text, encoding="utf-8")
        assert mtorsim("pk", "--regimen", "25 mg", "-q") == (0, "", "")


# --- accepted fits --------------------------------------------------------------------------------


def test_an_ensemble_gives_ranges(mtorsim, fits, no_picture):
    status, out, err = mtorsim("pk", "--regimen", "25 mg", "--with", "ketoconazole", "--ensemble")
    assert (status, err) == (0, "")
    assert "Median of 3 accepted fits (5th to 95th percentile)." in out
    row = next(row for row in rows("pk/table.csv") if row["quantity"] == "CL")
    cells = printed(out, "CL")
    assert cells[1:5] == [
        f"{float(row['median']):.3g}",
        f"({float(row['p5']):.3g}",
        "to",
        f"{float(row['p95']):.3g})",
    ]
    assert float(row["p5"]) < float(row["median"]) < float(row["p95"])
    assert "sirolimus_interstitium_p95" in rows("pk/curves.csv")[0]
    origin = json.loads(Path("pk/run.json").read_text(encoding="utf-8"))
    assert origin["arms"][0]["ensemble"]["fits"] == 3


def test_fits_are_counted_on_a_terminal(mtorsim, fits, no_picture, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    _, _, err = mtorsim("pk", "--regimen", "25 mg", "--ensemble")
    assert err.startswith("\raccepted fits: 1 of 3\raccepted fits: 2 of 3\raccepted fits: 3 of 3\r")
    assert err.endswith("\r\x1b[K")
    assert mtorsim("pk", "--regimen", "25 mg", "--ensemble", "-q") == (0, "", "")


def test_without_the_file_of_fits(mtorsim, tmp_path, monkeypatch):
    monkeypatch.setattr(ensemble, "models_path", lambda *parts: tmp_path / "no.csv")
    ensemble._rows.cache_clear()
    status, out, err = mtorsim("pk", "--ensemble")
    assert (status, out) == (2, "")
    assert "no.csv" in err
    assert list(tmp_path.iterdir()) == []


# --- what can go wrong ----------------------------------------------------------------------------

BAD_INPUT = {
    "an unknown drug": (["--drug", "temsirolmus"], ["'temsirolimus'", "mtorsim show drugs"]),
    "a drug with a dose": (["--drug", "temsirolimus=20nM"], ["'temsirolimus'"]),
    "a drug that is not modelled": (["--drug", "Ku-0063794"], ["human", "temsirolimus"]),
    "an unknown species": (["--species", "rat"], ["no species 'rat'", "human, mouse"]),
    "an unknown modifier": (["--with", "ketoconazol"], ["'ketoconazole'"]),
    "a modifier of a cell": (["--with", "hypoxia"], ["'hypoxia' acts on a cell"]),
    "a modifier twice": (["--with", "rifampin,rifampin"], ["'rifampin' is given twice"]),
    "an arm twice": (
        ["--with", "rifampin,ketoconazole", "--with", "ketoconazole,rifampin"],
        ["--with: 'ketoconazole,rifampin' is given twice"],
    ),
    "no modifier": (["--with", ","], ["--with: expected a name"]),
    "a malformed regimen": (["--regimen", "25 mg weeky"], ["--regimen: ", "'weekly'"]),
    "a concentration": (["--regimen", "20 nM"], ["--regimen: ", "is a concentration"]),
    "a route": (["--regimen", "25 mg PO"], ["not given PO in human"]),
    "a regimen twice": (
        ["--regimen", "25 mg", "--regimen", "25 mg once"],
        ["--regimen: '25 mg once' is given twice"],
    ),
    "the same doses twice": (
        ["--regimen", "25 mg IV over 30 min weekly x2", "--regimen", "25 mg weekly x2"],
        ["'25 mg weekly x2' is the same as '25 mg IV over 30 min weekly x2'"],
    ),
    "infusions that overlap": (
        ["--regimen", "25 mg IV every 20 min x3"],
        ["--regimen: '25 mg IV every 20 min x3': infusions overlap", "infused over 30 min"],
    ),
    "no fits": (
        ["--drug", "Ku-0063794", "--species", "mouse", "--ensemble"],
        ["Ku-0063794 has no accepted fits"],
    ),
    "samples without unit": (["--samples", "1,2"], ["samples: '1' has no unit"]),
    "samples that are none": (["--samples", "soon"], ["samples: 'soon'"]),
    "no samples": (["--samples", ","], ["samples: expected times"]),
    "samples before the dose": (["--samples", "-1h,2h"], ["samples: expected times"]),
    "an end before the first dose": (["--duration", "0h"], ["duration: '0h' is not after"]),
    "a duration without unit": (["--duration", "5"], ["duration: '5' has no unit"]),
    "an unknown parameter": (["--set", "haematocrt=0.3"], ["'haematocrit'"]),
    "a parameter without value": (["--set", "haematocrit"], ["--set haematocrit=0.3"]),
    "no folder": (["--out", ""], ["--out"]),
    "a file for a folder": (["--out", "a_file"], ["not a folder"]),
    "an unknown option": (["--specie", "mouse"], ["'--species'"]),
}


@pytest.mark.parametrize(("arguments", "said"), BAD_INPUT.values(), ids=BAD_INPUT.keys())
def test_bad_input_is_refused_and_nothing_is_written(mtorsim, tmp_path, arguments, said):
    Path("a_file").write_text("something else lies here", encoding="utf-8")
    status, out, err = mtorsim("pk", *arguments)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
    assert all(words in err for words in said), err
    assert [path.name for path in tmp_path.iterdir()] == ["a_file"]


def test_a_folder_in_the_way_is_found_before_the_work(mtorsim, tmp_path, monkeypatch):
    (tmp_path / "pk" / "model_B.xml").mkdir(parents=True)
    monkeypatch.setattr(sys.modules["mtorsim.pharmacology.exposure"], "exposure", None)
    status, _, err = mtorsim("pk", "--regimen", "25 mg", "--with", "rifampin")
    assert (status, "model_B.xml" in err) == (2, True)
    assert [path.name for path in (tmp_path / "pk").iterdir()] == ["model_B.xml"]


def test_a_failing_solver_leaves_1_and_nothing_else(mtorsim, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise SimulationError("solver stopped at 12 min.")

    monkeypatch.setattr(body.CompiledBody, "read", fail)
    assert mtorsim("pk") == (1, "", "error: solver stopped at 12 min.\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_interrupting_says_so_and_leaves_130(tmp_path):
    # A fit that sends the signal itself: that moment can be known.
    program = """
import os, signal
from mtorsim.cli import main
def fits():
    yield {"CL_temsirolimus": 0.5}
    os.kill(os.getpid(), signal.SIGINT)
    yield {"CL_temsirolimus": 0.6}
class Fits:
    def __iter__(self): return fits()
    def __len__(self): return 2
signal.signal(signal.SIGINT, signal.default_int_handler)
import mtorsim.pharmacology as room
room.members = lambda *about: Fits()
main(["pk", "--regimen", "25 mg", "--ensemble"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_help_comes_without_a_solver():
    program = (
        "import sys; from mtorsim.cli import main\n"
        "try: main(['pk', '--help'])\n"
        "finally: print({'roadrunner', 'matplotlib', 'pandas'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8")
    assert "--regimen" in done.stdout
    assert done.stdout.rstrip().endswith("set()")


# --- every option acts ----------------------------------------------------------------------------

OPTIONS = {
    "--drug": ("--drug", "sirolimus"),
    "--regimen": ("--regimen", "5 mg"),
    "--species": ("--species", "mouse"),
    "--with": ("--with", "ketoconazole"),
    "--set": ("--set", "haematocrit=0.3"),
    "--duration": ("--duration", "3d"),
    "--samples": ("--samples", "1h,6h,24h"),
    "--ensemble": ("--ensemble",),
}
NO_READING = {"--out", "--quiet", "--json", "--debug", "--help"}


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_changes_the_table(mtorsim, fits, no_picture, option):
    usual = () if option == "--regimen" else ("--regimen", "2 mg")
    assert mtorsim("pk", *usual, "-q", "--out", "usual") == (0, "", "")
    assert mtorsim("pk", *usual, *OPTIONS[option], "-q", "--out", "other") == (0, "", "")
    tables = [Path(folder, "table.csv").read_bytes() for folder in ("usual", "other")]
    assert tables[0] != tables[1]


def test_no_option_is_left_out_above():
    command = typer.main.get_command(app).commands["pk"]
    names = {name for one in command.params for name in one.opts if name.startswith("--")}
    assert names - NO_READING == OPTIONS.keys()
