"""``mtorsim qualify``: every published number judged, scored, explained; what passed must pass."""

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mtorsim import targets
from mtorsim.cli import main
from mtorsim.cli.qualify import _faults
from mtorsim.errors import InputError, UnknownIdError
from mtorsim.qualification import behaviour, carry_out
from mtorsim.qualification.baseline import lost, read_baseline, written_baseline
from mtorsim.qualification.carry_out import qualify
from mtorsim.qualification.explanations import explanations
from mtorsim.qualification.measure import Measure
from mtorsim.qualification.report import Report
from mtorsim.qualification.rows import Row, of_measure, scores
from mtorsim.qualification.tolerances import Change, change

FILES = {"qualification.csv", "tolerances.csv", "report.html", "run.json"}
HEAD = "id,quantity,value,low,high,unit,scenario,read,citation\n"
MINE = '{},S6K1 after an hour,0.5,{},{},fraction,"{{cell: PC-3, drugs: {{sirolimus: 20 nM}}}}",'
MINE += '"{{level: S6K1_pT389, at: 1 h, over: untreated}}",Doe 2030\n'


@pytest.fixture(scope="module")
def report():
    """All published numbers; behaviours are measured by test_qualification."""
    listed = targets.load()
    return qualify(listed, only=targets.groups(listed), workers=2)


