"""Exposure to a regimen: closed forms, laws, wide facts, and the tables read off."""

import json
from functools import cache

import numpy as np
import pytest

import mtorsim as mt
from mtorsim import drugs, pharmacokinetics
from mtorsim.engine import engine
from mtorsim.pharmacology import Comparison, area, ensemble, exposure
from mtorsim.pharmacology.comparison import _percentiles
from mtorsim.pharmacology.words import in_words, letters, regimen_in_words
from mtorsim.regimen import UNTIL_THE_END
from mtorsim.steps import Run
from mtorsim.symbols import symbols

T, S, KU = "temsirolimus", "sirolimus", "Ku-0063794"
POINT = {"tumour_mass": 1e-9}  # kg: nothing of a dose is lost to the tumour
TIGHT = {"relative_tolerance": 1e-10, "absolute_tolerance": 1e-10}
HOUR, WEEK = 60.0, 10080.0


@cache
def weekly(*modifiers):
    """The usual regimen, twice."""
    return exposure(T, "25 mg weekly x2", modifiers=modifiers)


@cache
def mouse(regimen):
    """Ku-0063794 in a mouse: one compartment, and a peritoneum."""
    return exposure(KU, regimen, species="mouse", set=POINT, **TIGHT)


def value(one, analyte, quantity, dose="first"):
    """A number of the table; None where there is none."""
    rows = one.table.set_index(["analyte", "dose", "quantity"])["value"]
    return rows[analyte, dose, quantity]


def constant(one, id):
    return symbols(one.compiled.sbml)[id].value


# --- laws -----------------------------------------------------------------------------------------

WAYS = [
    (drug, species, route)
    for drug in pharmacokinetics.names()
    for species in pharmacokinetics.SPECIES
    if species in pharmacokinetics.load(drug, "mouse" if drug == KU else "human").subjects
    for route in pharmacokinetics.load(drug, species).subjects[species].routes
]


def test_every_drug_has_a_way_in():
    assert {drug for drug, _, _ in WAYS} == {*pharmacokinetics.names()}


@pytest.mark.parametrize(("drug", "species", "route"), WAYS)
def test_what_is_given_is_somewhere(drug, species, route):
    dose = {"human": "25 mg", "mouse": "20 mg/kg"}[species]
    found = exposure(drug, f"{dose} {route} daily x3 then pause 1 week then {dose} {route}",
                     species=species)  # fmt: skip
    assert len(found.doses) == 4
    assert found.imbalance() <= 1e-6
    assert all((found.dataset[id] >= -1e-6).all() for id in found.dataset.data_vars)


def total(one, place):
    curve = np.maximum(one.curve(T, place), 0)  # the solver's zero may lie below
    return area(one.time, curve, 0, one.time[-1])


@pytest.mark.parametrize("species", ["human", "mouse"])
def test_plasma_follows_the_dose_and_blood_lags_behind(species):
    # Elimination is linear; FKBP12 in blood cells is not without end.
    times = [f"{minutes:.6f} min" for minutes in np.geomspace(0.1, 60 * 24 * HOUR, 3000)]
    low, high = (
        exposure(T, f"{dose} IV bolus", species=species, samples=times, **TIGHT)
        for dose in ("0.1 mg/kg", "1 mg/kg")
    )
    fold = {place: total(high, place) / total(low, place) for place in ("plasma", "blood")}
    assert fold["plasma"] == pytest.approx(10, rel=1e-3)
    assert fold["blood"] < 9.5


@pytest.mark.parametrize(
    ("species", "regimen"), [("human", "25 mg weekly x2"), ("mouse", "20 mg/kg IP daily x2")]
)
def test_the_exported_model_draws_the_same_curves(species, regimen):
    found = exposure(T, regimen, species=species)
    times = found.time[(found.time == 0) | (np.arange(found.time.size) % 40 == 7)]
    ids = [f"{S}_blood", f"{T}_plasma"]
    alone = engine(found.sbml).run(Run(times), ids)
    kept = found.dataset.sel(time=times)
    for column, id in enumerate(ids):
        assert alone[:, column] == pytest.approx(kept[id].to_numpy(), rel=1e-5, abs=1e-6)


