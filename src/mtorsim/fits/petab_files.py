"""Files of a PEtab problem, version 1: read and linted by PEtab's own library.

They are read in a process of its own, see `apart`; only rows of plain values come back.
"""

import json
import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtorsim.apart import Arrays, Found, Limits, LostError, apart
from mtorsim.errors import InputError, ScenarioError, UnknownIdError, shown
from mtorsim.foreign.model import looked_over
from mtorsim.prescan import read_model

YAML = (".yaml", ".yml")
_TABLES = ("condition", "observable", "measurement")
_LARGEST = 50_000_000  # bytes of a table
_LIMITS = Limits(seconds=120, megabytes=8000)  # the linter parses every formula
_MISSING = (
    "a PEtab problem is read with the petab library, which is not installed. "
    "pip install 'mtorsim[petab]'."
)


@dataclass(frozen=True)
class Line:
    """A row of a table.

    Attributes
    ----------
    where : str
        File and line, for messages.
    cells : mapping of str to str or float
        Column -> what stands there; columns that are empty here are left out.
    """

    where: str
    cells: Mapping[str, str | float]

    def text(self, column: str) -> str:
        """Return what stands in a column as text; empty for nothing."""
        value = self.cells.get(column, "")
        is_whole = isinstance(value, float) and value.is_integer()
        return str(int(value)) if is_whole and isinstance(value, float) else str(value)

    def number(self, column: str) -> float:
        """Return a number; it may be infinite."""
        try:
            found = float(self.cells[column])
        except (KeyError, ValueError):
            raise self.error(
                column, f"expected a number, got {shown(self.text(column))}."
            ) from None
        if math.isnan(found):
            raise self.error(column, "is not a number.")
        return found

    def error(self, column: str, message: str) -> ScenarioError:
        """Return an error that names file, line and column."""
        return ScenarioError(f"{self.where}, {column}: {message}")

    def unknown(self, column: str, kind: str, given: str, choices: Iterable[str]) -> InputError:
        """Return an error that names file, line and column, for an id that nobody knows."""
        return UnknownIdError(
            kind=kind, given=given, choices=choices, where=f"{self.where}, {column}"
        )


@dataclass(frozen=True)
class Files:
    """What the files of a problem hold.

    Attributes
    ----------
    path : Path
        The YAML file.
    model : Path
    conditions, observables, measurements, parameters : tuple of Line
    sha256 : str
        Hash of all tables and the model.
    """

    path: Path
    model: Path
    conditions: tuple[Line, ...] = field(repr=False)
    observables: tuple[Line, ...] = field(repr=False)
    measurements: tuple[Line, ...] = field(repr=False)
    parameters: tuple[Line, ...] = field(repr=False)
    sha256: str = field(repr=False)


def named(data: object) -> Path | None:
    """Return the YAML file that `data` names, if it names a PEtab problem or its folder."""
    if not isinstance(data, str | Path):
        return None
    path = Path(data)
    if path.suffix.lower() in YAML:
        return path
    inside = path / "problem.yaml"
    return inside if inside.is_file() else None


def read(path: Path) -> Files:
    """Return the files of a PEtab problem.

    Raises
    ------
    InputError
        When the petab library is not installed; for a problem of another version, files that are
        not there, and faults that PEtab's linter finds.
    """
    if not path.is_file():
        raise ScenarioError(f"no file {str(path)!r}. Expected the YAML file of a PEtab problem.")
    found = _asked({"path": str(path)})
    # PEtab's library reads the model itself: what cannot be run is refused before that.
    given = read_model(Path(found["model"]))
    looked_over(given)
    page = _asked({"path": str(path), "lint": True})
    if page["faults"]:
        more = len(page["faults"]) - 1
        rest = f" And {more} more: petablint {path}" if more else ""
        raise ScenarioError(f"{path}: PEtab's linter: {page['faults'][0]}{rest}")
    tables = {
        name: tuple(Line(where, values) for where, values in rows)
        for name, rows in found["tables"].items()
    }
    return Files(
        path=path,
        model=Path(found["model"]),
        sha256=_digest(found["tables"], given.text),
        **{f"{name}s": tables[name] for name in (*_TABLES, "parameter")},
    )


def _digest(tables: Mapping[str, list[tuple[str, Any]]], model: str) -> str:
    import hashlib

    rows = {name: [values for _, values in lines] for name, lines in tables.items()}
    return hashlib.sha256((json.dumps(rows, sort_keys=True) + model).encode()).hexdigest()


def _asked(page: Mapping[str, Any]) -> Any:
    try:
        return apart("mtorsim.fits.petab_files:read_apart", page, {}, _LIMITS)[0]
    except LostError as lost:
        raise ScenarioError(f"{page['path']}: reading it {lost}. It is not loaded.") from None


# -- in the other process -------------------------------------------------------------------------


