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
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from scipy.optimize import least_squares, nnls

import mtorsim as mt
from mtorsim.compile import compile_scenario
from mtorsim.engine import engine
from mtorsim.errors import SimulationError
from mtorsim.paths import models_path
from mtorsim.steps import Run

HERE = Path(__file__).parent
SEED = 20261123
STARTS = 4
FARTHEST = 2.5  # standard deviations from the prior; beyond it a value is not believed
RAPALOGS = ("temsirolimus", "sirolimus", "everolimus", "ridaforolimus")
EFFECT_WEIGHT = 2.0  # an effect stands for a whole experiment: it counts as four points of a curve
SMALLEST_ERROR = 0.05  # of the largest mean of a curve: no blot is more exact than that

Values = Mapping[str, float]
Array = np.ndarray


# -- what is simulated -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Experiment:
    """A scenario and the times [min] at which it is read."""

    scenario: mt.Scenario
    times: tuple[float, ...]

    def run(self, values: Values, observables: Sequence[str]) -> dict[str, Array]:
        """Return observable -> values at `times`."""
        compiled = compile_scenario(self._with_cell_values(values), _shared(values))
        runner = engine(compiled.sbml)
        rest = runner.steady_state(compiled.adapted)
        grid = np.unique(np.array([0.0, *self.times]))
        run = Run(grid, compiled.settings, {**rest, **compiled.given}, compiled.steps)
        rows = runner.run(run, observables)
        places = np.searchsorted(grid, self.times)
        return {name: rows[places, column] for column, name in enumerate(observables)}

    def _with_cell_values(self, values: Values) -> mt.Scenario:
        prefix = f"{self.scenario.cell}."
        own = {k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)}
        return self.scenario.replace(set={**self.scenario.set, **own})


def _shared(values: Values) -> dict[str, float]:
    """Return the values that hold in every cell; the rapalogs share what is fitted of them."""
    shared = {name: value for name, value in values.items() if "." not in name}
    for name, value in values.items():
        if name.startswith("rapalog."):
            constant = name.removeprefix("rapalog.")
            shared |= {f"{constant}_{drug}": value for drug in RAPALOGS}
    return shared


STARVED = {"perturbations": ["serum_starvation"], "duration": "24 h"}
WITHOUT_AMINO_ACIDS = {"leucine": "0.8 uM"}  # as amino_acid_withdrawal leaves


def mcf7(times: Sequence[float]) -> Experiment:
    """Starved of serum and amino acids overnight, then both amino acids and insulin."""
    stimuli = {"insulin": "100 nM", "leucine": "397 uM"}
    scenario = mt.Scenario(cell="MCF-7", stimuli=stimuli, set=WITHOUT_AMINO_ACIDS, **STARVED)
    return Experiment(scenario, tuple(times))


def adipocyte(insulin: float, times: Sequence[float]) -> Experiment:
    """Serum-starved, then insulin [nM]."""
    scenario = mt.Scenario(
        cell="adipocyte", stimuli={"insulin": f"{float(insulin)!r} nM"}, **STARVED
    )
    return Experiment(scenario, tuple(times))


def treated(
    cell: str, drug: str | None, dose: str | mt.Constant, times: Sequence[float], **more: object
) -> Experiment:
    """A cell in growth medium, with a drug."""
    fields = {"duration": "96 h", **more}
    return Experiment(
        mt.Scenario(cell=cell, drugs={drug: dose} if drug else {}, **fields), tuple(times)
    )


