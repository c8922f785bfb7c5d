import numpy as np
import pytest

from mtorsim.errors import InputError, ScenarioError
from mtorsim.pharmacology.noncompartmental import Analysis, accumulation, analyse, area

SAMPLES = np.array([0, 0.25, 0.5, 1, 2, 4, 6, 8, 12, 24])  # h


def bolus(time, dose=100.0, volume=20.0, rate=0.2):
    return dose / volume * np.exp(-rate * np.asarray(time))


def infused(time, dose, length, volume, rate):
    """One compartment, constant infusion."""
    input_rate, time = dose / length, np.asarray(time, dtype=float)
    during = np.minimum(time, length)
    return input_rate / (rate * volume) * -np.expm1(-rate * during) * np.exp(rate * (during - time))


def two_compartments(time, dose=100.0, v1=10.0, k10=0.3, k12=0.5, k21=0.2):
    """After a bolus: concentrations, the slower exponent, volume in steady state."""
    total = k10 + k12 + k21
    root = np.sqrt(total**2 - 4 * k10 * k21)
    alpha, beta = (total + root) / 2, (total - root) / 2
    fast, slow = (alpha - k21) / (alpha - beta), (k21 - beta) / (alpha - beta)
    curve = dose / v1 * (fast * np.exp(-alpha * time) + slow * np.exp(-beta * time))
    return curve, beta, v1 * (1 + k12 / k21)


# --- closed forms ---------------------------------------------------------------------------------


def test_one_compartment_after_a_bolus_is_exact_at_any_sampling():
    found = analyse(SAMPLES, bolus(SAMPLES), dose=100.0)
    assert (found.cmax, found.tmax, found.tlast, found.terminal_points) == (5, 0, 24, 9)
    exact = {
        "clast": 5 * np.exp(-4.8),
        "auc_last": 25 * -np.expm1(-4.8),
        "auc_inf": 25,
        "extrapolated": np.exp(-4.8),
        "lambda_z": 0.2,
        "half_life": np.log(2) / 0.2,
        "adjusted_r2": 1,
        "aumc_inf": 125,
        "mrt": 5,
        "clearance": 4,
        "volume_z": 20,
        "volume_ss": 20,
    }
    assert {name: getattr(found, name) for name in exact} == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("length", [0.5, 3.0])
def test_an_infusion_is_taken_off_the_mean_residence_time(length):
    time = np.concatenate([np.linspace(0, length, 2001), np.linspace(length, 40, 400)[1:]])
    found = analyse(time, infused(time, 100.0, length, 20.0, 0.2), dose=100.0, infusion=length)
    assert found.tmax == length
    assert found.aumc_inf / found.auc_inf == pytest.approx(5 + length / 2, rel=1e-6)
    assert found.mrt == pytest.approx(5, rel=1e-6)
    assert (found.clearance, found.volume_ss) == pytest.approx((4, 20), rel=1e-6)
    assert found.lambda_z == pytest.approx(0.2, rel=1e-10)


def test_two_compartments_after_a_bolus():
    time = np.concatenate([np.linspace(0, 10, 2001), np.linspace(10, 300, 300)[1:]])
    curve, beta, volume = two_compartments(time)
    found = analyse(time, curve, dose=100.0)
    assert found.clearance == pytest.approx(3, rel=1e-5)  # k10 v1
    assert found.volume_ss == pytest.approx(volume, rel=1e-4)
    assert found.lambda_z == pytest.approx(beta, rel=1e-2)
    # At clinical times the terminal slope is that of the slower exponent alone.
    late = np.array([0, 0.5, 1, 2, 4, 8, 24, 36, 48, 72])
    found = analyse(late, two_compartments(late)[0], dose=100.0)
    assert found.lambda_z == pytest.approx(beta, rel=1e-2)
    assert found.volume_z == pytest.approx(found.clearance / found.lambda_z)
    assert found.volume_z > found.volume_ss


def test_a_dose_swallowed_adds_the_time_of_absorption():
    ka, rate, volume = 1.5, 0.2, 20.0
    time = np.concatenate([np.linspace(0, 12, 6001), np.linspace(12, 80, 300)[1:]])
    scale = 100 / volume * ka / (ka - rate)
    found = analyse(time, scale * (np.exp(-rate * time) - np.exp(-ka * time)), dose=100.0)
    assert found.tmax == pytest.approx(np.log(ka / rate) / (ka - rate), abs=1e-3)
    assert found.auc_inf == pytest.approx(25, rel=1e-5)
    assert found.mrt == pytest.approx(1 / ka + 1 / rate, rel=1e-4)
    assert found.lambda_z == pytest.approx(rate, rel=1e-2)


