import pickle

import pytest

from mtorsim import facts
from mtorsim.document import parse
from mtorsim.errors import ModelError
from mtorsim.facts import Fact, FrozenMapping, Statement


def entry(text):
    return parse(text, "m.yaml", ModelError).root


def test_a_fact_is_read_in_model_units():
    fact = facts.fact(
        entry("{value: 0.3 uM, source: 'x,  Table 1', confidence: B, plausible: 0.1-1 uM}")
    )
    assert fact == Fact(
        value=300.0, unit="nM", source="x, Table 1", confidence="B", plausible="0.1-1 uM"
    )
    assert fact.to("uM", "FKBP12") == pytest.approx(0.3)


def test_a_bare_number_has_no_unit():
    assert facts.fact(entry("{value: 1e-3, source: x, confidence: A}")).unit == "1"
    with pytest.raises(ModelError, match=r"line 1: value: 0.5 has no unit. Expected"):
        facts.fact(entry("{value: 0.5, source: x, confidence: A}"), "1/min")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{value: 5 nM, source: x}", "m.yaml: 'confidence' is missing."),
        ("{value: 5 nM, confidence: A}", "m.yaml: 'source' is missing."),
        ("{value: 5 nM, source: , confidence: A}", "m.yaml, line 1: source: expected text, got n"),
        ("{value: 5 nM, source: x, confidence: E}", "m.yaml, line 1: confidence: 'E' is not 'A'"),
        ("{value: 5 nM, source: x, confidence: A, note: y}", "m.yaml, line 1: unknown key 'note'"),
        ("{value: nan nM, source: x, confidence: A}", "m.yaml, line 1: value: 'nan nM'"),
        ("{value: .inf, source: x, confidence: A}", "m.yaml, line 1: value: inf is not"),
        ("{value: , source: x, confidence: A}", "m.yaml, line 1: value: None is not a q"),
        ("{value: yes, source: x, confidence: A}", "m.yaml, line 1: value: True is not"),
        ("5 nM", "m.yaml: expected a mapping with 'value', 'source' or 'confidence', got the text"),
    ],
)
def test_a_fact_that_is_none(text, message):
    with pytest.raises(ModelError) as caught:
        facts.fact(entry(text))
    assert str(caught.value).startswith(message)


def test_facts_check_themselves():
    for changes in ({"value": float("nan")}, {"source": " "}, {"confidence": "E"}):
        with pytest.raises(ModelError):
            Fact(**({"value": 1.0, "unit": "1", "source": "x", "confidence": "A"} | changes))


def test_a_statement_is_text():
    statement = facts.statement(entry("{value: wild type, source: x, confidence: A}"))
    assert statement == Statement(text="wild type", source="x", confidence="A")
    assert str(statement) == "wild type"
    with pytest.raises(ModelError, match="value: expected text, got nothing"):
        facts.statement(entry("{value: null, source: x, confidence: A}"))


def test_a_frozen_mapping():
    mapping = FrozenMapping({"b": 1, "a": 2})
    assert dict(mapping) == {"b": 1, "a": 2}
    assert list(mapping) == ["b", "a"]
    assert mapping == {"a": 2, "b": 1}
    assert hash(mapping) == hash(FrozenMapping({"a": 2, "b": 1}))
    assert pickle.loads(pickle.dumps(mapping)) == mapping
    with pytest.raises(TypeError):
        mapping["a"] = 3
