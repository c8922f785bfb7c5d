"""Designs, and what is decided before the work: order, chunks, identity, refusals."""

import itertools
import pickle
import time
from dataclasses import replace

import numpy as np
import pytest

from mtorsim.errors import InputError
from mtorsim.scenario import Scenario
from mtorsim.sweeps import axis, linspace, logspace, plan
from mtorsim.sweeps.axes import Axis
from mtorsim.sweeps.plan import FEWEST_CHUNKS, LARGEST_CHUNK, Plan

SHORT = Scenario(drugs={"temsirolimus": "20 nM"}, duration="1 h", observe=["S6K1_pT389"])
DOSE, CONSTANT = "drugs.temsirolimus.dose", "kphos_S6K1_by_mTORC1"
DOSES = axis(DOSE, logspace("0.1 nM", "10 nM", 3))
CELLS = axis("cell", ["786-O", "PC-3"])
RANGE = axis(DOSE, {"from": "0.01 nM", "to": "100 nM", "spacing": "log"})
CONSTANTS = axis(CONSTANT, {"from": 0.1, "to": 0.5})
SAMPLED = ("random", "latin_hypercube", "sobol")


def points_of(made):
    return [made.values_of(point) for point in range(made.count)]


# --- designs --------------------------------------------------------------------------------------


def test_a_grid_has_every_combination_the_last_axis_fastest():
    made = Plan(SHORT, (DOSES, CELLS))
    assert made.shape == (3, 2)
    assert points_of(made) == list(itertools.product(DOSES.values, CELLS.values))


def test_a_list_takes_the_values_side_by_side():
    made = Plan(SHORT, (axis(DOSE, ["1 nM", "2 nM"]), CELLS), "list")
    assert points_of(made) == [(1.0, "786-O"), (2.0, "PC-3")]


@pytest.mark.parametrize("method", SAMPLED)
def test_samples_lie_in_their_ranges_and_follow_from_the_seed(method):
    made = Plan(SHORT, (RANGE, CONSTANTS, CELLS), method, 64, seed=3)
    doses, constants, cells = zip(*points_of(made), strict=True)
    assert 0.01 <= min(doses) < 0.02 < 50 < max(doses) <= 100
    assert 0.1 <= min(constants) < max(constants) <= 0.5
    assert set(cells) == {"786-O", "PC-3"}
    assert points_of(made) == points_of(replace(made))
    assert points_of(made) != points_of(replace(made, seed=4))


@pytest.mark.parametrize("method", ["latin_hypercube", "sobol"])
def test_each_eighth_of_each_axis_has_an_eighth_of_the_points(method):
    made = Plan(SHORT, (RANGE, CONSTANTS, CELLS), method, 64, seed=11)
    doses, constants, cells = zip(*points_of(made), strict=True)
    shares = [np.log(np.array(doses) / 0.01) / np.log(1e4), (np.array(constants) - 0.1) / 0.4]
    for share in shares:  # in logarithms where the axis is logarithmic
        assert np.bincount((share * 8).astype(int), minlength=8).tolist() == [8] * 8
    assert cells.count("786-O") == 32


def test_a_sobol_sequence_is_balanced_in_pairs_of_axes():
    made = Plan(SHORT, (axis("a", {"from": 0, "to": 1}), axis("b", {"from": 0, "to": 1})),
                "sobol", 64)  # fmt: skip
    cells = {(int(a * 8), int(b * 8)) for a, b in points_of(made)}
    assert len(cells) == 64  # each of 8 by 8 fields has one point


def test_a_sobol_sequence_may_have_any_length():
    first = points_of(Plan(SHORT, (RANGE,), "sobol", 64, seed=2))
    assert points_of(Plan(SHORT, (RANGE,), "sobol", 50, seed=2)) == first[:50]
    assert Plan(SHORT, (RANGE,), "sobol", 1).count == 1


# --- order and chunks -----------------------------------------------------------------------------


