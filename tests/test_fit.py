"""Fits: what is known comes back, what the data do not say is flagged, work is gone on with."""

import json
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import chi2

import mtorsim as mt
from mtorsim.cli import main
from mtorsim.fits import optimise, problem, read
from mtorsim.fits.loss import LOSSES, damped, weights
from mtorsim.fits.optimise import THRESHOLD, interval, status_of
from mtorsim.fits.problem import Free, Problem
from mtorsim.fits.result import Fit
from mtorsim.symbols import symbols
from mtorsim.targets import Dish
from mtorsim.targets import load as load_targets

KINASE, PHOSPHATASE, IDLE = "kphos_S6K1_by_mTORC1", "kdephos_S6K1_by_PP2A", "kdeg_HIF1A_by_ULK1"
TIMES = (0.0, 3.0, 8.0, 15.0, 30.0, 60.0)  # min
BASE = {"cell": "786-O", "drug": "temsirolimus", "dose": "20 nM"}


def measured(truth, noise=0.05, seed=3, unit="nM", dataset="blot"):
    """A table of simulated data: S6K1 under a rapalog, with noise."""
    scenario = mt.Scenario(
        cell="786-O", drugs={"temsirolimus": "20 nM"}, duration="1 h", observe=["S6K1_pT389"]
    )
    found = Dish(scenario, TIMES).carry_out(truth)
    values = found.values["S6K1_pT389"]  # noqa: PD011
    worth = {"nM": 1.0, "relative": 1 / found.baseline["S6K1_pT389"], "au": 37.0}[unit]
    sd = noise * values.max() * worth
    drawn = np.random.default_rng(seed).normal(0, sd, len(values))
    return pd.DataFrame(
        {**BASE, "observable": "S6K1_pT389", "time_min": found.time,
         "value": worth * values + drawn, "sd": sd, "unit": unit, "dataset": dataset}
    )  # fmt: skip


@pytest.fixture(scope="module")
def truth():
    known = symbols()
    return {KINASE: known[KINASE].value * 1.5, PHOSPHATASE: known[PHOSPHATASE].value * 0.7}


@pytest.fixture(scope="module")
def fitted(truth, tmp_path_factory):
    """A fit with profiles, kept in a folder: its data, its folder and what it returned."""
    folder = tmp_path_factory.mktemp("fit")
    table = measured(truth)
    table.to_csv(folder / "data.csv", index=False)
    asked = ([KINASE, PHOSPHATASE, IDLE],)
    options = {"starts": 2, "profile": [PHOSPHATASE, IDLE], "out": folder / "f", "workers": 2}
    return folder, mt.fit(folder / "data.csv", *asked, **options)


# -- recovery ----------------------------------------------------------------------------------


def test_what_the_data_say_comes_back_within_its_interval(fitted, truth):
    _, found = fitted
    table = found.estimates.set_index("parameter")
    for id, value in truth.items():
        assert table.loc[id, "status"] == "determined"
        assert table.loc[id, "data_low"] < value < table.loc[id, "data_high"]
        assert table.loc[id, "from_data"] > 0.5
    # the interval tells something: narrower than the range of its confidence, a factor of four
    mine = table.loc[PHOSPHATASE]
    assert mine["interval"] == "profile"
    assert mine["data_high"] / mine["data_low"] < 2.5


def test_what_they_do_not_say_is_flagged_and_stays_at_its_prior(fitted):
    _, found = fitted
    assert found.undetermined == (IDLE,)
    mine = found.estimates.set_index("parameter").loc[IDLE]
    assert mine["status"] == "open below and above"
    assert mine["from_data"] < 0.01
    assert mine["estimate"] == pytest.approx(mine["before"], rel=1e-3)
    # with nothing but the prior left, the interval is the range of its confidence: 2 up and down
    assert mine["high"] / mine["estimate"] == pytest.approx(2, rel=0.02)


