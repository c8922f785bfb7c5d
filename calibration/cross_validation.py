"""Cross-validation of the network: each data set is left out, the rest fitted, the set predicted.

    OPENBLAS_NUM_THREADS=1 python calibration/cross_validation.py    # what the record holds is kept
    python calibration/cross_validation.py --report                  # no fit: write the page again

Every fold starts from the values that stand in the models and is fitted with the cost of
calibrate.py, data that belong together being left out together. A predicted curve keeps a scale
and, where its method has one, a background of its own: only its shape is predicted.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from experiments import HERE, Array, curves, fitted_effects
from fitted import names, outputs, recalled, residuals, weights
from parameters import current, free, to_steps, to_values
from search import SEARCH, cost, descend, differences

from mtorsim.errors import SimulationError
from mtorsim.sweeps import pool

FARTHEST = 2.5  # standard deviations from the prior, as in calibrate.py
ROUNDS = 6
SHARES = (1.0, 0.9)  # of the shipped distances to the prior: where searches start
WORST = 1e2
RECORD, PAGE = HERE / "cross_validation.json", HERE / "cross_validation.md"

NOTHING = "nothing"
FOLDS: Mapping[str, tuple[str, ...]] = {
    NOTHING: (),
    "MCF-7 under insulin and amino acids": tuple(f"CV{k:02d}" for k in range(1, 13)),
    "adipocyte, dose-response to insulin": ("CV13", "CV16"),
    "adipocyte, IRS-1 over time": ("CV14",),
    "adipocyte, AKT over time": ("CV15", "CV17"),
    "adipocyte, S6K1 and S6 over time": ("CV18", "CV19"),
    "phosphoproteome under rapamycin": ("BD26", "BD28", "BD32", "BD34"),
    "pace and level of S6K1": ("TC01", "EX05", "EX06", "EX07"),
    "mTORC2 under a rapalog": ("TC05", "TC06"),
    "AKT pSer473 under a rapalog": ("TC08", "TC08b"),
    "IRS-1 under a rapalog": ("TC11", "EX04"),
    "PIP3 without PTEN, Rheb": ("EX01", "EX02", "EX03"),
    "ATP-competitive drug": ("EX08", "EX09", "EX10"),
    "order of the AKT peaks": ("EX11",),
    "HIF and VEGF": ("HF02", "HF03"),
}


@cache
def start(share: float = SHARES[0]) -> tuple[Array, Array]:
    """Return the residuals at a start, and their derivatives, shape (n, k)."""
    return differences(_misses, share * to_steps(current()))


def _misses(steps: Array) -> Array:
    return residuals(outputs(to_values(steps)))


def left_out(fold: str) -> Array:
    """Return which numbers a fold leaves out, shape (n,)."""
    return np.isin(names(), FOLDS[fold])


def fold(name: str) -> dict[str, object]:
    """Fit to what a fold keeps, from several starts, and predict what it leaves out."""
    begun, kept, best = time.perf_counter(), ~left_out(name), to_steps(current())
    ends = np.maximum(FARTHEST, np.abs(best))

    def misses(steps: Array) -> Array:
        try:
            return _misses(steps)[kept]
        except SimulationError:
            return np.full(int(kept.sum()), WORST)

    tried = [
        descend(misses, share * best, start(share)[1][kept], (-ends, ends), np.zeros(len(best)),
                ROUNDS) for share in SHARES
    ]  # fmt: skip
    found = min(tried, key=lambda one: one.cost)
    given = outputs(to_values(found.steps))
    return {"fold": name, "cost": found.cost, "before": cost(np.append(start()[0][kept], best)),
            "costs": [one.cost for one in tried], "ends": [one.end for one in tried],
            "evaluations": sum(one.evaluations for one in tried), "steps": found.steps.tolist(),
            "residuals": (residuals(given) / weights()).tolist(), "model": given.tolist(),
            "seconds": round(time.perf_counter() - begun)}  # fmt: skip


# -- record and page ---------------------------------------------------------------------------


def identity() -> str:
    """Return the SHA-256 of what decides the folds."""
    said = [ROUNDS, SHARES, SEARCH, FARTHEST, dict(FOLDS), free().to_csv(), current()]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def is_of(fingerprint: Sequence[float]) -> bool:
    """Return whether residuals at the shipped values are those of these models and data."""
    now = _misses(to_steps(current()))
    return len(now) == len(fingerprint) and np.allclose(now, fingerprint, rtol=1e-3, atol=1e-3)


def record() -> dict[str, dict[str, object]]:
    """Return the folds that are done, if they are of these data and models."""
    if RECORD.is_file():
        found = json.loads(RECORD.read_text(encoding="utf-8"))
        if found["identity"] == identity() and is_of(found["residuals"]):
            return {one["fold"]: one for one in found["folds"]}
    return {}


def keep(done: Mapping[str, dict[str, object]]) -> None:
    """Write the record, which appears whole or not at all."""
    folds = [done[name] for name in FOLDS if name in done]
    about = {"identity": identity(), "residuals": start()[0].tolist()}
    text = json.dumps({**about, "folds": folds}, indent=1)
    draft = RECORD.with_suffix(".draft")
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(RECORD)


def _numbered(number: int, *_: object) -> dict[str, object]:
    return fold(list(FOLDS)[number])


def carry_out(workers: int) -> dict[str, dict[str, object]]:
    """Return all folds; each is kept as it is done."""
    done = record()
    left = [k for k, name in enumerate(FOLDS) if name not in done]
    if left:
        for share in SHARES:  # here, so that what forks from this process has it
            start(share)
    for one in pool.carried_out(_numbered, left, workers):
        done[str(one["fold"])] = one
        keep(done)
        print(f"{one['fold']}: cost {one['before']:.2f} to {one['cost']:.2f}, "
              f"{one['evaluations']} evaluations, {one['seconds']} s", flush=True)  # fmt: skip
    return done


def _rms(misses: Sequence[float] | Array) -> float:
    return float(np.sqrt(np.mean(np.square(misses))))


def _met(misses: Array) -> str:
    """Say how many numbers lie within two standard errors."""
    return f"{int((np.abs(misses) <= 2).sum())} of {len(misses)}"


def rows(done: Mapping[str, dict[str, object]]) -> list[str]:
    """Return the lines of the table."""
    fitted = np.array(done[NOTHING]["residuals"])
    centre = _misses(np.zeros(len(free()))) / weights()
    found = []
    for name in FOLDS:
        if name == NOTHING:
            continue
        out, misses = left_out(name), np.array(done[name]["residuals"])
        found.append(
            f"| {name} | {int(out.sum())} | {done[name]['before']:.1f} to {done[name]['cost']:.1f} "
            f"| {_moved(done[name]):.2f} | {_rms(fitted[out]):.2f} | {_rms(misses[out]):.2f} | "
            f"{_rms(centre[out]):.2f} | {_met(fitted[out])} | {_met(misses[out])} | "
            f"{_farthest(name, done)} |"
        )
    return found


def _moved(one: Mapping[str, object]) -> float:
    return float(np.linalg.norm(np.array(one["steps"]) - to_steps(current())))


def _farthest(name: str, done: Mapping[str, dict[str, object]]) -> str:
    """Say which parameter the fold moves most, in standard deviations of its prior."""
    moved = np.array(done[name]["steps"]) - np.array(done[NOTHING]["steps"])
    place = int(np.abs(moved).argmax())
    return f"{free().index[place]} {moved[place]:+.1f}"


def effects(done: Mapping[str, dict[str, object]]) -> list[str]:
    """Return a line for each single number, fitted and predicted."""
    count = sum(len(one.reading.data.x) for one in curves())
    found = []
    for place, one in enumerate(fitted_effects(), start=count):
        name = next(name for name, ids in FOLDS.items() if one.id in ids)
        fitted, predicted = (float(done[which]["model"][place]) for which in (NOTHING, name))  # type: ignore[index]
        spoken = f"{one.low:g} to {one.high:g} {one.unit}"
        found.append(
            f"| {one.id} | {one.quantity} | {spoken} | {one.provenance} | {fitted:.3g} "
            f"| {predicted:.3g} | {one.verdict(predicted)} |"
        )
    return found


HEAD = """\
# Cross-validation of the network

