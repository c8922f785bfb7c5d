"""The directory of a sweep: the same bytes whoever does the work, however often it is stopped."""

import errno
import faulthandler
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import mtorsim as mt
from mtorsim.cli import main
from mtorsim.errors import InputError, MtorsimError
from mtorsim.sweeps import axis, carry_out, plan, pool, store, work, zarr_files
from mtorsim.sweeps.labels import Variable
from mtorsim.sweeps.store import Store
from mtorsim.sweeps.work import FAILED, OK

SHORT = mt.Scenario(
    drugs={"temsirolimus": "20 nM"}, duration="1 h", observe=["S6K1_pT389", "viability"]
)
# Some points fail in the solver; others are refused, since the wash comes before the drug.
POINTS, FAIL = 24, 12
VARY = {
    "drugs.temsirolimus.start": ["0 min", "30 min"],
    "drugs.temsirolimus.stop": ["20 min", "40 min"],
    "kon_FKBP12_temsirolimus": [0.1, 0.2, 1e200],
    "cell": ["786-O", "Caki-1"],
}


def made(**options):
    return plan(SHORT, [axis(*pair) for pair in VARY.items()], **options)


def bytes_in(folder):
    """Return what a finished sweep consists of: path -> content."""
    folder = Path(folder)
    files = [folder / "sweep.json", folder / "failures.csv", *(folder / "results.zarr").rglob("*")]
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in files if one.is_file()}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The bytes of the sweep that every other way of doing it must give."""
    folder = tmp_path_factory.mktemp("sweep") / "one"
    carry_out(made(), folder)
    return folder, bytes_in(folder)


# --- bytes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [2, 4])
def test_bytes_do_not_depend_on_the_number_of_workers(reference, tmp_path, workers):
    done = carry_out(made(), tmp_path / "many", workers=workers)
    assert bytes_in(tmp_path / "many") == reference[1]
    assert (done.count, done.failed) == (POINTS, FAIL)
    names = {one.name for one in (tmp_path / "many").iterdir()}
    assert names == {"results.zarr", "sweep.json", "failures.csv", ".lock"}


@pytest.mark.parametrize("workers", [1, 2])
def test_memory_holds_the_same(reference, workers):
    kept, held = mt.open_sweep(reference[0]), carry_out(made(), workers=workers)
    xr.testing.assert_identical(kept.dataset.load(), held.dataset)
    assert list(kept.dataset.data_vars) == list(held.dataset.data_vars)
    for name in held.dataset.variables:
        assert kept.dataset[name].to_numpy().tobytes() == held.dataset[name].to_numpy().tobytes()
    assert kept.failures.equals(held.failures)


def test_a_store_says_all_there_is_to_say(reference):
    folder, _ = reference
    about = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    assert about["scenario"]["duration"] == "1 h"
    assert [one["target"] for one in about["axes"]] == list(VARY)
    assert about["design"] == {"method": "grid", "points": None, "seed": 0}
    assert about["versions"].keys() == {"mtorsim", "libroadrunner"}
    assert about["outcome"] == {"points": POINTS, "failed": FAIL, "retried": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = xr.open_zarr(folder / "results.zarr")  # as anyone would
    assert found["end"].dims == (*VARY, "observable")
    assert found["unit"].dims == ("observable",)
    assert set(found.coords) == {*VARY, "observable", "unit", "time"}
    assert found["status"].dtype == np.int8
    assert found.attrs["hash"] == about["hash"]
    assert about["models_sha256"] == found.attrs["models_sha256"]


def test_failures_are_listed_and_never_silent(reference):
    found = mt.open_sweep(reference[0])
    status = found.dataset["status"].to_numpy()
    assert set(np.unique(status)) == {OK, FAILED}
    assert np.isnan(found["end"].to_numpy()[status == FAILED]).all()
    assert np.isfinite(found["end"].to_numpy()[status == OK]).all()
    assert found.failures["point"].tolist() == np.flatnonzero(status == FAILED).tolist()
    reasons = Counter(one.split(" ")[0] for one in found.failures["reason"])
    assert reasons == {"stop": 6, "solver": 6}


@pytest.mark.parametrize(
    ("shape", "row", "chunk"),
    [
        ((1000,), (2,), (1000, 2)),
        ((1_000_000,), (2,), (250_000, 2)),
        ((1000, 1000), (2,), (250, 1000, 2)),
        ((2, 1_000_000), (2,), (1, 250_000, 2)),
        ((50, 3, 7), (73, 46), (7, 3, 7, 73, 46)),
        ((3, 5), (1000, 1000), (1, 1, 1000, 1000)),
        ((4, 4), (), (4, 4)),
    ],
)
def test_arrays_are_cut_into_whole_runs_of_a_few_megabytes(shape, row, chunk):
    one = Variable("x", (), row)
    assert (*zarr_files._points_of_chunk(shape, one), *row) == chunk


@pytest.mark.parametrize("limit", [1, 3_000, 40_000, 10**9])
@pytest.mark.parametrize("shape", [(24,), (4, 6), (2, 3, 4), (1, 24, 1)])
def test_blocks_hold_every_point_once_in_whole_chunks(monkeypatch, shape, limit):
    monkeypatch.setattr(zarr_files, "_BLOCK_BYTES", limit)
    monkeypatch.setattr(zarr_files, "_CHUNK_BYTES", 1_000)
    one = Variable("x", (), (3, 5))
    numbers = np.arange(24).reshape(shape)
    seen = []
    for low, high, where in zarr_files.blocks(shape, one):
        assert numbers[where].ravel().tolist() == list(range(low, high))
        seen += range(low, high)
    assert seen == list(range(24))


def test_many_blocks_are_written_as_one(reference, tmp_path, monkeypatch):
    monkeypatch.setattr(zarr_files, "_BLOCK_BYTES", 500)
    carry_out(made(), tmp_path / "blocks")
    assert bytes_in(tmp_path / "blocks") == reference[1]


def test_a_store_of_small_chunks_reads_as_the_same(reference, tmp_path, monkeypatch):
    monkeypatch.setattr(zarr_files, "_CHUNK_BYTES", 100)
    found = carry_out(made(), tmp_path / "chunks")
    xr.testing.assert_identical(found.dataset, mt.open_sweep(reference[0]).dataset)
    assert len(list((tmp_path / "chunks/results.zarr/end").iterdir())) > 3


# --- going on -------------------------------------------------------------------------------------


class Stop(BaseException):
    """Stands for the end of a process."""


def stopping_after(count, target):
    """Return a function like `target` that ends the process after so many calls."""
    calls = Counter()

    def stopped(*arguments, **options):
        calls["all"] += 1
        if calls["all"] > count:
            raise Stop
        return target(*arguments, **options)

    return stopped


def chunks_done_by(monkeypatch):
    done = []
    monkeypatch.setattr(
        pool,
        "run_chunk",
        lambda plan, chunk, *rest: done.append(chunk) or work.run_chunk(plan, chunk, *rest),
    )
    return done


STAGES = {
    "before the first chunk": (Store, "add", 0),
    "after some chunks": (Store, "add", 17),
    "after all chunks": (Store, "_failures", 0),
    "before sweep.json": (store, "as_json", 0),
    "before the store": (Store, "_write_results", 0),
    "in the coordinates": (zarr_files.ZarrFiles, "_array", 3),
    "in the arrays": (zarr_files.ZarrFiles, "variable", 4),
    "before the store has its name": (zarr_files.ZarrFiles, "finish", 0),
    "before the parts are gone": (shutil, "rmtree", 1),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_sweep_goes_on_wherever_it_was_stopped(reference, tmp_path, monkeypatch, stage):
    owner, name, count = STAGES[stage]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, stopping_after(count, getattr(owner, name)))
        with pytest.raises(Stop):
            carry_out(made(), tmp_path / "x")
    kept = {int(one.stem) for one in (tmp_path / "x" / "parts").glob("*.npz")}
    early = {"before the first chunk": 0, "after some chunks": 17}
    assert kept == set(range(early.get(stage, POINTS)))
    done = chunks_done_by(monkeypatch)
    said = []
    carry_out(made(), tmp_path / "x", resume=True, progress=lambda *one: said.append(one))
    assert sorted(done) == sorted(set(range(POINTS)) - kept)  # nothing twice
    assert not said or said[0] == (len(kept), POINTS)
    assert bytes_in(tmp_path / "x") == reference[1]
    assert not (tmp_path / "x" / "parts").exists()


def test_a_finished_sweep_is_left_alone(reference, tmp_path, monkeypatch):
    folder = tmp_path / "done"
    shutil.copytree(reference[0], folder)
    before = {one: one.stat().st_mtime_ns for one in folder.rglob("*") if one.name != ".lock"}
    done = chunks_done_by(monkeypatch)
    found = carry_out(made(), folder, resume=True)
    assert (found.count, found.failed, done) == (POINTS, FAIL, [])
    after = {one: one.stat().st_mtime_ns for one in folder.rglob("*") if one.name != ".lock"}
    assert {k: v for k, v in after.items() if k != folder} == {
        k: v for k, v in before.items() if k != folder
    }
    with pytest.raises(InputError, match="holds this sweep, which is finished"):
        carry_out(made(), folder)


@pytest.mark.parametrize("damage", ["cut", "bytes"])
def test_a_damaged_part_is_done_again(reference, tmp_path, monkeypatch, damage):
    folder = tmp_path / "x"
    with monkeypatch.context() as patch:
        patch.setattr(Store, "_failures", stopping_after(0, Store._failures))
        with pytest.raises(Stop):
            carry_out(made(), folder)
    part = folder / "parts" / "000007.npz"
    content = bytearray(part.read_bytes())
    if damage == "cut":
        part.write_bytes(content[: len(content) // 2])
    else:  # found out when it is read
        place = content.index(b"NUMPY", content.index(b"untreated.npy")) + 200
        content[place] ^= 0xFF
        part.write_bytes(content)
        with pytest.raises(MtorsimError, match="is missing or damaged"):
            carry_out(made(), folder, resume=True)
    done = chunks_done_by(monkeypatch)
    carry_out(made(), folder, resume=True)
    assert done == [7]
    assert bytes_in(folder) == reference[1]


@pytest.mark.parametrize("name", ["notes.npz", "000001 (copy).npz", "-1.npz", "99999999.npz"])
def test_other_files_among_the_parts_do_not_disturb(reference, tmp_path, monkeypatch, name):
    folder = tmp_path / "x"
    with monkeypatch.context() as patch:
        patch.setattr(Store, "_failures", stopping_after(0, Store._failures))
        with pytest.raises(Stop):
            carry_out(made(), folder)
    shutil.copy(folder / "parts" / "000007.npz", folder / "parts" / name)
    carry_out(made(), folder, resume=True)
    assert bytes_in(folder) == reference[1]


def test_a_part_with_any_byte_flipped_is_an_error_or_the_same(reference, tmp_path, monkeypatch):
    folder = tmp_path / "x"
    with monkeypatch.context() as patch:
        patch.setattr(Store, "_failures", stopping_after(0, Store._failures))
        with pytest.raises(Stop):
            carry_out(made(), folder)
    store, part = Store(folder, made()), folder / "parts" / "000003.npz"
    content = part.read_bytes()
    known = store._part(3, "status", "end")
    for place in range(0, len(content), 3):
        for flip in (0x01, 0x40):
            flipped = bytearray(content)
            flipped[place] ^= flip
            part.write_bytes(flipped)
            try:
                found = store._part(3, "status", "end")
            except MtorsimError:
                continue
            assert all(np.array_equal(known[name], found[name]) for name in known)


# --- a full disk ----------------------------------------------------------------------------------


@pytest.mark.parametrize("written", [0, 1, 20, 25])
def test_a_full_disk_loses_nothing(reference, tmp_path, monkeypatch, written):
    calls, sync = Counter(), os.fsync

    def full(file):
        calls["all"] += 1
        if calls["all"] > written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(file)

    folder = tmp_path / "x"
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(MtorsimError) as caught:
            carry_out(made(), folder)
    assert "No space left on device. What is finished is kept: --resume" in str(caught.value)
    assert caught.value.exit_status == 1
    assert not list(folder.rglob("*.npz.unfinished"))  # the half-written one makes room
    assert len(list(folder.rglob("*.npz"))) == max(0, min(written - 1, POINTS))
    carry_out(made(), folder, resume=True)
    assert bytes_in(folder) == reference[1]


def test_a_disk_that_is_full_at_the_end_loses_nothing(reference, tmp_path):
    # A process may write no more than so many bytes to a file: the arrays do not fit, chunks do.
    code = (
        "import resource, sys\n"
        "from test_sweep_store import made\n"
        "from mtorsim.sweeps import carry_out\n"
        "one = made()\n"
        "one.hash\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), -1))\n"
        "carry_out(one, sys.argv[1])\n"
    )
    folder = tmp_path / "x"
    limit = max(len(content) for content in reference[1].values()) - 1
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), str(limit)],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
    )
    assert "MtorsimError: could not write" in done.stderr, done.stderr
    assert len(list(folder.rglob("*.npz"))) == POINTS
    carry_out(made(), folder, resume=True)
    assert bytes_in(folder) == reference[1]


# --- one writer, one sweep ------------------------------------------------------------------------


def test_another_sweep_is_refused_and_what_differs_is_said(reference):
    folder, content = reference
    with pytest.raises(InputError) as caught:
        carry_out(made(relative_tolerance=1e-7, read="end"), folder, resume=True)
    assert "holds another sweep (it has other read, tolerances)" in str(caught.value)
    assert bytes_in(folder) == content


@pytest.mark.parametrize("name", ["thesis.tex", "parts.txt"])
def test_a_folder_with_other_files_is_refused(tmp_path, name):
    (tmp_path / name).write_text("years of work", encoding="utf-8")
    with pytest.raises(InputError, match="holds other files"):
        carry_out(made(), tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == [name]
    with pytest.raises(InputError, match="is a file"):
        carry_out(made(), tmp_path / name)


def test_parts_that_nothing_says_the_origin_of_are_not_taken(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Store, "_failures", stopping_after(0, Store._failures))
        with pytest.raises(Stop):
            carry_out(made(), tmp_path)
    (tmp_path / "sweep.json").unlink()
    other = plan(SHORT, [axis("kon_FKBP12_temsirolimus", [0.1, 0.2])])
    with pytest.raises(InputError, match="holds other files"):
        carry_out(other, tmp_path, resume=True)


def test_an_unreadable_origin_is_another_sweep(tmp_path):
    (tmp_path / "sweep.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"its sweep\.json cannot be read"):
        carry_out(made(), tmp_path, resume=True)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(MtorsimError, match="could not write to"):
        carry_out(made(), tmp_path / "file" / "sweep")


def test_two_writers_in_one_process_are_refused(tmp_path):
    first = Store(tmp_path, made())
    with first.opened(resume=False):
        for resume in (False, True):
            with pytest.raises(InputError, match="is being written by another process"):
                carry_out(made(), tmp_path, resume=resume)
    carry_out(made(), tmp_path, resume=True)


def test_a_writer_in_another_process_is_refused(tmp_path):
    code = (
        "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.lockf(file, fcntl.LOCK_EX)\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / ".lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(InputError, match="is being written by another process"):
            carry_out(made(), tmp_path)
        assert [one.name for one in tmp_path.iterdir()] == [".lock"]
    finally:
        holder.communicate()
    assert carry_out(made(), tmp_path).count == POINTS


# --- workers that die -----------------------------------------------------------------------------


def test_a_worker_that_is_killed_takes_nothing_along(reference, tmp_path):
    killed = []

    def kill(done, count):
        if done in (3, 10, 11, 20):
            victim = random.Random(done).choice(multiprocessing.active_children())
            os.kill(victim.pid, signal.SIGKILL)
            killed.append(victim.pid)

    carry_out(made(), tmp_path / "x", workers=2, progress=kill)
    assert len(killed) == 4
    assert bytes_in(tmp_path / "x") == reference[1]
    assert multiprocessing.active_children() == []


def test_a_point_that_crashes_its_process_is_given_up_and_named(monkeypatch):
    run_point = work._run_point

    def crashing(plan, point):
        if point == 5:
            faulthandler.disable()
            os.kill(os.getpid(), signal.SIGSEGV)
        return run_point(plan, point)

    monkeypatch.setattr(work, "_run_point", crashing)
    found = mt.sweep(
        SHORT, {"drugs.temsirolimus.dose": mt.logspace("1 nM", "9 nM", 40)}, read="end", workers=2
    )
    assert found.dataset["status"].to_numpy().tolist() == [OK] * 5 + [FAILED] + [OK] * 34
    assert found.failures["reason"].tolist() == ["the solver crashed its process (SIGSEGV)."]


def test_a_worker_that_hangs_is_ended_and_its_work_done_again(reference, tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "PATIENCE", 1.0)
    stopped = []

    def stop(done, count):
        if done in (3, 11):
            victim = random.Random(done).choice(multiprocessing.active_children())
            os.kill(victim.pid, signal.SIGSTOP)
            stopped.append(victim.pid)

    carry_out(made(), tmp_path / "x", workers=2, progress=stop)
    assert len(stopped) == 2
    assert bytes_in(tmp_path / "x") == reference[1]
    assert multiprocessing.active_children() == []


def test_a_point_that_hangs_is_given_up_and_named(monkeypatch):
    run_point = work._run_point
    monkeypatch.setattr(pool, "PATIENCE", 1.0)

    def hanging(plan, point):
        return time.sleep(100) if point == 5 else run_point(plan, point)

    monkeypatch.setattr(work, "_run_point", hanging)
    found = mt.sweep(
        SHORT, {"drugs.temsirolimus.dose": mt.logspace("1 nM", "9 nM", 40)}, read="end", workers=2
    )
    assert found.failures["reason"].tolist() == ["the solver hangs."]


@pytest.mark.parametrize(
    ("code", "said"),
    [(-9, "SIGKILL"), (-40, "signal 40"), (1, "status 1"), (None, "status None")],
)
def test_any_end_of_a_process_has_a_name(code, said):
    assert pool._said(code) == said


def test_workers_that_die_whatever_they_do_are_an_error(monkeypatch, tmp_path):
    killed = lambda plan, point: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
    monkeypatch.setattr(work, "_run_point", killed)
    with pytest.raises(MtorsimError) as caught:
        carry_out(made(), tmp_path / "x", workers=2)
    assert "10 workers died one after the other, the last by SIGKILL" in str(caught.value)
    assert multiprocessing.active_children() == []
    assert not list((tmp_path / "x" / "parts").iterdir())


def test_what_a_worker_raises_arrives(monkeypatch):
    def failing(plan, point):
        raise ZeroDivisionError("by hand")

    monkeypatch.setattr(work, "_run_point", failing)
    with pytest.raises(ZeroDivisionError, match="by hand"):
        carry_out(made(), workers=2)
    assert multiprocessing.active_children() == []


# --- a parent that dies ---------------------------------------------------------------------------

SLOW = (
    *("sweep", "--vary", "drugs.temsirolimus.dose=0.01nM:100nM:160:log"),
    *("--vary", "cell=786-O,PC-3", "--observe", "S6K1_pT389,AKT_pS473"),
    *("--read", "curves,end", "--workers", "2"),
)


def started(folder, *options):
    code = "from mtorsim.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *SLOW, "--out", str(folder), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a group of its own, to send Ctrl-C to
    )


@pytest.fixture
def called(capfd):
    """Call the command here; return status, output and errors."""

    def call(folder, *options):
        with pytest.raises(SystemExit) as leaving:
            main([*SLOW, "--out", str(folder), *options])
        return leaving.value.code, *capfd.readouterr()

    return call


def parts(folder):
    return {one.name: one.stat().st_ino for one in (folder / "parts").glob("*.npz")}


def wait_for_parts(folder, count, process):
    limit = time.monotonic() + 60
    while len(parts(folder)) < count and process.poll() is None:
        assert time.monotonic() < limit
        time.sleep(0.005)


@pytest.fixture(scope="module")
def slow_reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slow") / "whole"
    with pytest.raises(SystemExit):
        main([*SLOW, "--out", str(folder), "-q"])
    return bytes_in(folder)


def test_a_sweep_survives_kill_9_again_and_again(slow_reference, tmp_path, called):
    folder, chance = tmp_path / "x", random.Random(20)
    moments = [0, chance.randint(1, 10), chance.randint(11, 20), chance.randint(21, 28)]
    for number, moment in enumerate(moments):
        process = started(folder, *(["--resume"] if number else []))
        wait_for_parts(folder, moment, process)
        time.sleep(chance.random() * 0.03)
        process.kill()
        process.communicate()
        kept = parts(folder)
        assert len(kept) >= moment
        time.sleep(0.1)
        assert parts(folder) == kept  # its workers ended with it
    process = started(folder, "--resume")
    wait_for_parts(folder, len(kept) + 1, process)
    now = parts(folder)
    assert not now or kept.items() <= now.items()  # what was there is not done again
    process.kill()
    process.communicate()
    status, out, err = called(folder, "--resume")
    assert status == 0, err
    assert "320 points. Wrote results.zarr" in out
    assert bytes_in(folder) == slow_reference


def test_ctrl_c_leaves_130_and_a_sweep_to_go_on_with(slow_reference, tmp_path, called):
    folder = tmp_path / "x"
    process = started(folder)
    wait_for_parts(folder, 5, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it too
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    lines = [line for line in err.splitlines() if "simulated" not in line]
    assert lines == [f"{str(folder)!r} keeps what is finished: --resume goes on from there.",
                     "interrupted"]  # fmt: skip
    kept = len(parts(folder))
    assert 5 <= kept < 32
    status, _, err = called(folder)
    assert status == 2
    assert "which was interrupted. Give --resume (in Python resume=True) to go on" in err
    assert len(parts(folder)) == kept
    assert called(folder, "--resume", "-q") == (0, "", "")
    assert bytes_in(folder) == slow_reference
