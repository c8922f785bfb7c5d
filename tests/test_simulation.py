"""simulate: the whole way, its times, its result."""

import hashlib
import json
import locale

import numpy as np
import pandas as pd
import pytest

import mtorsim as mt
from mtorsim.compile import compile_scenario, parts, structure
from mtorsim.engine import engine
from mtorsim.observables import OBSERVABLES
from mtorsim.simulation import JUST_BEFORE, default_times, steady_state
from mtorsim.symbols import symbols


@pytest.fixture(scope="module")
def result():
    return mt.simulate(cell="Caki-1", drugs={"temsirolimus": "20 nM"}, duration="24 h")


def test_fields_and_scenario_say_the_same(result):
    scenario = mt.Scenario(cell="Caki-1", drugs={"temsirolimus": "20 nM"}, duration="24 h")
    assert mt.simulate(scenario).dataset.equals(result.dataset)
    assert mt.simulate(scenario, duration="2 h").time[-1] == 120


def test_same_input_gives_the_same_bits(result):
    again = mt.simulate(result.scenario)
    assert again.dataset.equals(result.dataset)
    assert again.sbml == result.sbml


@pytest.mark.parametrize(
    ("rate", "bound"),
    [("kon_eIF4E_eIF4G", "eIF4F"), ("kon_eIF4E_EIF4EBP1", "eIF4E_EIF4EBP1")],
)
def test_what_cannot_form_is_not_there(rate, bound):
    # The cell without `set` has it, and a search that began there would keep it.
    assert mt.simulate(duration="1 min").rest[bound] > 1
    switched_off = mt.simulate(duration="1 min", set={rate: 0}, observe=["mTORC1"])
    assert switched_off.rest[bound] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("cell", "perturbations", "set"),
    [
        ("786-O", [], {"kphos_S6K1_by_mTORC1": 30.0, "kon_eIF4E_EIF4EBP1": 1e-5}),
        ("PC-3", ["MTOR_F2108L"], {"kdeg_MYC": 1.0, "kphos_IRS1_by_S6K1": 1e-3}),
        ("Caki-1", ["hypoxia"], {"kon_eIF4E_eIF4G": 1e-4, "kdeg_HIF": 1e-3}),
        ("786-O", [], {"S6K1": 200.0}),  # other totals: nothing makes or degrades it
    ],
)
def test_rest_does_not_depend_on_where_the_search_began(cell, perturbations, set):
    scenario = mt.Scenario(cell=cell, perturbations=perturbations, set=set)
    compiled = compile_scenario(scenario)
    bare = structure((), parts(scenario).mutants)
    table = symbols(bare)
    values = {id: one for id, one in compiled.adapted.items() if id in table}
    afresh = engine(bare).steady_state(values)
    found = steady_state(compiled)
    for id, level in afresh.items():
        assert found[id] == pytest.approx(level, rel=1e-6, abs=1e-6), id


def test_not_a_scenario_is_refused():
    with pytest.raises(mt.ScenarioError, match="dict"):
        mt.simulate({"cell": "HeLa"})


def test_all_observables_are_read_by_default(result):
    assert result.ids == OBSERVABLES
    plain = {"G1_fraction", "cell_number", "ATP_per_cell", "ATP_signal", "viability"}
    units = {id: "1" if id in plain else "nM" for id in OBSERVABLES}
    assert result.units == units | {"proliferation_rate": "1/min"}
    assert all(result.labels.values())


def test_starts_at_the_untreated_state(result):
    assert result.relative().iloc[0].to_numpy() == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize(
    "end", [1e-5, 0.5, 1.0, 59.0, 120.0, 121.0, 1440.0, 4320.0, 525600.0]
)  # min
def test_default_times_run_from_start_to_end(end):
    times = default_times(end)
    assert times[0] == 0
    assert times[-1] == end
    assert (np.diff(times) > 0).all()
    assert 20 <= len(times) <= 600


def test_default_times_hold_the_hours_of_the_summary():
    assert {0, 60, 360, 1440, 4320} <= set(default_times(4320).tolist())


def test_own_times_may_be_texts_or_minutes():
    run = mt.simulate(duration="2 h", times=["30 min", 90.0, "2 h"])
    assert run.time.tolist() == [0, 30, 90, 120]


@pytest.mark.parametrize("times", [[-1.0], [121.0], [float("nan")], ["3 nM"]])
def test_times_outside_are_refused(times):
    with pytest.raises(mt.InputError, match="times"):
        mt.simulate(duration="2 h", times=times)


@pytest.mark.parametrize("times", ["1 h", [None], ["1 nM"]])
def test_what_is_no_list_of_times_is_refused(times):
    with pytest.raises(mt.InputError, match="times"):
        mt.simulate(duration="2 h", times=times)


