"""Numbers of a sweep: those of single runs, whatever is varied; readings, labels, failures."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import mtorsim as mt
from mtorsim import Constant, Repeated, Scenario, Treatment
from mtorsim.compile import compile_scenario
from mtorsim.errors import InputError, MtorsimError, ScenarioError, SimulationError
from mtorsim.observables import GROWING, OBSERVABLES
from mtorsim.sweeps import axis, carry_out, estimate, plan, work
from mtorsim.sweeps.gather import table_of
from mtorsim.sweeps.readings import NAMES, REDUCTIONS
from mtorsim.sweeps.result import Sweep
from mtorsim.sweeps.work import FAILED, RETRIED

READ = ("S6K1_pT389", "AKT_pS473", "FKBP12_drug")
DRUG = {"temsirolimus": "20 nM"}
SHORT = Scenario(drugs=DRUG, duration="2 h", observe=READ)
DOSE, CONSTANT = "drugs.temsirolimus.dose", "kphos_S6K1_by_mTORC1"
WEEKLY = "25 mg IV over 30 min weekly x1"


def given(**fields):
    return Scenario(**({"drugs": DRUG, "duration": "2 h", "observe": READ} | fields))


def times(**schedule):
    return [Treatment("temsirolimus", Repeated("20 nM", **schedule))]


AXES = {
    "dose": (
        SHORT,
        {DOSE: ["0 nM", "1 nM", "100 nM"]},
        [given(drugs={"temsirolimus": one}) for one in ("0 nM", "1 nM", "100 nM")],
    ),
    "start and stop": (
        SHORT,
        {"drugs.temsirolimus.start": ["0 h", "30 min"], "drugs.temsirolimus.stop": ["1 h"]},
        [given(drugs=[Treatment("temsirolimus", Constant("20 nM", start=one, stop="1 h"))])
         for one in ("0 h", "30 min")],
    ),
    "repeats": (
        SHORT,
        {
            "drugs.temsirolimus.every": ["30 min"],
            "drugs.temsirolimus.times": [1, 3],
            "drugs.temsirolimus.exposure": ["10 min", "20 min"],
        },
        [given(drugs=times(every="30 min", times=n, exposure=one))
         for n in (1, 3) for one in ("10 min", "20 min")],
    ),
    "another drug": (
        SHORT,
        {"drugs.Torin-1.dose": ["0 nM", "250 nM"]},
        [given(drugs={**DRUG, "Torin-1": one}) for one in ("0 nM", "250 nM")],
    ),
    "cell": (SHORT, {"cell": ["786-O", "PC-3"]}, [given(), given(cell="PC-3")]),
    "perturbations": (
        SHORT,
        {"perturbations": ["none", "hypoxia", "PTEN_loss+hypoxia", ["MTOR_F2108L"]]},
        [given(perturbations=one)
         for one in ([], ["hypoxia"], ["PTEN_loss", "hypoxia"], ["MTOR_F2108L"])],
    ),
    "stimuli": (
        SHORT,
        {"stimuli.insulin": ["0 nM", "100 nM"]},
        [given(stimuli={"insulin": one}) for one in ("0 nM", "100 nM")],
    ),
    "duration": (
        SHORT, {"duration": ["1 h", "90 min"]}, [given(duration=one) for one in ("1 h", "90 min")]
    ),
    "a parameter of the cell": (
        SHORT, {CONSTANT: [0.1, 0.6]}, [given(set={CONSTANT: one}) for one in (0.1, 0.6)]
    ),
    "a parameter of the drug, with a unit": (
        SHORT,
        {"koff_FKBP12_temsirolimus": ["0.01 1/min", "6 1/h"]},
        [given(set={"koff_FKBP12_temsirolimus": one}) for one in ("0.01 1/min", "0.1 1/min")],
    ),
    "an initial value": (
        SHORT, {"FKBP12": ["100 nM", "1 uM"]}, [given(set={"FKBP12": one}) for one in (100, 1000)]
    ),
    "regimen": (
        given(duration="6 h"),
        {"drugs.temsirolimus.regimen": ["25 mg IV over 30 min", "75 mg IV over 1 h"]},
        [given(drugs={"temsirolimus": one}, duration="6 h")
         for one in ("25 mg IV over 30 min", "75 mg IV over 1 h")],
    ),
    "amount, species and a parameter of a body": (
        given(drugs={"temsirolimus": "20 mg/kg IV bolus"}, duration="2 h"),
        {"drugs.temsirolimus.dose": ["1 mg/kg"], "species": ["human", "mouse"],
         "haematocrit": [0.3, 0.45]},
        [given(drugs={"temsirolimus": "1 mg/kg IV bolus"}, species=one, set={"haematocrit": part})
         for one in ("human", "mouse") for part in (0.3, 0.45)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", AXES)
def test_each_point_is_the_single_run_of_its_scenario(name):
    base, vary, scenarios = AXES[name]
    kept = [one for one in NAMES if one != "curves" or "duration" not in vary]
    made = plan(base, [axis(*pair) for pair in vary.items()], read=kept)
    found = carry_out(made).dataset
    assert found["status"].to_numpy().ravel().tolist() == [0] * len(scenarios)
    flat = found.stack(point=found["status"].dims).transpose("point", ...)  # noqa: PD013 - of xarray
    for place, scenario in enumerate(scenarios):
        compiled = compile_scenario(scenario)
        grid, places = made.times_of(compiled)
        run = mt.simulate(scenario, times=grid.tolist(), relative_tolerance=1e-6)
        values = run.to_dataframe()[list(READ)].to_numpy()
        here = flat.isel(point=place)
        for reading, one in REDUCTIONS.items():
            if reading != "auc":
                assert here[reading].to_numpy().tolist() == one.of(run.time, values).tolist(), (
                    reading
                )
        area = REDUCTIONS["auc"].of(run.time, values)  # a sum, whose order is numpy's choice
        assert here["auc"].to_numpy() == pytest.approx(area, rel=1e-12)
        if "curves" in kept:
            assert here["curves"].to_numpy().tolist() == values[places].tolist()
        untreated = [run.baseline[id] for id in READ]
        assert here["untreated"].to_numpy() == pytest.approx(untreated, rel=1e-12, abs=1e-15)


def test_readings_are_those_of_an_exact_run():
    found = mt.sweep(SHORT, {DOSE: ["20 nM"]})
    run = mt.simulate(SHORT)  # a hundred times tighter, at its own times
    values = run.to_dataframe()[list(READ)].to_numpy()
    for reading in ("end", "auc", "peak"):
        exact = REDUCTIONS[reading].of(run.time, values)
        assert found[reading].to_numpy()[0] == pytest.approx(exact, rel=1e-4)


def test_reductions_by_hand():
    time = np.array([0.0, 1.0, 3.0])
    values = np.array([[0.0, 4.0], [2.0, 3.0], [1.0, 0.0]])
    assert REDUCTIONS["end"].of(time, values).tolist() == [1, 0]
    assert REDUCTIONS["auc"].of(time, values).tolist() == [1 + 3, 3.5 + 3]
    assert REDUCTIONS["peak"].of(time, values).tolist() == [2, 4]
    assert REDUCTIONS["time_to_peak"].of(time, values).tolist() == [1, 0]
    assert [REDUCTIONS["auc"].unit(one) for one in ("nM", "1")] == ["nM*min", "min"]


def test_a_peak_between_curve_times_is_found():
    # Insulin: PIP3 peaks within minutes, between the times of curves a third of an hour apart.
    scenario = Scenario(stimuli={"insulin": "100 nM"}, duration="24 h", observe=["IRS1_pY"])
    found = mt.sweep(scenario, {"cell": ["786-O"]}).dataset.isel(cell=0, observable=0)
    assert found["peak"] > 1.5 * found["curves"].max()
    assert found["time_to_peak"] < 10


# --- labels ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def grid():
    """Four doses on two cells."""
    doses = mt.logspace("0.01 nM", "10 nM", 4)
    return mt.sweep(SHORT, {DOSE: doses, "cell": ["786-O", "Caki-1"]})


def test_results_are_labelled(grid):
    data = grid.dataset
    assert data["end"].dims == (DOSE, "cell", "observable")
    assert data["curves"].dims == (DOSE, "cell", "time", "observable")
    assert data[DOSE].to_numpy().tolist() == [0.01, 0.1, 1.0, 10.0]
    assert data[DOSE].attrs["units"] == data["end"].attrs["units"] == "nM"
    assert data["cell"].to_numpy().tolist() == ["786-O", "Caki-1"]
    assert data["observable"].to_numpy().tolist() == list(READ)
    assert data["unit"].to_numpy().tolist() == ["nM"] * 3
    assert (data["time"].attrs["units"], float(data["time"][-1])) == ("min", 120)
    assert data["auc"].attrs["units"] == "nM*min"
    assert data.attrs["seed"] == 0
    assert "Cell: 786-O" in data.attrs["scenario"]
    assert "mtorsim 0" in data.attrs["versions"]
    assert "libroadrunner" in data.attrs["versions"]
    assert all(len(one) == 64 for one in (*data.attrs["models_sha256"], data.attrs["hash"]))
    assert (grid.count, grid.failed, grid.retried, grid.axes) == (8, 0, 0, (DOSE, "cell"))
    assert grid.is_grid


def test_bare_numbers_are_labelled_with_the_unit_of_their_parameter():
    data = mt.sweep(SHORT, {CONSTANT: [0.1, 0.2]}, read="end").dataset
    assert data[CONSTANT].attrs["units"] == "1/(nM*min)"
    assert set(data.data_vars) == {"end", "untreated", "status"}


def test_points_of_a_design_carry_their_values():
    found = mt.sweep(
        SHORT,
        {DOSE: {"from": "1 nM", "to": "10 nM"}, "cell": ["786-O", "PC-3"]},
        method="latin_hypercube",
        points=6,
        seed=5,
        read="end",
    )
    data = found.dataset
    assert data["end"].dims == ("point", "observable")
    assert data[DOSE].dims == data["cell"].dims == ("point",)
    assert (found.is_grid, found.axes) == (False, (DOSE, "cell"))
    table = found.to_dataframe()
    assert table.columns[:3].tolist() == ["point", DOSE, "cell"]
    first = table.iloc[0]
    alone = given(drugs={"temsirolimus": f"{first[DOSE]:.17g} nM"}, cell=first["cell"])
    assert first["end"] == pytest.approx(mt.simulate(alone)[READ[0]].to_numpy()[-1], rel=1e-4)


def test_a_tidy_table_has_a_row_for_each_point_and_observable(grid):
    table = grid.to_dataframe()
    assert table.columns.tolist() == [
        *(DOSE, "cell", "observable", "unit", "end", "auc", "peak", "time_to_peak"),
        *("untreated", "status"),
    ]
    assert len(table) == 8 * 3
    row = table[(table[DOSE] == 0.1) & (table["cell"] == "Caki-1")].iloc[0]
    assert row["end"] == float(grid["end"].sel({DOSE: 0.1}).sel(cell="Caki-1")[0])


def test_a_table_in_pieces_is_the_same_table(grid, monkeypatch):
    whole = grid.to_dataframe()
    monkeypatch.setattr("mtorsim.sweeps.result._ROWS", 7)
    assert len(list(grid.tables())) == 4
    pd.testing.assert_frame_equal(grid.to_dataframe(), whole)


def test_a_table_of_nothing_but_curves_has_their_times():
    table = mt.sweep(SHORT, {DOSE: ["1 nM"]}, read="curves", times=["1 h"]).to_dataframe()
    assert table[["time", "observable"]].to_numpy().tolist()[:4] == [
        *([0.0, "S6K1_pT389"], [0.0, "AKT_pS473"], [0.0, "FKBP12_drug"], [60.0, "S6K1_pT389"]),
    ]


# --- relative, IC50 -------------------------------------------------------------------------------


def made_up(doses, values, untreated=2.0, unit="nM"):
    """A sweep with these values at the end, for each dose and observable."""
    values = np.array(values, dtype=float).T
    names = [f"id{k}" for k in range(values.shape[1])]
    data = xr.Dataset(
        {
            "end": (("dose", "observable"), values),
            "untreated": (("dose", "observable"), np.full(values.shape, untreated)),
            "status": ("dose", np.zeros(len(doses), dtype=np.int8)),
        },
        {"dose": ("dose", np.array(doses, dtype=float), {"units": unit}), "observable": names},
        {"design": "grid", "axes": ["dose"]},
    )
    return Sweep(data, table_of(()))


def test_ic50_by_hand():
    curves = [
        [2.0, 1.5, 0.5, 0.1],  # 0.75 to 0.25 between 1 and 100: half way in the logarithm
        [2.0, 1.0, 0.5, 0.1],  # exactly at 1
        [2.0, 1.9, 1.8, 1.7],  # never
        [0.9, 0.8, 0.7, 0.6],  # below at the lowest dose already
        [2.0, 0.5, 2.0, 0.5],  # twice: the first time counts
        [2.0, np.nan, 0.5, 0.1],  # the dose before the crossing failed
    ]
    found = made_up([0.01, 1, 100, 1000], curves).ic50("dose")
    expected = [10.0, 1.0, np.nan, np.nan, 0.01 ** (1 / 3), np.nan]
    assert found.to_numpy() == pytest.approx(expected, nan_ok=True)
    assert found.attrs["units"] == "nM"


def test_ic50_does_not_mind_order_or_a_dose_of_zero():
    found = made_up([100, 0, 1, 1000, 0.01], [[0.5, 2.0, 1.5, 0.1, 2.0]]).ic50("dose")
    assert found.item() == pytest.approx(10)


def test_what_grows_untreated_has_no_ic50():
    # Half of the cells of the start is not half of those that a control has in the end.
    run = mt.simulate(duration="72 h")
    share = {
        id: run[id].to_numpy()[-1] / run.baseline[id] for id in OBSERVABLES if run.baseline[id]
    }
    assert {id for id, one in share.items() if abs(one - 1) > 0.01} == {*GROWING}
    vary = {DOSE: ["0.01 nM", "100 nM"]}
    observe = ["cell_number", "S6K1_pT389"]
    found = mt.sweep(mt.Scenario(observe=observe, duration="2 h"), vary, read="end")
    assert found.ic50(DOSE)["observable"].to_numpy().tolist() == ["S6K1_pT389"]
    alone = mt.sweep(mt.Scenario(observe=observe[:1], duration="2 h"), vary, read="end")
    with pytest.raises(ScenarioError, match="Read viability"):
        alone.ic50(DOSE)


def test_ic50_over_other_axes(grid):
    found = grid.ic50(DOSE)
    assert found.dims == ("cell", "observable")
    share = grid.relative().sel(cell="Caki-1")
    line = share.sel(observable=READ[0]).to_numpy()
    after = int(np.argmax(line <= 0.5))
    doses = grid.dataset[DOSE].to_numpy()
    low, high = doses[after - 1], doses[after]
    part = (line[after - 1] - 0.5) / (line[after - 1] - line[after])
    assert float(found.sel(cell="Caki-1")[0]) == pytest.approx(low * (high / low) ** part)
    assert np.isnan(found.sel(observable="AKT_pS473")).all()  # rises under a rapalog
    assert np.isnan(found.sel(observable="FKBP12_drug")).all()  # none in the untreated cell


@pytest.mark.parametrize(
    ("ask", "kind", "message"),
    [
        (lambda grid: grid.ic50("cell"), ScenarioError, "'cell' has no numbers"),
        (lambda grid: grid.ic50("dose"), ScenarioError, "'dose' is not an axis of a grid"),
        (lambda grid: grid.relative("auc"), ScenarioError, "'auc' has no counterpart"),
        (lambda grid: grid["ends"], InputError, "Closest: 'end'"),
        (lambda grid: made_up([0, 1], [[2, 1]]).ic50("dose"), ScenarioError, "two or more values"),
    ],
)
def test_what_has_no_answer_is_refused(grid, ask, kind, message):
    with pytest.raises(kind, match=message):
        ask(grid)


# --- failures -------------------------------------------------------------------------------------


def test_a_point_that_fails_is_named_and_the_others_are_there():
    # Binding a thousand million times too fast: the solver gives up, at the usual tolerances and at
    # tighter ones.
    found = mt.sweep(SHORT, {"kon_FKBP12_temsirolimus": [0.1, 1e200, 0.2]}, read=["end", "curves"])
    assert found.dataset["status"].to_numpy().tolist() == [0, FAILED, 0]
    assert np.isnan(found["end"].to_numpy()[1]).all()
    assert np.isnan(found["curves"].to_numpy()[1]).all()
    assert np.isfinite(found["end"].to_numpy()[[0, 2]]).all()
    assert (found.failed, found.retried) == (1, 0)
    row = found.failures.iloc[0]
    assert (row["point"], row["outcome"]) == (1, "failed")
    assert row["values"] == "kon_FKBP12_temsirolimus=1e+200"
    assert "solver stopped" in row["reason"]


def test_a_scenario_that_is_refused_is_a_failed_point_with_the_reason():
    vary = {
        "drugs.temsirolimus.start": ["0 min", "30 min"],
        "drugs.temsirolimus.stop": ["20 min", "50 min"],
    }
    found = mt.sweep(SHORT, vary, read="end")
    assert found.dataset["status"].to_numpy().tolist() == [[0, 0], [FAILED, 0]]
    row = found.failures.iloc[0]
    assert (row["point"], row["reason"]) == (2, "stop at 20 min is not after start at 30 min.")


@pytest.mark.parametrize(("fails", "status"), [(1, RETRIED), (2, FAILED)])
def test_a_failed_point_is_tried_once_more_with_tighter_tolerances(monkeypatch, fails, status):
    simulated, tried = work._simulated, []

    def failing(plan, compiled, base, tolerances):
        tried.append(tolerances)
        if len(tried) <= fails:
            raise SimulationError(f"no {len(tried)}.")
        return simulated(plan, compiled, base, tolerances)

    monkeypatch.setattr(work, "_simulated", failing)
    found = mt.sweep(SHORT, {"cell": ["786-O"]}, read="end")
    assert tried == [(1e-6, 1e-8), pytest.approx((1e-8, 1e-10))]
    assert found.dataset["status"].item() == status
    assert found.failures["outcome"].tolist() == [["", "retried", "failed"][status]]
    assert found.failures["reason"].tolist() == [f"no {fails}."]
    assert np.isfinite(found["end"].to_numpy()).all() == (status == RETRIED)


def test_a_retried_point_is_as_good_as_a_tight_run(monkeypatch):
    simulated = work._simulated

    def failing(plan, compiled, base, tolerances):
        if tolerances[0] > 1e-7:
            raise SimulationError("no.")
        return simulated(plan, compiled, base, tolerances)

    monkeypatch.setattr(work, "_simulated", failing)
    found = mt.sweep(SHORT, {"cell": ["786-O"]}, read="end")
    exact = mt.simulate(SHORT, relative_tolerance=1e-10).to_dataframe()[list(READ)].iloc[-1]
    assert found["end"].to_numpy()[0] == pytest.approx(exact.to_numpy(), rel=1e-6)


def test_a_cell_without_a_resting_state_is_looked_for_once(monkeypatch):
    tried = []

    def failing(compiled):
        tried.append(compiled)
        raise SimulationError("no resting state.")

    monkeypatch.setattr(work, "_baselines", {})
    monkeypatch.setattr(work, "steady_state", failing)
    found = mt.sweep(SHORT, {DOSE: ["1 nM", "2 nM", "3 nM"]}, read="end")
    assert len(tried) == 1
    assert found.failures["reason"].tolist() == ["no resting state."] * 3


def test_points_that_share_an_untreated_cell_share_its_rest(monkeypatch):
    counted, steady = [], work.steady_state
    monkeypatch.setattr(work, "_baselines", {})
    monkeypatch.setattr(work, "steady_state", lambda one: counted.append(one) or steady(one))
    vary = {DOSE: ["1 nM", "2 nM"], "koff_FKBP12_temsirolimus": [0.03, 0.04], CONSTANT: [0.2, 0.3]}
    mt.sweep(SHORT, vary, read="end")
    assert len(counted) == 2  # a drug's constants are not the cell's


# --- estimates, arguments -------------------------------------------------------------------------


def test_an_estimate_tries_points_spread_over_the_sweep():
    made = plan(SHORT, [axis(DOSE, mt.logspace("1 pM", "1 uM", 1000))], read=["end", "curves"])
    found = estimate(made, workers=2, seconds=0.1)
    assert (found.points, found.models, found.failed, found.reason) == (1000, 1, 0, "")
    assert found.bytes == 1000 * (3 * 8 * (1 + 73 + 1) + 1)
    assert made.chunk_size <= found.tried <= 8 * made.chunk_size
    alone = estimate(made, workers=1, seconds=0.1)
    assert 0.2 < alone.seconds < 1000
    assert alone.seconds > found.seconds


def test_an_estimate_says_that_points_fail():
    made = plan(SHORT, [axis("kon_FKBP12_temsirolimus", [1e200, 1e201])], read="end")
    found = estimate(made)
    assert (found.tried, found.failed) == (2, 2)
    assert "solver stopped" in found.reason


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": 0}, "workers: 0 is not a whole number"),
        ({"workers": True}, "workers: True is not a whole number"),
        ({"workers": 1.5}, "workers: 1.5 is not a whole number"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(InputError, match=message):
        mt.sweep(SHORT, {"cell": ["786-O"]}, **arguments)
    with pytest.raises(ScenarioError, match="expected a Scenario, got str"):
        mt.sweep("786-O", {"cell": ["786-O"]})


def test_progress_counts_points():
    said = []
    mt.sweep(SHORT, {DOSE: ["1 nM", "2 nM"]}, read="end", progress=lambda *one: said.append(one))
    assert said == [(1, 2), (2, 2)]


def test_a_sweep_without_a_scenario_is_of_the_usual_cell():
    found = mt.sweep(vary=[axis("stimuli.insulin", ["1 nM"])], times=["1 min"], read="end")
    assert found.dataset.attrs["cell"] == "786-O"
    assert dataclasses.is_dataclass(found)


def test_no_folder_no_sweep(tmp_path):
    with pytest.raises(InputError, match="no finished sweep in"):
        mt.open_sweep(tmp_path)
    assert issubclass(InputError, MtorsimError)
