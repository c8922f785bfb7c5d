"""Interaction of two drugs: closed forms first, then the engine."""

import numpy as np
import pytest

import mtorsim as mt
from mtorsim.assays import combination
from mtorsim.assays.interaction import (
    Alone,
    bliss_excess,
    combination_index,
    loewe,
    median_effect,
    why_no_line,
)

DOSES = np.array([0, 0.1, 0.3, 1, 3, 10, 30, 100])  # nM


def hill(dose, ec50=2.0, plateau=0.0, slope=1.0):
    """Percent of control."""
    dose = np.asarray(dose, dtype=float)
    return 100 - (100 - plateau) * dose**slope / (dose**slope + ec50**slope)


# --- closed forms ---------------------------------------------------------------------------------


def test_bliss_by_hand():
    response = np.array([[100.0, 50.0], [60.0, 30.0]])
    assert bliss_excess(response) == pytest.approx(np.zeros((2, 2)))
    response[1, 1] = 20
    assert bliss_excess(response)[1, 1] == pytest.approx(10)  # synergy
    response[1, 1] = 45
    assert bliss_excess(response)[1, 1] == pytest.approx(-15)  # antagonism


def test_bliss_is_not_defined_for_a_gain():
    excess = bliss_excess(np.array([[100.0, 50.0], [120.0, 60.0]]))
    assert np.isnan(excess[1]).all()


@pytest.mark.parametrize("plateau", [0, 48])
def test_a_drug_with_itself_is_loewe_additive(plateau):
    fine = np.geomspace(0.01, 1000, 41)
    doses = np.array([0.0, *fine])
    itself = Alone("A", doses, hill(doses, plateau=plateau))
    for a, b in ((0.05, 0.05), (1, 3), (10, 0.3), (40, 50)):
        found = loewe(a, b, float(hill(a + b, plateau=plateau)), (itself, itself))
        assert found.index == pytest.approx(1, abs=0.01)
        assert found.excess == pytest.approx(0, abs=0.05)


def test_a_diluted_drug_is_loewe_additive_too():
    doses = np.array([0.0, *np.geomspace(0.01, 1000, 41)])
    strong, weak = Alone("A", doses, hill(doses)), Alone("B", 50 * doses, hill(doses))
    found = loewe(1, 100, float(hill(1 + 100 / 50)), (strong, weak))
    assert found.index == pytest.approx(1, abs=0.01)


def test_more_than_additive_has_an_index_below_one():
    itself = Alone("A", DOSES, hill(DOSES))
    found = loewe(1, 1, float(hill(8)), (itself, itself))
    assert found.index == pytest.approx(2 / 8, rel=0.05)
    assert found.excess > 20


def test_an_effect_beyond_a_plateau_has_no_equivalent_dose():
    flat, full = Alone("A", DOSES, hill(DOSES, plateau=60)), Alone("B", DOSES, hill(DOSES))
    found = loewe(10, 10, 10.0, (flat, full))
    assert found.index is None
    assert "beyond A alone, which reaches 61 %" in found.flag


@pytest.mark.parametrize(
    ("responses", "said"),
    [
        (np.full(8, 100.0), "no effect"),
        (np.array([100, 95, 90, 85, 80, 90, 100, 110.0]), "rises again"),
    ],
)
def test_a_single_agent_without_a_falling_curve_is_flagged(responses, said):
    found = loewe(1, 1, 85.0, (Alone("A", DOSES, responses), Alone("B", DOSES, hill(DOSES))))
    assert found.index is None
    assert said in found.flag


@pytest.mark.parametrize("m", [0.7, 1.0, 2.0])
def test_median_effect_data_give_their_own_line(m):
    doses = DOSES[1:]
    affected = doses**m / (doses**m + 2.0**m)
    line = median_effect(doses, affected)
    assert (line.m, line.median_dose, line.r_squared) == pytest.approx((m, 2, 1))