@pytest.mark.parametrize("tolerance", [-1e-8, 0, float("nan"), None, "tight"])
@pytest.mark.parametrize("which", ["relative_tolerance", "absolute_tolerance"])
def test_tolerances_are_above_zero(which, tolerance):
    with pytest.raises(mt.InputError, match=which):
        mt.simulate(duration="1 min", **{which: tolerance})


@pytest.mark.parametrize("duration", ["1 ms", "10 years"])
def test_the_shortest_and_the_longest_run(duration):
    run = mt.simulate(drugs={"sirolimus": "1 nM"}, duration=duration, observe=["mTORC1"])
    assert np.isfinite(run["mTORC1"]).all()


def test_steps_are_output_times():
    schedule = mt.Constant("20 nM", start="61.5 min")
    run = mt.simulate(drugs={"sirolimus": schedule}, duration="3 h", observe=["drug_medium"])
    place = run.time.tolist().index(61.5)
    assert run["drug_medium"].to_numpy()[place - 1 : place + 1].tolist() == [0, 20]


def test_a_run_in_a_body_is_read_where_its_curves_bend():
    run = mt.simulate(drugs={"temsirolimus": "25 mg IV over 30 min weekly x8"}, observe=["mTORC2"])
    times = run.time.tolist()
    assert (times[0], times[-1]) == (0, 8 * 10_080)
    for week in range(8):
        after = [week * 10_080 + lag for lag in (0, 30, 60, 360, 1440, 4320)]
        assert {*after} <= {*times}
    assert len(times) < 600


def test_a_run_in_a_body_is_read_just_before_what_jumps():
    fields = {"drugs": {"temsirolimus": "20 mg/kg IV bolus daily x3"}, "species": "mouse"}
    run = mt.simulate(**fields, observe=["temsirolimus_plasma"])
    plasma = run["temsirolimus_plasma"].to_numpy()
    for day in (1, 2):
        place = run.time.tolist().index(day * 1440)
        assert run.time[place] - run.time[place - 1] == pytest.approx(JUST_BEFORE)
        assert plasma[place - 1] < 1e-3 * plasma[0] < plasma[place]
    # Half a day later, as if it had been drawn by hand.
    coarse = mt.simulate(**fields, observe=["temsirolimus_plasma"], times=["12 h", "60 h"])
    assert run.at(["12 h", "60 h"]).to_numpy()[0] == pytest.approx(
        coarse["temsirolimus_plasma"].to_numpy()[1:], rel=1e-5
    )


def test_doses_as_dense_as_output_times_do_not_disturb_each_other():
    every = f"{1440 / 7!r} min"  # seven of them are a day but for the last digit
    run = mt.simulate(drugs={"sirolimus": f"2 mg PO every {every} x9"}, observe=["drug_medium"])
    assert np.diff(run.time).min() > 1e-7
    assert np.isfinite(run["drug_medium"]).all()


def test_output_grid_does_not_matter(result):
    coarse = mt.simulate(result.scenario, times=["1 h", "24 h"])
    for id in ("S6K1_pT389", "mTORC2", "AKT_pS473"):
        fine = result.at([60, 1440], [id]).to_numpy()[0]
        assert coarse[id].to_numpy()[1:] == pytest.approx(fine, rel=1e-5)


def test_dataframe_begins_with_hours(result):
    table = result.to_dataframe()
    assert list(table.columns) == ["time_h", *OBSERVABLES]
    assert table["time_h"].iloc[-1] == 24


def test_relative_leaves_out_what_untreated_cells_lack(result):
    table = result.relative()
    assert isinstance(table, pd.DataFrame)
    assert "FKBP12_drug" not in table
    with pytest.raises(mt.UnknownIdError, match="FKBP12_drug"):
        result.relative(["FKBP12_drug"])


def test_unknown_observable_names_the_closest(result):
    with pytest.raises(mt.UnknownIdError, match="'S6K1_pT389'"):
        result["S6K1_T389"]


def test_provenance_is_json_and_names_the_model(result):
    origin = json.loads(json.dumps(result.provenance))
    assert origin["model_sha256"] == hashlib.sha256(result.sbml.encode()).hexdigest()
    assert origin["scenario"]["cell"] == "Caki-1"
    assert set(origin["versions"]) >= {"mtorsim", "libroadrunner", "python"}


def test_plot_gives_a_figure(result):
    assert result.plot(["S6K1_pT389", "mTORC2"]).axes


def test_decimal_comma_changes_nothing(result):
    before = locale.setlocale(locale.LC_NUMERIC)
    for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "nl_NL.UTF-8"):
        try:
            locale.setlocale(locale.LC_NUMERIC, name)
        except locale.Error:
            continue
        try:
            assert mt.simulate(result.scenario).dataset.equals(result.dataset)
            return
        finally:
            locale.setlocale(locale.LC_NUMERIC, before)
    pytest.skip("no locale with a decimal comma here")


