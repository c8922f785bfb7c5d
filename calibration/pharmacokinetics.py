"""Fits the pharmacokinetic models to published exposures, and keeps an ensemble of accepted fits.

    python calibration/pharmacokinetics.py             # fit from several starts, resample, report
    python calibration/pharmacokinetics.py --write     # the same, then put the best into models/
    python calibration/pharmacokinetics.py --report    # no fit: the models as they stand

Each published number is compared on a logarithmic scale; its range counts as four standard
deviations. Parameters have log-normal priors (pharmacokinetics.yaml). The ensemble comes from fits
to data and priors that were both shifted at random within their errors (randomised maximum
likelihood). A fit is accepted when it agrees with the data as they are (a chi-square below its 95 %
quantile, four numbers counted as repeats of others, and none further than three standard deviations
from the published one) and is possible: parameters within their bounds, and no more drug in blood
outside FKBP12 than its central volume holds.
"""

import argparse
import json
import re
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import yaml
from experiments import HERE, Array
from exposures import MODIFIERS, activity, fitted, of_use
from scipy.optimize import least_squares
from scipy.stats import chi2

from mtorsim.errors import SimulationError
from mtorsim.paths import models_path
from mtorsim.sweeps.pool import each

SEED = 20261123
STARTS, SAMPLES = 12, 80
FARTHEST = 3.0  # standard deviations from the prior, and of a member from a published number
WORST = 1e3
REPEATED = ("PK03", "PK15", "PK16", "PK56")  # follow from other rows that are fitted
BLOOD = 5.0  # L
SHARES = (0.2, 0.5, 0.9)  # of the clearance of temsirolimus from plasma, by CYP3A unsaturated
SATURATION = (0.1, 1.0, 10.0, 100.0, 1e6)  # nM in plasma: half saturation; the last is none
ENSEMBLE = models_path("pharmacokinetics", "ensemble.csv")


@cache
def free() -> pd.DataFrame:
    """Read pharmacokinetics.yaml; index id, columns prior, factor, lowest, highest."""
    content = yaml.safe_load((HERE / "pharmacokinetics.yaml").read_text(encoding="utf-8"))
    table = pd.DataFrame.from_dict(content, orient="index")
    return table.assign(lowest=table["lowest"].fillna(0.0), highest=table["highest"].fillna(np.inf))


def to_values(steps: Array) -> dict[str, float]:
    """Return parameter values from distances to the prior, in standard deviations."""
    table = free()
    values = table["prior"].to_numpy(float) * table["factor"].to_numpy(float) ** steps
    return dict(zip(table.index, values.tolist(), strict=True))


def to_steps(values: Mapping[str, float]) -> Array:
    """Return distances to the prior, in standard deviations, from parameter values."""
    table = free()
    ratios = np.array([values[name] for name in table.index]) / table["prior"].to_numpy(float)
    return np.log(ratios) / np.log(table["factor"].to_numpy(float))


def bounds() -> tuple[Array, Array]:
    """Return the lowest and highest distance to the prior that is tried."""
    table = free()
    with np.errstate(divide="ignore"):
        low, high = (
            (np.log(table[side] / table["prior"]) / np.log(table["factor"])).to_numpy(float)
            for side in ("lowest", "highest")
        )
    return np.maximum(-FARTHEST, low), np.minimum(FARTHEST, high)


@cache
def goals() -> pd.DataFrame:
    """Return the rows that are fitted: logarithm of the value and its standard deviation."""
    found = {
        one.id: (np.log(one.value), np.log(one.high / one.low) / 4) for one in of_use("calibrated")
    }
    return pd.DataFrame.from_dict(found, orient="index", columns=["log", "sd"])


def residuals(
    steps: Array, shift: Array, centre: Array, held: Mapping[str, float] = MappingProxyType({})
) -> Array:
    """Return weighted residuals: published numbers, then priors around `centre`."""
    try:
        model = fitted({**to_values(steps), **held})
        found = np.log([model[str(id)] for id in goals().index])
    except (SimulationError, TypeError, ValueError):
        # What cannot be simulated or analysed is as bad as any; the fit steps back.
        return np.full(len(goals()) + len(steps), WORST)
    if not np.isfinite(found).all():
        return np.full(len(goals()) + len(steps), WORST)
    misfit = (found - goals()["log"].to_numpy()) / goals()["sd"].to_numpy() - shift
    return np.concatenate([misfit, steps - centre])


