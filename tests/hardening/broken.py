"""Broken inputs, made from sound ones: each from one number, so that a failure can be repeated."""

import io
import random
import re
import zipfile

MATH = 'xmlns="http://www.w3.org/1998/Math/MathML"'
SBML = f"""<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1">
<model id="m" timeUnits="second" substanceUnits="mole" extentUnits="mole" volumeUnits="litre">
<listOfFunctionDefinitions><functionDefinition id="f"><math {MATH}><lambda><bvar><ci>x</ci></bvar>
<apply><times/><ci>x</ci><cn>2</cn></apply></lambda></math></functionDefinition>
</listOfFunctionDefinitions>
<listOfCompartments><compartment id="c" size="2" spatialDimensions="3" constant="true"/>
</listOfCompartments>
<listOfSpecies>
<species id="A" compartment="c" initialConcentration="3" hasOnlySubstanceUnits="false"
 boundaryCondition="false" constant="false"/>
<species id="B" compartment="c" initialAmount="0" hasOnlySubstanceUnits="true"
 boundaryCondition="false" constant="false"/></listOfSpecies>
<listOfParameters><parameter id="k" value="0.1" constant="true"/>
<parameter id="p" constant="false"/></listOfParameters>
<listOfInitialAssignments><initialAssignment symbol="p"><math {MATH}><apply><ci>f</ci><ci>k</ci>
</apply></math></initialAssignment></listOfInitialAssignments>
<listOfRules><rateRule variable="p"><math {MATH}><apply><minus/><ci>k</ci></apply></math></rateRule>
</listOfRules>
<listOfReactions><reaction id="R" reversible="false" fast="false">
<listOfReactants><speciesReference species="A" stoichiometry="1" constant="true"/></listOfReactants>
<listOfProducts><speciesReference species="B" stoichiometry="1" constant="true"/></listOfProducts>
<kineticLaw><math {MATH}><apply><times/><ci>c</ci><ci>q</ci><ci>A</ci></apply></math>
<listOfLocalParameters><localParameter id="q" value="0.5"/></listOfLocalParameters></kineticLaw>
</reaction></listOfReactions>
<listOfEvents><event id="E" useValuesFromTriggerTime="true"><trigger initialValue="false"
 persistent="true"><math {MATH}><apply><geq/><csymbol encoding="text"
 definitionURL="http://www.sbml.org/sbml/symbols/time">t</csymbol><cn>2</cn></apply></math>
</trigger><listOfEventAssignments><eventAssignment variable="A"><math {MATH}><apply><plus/>
<ci>A</ci><cn>1</cn></apply></math></eventAssignment></listOfEventAssignments></event></listOfEvents>
</model></sbml>
"""
ANTIMONY = """// a model
model m
  compartment c = 2; species A in c = 3, B in c = 0
  unit time_unit = second
  function_k = 0.1; p := 2*function_k
  R: A -> B; c*function_k*A
  p2 = 1; p2' = -p2
  E: at time >= 2: A = A + 1
end
"""
YAML = """cell: 786-O
duration: 2 h
perturbations: [hypoxia]
stimuli: {insulin: 10 nM}
drugs:
  - {name: temsirolimus, dose: 20 nM, start: 0 h, stop: 1 h}
  - {name: AZD8055, dose: 0.1 uM}
set: {FKBP12: 200 nM}
observe: [S6K1_pT389, AKT_pS473]
"""
CSV = """cell,drug,dose,observable,time,value,sd,unit
786-O,temsirolimus,20 nM,S6K1_pT389,1 h,0.1,0.02,relative
786-O,temsirolimus,20 nM,AKT_pS473,6 h,1.4,0.2,relative
"""
ARGUMENTS = [
    *("run", "show", "check", "export", "map", "pk", "cells", "drugs", "parameters", "scenario"),
    *("schema", "--cell", "--drug", "--set", "--duration", "--observe", "--perturb", "--stimulus"),
    *("--regimen", "--to", "--times", "786-O", "786O", "temsirolimus=20nM", "temsirolimus=", "=20"),
    *(
        "1e999",
        "NaN",
        "-1",
        "72h",
        "0h",
        "1e9y",
        "kphos_S6K1_by_mTORC1=0.3",
        "FKBP12=-5",
        "hypoxia",
    ),
    *("S6K1_pT389", "../../x", "/dev/null", ".", "--", "--json", "-q", "--nothing", "ünïcödé"),
    *("25 mg weekly", "insulin=10nM", "-o", "--out", "out", ""),
]
NASTY = [
    *("", " ", "\0", "\u202e", "NaN", "INF", "-INF", "1e999", "1e-999", "-1", "0", "0x10", "1,5"),
    *(
        "1.5.2",
        "9" * 400,
        "k" * 100_000,
        "../../../etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
    ),
    *("http://127.0.0.1:9/x.xml", "&a;", "<!--", "]]>", "time", "A", "k", "true", "null", "[" * 60),
    *("{" * 60, "(" * 2000, "- " * 300, "&x *x", "!!python/object/apply:os.system [id]", "\ud800"),
]


