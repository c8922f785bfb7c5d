"""Figures: everything readable, nothing over anything else, no global state."""

import subprocess
import sys
from base64 import b64decode
from itertools import combinations

import numpy as np
import pytest
from matplotlib.text import Text

import mtorsim as mt
from mtorsim.plot import (
    DAYS,
    HOURS,
    PANELS,
    WEEKS,
    _clock,
    _exposures,
    _spread,
    _ticks,
    figure,
)

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
    "weekly into a vein": {"drugs": {"temsirolimus": "25 mg IV weekly x8"}},
    "once into a vein": {"drugs": {"temsirolimus": "25 mg IV"}},
    "a day after one dose": {"drugs": {"temsirolimus": "25 mg IV"}, "duration": "24 h"},
    "daily into a mouse": {
        "drugs": {"temsirolimus": "20 mg/kg IP daily x5"},
        "species": "mouse",
        "perturbations": ["ketoconazole"],
    },
    "daily for a year": {"drugs": {"everolimus": "10 mg daily"}, "duration": "52 weeks"},
    "a long infusion, late, and another drug": {
        "drugs": {
            "temsirolimus": mt.Regimen("25 mg IV over 24 h weekly x3", start="1 week"),
            "everolimus": mt.Regimen("10 mg daily x14", start="1 week"),
        }
    },
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
    "ids", [None, ("S6K1_pT389",), ("FKBP12_drug", "AKT_pS473", "AMPK_active")]
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


@pytest.mark.parametrize(
    ("ids", "units"),
    [
        (["FKBP12_drug"], ["concentration [nM]"]),
        (["S6K1_pT389", "drug_medium"], ["relative to untreated", "concentration [nM]"]),
    ],
)
def test_what_a_scenario_observes_is_drawn(ids, units):
    picture = figure(mt.simulate(**DAY, observe=ids))
    assert [axis.get_ylabel() for axis in picture.axes if axis.get_ylabel()] == units


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
    assert _ticks(begin, end, HOURS.steps) == ticks


@pytest.mark.parametrize(
    ("clock", "begin", "end", "ticks"),
    [
        (DAYS, 1, 7, [2, 4, 6]),
        (DAYS, 0, 28, [0, 7, 14, 21, 28]),
        (DAYS, 1, 56, [14, 28, 42, 56]),
        (DAYS, 7, 8, [7, 7.5, 8]),
        (WEEKS, 0, 52, [0, 13, 26, 39, 52]),
    ],
)
def test_ticks_stand_at_round_days_and_weeks(clock, begin, end, ticks):
    assert _ticks(begin, end, clock.steps) == ticks


@pytest.mark.parametrize(
    ("days", "clock"),
    [(0.02, HOURS), (3, HOURS), (5, HOURS), (7, DAYS), (56, DAYS), (112, DAYS), (365, WEEKS)],
)
def test_long_runs_are_told_in_days_and_weeks(days, clock):
    assert _clock(days * 1440) == clock


# -- doses of a body -------------------------------------------------------------------------------


def in_body(drug, text, ids=("S6K1_pT389",), **fields):
    result = mt.simulate(drugs={drug: text}, observe=ids, **fields)
    return result, figure(result)


def marked(axis):
    """Begin and end of what is marked above the curves, in units of the axis."""
    ticks, bars = axis.collections
    begins = [segment[0][0] for segment in ticks.get_segments()]
    edges = [(segment[0][0], segment[1][0]) for segment in bars.get_segments()]
    assert begins == [begin for begin, _ in edges]
    heights = [y for lines in (ticks, bars) for one in lines.get_segments() for _, y in one]
    assert not heights or min(heights) >= 1  # of the axis, above the curves
    return edges


def test_every_dose_is_marked_once_beside_a_change_of_scale():
    _, picture = in_body("temsirolimus", "25 mg IV over 12 h weekly x8")
    first, rest = picture.axes
    assert first.get_xlim() == (0, 24)
    assert rest.get_xlim() == (1, 56)
    assert marked(first) == [(0, 12)]
    assert marked(rest) == pytest.approx(
        np.array([(7 * week, 7 * week + 0.5) for week in range(1, 8)])
    )
    units = [text.get_text() for text in picture.texts if text.get_text().startswith("time")]
    assert units == ["time [h]", "time [days]"]