def test_the_fit_is_better_than_the_truth_and_than_before(fitted, truth):
    _, found = fitted
    known = {**truth, IDLE: found.problem.free[2].value}
    steps = np.array([one.step_of(known[one.id]) for one in found.problem.free])
    of_truth = (found.problem.damped(steps) ** 2).sum() + (steps**2).sum()
    assert found.cost < of_truth  # which has the noise to bear alone
    data = found.predictions
    assert np.sqrt((data["residual_before"] ** 2).mean()) > 3
    assert found.same == 2
    assert found.better == ()


def test_curvature_and_profile_agree_where_the_fit_is_nearly_linear(fitted):
    _, found = fitted
    place = 1
    _, _, _, sd = found._spreads(place)
    one = found.problem.free[place]
    profiled = found.estimates.loc[place]
    width = np.log(profiled["data_high"] / profiled["data_low"]) / one.spread
    assert width == pytest.approx(2 * 1.96 * sd, rel=0.25)


def test_the_ensemble_agrees_with_the_data(fitted):
    _, found = fitted
    rows = found.ensemble
    assert rows["cost"].between(-1e-4, THRESHOLD).all()
    assert rows.loc[0, KINASE] == pytest.approx(found.estimates.loc[0, "estimate"], rel=1e-3)
    assert rows[IDLE].max() / rows[IDLE].min() > 1.5
    one = rows.iloc[-1]
    steps = np.array([free.step_of(one[free.id]) for free in found.problem.free])
    cost = (found.problem.damped(steps) ** 2).sum() + (steps**2).sum()
    assert cost - found.cost == pytest.approx(one["cost"], abs=0.02)


def test_the_result_is_a_scenario_that_gives_the_fitted_curve(fitted):
    folder, found = fitted
    text = (folder / "f" / "set.yaml").read_text()
    assert f"{IDLE}: " in text
    assert "not determined" in text
    values = yaml.safe_load(text)["set"]
    scenario = found.problem.data.dishes[0].scenario.replace(set=values)
    run = mt.simulate(scenario, times=list(TIMES))
    expected = found.predictions["fitted"].to_numpy()
    np.testing.assert_allclose(run["S6K1_pT389"].to_numpy(), expected, rtol=1e-4)


def test_the_folder_holds_everything(fitted):
    folder, _ = fitted
    names = {one.name for one in (folder / "f").iterdir() if not one.name.startswith(".")}
    assert names == {
        *("fit.json", "parts", "estimates.csv", "starts.csv", "predictions.csv", "profiles.csv"),
        *("ensemble.csv", "set.yaml", "fit.png", "waterfall.png", "profiles.png"),
    }


# -- units -------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["au", "relative"])
def test_data_of_another_unit_say_nothing_of_the_level_but_of_the_pace(truth, unit):
    made = problem(read(measured(truth, noise=1e-6, unit=unit)), [KINASE, PHOSPHATASE])
    steps = np.array([one.step_of(truth[one.id]) for one in made.free])
    assert np.abs(made.residuals(steps)).max() < 4  # the noise that was drawn
    assert np.abs(made.residuals(np.zeros(2))).max() > 1e4


def test_a_scale_is_shared_within_a_dataset_only(truth):
    one, two = measured(truth, unit="au", dataset="a"), measured(truth, unit="au", dataset="b")
    two["value"] *= 10
    two["sd"] *= 10
    apart = problem(read(pd.concat([one, two])), [KINASE])
    alone = problem(read(one), [KINASE])
    np.testing.assert_allclose(
        apart.residuals(np.zeros(1)), np.tile(alone.residuals(np.zeros(1)), 2), rtol=1e-6
    )
    assert len(apart.data.dishes) == 1  # one condition is simulated once


def test_a_value_may_come_in_any_unit_of_its_kind(truth):
    table = measured(truth)
    other = table.assign(value=table["value"] / 1000, sd=table["sd"] / 1000, unit="uM")
    np.testing.assert_allclose(read(table).values, read(other).values)


