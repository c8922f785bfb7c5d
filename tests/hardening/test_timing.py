"""Doses in other people's models that are formulas of time: given exactly once, or refused."""

import itertools

import numpy as np
import pytest

import mtorsim as mt
from mtorsim.errors import ModelError

HEAD = "model m\ncompartment c = 1; species A in c = 0; unit time_unit = second;\n"
PULSE = {  # all deliver 3 for `wide` from `start`
    "piecewise": "J: => A; c*piecewise(3, time >= {start} && time < {end}, 0)\n",
    "boolean": "J: => A; 3*c*(time > {start} && time <= {end})\n",
    "nested": "J: => A; c*piecewise(0, time < {start}, piecewise(3, {end} > time, 0))\n",
    "linear": "J: => A; c*piecewise(3, time/60 >= {start}/60 && 2*time - 1 < 2*{end} - 1, 0)\n",
    "by rule": "on := piecewise(1, time > t_on && time < t_on + {wide}, 0)\n"
    "t_on = {start}; J: => A; 3*c*on\n",
    "function": "J: => A; 3*c*window(time, {start}, {end})\n",
    "two events": "k = 0; J: => A; c*k\n"
    "begin: at time >= {start}, t0=false: k = 3; finish: at time >= {end}: k = 0\n",
    "equal": "k = 0; J: => A; c*k\n"
    "begin: at time == {start}, t0=false: k = 3; finish: at time == {end}: k = 0\n",
}
WINDOW = "function window(t, a, b)\n  piecewise(1, t >= a && t < b, 0)\nend\n"
TIMES = {"end only": [5000.0], "dense": np.linspace(0, 5000, 501), "odd": [0.1, 777.7, 5000.0]}


def model(kind, start, wide):
    text = PULSE[kind].format(start=start, wide=wide, end=start + wide)
    return mt.load_model(WINDOW + HEAD + text + "end\n")


@pytest.mark.parametrize("kind", PULSE)
@pytest.mark.parametrize("wide", [0.01, 1.0, 500.0])
def test_a_pulse_is_given_whole(kind, wide):
    for start, times in itertools.product((0.0, 7.0, 1000.0), TIMES.values()):
        if kind == "by rule" and start == 0.0:
            start = 0.5  # it is strictly after
        run = model(kind, start, wide).simulate(duration=5000.0, times=times)
        assert run["A"].values[-1] == pytest.approx(3 * wide, rel=1e-6), (start, times)


EVENTS = "A' = 0; B = 0; "


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("E: at time >= 0: A = 5", "never fires"),
        ("E: at time == 0: A = 5", "never fires"),
        ("E: at (time < 5): A = 5", "never fires"),
        ("E: at time > 3: A = A + 1; F: at time > 3: A = A + 1", "one would undo the other"),
        ("E: at 2 after time > 1: A = A + 1; F: at time >= 3: A = 2", "one would undo the other"),
        ("J: => A; piecewise(1, time == 4, 0)", "one instant only"),
        ("J: => A; piecewise(1, time - 10*floor(time/10) < 1, 0)", "comes and goes with time"),
        ("J: => A; piecewise(1, sin(time) > 0.9, 0)", "comes and goes with time"),
        ("E: at time == 3 && B < 2: A = 5", "one instant only"),
    ],
)
def test_what_cannot_be_given_once_is_refused_by_name(text, words):
    with pytest.raises(ModelError, match=words):
        mt.load_model(f"{HEAD}B = 0; {text}\nend\n")


def test_a_dose_at_time_0_is_given():
    run = mt.load_model(f"{HEAD}E: at time >= 0, t0=false: A = 5\nend\n").simulate(duration=1.0)
    assert run["A"].values[-1] == 5.0


def test_what_was_mended_is_exported_and_runs_the_same_again():
    first = model("piecewise", 7.0, 1.0)
    again = mt.load_model(first.to_sbml(duration=50.0))
    runs = [one.simulate(duration=50.0)["A"].values for one in (first, again)]
    assert (runs[0] == runs[1]).all()
