"""The map in ARCHITECTURE.md, held by the imports themselves."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "mtorsim"

# A module imports from rows above its own, and from modules to its left.
ROWS = {
    "facts": ("errors", "paths", "units", "document", "facts"),
    "words": (
        "observables",
        "cells",
        "drugs",
        "dosing",
        "regimen_text",
        "regimen",
        "pharmacokinetics",
        "perturbation",
        "members",
        "scenario",
        "scenario_file",
    ),
    "machine": (
        "cache",
        "apart",
        "ids",
        "antimony_text",
        "sbml_scan",
        "prescan",
        "library",
        "symbols",
        "roles",
        "occupancy",
        "drug_layer",
        "steps",
        "derived",
        "settable",
        "administration",
        "annotation",
        "compile",
        "uncertainty",
        "engine",
        "amici_engine",
        "body",
        "result",
        "simulation",
        "foreign",
    ),
    "studies": (
        "sweeps",
        "ensembles",
        "assays",
        "pharmacology",
        "sensitivities",
        "targets",
        "fits",
        "qualification",
    ),
    "edges": (
        "export",
        "plot",
        "plot_assays",
        "plot_pharmacology",
        "plot_sweep",
        "plot_sensitivity",
        "plot_fit",
        "plot_archive",
        "plot_qualification",
        "plot_foreign",
        "check",
        "archive",
        "cli",
        "__main__",
    ),
}
ORDER = {module: place for place, module in enumerate(sum(ROWS.values(), ()))}

# Who alone may import what.
KEEPERS = {
    "antimony": {"library"},
    "roadrunner": {"engine"},
    "amici": {"amici_engine"},
    "libsbml": {
        "library",
        "symbols",
        "drug_layer",
        "derived",
        "settable",
        "annotation",
        "compile",
        "foreign",
        "check",
        "export",
        "archive",
    },
    "libsedml": {"export", "archive"},
    "libcombine": {"export", "archive"},
    "h5py": {"archive"},
    "pint": {"units"},
    "pydantic": {"scenario_file"},
    "matplotlib": {
        "plot",
        "plot_assays",
        "plot_pharmacology",
        "plot_sweep",
        "plot_sensitivity",
        "plot_fit",
        "plot_archive",
        "plot_qualification",
        "plot_foreign",
    },
    "typer": {"cli"},
    "rich": {"cli"},
    "tellurium": {"export"},
    "SALib": {"sensitivities"},
    "pypesto": {"fits"},
    "petab": {"fits"},
    "sympy": {"fits"},
    "zarr": {"sweeps"},
    "distributed": {"sweeps"},
}

# Methods that hand a value to a later row. Inside a function only, never at import.
COURTESIES = {
    ("result", "plot"),
    ("result", "plot_foreign"),
    ("result", "export"),
    ("ensembles", "plot"),
    ("ensembles", "export"),
    ("assays", "plot_assays"),
    ("assays", "export"),
    ("pharmacology", "plot_pharmacology"),
    ("pharmacology", "export"),
    ("sweeps", "plot_sweep"),
    ("qualification", "plot_qualification"),
    ("qualification", "export"),
    ("sensitivities", "plot_sensitivity"),
    ("sensitivities", "export"),
    ("fits", "plot_fit"),
    ("fits", "export"),
}


class Import(NamedTuple):
    target: str  # dotted, absolute
    line: int
    deferred: bool = False  # inside a function body
    typing: bool = False  # under `if TYPE_CHECKING`: never carried out


def room(path: Path) -> str:
    """The module a file belongs to: ``cli/run.py`` belongs to ``cli``."""
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imports(source: str, package: tuple[str, ...]) -> Iterator[Import]:
    """Every import statement of a file that lies in `package`, relative ones resolved."""
    yield from _imports(ast.parse(source), package, Import("", 0))


def _imports(node: ast.AST, package: tuple[str, ...], place: Import) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        inner = place
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inner = place._replace(deferred=True)
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            inner = place._replace(typing=True)
        for target in _targets(child, package):
            yield place._replace(target=target, line=child.lineno)
        yield from _imports(child, package, inner)


def _targets(node: ast.AST, package: tuple[str, ...]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else ()
        stem = (*base, *node.module.split(".")) if node.module else base
        yield from (".".join((*stem, alias.name)) for alias in node.names)


def faults(source: str, module: str, package: tuple[str, ...] = ("mtorsim",)) -> list[str]:
    """What a file of `module` imports that the map forbids."""
    found = []
    for target, line, deferred, typing in imports(source, package):
        head, *rest = target.split(".")
        if head == "mtorsim" and rest and rest[0] in ORDER:
            courtesy = deferred and (module, rest[0]) in COURTESIES
            if ORDER[rest[0]] > ORDER[module] and not courtesy:
                found.append(f"{module}, line {line}: {rest[0]} lies below or to the right")
        elif module not in KEEPERS.get(head, {module}) and not typing:
            found.append(f"{module}, line {line}: {head} is kept by {KEEPERS[head] or 'nobody'}")
    return found


FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_imports_follow_the_map(path):
    package = ("mtorsim", *path.relative_to(SOURCE).parent.parts)
    assert room(path) in ORDER, f"{room(path)} has no place in ROWS: give it one"
    assert faults(path.read_text(encoding="utf-8"), room(path), package) == []


def test_the_front_door_imports_nothing_at_once():
    source = (SOURCE / "__init__.py").read_text(encoding="utf-8")
    found = [one for one in imports(source, ("mtorsim",)) if not one.typing]
    assert {one.target.split(".")[0] for one in found} == {"importlib", "typing"}


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from mtorsim.engine import Engine", "scenario"),  # a row below
        ("from .compile import compile_scenario", "library"),  # to the right in its own row
        ("from . import plot", "result"),  # a courtesy, but at import
        ("def f():\n    import mtorsim.cli", "result"),  # deferred, but no courtesy
        ("import roadrunner", "simulation"),
        ("def f():\n    from antimony import loadAntimonyString", "compile"),
        ("import tellurium as te", "engine"),
        ("if TYPE_CHECKING:\n    from mtorsim.cli import main", "result"),  # an arrow all the same
    ],
)
def test_a_forbidden_arrow_is_seen(source, module):
    assert faults(source, module) != []


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from mtorsim.units import concentration", "dosing"),
        ("from ..errors import UnitError", "scenario"),
        ("def plot(self):\n    from mtorsim.plot import figure", "result"),
        ("import roadrunner", "engine"),
        ("if TYPE_CHECKING:\n    from matplotlib.figure import Figure", "result"),
        ("import numpy as np", "units"),
    ],
)
def test_an_allowed_arrow_passes(source, module):
    package = ("mtorsim", "words") if source.startswith("from ..") else ("mtorsim",)
    assert faults(source, module, package) == []
