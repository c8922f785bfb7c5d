"""What a simulation returns."""

import pytest

import mtorsim as mt


@pytest.fixture(scope="module")
def result():
    return mt.simulate(drugs={"temsirolimus": "20 nM"}, duration="2 h")


def test_at_reads_times_in_any_unit(result):
    table = result.at(["1 h", 90, "0 min"], ["S6K1_pT389", "drug_medium"])
    assert table.columns.tolist() == [60, 90, 0]
    assert table.loc["drug_medium", 0.0] == pytest.approx(20)
    assert table.loc["S6K1_pT389", 60.0] == result["S6K1_pT389"].sel(time=60).item()


@pytest.mark.parametrize("times", [[121], [-1], ["3 h"], [float("nan")], "1 h"])
def test_at_does_not_continue_a_curve_beyond_its_ends(result, times):
    with pytest.raises(mt.InputError, match="times"):
        result.at(times)


def test_relative_is_for_what_the_untreated_cell_has(result):
    assert "S6K1_pT389" in result.present
    assert "drug_medium" not in result.present
    assert tuple(result.relative().columns) == result.present
    with pytest.raises(mt.UnknownIdError, match="drug_medium"):
        result.relative(["drug_medium"])


def test_the_noise_of_the_solver_is_nothing_to_relate_to():
    # Without AKT its phosphorylated forms rest at 1e-27 nM; ratios of that mean nothing.
    result = mt.simulate(set={"AKT": 0}, duration="10 min")
    assert abs(result.baseline["AKT_pT308"]) < 1e-9
    assert not {"AKT_pT308", "AKT_pS473", "AKT_total"} & set(result.present)


def test_says_what_it_is_on_a_page(result):
    assert "temsirolimus" in repr(result)
    assert len(repr(result)) < 1000
