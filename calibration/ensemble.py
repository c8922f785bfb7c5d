"""An ensemble of the network: parameter sets that agree with the published numbers within error.

    python calibration/ensemble.py --choose     # which assumed numbers vary beside the fitted ones
    python calibration/ensemble.py              # draw samples; those in ensemble.json are kept
    python calibration/ensemble.py --write      # the same, then put accepted sets into models/
    python calibration/ensemble.py --report     # no sampling: write ensemble.md again

Set OPENBLAS_NUM_THREADS=1: the workers fill the cores.

Randomised maximum likelihood. For each member the data and the centres of the priors are shifted at
random within their errors, and the network is fitted again, with the cost that calibrate.py uses.
What varies: all that calibrate.py fits, and each number graded D in the network's files that moves
a read-out by a factor of 1.5 or more when it is one standard deviation off (uncertainty.py says how
far that is; chosen.csv lists them). Proteins in the files of cells do not vary, but for the four
that were fitted. A member is accepted when, against the data as they are,

1. its chi-square, effects counted by the range as published, is below the 95 % quantile (degrees of
   freedom: published numbers less scales and backgrounds);
2. no published effect is further than three standard deviations from what was published, and no
   curve further than two standard errors on (root mean square) average;
3. its cost, priors included, is above that of the shipped values by no more than half the 95 %
   quantile of chi-square with as many degrees of freedom as there are parameters.

This rule was written before the first sample was drawn. Growth lies downstream: of an accepted
member it is fitted again (growth.py), to shifted numbers too, and must end within three standard
deviations; the pace of each line follows from its published doubling time.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from functools import cache, partial

import fitted
import growth
import numpy as np
import pandas as pd
from ensemble_report import page
from experiments import (
    EFFECT_WEIGHT,
    HERE,
    RAPALOGS,
    Array,
    Values,
    curves,
    fitted_effects,
    used_by,
)
from parameters import current, free
from scipy.stats import chi2
from search import DIFFERENCE, SEARCH, cost, descend, differences

import mtorsim as mt
from mtorsim import cells
from mtorsim.compile import Compiled, compile_scenario
from mtorsim.engine import engine
from mtorsim.errors import SimulationError
from mtorsim.paths import models_path
from mtorsim.simulation import steady_state
from mtorsim.steps import Run
from mtorsim.sweeps import pool
from mtorsim.uncertainty import Uncertain, standard_deviation, uncertain

SEED = 20261124
SAMPLES = 34
FARTHEST = 2.5  # standard deviations from the prior, as in calibrate.py
ROUNDS = 2  # of a search, at most
FACTOR = 1.5  # by which a number graded D must move something, one standard deviation off
QUANTILE, EFFECT, CURVE = 0.95, 3.0, 2.0  # the rule above
WORST = 1e2  # residual of what cannot be simulated
START = HERE / "ensemble_start.npz"  # not in the repository: a minute's work
RECORD, PAGE, CHOSEN = HERE / "ensemble.json", HERE / "ensemble.md", HERE / "chosen.csv"
MEMBERS = models_path("ensemble.csv")

SCENES = (
    mt.Scenario(cell="786-O", drugs={"temsirolimus": "20 nM"}),
    mt.Scenario(cell="PC-3", drugs={"AZD8055": "300 nM"}),
    mt.Scenario(
        cell="MCF-7", perturbations=["serum_starvation"], stimuli={"insulin": "100 nM"}, drugs={}
    ),
)
READ = (
    *("IRS1_pY", "IRS1_pS636", "PIP3", "AKT_pT308", "AKT_pS473", "RHEB_GTP", "mTORC1_active"),
    *("mTORC2", "S6K1_pT389", "S6_pS235", "EIF4EBP1_pT37", "EIF4EBP1_pS65", "eIF4F", "CCND1"),
    *("MYC", "HIF1A", "HIF2A", "VEGF_mRNA", "proliferation_rate"),
)
TIMES = (0.0, 15.0, 60.0, 360.0, 1440.0)  # min


# -- which numbers vary ------------------------------------------------------------------------


def choose() -> pd.DataFrame:
    """Return the numbers graded D that move something: prior, factor, moves, what, where."""
    found: dict[str, dict[str, object]] = {}
    for scene in SCENES:
        compiled = compile_scenario(scene.replace(observe=READ))
        usual = _logs(compiled)
        for one in uncertain(compiled, is_of_files=True, confidences=("D",)):
            if one.id in free().index or one.branch == "drug layer":
                continue
            moved, what = _moved(compiled, one, usual)
            if np.exp(moved) > float(found.get(one.id, {}).get("moves", 1.0)):  # type: ignore[arg-type]
                found[one.id] = {
                    "branch": one.branch, "prior": one.value, "basis": one.basis,
                    "factor": float(np.exp(standard_deviation(one))), "moves": float(np.exp(moved)),
                    "what": what, "cell": scene.cell,
                }  # fmt: skip
    table = pd.DataFrame.from_dict(found, orient="index").rename_axis("id")
    kept = table[table["moves"].astype(float) >= FACTOR]
    return kept.sort_values("moves", ascending=False)


def _logs(compiled: Compiled) -> Array:
    rest = steady_state(compiled)
    run = Run(np.array(TIMES), compiled.settings, {**rest, **compiled.given}, compiled.steps)
    rows = engine(compiled.sbml).run(run, compiled.observe, label="a sensitivity")
    return np.log(np.maximum(rows, 1e-9))


def _moved(compiled: Compiled, one: Uncertain, usual: Array) -> tuple[float, str]:
    """Return by how much [ln] one standard deviation moves what it moves most, and what that is."""
    changed = compile_scenario(compiled.scenario, {one.id: 1.02 * one.value})
    slopes = (_logs(changed) - usual) / np.log(1.02) * standard_deviation(one)
    time_, place = np.unravel_index(np.abs(slopes).argmax(), slopes.shape)
    return float(np.abs(slopes).max()), f"{READ[place]} at {TIMES[time_]:g} min"


@cache
def table() -> pd.DataFrame:
    """Return all that varies: id -> prior, factor, is_fitted."""
    chosen = pd.read_csv(CHOSEN, index_col="id")
    kept = ["prior", "factor"]
    known = free()[kept].assign(is_fitted=True)
    return pd.concat([known, chosen[kept].assign(is_fitted=False)])


def to_values(steps: Array) -> dict[str, float]:
    """Return parameter values from distances to the prior, in standard deviations."""
    values = table()["prior"].to_numpy(float) * table()["factor"].to_numpy(float) ** steps
    return dict(zip(table().index, values.tolist(), strict=True))


def shipped() -> Array:
    """Return the steps of the values that stand in the models."""
    values = {**dict(table()["prior"]), **current()}
    ratios = np.array([values[id] for id in table().index]) / table()["prior"].to_numpy(float)
    return np.log(ratios) / np.log(table()["factor"].to_numpy(float))


def bounds() -> tuple[Array, Array]:
    """Return how far each parameter may go, in standard deviations."""
    most = np.full(len(table()), FARTHEST)
    return np.minimum(-most, shipped()), np.maximum(most, shipped())


# -- data --------------------------------------------------------------------------------------


def outputs(steps: Array) -> Array:
    """Return what the models give at each published number, not scaled, shape (n,)."""
    return fitted.outputs(to_values(steps))


def evaluated(shift: Array, steps: Array) -> Array:
    """Return the residuals at some steps; what cannot be simulated is far off."""
    try:
        return fitted.residuals(outputs(steps), shift)
    except SimulationError:
        return np.full(len(shift), WORST)


@cache
def start() -> tuple[Array, Array]:
    """Return the outputs at the shipped values and their derivatives, shapes (n,) and (n, k)."""
    if START.is_file():
        known = np.load(START)
        if str(known["identity"]) == identity() and is_of(known["here"]):
            return known["here"], known["slopes"]
    here, slopes = differences(outputs, shipped(), fitted.residuals)
    np.savez(START, identity=identity(), here=here, slopes=slopes)
    return here, slopes


def jacobian(shift: Array) -> Array:
    """Return the derivatives of the residuals at the shipped values, shape (n, k)."""
    here, slopes = start()
    base = fitted.residuals(here, shift)
    rows = (fitted.residuals(here + DIFFERENCE * one, shift) - base for one in slopes.T)
    return np.stack([*rows], axis=1) / DIFFERENCE


# -- samples -----------------------------------------------------------------------------------


def sample(number: int) -> dict[str, object]:
    """Fit to data and priors shifted at random within their errors; say whether it is accepted."""
    begun = time.perf_counter()
    generator = np.random.default_rng([SEED, number])
    centre = generator.normal(0, 1, len(table()))
    shift = generator.normal(0, 1, len(start()[0]))
    # From the shipped values: beyond some cliffs, such as which of two peaks comes first, there is
    # no way back.
    found = descend(partial(evaluated, shift), shipped(), jacobian(shift), bounds(), centre, ROUNDS)
    verdict = judged(found.steps)
    own = grown(found.steps, generator) if verdict["accepted"] else {}
    verdict["accepted"] = bool(verdict["accepted"] and own)
    return {"sample": number, "searched": found.cost, "evaluations": found.evaluations,
            "end": found.end, **verdict, "steps": found.steps.tolist(), "growth": own,
            "seconds": round(time.perf_counter() - begun, 1)}  # fmt: skip


def judged(steps: Array) -> dict[str, object]:
    """Return how steps agree with the data as they are, and whether they are accepted."""
    nothing = np.zeros(len(fitted.names()))
    plain = evaluated(nothing, steps)
    count = len(nothing) - len(fitted_effects())
    by_curve, place = [], 0
    for curve in curves():
        size = len(curve.reading.data.x)
        by_curve.append(float(np.sqrt(np.mean(plain[place : place + size] ** 2))))
        place += size
    effects = plain[count:] / EFFECT_WEIGHT
    chi_square = float(plain[:count] @ plain[:count] + effects @ effects)
    above = cost(np.append(plain, steps)) - shipped_cost()
    found = {
        "chi_square": chi_square,
        "worst_effect": float(np.abs(effects).max()),
        "worst_curve": max(by_curve),
        "above": above,
    }
    limits = (
        chi2.ppf(QUANTILE, fitted.freedom()),
        EFFECT,
        CURVE,
        chi2.ppf(QUANTILE, len(steps)) / 2,
    )
    accepted = all(value <= limit for value, limit in zip(found.values(), limits, strict=True))
    return {**found, "accepted": accepted, "worst": fitted_effects()[np.abs(effects).argmax()].id}


def rule() -> dict[str, float]:
    """Return what an accepted member does not exceed."""
    return {
        "chi_square": float(chi2.ppf(QUANTILE, fitted.freedom())),
        "worst_effect": EFFECT,
        "worst_curve": CURVE,
        "above": float(chi2.ppf(QUANTILE, len(table()))) / 2,
    }


@cache
def shipped_cost() -> float:
    """Return the cost of the values that stand in the models."""
    plain = fitted.residuals(outputs(shipped()))
    return cost(np.append(plain, shipped()))


def grown(steps: Array, generator: np.random.Generator) -> dict[str, float]:
    """Return parameters of growth, and of the pace of each cell, that go with a member.

    Nothing when growth cannot be brought within error, or a cell cannot be simulated.
    """
    shared = to_values(steps)
    rows = used_by(growth.FIT)
    shift, centre = generator.normal(0, 1, len(rows)), generator.normal(0, 1, len(growth.PRIORS))

    def misses(own: Array) -> Array:
        model = growth.reductions({**expanded(shared), **growth.to_values(own)})
        return np.array([one.residual(model[one.id]) for one in rows])

    try:
        begin = np.clip(centre, -FARTHEST, FARTHEST)
        _, slopes = differences(misses, begin)
        ends = np.full(len(begin), -FARTHEST), np.full(len(begin), FARTHEST)
        found = descend(lambda own: misses(own) - shift, begin, slopes, ends, centre, 1)
        if np.abs(misses(found.steps)).max() > EFFECT:
            return {}
        own = growth.to_values(found.steps)
        every = {**expanded(shared), **own}
        paces = {
            f"{cell}.{id}": value
            for cell in cells.names()
            for id, value in growth.paces(cell, every).items()
        }
        return {**own, **paces}
    except SimulationError:
        return {}


def expanded(values: Values) -> dict[str, float]:
    """Return values with those that rapalogs share written out for each."""
    found: dict[str, float] = {}
    for id, value in values.items():
        owner, _, own = id.rpartition(".")
        names = [f"{own}_{drug}" for drug in RAPALOGS] if owner == "rapalog" else [id]
        found |= dict.fromkeys(names, value)
    return found


# -- record ------------------------------------------------------------------------------------


def identity() -> str:
    """Return the SHA-256 of what decides a sample."""
    said = [
        SEED,
        FARTHEST,
        ROUNDS,
        SEARCH,
        QUANTILE,
        EFFECT,
        CURVE,
        table().to_csv(),
        shipped().tolist(),
        fitted.data(),
        growth.PRIORS,
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def is_of(known: Sequence[float] | Array) -> bool:
    """Return whether outputs at the shipped values are those of these models.

    With the data, which are hashed, that is what decides a sample.
    """
    now = outputs(shipped())
    return len(now) == len(known) and np.allclose(now, known, rtol=1e-4)


def kept() -> dict[int, dict[str, object]]:
    """Return the samples that the record holds, if it is of these data and models."""
    if not RECORD.is_file():
        return {}
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    if record["identity"] != identity() or not is_of(record["outputs"]):
        return {}
    return {one["sample"]: one for one in record["samples"]}


def _assumed_of_drugs() -> int:
    """Return how many constants of the drugs of the calibration's scenes are graded D."""
    found = {one.id for scene in SCENES for one in
             uncertain(compile_scenario(scene), is_of_files=True, confidences=("D",))
             if one.branch == "drug layer"}  # fmt: skip
    return len(found)


