"""Pictures of a sweep: what is drawn, and how it is labelled."""

import math
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

import mtorsim as mt
from mtorsim.errors import ScenarioError, UnknownIdError
from mtorsim.export.files import png
from mtorsim.plot_sweep import figure
from mtorsim.sweeps.gather import table_of
from mtorsim.sweeps.result import Sweep

DOSES = np.array([0.01, 1.0, 100.0])
DOSE = "drugs.sirolimus.dose"


def sweep(axes, observables=("S6K1_pT389", "FKBP12_drug"), design="grid", **readings):
    """A sweep with made-up numbers; axes are name -> values."""
    coords, shape = {}, []
    for name, values in axes.items():
        values = np.array(values)
        attrs = {"units": "nM"} if values.dtype.kind == "f" else {}
        coords[name] = (name if design == "grid" else "point", values, attrs)
        shape.append(len(values))
    dims = tuple(axes) if design == "grid" else ("point",)
    shape = tuple(shape) if design == "grid" else (shape[0],)
    size = (*shape, len(observables))
    untreated = np.broadcast_to([2.0] + [0.0] * (len(observables) - 1), size)
    values = 1.0 + np.arange(math.prod(size), dtype=float).reshape(size)
    data = xr.Dataset(
        {
            **dict.fromkeys(readings or ["end"], ((*dims, "observable"), values)),
            "untreated": ((*dims, "observable"), untreated),
            "status": (dims, np.zeros(shape, dtype=np.int8)),
        },
        {
            **coords,
            "observable": list(observables),
            "unit": ("observable", ["nM"] * len(observables)),
        },
        {"design": design, "axes": list(axes), "cell": "786-O", "duration": "72 h"},
    )
    return Sweep(data, table_of(()))  # fmt: skip


def panels(made):
    return [one for one in made.axes if one.get_title(loc="left")]


def test_a_dose_is_a_line_over_a_logarithm_relative_to_untreated():
    made = figure(sweep({DOSE: DOSES}))
    relative, absolute = panels(made)
    line = relative.lines[0]
    assert line.get_xdata().tolist() == DOSES.tolist()
    assert line.get_ydata().tolist() == [0.5, 1.5, 2.5]  # 1, 3, 5 over an untreated 2
    assert relative.get_xscale() == "log"
    assert relative.get_xlabel() == f"{DOSE} [nM]"
    assert (relative.get_ylabel(), absolute.get_ylabel()) == ("relative to untreated", "nM")
    # Of drug there is none in the untreated cell.
    assert absolute.lines[0].get_ydata().tolist() == [2, 4, 6]
    assert made.get_suptitle() == "786-O, 72 h, at the end, 3 points"


def test_a_line_goes_from_left_to_right_and_zero_has_a_place():
    doses = np.array([10.0, 0.0, 0.01, 1.0])
    panel = panels(figure(sweep({DOSE: doses})))[0]
    assert panel.lines[0].get_xdata().tolist() == [0, 0.01, 1, 10]
    assert panel.lines[0].get_ydata().tolist() == [1.5, 2.5, 3.5, 0.5]
    assert panel.get_xscale() == "symlog"
    places = panel.transData.transform([(one, 0) for one in (0, 0.01, 1, 10)])[:, 0]
    assert np.diff(places).min() > 10  # pixels: none hides another


def test_what_grows_is_not_called_relative_to_untreated():
    panel = panels(figure(sweep({DOSE: DOSES}, observables=["cell_number"])))[0]
    assert panel.get_ylabel() != "relative to untreated"


def test_names_beside_a_dose_are_lines_with_a_legend():
    made = figure(sweep({DOSE: DOSES, "cell": ["786-O", "PC-3"]}))
    assert [len([one for one in panel.lines if len(one.get_xdata()) == 3])
            for panel in panels(made)] == [2, 2]  # fmt: skip
    assert [text.get_text() for text in made.legends[0].get_texts()] == ["786-O", "PC-3"]
    assert made.get_suptitle().startswith("72 h, at the end")  # the cell is an axis


@pytest.mark.parametrize(
    "axes",
    [
        {DOSE: DOSES, "drugs.Torin-1.dose": [1.0, 10.0]},
        {"cell": ["786-O", "PC-3", "HeLa"], "perturbations": ["none", "hypoxia"]},
        {DOSE: DOSES, "cell": [f"cell {k}" for k in range(8)]},
    ],
)
def test_two_axes_are_a_map_from_zero(axes):
    made = figure(sweep(axes))
    image = panels(made)[0].images[0]
    shape = tuple(map(len, axes.values()))
    assert image.get_array().shape in {shape, shape[::-1]}
    assert image.norm.vmin == 0
    assert image.norm.vmax >= 1
    labels = {panels(made)[0].get_xlabel(), panels(made)[0].get_ylabel()}
    assert {one.split(" [")[0] for one in labels} == set(axes)  # fmt: skip


def test_names_alone_are_bars():
    made = figure(sweep({"cell": ["786-O", "PC-3", "HeLa"]}))
    first = panels(made)[0]
    assert [bar.get_width() for bar in first.patches] == [0.5, 1.5, 2.5]
    assert [one.get_text() for one in first.get_yticklabels()] == ["786-O", "PC-3", "HeLa"]


