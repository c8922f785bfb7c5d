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


def test_at_is_linear_between_output_times(result):
    pair = result["S6K1_pT389"].sel(time=[5, 6]).to_numpy()
    read = result.at([5.25], ["S6K1_pT389"]).loc["S6K1_pT389", 5.25]
    assert read == pytest.approx(0.75 * pair[0] + 0.25 * pair[1], rel=1e-12)
    assert pair[0] > read > pair[1]


def test_at_refuses_an_id_that_was_not_read(result):
    with pytest.raises(mt.UnknownIdError, match="'S6K1_pT389'"):
        result.at([0], ["S6K_pT389"])


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


def test_relative_is_the_ratio_to_the_untreated_cell(result):
    table = result.relative(["AKT_pS473", "S6K1_pT389"])
    assert list(table.columns) == ["AKT_pS473", "S6K1_pT389"]
    assert table.index.name == "time_h"
    assert table.index[-1] == 2
    for id in table:
        absolute = table[id].to_numpy() * result.baseline[id]
        assert absolute == pytest.approx(result[id].to_numpy(), rel=1e-12)
    assert table.iloc[0].to_numpy() == pytest.approx(1, rel=1e-6)


def test_the_baseline_is_that_of_the_untreated_cell():
    # What begins at time 0 changes the first value that follows by a rule, not the baseline.
    fields = {"perturbations": ["amino_acid_withdrawal"], "observe": ["leucine", "mTORC1"]}
    untreated = mt.simulate(observe=["leucine", "mTORC1"], duration="1 min")
    starved = mt.simulate(duration="1 h", **fields)
    assert starved.baseline == untreated.baseline
    assert starved["leucine"][0] < 0.1 * starved.baseline["leucine"]


def test_units_are_with_the_values(result):
    assert result.dataset["time"].attrs["units"] == "min"
    assert result["mTORC2"].attrs == {"units": "nM", "long_name": "assembled mTORC2"}
    assert result.units["mTORC2"] == "nM"
    assert result.labels["S6K1_pT389"] == result["S6K1_pT389"].attrs["long_name"]


def test_table_holds_the_values_as_they_are(result):
    table = result.to_dataframe()
    assert table["time_h"].to_numpy() == pytest.approx(result.time / 60)
    assert (table["mTORC2"].to_numpy() == result["mTORC2"].to_numpy()).all()
    assert len(table) == len(result.time)


def test_only_what_is_observed_is_read_in_that_order():
    result = mt.simulate(duration="1 min", observe=["mTORC2", "glucose", "AKT"])
    assert result.ids == ("mTORC2", "glucose", "AKT")
    with pytest.raises(mt.UnknownIdError, match="in this result"):
        result["S6K1_pT389"]


def test_the_noise_of_the_solver_is_nothing_to_relate_to():
    # Without AKT its phosphorylated forms rest at 1e-27 nM; ratios of that mean nothing.
    result = mt.simulate(set={"AKT": 0}, duration="10 min")
    assert abs(result.baseline["AKT_pT308"]) < 1e-9
    assert not {"AKT_pT308", "AKT_pS473", "AKT_total"} & set(result.present)


def test_says_what_it_is_on_a_page(result):
    assert "temsirolimus" in repr(result)
    assert len(repr(result)) < 1000
