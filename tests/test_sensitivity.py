"""Sensitivities against closed forms, published indices, and laws of reaction networks."""

import json

import numpy as np
import pandas as pd
import pytest

import mtorsim as mt
from mtorsim.cli import main
from mtorsim.sensitivities import analysis
from mtorsim.sensitivities.carry_out import request
from mtorsim.sensitivities.design import STEP, design
from mtorsim.uncertainty import Uncertain

TREATED = mt.Scenario(
    drugs={"temsirolimus": "20 nM"}, duration="4 h", observe=["S6K1_pT389", "AKT_pS473"]
)
RATIO = ["kphos_S6K1_by_mTORC1", "kdephos_S6K1_by_PP2A"]


def parameters(*ranges):
    return [Uncertain(f"p{k}", np.sqrt(low * high), "1", low, high, "D", "", "given")
            for k, (low, high) in enumerate(ranges)]  # fmt: skip


def ishigami(x):
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


# -- analysis ----------------------------------------------------------------------------------


def test_sobol_finds_the_indices_of_ishigamis_function():
    # a = 7, b = 0.1: S1 = 0.3139, 0.4424, 0; ST = 0.5576, 0.4424, 0.2437; S13 = 0.2437, from the
    # closed forms of the variance (Ishigami and Homma 1990; recalled, and derived anew).
    mine = parameters(*[(np.exp(-np.pi), np.exp(np.pi))] * 3)
    rows = design("sobol", mine, 2048, 0, second_order=True)
    values = ishigami(np.log(rows))[:, None]
    table, pairs, left_out, lost = analysis.sampled(
        "sobol", rows, values, mine, seed=0, second_order=True, logarithmic=False
    )
    assert (left_out, lost) == ([], 0)
    np.testing.assert_allclose(table["S1"], [0.3139, 0.4424, 0], atol=0.03)
    np.testing.assert_allclose(table["ST"], [0.5576, 0.4424, 0.2437], atol=0.03)
    assert (abs(table["ST"] - [0.5576, 0.4424, 0.2437]) < table["ST_interval"]).all()
    one = pairs.set_index(["parameter", "with"])
    assert one.loc[("p0", "p2"), "S2"] == pytest.approx(0.2437, abs=0.06)
    assert one.loc[("p0", "p1"), "is_zero"]
    assert not one.loc[("p0", "p2"), "is_zero"]


def test_sobol_says_which_total_share_may_be_nothing():
    # ln y = ln p0 + ln p1 / 10 + 0 ln p2: the total shares of the variance are 1/1.01, 0.01/1.01, 0
    mine = parameters(*[(1, 10)] * 3)
    rows = design("sobol", mine, 256, 0)
    values = (rows[:, 0] * rows[:, 1] ** 0.1)[:, None]
    table, *_ = analysis.sampled("sobol", rows, values, mine, seed=0)
    np.testing.assert_allclose(table["ST"], [1 / 1.01, 0.01 / 1.01, 0], atol=0.02)
    # a small share is not called nothing; of what does nothing the interval includes zero
    assert table["is_zero"].tolist() == [False, False, True]


def test_morris_finds_slopes_over_the_ranges_and_what_does_nothing():
    # ln y = 2 ln p0 - 0.5 ln p1 + 0 ln p2: effects are slope times the range of the logarithm
    mine = parameters((1, 10), (0.1, 10), (1, 2))
    rows = design("morris", mine, 8, 0)
    values = (rows[:, 0] ** 2 * rows[:, 1] ** -0.5)[:, None]
    table, *_ = analysis.sampled("morris", rows, values, mine, seed=0)
    np.testing.assert_allclose(table["mu"], [2 * np.log(10), -0.5 * np.log(100), 0], atol=1e-9)
    assert table["is_zero"].tolist() == [False, False, True]
    np.testing.assert_allclose(table["sigma"], 0, atol=1e-9)


