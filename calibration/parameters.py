"""The free parameters: their priors, and the places in the model files where they stand."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from experiments import HERE, RAPALOGS, Array, Values

from mtorsim.paths import models_path


@cache
def free() -> pd.DataFrame:
    """Read parameters.yaml; index id, columns prior, factor, branch."""
    content = yaml.safe_load((HERE / "parameters.yaml").read_text(encoding="utf-8"))
    rows = {
        name: {**entry, "branch": branch}
        for branch, entries in content.items()
        for name, entry in entries.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def to_values(steps: Array) -> dict[str, float]:
    """Return parameter values from distances to the prior, in standard deviations."""
    table = free()
    values = table["prior"].to_numpy(float) * table["factor"].to_numpy(float) ** steps
    return dict(zip(table.index, values.tolist(), strict=True))


def to_steps(values: Values) -> Array:
    """Return distances to the prior, in standard deviations, from parameter values."""
    table = free()
    ratios = np.array([values[name] for name in table.index]) / table["prior"].to_numpy(float)
    return np.log(ratios) / np.log(table["factor"].to_numpy(float))


def current() -> dict[str, float]:
    """Return the values that stand in the model files now."""
    return {name: float(_line(name, _files(name)[0])[2]) for name in free().index}


def write(values: Values) -> None:
    """Put fitted values into the model files, with confidence C."""
    for name, value in values.items():
        for path in _files(name):
            match = _line(name, path)
            text = path.read_text(encoding="utf-8")
            fitted = f"{match[1]}{value:.4g}{match[3]}"
            path.write_text(text.replace(match[0], fitted, 1), encoding="utf-8")
            _grade(path, name)


def _files(name: str) -> list[Path]:
    """Return the files in which a value stands."""
    owner = name.rpartition(".")[0]
    if owner == "rapalog":
        return [models_path("drugs", f"{drug}.yaml") for drug in RAPALOGS]
    if owner:
        return [models_path("cells", f"{owner}.yaml")]
    return [models_path(f"{free().loc[name, 'branch']}.ant")]


def _line(name: str, path: Path) -> re.Match[str]:
    """Return the place in a file where a value stands."""
    own = name.rpartition(".")[2]
    pattern = {
        ".yaml": rf"(  {own}:\n    value: )(\S+)(.*\n)",
        ".ant": rf"(?m)^({own} = )([^;\n]+)(;)",
    }[path.suffix]
    match = re.search(pattern, path.read_text(encoding="utf-8"))
    if match is None:
        raise SystemExit(f"no line for {name} in {path.name}")
    return match


STALE = ("confidence", "assumed", "fitted", "see calibration", "prior", "plausible", "half-life")


def _grade(path: Path, name: str) -> None:
    """Say in the model file that the value was fitted; remarks on the old value go."""
    text, own = path.read_text(encoding="utf-8"), name.rpartition(".")[2]
    row = free().loc[name]
    prior = f"prior {row['prior']:g} within a factor of {row['factor']:g}"
    origin = f"fitted (calibration/report.md), {prior}"
    if path.suffix == ".ant":
        old = re.search(rf'(?m)^{own} notes "(.*)"$', text)
        if old is None:
            raise SystemExit(f"no notes for {name} in {path.name}")
        kept = [part for part in old[1].split("; ") if not part.startswith(STALE)]
        text = text.replace(old[0], f'{own} notes "{"; ".join(["confidence=C", origin, *kept])}"')
    else:
        entry = rf'(  {own}:\n    value: .*\n    source: )".*"(\n    confidence: )[BCD]'
        text = re.sub(entry, rf'\1"{origin}"\2C', text)
        text = re.sub(rf"(  {own}:\n(?:    .*\n)*?)    plausible: .*\n", r"\1", text)
    path.write_text(text, encoding="utf-8")