# --- closed forms ---------------------------------------------------------------------------------


def test_a_bolus_into_one_compartment_falls_as_an_exponential():
    found = mouse("8 mg/kg IV bolus")
    volume = constant(found, f"V_per_weight_{KU.replace('-', '_')}") * 0.02  # litre, 20 g
    rate = constant(found, f"kelimination_{KU.replace('-', '_')}")
    nanomoles = 8 * 0.02 * 1e6 / drugs.load(KU).molar_mass.value
    start = nanomoles / volume
    assert found.curve(KU) == pytest.approx(start * np.exp(-rate * found.time), rel=1e-6)
    analysis = found.analysis(KU)
    assert analysis.half_life == pytest.approx(np.log(2) / rate, rel=1e-5)
    assert analysis.clearance == pytest.approx(rate * volume, rel=1e-5)
    assert analysis.volume_ss == pytest.approx(volume, rel=1e-5)
    assert analysis.tmax == 2  # the first sample, not the height at time 0
    assert analysis.cmax == pytest.approx(start * np.exp(-rate * 2), rel=1e-6)


def test_absorption_from_the_peritoneum_is_of_first_order():
    found = mouse("8 mg/kg IP")
    name = KU.replace("-", "_")
    gain, loss = (constant(found, f"{id}_{name}") for id in ("kabsorption", "kelimination"))
    volume = constant(found, f"V_per_weight_{name}") * 0.02
    start = found.nanomoles(found.doses[0]) / volume
    bateman = gain / (gain - loss) * (np.exp(-loss * found.time) - np.exp(-gain * found.time))
    assert found.curve(KU) == pytest.approx(start * bateman, rel=1e-6, abs=1e-6)


def test_accumulation_follows_from_half_life_and_interval():
    found = mouse("8 mg/kg IV bolus every 2 h x20")
    rate = constant(found, f"kelimination_{KU.replace('-', '_')}")
    share = 1 / (1 - np.exp(-rate * 2 * HOUR))
    ratios = found.accumulation(KU)
    assert ratios.auc_ratio == pytest.approx(share, rel=1e-4)
    assert ratios.cmax_ratio == pytest.approx(share, rel=1e-4)
    assert value(found, KU, "accumulation of AUC", "last over first") == ratios.auc_ratio
    tau = value(found, KU, "AUC tau", "last")
    assert tau == pytest.approx(value(mouse("8 mg/kg IV bolus"), KU, "AUC 0-inf"), rel=1e-4)


@pytest.mark.parametrize(
    ("drug", "species", "relative", "whole", "set"),
    [
        (T, "human", "10 mg/m2", "18 mg", {}),
        (T, "human", "10 mg/m2", "20 mg", {"body_surface": 2}),
        (T, "human", "0.5 mg/kg", "40 mg", {"body_weight": "80 kg"}),
        (KU, "mouse", "8 mg/kg", "0.16 mg", {}),
    ],
)
def test_doses_per_surface_and_weight(drug, species, relative, whole, set):
    curves = [
        exposure(drug, dose, species=species, set=set).curve(drug) for dose in (relative, whole)
    ]
    assert curves[0] == pytest.approx(curves[1], rel=1e-6, abs=1e-6)


# --- wide facts -----------------------------------------------------------------------------------


def test_ketoconazole_raises_sirolimus_and_leaves_temsirolimus():
    alone, both = (exposure(T, "5 mg", modifiers=names) for names in ((), ("ketoconazole",)))
    rise = value(both, S, "AUC 0-inf") / value(alone, S, "AUC 0-inf")
    assert rise > 1.5
    rise = value(both, T, "AUC 0-inf") / value(alone, T, "AUC 0-inf")
    assert rise == pytest.approx(1, abs=0.1)


