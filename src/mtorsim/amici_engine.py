"""Runs SBML in AMICI, an extra: a model becomes C++, is compiled once and kept. The only importer.

Worth its minute of compiling where many simulations are read at few times: AMICI 1.0 spends a
fifth of a millisecond on each output time, and half of what RoadRunner takes on the rest.
"""

import hashlib
import io
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from mtorsim import cache as kept
from mtorsim.engine import ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE, engine, machine
from mtorsim.errors import InputError, ModelError, SimulationError
from mtorsim.steps import ADVICE, Floats, Run, Step, check_curves, in_pieces

_MAXIMUM_STEPS = 100_000


class AmiciEngine:
    """One model compiled by AMICI.

    Parameters
    ----------
    sbml : str
        Flat SBML without events; volumes of compartments stay as they are in it.

    Raises
    ------
    InputError
        When AMICI is not installed.
    ModelError
        When it cannot build the model.
    """

    def __init__(self, sbml: str) -> None:
        module = _module(sbml)
        self._simulate, none = _simulator()
        self._model = module.get_model()
        self._solver = self._model.create_solver()
        self._solver.set_max_steps(_MAXIMUM_STEPS)
        self._solver.set_sensitivity_order(none)
        self._parameters = _Ids(self._model.get_free_parameter_ids())
        self._states = _Ids(self._model.get_state_ids())
        self._rules = _Ids(self._model.get_expression_ids())
        self._usual = np.array(self._model.get_free_parameters())
        self._first = np.array(self._model.get_initial_state())
        self._other = engine(sbml)  # what AMICI has simplified away
        self._species = [id for id in self._other.species if id in self._states.place]

    def run(
        self,
        run: Run,
        selections: Sequence[str],
        *,
        relative_tolerance: float = RELATIVE_TOLERANCE,
        absolute_tolerance: float = ABSOLUTE_TOLERANCE,
        label: str = "",
    ) -> Floats:
        """Simulate and return the selected quantities; as `Engine.run`.

        Raises
        ------
        InputError
            For a setting that was compiled in.
        SimulationError
            As `Engine.run`.
        """
        self._solver.set_relative_tolerance(relative_tolerance)
        self._solver.set_absolute_tolerance(absolute_tolerance)
        parameters, self._now = self._filled({**run.settings, **run.start})
        self._model.set_free_parameters(parameters)
        columns = [*selections, *self._species]
        found = self._found(run, columns)

        def piece(start: float, wanted: Floats, stop: float | None, which: str) -> Floats:
            curves = self._piece(start, wanted, stop, f"{label or 'run'}, {which}")
            return np.stack([found(id, curves) for id in columns], axis=1)

        values = in_pieces(run, piece, self._carry_out)
        is_species = [id in self._states.place for id in columns]
        check_curves(values, columns, is_species, run.times, absolute_tolerance, label)
        return values[:, : len(selections)]

    def _filled(self, settings: Mapping[str, float]) -> tuple[Floats, Floats]:
        """Return all parameters and states: those given, or else the model's."""
        parameters, states = self._usual.copy(), self._first.copy()
        for id, value in settings.items():
            if id in self._parameters.place:
                parameters[self._parameters.place[id]] = value
            elif id in self._states.place:
                states[self._states.place[id]] = value
            else:
                raise InputError(
                    f"AMICI has {id} compiled in, and it cannot be set. Leave out --engine amici."
                )
        return parameters, states

    def _found(self, run: Run, columns: Sequence[str]) -> Any:
        """Return what finds the curve of an id in a piece."""
        constant = [
            id for id in columns if id not in self._states.place and id not in self._rules.place
        ]
        fixed: dict[str, float] = {}
        if constant:
            first = Run(run.times[:1], run.settings, run.start)
            fixed = dict(zip(constant, self._other.run(first, constant)[0].tolist(), strict=True))

        def curve(id: str, piece: "_Curves") -> Floats:
            if id in self._states.place:
                return piece.states[:, self._states.place[id]]
            if id in self._rules.place:
                return piece.rules[:, self._rules.place[id]]
            return np.full(len(piece.states), fixed[id])

        return curve

    def _piece(self, start: float, wanted: Floats, stop: float | None, label: str) -> "_Curves":
        """Simulate from `start` to `stop` (or the last time); keep where that ends."""
        times = np.append(wanted, () if stop is None else stop)
        self._model.set_t0(start)
        self._model.set_initial_state(self._now)
        self._model.set_timepoints(times)
        found = self._simulate(self._model, self._solver)
        if found.status != 0:
            said = "; ".join(str(one.message) for one in found.messages)[:200]
            raise SimulationError(
                f"AMICI stopped at {float(found.t_last):.6g} min, {label}. {said} {ADVICE}"
            )
        self._now = found.x[-1]
        return _Curves(found, len(wanted))

    def _carry_out(self, step: Step) -> None:
        parameters = np.array(self._model.get_free_parameters())
        self._now = self._now.copy()
        for id, value in step.values.items():
            if id in self._parameters.place:
                parameters[self._parameters.place[id]] = value
            else:
                self._now[self._states.place[id]] = value
        for id, rise in step.added.items():
            self._now[self._states.place[id]] += rise
        self._model.set_free_parameters(parameters)


