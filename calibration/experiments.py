"""What the calibration simulates, the published data, and how the two are compared."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import nnls

import mtorsim as mt
from mtorsim.compile import compile_scenario
from mtorsim.engine import engine
from mtorsim.simulation import steady_state
from mtorsim.steps import Run

HERE = Path(__file__).parent
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
        rest = steady_state(compiled)
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
RISE = np.arange(0, 121, 1.0)
HALF_TIME = np.concatenate([[0.0], np.geomspace(0.25, 120, 200)])


def _hek(drug: str, dose: str, names: Sequence[str], values: Values) -> dict[str, float]:
    """log2 of a drug over none, HEK293 with insulin for 1 h."""
    stimulus = {"stimuli": {"insulin": "100 nM"}, **STARVED}
    with_drug = treated("HEK293", drug, dose, (60.0,), **stimulus).run(values, names)
    without = treated("HEK293", None, "", (60.0,), **stimulus).run(values, names)
    return {name: float(np.log2(with_drug[name][0] / without[name][0])) for name in names}


def _fold(
    cell: str,
    name: str,
    minutes: float,
    values: Values,
    drug: str = "temsirolimus",
    dose: str = "20 nM",
) -> float:
    model = treated(cell, drug, dose, (0.0, minutes)).run(values, [name])[name]
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


def _plateau(values: Values) -> float:
    """Return when S6K1 pThr389 is at 95 % of its way up under 10 nM insulin [min]."""
    curve = adipocyte(10.0, tuple(RISE)).run(values, ["S6K1_pT389"])["S6K1_pT389"]
    share = (curve - curve[0]) / (curve.max() - curve[0])
    before = int(np.argmax(share >= 0.95))
    return float(np.interp(0.95, share[before - 1 : before + 1], RISE[before - 1 : before + 1]))


def _order_of_peaks(values: Values) -> float:
    """Return by how much AKT pSer473 peaks after pThr308 under 10 nM insulin [min]."""
    early = RISE[RISE <= 20]
    run = adipocyte(10.0, tuple(early)).run(values, ["AKT_pT308", "AKT_pS473"])
    first, second = (_peak(early, run[name]) for name in ("AKT_pT308", "AKT_pS473"))
    return second - first


def _peak(times: Array, curve: Array) -> float:
    """Return when a curve is highest: the top of the parabola through its highest points [min]."""
    place = min(max(int(curve.argmax()), 1), len(curve) - 2)
    a, b, _ = np.polyfit(times[place - 1 : place + 2], curve[place - 1 : place + 2], 2)
    return float(-b / (2 * a)) if a < 0 else float(times[place])


def _pten_loss(values: Values) -> float:
    levels = [
        treated("HeLa", None, "", (0.0,), perturbations=lost).run(values, ["PIP3"])["PIP3"][0]
        for lost in ([], ["PTEN_loss"])
    ]
    return float(levels[1] / levels[0])


def _akt_under_azd8055(values: Values) -> tuple[float, float]:
    """Return AKT pThr308 at 1 h and at 24 h over untreated; MCF-7, 500 nM."""
    run = treated("MCF-7", "AZD8055", "500 nM", (0.0, 60.0, 1440.0)).run(values, ["AKT_pT308"])
    start, early, late = run["AKT_pT308"].tolist()
    return early / start, late / start


def _without_vhl(values: Values) -> tuple[float, float]:
    """Return HIF-1alpha at 24 h and VEGF at 48 h under 20 nM temsirolimus over untreated."""
    cell = treated(
        "Caki-1", "temsirolimus", "20 nM", (0.0, 1440.0, 2880.0), perturbations=["VHL_loss"]
    )
    run = cell.run(values, ["HIF1A", "VEGF_secreted"])
    return (
        float(run["HIF1A"][1] / run["HIF1A"][0]),
        float(run["VEGF_secreted"][2] / run["VEGF_secreted"][0]),
    )


def effects(values: Values) -> dict[str, float]:
    """Return id in data/targets.csv -> what the model gives, for the fitted ones."""
    sites = ["EIF4EBP1_pT37", "S6K1_pT389", "AKT_pS473"]
    hek = _hek("sirolimus", "100 nM", sites, values)
    HIF1A, VEGF = _without_vhl(values)
    return {
        "BD26": hek["EIF4EBP1_pT37"],
        "EX08": _akt_under_azd8055(values)[0],
        "EX09": _akt_under_azd8055(values)[1],
        "EX10": _fold("MCF-7", "EIF4EBP1_pT37", 60.0, values, "AZD8055", "1 uM"),
        "EX11": _order_of_peaks(values),
        "HF02": HIF1A,
        "HF03": VEGF,
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
        "EX07": _plateau(values),
    }


def predictions(values: Values) -> dict[str, float]:
    """Return id in data/targets.csv -> what the model gives, for those kept out of the fit."""
    run = treated("HeLa", "temsirolimus", "20 nM", (0.0, 120.0, 360.0)).run(
        values, ["EIF4EBP1_pT37"]
    )
    share = run["EIF4EBP1_pT37"] / run["EIF4EBP1_pT37"][0]
    torin = _hek("Torin-1", "250 nM", ["EIF4EBP1_pT37", "S6_pS235", "AKT_pS473"], values)
    everolimus = treated("786-O", "everolimus", "20 nM", (0.0, 60.0)).run(values, ["S6K1_pT389"])
    return {
        "BD23": ic50("786-O", "sirolimus", 1440.0, values),
        "BD25": 100 * (1 - float(everolimus["S6K1_pT389"][1] / everolimus["S6K1_pT389"][0])),
        "TC02": float(share[1]),
        "TC03": float(share[2] / share[1]),
        "BD27": torin["EIF4EBP1_pT37"],
        "BD29": torin["EIF4EBP1_pT37"],
        "BD33": torin["S6_pS235"],
        "BD34b": torin["AKT_pS473"],
    }


LOGARITHMIC = {"TC01", "TC08", "TC08b", "EX01", "EX04", "EX05", "EX06", "EX07", "EX08"}


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
