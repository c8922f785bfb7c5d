import math
import subprocess
import sys

import numpy as np
import pytest

from mtorsim import units
from mtorsim.errors import UnitError


@pytest.mark.parametrize(
    ("text", "nanomolar"),
    [
        ("20 nM", 20.0),
        ("20nM", 20.0),
        (" 20  nM ", 20.0),
        ("20\u00a0nM", 20.0),  # the no-break space of papers
        ("0.1 uM", 100.0),
        ("0.1 \u00b5M", 100.0),  # micro sign
        ("0.1 \u03bcM", 100.0),  # Greek mu
        ("2.3 pM", 0.0023),
        ("1e-3 uM", 1.0),
        (".5 mM", 5e5),
        ("20 nmol/L", 20.0),
        ("20 nmol / l", 20.0),
        ("20 nanomolar", 20.0),  # by pint
        ("0 nM", 0.0),
        ("-5 nM", -5.0),  # the caller refuses it
    ],
)
def test_concentration(text, nanomolar):
    assert units.concentration(text, "dose") == nanomolar


def test_concentration_by_mass():
    # 18 ng/mL = 18 ug/L; at 1000 g/mol 18e-9 mol/L
    assert units.concentration("18 ng/mL", "dose", molar_mass=1000) == pytest.approx(18, rel=1e-15)
    assert units.concentration("20 nM", "dose", molar_mass=1000) == 20
    with pytest.raises(UnitError, match="molar mass is not known"):
        units.concentration("18 ng/mL", "dose")


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("72 h", 4320.0),
        ("72h", 4320.0),
        ("72 hours", 4320.0),
        ("1 hour", 60.0),
        ("90 min", 90.0),
        ("90 s", 1.5),
        ("3 d", 4320.0),
        ("3 days", 4320.0),
        ("2 weeks", 20160.0),
        ("1 fortnight", 20160.0),  # by pint
    ],
)
def test_duration(text, minutes):
    assert units.duration(text, "duration") == minutes


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.3, "1/min", 0.3),
        (3, "nM", 3.0),
        ("0.3", "1/min", 0.3),
        ("1e-3", "1/min", 0.001),  # YAML reads it as text
        ("0.3 1/min", "1/min", 0.3),
        ("0.3/min", "1/min", 0.3),
        ("0.3 min^-1", "1/min", 0.3),
        ("18 1/h", "1/min", 0.3),
        ("1e6 1/(M*s)", "1/(nM*min)", 0.06),
        ("1e6 / M / s", "1/(nM*min)", 0.06),
        ("50 %", "1", 0.5),
        ("0.1 uM", "nM", 100.0),
        ("2 pL", "litre", 2e-12),
        (np.float64(0.3), "1/min", 0.3),
        (np.int64(3), "1", 3.0),
    ],
)
def test_parameter(value, unit, expected):
    got = units.parameter(value, unit, "k")
    assert got == pytest.approx(expected, rel=1e-15)
    assert type(got) is float


EXPECTED = "Expected a concentration such as '20 nM' or '0.1 uM'."


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("20", f"dose: '20' has no unit. {EXPECTED}"),
        (20, f"dose: 20 has no unit. {EXPECTED}"),
        ("20 mg", f"dose: '20 mg' is not a concentration. {EXPECTED}"),
        ("20 nm", f"dose: '20 nm' is not a concentration. Closest: 'nM'. {EXPECTED}"),
        ("20 NM", f"dose: unknown unit 'NM' in '20 NM'. Closest: 'nM'. {EXPECTED}"),
        ("nan nM", "dose: 'nan nM' is not a finite number."),
        ("inf nM", "dose: 'inf nM' is not a finite number."),
        ("1e999 nM", "dose: '1e999 nM' is not a finite number."),
        ("1,5 nM", "dose: '1,5 nM' has a comma. Write the decimal point as '.'."),
    ],
)
def test_the_message_says_what_is_wrong(value, message):
    with pytest.raises(UnitError) as caught:
        units.concentration(value, "dose")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "nM",
        "twenty nM",
        "20 30 nM",  # not 600 nM
        "1 000 nM",  # not 1 nM
        "2*20 nM",
        "20 nM nM",
        "20 nM ((((",
        "20 nM//",
        "20 nM**999999999",
        "9**9**9 nM",
        "20 nM; import os",
        "20 nM # comment",
        "9" * 300 + " nM",
        "1" + " " * 10**6,
        "20 degC",
        "\u0662\u0660 nM",  # Arabic-Indic digits
        True,
        None,
        [20],
        {"value": 20},
        b"20 nM",
        1j,
        10**5000,
        float("nan"),
    ],
    ids=lambda value: str(type(value).__name__),
)
def test_what_is_no_concentration_is_refused(value):
    with pytest.raises(UnitError) as caught:
        units.concentration(value, "dose")
    assert str(caught.value).startswith("dose: ")
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("value", "closest"), [("72 H", "'h'"), ("3 D", "'d'"), ("3 hous", "hou")])
def test_a_slip_in_the_unit_of_time_is_recognised(value, closest):
    with pytest.raises(UnitError, match=f"Closest: .*{closest}"):
        units.duration(value, "duration")