def keep(samples: Iterable[dict[str, object]]) -> None:
    """Write the record, which appears whole or not at all."""
    ordered = sorted(samples, key=lambda one: int(str(one["sample"])))
    record = {
        "seed": SEED,
        "identity": identity(),
        "parameters": list(table().index),
        "outputs": start()[0].tolist(),
        "seen": np.linalg.norm(jacobian(np.zeros(len(start()[0]))), axis=0).tolist(),
        "effects": fitted.recalled(),
        "farthest": FARTHEST,
        "drugs": _assumed_of_drugs(),
        "fitted": int(table()["is_fitted"].sum()),
        "assumed": int((~table()["is_fitted"].astype(bool)).sum()),
        "rule": rule(),
        "shipped": judged(shipped()),
        "samples": ordered,
    }
    draft = RECORD.with_suffix(".draft")
    draft.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    draft.replace(RECORD)


def _numbered(number: int, *_: object) -> dict[str, object]:
    return sample(number)


def carry_out(count: int, workers: int) -> list[dict[str, object]]:
    """Return samples 0 to `count`, those of the record first; each is kept as it is done."""
    found = {number: one for number, one in kept().items() if number < count}
    start()  # here, so that what forks from this process has it
    left = [number for number in range(count) if number not in found]
    for one in pool.carried_out(_numbered, left, workers):
        found[int(str(one["sample"]))] = one
        keep(found.values())
        told = ("chi_square", "worst_effect", "worst_curve", "above")
        numbers = ", ".join(f"{name} {one[name]:.3g}" for name in told)
        verdict = "accepted" if one["accepted"] else "rejected"
        print(f"sample {one['sample']}: {verdict}; {numbers}; "
              f"{one['evaluations']} evaluations, {one['seconds']} s", flush=True)  # fmt: skip
    keep(found.values())
    return [found[number] for number in sorted(found)]


