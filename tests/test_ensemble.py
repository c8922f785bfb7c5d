"""The ensemble: parameter sets that agree with published numbers, and bands of runs and assays."""

import csv
import importlib
import json
import math
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import mtorsim as mt
from mtorsim import cells, members
from mtorsim.cli import main
from mtorsim.compile import compile_scenario, structure
from mtorsim.errors import ScenarioError
from mtorsim.paths import models_path
from mtorsim.scenario_file import load
from mtorsim.sweeps.plan import model_files
from mtorsim.symbols import symbols
from mtorsim.targets import Dish

FOLDER = Path(__file__).parents[1] / "calibration"
SHORT = {"cell": "786-O", "drugs": {"temsirolimus": "20 nM"}, "duration": "6 h"}
READ = ("S6K1_pT389", "AKT_pS473", "mTORC2_active")


def member_row(number):
    """One row of the file, read without mtorsim."""
    with models_path("ensemble.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return rows[number - 1]


def start_of(**fields):
    """What a cell starts from: id -> value."""
    return compile_scenario(mt.Scenario(**fields)).adapted


@pytest.fixture(scope="module")
def made():
    """The scripts that made the ensemble, imported from where they find each other."""
    names = ("ensemble", "ensemble_report", "cross_validation", "experiments", "parameters",
             "search", "fitted", "growth")  # fmt: skip
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in names}
    finally:
        sys.path.remove(str(FOLDER))
        for name in names:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def ensemble():
    return mt.ensemble(**SHORT, observe=READ)


# -- members -----------------------------------------------------------------------------------


def test_every_value_of_a_member_is_of_something_in_the_models():
    rapalogs = ("temsirolimus", "sirolimus", "everolimus", "ridaforolimus")
    known = set(symbols(structure(rapalogs)))
    for number in members.numbers():
        one = members.load(number)
        assert set(one.shared) <= known
        assert set(one.own) <= set(cells.names())
        assert all(set(values) <= known for values in one.own.values())
        assert all(math.isfinite(value) and value > 0 for value in one.shared.values())
        # Zero is the pace of a cell that does not divide.
        every = [value for values in one.own.values() for value in values.values()]
        assert all(math.isfinite(value) and value >= 0 for value in every)


def test_a_member_puts_its_values_into_the_exported_model():
    plain, changed = mt.simulate(**SHORT), mt.simulate(**SHORT, member=2)
    row = member_row(2)
    for id in ("kphos_S6K1_by_mTORC1", "kexchange_RHEB"):
        assert f'id="{id}"' in changed.sbml
        assert changed.sbml != plain.sbml
        value = float(row[id])
        assert f'value="{value:g}"' in changed.sbml or f'value="{value!r}"' in changed.sbml
    assert changed.column("S6K1_pT389")[-1] != plain.column("S6K1_pT389")[-1]


def test_a_member_is_the_same_as_setting_its_values():
    """For a cell without values of its own among those that vary."""
    row = {id: value for id, value in member_row(1).items() if id not in members.ABOUT}
    shared = {id: float(value) for id, value in row.items() if "." not in id}
    standing = set(cells.load("786-O").values)
    given = {id: value for id, value in shared.items() if id not in standing}
    own = {id.partition(".")[2]: float(value) for id, value in row.items()
           if id.startswith("786-O.")}  # fmt: skip
    here = symbols(structure(("temsirolimus",)))
    kept = {id: value for id, value in {**given, **own}.items() if id in here}
    found = mt.simulate(**SHORT, observe=READ, member=1).to_dataframe().iloc[-1]
    by_hand = mt.simulate(**SHORT, observe=READ, set=kept).to_dataframe().iloc[-1]
    assert found.to_dict() == pytest.approx(by_hand.to_dict(), rel=1e-4)


