import math
import pickle
import random
from fractions import Fraction

import pytest

from mtorsim import regimen_text as words
from mtorsim.errors import InputError, RegimenError, UnitError
from mtorsim.regimen import Dose, Pause, Phase, Regimen, check_overlaps
from mtorsim.regimen_text import looks_like_regimen
from mtorsim.units import quantity

HOUR, DAY, WEEK = 60.0, 1440.0, 10080.0


def times(text, end, unit=1.0):
    return [dose.time / unit for dose in Regimen(text).doses(end)]


def test_what_each_dose_is():
    assert Regimen("25 mg IV over 30 min weekly x2", start="1 h").doses(math.inf) == (
        Dose(60, 25, "", "IV", 30),
        Dose(10140, 25, "", "IV", 30),
    )
    assert Regimen("20 mg/kg IP").doses(1) == (Dose(0, 20, "kg", "IP", None),)
    assert Regimen("15 mg/m2 IV bolus").doses(1) == (Dose(0, 15, "m2", "IV bolus", None),)


def test_weekly_four_times():
    assert times("25 mg IV weekly x4", math.inf, WEEK) == [0, 1, 2, 3]
    assert times("25 mg IV weekly x4", 2 * WEEK, WEEK) == [0, 1]  # before the end, not at it
    assert times("25 mg IV weekly x4", 2 * WEEK + 1, WEEK) == [0, 1, 2]


def test_loading_doses_and_then_weekly_until_the_end():
    regimen = Regimen("175 mg IV weekly x3 then 75 mg weekly")
    doses = regimen.doses(6 * WEEK)
    assert [dose.time / WEEK for dose in doses] == [0, 1, 2, 3, 4, 5]
    assert [dose.amount for dose in doses] == [175, 175, 175, 75, 75, 75]
    assert [dose.route for dose in doses] == ["IV"] * 3 + [None] * 3
    assert regimen.is_open
    assert regimen.last_time() is None


def test_five_days_every_two_weeks_three_times():
    text = "10 mg/m2 IV over 30 min daily x5 every 2 weeks x3"
    by_hand = [14 * k + i for k in (0, 1, 2) for i in (0, 1, 2, 3, 4)]
    assert times(text, math.inf, DAY) == by_hand
    assert Regimen(text).last_time() == 32 * DAY
    assert not Regimen(text).is_open


def test_what_follows_cycles_begins_when_the_last_has_ended():
    assert times("1 mg daily x2 every 1 week x2 then 2 mg daily x1", math.inf, DAY) == [
        *(0, 1, 7, 8),
        14,
    ]


def test_cycles_without_a_number_go_on():
    regimen = Regimen("5 mg PO daily x2 every 3 days")
    assert regimen.is_open
    assert [dose.time / DAY for dose in regimen.doses(7 * DAY)] == [0, 1, 3, 4, 6]


def test_a_pause_counts_from_the_end_of_the_last_interval():
    assert times("1 mg weekly x2 then pause 1 week then 1 mg weekly x2", math.inf, WEEK) == [
        *(0, 1),
        *(3, 4),
    ]
    assert times("1 mg daily x5 every 2 weeks x1; off 1 day; 1 mg", math.inf, DAY) == [
        *range(5),
        15,
    ]


def test_a_pause_after_one_dose_counts_from_that_dose():
    text = "1 mg IV over 1 h then pause 10 days then 2 mg once then pause 1 h; pause 2 h; 3 mg"
    assert times(text, math.inf, HOUR) == [0, 240, 243]


def test_start_shifts_everything():
    regimen = Regimen("25 mg weekly x2", start="3 days")
    assert regimen.start == 3 * DAY
    assert [dose.time / DAY for dose in regimen.doses(math.inf)] == [3, 10]
    assert regimen.last_time() == 10 * DAY
    assert regimen.doses(3 * DAY) == ()
    assert regimen.doses(-1) == ()


@pytest.mark.parametrize(
    ("frequency", "hours"),
    [
        ("daily", 24),
        ("once daily", 24),
        ("once-daily", 24),
        ("once a day", 24),
        ("every day", 24),
        ("qd", 24),
        ("q24h", 24),
        ("q 24 h", 24),
        ("QD", 24),
        ("twice daily", 12),
        ("2x daily", 12),
        ("2 times per day", 12),
        ("bid", 12),
        ("BID", 12),
        ("q12h", 12),
        ("every 12 h", 12),
        ("three times daily", 8),
        ("3 times a day", 8),
        ("tid", 8),
        ("four times daily", 6),
        ("every hour", 1),
        ("every other day", 48),
        ("every second day", 48),
        ("q2d", 48),
        ("every 2 days", 48),
        ("weekly", 168),
        ("once weekly", 168),
        ("every week", 168),
        ("Every  7\tdays", 168),
        ("qw", 168),
        ("q1w", 168),
        ("once every week", 168),
        ("every other week", 336),
        ("every 2 wk", 336),
        ("q2w", 336),
        ("q3w", 504),
        ("once every 3 weeks", 504),
        ("every 1.5 h", 1.5),
        ("every 90 minutes", 1.5),
    ],
)
def test_frequencies(frequency, hours):
    assert Regimen(f"25 mg {frequency}").parts == (Phase("25 mg", every=f"{hours} h"),)
    assert Regimen(f"25 mg PO, {frequency}, x3 doses").doses(math.inf)[-1].time == 2 * 60 * hours


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("25 mg daily x5 weekly x3", "25 mg daily x5 every 1 week x3"),
        ("25 mg daily x5 each week x3", "25 mg daily x5 every 1 week x3"),
        ("25 mg daily x5 qw for 3 cycles", "25 mg daily x5 every 1 week x3"),
        ("25 mg daily x5 every two weeks x3 courses", "25 mg daily x5 every 14 days x3"),
        ("25 mg each week for four weeks", "25 mg weekly x4"),
        ("25 mg every two weeks, four times", "25 mg every 2 weeks x4"),
        ("25 mg every twelve hours x3 doses", "25 mg every 12 h x3"),
        ("25 mg two times daily for five days", "25 mg every 12 h x10"),
        ("25 mg bid x5 doses", "25 mg every 12 h x5"),
        ("25 mg thrice daily for 5 doses", "25 mg every 8 h x5"),
        ("25 mg every 12 h x5", "25 mg every 12 h x5 doses"),
        ("25 mg daily x3; two weeks off; 5 mg", "25 mg daily x3 then pause 14 days then 5 mg"),
        ("25 mg daily x5 doses", "25 mg daily x5"),
    ],
)
def test_other_ways_to_say_it(text, same):
    assert Regimen(text) == Regimen(same)


