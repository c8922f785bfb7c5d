"""The engine: no state leaks, failures are errors, segments are events."""

import os
import signal

import numpy as np
import pytest
import roadrunner

import mtorsim as mt
from mtorsim import cells, library
from mtorsim.compile import compile_scenario
from mtorsim.engine import Engine, engine
from mtorsim.errors import ModelError, SimulationError
from mtorsim.observables import OBSERVABLES
from mtorsim.simulation import steady_state
from mtorsim.steps import Run, Step

READ = ("S6K1_pT389", "AKT_pS473", "mTORC2", "drug_medium")
TIMES = np.linspace(0, 4320, 73)

CELL = "compartment cell; cell = 1; species X in cell; X = 1; "
BLOWS_UP = CELL + "J: => X; cell*k*X*X; k = 1"
DIPS = CELL + "J: X => ; cell*k; k = 1"
NOT_A_NUMBER = CELL + "J: => X; cell*k*sqrt(1 - time); k = 1"


def small(text):
    return Engine(library.antimony_to_sbml(text))


def treated(dose="20 nM", **fields):
    compiled = compile_scenario(mt.Scenario(drugs={"temsirolimus": dose}, **fields))
    start = {**steady_state(compiled), **compiled.given}
    return compiled, Run(TIMES, compiled.settings, start, compiled.steps)


def test_same_run_is_bit_identical_after_another():
    compiled, one = treated()
    _, other = treated("1 nM", cell="PC-3", set={"kdeg_CCND1": "0.1 1/min"})
    runner = engine(compiled.sbml)
    first = runner.run(one, READ)
    runner.run(other, READ)
    assert (runner.run(one, READ) == first).all()


def test_same_run_is_bit_identical_after_steps_that_set_parameters():
    compiled, one = treated()
    _, washed = treated(mt.Constant("20 nM", stop="24 h"))
    runner = engine(compiled.sbml)
    first = runner.run(one, READ)
    runner.run(washed, READ)
    assert (runner.run(one, READ) == first).all()


def test_same_run_is_bit_identical_after_a_failure():
    runner = small(BLOWS_UP)
    fine = Run(np.array([0.0, 0.5]), {"k": 1.0})
    first = runner.run(fine, ["X"])
    with pytest.raises(SimulationError):
        runner.run(Run(np.array([0.0, 2.0]), {"k": 1.0}), ["X"])
    assert (runner.run(fine, ["X"]) == first).all()


def test_closed_form():
    # dX/dt = X**2 from 1: X = 1/(1 - t)
    values = small(BLOWS_UP).run(Run(np.array([0.0, 0.5, 0.9])), ["X"])
    assert values[:, 0] == pytest.approx([1, 2, 10], rel=1e-5)


def test_blow_up_is_an_error_that_says_when_and_what(capfd):
    with pytest.raises(SimulationError, match=r"(?s)(0\.9|1).*min.*X.*CVODE.*Try"):
        small(BLOWS_UP).run(Run(np.array([0.0, 2.0])), ["X"], label="blow-up")
    assert capfd.readouterr().out == ""


def test_negative_concentration_is_an_error():
    with pytest.raises(SimulationError, match=r"X is negative \(-1.* min"):
        small(DIPS).run(Run(np.array([0.0, 2.0])), ["X"])


def test_value_that_is_not_a_number_is_an_error():
    with pytest.raises(SimulationError):
        small(NOT_A_NUMBER).run(Run(np.array([0.0, 2.0])), ["X"])


def test_read_out_that_is_not_a_number_is_an_error():
    runner = small(CELL + "J: X => ; cell*k*X; k = 1; ratio := k/none; none = 0")
    with pytest.raises(SimulationError, match=r"ratio is not a number \(inf\) at 0 min"):
        runner.run(Run(np.array([0.0, 1.0])), ["X", "ratio"])
    fine = runner.run(Run(np.array([0.0, 1.0]), {"none": 2.0}), ["ratio"])
    assert fine[:, 0].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("settings", [{"k": float("nan")}, {"k": float("inf")}])
def test_setting_that_is_not_a_number_is_an_error(settings):
    with pytest.raises(SimulationError):
        small(DIPS).run(Run(np.array([0.0, 1.0]), settings), ["X"])


