"""The behaviours that the model must show; their figures are printed at the end of the test run."""

import math

import pytest

from mtorsim import cells
from mtorsim.compile import compile_scenario
from mtorsim.errors import UnknownIdError
from mtorsim.qualification import BEHAVIOURS, Measure, behaviour
from mtorsim.qualification.baseline import read_baseline
from mtorsim.qualification.rows import of_measure
from mtorsim.scenario import Scenario

# Misses of the model as it is, printed as such and told in the README. A new miss fails the test,
# and so does one that has gone: then it leaves this list.
KNOWN_MISSES = {
    "B5": {
        "HEK293, Torin-1: AKT pThr308 back, in part, by 24 h to",
        "HEK293, Ku-0063794: AKT pThr308 back, in part, by 24 h to",
    },
    "B7": {"RapaLink-1: shift of IC50 by 5 uM tacrolimus"},
    "B12": {"rifampin, Cmax of sirolimus"},
}


@pytest.mark.parametrize("id", BEHAVIOURS)
def test_behaviour_is_seen(id, record_figures):
    seen = behaviour(id)
    record_figures(seen)
    missed = {measure.what: str(measure) for measure in seen.measures if not measure.passed}
    assert set(missed) == KNOWN_MISSES.get(id, set()), "\n".join(missed.values())
    accepted = {name: one for name, one in read_baseline().items() if name.startswith(f"{id}: ")}
    rows = [of_measure(id, measure) for measure in seen.measures]
    assert {row.id: row.verdict for row in rows} == accepted


def test_sensitive_and_insensitive_contexts_differ_in_values_only():
    compiled = [
        compile_scenario(Scenario(cell=cell, drugs={"temsirolimus": "20 nM"}))
        for cell in ("PC-3", "HeLa")
    ]
    assert compiled[0].sbml == compiled[1].sbml
    assert compiled[0].adapted != compiled[1].adapted
    for cell in ("PC-3", "HeLa"):
        assert all(fact.confidence in "ABCD" for fact in cells.load(cell).values.values())


def test_unknown_behaviour_is_an_error():
    with pytest.raises(UnknownIdError, match="'B99'"):
        behaviour("B99")


@pytest.mark.parametrize(
    ("low", "high", "passed"),
    [(0, 1, True), (0.6, 1, False), (-math.inf, 0.4, False), (-math.inf, math.inf, True)],
)
def test_measure_lies_within_its_bounds(low, high, passed):
    assert Measure("half", 0.5, low=low, high=high).passed is passed


def test_measure_that_is_not_a_number_is_a_miss():
    assert not Measure("nothing", math.nan, high=1).passed