@pytest.mark.parametrize(
    "count",
    [
        *("x4", "x 4", "X4", "×4", "4x", "4 x", "4 times", "x 4 times", "x4 doses", "for 4 doses"),
        *("for 4 weeks", "for 28 days", "x 4 weeks", "x 4 wk", "for 672 h"),
    ],
)
def test_counts(count):
    assert Regimen(f"25 mg weekly {count}").parts == (Phase("25 mg", every="1 week", times=4),)
    if "doses" not in count:
        again = Regimen("5 mg qd x5 q1w x4")
        assert Regimen(f"5 mg daily x5 every 1 week {count}") == again


@pytest.mark.parametrize(
    ("written", "route"),
    [
        ("IV", "IV"),
        ("iv", "IV"),
        ("i.v.", "IV"),
        ("intravenously", "IV"),
        ("intravenous", "IV"),
        ("IV infusion", "IV"),
        ("IV bolus", "IV bolus"),
        ("intravenous  bolus", "IV bolus"),
        ("IV-bolus", "IV bolus"),
        ("IP", "IP"),
        ("intraperitoneally", "IP"),
        ("PO", "PO"),
        ("p.o.", "PO"),
        ("per os", "PO"),
        ("Orally", "PO"),
        ("by mouth", "PO"),
    ],
)
def test_routes(written, route):
    assert Regimen(f"25 mg {written} weekly x4").doses(1)[0].route == route
    assert Regimen(f"25 mg, weekly x4 {written}").doses(1)[0].route == route
    assert Phase("25 mg", route=written.replace("-", " ")).route == route


@pytest.mark.parametrize(
    ("written", "amount", "per"),
    [
        ("25 mg", 25, ""),
        ("25mg", 25, ""),
        ("25 MG", 25, ""),
        ("2.5e1 mg", 25, ""),
        ("25 milligrams", 25, ""),
        ("500 ug", 0.5, ""),
        ("500 \u00b5g", 0.5, ""),  # micro sign
        ("500 \u03bcg", 0.5, ""),  # Greek mu
        ("500 mcg", 0.5, ""),
        ("0.001 kg", 1000, ""),
        ("10 g", 10000, ""),
        ("1 g", 1000, ""),
        ("2000 ng", 0.002, ""),
        ("200 ng/kg", 0.0002, "kg"),
        ("25\u00a0mg", 25, ""),  # the no-break space of papers
        ("15 mg/m2", 15, "m2"),
        ("15 mg/m^2", 15, "m2"),
        ("15 mg/m²", 15, "m2"),
        ("15 mg / m ** 2", 15, "m2"),
        ("15 mg per m2", 15, "m2"),
        ("20 mg/kg", 20, "kg"),
        ("20 mg per kg", 20, "kg"),
        ("20 MG/KG", 20, "kg"),
    ],
)
def test_amounts(written, amount, per):
    phase = Phase(written)
    assert (phase.amount, phase.per) == (pytest.approx(amount, rel=1e-15), per)
    assert Regimen(f"{written} weekly").parts[0].amount == phase.amount
    assert Regimen(f"{written},weekly").parts[0].per == per
    assert looks_like_regimen(written)


def test_pint_quantities():
    registry = pytest.importorskip("pint").UnitRegistry()
    assert Phase(registry("25 mg")) == Phase("25 mg")
    assert Phase(registry("500 microgram")) == Phase("0.5 mg")
    assert Phase(registry("15 mg/m**2")) == Phase("15 mg/m2")
    assert Phase(registry("20 mg/kg"), every=registry("2 day")) == Phase("20 mg/kg", every="48 h")
    with pytest.raises(UnitError, match="concentration"):
        Phase(registry("20 nM"))


def test_words_may_come_in_another_order():
    assert Regimen("25 mg weekly x4 over 30 min IV") == Regimen("25 mg IV over 30 min weekly x4")
    assert Regimen("25mg,IV,weekly,x4") == Regimen("25 MG iv WEEKLY X4")