def test_a_simulation_that_failed_takes_its_trajectory_out():
    mine = parameters((1, 10), (1, 10))
    rows = design("morris", mine, 8, 0)
    values = (rows[:, 0] * rows[:, 1])[:, None]
    values[4] = np.nan
    table, _, left_out, lost = analysis.sampled("morris", rows, values, mine, seed=0)
    assert (lost, left_out) == (1, [])
    np.testing.assert_allclose(table["mu"], np.log(10))


def test_what_has_no_logarithm_or_does_not_change_is_named():
    mine = parameters((1, 10), (1, 10))
    rows = design("morris", mine, 8, 0)
    values = np.stack([rows[:, 0] - 1, np.ones(len(rows)), rows[:, 0]], axis=1)
    table, _, left_out, _ = analysis.sampled("morris", rows, values, mine, seed=0)
    assert [one.place for one in left_out] == [0, 1]
    assert "zero" in left_out[0].reason
    assert "does not change" in left_out[1].reason
    assert set(table["place"]) == {2}


def test_local_sensitivity_of_a_power_is_its_exponent():
    mine = parameters((1, 4), (1, 9))
    rows = design("local", mine, 0, 0)
    values = np.stack([rows[:, 0] ** 3 / rows[:, 1], rows[:, 1] + 1, 0 * rows[:, 0]], axis=1)
    table, left_out = analysis.local(values, mine)
    found = table["sensitivity"].to_numpy().reshape(2, 2)
    # d ln (p + 1) / d ln p = p / (p + 1), at p = 3
    np.testing.assert_allclose(found, [[3, -1], [0, 0.75]], atol=1e-6)
    assert table["is_resolved"].all()
    assert [(one.place, one.reason) for one in left_out] == [(2, "is zero")]


def test_a_kink_within_a_step_is_not_resolved():
    mine = parameters((1, 4))
    rows = design("local", mine, 0, 0)
    values = 1 + np.maximum(0, np.log(rows / 2) - 0.6 * STEP)
    table, _ = analysis.local(values, mine)
    assert not table["is_resolved"].any()


# -- of the model ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def local():
    ids = [*RATIO, "FKBP12"]
    return mt.sensitivity(TREATED, ids, read=("end", "curves"), times=["0 h", "1 h", "4 h"])


def test_at_rest_only_the_ratio_of_kinase_and_phosphatase_counts(local):
    rest = local.of("curves").query("time_min == 0 and observable == 'S6K1_pT389'")
    up, down, _ = rest.set_index("parameter")["sensitivity"].loc[[*RATIO, "FKBP12"]]
    assert up > 0.3
    assert down == pytest.approx(-up, abs=1e-5)


def test_fkbp12_matters_once_there_is_drug(local):
    mine = local.of("curves").query("parameter == 'FKBP12' and observable == 'S6K1_pT389'")
    before, early, late = mine["sensitivity"]
    assert abs(before) < 1e-5
    assert early < -0.1
    assert late < -0.1


def test_the_last_time_of_a_curve_is_the_end(local):
    last = local.of("curves").query("time_min == 240")["sensitivity"].to_numpy()
    np.testing.assert_array_equal(last, local.of("end")["sensitivity"].to_numpy())


def test_steps_of_the_model_are_resolved(local):
    assert local.table["is_resolved"].all()
    assert len(local.left_out) == 0
    assert local.table["error"].max() < 1e-3


def test_faster_clocks_leave_the_resting_cell_as_it_is():
    # Summation theorem: scaling every rate by the same factor changes nothing at rest, so the
    # sensitivities to all rate constants of the network add up to none.
    scenario = mt.Scenario(duration="1 min", observe=["S6K1_pT389", "AKT_pS473", "HIF1A"])
    asked = request(scenario)
    rates = [one.id for one in asked.parameters if "min" in one.unit]
    assert len(rates) > 100
    found = mt.sensitivity(scenario, rates, read="curves", times=["0 min"], workers=2)
    total = found.table.groupby("observable")["sensitivity"].sum()
    assert total.abs().max() < 1e-3