def test_in_a_cell_a_member_goes_before_its_file_and_perturbations_go_before_a_member():
    """What is published of the cell stays: members were found with it."""
    own = member_row(1)
    found = start_of(cell="MCF-7", member=1)
    assert found["INSR"] == float(own["MCF-7.INSR"])
    # That of all cells does not reach a cell whose file has its own.
    adipocyte, usual = start_of(cell="adipocyte", member=1), start_of(cell="adipocyte")
    assert adipocyte["INSR"] == usual["INSR"] != float(own["INSR"])
    assert adipocyte["PTEN"] == float(own["adipocyte.PTEN"]) != usual["PTEN"]
    assert start_of(cell="PC-3", member=1)["koff_MTOR_RICTOR"] == float(
        own["PC-3.koff_MTOR_RICTOR"]
    )
    assert start_of(cell="adipocyte", member=1, perturbations=["PTEN_loss"])["PTEN"] == 0


def test_a_comparison_with_published_numbers_reads_a_member_as_a_run_does():
    """A perturbation goes before a value of the cell in both."""
    scenario = mt.Scenario(cell="adipocyte", perturbations=["PTEN_loss"], duration="1 h",
                           observe=["PIP3"])  # fmt: skip
    found = Dish(scenario, (60.0,)).carry_out(members.flat(1))
    read = dict(found.values)["PIP3"][-1]
    run = mt.simulate(scenario, member=1, times=["0 h", "1 h"]).column("PIP3")[-1]
    assert read == pytest.approx(run, rel=1e-4)


def test_what_the_scenario_sets_goes_before_a_member():
    value = 3 * float(member_row(1)["kphos_S6K1_by_mTORC1"])
    one = mt.simulate(**SHORT, observe=READ, member=1, set={"kphos_S6K1_by_mTORC1": value})
    two = mt.simulate(**SHORT, observe=READ, member=1)
    assert one.baseline["S6K1_pT389"] > 1.1 * two.baseline["S6K1_pT389"]


@pytest.mark.parametrize("number", [0, -1, 10_000, True, "1", 1.0])
def test_what_is_no_member_is_refused_and_the_range_said(number):
    with pytest.raises(ScenarioError, match=rf"from 1 to {members.count()}"):
        mt.Scenario(**SHORT, member=number)


def test_a_scenario_with_a_member_survives_its_file(tmp_path):
    scenario = mt.Scenario(**SHORT, member=3)
    assert "member 3 of the ensemble" in scenario.in_words()
    path = tmp_path / "s.yaml"
    path.write_text(yaml.safe_dump(scenario.to_dict()), encoding="utf-8")
    assert load(path) == scenario


# -- where they come from ----------------------------------------------------------------------


def test_the_record_is_of_the_models_as_they_are(made):
    """Fails when a number of the models, the data or the rule changes without a new ensemble."""
    script = made["ensemble"]
    record = json.loads(script.RECORD.read_text(encoding="utf-8"))
    assert record["identity"] == script.identity()
    assert script.is_of(record["outputs"])
    now = script.judged(script.shipped())
    assert record["shipped"].pop("worst") == now.pop("worst")
    assert record["shipped"] == pytest.approx(now, rel=1e-3, abs=1e-3)


