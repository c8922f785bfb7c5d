"""What is varied, and what a value makes of a scenario."""

import math

import numpy as np
import pytest

from mtorsim.dosing import Constant, Repeated
from mtorsim.errors import InputError
from mtorsim.regimen import Regimen
from mtorsim.scenario import Scenario, Treatment
from mtorsim.sweeps.axes import Axis, axis, linspace, logspace, normalized, parsed
from mtorsim.sweeps.points import axis_to_blame, changed

# --- axes -----------------------------------------------------------------------------------------


def test_numbers_have_a_unit_and_names_have_none():
    doses = axis("drug.temsirolimus.dose", ["1 nM", "10nM"])
    assert (doses.target, doses.values, doses.unit) == (
        "drugs.temsirolimus.dose",
        (1.0, 10.0),
        "nM",
    )
    assert doses.is_number
    cells = axis("cell", ["786-O", "22Rv1"])  # begin with digits, and are names
    assert (cells.values, cells.is_number) == (("786-O", "22Rv1"), False)
    assert axis("kphos_S6K1_by_mTORC1", np.array([0.1, 0.3])).values == (0.1, 0.3)
    assert axis("set.kphos_S6K1_by_mTORC1", [1]).target == "kphos_S6K1_by_mTORC1"


def test_values_in_several_units_are_brought_into_the_first():
    assert axis("drugs.sirolimus.dose", ["1 nM", "0.1 uM"]).values == (1.0, 100.0)
    assert axis("duration", ["1 h", "90 min", "1 d"]).values == (1.0, 1.5, 24.0)


def test_words_for_time_are_abbreviated():
    # xarray reads "hours" and "days" in a store as a calendar.
    assert axis("duration", ["1 hours", "2 h"]).unit == "h"
    assert axis("duration", ["1 days", "2 days"]).unit == "d"


@pytest.mark.parametrize(
    ("given", "values"),
    [
        (logspace("0.01 nM", "100 nM", 5), (0.01, 0.1, 1.0, 10.0, 100.0)),
        (linspace("0 nM", "0.5 nM", 6), (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)),
        ({"from": "1 nM", "to": "2 nM", "points": 2}, (1.0, 2.0)),
    ],
)
def test_ranges_are_exact_where_a_pencil_is(given, values):
    assert axis("drugs.sirolimus.dose", given).values == values


def test_a_range_without_points_has_its_ends():
    found = axis("drugs.sirolimus.dose", {"from": "1 nM", "to": "0.1 uM", "spacing": "log"})
    assert (found.values, found.unit, found.spacing) == ((1.0, 100.0), "nM", "log")
    assert found.sampled(np.array([0.0, 0.5, 0.75])) == [1.0, 10.0, 31.6227766017]
    linear = Axis("x", (0.0, 10.0), spacing="linear")
    assert linear.sampled(np.array([0.0, 0.25])) == [0.0, 2.5]


def test_a_number_of_doses_is_drawn_whole_and_evenly():
    times = axis("drugs.sirolimus.times", {"from": 1, "to": 3})
    drawn = times.sampled(np.linspace(0, 1, 3000, endpoint=False))
    assert [drawn.count(k) for k in (1.0, 2.0, 3.0)] == [1000, 1000, 1000]


def test_perturbations_are_names_or_lists_of_them():
    found = axis("perturbations", ["none", "PTEN_loss+hypoxia", ["hypoxia"], []])
    assert found.values == ("none", "PTEN_loss+hypoxia", ("hypoxia",), ())
    assert [found.say(value) for value in found.values] == [
        *("none", "PTEN_loss+hypoxia", "hypoxia", "none"),
    ]


def test_a_regimen_is_a_name_though_it_begins_with_a_number():
    found = axis("drugs.temsirolimus.regimen", ["25 mg weekly x4", "75 mg weekly x4"])
    assert not found.is_number
    assert found.values == ("25 mg weekly x4", "75 mg weekly x4")


