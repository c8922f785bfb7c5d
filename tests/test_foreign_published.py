"""Published models under temsirolimus; they are not in the repository, so these tests may skip.

``MTORSIM_BIOMODELS`` names a folder with the files from BioModels; else ``../shared/biomodels`` is
looked for beside the repository.
"""

import os
from pathlib import Path

import numpy as np
import pytest

import mtorsim as mt

_BESIDE = Path(__file__).parents[2] / "shared" / "biomodels"
FOLDER = Path(os.environ.get("MTORSIM_BIOMODELS", _BESIDE))
IDS = ("BIOMD0000000581", "BIOMD0000000823", "BIOMD0000000833")


def load(id):
    found = sorted(FOLDER.glob(f"{id}*.xml")) if FOLDER.is_dir() else []
    if not found:
        pytest.skip(f"no {id}*.xml in {FOLDER}; set MTORSIM_BIOMODELS")
    return mt.load_model(found[0])


@pytest.fixture(scope="module")
def runs():
    """(model, drug) -> result, each simulated once."""
    kept = {}

    def run(id, **drugs):
        key = (id, *drugs.items())
        if key not in kept:
            names = {name.replace("_", "-"): dose for name, dose in drugs.items()}
            kept[key] = load(id).simulate(drugs=names)
        return kept[key]

    return run


def ratio(with_drug, without, name):
    """Value under a drug over that without, at the end."""
    return with_drug.column(name)[-1] / without.column(name)[-1]


@pytest.mark.parametrize("id", IDS)
def test_untouched_it_draws_what_roadrunner_draws(runs, id):
    import roadrunner

    run, model = runs(id), load(id)
    runner = roadrunner.RoadRunner(model.sbml)  # the file's own text
    integrator = runner.getIntegrator()
    integrator.setValue("relative_tolerance", run.tolerances["relative"])
    integrator.setValue("absolute_tolerance", list(run.tolerances["absolute"].values()))
    ids = runner.model.getFloatingSpeciesIds()
    runner.timeCourseSelections = [f"[{one}]" for one in ids]
    reference = np.array(runner.simulate(times=(run.time / model.minutes).tolist()))
    ours = model.simulate(observe=ids).values
    assert ours == pytest.approx(reference, rel=1e-9, abs=1e-9 * reference.max())
    assert model.map is not None


@pytest.mark.parametrize("id", IDS)
def test_with_a_drug_that_is_not_there_nothing_changes(id):
    model = load(id)
    given = {"relative_tolerance": 1e-12, "times": [f"{model.map.duration / 2} min"]}
    given["duration"] = given["times"][0]
    bare, none = model.simulate(**given), model.simulate(drugs={"temsirolimus": "0 nM"}, **given)
    for name in bare.ids:
        scale = np.abs(bare.column(name)).max() or 1.0
        assert none.column(name) == pytest.approx(bare.column(name), rel=1e-9, abs=1e-9 * scale)


@pytest.mark.parametrize("id", IDS)
def test_out_and_in_again(runs, id):
    run, minutes = runs(id, temsirolimus="20 nM"), load(id).minutes
    again = mt.load_model(run.sbml).simulate(
        duration=float(run.time[-1]) / minutes, observe=run.ids
    )
    for name in run.ids:
        scale = np.abs(run.column(name)).max() or 1.0
        assert again.column(name)[-1] == pytest.approx(run.column(name)[-1], abs=1e-6 * scale)


# The signs below were written down in the maps (`expected`) before anything was simulated.


def test_dalle_pezze(runs):
    bare, drug = runs("BIOMD0000000581"), runs("BIOMD0000000581", temsirolimus="20 nM")
    assert ratio(drug, bare, "S6K1_pT389") < 0.25
    assert ratio(drug, bare, "PRAS40_pS183") < 0.25
    assert ratio(drug, bare, "IRS1_pS636") < 0.9
    assert ratio(drug, bare, "IRS1_p") > 1.5
    assert ratio(drug, bare, "AKT_pT308") > 1.2
    assert ratio(drug, bare, "AKT_pS473") > 1.2
    # The rapalog itself, at 20 nM, holds a percent of kinase sites; mTORC2's own form is untouched.
    assert ratio(drug, bare, "mTORC2_pS2481") == pytest.approx(1, rel=1e-5)


def test_dalle_pezze_under_an_atp_competitive_drug(runs):
    bare, drug = runs("BIOMD0000000581"), runs("BIOMD0000000581", AZD8055="300 nM")
    assert ratio(drug, bare, "S6K1_pT389") < 0.25
    assert 0.5 < ratio(drug, bare, "AKT_pS473") < 1  # PDK2 adds Ser473 as well, in this model


def test_varusai(runs):
    bare, drug = runs("BIOMD0000000823"), runs("BIOMD0000000823", temsirolimus="20 nM")
    assert ratio(drug, bare, "IRS_inhibited") < 0.8
    assert ratio(drug, bare, "IRS_p") > 1.5
    assert ratio(drug, bare, "DEPTOR_free") > 1.5
    assert ratio(drug, bare, "mTORC2_p") < 0.8  # taken away by the DEPTOR that is left alone


def test_di_camillo(runs):
    bare, drug = runs("BIOMD0000000833"), runs("BIOMD0000000833", temsirolimus="20 nM")
    assert ratio(drug, bare, "S6K1_pT389") < 0.25
    assert ratio(drug, bare, "IRS1_pSer636") < 0.5
    assert ratio(drug, bare, "IRS1_with_PI3K") > 1.5
    assert ratio(drug, bare, "AKT_pT308") > 1.5
    assert ratio(drug, bare, "AKT_pS473") == pytest.approx(1, rel=1e-3)