def test_members_are_the_accepted_samples_and_meet_the_rule_when_simulated_again(made):
    script = made["ensemble"]
    record = json.loads(script.RECORD.read_text(encoding="utf-8"))
    accepted = [one for one in record["samples"] if one["accepted"]]
    assert [one["sample"] for one in accepted] == [
        int(member_row(number)["sample"]) for number in members.numbers()
    ]
    for place in (0, len(accepted) // 2, len(accepted) - 1):
        again = script.judged(np.array(accepted[place]["steps"]))
        assert again["accepted"]
        assert again["chi_square"] == pytest.approx(accepted[place]["chi_square"], rel=1e-3)
        values = script.expanded(script.to_values(np.array(accepted[place]["steps"])))
        row = member_row(place + 1)
        assert {id: float(row[id]) for id in values} == pytest.approx(values, rel=1e-4)


def test_the_pages_are_those_of_the_records(made):
    script = made["ensemble"]
    record = json.loads(script.RECORD.read_text(encoding="utf-8"))
    page = made["ensemble_report"].page(record, script.table(), script.shipped())
    assert script.PAGE.read_text(encoding="utf-8") == page
    folds = made["cross_validation"]
    done = folds.record()
    assert set(done) == set(folds.FOLDS), "cross_validation.json is of other models or data"
    every = [id for name, ids in folds.FOLDS.items() for id in ids if name != folds.NOTHING]
    assert sorted(every) == sorted(set(made["fitted"].names()))
    assert folds.PAGE.read_text(encoding="utf-8") == folds.page(done)


def test_a_search_finds_the_minimum_of_a_problem_whose_minimum_is_known(made):
    """Linear data with quadratic priors: the minimum is a solution of linear equations."""
    search = made["search"]
    generator = np.random.default_rng(3)
    matrix, data = generator.normal(size=(12, 4)), 0.1 * generator.normal(size=12)
    centre = 0.1 * generator.normal(size=4)
    exact = np.linalg.solve(matrix.T @ matrix + np.eye(4), matrix.T @ data + centre)
    bounds = (np.full(4, -5.0), np.full(4, 5.0))

    def residuals(steps):
        return matrix @ steps - data

    found = search.descend(residuals, np.full(4, 2.0), 0.7 * matrix, bounds, centre, 3)
    assert found.end == "rest"
    # The loss is not quite quadratic: soft_l1 with scale 2 departs by a percent at these residuals.
    assert found.steps == pytest.approx(exact, abs=0.02)
    held = (np.full(4, -5.0), np.full(4, exact[0] - 0.05))
    inside = search.descend(residuals, np.full(4, -1.0), matrix, held, centre, 3)
    assert (inside.steps <= held[1] + 1e-12).all()


# -- bands -------------------------------------------------------------------------------------


def test_bands_are_percentiles_of_runs_with_each_member(ensemble):
    assert ensemble.count == members.count()
    assert ensemble.failed == 0
    own = [mt.simulate(**SHORT, observe=READ, member=k) for k in (1, members.count())]
    for run, row in zip(own, (0, -1), strict=True):
        values = ensemble.values("S6K1_pT389")[row]
        # The grid of a run follows its own stiffness; that of the ensemble is that of the run.
        assert values[-1] == pytest.approx(run.column("S6K1_pT389")[-1], rel=1e-3)
    rows = ensemble.values("AKT_pS473")
    assert ensemble.band("AKT_pS473") == pytest.approx(np.percentile(rows, (5, 50, 95), axis=0))


def test_an_ensemble_of_one_member_is_refused():
    for given in ({"scenario": mt.Scenario(**SHORT, member=3)}, {"fields": {**SHORT, "member": 3}}):
        with pytest.raises(ScenarioError, match="3 is one parameter set"):
            mt.ensemble(given.get("scenario"), **given.get("fields", {}))


def test_work_with_another_ensemble_is_not_gone_on_with(tmp_path, monkeypatch):
    """The file of the ensemble decides the numbers of a sweep over its members."""
    copy = tmp_path / "models"
    shutil.copytree(models_path(), copy)
    home = sys.modules[model_files.__module__]
    monkeypatch.setattr(home, "models_path", lambda *parts: copy.joinpath(*parts))
    before = model_files()
    path = copy / "ensemble.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("0.0", "0.1", 1), encoding="utf-8")
    assert model_files() != before


def test_relative_bands_are_over_each_members_own_untreated_cell(ensemble):
    band = ensemble.band("S6K1_pT389", relative=True)
    assert band[:, 0] == pytest.approx([1, 1, 1], abs=1e-3)
    assert (band[0, 1:] < band[2, 1:]).all()
    assert band[2, -1] < 0.3, "every member loses S6K1 pT389 under temsirolimus"


def test_the_table_has_the_run_and_the_percentiles(ensemble):
    table = ensemble.to_dataframe()
    assert set(table["observable"]) == set(READ)
    assert (table["p5"] <= table["p50"]).all()
    assert (table["p50"] <= table["p95"]).all()
    last = table[table["observable"] == "mTORC2_active"].iloc[-1]
    assert last["shipped"] == ensemble.run.column("mTORC2_active")[-1]


def test_a_sweep_over_members_gives_one_point_each():
    found = mt.sweep(mt.Scenario(**SHORT, observe=READ), {"member": [1, 2, 3]}, read="end")
    assert found.count == 3
    ends = found["end"].sel(observable="AKT_pS473").to_numpy().ravel()
    assert len(set(ends.tolist())) == 3


# -- commands ----------------------------------------------------------------------------------


@pytest.fixture
def mtorsim(capfd, monkeypatch, tmp_path):
    """Call the command in an empty folder; return status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        with pytest.raises(SystemExit) as leaving:
            main([*map(str, words)])
        return leaving.value.code, *capfd.readouterr()

    return call


def test_run_writes_bands_and_a_run_without_takes_them_away(mtorsim, tmp_path):
    """An old ensemble.csv beside a new table would be of another run."""
    given = ("run", "--drug", "temsirolimus=20nM", "--duration", "6h", "--observe", "S6K1_pT389")
    status, said, _ = mtorsim(*given, "--ensemble", "--workers", 2)
    assert status == 0
    assert f"{members.count()} parameter sets" in said
    folder = tmp_path / "out"
    assert set(pd.read_csv(folder / "ensemble.csv")["observable"]) == {"S6K1_pT389"}
    about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert about["ensemble"]["members"] == members.count()
    assert about["ensemble"]["sha256"] == members.digest()
    assert "ensemble.csv" in about["files"]
    assert mtorsim(*given)[0] == 0
    assert not (folder / "ensemble.csv").exists()


def test_json_has_the_bands(mtorsim):
    status, said, _ = mtorsim("run", "--duration", "1h", "--drug", "temsirolimus=20nM", "--observe",
                              "S6K1_pT389", "--ensemble", "--json", "-q")  # fmt: skip
    assert status == 0
    found = json.loads(said)
    band = found["ensemble"]["read_outs"][0]
    assert band["id"] == "S6K1_pT389"
    assert len(band["p5"]) == len(found["time_h"])
    assert band["p5"][-1] < band["p50"][-1] < band["p95"][-1]
    status, said, _ = mtorsim("assay", "western", "--times", "6h", "--ensemble", "--json")
    assert {row["quantity"] if "quantity" in row else row["target"]
            for row in json.loads(said)["ensemble"]} >= {"S6K1_pT389"}  # fmt: skip


def test_an_ensemble_of_somebody_elses_file_is_left_alone(mtorsim, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "ensemble.csv").write_text("mine\n", encoding="utf-8")
    assert mtorsim("run", "--duration", "1h", "--observe", "S6K1_pT389")[0] == 0
    assert (tmp_path / "out" / "ensemble.csv").read_text(encoding="utf-8") == "mine\n"


def test_what_does_not_go_with_the_ensemble_is_refused(mtorsim, tmp_path):
    for words in (("run",), ("assay", "western"), ("assay", "viability")):
        status, _, said = mtorsim(*words, "--workers", 2)
        assert status == 2
        assert "--workers goes with --ensemble" in said
    (tmp_path / "m.ant").write_text("model m\n S1 -> ; k*S1; S1 = 1; k = 1\nend\n", "utf-8")
    status, _, said = mtorsim("run", "--model", "m.ant", "--ensemble")
    assert status == 2
    assert "--ensemble is of mtorsim's own network" in said


def test_viability_has_a_band_at_each_dose():
    assay = mt.assays.viability(doses="0.1nM,1nM,10nM,100nM", times=["24 h", "72 h"])
    assert assay.ensemble is None
    done = assay.with_ensemble()
    assert done.members.shape == (members.count(), 2, 5)
    for k, hours in enumerate((24, 72)):
        own, bare = (mt.simulate(drugs=one, duration=f"{hours} h", observe=["ATP_signal"],
                                 member=2).column("ATP_signal")[-1]
                     for one in ({"temsirolimus": "1 nM"}, {}))  # fmt: skip
        assert done.members[1, k, 2] == pytest.approx(100 * own / bare, rel=1e-3)
    table = done.ensemble[done.ensemble["time_h"] == 72]
    doses = table[table["quantity"] == "viability_percent"]
    assert doses["dose_nM"].tolist() == [0, 0.1, 1, 10, 100]
    ic = table[table["quantity"].str.startswith("IC")]
    assert (ic["members"] + ic["members_below"] + ic["members_above"] == members.count()).all()
    assert (doses["p5"] <= doses["p95"]).all()
    assert doses["p50"].iloc[0] == 100
    assert doses["p95"].iloc[-1] < 100
    assert (table["members"] <= members.count()).all()


def test_a_blot_has_ranges_relative_to_each_members_first_lane():
    assay = mt.assays.western(drugs={"temsirolimus": "20 nM"}, times="6 h")
    table = assay.with_ensemble().ensemble
    first = table[(table["lane"] == 1) & table["p50"].notna()]
    assert (first[["p5", "p50", "p95"]] == 1).all(axis=None)
    second = table[(table["lane"] == 2) & (table["target"] == "S6K1_pT389")].iloc[0]
    assert second["p5"] < second["p95"] < 0.5


def test_a_combination_has_ranges_of_response_and_bliss_excess():
    four = "1nM,10nM,100nM,1uM"
    assay = mt.assays.combination(
        drugs=("temsirolimus", "AZD8055"), doses=(four, four), time="24 h"
    )
    done = assay.with_ensemble()
    assert done.members.shape == (members.count(), 5, 5)
    assert (done.members[:, 0, 0] == 100).all()
    at = {"temsirolimus": "10 nM", "AZD8055": "100 nM"}
    whole, both = (mt.simulate(drugs=one, duration="24 h", observe=["ATP_signal"], member=2)
                   .column("ATP_signal")[-1] for one in ({}, at))  # fmt: skip
    assert done.members[1, 2, 3] == pytest.approx(100 * both / whole, rel=1e-4)
    table = done.ensemble
    assert (table["p5"] <= table["p95"]).all()
    excess = table[table["quantity"] == "bliss_excess_percent"]
    assert len(excess) == 16
    opened = excess[(excess["p5"] <= 0) & (excess["p95"] >= 0)]
    assert len(opened) == done.is_open[1:, 1:].sum()


def test_a_drug_with_itself_has_no_ensemble():
    sham = mt.assays.combination(drugs=("sirolimus", "sirolimus"), time="24 h")
    with pytest.raises(mt.InputError, match="two portions"):
        sham.with_ensemble()


# -- published numbers -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def report():
    """One number of the network, one of pharmacokinetics."""
    from mtorsim.qualification.carry_out import qualify

    return qualify(only=["BD26", "PK13"], tolerances=False, ensemble=True)


def test_qualify_gives_the_spread_of_published_numbers(report):
    for row in report.rows:
        assert row.spread.count == members.count()
        assert row.spread.low < row.spread.middle < row.spread.high
        assert 0 <= row.spread.within <= row.spread.count
    table = report.to_dataframe().set_index("id")
    assert table.loc["BD26", "model_p5"] == report.rows[0].spread.low
    assert any("a twentieth of the ensemble" in line for line in report.spread_totals)


def test_a_member_with_its_fit_gives_its_own_number(report):
    """Pharmacokinetics go with the fits to exposures, which the network's members do not hold."""
    from mtorsim.targets import Outcomes, load

    target = next(one for one in load() if one.id == "PK13")
    fits = pd.read_csv(models_path("pharmacokinetics", "ensemble.csv"))
    values = fits.iloc[0].to_dict()
    values["rifampin.CYP3A_activity"] = values.pop("rifampin")
    by_hand = target.read(Outcomes(values))
    from mtorsim.qualification.spread import member_values

    assert target.read(Outcomes(member_values(1))) == by_hand


def test_a_range_is_reached_by_one_member_in_twenty():
    from mtorsim.qualification.spread import Spread

    assert not Spread(629.0, math.inf, math.inf, 0, 10).reaches
    assert Spread(50.0, math.inf, math.inf, 1, 10).reaches
    assert not Spread(50.0, 60.0, 70.0, 1, 30).reaches


def test_the_page_shows_the_band(report):
    from mtorsim.export.qualification_page import gauge, page

    row = report.rows[0]
    assert gauge(row).count("<path") == 2, "the published value, and 5 to 95 %"
    assert f"{row.spread.within} of {row.spread.count} within" in page(report, {})


def test_the_line_of_a_logarithm_goes_through_its_dot(report):
    """BD26 is log2; the figure draws ratios."""
    from mtorsim.plot_qualification import _as_ratio

    row = report.rows[0]
    drawn = _as_ratio(row)
    assert row.unit == "log2"
    assert drawn.model == 2**row.model
    assert (drawn.spread.low, drawn.spread.high) == (2**row.spread.low, 2**row.spread.high)