def test_parts_may_be_joined_by_then_or_semicolon():
    whole = Regimen([Phase("2 mg", every="1 d", times=2), Pause("1 week"), Phase("1 mg")])
    for text in (
        "2 mg daily x2 then pause 1 week then 1 mg",
        "2 mg daily x2; holiday for 1 week; 1 mg once",
        "2 mg daily x2, then off for 1 week, and then 1 mg",
        "2 mg daily x2; then 1 week off followed by 1 mg",
        "  2 mg daily x2;pause 7 days;1 mg  ",
    ):
        assert Regimen(text) == whole


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("25 mg", "25 mg once"),
        ("25 mg IV over 30 min qw x4", "25 mg IV over 30 min weekly x4"),
        ("175 mg IV weekly x3; 75 mg weekly", "175 mg IV weekly x3 then 75 mg weekly"),
        ("10 mg/m² by mouth qd x5 q14d x3", "10 mg/m2 PO daily x5 every 2 weeks x3"),
        ("2 ug IV bolus tid x1 doses q1d", "2 ug IV bolus three times daily x1 doses every day"),
        ("1 g IV over 24 h q36h", "1000 mg IV over 24 h every 36 h"),
        ("3 ng/kg every 50 s", "3 ng/kg every 0.8333333333333334 min"),
        (
            "2 mg/kg ip bid for 0.5 d; off 10 d; 3 mg tid",
            "2 mg/kg IP twice daily x1 doses then pause 10 days then 3 mg three times daily",
        ),
    ],
)
def test_the_text_of_a_regimen(text, canonical):
    regimen = Regimen(text)
    assert regimen.text == str(regimen) == canonical
    assert Regimen(canonical) == regimen


@pytest.mark.parametrize(
    ("text", "in_words"),
    [
        ("25 mg", "25 mg once"),
        ("25 mg IV over 30 min qw", "25 mg intravenously over 30 min every week until the end"),
        ("1 mg/m2 qd x5", "1 mg per m² of body surface every day, 5 times"),
        ("1 mg/kg ip q36h x1", "1 mg per kg of body weight intraperitoneally every 36 h, 1 time"),
        ("2 mg; off 10 d; 1 mg", "2 mg once, then a pause of 10 days, then 1 mg once"),
        (
            "5 ug IV bolus tid x2 doses every 2 weeks",
            "5 ug as an intravenous bolus every 8 h, 2 times, all this every 2 weeks until the end",
        ),
        (
            "5 mg po qd x5 q2w x3",
            "5 mg by mouth every day, 5 times, all this every 2 weeks, 3 times",
        ),
    ],
)
def test_in_words(text, in_words):
    assert Regimen(text, start="90 min").in_words() == f"{in_words}; from 1.5 h"


def test_objects_and_text_are_the_same_value():
    phase = Phase(
        "10 mg/m2", route="IV", over="30 min", every="1 d", times=5, cycle="2 weeks", cycles=3
    )
    assert (phase.amount, phase.per, phase.route, phase.infusion) == (10, "m2", "IV", 30)
    assert (phase.every, phase.times, phase.cycle, phase.cycles) == (DAY, 5, 2 * WEEK, 3)
    assert (phase.count, phase.length, phase.is_open) == (15, 6 * WEEK, False)
    assert Regimen("10 mg/m2 IV over 30 min daily x5 every 2 weeks x3").parts == (phase,)
    assert Phase("25 mg").times == 1
    assert (Phase("25 mg", every="1 d").count, Phase("25 mg", every="1 d").length) == (None, None)
    assert Pause("2 weeks").length == 2 * WEEK


def test_to_dict_and_replace():
    regimen = Regimen("25 mg IV weekly x4", start="90 min")
    assert regimen.to_dict() == {"regimen": "25 mg IV weekly x4", "start": "1.5 h"}
    assert regimen.replace() == regimen
    assert regimen.replace(start="0 h") == Regimen("25 mg IV weekly x4")
    assert regimen.replace(regimen="25 mg").start == 90
    with pytest.raises(InputError):
        regimen.replace(start="-1 h")


# Round trips over many


def some_phase(draw, last):
    unit = draw.choice(["mg", "mg/m2", "mg/kg"])
    extremes = [0.0012345678, 9999.997] if unit == "mg" else [1e-5, 999999.7]
    amount = draw.choice([25, 0.1, 1 / 3, *extremes, draw.uniform(0.001, 1e4)])
    every = draw.choice([WEEK, DAY, 720, 480, DAY / 7, 1 / 3, 30 * DAY, draw.uniform(1, 1e5)])
    route = draw.choice([None, "IV", "IV bolus", "IP", "PO"])
    fields = {"route": route, "every": f"{every!r} min", "times": draw.randint(1, 9)}
    if route == "IV" and draw.random() < 0.7:
        fields["over"] = f"{every * draw.uniform(0.1, 0.99)!r} min"
    if draw.random() < 0.3:
        fields["cycle"] = f"{every * draw.uniform(9, 20)!r} min"
        fields["cycles"] = draw.randint(1, 4)
    if last and draw.random() < 0.5:
        fields["cycles" if "cycle" in fields else "times"] = None
    elif last and draw.random() < 0.2:
        return Phase(f"{amount!r} {unit}")
    return Phase(f"{amount!r} {unit}", **fields)