# --- by hand --------------------------------------------------------------------------------------


def test_four_numbers_by_hand():
    found = analyse([0, 1, 2, 3, 4], [0, 8, 4, 2, 1], dose=10.0, interval=3.0)
    ln2 = np.log(2)
    # Up: 1 x 8 / 2. Down: (8 - 4) / ln 2, (4 - 2) / ln 2, (2 - 1) / ln 2; after that 1 / ln 2.
    assert found.auc_last == pytest.approx(4 + 7 / ln2)
    assert found.auc_inf == pytest.approx(4 + 8 / ln2)
    # Up: 1 x (0 + 1 x 8) / 2. Down: (1 x 8 - 4 x 1) / ln 2 + 8 / ln² 2, as one exponential.
    assert found.aumc_inf == pytest.approx(4 + 8 / ln2 + 8 / ln2**2)
    assert found.extrapolated == pytest.approx((1 / ln2) / (4 + 8 / ln2))
    assert (found.half_life, found.terminal_points) == (pytest.approx(1), 3)
    assert found.clearance == pytest.approx(10 / (4 + 8 / ln2))
    assert (found.auc_tau, found.ctrough) == pytest.approx((4 + 6 / ln2, 2))
    assert found.caverage == pytest.approx((4 + 6 / ln2) / 3)
    assert found.fluctuation == pytest.approx(8 / found.caverage)  # 8 - 0


def test_a_fall_to_a_tiny_share_and_one_by_a_rounding_have_an_area():
    assert area([0, 1], [1, 1e-300], 0, 1) == pytest.approx(1 / np.log(1e300))
    assert area([0, 1], [1, 1 - 1e-15], 0, 1) == pytest.approx(1)
    slow = np.linspace(0, 1, 2001)
    assert area(slow, np.exp(-slow / 100), 0, 1) == pytest.approx(-100 * np.expm1(-0.01), rel=1e-9)


def test_partial_areas_interpolate_as_they_integrate():
    time, curve = [0, 2, 4, 8], [0, 4, 4, 1]
    assert area(time, curve, 0, 1) == pytest.approx(1)  # straight up to 2
    assert area(time, curve, 1, 3) == pytest.approx(3 + 4)
    assert area(time, curve, 4, 6) == pytest.approx((4 - 2) / (np.log(2) / 2))  # halved by 6
    parts = [area(time, curve, *ends) for ends in ((0, 0.7), (0.7, 5), (5, 8))]
    assert sum(parts) == pytest.approx(area(time, curve, 0, 8))
    assert area([0, 1], [4, 0], 0, 1) == 2  # to zero no exponential leads


# --- published output -----------------------------------------------------------------------------

# Phoenix WinNonlin, linear up and logarithmic down, as published with the R package NonCompart
# (github.com/asancpt/NonCompart-tests); the concentrations are those of R's datasets.
THEOPHYLLINE = [  # 320 mg swallowed; h, mg/L
    (
        [0, 0.25, 0.57, 1.12, 2.02, 3.82, 5.1, 7.03, 9.05, 12.12, 24.37],
        [0.74, 2.84, 6.57, 10.5, 9.66, 8.58, 8.36, 7.47, 6.89, 5.94, 3.28],
        (0.048457, 147.234748, 214.923632, 1.488901, 30.726232),
    ),
    (
        [0, 0.27, 0.52, 1, 1.92, 3.5, 5.02, 7.03, 9, 12, 24.3],
        [0, 1.72, 7.91, 8.31, 8.33, 6.85, 6.08, 5.4, 4.55, 3.01, 0.9],
        (0.104086, 88.731275, 97.377935, 3.286165, 31.571502),
    ),
    (
        [0, 0.27, 0.58, 1.15, 2.03, 3.57, 5, 7, 9.22, 12.1, 23.85],
        [0, 1.29, 3.08, 6.44, 6.32, 5.53, 4.94, 4.02, 3.46, 2.78, 0.92],
        (0.087796, 71.697015, 82.175883, 3.894087, 44.353935),
    ),
    (
        [0, 0.25, 0.5, 1, 2, 3.52, 5.07, 7.07, 9.03, 12.05, 24.15],
        [0, 1.25, 3.96, 7.82, 9.72, 9.75, 8.57, 6.59, 6.11, 4.57, 1.17],
        (0.110259, 115.220208, 125.831540, 2.543083, 23.064524),
    ),
]
INDOMETACIN = [  # 25 mg, taken as an infusion over 0.25 h; mg/L
    (
        [0, 1.5, 0.94, 0.78, 0.48, 0.37, 0.19, 0.12, 0.11, 0.08, 0.07, 0.05],
        (0.158320482, 0.994133455, 1.719365290, 2.035180396, 12.283923353, 77.588971226),
        (7.817858804, 3.716359133, 45.651470746, 0.155177942, 3),
    ),
    (
        [0, 2.03, 1.63, 0.71, 0.7, 0.64, 0.36, 0.32, 0.2, 0.25, 0.12, 0.08],
        (0.302280020, 0.940193270, 2.889143600, 3.153798869, 7.926948116, 26.223857354),
        (9.401034263, 2.855860433, 22.638257482, 0.083916343, 9),
    ),
]


