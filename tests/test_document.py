import pytest

from mtorsim.document import dotted, parse, read
from mtorsim.errors import ModelError, ScenarioError

TEXT = """\
cell: 786-O
drugs:
  - name: temsirolimus
    dose: 20 nM
  - name: sirolimus
set: {a: 1e-3, b: 0.5}
"""


def test_every_value_knows_its_line():
    document = parse(TEXT, "s.yaml", ScenarioError)
    assert document.content["drugs"][0] == {"name": "temsirolimus", "dose": "20 nM"}
    assert document.where() == "s.yaml"
    assert document.where(("cell",)) == "s.yaml, line 1"
    assert document.where(("drugs", 0, "dose")) == "s.yaml, line 4"
    assert document.where(("drugs", 1)) == "s.yaml, line 5"
    assert document.where(("drugs", 1, "dose")) == "s.yaml, line 5"  # as far as it is there
    assert document.where(("set", "b")) == "s.yaml, line 6"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "s.yaml: the file is empty. Expected 'key: value' lines."),
        ("# only a remark\n", "s.yaml: the file is empty. Expected 'key: value' lines."),
        ("cell: 786-O\ncell: PC-3\n", "s.yaml, line 2: key 'cell' stands on line 1 already."),
        ("a: {b: 1, b: 2}", "s.yaml, line 1: key 'b' stands on line 1 already."),
        ("a: b: c\n", "s.yaml, line 1, column 5: not valid YAML: mapping values are not allowed"),
        ("a: [1, 2\n", "s.yaml, line 2, column 1: not valid YAML: did not find expected ',' or"),
        ("a: 1\n\tb: 2\n", "s.yaml, line 2, column 1: not valid YAML: found"),
        ("a: 1\n---\nb: 2\n", "s.yaml, line 2, column 1: not valid YAML: but found another"),
        ("a: !!python/object:os.system x\n", "s.yaml, line 1, column 4: not valid YAML: could not"),
        ("a: &x 1\nb: *x\n", "s.yaml, line 2, column 4: aliases (*x) are not allowed."),
        ("no: 1\n", "s.yaml, line 1, column 1: a key must be text, got the truth value false"),
        ("1: 1\n", "s.yaml, line 1, column 1: a key must be text, got the number 1."),
        ("? [a]\n: 1\n", "s.yaml, line 1, column 3: a key must be text, got a list or mapping."),
        ("a: 2024-13-45\n", "s.yaml, line 1, column 4: '2024-13-45' cannot be read."),
        ("a: " + "9" * 5000, "s.yaml, line 1, column 4: '999"),
        ("a: \x00\n", "s.yaml: not valid YAML: "),
        ("[" * 100_000, "s.yaml, line 1, column 21: nested more than 20 levels deep."),
        ("a:\n" + "".join(" " * k + "- \n" for k in range(1, 30)), "s.yaml, line "),
    ],
    ids=range(18),
)
def test_what_is_refused(text, message):
    with pytest.raises(ScenarioError) as caught:
        parse(text, "s.yaml", ScenarioError)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 250


def test_a_billion_laughs_are_refused_at_the_first():
    lines = ["a0: &a0 [x, x]"] + [f"a{k}: &a{k} [*a{k - 1}, *a{k - 1}]" for k in range(1, 60)]
    with pytest.raises(ScenarioError, match=r"line 2.*aliases"):
        parse("\n".join(lines), "s.yaml", ScenarioError)


def test_files_that_are_none(tmp_path):
    (tmp_path / "scenario.yaml").write_text("cell: 786-O\n")
    cases = {
        tmp_path / "senario.yaml": r"no file '.*senario.yaml'. Closest: '.*/scenario.yaml'.$",
        tmp_path / "none" / "a.yaml": r"no file .*. There is no folder '.*none' either.$",
        tmp_path: "is a folder. Expected a YAML file.$",
        "a\x00b": "cannot read 'a.x00b': ",
        tmp_path / "scenario.yaml" / "x": "cannot read .*: Not a directory.$",
    }
    for path, message in cases.items():
        with pytest.raises(ScenarioError, match=message):
            read(path, ScenarioError)


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"a: 1\nb: \xff\xfe\n")
    with pytest.raises(ScenarioError, match=r"a\.yaml, line 2: not UTF-8 text\."):
        read(path, ScenarioError)
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")  # the mark that some editors put first
    assert read(path, ScenarioError).content == {"a": 1}
    path.write_bytes(b"#" * 2_000_000)
    with pytest.raises(ScenarioError, match="longer than 1 MB"):
        read(path, ScenarioError)


def test_entries_check_what_they_hold():
    root = parse("a: {b: 1, texts: [x, 2], blank: '  '}\nword: C\n", "m.yaml", ModelError).root
    fields = root.fields(("a",), ("word",))
    inner = fields["a"].entries()
    cases = [
        (lambda: root.fields(("a",), ("words",)), "m.yaml, line 2: unknown key 'word'. Closest: "),
        (lambda: root.fields(("c",), ("a", "word")), "m.yaml: 'c' is missing."),
        (lambda: fields["a"].fields(("c",)), "m.yaml, line 1: unknown key 'b'. Known: c."),
        (
            lambda: fields["word"].entries(),
            "m.yaml, line 2: word: expected a mapping, got the text",
        ),
        (lambda: inner["b"].text(), "m.yaml, line 1: a.b: expected text, got the number 1."),
        (lambda: inner["b"].items(), "m.yaml, line 1: a.b: expected a list, got the number 1."),
        (lambda: inner["texts"].texts(), "m.yaml, line 1: a.texts[1]: expected text, got the num"),
        (lambda: inner["blank"].text(), "m.yaml, line 1: a.blank: expected text, got a blank."),
        (lambda: fields["word"].choice("AB"), "m.yaml, line 2: word: 'C' is not 'A' or 'B'."),
    ]
    for act, message in cases:
        with pytest.raises(ModelError) as caught:
            act()
        assert str(caught.value).startswith(message)


def test_dotted():
    assert dotted(("drugs", 0, "dose")) == "drugs[0].dose"
    assert dotted(()) == ""