@pytest.mark.parametrize("seed", range(200))
def test_text_comes_back_as_exactly_the_same_value(seed):
    draw = random.Random(seed)
    parts = []
    for _ in range(draw.randint(0, 3)):
        parts.append(some_phase(draw, last=False))
        if draw.random() < 0.4:
            parts.append(Pause(f"{draw.choice([WEEK, 5 * DAY, draw.uniform(1, 1e5)])!r} min"))
    start = f"{draw.choice([0, 90, draw.uniform(0, 1e5)])!r} min"
    regimen = Regimen([*parts, some_phase(draw, last=True)], start=start)
    again = Regimen(**regimen.to_dict())
    assert again == regimen
    assert hash(again) == hash(regimen)
    assert again.text == regimen.text
    assert Regimen(regimen.text.upper(), start=start) == regimen
    assert Regimen(regimen.text.replace(" then ", ";").replace(" x", " × "), start=start) == regimen
    assert pickle.loads(pickle.dumps(regimen)) == regimen
    assert again.doses(WEEK) == regimen.doses(WEEK)


VOCABULARY = (
    *("25 mg", "15 mg/m2", "IV", "IV bolus", "PO", "over", "30 min", "once", "daily", "weekly"),
    *("twice", "times", "every", "2 weeks", "x3", "x", "for", "5 days", "then", ";", ",", "pause"),
    *("off", "q12h", "bid", "2", "0", "-1", "nan", "1e5", "mg", "per", "kg", "/", "week", "day"),
    *("second", "other", "a", "1 h"),
)


def outcome(text):
    try:
        return None, Regimen(text)
    except InputError as error:
        return error, None


@pytest.mark.parametrize("seed", range(20))
def test_any_text_is_either_refused_or_says_itself(seed):
    draw = random.Random(seed)
    for _ in range(200):
        text = "25 mg " * draw.randint(0, 1) + " ".join(
            draw.choice(VOCABULARY) for _ in range(draw.randint(1, 9))
        )
        error, regimen = outcome(text)
        if error is None:
            assert Regimen(regimen.text) == regimen, text
            continue
        assert "regimen" in str(error) or "infusion" in str(error)
        assert "\n" not in str(error)
        assert len(str(error)) < 500
        assert error.path[0] == "regimen"


@pytest.mark.parametrize("character", "0123456789x/-.;²%z")
def test_one_wrong_character_never_goes_unnoticed(character):
    right = Regimen("175 mg IV over 30 min weekly x3 then 75 mg weekly")
    for k, there in enumerate(right.text):
        error, understood = outcome(right.text[:k] + character + right.text[k + 1 :])
        same = there == character or (there == " " and character in ",;-.")
        # "IV,over", "x3;then", "IV-over" and "175.mg" say the same
        assert same or error or understood != right