@pytest.mark.parametrize(("time", "curve", "published"), THEOPHYLLINE)
def test_theophylline_as_published(time, curve, published):
    found = analyse(time, curve, dose=320.0)
    numbers = (
        found.lambda_z,
        found.auc_last,
        found.auc_inf,
        found.clearance,
        found.volume_z,
    )
    assert numbers == pytest.approx(published, rel=1e-5)


@pytest.mark.parametrize(("curve", "slope", "moment"), INDOMETACIN)
def test_indometacin_as_published(curve, slope, moment):
    time = [0, 0.25, 0.5, 0.75, 1, 1.25, 2, 3, 4, 5, 6, 8]
    found = analyse(time, curve, dose=25.0, infusion=0.25)
    names = ("lambda_z", "adjusted_r2", "auc_last", "auc_inf", "clearance", "volume_z")
    assert [getattr(found, name) for name in names] == pytest.approx(slope, rel=1e-8)
    names = ("aumc_inf", "mrt", "volume_ss", "extrapolated", "terminal_points")
    assert [getattr(found, name) for name in names] == pytest.approx(moment, rel=1e-8)


# --- the terminal slope ---------------------------------------------------------------------------


def test_the_number_of_points_is_that_of_the_best_line():
    time = np.arange(8.0)
    logs = np.array([3, 2.2, 1.0, 0.5, 0.0, -0.5, -1.02, -1.5])  # a bend between 1 and 2
    found = analyse(time, np.exp(logs))
    best = max(range(3, 8), key=lambda n: adjusted(time[-n:], logs[-n:]))
    assert found.terminal_points == best == 6
    assert found.adjusted_r2 == pytest.approx(adjusted(time[-6:], logs[-6:]))
    assert found.lambda_z == pytest.approx(-np.polyfit(time[-6:], logs[-6:], 1)[0])


def adjusted(x, y):
    rest = y - np.polyval(np.polyfit(x, y, 1), x)
    return 1 - (rest @ rest / (len(x) - 2)) / np.var(y, ddof=1)


def test_as_good_a_line_through_more_points_wins():
    time = np.arange(9.0)
    logs = -0.5 * time
    logs[:5] += 0.002  # hardly off the line of the last points
    last = adjusted(time[-4:], logs[-4:])
    found = analyse(time, np.exp(logs))
    assert found.terminal_points == 8
    assert 0 < last - found.adjusted_r2 < 1e-4


def test_no_point_of_an_infusion_counts():
    time, curve = [0, 1, 2, 3, 4, 5, 6], [0, 9, 8.5, 8, 4, 2, 1]
    assert analyse(time, curve, infusion=3.0).terminal_points == 4
    found = analyse(time, curve, infusion=5.0)
    assert found.reasons["lambda_z"] == "fewer than three quantifiable values after the infusion"


def test_a_tail_that_rises_again_has_no_slope():
    # Any earlier line is worse than that of the rise.
    found = analyse([0, 1, 2, 3, 4, 5], [10, 6, 1, 2, 4, 8.1])
    assert found.lambda_z is None
    assert found.reasons["half_life"] == "curve does not fall at its end"