def kinds():
    """Return name -> what makes a broken file of that kind from a source of chance."""
    return {
        "xml": lambda chance: xml(SBML, chance),
        "ant": lambda chance: text(ANTIMONY, chance),
        "yaml": lambda chance: text(YAML, chance),
        "csv": lambda chance: text(CSV, chance),
        "omex": omex,
        "arguments": lambda chance: chance.choices(ARGUMENTS, k=chance.randint(1, 7)),
    }


def xml(sound, chance):
    """Return SBML with one to three faults."""
    broken = sound
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        broken = chance.choice((_element_again, _element_away, _attribute, _content, _name, _grow,
                                _doctype, text))(broken, chance)  # fmt: skip
    return broken if isinstance(broken, bytes) else broken.encode("utf-8", "surrogatepass")


def _elements(given):
    return list(re.finditer(r"<(\w+)\b[^<>]*?(?:/>|>.*?</\1>)", given, re.S)) or [
        re.match(r"", given)
    ]


def _as_text(given):
    return given.decode("utf-8", "replace") if isinstance(given, bytes) else given


def _element_again(given, chance):
    given = _as_text(given)
    found = chance.choice(_elements(given))
    return given[: found.end()] + found[0] * chance.choice((1, 1, 50)) + given[found.end() :]


def _element_away(given, chance):
    given = _as_text(given)
    found = chance.choice(_elements(given))
    return given[: found.start()] + given[found.end() :]


def _replaced(given, pattern, chance, *others):
    given = _as_text(given)
    found = list(re.finditer(pattern, given))
    if not found:
        return given
    one = chance.choice(found)
    new = chance.choice([*NASTY, *others]).replace("<", "&lt;").replace('"', "")
    return given[: one.start(1)] + new + given[one.end(1) :]


def _attribute(given, chance):
    others = re.findall(r'="([^"]*)"', _as_text(given)) or [""]
    return _replaced(given, r'="([^"]*)"', chance, *others)


def _content(given, chance):
    return _replaced(given, r"<(?:ci|cn)>([^<]*)<", chance, "A", "R", "f", "E", "c", "p", "q")


def _name(given, chance):
    names = ("times", "plus", "divide", "delay", "piecewise", "algebraicRule", "lambda", "rateRule",
             "and", "not", "event", "cn", "ci", "root", "factorial", "foo")  # fmt: skip
    given = _as_text(given)
    found = list(re.finditer(r"</?(\w+)", given))
    if not found:
        return given
    one = chance.choice(found)
    new = chance.choice(names)
    return re.sub(rf"(</?){one[1]}\b", rf"\g<1>{new}", given) if chance.random() < 0.5 else (
        given[: one.start(1)] + new + given[one.end(1) :])  # fmt: skip


def _grow(given, chance):
    deep, kind = chance.choice((10, 200, 300, 10_000)), chance.choice(("minus", "plus", "not"))
    given = _as_text(given)
    found = list(re.finditer(r"<ci>\w+</ci>", given))
    if not found:
        return given
    one = chance.choice(found)
    nested = f"<apply><{kind}/>" * deep + one[0] + "</apply>" * deep
    wide = f"<apply><{kind}/>{one[0] * deep}</apply>"
    return given[: one.start()] + chance.choice((nested, wide)) + given[one.end() :]