def test_times_come_in_words_hours_or_minutes(truth):
    table = measured(truth)
    minutes = table["time_min"]
    bare = table.drop(columns="time_min")
    hours, words = bare.assign(time_h=minutes / 60), bare.assign(time=[f"{m} min" for m in minutes])
    for one in (hours, words):
        np.testing.assert_allclose(read(one).times, minutes)


# -- parameters --------------------------------------------------------------------------------


def test_a_parameter_of_one_cell_moves_that_cell_alone():
    rows = [
        {"cell": cell, "observable": "IRS1_pY", "time_h": 0, "value": 1, "sd": 1, "unit": "nM"}
        for cell in ("MCF-7", "786-O")
    ]
    made = problem(read(pd.DataFrame(rows)), ["MCF-7.INSR"])
    assert made.free[0].confidence == "C"
    moved = made.residuals(np.ones(1)) - made.residuals(np.zeros(1))
    assert abs(moved[0]) > 1e-3
    assert moved[1] == 0


def test_bounds_end_the_search_and_take_the_place_of_the_prior(truth):
    data = read(measured(truth))
    given = {KINASE: ("0.02 1/(nM*min)", "0.03 1/(nM*min)")}
    made = problem(data, [KINASE, PHOSPHATASE], bounds=given)
    assert made.has_prior.tolist() == [False, True]
    assert (made.free[0].low, made.free[0].high) == (0.02, 0.03)
    found = optimise.minimise(made, np.zeros(2))
    assert found.converged
    assert made.values(found.steps)[KINASE] <= 0.03 * (1 + 1e-9)


def test_starts_begin_with_the_models_and_fill_the_ranges(truth):
    made = problem(read(measured(truth)), [KINASE, PHOSPHATASE])
    rows = optimise.begin(made, 5, seed=1)
    np.testing.assert_array_equal(rows[0], 0)
    assert (np.abs(rows) <= 1.96).all()
    quarters = np.floor((rows[1:] + 1.96) / (2 * 1.96) * 4)
    assert (np.sort(quarters, axis=0) == np.arange(4)[:, None]).all()  # a Latin hypercube
    np.testing.assert_array_equal(rows, optimise.begin(made, 5, seed=1))


# -- loss and intervals ------------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES)
def test_small_residuals_are_left_alone_and_large_ones_pull_less(loss):
    small, large = damped(np.array([1e-3, 100.0]), loss, 2.0)
    assert small == pytest.approx(1e-3, rel=1e-4)
    assert large == pytest.approx(100) if loss == "linear" else large < 25
    assert damped(np.array([-3.0]), loss, 2.0) == -damped(np.array([3.0]), loss, 2.0)


def test_losses_are_those_of_scipy():
    # scipy.optimize.least_squares: soft_l1 2((1 + z)**0.5 - 1); huber z, or 2 z**0.5 - 1;
    # cauchy ln(1 + z)
    squares = np.array([0.25, 9.0])
    np.testing.assert_allclose(LOSSES["soft_l1"](squares), 2 * (np.sqrt([1.25, 10]) - 1))
    np.testing.assert_allclose(LOSSES["huber"](squares), [0.25, 5])
    np.testing.assert_allclose(LOSSES["cauchy"](squares), np.log([1.25, 10]))


def test_the_interval_of_a_parabola_is_196_standard_deviations():
    steps = np.linspace(-4, 4, 801)
    found = interval(steps, 7 + (steps / 0.8) ** 2)
    assert found.low == pytest.approx(-1.959964 * 0.8, abs=1e-3)
    assert found.high == pytest.approx(1.959964 * 0.8, abs=1e-3)
    assert found.status == "determined"


class Toy:
    """A problem with residuals of its own in place of simulations, steps in units of 1."""

    has_noise = False

    def __init__(self, residuals, has_prior, reach=8.0):
        self.damped, self.has_prior = residuals, np.array(has_prior)
        ends = np.exp(-reach), np.exp(reach)
        self.free = [Free(f"p{k}", 1.0, "1", *ends, 1.0, bool(own), "D", "x")
                     for k, own in enumerate(has_prior)]  # fmt: skip
        self.ends = tuple(np.full(len(has_prior), end) for end in (-reach, reach))
        self.count = len(residuals(np.zeros(len(has_prior))))


