"""What is kept between processes: trusted only if it is ours, and never seen in a result."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mtorsim import cache
from mtorsim.paths import models_path

posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="nothing is kept elsewhere")
pytestmark = posix


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache of its own."""
    monkeypatch.setenv("MTORSIM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mtorsim"


@pytest.fixture
def kept(folder):
    """A cache with one text in it: its file."""
    assert cache.text("sbml", ["a"], lambda: "made") == "made"
    (file,) = folder.iterdir()
    return file


def again():
    """What the text of `kept` is now: "made" if it was kept, "anew" if not."""
    return cache.text("sbml", ["a"], lambda: "anew")


# --- what is found and what is not ----------------------------------------------------------------


def test_what_was_made_is_not_made_again(kept):
    assert again() == "made"
    assert cache.text("sbml", ["b"], lambda: "other") == "other"
    assert cache.text("symbols", ["a"], lambda: "table") == "table"
    assert len(list(kept.parent.iterdir())) == 3


def test_it_is_for_this_user_alone(kept):
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_a_name_says_all_that_it_follows_from(monkeypatch):
    names = {cache.name("a", "bc"), cache.name("a", "b", "c"), cache.name("ab", "c")}
    names |= {cache.name("a", "bc", ""), cache.name("a", "cb"), cache.name("a")}
    assert len(names) == 6
    assert cache.name("a", "bc") in names
    monkeypatch.setattr(cache, "_code", lambda: b"another version")
    assert cache.name("a", "bc") not in names


def test_an_installed_package_is_told_without_importing_it():
    found = cache.installed("antimony")
    assert "antimony" in found
    assert cache.installed("no_such_package") == ""


def test_bytes_come_back_as_they_were(folder):
    content = bytes(range(256)) * 1000
    cache.write("state-1", content)
    assert cache.read("state-1") == content
    assert cache.read("state-2") is None


# --- what is not trusted --------------------------------------------------------------------------

DAMAGES = {
    "empty": lambda content: b"",
    "short": lambda content: content[:-1],
    "longer": lambda content: content + b"0",
    "another bit": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "another digest": lambda content: bytes(32) + content[32:],
    "something else": lambda content: b"<html>not found</html>" * 10,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_made_anew_and_replaced(kept, damage):
    sound = kept.read_bytes()
    kept.write_bytes(DAMAGES[damage](sound))
    assert again() == "anew"
    assert cache.text("sbml", ["a"], lambda: "a third time") == "anew"


def test_what_was_kept_under_another_name_is_not_taken(kept):
    cache.text("sbml", ["b"], lambda: "other")
    (other,) = {*kept.parent.iterdir()} - {kept}
    shutil.copy(other, kept)
    assert again() == "anew"


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o640, 0o666])
def test_a_file_that_others_may_open_is_not_read(kept, mode):
    kept.chmod(mode)
    assert again() == "anew"


def test_a_file_of_another_user_is_not_read(kept, monkeypatch):
    if os.geteuid() == 0:
        os.chown(kept, 12345, -1)
        assert cache.read(kept.name) is None
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert cache.folder() is None
    assert again() == "anew"


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o707, 0o777])
def test_a_folder_that_others_may_enter_is_not_used(kept, mode):
    kept.parent.chmod(mode)
    assert cache.folder() is None
    assert again() == "anew"
    kept.parent.chmod(0o700)
    assert again() == "made"


def test_links_are_not_followed(kept, tmp_path):
    kept.rename(tmp_path / "elsewhere")
    kept.symlink_to(tmp_path / "elsewhere")
    assert cache.read(kept.name) is None
    kept.unlink()
    kept.parent.rename(tmp_path / "moved")
    kept.parent.symlink_to(tmp_path / "moved")
    assert cache.folder() is None
    assert again() == "anew"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(kept):
    kept.unlink()
    os.mkfifo(kept, 0o600)
    assert again() == "anew"


# --- where nothing can be kept --------------------------------------------------------------------