def test_rounding_of_the_solver_is_not_called_negative():
    # Nothing makes mTOR: its forms, and what the drug docks on, are zero and a little below.
    compiled, run = treated(set={"ksyn_MTOR": 0})
    values = engine(compiled.sbml).run(run, ["MTOR", "mTORC1"])
    assert np.abs(values).max() < 1e-4


def test_what_comes_after_the_last_output_is_not_run():
    # X is infinite at 1 min, and a step at 2 min is still to come.
    run = Run(np.array([0.0, 0.5]), steps=[Step(2.0, {"X": 0.0})])
    assert small(BLOWS_UP).run(run, ["X"])[1, 0] == pytest.approx(2, rel=1e-5)


def test_model_without_rest_is_an_error():
    with pytest.raises(SimulationError, match="X"):
        small(CELL + "J: => X; cell*k; k = 1").steady_state({})


@pytest.mark.parametrize(
    "text",
    [
        "J: => X; cell*k*X*(X - 1); k = 1",  # explodes from 1 + 1e-12
        "species Y in cell; Y = 3; J: => X; cell*(1 - 4*X + X^2*Y); K: => Y; cell*(3*X - X^2*Y)",
        "p = 0; p' = p",  # a rate rule
    ],
)
def test_a_state_that_any_disturbance_leaves_is_no_rest(text):
    # The second is the Brusselator with A = 1, B = 3, which circles around (1, 3).
    with pytest.raises(SimulationError, match="does not last: any disturbance of it grows"):
        small(CELL + text).steady_state({})


def test_rest_may_be_neutral_and_slow():
    # Totals that nothing changes, and a decay that takes years.
    rest = small(CELL + "species Y in cell; Y = 0; J: X -> Y; cell*(X - Y); Z = 0; Z' = -1e-6*Z")
    assert rest.steady_state({})["X"] == pytest.approx(0.5, rel=1e-8)


def test_unknown_setting_is_an_error():
    with pytest.raises(ModelError, match="'nothing'"):
        small(DIPS).run(Run(np.array([0.0, 0.1]), {"nothing": 1.0}), ["X"])


def test_unknown_step_is_an_error():
    run = Run(np.array([0.0, 0.1]), steps=[Step(0.05, {"nothing": 1.0})])
    with pytest.raises(ModelError, match="'nothing'"):
        small(DIPS).run(run, ["X"])


def test_broken_model_is_an_error():
    with pytest.raises(ModelError, match="RoadRunner"):
        Engine("<sbml>no</sbml>")


RATE_RULE = CELL + "J: X => ; cell*k*X; k = 1; n = 1; n' = r*(2 - n); r = 3"


def test_parameter_with_a_rate_rule_is_a_state():
    # dn/dt = r*(2 - n) from 1: n = 2 - exp(-r*t), whatever X does beside it.
    runner = small(RATE_RULE)
    values = runner.run(Run(np.array([0.0, 0.5])), ["n", "X"])
    assert values[1] == pytest.approx([2 - np.exp(-1.5), np.exp(-0.5)], rel=1e-6)
    assert runner.steady_state({})["n"] == pytest.approx(2, rel=1e-6)
    begun = runner.run(Run(np.array([0.0]), start={"n": 1.5}), ["n"])
    assert begun[0, 0] == 1.5


def test_events_of_the_model_leave_nothing_for_the_next_run():
    # reset() alone would keep what an event assigned to k.
    text = "J: X => ; cell*k*X; k = 1; E: at time > 1, t0=false: k = 0, X = 10"
    runner = small(CELL + text)
    times = np.array([0.0, 1.0, 2.0])
    first = runner.run(Run(times), ["X", "k"])
    assert first == pytest.approx(np.array([[1, 1], [np.exp(-1), 1], [10, 0]]), rel=1e-6)
    faster = runner.run(Run(times, {"k": 2.0}), ["X", "k"])
    assert faster[1] == pytest.approx([np.exp(-2), 2], rel=1e-6)
    assert (runner.run(Run(times), ["X", "k"]) == first).all()


