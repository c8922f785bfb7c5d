"""One row of the report: a number of the models, its bounds, and what the two say together."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mtorsim.qualification.measure import Measure
from mtorsim.qualification.spread import Spread
from mtorsim.targets import Target

KINDS = ("calibrated", "chosen", "follows", "predicted", "invariant")
"""What the number was to the models; scores never mix them.

An invariant holds whatever the numbers of the models are: it tests the program.
"""
BEHAVIOUR = "behaviour"
"""Provenance of a measurement whose bounds are those of a behaviour, without a paper of its own."""

VERDICTS = ("pass", "near", "miss", "failed", "shown")
"""Within the range, nearly, not; the solver failed; a number without bounds."""

SCORED = VERDICTS[:4]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A number that the models give, beside what was published.

    Attributes
    ----------
    id, group, what, unit, condition : str
    kind : str
        One of `KINDS`.
    model : float
        NaN where it could not be simulated.
    value, low, high : float
        As published; NaN and infinite where there is none.
    scale : str
        ``"linear"`` or ``"log"``: how distances are measured.
    verdict : str
        One of `VERDICTS`.
    is_evidence : bool
        Whether the published number was read; what was recalled is counted apart, and so are
        behaviours, whose bounds mostly come from no single paper.
    provenance, confidence, citation, doi, place, remark : str
        As in `Target`; of a behaviour, that it is one.
    reason : str
        Why it could not be simulated.
    spread : Spread or None
        The same number with the parameter sets of the ensemble, where that was asked for.
    """

    id: str
    group: str
    what: str
    kind: str
    model: float
    value: float = math.nan
    low: float = -math.inf
    high: float = math.inf
    unit: str = "1"
    scale: str = "linear"
    verdict: str
    is_evidence: bool = True
    condition: str = ""
    provenance: str = ""
    confidence: str = ""
    citation: str = ""
    doi: str = ""
    place: str = ""
    remark: str = ""
    reason: str = ""
    spread: Spread | None = None

    @property
    def is_published(self) -> bool:
        """Whether it is a published number; else it is a measurement of a behaviour."""
        return self.provenance != BEHAVIOUR

    @property
    def words(self) -> str:
        """The kind, and whether the number was recalled."""
        return _words(self)

    @property
    def is_scored(self) -> bool:
        """Whether it can be right or wrong."""
        return self.verdict in SCORED

    @property
    def published(self) -> str:
        """The published value and range, in words."""
        bounds = {
            (True, True): f"{self.low:.4g} to {self.high:.4g}",
            (True, False): f"at least {self.low:.4g}",
            (False, True): f"at most {self.high:.4g}",
            (False, False): "no bound",
        }[math.isfinite(self.low), math.isfinite(self.high)]
        return bounds if math.isnan(self.value) else f"{self.value:.4g} ({bounds})"


def of_target(target: Target, model: float, reason: str = "", spread: Spread | None = None) -> Row:
    """Return the row of a published number; a `reason` says why there is none of the models."""
    same = ("id", "group", "value", "low", "high", "unit", "scale", "condition", "provenance",
            "confidence", "citation", "doi", "place", "remark", "is_evidence")  # fmt: skip
    return Row(
        what=target.quantity,
        kind=target.use,
        model=model,
        verdict="failed" if reason else target.verdict(model),
        reason=reason,
        spread=spread,
        **{name: getattr(target, name) for name in same},
    )


def of_measure(behaviour: str, measure: Measure) -> Row:
    """Return the row of one measurement of a behaviour."""
    is_bound = math.isfinite(measure.low) or math.isfinite(measure.high)
    return Row(
        id=f"{behaviour}: {measure.what}",
        group=behaviour,
        what=measure.what + measure.note,
        kind=_kind(measure),
        model=measure.value,
        low=measure.low,
        high=measure.high,
        unit=measure.unit,
        verdict=("pass" if measure.passed else "miss") if is_bound else "shown",
        provenance=BEHAVIOUR,
        citation=measure.source,
        is_evidence=False,
    )


def _kind(measure: Measure) -> str:
    if measure.invariant:
        return "invariant"
    return "calibrated" if measure.fitted else "predicted"


@dataclass(frozen=True)
class Score:
    """How many numbers of a group and kind pass.

    Attributes
    ----------
    group, kind : str
    is_published, is_evidence : bool
        Whether they are published numbers, and were read; those that were recalled or assumed,
        and bounds of behaviours, are no evidence.
    passed, near, missed, failed : int
    """

    group: str
    kind: str
    is_published: bool
    is_evidence: bool
    passed: int
    near: int
    missed: int
    failed: int

    @property
    def words(self) -> str:
        """The kind, and whether the numbers were recalled."""
        return _words(self)

    @property
    def count(self) -> int:
        """All that can be right or wrong."""
        return self.passed + self.near + self.missed + self.failed


def _words(one: "Row | Score") -> str:
    is_recalled = one.is_published and not one.is_evidence
    return one.kind + (", recalled" if is_recalled else "")


def scores(rows: Iterable[Row]) -> list[Score]:
    """Return the score of each group and kind that has any, in the order of the rows."""
    scored = [row for row in rows if row.is_scored]
    keys = dict.fromkeys(map(_key, scored))
    groups = list(dict.fromkeys(row.group for row in scored))
    ordered = sorted(keys, key=lambda one: (groups.index(one[0]), KINDS.index(one[1]), not one[3]))
    return [_score(key, [row for row in scored if _key(row) == key]) for key in ordered]


def _key(row: Row) -> tuple[str, str, bool, bool]:
    return row.group, row.kind, row.is_published, row.is_evidence


def _score(key: tuple[str, str, bool, bool], rows: Sequence[Row]) -> Score:
    counts = [sum(row.verdict == one for row in rows) for one in SCORED]
    return Score(*key, *counts)