@pytest.mark.parametrize("value", ["nan", "yes", True, None, math.inf, "3 nM", "0.3 per_min"])
def test_what_is_no_rate_is_refused(value):
    with pytest.raises(UnitError, match=r"^k: "):
        units.parameter(value, "1/min", "k")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("0.1 uM", (100.0, "nM")),
        ("2 h", (120.0, "min")),
        (0.6, (0.6, "1")),
        ("60 %", (0.6, "1")),
        ("6 1/h", (0.1, "1/min")),
        ("60 nM/h", (1.0, "nM/min")),
        ("1e6 1/(M*s)", (0.06, "1/(nM*min)")),
        ("1 kDa", (1000.0, "g/mol")),
        ("5 1/week", (5 / 10080, "1/min")),  # by pint
        ("70 kg", (70.0, "kg")),
        ("20 g", (0.02, "kg")),
        ("25 mg", (2.5e-5, "kg")),  # of a body; a dose is read as a regimen
        ("1.8 m^2", (1.8, "m2")),
        ("66 cm2", (0.0066, "m2")),
        ("6 ft^2", (0.55741824, "m2")),  # by pint
        ("80 mL/kg", (0.08, "litre/kg")),
        ("48 L/h", (0.8, "litre/min")),
        ("200 mL/kg/min", (0.2, "litre/(kg*min)")),
        ("6 umol/h", (100.0, "nmol/min")),
    ],
)
def test_in_model_units(given, expected):
    value, unit = units.in_model_units(given, "value")
    assert value == pytest.approx(expected[0], rel=1e-12)
    assert unit == expected[1]


def test_a_kind_that_models_do_not_use():
    with pytest.raises(UnitError, match="which models do not use"):
        units.in_model_units("5 volt", "value")


def test_pint_quantities():
    pint = pytest.importorskip("pint")
    registry = pint.UnitRegistry()
    assert units.concentration(registry("0.1 uM"), "dose") == pytest.approx(100)
    assert units.duration(registry.Quantity(2, "day"), "duration") == pytest.approx(2880)
    assert units.parameter(registry.Quantity(0.5, ""), "1", "f") == 0.5
    with pytest.raises(UnitError, match="not a time"):
        units.duration(registry("2 nM"), "duration")
    with pytest.raises(UnitError):
        units.concentration(registry.Quantity(np.array([1.0, 2.0]), "nM"), "dose")


@pytest.mark.parametrize("unit", units._TABLES)
def test_the_tables_agree_with_pint(unit):
    for name, factor in units._TABLES[unit].items():
        # pint takes a dalton for a mass, chemists for a molar mass.
        by_pint = None if "Da" in name else units._pint_factor(name, unit)
        if by_pint is not None:
            assert by_pint == pytest.approx(float(factor), rel=1e-12), name
        else:
            assert name in {"Da", "kDa", "%", "wk", "m²", "cm²"}, name


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (0, "0 h"),
        (0.5, "0.5 min"),
        (30, "30 min"),
        (60, "1 h"),
        (90, "1.5 h"),
        (100, "100 min"),
        (4320, "72 h"),
        (20160, "14 d"),
    ],
)
def test_say_time(minutes, text):
    assert units.say_time(minutes) == text


@pytest.mark.parametrize(
    ("nanomolar", "text"),
    [
        (0, "0 nM"),
        (20, "20 nM"),
        (0.01, "0.01 nM"),
        (1500, "1.5 uM"),
        (2e6, "2 mM"),
        (5e-4, "0.5 pM"),
    ],
)
def test_say_concentration(nanomolar, text):
    assert units.say_concentration(nanomolar) == text


@pytest.mark.parametrize("value", [0.0, 1 / 3, 20.0, 4320.0, 1e-9, 123456.789, 1e9, 2 / 7 * 1e5])
def test_exact_text_comes_back_exactly(value):
    assert units.duration(units.exact_time(value), "time") == value
    assert units.concentration(units.exact_concentration(value), "dose") == value


def test_everyday_units_do_not_wait_for_pint():
    script = (
        "import sys; from mtorsim import units\n"
        "units.concentration('20 nM', 'dose'); units.duration('72 h', 'duration')\n"
        "units.in_model_units('1e6 1/(M*s)', 'kon')\n"
        "assert 'pint' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
