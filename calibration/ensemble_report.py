"""The page of the ensemble: how samples fared, and which parameters the data determine."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from experiments import Array

DETERMINED, UNDETERMINED = 0.5, 0.8
"""Share of the prior's spread that is left: below the first the data determine a parameter, from
the second on they do not."""
LEAST_CORRELATED = 0.8
NEAR_BOUND, OFTEN = 2.45, 0.25  # standard deviations of the prior; share of the members
UNSEEN = 0.2  # standard errors that one standard deviation of the prior moves all data by
_RULES = (
    ("chi_square", "chi-square of the data as published"),
    ("worst_effect", "farthest single effect (standard deviations)"),
    ("worst_curve", "farthest curve (standard errors, root mean square)"),
    ("above", "cost above that of the shipped values"),
)


HEAD = """\
# The ensemble of the network

Written by `calibration/ensemble.py`; not edited by hand. Members stand in `models/ensemble.csv`;
`--ensemble` of `mtorsim run`, `assay` and `qualify` simulates them.

Randomised maximum likelihood: {count} times the data and the centres of the priors were shifted at
random within their errors, and the network was fitted again from the shipped values, with the cost
that `calibrate.py` uses (an effect counts as four points of a curve; loss damped). {fitted}
parameters are those of `calibrate.py`, {assumed} are assumed numbers (confidence D) of the
network's files that move a read-out by a factor of 1.5 or more. **{accepted} of {count} fits were
accepted** by the rule below. Growth was fitted again for each; for {growth} of those that met the
rule it could not be. Searches ended: {ends}.

| rule, against the data as they are | at most | shipped values | members | samples that miss it |
|---|---|---|---|---|
{rules}

The rule was set before the first sample was drawn, and has not been changed. The search was: a
first one stopped too early (22 of 100 accepted), since derivatives had been taken across a jump.
The worst single effect of a sample was {worst}. EX11, the order of the AKT peaks, is an assumed
number, and hangs on which of two peaks is the higher one: the shipped values lie next to that edge.

What this is not:

- Members are fits that agree with the data, not draws from a posterior distribution, whose tails a
  rule like this cuts. With {accepted} of them, 5 and 95 % are rough, and so are the borders below.
- {recalled} of the {effects} single effects are recalled or assumed, not read in a paper.
- The wiring is fixed, and so are all constants of drugs but how fast rapalogs enter and what mTORC1
  keeps when one is bound (of temsirolimus and AZD8055 alone, {drugs} are graded D), and what the
  files of cells hold but for four numbers. Bands are too narrow by what these would add.
- A band says how far the calibration leaves a read-out open, not how wrong the models can be.

## What the data determine

A parameter counts as determined when the members leave less than half of the spread of its prior,
and as not determined when they leave {undetermined:.0f} % or more: then its value is that of the
literature or of an assumption, and the data say little about it. At its bound is what data pull
further from its prior than is believed ({farthest:g} standard deviations) in a quarter of the
members or more: data and prior contradict each other there. Assumed numbers are in italics.

{groups}

{pairs}

Shipped values outside 5 to 95 % of the members: {outside}. The shipped fit held the assumed numbers
where they were; set free, data move them.

## All parameters that vary

Model units; the least determined first. `cell.id` holds in that cell, `rapalog.id` for every
rapalog. Effect: by how many standard errors all fitted numbers together move when the parameter
moves by one standard deviation of its prior.

