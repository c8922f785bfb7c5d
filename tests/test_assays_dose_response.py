"""Dose-response fits and growth-rate metrics: closed forms, flags, coverage of intervals."""

import numpy as np
import pytest

from mtorsim.assays.dose_response import (
    Estimate,
    area_over_curve,
    fit_logistic,
    fixed,
    growth_metrics,
    growth_rate_inhibition,
)
from mtorsim.errors import InputError

DOSES = np.array([0, 0.1, 0.3, 1, 3, 10, 30, 100])  # nM


def curve(doses, bottom, top, ec50, hill):
    with np.errstate(divide="ignore"):
        return top + (bottom - top) / (1 + (ec50 / doses) ** hill)


def dose_for(level, bottom, top, ec50, hill):
    return ec50 * ((top - level) / (level - bottom)) ** (1 / hill)


@pytest.mark.parametrize(
    "known", [(30, 100, 2, 0.8), (0, 100, 5, 1.5), (45, 98, 0.4, 1.0), (10, 100, 8, 3.0)]
)
def test_a_curve_without_noise_is_found_again(known):
    fit = fit_logistic(DOSES, curve(DOSES, *known))
    bottom, top, ec50, hill = known
    assert (fit.bottom, fit.top, fit.hill) == pytest.approx((bottom, top, hill), rel=1e-4, abs=1e-3)
    assert fit.ec50.value == pytest.approx(ec50, rel=1e-4)
    assert fit.ic(30).value == pytest.approx(dose_for(70, *known), rel=1e-4)
    assert fit.r_squared == pytest.approx(1)


def test_absolute_and_relative_concentrations_differ():
    # From 100 to 20 %: halfway is 60 %, half of control is 50 %.
    fit = fit_logistic(DOSES, curve(DOSES, 20, 100, 3, 1))
    assert fit.ec50.value == pytest.approx(3)
    assert fit.ic(50).value == pytest.approx(3 * 50 / 30)


def scattered(doses, known, spread, seed):
    """Readings that scatter by a share of themselves, as percent of the mean of control wells."""
    noise = np.random.default_rng(seed).normal(0, spread, len(doses))
    raw = curve(doses, *known) * np.exp(noise)
    return 100 * raw / raw[doses == 0].mean()


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    known, doses = (30, 100, 2, 0.8), np.repeat(DOSES, 3)
    inside = dict.fromkeys((20, 30, 50), 0)
    for seed in range(200):
        fit = fit_logistic(doses, scattered(doses, known, 0.08, seed))
        for inhibition in inside:
            found, truth = fit.ic(inhibition), dose_for(100 - inhibition, *known)
            low, high = found.low or 0, found.high or np.inf
            inside[inhibition] += found.value is not None and low <= truth <= high
    assert all(180 <= times <= 196 for times in inside.values())  # 90 to 98 %; 95 meant


def test_the_error_of_the_control_widens_intervals():
    # The same wells, their control known or itself measured in three of them.
    known, doses = (0, 100, 2, 1.0), np.repeat(DOSES, 3)
    readings = scattered(doses, known, 0.1, 4)
    measured = fit_logistic(doses, readings).ic(20)
    exact = fit_logistic(doses[3:], readings[3:]).ic(20)
    assert np.log(measured.high / measured.low) > 1.2 * np.log(exact.high / exact.low)


def test_a_control_that_was_read_too_high_is_corrected():
    # Treated wells without scatter; untreated ones read 20 % too high in one of three.
    doses = np.repeat(DOSES, 3)
    raw = curve(doses, 0, 100, 2, 1)
    raw[0] *= 1.2
    readings = 100 * raw / raw[:3].mean()
    fitted, taken = (
        fit_logistic(doses, readings).ic(50),
        fit_logistic(doses[3:], readings[3:]).ic(50),
    )
    assert abs(fitted.value - 2) < 0.8 * abs(taken.value - 2)


def test_more_replicates_narrow_the_interval():
    def width(replicates):
        doses = np.repeat(DOSES, replicates)
        found = fit_logistic(doses, scattered(doses, (20, 100, 2, 1), 0.08, 3)).ic(50)
        return np.log(found.high / found.low)

    assert width(24) < 0.6 * width(3)


# Falls in two steps, as a rapalog does that reaches the kinase itself at micromolar doses.
TWO_STEPS = np.array([100, 77, 58, 47, 43.5, 42.6, 42.3, 33.5])