# Errors


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # the amount
        ("-25 mg weekly", "'-25 mg' is not above zero"),
        ("0 mg", "'0 mg' is not above zero"),
        ("1e-400 mg", "not above zero"),
        ("1e300 mg", "'1e300 mg' is not from 1 ug to 10 g"),
        ("25 kg weekly", "'25 kg' is not from 1 ug to 10 g. Expected a mass such as '25 mg'"),
        ("20 ng", "'20 ng' is not from 1 ug to 10 g. Did you mean '20 ng/mL'?"),
        ("1e-9 ng/kg", "'1e-9 ng/kg' is not from 1 ng to 1 kg"),
        ("2000 g/m2 daily", "'2000 g/m2' is not from 1 ng to 1 kg"),
        ("weekly 25 mg", "begins with its amount, such as '25 mg', not with 'weekly'"),
        ("IV 25 mg", "begins with its amount"),
        ("puase 2 weeks", "unknown word 'puase'. Closest: 'pause'."),
        ("1,5 mg weekly", "'1,5' has a comma between digits. Write the decimal point as '.'"),
        ("25 mg weekly x1,000", "'x1,000' has a comma between digits"),
        ("25 mg weekly x3 50 mg weekly", "a second amount '50 mg'. Put 'then'"),
        # routes and infusions
        ("25 mg IV over 0 min", "over: '0 min' is not above zero. For an instantaneous dose"),
        ("25 mg IV over 0 min", "write 'IV bolus'"),
        ("25 mg IV over -5 min", "over: '-5 min' is not above zero"),
        ("25 mg PO over 30 min", "an infusion of 30 min with route 'PO'. Write 'IV over 30 min'"),
        ("25 mg IP over 30 min", "with route 'IP'"),
        ("25 mg IV bolus over 30 min", "with route 'IV bolus'"),
        ("25 mg over 30 min weekly", "without a route. Write 'IV over 30 min'"),
        ("25 mg IV over 7 days weekly", "1 week is not shorter than the interval of 1 week"),
        ("25 mg IV PO weekly", "'PO' comes after 'IV'. Expected one route"),
        ("25 mg IV weekly IV", "'IV' comes after 'IV'"),
        ("25 mg IV over 1 h weekly over 2 h", "'over 2 h' comes after 'over 1 h'"),
        ("25 mg SC weekly", "unknown word 'SC'"),
        ("25 mg bolus weekly", "'bolus' is out of place"),
        ("25 mg IV over weekly", "'over' needs a time, such as '30 min'; 'weekly' follows"),
        ("25 mg IV over", "'over' needs a time, such as '30 min'; nothing follows"),
        ("25 mg IV over 1 h 30 min weekly", "'30' does not say what it is"),
        ("25 mg IV 30 min weekly", "'30' does not say what it is. Expected 'x4'"),
        # frequencies
        ("25 mg weeekly", "unknown word 'weeekly'. Closest: 'weekly'."),
        ("25 mg weekly.", "unknown word '.'"),
        ("25 mg daily weekly", "'weekly' comes after 'daily'. Expected one frequency"),
        ("25 mg once weekly daily", "'daily' comes after 'once weekly'"),
        ("25 mg once every 2 days weekly", "'weekly' comes after 'once every 2 days'"),
        ("25 mg once, weekly", "'weekly' comes after 'once'"),
        ("25 mg weekly once", "'once' comes after 'weekly'"),
        ("25 mg twice weekly", "'twice weekly' does not say on which days"),
        ("25 mg 3x weekly x4", "'3x weekly' does not say on which days"),
        ("25 mg daily 3 times a week", "'3 times a week' does not say on which days"),
        ("25 mg biweekly", "'biweekly' is not exact. It is read as twice a week and as every 2"),
        ("25 mg bi-weekly", "'bi' is not exact"),
        ("25 mg monthly", "'monthly' is not exact. Say '4 weeks' or '30 days'"),
        ("25 mg every month", "'every month' is not exact. Say '4 weeks'"),
        ("25 mg every 2 months", "'every 2 months' is not exact"),
        ("25 mg every second", "'every' needs a time"),
        ("25 mg every third day", "'third' follows"),
        ("25 mg every 0 h", "every: '0 h' is not above zero"),
        ("25 mg every -1 h", "every: '-1 h' is not above zero"),
        ("25 mg every 1e-9 s", "every: '1e-9 s' is not from 1 ms to 10 years"),
        ("25 mg every 1e300 weeks", "'1e300 week' is not from 1 ms to 10 years"),
        ("25 mg on days 1, 8, 15", "unknown word 'on'"),
        ("25 mg q3x", "unknown word 'q3x'. Closest: 'q3w'"),
        # counts
        ("25 mg weekly x0", "times: 0 is not from 1 to 10000"),
        ("25 mg weekly x-1", "times: -1 is not from 1"),
        ("25 mg weekly x2.5", "times: '2.5' is not a whole number"),
        ("25 mg weekly x1e3", "times: '1e3' is not a whole number"),
        ("25 mg weekly xnan", "times: 'nan' is not a whole number"),
        (f"25 mg weekly x{10**30}", "is not from 1 to 10000"),
        (f"25 mg weekly x{'9' * 5000}", "is not a whole number"),
        ("25 mg weekly x", "'x' is out of place"),
        ("25 mg weekly 4", "'4' does not say what it is. Expected 'x4' for a count"),
        ("25 mg weekly x4 x5", "'x5' comes after 'x4'. Expected one number of doses"),
        ("25 mg weekly x4 for 4 weeks", "'for 4 weeks' comes after 'x4'"),
        ("25 mg x3", "'x3' has no frequency before it. Expected 'weekly x4'"),
        ("25 mg once x3", "'x3' has no frequency before it"),
        ("25 mg x3 weekly", "'x3' has no frequency before it"),
        ("25 mg IV for 30 min weekly", "the length of an infusion is 'over 30 min'"),
        ("25 mg every 2 days for 5 days", "'for 5 days' is not a whole number of intervals"),
        ("25 mg weekly for 30 min", "'for 30 min' is not a whole number of intervals"),
        ("25 mg daily for 0 days", "'for 0 days' is not a whole number"),
        ("25 mg daily for -5 days", "'for -5 days' is not a whole number"),
        ("25 mg daily x101 every 200 days x100", "10100 doses. Expected no more than 10000"),
        ("1 mg daily x9999 then 1 mg daily x2", "10001 doses"),
        # cycles
        ("25 mg daily x5 every 4 days", "5 doses every 1 day take 5 days, more than the cycle"),
        (
            "25 mg weekly x3 daily",
            "3 doses every 1 week take 3 weeks, more than the cycle of 1 day",
        ),
        ("25 mg daily x5 weekly x3 doses", "'x3 doses' follows a course. Give the number of cou"),
        ("25 mg weekly for 4 cycles", "'for 4 cycles' has no course before it. Expected one suc"),
        ("25 mg 5 days on 2 days off", "Say 'daily x5 every week'"),
        ("25 mg daily 3 days on, 4 days off", "'3 days on, 4 days off' does not say how often"),
        ("25 mg PO 4 days on 17 days off", "Say 'daily x4 every 21 days'"),
        # what may mean two things
        ("25 mg twice daily x5", "'twice daily x5' may be 5 doses or 5 days. Say 'x5 doses' or '"),
        ("25 mg bid x5", "'bid x5' may be 5 doses or 5 days. Say 'x5 doses' or 'for 5 days'."),
        ("25 mg 3 times daily x5", "'3 times daily x5' may be 5 doses or 5 days"),
        ("25 mg three times a day, 5 times", "'3 times a day 5 times' may be 5 doses or 5 days"),
        ("25 mg daily 2x", "'daily 2x' may be 2 doses or 2 doses a day. Say 'x2 doses' for 2 days"),
        ("25 mg daily 3 times", "or '3 times daily'."),
        ("25 mg every day 3 times", "'every day 3 times' may be 3 doses or 3 doses a day"),
        ("25 mg 4 times weekly", "Expected 'daily x4 every week', or evenly 'every 42 h'."),
        ("25 mg 3 times a week", "'every 2 days x3 every week', or evenly 'every 56 h'."),
        ("25 mg 5 times a week", "Expected 'daily x5 every week'."),
        ("25 mg 7 times a week", "Expected 'daily' or 'weekly'."),
        ("25 mg BIW", "'BIW' is not exact. It is read as twice a week. Say 'every 84 h'"),
        ("25 mg tiw", "It is read as three times a week"),
        ("25 mg a day", "'a' is not exact. Say 'daily'"),
        ("25 mg IV push weekly", "'push' is not exact. Say 'IV bolus'"),
        ("25 mg weekly x3 then 2 weeks then 50 mg", "Expected 'pause 2 weeks'"),
        ("2 weeks", "'2 weeks' does not say what it is. Expected 'pause 2 weeks'"),
        ("25 mg daily every 2 weeks", "a course that repeats is 'daily x5 every 2 weeks'"),
        ("25 mg daily x5 every 2 weeks every 8 weeks", "'every 8 weeks' comes after 'every 2"),
        ("25 mg daily x5 every 2 weeks x3 x4", "'x4' comes after 'x3'. Expected one number of cyc"),
        ("25 mg daily x5 every 2 weeks x0", "cycles: 0 is not from 1"),
        # parts
        ("", "regimen: nothing given. Expected one such as '25 mg IV weekly x4'"),
        (" \n", "regimen: nothing given"),
        (",", "regimen: nothing given"),
        ("then", "regimen, part 1: nothing given"),
        ("25 mg weekly x3 then", "regimen, part 2: nothing given"),
        ("25 mg weekly x3 then then 5 mg", "regimen, part 2: nothing given"),
        ("25 mg weekly x3;", "regimen, part 2: nothing given"),
        ("25 mg weekly x3 then 5 mg weeky", "regimen, part 2 '5 mg weeky': unknown word 'weeky'"),
        ("25 mg weekly then 5 mg", "part 1: '25 mg weekly' goes on until the end, and '5 mg once'"),
        ("25 mg weekly then 5 mg", "Give it a count, such as 'x4'"),
        ("25 mg weekly then pause 1 week then 5 mg", "'pause 1 week' would follow it"),
        ("5 mg daily x5 q2w then 5 mg", "Give it a number of cycles, such as 'x4'"),
        ("25 mg then 50 mg", "'25 mg once' does not say when '50 mg once' follows"),
        ("25 mg then 50 mg", "'weekly x1', or put a pause between them"),
        ("pause 2 weeks", "no dose given"),
        ("pause 2 weeks then 25 mg", "comes before the first dose. Give the regimen a later start"),
        ("25 mg weekly x3 then 1 week off", "part 2: 'pause 1 week' comes after the last dose"),
        ("25 mg weekly x3 then pause then 5 mg", "'pause' needs a time"),
        ("25 mg weekly x3 then pause 2 weeks 5 mg", "'5' follows 'pause 2 weeks'. Put 'then'"),
        ("25 mg weekly x3 then pause 0 h then 5 mg", "length: '0 h' is not above zero"),
        (
            "5 mg IV over 30 min then pause 20 min then 5 mg IV over 30 min weekly",
            "infusions overlap from 20 to 30 min (dose 1 and dose 2). Shift one or merge them.",
        ),
        (
            "5 mg IV over 30 min then pause 20 min then 5 mg PO",
            "dose 2 at 20 min falls into the infusion of dose 1, which ends at 30 min.",
        ),
    ],
)
def test_regimens_that_cannot_be(text, message):
    with pytest.raises(RegimenError) as caught:
        Regimen(text)
    assert message in str(caught.value)
    assert caught.value.path[0] == "regimen"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("25 weekly", "amount: '25 weekly' has no unit of mass. Expected a mass such as '25 mg'"),
        ("25", "amount: '25' has no unit of mass"),
        ("25 x4", "has no unit of mass"),
        ("25, mg weekly", "has no unit"),
        ("1 000 mg weekly", "amount: '1' has no unit of mass"),  # not 1000 mg, and not 1 mg
        ("25-30 mg weekly", "amount: '25' has no unit of mass"),
        ("25² mg weekly", "amount: '25' has no unit of mass"),
        ("20 nM weekly", "'20 nM' is a concentration, and a regimen gives a mass such as '25 mg'"),
        ("20 nM weekly", "A concentration in the medium is a dose, not a regimen."),
        ("18 ng/mL weekly", "'18 ng/mL' is a concentration"),
        ("18 NG/ML weekly", "is a concentration"),
        ("25 mgg weekly", "unknown unit 'mgg' in '25 mgg'. Closest: 'mg'"),
        ("25 mmol weekly", "'25 mmol' is not a mass"),
        ("nan mg weekly", "'nan mg' is not a finite number"),
        ("inf mg", "'inf mg' is not a finite number"),
        ("1e999 mg", "'1e999 mg' is not a finite number"),
        ("25 mg/day", "'25 mg/day' is per 'day'. Expected '25 mg', '15 mg/m2' or '20 mg/kg'"),
        ("25 mg per day", "a dose a day is '25 mg daily'"),
        ("25 mg/kg/day", "is per 'kg/day'"),
        ("15 mg/m 2 times daily", "'15 mg/m' is per 'm'"),  # not 15 mg/m2
        ("15 mg/m3", "is per 'm3'"),
        ("25 mg IV over 30 weekly", "unknown unit of time 'weekly' in 'over 30 weekly'. Closest"),
        ("25 mg IV over 30 mni", "unknown unit of time 'mni' in 'over 30 mni'. Closest: 'min'"),
        ("25 mg IV over 30-60 min", "'over 30' has no unit. Expected a time such as '30 min'"),
        ("25 mg every 2-3 days", "'every 2' has no unit"),
        ("25 mg every 3rd day", "unknown unit of time 'rd' in 'every 3rd'"),
        ("25 mg weekly for 3", "'for 3' has no unit"),
        ("25 mg every inf h", "every: 'inf h' is not a finite number"),
        ("25 mg every nan h", "every: 'nan h' is not a finite number"),
        ("25 mg every 1e999 h", "is not a finite number"),
        ("25 mg IV over nan min", "over: 'nan min' is not a finite number"),
        ("25 mg daily for inf days", "for: 'inf d' is not a finite number"),
    ],
)
def test_units_that_cannot_be(text, message):
    with pytest.raises(UnitError) as caught:
        Regimen(text)
    assert message in str(caught.value)
    assert caught.value.path[0] == "regimen"