def test_a_run_may_start_at_any_time():
    run = Run(np.array([5.0, 6.0, 7.0]), steps=[Step(6.0, {"X": 3.0})])
    values = small(CELL + "J: X => ; cell*k*X; k = 1").run(run, ["X"])
    assert values[:, 0] == pytest.approx([1, 3, 3 * np.exp(-1)], rel=1e-6)


@pytest.mark.parametrize("volume", [2e-12, 1.0, 50.0])
def test_concentrations_do_not_depend_on_the_volume(volume):
    runner = small(CELL + "J: X => ; cell*k*X; k = 1")
    values = runner.run(Run(np.array([0.0, 2.0]), {"cell": volume}), ["X"])
    assert values[:, 0] == pytest.approx([1, np.exp(-2)], rel=1e-6)


def test_value_at_a_step_is_that_after_it():
    run = Run(np.array([0.0, 0.25, 0.5]), steps=[Step(0.25, {"X": 7.0})])
    values = small(CELL + "J: X => ; cell*k*X; k = 0").run(run, ["X"])
    assert values[:, 0].tolist() == [1, 7, 7]


def test_a_step_may_add_to_what_is_there():
    # X falls as exp(-t); 3 nM are added at 0.5 and at 1.
    steps = [Step(0.5, added={"X": 3.0}), Step(1.0, {"k": 0.0}, {"X": 3.0})]
    times = np.array([0.0, 0.5, 1.0, 2.0])
    values = small(CELL + "J: X => ; cell*k*X; k = 1").run(Run(times, steps=steps), ["X", "k"])
    fallen = np.exp(-0.5)
    first = fallen + 3
    second = first * fallen + 3
    assert values[:, 0] == pytest.approx([1, first, second, second], rel=1e-6)
    assert values[:, 1].tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("volume", [2e-12, 1.0, 50.0])
def test_what_a_step_adds_is_a_concentration(volume):
    run = Run(np.array([0.0, 1.0]), {"cell": volume, "k": 0.0}, steps=[Step(0.5, added={"X": 3.0})])
    values = small(CELL + "J: X => ; cell*k*X; k = 1").run(run, ["X"])
    assert values[-1, 0] == pytest.approx(4, rel=1e-9)


def test_a_step_that_adds_to_nothing_known_is_an_error():
    run = Run(np.array([0.0, 0.1]), steps=[Step(0.05, added={"nothing": 1.0})])
    with pytest.raises(ModelError, match="'nothing'"):
        small(DIPS).run(run, ["X"])


def test_step_between_output_times_acts():
    run = Run(np.array([0.0, 1.0]), {"k": 0.0}, steps=[Step(0.5, {"k": 2.0})])
    values = small(CELL + "J: X => ; cell*k*X; k = 0").run(run, ["X"])
    assert values[1, 0] == pytest.approx(np.exp(-1), rel=1e-6)


@pytest.mark.parametrize("cell", cells.names())
def test_untreated_cell_stays_where_it_is(cell):
    compiled = compile_scenario(mt.Scenario(cell=cell))
    rest = steady_state(compiled)
    runner = engine(compiled.sbml)
    # The number of cells grows, and with it what is counted for the whole well.
    grows = {"cell_number", "ATP_signal"}
    ids = (*(id for id in OBSERVABLES if id not in grows), *runner.species)
    values = runner.run(Run(TIMES, compiled.settings, rest), ids)
    assert values == pytest.approx(np.tile(values[0], (len(TIMES), 1)), rel=1e-5, abs=1e-6)
    again = runner.steady_state({**compiled.adapted, **rest})
    assert again == pytest.approx({id: rest[id] for id in again}, rel=1e-7, abs=1e-8)


