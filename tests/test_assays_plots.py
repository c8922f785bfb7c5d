"""Figures of assays: everything readable, nothing over anything else, the numbers in them."""

from itertools import combinations

import numpy as np
import pytest

from mtorsim import cells
from mtorsim.assays import Comparison, Lane, combination, viability, western

FOUR = "0.1nM:100nM:4"
CELLS = cells.names()[:15]
PICTURES = {
    "viability": lambda: viability(),
    "noisy": lambda: viability(cell="Caki-1", drug="Ku-0063794", replicates=3, times="24h,72h"),
    "one time": lambda: viability(
        doses=FOUR, times=["72 h"], perturbations=["hypoxia"], with_drugs={"sirolimus": "1 nM"}
    ),
    "side by side": lambda: Comparison(
        tuple(
            viability(cell=cell, drug=drug, times=["72 h"])
            for cell in ("786-O", "Caki-1")
            for drug in ("temsirolimus", "Ku-0063794")
        )
    ),
    "fifteen cells over six decades": lambda: Comparison(
        tuple(viability(cell=one, doses="0.01nM:10uM:6", times=["72 h"]) for one in CELLS)
    ),
    "nine decades": lambda: viability(doses="0.0001nM:100uM:10", times=["72 h"]),
    "odd doses": lambda: western(drugs={"temsirolimus": "0.12345nM,1234.5nM,10uM"}),
    "blot": lambda: western(),
    "wide blot": lambda: western(
        cell=["786-O", "Caki-1"], times="1h,24h", loading_error=0.1, stimuli={"insulin": "10 nM"}
    ),
    "one lane": lambda: western([Lane("786-O")], targets=["S6K1_pT389"]),
    "matrix": lambda: combination(doses=(FOUR, "10nM:10uM:4")),
    "sham": lambda: combination(drugs=("sirolimus", "sirolimus"), doses=(FOUR, FOUR)),
}


@pytest.fixture(scope="module", params=PICTURES.values(), ids=PICTURES.keys())
def picture(request):
    return request.param().plot()


def texts(picture):
    """Every text that is drawn, with the box it covers [pixels]."""
    picture.draw_without_rendering()
    found = [
        *picture.texts,
        *(text for axis in picture.axes for text in axis.texts),
        *(axis._left_title for axis in picture.axes),
        *(side.label for axis in picture.axes for side in (axis.xaxis, axis.yaxis)),
        *(
            label
            for axis in picture.axes
            if axis.axison
            for side in (axis.xaxis, axis.yaxis)
            for tick in side.get_major_ticks()
            for label in (tick.label1, tick.label2)
            if label.get_visible() and _is_in_view(side, tick)
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


def test_the_curves_hold_the_simulated_numbers():
    assay = viability(times=["72 h"])
    left, right = assay.plot().axes[:2]
    drawn = next(line for line in left.lines if line.get_marker() == "o")
    assert drawn.get_xdata() == pytest.approx(assay.points[0].doses[1:])
    assert drawn.get_ydata() == pytest.approx(assay.points[0].viability[1:, 0])
    assert left.get_ylabel() == "ATP of the well [% of control]"
    assert (left.get_xlabel(), right.get_xlabel()) == ("dose [nM]", "dose [nM]")


def test_a_blot_says_that_it_is_simulated_and_darkens_with_the_signal():
    blot = western(targets=["S6K1_pT389"])
    picture = blot.plot()
    assert picture.texts[-2].get_text().startswith("Simulated blot")
    film = picture.axes[0].images[0].get_array()
    lanes = np.array_split(film, len(blot.lanes), axis=1)
    darkness = [float((0.93 - lane).sum()) for lane in lanes]
    assert np.argsort(darkness).tolist() == np.argsort(blot.signals[0]).tolist()


def test_where_loewe_is_not_defined_there_is_no_number():
    assay = combination(doses=(FOUR, "10nM:10uM:4"))
    index = assay.plot().axes[4]
    known = np.isfinite(assay.loewe_index)
    assert not known[0, :].any()
    assert not known[:, 0].any()
    assert len(index.texts) == known.sum()
    assert len(index.patches) == (~known[1:, 1:]).sum()  # the edges, one drug alone, are blank


def test_many_curves_look_different():
    assay = viability(doses=FOUR, times=["24 h"])
    axis = Comparison((assay,) * 15).plot().axes[0]
    points = [line for line in axis.lines if line.get_linestyle() == "None" and line.get_color()]
    looks = {(line.get_color(), line.get_marker()) for line in points if line.get_marker() != "|"}
    assert len(looks) == 15
    fits = [line for line in axis.lines if len(line.get_xdata()) == 200]
    assert (
        len(
            {
                (line.get_color(), line._dash_pattern[1] is None, str(line._dash_pattern))
                for line in fits
            }
        )
        == 15
    )


def test_the_panel_of_gr_holds_all_readings():
    noisy = viability(doses=FOUR, times=["24 h"], replicates=20, noise=0.3)
    axis = noisy.plot().axes[1]
    assert axis.get_ylim()[1] > noisy.points[0].gr[1:].max() > 1.15


def test_ticks_of_a_scale_say_what_they_stand_at():
    assay = combination(drugs=("sirolimus", "AZD8055"), doses=(FOUR, "10nM:10uM:4"))
    bar = assay.plot().axes[3]
    for place, label in zip(bar.get_yticks(), bar.get_yticklabels(), strict=True):
        assert float(label.get_text()) == pytest.approx(place)


def test_doses_above_lanes_have_three_digits_and_one_size():
    picture = western(
        cell=["786-O", "adipocyte"],
        drugs={"temsirolimus": "0.12345nM,1234.5nM"},
        targets=["S6K1_pT389"],
        times="1h",
    ).plot()
    cells = {text.get_text(): text.get_fontsize() for text in picture.texts}
    assert {"0.123", "1230"} <= cells.keys()
    assert cells["0.123"] == cells["1230"] == cells["1"] == cells["adipocyte"]
