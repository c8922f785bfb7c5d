"""``mtorsim assay``: files, tables, errors."""

import csv
import hashlib
import json
from pathlib import Path

import pytest

from mtorsim.cli import main

FILES = {"table.csv", "summary.csv", "figure.png", "run.json"}
SHORT = ("--doses", "0.1nM:100nM:4", "--times", "24h,72h")


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


def rows(path):
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_viability_writes_and_prints(mtorsim, tmp_path):
    status, out, err = mtorsim(
        *("assay", "viability", "--cell", "786-O", "--cell", "Caki-1"),
        *("--drug", "temsirolimus", *SHORT, "--replicates", 2, "--seed", 3),
    )
    assert (status, err) == (0, "")
    assert {path.name for path in (tmp_path / "assay").iterdir()} == FILES
    assert all(words in out for words in ("IC50", "GR_AOC", "Caki-1", "72 h", "Wrote table.csv"))
    assert len(rows("assay/table.csv")) == 2 * 2 * 5 * 2
    assert [row["cell"] for row in rows("assay/summary.csv")] == ["786-O"] * 2 + ["Caki-1"] * 2
    origin = json.loads(Path("assay/run.json").read_text(encoding="utf-8"))
    assert [one["seed"] for one in origin["assays"]] == [3, 3]
    assert {"mtorsim", "libroadrunner", "scipy"} <= origin["assays"][0]["versions"].keys()
    for name, digest in origin["files"].items():
        assert hashlib.sha256((tmp_path / "assay" / name).read_bytes()).hexdigest() == digest


def test_a_seed_writes_the_same_bytes(mtorsim, tmp_path):
    for folder in ("one", "two"):
        mtorsim("assay", "viability", *SHORT, "--replicates", 3, "--seed", 8, "--out", folder)
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_western_writes_and_prints(mtorsim, tmp_path):
    status, out, err = mtorsim(
        *("assay", "western", "--drug", "temsirolimus=1nM", "--drug", "temsirolimus=20nM"),
        *("--drug", "Ku-0063794=1uM", "--targets", "S6K1_pT389,AKT_pS473", "--out", "blot"),
    )
    assert (status, err) == (0, "")
    assert {path.name for path in (tmp_path / "blot").iterdir()} == FILES
    assert "lane 4: 786-O, Ku-0063794 1 uM, 24 h" in out
    assert len(rows("blot/table.csv")) == 2 * 4


def test_combination_writes_and_prints(mtorsim, tmp_path):
    status, out, err = mtorsim(
        *("assay", "combination", "--drug", "temsirolimus", "--drug", "Ku-0063794"),
        *("--doses", "0.1nM:100nM:4", "--doses", "10nM:10uM:4", "--perturb", "hypoxia"),
    )
    assert (status, err) == (0, "")
    assert {path.name for path in (tmp_path / "assay").iterdir()} == FILES
    assert "median Loewe index" in out
    assert len(rows("assay/table.csv")) == 25


@pytest.mark.parametrize(
    "command",
    [
        ("viability", "--doses", "0.1nM:100nM:4", "--times", "24h"),
        ("western", "--targets", "S6K1_pT389"),
        ("combination", "--doses", "1nM:10nM:4", "--time", "1h"),
    ],
)
def test_json_and_quiet(mtorsim, command):
    status, out, _ = mtorsim("assay", *command, "--json")
    assert status == 0
    assert isinstance(json.loads(out), list)
    assert mtorsim("assay", *command, "-q") == (0, "", "")


BAD_INPUT = {
    "no protocol": ([], ["viability, western, combination"]),
    "an unknown protocol": (["viablity"], ["'viability'"]),
    "an unknown cell": (["viability", "--cell", "786O"], ["'786-O'"]),
    "a cell given twice": (["viability", "--cell", "786-O", "--cell", "786-O"], ["given twice"]),
    "a drug with a dose": (["viability", "--drug", "sirolimus=1nM"], ["--drug sirolimus;"]),
    "an unknown drug": (["viability", "--drug", "temsirolmus"], ["'temsirolimus'"]),
    "too few doses": (["viability", "--doses", "1nM,2nM"], ["at least 4"]),
    "doses without a unit": (["viability", "--doses", "1,2,3,4"], ["no unit"]),
    "a series that is none": (["viability", "--doses", "1nM:2nM:x"], ["no series"]),
    "no times": (["viability", "--times", ","], ["times"]),
    "too much noise": (["viability", "--noise", "7"], ["noise"]),
    "a background drug without dose": (["viability", "--with", "sirolimus"], ["--with"]),
    "an unknown perturbation": (["viability", "--perturb", "PTEN-loss"], ["'PTEN_loss'"]),
    "an unknown parameter": (["viability", "--set", "kdeg_mTOR=1"], ["'kdeg_MTOR'"]),
    "no folder": (["viability", "--out", ""], ["--out"]),
    "a file for a folder": (["viability", "--out", "a_file"], ["not a folder"]),
    "an unknown target": (["western", "--targets", "S6K_pT389"], ["'S6K1_pT389'"]),
    "lanes without dose": (["western", "--drug", "sirolimus"], ["--drug sirolimus=1nM,10nM"]),
    "one drug": (["combination", "--drug", "sirolimus"], ["expected two"]),
    "an unknown read-out": (["combination", "--readout", "S6K_pT389"], ["'S6K1_pT389'"]),
    "an unknown option": (["western", "--cel", "786-O"], ["'--cell'"]),
}


@pytest.mark.parametrize(("arguments", "said"), BAD_INPUT.values(), ids=BAD_INPUT.keys())
def test_bad_input_is_refused_and_nothing_is_written(mtorsim, tmp_path, arguments, said):
    Path("a_file").write_text("something else lies here", encoding="utf-8")
    status, out, err = mtorsim("assay", *arguments)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert all(words in err for words in said), err
    assert [path.name for path in tmp_path.iterdir()] == ["a_file"]


@pytest.mark.parametrize("command", [(), ("viability",), ("western",), ("combination",)])
def test_every_protocol_has_help(mtorsim, command):
    status, out, _ = mtorsim("assay", *command, "--help")
    assert status == 0
    assert "Usage" in out