def test_rifampin_lowers_sirolimus_and_an_ill_liver_raises_it():
    usual = value(exposure(T, "25 mg"), S, "AUC 0-inf")
    for name, is_higher in (("rifampin", False), ("hepatic_impairment_severe", True)):
        changed = value(exposure(T, "25 mg", modifiers=[name]), S, "AUC 0-inf")
        assert (changed > usual) == is_higher


def test_less_haematocrit_means_less_in_blood():
    less, more = (exposure(T, "25 mg", set={"haematocrit": one}) for one in (0.25, 0.5))
    assert less.curve(S).max() < more.curve(S).max()


def test_a_slower_infusion_peaks_lower():
    fast, slow = (exposure(T, f"25 mg IV over {time}") for time in ("30 min", "60 min"))
    assert value(slow, T, "Cmax") < value(fast, T, "Cmax")
    assert (value(fast, T, "tmax"), value(slow, T, "tmax")) == (0.5, 1)


def test_a_sample_is_taken_at_the_end_of_an_infusion_unless_times_are_given():
    assert value(exposure(T, "25 mg IV over 45 min"), T, "tmax") == 0.75
    given = exposure(T, "25 mg IV over 45 min", samples=["30 min", "24 h"])
    assert given.samples.tolist() == [30, 1440]
    assert value(given, T, "tmax") == 0.5


@pytest.mark.parametrize(
    ("drug", "species", "regimen"),
    [(S, "human", "5 mg PO"), (T, "mouse", "20 mg/kg IP"), ("everolimus", "human", "10 mg")],
)
def test_what_is_not_given_into_blood_arrives_later(drug, species, regimen):
    found = exposure(drug, regimen, species=species)
    assert found.curve(drug)[0] == 0
    assert value(found, drug, "tmax") > 0
    quantities = found.table["quantity"].tolist()
    assert {"CL/F", "Vz/F"} <= {*quantities}
    assert not {"CL", "Vz", "Vss"} & {*quantities}


# --- the table ------------------------------------------------------------------------------------


def test_the_table_is_the_analysis_in_usual_units():
    found = weekly()
    analysis, mass = found.analysis(T), drugs.load(T).molar_mass.value
    per_litre = mass * 1e-9 * 1e9 / 1e3  # nM -> g/litre -> ng/mL
    expected = {
        "Cmax": analysis.cmax * per_litre,
        "tmax": analysis.tmax / 60,
        "AUC 0-t": analysis.auc_last * per_litre / 60,
        "AUC 0-inf": analysis.auc_inf * per_litre / 60,
        "AUC extrapolated": analysis.extrapolated * 100,
        "half-life": analysis.half_life / 60,
        "CL": analysis.clearance * 60,
        "Vz": analysis.volume_z,
        "Vss": analysis.volume_ss,
        "MRT": analysis.mrt / 60,
    }
    assert {name: value(found, T, name) for name in expected} == pytest.approx(expected)
    # 25 mg over ng/mL h is L/h: what the clinic would compute from the table alone
    assert value(found, T, "CL") == pytest.approx(25e3 / value(found, T, "AUC 0-inf"), rel=1e-9)
    units = dict(zip(found.table["quantity"], found.table["unit"], strict=True))
    assert units["Cmax"] == units["Ctrough"] == units["Caverage"] == "ng/mL"
    assert units["AUC tau"] == "ng*h/mL"
    assert (units["CL"], units["Vss"], units["half-life"]) == ("L/h", "L", "h")
    assert found.table["value"].dtype == float


def test_the_peak_is_that_of_the_curve_at_the_samples():
    found = weekly()
    drawn = found.time[np.isin(found.time, found.samples)]
    assert drawn.size == found.samples.size
    peak = found.curve(T)[np.isin(found.time, found.samples)].max()
    assert found.analysis(T).cmax == peak


def test_a_metabolite_has_no_clearance():
    quantities = weekly().table.query("analyte == 'sirolimus'")["quantity"].tolist()
    assert not {"CL", "Vz", "Vss", "MRT"} & {*quantities}


