"""Blots: densitometry is the simulation, normalised; loading errors are seeded and taken out."""

import numpy as np
import pytest

import mtorsim as mt
from mtorsim.assays import Lane, Western, western
from mtorsim.assays.western import BANDS, LOADING, TARGETS
from mtorsim.observables import OBSERVABLES

LANES = [Lane("786-O"), Lane("786-O", {"temsirolimus": "20 nM"}, label="treated")]


@pytest.fixture(scope="module")
def blot():
    return western(LANES)


def test_densitometry_is_the_simulated_ratio(blot):
    run = mt.simulate(cell="786-O", drugs={"temsirolimus": "20 nM"}, duration="24 h")
    row = blot.targets.index("S6K1_pT389")
    untreated = run.baseline["S6K1_pT389"]
    assert blot.normalised[row, 1] == pytest.approx(float(run["S6K1_pT389"][-1]) / untreated, 1e-4)
    assert blot.normalised[row, 0] == 1


def test_a_lane_is_of_a_dish():
    with pytest.raises(mt.InputError, match="'25 mg weekly' is given to a body, and assays are do"):
        Lane("786-O", {"temsirolimus": "25 mg weekly"})


def test_phospho_over_total_follows_from_the_rows(blot):
    table = blot.table.set_index(["target", "lane"])
    phospho, total = (
        table.loc[(id, 2), "relative_to_control"] for id in ("AKT_pS473", "AKT_total")
    )
    assert table.loc[("AKT_pS473", 2), "phospho_per_total"] == pytest.approx(phospho / total)
    assert np.isnan(table.loc[("AKT_total", 2), "phospho_per_total"])


def test_phospho_over_a_changing_total_by_hand(blot):
    # Phospho falls to a half, total to a fifth: per total it rises 2.5-fold. Loading drops out.
    made = Western(
        *(blot.lanes, ("AKT_pS473", "AKT_total")),
        *(np.array([[4.0, 2.0], [10.0, 2.0]]), np.array([1.0, 1.7])),
        *(0.3, 0, blot.wells),
    )
    assert made.per_total[0] == pytest.approx([1, 2.5])
    assert made.table.phospho_per_total[1] == pytest.approx(2.5)
    assert np.isnan(made.per_total[1]).all()


def test_lanes_without_the_drug_leave_out_its_constants():
    series = {"temsirolimus": "10nM", "Ku-0063794": "1uM"}
    constant = {"Kd_FRB_FKBP12_temsirolimus": 500}
    usual, weaker = (
        western(drugs=series, targets=["S6K1_pT389"], set=one) for one in ({}, constant)
    )
    assert weaker.normalised[0, 1] > usual.normalised[0, 1]
    assert weaker.normalised[0, [0, 2]] == pytest.approx(usual.normalised[0, [0, 2]])
    assert [bool(lane.scenario.set) for lane in weaker.lanes] == [False, True, False]


def test_a_loading_error_is_seen_and_taken_out_again(blot):
    uneven, same, other = (western(LANES, loading_error=0.3, seed=seed) for seed in (1, 1, 2))
    assert (uneven.signals == same.signals).all()
    assert not np.allclose(uneven.loaded, other.loaded)
    assert not np.allclose(uneven.signals, blot.signals)
    assert np.nan_to_num(uneven.normalised) == pytest.approx(np.nan_to_num(blot.normalised))


def test_without_a_band_in_the_first_lane_nothing_is_relative_to_it():
    # 786-O makes no HIF-1α.
    blot = western([Lane("786-O"), Lane("Caki-1")], targets=["HIF1A"])
    assert np.isnan(blot.normalised).all()
    assert blot.table.relative_to_strongest.tolist() == [0, 1]
    none = western([Lane("786-O")], targets=["HIF1A"])
    assert not none.is_seen.any()
    assert none.plot()._repr_png_().startswith(b"\x89PNG")


def test_the_grid_has_an_untreated_lane_for_each_cell_and_time():
    blot = western(cell=["786-O", "Caki-1"], drugs={"temsirolimus": "1nM,10nM"}, times="1h,24h")
    assert len(blot.lanes) == 2 * 2 * 3
    assert [lane.doses.get("temsirolimus", 0) for lane in blot.lanes[:3]] == [0, 1, 10]
    assert [lane.time for lane in blot.lanes[:4]] == [60, 60, 60, 1440]
    assert blot.lanes[5].in_words() == "786-O, temsirolimus 10 nM, 24 h"
    assert list(blot.summary)[1:] == [f"lane {n}" for n in range(1, 13)]


def test_before_the_drug_there_is_one_lane_and_it_is_the_untreated_cell():
    blot = western(drugs={"temsirolimus": "20nM"}, times="0h,1h", targets=["S6K1_pT389"])
    assert [(lane.time, bool(lane.doses)) for lane in blot.lanes] == [
        *((0, False), (60, False), (60, True)),
    ]
    assert blot.concentrations[0, 0] == pytest.approx(blot.wells[0].baseline["S6K1_pT389"])
    assert blot.provenance["lanes"][0]["duration"] == "0 h"


def test_what_all_lanes_get_is_in_the_control_too():
    blot = western(times="1h", with_drugs={"Ku-0063794": "1 uM"}, targets=["AKT_pS473"])
    assert all(lane.doses["Ku-0063794"] == 1000 for lane in blot.lanes)


def test_every_usual_target_can_be_blotted_and_has_a_place_on_the_gel():
    assert set(TARGETS) <= BANDS.keys() & set(OBSERVABLES)
    assert all(band.uniprot and band.kilodalton for band in BANDS.values())
    totals = {band.total for band in BANDS.values()} - {""}
    assert totals <= set(OBSERVABLES)
    assert LOADING not in OBSERVABLES


def test_where_it_comes_from_is_told(blot):
    origin = blot.provenance
    assert origin["lanes"][1]["label"] == "treated"
    assert origin["seed"] is None
    assert "constant" in origin["loading_control"]


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"targets": ["S6K_pT389"]}, "'S6K1_pT389'"),
        ({"targets": []}, "targets"),
        ({"targets": ["FOO"]}, "'FOO'.*List: .*S6K1_pT389"),
        ({"targets": ["ACTB"]}, "ACTB is always blotted"),
        ({"targets": "S6K1_pT389"}, "list"),
        ({"lanes": []}, "0 given"),
        ({"lanes": ["786-O"]}, "not a Lane"),
        ({"lanes": LANES[0]}, "list of Lane"),
        ({"loading_error": 2}, "loading_error"),
        ({"cell": "786O"}, "'786-O'"),
        ({"drugs": {"temsirolmus": "1nM"}}, "'temsirolimus'"),
        ({"with_drugs": {"temsirolimus": "1nM"}}, "tested and given"),
        ({"with_drugs": {"sirolimus": "2 mg daily"}}, "to a body, and assays are done in a dish"),
        ({"perturbations": ["ketoconazole"]}, "acts on a body"),
        ({"times": "-1h"}, "not above zero"),
        ({"times": ","}, "none"),
    ],
)
def test_bad_input_is_refused(wish, said):
    with pytest.raises(mt.InputError, match=said):
        western(**wish)