def test_exact_readings_of_a_strong_effect_are_never_taken_for_flat():
    # Five points for four parameters: an F test would find nothing.
    doses, readings = [0, 1, 10, 1000, 10_000], [100, 74, 73, 72, 40]
    fit = fit_logistic(doses, readings)
    assert fit.hill is not None
    assert fit.ic(20).flag == "< 1 nM"
    assert "41 %" not in str(fit.ic(70))
    assert str(fit.ic(70)) == "not reached: 40 % at 10 uM"
    tiny = fit_logistic(DOSES, curve(DOSES, 99.95, 100, 2, 1))
    assert tiny.ec50.flag == "no effect"


def test_where_no_logistic_curve_fits_the_readings_are_joined():
    fit = fit_logistic(DOSES, TWO_STEPS)
    assert fit.is_joined
    assert fit.line(DOSES[1:]) == pytest.approx(TWO_STEPS[1:])
    found = fit.ic(60)
    assert found.value == pytest.approx(44, abs=15)  # between 30 and 100 nM
    assert 30 < found.value < 100
    assert (found.low, found.high, found.is_joined) == (None, None, True)
    assert found.flag.startswith("read between doses; no logistic curve: r² 0.9")
    assert fit.ic(70) == Estimate(None, flag="not reached: 34 % at 100 nM")
    assert fit.ic(10) == Estimate(None, flag="< 0.1 nM")
    assert (fit.plateau, fit.ec50.value) == (None, None)


def test_joined_readings_that_rise_again_are_told():
    fit = fit_logistic(DOSES, [100, 95, 60, 40, 45, 80, 95, 90])
    found = fit.ic(50)
    assert 0.3 < found.value < 1
    assert found.flag.endswith("; rises above it again")
    assert fit.ic(70).flag == "not reached: 40 % at 1 nM"


def test_joined_readings_scattered_or_not():
    doses = np.repeat(DOSES, 3)
    two_steps = np.repeat([100, 70, 65, 65, 65, 64, 40, 5.0], 3)
    sharp = two_steps * np.exp(np.random.default_rng(1).normal(0, 0.03, len(doses)))
    assert fit_logistic(doses, sharp).is_joined
    assert not fit_logistic(doses, scattered(doses, (20, 100, 2, 1), 0.2, 5)).is_joined


def test_a_reading_beyond_a_level_is_not_said_to_miss_it():
    # Scatter alone, but for one low dose: no curve stands out, and the reading is told.
    wild = np.array([100, 60, 130, 80, 120, 70, 110, 45.0])
    found = fit_logistic(DOSES, wild, noisy=True).ic(50)
    assert found.value is None
    assert "45 % at 100 nM" in found.flag
    assert not found.flag.startswith("not reached")
    doses = np.repeat(DOSES, 3)
    beyond = fit_logistic(doses, scattered(doses, (0, 100, 75, 1), 0.2, 3)).ic(50)
    assert str(beyond) == "> 100 nM, though 45 % at 100 nM was read"


@pytest.mark.parametrize(("number", "said"), [(-0.001, "0.00"), (-0.1, "-0.10"), (0.005, "0.01")])
def test_what_rounds_to_zero_has_no_sign(number, said):
    assert fixed(number + 1e-9) == said


def test_a_plateau_above_the_level_is_said_in_words():
    fit = fit_logistic(DOSES, curve(DOSES, 62, 100, 1, 1.2))
    assert fit.ic(50) == Estimate(None, flag="not reached: plateau at 62 %")
    assert fit.ic(30).value is not None
    assert fit.plateau == pytest.approx(62)


def test_a_plateau_that_no_dose_shows_is_not_claimed():
    fit = fit_logistic(DOSES, curve(DOSES, 45, 100, 60, 1))
    assert fit.plateau is None
    assert str(fit.ic(50)) == "> 100 nM"


def test_what_lies_outside_the_tested_doses_is_no_number():
    weak = fit_logistic(DOSES, curve(DOSES, 0, 100, 300, 1))
    strong = fit_logistic(DOSES, curve(DOSES, 30, 100, 0.02, 1))
    assert (weak.ic(50).value, str(weak.ic(50)), str(weak.ec50)) == (None, "> 100 nM", "> 100 nM")
    assert (strong.ic(20).value, str(strong.ic(20))) == (None, "< 0.1 nM")