def test_later_doses_begin_where_the_one_before_left():
    found = weekly()
    first, last = found.analysis(S), found.analysis(S, -1)
    assert last.auc_tau > first.auc_tau
    assert last.interval == first.interval == WEEK
    before = np.interp(WEEK - 1e-3, found.time, found.curve(S))
    assert first.ctrough == pytest.approx(before)
    with pytest.raises(mt.ScenarioError, match="dose 2: there are 2"):
        found.analysis(S, 2)
    with pytest.raises(mt.UnknownIdError, match="Closest: 'sirolimus'"):
        found.analysis("sirolimu")


def test_a_single_dose_has_no_accumulation():
    found = exposure(T, "25 mg")
    assert found.accumulation(T) is None
    assert found.interval() is None
    assert {*found.table["dose"]} == {"first"}


@pytest.mark.parametrize(
    ("regimen", "what"),
    [
        ("75 mg weekly x2 then 25 mg weekly x2", "dose"),
        ("25 mg IV over 60 min weekly x2 then 25 mg weekly x2", "dose"),
        ("25 mg weekly x2 then 25 mg every 2 weeks x2", "interval"),
    ],
)
def test_unlike_doses_are_not_said_to_accumulate(regimen, what):
    found = exposure(T, regimen)
    ratios = found.accumulation(T)
    assert ratios.auc_ratio is None
    assert ratios.reasons["auc_ratio"] == f"the last {what} differs from the first"
    assert np.isnan(value(found, T, "accumulation of AUC", "last over first"))


def test_the_last_interval_is_that_before_the_last_dose():
    found = exposure(T, "25 mg weekly x2 then 25 mg every 2 weeks x2")
    assert (found.interval(), found.interval(-1)) == (WEEK, 2 * WEEK)
    assert found.analysis(S, -1).interval == 2 * WEEK


def test_what_lies_below_the_limit_has_a_reason():
    table = exposure(T, "1 ug weekly x2").table
    assert table["value"].isna().all()
    assert table["reason"].str.contains("no quantifiable value").all()
    assert "AUC tau of the first dose: no quantifiable value" in table["reason"].tolist()
    low = exposure(T, "1 mg every 4 weeks x2").table.set_index(["analyte", "quantity"])
    assert low.loc[(T, "Ctrough"), "reason"] == "below the limit of quantification"
    has_value = low["value"].notna()
    assert (low.loc[has_value, "reason"] == "").all()


# --- followed too briefly -------------------------------------------------------------------------


def reasons(one):
    rows = one.table.set_index(["analyte", "dose", "quantity"])
    return rows["reason"][rows["value"].isna()].to_dict()


def test_a_run_that_ends_within_an_infusion_has_no_peak():
    found = exposure(T, "25 mg", duration="10 min")
    for analyte in (T, S):
        assert found.analysis(analyte).cmax is None
        assert reasons(found)[analyte, "first", "Cmax"] == "followed too briefly"
        assert reasons(found)[analyte, "first", "tmax"] == "followed too briefly"
    assert np.isfinite(value(found, T, "AUC 0-t"))
    assert in_words([found])[-2] == "Whole blood is drawn once, when the run ends."


def test_a_last_dose_that_is_cut_short_does_not_accumulate():
    found = exposure(T, "25 mg weekly x4", duration="505 h")
    assert found.analysis(T, -1).cmax is not None  # at the end of the infusion
    assert found.analysis(S, -1).cmax is None  # sirolimus still rises
    for ratio in found.accumulation(S).reasons.values():
        assert ratio.endswith("followed too briefly")
    assert found.accumulation(T).auc_ratio is None
    assert found.accumulation(S).cmax_ratio is None
    late = reasons(found)
    assert late[S, "last", "AUC tau"] == "followed too briefly"
    assert late[S, "last over first", "accumulation of Cmax"].startswith("Cmax of the later dose")


