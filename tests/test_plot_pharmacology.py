"""Figures of exposures: everything readable, nothing over anything else, the numbers in them."""

from functools import cache
from itertools import combinations

import numpy as np
import pytest

from mtorsim import drugs
from mtorsim.pharmacology import Comparison, exposure
from mtorsim.plot_pharmacology import exposures

T, S = "temsirolimus", "sirolimus"
LOADING = "175 mg IV over 60 min weekly x3 then 75 mg weekly x5"
FITS = [{"CL_temsirolimus": one} for one in (0.4, 0.6, 0.8)]
KETOCONAZOLE = {"modifiers": ["ketoconazole"]}
MOUSE = {"species": "mouse"}
ARMS = {
    "one": [(T, "25 mg weekly x4", {})],
    "two doses": [(T, "1 mg weekly x4", {}), (T, "25 mg weekly x4", {})],
    "with ketoconazole": [(T, "5 mg", {}), (T, "5 mg", KETOCONAZOLE)],
    "eight weeks": [(T, "25 mg weekly x8", {}), (T, LOADING, {})],
    "mouse": [(T, "20 mg/kg weekly x3", MOUSE), (T, "20 mg/kg IP daily x5 every week x3", MOUSE)],
    "a day": [("Ku-0063794", "8 mg/kg", MOUSE), ("Ku-0063794", "8 mg/kg IV bolus", MOUSE)],
    "twice daily": [("everolimus", "5 mg twice daily", {}), ("everolimus", "70 mg weekly", {})],
    "next to nothing": [(T, "1 ug", {})],
    "two drugs": [(S, "5 mg", {}), ("everolimus", "10 mg", {})],
    "nine": [
        (T, f"{dose} mg weekly x2", {"modifiers": names})
        for dose in (1, 5, 25)
        for names in ((), ("ketoconazole",), ("ketoconazole", "hepatic_impairment_mild"))
    ],
    "ten doses": [(T, f"{dose} mg", {}) for dose in range(5, 55, 5)],
    "set, with a long name": [
        (
            T,
            "175 mg IV over 60 min weekly x3 then pause 2 weeks then 75 mg IV over 45 min weekly",
            {
                "modifiers": ["ketoconazole", "hepatic_impairment_severe"],
                "set": {"haematocrit": 0.25, "CL_temsirolimus": 0.6, "body_weight": 90},
            },
        )
    ],
}


@cache
def arms(name):
    return tuple(exposure(drug, regimen, **options) for drug, regimen, options in ARMS[name])


@pytest.fixture(scope="module", params=[*ARMS, "fits"])
def picture(request):
    if request.param == "fits":
        return exposures([one.with_fits(FITS) for one in arms("with ketoconazole")])
    return exposures(arms(request.param))


def texts(picture):
    """Every text that is drawn, with the box it covers [pixels]."""
    picture.draw_without_rendering()
    found = [
        *picture.texts,
        *(axis._left_title for axis in picture.axes),
        *(side.label for axis in picture.axes for side in (axis.xaxis, axis.yaxis)),
        *(
            tick.label1
            for axis in picture.axes
            for side in (axis.xaxis, axis.yaxis)
            for tick in side.get_major_ticks()
            if tick.label1.get_visible() and _is_in_view(side, tick)
        ),
    ]
    return [(text.get_text(), text.get_window_extent()) for text in found if text.get_text()]


def _is_in_view(side, tick):
    low, high = sorted(side.get_view_interval())
    return low <= tick.get_loc() <= high


def test_no_text_covers_another_or_leaves_the_page(picture):
    boxes = texts(picture)
    page = picture.bbox.padded(1)
    for name, box in boxes:
        assert page.contains(box.x0, box.y0), name
        assert page.contains(box.x1, box.y1), name
    for (one, box), (other, other_box) in combinations(boxes, 2):
        assert not box.padded(-1).overlaps(other_box.padded(-1)), (one, other)


