"""Work in several processes: one that dies is replaced, and none outlives the command."""

import faulthandler
import multiprocessing
import os
import random
import shutil
import signal
import sys
import time

import pandas as pd
import pytest
from commands import BLOTS, SEVERAL, family, furnish, is_there, started

import mtorsim as mt
from mtorsim import targets
from mtorsim.errors import MtorsimError, SimulationError
from mtorsim.qualification import carry_out as qualification
from mtorsim.sweeps import pool

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs fork and reads /proc")
SOME = ["TC05", "TC06", "TC01", "B5"]


@pytest.fixture
def killing():
    """A function for progress that kills workers when the first pieces are done."""
    killed = []

    def kill(done, count):
        if len(killed) < 3:
            victim = random.Random(done).choice(multiprocessing.active_children())
            os.kill(victim.pid, signal.SIGKILL)
            killed.append(victim.pid)

    yield kill
    assert len(killed) > 1
    assert multiprocessing.active_children() == []


def verdicts(report):
    return [(row.id, row.what, row.verdict, row.model) for row in report.rows]


def test_a_qualification_loses_nothing_with_a_worker(killing, monkeypatch):
    monkeypatch.setattr(qualification, "_TOGETHER", 1)
    whole = mt.qualify(only=SOME)
    assert verdicts(mt.qualify(only=SOME, workers=2, progress=killing)) == verdicts(whole)


def test_a_fit_loses_nothing_with_a_worker(killing, tmp_path):
    (tmp_path / "blots.csv").write_text(BLOTS)
    about = {"data": tmp_path / "blots.csv", "parameters": ["kphos_S6K1_by_mTORC1"], "starts": 4}
    whole = mt.fit(**about)
    killed = mt.fit(**about, workers=2, progress=killing)
    pd.testing.assert_frame_equal(killed.estimates, whole.estimates)


def test_a_number_that_crashes_its_process_is_a_row_that_says_so(monkeypatch):
    compare = qualification._compare

    def crashing(target, *about):
        if target.id == "TC06":
            crash()
        compare(target, *about)

    monkeypatch.setattr(qualification, "_compare", crashing)
    mine = [one for one in targets.load() if one.id in ("TC05", "TC06", "TC01")]
    monkeypatch.setattr(qualification, "_TOGETHER", 2)
    found = {row.id: row for row in mt.qualify(mine, only=[one.id for one in mine], workers=2).rows}
    assert found["TC06"].verdict == "failed"
    assert "crashed its process (SIGSEGV)" in str(found["TC06"])
    assert {found["TC05"].verdict, found["TC01"].verdict} == {"pass"}


def test_a_behaviour_that_crashes_its_process_is_an_error(monkeypatch):
    monkeypatch.setattr(qualification, "behaviour", lambda _id: crash())
    with pytest.raises(SimulationError, match=r"behaviour B5: .*crashed its process \(SIGSEGV\)"):
        mt.qualify(only=SOME, workers=2, tolerances=False)
    assert multiprocessing.active_children() == []


def test_a_number_that_hangs_is_given_up(monkeypatch):
    mt.qualify(only=SOME[:2], tolerances=False)  # what is compiled is not waited for again
    monkeypatch.setattr(pool, "PATIENCE", 1.5)
    monkeypatch.setattr(qualification, "_TOGETHER", 1)
    compare = qualification._compare

    def hanging(target, *about):
        return time.sleep(100) if target.id == "TC06" else compare(target, *about)

    monkeypatch.setattr(qualification, "_compare", hanging)
    report = mt.qualify(only=SOME[:2], workers=2, tolerances=False)
    assert [row.verdict for row in report.rows] == ["pass", "failed"]


def test_each_item_is_done_once_and_in_order():
    assert pool.each(lambda item: (item, os.getpid() != parent), [3, 1, 2], 2) == [
        (3, True), (1, True), (2, True)]  # fmt: skip
    with pytest.raises(MtorsimError, match=r"number 1: .*crashed its process"):
        pool.each(lambda item: item or crash(), [3, 0, 2], 2)


parent = os.getpid()


def crash():
    faulthandler.disable()
    os.kill(os.getpid(), signal.SIGSEGV)


def test_nothing_waits_behind_a_long_piece():
    """Of four pieces of which one is long, the other worker does three."""

    def work(chunk, given_up, begin):
        begin(chunk)
        time.sleep(1.0 if chunk == 0 else 0.05)
        return chunk, os.getpid()

    done = dict(pool.carried_out(work, range(4), 2))
    assert [chunk for chunk in done if done[chunk] == done[0]] == [0]


# --- a command that dies --------------------------------------------------------------------------


@pytest.mark.parametrize("name", SEVERAL)
def test_a_worker_is_replaced_and_none_outlives_the_command(name, tmp_path, request):
    """By SIGKILL or SIGTERM; of a campaign both."""
    both = [signal.SIGKILL, signal.SIGTERM]
    if not request.config.getoption("--campaign"):
        both = [signal.SIGTERM if name in ("fit", "sweep") else signal.SIGKILL]
    for number in both:
        ends_with_its_workers(furnish(tmp_path), name, number)
        shutil.rmtree(tmp_path / name, ignore_errors=True)


def ends_with_its_workers(folder, name, number):
    process = started(folder, f"{SEVERAL[name]} --workers 2")
    first = busy(process, lambda found: len(found) == 3)  # the one that works, and its workers
    os.kill(first[-1], signal.SIGKILL)
    everyone = busy(process, lambda found: len(found) == 3 and first[-1] not in found)
    begun = time.monotonic()
    process.send_signal(number)
    process.wait(timeout=30)
    while any(map(is_there, everyone)):
        assert time.monotonic() - begun < 2
        time.sleep(0.01)
    said = process.communicate()[1].splitlines()
    assert not [one for one in said if "Traceback" in one]
    if number == signal.SIGTERM:
        assert (process.returncode, said[-1]) == (143, "interrupted")


def busy(process, is_enough):
    """Return the processes under one, those that were started last at the end, when enough are."""
    limit = time.monotonic() + 60
    while not is_enough(found := family(process.pid)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.02)
    time.sleep(0.1)
    return found
