"""Files made to mislead: what is passed over by one reader and read by the next."""

import io
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from broken import MANIFEST, MATH, SBML, SEDML

import mtorsim as mt
from mtorsim import antimony_text, apart, library, prescan, sbml_scan, scenario_file
from mtorsim.apart import Limits
from mtorsim.archive import container, simulate_archive
from mtorsim.cli import main
from mtorsim.engine import foreign
from mtorsim.errors import InputError, ModelError, ScenarioError
from mtorsim.fits import data
from mtorsim.sweeps import axes

DECLARED = '<?xml version="1.0" encoding="UTF-8"?>'
COMP = "http://www.sbml.org/sbml/level3/version1/comp/version1"


def refusal(source, **asked):
    with pytest.raises(InputError) as caught:
        mt.load_model(source, time_unit="s").simulate(duration=10.0, **asked)
    return str(caught.value)


# --- XML ------------------------------------------------------------------------------------------


def escaped(text):
    """Return a comment for a parser that takes each byte for a letter, and `text` for Python."""
    hidden = text.replace("<", "\\x3c").replace(">", "\\x3e").replace("-", "\\x2d")
    return f"<!-- \\x2d\\x2d\\x3e{hidden}\\x3c!\\x2d\\x2d -->"


@pytest.mark.parametrize(
    ("place", "hidden"),
    [
        ("<sbml", '<!DOCTYPE sbml [<!ENTITY a SYSTEM "secret">]>'),
        ("<listOfParameters", "<notes>" * 300 + "</notes>" * 300),
        ("<cn>2", "<cn>1,5</cn>"),
    ],
)
@pytest.mark.parametrize("encoding", ["unicode_escape", "raw_unicode_escape"])
@pytest.mark.filterwarnings("ignore:decoding with")
def test_an_encoding_with_escapes_hides_nothing(tmp_path, place, hidden, encoding):
    declared = DECLARED.replace("UTF-8", encoding)
    comment = escaped(hidden)
    if encoding.startswith("raw"):
        comment = comment.replace("\\x", "\\u00")
    path = tmp_path / "model.xml"
    path.write_text(declared + SBML.removeprefix(DECLARED).replace(place, comment + place, 1))
    assert "line 1: the encoding" in refusal(path)


@pytest.mark.parametrize("encoding", ["cp1252", "ISO-8859-15", "us-ascii", "utf8", "macroman"])
def test_encodings_of_sound_files(tmp_path, encoding):
    path = tmp_path / "model.xml"
    path.write_bytes(SBML.replace("UTF-8", encoding).encode(encoding))
    mt.load_model(path)


@pytest.mark.parametrize(
    "hidden",
    [
        f'<comp:listOfSubmodels xmlns:comp="{COMP}"/>',
        '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="secret" parse="text"/>',
        f'<x:listOfSubmodels xmlns:x="{COMP}x"/>',
    ],
)
def test_parts_that_a_reader_would_pass_over(hidden):
    assert "would be passed over" in refusal(SBML.replace("</model>", hidden + "</model>"))


def test_parts_that_may_stand_in_a_model():
    message = '<message><p xmlns="http://www.w3.org/1999/xhtml">too much</p></message>'
    limit = f"<constraint><math {MATH}><true/></math>{message}</constraint>"
    beside = '<annotation><x:y xmlns:x="urn:x"/></annotation>'
    text = SBML.replace("<listOfReactions>", f"<listOfConstraints>{limit}</listOfConstraints>"
                        "<listOfReactions>").replace("<listOfFunction", beside + "<listOfFunction",
                                                     1)  # fmt: skip
    assert mt.load_model(text).simulate(duration=1.0)["A"].size


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("<cn>2</cn>", "<cn>1e-400</cn>", "smaller than a number can be"),
        ("<cn>2</cn>", '<cn type="e-notation">1<sep/>-400</cn>', "smaller than a number can be"),
        ('size="2"', 'size="-2"', "has the size -2"),
        ('size="2"', 'size="INF"', "has the size inf"),
    ],
)
def test_numbers_that_stand_for_nothing(old, new, words):
    assert words in refusal(SBML.replace(old, new))


def test_an_id_beyond_all_need():
    long = "k" * 1000
    text = SBML.replace('"k"', f'"{long}"').replace("<ci>k</ci>", f"<ci>{long}</ci>")
    assert "is too long" in refusal(text)


def test_attributes_beyond_all_need():
    many = " ".join(f'a{k}=""' for k in range(200))
    assert re.search(
        "an element with 2.. attributes", refusal(SBML.replace('id="k"', f'id="k" {many}'))
    )


