"""What several test files share."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from mtorsim import paths

CELL = """\
name: {name}
description: A line for tests.
identifiers: [https://identifiers.org/cellosaurus:CVCL_1051]
status:
  PTEN: {{value: wild type, source: assumed, confidence: D}}
medium: {{name: RPMI-1640 + 10 % FBS, source: assumed, confidence: D}}
doubling_time: {{value: 1.5 d, source: assumed, confidence: D}}
values:
  FKBP12: {{value: 0.3 uM, source: assumed, confidence: D, plausible: 100-1000 nM}}
"""

DRUG = """\
name: {name}
mechanism: {mechanism}
description: A drug for tests.
identifiers: [https://identifiers.org/CHEBI:9168]
synonyms: [{synonym}]
molar_mass: {{value: 1000 g/mol, source: assumed, confidence: D}}
values:
  kpermeation: {{value: 5 1/min, source: assumed, confidence: D}}
  funbound_medium: {{value: 0.6, source: assumed, confidence: D}}
  kdecay_medium: {{value: 0.6 1/h, source: assumed, confidence: D}}
  kon_FKBP12: {{value: 3e6 1/(M*s), source: assumed, confidence: D}}
  koff_FKBP12: {{value: 0.036 1/min, source: assumed, confidence: D}}
  kon_FKBP51: {{value: 0.18 1/(nM*min), source: assumed, confidence: D}}
  koff_FKBP51: {{value: 0.9 1/min, source: assumed, confidence: D}}
"""

RAPALOG = """\
  kon_FRB: {value: 0.114 1/(nM*min), source: assumed, confidence: D}
  Kd_FRB: {value: 12 nM, source: assumed, confidence: D}
  Kd_kinase: {value: 2 uM, source: assumed, confidence: D}
"""

ATP_COMPETITIVE = """\
name: {name}
mechanism: atp_competitive
description: A drug for tests.
molar_mass: {{value: 400 g/mol, source: assumed, confidence: D}}
values:
  kpermeation: {{value: 5 1/min, source: assumed, confidence: D}}
  funbound_medium: {{value: 0.6, source: assumed, confidence: D}}
  kdecay_medium: {{value: 0.6 1/h, source: assumed, confidence: D}}
  kon_kinase: {{value: 1e6 1/(M*s), source: assumed, confidence: D}}
  Kd_kinase_mTORC1: {{value: 9 nM, source: assumed, confidence: D}}
  Kd_kinase_mTORC2: {{value: 0.012 uM, source: assumed, confidence: D}}
"""

KINETICS = """\
name: {name}
description: A drug for tests.
analytes: [{analytes}]
matrix: blood
subjects:
  human:
    routes: [{routes}]
    infusion: {{value: 30 min, source: assumed, confidence: D}}
    sampling: [1 h, 24 h]
    usual: {{regimen: 25 mg weekly x4, source: assumed, confidence: D}}
limits:
"""

KINETICS_OF_MICE = """\
  mouse:
    routes: [IP, IV bolus]
    sampling: [1 h, 24 h]
    usual: {regimen: 20 mg/kg daily x5, source: assumed, confidence: D}
limits:
"""

LIMIT = "  {name}: {{value: 0.1 ng/mL, source: assumed, confidence: D}}\n"

PERTURBATIONS = """\
PTEN_loss:
  description: No PTEN protein.
  timing: chronic
  changes: [{target: PTEN, multiply: 0}]
  source: assumed
  confidence: D
hypoxia:
  description: Little oxygen.
  timing: acute
  changes: [{target: O2, set: 10 uM}, {target: REDD1, multiply: 2.5}]
  source: assumed
  confidence: D
  notes: For tests.
MTOR_F2108L:
  description: A mutant.
  timing: chronic
  mutant:
    Kd_FRB_ratio: {value: 300, source: assumed, confidence: D, plausible: 100-1000}
    kinase_activity: {value: 1.5, source: assumed, confidence: C}
  changes: [{target: fraction_MTOR_F2108L, set: 1}]
  source: assumed
  confidence: D
ketoconazole:
  description: Inhibits CYP3A.
  place: body
  timing: chronic
  changes: [{target: CYP3A_activity, multiply: 0.1}]
  source: assumed
  confidence: D
"""


def write_models(root: Path) -> Path:
    """Write a few data files, as models/ has them, with round numbers."""
    (root / "cells").mkdir(parents=True)
    (root / "drugs").mkdir()
    for name in ("786-O", "PC-3"):
        text = CELL.format(name=name)
        (root / "cells" / f"{name}.yaml").write_text(text, encoding="utf-8")
    for name, synonym in (("temsirolimus", "CCI-779"), ("sirolimus", "rapamycin")):
        text = DRUG.format(name=name, mechanism="rapalog", synonym=synonym) + RAPALOG
        (root / "drugs" / f"{name}.yaml").write_text(text, encoding="utf-8")
    text = DRUG.format(name="tacrolimus", mechanism="fkbp_competitor", synonym="FK506")
    (root / "drugs" / "tacrolimus.yaml").write_text(text, encoding="utf-8")
    text = ATP_COMPETITIVE.format(name="AZD8055")
    (root / "drugs" / "AZD8055.yaml").write_text(text, encoding="utf-8")
    (root / "perturbations.yaml").write_text(PERTURBATIONS, encoding="utf-8")
    _write_kinetics(root / "pharmacokinetics")
    return root


def _write_kinetics(folder: Path) -> None:
    """Write what is known of two drugs in a human, and of the first in a mouse."""
    folder.mkdir()
    one = KINETICS.format(
        name="temsirolimus", analytes="temsirolimus, sirolimus", routes="IV, IV bolus"
    ).replace("limits:\n", KINETICS_OF_MICE)
    one += LIMIT.format(name="temsirolimus") + LIMIT.format(name="sirolimus")
    (folder / "temsirolimus.yaml").write_text(one, encoding="utf-8")
    two = KINETICS.format(name="sirolimus", analytes="sirolimus", routes="PO")
    text = two + LIMIT.format(name="sirolimus")
    (folder / "sirolimus.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A folder of data files in place of models/: two cells, four drugs, four perturbations."""
    root = write_models(tmp_path / "models")
    monkeypatch.setattr(paths, "_root", lambda _name: root)
    return root


FIGURES = pytest.StashKey[list[str]]()
CACHE = pytest.StashKey[str]()


def pytest_addoption(parser):
    parser.addoption(
        "--campaign",
        type=int,
        metavar="N",
        help="how many cases the tests in tests/hardening make (usually few, to be quick)",
    )
    parser.addoption(
        "--campaign-seed",
        type=int,
        default=0,
        metavar="S",
        help="which cases they are; each number stands for others",
    )


@pytest.fixture
def campaign(request):
    """A function: how many cases to make, that many unless --campaign says otherwise."""
    return lambda usual: request.config.getoption("--campaign") or usual


@pytest.fixture
def campaign_seed(request):
    """Which cases of all to make."""
    return request.config.getoption("--campaign-seed")


def pytest_configure(config):
    config.stash[FIGURES] = []
    # What tests compute is not the user's: processes that they start find it here, too.
    config.stash[CACHE] = tempfile.mkdtemp(prefix="mtorsim-tests-")
    os.environ["MTORSIM_CACHE"] = config.stash[CACHE]


def pytest_unconfigure(config):
    shutil.rmtree(config.stash[CACHE], ignore_errors=True)


@pytest.fixture
def record_figures(request):
    """A function that keeps a behaviour's figures for the end of the test run."""
    return lambda seen: request.config.stash[FIGURES].append(str(seen))


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[FIGURES]:
        terminalreporter.section("behaviours")
        for text in config.stash[FIGURES]:
            terminalreporter.write_line(text)