def test_one_drug_in_two_portions_has_a_combination_index_of_one():
    doses = DOSES[1:]
    alone = median_effect(doses, doses / (doses + 2))
    weak = median_effect(10 * doses, doses / (doses + 2))
    # Total dose 1 + 10 parts of a mixture that acts as 1 + 1 parts of the strong drug.
    both = median_effect(11 * doses, 2 * doses / (2 * doses + 2))
    for affected in (0.25, 0.5, 0.75):
        index, flag = combination_index(affected, both, 1 / 11, alone, weak)
        assert (index, flag) == (pytest.approx(1), "")


def test_a_combination_index_is_not_read_beyond_what_was_measured():
    doses = DOSES[1:]
    full = median_effect(doses, doses / (doses + 2))
    weak = median_effect(doses, 0.9 * doses / (doses + 60))
    index, flag = combination_index(0.9, full, 0.5, full, weak)
    assert index is None
    assert "B alone measured from" in flag


def test_a_plateau_bends_the_line_and_is_told():
    doses = DOSES[1:]
    bent = median_effect(doses, 0.3 * doses / (doses + 0.2))
    full = median_effect(doses, doses / (doses + 2))
    index, flag = combination_index(0.25, full, 0.5, bent, full)
    assert index is None
    assert "no straight median-effect line of A alone" in flag


def test_too_few_points_make_no_line():
    assert median_effect([1, 2], [0.2, 0.4]) is None
    assert median_effect([1, 2, 3], [0.5, 0.4, 0.3]) is None
    assert median_effect([1, 2, 3], [0.0, 0.0, 1.0]) is None


def test_one_drug_alone_is_not_solved_for():
    # Four doses of each: at the edges, solving for the additive response once did not converge.
    a, b = np.array([0, 0.1, 1, 10, 100]), np.array([0, 10, 100, 1000, 10_000])
    first = Alone("A", a, np.array([100, 72.282, 41.889, 35.315, 34.63]))
    second = Alone("B", b, np.array([100, 89.885, 48.804, 26.817, 24.416]))
    matrix = np.outer(first.responses, second.responses) / 100
    wells = [
        [loewe(float(x), float(y), float(matrix[i, j]), (first, second)) for j, y in enumerate(b)]
        for i, x in enumerate(a)
    ]
    edges = [*wells[0], *(row[0] for row in wells)]
    assert {(one.index, one.excess, one.flag) for one in edges} == {(None, None, "one drug alone")}
    assert wells[1][1].excess is not None


def test_a_line_that_does_not_rise_says_so():
    doses = [1.0, 2.0, 3.0, 4.0]
    assert median_effect(doses, [0.5, 0.4, 0.3, 0.2]) is None
    assert why_no_line(doses, [0.5, 0.4, 0.3, 0.2]).startswith("slope not above zero")
    assert why_no_line(doses, [0.0, 0.0, 0.5, 1.0]).startswith("fewer than 3 doses")


# --- on the engine --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sham():
    return combination(drugs=("temsirolimus", "temsirolimus"))


@pytest.fixture(scope="module")
def pair():
    return combination(drugs=("temsirolimus", "Ku-0063794"), doses=("0.1nM:100nM:5", "10nM:10uM:5"))


def test_a_sham_combination_is_additive_and_not_independent(sham):
    index = sham.loewe_index[1:, 1:]
    known = np.isfinite(index)
    assert known.sum() >= 30
    assert np.abs(index[known] - 1).max() < 0.2  # near the plateau doses are ill defined
    assert np.nanmedian(index) == pytest.approx(1, abs=0.02)
    excess = sham.table.loewe_excess_percent
    assert np.nanmax(np.abs(excess)) < 2  # % of control, of seven doses half a decade apart
    assert sham.bliss[1:, 1:].max() < 0  # a saturated drug cannot add to itself


