"""Drugs on models that were not written here: laws that hold whatever the model is."""

from pathlib import Path

import numpy as np
import pytest

import mtorsim as mt
from mtorsim.errors import InputError, ModelError, RegimenError
from mtorsim.foreign.maps import load_map, shipped_maps
from mtorsim.foreign.proposal import proposed

# mTORC1 goes to and fro between two forms; the active one phosphorylates S6K, mTORC2 AKT.
MODEL = """
unit time_unit = {seconds} second
compartment cell; cell = {volume}
{form} mTORC1 in cell, mTORC1_a in cell
species mTORC2 in cell, S6K in cell, S6K_p in cell, AKT in cell, AKT_p in cell
mTORC1 = {c1}; mTORC1_a = 0; mTORC2 = {c2}; S6K = {c3}; S6K_p = 0; AKT = {c3}; AKT_p = 0
on: mTORC1 => mTORC1_a; cell*{t}*0.5*{on}
off: mTORC1_a => mTORC1; cell*{t}*0.2*{m1a}
kS6K = {t}*0.02/{u}; kAKT = {t}*0.02/{u}; back = {t}*0.1
activity := {m1a}*kS6K
phos_S6K: S6K => S6K_p; cell*activity*S6K
dephos_S6K: S6K_p => S6K; cell*back*S6K_p
phos_AKT: AKT => AKT_p; cell*kAKT*mTORC2*AKT
dephos_AKT: AKT_p => AKT; cell*back*AKT_p
share_active := {m1a}/({m1} + {m1a})
"""
MAP = """
model: test
concentration: {{value: {u} nM, source: assumed, confidence: D}}
mTORC1: [mTORC1, mTORC1_a]
mTORC2: [mTORC2]
activity:
  mTORC1_on_S6K: {{forms: [mTORC1_a], catalyses: [phos_S6K], {residual}}}
  mTORC2_on_AKT: {{forms: [mTORC2], catalyses: [phos_AKT]}}
read_outs:
  S6K1_pT389: [S6K_p]
  all_mTORC1: [mTORC1, mTORC1_a]
"""
MASS_ACTION, SATURATING = "{m1}", "{m1}/(1 + {m1}/{k})"
SITE = "site: S6K1_pT389"


def written(*, nM=1.0, seconds=60.0, volume=1.0, amounts=False, on=MASS_ACTION):
    """The same cell, in units of `nM` and `seconds`, with concentrations or amounts as symbols."""
    u = 1 / nM  # model units in a nanomolar
    form = "substanceOnly species" if amounts else "species"
    m1, m1a = ("mTORC1/cell", "mTORC1_a/cell") if amounts else ("mTORC1", "mTORC1_a")
    on = on.format(m1=m1, k=5 * u)
    return MODEL.format(seconds=seconds, volume=volume, t=seconds / 60, form=form, on=on, u=u,
                        m1=m1, m1a=m1a, c1=10 * u * (volume if amounts else 1), c2=6 * u,
                        c3=100 * u)  # fmt: skip


def load(tmp_path, text=None, changes=(), nM=1.0, residual=SITE):
    path = tmp_path / "map.yaml"
    content = MAP.format(u=nM, residual=residual)
    for old, new in changes:
        assert old in content
        content = content.replace(old, new)
    path.write_text(content, encoding="utf-8")
    return mt.load_model(text or written(), map=path)


def course(model, name="S6K1_pT389", drugs=None, **given):
    given = {"duration": "12 h", "times": ["1 h", "4 h", "12 h"]} | given
    drugs = {"temsirolimus": "20 nM"} if drugs is None else drugs
    return model.simulate(observe=[name], drugs=drugs, **given).column(name)


# --- laws -----------------------------------------------------------------------------------------


def test_a_rapalog_stops_S6K_and_an_atp_competitive_drug_both(tmp_path):
    model = load(tmp_path)
    bare = {id: course(model, id, {})[-1] for id in ("S6K_p", "AKT_p")}
    rapalog = {id: course(model, id)[-1] for id in bare}
    blocked = {id: course(model, id, {"Torin-1": "250 nM"})[-1] for id in bare}
    assert rapalog["S6K_p"] < 0.2 * bare["S6K_p"]
    assert rapalog["AKT_p"] == pytest.approx(bare["AKT_p"], rel=0.02)  # direct hold at micromolar
    assert blocked["S6K_p"] < 0.2 * bare["S6K_p"]
    assert blocked["AKT_p"] < 0.2 * bare["AKT_p"]