def test_elements_beyond_all_need(monkeypatch):
    monkeypatch.setattr(sbml_scan, "_MOST_ELEMENTS", 20)
    assert "more than 20 elements" in refusal(SBML)


def test_bytes_beyond_all_need(monkeypatch):
    monkeypatch.setattr(prescan, "LONGEST", 2000)
    assert "too long for a model" in refusal(SBML)
    monkeypatch.setattr(prescan, "_LONGEST_ANTIMONY", 10)
    assert "is longer than" in refusal(S)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("</reaction>", "</reaction>{reaction}", "not sound SBML.*conflicts with"),
        ("<listOfParameters>", "<listOfParameters><foo/>", "line 14: not sound SBML"),
        ("<ci>q</ci>", "<ci>nothing</ci>", "not sound SBML"),
    ],
)
def test_what_libsbml_says_is_heard(old, new, words):
    reaction = SBML[SBML.index("<reaction ") : SBML.index("</reaction>") + len("</reaction>")]
    assert re.search(words, refusal(SBML.replace(old, new.format(reaction=reaction), 1)))


def test_what_cannot_be_read_is_not_a_model():
    with pytest.raises(ModelError, match="line 14: not sound SBML"):
        library.read_sbml(SBML.replace("<listOfParameters>", "<listOfParameters><foo/>"))


# --- Antimony -------------------------------------------------------------------------------------

S = "unit time_unit = second; compartment c = 1; x = 1; x' = -x\n"


@pytest.mark.parametrize(
    "text",
    [
        '// a\rimport "{}"\n',
        'x is "a \\\nb"; import "{}" #"\n',
        '// import "{}"\n',  # said by nobody, but what is a comment is for Antimony to say
    ],
)
def test_no_import_hides(tmp_path, text):
    secret = tmp_path / "secret.ant"
    secret.write_text("secret = 42\n")
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    path = folder / "model.ant"
    path.write_bytes((S + text.format(secret)).encode())
    assert re.search(r"line [23]: .*(imports|carriage return)", refusal(path))


def test_an_import_in_a_comment_of_what_is_not_there():
    mt.load_model(f'{S}// import "nothing.ant"\n')


@pytest.mark.parametrize("text", ["k = 1; k /*\n*/ = 2\n", "k = 1 // a\rk = 2\n"])
def test_no_second_value_hides(text):
    assert "line" in refusal(S + text)


def test_lines_are_counted_in_spite_of_comments():
    assert "line 6: 'y' has a value already, in line 4" in refusal(
        f"{S}/* a\nb */ z = 2 /*\n */; y = \\\n 3\ny = 4\n"
    )


@pytest.mark.parametrize("text", ["import //\n", "import /**/", '"\\\n', "/* ", "```"])
def test_looking_takes_no_longer_than_reading(text):
    list(antimony_text.imports(text * 50_000))  # of a pattern that tries all ways, hours


@pytest.mark.parametrize("text", ["", "\n\n", "// nothing\n"])
def test_an_empty_file_is_no_model(tmp_path, text):
    path = tmp_path / "model.ant"
    path.write_text(text)
    assert "nothing in this model" in refusal(path)


def test_threads_translate_one_after_the_other():
    texts = [f"species A{k}; A{k} = {k}; R: A{k} -> ; 0.5*A{k}" for k in range(8)]
    right = [library.antimony_to_sbml(one) for one in texts]

    def translated(number):
        return all(library.antimony_to_sbml(texts[number]) == right[number] for _ in range(30))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(translated, range(8)))


# --- doses ----------------------------------------------------------------------------------------

EVENTS = S + "A = 0; p = 0; p' = 1; "


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("time - 1 >= 0", "time >= 1"),
        ("2*time >= 2", "time >= 1"),
        ("p > 1", "time > 1"),
        ("p > 1", "p > 1"),
        ("time > 1 && time < 2", "time > 1 && time < 3"),
        ("p >= 0, t0=false", "x > 0.5, t0=false"),
    ],
)
def test_of_two_doses_at_once_none_is_lost(first, second):
    text = f"{EVENTS}E: at {first}: A = A + 7; F: at {second}: A = A + 5\n"
    assert "both change 'A'" in refusal(text)


