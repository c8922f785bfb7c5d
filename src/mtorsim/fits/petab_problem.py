"""A PEtab problem that is fitted: its own parameters, measurements and likelihood."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

import mtorsim
from mtorsim.engine import VERSION
from mtorsim.engine.conditions import Course, Tolerances, run_conditions
from mtorsim.errors import ScenarioError, SimulationError, UnknownIdError
from mtorsim.fits import petab_files
from mtorsim.fits.petab_files import Files
from mtorsim.fits.petab_parameters import Estimated, estimated, fixed_value, is_estimated
from mtorsim.fits.petab_tables import (
    TIME,
    Measured,
    Observable,
    Override,
    Tables,
    log_slope,
    tables,
    transformed,
)
from mtorsim.foreign.conditions import Conditioned, conditioned
from mtorsim.steps import Floats

Values = Mapping[str, float]
_SQRT_2 = math.sqrt(2)


@dataclass(frozen=True)
class PetabProblem:
    """A PEtab problem; as `problem.Problem` for whoever fits it.

    Attributes
    ----------
    files : Files
    model : Conditioned
    tables : Tables
    free : tuple of Estimated
    fixed : mapping of str to float
        Parameters of the table that are not estimated.
    absolute : sequence
        Tolerances of the solver for each course, from the sizes at the nominal values.
    """

    files: Files
    model: Conditioned
    tables: Tables
    free: tuple[Estimated, ...]
    fixed: Values
    absolute: Sequence[Sequence[Tolerances]] | None = field(default=None, repr=False)

    is_of_cells = False
    targets = ()

    # -- parameters --------------------------------------------------------------------------

    def values(self, steps: Floats) -> dict[str, float]:
        """Return id -> value at a point of the search."""
        pairs = zip(self.free, np.asarray(steps, dtype=float).tolist(), strict=True)
        return {one.id: one.value_at(step) for one, step in pairs}

    @cached_property
    def ends(self) -> tuple[Floats, Floats]:
        """Lower and upper ends of the search, each of shape (k,)."""
        low, high = zip(*(one.ends for one in self.free), strict=True)
        return np.array(low), np.array(high)

    @cached_property
    def has_prior(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which parameters have a prior, shape (k,)."""
        return np.array([one.has_prior for one in self.free])

    @cached_property
    def origin(self) -> Floats:
        """The nominal values as a point of the search, shape (k,)."""
        return np.array([one.step_of(one.value) for one in self.free])

    # -- simulation --------------------------------------------------------------------------

    @cached_property
    def courses(self) -> Mapping[tuple[str, str], tuple[tuple[float, ...], tuple[str, ...]]]:
        """What is simulated -> the times and the ids that are read."""
        found: dict[tuple[str, str], tuple[set[float], dict[str, None]]] = {}
        for row in self.tables.rows:
            times, read = found.setdefault(row.course, (set(), {}))
            times.add(row.time)
            read.update(dict.fromkeys(self._read(self.tables.observables[row.observable])))
        return {key: (tuple(sorted(times)), tuple(read)) for key, (times, read) in found.items()}

    def _read(self, one: Observable) -> Iterator[str]:
        for symbol in (*one.formula.symbols, *one.noise.symbols):
            if symbol in self.model.names:
                yield symbol

    def _course(self, key: tuple[str, str], known: Values, times: Sequence[float]) -> Course:
        before, after = (self._settings(name, known) if name else None for name in key)
        assert after is not None
        return self.model.course(before, after, times, self.courses[key][1])

    def _settings(self, condition: str, known: Values) -> dict[str, float]:
        found = {id: value for id, value in known.items() if id in self.model.names}
        for id, given in self.tables.conditions[condition].items():
            found[id] = known[given] if isinstance(given, str) else given
        return found

    def simulated(
        self, values: Values, times: Sequence[float] | None = None
    ) -> tuple[dict[tuple[str, str], dict[str, Floats]], list[list[dict[str, float]]]]:
        """Return what is read in each course (id -> values over its times), and the tolerances."""
        known = {**self.fixed, **values}
        courses = [
            self._course(key, known, own if times is None else times)
            for key, (own, _) in self.courses.items()
        ]
        rows, used = run_conditions(courses, self.absolute, label=self.model.what)
        read = {
            key: dict(zip(ids, mine.T, strict=True))
            for (key, (_, ids)), mine in zip(self.courses.items(), rows, strict=True)
        }
        return read, used

    # -- comparison --------------------------------------------------------------------------

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Places of rows that are computed together."""
        found: dict[Any, list[int]] = {}
        for place, row in enumerate(self.tables.rows):
            found.setdefault(row.group, []).append(place)
        return tuple(map(tuple, found.values()))

    def predicted(self, values: Values) -> tuple[Floats, Floats]:
        """Return each measurement as predicted, and its standard deviation, of shape (n,).

        The standard deviation is one of the transformed measurement.

        Raises
        ------
        SimulationError
            When a simulation fails, a value is not a number, or a deviation not above zero.
        """
        return self._predicted(values, self.simulated(values)[0])

    def _predicted(self, values: Values, read: Any) -> tuple[Floats, Floats]:
        known = {**self.fixed, **values}
        model, spread = np.empty(len(self.tables.rows)), np.empty(len(self.tables.rows))
        for places in self.groups:
            rows = [self.tables.rows[place] for place in places]
            one = self.tables.observables[rows[0].observable]
            rates = np.searchsorted(self.courses[rows[0].course][0], [row.time for row in rows])
            mine = {id: values[rates] for id, values in read[rows[0].course].items()}
            looked_up = _looked_up(rows, mine, known)
            at = list(places)
            model[at] = one.formula.at(looked_up, len(rows))
            mine[one.id] = model[at]
            spread[at] = one.noise.at(looked_up, len(rows))
        self._check(model, spread)
        return model, spread

    def _check(self, model: Floats, spread: Floats) -> None:
        how = [self.tables.observables[row.observable].transformation for row in self.tables.rows]
        for place, row in enumerate(self.tables.rows):
            value, sd = float(model[place]), float(spread[place])
            if not math.isfinite(value) or (how[place] != "lin" and value <= 0):
                raise SimulationError(
                    f"{row.line.where}: {row.observable} is {value:g} in the model at time "
                    f"{row.time:g}, and is compared as {how[place]}."
                )
            if not (math.isfinite(sd) and sd > 0):
                raise SimulationError(
                    f"{row.line.where}: the noise of {row.observable} is {sd:g}, not above zero."
                )

    @cached_property
    def measured(self) -> Floats:
        """Measurements, shape (n,)."""
        return np.array([row.value for row in self.tables.rows])

    def _transformed(self, values: Floats) -> Floats:
        found = np.array(values, dtype=float)
        for how, places in self._kinds.items():
            found[places] = transformed(found[places], how)
        return found

    @cached_property
    def _kinds(self) -> Mapping[str, list[int]]:
        """Transformation -> places of rows."""
        found: dict[str, list[int]] = {}
        for place, row in enumerate(self.tables.rows):
            kind = self.tables.observables[row.observable].transformation
            found.setdefault(kind, []).append(place)
        return found

    def differences(self, steps: Floats) -> tuple[Floats, Floats]:
        """Return model less measurement, both transformed, and standard deviations, shape (n,)."""
        model, spread = self.predicted(self.values(steps))
        return self._transformed(model) - self._transformed(self.measured), spread

    def residuals(self, steps: Floats) -> Floats:
        """Return distances from all data, in standard deviations, shape (n,)."""
        away, spread = self.differences(steps)
        return away / spread

    damped = residuals

    def nllh(self, steps: Floats) -> float:
        """Return minus the logarithm of the likelihood, as PEtab defines it."""
        away, spread = self.differences(steps)
        slopes = np.zeros(len(away))
        for how, places in self._kinds.items():
            slopes[places] = log_slope(self.measured[places], how)
        terms = 0.5 * np.log(2 * np.pi * spread**2) + slopes + 0.5 * (away / spread) ** 2
        return float(terms.sum())

    @cached_property
    def has_noise(self) -> bool:
        """Whether standard deviations depend on what is estimated."""
        ids = {one.id for one in self.free}
        for row in self.tables.rows:
            for symbol in self.tables.observables[row.observable].noise.symbols:
                given = row.override(symbol)
                name = symbol if given is None else given
                if name in ids or name in self.model.names or name == row.observable:
                    return True
        return False

    @property
    def count(self) -> int:
        """Number of measurements."""
        return len(self.tables.rows)

    @cached_property
    def scales(self) -> int:
        """Number of parameters that scale or shift what is compared, and do nothing else."""
        outside = self.in_formulas - self.in_conditions - {*self.model.names}
        return sum(one.id in outside for one in self.free)

    # -- parts -------------------------------------------------------------------------------

    @property
    def datasets(self) -> tuple[str, ...]:
        """What can be left out in turn: ``datasetId``, or else observables."""
        return tuple(dict.fromkeys(row.dataset for row in self.tables.rows))

    def split(self, name: str) -> tuple["PetabProblem", "PetabProblem"]:
        """Return the problem without a dataset, and with that alone."""
        found = []
        for is_in in (False, True):
            rows = tuple(row for row in self.tables.rows if (row.dataset == name) is is_in)
            found.append(replace(self, tables=replace(self.tables, rows=rows), absolute=None))
        return found[0].ready(), found[1].ready()

    def ready(self) -> "PetabProblem":
        """Return the problem with tolerances for the sizes at the nominal values."""
        _, used = self.simulated({one.id: one.value for one in self.free})
        return replace(self, absolute=used)

    def own(self, other: Any) -> tuple[int, ...]:
        """Return the places of parameters of observables that are met here alone."""
        mine, theirs = self.in_formulas, other.in_formulas
        return tuple(
            k for k, one in enumerate(self.free) if one.id in mine and one.id not in theirs
            and one.id not in self.model.names and one.id not in other.in_conditions
        )  # fmt: skip

    @cached_property
    def in_formulas(self) -> frozenset[str]:
        """Ids in formulas of what is measured, and in their places."""
        found: set[str] = set()
        for row in self.tables.rows:
            found |= {
                *map(str, row.scales),
                *self.tables.observables[row.observable].formula.symbols,
            }
        return frozenset(found)

    @cached_property
    def in_conditions(self) -> frozenset[str]:
        """Ids in the condition table."""
        rows = self.tables.conditions.values()
        return frozenset(str(one) for row in rows for one in row.values())

    def warm(self) -> None:
        """Nothing to compile here: the model runs in processes of its own."""

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What decides the numbers of a fit, JSON values."""
        return {
            "parameters": [asdict(one) for one in self.free],
            "petab_sha256": self.files.sha256,
            "fixed": dict(self.fixed),
            "versions": {"mtorsim": mtorsim.__version__, "libroadrunner": VERSION},
        }

    # -- what is shown -----------------------------------------------------------------------

    has_table = True

    def compared(self, points: Mapping[str, Floats]) -> pd.DataFrame:
        """Return the measurements beside the model at some points of the search."""
        table = pd.DataFrame(
            [(row.observable, row.before, row.condition, row.time, row.value)
             for row in self.tables.rows],
            columns=["observableId", "preequilibrationConditionId", "simulationConditionId",
                     "time", "measurement"],
        )  # fmt: skip
        for name, steps in points.items():
            model, spread = self.predicted(self.values(steps))
            away = self._transformed(model) - self._transformed(self.measured)
            table[name], table[f"sd_{name}"] = model, spread
            table[f"residual_{name}"] = away / spread
        return table

    def curves(
        self, values: Values, count: int
    ) -> Iterator[tuple[tuple[int, ...], Floats, Floats]]:
        """Yield for each group its rows, and times and values of a fine curve."""
        finite = [row.time for row in self.tables.rows if math.isfinite(row.time)]
        grid = np.linspace(0.0, max([*finite, 1.0]), count)
        read, _ = self.simulated(values, grid.tolist())
        known = {**self.fixed, **values}
        for places in self.groups:
            row = self.tables.rows[places[0]]
            mine = read[row.course]
            rows = [replace(row, time=time) for time in grid.tolist()]
            one = self.tables.observables[row.observable].formula
            yield places, grid, one.at(_looked_up(rows, mine, known), count)

    def own_files(self, steps: Floats) -> dict[str, bytes]:
        """Return tables of PEtab: parameters with what was fitted, and a simulation."""
        values = self.values(steps)
        rows = []
        for line in self.files.parameters:
            id = line.text("parameterId")
            rows.append({**line.cells} | ({"nominalValue": values[id]} if id in values else {}))
        model, _ = self.predicted(values)
        simulated = [
            {key: one for key, one in row.line.cells.items() if key != "measurement"}
            | {"simulation": float(value)}
            for row, value in zip(self.tables.rows, model, strict=True)
        ]
        return {"parameters.tsv": _tsv(rows), "simulations.tsv": _tsv(simulated)}


