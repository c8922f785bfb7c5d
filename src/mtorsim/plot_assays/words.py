"""Titles of assay figures, and text placed in inches."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from mtorsim.plot import Picture
from mtorsim.scenario import Scenario
from mtorsim.units import say_concentration

TEXT = 7.5  # pt
LETTER = 0.0575  # inch, a letter of that size
INKS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00")
MARKS = ("o", "s", "^", "D", "v", "P")  # one fewer than inks: together they repeat late
LINES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (5, 1.5, 1, 1.5)))  # a round of inks each
FAINT = "#767676"
_TITLE = 0.19  # inch, a line of a title


def shared_in_words(scenario: Scenario) -> str:
    """Say what all wells have beside the cell and its medium; empty if nothing."""
    given = [f"{name} {say_concentration(dose)}" for name, dose in scenario.stimuli.items()]
    given += [treatment.in_words() for treatment in scenario.drugs]
    given += [f"{key} = {value}" for key, value in scenario.set.items()]
    return "; ".join((*scenario.perturbations, *given))


def write_head(picture: Picture, left: float, titles: Sequence[str], notes: Sequence[str]) -> None:
    """Write title and notes, as lines, at the top of a page; `left` in inches."""
    width, height = (float(size) for size in picture.get_size_inches())
    place: dict[str, Any] = {"x": left / width, "va": "top", "ha": "left", "linespacing": 1.3}
    picture.text(
        y=1 - 0.12 / height, s="\n".join(titles), fontsize=TEXT + 2, fontweight="bold", **place
    )
    below = 0.34 + _TITLE * (len(titles) - 1)
    text = "\n".join(notes)
    picture.text(y=1 - below / height, s=text, fontsize=TEXT - 0.5, color="#333333", **place)


def folded(text: str, inches: float) -> list[str]:
    """Return lines of a note that fit into a width."""
    return wrap(text, max(20, int(inches / (LETTER * 0.95))))


def head_height(titles: Sequence[str], notes: Sequence[str]) -> float:
    """Return the height that `write_head` needs [inch]."""
    return 0.42 + _TITLE * (len(titles) - 1) + 0.135 * len(notes)