@pytest.fixture
def mtorsim(capsys, monkeypatch, tmp_path):
    """Call the command in an empty folder; return status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        with pytest.raises(SystemExit) as leaving:
            main([str(argument) for argument in arguments])
        return leaving.value.code, *capsys.readouterr()

    return call


def row(id="a", verdict="pass", **fields):
    usual = {"group": "g", "what": "w", "kind": "predicted", "model": 1.0}
    return Row(id=id, verdict=verdict, **{**usual, **fields})


# -- the models as they are ------------------------------------------------------------------------


def test_verdicts_are_those_that_were_accepted(report):
    """A row that passed passes; one that passes now is taken over with --update-baseline."""
    accepted = read_baseline()
    assert {one.id: one.verdict for one in report.rows} == {
        id: verdict for id, verdict in accepted.items() if not id.startswith("B") or id[:2] == "BD"
    }


def test_a_row_that_is_gone_is_lost_from_a_whole_report_alone(monkeypatch):
    monkeypatch.setattr(carry_out, "BEHAVIOURS", {})
    mine = [one for one in targets.load() if one.id == "TC06"]
    before = {"TC06": "pass", "gone": "pass"}
    whole, part = (qualify(mine, only=only, tolerances=False) for only in ((), ("TC06",)))
    assert _faults(whole, before) == "1 passed before and pass no more: gone."
    assert _faults(part, before) == ""


def test_tolerances_a_hundredfold_tighter_move_no_read_out_by_a_thousandth(report):
    assert len(report.changes) == len(report.rows) > 100
    assert [one.id for one in report.changes if not one.passed] == []


def test_nine_tenths_of_what_was_calibrated_pass_or_are_explained(report):
    passed, told, count = report.settled("calibrated")
    assert count > 50
    assert passed / count > 0.9
    assert passed + told == count


def test_each_miss_is_explained_and_nothing_else():
    missed = {id for id, verdict in read_baseline().items() if verdict in ("miss", "near")}
    assert set(explanations()) == missed


def test_every_number_that_can_be_simulated_is(report):
    assert {one.id for one in report.rows} == {t.id for t in targets.load() if t.is_simulated}
    assert all(math.isfinite(one.model) or one.verdict == "miss" for one in report.rows)


def test_numbers_do_not_depend_on_the_number_of_processes(report):
    alone = qualify(only=["TC05", "PK05", "RC09a"], tolerances=False)
    together = {one.id: one.model for one in report.rows}
    assert {one.id: one.model for one in alone.rows} == {
        id: together[id] for id in ("TC05", "PK05", "RC09a")
    }


# -- scores ----------------------------------------------------------------------------------------


def test_kinds_and_recalled_numbers_are_counted_apart():
    rows = [row(), row(verdict="miss"), row(kind="calibrated"), row(is_evidence=False),
            row(verdict="shown"), row(verdict="near"), row(verdict="failed")]  # fmt: skip
    found = [(one.kind, one.is_evidence, one.passed, one.count) for one in scores(rows)]
    assert found == [
        ("calibrated", True, 1, 1),
        ("predicted", True, 1, 4),
        ("predicted", False, 1, 1),
    ]


def test_behaviours_and_invariants_are_no_published_numbers():
    rows = [row(), of_measure("B2", Measure("x", 1.0, high=2)),
            of_measure("B2", Measure("y", 3.0, high=2, fitted=True)),
            of_measure("B16", Measure("z", 0.0, high=1, invariant=True)),
            row(is_evidence=False, verdict="miss")]  # fmt: skip
    found = [(one.group, one.words, one.is_evidence) for one in scores(rows)]
    assert found == [
        ("g", "predicted", True),
        ("g", "predicted, recalled", False),
        ("B2", "calibrated", False),
        ("B2", "predicted", False),
        ("B16", "invariant", False),
    ]
    made = Report(rows=tuple(rows), left_out=(), statements={}, changes=(), courses={},
                  responses={}, scenes={}, is_whole=True, seconds=0.0)  # fmt: skip
    assert made.settled("predicted") == (1, 0, 1)
    assert made.counts["predicted"] == {"pass": 1, "near": 0, "miss": 0, "failed": 0}
    assert list(made.counts) == [line.partition(":")[0] for line in made.totals]
    assert made.totals == [
        "predicted: 1 of 1 published numbers pass, 0 more are explained.",
        "recalled or assumed, no evidence: 0 of 1 pass.",
        "behaviours, calibrated: 0 of 1 pass.",
        "behaviours, predicted: 1 of 1 pass.",
        "behaviours, invariant: 1 of 1 pass.",
    ]


def test_what_must_hold_whatever_is_simulated_is_no_prediction():
    assert all(one.invariant for one in behaviour("B16").measures)


def test_the_readme_says_how_many_predictions_pass():
    """The accepted verdicts of predictions of numbers that were read, cells and exposure apart."""
    accepted = read_baseline()
    mine = [one for one in targets.load() if one.use == "predicted" and one.is_evidence]
    said = []
    for is_exposure in (False, True):
        own = [accepted[t.id] for t in mine if (t.group == "pharmacokinetics") == is_exposure]
        said += [len(own), *(own.count(one) for one in ("pass", "near", "miss"))]
    cells = "Of {} numbers on cells that were read in a paper and that nothing was set from, "
    cells += "{} pass, {} are near and {} are missed; of {} on exposure {}, {} and {}."
    readme = " ".join((Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8").split())
    assert cells.format(*said) in readme


def test_recalled_numbers_are_marked_in_the_table(report):
    recalled = {t.id for t in targets.load() if t.provenance in ("memory", "assumed")}
    assert recalled & {one.id for one in report.rows}
    for one in report.rows:
        assert one.is_evidence == (one.id not in recalled), one.id


def test_a_measure_without_bounds_is_shown_and_not_scored():
    shown = of_measure("B2", Measure("something", 0.5))
    assert shown.verdict == "shown"
    assert not shown.is_scored
    assert of_measure("B2", Measure("something", 0.5, high=0.4)).verdict == "miss"
    assert of_measure("B2", Measure("an IC50", 2.0, high=3, note=", 95 % 1-4")).id == "B2: an IC50"


# -- the baseline ----------------------------------------------------------------------------------


def test_what_passed_and_passes_no_more_is_lost():
    before = {"a": "pass", "b": "near", "c": "pass", "d": "pass"}
    now = [row("a"), row("b", "miss"), row("c", "near")]
    assert lost(now, before) == ["c", "d"]  # d is gone altogether
    assert lost(now, before, whole=False) == ["c"]


def test_a_baseline_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "baseline.csv"
    path.write_bytes(written_baseline([row("a, with a comma"), row("b", "miss", model=math.inf)]))
    assert read_baseline(path) == {"a, with a comma": "pass", "b": "miss"}


@pytest.mark.parametrize("text", ["id,verdict\na,passed\n", "name,verdict\na,pass\n"])
def test_what_is_no_baseline_is_refused(tmp_path, text):
    path = tmp_path / "baseline.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="line 2: verdict"):
        read_baseline(path)


# -- tolerances ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usual", "tight", "share"),
    [(1.0, 1.002, 0.002 / 1.002), (math.inf, math.inf, 0), (1.0, math.inf, math.inf), (0, 0, 0)],
)
def test_a_change_is_a_share_of_the_number(usual, tight, share):
    found = Change("a", "w", "nM", usual, tight)
    assert found.share == pytest.approx(share)
    assert found.passed == (share <= 1e-3)


def test_a_logarithm_near_zero_is_compared_as_what_it_is_the_logarithm_of():
    target = replace(targets.load()[0], unit="log2")
    assert change(target, 0.0, 0.001).passed  # 1 against 1.0007
    assert not change(target, 0.0, 0.01).passed


# -- what is meant ---------------------------------------------------------------------------------


def test_only_takes_groups_ids_and_behaviours():
    found = qualify(only=["b1", "tc06"], tolerances=False)
    assert {one.group for one in found.rows} == {"B1", "signalling"}
    assert "IRS-1 pTyr overshoots" in found.statements["B1"]
    assert not found.is_whole


def test_an_unknown_name_is_answered():
    with pytest.raises(UnknownIdError, match=r"--only.*'TC55'.*'TC05'"):
        qualify(only=["TC55"])


def test_an_id_that_the_models_do_not_have_names_its_row(tmp_path):
    path = tmp_path / "my.csv"
    path.write_text(HEAD + MINE.format("mine", 0, 1).replace("S6K1_pT389", "S6K1_pT390"))
    with pytest.raises(InputError, match=r"mine.*'S6K1_pT390'"):
        qualify(targets.load(path), only=["own"])


# -- the command -----------------------------------------------------------------------------------


def test_a_table_of_ones_own_is_reported(mtorsim, tmp_path):
    (tmp_path / "my.csv").write_text(HEAD + MINE.format("mine", 0.01, 0.9), encoding="utf-8")
    status, out, _ = mtorsim("qualify", "--targets", "my.csv", "--only", "own", "--workers", 1)
    assert status == 0
    assert "mine" in out
    assert "Tolerances a hundredfold tighter: 0 of 1" in out
    folder = tmp_path / "qualification"
    assert {path.name for path in folder.iterdir()} == FILES
    with (folder / "qualification.csv").open(encoding="utf-8") as file:
        (written,) = csv.DictReader(file)
    assert written["citation"] == "Doe 2030"
    assert 0 < float(written["model"]) < 0.5


def test_the_page_needs_nothing_else(mtorsim, tmp_path):
    status, out, err = mtorsim("qualify", "--only", "CV18", "--only", "BD23", "--only", "PX36",
                               "--workers", 1, "-q", "--out", "q")  # fmt: skip
    assert (status, out, err) == (0, "", "")
    text = (tmp_path / "q" / "report.html").read_text(encoding="utf-8")
    assert text.count("<img ") == 3  # scatter, curves, dose-responses
    assert text.count("src='data:image/png;base64,") == 3
    assert "<script" not in text
    assert "<link" not in text
    assert "predicted: 1 of 2 published numbers pass" in text
    # The miss comes first, with its explanation.
    assert text.index("What would mend it") < text.index("CV18")


def test_the_scatter_hides_no_miss():
    drawn = scatter_of([
        row("BD33", "miss", value=-3.0, low=-3.6, high=-2.1, model=-7.0, unit="log2"),
        row("RC02", "miss", value=69.4, low=30, high=160, model=math.inf, unit="nM"),
    ])  # fmt: skip
    panel = drawn.axes[0]
    assert "BD33" in [one.get_text() for one in panel.texts]
    assert "RC02 (miss)" in panel.get_title(loc="left")
    (place,) = (one.get_offsets()[0] for one in panel.collections if len(one.get_offsets()))
    np.testing.assert_allclose(place, [2**-3.0, 2**-7.0])


def test_labels_of_close_misses_do_not_cover_each_other():
    close = {"low": 0.1, "high": 0.5, "model": 0.05}
    drawn = scatter_of([
        row("BD27", "miss", value=0.351, **close),
        row("BD29", "miss", value=0.289, **close),
        row("BD30", "miss", value=0.32, **close),
        row("a", value=100.0, model=90.0),
    ])  # fmt: skip
    drawn.canvas.draw()
    boxes = [one.get_window_extent() for one in drawn.axes[0].texts]
    assert len(boxes) == 3
    pairs = [(one, other) for k, one in enumerate(boxes) for other in boxes[:k]]
    assert not any(one.overlaps(other) for one, other in pairs)


def scatter_of(rows):
    made = Report(rows=tuple(rows), left_out=(), statements={}, changes=(), courses={},
                  responses={}, scenes={}, is_whole=True, seconds=0.0)  # fmt: skip
    return made.figures()["Model against published"]


def test_what_a_table_says_is_text_in_the_page(mtorsim, tmp_path):
    bad = "<script>alert(1)</script>"
    head = HEAD.replace("citation", "citation,doi,remark,group,condition")
    line = MINE.format("a" + bad, 0.01, 0.9).replace("S6K1 after an hour", bad).strip()
    line = line.replace("Doe 2030", f"{bad},10.1/'onclick='x,{bad},{bad},{bad}")
    (tmp_path / "my.csv").write_text(f"{head}{line}\n", encoding="utf-8")
    call = ("qualify", "--targets", "my.csv", "--only", bad, "--workers", 1, "--json", "--out", "q")
    assert mtorsim(*call)[0] == 0
    text = (tmp_path / "q" / "report.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "'onclick" not in text
    assert text.count("&lt;script&gt;") >= 5


def test_json_has_every_row(mtorsim):
    status, out, _ = mtorsim("qualify", "--only", "TC05", "--json", "--workers", 1)
    assert status == 0
    (found,) = json.loads(out)
    assert found["verdict"] == "pass"
    assert found["provenance"] == "memory"
    assert found["evidence"] is False


def test_strict_fails_when_what_passed_passes_no_more(mtorsim, tmp_path):
    (tmp_path / "my.csv").write_text(HEAD + MINE.format("mine", 0.4, 0.6), encoding="utf-8")
    base = tmp_path / "baseline.csv"
    call = ("qualify", "--targets", "my.csv", "--only", "mine", "--strict", "--baseline", base,
            "--workers", 1, "-q")  # fmt: skip
    base.write_text("id,verdict,model\nmine,miss,0.1\n", encoding="utf-8")
    assert mtorsim(*call)[0] == 0
    base.write_text("id,verdict,model\nmine,pass,0.5\n", encoding="utf-8")
    status, _, err = mtorsim(*call)
    assert status == 1
    assert "1 passed before and pass no more: mine." in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "BD2"], "Closest: 'BD"),
        (["--update-baseline"], "expected --baseline FILE"),
        (["--update-baseline", "--baseline", "b.csv", "--only", "B1"], "Expected one of both"),
        (["--baseline", "none.csv", "--strict"], "cannot read 'none.csv'"),
        (["--targets", "none.csv"], "no file 'none.csv'"),
        (["--out", ""], "--out: expected a folder"),
        (["--workers", "0"], "--workers: 0"),
    ],
)
def test_a_mistake_is_refused_before_the_work(mtorsim, tmp_path, arguments, message):
    status, _, err = mtorsim("qualify", *arguments)
    assert status == 2
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_an_id_of_the_shipped_table_is_refused(mtorsim, tmp_path):
    (tmp_path / "my.csv").write_text(HEAD + MINE.format("TC05", 0.4, 0.6), encoding="utf-8")
    status, _, err = mtorsim("qualify", "--targets", "my.csv")
    assert status == 2
    assert "id 'TC05' is there already" in err