def test_every_axis_has_ticks_and_its_unit(picture):
    picture.draw_without_rendering()
    for axis in picture.axes:
        low, high = axis.get_ylim()
        assert high / low >= 100
        assert sum(low <= tick <= high for tick in axis.get_yticks()) >= 2
        left, right = axis.get_xlim()
        assert 2 <= sum(left <= tick <= right for tick in axis.get_xticks()) <= 10
    units = {axis.get_ylabel() for axis in picture.axes} - {""}
    assert units == {"concentration [ng/mL]", "concentration [nM]"}


def lines(axis):
    """The curves, without limits and marks of doses."""
    return [line for line in axis.lines if len(line.get_xdata()) > 30]


def test_the_lines_hold_the_simulated_numbers():
    (found,) = arms("one")
    first, whole = exposures([found]).axes[:2]
    (line,) = lines(whole)
    mass = drugs.load(T).molar_mass.value / 1000
    assert line.get_ydata().max() == pytest.approx(found.curve(T).max() * mass)
    assert line.get_xdata()[-1] == pytest.approx(28)  # days
    assert first.get_xlim() == (0, 24)  # hours
    shown = np.interp(6, lines(first)[0].get_xdata(), lines(first)[0].get_ydata())
    assert shown == pytest.approx(np.interp(360, found.time, found.curve(T)) * mass, rel=1e-3)


def test_each_analyte_has_a_row_and_the_tumour_the_last():
    picture = exposures(arms("one"))
    titles = [title for axis in picture.axes if (title := axis._left_title.get_text())]
    assert titles == [
        "temsirolimus in whole blood",
        "sirolimus in whole blood",
        "unbound in tumour interstitium: temsirolimus (thick), sirolimus (thin)",
    ]
    names = [text.get_text() for text in picture.texts]
    assert "25 mg weekly x4" in names
    assert any(name.startswith("temsirolimus in a human") for name in names)


def test_doses_are_marked():
    picture = exposures(arms("eight weeks"))
    marks = [line for line in picture.axes[1].lines if line.get_marker() in ("v", "|")]
    (weekly,) = marks  # both arms are dosed at the same times
    assert weekly.get_xdata() == pytest.approx(np.arange(8) * 7)
    own = [line for line in exposures(arms("mouse")).axes[1].lines if line.get_marker() == "v"]
    assert [len(line.get_xdata()) for line in own] == [3, 15]
    assert len({line.get_color() for line in own}) == 2


def test_the_floor_lies_near_the_limit_of_quantification():
    (found,) = arms("one")
    axis = exposures([found]).axes[0]
    limit = found.limit(T) * drugs.load(T).molar_mass.value / 1000
    assert axis.get_ylim()[0] == pytest.approx(limit / 2)
    (dotted,) = [line for line in axis.lines if len(line.get_xdata()) == 2]
    assert dotted.get_ydata() == pytest.approx([limit, limit])


def test_fits_are_a_median_and_a_band():
    found = arms("one")[0].with_fits(FITS)
    picture = exposures([found])
    axis = picture.axes[1]
    assert len(axis.collections) == 1
    mass = drugs.load(T).molar_mass.value / 1000
    assert lines(axis)[0].get_ydata().max() == pytest.approx(found.spread(T)[1].max() * mass)
    words = " ".join(" ".join(text.get_text().split()) for text in picture.texts)
    assert "median of 3 accepted fits" in words
    assert not exposures(arms("one")).axes[1].collections


def test_arms_look_different():
    for name in ("two doses", "nine", "ten doses"):
        axis = exposures(arms(name)).axes[0]
        looks = {(line.get_color(), str(line._dash_pattern)) for line in lines(axis)}
        assert len(looks) == len(ARMS[name])


def test_regimens_have_colours_and_modifiers_strokes():
    axis = exposures(arms("nine")).axes[0]
    assert len({line.get_color() for line in lines(axis)}) == 3
    assert len({str(line._dash_pattern) for line in lines(axis)}) == 3


def test_exposures_and_comparisons_draw_themselves():
    (found,) = arms("one")
    assert len(found.plot().axes) == 6
    assert len(Comparison(arms("a day")).plot().axes) == 2
