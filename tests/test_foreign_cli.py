"""`mtorsim run --model`, `export --model` and `map`, as typed."""

import json

import pytest

from mtorsim.cli import main as command

MODEL = """
unit time_unit = 60 second
species mTORC1, S6K, S6K_p; mTORC1 = 5; S6K = 10; S6K_p = 0; k = 0.02; back = 0.1
phos: S6K => S6K_p; k*mTORC1*S6K
dephos: S6K_p => S6K; back*S6K_p
"""


def main(arguments):
    """Carry out a command line; return its exit status."""
    with pytest.raises(SystemExit) as ended:
        command(arguments)
    return ended.value.code


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "their.ant").write_text(MODEL, encoding="utf-8")
    return "their.ant"


def test_from_a_file_to_a_drug(model, tmp_path, capsys):
    assert main(["map", model, "-o", "map.yaml"]) == 0
    given = ["--model", model, "--map", "map.yaml", "--drug", "temsirolimus=20nM"]
    assert main(["run", *given, "--duration", "12h", "--json", "--out", "o"]) == 0
    out = capsys.readouterr().out
    rows = {row["id"]: row for row in json.loads(out[out.index("{\n") :])["read_outs"]}
    assert rows["S6K1_pT389"]["ratio"][-1] < 0.25
    assert rows["S6K1_pT389"]["without_drug"][-1] == pytest.approx(5, rel=1e-6)
    origin = json.loads((tmp_path / "o" / "run.json").read_text(encoding="utf-8"))
    assert origin["scenario"]["map"] == "map.yaml"
    assert main(["export", *given, "-o", "with_drug.xml"]) == 0
    assert main(["check", "with_drug.xml", "-q"]) == 0
    assert main(["run", "--model", "with_drug.xml", "-q", "--duration", "12h", "--out", "p"]) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "their.ant", "--cell", "PC-3"], "--cell belongs to mtorsim's own network"),
        (["--map", "map.yaml"], "--map goes with --model"),
        (["--model", "theirs.ant"], "Closest: 'their.ant'"),
        (["--model", "their.ant", "--drug", "temsirolimus=20nM"], "mtorsim map their.ant"),
        (["--model", "their.ant", "--observe", "S6Kp"], "Closest: 'S6K_p'"),
        (["--model", "their.ant", "--set", "kk=1"], "their.ant: no species, parameter"),
        (["--model", "their.ant", "--duration", "3"], "has no unit"),
    ],
)  # fmt: skip
def test_what_cannot_be(model, capsys, options, words):
    assert main(["run", *options]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert "Traceback" not in captured.err