@pytest.mark.parametrize("size", [1.0, 30.0, 1000.0])
def test_profiles_of_a_linear_problem_are_known_in_closed_form(size):
    """Residuals A x - y, one prior: the others are fitted again, their priors are kept."""
    draw = np.random.default_rng(1)
    a = size * draw.normal(size=(12, 3))
    a[:, 2] = 0.7 * a[:, 1] + 0.3 * a[:, 2]  # so that they depend on each other
    y = a @ [0.3, -0.2, 0.5] + draw.normal(size=12)
    toy = Toy(lambda x: a @ x - y, [True, True, False])
    best = optimise.minimise(toy, np.zeros(3)).steps
    for k in range(3):
        priors = np.diag([1.0 * (own and j != k) for j, own in enumerate(toy.has_prior)])
        spread = np.linalg.inv(a.T @ a + priors)
        middle, sd = (spread @ a.T @ y)[k], np.sqrt(spread[k, k])
        record = optimise.profile(toy, best, k, 1 / np.sqrt((a.T @ a)[k, k]))
        found = interval(np.array(record["steps"]), np.array(record["costs"]))
        assert found.low == pytest.approx(middle - 1.959964 * sd, abs=0.02 * sd)
        assert found.high == pytest.approx(middle + 1.959964 * sd, abs=0.02 * sd)


def test_intervals_of_the_curvature_leave_out_the_prior_of_the_parameter_alone():
    toy = Toy(lambda x: 2 * x, [True])  # the data say 0 +- 0.5, the prior 0 +- 1
    found = Fit(
        problem=toy, starts=pd.DataFrame({"cost": [0.0]}), ends=np.zeros((1, 1)), records={},
        curvature=np.array([[4.0]]), validation=pd.DataFrame(), identity={},
    )  # fmt: skip
    (row,) = found.estimates.to_dict("records")
    assert np.log(row["data_high"]) == pytest.approx(1.959964 * 0.5)
    assert np.log(row["high"]) == pytest.approx(1.959964 * np.sqrt(1 / 5))
    assert row["from_data"] == pytest.approx(0.8)


def test_a_profile_finds_the_foot_of_a_wall():
    toy = Toy(lambda x: np.array([50 * max(0.0, abs(x[0]) - 2.0)]), [False])
    record = optimise.profile(toy, np.zeros(1), 0, 1.0)
    found = interval(np.array(record["steps"]), np.array(record["costs"]))
    assert found.high == pytest.approx(2 + 1.959964 / 50, abs=1e-3)
    assert found.low == pytest.approx(-found.high, abs=1e-3)


def test_a_profile_that_ends_where_simulations_fail_is_not_called_determined():
    def breaks(x):
        if x[0] > 1.0:
            raise mt.SimulationError("the solver stopped.")
        return x / 2  # the data alone say 0 +- 2

    toy = Toy(breaks, [False])
    toy.count = 1
    record = optimise.profile(toy, np.zeros(1), 0, 1.0)
    found = interval(np.array(record["steps"]), np.array(record["costs"]), record["failed"])
    assert found.fails == ("above",)
    assert found.status == "simulations fail above"
    assert found.high == pytest.approx(1.0, abs=0.01)  # the last point that could be simulated
    assert found.low == pytest.approx(-2 * 1.959964, abs=0.05)
    made = Fit(
        problem=toy, starts=pd.DataFrame({"cost": [0.0]}), ends=np.zeros((1, 1)),
        records={"p0": record}, curvature=np.array([[0.25]]), validation=pd.DataFrame(),
        identity={},
    )  # fmt: skip
    assert made.undetermined == ("p0",)


def test_the_threshold_is_that_of_chi_squared_with_one_degree_of_freedom():
    assert pytest.approx(chi2.ppf(0.95, 1), rel=1e-6) == THRESHOLD