@pytest.mark.parametrize(
    ("make", "key", "message"),
    [
        (lambda: Phase(25), "amount", "25 has no unit. Expected a mass such as '25 mg'"),
        (lambda: Phase(None), "amount", "None has no unit"),
        (lambda: Phase("25"), "amount", "'25' has no unit of mass"),
        (lambda: Phase(""), "amount", "does not begin with a number"),
        (lambda: Phase("1,5 mg"), "amount", "has a comma"),
        (lambda: Phase("25 mg IV"), "amount", "unknown unit 'mg IV'"),
        (lambda: Phase("20 nM"), "amount", "is a concentration"),
        (lambda: Phase("5 pg"), "amount", "is not an amount"),
        (lambda: Phase("25 mg", route="SC"), "route", "'SC' is not a route. Expected 'IV bolus',"),
        (lambda: Phase("25 mg", route=""), "route", "'' is not a route"),
        (lambda: Phase("25 mg", route=1), "route", "1 is not a route"),
        (lambda: Phase("25 mg", route="IV", over="30"), "over", "'30' has no unit"),
        (lambda: Phase("25 mg", route="IV", over=30), "over", "30 has no unit"),
        (lambda: Phase("25 mg", route="IV", over="0 h"), "over", "write 'IV bolus'"),
        (lambda: Phase("25 mg", over="1 h"), "over", "without a route"),
        (lambda: Phase("25 mg", every="1"), "every", "'1' has no unit"),
        (lambda: Phase("25 mg", every="20 nM"), "every", "is not a time"),
        (lambda: Phase("25 mg", every="0 h"), "every", "is not above zero"),
        (lambda: Phase("25 mg", every="11 years"), "every", "is not from 1 ms to 10 years"),
        (lambda: Phase("25 mg", times=3), "times", "3 doses without a frequency"),
        (lambda: Phase("25 mg", every="1 d", times=0), "times", "0 is not from 1 to 10000"),
        (lambda: Phase("25 mg", every="1 d", times=2.0), "times", "2.0 is not a whole number"),
        (lambda: Phase("25 mg", every="1 d", times=True), "times", "True is not a whole number"),
        (lambda: Phase("25 mg", every="1 d", times="3"), "times", "'3' is not a whole number"),
        (lambda: Phase("25 mg", cycle="1 week"), "cycle", "needs a frequency and a number of"),
        (lambda: Phase("25 mg", every="1 d", cycle="1 week"), "cycle", "needs a frequency and"),
        (lambda: Phase("25 mg", every="1 d", times=2, cycles=2), "cycles", "without a cycle"),
        (lambda: Pause("0 h"), "length", "'0 h' is not above zero"),
        (lambda: Pause(5), "length", "5 has no unit"),
        (lambda: Pause("nan h"), "length", "not a finite number"),
        (lambda: Regimen("25 mg", start="-1 h"), "start", "'-1 h' is not from 0 h to 10 years"),
        (lambda: Regimen("25 mg", start="11 years"), "start", "is not from 0 h to 10 years"),
        (lambda: Regimen("25 mg", start=0), "start", "0 has no unit"),
        (lambda: Regimen("25 mg", start="nan h"), "start", "not a finite number"),
        (lambda: Regimen(None), "regimen", "None is not a regimen. Expected text such as"),
        (lambda: Regimen(25), "regimen", "25 is not a regimen"),
        (lambda: Regimen(b"25 mg"), "regimen", "is not a regimen"),
        (lambda: Regimen(Phase("25 mg")), "regimen", "or a list of Phase and Pause"),
        (lambda: Regimen([]), "regimen", "no dose given"),
        (lambda: Regimen([Pause("1 h")]), "regimen", "no dose given"),
    ],
)
def test_the_wrong_argument_is_named(make, key, message):
    with pytest.raises(InputError) as caught:
        make()
    assert message in str(caught.value)
    assert str(caught.value).startswith(key)
    assert caught.value.path == (key,)