@pytest.mark.parametrize(
    ("events", "total"),
    [
        ("E: at p > 1: A = A + 7; F: at A > 3: A = A + 5", 12.0),  # the one after the other
        ("E: at p > 1, fromTrigger=false: A = A + 7; F: at p > 1, fromTrigger=false: A = A + 5",
         12.0),
        ("E: at p > 1: A = A + 7; F: at p > 1: x = x + 5; G: at p > 2: A = A + 5", 12.0),
    ],
)  # fmt: skip
def test_events_that_leave_each_other_alone(events, total):
    run = mt.load_model(f"{EVENTS}{events}\n").simulate(duration=10.0, observe=["A"])
    assert run["A"].values[-1] == total


PULSE = S + "species B in c = 0; J: -> B; c*"


@pytest.mark.parametrize(
    ("rate", "total"),
    [
        ("1000*exp(-((time - 5)/0.001)^2)", np.sqrt(np.pi)),
        ("(tanh((time - 5)*1e5) - tanh((time - 5.01)*1e5))", 0.02),
        ("max(0, time - 9.999)*1e6", 0.5),
        ("1e9*max(0, time - 5)*max(0, 5.001 - time)", 1 / 6),
        ("4e8*(max(0, time - 5) - 2*max(0, time - 5.00005) + max(0, time - 5.0001))", 1.0),
        ("2*(1 + sin(time))", 2 * (11 - np.cos(10))),
    ],
)
def test_curves_in_time_are_not_stepped_over(rate, total):
    run = mt.load_model(f"{PULSE}{rate}\n").simulate(duration=10.0, times=[10.0])
    assert run["B"].values[-1] == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize(
    "rate",
    ["(floor(time + 0.001) - floor(time))", "ceil(sin(time) - 0.9999)",
     "max(0, 1 - 1000*abs(time - 5))"],
)  # fmt: skip
def test_jumps_in_time_are_refused(rate):
    assert "jumps with time" in refusal(f"{PULSE}{rate}\n")


def test_a_curve_that_cannot_be_followed_is_refused():
    steps = iter([np.array([[1.0]]), np.array([[2.0]])])
    with pytest.raises(ModelError, match="too fast for the solver"):
        foreign._followed(np.array([[0.0]]), lambda _: next(steps), "x")


@pytest.mark.parametrize(
    "text",
    [
        "mtorsim_stop = 3; J: -> B; c*mtorsim_stop*piecewise(1, time > 2 && time < 3, 0)",
        "mtorsim_stop_9: at time > 3: x = x + 1; F: at time > 3: x = x + 1",
    ],
)
def test_a_name_of_ours_is_refused(text):
    assert "is one that mtorsim gives" in refusal(f"{S}species B in c = 0; {text}\n")


def test_no_less_than_nothing_can_be_set():
    model = mt.load_model(S + "species B in c = 1; J: B -> ; c*B/(0.5 + B)\n")
    with pytest.raises(ScenarioError, match="B: -1 is negative"):
        model.simulate(duration=1.0, set={"B": -1.0})
    assert model.simulate(duration=1.0, set={"x": -1.0})["x"].values[0] == -1.0  # by a rule


# --- archives -------------------------------------------------------------------------------------


def archive(tmp_path, method=zipfile.ZIP_DEFLATED, **others):
    files = {"manifest.xml": MANIFEST, "model.xml": SBML, "a.sedml": SEDML}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as container:
        for name, content in files.items():
            container.writestr(name, others.get(name.split(".")[0], content))
    path = tmp_path / "x.omex"
    path.write_bytes(buffer.getvalue())
    return path


def test_a_method_that_reserves_gigabytes(tmp_path):
    with pytest.raises(InputError, match="Expected Deflate"):
        simulate_archive(archive(tmp_path, zipfile.ZIP_LZMA), tmp_path / "out")


def test_of_two_outputs_of_one_name_none_is_lost(tmp_path):
    report = SEDML[SEDML.index("<report") : SEDML.index("</listOfOutputs>")]
    twice = SEDML.replace(report, report + report.replace('id="r"', 'id="R"'))
    with pytest.raises(InputError, match="report 'R' is there twice"):
        simulate_archive(archive(tmp_path, a=twice), tmp_path / "out")


def test_formulas_of_spreadsheets_are_text(tmp_path):
    evil = SEDML.replace('label="A"', 'label="=cmd|&apos;/c calc&apos;!A1"')
    simulate_archive(archive(tmp_path, a=evil), tmp_path / "out")
    written = (tmp_path / "out" / "a.sedml" / "r.csv").read_text()
    assert written.startswith("'=cmd|")


