"""``mtorsim assay``: files, tables, errors."""

import csv
import hashlib
import json
from pathlib import Path

import pytest
import typer

from mtorsim.assays.western import BANDS, LOADING
from mtorsim.cli import main
from mtorsim.cli.assay import assay as protocols

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
    assert {path.name for path in (tmp_path / "assay" / "viability").iterdir()} == FILES
    assert all(words in out for words in ("IC50", "GR_AOC", "Caki-1", "72 h", "Wrote table.csv"))
    assert len(rows("assay/viability/table.csv")) == 2 * 2 * 5 * 2
    assert [row["cell"] for row in rows("assay/viability/summary.csv")] == ["786-O"] * 2 + [
        "Caki-1"
    ] * 2
    origin = json.loads(Path("assay/viability/run.json").read_text(encoding="utf-8"))
    assert [one["seed"] for one in origin["assays"]] == [3, 3]
    assert {"mtorsim", "libroadrunner", "scipy"} <= origin["assays"][0]["versions"].keys()
    for name, digest in origin["files"].items():
        assert (
            hashlib.sha256((tmp_path / "assay" / "viability" / name).read_bytes()).hexdigest()
            == digest
        )


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
    assert {path.name for path in (tmp_path / "assay" / "combination").iterdir()} == FILES
    assert "median Loewe index" in out
    assert len(rows("assay/combination/table.csv")) == 25


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
    "a regimen": (["western", "--drug", "sirolimus=2 mg daily"], ["take concentrations"]),
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
    "a drug given twice": (
        ["viability", "--drug", "sirolimus", "--drug", "sirolimus"],
        ["--drug: 'sirolimus' is given twice"],
    ),
    "a target nobody blots": (["western", "--targets", "FOO"], ["'FOO'", "S6K1_pT389", "MYC"]),
    "the loading control": (["western", "--targets", "ACTB"], ["always blotted"]),
    "one drug": (["combination", "--drug", "sirolimus"], ["1 given", "Expected two"]),
    "three drugs": (
        ["combination", "--drug", "sirolimus", "--drug", "Torin-1", "--drug", "AZD8055"],
        ["3 given", "--drug temsirolimus --drug Ku-0063794"],
    ),
    "three series of doses": (
        ["combination", *("--doses", "1nM:10nM:4") * 3],
        ["--doses: 3 given", "in their order"],
    ),
    "no time at all": (["combination", "--time", "0h"], ["time: '0h' is not above zero"]),
    "two times": (["combination", "--time", "24h,48h"], ["holds several", "'72 h'"]),
    "a time too late": (["viability", "--times", "10000000h"], ["times:", "10 years"]),
    "a seed below zero": (["viability", "--seed", "-1"], ["seed: -1", "zero or more"]),
    "a seed too long": (["western", "--seed", "1" * 19], ["seed", "18 digits"]),
    "a constant of no drug": (["viability", "--set", "Kd_FRB_FKBP12_nothing=5"], ["no parameter"]),
    "a constant of another drug": (
        ["viability", "--set", "Kd_FRB_FKBP12_sirolimus=5"],
        ["'Kd_FRB_FKBP12_sirolimus'"],
    ),
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


def test_the_protocols_do_not_overwrite_each_other(mtorsim, tmp_path):
    mtorsim("assay", "viability", *SHORT, "-q")
    mtorsim("assay", "western", "--targets", "S6K1_pT389", "-q")
    mtorsim("assay", "combination", "--doses", "1nM:10nM:4", "--time", "1h", "-q")
    assert {path.name for path in (tmp_path / "assay").iterdir()} == {
        *("viability", "western", "combination"),
    }


def test_the_help_names_every_target(mtorsim):
    _, out, _ = mtorsim("assay", "western", "--help")
    assert all(id in out for id in BANDS if id != LOADING)


def test_constants_of_one_drug_do_not_hinder_the_others(mtorsim):
    constant = ("--set", "Kd_FRB_FKBP12_temsirolimus=5")
    beside = ("--drug", "temsirolimus", "--drug", "Ku-0063794")
    assert mtorsim("assay", "viability", *SHORT, *beside, *constant, "-q") == (0, "", "")