| id | kind | prior | within a factor of | shipped | members, 5 to 95 % | median | spread left | \
effect |
|---|---|---|---|---|---|---|---|---|
{all}
"""


def page(record: Mapping[str, Any], table: pd.DataFrame, shipped: Array) -> str:
    """Return the page.

    Parameters
    ----------
    record : mapping
        What ``ensemble.json`` holds.
    table : DataFrame
        Id -> prior, factor, is_fitted; as `ensemble.table`.
    shipped : array, shape (k,)
        Steps of the values that stand in the models.
    """
    samples = record["samples"]
    accepted = [one for one in samples if one["accepted"]]
    met = sum(all(one[id] <= record["rule"][id] for id, _ in _RULES) for one in samples)
    steps = np.array([one["steps"] for one in accepted])
    found = spread(table, shipped, steps).join(pd.Series(record["seen"], table.index, name="seen"))
    is_out = (found["shipped"] < found["p5"]) | (found["shipped"] > found["p95"])
    ends = Counter(one["end"] for one in samples)
    worst = Counter(one["worst"] for one in samples)
    effects, recalled = record["effects"]
    return HEAD.format(
        count=len(samples), accepted=len(accepted), growth=met - len(accepted),
        fitted=record["fitted"], assumed=record["assumed"], drugs=record["drugs"],
        undetermined=100 * UNDETERMINED, farthest=record["farthest"], effects=effects,
        recalled=recalled, ends=_counted(ends), worst=_counted(worst),
        rules=_rules(record, accepted), groups=_groups(found), pairs=_pairs(table, steps),
        outside=_named(found[is_out]) or "none", all=_all(found),
    )  # fmt: skip


def _counted(found: Counter[str]) -> str:
    return ", ".join(f"{name} in {number}" for name, number in found.most_common())


def spread(table: pd.DataFrame, shipped: Array, steps: Array) -> pd.DataFrame:
    """Return how far each parameter still varies, the least determined first.

    Columns prior, factor, is_fitted, shipped, p5, p50, p95 (model units), left (the standard
    deviation of its logarithm over the members, in that of the prior) and bound (share of members
    in which it lies at its bound).
    """
    logs = np.log(table["factor"].to_numpy(float))
    prior = table["prior"].to_numpy(float)
    low, middle, high = (
        prior * np.exp(logs * np.percentile(steps, p, axis=0)) for p in (5, 50, 95)
    )
    return table.assign(
        shipped=prior * np.exp(logs * shipped),
        p5=low,
        p50=middle,
        p95=high,
        left=steps.std(axis=0, ddof=1),
        bound=(np.abs(steps) >= NEAR_BOUND).mean(axis=0),
    ).sort_values("left", ascending=False)


def _rules(record: Mapping[str, Any], accepted: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for id, what in _RULES:
        limit, values = record["rule"][id], [one[id] for one in accepted]
        missed = sum(one[id] > limit for one in record["samples"])
        rows.append(
            f"| {what} | {limit:.4g} | {record['shipped'][id]:.3g} | "
            f"{min(values):.3g} to {max(values):.3g} | {missed} |"
        )
    return "\n".join(rows)


def _groups(found: pd.DataFrame) -> str:
    left, is_bound = found["left"], found["bound"] >= OFTEN
    is_seen = found["seen"] >= UNSEEN
    groups = {
        "Determined": found[(left < DETERMINED) & ~is_bound],
        "At its bound": found[is_bound],
        "Partly determined": found[(left >= DETERMINED) & (left < UNDETERMINED) & ~is_bound],
        "Not determined": found[(left >= UNDETERMINED) & ~is_bound & is_seen],
        "Not determined, since no fitted number sees it": found[
            (left >= UNDETERMINED) & ~is_bound & ~is_seen
        ],
    }
    said = [f"**{title}** ({len(own)}): {_named(own) or 'none'}." for title, own in groups.items()]
    return "\n\n".join(said)


def _named(rows: pd.DataFrame) -> str:
    return ", ".join(f"`{id}`" if row.is_fitted else f"*`{id}`*" for id, row in rows.iterrows())


def _pairs(table: pd.DataFrame, steps: Array) -> str:
    both = np.corrcoef(steps.T)
    pairs = zip(*np.tril_indices(len(both), -1), strict=True)
    places = [(i, j) for i, j in pairs if abs(both[i, j]) >= LEAST_CORRELATED]
    places.sort(key=lambda one: -abs(both[one]))
    said = [f"`{table.index[j]}` and `{table.index[i]}` ({both[i, j]:+.2f})" for i, j in places]
    return (
        f"Correlated by {LEAST_CORRELATED:g} or more over the members, so that the data know their "
        f"ratio or product better than either: {'; '.join(said) or 'none'}."
    )


def _all(found: pd.DataFrame) -> str:
    return "\n".join(
        f"| {id} | {'fitted' if row.is_fitted else 'assumed'} | {row.prior:.3g} | "
        f"{row.factor:.3g} | {row.shipped:.3g} | {row.p5:.3g} to {row.p95:.3g} | {row.p50:.3g} | "
        f"{100 * row.left:.0f} % | {row.seen:.2g} |"
        for id, row in found.iterrows()
    )
