"""Binding and renal carcinoma: published numbers beside what the models give, misses named.

    python calibration/published.py          # write targets.md

Rows marked `compared` or `predicted` in data/targets.csv were used nowhere. For `chosen` rows a
constant was set by hand with the number in view, or the number repeats a fitted one. Rows marked
`input` set a constant of the models and are listed without a verdict; `not simulated` rows say why.
"""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import pandas as pd
from experiments import HERE, effects, predictions, targets
from growth import HIGHEST, highest
from growth import current as growth_values
from parameters import current

import mtorsim as mt
from mtorsim import cells
from mtorsim.qualification.inhibitors import shift
from mtorsim.qualification.signalling import ic50

KIDNEY = ("786-O", "Caki-1", "A498", "RCC4")
LINES = tuple(name for name in cells.names() if cells.load(name).doubling_time is not None)
WIDE = "0.01nM:20uM:14"
HOURS = 60.0


@cache
def plate(cell: str, drug: str, doses: str = WIDE) -> mt.assays.Viability:
    """Return a viability assay over 72 h."""
    return mt.assays.viability(cell=cell, drug=drug, doses=doses, times=["72 h"])


def half(cell: str, drug: str) -> float:
    """Return the dose that halves viability at 72 h [nM]; infinite if none tested does."""
    value = plate(cell, drug).ic50.value
    return np.inf if value is None else value


def half_effect(cell: str, drug: str, doses: str = WIDE) -> float:
    """Return the dose of half the effect that the fitted curve reaches at 72 h [nM]."""
    value = plate(cell, drug, doses).reference.fit.ec50.value
    return np.inf if value is None else value


def lost(cell: str, drug: str, dose: str, time: str) -> float:
    """Return by how much the ATP of a well falls, as growth assays measure it [% of control]."""
    run = mt.simulate(
        cell=cell, drugs={drug: dose}, duration=time, observe=["viability"], times=[time]
    )
    return 100 * (1 - float(run["viability"][-1]))


def mean(values: list[float]) -> float:
    """Return the geometric mean."""
    return float(np.exp(np.mean(np.log(values))))


def median(values: list[float]) -> float:
    """Return the median."""
    return float(np.median(values))


def readout_ic50(cell: str, drug: str, id: str, minutes: float) -> float:
    """Return the dose that halves a read-out [nM]."""
    doses = np.geomspace(0.01, 1e5, 43)
    values = []
    for dose in doses.tolist():
        run = mt.simulate(
            cell=cell,
            drugs={drug: f"{dose!r} nM"},
            duration=f"{minutes} min",
            observe=[id],
            times=[minutes],
        )
        values.append(float(run[id][-1]) / run.baseline[id])
    return float(np.exp(np.interp(-0.5, -np.array(values), np.log(doses))))


def residual_ratio() -> float:
    """Return mTORC1 activity left by sirolimus 100 nM over that left by Torin-1 250 nM, 1 h."""
    left = []
    for drug, dose in (("sirolimus", "100 nM"), ("Torin-1", "250 nM")):
        run = mt.simulate(
            cell="HEK293",
            drugs={drug: dose},
            stimuli={"insulin": "100 nM"},
            perturbations=["serum_starvation"],
            duration="1 h",
            observe=["mTORC1_active"],
            times=["1 h"],
        )
        left.append(float(run["mTORC1_active"][-1]))
    return left[0] / left[1]


def knocked_down(id: str) -> dict[str, float]:
    """Return knock-down -> level of a read-out in RCC4 relative to none."""
    usual = mt.simulate(cell="RCC4", drugs={}, duration="1 min", observe=[id]).baseline[id]
    found = {}
    for name in ("raptor_knockdown", "rictor_knockdown"):
        run = mt.simulate(cell="RCC4", drugs={}, perturbations=[name], duration="1 min")
        found[name] = run.baseline[id] / usual
    return found