# --- every option acts ----------------------------------------------------------------------------

COMMANDS = {
    "viability": ("--doses", "0.1nM:100nM:4", "--times", "24h", "--replicates", "2"),
    "western": ("--drug", "temsirolimus=10nM", "--targets", "S6K1_pT389,AKT_pS473"),
    "combination": ("--doses", "1nM:10nM:4", "--time", "1h", "--readout", "S6K1_pT389"),
}
SHARED = {
    "--cell": ("--cell", "Caki-1"),
    "--perturb": ("--perturb", "hypoxia"),
    "--with": ("--with", "AZD8055=100nM"),
    "--set": ("--set", "kdeg_MTOR=0.01"),
}
OPTIONS = {
    "viability": SHARED
    | {
        "--drug": ("--drug", "sirolimus"),
        "--doses": ("--doses", "0.1nM:10nM:4"),
        "--times": ("--times", "48h"),
        "--replicates": ("--replicates", "3"),
        "--noise": ("--noise", "0.2"),
        "--seed": ("--seed", "1"),
    },
    "western": SHARED
    | {
        "--drug": ("--drug", "Ku-0063794=1uM"),
        "--times": ("--times", "1h"),
        "--targets": ("--targets", "S6_pS235"),
        "--stimulus": ("--stimulus", "insulin=10nM"),
        "--loading-error": ("--loading-error", "0.1"),
        "--seed": ("--loading-error", "0.1", "--seed", "1"),
    },
    "combination": SHARED
    | {
        "--drug": ("--drug", "sirolimus", "--drug", "Torin-1"),
        "--doses": ("--doses", "1nM:20nM:4"),
        "--time": ("--time", "2h"),
        "--readout": ("--readout", "AKT_pS473"),
    },
}
BESIDE = {("western", "--seed"): ("--loading-error", "0.1")}
# Bands stand in a table of their own: test_ensemble.py.
NO_READING = {"--out", "--quiet", "--json", "--debug", "--help", "--ensemble", "--workers"}


def plain_options(command):
    """Arguments without the options that `command` would give once more."""
    return {command[k]: command[k + 1] for k in range(0, len(command), 2)}


@pytest.fixture
def table(mtorsim, monkeypatch):
    """Run a protocol without drawing; return its table.csv."""
    monkeypatch.setattr("mtorsim.export.assay_folder.png", lambda figure: b"")

    def read(protocol, *arguments):
        said = mtorsim("assay", protocol, *arguments, "-q", "--out", "o")
        assert said == (0, "", "")
        return Path("o/table.csv").read_bytes()

    return read


@pytest.mark.parametrize(
    ("protocol", "option"),
    [(protocol, option) for protocol, options in OPTIONS.items() for option in options],
)
def test_every_option_changes_the_table(table, protocol, option):
    usual, changed = COMMANDS[protocol], OPTIONS[protocol][option]
    kept = [
        word
        for name, value in plain_options(usual).items()
        if name not in changed
        for word in (name, value)
    ]
    before = table(protocol, *usual, *BESIDE.get((protocol, option), ()))
    assert table(protocol, *kept, *changed) != before


@pytest.mark.parametrize("protocol", COMMANDS)
def test_no_option_is_left_out_above(protocol):
    command = typer.main.get_command(protocols).commands[protocol]
    names = {name for one in command.params for name in one.opts if name.startswith("--")}
    assert names - NO_READING == OPTIONS[protocol].keys()


@pytest.mark.parametrize("protocol", COMMANDS)
def test_constants_of_the_tested_drug_can_be_set(table, protocol):
    drugs = {"viability": "temsirolimus", "western": "temsirolimus=10nM"}
    given = () if protocol == "combination" else ("--drug", drugs[protocol])
    usual = (*COMMANDS[protocol], *(() if protocol == "western" else given))
    constant = ("--set", "Kd_FRB_FKBP12_temsirolimus=50")
    assert table(protocol, *usual, *constant) != table(protocol, *usual)