def test_a_stray_point_does_not_pull_on_the_scale_of_a_series(truth):
    table = measured(truth, noise=0.02, unit="au", seed=1)
    asked, others = [KINASE, PHOSPHATASE], [0, 1, 3, 4, 5]
    without = problem(read(table.iloc[others]), asked, loss="cauchy")
    table.loc[2, "value"] *= 20
    stray, least = (problem(read(table), asked, loss=name) for name in ("cauchy", "linear"))
    steps = np.array([one.step_of(truth[one.id]) for one in stray.free])
    np.testing.assert_allclose(stray.residuals(steps)[others], without.residuals(steps), atol=0.05)
    assert np.abs(least.residuals(steps)[others]).max() > 10


@pytest.mark.parametrize("loss", LOSSES)
def test_weights_are_slopes_of_losses(loss):
    residuals, tiny = np.array([0.3, 1.9, 2.1, 40.0]), 1e-6
    rise = damped(residuals + tiny, loss, 2.0) ** 2 - damped(residuals - tiny, loss, 2.0) ** 2
    slopes = rise / (2 * tiny) / (2 * residuals)
    np.testing.assert_allclose(weights(residuals, loss, 2.0), slopes, rtol=1e-4)


def test_a_profile_that_does_not_rise_is_open_on_that_side():
    steps = np.linspace(-3, 3, 61)
    found = interval(steps, np.where(steps < 0, 4 * steps**2, 0.1 * steps))
    assert (np.isfinite(found.low), found.high) == (True, np.inf)
    assert found.status == "open above"
    assert status_of(-np.inf, np.inf) == "open below and above"


# -- targets and folds -------------------------------------------------------------------------


def test_published_numbers_are_fitted_as_they_are_compared():
    mine = [one for one in load_targets() if one.id in ("EX05", "TC11")]
    made = problem(parameters=[KINASE], targets=mine)
    expected = [one.residual(one.measure()) for one in mine]
    np.testing.assert_allclose(made.residuals(np.zeros(1)), expected, rtol=1e-6)


def test_a_dataset_is_predicted_from_the_others(truth):
    tables = [measured(truth, seed=k, dataset=name) for k, name in enumerate("ab")]
    found = mt.fit(pd.concat(tables), [PHOSPHATASE], starts=1, cross_validate=True)
    rows = found.validation.set_index("dataset")
    assert rows["points"].tolist() == [len(TIMES)] * 2
    assert (rows["rms_predicted"] >= rows["rms_fitted"] - 1e-3).all()
    assert (rows["rms_predicted"] < rows["rms_before"]).all()
    with pytest.raises(mt.InputError, match="two or more"):
        mt.fit(tables[0], [PHOSPHATASE], cross_validate=True)


def test_a_scale_costs_a_degree_of_freedom(truth):
    tables = [measured(truth, seed=k, dataset=name, unit="au") for k, name in enumerate("ab")]
    made = problem(read(pd.concat(tables)), [PHOSPHATASE])
    best = np.array([made.free[0].step_of(truth[PHOSPHATASE])])
    record = optimise.validate(made, best, "a")
    own = made.split("a")[1].residuals(best)
    assert record["scales"] == 1
    assert record["rms_fitted"] == pytest.approx(np.sqrt((own**2).sum() / (len(TIMES) - 1)))


# -- going on ----------------------------------------------------------------------------------


def test_a_fit_goes_on_where_it_was_stopped_with_any_number_of_workers(
    fitted, tmp_path, monkeypatch
):
    folder, first = fitted
    shutil.copytree(folder / "f", tmp_path / "f")
    for name in ("start_00001.json", f"profile_{1:05d}.json"):
        (tmp_path / "f" / "parts" / name).unlink()
    done = []
    for name in ("one_start", "profile"):
        work = getattr(optimise, name)
        monkeypatch.setattr(
            optimise, name, lambda *words, of=work, at=name: done.append(at) or of(*words)
        )
    again = mt.fit(
        folder / "data.csv",
        [KINASE, PHOSPHATASE, IDLE],
        starts=2,
        profile=[PHOSPHATASE, IDLE],
        out=tmp_path / "f",
        resume=True,
    )
    assert done == ["one_start", "profile"]
    pd.testing.assert_frame_equal(first.estimates, again.estimates)
    for name in ("estimates.csv", "set.yaml", "profiles.csv", "starts.csv"):
        assert (folder / "f" / name).read_bytes() == (tmp_path / "f" / name).read_bytes()


