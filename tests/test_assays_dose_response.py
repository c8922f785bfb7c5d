"""Dose-response fits and growth-rate metrics: closed forms, flags, coverage of intervals."""

import numpy as np
import pytest

from mtorsim.assays.dose_response import (
    Estimate,
    area_over_curve,
    fit_logistic,
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


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    known, random, doses = (30, 100, 2, 0.8), np.random.default_rng(7), np.repeat(DOSES, 3)
    inside = dict.fromkeys((20, 30, 50), 0)
    for _ in range(100):
        fit = fit_logistic(doses, curve(doses, *known) + random.normal(0, 4, len(doses)))
        for inhibition in inside:
            found, truth = fit.ic(inhibition), dose_for(100 - inhibition, *known)
            low, high = found.low or 0, found.high or np.inf
            inside[inhibition] += found.value is not None and low <= truth <= high
    assert all(88 <= times <= 100 for times in inside.values())  # of 100; 95 meant


def test_more_replicates_narrow_the_interval():
    def width(replicates):
        doses = np.repeat(DOSES, replicates)
        noise = np.random.default_rng(3).normal(0, 4, len(doses))
        found = fit_logistic(doses, curve(doses, 20, 100, 2, 1) + noise).ic(50)
        return np.log(found.high / found.low)

    assert width(24) < 0.6 * width(3)


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
    random = np.random.default_rng(0)
    doses = np.repeat(DOSES, 3)
    found = fit_logistic(doses, curve(doses, 0, 100, 60, 1) + random.normal(0, 8, len(doses)))
    assert found.ic(50).high is None
    assert found.ic(50).flag == "interval ends above 100 nM"
    assert "…" in str(found.ic(50))


def test_no_effect_gives_no_curve():
    noise = np.random.default_rng(1).normal(0, 3, 24)
    for fit in (
        fit_logistic(DOSES, 100 + 0 * DOSES),
        fit_logistic(np.repeat(DOSES, 3), 98 + noise),
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