def test_axes_say_what_they_are():
    assert axis("drugs.sirolimus.dose", logspace("1 pM", "1 nM", 4)).in_words() == (
        "drugs.sirolimus.dose: 4 values from 1 to 1000 pM"
    )
    assert axis("cell", ["786-O", "PC-3"]).in_words() == "cell: 786-O, PC-3"
    assert axis("duration", {"from": "1 h", "to": "3 h"}).in_words() == (
        "duration: a range from 1 to 3 h"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cell=786-O, PC-3", axis("cell", ["786-O", "PC-3"])),
        ("drug.sirolimus.dose=1nM:1uM:4:log",
         axis("drugs.sirolimus.dose", logspace("1nM", "1uM", 4))),
        ("duration=1h:3h:3", axis("duration", linspace("1h", "3h", 3))),
        ("k=1:3::log", axis("k", {"from": 1, "to": 3, "spacing": "log"})),
        ("k=1:3", axis("k", {"from": 1, "to": 3})),
    ],
)  # fmt: skip
def test_text_of_the_command_line(text, expected):
    assert parsed(text) == expected


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: axis("", [1]), "expected a name such as 'cell'"),
        (lambda: axis(7, [1]), "expected a name such as 'cell', got 7"),
        (lambda: axis("cell", "786-O"), "cell: expected a list of values or a range"),
        (lambda: axis("cell", []), "cell: expected 1 to 1000000 values, got 0"),
        (lambda: axis("cell", [786]), "cell: expected text such as a name, got 786"),
        (lambda: axis("cell", [True]), "cell: expected text such as a name, got True"),
        (lambda: axis("drugs.temsirolmus.dose", ["1 nM"]), "Closest: 'temsirolimus'"),
        (lambda: axis("drugs.temsirolimus.does", ["1 nM"]), "no field of a drug 'does'. Closest"),
        (lambda: axis("drugs.temsirolimus", ["1 nM"]), "expected a drug and what of it"),
        (lambda: axis("stimuli.insuline", ["1 nM"]), "no stimulus 'insuline'. Closest: 'insulin'"),
        (lambda: axis("drugz.sirolimus.dose", ["1 nM"]), "no group to vary 'drugz'. Closest"),
        (lambda: axis("k", [1, "2 nM"]), "k: some values have a unit and some have none"),
        (lambda: axis("k", [math.nan]), "k: nan is not a finite number"),
        (lambda: axis("k", ["1 nM", "1 h"]), "k: '1.0 h' is not a concentration"),
        (
            lambda: axis("drugs.sirolimus.dose", ["2 mg PO daily", "5 mg PO daily"]),
            "'2 mg PO daily' is a regimen. Vary drugs.sirolimus.regimen",
        ),
        (lambda: axis("k", {"from": 1}), "'to' is missing from the range"),
        (lambda: axis("k", {"from": 1, "to": 2, "point": 3}), "Closest: 'points'"),
        (lambda: axis("k", {"from": 1, "to": 2, "spacing": "lgo"}), "Closest: 'log'"),
        (lambda: axis("k", {"from": 2, "to": 1}), "a range from 2 to 1 does not rise"),
        (lambda: axis("k", {"from": 0, "to": 1, "spacing": "log"}), "begins above zero, not 0"),
        (lambda: axis("k", {"from": 0, "to": 1, "points": 1}), "points: 1 is not a whole number"),
        (lambda: axis("k", {"from": 0, "to": 1, "points": 2.5}), "points: 2.5 is not a whole"),
        (lambda: axis("k", {"from": 0, "to": 1, "points": math.inf}), "points: inf is not a whole"),
        (lambda: axis("cell", {"from": "a", "to": "b"}), "expected a range between two quantities"),
        (lambda: parsed("cell"), "expected NAME=a,b,c or NAME=low:high:points[:log]"),
        (lambda: parsed("k=1:2:3:log:x"), "expected low:high:points[:log]"),
        (lambda: parsed("k=1:"), "expected low:high:points[:log]"),
        (lambda: parsed("k=1:2:nine"), "points: 'nine' is not a whole number"),
    ],
)
def test_what_cannot_be_an_axis_is_refused(make, message):
    with pytest.raises(InputError) as caught:
        make()
    assert message in str(caught.value)