def needs_both() -> str:
    """Say what knock-downs of raptor and rictor leave of HIF-1alpha and HIF-2alpha."""
    one, two = knocked_down("HIF1A"), knocked_down("HIF2A")
    seen = max(one.values()) < 0.8 and two["rictor_knockdown"] < 0.8 < two["raptor_knockdown"]
    shares = (
        f"HIF-1alpha {one['raptor_knockdown']:.2f} / {one['rictor_knockdown']:.2f}, "
        f"HIF-2alpha {two['raptor_knockdown']:.2f} / {two['rictor_knockdown']:.2f}"
    )
    return f"{'seen' if seen else 'MISS'}: raptor / rictor down leaves {shares}"


def label_direction() -> str:
    """Say whether temsirolimus lowers HIF-1alpha, HIF-2alpha and VEGF in a kidney line."""
    run = mt.simulate(cell="RCC4", drugs={"temsirolimus": "20 nM"}, duration="48 h")
    ids = ("HIF1A", "HIF2A", "VEGF_secreted")
    left = {id: float(run[id][-1]) / run.baseline[id] for id in ids}
    words = ", ".join(f"{id} {value:.2f}" for id, value in left.items())
    return f"{'seen' if max(left.values()) < 1 else 'MISS'}: {words} at 48 h in RCC4"


def in_order() -> str:
    """Say whether Ku-0063794 takes viability lower than temsirolimus."""
    pairs = {}
    for cell in ("Caki-1", "786-O"):
        drugs = ("Ku-0063794", "temsirolimus")
        pairs[cell] = [mt.assays.viability(cell=cell, drug=drug).at("72 h").e_max for drug in drugs]
    seen = all(ku < rapalog for ku, rapalog in pairs.values())
    words = ", ".join(f"{cell} {ku:.0f} / {rapalog:.0f} %" for cell, (ku, rapalog) in pairs.items())
    return (
        f"{'seen' if seen else 'MISS'}: viability at the highest dose, Ku / temsirolimus: {words}"
    )


def area_order() -> str:
    """Say whether areas under viability curves rank AZD8055 < Ku-0063794 < sirolimus."""
    drugs = ("AZD8055", "Ku-0063794", "sirolimus")
    areas = {}
    for cell in ("Caki-1", "786-O"):
        readings = [plate(cell, drug).reference.viability.mean() for drug in drugs]
        areas[cell] = [float(one) for one in readings]
    seen = all(one == sorted(one) for one in areas.values())
    words = "; ".join(
        f"{cell} {', '.join(f'{area:.0f}' for area in one)} %" for cell, one in areas.items()
    )
    return (
        f"{'seen' if seen else 'MISS'}: mean viability over 0.01 nM-20 uM, in that order: {words}"
    )


def directly() -> float:
    """Return the dose that halves 4E-BP1 pThr37/46 without FKBP12 [uM]."""
    doses = np.geomspace(100, 1e6, 33)
    left = []
    for dose in doses.tolist():
        run = mt.simulate(
            drugs={"temsirolimus": f"{dose!r} nM"},
            set={"FKBP12": "0 nM"},
            duration="6 h",
            observe=["EIF4EBP1_pT37"],
            times=["6 h"],
        )
        left.append(float(run["EIF4EBP1_pT37"][-1]) / run.baseline["EIF4EBP1_pT37"])
    return float(np.exp(np.interp(-0.5, -np.array(left), np.log(doses)))) / 1000