def test_points_of_a_design_are_dots_coloured_by_the_second_axis():
    made = figure(sweep({DOSE: DOSES, "FKBP12": [1.0, 2.0, 3.0]}, design="sobol"))
    dots = panels(made)[0].collections[0]
    assert dots.get_offsets()[:, 0].tolist() == DOSES.tolist()
    assert dots.get_array().tolist() == [1, 2, 3]
    alone = figure(sweep({"cell": ["786-O", "PC-3"]}, design="random"))
    assert panels(alone)[0].get_xlabel() == "point"


def test_axes_with_one_value_are_in_the_title():
    made = figure(sweep({DOSE: DOSES, "cell": ["PC-3"], "duration": [2.0]}))
    assert made.get_suptitle() == "at the end, cell PC-3, duration 2, 3 points"
    assert "0.5" in panels(figure(sweep({DOSE: [1.0]})))[0].texts[0].get_text()


def test_other_readings_have_their_unit_and_are_not_relative():
    made = figure(sweep({DOSE: DOSES}, auc=1, time_to_peak=1), "auc")
    assert [one.get_ylabel() for one in panels(made)] == ["nM·min", "nM·min"]
    made = figure(sweep({DOSE: DOSES}, auc=1, time_to_peak=1), "time_to_peak")
    assert panels(made)[0].get_ylabel() == "min"
    assert panels(figure(sweep({DOSE: DOSES}, peak=1)))[0].get_ylabel() == "relative to untreated"


def test_curves_alone_are_drawn_at_their_end():
    scenario = mt.Scenario(drugs={"temsirolimus": "1 nM"}, duration="1 h", observe=["S6K1_pT389"])
    found = mt.sweep(scenario, {"drugs.temsirolimus.dose": ["1 nM", "9 nM"]}, read="curves")
    drawn = panels(found.plot())[0].lines[0].get_ydata()
    assert drawn.tolist() == (found["curves"][:, -1, 0] / found["untreated"][:, 0]).values.tolist()


def test_of_many_observables_a_choice_is_drawn():
    many = [*(f"other{k}" for k in range(30)), "S6K1_pT389", "mTORC2"]
    shown = [one.get_title(loc="left") for one in panels(figure(sweep({DOSE: DOSES}, many)))]
    assert shown == ["S6K1_pT389", "mTORC2"]
    unknown = [f"other{k}" for k in range(30)]
    assert len(panels(figure(sweep({DOSE: DOSES}, unknown)))) == 12


def test_failed_points_are_gaps():
    one = sweep({DOSE: DOSES, "drugs.Torin-1.dose": [1.0, 10.0]})
    one.dataset["end"][0, 0] = np.nan
    assert png(figure(one)).startswith(b"\x89PNG")
    one.dataset["end"][:] = np.nan
    assert png(figure(one)).startswith(b"\x89PNG")
    lines = sweep({DOSE: DOSES})
    lines.dataset["end"][:] = np.nan
    assert png(figure(lines)).startswith(b"\x89PNG")


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ScenarioError, match="plot: 3 axes have more than one value"):
        figure(sweep({"a": [1.0, 2.0], "b": [1.0, 2.0], "c": [1.0, 2.0]}))
    with pytest.raises(UnknownIdError, match="Closest: 'end'"):
        figure(sweep({DOSE: DOSES}), "ends")


def test_a_figure_is_seen_in_a_notebook():
    assert figure(sweep({DOSE: DOSES}))._repr_png_().startswith(b"\x89PNG")


def test_points_are_over_the_first_axis_and_coloured_by_the_second(tmp_path):
    axes = {
        "koff_MTOR_RICTOR": [0.1, 0.2, 0.3],
        "FKBP12": [1.0, 4.0, 9.0],
        "CCND1": [1.0, 2.0, 3.0],
    }
    drawn = sweep(axes, ["S6K1_pT389"], design="latin_hypercube")
    again = Sweep(drawn.dataset[sorted(drawn.dataset.variables)], drawn.failures)  # as from a store
    for one in (drawn, again):
        made = figure(one)
        (panel,) = panels(made)
        assert panel.get_xlabel() == "koff_MTOR_RICTOR [nM]"
        assert made.axes[-1].get_ylabel() == "FKBP12 [nM]"


@pytest.mark.parametrize(("most", "scale"), [(10.0, "linear"), (16.0, "log")])
def test_more_than_a_decade_is_drawn_over_a_logarithm(most, scale):
    (panel,) = panels(figure(sweep({"FKBP12": [1.0, 2.0, most]}, ["S6K1_pT389"])))
    assert panel.get_xscale() == scale


def test_long_numbers_along_an_axis_keep_apart():
    axes = {"FKBP12": np.linspace(20000.0, 100000.0, 8), "CCND1": np.arange(1.0, 9.0)}
    made = figure(sweep(axes, ["S6K1_pT389", "mTORC2", "AKT_pS473"], design="random"))
    made.canvas.draw()
    boxes = [one.get_window_extent() for one in panels(made)[0].get_xticklabels()]
    shown = [one for one in boxes if one.width]
    assert all(left.x1 < right.x0 for left, right in pairwise(shown))