def _tsv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    table = pd.DataFrame(rows)
    if "estimate" in table:
        table["estimate"] = table["estimate"].astype(float).astype(int)
    text: str = table.to_csv(sep="\t", index=False, lineterminator="\n")
    return text.encode("utf-8")


def _looked_up(
    rows: Sequence[Measured], read: Mapping[str, Floats], known: Values
) -> Callable[[str], Any]:
    """Return what a symbol of a formula is in each row."""

    def number(given: Override) -> float:
        return known[given] if isinstance(given, str) else given

    def look_up(symbol: str) -> Any:
        if symbol in read:
            return read[symbol]
        if symbol == TIME:
            return np.array([row.time for row in rows])
        if symbol in known:
            return known[symbol]
        given = [row.override(symbol) for row in rows]
        return np.array([number(one) for one in given if one is not None])

    return look_up


def petab_problem(
    path: str | Path, parameters: Iterable[str] = (), *, prior: bool = True
) -> PetabProblem:
    """Return a checked problem.

    Parameters
    ----------
    path : str or Path
        YAML file of a PEtab problem of version 1.
    parameters : iterable of str
        Ids or patterns of those that its table estimates; the others stay at their nominal values.
        Default: all.
    prior : bool
        Whether objective priors count.

    Raises
    ------
    InputError
        For what is not there or not supported; names file, line and column.
    SimulationError
        When the nominal values cannot be simulated.
    """
    files = petab_files.read(Path(path))
    model = conditioned(files.model)
    lines = {line.text("parameterId"): line for line in files.parameters}
    chosen = _chosen([id for id, line in lines.items() if is_estimated(line)], parameters, files)
    for id, line in lines.items():
        if id in model.names and id not in model.settable:
            raise line.error("parameterId", f"follows from a rule of {model.what}.")
    made = PetabProblem(
        files=files,
        model=model,
        tables=tables(files, model, lines),
        free=tuple(estimated(lines[id], prior) for id in chosen),
        fixed=MappingProxyType(
            {id: fixed_value(line) for id, line in lines.items() if id not in chosen}
        ),
    )
    if not made.tables.rows:
        raise ScenarioError(f"{files.path}: no measurement in it.")
    made = made.ready()
    made.predicted({one.id: one.value for one in made.free})
    return made


def _chosen(ids: Sequence[str], patterns: Iterable[str], files: Files) -> list[str]:
    wanted = tuple(patterns)
    for one in wanted:
        if not any(fnmatchcase(id, one) for id in ids):
            raise UnknownIdError(
                kind="estimated parameter", given=one, choices=ids, where=str(files.path)
            )
    found = [id for id in ids if not wanted or any(fnmatchcase(id, one) for one in wanted)]
    if not found:
        raise ScenarioError(f"{files.path}: its parameter table estimates nothing.")
    return found


def noise_seen_from(problem: PetabProblem, here: Floats) -> Callable[[Floats], Floats]:
    """Return residuals whose JᵀJ at a point is the expected information of a likelihood there.

    Those of the measurements, in the standard deviations of that point; and the logarithms of the
    standard deviations, which count twice.
    """
    _, spread = problem.differences(here)

    def seen(steps: Floats) -> Floats:
        away, there = problem.differences(steps)
        return np.concatenate([away / spread, _SQRT_2 * np.log(there)])

    return seen