@pytest.mark.parametrize("noise", [0, 1e-15, 1e-12])
def test_a_level_that_holds_has_no_slope(noise):
    curve = 5 * (1 + noise * np.random.default_rng(2).normal(size=12))
    found = analyse(np.arange(13.0), np.concatenate([[6], curve]), dose=1.0)
    assert found.reasons["clearance"] == "curve does not fall at its end"


def test_the_height_of_a_bolus_is_no_sample():
    usual = analyse(SAMPLES, bolus(SAMPLES), dose=100.0, interval=24.0)
    found = analyse(SAMPLES, bolus(SAMPLES), dose=100.0, interval=24.0, bolus=True)
    assert (found.cmax, found.tmax) == (pytest.approx(5 * np.exp(-0.05)), 0.25)
    assert (found.auc_inf, found.terminal_points, found.mrt) == (
        usual.auc_inf,
        usual.terminal_points,
        usual.mrt,
    )
    gone = analyse([0, 1, 2], [5, 0, 0], bolus=True)
    assert (gone.cmax, gone.reasons["tmax"]) == (None, "no quantifiable value")


# --- what cannot be told --------------------------------------------------------------------------


def names(found):
    return {name for name in vars(found) if name not in {"interval", "reasons"}}


def missing(found):
    return {name for name in names(found) if getattr(found, name) is None}


def test_a_rising_curve_tells_its_peak_and_its_area():
    found = analyse([0, 1, 2, 3, 4], [0, 1, 2, 3, 4], dose=10.0, interval=4.0)
    assert (found.cmax, found.tmax, found.auc_last, found.auc_tau) == (4, 4, 8, 8)
    assert missing(found) == set(found.reasons)
    assert set(found.reasons.values()) == {"fewer than three quantifiable values after the peak"}
    assert "volume_ss" in missing(found)
    assert "ctrough" not in missing(found)


@pytest.mark.parametrize(("curve", "limit"), [([0, 0, 0, 0], 0.0), ([0, 1, 2, 1], 2.5)])
def test_nothing_quantifiable(curve, limit):
    found = analyse([0, 1, 2, 3], curve, dose=10.0, limit=limit, interval=2.0)
    assert missing(found) == names(found) == set(found.reasons)
    assert set(found.reasons.values()) == {"no quantifiable value"}


def test_without_a_dose_or_an_interval():
    found = analyse(SAMPLES, bolus(SAMPLES))
    assert missing(found) == set(found.reasons)
    assert found.reasons["clearance"] == found.reasons["volume_ss"] == "no dose given"
    assert found.reasons["ctrough"] == "no dosing interval given"
    assert (found.auc_inf, found.mrt) == pytest.approx((25, 5))


# --- limit of quantification ----------------------------------------------------------------------


def test_below_the_limit_is_zero_before_and_missing_after():
    time = np.arange(10.0)
    curve = np.array([0.0, 0.4, 2, 0.3, 8, 4, 2, 1, 0.5, 0.45])
    found = analyse(time, curve, limit=0.5)
    kept = analyse(time[[0, 1, 2, 4, 5, 6, 7, 8]], [0, 0, 2, 8, 4, 2, 1, 0.5])
    assert found == kept
    assert (found.tlast, found.clast, found.terminal_points) == (8, 0.5, 4)
    assert found.lambda_z == pytest.approx(np.log(2))
    assert found.auc_last == pytest.approx(1 + 10 + 7.5 / np.log(2))


def test_a_gap_in_the_decline_is_bridged_by_an_exponential():
    curve = bolus(SAMPLES)
    curve[[4, 6]] = 0
    assert analyse(SAMPLES, curve).auc_last == pytest.approx(25 * -np.expm1(-4.8))
    curve[-3:] = 1e-9  # what a solver leaves
    found = analyse(SAMPLES, curve, dose=100.0, limit=1e-6)
    assert (found.tlast, found.clearance) == (4, pytest.approx(4))


# --- repeated doses -------------------------------------------------------------------------------