# -- curves in arbitrary units ---------------------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """Published points of one observable.

    `background`: "added" to the signal by the method (zero or more), "subtracted" from it with an
    unstimulated sample (the curve was set to start near zero), or "none".
    """

    dataset: str
    observable: str
    x: Array
    mean: Array
    sd: Array
    background: str

    def scaled(self, model: Array) -> Array:
        """Return the model's values in the units of the data."""
        return self._fit(model)[0]

    def background_share(self, model: Array) -> float:
        """Return the fitted background as a share of the highest published point."""
        return self._fit(model)[1] / self.mean.max()

    def _fit(self, model: Array) -> tuple[Array, float]:
        """Return the scaled model and the background in it."""
        weights = 1 / self.error
        if self.background == "none":
            columns = [model]
        else:
            sign = 1.0 if self.background == "added" else -1.0
            columns = [model, np.full_like(model, sign)]
        matrix = np.stack(columns, axis=1)
        factors, _ = nnls(matrix * weights[:, None], self.mean * weights)
        return matrix @ factors, float((matrix[:, 1:] @ factors[1:]).sum() / len(model))

    @property
    def error(self) -> Array:
        """Standard error used as weight."""
        return np.maximum(self.sd, SMALLEST_ERROR * self.mean.max())

    def within(self, model: Array) -> Array:
        """Return which points lie within two published standard deviations; NaN without one."""
        inside = np.abs(self.scaled(model) - self.mean) <= 2 * self.sd
        return np.where(self.sd > 0, inside.astype(float), np.nan)


BACKGROUND = {
    "MCF7_insulin": "added",
    "adipocyte_IRS1_dr": "subtracted",
    "adipocyte_IRS1_time_30": "subtracted",
    "adipocyte_PKB473_dr": "subtracted",
    "adipocyte_PKB473_time": "none",
    "adipocyte_PKB308_time": "added",
    "adipocyte_S6K_time": "added",
    "adipocyte_S6_time": "added",
}
# Insulin of the time courses [nM]: recalled from Brannmark 2010 (100) and 2013 (10); the data file
# leaves open which. Dose-responses were read after 10 min.
INSULIN = {"adipocyte_IRS1_time_30": 100.0}
DOSE_RESPONSE_READ = 10.0  # min


@cache
def curves() -> tuple[Curve, ...]:
    """Read data/timecourses.csv."""
    table = pd.read_csv(HERE / "data" / "timecourses.csv")
    found = []
    for (dataset, observable), rows in table.groupby(["dataset", "observable"], sort=False):
        x, mean, sd = (rows[name].to_numpy(float) for name in ("x", "mean", "sd"))
        background = "none" if observable.endswith("_total") else BACKGROUND[dataset]
        found.append(Curve(dataset, observable, x, mean, sd, background))
    return tuple(found)


def model_curves(values: Values) -> dict[tuple[str, str], Array]:
    """Return (dataset, observable) -> the model at the published points [nM]."""
    found = {}
    for dataset in dict.fromkeys(curve.dataset for curve in curves()):
        of_set = [curve for curve in curves() if curve.dataset == dataset]
        names = [curve.observable for curve in of_set]
        if dataset.endswith("_dr"):
            doses = of_set[0].x
            rows = [_dose(values, dose, names) for dose in doses]
            for name in names:
                found[dataset, name] = np.array([row[name] for row in rows])
            continue
        times = of_set[0].x
        start = mcf7(times) if dataset == "MCF7_insulin" else adipocyte(_insulin(dataset), times)
        for name, model in start.run(values, names).items():
            found[dataset, name] = model
    return found


def _dose(values: Values, dose: float, names: Sequence[str]) -> dict[str, float]:
    run = adipocyte(dose, (DOSE_RESPONSE_READ,)).run(values, names)
    return {name: float(model[0]) for name, model in run.items()}


def _insulin(dataset: str) -> float:
    return INSULIN.get(dataset, 10.0)


# -- published effects -----------------------------------------------------------------------------

WASHED = np.linspace(1440, 14400, 109)  # min: every two hours from the wash-out on
HALF_TIME = np.concatenate([[0.0], np.geomspace(0.25, 120, 200)])