def test_the_wrong_part_of_a_list_is_named():
    with pytest.raises(RegimenError, match=r"part 2: '25 mg' is not a Phase or a Pause") as caught:
        Regimen([Phase("25 mg"), "25 mg"])
    assert caught.value.path == ("regimen", 1)


def test_too_many_doses_before_the_end():
    regimen = Regimen("1 mg every 1 min")
    assert len(regimen.doses(10_000)) == 10_000
    for end in (10_001, 1e300, math.inf):
        with pytest.raises(RegimenError, match="gives more than 10000 doses before"):
            regimen.doses(end)
    with pytest.raises(RegimenError, match="nan is not a time"):
        regimen.doses(math.nan)


def test_very_long_text_is_refused_at_once():
    for piece in ("9", "25 mg then ", "x", " ", ",", "then ", "/", "-", "a-"):
        for begin in ("", "25 mg weekly ", "25 mg over ", "25 mg every 2"):
            with pytest.raises(InputError) as caught:
                Regimen(begin + piece * 30_000 + " !")
            assert len(str(caught.value)) < 500


@pytest.mark.parametrize("length", ["12.3 h", "20.5 h"])
def test_a_length_that_misses_a_whole_number_by_a_rounding_is_one(length):
    every = 4.1  # h; 12.3 h over it is 3.0000000000000004
    assert Regimen(f"5 mg every {every} h for {length}").parts[0].times == round(
        float(length.split()[0]) / every
    )


