"""The door for other people's files: what no model needs does not come in, and the line is said."""

import gzip

import pytest

from mtorsim.antimony_text import DEEPEST
from mtorsim.errors import ModelError
from mtorsim.library import load_file
from mtorsim.prescan import read_model

SBML = """<?xml version="1.0" encoding="{encoding}"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2">
<model id="m" name="M\u00fcller"><listOfParameters>
<parameter id="k" value="1" constant="true"/></listOfParameters></model></sbml>
"""


def refusal(source):
    with pytest.raises(ModelError) as caught:
        load_file(source)
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-1", "UTF-16"])
def test_any_encoding_that_xml_knows(tmp_path, encoding):
    path = tmp_path / "model.xml"
    path.write_bytes(SBML.format(encoding=encoding).encode(encoding))
    assert 'name="M\u00fcller"' in load_file(path)


def test_text_is_as_good_as_a_file():
    assert 'id="k"' in load_file(SBML.format(encoding="UTF-8"))
    assert 'id="A"' in load_file("species A; A = 1; k = 1\nR: A -> ; k*A")


def test_a_document_type_is_refused_before_any_entity_grows():
    bomb = '<!DOCTYPE sbml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>\n<sbml>&b;</sbml>'
    assert "line 1: a document type" in refusal(f"\n{bomb}".lstrip())


def test_depth_is_refused_with_the_line():
    deep = "<sbml>\n" + "<apply>" * DEEPEST + "</apply>" * DEEPEST + "</sbml>"
    assert f"line 2: elements more than {DEEPEST} deep" in refusal(deep)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(b"<sbml/>"), "compressed with gzip"),
        (b"PK\x03\x04rest", "a ZIP or OMEX archive"),
        (b"<html><body/></html>", "outermost element is <html>"),
        (b"<sbml>\n<model>\n</sbml>", "line 3: not well-formed XML: mismatched tag"),
        (b"species A\n\xff\xfe\xfa", "line 2: not UTF-8 text"),
    ],
)
def test_what_is_not_a_model(tmp_path, content, words):
    path = tmp_path / "model.xml"
    path.write_bytes(content)
    assert words in refusal(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A = 1\nk = 1e999", "line 2: '1e999' is larger than a number can be"),
        ("A = 1\nB := " + "(" * 300 + "A" + ")" * 300, "line 2: brackets more than 256 deep"),
        ('A = 1\nimport "/etc/passwd"', "line 2: imports '/etc/passwd'"),
    ],
)
def test_antimony_that_would_be_read_wrongly(text, words):
    assert words in refusal(text)


@pytest.mark.parametrize(
    ("name", "words"),
    [("/etc/other.ant", "from elsewhere"), ("../../x.ant", "from elsewhere"),
     ("other.xml", "Expected an Antimony file"), ("none.ant", "no such file")],
)  # fmt: skip
def test_imports_stay_beside_the_file(tmp_path, name, words):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "model.ant").write_text(f'import "{name}"\nA = 1\n', encoding="utf-8")
    message = refusal(folder / "model.ant")
    assert words in message
    assert "model.ant, line 1" in message


def test_numbers_in_comments_and_names_are_no_numbers():
    assert not read_model('A = 1 // 1e999\nA is "1e9999"\n').is_sbml


def test_numbers_in_notes_are_no_numbers():
    """Hashes, which every export has in its notes, now and then look like 5e265304."""
    notes = "model notes ```\nSHA-256: 5e265304d9f3\n```"
    assert not read_model(f"A = 1\n{notes}").is_sbml
    assert "line 5: '1e999'" in refusal(f"A = 1\n{notes}\nk = 1e999")


def test_an_address_in_quotes_hides_nothing():
    assert "line 2: '1e999'" in refusal('A = 1\nA identity "https://x.org/1"; k = 1e999')


def test_an_address_is_not_fetched():
    assert "Download the file" in refusal("https://example.org/model.xml")


def test_the_nearest_file_is_named(tmp_path):
    (tmp_path / "model.xml").write_text("<sbml/>", encoding="utf-8")
    assert "Closest: " in refusal(tmp_path / "modle.xml")
