"""Do known parameters come back from simulated data? Prints a table; several minutes.

    python benchmarks/recovery.py                # eight parameters, four conditions, 5 % noise
    python benchmarks/recovery.py --repeats 5    # with other noise and other truths each time

Truths are drawn within the priors. Counted is how often the truth lies in its 95 % interval by the
data alone, among the parameters that the data determine; the rest must be flagged.
"""

import argparse
import time

import numpy as np
import pandas as pd

import mtorsim as mt
from mtorsim.symbols import symbols
from mtorsim.targets import Dish

FITTED = (
    *("kphos_S6K1_by_mTORC1", "kdephos_S6K1_by_PP2A", "kphos_AKT_Ser473_by_mTORC2"),
    *("kdephos_AKT_pSer473_by_PHLPP", "kdeg_IRS1_pSer636", "kdephos_IRS1_pSer636_by_PP2A"),
    *("kdeg_HIF1A_by_ULK1", "Km_eIF4F_VEGF"),
)
"""The last two hardly move what is measured here."""

OBSERVED = ("S6K1_pT389", "AKT_pS473", "IRS1_pS636")
TIMES = (0.0, 5.0, 15.0, 30.0, 60.0, 240.0, 1440.0)  # min
CONDITIONS = (("sirolimus", "20 nM"), ("sirolimus", "0.5 nM"), ("AZD8055", "100 nM"), (None, ""))
NOISE = 0.05  # of the highest value of a curve


def data(truth: dict[str, float], generator: np.random.Generator) -> pd.DataFrame:
    """Simulate measurements with noise."""
    tables = []
    for drug, dose in CONDITIONS:
        given = {drug: dose} if drug else {}
        scenario = mt.Scenario(cell="MCF-7", drugs=given, duration="24 h", observe=OBSERVED)
        found = Dish(scenario, TIMES).carry_out(truth)
        for id in OBSERVED:
            values = found.values[id]  # noqa: PD011
            sd = NOISE * values.max()
            tables.append(pd.DataFrame({
                "cell": "MCF-7", "drug": drug or "", "dose": dose, "observable": id,
                "time_min": found.time, "value": values + generator.normal(0, sd, len(values)),
                "sd": sd, "unit": "nM",
            }))  # fmt: skip
    return pd.concat(tables, ignore_index=True)


def recovered(seed: int, starts: int, workers: int) -> pd.DataFrame:
    """Return the truth beside the estimates of one repeat."""
    generator = np.random.default_rng(seed)
    known = symbols()
    truth = {id: known[id].value * 1.5 ** generator.uniform(-1, 1) for id in FITTED}
    table = data(truth, generator)
    begun = time.perf_counter()
    fit = mt.fit(table, FITTED, starts=starts, profile=True, workers=workers, seed=seed)
    found = fit.estimates.assign(truth=[truth[id] for id in fit.estimates["parameter"]])
    low, high = found["data_low"].fillna(0), found["data_high"].fillna(np.inf)
    found["inside"] = (low <= found["truth"]) & (found["truth"] <= high)
    print(
        f"repeat {seed}: {time.perf_counter() - begun:.0f} s, objective {fit.cost:.1f} with "
        f"{fit.problem.count} data, {fit.same} of {starts} starts found it"
    )
    return found.assign(repeat=seed)


def main() -> None:
    """Recover, and count."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--starts", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    every = pd.concat([recovered(k, given.starts, given.workers) for k in range(given.repeats)])
    columns = ["repeat", "parameter", "truth", "estimate", "data_low", "data_high", "status"]
    print(every[[*columns, "inside"]].to_string(index=False, float_format="{:.3g}".format))
    known = every[every["status"] == "determined"]
    print(
        f"{int(known['inside'].sum())} of {len(known)} determined parameters lie in their 95 % "
        f"intervals; {len(every) - len(known)} flagged as not determined."
    )


if __name__ == "__main__":
    main()