def search(
    start: Array, shift: Array, centre: Array, held: Mapping[str, float] = MappingProxyType({})
) -> tuple[Array, float]:
    """Return the best steps and their cost."""
    low, high = bounds()
    start = np.clip(start, low + 1e-3, high - 1e-3)
    found = least_squares(
        residuals,
        start,
        bounds=(low, high),
        args=(shift, centre, held),
        diff_step=1e-3,
        ftol=1e-4,
        max_nfev=40,
    )
    return found.x, float(found.cost)


def fit(number: int) -> dict[str, object]:
    """Fit from one start: the values that stand in the models, or a random place."""
    generator = np.random.default_rng([SEED, number])
    count = len(free())
    start = to_steps(current()) if number == 0 else generator.normal(0, 0.8, count)
    begun = time.perf_counter()
    steps, cost = search(start, np.zeros(len(goals())), np.zeros(count))
    print(f"start {number}: cost {cost:.2f}, {time.perf_counter() - begun:.0f} s", flush=True)
    return {"start": number, "cost": cost, "steps": steps.tolist()}


def converted_by_cyp3a(job: tuple[float, float, bool, Sequence[float]]) -> dict[str, object]:
    """Fit with a share of conversion by CYP3A that is half saturated somewhere."""
    share, Km, has_tissue, best = job
    held = {"fraction_CYP3A_temsirolimus": share, "Km_CYP3A_temsirolimus": Km}
    if not has_tissue:
        held["khydrolysis_tissue_temsirolimus"] = 0.0
    nothing = np.zeros(len(goals())), np.zeros(len(free()))
    tries = [search(np.array(start), *nothing, held) for start in (best, _faster(best))]
    steps, cost = min(tries, key=lambda one: one[1])
    model = fitted({**to_values(steps), **held})
    print(f"{share:g} by CYP3A, half saturated at {Km:g} nM: cost {cost:.1f}", flush=True)
    return {"share": share, "Km": Km, "tissue": has_tissue, "cost": cost, "steps": steps.tolist(),
            "model": model}  # fmt: skip


def _faster(steps: Sequence[float]) -> Array:
    """Return a start with a higher clearance: what saturates needs more of it."""
    moved = np.array(steps)
    moved[list(free().index).index("CL_temsirolimus")] += 1.5
    return moved


def resample(job: tuple[int, Sequence[float]]) -> dict[str, object]:
    """Fit to data and priors shifted at random within their errors."""
    number, best = job
    generator = np.random.default_rng([SEED, 1, number])
    centre = generator.normal(0, 1, len(free()))
    shift = generator.normal(0, 1, len(goals()))
    steps, _ = search(np.array(best) + 0.3 * centre, shift, centre)
    plain = residuals(steps, np.zeros(len(goals())), np.zeros(len(free())))
    accepted = agrees(plain[: len(goals())]) and is_possible(to_values(steps))
    print(f"sample {number}: {'accepted' if accepted else 'rejected'}", flush=True)
    return {"sample": number, "cost": float(0.5 * plain @ plain), "steps": steps.tolist(),
            "accepted": accepted}  # fmt: skip


def in_range(model: Mapping[str, float]) -> bool:
    """Return whether every number that was fitted lies in its published range."""
    return all(one.low <= model[one.id] <= one.high for one in of_use("calibrated"))


def agrees(misfit: Array) -> bool:
    """Return whether published numbers are met within error; `misfit` in standard deviations."""
    chi_square = float(misfit @ misfit)
    independent = len(misfit) - len(REPEATED)
    return bool(chi_square <= chi2.ppf(0.95, independent) and np.abs(misfit).max() <= FARTHEST)


def is_possible(values: Mapping[str, float]) -> bool:
    """Return whether parameters lie within bounds, and blood within the central volumes."""
    low, high = bounds()
    steps = to_steps(values)
    holds = [
        values[f"V_central_{drug}"] >= BLOOD * values[f"partition_blood_{drug}"]
        for drug in ("temsirolimus", "sirolimus")
    ]
    return all(holds) and bool(((steps >= low - 1e-6) & (steps <= high + 1e-6)).all())


