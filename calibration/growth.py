"""Growth: the pace of each cell line from its doubling time, the rest from viability assays.

    python calibration/growth.py             # say how the models as they stand compare
    python calibration/growth.py --write     # fit, then put the values into models/

Growth lies downstream of signalling and does not act back on it, so it is fitted after it. Two
published sizes, how far a rapalog and an ATP-competitive drug can lower viability, move seven
parameters around their priors; for each choice the rates of the cell cycle follow for each cell
line from its published doubling time, in closed form. The prior of death without AKT was raised
once, from 2e-4 to 4e-4 per minute, after the fit had come to rest on its bound.
"""

import argparse
import re
from collections.abc import Mapping

import numpy as np
from experiments import Array, Values, measured, used_by
from scipy.optimize import least_squares

import mtorsim as mt
from mtorsim import cells
from mtorsim.paths import models_path
from mtorsim.symbols import symbols
from mtorsim.targets.jobs import Dish, curves

PRIORS: Mapping[str, tuple[float, float]] = {  # value, standard deviation as a factor
    "Km_CCND1_G1": (80, 2),
    "Km_MYC_G1": (60, 2),
    "Km_ribosome_G1": (4000, 2),
    "ksyn_CCND1_basal": (0.2, 1.5),
    "ksyn_MYC_basal": (0.4, 1.5),
    "kdeath_without_AKT": (4e-4, 1.4),
    "size_by_ribosome": (0.6, 1.2),
}
PACE = "kG1_exit_max"
IN_G1 = 0.6  # of cells in growth medium
KIDNEY = ("786-O", "Caki-1")
READ = ("CCND1", "MYC", "ribosome", "leucine", "glucose", "AKT_active")
FIT = "calibration/growth.py"


def paces(cell: str, values: Values) -> dict[str, float]:
    """Return the two rates [1/min] at which a cell doubles in its published time.

    At rest division p, share of cells in G1 g and exit from it k obey 2p = (k + p)g and
    p = kdivision(1 - g); growth is p less death. The share is taken as `IN_G1`.
    """
    doubling = cells.load(cell).doubling_time
    if doubling is None:
        return {PACE: 0.0}
    untreated = mt.Scenario(cell=cell, drugs={}, duration="1 min", observe=READ)
    rest = curves(Dish(untreated, (1.0,)).carry_out(values)).baseline
    survival = values["kdeath_without_AKT"] * _vacant("Km_AKT_survival", rest["AKT_active"])
    division = np.log(2) / (60 * doubling.value) + _value("kdeath_basal") + survival
    exit_rate = division * (2 - IN_G1) / IN_G1
    promoted = [1 - _vacant(values.get(f"Km_{id}_G1", f"Km_{id}_G1"), rest[id]) for id in READ[:5]]
    return {"kdivision": division / (1 - IN_G1), PACE: float(exit_rate / np.prod(promoted))}


def _vacant(Km: str | float, level: float) -> float:
    constant = _value(Km) if isinstance(Km, str) else Km
    return constant / (constant + level)


def _value(name: str) -> float:
    return float(symbols()[name].value or 0.0)


def reductions(values: Values) -> dict[str, float]:
    """Return id -> by how much a drug lowers viability, for the rows that are fitted [%]."""
    own = {f"{cell}.{id}": one for cell in KIDNEY for id, one in paces(cell, values).items()}
    return measured(used_by(FIT), {**values, **own})


def fit() -> dict[str, float]:
    """Return the values that agree best with the published sizes and the priors."""
    found = least_squares(_residuals, np.full(len(PRIORS), 0.1), bounds=(-2.5, 2.5), diff_step=1e-2)
    return to_values(found.x)


def to_values(steps: Array) -> dict[str, float]:
    """Return parameter values from distances to the prior, in standard deviations."""
    pairs = zip(PRIORS.items(), steps.tolist(), strict=True)
    return {name: value * factor**step for (name, (value, factor)), step in pairs}


def _residuals(steps: Array) -> Array:
    model = reductions(to_values(steps))
    misses = [one.residual(model[one.id]) for one in used_by(FIT)]
    return np.array([*misses, *steps])


def current() -> dict[str, float]:
    """Return the values that stand in the model files."""
    return {name: _value(name) for name in PRIORS}


def write(values: Values) -> None:
    """Put fitted values into the model files, and its pace into the file of each cell."""
    found = {cell: paces(cell, values) for cell in cells.names()}
    for name, value in values.items():
        path = models_path(f"{symbols()[name].branch}.ant")
        text = path.read_text(encoding="utf-8")
        text = re.sub(rf"(?m)^({name} = )[^;]+;", rf"\g<1>{value:.4g};", text)
        prior, factor = PRIORS[name]
        origin = f"confidence=C; fitted (calibration/growth.py), prior {prior:g} within a factor"
        text = re.sub(
            rf'(?m)^({name} notes ")confidence=\w; (?:fitted [^;"]*|assumed)',
            rf"\g<1>{origin} of {factor:g}",
            text,
        )
        path.write_text(text, encoding="utf-8")
    for cell, own in found.items():
        _write_paces(cell, own)


def _write_paces(cell: str, own: Values) -> None:
    path = models_path("cells", f"{cell}.yaml")
    text = path.read_text(encoding="utf-8")
    doubling = cells.load(cell).doubling_time
    for name, value in own.items():
        text = re.sub(rf"(?m)^  {name}:\n(?:    .*\n)+", "", text)
        if doubling is None:
            origin = '    source: "the cell does not divide"\n    confidence: D\n'
        else:
            origin = (
                f'    source: "fitted (calibration/growth.py): doubles in {doubling.value:g} h"\n'
                f'    confidence: C\n    notes: "{IN_G1:.0%} of cells in G1 assumed"\n'
            )
        text += f"  {name}:\n    value: {value:.4g} 1/min\n{origin}"
    path.write_text(text, encoding="utf-8")


def main() -> None:
    """Say how the models compare, or fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="fit and write into models/")
    values = fit() if parser.parse_args().write else current()
    for name, value in values.items():
        print(f"{name} {value:.4g}")
    for name, found in reductions(values).items():
        print(f"{name} {found:.1f} %")
    if parser.parse_args().write:
        write(values)


if __name__ == "__main__":
    main()
