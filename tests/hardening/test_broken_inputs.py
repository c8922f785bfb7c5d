"""Files from anybody: each is refused in a line or runs; nothing crashes, hangs or leaks out."""

import time
from collections import Counter

import pytest
from broken import ANTIMONY, CSV, SBML, YAML, made

import mtorsim as mt
from mtorsim.archive import simulate_archive
from mtorsim.check import check_file
from mtorsim.cli import main
from mtorsim.errors import MtorsimError
from mtorsim.fits import data

LONGEST = 10.0  # s


def tried(kind, content, folder, capsys):
    """Return how an input fared, ``"ran"`` or ``"refused"``, and how long its slowest step took.

    Anything else is raised.
    """
    path = folder / f"given.{kind}"
    if kind != "arguments":
        path.write_bytes(content)
    steps = {
        "arguments": [lambda: ran_as_command(content, capsys)],
        "yaml": [lambda: ran_as_command(["check", "-q", str(path)], capsys)],
        "csv": [lambda: data.read(path)],
        "omex": [lambda: simulate_archive(path, folder / "out")],
    }
    of_models = [lambda: check_file(path), lambda: simulated(path)]
    fared, slowest = "ran", 0.0
    for step in steps.get(kind, of_models):
        begun = time.monotonic()
        if outcome(step) == "refused":
            fared = "refused"
        slowest = max(slowest, time.monotonic() - begun)
    return fared, slowest


def simulated(path):
    mt.load_model(path, time_unit="s").simulate(duration=10.0, times=[0, 5, 10])


def outcome(step):
    """Return ``"refused"`` or ``"ran"``."""
    try:
        return "refused" if step() == "refused" else "ran"
    except MtorsimError as error:
        said = str(error)
    assert said
    assert "failed in a library underneath" not in said, said
    return "refused"


def ran_as_command(arguments, capsys):
    with pytest.raises(SystemExit) as leaving:
        main(arguments)
    complaint = capsys.readouterr().err
    assert leaving.value.code in (0, 1, 2), complaint
    assert "Traceback" not in complaint
    assert "unexpected" not in complaint.partition(":")[2][:12], complaint
    return "ran" if leaving.value.code == 0 else "refused"


def test_sound_inputs_run(tmp_path, capsys):
    for kind, sound in (("xml", SBML), ("ant", ANTIMONY), ("yaml", YAML), ("csv", CSV)):
        assert tried(kind, sound.encode(), tmp_path, capsys)[0] == "ran", kind


def test_broken_inputs(tmp_path, capsys, monkeypatch, campaign, campaign_seed, record_figures):
    inside = tmp_path / "a" / "b" / "work"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    fared, slow, faults = Counter(), [], []
    for number in range(1_000_000 * campaign_seed, 1_000_000 * campaign_seed + campaign(60)):
        kind, content = made(number)
        end, took = "", 0.0
        try:
            end, took = tried(kind, content, inside, capsys)
            fared[kind, end] += 1
        except (Exception, KeyboardInterrupt) as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            faults.append((number, kind, repr(error)[:300]))
        if end != "ran" and took > LONGEST:  # a sound one may take its time
            slow.append((number, kind, round(took, 1)))
    record_figures(f"broken inputs {dict(fared)}; slower than {LONGEST:.0f} s: {slow}")
    assert not faults
    assert not slow
    outside = [one for one in tmp_path.rglob("*") if one.is_file() and inside not in one.parents]
    assert not outside