def test_a_dose_by_mouth_is_a_mark_without_length():
    _, picture = in_body("everolimus", "10 mg PO daily x3", duration="4 d")
    first, rest = picture.axes
    assert marked(first) == [(0, 0)]
    assert marked(rest) == [(24, 24), (48, 48)]
    assert [text.get_text() for text in picture.texts].count("time [h]") == 1


def test_the_usual_length_of_an_infusion_is_drawn():
    _, picture = in_body("temsirolimus", "25 mg IV", duration="24 h")
    assert marked(picture.axes[0]) == [(0, 0.5)]


def test_a_late_dose_has_a_close_up_beside_the_whole_run():
    regimen = mt.Regimen("25 mg IV weekly x2", start="1 week")
    _, picture = in_body("temsirolimus", regimen)
    near, whole = picture.axes
    assert near.get_xlim() == (7, 8)
    assert whole.get_xlim() == (0, 21)
    assert [begin for begin, _ in marked(near)] == [7]
    assert [begin for begin, _ in marked(whole)] == [7, 14]


def test_the_lines_of_a_long_run_hold_the_simulated_numbers():
    result, picture = in_body("temsirolimus", "25 mg IV weekly x4")
    _, rest = picture.axes
    (line,) = [line for line in rest.lines if len(line.get_xdata()) > 2]
    later = result.time >= 1440
    assert line.get_xdata() == pytest.approx(result.time[later] / 1440)
    ratio = result.relative(["S6K1_pT389"])["S6K1_pT389"].to_numpy()
    assert line.get_ydata() == pytest.approx(ratio[later])


def test_the_caption_says_whose_body_it_is():
    _, picture = in_body("temsirolimus", "20 mg/kg IP daily x5", species="mouse")
    words = " ".join(text.get_text().replace("\n", " ") for text in picture.texts)
    assert "Temsirolimus 20 mg per kg of body weight intraperitoneally every day, 5 times" in words
    assert "In a tumour of a mouse. Marks above: doses." in words
    assert "Shaded" not in words


def test_in_a_dish_nothing_is_marked():
    picture = figure(mt.simulate(**DAY))
    assert all(marked(axis) == [] for axis in picture.axes)
    assert all(axis.patches for axis in picture.axes)  # shaded: drug in the medium


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


# The kernel is another process: what it warns of goes to its own output.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_notebook_shows_the_same_picture_with_pyplot_in_use(tmp_path):
    import nbclient
    import nbformat

    shown = "from mtorsim.plot import Picture\nPicture(figsize=(4, 3), dpi=300)"
    cells = [shown, "import matplotlib.pyplot as plt\nplt.subplots()[0]", shown]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    nbclient.NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    (before,), (after,) = (notebook.cells[place].outputs for place in (0, 2))
    assert before.data["image/png"] == after.data["image/png"]
    assert int.from_bytes(b64decode(after.data["image/png"])[16:20], "big") == 4 * 110  # pixels


def test_the_drug_in_a_body_has_a_panel_on_a_logarithmic_axis():
    found = mt.simulate(drugs={"temsirolimus": "25 mg weekly x2"})
    axes = [axis for axis in found.plot().axes if axis.get_yscale() == "log"]
    assert [axis.get_title("left")[4:] for axis in axes] == ["Drug", ""]
    assert all(len(axis.lines) >= 4 for axis in axes)
    top = found.column("temsirolimus_blood").max()
    low, high = axes[0].get_ylim()
    assert 0 < low < 0.1
    assert high == pytest.approx(2 * top)
    asked = found.plot(["sirolimus_blood", "S6K1_pT389"])
    titles = [axis.get_title("left")[4:] for axis in asked.axes]
    assert "Drug" in titles
