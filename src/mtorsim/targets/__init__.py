"""Published numbers, each with the scenario that it is compared with: what fits and reports read.

A `Target` knows its `jobs` (what is simulated), reads its number from their outcomes, and says how
far that is from what was published. `load` reads the table that comes with mtorsim, or yours.
"""

from mtorsim.targets.jobs import Body, Dish, Job, Outcome, Values
from mtorsim.targets.table import load
from mtorsim.targets.target import Outcomes, Target, Verdict, groups

__all__ = [
    "Body",
    "Dish",
    "Job",
    "Outcome",
    "Outcomes",
    "Target",
    "Values",
    "Verdict",
    "groups",
    "load",
]