def test_points_with_the_same_untreated_cell_run_together():
    made = Plan(SHORT, (DOSES, CELLS, axis("perturbations", ["none", "MTOR_F2108L"])))
    ran = [made.values_of(point) for point in made.order.tolist()]
    alike = [len(list(group)) for _, group in itertools.groupby(ran, lambda one: one[1:])]
    assert alike == [3] * 4
    # what needs another model changes last of all
    assert [key for key, _ in itertools.groupby(one[2] for one in ran)] == ["none", "MTOR_F2108L"]


@pytest.mark.parametrize("method", ["list", "sobol"])
def test_so_do_those_of_other_designs(method):
    cells = axis("cell", ["786-O", "PC-3"] * 8) if method == "list" else CELLS
    doses = axis(DOSE, logspace("1 nM", "9 nM", 16)) if method == "list" else RANGE
    made = Plan(SHORT, (doses, cells), method, None if method == "list" else 16)
    ran = [made.values_of(point)[1] for point in made.order.tolist()]
    assert ran == ["786-O"] * 8 + ["PC-3"] * 8
    assert sorted(made.order.tolist()) == list(range(16))


@pytest.mark.parametrize("count", [1, 2, 31, 32, 100, 1599, 1600, 5003])
def test_chunks_hold_every_point_once(count):
    made = Plan(SHORT, (axis(DOSE, logspace("1 nM", "9 nM", max(count, 2))),)) if count > 1 else (
        Plan(SHORT, (axis(DOSE, ["1 nM"]),)))  # fmt: skip
    chunks = [made.chunk(number) for number in range(made.chunk_count)]
    assert sorted(itertools.chain(*chunks)) == list(range(count))
    assert {len(one) for one in chunks[:-1]} <= {made.chunk_size}
    assert made.chunk_size <= LARGEST_CHUNK
    assert made.chunk_count >= min(count, FEWEST_CHUNKS)
    assert made.places[made.order].tolist() == list(range(count))


def test_a_hundred_thousand_points_are_planned_at_once_and_sent_small():
    begun = time.perf_counter()
    for method in ("grid", "sobol"):
        axes = (RANGE, CONSTANTS, CELLS)
        if method == "grid":
            axes = (axis(DOSE, logspace("1 pM", "1 uM", 500)),
                    axis(CONSTANT, linspace(0.1, 0.5, 100)), CELLS)  # fmt: skip
        made = plan(SHORT, axes, method=method, points=None if method == "grid" else 100_000)
        assert made.count == 100_000
        assert len(made.chunk(made.chunk_count - 1)) == 50
        made.values_of(99_999)
        assert made.hash
        assert len(pickle.dumps(made)) < 20_000
    assert time.perf_counter() - begun < 10  # two of them take one second


def test_a_plan_is_the_same_after_its_journey():
    made = plan(SHORT, (RANGE, CONSTANTS), method="sobol", points=8)
    there = pickle.loads(pickle.dumps(made))
    assert there == made
    assert (there.hash, there.order.tolist()) == (made.hash, made.order.tolist())


# --- identity -------------------------------------------------------------------------------------


def test_what_decides_the_numbers_decides_the_hash(monkeypatch):
    usual = plan(SHORT, (DOSES, CELLS))
    assert plan(SHORT, (DOSES, CELLS)).hash == usual.hash
    others = [
        plan(SHORT.replace(duration="2 h"), (DOSES, CELLS)),
        plan(SHORT, (CELLS, DOSES)),
        plan(SHORT, (DOSES,)),
        plan(SHORT, (DOSES, CELLS), read="end"),
        plan(SHORT, (DOSES, CELLS), times=["30 min"]),
        plan(SHORT, (DOSES, CELLS), relative_tolerance=1e-7),
        plan(SHORT, (DOSES, CELLS), absolute_tolerance=1e-9),
        plan(SHORT, (RANGE,), method="random", points=4),
        plan(SHORT, (RANGE,), method="random", points=4, seed=1),
    ]
    monkeypatch.setattr("mtorsim.__version__", "0.0.0")
    others.append(plan(SHORT, (DOSES, CELLS)))
    assert len({usual.hash, *(one.hash for one in others)}) == 1 + len(others)


