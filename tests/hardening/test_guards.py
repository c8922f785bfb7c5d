"""Crashes, hangs, floods and interruptions: each is one error, and nothing is left running."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import mtorsim as mt
from mtorsim import apart
from mtorsim.apart import Limits, LostError
from mtorsim.errors import InputError, ModelError, SimulationError
from mtorsim.sweeps import open_sweep

S = "unit time_unit = second; compartment c = 2; "
TASKS = """
import ctypes, os, time
def crash(given, arrays): ctypes.string_at(0)
def leave(given, arrays): os._exit(3)
def spin(given, arrays):
    while True: pass
def fill(given, arrays): return [len(bytearray(10**10))], {}
def write(given, arrays):
    with open("left", "w") as file: file.write("x")
def fine(given, arrays): return given, arrays
def sleep(given, arrays): time.sleep(60)
"""


@pytest.fixture
def tasks(tmp_path, monkeypatch):
    """A function that does a task apart, of a module that only the other process finds."""
    (tmp_path / "hazards.py").write_text(TASKS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(apart, "_rooms", {})
    yield lambda name, seconds=5.0: apart.apart(
        f"hazards:{name}", {"a": 1}, {"x": np.arange(3.0)}, Limits(seconds, 500)
    )
    for room in apart._rooms.values():
        room.close()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("crash", "crashed a library underneath"),
        ("leave", "ended a library underneath"),
        ("spin", "took longer than 1 s"),
        ("fill", "MemoryError"),
        ("write", "OSError"),
    ],
)
def test_what_happens_apart_is_an_error_here(tasks, tmp_path, monkeypatch, name, words):
    monkeypatch.chdir(tmp_path)
    begun = time.monotonic()
    with pytest.raises(LostError, match=words):
        tasks(name, 1.0)
    assert name != "spin" or time.monotonic() - begun < 6  # on the processor, not by the clock
    given, arrays = tasks("fine")  # the next one is not harmed
    assert given == {"a": 1}
    assert arrays["x"].tolist() == [0, 1, 2]
    assert not (tmp_path / "left").exists() or not (tmp_path / "left").stat().st_size


def test_modules_that_lie_beside_a_model_are_not_run(tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("open('ran', 'w')")
    (tmp_path / "json.py").write_text("open('ran', 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(apart, "_rooms", {})
    assert mt.load_model(S + "A = 1; A' = -A\n").simulate(duration=1.0)["A"].size
    assert not (tmp_path / "ran").exists()
    apart._close()


def test_threads_share_an_engine():
    asked = {f"{dose} nM": {} for dose in (2, 20)}

    def run(dose):
        return mt.simulate(drugs={"temsirolimus": dose}, duration="2 h").values

    right, wrong = {dose: run(dose) for dose in asked}, []
    doses = [*asked] * 4
    threads = [
        threading.Thread(
            target=lambda dose=dose: wrong.extend(
                dose for _ in range(3) if not np.array_equal(run(dose), right[dose])
            )
        )
        for dose in doses
    ]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not wrong


# --- the command ----------------------------------------------------------------------------------

LONG = S + "".join(f"x{k} = 1; y{k} = 0; x{k}' = {k}e3*y{k}; y{k}' = -{k}e3*x{k}; "
                   for k in range(1, 40)) + "\n"  # fmt: skip


def children(pid):
    """Return all processes that a process started, and these started."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in path.read_text().split():
            found += [int(child), *children(int(child))]
    return found


def started(tmp_path, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "mtorsim", *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def is_there(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_long_run_ends_at_once_and_leaves_nothing(tmp_path, number):
    (tmp_path / "long.ant").write_text(LONG)
    process = started(tmp_path, "run", "--model", "long.ant", "--duration", "1000 h")
    limit = time.monotonic() + 60
    # The command, its child that works, and the process apart which computes.
    while len(family := children(process.pid)) < 2 or _ticks(family[-1]) < 150:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.02)
    begun = time.monotonic()
    process.send_signal(number)
    process.wait(timeout=30)
    assert time.monotonic() - begun < 1.5
    _, complaint = process.communicate(timeout=10)
    if number != signal.SIGKILL:
        assert process.returncode == 128 + number
        assert complaint == "interrupted\n"
    time.sleep(0.3)
    assert not [pid for pid in family if is_there(pid)]
    assert [one.name for one in tmp_path.iterdir()] == ["long.ant"]


def _ticks(pid):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_crash_of_the_command_is_one_line():
    crash = "lambda: os.kill(os.getpid(), signal.SIGSEGV) or 0"
    code = (
        f"import os, signal, sys; from mtorsim.cli import guard; sys.exit(guard.guarded({crash}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: a library underneath crashed (SIGSEGV).")
    assert len(done.stderr.splitlines()) == 1


# --- the door -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number", ["0x10", "1e999", "1e-999", "1_000", "1e", "1d5", "0b1", "1e5e5"]
)
def test_numbers_that_antimony_would_read_as_others(number):
    with pytest.raises(ModelError, match=r"line 2: .*(would be read as|than a number can be)"):
        mt.load_model(S + f"\nk = {number}\n")