# -- what the cell does: the inputs of mTORC1 ------------------------------------------------------


def left(observable, minutes, **fields):
    run = mt.simulate(duration="24 h", times=[minutes], observe=[observable], **fields)
    return float(run.relative().iloc[-1, 0])


@pytest.mark.parametrize("cell", ["Caki-1", "HeLa", "HEK293"])
@pytest.mark.parametrize("stimuli", [{}, {"insulin": "100 nM"}])
def test_amino_acid_withdrawal_shuts_mtorc1_whatever_insulin_does(cell, stimuli):
    fields = {"cell": cell, "perturbations": ["amino_acid_withdrawal"], "stimuli": stimuli}
    assert left("S6K1_pT389", 60.0, **fields) < 0.15


@pytest.mark.parametrize("cell", ["Caki-1", "HeLa", "HEK293"])
@pytest.mark.parametrize("stimuli", [{}, {"insulin": "100 nM"}])
def test_energy_withdrawal_shuts_mtorc1_whatever_insulin_does(cell, stimuli):
    fields = {"cell": cell, "perturbations": ["glucose_withdrawal"], "stimuli": stimuli}
    assert left("S6K1_pT389", 60.0, **fields) < 0.15


def test_energy_stress_hardly_reaches_ampk_without_lkb1():
    # HeLa has no LKB1: Wingo 2009, PLoS ONE 4:e5137.
    fields = {
        "duration": "1 h",
        "perturbations": ["glucose_withdrawal"],
        "observe": ["AMPK_active"],
    }
    active = {c: mt.simulate(cell=c, **fields)["AMPK_active"].to_numpy()[-1] for c in CELLS}
    assert active["HeLa"] < 0.25 * active["Caki-1"]


CELLS = ("HeLa", "Caki-1")


def test_rapalog_lowers_what_eif4f_translates():
    drug = {"temsirolimus": "20 nM"}
    for observable in ("eIF4F", "CCND1", "MYC"):
        assert 0.3 < left(observable, 1440.0, cell="786-O", drugs=drug) < 0.95


def untreated(observable, **fields):
    return mt.simulate(duration="1 min", observe=[observable], **fields).baseline[observable]


@pytest.mark.parametrize(
    ("perturbation", "observable", "low", "high"),
    [
        ("PTEN_loss", "PIP3", 2, 5),
        ("PTEN_loss", "AKT_pT308", 1.5, 10),
        ("TSC2_loss", "RHEB_GTP", 1.3, 10),
        ("TSC2_loss", "S6K1_pT389", 1.2, 10),
        ("TSC2_loss", "AKT_pT308", 0, 0.95),  # through the feedback
        ("raptor_knockdown", "S6K1_pT389", 0, 0.3),
        ("raptor_knockdown", "AKT_pS473", 1.1, 10),  # through the feedback
        ("rictor_knockdown", "AKT_pS473", 0, 0.4),
        ("serum_starvation", "AKT_pT308", 0, 0.6),
        ("serum_starvation", "S6K1_pT389", 0, 0.8),
        ("S6K1_IRS1_feedback_off", "IRS1_pS636", 0, 0.5),
        ("S6K1_IRS1_feedback_off", "AKT_pT308", 1.3, 10),
        ("FKBP12_knockdown", "S6K1_pT389", 0.999, 1.001),  # no drug, no effect
    ],
)
def test_perturbation_of_the_untreated_cell(perturbation, observable, low, high):
    usual = untreated(observable, cell="HeLa")
    assert low < untreated(observable, cell="HeLa", perturbations=[perturbation]) / usual < high


def test_denser_cells_need_a_higher_dose():
    # A tenth of the medium for each cell: the same concentration brings a tenth of the drug.
    fields = {"drugs": {"sirolimus": "0.1 nM"}, "cell": "786-O"}
    usual, dense = (
        left("S6K1_pT389", 1440.0, set={"medium": m}, **fields) for m in ("2 nL", "0.2 nL")
    )
    assert dense > usual + 0.2


def test_a_curve_does_not_lean_towards_a_change_of_the_medium():
    drugs = {"sirolimus": mt.Constant("20 nM", stop="24 h"), "tacrolimus": "1 uM"}
    run = mt.simulate(drugs=drugs, duration="25 h", observe=["sirolimus_medium"])
    exact = mt.simulate(run.scenario, times=["1439 min"])["sirolimus_medium"].to_numpy()[1]
    assert run.at([1439]).loc["sirolimus_medium", 1439.0] == pytest.approx(exact, rel=1e-4)