def test_what_a_rapalog_leaves_depends_on_the_site(tmp_path):
    # Below saturation of S6K the phosphate follows the activity: all of the domains that stay open,
    # and of the others the residual activity of the site, as in mtorsim's own network.
    low = written().replace("kS6K = 1.0*0.02", "kS6K = 1.0*0.0002")
    assert low != written()
    for site, left in (("S6K1_pT389", 0.0234), ("EIF4EBP1_pT37", 0.5734)):
        model = load(tmp_path, low, residual=f"site: {site}")
        kept = course(model)[-1] / course(model, drugs={})[-1]
        open_domains = 1 - course(model, "mTORC1_FRB_occupied")[-1] / 10
        assert kept == pytest.approx(open_domains + left * (1 - open_domains), rel=0.02), site


def test_mass_is_conserved_and_binding_settles_where_it_should(tmp_path):
    ids = ["mTORC1", "mTORC1_a", "mTORC1_FKBP12_temsirolimus", "mTORC1_a_FKBP12_temsirolimus",
           "FKBP12_temsirolimus", "FKBP12", "temsirolimus", "all_mTORC1"]  # fmt: skip
    run = load(tmp_path).simulate(duration="48 h", drugs={"temsirolimus": "0.2 nM"}, observe=ids)
    end = dict(zip(ids, run.values[-1], strict=True))
    # Kd 12 nM of the isolated domain, five times weaker on mTORC1; koff/kon = 0.2 nM for FKBP12.
    bound = end["FKBP12_temsirolimus"] / (end["FKBP12_temsirolimus"] + 60)
    for form in ("mTORC1", "mTORC1_a"):
        held = end[f"{form}_FKBP12_temsirolimus"]
        assert held / (held + end[form]) == pytest.approx(bound, rel=1e-3)
    # The drug decays, so that binding lags a little behind.
    assert end["FKBP12"] * end["temsirolimus"] / end["FKBP12_temsirolimus"] == (
        pytest.approx(0.2, rel=5e-3)
    )
    assert run.column("all_mTORC1") == pytest.approx(10, rel=1e-7)


@pytest.mark.parametrize(
    "units",
    [
        {"nM": 1000.0},  # micromolar
        {"seconds": 1.0},
        {"seconds": 3600.0, "nM": 0.25},
        {"volume": 3.0},
        {"volume": 3.0, "amounts": True},
    ],
)
@pytest.mark.parametrize("on", [MASS_ACTION, SATURATING])
def test_the_units_of_a_model_do_not_matter(tmp_path, units, on):
    nM = units.get("nM", 1.0)
    plain = course(load(tmp_path, written(on=on)))
    other = course(load(tmp_path, written(on=on, **units), nM=nM)) * nM
    assert other == pytest.approx(plain, rel=1e-6, abs=1e-9)


def test_a_first_amount_may_be_a_formula(tmp_path):
    text = written(volume=3.0, amounts=True)
    first = "mTORC1 = 30.0;"
    assert first in text
    formula = text.replace(first, "molecules = 10; mTORC1 = molecules*cell;")
    assert course(load(tmp_path, formula)) == pytest.approx(course(load(tmp_path, text)), rel=1e-9)


@pytest.mark.parametrize("on", [MASS_ACTION, SATURATING])
def test_a_drug_that_leaves_all_activity_changes_nothing(tmp_path, on):
    # Drug-bound states then behave as the form itself: together they saturate as one did.
    residual = "residual: {value: 1, source: assumed, confidence: D}"
    model = load(tmp_path, written(on=on), residual=residual)
    assert course(model, drugs={"temsirolimus": "0.3 nM"}) == (
        pytest.approx(course(model, drugs={}), rel=2e-4)
    )
    occupied = course(model, "mTORC1_FRB_occupied", {"temsirolimus": "0.3 nM"})
    assert occupied[-1] > 5  # of 10: it did bind


