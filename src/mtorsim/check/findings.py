"""What a check found, as values that can be printed or counted."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "note"]

_SHOWN = 5  # names that a message spells out


@dataclass(frozen=True)
class Finding:
    """One thing to know about a file: an error makes it unsound, a warning and a note do not."""

    severity: Severity
    topic: str
    message: str


@dataclass(frozen=True)
class Report:
    """All findings about one file, in the order in which they were looked for."""

    path: str
    kind: str  # "SBML model", "Antimony model" or "scenario"
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing found is an error."""
        return not self.of("error")

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """Return the findings of one severity."""
        return tuple(finding for finding in self.findings if finding.severity == severity)


def some(names: Iterable[str]) -> str:
    """Return ``"a, b, c"``; beyond five names ``"a, b, c, d, e and 7 more"``."""
    every = list(names)
    if len(every) <= _SHOWN + 1:
        return ", ".join(every)
    return f"{', '.join(every[:_SHOWN])} and {len(every) - _SHOWN} more"
