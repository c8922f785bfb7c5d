"""Mass balance read from the stoichiometry alone: what is conserved, and where mass comes and goes.

Both questions are linear programmes over the stoichiometric matrix N (species by reactions):

- a conserved moiety is a weighting w of species, not negative, with ``w N = 0``;
- were every reaction balanced, all species could be given a mass m of one or more with
  ``m N = 0``. Where that fails, the reactions with the smallest total imbalance ``m N`` are named
  (in the spirit of Gevorgyan, Poolman and Fell 2008, https://doi.org/10.1093/bioinformatics/btn425).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, eye_array, hstack

_ZERO = 1e-7  # below this a weight or an imbalance of the solver is zero


@dataclass(frozen=True)
class Change:
    """One reaction: the net change of each species, and how readily it is taken as unbalanced."""

    name: str
    net: Mapping[str, float]  # species -> molecules made (above zero) or used, per event
    suspicion: float  # above zero; a binding step has less of it than a degradation


@dataclass(frozen=True)
class Imbalance:
    """A reaction that makes mass (`gain` above zero) or loses it."""

    name: str
    gain: float


def moieties(species: Sequence[str], changes: Sequence[Change]) -> tuple[dict[str, int], ...]:
    """Return independent conserved sums of species, each with whole weights.

    Parameters
    ----------
    species : sequence of str
        Species that reactions may change.
    changes : sequence of Change
        Every reaction.

    Returns
    -------
    tuple of dict
        Weight of each species in the sum; ``{"A": 1, "AB": 1}`` says that A + AB is conserved.
        As many as the network has with weights that are not negative.
    """
    matrix = _matrix(species, changes)
    found: list[dict[str, int]] = []
    rows = np.zeros((0, len(species)))
    for seed in range(len(species)):
        if any(species[seed] in moiety for moiety in found):
            continue
        weights = _moiety_with(matrix, seed)
        if weights is None:
            continue
        candidate = np.vstack([rows, weights])
        if np.linalg.matrix_rank(candidate, tol=_ZERO) == len(candidate):
            rows = candidate
            found.append(_whole(species, weights))
    return tuple(found)


def imbalances(species: Sequence[str], changes: Sequence[Change]) -> tuple[Imbalance, ...]:
    """Return the reactions that make or lose mass, chosen so that their suspicion is least.

    Empty when every species can be given a mass such that all reactions are balanced.
    """
    if not species or not changes:
        return ()
    # Unknowns: m (from 1 up), gain and loss of each reaction (from 0 up); m N - gain + loss = 0.
    matrix = _matrix(species, changes)
    size = len(changes)
    slack = eye_array(size, format="csr")
    price = np.array([1 / change.suspicion for change in changes])
    answer = linprog(
        np.concatenate([np.full(len(species), 1e-6), price, price]),
        A_eq=hstack([matrix.T, -slack, slack], format="csr"),
        b_eq=np.zeros(size),
        bounds=[(1, None)] * len(species) + [(0, None)] * (2 * size),
    )
    gains = answer.x[len(species) : len(species) + size] - answer.x[len(species) + size :]
    return tuple(
        Imbalance(change.name, float(gain))
        for change, gain in zip(changes, gains, strict=True)
        if abs(gain) > _ZERO
    )


def _matrix(species: Sequence[str], changes: Sequence[Change]) -> csr_array:
    row = {name: index for index, name in enumerate(species)}
    entries = [
        (amount, row[name], column)
        for column, change in enumerate(changes)
        for name, amount in change.net.items()
    ]
    values, rows, columns = zip(*entries, strict=True) if entries else ((), (), ())
    shape = (len(species), len(changes))
    return csr_array((np.array(values, dtype=float), (rows, columns)), shape=shape)


def _moiety_with(matrix: csr_array, seed: int) -> np.ndarray | None:
    """The conserved sum of least total weight that counts species `seed` once; None without one."""
    size, reactions = matrix.shape
    lower = np.zeros(size)
    lower[seed] = 1
    if reactions == 0:
        return lower
    answer = linprog(
        np.ones(size),
        A_eq=matrix.T,
        b_eq=np.zeros(reactions),
        bounds=[(low, None) for low in lower],
    )
    return np.asarray(answer.x) if answer.success else None


def _whole(species: Sequence[str], weights: np.ndarray) -> dict[str, int]:
    parts = [Fraction(float(weight)).limit_denominator(1000) for weight in weights]
    common = lcm(*(part.denominator for part in parts))
    return {
        name: int(part * common)
        for name, part in zip(species, parts, strict=True)
        if abs(part) > _ZERO
    }