def test_an_interval_that_ends_with_the_run_or_the_samples_is_whole():
    for found in (
        exposure(T, "25 mg weekly", duration="4 weeks"),
        exposure(
            T, "25 mg weekly x2", samples=["1 h", "4 h", "8 h", "12 h", "24 h", "36 h", "48 h"]
        ),
    ):
        assert found.accumulation(T).reasons == {}
        assert found.accumulation(S).auc_ratio > 1


def test_a_peak_at_the_next_dose_is_a_peak():
    found = exposure(S, "2 mg PO every 30 min x3")
    assert value(found, S, "tmax") == 0.5


def test_only_samples_within_the_run_are_named():
    words = in_words([exposure(T, "25 mg", duration="5 h")])[-2]
    assert words == "Whole blood is drawn 30 min, 1 h, 2 h, 3 h, 4 h after a dose."
    words = in_words([exposure(T, "25 mg daily x2", duration="30 h")])[-2]
    assert "24 h after a dose, as far as the next" in words
    assert "48 h" not in words


def test_an_infusion_longer_than_the_samples_is_followed_to_its_peak():
    found = exposure(T, "500 mg IV over 2 weeks")
    assert found.compiled.end == 3 * WEEK
    assert value(found, T, "Cmax") > 0


def test_a_bolus_is_sampled_early_and_its_height_is_no_sample():
    found = exposure(T, "25 mg IV bolus daily x2")
    assert found.samples[:3].tolist() == [2, 5, 30]
    for place in (0, -1):
        analysis, (start, _) = found.analysis(T, place), found.window(place)
        assert analysis.tmax >= 2
        drawn = np.interp(start + found.samples, found.time, found.curve(T))
        assert analysis.cmax == pytest.approx(drawn[found.samples < 1440].max())
    whole = area(found.time, np.maximum(found.curve(T), 0), 0, 1440 - 1e-3)
    assert found.analysis(T).auc_tau == pytest.approx(whole, rel=0.02)
    assert exposure(T, "25 mg").samples[0] == 30


def test_the_length_of_an_infusion_is_taken_off_the_residence_time():
    found = exposure(T, "25 mg IV over 8 h").analysis(T)
    assert found.mrt == pytest.approx(found.aumc_inf / found.auc_inf - 240, rel=1e-12)
    assert found.reasons.keys() == {"auc_tau", "ctrough", "caverage", "fluctuation"}
    # within an infusion nothing falls: its samples are no part of the terminal slope
    wobbling = exposure(T, "25 mg IV over 30 h", samples=["1 h", "12 h", "20 h", "29 h", "31 h"])
    assert wobbling.analysis(T).half_life is None


# --- what it says of itself -----------------------------------------------------------------------


def test_the_label_says_what_is_given():
    assert weekly().label == "25 mg weekly x2"
    assert weekly("ketoconazole").label == "25 mg weekly x2 with ketoconazole"
    found = exposure(T, "5 mg", modifiers=["rifampin"], set={"haematocrit": 0.3})
    assert found.label == "5 mg once with rifampin, haematocrit=0.3"


def test_the_origin_is_complete_and_plain():
    origin = weekly("ketoconazole").provenance
    assert json.loads(json.dumps(origin)) == origin
    assert (origin["drug"], origin["species"], origin["regimen"]) == (T, "human", "25 mg weekly x2")
    assert origin["with"] == ["ketoconazole"]
    assert origin["end_h"] == 336
    assert origin["samples_h"][0] == 0.5
    assert len(origin["model_sha256"]) == 64
    assert {"mtorsim", "libroadrunner"} <= origin["versions"].keys()
    assert origin["model_sha256"] != weekly().provenance["model_sha256"]


def test_places_of_an_analyte():
    found = weekly()
    assert (found.curve(T) == found.curve(T, "blood")).all()
    assert found.curve(T, "interstitium").max() < found.curve(T, "plasma").max()
    with pytest.raises(mt.UnknownIdError, match="no place of temsirolimus 'liver'"):
        found.curve(T, "liver")