def test_one_name_for_one_thing():
    assert normalized("drug.sirolimus.dose") == normalized("drugs.sirolimus.dose")
    assert normalized("set.FKBP12") == "FKBP12"


# --- points ---------------------------------------------------------------------------------------


def point(base, **given):
    """Return the scenario in which some axes have these values; ``__`` stands for a point."""
    axes = [axis(name.replace("__", "."), [value]) for name, value in given.items()]
    return changed(base, axes, [one.values[0] for one in axes])


DISH = Scenario(
    cell="786-O",
    drugs={"sirolimus": "20 nM"},
    stimuli={"insulin": "1 nM"},
    perturbations=["PTEN_loss"],
    set={"kphos_S6K1_by_mTORC1": 0.3},
    duration="24 h",
    observe=["S6K1_pT389"],
)


@pytest.mark.parametrize(
    ("given", "changes"),
    [
        ({"cell": "PC-3"}, {"cell": "PC-3"}),
        ({"duration": "2 h"}, {"duration": "2 h"}),
        ({"perturbations": "none"}, {"perturbations": ()}),
        ({"perturbations": "PTEN_loss+hypoxia"}, {"perturbations": ("PTEN_loss", "hypoxia")}),
        ({"perturbations": ["hypoxia"]}, {"perturbations": ("hypoxia",)}),
        ({"stimuli__insulin": "5 nM"}, {"stimuli": {"insulin": "5 nM"}}),
        ({"stimuli__IGF1": "5 nM"}, {"stimuli": {"insulin": "1 nM", "IGF1": "5 nM"}}),
        ({"kphos_S6K1_by_mTORC1": 0.4}, {"set": {"kphos_S6K1_by_mTORC1": 0.4}}),
        (
            {"FKBP12": "100.0 nM"},
            {"set": {"kphos_S6K1_by_mTORC1": 0.3, "FKBP12": "100.0 nM"}},
        ),
        ({"drugs__sirolimus__dose": "1 nM"}, {"drugs": {"sirolimus": "1 nM"}}),
        (
            {"drugs__sirolimus__start": "2 h", "drugs__sirolimus__stop": "3 h"},
            {"drugs": {"sirolimus": Constant("20 nM", start="2 h", stop="3 h")}},
        ),
        (
            {"drugs__sirolimus__every": "8 h", "drugs__sirolimus__times": 3},
            {"drugs": {"sirolimus": Repeated("20 nM", every="8 h", times=3)}},
        ),
        (
            {"drugs__AZD8055__dose": "1 uM", "drugs__AZD8055__start": "1 h"},
            {"drugs": {"sirolimus": "20 nM", "AZD8055": Constant("1 uM", start="1 h")}},
        ),
        (
            {"drugs__AZD8055__start": "1 h", "drugs__AZD8055__dose": "1 uM"},  # in any order
            {"drugs": {"sirolimus": "20 nM", "AZD8055": Constant("1 uM", start="1 h")}},
        ),
        (
            {"drugs__sirolimus__dose": "20 ng/mL"},
            {"drugs": {"sirolimus": "20 ng/mL"}},
        ),
    ],
)
def test_a_value_changes_what_it_is_a_value_of(given, changes):
    assert point(DISH, **given) == DISH.replace(**changes)


REPEATED = Scenario(
    drugs=[Treatment("sirolimus", Repeated("20 nM", every="8 h", times=3, exposure="1 h"))]
)
BODY = Scenario(drugs={"temsirolimus": "25 mg IV over 30 min weekly x4"})