def members(samples: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Return the accepted samples: sample, cost above the shipped values, values."""
    rows = [
        {"sample": one["sample"], "above": one["above"], "chi_square": one["chi_square"],
         **expanded(to_values(np.array(one["steps"]))), **one["growth"]}  # type: ignore[dict-item]
        for one in samples if one["accepted"]
    ]  # fmt: skip
    return pd.DataFrame(rows)


HEAD = """\
# Parameter sets of the network that agree with the published numbers within error, written by
# calibration/ensemble.py and not edited by hand; calibration/ensemble.md says how they were found.
# {accepted} of {count} samples, seed {seed}. Columns: sample, which one; above, its cost above that
# of the shipped values; chi_square, of the data as published; then ids of parameters and species,
# in model units. CELL.ID holds in that cell alone.
"""


def write(samples: Sequence[dict[str, object]]) -> None:
    """Write the accepted samples where the models are."""
    found = members(samples)
    head = HEAD.format(seed=SEED, accepted=len(found), count=len(samples))
    MEMBERS.write_text(head + found.to_csv(index=False, float_format="%.5g"), encoding="utf-8")


def main() -> None:
    """Choose, sample, write and report, as asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--choose", action="store_true", help="which numbers graded D vary")
    parser.add_argument("--write", action="store_true", help="put the members into models/")
    parser.add_argument("--report", action="store_true", help="no sampling, only the page")
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if options.choose:
        CHOSEN.write_text(choose().to_csv(float_format="%.5g"), encoding="utf-8")
        print(CHOSEN.read_text(encoding="utf-8"))
        return
    if not options.report:
        samples = carry_out(options.samples, options.workers)
        if options.write:
            write(samples)
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    PAGE.write_text(page(record, table(), shipped()), encoding="utf-8")


if __name__ == "__main__":
    main()
