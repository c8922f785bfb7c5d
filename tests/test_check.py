"""`mtorsim check` on small models whose faults can be seen with the eye."""

from pathlib import Path

import pytest

from mtorsim.check import check_file
from mtorsim.check.mass import Change, Imbalance, imbalances, moieties
from mtorsim.errors import InputError

MODELS = Path(__file__).parents[1] / "models"
UNITS = """
unit substance = 1e-9 mole; unit extent = 1e-9 mole; unit time_unit = 60 second
unit volume = litre; unit nM = 1e-9 mole / litre; unit per_min = 1 / (60 second)
compartment cell = 2; cell has volume
"""


def check(tmp_path, text, name="model.ant"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return check_file(path)


def messages(report, severity):
    return [finding.message for finding in report.of(severity)]


# --- mass -----------------------------------------------------------------------------------------


def test_moieties_of_binding():
    bind = Change("bind", {"A": -1, "B": -1, "AB": 1}, 0.01)
    assert moieties(["A", "B", "AB"], [bind]) == ({"A": 1, "AB": 1}, {"B": 1, "AB": 1})


def test_a_dimer_counts_twice():
    dimerise = Change("dimerise", {"A": -2, "AA": 1}, 0.01)
    assert moieties(["A", "AA"], [dimerise]) == ({"A": 1, "AA": 2},)


def test_turnover_ends_conservation():
    changes = [Change("make", {"A": 1}, 100), Change("degrade", {"A": -1}, 100)]
    assert moieties(["A"], changes) == ()


def test_only_the_unbalanced_reaction_is_named():
    bind = Change("bind", {"A": -1, "B": -1, "AB": 1}, 0.01)
    lose = Change("lose_A", {"AB": -1, "B": 1}, 1.0)  # where has A gone?
    balanced = Change("modify", {"B": -1, "Bp": 1}, 1.0)
    species = ["A", "B", "AB", "Bp"]
    assert imbalances(species, [bind, balanced]) == ()
    assert imbalances(species, [bind, lose, balanced]) == (Imbalance("lose_A", pytest.approx(-1)),)


def test_no_reactions():
    assert imbalances(["A"], []) == ()
    assert moieties(["A"], []) == ({"A": 1},)


# --- models ---------------------------------------------------------------------------------------


def test_a_sound_model(tmp_path):
    report = check(
        tmp_path, "species A, B, AB; A = 1; B = 2; AB = 0; k = 1\nbind: A + B -> AB; k*A*B"
    )
    assert report.is_sound
    assert report.kind == "Antimony model"
    assert "conserved: A + AB." in messages(report, "note")
    assert "conserved: B + AB." in messages(report, "note")


def test_a_mistyped_id_is_found_with_the_nearest(tmp_path):
    report = check(tmp_path, "species A; A = 1; kdeg_A = 1\nlose: A -> ; kdeg_a*A")
    assert messages(report, "error") == [
        "line 2: parameter 'kdeg_a' has no value. Did you mean 'kdeg_A'?"
    ]


def test_a_species_without_a_value(tmp_path):
    report = check(tmp_path, "species A; k = 1\nlose: A -> ; k*A")
    assert messages(report, "error") == ["line 1: species 'A' has no value."]


@pytest.mark.parametrize(
    ("law", "is_sound"), [("cell*k*A", True), ("k*A", False), ("cell*A", False)]
)
def test_a_missing_volume_or_unit_is_an_error(tmp_path, law, is_sound):
    text = (
        UNITS
        + f"""
    species A in cell, B in cell; A = 1; B = 0
    k = 1; k has per_min
    turn: A -> B; {law}
    """
    )
    report = check(tmp_path, text)
    topics = {finding.topic for finding in report.of("error")}
    assert report.is_sound is is_sound, report
    assert topics == (set() if is_sound else {"units"})


def test_a_rate_that_ignores_its_reactant(tmp_path):
    report = check(tmp_path, "species A, B; A = 1; B = 0; k = 1\nturn: A => B; k")
    (warning,) = messages(report, "warning")[-1:]
    assert warning.startswith("the rate of 'turn' does not depend on A")


def test_a_reaction_that_makes_mass(tmp_path):
    report = check(tmp_path, "species A, B; A = 1; B = 0; k = 1\ncopy: A => A + B; k*A")
    assert any("'copy' makes mass: A -> A + B" in text for text in messages(report, "warning"))


@pytest.mark.parametrize(
    ("text", "plainly"),
    [
        ("A := delay(B, 3); B = 1; B' = 1", "the rule for 'A' looks back in time"),
        (
            "A = 1; B = 2; 0 = A + B - 3",
            None,
        ),  # Antimony has no algebraic rules: see the SBML below
    ],
)
def test_what_the_engine_cannot_do(tmp_path, text, plainly):
    report = check(tmp_path, text)
    assert not report.is_sound
    assert plainly is None or any(plainly in error for error in messages(report, "error"))


ALGEBRAIC = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1">
  <model>
    <listOfParameters>
      <parameter id="x" value="1" constant="false"/>
    </listOfParameters>
    <listOfRules>
      <algebraicRule><math xmlns="http://www.w3.org/1998/Math/MathML">
        <apply><minus/><ci>x</ci><cn>2</cn></apply>
      </math></algebraicRule>
    </listOfRules>
  </model>
</sbml>"""


def test_an_algebraic_rule_is_refused_in_plain_words(tmp_path):
    report = check(tmp_path, ALGEBRAIC, "model.xml")
    assert any("line 8: algebraic rule 0 = x - 2" in text for text in messages(report, "error"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("broken.ant", "species A; A -> -> B"),
        ("broken.xml", "<sbml><model>"),
        ("empty.xml", ""),
        ("page.xml", "<html><body>Not found</body></html>"),
    ],
)
def test_broken_syntax_is_a_finding_not_a_crash(tmp_path, name, text):
    report = check(tmp_path, text, name)
    assert not report.is_sound
    assert {finding.topic for finding in report.findings} == {"syntax"}


def test_files_that_are_not_there_or_not_text(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        check_file(tmp_path / "absent.xml")
    with pytest.raises(InputError, match="Is a directory"):
        check_file(tmp_path)
    binary = tmp_path / "figure.ant"
    binary.write_bytes(b"\x89PNG\xff\xfe")
    assert "line 1: not UTF-8 text" in messages(check_file(binary), "error")[0]
    with pytest.raises(InputError, match="cannot tell what"):
        check(tmp_path, "a: 1", "model.docx")


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.ant")), ids=lambda path: path.stem)
def test_every_model_file_is_sound_and_its_units_agree(path):
    report = check_file(path)
    assert report.is_sound, report.of("error")
    assert not [f for f in report.of("warning") if f.topic in {"units", "syntax", "mass balance"}]
