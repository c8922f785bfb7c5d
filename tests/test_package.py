"""The package as it is installed: its front door and what the wheel carries."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import mtorsim

ROOT = Path(__file__).parents[1]


def test_every_promised_name_is_there():
    for name in mtorsim.__all__:
        assert getattr(mtorsim, name) is not None
    assert set(mtorsim.__all__) <= set(dir(mtorsim))


def test_a_name_nobody_promised():
    with pytest.raises(AttributeError, match="no attribute 'simulated'"):
        mtorsim.simulated  # noqa: B018


def test_importing_the_package_waits_for_no_library():
    heavy = ["numpy", "pandas", "pint", "roadrunner", "antimony", "libsbml", "matplotlib"]
    code = f"import sys, mtorsim; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_wheel_carries_the_models_and_the_published_numbers(tmp_path):
    code = f"from hatchling.build import build_wheel; print(build_wheel({str(tmp_path)!r}))"
    env = {**os.environ, "PYTHONWARNINGS": "default"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        carried = set(archive.namelist())
    for name in ("models", "published"):
        files = {path for path in (ROOT / name).rglob("*") if path.is_file()}
        expected = {f"mtorsim/{path.relative_to(ROOT).as_posix()}" for path in files}
        assert expected == {one for one in carried if one.startswith(f"mtorsim/{name}/")}
    assert "mtorsim/models/akt.ant" in carried
    assert "mtorsim/published/targets.csv" in carried
