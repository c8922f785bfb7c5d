"""A blot as in a figure of a paper: lanes, bands, names, masses, densitometry.

It says of itself that it is simulated.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from mtorsim.assays.western import BANDS, LOADING
from mtorsim.plot import Picture
from mtorsim.plot_assays.words import FAINT, LETTER, TEXT, folded, head_height, write_head
from mtorsim.units import say_concentration, say_time

if TYPE_CHECKING:
    from mtorsim.assays.western import Lane, Western

_LANE, _FILM, _NUMBER, _APART = 0.44, 0.27, 0.15, 0.09  # inch
_LINE = 0.17  # inch, a row of what was done to the lanes
_RIGHT = 0.66  # inch, for the masses
_PIXELS = (27, 48)  # of one lane of film
_PAPER, _DARKEST = 0.93, 0.10  # grey of empty film and of a saturated band
_GAIN = 2.2  # how soon film saturates: a band at half strength is three quarters as dark


def western_figure(blot: "Western") -> Picture:
    """Return a figure of a blot.

    Each row has an exposure of its own, that of its strongest band. The numbers below a row are
    densitometry over actin, relative to the first lane; they come from the simulation, not from
    the film.

    Parameters
    ----------
    blot : Western

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot.
    """
    done = list(_done(blot.lanes))
    names = [*(name for name, _ in done), *(BANDS[id].label for id in (*blot.targets, LOADING))]
    left = 0.3 + LETTER * max(len(name) for name in names)
    film = _LANE * len(blot.lanes)
    width = max(left + film + _RIGHT, 4.6)
    titles, notes = folded(_title(blot), (width - 0.4) * 0.7), folded(_note(blot), width - 0.4)
    head = head_height(titles, notes)
    rows = len(blot.targets) * (_FILM + _NUMBER + _APART) + _FILM
    height = head + _LINE * len(done) + 0.12 + rows + 0.15
    picture = Picture(figsize=(width, height), dpi=300)
    y = height - head
    usual = min(_letters(cells) for name, cells in done if name)
    for name, cells in done:
        size = usual if name else _letters(cells)  # labels are free, and may be long
        _write_lanes(picture, (left, y - _LINE / 2), name, cells, size)
        y -= _LINE
    _draw_rows(picture, blot, left, y - 0.1)
    write_head(picture, 0.15, titles, notes)
    return picture


def _title(blot: "Western") -> str:
    cells = dict.fromkeys(lane.scenario.cell for lane in blot.lanes)
    drugs = dict.fromkeys(name for lane in blot.lanes for name in lane.doses)
    times = dict.fromkeys(say_time(lane.time) for lane in blot.lanes)
    parts = (", ".join(cells), ", ".join(drugs) or "untreated", ", ".join(times))
    return f"Simulated blot: {'; '.join(parts)}"


def _note(blot: "Western") -> str:
    note = (
        "Simulated: bands are drawn from concentrations, each row exposed for its strongest band "
        f"on film that saturates. Numbers: densitometry over {BANDS[LOADING].label}, relative to "
        "lane 1."
    )
    if not np.isfinite(blot.normalised[blot.is_seen]).all():
        note += " *: relative to the strongest lane, since lane 1 has no band."
    if blot.loading_error:
        note += f" Loading error {blot.loading_error:.0%}, seed {blot.seed}."
    return note


def _done(lanes: Sequence["Lane"]) -> Iterator[tuple[str, list[str]]]:
    """What was done to the lanes, a row for each thing that any lane has or that differs."""
    scenarios = [lane.scenario for lane in lanes]
    if any(lane.label for lane in lanes):
        yield "", [lane.label for lane in lanes]
    if len({one.cell for one in scenarios}) > 1:
        yield "cell", [one.cell for one in scenarios]
    for name in dict.fromkeys(name for lane in lanes for name in lane.doses):
        doses = [lane.doses.get(name, 0.0) for lane in lanes]
        yield f"{name} [nM]", [_digits(dose) if dose else "–" for dose in doses]
    for name in dict.fromkeys(name for one in scenarios for name in one.stimuli):
        levels = [one.stimuli.get(name, 0.0) for one in scenarios]
        yield name, [say_concentration(level) if level else "–" for level in levels]
    for name in dict.fromkeys(name for one in scenarios for name in one.perturbations):
        yield name, ["+" if name in one.perturbations else "–" for one in scenarios]
    hours = [f"{lane.time / 60:.3g}" for lane in lanes]
    yield "time [h]", hours


def _digits(dose: float) -> str:
    """Return a dose with three digits that count."""
    return f"{dose:.3g}" if dose < 1000 else f"{float(f'{dose:.3g}'):.0f}"


def _letters(cells: Sequence[str]) -> float:
    """Return the font size at which the longest of cells fits a lane [pt]."""
    longest = max(len(cell) for cell in cells)
    return min(TEXT - 0.5, (TEXT - 0.5) * (_LANE - 0.04) / (LETTER * max(longest, 1)))


def _write_lanes(
    picture: Picture, place: tuple[float, float], name: str, cells: Sequence[str], size: float
) -> None:
    left, y = place
    width, height = (float(size) for size in picture.get_size_inches())
    picture.text(
        (left - 0.08) / width, y / height, name, ha="right", va="center", fontsize=TEXT - 0.5
    )
    for number, cell in enumerate(cells):
        x = left + _LANE * (number + 0.5)
        picture.text(x / width, y / height, cell, ha="center", va="center", fontsize=size)


def _draw_rows(picture: Picture, blot: "Western", left: float, y: float) -> None:
    for row, id in enumerate(blot.targets):
        y -= _FILM
        strongest = float(blot.concentrations[row].max()) if blot.is_seen[row] else 0.0
        shares = blot.signals[row] / strongest if strongest else np.zeros(len(blot.lanes))
        _draw_row(picture, left, y, id, shares)
        y -= _NUMBER
        _write_numbers(picture, left, y + _NUMBER / 2, blot, row)
        y -= _APART
    _draw_row(picture, left, y - _FILM, LOADING, 0.8 * blot.loaded)


def _draw_row(picture: Picture, left: float, y: float, id: str, shares: np.ndarray) -> None:
    width, height = (float(size) for size in picture.get_size_inches())
    film = _LANE * len(shares)
    axis: Axes = picture.add_axes((left / width, y / height, film / width, _FILM / height))
    axis.imshow(
        _film(shares, list(BANDS).index(id)),
        cmap="gray",
        vmin=0,
        vmax=1,
        aspect="auto",
        interpolation="bilinear",
    )
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_linewidth(0.5)
        spine.set_color("#555555")
    middle = (y + _FILM / 2) / height
    band = BANDS[id]
    picture.text((left - 0.08) / width, middle, band.label, ha="right", va="center", fontsize=TEXT)
    mass = f"– {band.kilodalton} kDa"
    picture.text(
        (left + film + 0.04) / width,
        middle,
        mass,
        ha="left",
        va="center",
        fontsize=TEXT - 1.5,
        color=FAINT,
    )


def _film(shares: np.ndarray, number: int) -> np.ndarray:
    """Return the grey of one strip of film, shape (high, lanes*wide); 1 is white.

    The grain and the slant of the bands are looks, the same for every blot.
    """
    high, wide = _PIXELS
    looks = np.random.default_rng(number)
    x = np.linspace(-1, 1, wide)
    y = np.linspace(-1, 1, high)[:, None]
    strips = []
    for share in shares:
        slant, smile = looks.uniform(-0.05, 0.05), looks.uniform(0.05, 0.12)
        middle = slant * x + smile * x**2
        thick = 0.20 + 0.09 * min(float(share), 1.5)  # a strong band spreads
        shape = np.exp(-((x / 0.74) ** 6)) * np.exp(-(((y - middle) / thick) ** 2))
        dark = (1 - np.exp(-_GAIN * share * shape)) / (1 - np.exp(-_GAIN))
        strips.append(np.minimum(dark, 1.0))
    dark = np.hstack(strips)
    grain = looks.normal(0, 0.010, dark.shape)
    return np.clip(_PAPER - (_PAPER - _DARKEST) * dark + grain, 0, 1)


def _write_numbers(picture: Picture, left: float, y: float, blot: "Western", row: int) -> None:
    width, height = (float(size) for size in picture.get_size_inches())
    if not blot.is_seen[row]:
        middle = left + _LANE * len(blot.lanes) / 2
        picture.text(
            middle / width,
            y / height,
            "no band in any lane",
            ha="center",
            va="center",
            fontsize=TEXT - 2,
            color=FAINT,
        )
        return
    for number, text in enumerate(_densities(blot, row)):
        x = left + _LANE * (number + 0.5)
        picture.text(
            x / width,
            y / height,
            text,
            ha="center",
            va="center",
            fontsize=TEXT - 2,
            color="#333333",
        )


def _densities(blot: "Western", row: int) -> list[str]:
    if np.isfinite(blot.normalised[row]).all():
        return [f"{value:.2f}" for value in blot.normalised[row]]
    levels = blot.concentrations[row]
    return [f"{value:.2f}*" for value in levels / levels.max()]