def test_an_edited_model_file_is_another_sweep(models):
    # A small tree of data files stands in for models/; no network is compiled.
    made = Plan(SHORT, (CELLS,))
    made.__dict__["parts"] = ()
    before = made.identity["model_files_sha256"]
    (models / "cells" / "PC-3.yaml").write_text("name: PC-3", encoding="utf-8")
    other = Plan(SHORT, (CELLS,))
    other.__dict__["parts"] = ()
    assert other.identity["model_files_sha256"] != before


def test_models_are_those_that_the_names_need():
    made = plan(SHORT, (DOSES, CELLS, axis("perturbations", ["none", "hypoxia", "MTOR_F2108L"])))
    assert [one.mutants for one in made.parts] == [(), ("MTOR_F2108L",)]
    assert len(plan(SHORT, (axis(DOSE, ["0 nM", "1 nM"]),)).parts) == 1


# --- times ----------------------------------------------------------------------------------------


def test_output_times_are_given_or_as_fine_as_those_of_a_run():
    from mtorsim.compile import compile_scenario
    from mtorsim.simulation import output_times

    compiled = compile_scenario(SHORT)
    given = plan(SHORT, (DOSES,), times=["30 min", 10])
    assert given.times == (0.0, 10.0, 30.0)
    assert given.times_of(compiled)[0].tolist() == [0.0, 10.0, 30.0]
    both = plan(SHORT, (DOSES,))
    times, places = both.times_of(compiled)
    assert times[places].tolist() == both.curve_times.tolist()
    assert len(both.curve_times) == 73
    fine = output_times(compiled)
    assert np.abs(times[:, None] - fine).min(axis=0).max() < 1e-6
    assert np.diff(times).min() > 1e-6
    few = plan(SHORT, (DOSES,), read="end")
    assert few.times_of(compiled)[0].tolist() == [0.0, 60.0]
    none = plan(SHORT, (DOSES,), read=["curves", "end"])
    assert none.times_of(compiled)[0].tolist() == none.curve_times.tolist()