def _doctype(given, chance):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    steal = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    head, _, rest = _as_text(given).partition("\n")
    return f"{head}\n{chance.choice((bomb, steal))}\n{rest}"


def text(sound, chance):
    """Return text with a few faults, as bytes."""
    given = bytearray(sound.encode("utf-8", "surrogatepass") if isinstance(sound, str) else sound)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(given) + 1)
        end = min(len(given), start + chance.choice((0, 1, 1, 4, 30)))
        match chance.randrange(6):
            case 0:
                given[start:end] = bytes(chance.choices(range(256), k=chance.randint(0, 5)))
            case 1:
                given[start:end] = chance.choice(NASTY).encode("utf-8", "surrogatepass")
            case 2:
                del given[start:end]
            case 3:
                given[start:start] = given[start:end] * chance.choice((1, 2, 100))
            case 4:
                del given[start:]
            case 5:
                words = re.findall(rb"[\w.]+", bytes(given)) or [b"x"]
                given = bytearray(
                    bytes(given).replace(chance.choice(words), chance.choice(words), 1)
                )
    return bytes(given)


SEDML = """<?xml version="1.0" encoding="UTF-8"?>
<sedML xmlns="http://sed-ml.org/sed-ml/level1/version4" level="1" version="4">
<listOfSimulations><uniformTimeCourse id="s" initialTime="0" outputStartTime="0" outputEndTime="3"
 numberOfSteps="3"><algorithm kisaoID="KISAO:0000019"/></uniformTimeCourse></listOfSimulations>
<listOfModels><model id="n" language="urn:sedml:language:sbml" source="model.xml"/></listOfModels>
<listOfTasks><task id="t" modelReference="n" simulationReference="s"/></listOfTasks>
<listOfDataGenerators><dataGenerator id="d" name="A"><listOfVariables><variable id="v"
 target="/sbml:sbml/sbml:model/sbml:listOfSpecies/sbml:species[@id='A']" taskReference="t"/>
</listOfVariables><math xmlns="http://www.w3.org/1998/Math/MathML"><ci>v</ci></math></dataGenerator>
</listOfDataGenerators>
<listOfOutputs><report id="r"><listOfDataSets><dataSet id="x" label="A" dataReference="d"/>
</listOfDataSets></report></listOfOutputs></sedML>
"""
MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<omexManifest xmlns="http://identifiers.org/combine.specifications/omex-manifest">
<content location="." format="http://identifiers.org/combine.specifications/omex"/>
<content location="./model.xml" format="http://identifiers.org/combine.specifications/sbml"/>
<content location="./a.sedml" format="http://identifiers.org/combine.specifications/sed-ml"
 master="true"/></omexManifest>
"""


def omex(chance):
    """Return a COMBINE archive with a fault in a member, its name, or the bytes of the archive."""
    files = {"manifest.xml": MANIFEST, "model.xml": SBML, "a.sedml": SEDML}
    name = chance.choice(list(files))
    whole = chance.random()
    if whole < 0.6:
        files[name] = chance.choice((xml, text))(files[name], chance)
    elif whole < 0.8:
        moved = chance.choice(
            ("../x", "/x", "a/../../x", "..\\x", "C:x", "manifest.xml", "x" * 300)
        )
        files[moved] = files.pop(name)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for place, content in files.items():
            info = zipfile.ZipInfo(place)
            if whole >= 0.95:
                info.external_attr = 0o120777 << 16
            archive.writestr(info, content)
    made = buffer.getvalue()
    return text(made, chance) if 0.8 <= whole < 0.95 else made


def made(number):
    """Return the kind and the content of the broken input of that number."""
    chance = random.Random(number)
    choices = kinds()
    kind = chance.choices(list(choices), weights=(8, 4, 3, 1, 3, 2))[0]
    return kind, choices[kind](chance)
