"""Figures: everything readable, nothing over anything else, no global state."""

import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from matplotlib.text import Text

import mtorsim as mt
from mtorsim.plot import PANELS, _exposures, _hours, _spread, figure

DAY = {"duration": "24 h", "drugs": {"temsirolimus": "20 nM"}}
SCENARIOS = {
    "constant": {"drugs": {"temsirolimus": "20 nM"}},
    "washed out": {"drugs": [mt.Treatment("sirolimus", mt.Constant("5 nM", stop="24 h"))]},
    "late": {"drugs": [mt.Treatment("sirolimus", mt.Constant("5 nM", start="24 h", stop="48 h"))]},
    "repeated, two drugs, stimulus and a long name": {
        "drugs": [
            mt.Treatment("everolimus", mt.Repeated("5 nM", every="24 h", times=3, exposure="2 h")),
            mt.Treatment("tacrolimus", "1 uM"),
        ],
        "stimuli": {"insulin": "10 nM"},
        "perturbations": ["serum_starvation", "PTEN_loss"],
    },
    "short": {"duration": "30 min", "drugs": {"temsirolimus": "20 nM"}},
    "untreated": {"duration": "3 h"},
}


@pytest.fixture(scope="module", params=SCENARIOS.values(), ids=SCENARIOS.keys())
def result(request):
    return mt.simulate(**request.param)


def texts(picture):
    """Every text that is drawn, with the box it covers [pixels]."""
    picture.draw_without_rendering()
    found = [
        *picture.texts,
        *(text for axis in picture.axes for text in axis.texts),
        *(axis.title for axis in picture.axes),
        *(axis._left_title for axis in picture.axes),
        *(axis.yaxis.label for axis in picture.axes),
        *(tick.label1 for axis in picture.axes for tick in axis.xaxis.get_major_ticks()),
    ]
    # Of an annotation the words alone, without the line that leads to them.
    return [(text.get_text(), Text.get_window_extent(text)) for text in found if text.get_text()]


@pytest.mark.parametrize(
    "ids", [None, ("S6K1_pT389",), ("drug_medium", "AKT_pS473", "AMPK_active")]
)
def test_no_text_covers_another_or_leaves_the_page(result, ids):
    picture = figure(result, ids)
    boxes = texts(picture)
    page = picture.bbox.padded(1)
    for name, box in boxes:
        assert page.contains(box.x0, box.y0), name
        assert page.contains(box.x1, box.y1), name
    for (one, box), (other, other_box) in combinations(boxes, 2):
        assert not box.padded(-1).overlaps(other_box.padded(-1)), (one, other)


def test_each_branch_has_its_panel_and_each_axis_its_unit():
    picture = figure(mt.simulate(**DAY))
    titles = [axis._left_title.get_text() for axis in picture.axes]
    assert [title[4:] for title in titles if title] == list(PANELS)
    labels = {axis.get_ylabel() for axis in picture.axes} - {""}
    assert labels == {"relative to untreated"}
    assert [text.get_text() for text in picture.texts].count("time [h]") == len(PANELS)


def test_the_lines_hold_the_simulated_numbers():
    result = mt.simulate(**DAY)
    picture = figure(result, ["S6K1_pT389"])
    first, rest = (
        [line for line in axis.lines if len(line.get_xdata()) > 2] for axis in picture.axes
    )
    ratio = result.relative(["S6K1_pT389"])["S6K1_pT389"]
    hours = np.concatenate([first[0].get_xdata(), rest[0].get_xdata()[1:]])
    drawn = np.concatenate([first[0].get_ydata(), rest[0].get_ydata()[1:]])
    assert hours == pytest.approx(result.time / 60)
    assert drawn == pytest.approx(ratio.to_numpy())


def test_what_the_untreated_cell_lacks_is_drawn_in_its_unit():
    picture = figure(mt.simulate(**DAY), ["FKBP12_drug"])
    assert picture.axes[0].get_ylabel() == "concentration [nM]"


def test_a_figure_of_nothing_is_refused():
    with pytest.raises(mt.InputError, match="nothing to draw"):
        figure(mt.simulate(**DAY), [])


def test_an_unknown_id_is_refused():
    with pytest.raises(mt.UnknownIdError, match="S6K1_pT389"):
        figure(mt.simulate(**DAY), ["S6K_pT389"])


def test_exposure_ends_at_the_wash_and_at_the_end():
    treatment = mt.Treatment(
        "sirolimus", mt.Repeated("5 nM", every="10 h", times=3, exposure="1 h")
    )
    result = mt.simulate(duration="20.5 h", drugs=[treatment])
    spans = [(exposure.begin, exposure.end) for exposure in _exposures(result)]
    assert spans == [(0, 60), (600, 660), (1200, 1230)]


@pytest.mark.parametrize(
    ("begin", "end", "ticks"),
    [(0, 2, [0, 0.5, 1, 1.5, 2]), (2, 72, [24, 48, 72]), (24, 26, [24, 24.5, 25, 25.5, 26])],
)
def test_ticks_stand_at_round_hours(begin, end, ticks):
    assert _hours(begin, end) == ticks


def test_labels_move_apart_as_little_as_possible():
    assert _spread([0.1, 0.9, 0.5], 0.2) == pytest.approx([0.1, 0.9, 0.5])
    assert _spread([0.5, 0.5], 0.2) == pytest.approx([0.4, 0.6])
    assert _spread([0.5, 0.9, 0.5, 0.5], 0.1) == pytest.approx([0.4, 0.9, 0.5, 0.6])
    assert _spread([0.98, 0.98, 0.0], 0.1) == pytest.approx([0.9, 1.0, 0.0])  # not off the axis


def test_a_notebook_shows_it_without_pyplot():
    code = (
        "import sys, mtorsim as mt\n"
        "run = mt.simulate(duration='10 min', drugs={'sirolimus': '1 nM'})\n"
        "assert run.plot()._repr_png_().startswith(b'\\x89PNG')\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