def test_read_outs_of_the_model_count_all_states(tmp_path):
    shares = course(load(tmp_path), "share_active")
    assert shares[1:] == pytest.approx(course(load(tmp_path), "share_active", {})[1:], rel=1e-6)
    text = written() + "\nthrice := 3*mTORC1 + 3*mTORC1_a"
    assert course(load(tmp_path, text), "thrice") == pytest.approx(30, rel=1e-7)


def test_a_wash_is_an_event_and_lets_go(tmp_path):
    dose = mt.Constant("0.5 nM", stop="4 h")
    model = load(tmp_path)
    given = {"drugs": {"temsirolimus": dose}, "duration": "120 h", "times": ["4 h", "120 h"]}
    washed = course(model, **given)
    in_hours = course(load(tmp_path, written(seconds=3600.0)), **given)
    assert in_hours == pytest.approx(washed, rel=1e-6, abs=1e-9)
    bare = course(model, drugs={})[-1]
    assert washed[1] < 0.5 * bare
    assert washed[-1] == pytest.approx(bare, rel=0.01)


def test_the_export_draws_the_same_curves(tmp_path):
    dose = mt.Constant("20 nM", start="1 h", stop="4 h")
    run = load(tmp_path).simulate(duration="8 h", drugs={"sirolimus": dose})
    again = mt.load_model(run.sbml).simulate(duration="8 h", observe=run.ids)
    times = run.time[::20]
    ours, theirs = (np.array(one.rows_at(times, run.ids)) for one in (run, again))
    assert theirs == pytest.approx(ours, rel=1e-6, abs=1e-8)
    assert run.dataset["S6K1_pT389"].time.attrs["units"] == "min"


def test_two_drugs_at_once(tmp_path):
    both = {"temsirolimus": "20 nM", "AZD8055": "100 nM"}
    model = load(tmp_path)
    assert course(model, "AKT_p", both)[-1] < 0.5 * course(model, "AKT_p", {})[-1]
    rescued = {"temsirolimus": "1 nM", "tacrolimus": "10 uM"}
    bare = course(model, drugs={})[1]
    assert course(model, drugs={"temsirolimus": "1 nM"})[1] < 0.6 * bare
    assert course(model, drugs=rescued)[1] > 0.9 * bare


# --- mTORC2 over days -----------------------------------------------------------------------------

FREE = (
    written().replace("mTORC2 = 6.0", "mTORC2 = 0")
    + """
species mTOR in cell, rictor in cell; mTOR = 10; rictor = 6
bind: mTOR + rictor -> mTORC2; cell*(0.0035*mTOR*rictor - fall*mTORC2); fall = 0.001
"""
)
WITH_FREE = [("mTORC2: [mTORC2]", "mTORC2: [mTORC2]\nfree_mTOR: [mTOR]\nassembly: {bind: fall}")]
LOSS = [("activity:", """mTORC2_loss:
  half_life: {value: 12 h, source: assumed, confidence: D}
  most: {value: 0.8, source: assumed, confidence: D}
activity:""")]  # fmt: skip


def assembled(model, hours, drugs):
    given = {"duration": f"{max(hours)} h", "times": [f"{hour} h" for hour in hours]}
    return course(model, "mTORC2", drugs, **given)


def test_free_mtor_is_sequestered_and_mtorc2_lost_slowly(tmp_path):
    model = load(tmp_path, FREE, WITH_FREE)
    drug = {"sirolimus": mt.Constant("20 nM", start="24 h")}
    _, before, soon, late = assembled(model, [24, 25, 96], drug)
    assert soon > 0.9 * before
    # FKBP12-drug holds 99 % of free mTOR; the tenth of a nanomolar left, at a Kd of 0.29 nM for
    # 6 nM of rictor, keeps a quarter.
    assert late / before == pytest.approx(0.27, abs=0.03)


def test_without_free_mtor_nothing_is_lost_unless_asked_for(tmp_path):
    drug = {"sirolimus": "20 nM"}
    assert assembled(load(tmp_path), [72], drug)[-1] == pytest.approx(6, rel=1e-6)
    lost = assembled(load(tmp_path, written(volume=3.0), LOSS), [12, 120], drug)
    # 0.8 are lost in the end, with a half-life of 12 h; entry takes minutes.
    assert lost[1] / 6 == pytest.approx(0.2 + 0.8 / 2, rel=0.02)
    assert lost[2] / 6 == pytest.approx(0.2, rel=0.08)  # 1 % of FRB domains stays open
    assert assembled(load(tmp_path, changes=LOSS), [72], {})[-1] == 6


