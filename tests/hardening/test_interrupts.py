"""Ctrl-C: every command ends within a second, says so in a line, leaves nothing half-written."""

import os
import random
import signal
import sys
import time

import pytest
from commands import LONG, drafts, family, furnish, is_there, started

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

WITHIN = 1.0  # s
SLACK = 0.5  # s: of a machine that has other things to do
# As the programs are installed, but Ctrl-C is pressed when a module is imported, in any process.
PRESSED = """
import os, signal, sys, time
command = os.getpid()
def press(event, about):
    if event == "import" and about[0] == {module!r} and not os.path.exists("pressed"):
        with open("pressed", "w") as file:
            file.write(str(time.monotonic()))
        os.kill(command, signal.SIGINT)
sys.addaudithook(press)
sys.argv = ["mtorsim", *sys.argv[1:]]
from mtorsim.__main__ import {program}
{program}()
"""
MOMENTS = [
    "mtorsim.cli", "mtorsim.cli.guard", "mtorsim.cli.screen", "mtorsim.cli.commands", "typer",
    "numpy", "roadrunner", "mtorsim.export.files", "matplotlib.figure", "pandas",
]  # fmt: skip


def answered(process, folder, everyone=()):
    """Check how a command ended that was asked to; return how long it took [s]."""
    begun, pressed = time.monotonic(), folder / "pressed"
    process.wait(timeout=30)
    took = time.monotonic() - (float(pressed.read_text()) if pressed.exists() else begun)
    _, said = process.communicate(timeout=10)
    lines = said.splitlines()
    assert (process.returncode, lines[-1:]) == (130, ["interrupted"]), said
    # What else is said: how far it has come, and how to go on.
    assert all("--resume" in line or " of " in line for line in lines[:-1]), said
    assert not drafts(folder)
    assert took < WITHIN + SLACK
    limit = time.monotonic() + 1
    while any(map(is_there, everyone)):
        assert time.monotonic() < limit
        time.sleep(0.01)
    return took


@pytest.mark.parametrize("module", MOMENTS)
def test_at_any_import(module, tmp_path):
    code = PRESSED.format(module=module, program="main")
    process = started(tmp_path, "run -q --duration 1h", program=("-c", code))
    answered(process, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["pressed"]


def test_at_the_start_of_the_program_that_runs_archives(tmp_path):
    code = PRESSED.format(module="typer", program="biosimulators")
    process = started(tmp_path, "-i run.omex -o out", program=("-c", code))
    answered(process, tmp_path)


@pytest.mark.parametrize("name", LONG)
def test_in_the_midst_of_work(name, tmp_path, campaign):
    chance = random.Random(name)
    for turn in range(max(1, campaign(0) // 50)):
        folder = tmp_path / str(turn)
        folder.mkdir()
        process = started(furnish(folder), LONG[name])
        while not family(process.pid):  # it listens since it has a child
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 1) if not turn else 10 ** chance.uniform(-3, 0.7))
        everyone = family(process.pid)
        if process.poll() is None:
            # As a terminal does, or as another program does.
            send = os.killpg if chance.random() < 0.5 else os.kill
            send(process.pid, signal.SIGINT)
            answered(process, folder, everyone)
        else:
            assert (process.communicate()[1], turn > 0 or name == "show") == ("", True)