def test_of_a_reading_relative_to_untreated_the_baseline_is_taken_off():
    ids = ["S6K1"]
    whole = mt.sensitivity(TREATED, ids)
    rest = mt.sensitivity(TREATED, ids, read="curves", times=["0 h"])
    relative = mt.sensitivity(TREATED, ids, relative=True)
    expected = whole.table["sensitivity"] - rest.table["sensitivity"]
    np.testing.assert_allclose(relative.table["sensitivity"], expected, atol=1e-4)


def test_global_screening_agrees_in_sign_and_is_the_same_for_any_workers():
    options = {"method": "morris", "points": 4, "read": "end"}
    one = mt.sensitivity(TREATED, RATIO, **options)
    two = mt.sensitivity(TREATED, RATIO, workers=2, **options)
    pd.testing.assert_frame_equal(one.table, two.table)
    mu = one.table.query("observable == 'S6K1_pT389'").set_index("parameter")["mu"]
    assert mu[RATIO[0]] > 0 > mu[RATIO[1]]


def test_folder_figures_and_resume(tmp_path):
    out = tmp_path / "s"
    options = {"out": out, "read": "end"}
    first = mt.sensitivity(TREATED, RATIO, **options)
    assert {one.name for one in out.iterdir()} == {
        *("sensitivity.csv", "parameters.csv", "left_out.csv", "sensitivity.json"),
        *("tornado.png", "heatmap.png", "points"),
    }
    assert json.loads((out / "sensitivity.json").read_text())["simulations"] == 9
    with pytest.raises(mt.InputError, match="--resume"):
        mt.sensitivity(TREATED, RATIO, **options)
    again = mt.sensitivity(TREATED, RATIO, **options, resume=True)
    pd.testing.assert_frame_equal(first.table, again.table)
    with pytest.raises(mt.InputError, match="another sweep"):
        mt.sensitivity(TREATED, RATIO[:1], **options, resume=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "sobl"}, "Closest: 'sobol'"),
        ({"method": "sobol", "points": 100}, "such as 128"),
        ({"method": "morris", "points": 1}, "from 4"),
        ({"points": 8}, "local"),
        ({"second_order": True}, "sobol"),
        ({"read": ["time_to_peak"]}, "derivative"),
        ({"read": ["auc"], "relative": True}, "untreated"),
    ],
)
def test_what_cannot_be_asked_is_said(options, said):
    with pytest.raises(mt.InputError, match=said):
        request(TREATED, RATIO, **options)


# -- command -----------------------------------------------------------------------------------


@pytest.fixture
def mtorsim(capfd, monkeypatch, tmp_path):
    """Call the command in an empty folder; return status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        with pytest.raises(SystemExit) as leaving:
            main(["sensitivity", *words])
        return leaving.value.code, *capfd.readouterr()

    return call


def test_command_prints_a_table_and_json(mtorsim):
    words = ["--parameter", RATIO[0], "--duration", "1h", "--workers", "1", "--observe"]
    words += ["S6K1_pT389,mTORC1_FRB_occupied", "--drug"]
    status, said, _ = mtorsim(*words, "temsirolimus=20nM", "--out", "a")
    assert status == 0
    assert RATIO[0] in said
    status, said, _ = mtorsim(*words, "temsirolimus=0nM", "--out", "b", "--json")
    found = json.loads(said)
    assert [one["observable"] for one in found["table"]] == ["S6K1_pT389"]
    missing = found["left_out"][0]
    assert (missing["observable"], missing["reason"]) == ("mTORC1_FRB_occupied", "is zero")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--parameter", "kphos_S6K1"], "Closest"),
        (["--bound", "INSR=1"], "LOW:HIGH"),
        (["--bound", "INSR"], "NAME=VALUE"),
        (["--workers", "0"], "--workers"),
        (["--out", ""], "--out"),
    ],
)
def test_command_refuses(words, said, tmp_path, mtorsim):
    status, _, complaint = mtorsim(*words)
    assert (status, said in complaint) == (2, True)
    assert "Traceback" not in complaint
    assert list(tmp_path.iterdir()) == []
