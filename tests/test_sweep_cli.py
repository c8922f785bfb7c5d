"""``mtorsim sweep``: options, files, messages, what is printed and written."""

import csv
import io
import json
import re
import sys
from pathlib import Path

import pytest
import xarray as xr

import mtorsim as mt
from mtorsim.cli import main, progress
from mtorsim.cli import sweep as command
from mtorsim.scenario_file import RangeEntry, schema
from mtorsim.sweeps import axes, design, readings

SHORT = ("--duration", "1h", "--observe", "S6K1_pT389,AKT_pS473", "--workers", 1)
DOSES = ("--vary", "drugs.temsirolimus.dose=0.01nM:10nM:4:log")
FILE = """\
cell: 786-O
duration: 1 h
drugs:
  - {name: temsirolimus, dose: 20 nM}
observe: [S6K1_pT389]
vary:
  drug.temsirolimus.dose: {from: 0.01 nM, to: 10 nM, points: 4, spacing: log}
  cell: [786-O, PC-3]
read: [end, peak]
"""


@pytest.fixture
def mtorsim(capfd, monkeypatch, tmp_path):
    """Call the command in an empty folder; return status, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments):
        with pytest.raises(SystemExit) as leaving:
            main(["sweep", *(str(argument) for argument in arguments)])
        return leaving.value.code, *capfd.readouterr()

    return call


def files(folder):
    return {path.name for path in Path(folder).iterdir() if path.name != ".lock"}


def test_a_sweep_of_options_writes_and_prints(mtorsim):
    status, out, err = mtorsim(*DOSES, *SHORT, "--ic50", "drug.temsirolimus.dose")
    assert status == 0
    assert files("sweep") == {"results.zarr", "sweep.json", "failures.csv"}
    lines = out.splitlines()
    assert lines[0].split() == ["observable", "IC50", "[nM]"]
    assert re.fullmatch(r"S6K1_pT389 +0\.[0-9]+", lines[2])
    assert re.fullmatch(r"AKT_pS473 +none from 0\.01 to 10", lines[3])
    assert lines[-1] == "4 points. Wrote results.zarr, sweep.json, failures.csv to 'sweep'."
    assert err.splitlines()[-1].startswith("4 of 4 simulated, ")
    found = mt.open_sweep("sweep")
    assert found.dataset["drugs.temsirolimus.dose"].to_numpy().tolist() == [0.01, 0.1, 1.0, 10.0]
    assert len(found.dataset.data_vars) == 7


def test_a_file_says_the_same_as_options(mtorsim):
    Path("s.yaml").write_text(FILE, encoding="utf-8")
    assert mtorsim("s.yaml", "--out", "a", "-q") == (0, "", "")
    options = ("--cell", "786-O", "--drug", "temsirolimus=20nM", "--observe", "S6K1_pT389")
    more = ("--duration", "1h", "--vary", "cell=786-O,PC-3", "--read", "end,peak")
    assert mtorsim(*options, *DOSES, *more, "--out", "b", "-q", "--workers", 1)[0] == 0
    kept = [json.loads(Path(one, "sweep.json").read_text(encoding="utf-8")) for one in "ab"]
    assert kept[0] == kept[1]


def test_options_win_over_the_file(mtorsim):
    Path("s.yaml").write_text(FILE + "points: 7\ndesign: sobol\nseed: 3\n", encoding="utf-8")
    status, _, _ = mtorsim(
        *("s.yaml", "--vary", "drugs.temsirolimus.dose=1nM:2nM", "--points", 5, "--seed", 4),
        *("--design", "random", "--read", "end", "--duration", "30min", "-q", "--workers", 1),
    )
    assert status == 0
    about = json.loads(Path("sweep/sweep.json").read_text(encoding="utf-8"))
    assert about["design"].items() >= {"method": "random", "points": 5, "seed": 4}.items()
    assert (about["read"], about["scenario"]["duration"]) == (["end"], "30 min")
    assert [one["target"] for one in about["axes"]] == ["drugs.temsirolimus.dose", "cell"]
    assert about["axes"][0]["values"] == [1, 2]


def test_a_tolerance_may_look_as_yaml_takes_for_text(mtorsim):
    text = "vary: {cell: [786-O]}\nduration: 1 h\nrelative_tolerance: 1e-7\nread: [end]\n"
    Path("s.yaml").write_text(text, encoding="utf-8")
    assert mtorsim("s.yaml", "-q")[0] == 0
    assert mt.open_sweep("sweep").dataset.attrs["relative_tolerance"] == 1e-7


def test_a_scenario_file_needs_only_vary(mtorsim):
    Path("s.yaml").write_text("duration: 1 h\nobserve: [S6K1_pT389]\n", encoding="utf-8")
    assert mtorsim("s.yaml", "--vary", "cell=786-O,PC-3", "-q", "--workers", 1)[0] == 0
    assert mt.open_sweep("sweep").count == 2


@pytest.mark.parametrize(
    ("vary", "drugs"),
    [
        ("cell=786-O", {"temsirolimus"}),  # as in `mtorsim run`
        ("drugs.sirolimus.dose=1nM", set()),
        ("drug.temsirolimus.dose=1nM", set()),
    ],
)
def test_the_usual_drug_is_there_unless_drugs_vary(mtorsim, vary, drugs):
    assert mtorsim("--vary", vary, *SHORT, "--read", "end", "-q")[0] == 0
    about = json.loads(Path("sweep/sweep.json").read_text(encoding="utf-8"))
    assert {one["name"] for one in about["scenario"].get("drugs", [])} == drugs


def test_table_and_figure(mtorsim):
    status, out, _ = mtorsim(*DOSES, *SHORT, "--csv", "--plot", "--out", "a/b")
    assert status == 0
    assert "sweep.csv, figure.png to 'a/b'" in out
    with Path("a/b/sweep.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 2
    assert rows[0].keys() == {
        *("drugs.temsirolimus.dose", "observable", "unit", "end", "auc", "peak", "time_to_peak"),
        *("untreated", "status"),
    }
    assert float(rows[0]["end"]) > float(rows[-2]["end"])
    assert Path("a/b/figure.png").read_bytes().startswith(b"\x89PNG")


def test_a_figure_may_come_later(mtorsim):
    assert mtorsim(*DOSES, *SHORT, "-q")[0] == 0
    status, out, err = mtorsim(*DOSES, *SHORT, "--resume", "--plot", "--csv")
    assert (status, err) == (0, "")  # nothing is simulated again
    assert {"figure.png", "sweep.csv"} < files("sweep")
    assert "4 points." in out


def test_json_prints_numbers_and_nothing_else(mtorsim):
    status, out, _ = mtorsim(*DOSES, *SHORT, "--json", "--ic50", "drugs.temsirolimus.dose")
    found = json.loads(out)
    assert status == 0
    assert (found["points"], found["failed"], found["retried"]) == (4, 0, 0)
    assert (found["failures"], found["folder"]) == ([], "sweep")
    assert [one["observable"] for one in found["ic50"]] == ["S6K1_pT389", "AKT_pS473"]
    assert 0.01 < found["ic50"][0]["ic50"] < 1
    assert found["ic50"][1]["ic50"] is None


def test_failed_points_are_listed_at_the_end_with_status_1(mtorsim):
    vary = ("--vary", "kon_FKBP12_temsirolimus=0.1,1e200", *SHORT)
    status, out, err = mtorsim(*vary)
    assert status == 1
    assert "1 failed, 0 done with tighter tolerances:" in out
    row = next(line for line in out.splitlines() if "failed  " in line)
    assert "kon_FKBP12_temsirolimus=1e+200" in row
    assert "solver stopped" in row
    assert err.splitlines()[-1] == "error: 1 of 2 points failed: see failures.csv in 'sweep'."
    with Path("sweep/failures.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["point"], row["outcome"]) == ("1", "failed")
    status, out, err = mtorsim(*vary, "--resume", "-q")
    assert (status, out) == (1, "")
    assert "1 of 2 points failed" in err
    status, out, _ = mtorsim(*vary, "--resume", "--json")
    assert status == 1
    assert json.loads(out)["failures"][0]["values"] == "kon_FKBP12_temsirolimus=1e+200"


def test_many_failures_are_named_in_the_file(mtorsim):
    vary = ("--vary", "kon_FKBP12_temsirolimus=1e200:1e201:12", *SHORT, "--read", "end")
    status, out, _ = mtorsim(*vary)
    assert status == 1
    assert "12 failed" in out
    assert "… and 2 more, in failures.csv." in out


# --- a dry run ------------------------------------------------------------------------------------


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(mtorsim):
    status, out, err = mtorsim(*DOSES, *SHORT, "--vary", "cell=786-O,PC-3", "--dry-run")
    assert (status, err) == (0, "")
    assert "drugs.temsirolimus.dose: 4 values from 0.01 to 10 nM" in out
    assert "cell: 786-O, PC-3" in out
    assert re.search(
        r"8 simulations \(grid\), 1 model compiled; about 1 s with 1 process here; 9\.99 kB of", out
    )
    assert out.rstrip().endswith("Nothing was written.")
    assert list(Path().iterdir()) == []


def test_a_dry_run_in_json_and_with_failures(mtorsim):
    vary = ("--vary", "kon_FKBP12_temsirolimus=0.1,1e200", *SHORT, "--dry-run")
    status, out, _ = mtorsim(*vary, "--json")
    found = json.loads(out)
    assert status == 0
    assert (found["points"], found["models"], found["tried"], found["failed"]) == (2, 1, 2, 1)
    assert "Of 2 that were tried 1 failed: " in mtorsim(*vary)[1]
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (89, "89 s"), (600, "10 min"), (7200, "2.0 h")]
)
def test_times_in_words(seconds, said):
    assert progress.said_time(seconds) == said


@pytest.mark.parametrize(
    ("size", "said"), [(999, "999 B"), (1500, "1.5 kB"), (2.34e6, "2.34 MB"), (5e9, "5 GB")]
)
def test_sizes_in_words(size, said):
    assert command._said_size(size) == said


# --- progress -------------------------------------------------------------------------------------


def test_lines_come_now_and_then_and_at_the_end(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    lines = progress._Lines("simulated")
    for done in range(0, 101, 10):
        lines(done, 100)
        now[0] += 2.0
    said = capsys.readouterr().err.splitlines()
    assert [line.split(" ")[0] for line in said] == ["30", "60", "90", "100"]
    assert said[0] == "30 of 100 simulated, 5/s, 14 s left"
    assert said[-1] == "100 of 100 simulated, 5/s"


def test_a_terminal_gets_a_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with progress.progress_bar(False, "simulated") as update:
        update(3, 7)
        update(7, 7)
        shown = sys.stderr
    assert "7/7" in shown.getvalue()
    with progress.progress_bar(True, "simulated") as update:
        assert update is None


# --- what is refused ------------------------------------------------------------------------------

REFUSED = {
    "nothing varies": ([], ["nothing varies: give --vary"]),
    "no values": (["--vary", "cell"], ["--vary: 'cell': expected NAME=a,b,c"]),
    "an unknown cell": (["--vary", "cell=786O"], ["--vary: cell=786O: no cell '786O'", "'786-O'"]),
    "an unknown drug": (["--vary", "drugs.temsirolmus.dose=1nM"], ["--vary: ", "'temsirolimus'"]),
    "an unknown parameter": (
        ["--vary", "kphos_S6K_by_mTORC1=1"],
        ["--vary: kphos_S6K_by_mTORC1=1: no parameter", "'kphos_S6K1_by_mTORC1'"],
    ),
    "an axis given twice": (
        ["--vary", "cell=786-O", "--vary", "cell=PC-3"], ["--vary: 'cell' is given twice"]
    ),
    "a range without points": (
        ["--vary", "kphos_S6K1_by_mTORC1=1:2"], ["--vary: ", "a grid needs 'points'", "sobol"]
    ),
    "an unknown design": (["--vary", "cell=PC-3", "--design", "gird"], ["--design", "'grid'"]),
    "points of a grid": (["--vary", "cell=PC-3", "--points", 3], ["--points: points: a grid has"]),
    "a design without points": (
        ["--vary", "cell=PC-3", "--design", "sobol"], ["a sobol design needs how many"]
    ),
    "an unknown reading": (["--vary", "cell=PC-3", "--read", "ends"], ["--read: ", "'end'"]),
    "no reading": (["--vary", "cell=PC-3", "--read", ","], ["--read: expected names"]),
    "a time too late": (
        ["--vary", "cell=PC-3", "--times", "100h"], ["--times: ", "from 0 to the end"]
    ),
    "a negative seed": (["--vary", "cell=PC-3", "--seed", -1], ["--seed: ", "-1 is not a whole"]),
    "no tolerance": (
        ["--vary", "cell=PC-3", "--relative-tolerance", 0], ["--relative-tolerance: ", "above zero"]
    ),
    "no workers": (["--vary", "cell=PC-3", "--workers", 0], ["--workers: 0 is not from 1 to 1024"]),
    "no folder": (["--vary", "cell=PC-3", "--out", ""], ["--out: expected a folder"]),
    "a folder with other files": (
        ["--vary", "cell=PC-3", "--out", "."], ["holds other files. Expected a new"]
    ),
    "an IC50 of no axis": (
        ["--vary", "cell=PC-3", "--ic50", "cell"], ["--ic50: no axis of a grid with numbers 'cell'"]
    ),
    "an IC50 of an unknown drug": (
        [*DOSES, "--ic50", "drugs.temsirolmus.dose"], ["--ic50: ", "'temsirolimus'"]
    ),
    "an IC50 of areas": (
        [*DOSES, "--ic50", "drug.temsirolimus.dose", "--read", "auc"], ["--ic50: expected --read"]
    ),
    "a figure of three axes": (
        [*DOSES, "--vary", "cell=786-O,PC-3", "--vary", "duration=1h,2h", "--read", "end",
         "--plot"],
        ["--plot: a figure shows one or two axes"],
    ),
    "an unknown option": (["--vari", "cell=PC-3"], ["'--vary'"]),
    "no such file": (["t.yaml"], ["no file 't.yaml'", "'s.yaml'"]),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_with_status_2_before_the_work(mtorsim, name):
    arguments, words = REFUSED[name]
    Path("s.yaml").write_text(FILE, encoding="utf-8")
    status, out, err = mtorsim(*arguments)
    assert (status, out) == (2, "")
    assert len(err.strip().splitlines()) <= 2
    assert all(word in err for word in words), err
    assert files(".") == {"s.yaml"}


IN_A_FILE = {
    "a key of a range": (
        "vary:\n  cell: [PC-3]\n  FKBP12: {from: 1, to: 2, point: 3}\n",
        "s.yaml, line 3: unknown key 'point'. Closest: 'points'.",
    ),
    "a missing end": (
        "vary:\n  FKBP12: {from: 1}\n", "s.yaml, line 2: vary.FKBP12: 'to' is missing."
    ),
    "points that are none": (
        "vary:\n  FKBP12:\n    from: 1\n    to: 2\n    points: many\n",
        "s.yaml, line 5: vary.FKBP12.points: expected a whole number such as 9, got the text",
    ),
    "neither list nor range": (
        "cell: PC-3\nvary:\n  cell: PC-3\n",
        "s.yaml, line 3: vary.cell: expected a list such as ['786-O', 'Caki-1'], got the text",
    ),
    "a truth value": (
        "vary:\n  FKBP12: [1, yes]\n", "s.yaml, line 2: vary.FKBP12: "
    ),
    "vary that is a list": ("vary: [cell]\n", "s.yaml, line 1: vary: expected a mapping"),
    "an unknown cell": (
        "vary:\n  FKBP12: [100]\n  cell: [786-O, 786O]\n",
        "s.yaml, line 3: cell=786O: no cell '786O'. Closest: '786-O'.",
    ),
    "an unknown drug": (
        "vary:\n  drugs.temsirolmus.dose: [1 nM]\n",
        "s.yaml, line 2: no drug 'temsirolmus'. Closest: 'temsirolimus'.",
    ),
    "a dose below zero": (
        "vary:\n  cell: [PC-3]\n  drugs.temsirolimus.dose: {from: -1 nM, to: 1 nM, points: 3}\n",
        "s.yaml, line 3: drugs.temsirolimus.dose=-1 nM: ",
    ),
    "the same axis under two names": (
        "vary:\n  drug.temsirolimus.dose: [1 nM]\n  drugs.temsirolimus.dose: [2 nM]\n",
        "s.yaml, line 3: vary: 'drugs.temsirolimus.dose' is given twice.",
    ),
    "an unknown parameter": (
        "vary:\n  cell: [PC-3]\n  FKBP21: [1]\n",
        "s.yaml, line 3: FKBP21=1: no parameter or species 'FKBP21'.",
    ),
    "an unknown design": (
        "vary: {cell: [PC-3]}\ndesign: gird\n", "s.yaml, line 2: no design 'gird'. Closest: 'grid'."
    ),
    "an unknown reading": (
        "vary: {cell: [PC-3]}\nread: [end, ends]\n", "s.yaml, line 2: no reading 'ends'."
    ),
    "a time too late": (
        "vary: {cell: [PC-3]}\ntimes: [80 h]\n", "s.yaml, line 2: times: expected times from 0"
    ),
    "points of a grid": (
        "vary: {cell: [PC-3]}\npoints: 3\n", "s.yaml, line 2: points: a grid has as many"
    ),
    "a negative seed": ("vary: {cell: [PC-3]}\nseed: -1\n", "s.yaml, line 2: seed: -1 is not"),
    "no tolerance": (
        "vary: {cell: [PC-3]}\nrelative_tolerance: 0.0\n", "s.yaml, line 2: relative_tolerance: 0.0"
    ),
    "an unknown key": ("vary: {cell: [PC-3]}\nvari: 1\n", "s.yaml, line 2: unknown key 'vari'."),
    "an unknown read-out": (
        "vary: {cell: [PC-3]}\nobserve: [S6K_pT389]\n", "s.yaml, line 2: no observable or species"
    ),
    "a scenario that cannot be": (
        "vary: {cell: [PC-3]}\nduration: 72 nM\n", "s.yaml, line 2: duration: '72 nM' is not a time"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_A_FILE)
def test_mistakes_in_a_file_are_given_their_line(mtorsim, name):
    text, message = IN_A_FILE[name]
    Path("s.yaml").write_text(text, encoding="utf-8")
    status, out, err = mtorsim("s.yaml")
    assert (status, out) == (2, "")
    assert err.startswith(f"error: {message}"), err
    assert files(".") == {"s.yaml"}


def test_a_mistake_in_an_option_is_not_blamed_on_the_file(mtorsim):
    Path("s.yaml").write_text(FILE, encoding="utf-8")
    for option in (("--vary", "cell=786O"), ("--observe", "S6K_pT389"), ("--read", "ends")):
        status, _, err = mtorsim("s.yaml", *option)
        assert status == 2
        assert "s.yaml" not in err


# --- the schema -----------------------------------------------------------------------------------


def test_the_schema_of_sweep_files_is_shown(capsys):
    with pytest.raises(SystemExit):
        main(["show", "schema", "--sweep"])
    shown = json.loads(capsys.readouterr().out)
    assert shown == schema(sweep=True)
    assert shown["title"] == "mtorsim sweep"
    own = {"vary", "design", "points", "seed", "read", "times", "relative_tolerance", "engine"}
    assert shown["properties"].keys() - schema()["properties"].keys() == own


def test_the_schema_names_what_there_is():
    found = schema(sweep=True)["properties"]
    assert found["design"]["enum"] == list(design.METHODS)
    assert found["read"]["items"]["enum"] == list(readings.NAMES)
    spacing = RangeEntry.model_json_schema()["properties"]["spacing"]
    assert spacing["enum"] == list(axes.get_args(axes.Spacing))


def test_a_store_is_readable_without_us(mtorsim):
    assert mtorsim(*DOSES, *SHORT, "-q")[0] == 0
    found = xr.open_zarr("sweep/results.zarr").load()
    assert float(found["end"].sel(observable="S6K1_pT389")[-1]) < float(found["untreated"][0, 0])
