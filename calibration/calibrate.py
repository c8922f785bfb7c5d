"""Fits the network to published time courses, dose-responses and drug effects.

    python calibration/calibrate.py             # fit from several starts; write report and fit.json
    python calibration/calibrate.py --write     # the same, then put the values into models/
    python calibration/calibrate.py --report    # no fit: say how the models as they stand compare

Data in arbitrary units get one scale for each curve and, where the method leaves one, a background;
both follow from linear regression inside the fit. Parameters have log-normal priors
(parameters.yaml), so that what the data do not determine stays where the literature puts it.
"""

import argparse
import json
import time

import numpy as np
from experiments import HERE, Array, count
from experiments import residuals as misfits
from parameters import current, free, to_steps, to_values, write
from reporting import report
from scipy.optimize import least_squares

from mtorsim.errors import SimulationError
from mtorsim.sweeps.pool import each

SEED = 20261123
STARTS = 4
FARTHEST = 2.5  # standard deviations from the prior; beyond it a value is not believed


def residuals(steps: Array) -> Array:
    """Return all weighted residuals: curves, effects, priors."""
    try:
        return np.concatenate([list(misfits(to_values(steps))), steps])
    except SimulationError:
        # A parameter set that cannot be simulated is as bad as any; the fit steps back.
        return np.full(count() + len(steps), 1e3)


def fit(number: int) -> dict[str, object]:
    """Fit from one start: the values that stand in the models, or a random place."""
    generator = np.random.default_rng([SEED, number])
    start = to_steps(current()) if number == 0 else generator.normal(0, 0.7, len(free()))
    start = np.clip(start, 0.01 - FARTHEST, FARTHEST - 0.01)
    begun = time.perf_counter()
    found = least_squares(
        residuals,
        start,
        bounds=(-FARTHEST, FARTHEST),
        diff_step=1e-3,
        ftol=1e-3,
        loss="soft_l1",
        f_scale=2.0,
        max_nfev=25,
    )
    seconds = time.perf_counter() - begun
    print(
        f"start {number}: cost {found.cost:.2f} after {found.nfev} steps, {seconds:.0f} s",
        flush=True,
    )
    return {"start": number, "cost": float(found.cost), "steps": found.x.tolist()}


def main() -> None:
    """Fit, report, and write when asked to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="put the fitted values into models/")
    parser.add_argument("--report", action="store_true", help="no fit, only the report")
    parser.add_argument("--starts", type=int, default=STARTS)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if options.report:
        values = current()
    else:
        found = each(fit, range(options.starts), options.workers)
        fits = sorted(found, key=lambda one: one["cost"])
        values = to_values(np.array(fits[0]["steps"]))
        text = json.dumps({"seed": SEED, "values": values, "fits": fits}, indent=1)
        (HERE / "fit.json").write_text(text + "\n", encoding="utf-8")
        if options.write:
            write(values)
    text = report(values)
    (HERE / "report.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
