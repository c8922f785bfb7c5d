"""Viability assays on the engine: what they read, how they are reproduced, what they refuse."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import mtorsim as mt
from mtorsim.assays import Comparison, viability
from mtorsim.assays.conditions import Conditions
from mtorsim.assays.doses import dose_series, time_series, usual_doses
from mtorsim.assays.viability import _plate

SHORT = {"doses": "0.1nM:100nM:5", "times": ["24 h", "72 h"]}


@pytest.fixture(scope="module")
def assay():
    return viability(cell="786-O", drug="temsirolimus")


def test_the_contract_of_the_package():
    curve = mt.assays.viability(cell="Caki-1", drug="temsirolimus", **SHORT)
    assert curve.ic20.value is not None
    assert {type(curve.ic20), type(curve.ic30), type(curve.ic50)} == {mt.assays.Estimate}
    assert curve.plot()._repr_png_().startswith(b"\x89PNG")


def test_readings_are_those_of_the_simulation(assay):
    treated, untreated = (
        mt.simulate(cell="786-O", drugs=drugs, duration="72 h", observe=["ATP_signal"])
        for drugs in ({"temsirolimus": "10 nM"}, {})
    )
    atp = [float(run["ATP_signal"][-1]) for run in (treated, untreated)]
    table = assay.table
    row = table[(table.time_h == 72) & (table.dose_nM == 10)].iloc[0]
    assert row.viability_percent == pytest.approx(100 * atp[0] / atp[1], rel=1e-6)


def test_the_table_is_tidy(assay):
    names = ["cell", "drug", "time_h", "dose_nM", "replicate", "viability_percent", "GR"]
    assert list(assay.table) == names
    assert len(assay.table) == 4 * 8  # times, seven doses and untreated
    untreated = assay.table[assay.table.dose_nM == 0]
    assert np.allclose(untreated.viability_percent, 100)
    assert np.allclose(untreated.GR, 1)


def test_a_rapalog_falls_to_a_plateau_and_does_not_kill_all(assay):
    # Cytostatic: shallow curves that flatten, the later read the lower.
    last = [assay.at(time).e_max for time in ("24 h", "48 h", "72 h", "96 h")]
    assert all(late < early for early, late in pairwise(last))
    assert assay.at("72 h").fit.plateau == pytest.approx(assay.at("72 h").e_max, abs=2)
    assert last[2] > 20


def test_an_atp_competitive_drug_goes_lower_than_a_rapalog(assay):
    other = viability(cell="786-O", drug="Ku-0063794", times=["72 h"])
    assert other.reference.e_max < assay.reference.e_max


def test_concentrations_are_those_of_72_hours(assay):
    assert assay.reference is assay.at("72 h")
    assert assay.ic20 == assay.at("72 h").ic20
    assert viability(doses="0.1nM:100nM:5", times=["24 h", "48 h"]).reference.time == 48 * 60
    with pytest.raises(mt.InputError, match="Read: 24 h, 48 h, 72 h, 96 h"):
        assay.at("12 h")


def test_the_summary_has_a_row_a_time(assay):
    summary = assay.summary
    assert summary.time_h.tolist() == [24, 48, 72, 96]
    for name in ("IC20", "IC30", "IC50", "GR50"):
        known = summary[f"{name}_nM"].notna()
        assert (summary.loc[~known, f"{name}_flag"] != "").all()
        assert summary.loc[known, f"{name}_nM"].between(0.1, 100).all()
    assert summary.GR_AOC.between(0, 1).all()


def test_without_noise_the_intervals_say_what_they_are(assay):
    assert "lack of fit" in assay.interval_from
    assert assay.provenance["seed"] is None


def test_the_same_seed_gives_the_same_readings():
    wishes = {**SHORT, "replicates": 3, "noise": 0.1}
    one, same, other = (viability(**wishes, seed=seed) for seed in (4, 4, 5))
    pd.testing.assert_frame_equal(one.table, same.table, check_exact=True)
    pd.testing.assert_frame_equal(one.summary, same.summary, check_exact=True)
    assert not one.table.viability_percent.equals(other.table.viability_percent)


def test_noise_has_the_size_that_was_asked_for():
    assay = viability(doses="0.1nM:100nM:5", times=["24 h"], replicates=1000, noise=0.1)
    percent = assay.points[0].viability
    spread = percent.std(axis=1) / percent.mean(axis=1)
    assert spread == pytest.approx(0.1, abs=0.01)
    assert percent[0].mean() == pytest.approx(100)
    assert assay.table.replicate.max() == 1000


def test_each_pair_of_cell_and_drug_has_noise_of_its_own():
    pairs = [("786-O", "temsirolimus"), ("Caki-1", "temsirolimus"), ("786-O", "sirolimus")]
    factors = []
    for cell, drug in pairs:
        wishes = {"cell": cell, "drug": drug, "doses": "0.1nM:100nM:4", "times": ["24 h"]}
        exact = viability(**wishes).points[0].viability
        noisy = viability(**wishes, replicates=3, seed=1).points[0].viability
        factors.append((noisy / exact).ravel())
    for k in range(3):
        assert abs(np.corrcoef(factors[k], factors[k - 1])[0, 1]) < 0.9
        assert not np.allclose(factors[k], factors[k - 1])


@pytest.fixture
def wells_once(monkeypatch):
    """Simulate each well once."""
    done, simulate = {}, Conditions.well

    def well(self, doses, times, observe):
        key = (repr(self), *doses.items(), *times, *observe)
        if key not in done:
            done[key] = simulate(self, doses, times, observe)
        return done[key]

    monkeypatch.setattr(Conditions, "well", well)


@pytest.mark.parametrize(
    ("cell", "drug", "noise"),
    [
        ("786-O", "Ku-0063794", 0.05),
        ("Caki-1", "AZD8055", 0.05),
        ("786-O", "Ku-0063794", 0.15),
    ],
)
def test_intervals_hold_the_exact_doses_as_often_as_they_say(wells_once, cell, drug, noise):
    wishes = {"cell": cell, "drug": drug, "times": ["72 h"]}
    exact, inside, given = viability(**wishes), {20: 0, 30: 0, 50: 0}, {20: 0, 30: 0, 50: 0}
    for seed in range(200):
        fit = viability(**wishes, replicates=3, noise=noise, seed=seed).reference.fit
        for inhibition in inside:
            truth, found = exact.reference.fit.ic(inhibition).value, fit.ic(inhibition)
            if found.value is None or found.is_joined:
                continue  # no interval is given
            given[inhibition] += 1
            inside[inhibition] += (found.low or 0) <= truth <= (found.high or np.inf)
    assert all(given[one] > 180 and 0.90 <= inside[one] / given[one] <= 0.98 for one in given)


def test_gr_is_relative_to_the_mean_of_unequal_controls():
    # Start 100; controls 300 and 500, of mean 400: two doublings. 200 is one of them.
    counts = np.array([[300.0, 500.0], [200.0, 200.0]])
    plate = _plate(1440.0, np.array([0.0, 1.0]), 100.0, (counts, counts), True)
    assert plate.gr[1] == pytest.approx(np.sqrt(2) - 1)
    assert plate.viability[0] == pytest.approx([75, 125])


def test_a_curve_of_few_doses_is_read_from_the_simulation():
    rapalog = viability(doses="1nM,10nM,1uM,10uM", times=["24 h", "72 h"])
    for point in rapalog.points:
        last = f"{point.e_max:.0f} % at 10 uM"
        for level in (20, 30, 50):
            found = point.fit.ic(level)
            assert not found.flag.startswith("not reached: ") or found.flag.endswith(last)
    assert rapalog.ic50.flag == "< 1 nM"
    bisteric = viability(drug="RapaLink-1", doses="0.1nM:100nM:4", times=["72 h"]).reference
    assert bisteric.growth.gr_max < 0.4
    assert 0.1 < bisteric.growth.gr50.value < 1


def test_a_curve_in_two_steps_is_read_between_doses():
    found = viability(cell="MCF-7", drug="sirolimus", doses="1nM:10uM:9", times=["72 h"])
    readings = found.points[0].viability[1:, 0]
    above = int(np.flatnonzero(readings <= 50)[0])
    doses = found.points[0].doses[1:]
    assert doses[above - 1] < found.ic50.value <= doses[above]
    assert "no logistic curve" in found.summary.IC50_flag[0]
    assert "Between doses" in " ".join(text.get_text() for text in found.plot().texts)


def test_constants_of_the_tested_drug_do_not_hinder_untreated_wells():
    weaker = viability(**SHORT, set={"Kd_FRB_FKBP12_temsirolimus": 500})
    assert weaker.reference.viability[-1, 0] != viability(**SHORT).reference.viability[-1, 0]
    assert not weaker.wells[0].scenario.set
    assert weaker.provenance["conditions"]["set"] == {"Kd_FRB_FKBP12_temsirolimus": 500}


def test_what_all_wells_get_is_in_the_untreated_ones_too():
    alone = viability(**SHORT)
    beside = viability(**SHORT, with_drugs={"Ku-0063794": "1 uM"})
    ratio = [float(one.wells[0]["ATP_signal"][-1]) for one in (beside, alone)]
    assert ratio[0] < ratio[1]
    assert beside.points[-1].viability[0] == pytest.approx(100)
    assert beside.provenance["conditions"]["drugs"][0]["name"] == "Ku-0063794"


def test_perturbations_and_settings_reach_the_wells():
    changed = viability(**SHORT, perturbations=["FKBP12_knockdown"])
    assert changed.reference.e_max > viability(**SHORT).reference.e_max
    assert changed.wells[0].scenario.perturbations == ("FKBP12_knockdown",)


def test_cells_that_do_not_grow_have_viability_but_no_gr():
    still = viability(**SHORT, set={"kdeath_basal": "0.1 1/h"})
    assert still.table.GR.isna().all()
    assert (still.summary.GR50_flag == "untreated cells do not grow").all()
    assert still.summary.GRmax.isna().all()
    assert still.plot()._repr_png_().startswith(b"\x89PNG")


def test_several_assays_stand_side_by_side():
    both = Comparison((viability(**SHORT), viability(**SHORT, cell="Caki-1")))
    assert set(both.table.cell) == {"786-O", "Caki-1"}
    assert both.summary.shape[0] == 4
    assert len(both.provenance["assays"]) == 2
    with pytest.raises(mt.InputError, match="nothing to compare"):
        Comparison(())


def test_a_folder_holds_four_files(tmp_path):
    folder = viability(**SHORT).save(tmp_path / "assay")
    names = {path.name for path in folder.iterdir()}
    assert names == {"table.csv", "summary.csv", "figure.png", "run.json"}
    assert len(pd.read_csv(folder / "table.csv")) == 2 * 6


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"cell": "786O"}, "'786-O'"),
        ({"drug": "temsirolmus"}, "'temsirolimus'"),
        ({"doses": ["1 nM", "2 nM", "3 nM"]}, "at least 4"),
        ({"doses": ["1", "2", "3", "4"]}, "no unit"),
        ({"doses": ["0 nM", "2 nM", "3 nM", "4 nM"]}, "not above zero"),
        ({"doses": "1nM:10nM"}, "no series"),
        ({"doses": "10nM:1nM:5"}, "lower dose first"),
        ({"doses": "1nM:10nM:1000000000"}, "2 to 200"),
        ({"doses": 7}, "list"),
        ({"times": []}, "none"),
        ({"times": ["0 h"]}, "not above zero"),
        ({"times": ["72"]}, "no unit"),
        ({"replicates": -1}, "replicates"),
        ({"replicates": 2.5}, "whole number"),
        ({"noise": -0.1}, "noise"),
        ({"noise": float("nan")}, "noise"),
        ({"seed": "x"}, "seed"),
        ({"with_drugs": {"temsirolimus": "1 nM"}}, "tested and given"),
        ({"with_drugs": {"sirolimus": "2 mg daily"}}, "to a body, and assays are done in a dish"),
        ({"perturbations": ["ketoconazole"]}, "acts on a body"),
        ({"perturbations": ["PTEN-loss"]}, "'PTEN_loss'"),
        ({"set": {"kdeg_mTOR": 1}}, "'kdeg_MTOR'"),
    ],
)
def test_bad_input_is_refused(wish, said):
    with pytest.raises(mt.InputError, match=said):
        viability(**wish)


def test_dose_series_as_lists_and_as_text():
    assert dose_series(["10 nM", "1 nM", "1 nM"], "temsirolimus") == (1, 10)
    assert dose_series("1nM, 0.1 uM", "temsirolimus") == (1, 100)
    assert dose_series("1nM:100nM:3", "temsirolimus") == pytest.approx((1, 10, 100))
    (molar,) = dose_series(["1.03029 ug/mL"], "temsirolimus")
    assert molar == pytest.approx(1000)
    assert time_series("24h,6h") == (360, 1440)


def test_the_usual_doses_follow_the_mechanism():
    assert (usual_doses("temsirolimus")[0], usual_doses("temsirolimus")[-1]) == (0.1, 100)
    assert (usual_doses("RapaLink-1")[0], usual_doses("RapaLink-1")[-1]) == (0.01, 100)
    assert (usual_doses("Ku-0063794")[0], usual_doses("Ku-0063794")[-1]) == (1, 10_000)
