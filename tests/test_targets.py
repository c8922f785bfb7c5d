"""Published numbers: tables are read strictly, and readings are what one would work out by hand."""

import math

import numpy as np
import pytest

import mtorsim as mt
from mtorsim import targets
from mtorsim.errors import InputError
from mtorsim.targets.in_dish import crossing, top
from mtorsim.targets.points import Points, Published
from mtorsim.targets.target import Target

HEAD = "id,quantity,value,low,high,unit,scenario,read,citation\n"
SCENARIO = '"{cell: PC-3, drugs: {temsirolimus: 20 nM}}"'
READ = '"{level: S6K1_pT389, at: 1 h, over: untreated}"'


@pytest.fixture(scope="module")
def shipped():
    return {one.id: one for one in targets.load()}


def write(folder, *rows, head=HEAD):
    path = folder / "my.csv"
    path.write_text(head + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def one(folder, scenario, read, unit="fraction"):
    row = f'a,q,1,0,2,{unit},"{scenario}","{read}",c'
    return targets.load(write(folder, row))[0]


# -- what is read ----------------------------------------------------------------------------------


def test_a_level_over_untreated_is_that_of_a_run(tmp_path):
    target = targets.load(write(tmp_path, f"a,q,0.1,0,0.2,fraction,{SCENARIO},{READ},c"))[0]
    run = mt.simulate(cell="PC-3", drugs={"temsirolimus": "20 nM"}, times=["1 h"])
    expected = float(run["S6K1_pT389"][-1]) / run.baseline["S6K1_pT389"]
    assert target.measure() == pytest.approx(expected, rel=1e-6)
    assert target.scenario.cell == "PC-3"


def test_values_stand_in_for_those_of_the_model_files(tmp_path):
    target = one(tmp_path, "{cell: PC-3}", "{level: S6K1_pT389, at: 0 h}", "nM")
    weaker = target.measure({"kphos_S6K1_by_mTORC1": 0.002})
    assert weaker < 0.5 * target.measure()
    assert target.measure({"HeLa.ksyn_MTOR": 1.0}) == target.measure()  # of another cell
    # What belongs to a drug that does not occur is passed over.
    assert target.measure({"kpermeation_AZD8055": 1.0}) == target.measure()


def test_an_exposure_is_that_of_the_pharmacology(tmp_path):
    target = one(
        tmp_path,
        "{drug: temsirolimus, regimen: 25 mg IV over 30 min, duration: 14 d}",
        "{analysis: half_life}",
        "h",
    )
    found = mt.exposure("temsirolimus", "25 mg IV over 30 min", duration="14 d")
    assert target.measure() == pytest.approx(
        found.analysis("temsirolimus").half_life / 60, rel=0.02
    )


def test_viability_is_that_of_the_assay(tmp_path):
    target = one(tmp_path, "{cell: Caki-1}", "{viability: lowest, drug: sirolimus, at: 72 h}", "%")
    plate = mt.assays.viability(cell="Caki-1", drug="sirolimus", times=["72 h"])
    assert target.measure() == pytest.approx(plate.points[0].e_max, rel=1e-6)


def test_a_crossing_is_linear_between_points():
    assert crossing(np.array([0.0, 2.0]), np.array([0.0, 1.0]), 0.25) == 0.5
    assert crossing(np.array([0.0, 2.0]), np.array([0.0, 1.0]), 1.5) == math.inf


def test_the_top_lies_between_points():
    times = np.arange(5.0)
    assert top(times, -((times - 2.3) ** 2)) == pytest.approx(2.3)


@pytest.mark.parametrize(
    ("background", "mean"),
    [("none", [2, 4, 6]), ("added", [3, 5, 7]), ("subtracted", [0, 2, 4])],
)
def test_scale_and_background_of_a_curve_are_found(background, mean):
    # The data are 2 x model, with 1 added or 2 taken away.
    data = Published(np.arange(3.0), np.array(mean, dtype=float), np.full(3, 0.1))
    scaled = Points((), "hand", data, background).scaled(np.array([1.0, 2.0, 3.0]))
    assert scaled == pytest.approx(mean)


# -- verdicts --------------------------------------------------------------------------------------


def judged(value, low, high, scale="linear"):
    words = dict.fromkeys(
        ("id", "group", "quantity", "unit", "use", "fit", "condition", "provenance", "confidence",
         "citation", "doi", "place", "remark"), ""
    )  # fmt: skip
    return Target(value=value, low=low, high=high, scale=scale, reading=None, **words)


@pytest.mark.parametrize(
    ("target", "model", "verdict"),
    [
        (judged(10, 8, 14), 14, "pass"),
        (judged(10, 8, 14), 17.9, "near"),  # 4 above 14
        (judged(10, 8, 14), 18.1, "miss"),
        (judged(10, 8, 14), 6.1, "near"),  # 2 below 8
        (judged(10, 8, 14), 5.9, "miss"),
        (judged(10, 5, 20, "log"), 39, "near"),  # twice a factor of 2
        (judged(10, 5, 20, "log"), 41, "miss"),
        (judged(10, 5, 20, "log"), 0.0, "miss"),  # as far as can be, in logarithms
        (judged(10, 5, 20, "log"), -1.0, "miss"),
        (judged(math.nan, -math.inf, 1), 1.01, "miss"),  # a direction is seen or not
        (judged(10, 8, 14), math.nan, "miss"),
        (judged(10, 8, 14), math.inf, "miss"),
    ],
)
def test_near_is_twice_as_far_as_the_range_goes(target, model, verdict):
    assert target.verdict(model) == verdict


def test_the_ends_of_a_range_are_two_standard_deviations_apart_from_its_middle():
    assert judged(10, 8, 12).residual(12) == pytest.approx(2)
    assert judged(10, 5, 20, "log").residual(5) == pytest.approx(-2)
    assert judged(math.nan, -math.inf, 1).residual(0.5) == 0
    assert judged(math.nan, 100, math.inf, "log").residual(50) < 0


def test_a_point_is_met_within_two_standard_deviations():
    data = Published(np.arange(4.0), np.array([1.0, 1.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.1, 0.0]))
    found = Points((), "x", data, "none").within(np.array([1.0, 1.0, 1.35, 1.0]))
    shift = Points((), "x", data, "none").scale(np.array([1.0, 1.0, 1.35, 1.0]))[0]
    away = np.abs(shift * np.array([1.0, 1.0, 1.35]) - 1) / 0.1
    np.testing.assert_array_equal(found[:3], away <= 2)
    assert 2 < away.max() < 3  # between what counts and what does not
    assert np.isnan(found[3])  # no standard deviation was published


def test_a_level_comes_in_the_unit_of_the_row(tmp_path):
    rows = [f'{unit},q,,0,9,{unit},{{cell: PC-3}},"{{level: AKT_total, at: 1 h}}",c'
            for unit in ("nM", "uM")]  # fmt: skip
    one, thousandth = targets.load(write(tmp_path, *rows))
    assert one.measure() == pytest.approx(1000 * thousandth.measure()) != 0


# -- the table that is shipped ---------------------------------------------------------------------


def test_every_row_says_where_it_comes_from(shipped):
    for target in shipped.values():
        assert target.citation, target.id
        assert target.is_simulated or target.use == "input" or target.remark, target.id


def test_what_is_not_simulated_is_not_scored(shipped):
    for target in shipped.values():
        assert target.is_simulated == (target.use not in ("input", "not simulated")), target.id
        assert bool(target.fit) == (target.use == "calibrated"), target.id


def test_no_prediction_reads_what_a_fit_reads(shipped):
    fitted = [one.reading for one in shipped.values() if one.use == "calibrated"]
    for one in shipped.values():
        assert one.use != "predicted" or one.reading not in fitted, one.id


def test_the_same_sites_are_read_alike_under_both_drugs(shipped):
    rapamycin, torin = shipped["BD32"].reading, shipped["BD33"].reading
    assert rapamycin.part.top.ids == torin.part.top.ids == ("S6K1_pT389",)


def test_recalled_numbers_are_no_evidence(shipped):
    recalled = {one.id for one in shipped.values() if one.provenance == "memory"}
    assert recalled
    assert not any(shipped[id].is_evidence for id in recalled)


# -- mistakes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"a,q,x,0,1,fraction,{SCENARIO},{READ},c", "line 2, value: 'x' is not a number"),
        (f"a,q,3,0,1,fraction,{SCENARIO},{READ},c", "line 2: expected low <= value <= high"),
        (f"a,q,,,,fraction,{SCENARIO},{READ},c", "line 2: neither low nor high"),
        (f"a,q,1,0,2,fraction,{SCENARIO},,c", "line 2: read is blank"),
        (f"a,q,1,0,2,fraction,{SCENARIO},{READ},", "line 2: citation is blank"),
        (f"a,q,1,0,2,fraction,{SCENARIO},{{lvl: x}},c", "expected one of 'level'"),
        (f'a,q,1,0,2,fraction,{SCENARIO},"{{level: x, att: 1 h}}",c', "Closest: 'at'"),
        (f"a,q,1,0,2,fraction,{{cell: PC3x}},{READ},c", "Closest: 'PC-3'"),
        (f'a,q,1,0,2,fraction,{SCENARIO},"{{level: AKT_total, at: 1 mg}}",c', "line 2: read, at"),
        (f'a,q,1,0,2,nM,{SCENARIO},"{{peak: AKT_total, until: 1 h}}",c', "line 2, unit"),
        ("a,q,1,0,2", "line 2: fewer fields than columns"),
        (f'a,q,1,0,2,min,{SCENARIO},"{{level: AKT_total, at: 1 h}}",c', "line 2, unit: '1 min'"),
        (f'a,q,1,0,2,nM,{SCENARIO},"{{level: AKT_totl, at: 1 h}}",c', "line 2: no observable"),
        (f'a,q,1,0,2,nM,{SCENARIO},"{{level: [], at: 1 h}}",c', "line 2: read, level: expected"),
        (f'a,q,1,0,2,1,"{{cell: PC-3, drugs: [sirolimus]}}",{READ},c', "line 2: drugs: expected"),
        (f'a,q,1,0,2,1,"{{cell: PC-3, stimuli: 3}}",{READ},c', "line 2: stimuli: expected"),
        (
            'a,q,1,0,2,nM,"{drug: sirolimu, regimen: 2 mg PO}","{level: faeces, at: 1 h}",c',
            "line 2: no drug 'sirolimu'",
        ),
        (
            'a,q,1,0,2,nM,"{drug: sirolimus, regimen: 2 mg PO}","{level: faecs, at: 1 h}",c',
            "line 2: no quantity of the body 'faecs'",
        ),
    ],
)
def test_a_mistake_is_answered_with_its_line(tmp_path, row, message):
    with pytest.raises(InputError) as error:
        targets.load(write(tmp_path, row))
    assert message in str(error.value)


def test_columns_are_checked(tmp_path):
    with pytest.raises(InputError, match="column 'unit' is missing"):
        targets.load(write(tmp_path, head="id,quantity,value,low,high,scenario,read,citation\n"))
    with pytest.raises(InputError, match=r"unknown key 'qantity'\. Closest: 'quantity'"):
        targets.load(write(tmp_path, head=HEAD.replace("quantity", "qantity")))


def test_an_id_is_there_once(tmp_path):
    row = f"a,q,1,0,2,fraction,{SCENARIO},{READ},c"
    with pytest.raises(InputError, match="line 3: id 'a' is there already"):
        targets.load(write(tmp_path, row, row))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no file"):
        targets.load(tmp_path / "none.csv")