def test_an_end_of_an_interval_outside_the_tested_doses_is_open():
    doses = np.repeat(DOSES, 3)
    found = fit_logistic(doses, scattered(doses, (0, 100, 75, 1), 0.2, 1)).ic(50)
    assert found.value is not None
    assert found.high is None
    assert found.flag == "interval ends above 100 nM"
    assert "…" in str(found)


def test_no_effect_gives_no_curve():
    doses = np.repeat(DOSES, 3)
    for fit in (
        fit_logistic(DOSES, 100 + 0 * DOSES),
        fit_logistic(doses, scattered(doses, (100, 100, 1, 1), 0.05, 1)),
    ):
        assert (fit.hill, fit.ec50.value, fit.ec50.flag) == (None, None, "no effect")
        assert fit.ic(20).flag.startswith("not reached: ")


def test_a_rise_is_no_inhibition():
    fit = fit_logistic(DOSES, curve(DOSES, 130, 100, 2, 1))
    assert fit.ic(20).flag.startswith("not reached: 129 % at 100 nM")
    assert fit.plateau is None


@pytest.mark.parametrize(
    ("doses", "responses", "said"),
    [
        ([0, 1, 2, 3], [100, 90, 80, 70], "3 doses above zero"),
        ([1, 2, 3, 4], [90, 80, 70, 60], "4 points"),
        ([0, 1, 2, 3, -4], [100, 90, 80, 70, 60], "not negative"),
        ([0, 1, 2, 3, np.nan], [100, 90, 80, 70, 60], "finite"),
        ([0, 1, 2, 3, 4], [100, 90, 80, 70, -1], "below 0"),
        ([0, 1, 2, 3, 4], [100, 90], "one response for each dose"),
    ],
)
def test_readings_that_allow_no_fit_are_refused(doses, responses, said):
    with pytest.raises(InputError, match=said):
        fit_logistic(doses, responses)


@pytest.mark.parametrize("inhibition", [0, 100, -5, np.nan])
def test_an_inhibition_is_between_none_and_all(inhibition):
    fit = fit_logistic(DOSES, curve(DOSES, 20, 100, 2, 1))
    with pytest.raises(InputError, match="between 0 and 100"):
        fit.ic(inhibition)


# --- growth rates ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "treated", "untreated", "gr"),
    [
        (100, 400, 400, 1),  # two doublings each
        (100, 200, 400, np.sqrt(2) - 1),  # one doubling of two
        (100, 100, 400, 0),  # no growth
        (100, 50, 200, -0.5),  # one halving for one doubling
    ],
)
def test_growth_rate_inhibition_by_hand(start, treated, untreated, gr):
    assert growth_rate_inhibition(start, treated, untreated) == pytest.approx(gr)


def test_growth_rate_inhibition_does_not_depend_on_when_it_is_read():
    hours = np.array([24, 48, 72, 96])
    treated, untreated = np.exp(0.02 * hours), np.exp(0.03 * hours)
    assert np.ptp(growth_rate_inhibition(1, treated, untreated)) < 1e-12


@pytest.mark.parametrize(("start", "treated", "control"), [(1, 1, 1), (1, 1, 0.5), (1, 0, 2)])
def test_cells_that_do_not_grow_have_no_growth_to_inhibit(start, treated, control):
    with pytest.raises(InputError, match="GR"):
        growth_rate_inhibition(start, treated, control)


def test_growth_metrics_of_a_known_curve():
    doses = DOSES[1:]
    found = growth_metrics(doses, curve(doses, 0.2, 1, 2, 1.3))
    assert found.gr50.value == pytest.approx(2 * (0.5 / 0.3) ** (1 / 1.3))
    assert (found.hill, found.fit.top) == (pytest.approx(1.3), 1)
    assert found.gr_max == pytest.approx(curve(100.0, 0.2, 1, 2, 1.3))


def test_gr50_that_is_never_reached_is_said_in_words():
    doses = DOSES[1:]
    found = growth_metrics(doses, curve(doses, 0.7, 1, 0.5, 1.0))
    assert str(found.gr50) == "not reached: plateau at GR 0.70"


def test_area_over_the_curve_by_hand():
    assert area_over_curve([1, 10, 100], [1, 1, 1]) == 0
    assert area_over_curve([1, 10, 100], [0, 0, 0]) == 1
    assert area_over_curve([1, 10, 100], [1, 0.5, 0]) == pytest.approx(0.5)
    assert area_over_curve([0.1, 1, 100], [1, 0, 0]) == pytest.approx((0.5 + 2) / 3)
