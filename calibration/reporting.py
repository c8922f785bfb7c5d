"""The report of the calibration: what was fitted, what was predicted, what is missed."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from experiments import (
    Values,
    curves,
    fitted_effects,
    measured,
    outcomes,
    predicted_effects,
)
from parameters import free

from mtorsim.targets import Target

HISTORY = (
    "Priors of the receptor, Rheb and S6K1 kinetics were narrowed with behaviour B1 in view (peak "
    "of IRS-1 pTyr, plateau of S6K1), and the targets EX04 to EX07 were added so that feedback, "
    "S6K1 level and wash-out are of a published size. B1, and what is marked as fitted in other "
    "behaviours, is therefore no prediction."
    " EX08 to EX11 (AKT and 4E-BP1 under an ATP-competitive drug, the order of the AKT peaks) were "
    "added with B1 and B5 in view and their assumed sizes were moved while fitting; BD27 and BD29, "
    "which contradict B5, were taken out of the fit then and are listed as predicted."
)
WHAT_WITHIN_MEANS = (
    "Points within two published standard deviations (for the adipocyte curves the published "
    "standard error stands in, which is stricter). A scale for each curve, and where the method "
    "leaves one a background, are fitted. Many points have wide errors: the last column counts "
    "what the best constant would catch, and the model is worth what it adds to that."
)


def curve_table(values: Values) -> pd.DataFrame:
    """Return one row a curve: points with a published SD, and what lies within two of it."""
    carry_out = outcomes(values)
    rows = []
    for target in curves():
        curve = target.reading
        ours, mean = curve.model(carry_out), curve.data.mean
        rows.append(
            {
                "id": target.id,
                "observable": curve.id,
                "cell": curve.dishes[0].scenario.cell,
                "points": int(np.isfinite(curve.within(ours)).sum()),
                "model": int(np.nansum(curve.within(ours))),
                "constant": int(np.nansum(curve.within(np.ones_like(ours)))),
                "rise in data": mean.max() / max(mean[0], 1e-9),
                "rise in model": ours.max() / max(ours[0], 1e-9),
                "background": curve.scale(ours)[1] / mean.max(),
            }
        )
    return pd.DataFrame(rows)


def _curve_lines(table: pd.DataFrame) -> list[str]:
    lines = [
        "| id | cell | observable | points | model | constant | rise, data | model | background |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for _, row in table.iterrows():
        data = f"{row['rise in data']:.1f}" if row["rise in data"] < 100 else "from zero"
        lines.append(
            f"| {row['id']} | {row['cell']} | {row['observable']} | {row['points']} "
            f"| {row['model']} | {row['constant']} | {data} | {row['rise in model']:.1f} "
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
            "Curve by curve. Rise: highest value over the first, in the data and in the model. "
            "Background: the offset that the fit added, as a share of the highest point; where it "
            "is large, the size of the rise is not tested."
        ),
        "",
        *_curve_lines(table),
    ]
    lines += ["", "## Fitted: published effects", "", *_effect_lines(fitted_effects(), values)]
    lines += ["", "## Predicted: kept out of the fit", ""]
    lines += _effect_lines(predicted_effects(), values)
    lines += [
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


def _effect_lines(rows: Sequence[Target], values: Values) -> list[str]:
    model = measured(rows, values)
    lines = [
        "| id | quantity | published | range | model | verdict | provenance |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        verdict = row.verdict(model[row.id])
        said = verdict if verdict == "pass" else f"**{verdict}**"
        value = "" if np.isnan(row.value) else f"{row.value:g}"
        lines.append(
            f"| {row.id} | {row.quantity} | {value} {row.unit} | {row.low:g} to {row.high:g} "
            f"| {model[row.id]:.3g} | {said} | {row.provenance} |"
        )
    return lines