Written by `calibration/cross_validation.py`; not edited by hand. Each data set is left out in turn,
the parameters of `calibrate.py` are fitted again to the others, and the set is predicted. Numbers
are root mean squares in standard errors: of a point as published (for adipocytes the standard error
of the mean), of an effect a quarter of its range. A predicted curve has a scale and a background of
its own, so that its shape is predicted and not its height. *No data*: every parameter at the centre
of its prior, which is what the literature alone gives.

How far to trust it: searches start from the shipped values, and from where {shares} of their way
from the priors is left; the best end counts. The shipped values have seen the set that is left
out, and whether EX11 (the order of the AKT peaks, an assumed number) is met hangs on which of two
peaks is the higher one, an edge along which searches creep. A fold that moved little may have
forgotten little: its prediction is a lower bound of the error. Nothing left out, the same search
takes the cost from {before:.2f} to {cost:.2f}. What `growth.py` and `pharmacokinetics.py` fit is
not cross-validated.

| left out | numbers | cost | moved | fitted | predicted | no data | within 2, fitted | \
within 2, predicted | moves most |
|---|---|---|---|---|---|---|---|---|---|
{rows}

Cost: at the shipped values and at the end, of what is left. Moved: from the shipped values, in
standard deviations of the priors, over all parameters (root sum of squares) and the one that moves
most.

All predictions together: {predicted:.2f} standard errors, {met} within two; as fitted {fitted:.2f}.

## Single numbers

{passed} of {count} lie in their range when they are predicted from the others; {recalled} of the
{count} are recalled or assumed, not read in a paper, and are no evidence on their own.

| id | quantity | range | known | fitted | predicted | verdict |
|---|---|---|---|---|---|---|
{effects}
"""


def page(done: Mapping[str, dict[str, object]]) -> str:
    """Return the page."""
    whole = done[NOTHING]
    all_out = np.concatenate(
        [np.array(done[name]["residuals"])[left_out(name)] for name in FOLDS if name != NOTHING]
    )
    lines = effects(done)
    verdicts = [line.rsplit("|", 2)[1].strip() for line in lines]
    shares = ", ".join(f"{share:g}" for share in SHARES[1:])
    return HEAD.format(
        shares=shares, recalled=recalled()[1], before=whole["before"], cost=whole["cost"],
        rows="\n".join(rows(done)),
        predicted=_rms(all_out), met=_met(all_out), fitted=_rms(whole["residuals"]),  # type: ignore[arg-type]
        passed=verdicts.count("pass"), count=len(verdicts), effects="\n".join(lines),
    )  # fmt: skip


def main() -> None:
    """Fit the folds and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--report", action="store_true", help="no fit, only the page")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    done = record() if options.report else carry_out(options.workers)
    missing = [name for name in FOLDS if name not in done]
    if missing:
        raise SystemExit(f"not done yet: {', '.join(missing)}. Run without --report.")
    PAGE.write_text(page(done), encoding="utf-8")


if __name__ == "__main__":
    main()
