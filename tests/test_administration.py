"""Regimens in the terms of a model: by hand, what goes where, when and how much."""

import pytest

from mtorsim import drugs, library
from mtorsim.administration import Course, administer, after_doses, amount, analytes
from mtorsim.derived import first_values
from mtorsim.errors import RegimenError, UnknownIdError
from mtorsim.regimen import Dose, Regimen
from mtorsim.symbols import symbols

WEEK = 10_080.0  # min


def course(regimens, species="human", end=4 * WEEK, **values):
    """Administer drug -> text to a body with the values of its model, or others."""
    plans = {drug: Regimen(text) for drug, text in regimens.items()}
    sbml = library.body_sbml(species, tuple(plans))
    usual = {id: one.value for id, one in symbols(sbml).items() if one.value is not None}
    made = Course()
    whole = {**usual, **values, **first_values(values, sbml)}
    administer(made, plans, species, end, whole, sbml)
    return made, whole


def nanomoles(milligrams, drug):
    return milligrams * 1e6 / drugs.load(drug).molar_mass.value


def test_analytes_are_the_drugs_and_their_metabolites():
    assert analytes(["temsirolimus"], "human") == ("sirolimus", "temsirolimus")
    assert analytes(["temsirolimus", "sirolimus"], "mouse") == ("sirolimus", "temsirolimus")
    assert analytes(["everolimus"], "human") == ("everolimus",)
    with pytest.raises(UnknownIdError, match="everolimus"):
        analytes(["Torin-1"], "human")


@pytest.mark.parametrize(
    ("per", "size"), [("", 1.0), ("m2", 1.8), ("kg", 80.0)], ids=["mg", "mg/m2", "mg/kg"]
)
def test_amount_counts_molecules(per, size):
    dose = Dose(0.0, 25.0, per, "IV", 30.0)
    values = {"body_weight": 80.0, "body_surface": 1.8}
    assert amount(dose, "temsirolimus", values) == pytest.approx(
        nanomoles(25 * size, "temsirolimus"), rel=1e-12
    )


def test_an_infusion_is_a_rate_that_is_set_and_reset():
    made, _ = course({"temsirolimus": "25 mg IV over 30 min weekly x2"})
    rate = nanomoles(25, "temsirolimus") / 30
    assert made.settings == {"infusion_rate_temsirolimus": pytest.approx(rate)}
    assert made.given == {}
    steps = made.steps(4 * WEEK)
    assert [step.time for step in steps] == [30, WEEK, WEEK + 30]
    rates = [step.values["infusion_rate_temsirolimus"] for step in steps]
    assert rates == pytest.approx([0, rate, 0])
    assert all(step.added == {} for step in steps)


def test_an_infusion_that_follows_another_goes_on():
    # The end of one and the beginning of the next fall together: the beginning wins.
    made, _ = course({"temsirolimus": "10 mg IV over 12 h every 12.0000000001 h x3"})
    rates = [step.values["infusion_rate_temsirolimus"] for step in made.steps(4 * WEEK)]
    rate = nanomoles(10, "temsirolimus") / 720
    assert [step.time for step in made.steps(4 * WEEK)] == [720, 1440, 2160]
    assert rates == pytest.approx([rate, rate, 0])


@pytest.mark.parametrize("order", [1, -1])
def test_an_infusion_ends_although_another_drug_is_given_just_then(order):
    plans = [("temsirolimus", "25 mg IV over 30 min"), ("sirolimus", "2 mg PO every 30 min")]
    made, _ = course(dict(plans[::order]), end=100.0)
    (first, *later) = made.steps(100.0)
    assert (first.time, first.values) == (30, {"infusion_rate_temsirolimus": 0})
    assert list(first.added) == ["sirolimus_gut"]
    assert [step.time for step in later] == [60, 90]
    assert all(step.values == {} for step in later)


@pytest.mark.parametrize(
    ("drug", "species", "text", "place"),
    [
        ("temsirolimus", "human", "25 mg IV bolus daily x3", "plasma"),
        ("temsirolimus", "mouse", "20 mg/kg IP daily x3", "peritoneum"),
        ("everolimus", "human", "10 mg PO daily x3", "gut"),
        ("Ku-0063794", "mouse", "10 mg/kg IP daily x3", "peritoneum"),
    ],
)
def test_other_doses_make_a_concentration_rise(drug, species, text, place):
    made, values = course({drug: text}, species)
    id = f"{drug.replace('-', '_')}_{place}"
    model = library.read_sbml(library.body_sbml(species, (drug,))).getModel()
    mass = float(text.split()[0]) * (values["body_weight"] if "kg" in text else 1)
    rise = nanomoles(mass, drug) / values[model.getSpecies(id).getCompartment()]
    assert made.given == {id: pytest.approx(rise)}
    steps = made.steps(4 * WEEK)
    assert [(step.time, step.values) for step in steps] == [(1440, {}), (2880, {})]
    assert [step.added for step in steps] == [{id: pytest.approx(rise)}] * 2


def test_a_larger_body_gets_more_per_kilogram_and_the_same_concentration():
    text = {"temsirolimus": "20 mg/kg IV bolus"}
    usual, heavy = (course(text, "mouse", **values)[0] for values in ({}, {"body_weight": 0.03}))
    assert heavy.given == pytest.approx(usual.given)
    flat = {"temsirolimus": "0.4 mg IV bolus"}
    usual, heavy = (course(flat, "mouse", **values)[0] for values in ({}, {"body_weight": 0.03}))
    (low,), (high,) = heavy.given.values(), usual.given.values()
    assert low == pytest.approx(high * 2 / 3)


def test_two_doses_in_one_place_add_up():
    made = Course()
    made.add_at(60.0, "gut", 1.0)
    made.add_at(60.0000001, "gut", 2.0)
    made.set_at(60.0, {"rate": 5.0})
    (step,) = made.steps(100.0)
    assert (step.time, step.values, step.added) == (60, {"rate": 5}, {"gut": 3})


def test_what_the_end_cuts_off_is_no_step():
    made, _ = course({"temsirolimus": "25 mg IV over 30 min daily"}, end=1450.0)
    assert [step.time for step in made.steps(1450.0)] == [30, 1440]
    assert made.steps(1440.0)[-1].time == 30


def test_a_late_start_leaves_time_zero_alone():
    sbml = library.body_sbml("human", ("temsirolimus",))
    values = {id: one.value for id, one in symbols(sbml).items()}
    made = Course()
    plan = {"temsirolimus": Regimen("25 mg IV over 30 min", start="1 h")}
    administer(made, plan, "human", 600.0, values, sbml)
    assert (made.given, made.settings) == ({}, {})
    assert [step.time for step in made.steps(600.0)] == [60, 90]


def test_a_way_that_a_drug_is_not_given_is_refused():
    with pytest.raises(RegimenError, match="not given PO in human"):
        course({"temsirolimus": "25 mg PO"})


def test_curves_bend_after_doses():
    plans = {"temsirolimus": Regimen("25 mg IV daily x2"), "sirolimus": Regimen("2 mg")}
    assert after_doses(plans, 1500.0, [30.0, 60.0]) == [0, 30, 60, 1440, 1470]
    assert after_doses({}, 1500.0, [30.0]) == []
    # A seventh of a day, seven times, is a day.
    sevenths = {"sirolimus": Regimen(f"2 mg every {1440 / 7!r} min x8")}
    assert len(after_doses(sevenths, 3000.0, [1440.0])) == 8 + 7