def test_regimens_are_compared_over_the_longest():
    body = Scenario(observe=["S6K1_pT389"])
    name = "drugs.temsirolimus.regimen"
    found = plan(body, [axis(name, ["25 mg IV weekly x1", "25 mg IV weekly x2"])])
    assert found.scenario.duration == 14 * 1440
    with pytest.raises(InputError) as caught:
        plan(body.replace(duration="72 h"), [axis(name, ["25 mg weekly x1", "25 mg weekly x2"])])
    assert str(caught.value) == (
        "drugs.temsirolimus.regimen=25 mg weekly x2: 1 of 2 doses would come after the end at "
        "72 h. Give a duration such as 14 d."
    )


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("axes", "options", "path", "message"),
    [
        ((), {}, ("vary",), "a sweep varies something"),
        ((DOSES, DOSES), {}, ("vary", DOSE), f"vary: '{DOSE}' is given twice"),
        ((axis("cell", ["PC-3", "PC-3"]),), {}, ("vary", "cell"), "cell: PC-3 is given twice"),
        ((RANGE,), {}, ("vary", DOSE), "a grid needs 'points' for a range"),
        ((DOSES,), {"points": 3}, ("points",), "points: a grid has as many as its axes give"),
        ((DOSES, CELLS), {"method": "list"}, (), "as many values on each axis, got drugs.temsi"),
        ((RANGE,), {"method": "sobol"}, ("points",), "points: a sobol design needs how many"),
        ((RANGE,), {"method": "sobol", "points": 0}, ("points",), "points: 0 is not a whole"),
        ((RANGE,), {"method": "sobol", "points": 2.5}, ("points",), "points: 2.5 is not a whole"),
        ((RANGE,), {"method": "sobol", "points": 10**8}, (), "more than 10000000"),
        ((DOSES,), {"method": "gird"}, ("design",), "no design 'gird'. Closest: 'grid'"),
        ((DOSES,), {"seed": -1}, ("seed",), "seed: -1 is not a whole number"),
        ((DOSES,), {"seed": True}, ("seed",), "seed: True is not a whole number"),
        ((DOSES,), {"read": "ends"}, ("read",), "no reading 'ends'. Closest: 'end'"),
        ((DOSES,), {"read": []}, ("read",), "at least one reading"),
        ((DOSES,), {"times": ["2 h"]}, ("times",), "times from 0 to the end at 60 min"),
        ((DOSES,), {"relative_tolerance": 0}, ("relative_tolerance",), "0 is not above zero"),
        ((DOSES,), {"absolute_tolerance": -1}, ("absolute_tolerance",), "-1 is not above zero"),
        (
            (axis("duration", ["1 h", "2 h"]),),
            {},
            ("vary", "duration"),
            "curves of different durations need common times",
        ),
        (
            (axis("duration", ["1 h", "2 h"]),),
            {"times": ["2 h"]},
            ("times",),
            "times from 0 to the end at 60 min",
        ),
        ((axis("cell", ["786O"]),), {}, ("vary", "cell"), "cell=786O: no cell '786O'. Closest"),
        (
            (axis("perturbations", ["PTENloss"]),),
            {},
            ("vary", "perturbations"),
            "Closest: 'PTEN_loss'",
        ),
        (
            (axis("kphos_S6K_by_mTORC1", [1]),),
            {},
            ("vary", "kphos_S6K_by_mTORC1"),
            "Closest: 'kphos_S6K1_by_mTORC1'",
        ),
        ((axis(CONSTANT, ["1 nM"]),), {}, ("vary", CONSTANT), "'1.0 nM' is not"),
        ((axis(CONSTANT, linspace(-1, 1, 100)),), {}, ("vary", CONSTANT), "is negative"),
        ((axis(DOSE, [1, 2]),), {}, ("vary", DOSE), "has no unit"),
        (
            (axis("drugs.temsirolimus.start", ["0 h", "2 h"]),),
            {},
            ("vary", "drugs.temsirolimus.start"),
            "drugs.temsirolimus.start=2 h: temsirolimus: start at 2 h is not before the end at 1 h",
        ),
        (
            (axis("drugs.temsirolimus.regimen", ["25 mg IV", "25 nM"]),),
            {},
            ("vary", "drugs.temsirolimus.regimen"),
            "is a concentration",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_carried_out_is_refused_before_the_work(axes, options, path, message):
    with pytest.raises(InputError) as caught:
        plan(SHORT, axes, **options)
    assert message in str(caught.value)
    assert caught.value.path == path


def test_what_all_points_share_is_refused_without_blaming_an_axis():
    with pytest.raises(InputError) as caught:
        plan(SHORT.replace(observe=["S6K_pT389"]), (DOSES,))
    assert str(caught.value).startswith("no observable or species 'S6K_pT389'. Closest")


def test_values_that_go_with_some_others_are_no_mistake():
    starts = axis("drugs.temsirolimus.start", ["0 min", "30 min"])
    stops = axis("drugs.temsirolimus.stop", ["20 min", "50 min"])
    assert plan(SHORT, (starts, stops)).count == 4  # of which one will fail
    assert plan(SHORT, (starts, stops), method="list").count == 2
    with pytest.raises(InputError, match="is not after"):  # every point of a list was meant
        plan(SHORT, (starts, axis("drugs.temsirolimus.stop", ["20 min", "25 min"])), method="list")


def test_an_axis_is_compared_by_what_it_is():
    assert Axis("a", (1.0,)) == axis("a", [1])