def _hek(values: Values, names: Sequence[str]) -> dict[str, float]:
    """log2 of rapamycin 100 nM over none, HEK293 with insulin for 1 h."""
    stimulus = {"stimuli": {"insulin": "100 nM"}, **STARVED}
    with_drug = treated("HEK293", "sirolimus", "100 nM", (60.0,), **stimulus).run(values, names)
    without = treated("HEK293", None, "", (60.0,), **stimulus).run(values, names)
    return {name: float(np.log2(with_drug[name][0] / without[name][0])) for name in names}


def _fold(cell: str, name: str, minutes: float, values: Values) -> float:
    model = treated(cell, "temsirolimus", "20 nM", (0.0, minutes)).run(values, [name])[name]
    return float(model[1] / model[0])


def half_time(cell: str, values: Values) -> float:
    """Return when S6K1 pT389 has fallen to half under 20 nM temsirolimus [min]."""
    run = treated(cell, "temsirolimus", "20 nM", tuple(HALF_TIME))
    model = run.run(values, ["S6K1_pT389"])["S6K1_pT389"]
    return float(np.interp(-0.5 * model[0], -model, HALF_TIME))


def recovery(cell: str, values: Values) -> float:
    """Return when S6K1 pT389 is half restored after the wash-out of a day of drug [h]."""
    washed = mt.Constant("20 nM", stop="24 h")
    run = treated(cell, "temsirolimus", washed, (0.0, *WASHED), duration="240 h")
    model = run.run(values, ["S6K1_pT389"])["S6K1_pT389"]
    return float(np.interp(0.5, model[1:] / model[0], WASHED - WASHED[0])) / 60


def _share(cell: str, part: str, whole: str, values: Values) -> float:
    model = treated(cell, None, "", (0.0,)).run(values, [part, whole])
    return float(model[part][0] / model[whole][0])


def ic50(cell: str, drug: str, minutes: float, values: Values) -> float:
    """Return the dose that halves S6K1 pT389 [nM]."""
    doses = np.geomspace(1e-3, 100, 26)
    left = [
        treated(cell, drug, f"{dose!r} nM", (0.0, minutes)).run(values, ["S6K1_pT389"])
        for dose in doses.tolist()
    ]
    share = np.array([run["S6K1_pT389"][1] / run["S6K1_pT389"][0] for run in left])
    return float(np.exp(np.interp(-0.5, -share, np.log(doses))))


def _rheb(values: Values, minutes: float) -> float:
    run = adipocyte(100.0, (minutes,)).run(values, ["RHEB_GTP", "RHEB_GDP"])
    return float(run["RHEB_GTP"][0] / (run["RHEB_GTP"][0] + run["RHEB_GDP"][0]))


def _pten_loss(values: Values) -> float:
    levels = [
        treated("HeLa", None, "", (0.0,), perturbations=lost).run(values, ["PIP3"])["PIP3"][0]
        for lost in ([], ["PTEN_loss"])
    ]
    return float(levels[1] / levels[0])


def effects(values: Values) -> dict[str, float]:
    """Return id in data/targets.csv -> what the model gives, for the fitted ones."""
    hek = _hek(values, ["EIF4EBP1_pT37", "S6K1_pT389", "AKT_pS473"])
    return {
        "BD26": hek["EIF4EBP1_pT37"],
        "BD28": hek["EIF4EBP1_pT37"],
        "BD32": hek["S6K1_pT389"],
        "BD34": hek["AKT_pS473"],
        "TC01": half_time("786-O", values),
        "TC05": _fold("PC-3", "mTORC2", 1440.0, values),
        "TC06": _fold("PC-3", "mTORC2", 60.0, values),
        "TC08": _fold("HeLa", "AKT_pS473", 1440.0, values),
        "TC08b": _fold("MCF-7", "AKT_pS473", 360.0, values),
        "TC11": _fold("786-O", "IRS1_pS636", 120.0, values),
        "EX01": _pten_loss(values),
        "EX02": _rheb(values, 0.0),
        "EX03": _rheb(values, 60.0),
        "EX04": _fold("786-O", "IRS1_total", 1440.0, values),
        "EX05": _share("786-O", "S6K1_pT389", "S6K1_total", values),
        "EX06": recovery("786-O", values),
    }