class _Ids:
    """Ids and their places."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.place = {id: place for place, id in enumerate(ids)}


class _Curves:
    """What AMICI returns: states, shape (n, states), and what rules make of them."""

    def __init__(self, found: Any, count: int) -> None:
        self._found, self._count = found, count
        self.states: Floats = found.x[:count]

    @cached_property
    def rules(self) -> Floats:
        """Shape (n, rules); taken over only if something is read there, since that takes long."""
        return np.asarray(self._found.w[: self._count])


def unusable(sbml: str) -> str:
    """Return why AMICI cannot run a model here; empty when it can. Builds the model."""
    try:
        amici_engine(sbml)
    except (InputError, ModelError) as error:
        return str(error)
    return ""


@lru_cache(maxsize=16)
def amici_engine(sbml: str) -> AmiciEngine:
    """Return the engine of a model: built once, and kept for later processes."""
    return AmiciEngine(sbml)


def version_of_amici() -> str:
    """Return the version of AMICI; empty where it is not installed."""
    try:
        return version("amici")
    except PackageNotFoundError:
        return ""


# -- building ------------------------------------------------------------------------------------


@cache
def _simulator() -> tuple[Any, Any]:
    """Return AMICI's function that simulates, and its word for no sensitivities."""
    try:
        import amici.sim.sundials as simulator
    except ImportError as error:
        raise InputError(
            f"AMICI is not installed ({_one_line(error)}). pip install 'mtorsim[amici]'."
        ) from None
    return simulator.run_simulation, simulator.SensitivityOrder.none


def _module(sbml: str) -> Any:
    """Return the compiled module of a model: kept from an earlier process, or built now."""
    _simulator()
    digest = hashlib.sha256(sbml.encode()).hexdigest()
    name = f"mtorsim_{digest[:16]}"
    place = kept.name("amici", sbml, machine(), kept.installed("amici"))
    packed = kept.read(place) if machine() else None
    if packed is not None:
        try:
            return _loaded(name, packed)
        except (ImportError, OSError, RuntimeError, ValueError):
            pass  # libraries that it was linked with have changed: build it again
    packed = _built(name, sbml)
    if machine():
        kept.write(place, packed)
    return _loaded(name, packed)


def _loaded(name: str, packed: bytes) -> Any:
    """Import a packed module from a folder of its own, which ends with the process."""
    import amici

    folder = _folder()
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:  # what `_built` wrote, under its digest
        archive.extractall(folder / name)
    return amici.import_model_module(name, folder / name)


@cache
def _folder() -> Path:
    return Path(_folders().name)


@cache
def _folders() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="mtorsim-amici-")


def _built(name: str, sbml: str) -> bytes:
    """Return a compiled module, packed.

    Raises
    ------
    ModelError
        Saying what went wrong and what it needs.
    """
    from amici.importers.sbml import SbmlImporter

    with tempfile.TemporaryDirectory() as folder, _tools_of_this_python():
        target = Path(folder) / name
        try:
            SbmlImporter(sbml, from_file=False).sbml2amici(
                name,
                target,
                observation_model=[],
                compute_conservation_laws=False,
                generate_sensitivity_code=False,
                verbose=False,
            )
        except Exception as error:  # noqa: BLE001 - whatever CMake, SWIG and compilers end with
            raise ModelError(
                f"AMICI could not build the model: {_one_line(error)}. It needs a C++ compiler "
                "and SWIG 4.2 or newer."
            ) from None
        return _packed(target / name)


def _packed(folder: Path) -> bytes:
    """Return the Python files and libraries of a module as an archive."""
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".so", ".dylib"):
                archive.write(path, path.relative_to(folder.parent))
    return found.getvalue()


@contextmanager
def _tools_of_this_python() -> Iterator[None]:
    """Let AMICI find CMake and SWIG that pip has installed, also where nothing is activated."""
    before = os.environ.get("PATH", os.defpath)  # an empty place in it would be the current folder
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), before))
    try:
        yield
    finally:
        os.environ["PATH"] = before


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300].rstrip(".")