def test_a_folder_of_another_fit_is_refused(fitted):
    folder, _ = fitted
    before = (folder / "f" / "fit.json").read_bytes()
    with pytest.raises(mt.InputError, match="another fit \\(it has other parameters\\)"):
        mt.fit(folder / "data.csv", [KINASE], starts=2, out=folder / "f", resume=True)
    with pytest.raises(mt.InputError, match="this fit, which is finished"):
        mt.fit(folder / "data.csv", [KINASE, PHOSPHATASE, IDLE], starts=2, out=folder / "f")
    assert (folder / "f" / "fit.json").read_bytes() == before


def test_what_cannot_be_simulated_is_stepped_back_from(truth, monkeypatch):
    made = problem(read(measured(truth)), [PHOSPHATASE])
    whole = Problem.residuals

    def fragile(self, steps):
        if steps[0] > 0.5:
            raise mt.SimulationError("solver stopped")
        return whole(self, steps)

    assert made.count == len(TIMES)
    monkeypatch.setattr(Problem, "residuals", fragile)
    found = optimise.minimise(made, np.array([0.4]))
    assert found.converged
    assert made.values(found.steps)[PHOSPHATASE] < made.free[0].value
    back = optimise.one_start(made, np.array([1.5]))  # its prior shows the way
    assert back["steps"] == pytest.approx(found.steps, abs=1e-3)
    free = problem(made.data, [PHOSPHATASE], prior=False)
    lost = optimise.one_start(free, np.array([1.5]))
    assert "could be simulated" in lost["reason"]


# -- pyPESTO -----------------------------------------------------------------------------------


def test_pypesto_gets_the_same_objective(fitted):
    pytest.importorskip("pypesto")
    _, found = fitted
    given = mt.fits.to_pypesto(found.problem)
    assert given.objective(found.best) == pytest.approx(found.cost / 2, rel=1e-6)
    step = 0.05 * np.eye(3)[0]
    rise = given.objective(found.best + step) - given.objective(found.best - step)
    slope = given.objective(found.best, sensi_orders=(1,))[0]
    assert rise / 0.1 == pytest.approx(slope, abs=0.1)
    assert list(given.x_names) == [KINASE, PHOSPHATASE, IDLE]


def test_without_pypesto_it_is_said_how_to_get_it(fitted, monkeypatch):
    monkeypatch.setitem(sys.modules, "pypesto", None)
    with pytest.raises(mt.InputError, match="mtorsim\\[pypesto\\]"):
        mt.fits.to_pypesto(fitted[1].problem)


# -- mistakes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"observable": "S6K_pT389"}, "row 1: no observable or species 'S6K_pT389'. Closest"),
        ({"unit": ""}, "unit: is missing"),
        ({"unit": "min"}, "S6K1_pT389"),
        ({"sd": 0.0}, "not above zero"),
        ({"value": "x"}, "value: expected a number"),
        ({"value": np.inf}, "not a finite number"),
        ({"time_min": -1.0}, "before the start"),
        ({"dose": ""}, "one dose for each drug"),
        ({"drug": "sirolimu"}, "Closest: 'sirolimus'"),
        ({"cell": "786O"}, "Closest: '786-O'"),
        ({"background": "add"}, "Closest: 'added'"),
        ({"background": "added"}, "goes with unit au"),
    ],
)
def test_a_mistake_in_the_table_is_said_with_its_row(truth, change, said):
    with pytest.raises(mt.InputError, match=said) as raised:
        read(measured({}).assign(**change))
    assert str(raised.value).startswith("data, row 1")


