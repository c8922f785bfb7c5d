"""Disks that are full, that take nothing, or that two commands write to: nothing is lost."""

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from contextlib import chdir, contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from commands import RESUME, WRITE, drafts, furnish, in_fork, seen, started

import mtorsim as mt
from mtorsim.cli import main
from mtorsim.export.files import write_files, write_folder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs fork, limits and mounts")
EVERY = {**WRITE, **RESUME}
FEW = {"run", "pk", "sedml", "petab", *RESUME}  # of which no two end in the same lines


def pytest_generate_tests(metafunc):
    """Try the few commands that differ in how they write; of a campaign, every one."""
    for fixture, names in (("written", WRITE), ("kept", RESUME), ("any_of_all", EVERY)):
        if fixture in metafunc.fixturenames:
            is_long = metafunc.config.getoption("--campaign")
            metafunc.parametrize(fixture, [one for one in names if is_long or one in FEW])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A function: a folder in which a command was carried out, made once.

    In this process, so that those that are forked from it find models compiled.
    """
    found = {}

    def folder(name):
        if name not in found:
            found[name] = furnish(tmp_path_factory.mktemp("finished"))
            with chdir(found[name]), pytest.raises(SystemExit) as leaving:
                main([*EVERY[name][0].split(), "-q"])
            assert not leaving.value.code
            assert not drafts(found[name])
        return found[name]

    return folder


@pytest.fixture
def limits(request, campaign):
    """How long a file may be [bytes]: some fail at the first, some later on."""
    chance = random.Random(request.node.name)
    return [int(10 ** chance.uniform(0, 5)) for _ in range(max(1, campaign(1) // 50))]


def is_one_line(text):
    last = text.splitlines(keepends=True)[-1:]  # after what it says of its progress
    return "".join(last).startswith("error: could") and "Traceback" not in text


def test_a_full_disk_leaves_the_older_files(written, finished, limits, tmp_path):
    words, target = WRITE[written]
    folder = tmp_path / "x"
    shutil.copytree(finished(written), folder)
    before = seen(folder)
    longest = max(len(content) for path, (_, content) in before.items() if path.startswith(target))
    for limit in limits:
        limit = min(limit, longest - 1)
        status, _, errors = in_fork(folder, words, limit=limit)
        assert (status, is_one_line(errors)) == (1, True), errors
        assert target.partition(".")[0] in errors
        assert seen(folder) == before
        assert sorted(path.name for path in folder.iterdir()) == sorted(
            path.name for path in finished(written).iterdir()
        )


def test_a_full_disk_leaves_nothing_where_nothing_was(written, finished, tmp_path):
    words, target = WRITE[written]
    finished(written)
    furnish(tmp_path)
    before = seen(tmp_path)
    words = words.replace(f" {target}", f" new/place/{target}") if target == "out" else words
    status, _, errors = in_fork(tmp_path, words, limit=0)
    assert (status, is_one_line(errors)) == (1, True), errors
    assert seen(tmp_path) == before
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_what_is_finished_before_a_disk_is_full_is_gone_on_with(kept, finished, limits, tmp_path):
    words, _ = RESUME[kept]
    furnish(tmp_path)
    for limit in sorted({0, 2000, *limits}):
        begun = " --resume" if list(tmp_path.glob("out/**/*.json")) else ""
        status, _, errors = in_fork(tmp_path, words + begun, limit=limit)
        assert not drafts(tmp_path)
        if status:
            assert (status, is_one_line(errors)) == (1, True), errors
            assert "'out" in errors
    begun = " --resume" if list(tmp_path.glob("out/**/*.json")) else ""
    status, _, errors = in_fork(tmp_path, words + begun)
    assert status == 0, errors
    assert contents(tmp_path / "out") == contents(finished(kept) / "out")


def contents(folder):
    return {path: content for path, (_, content) in seen(folder).items()}


@contextmanager
def mounted(folder, *options):
    """A file system at a folder; the test is skipped where that is not allowed."""
    done = subprocess.run(["mount", *options, folder], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.skipif(not shutil.which("mount"), reason="needs mount")
def test_a_small_disk(any_of_all, finished, tmp_path):
    """Whether the files find room or not: they are all there, or none, and nothing else is."""
    words, target = EVERY[any_of_all]
    whole = contents(finished(any_of_all))
    with mounted(tmp_path, "-t", "tmpfs", "-o", "size=60k", "tmpfs"):
        furnish(tmp_path)
        before = contents(tmp_path)
        status, _, errors = in_fork(tmp_path, words)
        assert not drafts(tmp_path)
        new = {path: one for path, one in contents(tmp_path).items() if path not in before}
        if status == 0:
            assert new.keys() == whole.keys() - before.keys()
        else:
            assert (status, is_one_line(errors)) == (1, True), errors
            assert "No space left on device" in errors
            assert target in errors or target.replace(".sedml", ".xml") in errors
            assert not new or any_of_all in RESUME
        assert all(len(one) for path, one in new.items() if not path.endswith(".lock"))


PLACES = ["file/new", "/proc/new"]  # of which nobody, and nobody but the system, makes a folder


def test_a_place_that_takes_nothing_is_named_before_the_work(any_of_all, tmp_path):
    words, target = EVERY[any_of_all]
    furnish(tmp_path)
    (tmp_path / "file").write_text("mine")
    before = seen(tmp_path)
    for place in PLACES:
        status, out, errors = in_fork(tmp_path, words.replace(f" {target}", f" {place}/{target}"))
        assert (status in (1, 2), out, errors.count("\n")) == (True, "", 1), errors
        assert errors.startswith("error: ")
        assert place in errors
        assert seen(tmp_path) == before


@contextmanager
def read_only(folder):
    """A folder in which nothing can be written, for the superuser too."""
    if os.geteuid() == 0:
        with mounted(folder, "--bind", folder):
            subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
            yield folder
        return
    every = [folder, *folder.rglob("*")]
    modes = [path.stat().st_mode for path in every]
    for path, mode in zip(every, modes, strict=True):
        path.chmod(mode & ~0o222)
    try:
        yield folder
    finally:
        for path, mode in zip(every, modes, strict=True):
            path.chmod(mode)


def test_finished_work_is_read_again_from_a_disk_that_takes_nothing(kept, finished, tmp_path):
    folder = tmp_path / "x"
    shutil.copytree(finished(kept), folder)
    (folder / "out" / ".lock").unlink(missing_ok=True)
    before = seen(folder)
    with read_only(folder):
        status, out, errors = in_fork(folder, f"{RESUME[kept][0]} --resume")
    assert status == 0, errors
    assert out
    assert seen(folder) == before


def test_unfinished_work_is_not_gone_on_with_there(tmp_path):
    furnish(tmp_path)
    words = RESUME["sweep"][0]
    in_fork(tmp_path, words, limit=2000)
    before = seen(tmp_path)
    assert before.keys() >= {"out/sweep.json"}
    with read_only(tmp_path):
        status, _, errors = in_fork(tmp_path, f"{words} --resume")
    assert (status, is_one_line(errors)) == (1, True), errors
    assert seen(tmp_path) == before


# --- two at once ----------------------------------------------------------------------------------

NAMES = [f"{number}.txt" for number in range(10)]


@pytest.fixture
def meeting(monkeypatch):
    """Two writers meet where a folder gets its name, and take turns where files get theirs."""
    rename, replace, gate = Path.rename, Path.replace, threading.Barrier(2)

    def slow_rename(path, target):
        gate.wait(10)
        return rename(path, target)

    def slow_replace(path, target):
        time.sleep(random.uniform(0, 0.03))
        return replace(path, target)

    monkeypatch.setattr(Path, "rename", slow_rename)
    monkeypatch.setattr(Path, "replace", slow_replace)


@pytest.mark.usefixtures("meeting")
@pytest.mark.parametrize("is_new", [True, False])
def test_of_two_writers_of_one_folder_one_wins_whole(is_new, tmp_path):
    for turn in range(3):
        folder = tmp_path / str(turn)
        if not is_new:
            folder.mkdir()
        contents = [dict.fromkeys(NAMES, b"%d" % writer) for writer in (0, 1)]
        at_once([partial(write_folder, folder, one) for one in contents])
        assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)
        assert len({path.read_bytes() for path in folder.iterdir()}) == 1


@pytest.mark.usefixtures("meeting")
def test_of_two_writers_of_a_pair_one_wins_whole(tmp_path):
    for _ in range(3):
        contents = [{tmp_path / name: b"%d" % writer for name in NAMES} for writer in (0, 1)]
        at_once([partial(write_files, one) for one in contents])
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
        assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def at_once(works):
    faults, gate = [], threading.Barrier(len(works))

    def begin(work):
        gate.wait()
        try:
            work()
        except Exception as error:  # noqa: BLE001 - shown in the end
            faults.append(error)

    threads = [threading.Thread(target=begin, args=(one,)) for one in works]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not faults


def test_two_runs_into_one_folder(tmp_path, campaign):
    for _ in range(max(1, campaign(1) // 50)):
        both = [
            started(tmp_path, f"run -q --duration 1h --cell {cell}") for cell in ("PC-3", "A498")
        ]
        for one in both:
            assert one.communicate(timeout=60) == ("", "")
            assert one.returncode == 0
        about = json.loads((tmp_path / "out" / "run.json").read_text())
        assert {path.name for path in (tmp_path / "out").iterdir()} == {*about["files"], "run.json"}
        for name, digest in about["files"].items():
            assert sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest
        assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_second_writer_of_long_work_is_refused(kept, tmp_path):
    furnish(tmp_path)
    words, _ = RESUME[kept]
    place = tmp_path / "out" / ("points" if kept == "sensitivity" else "")
    place.mkdir(parents=True)
    code = "import fcntl, sys; file = open('.lock', 'w'); fcntl.lockf(file, fcntl.LOCK_EX); print()"
    holder = subprocess.Popen(
        [sys.executable, "-uc", f"{code}; sys.stdin.read()"],
        cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        holder.stdout.readline()
        status, out, errors = in_fork(tmp_path, words)
    finally:
        holder.communicate()
    assert (status, out, errors.count("\n")) == (2, "", 1)
    assert "is being written by another process" in errors
    assert in_fork(tmp_path, words)[0] == 0


def test_a_model_of_an_earlier_comparison_goes_with_the_change(tmp_path):
    two = mt.exposure("temsirolimus", "25 mg"), mt.exposure("temsirolimus", "75 mg")
    from mtorsim.export.exposure_folder import save

    save(two, tmp_path / "x")
    assert (tmp_path / "x" / "model_B.xml").exists()
    save(two[:1], tmp_path / "x")
    assert {path.name for path in (tmp_path / "x").glob("*.xml")} == {"model.xml"}