def test_how_long_a_regimen_is_followed():
    assert exposure(T, "25 mg weekly x2").compiled.end == 2 * WEEK
    assert exposure(T, "25 mg weekly").compiled.end == UNTIL_THE_END
    cut = exposure(T, "25 mg weekly x4", duration="10 d")
    assert (cut.compiled.end, len(cut.doses)) == (14400, 2)
    assert "the first 2 of these doses" in regimen_in_words(cut)
    cut = exposure(T, "25 mg IV over 30 min weekly x4", duration="2 d")
    said = "25 mg intravenously over 30 min every week, 4 times"
    assert regimen_in_words(cut) == f"{said}; only the first dose; followed for 48 h"
    assert "25 mg intravenously once; over 30 min" in regimen_in_words(exposure(T, "25 mg IV"))


def test_what_it_holds_does_not_change():
    found = weekly()
    for one in (found.set, found.tolerances, found.compiled.settings, found.compiled.given,
                found.compiled.plans):  # fmt: skip
        with pytest.raises(TypeError):
            one["body_weight"] = 1


def test_words():
    lines = in_words([weekly(), weekly("ketoconazole")])
    assert lines[0].startswith("temsirolimus in a human of 70 kg")
    assert lines[1].startswith("A: 25 mg every week, 2 times; IV over 30 min; followed for 14 d")
    assert lines[2].endswith("with ketoconazole.")
    assert lines[3].startswith("ketoconazole: ")
    assert lines[-2].startswith("Whole blood is drawn 30 min, 1 h")
    assert "sirolimus 0.1 ng/mL" in lines[-1]
    assert in_words([mouse("8 mg/kg IP")])[0].startswith("Ku-0063794 in a mouse of 20 g")
    assert "Set: tumour_mass = 1e-09." in in_words([mouse("8 mg/kg IP")])
    assert letters(28)[-3:] == ["Z", "A2", "B2"]


BAD = {
    "drug": ((("temsirolmus", "25 mg"), {}), "'temsirolimus'"),
    "drug without a model": ((("tacrolimus", "25 mg"), {}), "'sirolimus'"),
    "species": (((T, "25 mg"), {"species": "mous"}), "'mouse'"),
    "route": (((T, "25 mg PO"), {}), "not given PO"),
    "modifier": (((T, "25 mg"), {"modifiers": ["ketoconazol"]}), "'ketoconazole'"),
    "modifier of a cell": (((T, "25 mg"), {"modifiers": ["hypoxia"]}), "acts on a cell"),
    "modifier twice": (((T, "25 mg"), {"modifiers": ["rifampin"] * 2}), "given twice"),
    "no samples": (((T, "25 mg"), {"samples": []}), "samples: expected times"),
    "samples before the dose": (((T, "25 mg"), {"samples": ["-1 h"]}), "samples: expected"),
    "no time": (((T, "25 mg"), {"duration": "0 h"}), "not after the first dose"),
    "a century": (((T, "25 mg"), {"duration": "36525 d"}), "not from 1 ms to 10 years"),
    "id": (((T, "25 mg"), {"set": {"haematocrt": 0.3}}), "'haematocrit'"),
    "what follows": (((T, "25 mg"), {"set": {"scale_rate": 2}}), "cannot be set"),
    "zero": (((T, "25 mg"), {"set": {"tumour_mass": 0}}), "divided by it"),
    "no settings": (((T, "25 mg"), {"set": None}), "set: expected a mapping"),
    "a setting": (((T, "25 mg"), {"set": {"haematocrit": None}}), "expected a number, or text"),
    "a modifier alone": (((T, "25 mg"), {"modifiers": "ketoconazole"}), "expected a list such as"),
    "no modifiers": (((T, "25 mg"), {"modifiers": None}), "modifiers: expected a list"),
    "one sample": (((T, "25 mg"), {"samples": "30 min"}), "samples: expected a list such as"),
    "a tolerance": (((T, "25 mg"), {"relative_tolerance": 0}), "relative_tolerance: 0 is not abo"),
    "a tolerance of text": (((T, "25 mg"), {"absolute_tolerance": "low"}), "absolute_tolerance"),
    "an instant": (((T, "25 mg"), {"duration": "1e-9 s"}), "not from 1 ms to 10 years"),
    "no drug": (((None, "25 mg"), {}), "None"),
    "a giant": (((T, "25 mg"), {"set": {"body_weight": 700}}), "body_weight: 700 kg is far from"),
    "a dwarf": (((T, "25 mg"), {"set": {"body_weight": "7 kg"}}), "say species 'mouse'"),
}