def read_apart(page: Mapping[str, Any], _arrays: Arrays) -> Found:
    """Read a problem in this process: its tables, or what its linter says of it."""
    try:
        from petab import v1
    except ImportError:
        raise InputError(_MISSING) from None
    path = Path(page["path"])
    places = _places(path, v1)
    if page.get("lint"):
        return {"faults": list(_faults(path, v1))}, {}
    readers = {name: getattr(v1, f"get_{name}_df") for name in (*_TABLES, "parameter")}
    tables = {
        name: [row for file in places[name] for row in _rows(file, readers[name])]
        for name in readers
    }
    return {"model": str(places["model"][0]), "tables": tables}, {}


def _places(path: Path, v1: Any) -> dict[str, list[Path]]:
    """Return what -> the files that a problem names, which are all there."""
    content = _content(path, v1)
    if len(content["problems"]) != 1:
        raise ScenarioError(
            f"{path}, problems: {len(content['problems'])} are given. Expected one: composite "
            "problems are not supported."
        )
    (problem,) = content["problems"]
    for key in ("mapping_files", "extensions"):
        if problem.get(key) or content.get(key):
            raise ScenarioError(f"{path}, {key}: is not supported.")
    found = {name: _files(path, f"{name}_files", problem) for name in _TABLES}
    found["parameter"] = _files(path, "parameter_file", content)
    found["model"] = _files(path, "sbml_files", problem)
    if problem.get("visualization_files"):  # not used, but PEtab's library reads them
        _files(path, "visualization_files", problem)
    if len(found["model"]) != 1:
        raise ScenarioError(f"{path}, sbml_files: {len(found['model'])} given. Expected one.")
    return found


def _content(path: Path, v1: Any) -> dict[str, Any]:
    import yaml

    try:
        if path.stat().st_size > _LARGEST:
            raise ScenarioError(f"{path} is too long for a PEtab problem.")
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"{path}: not YAML that can be read: {_gist(error)}") from None
    if not isinstance(content, dict) or "format_version" not in content:
        raise ScenarioError(
            f"{path}: no format_version. Expected a PEtab problem, or a table in CSV."
        )
    if str(content["format_version"]).split(".")[0] != "1":
        raise ScenarioError(
            f"{path}, format_version: {shown(content['format_version'])} is not supported. "
            "Expected PEtab version 1."
        )
    try:
        v1.yaml.validate_yaml_syntax(content)
    except Exception as error:  # noqa: BLE001 - of jsonschema, which is no dependency of ours
        raise ScenarioError(f"{path}: not a PEtab problem: {_gist(error)}") from None
    return content


def _files(path: Path, key: str, section: Mapping[str, Any]) -> list[Path]:
    given = section.get(key) or []
    names = given if isinstance(given, list) else [given]
    if not names:
        raise ScenarioError(f"{path}, {key}: is missing.")
    for name in names:
        file = path.parent / name
        if "://" in name or not file.is_file():
            raise ScenarioError(f"{path}, {key}: no file {shown(name)}.")
        if not file.resolve().is_relative_to(path.parent.resolve()):
            raise ScenarioError(
                f"{path}, {key}: {shown(name)} lies outside the folder of the problem."
            )
        if file.stat().st_size > _LARGEST:
            raise ScenarioError(f"{file} is longer than {_LARGEST // 1_000_000} MB.")
    return [path.parent / name for name in names]


def _rows(file: Path, reader: Any) -> Iterator[tuple[str, dict[str, str | float]]]:
    """Yield place and values of each row of a table."""
    try:
        table = reader(str(file))
    except Exception as error:  # noqa: BLE001 - whatever pandas and PEtab raise for a table
        raise ScenarioError(f"{file}: not a table of PEtab: {_gist(error)}") from None
    if table.index.name is not None:
        table = table.reset_index()
    for place, row in enumerate(table.to_dict("records")):
        values = {str(name): _plain(value) for name, value in row.items()}
        yield f"{file}, line {place + 2}", {k: v for k, v in values.items() if v is not None}


def _plain(value: Any) -> str | float | None:
    if isinstance(value, str):
        return value.strip() or None
    number = float(value)
    return None if math.isnan(number) else number


def _faults(path: Path, v1: Any) -> Iterator[str]:
    """Yield what PEtab's linter complains of."""
    said: list[str] = []
    kept = logging.Handler()
    kept.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    kept.setLevel(logging.ERROR)
    logger = logging.getLogger("petab")
    logger.addHandler(kept)
    try:
        problem = v1.Problem.from_yaml(str(path))
        has_faults = v1.lint_problem(problem)
    except Exception as error:  # noqa: BLE001 - the linter raises what it is not prepared for
        said, has_faults = [_gist(error)], True
    finally:
        logger.removeHandler(kept)
    if has_faults:
        yield from [one for one in said if one != "Not OK"] or ["it found faults."]


def _gist(error: Exception) -> str:
    return " ".join(str(getattr(error, "message", error)).split())[:300]