def predictions(values: Values) -> dict[str, float]:
    """Return id in data/targets.csv -> what the model gives, for those kept out of the fit."""
    run = treated("HeLa", "temsirolimus", "20 nM", (0.0, 120.0, 360.0)).run(
        values, ["EIF4EBP1_pT37"]
    )
    share = run["EIF4EBP1_pT37"] / run["EIF4EBP1_pT37"][0]
    everolimus = treated("786-O", "everolimus", "20 nM", (0.0, 60.0)).run(values, ["S6K1_pT389"])
    return {
        "BD23": ic50("786-O", "sirolimus", 1440.0, values),
        "BD25": 100 * (1 - float(everolimus["S6K1_pT389"][1] / everolimus["S6K1_pT389"][0])),
        "TC02": float(share[1]),
        "TC03": float(share[2] / share[1]),
    }


# 4E-BP1 pThr37/46, what a blot would show: a fifth less at 2 h, a tenth more at 6 h than at 2 h.
INHIBITED, RECOVERED = 0.8, 1.1
HISTORY = (
    "Priors of the receptor, Rheb and S6K1 kinetics were narrowed with behaviour B1 in view (peak "
    "of IRS-1 pTyr, plateau of S6K1), and the targets EX04 to EX06 were added so that feedback, "
    "S6K1 level and wash-out are of a published size. B1, and what is marked as fitted in other "
    "behaviours, is therefore no prediction."
)
WHAT_WITHIN_MEANS = (
    "Points within two published standard deviations (for the adipocyte curves the published "
    "standard error stands in, which is stricter). A scale for each curve, and where the method "
    "leaves one a background, are fitted. Many points have wide errors: the last column counts "
    "what the best constant would catch, and the model is worth what it adds to that."
)
LOGARITHMIC = {"TC01", "TC08", "TC08b", "EX01", "EX04", "EX05", "EX06"}


@cache
def targets() -> pd.DataFrame:
    """Read data/targets.csv; index id."""
    return pd.read_csv(HERE / "data" / "targets.csv").set_index("id")


def effect_residuals(values: Values) -> Iterator[float]:
    """Yield (model - value) / (a quarter of the range), weighted; logarithms where ratios count."""
    for name, model in effects(values).items():
        row = targets().loc[name]
        change: Callable[[float], float] = np.log if name in LOGARITHMIC else float
        low, high = change(row["low"]), change(row["high"])
        yield EFFECT_WEIGHT * (change(model) - change(row["value"])) / ((high - low) / 4)


# -- the fit ---------------------------------------------------------------------------------------