@pytest.mark.parametrize(("given", "said"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused(given, said):
    arguments, options = given
    with pytest.raises(mt.InputError, match=said):
        exposure(*arguments, **options)


# --- comparison and accepted fits -----------------------------------------------------------------


def row(table, arm, analyte, quantity, dose="first"):
    keys = ["arm", "analyte", "dose", "quantity"]
    return table.set_index(keys).loc[(arm, analyte, dose, quantity)]


def test_arms_are_compared_with_the_same_regimen_without_modifiers():
    alone, both = weekly(), weekly("ketoconazole")
    table = Comparison((alone, both)).table
    found = row(table, both.label, S, "AUC 0-inf")
    assert found["ratio"] == pytest.approx(
        value(both, S, "AUC 0-inf") / value(alone, S, "AUC 0-inf")
    )
    assert np.isnan(row(table, alone.label, S, "AUC 0-inf")["ratio"])
    assert np.isnan(row(table, both.label, S, "tmax")["ratio"])
    assert not table["quantity"].str.contains("per dose").any()
    assert "median" not in table


def test_an_arm_without_its_plain_regimen_has_no_ratio():
    table = Comparison((weekly("ketoconazole"), exposure(T, "5 mg"))).table
    assert table["ratio"].isna().all()


def test_areas_per_dose_show_what_is_not_in_proportion():
    arms = tuple(exposure(T, f"{dose} mg") for dose in (1, 25, 100))
    table = Comparison(arms).table
    per_dose = [row(table, one.label, T, "AUC 0-inf per dose, relative")["value"] for one in arms]
    assert per_dose[0] == 1
    assert per_dose[1] == pytest.approx(
        value(arms[1], T, "AUC 0-inf") / value(arms[0], T, "AUC 0-inf") / 25
    )
    assert 1 > per_dose[1] > per_dose[2] > 0


def test_loading_doses_have_no_area_per_dose():
    arms = (exposure(T, "75 mg weekly x1 then 25 mg weekly x2"), weekly())
    assert not Comparison(arms).table["quantity"].str.contains("per dose").any()


def test_labels_differ_where_exposures_do():
    late = mt.Regimen("25 mg weekly x2", start="24 h")
    pair = Comparison((weekly(), exposure(T, late)))
    assert pair.labels == ("25 mg weekly x2, from 0 h", "25 mg weekly x2, from 24 h")
    assert {*pair.table["arm"]} == {*pair.labels}
    pair = Comparison((weekly(), exposure(T, "25 mg weekly x2", duration="10 d"), mouse("8 mg/kg")))
    assert [name.rpartition(", ")[2] for name in pair.labels] == [
        *("followed for 14 d", "followed for 10 d"),
        "8 mg/kg once with tumour_mass=1e-09",
    ]
    pair = Comparison((weekly(), exposure(T, "25 mg weekly x2", samples=["1 h", "168 h"])))
    assert pair.labels[1].endswith("drawn at 1 h, 168 h")


def test_the_same_doses_are_no_comparison():
    with pytest.raises(mt.InputError, match="is the same as '25 mg weekly x2': equal doses"):
        Comparison((weekly(), exposure(T, "25 mg IV over 30 min weekly x2")))


def test_ranges_of_areas_per_dose_are_per_dose():
    arms = tuple(exposure(T, f"{dose} mg").with_fits(FITS) for dose in (1, 25))
    found = row(Comparison(arms).table, "25 mg once", T, "AUC 0-inf per dose, relative")
    ratios = [
        value(fit, T, "AUC 0-inf") / value(base, T, "AUC 0-inf") / 25
        for fit, base in zip(arms[1].fits, arms[0].fits, strict=True)
    ]
    assert found["median"] == pytest.approx(np.median(ratios))
    assert 0.2 < found["p5"] <= found["median"] <= found["p95"] < 1


@pytest.mark.parametrize(
    ("values", "median"),
    [([1.0, 3.0, np.nan, np.nan], 2.0), ([1.0, np.nan, np.nan], np.nan), ([np.nan], np.nan)],
)
def test_half_of_the_fits_are_enough(values, median):
    assert _percentiles(np.array(values))[1] == pytest.approx(median, nan_ok=True)


def test_nothing_is_no_comparison():
    with pytest.raises(mt.InputError, match="at least one"):
        Comparison(())


FITS = [{"CL_temsirolimus": one} for one in (0.3, 0.5, 0.7)]


def test_fits_stand_beside_an_exposure():
    alone, both = (one.with_fits(FITS) for one in (weekly(), weekly("ketoconazole")))
    curves = np.sort([fit.curve(T) for fit in alone.fits], axis=0)
    assert alone.spread(T).shape == (3, alone.time.size)
    assert alone.spread(T)[1] == pytest.approx(curves[1])
    assert (alone.spread(T)[0] >= curves[0]).all()
    table = Comparison((alone, both)).table
    found = row(table, both.label, S, "Cmax")
    ratios = sorted(
        value(one, S, "Cmax") / value(other, S, "Cmax")
        for one, other in zip(both.fits, alone.fits, strict=True)
    )
    assert found["ratio_median"] == pytest.approx(ratios[1])
    assert found["p5"] <= found["median"] <= found["p95"]
    assert found["fits"] == 3
    assert found["value"] == value(both, S, "Cmax")
    assert alone.provenance["ensemble"]["fits"] == 3


def test_percentiles_need_half_of_the_fits():
    values = [{"CL_temsirolimus": one} for one in (0.001, 1.0, 1.0)]
    table = Comparison((exposure(T, "25 mg every 4 weeks x2").with_fits(values),)).table
    found = row(table, "25 mg every 4 weeks x2", T, "Ctrough", "last")
    assert found["fits"] < 3
    assert np.isnan(found["median"]) == (found["fits"] < 2)


def test_what_is_set_wins_over_a_fit():
    found = exposure(T, "5 mg", set={"CL_temsirolimus": 0.6}).with_fits(FITS)
    assert {fit.set["CL_temsirolimus"] for fit in found.fits} == {0.6}
    assert (found.spread(T)[0] == found.spread(T)[2]).all()


def test_accepted_fits_are_read_from_their_file(tmp_path, monkeypatch):
    path = tmp_path / "ensemble.csv"
    path.write_text("CL_temsirolimus,V_no_such_thing,rifampin\n0.5,1,4\n0.9,1,2\n")
    monkeypatch.setattr(ensemble, "models_path", lambda *parts: path)
    ensemble._rows.cache_clear()
    try:
        found = exposure(T, "25 mg", modifiers=["rifampin"]).with_fits()
    finally:
        ensemble._rows.cache_clear()
    assert [dict(one.set) for one in found.fits] == [
        {"CL_temsirolimus": 0.5, "CYP3A_activity": 4},
        {"CL_temsirolimus": 0.9, "CYP3A_activity": 2},
    ]


def test_a_drug_that_was_not_fitted_has_no_fits():
    with pytest.raises(mt.InputError, match="Ku-0063794 has no accepted fits: its parameters are"):
        ensemble.members(KU, "mouse")
    with pytest.raises(mt.InputError, match="no accepted fits"):
        mouse("8 mg/kg IP").with_fits()


def test_shipped_fits_run():
    found = exposure(T, "25 mg").with_fits(ensemble.members(T)[:2])
    assert len(found.fits) == 2
    assert all(fit.imbalance() <= 1e-6 for fit in found.fits)