COMPARED: Mapping[str, Callable[[], float | str]] = {
    "BD09": directly,
    "BD10": lambda: float(
        np.mean([lost(cell, "temsirolimus", "100 nM", "72 h") for cell in KIDNEY])
    ),
    "BD36": residual_ratio,
    "BD40": lambda: readout_ic50("786-O", "AZD8055", "S6_pS235", 60.0),
    "BD46": lambda: ic50("MCF-7", "RapaLink-1", 4 * HOURS),
    "BD47": lambda: shift("sirolimus", "MTOR_F2108L"),
    "BD48": lambda: shift("AZD8055", "MTOR_M2327I"),
    "RC01": lambda: half("Caki-1", "temsirolimus"),
    "RC02": lambda: mean([half(cell, "temsirolimus") for cell in KIDNEY]),
    "RC05": lambda: half("786-O", "AZD8055"),
    "RC09": area_order,
    "RC16": lambda: mean([half(cell, "AZD8055") for cell in KIDNEY]),
    "RC17": lambda: median([lost(cell, "sirolimus", "100 nM", "96 h") for cell in LINES]),
    "RC18": lambda: median([half_effect(cell, "sirolimus", "0.01nM:100nM:9") for cell in LINES]),
    "RC19": lambda: median([half_effect(cell, "AZD8055", "1nM:10uM:9") for cell in LINES]),
    "RC20": in_order,
    "HF01": needs_both,
    "HF05": label_direction,
}


def found() -> dict[str, float | str]:
    """Return id -> what the models give, for every row that has a simulation."""
    values = current()
    growth = {row: highest(row, growth_values()) for row in HIGHEST}
    return {
        **effects(values),
        **predictions(values),
        **growth,
        **{id: measure() for id, measure in COMPARED.items()},
    }


WORDS = {
    "fitted": "fitted",
    "growth": "fitted",
    "predicted": "predicted",
    "chosen": "chosen",
    "compared": "predicted",
    "input": "input",
}


def table() -> pd.DataFrame:
    """Return one row a target of the groups binding and renal carcinoma, with a verdict."""
    rows = targets()
    rows = rows[rows.index.str.match(r"BD|RC|HF")].copy()
    model = found()
    rows["model"] = [model.get(str(id)) for id in rows.index]
    rows["verdict"] = [_verdict(row) for _, row in rows.iterrows()]
    return rows


def _verdict(row: pd.Series) -> str:
    if row["use"] not in WORDS:
        return "not simulated"
    if row["use"] == "input":
        return "input"
    if isinstance(row["model"], str):
        return row["model"].partition(":")[0]
    high = np.inf if pd.isna(row["high"]) else row["high"]
    return "in range" if row["low"] <= row["model"] <= high else "MISS"


def _figure(value: float | str | None) -> str:
    if isinstance(value, str):
        return value.partition(": ")[2]
    return "" if value is None or pd.isna(value) else f"{value:.3g}"


def _published(row: pd.Series) -> str:
    if pd.isna(row["value"]):
        return str(row["units"])
    bounds = "" if pd.isna(row["low"]) else f" ({_figure(row['low'])} to {_figure(row['high'])})"
    return f"{row['value']:.4g} {row['units']}{bounds}"


def report() -> str:
    """Return the table as Markdown, misses first."""
    rows = table()
    counts = rows[rows["verdict"].isin(["in range", "seen", "MISS"])]
    lines = ["# Binding and renal carcinoma: published numbers and the models", ""]
    lines += ["Written by `calibration/published.py`; not edited by hand.", ""]
    for use in ("fitted", "chosen", "predicted"):
        own = counts[[WORDS[one] == use for one in counts["use"]]]
        good = int((own["verdict"] != "MISS").sum())
        lines.append(f"- {use}: {good} of {len(own)} in range")
    lines += ["", "## Misses", ""]
    for id, row in rows[rows["verdict"] == "MISS"].iterrows():
        lines.append(
            f"- **{id}** {row['quantity']}: {_figure(row['model'])} against {_published(row)}. "
            f"{row['remark'] if not pd.isna(row['remark']) else ''}"
        )
    lines += ["", "## All rows", ""]
    lines += ["| id | quantity | condition | published | model | use | verdict | source |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    for id, row in rows.iterrows():
        remark = f" {row['remark']}" if not pd.isna(row["remark"]) else ""
        lines.append(
            f"| {id} | {row['quantity']} | {row['condition']} | {_published(row)} "
            f"| {_figure(row['model'])} | {WORDS.get(row['use'], '')} | {row['verdict']}.{remark} "
            f"| {row['source']}; {row['provenance']} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the report."""
    text = report()
    (HERE / "targets.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