# --- maps that do not fit -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([("mTORC1: [mTORC1, ", "mTORC1: [mTORC, ")],
         "map.yaml, line 4: the model has no species 'mTORC'. Closest: 'mTORC1'"),
        ([("[phos_S6K]", "[phos_S6]")], "line 7: the model has no reaction 'phos_S6'. Closest: "),
        ([("mTORC2_on_AKT: {forms: [mTORC2], catalyses: [phos_AKT]}", "")],
         "line 6: 'mTORC2' acts in the rate of 'phos_AKT', and the map does not say as what"),
        ([("[phos_S6K]", "[dephos_S6K]")], "line 7: 'mTORC1_a' does not stand in the rate of"),
        ([(", site: S6K1_pT389", "")], "line 7: 'mTORC1_a' can be held by FKBP12-drug: say what"),
        ([("concentration", "concentrations")], "unknown key 'concentrations'"),
        ([("mTORC2: [mTORC2]", "mTORC2: [mTORC2]\nfree_mTOR: [S6K]")], "needs 'assembly'"),
        ([("value: 1.0 nM", "value: 1.0 h")], "line 3"),
        ([("value: 1.0 nM", "value: 1 mM")],
         "line 3: with this, mTORC1 begins at 1e+07 nM; no cell has more than 20000 nM"),
        ([("[phos_S6K]", "[phos_S6K, dephos_S6K]")],
         "line 7: none of mTORC1_a stands in the rate of 'dephos_S6K'"),
        ([("[phos_AKT]}", "[phos_AKT], site: S6K1_pT389}")], "line 8: FKBP12-drug cannot hold"),
        ([("mTORC1_on_S6K:", "4E:")], "'4E' cannot be an id"),
        ([("[S6K_p]", "[]")], "line 10: read_outs.S6K1_pT389: an empty list"),
        ([("model: test", "model: test\ntime_unit: parsec")], "line 3: time unit: 'parsec' is not"),
        ([("[S6K_p]", "[S6Kp]")], "line 10: no species of the model 'S6Kp'. Closest: 'S6K_p'"),
    ],
)  # fmt: skip
def test_a_map_that_does_not_fit(tmp_path, changes, words):
    with pytest.raises(InputError) as caught:
        course(load(tmp_path, changes=changes))
    assert words in str(caught.value)


def test_a_rate_that_cannot_be_shared_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"the rate of 'on', .*, cannot be shared"):
        course(load(tmp_path, written(on="{m1}*{m1}")))


ENZYME = """
unit time_unit = 60 second
species mTORC1, S6K, mTORC1_S6K, S6K_p; mTORC1 = 5; S6K = 100; S6K_p = 0; mTORC1_S6K = 0
on: mTORC1 + S6K -> mTORC1_S6K; 0.1*mTORC1*S6K - 0.1*mTORC1_S6K
cat: mTORC1_S6K => mTORC1 + S6K_p; 5*mTORC1_S6K
off: S6K_p => S6K; 0.1*S6K_p
"""


@pytest.mark.parametrize(
    ("forms", "words"),
    [
        # Every drug-bound state would bind S6K and let S6K_p go, as if no drug were there.
        ("mTORC1, mTORC1_S6K", "with 'cat', 'mTORC1_S6K' and other forms turn 'S6K_p' and 'S6K'"),
        ("mTORC1", "'mTORC1' becomes 'mTORC1_S6K' in 'on', and no list of forms has that"),
        ("mTORC1_S6K", "'mTORC1_S6K' is made of 'mTORC1' and 'S6K' in 'on'"),
    ],
)
def test_an_enzyme_that_works_by_being_turned_over_is_refused(tmp_path, forms, words):
    path = tmp_path / "map.yaml"
    path.write_text(f"model: t\nconcentration: {{value: 1 nM, source: assumed, confidence: D}}\n"
                    f"mTORC1: [{forms}]\nactivity: {{}}\n", encoding="utf-8")  # fmt: skip
    with pytest.raises(ModelError) as caught:
        course(mt.load_model(ENZYME, map=path), "S6K_p")
    assert words in str(caught.value)