def current() -> dict[str, float]:
    """Return the values that stand in the model files now."""
    return {
        name: activity(name) if name in MODIFIERS else float(_line(name)[2])
        for name in free().index
    }


def _file(name: str) -> Path:
    folder = models_path("pharmacokinetics")
    found = [path for path in sorted(folder.glob("*.ant"))
             if re.search(rf"(?m)^{name} = ", path.read_text(encoding="utf-8"))]  # fmt: skip
    if len(found) != 1:
        raise SystemExit(f"{name} is set in {len(found)} files of {folder.name}")
    return found[0]


def _line(name: str) -> re.Match[str]:
    match = re.search(rf"(?m)^({name} = )([^;\n]+)(;)", _file(name).read_text(encoding="utf-8"))
    assert match is not None
    return match


def write(values: Mapping[str, float]) -> None:
    """Put fitted values into the model files, with confidence C."""
    for name, value in values.items():
        if name in MODIFIERS:
            _write_modifier(name, value)
            continue
        path, old = _file(name), _line(name)
        text = path.read_text(encoding="utf-8").replace(old[0], f"{old[1]}{value:.4g}{old[3]}", 1)
        path.write_text(_graded(text, name), encoding="utf-8")


def _graded(text: str, name: str) -> str:
    """Say in the notes that a value was fitted; where its prior comes from stays."""
    row = free().loc[name]
    origin = (
        "confidence=C; fitted (calibration/pharmacokinetics.md), "
        f"prior {row['prior']:g} within a factor of {row['factor']:g}"
    )
    old = re.search(rf'(?m)^{name} notes "(.*)"$', text)
    assert old is not None
    kept = [part for part in old[1].split("; ") if not part.startswith(("confidence", "fitted"))]
    return text.replace(old[0], f'{name} notes "{"; ".join([origin, *kept])}"')


def _write_modifier(name: str, value: float) -> None:
    path = models_path("perturbations.yaml")
    text = path.read_text(encoding="utf-8")
    pattern = rf"(?s)(\n{name}:\n.*?CYP3A_activity, multiply: )[0-9.]+"
    path.write_text(re.sub(pattern, rf"\g<1>{value:.4g}", text, count=1), encoding="utf-8")


def profile(best: Sequence[float]) -> list[tuple[float, float, bool, Sequence[float]]]:
    """Return what `converted_by_cyp3a` is tried on: shares, saturations, tissue or none."""
    free_tissue = [(share, Km, True, best) for share in SHARES for Km in SATURATION]
    return [*free_tissue, *((SHARES[-1], Km, False, best) for Km in SATURATION)]


def write_ensemble(samples: Sequence[Mapping[str, object]]) -> None:
    """Write the accepted fits, one row each; the best fit is not among them."""
    kept = [to_values(np.array(one["steps"])) for one in samples if one["accepted"]]
    table = pd.DataFrame(kept, columns=list(free().index))
    ENSEMBLE.write_text(table.to_csv(index=False, float_format="%.5g"), encoding="utf-8")


def ensemble() -> list[dict[str, float]]:
    """Return the accepted fits as they are shipped."""
    return pd.read_csv(ENSEMBLE).to_dict("records")  # type: ignore[return-value]


def main() -> None:
    """Fit, resample, report, and write when asked to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="put the fitted values into models/")
    parser.add_argument("--report", action="store_true", help="no fit, only the report")
    parser.add_argument("--starts", type=int, default=STARTS)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if not options.report:
        count = options.workers
        fits = sorted(each(fit, range(options.starts), count), key=lambda one: one["cost"])
        jobs = [(number, fits[0]["steps"]) for number in range(options.samples)]
        samples = each(resample, jobs, count)
        others = each(converted_by_cyp3a, [*profile(fits[0]["steps"])], count)
        values = to_values(np.array(fits[0]["steps"]))
        record = {
            "seed": SEED,
            "values": values,
            "fits": fits,
            "samples": samples,
            "saturable": others,
        }
        (HERE / "pharmacokinetics.json").write_text(
            json.dumps(record, indent=1) + "\n", encoding="utf-8"
        )
        if options.write:
            write(values)
            write_ensemble(samples)
    from pharmacokinetics_report import report

    text = report()
    (HERE / "pharmacokinetics.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
