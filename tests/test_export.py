"""Files that appear whole or not at all; exports in other formats."""

from pathlib import Path

import pytest

import mtorsim as mt
from mtorsim.errors import InputError, MtorsimError
from mtorsim.export.files import check_file_target, check_folder_target, write_file, write_folder

SHORT = {"duration": "10 min", "drugs": {"temsirolimus": "20 nM"}}


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_a_folder_is_made_with_its_parents(tmp_path):
    write_folder(tmp_path / "a" / "b", {"one.txt": b"1", "two.txt": b"2"})
    assert (tmp_path / "a" / "b" / "two.txt").read_bytes() == b"2"
    assert names(tmp_path / "a") == {"b"}


def test_other_files_in_the_folder_stay(tmp_path):
    (tmp_path / "mine.txt").write_bytes(b"mine")
    (tmp_path / "one.txt").write_bytes(b"old")
    write_folder(tmp_path, {"one.txt": b"new"})
    assert (tmp_path / "one.txt").read_bytes() == b"new"
    assert names(tmp_path) == {"mine.txt", "one.txt"}


def test_a_failure_leaves_what_was_there(tmp_path):
    (tmp_path / "one.txt").write_bytes(b"old")
    with pytest.raises(MtorsimError, match="could not write"):
        write_folder(tmp_path, {"one.txt": b"new", "no/such/folder.txt": b"2"})
    assert (tmp_path / "one.txt").read_bytes() == b"old"
    assert names(tmp_path) == {"one.txt"}


def test_a_file_replaces_an_older_one(tmp_path):
    (tmp_path / "model.xml").write_bytes(b"old")
    write_file(tmp_path / "model.xml", b"new")
    assert (tmp_path / "model.xml").read_bytes() == b"new"
    assert names(tmp_path) == {"model.xml"}


def test_trying_a_target_leaves_no_trace(tmp_path):
    check_folder_target(tmp_path / "out" / "deep", ["a.txt"])
    check_file_target(tmp_path / "model.xml")
    assert names(tmp_path) == set()


def test_targets_that_cannot_be(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "out" / "a.txt").mkdir(parents=True)
    (tmp_path / "link").symlink_to("gone")
    for folder in ("file", "file/out", "x" * 300, "link"):
        with pytest.raises(InputError):
            check_folder_target(tmp_path / folder, ["a.txt"])
    with pytest.raises(InputError, match="a folder is in the way"):
        check_folder_target(tmp_path / "out", ["a.txt"])
    for path in ("out", "nowhere/model.xml", "file/model.xml"):
        with pytest.raises(InputError):
            check_file_target(tmp_path / path)


def test_saving_from_python_is_what_the_command_writes(tmp_path):
    folder = mt.simulate(**SHORT).save(tmp_path / "out")
    assert folder == tmp_path / "out"
    assert names(folder) == {"timecourse.csv", "figure.png", "model.xml", "run.json"}


def test_exports_return_what_they_write(tmp_path):
    scenario = mt.Scenario(**SHORT)
    sbml = mt.export_sbml(scenario, tmp_path / "model.xml")
    antimony = mt.export_antimony(scenario, tmp_path / "model.ant")
    assert Path(tmp_path / "model.xml").read_text(encoding="utf-8") == sbml
    assert Path(tmp_path / "model.ant").read_text(encoding="utf-8") == antimony
    assert sbml == mt.simulate(scenario).sbml