@pytest.mark.parametrize(("place", "content"), [("manifest", MANIFEST), ("a", SEDML)])
def test_what_a_library_does_not_survive(tmp_path, monkeypatch, place, content):
    def little(length):
        return Limits(0.01 if length > 1_000_000 else 8.0, 2000)

    monkeypatch.setattr(container, "limits", little)
    path = archive(tmp_path, **{place: content + " " * 20_000_000})
    with pytest.raises(InputError, match="took longer"):
        simulate_archive(path, tmp_path / "out")


def test_an_output_whose_name_no_disk_takes(tmp_path):
    long = SEDML.replace('id="r"', 'id="' + "r" * 300 + '"')
    with pytest.raises(InputError, match="cannot name a file"):
        simulate_archive(archive(tmp_path, a=long), tmp_path / "out")


# --- tables ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["", "x"])
def test_a_table_of_a_million_columns(tmp_path, column):
    path = tmp_path / "data.csv"
    path.write_text("observable,time,value,sd,unit" + f",{column}" * 1_000_000 + "\n")
    with pytest.raises(InputError, match="1000005 columns are more than 100"):
        data.read(path)


ROW = "PC-3,S6K1_pT389,1 h,{value},0.02,relative,{scenario}\n"


@pytest.mark.parametrize("scenario", ["/etc/passwd", "../../secret.yaml"])
def test_a_table_reads_no_file_elsewhere(tmp_path, scenario):
    (tmp_path / "secret.yaml").write_text("duration: 1 h\nsecret: 42\n")
    path = tmp_path / "a" / "b" / "data.csv"
    path.parent.mkdir(parents=True)
    head = "cell,observable,time,value,sd,unit,scenario\n"
    path.write_text(head + ROW.format(value="0.1", scenario=scenario))
    with pytest.raises(InputError, match=r"line 2: scenario: .* is elsewhere"):
        data.read(path)


@pytest.mark.parametrize("value", ["1_0", "\u0661"])
def test_numbers_in_a_table_are_decimal(tmp_path, value):
    path = tmp_path / "data.csv"
    head = "cell,observable,time,value,sd,unit,scenario\n"
    path.write_text(head + ROW.format(value=value, scenario=""))
    with pytest.raises(InputError, match="expected a number"):
        data.read(path)


@pytest.mark.parametrize(("value", "read"), [("010", "8"), ("1:30", "90"), ("1_0", "10")])
def test_numbers_in_yaml_are_decimal(tmp_path, value, read):
    path = tmp_path / "scenario.yaml"
    path.write_text(f"set: {{FKBP12: {value}}}\n")
    with pytest.raises(InputError, match=f"line 1.*would be read as {read}"):
        scenario_file.load(path)


# --- between processes ----------------------------------------------------------------------------


def test_a_frame_with_a_pickle_is_not_read():
    packed = io.BytesIO()
    np.savez(packed, x=np.array([{}], dtype=object))
    frame = b"".join(len(part).to_bytes(8, "big") + part for part in (b"{}", packed.getvalue()))
    with pytest.raises(ValueError, match="allow_pickle"):
        apart._read(io.BytesIO(frame))


def test_the_engine_opens_no_path(tmp_path):
    path = tmp_path / "model.xml"
    path.write_text(SBML)
    with pytest.raises(ModelError, match="expected the text"):
        foreign.run_here(str(path), np.array([0.0, 1.0]), [])


# --- words ----------------------------------------------------------------------------------------


def test_an_axis_that_is_a_drug_says_how():
    for given in ("tacrolimus", "tacrolimus.dose", "drugs.tacrolimus"):
        with pytest.raises(InputError, match=r"drugs\.tacrolimus\.dose"):
            axes.axis(given, ["1 nM", "2 nM"])


def test_a_complaint_is_not_as_long_as_a_name(capsys):
    with pytest.raises(SystemExit):
        main(["check", "x" * 100_000])
    assert len(capsys.readouterr().err) < 3000


def test_a_species_may_be_called_pi():
    text = SBML.replace('"A"', '"PI"').replace("<ci>A</ci>", "<ci>PI</ci>")
    from mtorsim.foreign.adapt import parsed
    from mtorsim.library import read_sbml

    document = read_sbml(text)
    assert parsed("PI + B", document.getModel()).getChild(0).isName()


def test_the_model_error_of_a_lost_dose_names_the_file(tmp_path):
    path = tmp_path / "doses.ant"
    path.write_text(f"{EVENTS}E: at p > 0.1: A = A + 7; F: at p > 0.1: A = A + 5\n")
    with pytest.raises(ModelError, match=r"doses\.ant: events"):
        mt.load_model(path)