PARTNER = """
species P in cell, m_P in cell, sink in cell; P = 3; m_P = 0; sink = 0
P1: mTORC1 + P -> m_P; cell*(0.1*mTORC1*P - 0.1*m_P)
P2: m_P => mTORC1; cell*0.01*m_P
P3: m_P => sink; cell*0.001*m_P
"""


def test_partners_may_come_and_go(tmp_path):
    model = load(tmp_path, written() + PARTNER, [("mTORC1: [mTORC1,", "mTORC1: [mTORC1, m_P,")])
    assert course(model)[-1] < 0.2 * course(model, drugs={})[-1]


def test_a_map_that_names_nothing_done_is_refused(tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text("model: t\nconcentration: {value: 1 nM, source: assumed, confidence: D}\n"
                    "mTORC1: [m]\nactivity: {}\n", encoding="utf-8")  # fmt: skip
    text = "unit time_unit = 60 second\nspecies m, sink; m = 1; sink = 0\nR: m => sink; 0.1*m"
    with pytest.raises(ModelError, match="nothing that mTOR does is named"):
        course(mt.load_model(text, map=path), "m")


def test_an_event_that_sets_a_form_is_refused(tmp_path):
    text = written() + "\nE: at (time > 5): mTORC1 = 3"
    with pytest.raises(ModelError, match="event 'E' sets 'mTORC1'"):
        course(load(tmp_path, text))


@pytest.mark.parametrize("id", ["FKBP12", "temsirolimus", "mTORC1_FKBP12_temsirolimus",
                                "permeate_temsirolimus", "kon_FKBP12_temsirolimus"])  # fmt: skip
def test_an_id_that_the_layer_needs(tmp_path, id):
    with pytest.raises(ModelError, match=f"needs the id '{id}', which the model uses"):
        course(load(tmp_path, written() + f"\n{id} = 3"))


def test_a_regimen_has_no_body(tmp_path):
    with pytest.raises(RegimenError, match="only mtorsim's own cell has"):
        course(load(tmp_path), drugs={"temsirolimus": "25 mg IV weekly x4"}, duration="8 weeks")


# --- proposals ------------------------------------------------------------------------------------


def test_a_proposal_runs_and_says_why(tmp_path):
    path = tmp_path / "model.ant"
    path.write_text(written(), encoding="utf-8")
    text = proposed(path)
    assert "# Tried: temsirolimus can be written into the model with it." in text
    assert "- mTORC1_a   # name says TORC1" in text
    (tmp_path / "map.yaml").write_text(text, encoding="utf-8")
    found = load_map(tmp_path / "map.yaml")
    assert (found.mTORC1, found.mTORC2) == (("mTORC1", "mTORC1_a"), ("mTORC2",))
    assert {one.catalyses for one in found.activity.values()} == {("phos_S6K",), ("phos_AKT",)}
    model = mt.load_model(path, map=tmp_path / "map.yaml")
    assert course(model, "S6K_p")[-1] < 0.2 * course(model, "S6K_p", {})[-1]


def test_identifiers_tell_what_names_do_not(tmp_path):
    text = (
        FREE
        + """
    X = 0; species X in cell
    mTOR identity "https://identifiers.org/uniprot:P42345"
    X hasPart "https://identifiers.org/uniprot:P42345", "https://identifiers.org/uniprot:Q8N122"
    """
    )
    path = tmp_path / "model.ant"
    path.write_text(text, encoding="utf-8")
    found = proposed(path)
    assert "- X   # mTOR with raptor (Q8N122)" in found
    assert "- mTOR   # identifier P42345" in found
    assert "bind: fall   # multiplies the complex in its rate" in found


def test_nothing_like_mtor(tmp_path):
    path = tmp_path / "model.ant"
    path.write_text("unit time_unit = 60 second\nspecies A; A = 1; k = 1\nR: A -> ; k*A")
    with pytest.raises(ModelError, match="no species looks like mTORC1"):
        proposed(path)


# --- published models -----------------------------------------------------------------------------


def test_shipped_maps_say_what_is_assumed_and_what_is_expected():
    for one in shipped_maps():
        assert one.models
        assert one.expected, one.path
        assert one.concentration.source
        assert Path(one.path).parent.name == "foreign"
