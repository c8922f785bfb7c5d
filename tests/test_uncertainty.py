"""How far numbers may be off: by what the user says, the model files, the confidence."""

import pytest

import mtorsim as mt
from mtorsim.compile import compile_scenario
from mtorsim.uncertainty import FACTORS, standard_deviation, uncertain


@pytest.fixture(scope="module")
def compiled():
    return compile_scenario(mt.Scenario(drugs={"temsirolimus": "20 nM"}))


def test_a_grade_gives_a_range_around_the_value(compiled):
    (one,) = uncertain(compiled, ["kphos_S6K1_by_mTORC1"])
    assert (one.confidence, one.basis, one.branch) == ("C", "confidence C", "s6k1")
    assert (one.low, one.high) == (one.value / FACTORS["C"], one.value * FACTORS["C"])


def test_grades_are_ordered():
    assert 1 < FACTORS["A"] < FACTORS["B"] <= FACTORS["C"] < FACTORS["D"]


def test_a_plausible_range_of_the_file_goes_before_the_grade(compiled):
    # growth_factor.ant: INSR, plausible 10-300 nM
    (one,) = uncertain(compiled, ["INSR"])
    assert (one.low, one.high, one.unit, one.basis) == (10, 300, "nM", "plausible range")


def test_every_range_holds_its_value_and_shares_stay_below_one(compiled):
    every = uncertain(compiled)
    assert len(every) > 150
    for one in every:
        assert 0 < one.low < one.value < one.high, one
        assert one.high <= 1 or not one.is_share, one


def test_a_range_of_the_user_goes_before_all_and_may_have_another_unit(compiled):
    given = {"kphos_S6K1_by_mTORC1": ("1 1/(uM*min)", "0.1 1/(nM*min)")}
    (one,) = uncertain(compiled, ["kphos_S6K1_by_mTORC1"], bounds=given)
    assert (one.low, one.high, one.basis) == (pytest.approx(1e-3), 0.1, "given")


def test_a_range_that_holds_95_percent_is_four_standard_deviations_wide(compiled):
    (one,) = uncertain(compiled, ["INSR"], bounds={"INSR": (1.0, 2.718281828459045**3.92)})
    assert standard_deviation(one) == pytest.approx(1.0)


def test_choice_by_pattern_branch_and_grade(compiled):
    ids = {one.id for one in uncertain(compiled, ["k*phos_S6K1*"])}
    assert ids == {"kphos_S6K1_by_mTORC1", "kdephos_S6K1_by_PP2A"}
    assumed = uncertain(compiled, branches=["akt"], confidences=["D"])
    assert {(one.branch, one.confidence) for one in assumed} == {("akt", "D")}


def test_a_value_of_the_cell_belongs_to_the_cell():
    # cells/MCF-7.yaml has a number of its own for INSR, fitted
    (one,) = uncertain(compile_scenario(mt.Scenario(cell="MCF-7")), ["INSR"])
    assert (one.branch, one.confidence) == ("cells/MCF-7", "C")
    assert one.value == pytest.approx(mt.simulate(cell="MCF-7").compiled.adapted["INSR"])


def test_a_chronic_perturbation_is_in_the_value():
    lost = compile_scenario(mt.Scenario(perturbations=["raptor_knockdown"]))
    whole = compile_scenario(mt.Scenario())
    values = [uncertain(one, ["RPTOR"])[0].value for one in (lost, whole)]
    assert values[0] < 0.5 * values[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"patterns": ["kphos_S6K1"]}, "Closest: 'kphos_S6"),
        ({"patterns": ["kphos_*x"]}, "no parameter like 'kphos_\\*x'"),
        ({"patterns": ["HIF1A"]}, "cannot be set"),
        ({"branches": ["akta"]}, "Closest: 'akt'"),
        ({"confidences": ["E"]}, "Known: A, B, C, D"),
        ({"patterns": ["INSR"], "confidences": ["A"]}, "no parameter is left"),
        ({"patterns": ["INSR"], "bounds": {"INSR": (3, 2)}}, "does not rise"),
        ({"patterns": ["INSR"], "bounds": {"INSRR": (1, 2)}}, "Closest: 'INSR'"),
        ({"patterns": ["INSR"], "bounds": {"INSR": ("1 min", "2 min")}}, "INSR"),
        ({"patterns": ["INSR"], "bounds": {"INSR": "12"}}, "low and high"),
    ],
)
def test_what_cannot_be_varied_is_said(compiled, arguments, said):
    with pytest.raises(mt.InputError, match=said):
        uncertain(compiled, **arguments)