def test_a_series_that_its_scale_alone_could_meet_is_refused():
    table = measured({}, unit="au")
    for rows, background in ((1, "none"), (2, "added")):
        few = table.assign(background=background)
        with pytest.raises(mt.InputError, match=r"^data, row 1: .*arbitrary units and has \d of"):
            read(few.head(rows))
        assert len(read(few.head(rows + 1)).points) == rows + 1


@pytest.mark.parametrize(
    ("name", "before", "here"), [("background", "added", "none"), ("unit", "au", "relative")]
)
def test_a_series_has_one_unit_and_one_background(name, before, here):
    table = measured({}, unit="au")
    table[name] = [before] * 3 + [here] * (len(table) - 3)
    with pytest.raises(mt.InputError, match=f"^data, row 4: {name}: .*{here!r} here"):
        read(table)


def test_a_row_that_is_longer_than_the_head_is_refused(tmp_path):
    path = tmp_path / "d.csv"
    lines = measured({}).to_csv(index=False).splitlines()
    path.write_text("\n".join([lines[0], *(f"{line}," for line in lines[1:])]))
    with pytest.raises(mt.InputError, match=r"d\.csv, line 2: 10 fields, and 9 columns"):
        read(path)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"observabel": 1}, "Closest: 'observable'"),
        ({"time_h": 1}, "expected one column of time, time_h, time_min"),
    ],
)
def test_columns_are_checked(columns, said):
    with pytest.raises(mt.InputError, match=said):
        read(measured({}).assign(**columns))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"parameters": []}, "give parameters"),
        ({"parameters": ["kphos_S6K1"]}, "Closest"),
        ({"parameters": ["PC-3.INSR"]}, "no measurement is of PC-3"),
        ({"loss": "huberr"}, "Closest: 'huber'"),
        ({"loss_scale": 0.0}, "above zero"),
        ({"starts": 0}, "starts: 0"),
        ({"targets": ["EX99"]}, "Closest"),
        ({"profile": ["INSR"]}, "fitted parameter"),
        ({"bounds": {"INSR": (1, 2)}}, "chosen parameter"),
    ],
)
def test_what_cannot_be_fitted_is_said(options, said):
    with pytest.raises(mt.InputError, match=said):
        mt.fit(measured({}), **{"parameters": [PHOSPHATASE], **options})


# -- command -----------------------------------------------------------------------------------


@pytest.fixture
def mtorsim(capfd, monkeypatch, tmp_path):
    """Call the command in an empty folder; return status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        with pytest.raises(SystemExit) as leaving:
            main(["fit", *map(str, words)])
        return leaving.value.code, *capfd.readouterr()

    return call


def test_command_prints_estimates_and_json(mtorsim, fitted):
    table = fitted[0] / "data.csv"
    words = (table, "--parameter", PHOSPHATASE, "--starts", 1, "--workers", 1)
    status, said, _ = mtorsim(*words, "--out", "a")
    assert status == 0
    assert "1 of 1 start found this fit" in said
    status, said, _ = mtorsim(*words, "--out", "b", "--json")
    found = json.loads(said)
    assert found["estimates"][0]["parameter"] == PHOSPHATASE
    assert found["set"][PHOSPHATASE] == pytest.approx(found["estimates"][0]["estimate"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no.csv", "--parameter", KINASE], "no file 'no.csv'"),
        (["--parameter", KINASE], "nothing to fit to"),
        (["--out", ""], "--out"),
    ],
)
def test_command_refuses(words, said, mtorsim, tmp_path):
    status, _, complaint = mtorsim(*words)
    assert (status, said in complaint, "Traceback" in complaint) == (2, True, False)
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_names_file_and_line(mtorsim, tmp_path):
    (tmp_path / "d.csv").write_text(
        "observable,time,value,sd,unit\nS6K1_pT389,1 h,1,0.1,nM\nS6K1_pT389,1 x,1,0.1,nM\n"
    )
    status, _, complaint = mtorsim("d.csv", "--parameter", KINASE)
    assert status == 2
    assert "d.csv, line 3: time" in complaint