def test_a_schedule_keeps_what_is_not_varied():
    found = point(REPEATED, drugs__sirolimus__dose="1 nM", drugs__sirolimus__times=2)
    assert found.drugs[0].schedule == Repeated("1 nM", every="8 h", times=2, exposure="1 h")


def test_amounts_of_a_regimen_are_varied_and_its_times_kept():
    found = point(BODY, drugs__temsirolimus__dose="75 mg").drugs[0].schedule
    assert found == Regimen("75 mg IV over 30 min weekly x4")
    later = point(BODY, drugs__temsirolimus__start="3 d").drugs[0].schedule
    assert later == Regimen("25 mg IV over 30 min weekly x4", start="3 d")
    per_surface = Scenario(
        drugs={"temsirolimus": "15 mg/m2 weekly x2 then pause 1 week then 15 mg/m2"}
    )
    found = point(per_surface, drugs__temsirolimus__dose="20 mg/m2").drugs[0].schedule
    assert found == Regimen("20 mg/m2 weekly x2 then pause 1 week then 20 mg/m2")  # fmt: skip


def test_a_regimen_replaces_a_regimen_or_gives_a_drug():
    other = "75 mg weekly x2"
    assert point(BODY, drugs__temsirolimus__regimen=other).drugs[0].schedule == Regimen(other)
    dish = Scenario()
    assert point(dish, drugs__temsirolimus__regimen=other).drugs[0].schedule == Regimen(other)
    assert point(dish, drugs__temsirolimus__dose="25 mg").drugs[0].schedule == Regimen("25 mg")
    assert point(BODY, species="mouse").species == "mouse"


@pytest.mark.parametrize(
    ("base", "given", "message"),
    [
        (DISH, {"cell": "786O"}, "Closest: '786-O'"),
        (DISH, {"drugs__sirolimus__dose": "-1 nM"}, "is negative"),
        (
            DISH,
            {"drugs__AZD8055__start": "1 h"},
            "does not give AZD8055. Give it, or vary its dose",
        ),
        (DISH, {"drugs__sirolimus__every": "1 h"}, "needs 'times' as well"),
        (DISH, {"drugs__sirolimus__times": 2}, "needs 'every' as well"),
        (DISH, {"drugs__sirolimus__start": "25 h"}, "not before the end"),
        (REPEATED, {"drugs__sirolimus__times": 2.5}, "2.5 is not a whole number"),
        (REPEATED, {"drugs__sirolimus__stop": "1 h"}, "'stop' does not go with 'every'"),
        (BODY, {"drugs__temsirolimus__every": "1 d"}, "given as a regimen, which says when"),
        (BODY, {"drugs__temsirolimus__dose": "20 nM"}, "expected a mass such as '25 mg'"),
        (
            BODY.replace(drugs={"temsirolimus": "175 mg weekly x1 then 75 mg weekly x2"}),
            {"drugs__temsirolimus__dose": "25 mg"},
            "differ. Vary drugs.temsirolimus.regimen",
        ),
        (DISH, {"species": "mouse"}, "whose body drugs go through, and none does"),
    ],
)
def test_what_a_scenario_refuses_is_refused(base, given, message):
    with pytest.raises(InputError) as caught:
        point(base, **given)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        (("cell",), "cell"),
        (("stimuli", "insulin"), "stimuli.insulin"),
        (("set", "FKBP12"), "FKBP12"),
        (("drugs", 0, "start"), "drugs.sirolimus.start"),
        (("drugs", "sirolimus", "start"), "drugs.sirolimus.start"),
        (("drugs", 0), "drugs.sirolimus.dose"),
        (("observe", 0), None),
        ((), None),
    ],
)
def test_a_refusal_is_traced_to_its_axis(path, target):
    names = ("cell", "stimuli.insulin", "drugs.sirolimus.dose", "drugs.sirolimus.start", "FKBP12")
    error = InputError("no.")
    error.path = path
    found = axis_to_blame(error, [Axis(name, ("1",)) for name in names])
    assert (found and found.target) == target