SCENARIOS = {
    "constant": mt.Scenario(drugs={"temsirolimus": "20 nM"}),
    "washed out": mt.Scenario(drugs={"sirolimus": mt.Constant("5 nM", start="2 h", stop="30 h")}),
    "repeated": mt.Scenario(
        drugs={"everolimus": mt.Repeated("10 nM", every="24 h", times=3, exposure="2 h")}
    ),
    "renewed": mt.Scenario(
        cell="PC-3", drugs={"sirolimus": mt.Repeated("1 nM", every="24 h", times=3)}
    ),
    "two drugs": mt.Scenario(
        cell="HeLa",
        drugs={
            "temsirolimus": mt.Constant("20 nM", start="1 h"),
            "tacrolimus": mt.Constant("1 uM", start="1 h", stop="48 h"),
        },
    ),
    "acute": mt.Scenario(
        cell="Caki-1", perturbations=["glucose_withdrawal"], stimuli={"insulin": "100 nM"}
    ),
    "infused": mt.Scenario(
        drugs={"temsirolimus": "25 mg IV weekly x3"},
        perturbations=["ketoconazole"],
        set={"body_weight": "85 kg"},
    ),
    "swallowed": mt.Scenario(cell="Caki-1", drugs={"everolimus": "10 mg PO daily x5"}),
    "injected": mt.Scenario(
        cell="RENCA", drugs={"temsirolimus": "20 mg/kg IP daily x5"}, species="mouse"
    ),
    "two ways": mt.Scenario(
        drugs={"Ku-0063794": "10 mg/kg IP daily x3", "temsirolimus": "20 mg/kg IV bolus daily x2"},
        species="mouse",
        perturbations=["MTOR_F2108L"],
    ),
}


@pytest.mark.parametrize(("tolerances", "close"), [((1e-8, 1e-8), 1e-5), ((1e-11, 1e-10), 1e-6)])
@pytest.mark.parametrize("name", SCENARIOS)
def test_segments_agree_with_the_events_of_the_export(name, tolerances, close):
    relative, absolute = tolerances
    result = mt.simulate(SCENARIOS[name], relative_tolerance=relative, absolute_tolerance=absolute)
    runner = roadrunner.RoadRunner(result.sbml)
    runner.integrator.relative_tolerance = relative
    runner.integrator.absolute_tolerance = absolute * 2e-12
    species = set(runner.model.getFloatingSpeciesIds())
    runner.timeCourseSelections = [f"[{id}]" if id in species else id for id in result.ids]
    foreign = np.array(runner.simulate(times=result.time.tolist()))
    own = np.stack([result[id].to_numpy() for id in result.ids], axis=1)
    # At the very time of a change the two may read either side of it.
    apart = ~np.isin(result.time, [step.time for step in result.compiled.steps])
    scale = np.abs(own).max(axis=0) + 1e-9
    assert (np.abs(own - foreign) / scale)[apart].max() < close


@pytest.mark.parametrize("name", ["constant", "washed out", "two drugs", "acute"])
def test_the_tolerance_hardly_matters(name):
    # What a single run promises: every read-out to within 1e-5 of itself, down to what a cell
    # holds a thousandth of a molecule of.
    usual, strict = (
        mt.simulate(SCENARIOS[name], **tolerances)
        for tolerances in ({}, {"relative_tolerance": 1e-11, "absolute_tolerance": 1e-12})
    )
    for id in OBSERVABLES:
        assert usual[id].to_numpy() == pytest.approx(strict[id].to_numpy(), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_untreated_cell_is_at_rest_in_a_foreign_tool(name):
    # The rates of the export at time 0, with what the scenario changes at that time put back.
    result = mt.simulate(SCENARIOS[name], times=[])
    runner = roadrunner.RoadRunner(result.compiled.sbml)
    for id, value in {**result.compiled.adapted, **result.rest}.items():
        is_species = id in runner.model.getFloatingSpeciesIds()
        is_species |= id in runner.model.getBoundarySpeciesIds()
        runner.setValue(f"[{id}]" if is_species else id, value)
    # What rate rules move comes first.
    amounts = np.array(runner.model.getFloatingSpeciesAmounts())
    moving = [runner.getValue(id) for id in runner.getRateRuleIds()]
    rates = np.array(runner.getRatesOfChange())
    assert moving
    states, scales = (
        np.append(moving, amounts),
        np.append(np.ones(len(moving)), np.full(len(amounts), 2e-12)),
    )
    assert (np.abs(rates) <= 1e-8 * states + 1e-9 * scales).all()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_may_drop_the_engines_that_it_was_given():
    mt.simulate(duration="1 h")
    child = os.fork()
    if child == 0:
        signal.alarm(30)  # it used to wait for ever for threads of the compiler
        engine.__wrapped__.cache_clear()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