@cache
def free() -> pd.DataFrame:
    """Read parameters.yaml; index id, columns prior, factor, branch."""
    content = yaml.safe_load((HERE / "parameters.yaml").read_text(encoding="utf-8"))
    rows = {
        name: {**entry, "branch": branch}
        for branch, entries in content.items()
        for name, entry in entries.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def to_values(steps: Array) -> dict[str, float]:
    """Return parameter values from distances to the prior, in standard deviations."""
    table = free()
    values = table["prior"].to_numpy(float) * table["factor"].to_numpy(float) ** steps
    return dict(zip(table.index, values.tolist(), strict=True))


def residuals(steps: Array) -> Array:
    """Return all weighted residuals: curves, effects, priors."""
    values = to_values(steps)
    try:
        model = model_curves(values)
        points = [
            (curve.scaled(model[curve.dataset, curve.observable]) - curve.mean) / curve.error
            for curve in curves()
        ]
        return np.concatenate([*points, list(effect_residuals(values)), steps])
    except SimulationError:
        # A parameter set that cannot be simulated is as bad as any; the fit steps back.
        count = sum(len(curve.mean) for curve in curves()) + len(effects_ids()) + len(steps)
        return np.full(count, 1e3)


@cache
def effects_ids() -> tuple[str, ...]:
    """Return the ids of the fitted effects."""
    return tuple(targets().query("use == 'fitted'").index)


def fit(number: int) -> dict[str, object]:
    """Fit from one start: the priors themselves, or a random place around them."""
    generator = np.random.default_rng([SEED, number])
    start = np.zeros(len(free())) if number == 0 else generator.normal(0, 0.7, len(free()))
    begun = time.perf_counter()
    found = least_squares(
        residuals,
        start,
        bounds=(-FARTHEST, FARTHEST),
        diff_step=1e-3,
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


# -- report ----------------------------------------------------------------------------------------


def curve_table(values: Values) -> pd.DataFrame:
    """Return one row a curve: points with a published SD, and what lies within two of it."""
    model = model_curves(values)
    rows = []
    for curve in curves():
        ours = model[curve.dataset, curve.observable]
        flat = np.ones_like(ours)
        rows.append(
            {
                "dataset": curve.dataset,
                "observable": curve.observable,
                "points": int(np.isfinite(curve.within(ours)).sum()),
                "model": int(np.nansum(curve.within(ours))),
                "constant": int(np.nansum(curve.within(flat))),
                "rise in data": curve.mean.max() / max(curve.mean[0], 1e-9),
                "rise in model": ours.max() / max(ours[0], 1e-9),
                "background": curve.background_share(ours),
            }
        )
    return pd.DataFrame(rows)


def _curve_lines(table: pd.DataFrame) -> list[str]:
    lines = [
        "| dataset | observable | points | model | constant | rise, data | in model | background |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for _, row in table.iterrows():
        data = f"{row['rise in data']:.1f}" if row["rise in data"] < 100 else "from zero"
        lines.append(
            f"| {row['dataset']} | {row['observable']} | {row['points']} | {row['model']} "
            f"| {row['constant']} | {data} | {row['rise in model']:.1f} "
            f"| {row['background']:+.0%} |"
        )
    return lines


def _share_lines(table: pd.DataFrame) -> list[str]:
    lines = ["| observable | points | model | share | constant |", "|---|---|---|---|---|"]
    summed = table.groupby("observable", sort=False)[["points", "model", "constant"]].sum()
    summed.loc["**all**"] = summed.sum()
    for name, row in summed.iterrows():
        share = row["model"] / row["points"]
        lines.append(
            f"| {name} | {row['points']} | {row['model']} | {share:.0%} | {row['constant']} |"
        )
    return lines


def report(values: Values) -> str:
    """Return the report as Markdown: what was fitted apart from what was predicted."""
    table = curve_table(values)
    is_total = table["observable"].str.endswith("_total")
    lines = [
        "# Calibration of the network",
        "",
        "Written by `calibration/calibrate.py`; not edited by hand.",
        "",
        "## Fitted: time courses and dose-responses",
        "",
        WHAT_WITHIN_MEANS,
        "",
        *_share_lines(table[~is_total]),
        "",
        "Total proteins, which the model holds (nearly) constant:",
        "",
        *_share_lines(table[is_total]),
        "",
        (
            "Curve by curve. Rise: highest value over the first. Background: the offset that the "
            "fit added, as a share of the highest point; where it is large, the size of the rise "
            "is not tested."
        ),
        "",
        *_curve_lines(table),
    ]
    lines += ["", "## Fitted: published effects", "", *_effect_lines(effects(values), "fitted")]
    lines += ["", "## Predicted: kept out of the fit", ""]
    lines += _effect_lines(predictions(values), "predicted")
    lines += [
        "",
        (
            "TC02 and TC03 are given as shares: 4E-BP1 pThr37/46 at 2 h relative to 0 h (below 0.8 "
            "counts as inhibited), and at 6 h relative to 2 h (above 1.1 counts as recovered)."
        ),
        "",
        "## Parameters",
        "",
        HISTORY,
        "",
        "| parameter | prior | factor | fitted | distance (SD of the prior) |",
        "|---|---|---|---|---|",
    ]
    for name, row in free().iterrows():
        distance = np.log(values[str(name)] / row["prior"]) / np.log(row["factor"])
        lines.append(
            f"| {name} | {row['prior']:.4g} | {row['factor']:g} | {values[str(name)]:.4g} "
            f"| {distance:+.1f} |"
        )
    return "\n".join(lines) + "\n"


def _effect_lines(model: Mapping[str, float], use: str) -> list[str]:
    rows = targets()[targets()["use"] == use]
    lines = [
        "| id | quantity | published | range | model | in range | provenance |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.iterrows():
        value = model[str(name)]
        inside = {"TC02": value < INHIBITED, "TC03": value > RECOVERED}.get(
            str(name), row["low"] <= value <= row["high"]
        )
        lines.append(
            f"| {name} | {row['quantity']} | {row['value']:g} {row['units']} "
            f"| {row['low']:g} to {row['high']:g} | {value:.3g} | {'yes' if inside else '**no**'} "
            f"| {row['provenance']} |"
        )
    return lines


# -- values into the model files -------------------------------------------------------------------


def current() -> dict[str, float]:
    """Return the values that stand in the model files now."""
    return {name: float(_line(name, _files(name)[0])[2]) for name in free().index}


def write(values: Values) -> None:
    """Put fitted values into the model files, with confidence C."""
    for name, value in values.items():
        for path in _files(name):
            match = _line(name, path)
            text = path.read_text(encoding="utf-8")
            fitted = f"{match[1]}{value:.4g}{match[3]}"
            path.write_text(text.replace(match[0], fitted, 1), encoding="utf-8")
            _grade(path, name)


def _files(name: str) -> list[Path]:
    """Return the files in which a value stands."""
    owner = name.rpartition(".")[0]
    if owner == "rapalog":
        return [models_path("drugs", f"{drug}.yaml") for drug in RAPALOGS]
    if owner:
        return [models_path("cells", f"{owner}.yaml")]
    return [models_path(f"{free().loc[name, 'branch']}.ant")]


def _line(name: str, path: Path) -> re.Match[str]:
    """Return the place in a file where a value stands."""
    own = name.rpartition(".")[2]
    pattern = {
        ".yaml": rf"(  {own}:\n    value: )(\S+)(.*\n)",
        ".ant": rf"(?m)^({own} = )([^;\n]+)(;)",
    }[path.suffix]
    match = re.search(pattern, path.read_text(encoding="utf-8"))
    if match is None:
        raise SystemExit(f"no line for {name} in {path.name}")
    return match


STALE = ("confidence", "assumed", "fitted", "see calibration", "prior", "plausible", "half-life")


def _grade(path: Path, name: str) -> None:
    """Say in the model file that the value was fitted; remarks on the old value go."""
    text, own = path.read_text(encoding="utf-8"), name.rpartition(".")[2]
    row = free().loc[name]
    prior = f"prior {row['prior']:g} within a factor of {row['factor']:g}"
    origin = f"fitted (calibration/report.md), {prior}"
    if path.suffix == ".ant":
        old = re.search(rf'(?m)^{own} notes "(.*)"$', text)
        if old is None:
            raise SystemExit(f"no notes for {name} in {path.name}")
        kept = [part for part in old[1].split("; ") if not part.startswith(STALE)]
        text = text.replace(old[0], f'{own} notes "{"; ".join(["confidence=C", origin, *kept])}"')
    else:
        entry = rf'(  {own}:\n    value: .*\n    source: )".*"(\n    confidence: )[BCD]'
        text = re.sub(entry, rf'\1"{origin}"\2C', text)
        text = re.sub(rf"(  {own}:\n(?:    .*\n)*?)    plausible: .*\n", r"\1", text)
    path.write_text(text, encoding="utf-8")


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
        with ProcessPoolExecutor(options.workers) as pool:
            fits = sorted(pool.map(fit, range(options.starts)), key=lambda one: one["cost"])
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