def test_bliss_is_said_to_be_none_for_a_sham_pair(sham, pair):
    flags = [one.summary.set_index("measure").flag["mean Bliss excess"] for one in (sham, pair)]
    assert "says nothing of a sham pair" in flags[0]
    assert flags[1] == ""
    assert any(
        "Bliss says nothing" in text.get_text().replace("\n", " ") for text in sham.plot().texts
    )


def test_a_slope_below_zero_is_noted():
    rising = combination(
        doses=("0.1nM:100nM:4", "10nM:1uM:4"),
        time="24 h",
        readout="AKT_pT308",
        set={"Kd_FRB_FKBP12_temsirolimus": 5},
    )
    summary = rising.summary.set_index("measure")
    lines = summary[summary.index.str.startswith("median-effect line")]
    assert not lines.empty
    assert (lines.flag != "").all()


def test_a_matrix_holds_each_drug_alone(pair):
    alone = mt.assays.viability(drug="Ku-0063794", doses="10nM:10uM:5", times=["72 h"])
    assert pair.response[0, :] == pytest.approx(alone.points[0].viability[:, 0], rel=1e-4)
    assert pair.response[0, 0] == 100
    assert pair.table.shape[0] == 36


def test_beyond_the_plateau_of_the_rapalog_loewe_is_not_made_up(pair):
    beyond = pair.response < pair.response[:, 0].min()
    assert beyond.any()
    assert np.isnan(pair.loewe_index[beyond]).all()
    rows = pair.table[(pair.table.dose_A_nM > 0) & (pair.table.dose_B_nM == 10_000)]
    assert rows.loewe_flag.str.contains("beyond A").all()


def test_indices_that_are_not_defined_say_why(pair):
    summary = pair.summary.set_index("measure")
    indices = summary[summary.index.str.startswith("combination index")]
    assert (indices.flag[indices.value.isna()] != "").all()
    assert summary.loc["median Loewe index", "flag"].startswith("defined in ")


def test_the_mixtures_of_one_ratio_are_found(pair):
    assert len(pair.ray.doses) == 5
    assert pair.ray.share_a == pytest.approx(0.1 / 10.1)
    skew = combination(doses=("0.1nM:100nM:4", "1nM,2nM,7nM,13nM"), time="24 h")
    assert skew.ray is None
    assert skew.index_at(0.5) == (None, "no three mixtures with one ratio")


def test_any_observable_can_be_read():
    found = combination(
        doses=("0.1nM:10nM:4", "10nM:1uM:4"), time="1 h", readout="S6K1_pT389", cell="Caki-1"
    )
    assert found.response[-1, -1] < found.response[-1, 0] < 50
    rising = combination(doses=("0.1nM:10nM:4", "10nM:1uM:4"), time="24 h", readout="AKT_pT308")
    assert np.isnan(rising.bliss).any()
    assert rising.plot()._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"drugs": ("temsirolimus",)}, "expected two"),
        ({"drugs": "temsirolimus"}, "expected two"),
        ({"drugs": ("temsirolimus", "Ku0063795")}, "'Ku-0063794'"),
        ({"doses": ("1nM,2nM", None)}, "at least 4"),
        ({"doses": (None,)}, "expected two"),
        ({"doses": ("1nM:2nM:100", "1nM:2nM:100")}, "more than 900"),
        ({"time": "0 h"}, "not above zero"),
        ({"time": "24h,48h"}, "holds several"),
        ({"readout": "S6K_pT389"}, "'S6K1_pT389'"),
        ({"readout": "HIF1A"}, "none in untreated 786-O"),
        ({"with_drugs": {"temsirolimus": "1 nM"}}, "tested and given"),
        ({"with_drugs": {"sirolimus": "2 mg daily"}}, "to a body, and assays are done in a dish"),
        ({"perturbations": ["ketoconazole"]}, "acts on a body"),
    ],
)
def test_bad_input_is_refused(wish, said):
    with pytest.raises(mt.InputError, match=said):
        combination(**wish)