@pytest.mark.parametrize("tau", [3.0, 12.0, 24.0, 168.0])  # between samples, at them, after them
def test_an_exponential_accumulates_as_it_must(tau):
    factor = 1 / -np.expm1(-0.2 * tau)
    first = analyse(SAMPLES, bolus(SAMPLES), dose=100.0, interval=tau)
    last = analyse(SAMPLES, factor * bolus(SAMPLES), dose=100.0, interval=tau)
    found = accumulation(first, last)
    ratios = (found.auc_ratio, found.cmax_ratio, found.trough_ratio)
    assert ratios == pytest.approx((factor,) * 3, rel=1e-12)
    assert found.reasons == {}
    assert last.auc_tau == pytest.approx(first.auc_inf)  # what a steady state is
    assert last.caverage == pytest.approx(100 / 4 / tau)
    assert last.ctrough == pytest.approx(factor * 5 * np.exp(-0.2 * tau))
    assert last.fluctuation == pytest.approx(0.2 * tau)  # (C0 - Ctrough) / Cavg


def test_an_interval_far_beyond_the_last_value_adds_nothing():
    found = analyse(SAMPLES, bolus(SAMPLES), interval=1e6)
    assert found.auc_tau == pytest.approx(25)
    assert found.ctrough == 0


def test_an_interval_that_misses_the_last_value_by_a_rounding_needs_no_slope():
    found = analyse([0, 1, 2, 3 - 1e-12], [1, 2, 3, 4], interval=3.0)
    assert (found.auc_tau, found.ctrough) == (pytest.approx(7.5), 4)
    found = analyse([0, 1, 2, 3], [1, 2, 3, 4], interval=3.5)
    assert found.reasons["auc_tau"] == (
        "values end within the dosing interval: fewer than three quantifiable values after the peak"
    )


def test_nothing_within_the_interval_does_not_fluctuate():
    found = analyse([0, 2, 4, 5, 6, 7], [0, 0, 8, 4, 2, 1], interval=2.0)
    assert (found.auc_tau, found.ctrough, found.caverage) == (0, 0, 0)
    assert found.reasons["fluctuation"] == "no quantifiable value within the interval"


def test_a_ratio_that_is_missing_says_why():
    rising = analyse([0, 1, 2, 3], [0, 0, 0, 4], interval=2.0)
    found = accumulation(rising, analyse(SAMPLES, bolus(SAMPLES), interval=2.0))
    assert (found.auc_ratio, found.trough_ratio) == (None, None)
    assert found.cmax_ratio == pytest.approx(5 / 4)
    assert found.reasons["trough_ratio"] == "ctrough of the first dose is zero"
    once = analyse(SAMPLES, bolus(SAMPLES))
    assert accumulation(once, once).reasons["auc_ratio"] == (
        "auc_tau of the first dose: no dosing interval given"
    )
    with pytest.raises(ScenarioError, match="dosing intervals of None and 2"):
        accumulation(once, rising)


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "curve", "said"),
    [
        ([0, 2, 1], [3, 2, 1], "2 and 1 in this order"),
        ([0, 1, 1], [3, 2, 1], "1 and 1 in this order"),
        ([0.5, 1, 2], [3, 2, 1], "starts at 0.5. Expected the start of the dose, 0"),
        ([-1, 0, 1], [3, 2, 1], "starts at -1"),
        ([0, 1, 2], [3, 2, -1], "-1 is negative"),
        ([0, 1, 2], [3, np.nan, 1], "leave out what is missing"),
        ([0, 1, np.inf], [3, 2, 1], "finite"),
        ([0, 1, 2], [3, 2], r"shapes \(3,\) and \(2,\)"),
        ([0], [3], "two of them at least"),
        ([[0, 1]], [[2, 1]], "one concentration for each time"),
        ([0, 1], ["high", "low"], "expected numbers"),
    ],
)
def test_a_curve_that_cannot_be_used(time, curve, said):
    with pytest.raises(ScenarioError, match=said):
        analyse(time, curve)


@pytest.mark.parametrize("name", ["dose", "infusion", "limit", "interval"])
@pytest.mark.parametrize("number", [-1.0, np.nan, np.inf, 0.0])
def test_a_number_out_of_range(name, number):
    if name in {"infusion", "limit"} and number == 0:
        assert isinstance(analyse(SAMPLES, bolus(SAMPLES), **{name: number}), Analysis)
        return
    with pytest.raises(InputError, match=f"{name}: got .*Expected a finite number, "):
        analyse(SAMPLES, bolus(SAMPLES), **{name: number})


@pytest.mark.parametrize("ends", [(2, 1), (1, 1), (-1, 2), (1, 25), (np.nan, 2)])
def test_a_part_that_lies_outside(ends):
    with pytest.raises(ScenarioError, match="within the times given, 0 to 24"):
        area(SAMPLES, bolus(SAMPLES), *ends)
