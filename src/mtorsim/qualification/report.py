"""The report of a qualification: every number beside what was published, scored and explained."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtorsim.qualification.drawn import Course, DoseResponse
from mtorsim.qualification.explanations import Explanation, explanations
from mtorsim.qualification.rows import KINDS, SCORED, Row, Score, scores
from mtorsim.qualification.scenes import Seen
from mtorsim.qualification.tolerances import Change
from mtorsim.targets import Target

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_WORST_FIRST = ("failed", "miss", "near")


@dataclass(frozen=True, eq=False, kw_only=True)
class Report:
    """How the models compare with what was published.

    Attributes
    ----------
    rows : tuple of Row
        Published numbers, then measurements of behaviours.
    left_out : tuple of Target
        Published numbers that are not simulated.
    statements : mapping of str to str
        Behaviour -> what must be seen.
    changes : tuple of Change
        Read-outs with tighter tolerances; empty if not asked for.
    courses : mapping of str to Course
        Id of a row -> its published curve and the model.
    responses : mapping of str to list of DoseResponse
        Id of a row -> the dose-responses it is read from.
    scenes : mapping of str to list of Seen
        Behaviour -> what is drawn of it.
    is_whole : bool
        Whether everything there is was done.
    seconds : float
        How long it took.
    """

    rows: tuple[Row, ...]
    left_out: tuple[Target, ...]
    statements: Mapping[str, str]
    changes: tuple[Change, ...]
    courses: Mapping[str, Course] = field(repr=False)
    responses: Mapping[str, list[DoseResponse]] = field(repr=False)
    scenes: Mapping[str, list[Seen]] = field(repr=False)
    is_whole: bool
    seconds: float

    @property
    def scores(self) -> list[Score]:
        """One for each group and kind; calibrated and predicted are never mixed."""
        return scores(self.rows)

    @property
    def misses(self) -> list[Row]:
        """Rows that do not pass, the worst first."""
        found = [row for row in self.rows if row.verdict in _WORST_FIRST]
        return sorted(found, key=lambda row: _WORST_FIRST.index(row.verdict))

    def explanation(self, row: Row) -> Explanation | None:
        """Return why a row is missed, where that was written down."""
        return explanations().get(row.id)

    @property
    def unexplained(self) -> list[Row]:
        """Rows that do not pass and that nobody has explained."""
        return [row for row in self.misses if self.explanation(row) is None]

    def settled(self, kind: str) -> tuple[int, int, int]:
        """Return how many published numbers of a kind pass, are explained, and are there.

        Those that were recalled or assumed do not count, nor do behaviours.
        """
        own = self._parts().get(kind, [])
        told = [row for row in own if row.verdict != "pass" and self.explanation(row)]
        return _passed(own), len(told), len(own)

    @property
    def totals(self) -> list[str]:
        """How many pass, in words, each kind of number apart."""
        lines = []
        for what, own in self._parts().items():
            if what in KINDS:
                passed, told, count = self.settled(what)
                said = f"{what}: {passed} of {count} published numbers pass"
                lines.append(f"{said}, {told} more are explained.")
            else:
                lines.append(f"{what}: {_passed(own)} of {len(own)} pass.")
        return lines

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """What kind of number -> verdict -> how many; kinds are never added up."""
        return {
            what: {one: sum(row.verdict == one for row in own) for one in SCORED}
            for what, own in self._parts().items()
        }

    @property
    def spread_totals(self) -> list[str]:
        """What the ensemble says of published numbers, in words; none where it was not asked."""
        lines = []
        for what, own in self._parts().items():
            has = [row for row in own if row.spread is not None]
            if has:
                reached = sum(_is_reached(row) for row in has)
                missed = [row for row in has if row.verdict != "pass"]
                mended = sum(_is_reached(row) for row in missed)
                lines.append(
                    f"{what}: a twentieth of the ensemble or more lies in {reached} of {len(has)} "
                    f"published ranges, and in {mended} of the {len(missed)} that the model files "
                    "miss."
                )
        return lines

    def _parts(self) -> dict[str, list[Row]]:
        """Return what is counted apart, of what there is any."""
        published = [row for row in self._scored() if row.is_published]
        parts = {
            kind: [row for row in published if row.kind == kind and row.is_evidence]
            for kind in KINDS
        }
        parts["recalled or assumed, no evidence"] = [
            row for row in published if not row.is_evidence
        ]
        for kind in KINDS:
            parts[f"behaviours, {kind}"] = [
                row for row in self._scored() if row.kind == kind and not row.is_published
            ]
        return {what: own for what, own in parts.items() if own}

    def _scored(self) -> list[Row]:
        return [row for row in self.rows if row.is_scored]

    @property
    def moved(self) -> list[Change]:
        """Read-outs that tighter tolerances change by more than they may."""
        return [one for one in self.changes if not one.passed]

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row a number: what was published, what the models give, the verdict."""
        import pandas as pd

        return pd.DataFrame([self._record(row) for row in self.rows])

    def _record(self, row: Row) -> dict[str, Any]:
        told = self.explanation(row) if row.verdict != "pass" else None
        spread = row.spread
        return {
            "id": row.id,
            "group": row.group,
            "quantity": row.what,
            "condition": row.condition,
            "published": row.value,
            "low": row.low if math.isfinite(row.low) else None,
            "high": row.high if math.isfinite(row.high) else None,
            "unit": row.unit,
            "model": row.model,
            "model_p5": None if spread is None else spread.low,
            "model_p50": None if spread is None else spread.middle,
            "model_p95": None if spread is None else spread.high,
            "members_within": None if spread is None else spread.within,
            "members": None if spread is None else spread.count,
            "verdict": row.verdict,
            "kind": row.kind,
            "evidence": row.is_evidence,
            "provenance": row.provenance,
            "confidence": row.confidence,
            "citation": row.citation,
            "doi": row.doi,
            "place": row.place,
            "remark": row.remark,
            "explanation": str(told) if told else "",
            "reason": row.reason,
        }

    def tolerance_table(self) -> "pd.DataFrame":
        """Return one row a read-out: as usual, with tighter tolerances, and by how much it moves.

        A logarithm is given as what it is the logarithm of.
        """
        import pandas as pd

        columns = ["id", "quantity", "unit", "usual", "tight", "change_percent"]
        found = [
            (one.id, one.what, one.unit, one.usual, one.tight, 100 * one.share)
            for one in self.changes
        ]
        return pd.DataFrame(found, columns=columns)

    def figures(self) -> "Mapping[str, Figure]":
        """Return title -> figure: model against published, time courses, dose-responses."""
        from mtorsim.plot_qualification import figures

        return figures(self)

    def save(self, folder: str | Path) -> Path:
        """Write qualification.csv, tolerances.csv, report.html and run.json; return the folder."""
        from mtorsim.export.qualification_folder import save

        return save(self, Path(folder))


def _is_reached(row: Row) -> bool:
    return row.spread is not None and row.spread.reaches


def _passed(rows: Sequence[Row]) -> int:
    return sum(row.verdict == "pass" for row in rows)