@pytest.mark.parametrize("length", ["5.001 days", "4.9999 days", "7201 min"])
def test_a_length_that_is_nearly_whole_is_refused(length):
    with pytest.raises(RegimenError, match="not a whole number of intervals"):
        Regimen(f"5 mg daily for {length}")


# Overlaps


def given(*pairs):
    return [Dose(time, 25.0, "", "IV", infusion) for time, infusion in pairs]


@pytest.mark.parametrize(
    "doses",
    [
        given(),
        given((0, 30)),
        given((0, 30), (30, 30)),  # one ends as the next begins
        given((0, None), (1, None)),
        given((0, 30), (30, None)),
        given((30, 30), (0, 30)),
        given((0.1, 0.1), (0.1 + 0.1, 0.1), (0.3, 0.1)),  # 0.2 + 0.1 is a digit above 0.3
    ],
)
def test_no_overlap(doses):
    check_overlaps(doses)


@pytest.mark.parametrize(
    ("doses", "message"),
    [
        (
            given((0, 30), (10070, 40), (10080, 30)),
            "infusions overlap from 10080 to 10110 min (dose 2 and dose 3).",
        ),
        (
            given((10080, 30), (10070, 40)),  # counted as given, not as sorted
            "infusions overlap from 10080 to 10110 min (dose 2 and dose 1).",
        ),
        (
            given((0, 60), (10, 20)),
            "infusions overlap from 10 to 30 min (dose 1 and dose 2).",
        ),
        (
            given((0, 60), (10, None)),
            "dose 2 at 10 min falls into the infusion of dose 1, which ends at 60 min.",
        ),
        (given((5, None), (5, None)), "two doses at 5 min (dose 1 and dose 2)."),
        (given((5, None), (5, 30)), "two doses at 5 min (dose 1 and dose 2)."),
        (given((5, 30), (5, 30)), "infusions overlap from 5 to 35 min (dose 1 and dose 2)."),
    ],
)
def test_overlap(doses, message):
    with pytest.raises(RegimenError) as caught:
        check_overlaps(doses)
    assert str(caught.value) == f"{message} Shift one or merge them."


def test_a_pause_as_long_as_the_infusion_is_enough():
    regimen = Regimen("5 mg IV over 0.1 min; pause 0.1 min; 5 mg IV over 0.1 min", start="1.3 h")
    assert [dose.time for dose in regimen.doses(math.inf)] == [78, 78.1]


def test_the_first_dose_of_an_open_phase_may_not_fall_into_what_goes_before():
    before = "5 mg IV over 2 days once then pause 1 day then"
    for after in ("5 mg weekly", "5 mg IP daily x2 every week"):
        with pytest.raises(RegimenError, match="dose 2 at 1440 min falls into the infusion of"):
            Regimen(f"{before} {after}")
    assert Regimen("5 mg IV over 2 days once then pause 2 days then 5 mg weekly").is_open


def test_the_shortest_intervals_stay_apart_at_the_latest_start():
    doses = Regimen([Phase("1 mg", every="1 ms", times=3)], start="10 years").doses(math.inf)
    assert len({dose.time for dose in doses}) == 3


# What is a regimen


@pytest.mark.parametrize(
    "text",
    [
        *("25 mg", "25mg weekly", "20 mg/kg IP", "  500 ug", "1 g once", "15 mg / m2", "25 MG IV"),
        *("25 mgs weekly", "25 mgs, IV", "25 milligrammes x4", "25 mm/kg every week"),
        *("25 mg per day", "25 mg/day", "25 mg weeekly", "25 mg/kg/day", "-5 mg", "0 mg", "nan mg"),
    ],
)
def test_what_looks_like_a_regimen(text):
    assert looks_like_regimen(text)


@pytest.mark.parametrize(
    "text",
    [
        *("20 nM", "18 ng/mL", "18 ng / mL", "18 ng per ml", "18 NG/ML", "2 mg/dL", "3 g/litre"),
        *("", "weekly", "mg", "25", "25 weekly", "25 m", "25 mgg", "pause 2 weeks", "2 mg/cm3"),
        *("5 mM", "72 h", None, 25, 25.0, b"25 mg", ["25 mg"]),
    ],
)
def test_what_does_not(text):
    assert not looks_like_regimen(text)


def test_every_unit_of_mass_that_is_read_is_one():
    exact = {"kg": "1e6", "g": "1e3", "mg": "1", "mcg": "1e-3", "ug": "1e-3", "ng": "1e-6"}
    long = {"kilogram": "kg", "gram": "g", "milligram": "mg", "microgram": "ug", "nanogram": "ng"}
    for unit in [*exact, *long, *(f"{name}s" for name in long)]:
        short = long.get(unit.removesuffix("s"), unit)
        assert words._is_mass(unit)
        assert quantity(f"1 {unit}", "mg", "amount") == float(Fraction(exact[short]))