@pytest.mark.parametrize("number", ["2A -> B", "A -> B"])
def test_numbers_that_are_sound(number):
    mt.load_model(S + f"species A in c = 1.5e-3, B in c = .5; R: {number}; c*A*5e+1\n")


@pytest.mark.parametrize(
    "text",
    [
        "k = 1\nk = 2", "k = 1; k = 2", "k := 1; k = 2", "x' = 1; x' = 2",
        "species A in c = 1, B in c = 2\nA = 3", "R: => A; 1; R: => B; 1",
        "E: at time > 1: k = 2; E: at time > 2: k = 3",
    ],
)  # fmt: skip
def test_a_second_value_does_not_win_in_silence(text):
    with pytest.raises(ModelError, match="already, in line"):
        mt.load_model(S + "\n" + text + "\n")


@pytest.mark.parametrize(
    "line",
    ['a = 1; import "{}"', '/* */ import "{}"', 'import /* c */ "{}"', 'A is "//"; import "{}"'],
)
def test_imports_are_seen_wherever_they_stand(tmp_path, line):
    secret = tmp_path / "secret.ant"
    secret.write_text("secret = 42\n")
    with pytest.raises(ModelError, match="imports"):
        mt.load_model(line.format(secret) + "\nx = 1\n")


NUMBERS = S + "A = 1; A' = 2*A\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('value="1"', 'value="0x10"'), ('value="1"', 'value="1d3"'), ('value="1"', 'value="1,5"'),
        ("> 2 <", "> 1,5 <"), ("> 2 <", "> 1.5.2 <"), ("> 2 <", "> 1 5 <"), ("> 2 <", "> 2.5 <"),
        ('<cn type="integer"', '<cn base="16" type="integer"'),
        ('id="A"', 'id="' + "A" * 1000 + '"'),
        ("<ci> A </ci>", "<ci> A </ci>" * 600), ('value="1"', 'value="NaN"'),
    ],
)  # fmt: skip
def test_sbml_that_would_be_read_wrongly(old, new):
    sound = mt.load_model(NUMBERS).sbml
    assert old in sound
    with pytest.raises(ModelError, match=r"line \d+"):
        mt.load_model(sound.replace(old, new, 1))


def test_functions_of_functions_do_not_grow_without_end():
    names = [f"f{k}" for k in range(12)]
    bodies = ["x"] + [" + ".join([f"{name}(x)"] * 10) for name in names[:-1]]
    functions = "".join(f"function {name}(x)\n {body}\nend\n"
                        for name, body in zip(names, bodies, strict=True))  # fmt: skip
    with pytest.raises(ModelError, match="when its functions are written out"):
        mt.load_model(f"{functions}model m\n{S} A = 1; A' = f11(A)\nend\n")


def test_a_solver_that_cannot_go_on_says_so():
    with pytest.raises(SimulationError, match="solver stopped"):
        mt.load_model(S + "A = 1; A' = A*A\n").simulate(duration=10.0)


# --- results of others ----------------------------------------------------------------------------


@pytest.mark.parametrize("harm", ["filter", "object", "codec", "link", "broken"])
def test_a_store_from_somebody_else_runs_nothing(tmp_path, harm):
    vary = {"drugs.sirolimus.dose": ["1 nM", "2 nM"]}
    mt.sweep(mt.Scenario(duration="1 h"), vary, out=tmp_path / "x")
    place = tmp_path / "x" / "results.zarr" / "end" / ".zarray"
    about = json.loads(place.read_text())
    about |= {
        "filter": {"filters": [{"id": "pickle"}]},
        "object": {"dtype": "|O"},
        "codec": {"compressor": {"id": "pickle"}},
    }.get(harm, {})
    place.write_text("{" if harm == "broken" else json.dumps(about))
    if harm == "link":
        (place.parent / "0.0").unlink()
        (place.parent / "0.0").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match=r"not as mtorsim writes it|is a link"):
        open_sweep(tmp_path / "x")


def test_nothing_is_unpickled_that_comes_from_a_file():
    source = Path(mt.__file__).parent
    users = [one.name for one in source.rglob("*.py") if "pickle" in one.read_text()]
    allowed = {"cluster.py", "facts.py", "apart.py", "zarr_files.py", "store.py"}
    assert set(users) <= allowed
    assert "pickle.load(" not in "".join(one.read_text() for one in source.rglob("*.py"))
    assert os.environ.get("MTORSIM_CACHE")  # tests do not read the user's own
