"""PEtab problems: valid by PEtab's own linter, and solved by somebody else's simulator."""

from functools import cache

import libsbml
import numpy as np
import pytest
import roadrunner
from petab import v1 as petab
from petab.v1.lint import lint_problem

import mtorsim as mt
from mtorsim.check import check_file
from mtorsim.compile import compile_scenario
from mtorsim.errors import InputError, UnknownIdError
from mtorsim.export.bounds import bounds
from mtorsim.symbols import symbols
from mtorsim.uncertainty import uncertain

# PEtab's library asks pandas for what pandas is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:petab.*")

WASHED = mt.Constant("20 nM", start="1 h", stop="6 h")
INFUSED = "25 mg IV over 30 min weekly x2"
SCENARIOS = {
    "constant dose": {"drugs": {"temsirolimus": "20 nM"}},
    "wash-out": {
        "drugs": [mt.Treatment("temsirolimus", WASHED)],
        "stimuli": {"insulin": "10 nM"},
        "duration": "24 h",
    },
    "hypoxia": {
        "cell": "Caki-1",
        "perturbations": ["hypoxia", "PTEN_loss"],
        "drugs": {"everolimus": "20 nM", "AZD8055": "50 nM"},
    },
    "infusions": {"drugs": {"temsirolimus": INFUSED}, "duration": "9 d"},
}
ESTIMATED = ("kphos_S6K1_by_mTORC1", "kdeg_MYC")
READ = ("S6K1_pT389", "AKT_pS473", "mTORC2", "VEGF_mRNA", "viability", "growth_rate")


def scenario(name, **changes):
    return mt.Scenario(**SCENARIOS[name], observe=READ, **changes)


@cache
def problem(name, folder):
    path = mt.export_petab(scenario(name), folder, estimate=ESTIMATED)
    return petab.Problem.from_yaml(str(path / "problem.yaml"))


