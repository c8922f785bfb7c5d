import pickle

import pytest

from mtorsim.dosing import Constant, MassConcentration, MediumChange, Repeated, resolved
from mtorsim.errors import InputError, RegimenError, UnitError


def test_constant():
    schedule = Constant("0.02 uM", start="1 h", stop="24 h")
    assert (schedule.dose, schedule.start, schedule.stop) == (20, 60, 1440)
    assert schedule.changes() == (MediumChange(60, 20, False), MediumChange(1440, 0, True))
    assert schedule.in_words() == "20 nM from 1 h, washed out at 24 h"


def test_constant_without_stop():
    assert Constant("20 nM").changes() == (MediumChange(0, 20, False),)
    assert Constant("20 nM").in_words() == "20 nM from 0 h"


def test_repeated_pulses():
    schedule = Repeated("20 nM", every="24 h", times=2, start="1 h", exposure="2 h")
    assert schedule.changes() == (
        MediumChange(60, 20, False),
        MediumChange(180, 0, True),
        MediumChange(1500, 20, False),
        MediumChange(1620, 0, True),
    )
    assert schedule.in_words() == "20 nM for 2 h every 24 h, 2 times from 1 h"


def test_repeated_renewals():
    schedule = Repeated("20 nM", every="24 h", times=3)
    assert [change.time for change in schedule.changes()] == [0, 1440, 2880]
    assert not any(change.washed for change in schedule.changes())
    assert schedule.in_words() == "20 nM renewed every 24 h, 3 times from 0 h"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant("-1 nM"), "dose: '-1 nM' is negative. Expected '0 nM' or more."),
        (lambda: Constant("-1 ng/mL"), "dose: '-1 ng/mL' is negative. Expected '0 nM' or more."),
        (
            lambda: Constant("1 nM", start="-1 h"),
            "start: '-1 h' is before the beginning. Expected '0 h' or later.",
        ),
        (
            lambda: Constant("1 nM", start="2 h", stop="2 h"),
            "stop at 2 h is not after start at 2 h.",
        ),
        (lambda: Constant("1 nM", stop="-2 h"), "stop at -2 h is not after start at 0 h."),
        (lambda: Repeated("1 nM", every="0 h", times=2), "every: '0 h' is not above zero."),
        (lambda: Repeated("1 nM", every="-1 h", times=2), "every: '-1 h' is not above zero."),
        (lambda: Repeated("1 nM", every="1 h", times=0), "times: 0 is not from 1 to 10000."),
        (lambda: Repeated("1 nM", every="1 h", times=10**9), "times: 1000000000 is not from 1"),
        (lambda: Repeated("1 nM", every="1 h", times=2.5), "times: 2.5 is not a whole number."),
        (lambda: Repeated("1 nM", every="1 h", times="3"), "times: '3' is not a whole number."),
        (lambda: Repeated("1 nM", every="1 h", times=True), "times: True is not a whole number."),
        (
            lambda: Repeated("1 nM", every="1 h", times=2, exposure="0 h"),
            "exposure: '0 h' is not above zero.",
        ),
        (
            lambda: Repeated("1 nM", every="1 h", times=2, exposure="1 h"),
            "exposure of 1 h is not shorter than the interval of 1 h between two.",
        ),
        (
            lambda: Repeated("1 nM", every="1 h", times=2, start="1e15 h", exposure="1e-9 s"),
            "two changes of medium fall on the same time.",
        ),
    ],
)
def test_schedules_that_cannot_be(make, message):
    with pytest.raises(RegimenError) as caught:
        make()
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: Constant("20"), "dose"),
        (lambda: Constant(20), "dose"),
        (lambda: Constant("20 mg"), "dose"),
        (lambda: Constant("nan nM"), "dose"),
        (lambda: Constant("1e30 nM"), "dose"),  # more than a mole per litre
        (lambda: Constant(None), "dose"),
        (lambda: Constant("20 nM", start="1"), "start"),
        (lambda: Constant("20 nM", stop="5 nM"), "stop"),
        (lambda: Repeated("20 nM", every=24, times=3), "every"),
        (lambda: Repeated("20 nM", every="inf h", times=3), "every"),
        (lambda: Repeated("20 nM", every="24 h", times=3, exposure=""), "exposure"),
    ],
)
def test_the_wrong_argument_is_named(make, key):
    with pytest.raises(UnitError, match=f"^{key}: ") as caught:
        make()
    assert caught.value.path == (key,)


def test_a_dose_by_mass_waits_for_the_molar_mass():
    schedule = Constant("18 ng/mL", stop="24 h")
    assert schedule.dose == MassConcentration("18 ng/mL")
    assert schedule.in_words() == "18 ng/mL from 0 h, washed out at 24 h"
    with pytest.raises(UnitError, match="Put the schedule into a Treatment"):
        schedule.changes()
    assert resolved(schedule, 1000) == Constant("18 nM", stop="24 h")
    assert resolved(Constant("18 nM"), 1000) == Constant("18 nM")


@pytest.mark.parametrize(
    "schedule",
    [
        Constant("20 nM"),
        Constant("18 ng/mL", start="1 h"),
        Constant(f"{1 / 3} nM", start="20 s", stop=f"{200 / 7} h"),
        Repeated("20 nM", every="24 h", times=3),
        Repeated("0 nM", every="1 week", times=1, start="0.1 h", exposure="3 h"),
    ],
)
def test_schedules_come_back_from_their_own_words(schedule):
    assert type(schedule)(**schedule.to_dict()) == schedule
    assert schedule.replace() == schedule
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert hash(schedule.replace()) == hash(schedule)


def test_replace_checks_again():
    assert Constant("20 nM", stop="24 h").replace(dose="1 uM", stop=None) == Constant("1 uM")
    with pytest.raises(InputError):
        Constant("20 nM", stop="24 h").replace(start="48 h")


def test_minus_zero_is_zero():
    assert str(Constant("-0 nM", start="-0 h").changes()[0][:2]) == "(0.0, 0.0)"