def test_off_is_off(kept, monkeypatch):
    before = kept.stat()
    for word in ("off", "OFF"):
        monkeypatch.setenv("MTORSIM_CACHE", word)
        assert cache.folder() is None
        assert again() == "anew"
    assert not Path("off").exists()
    assert kept.stat() == before


def test_a_file_in_the_way_of_the_folder_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "deeper"):
        monkeypatch.setenv("MTORSIM_CACHE", str(place))
        assert again() == "anew"
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_no_error(kept):
    kept.parent.chmod(0o500)
    assert again() == "made"
    assert cache.text("sbml", ["b"], lambda: "other") == "other"
    assert [*kept.parent.iterdir()] == [kept]


def test_a_full_disk_is_no_error_and_leaves_nothing(kept, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert cache.text("sbml", ["b"], lambda: "other") == "other"
    assert [*kept.parent.iterdir()] == [kept]


def test_a_user_without_a_home_has_none(monkeypatch):
    def homeless():
        raise RuntimeError("no home")

    monkeypatch.delenv("MTORSIM_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert cache.folder() is None


def test_it_lies_in_the_cache_of_the_user(monkeypatch, tmp_path):
    monkeypatch.delenv("MTORSIM_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache.folder() == tmp_path / "home" / ".cache" / "mtorsim"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.folder() == tmp_path / "xdg" / "mtorsim"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # which its specification says to ignore
    assert cache.folder() == tmp_path / "home" / ".cache" / "mtorsim"


# --- how much is kept -----------------------------------------------------------------------------


def test_what_was_used_longest_ago_makes_room(folder, monkeypatch):
    content, names = os.urandom(1000), [cache.name("state", str(n)) for n in range(6)]
    for number in range(5):
        cache.write(names[number], content)
        os.utime(folder / names[number], (number, number))
    assert cache.read(names[0]) == content  # used now
    monkeypatch.setattr(cache, "LIMIT", 4500)
    cache.write(names[5], content)
    assert {path.name for path in folder.iterdir()} == {names[n] for n in (0, 3, 4, 5)}


def test_drafts_of_processes_that_died_make_room(folder, monkeypatch):
    old, new = cache.name("state", "old"), cache.name("state", "new")
    draft = folder / f"{old}.{os.urandom(6).hex()}"
    cache.write(new, b"begun")
    draft.write_bytes(bytes(5000))
    os.utime(draft, (0, 0))
    monkeypatch.setattr(cache, "LIMIT", 4000)
    cache.write(new, b"made")
    assert [path.name for path in folder.iterdir()] == [new]


def test_files_of_others_are_never_removed(folder, monkeypatch):
    # Who names a folder that holds one called mtorsim for other reasons loses nothing.
    cache.write(cache.name("state", "a"), b"begun")
    thesis = folder / "thesis.tex"
    thesis.write_bytes(bytes(5000))
    os.utime(thesis, (0, 0))
    monkeypatch.setattr(cache, "LIMIT", 4000)
    cache.write(cache.name("state", "b"), os.urandom(900))
    assert thesis.stat().st_size == 5000


def test_the_code_that_runs_models_is_part_of_a_name(monkeypatch):
    read = []
    usual = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path) or usual(path))
    cache._code.__wrapped__()
    names = {path.relative_to(Path(cache.__file__).parent).as_posix() for path in read}
    assert {"drug_layer.py", "engine/__init__.py", "cache.py"} <= names


def test_what_would_fill_it_is_not_kept(folder, monkeypatch):
    monkeypatch.setattr(cache, "LIMIT", 4000)
    cache.write("state-0", os.urandom(900))
    cache.write("state-1", os.urandom(1100))
    assert [path.name for path in folder.iterdir()] == ["state-0"]


# --- results --------------------------------------------------------------------------------------

SCENARIOS = """
import mtorsim as mt
SCENARIOS = {
    "constant": dict(drugs={"temsirolimus": "20 nM"}),
    "washed out": dict(cell="PC-3", drugs={"sirolimus": mt.Constant("5 nM", stop="30 h")}),
    "mutant": dict(
        drugs={"temsirolimus": "20 nM", "AZD8055": "300 nM"},
        perturbations=["MTOR_F2108L", "hypoxia"],
        set={"fraction_MTOR_F2108L": 0.5},
    ),
    # A body has initial assignments, which a growing cell does not.
    "infused": dict(drugs={"temsirolimus": "25 mg IV weekly x2"}, set={"body_weight": "85 kg"}),
    "injected": dict(drugs={"temsirolimus": "20 mg/kg IP daily x2"}, species="mouse"),
}
"""

# Own events, first values that follow from others, a rate rule: RoadRunner has to bring them back.
MODELS = """
from mtorsim.engine import engine
from mtorsim.library import antimony_to_sbml
from mtorsim.steps import Run
CELL = "compartment cell; cell = 2; species X in cell; X = 1; J: X => ; cell*k*X; k = 1; "
MODELS = [
    CELL + "E: at time > 1, t0=false: k = 0, X = 10",
    CELL + "n = 1; n' = r*(2 - n); r = 3",
    "compartment cell; cell = w/2; w = 8; species X in cell; X = 3*w; $B in cell; B = w; "
    "J: X => ; cell*k*X*B; k = 1/w; y := X + w",
]
"""

DIGEST = """
import hashlib
import numpy as np

def digest(*arrays):
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()

found = {}
for name, fields in SCENARIOS.items():
    run = mt.simulate(**fields)
    found[name] = digest(run.values, list(run.baseline.values()), list(run.rest.values()))
    found[name + ", model"] = hashlib.sha256(run.sbml.encode()).hexdigest()
    found[name + ", words"] = str([run.units, run.labels])
for number, text in enumerate(MODELS):
    one = engine(antimony_to_sbml(text))
    ids = [*one.states, "k"]
    times = np.linspace(0, 3, 7)
    runs = [Run(times), Run(times, {"k": 0.5}), Run(times)]
    found[f"model {number}"] = digest(*(one.run(run, ids) for run in runs))
import json
print(json.dumps(found))
"""

# A process that finds all it needs has nothing to translate, to parse for symbols or to compile.
FORBIDDEN = """
from mtorsim import drug_layer, engine as _engine, library, symbols
def never(*_, **__):
    raise AssertionError("was to be kept")
drug_layer.attach = symbols._written = _engine.Engine.state = never
_translate = library.antimony_to_sbml
library.antimony_to_sbml = lambda text, **how: never() if how else _translate(text)
"""


def outcome(code, place, **environment):
    """What a process prints as JSON, with its cache in a place."""
    environment = {**os.environ, "MTORSIM_CACHE": str(place), **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_results_are_the_same_bits_without_a_cache_when_filling_it_and_from_it(tmp_path):
    code = SCENARIOS + MODELS + DIGEST
    without = outcome(code, "off")
    filling = outcome(code, tmp_path)
    before = sorted((tmp_path / "mtorsim").iterdir())
    kept = outcome(FORBIDDEN + code, tmp_path)
    assert filling == without
    assert kept == without
    assert {file.name.partition("-")[0] for file in before} == {
        "sbml",
        "structure",
        "symbols",
        "state",
    }
    assert sorted((tmp_path / "mtorsim").iterdir()) == before


ONE = """
import json
import mtorsim as mt
run = mt.simulate(drugs={"temsirolimus": "20 nM"}, duration="1 h")
print(json.dumps([run.values.tolist(), run.sbml]))
"""


def test_processes_may_fill_it_at_once(tmp_path):
    environment = {**os.environ, "MTORSIM_CACHE": str(tmp_path)}
    both = [
        subprocess.Popen([sys.executable, "-c", ONE], env=environment, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    printed = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0, 0]
    assert len({*printed}) == 1
    files = list((tmp_path / "mtorsim").iterdir())
    assert len(files) == 6  # two models: translated, tabled, compiled; no drafts
    assert all(file.stem.count(".") == 0 for file in files)
    assert outcome(FORBIDDEN + ONE, tmp_path) == json.loads(printed[0])


def test_a_damaged_state_does_not_end_the_process(tmp_path):
    first = outcome(ONE, tmp_path)
    states = sorted((tmp_path / "mtorsim").glob("state-*"))
    before = [file.read_bytes() for file in states]
    assert len(states) == 2
    for file in states:
        content = file.read_bytes()
        middle = len(content) // 2
        file.write_bytes(content[:middle] + bytes(100) + content[middle + 100 :])
    assert outcome(ONE, tmp_path) == first
    assert [file.read_bytes() for file in states] == before


def test_a_state_that_roadrunner_refuses_is_compiled_anew(folder, monkeypatch):
    from mtorsim import engine as module
    from mtorsim.library import antimony_to_sbml

    sbml = antimony_to_sbml("species X in C; X = 1; compartment C; C = 1; J: X => ; C*X")
    place = cache.name("state", sbml, module.machine())
    cache.write(place, b"not a state")
    fresh = module.engine.__wrapped__(sbml)
    assert fresh.species == ("X",)
    assert cache.read(place) == fresh.state()


def test_where_the_processor_cannot_be_told_no_state_is_kept(folder, monkeypatch):
    from mtorsim import engine as module
    from mtorsim.library import antimony_to_sbml

    monkeypatch.setattr(module, "machine", lambda: "")
    sbml = antimony_to_sbml("species X in C; X = 1; compartment C; C = 1; J: X => ; C*X")
    assert module.engine.__wrapped__(sbml).species == ("X",)
    assert not folder.exists() or not list(folder.iterdir())


# --- files of models that change ------------------------------------------------------------------

CHANGED = """
import json
from pathlib import Path
from mtorsim import paths
paths._root = lambda _name: Path("MODELS")
from mtorsim.compile import structure
from mtorsim.library import body_sbml
from mtorsim.symbols import symbols
models = [
    structure(("temsirolimus",), ("MTOR_F2108L",)),
    structure(("sirolimus", "temsirolimus"), (), "human", ("temsirolimus",)),
    body_sbml("mouse", ("temsirolimus",)),
]
tables = [{id: vars(one) for id, one in symbols(model).items()} for model in models]
print(json.dumps([models, tables]))
"""

EDITS = {
    "drugs/temsirolimus.yaml": ("confidence: ", "confidence: D  # "),
    "perturbations.yaml": ("Kd_FRB_ratio:\n      value: ", "Kd_FRB_ratio:\n      value: 1"),
    "roles.yaml": (", residual: residual_mTORC1_FRB_occupied}", "}"),
    "akt.ant": ("confidence=", "confidence=D; was "),
    "pharmacokinetics/body.ant": ("confidence=", "confidence=D; was "),
    "pharmacokinetics/temsirolimus.ant": ("confidence=", "confidence=D; was "),
}


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of models/, a cache filled from it, and what was computed."""
    root = tmp_path_factory.mktemp("copied")
    shutil.copytree(models_path(), root / "models")
    return root, outcome(CHANGED.replace("MODELS", str(root / "models")), root / "cache")


@pytest.mark.parametrize("edited", EDITS)
def test_an_edit_of_a_model_file_is_noticed(copied, edited):
    root, before = copied
    code = CHANGED.replace("MODELS", str(root / "models"))
    file = root / "models" / edited
    text = file.read_text(encoding="utf-8")
    assert EDITS[edited][0] in text
    try:
        file.write_text(text.replace(*EDITS[edited]), encoding="utf-8")
        after = outcome(code, root / "cache")
        assert after != before
        assert after == outcome(code, "off")
    finally:
        file.write_text(text, encoding="utf-8")


# --- what a table waits for -----------------------------------------------------------------------


def test_a_table_from_the_cache_waits_for_no_parser_and_no_table_library(tmp_path):
    slow = {"libsbml", "antimony", "pandas", "xarray", "pint", "scipy", "matplotlib", "dask"}
    code = f"""
import json, sys
from mtorsim.result import Result
Result.save = lambda self, folder: print(json.dumps(sorted({{*sys.modules}} & {slow}))) or folder
from mtorsim.cli import main
main(["run", "-q", "--out", {str(tmp_path / "out")!r}])
"""
    outcome(ONE, tmp_path)
    assert outcome(code, tmp_path) == []