@pytest.fixture(scope="module", params=SCENARIOS)
def case(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("petab") / "problem"
    return request.param, problem(request.param, folder), folder


def predicted(one, **parameters):
    """What plain RoadRunner predicts of each measurement, by PEtab's own definition."""
    runner = roadrunner.RoadRunner(libsbml.writeSBMLToString(one.model.sbml_document))
    species = {*runner.model.getFloatingSpeciesIds(), *runner.model.getBoundarySpeciesIds()}
    runner.integrator.relative_tolerance = 1e-10
    runner.integrator.absolute_tolerance = 1e-22
    runner.integrator.maximum_num_steps = 200_000

    def apply(condition):
        for id in one.condition_df.columns.drop("conditionName"):
            name = f"[{id}]" if id in species else id
            runner.setValue(name, float(one.condition_df.loc[condition, id]))

    for id, value in parameters.items():
        runner.setValue(id, value)
    (before,) = one.measurement_df["preequilibrationConditionId"].unique()
    (after,) = one.measurement_df["simulationConditionId"].unique()
    formulas = one.observable_df["observableFormula"]
    runner.timeCourseSelections = [f"[{id}]" if id in species else id for id in formulas]
    apply(before)
    runner.simulate(0, 1e7, 2)
    # What is reached is kept; time begins again, and so do the triggers of events.
    runner.model.setTime(0)
    apply(after)
    times = np.unique(one.measurement_df["time"])
    curves = dict(
        zip(formulas.index, np.array(runner.simulate(times=times.tolist())).T, strict=True)
    )
    return np.array(
        [
            curves[row.observableId][np.searchsorted(times, row.time)]
            for row in one.measurement_df.itertuples()
        ]
    )


def test_petab_finds_no_fault(case):
    assert not lint_problem(case[1])  # it returns whether there are errors


def test_the_model_of_a_problem_is_sound(case):
    found = check_file(case[2] / "model.xml").findings
    assert [str(one) for one in found if one.severity != "note"] == []


def test_nominal_values_give_the_scenario(case):
    _, one, _ = case
    measured = one.measurement_df["measurement"].to_numpy()
    sd = one.measurement_df["noiseParameters"].astype(float).to_numpy()
    # sd is a tenth of the largest value of the read-out: this compares to 1e-4 of that.
    largest = one.measurement_df.groupby("observableId")["measurement"].transform("max")
    assert sd == pytest.approx(0.1 * largest.to_numpy())
    assert np.abs((predicted(one) - measured) / sd).max() < 1e-3


def test_other_values_come_to_rest_by_themselves(case):
    """With another rate, PEtab's pre-equilibration gives the curves that `set` gives."""
    name, one, _ = case
    changed = {"kphos_S6K1_by_mTORC1": 0.01, "kdeg_MYC": 0.05}
    result = mt.simulate(scenario(name, set=changed))
    times = np.unique(one.measurement_df["time"])
    expected = dict(zip(READ, result.rows_at(times, READ), strict=True))
    mine = [
        expected[row.observableId.removeprefix("observable_")][np.searchsorted(times, row.time)]
        for row in one.measurement_df.itertuples()
    ]
    sd = one.measurement_df["noiseParameters"].astype(float).to_numpy()
    assert np.abs((predicted(one, **changed) - mine) / sd).max() < 1e-3


def test_estimated_parameters_lie_within_bounds_on_a_logarithmic_scale(case):
    table = case[1].parameter_df
    assert [*table.index] == [*ESTIMATED]
    assert set(table["parameterScale"]) == {"log10"}
    assert set(table["estimate"]) == {1}
    assert (table["lowerBound"] < table["nominalValue"]).all()
    assert (table["nominalValue"] < table["upperBound"]).all()


def test_without_a_choice_what_was_fitted_is_estimated(tmp_path):
    mt.export_petab(scenario("constant dose"), tmp_path / "p")
    one = petab.Problem.from_yaml(str(tmp_path / "p" / "problem.yaml"))
    assert len(one.parameter_df) > 30
    notes = {symbols()[id].notes for id in one.parameter_df.index if id in symbols()}
    assert all("fitted" in text for text in notes)


def limits(id, **changes):
    (one,) = uncertain(compile_scenario(scenario("constant dose", **changes)), [id])
    return bounds(one)


@pytest.mark.parametrize(
    ("id", "low", "high"),
    [
        ("koff_PI3K_IRS1", 1, 10),  # 3, called plausible 1-10
        ("kphos_TSC2_by_AMPK", 0.001 / 125, 0.125),  # 0.001, assumed: a factor of 5, cubed
        ("protection_AKT_pSer473", 0.3185 / 8, 1),  # fitted, a factor of 2, cubed; but a share
    ],
)
def test_bounds_follow_from_what_the_model_says_of_a_number(id, low, high):
    assert limits(id) == pytest.approx((low, high), rel=0.01)


def test_bounds_hold_the_value_wherever_it_was_set():
    low, high = limits("koff_PI3K_IRS1", set={"koff_PI3K_IRS1": 50})
    assert low < 50 < high


def test_a_pattern_stands_for_many(tmp_path):
    mt.export_petab(scenario("constant dose"), tmp_path / "p", estimate=["kphos_S6*"])
    one = petab.Problem.from_yaml(str(tmp_path / "p" / "problem.yaml"))
    assert [*one.parameter_df.index] == [
        "kphos_S6K1_by_mTORC1",
        "kphos_S6_by_S6K1",
        "kphos_S6_by_RSK",
    ]


# -- the user's own table --------------------------------------------------------------------------


def from_table(tmp_path, text, **options):
    (tmp_path / "data.csv").write_text(text, encoding="utf-8")
    options = {"estimate": ESTIMATED[:1], "data": tmp_path / "data.csv"} | options
    folder = mt.export_petab(scenario("wash-out"), tmp_path / "p", **options)
    return petab.Problem.from_yaml(str(folder / "problem.yaml"))


TABLE = """\
observable,time,value,sd
S6K1_pT389,30 min,1.5,0.2
S6K1_pT389,6 h,0.5,
eIF4F,2 h,40,4
"""


def test_a_table_becomes_measurements(tmp_path):
    one = from_table(tmp_path, TABLE)
    assert not lint_problem(one)
    table = one.measurement_df
    assert [*table["observableId"]] == ["observable_S6K1_pT389"] * 2 + ["observable_eIF4F"]
    assert [*table["time"]] == [30, 360, 120]
    assert [*table["measurement"]] == [1.5, 0.5, 40]
    # Without a standard deviation it is estimated, and begins at a tenth of the largest value.
    assert [*table["noiseParameters"].astype(str)] == ["0.2", "sd_S6K1_pT389", "4.0"]
    assert one.parameter_df.loc["sd_S6K1_pT389", "nominalValue"] == pytest.approx(0.15)


def test_arbitrary_units_get_a_scale(tmp_path):
    one = from_table(tmp_path, TABLE, arbitrary_units=True)
    assert not lint_problem(one)
    formulas = one.observable_df["observableFormula"]
    assert formulas["observable_eIF4F"] == "scaling_eIF4F * eIF4F"
    # A single value: the scale that fits best is its ratio to the model's.
    said = mt.simulate(scenario("wash-out"), observe=["eIF4F"], times=["2 h"])["eIF4F"][-1]
    value = one.parameter_df.loc["scaling_eIF4F", "nominalValue"]
    assert value == pytest.approx(40 / float(said), rel=5e-3)


def test_hours_may_be_plain_numbers(tmp_path):
    one = from_table(tmp_path, "observable,time_h,value\nMYC,6,5\n")
    assert [*one.measurement_df["time"]] == [360]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("observable,time,value\nS6K_pT389,6 h,1\n", "line 2: no observable.*S6K1_pT389"),
        ("observable,time,value\nMYC,6,1\n", "line 2: time: '6' has no unit"),
        ("observable,time,value\nMYC,6 h,1\nMYC,30 h,1\n", "line 3: time '30 h' is not from 0"),
        ("observable,time,value\nMYC,6 h,high\n", "line 2: value 'high' is not a number"),
        ("observable,time,value\nMYC,6 h,nan\n", "line 2: value 'nan' is not a number"),
        ("observable,time,value,sd\nMYC,6 h,1,0\n", "line 2: sd '0' is not above zero"),
        ("observable,time\nMYC,6 h\n", "no column 'value'"),
        ("observable,value\nMYC,1\n", "no column 'time'"),
        ("observable,time,time_h,value\nMYC,6 h,6,1\n", "both 'time' and 'time_h'"),
        ("observable,time,value,sdev\nMYC,6 h,1,1\n", "no column 'sdev'"),
        ("observable,time,value\n", "no measurements"),
        ("observable,time,value\n\n,,\n", "no measurements"),
        ("observable,time,value\n\n,,\nMYC,6 h,high\n", "line 4: value 'high'"),
        ("observable,time,value\nMYC,6 h\n", "line 2: value '' is not a number"),
        ("observable,time,value\nMYC,6 h,1,2\n", "more fields than there are columns"),
        ("observable,time,value,sd\nMYC,6 h,1,-1\n", "line 2: sd '-1' is not above zero"),
        ("", "not a CSV table"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        from_table(tmp_path, text)
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    ("id", "error", "message"),
    [
        ("kphos_S6K1", UnknownIdError, "kphos_S6K1_by_mTORC1"),
        ("AKT", InputError, "is no parameter .species."),
        ("S6K1_pT389", InputError, "Expected a parameter"),
        ("population_growth", InputError, "cannot be estimated"),
        ("kwash_temsirolimus", InputError, "cannot be estimated"),
    ],
)
def test_what_cannot_be_estimated(tmp_path, id, error, message):
    with pytest.raises(error, match=message):
        mt.export_petab(scenario("wash-out"), tmp_path / "p", estimate=[id])
    assert not (tmp_path / "p").exists()


def test_volumes_that_a_dose_was_computed_with_are_not_estimated(tmp_path):
    with pytest.raises(InputError, match="doses were computed with it"):
        mt.export_petab(scenario("infusions"), tmp_path / "p", estimate=["V_central_temsirolimus"])
