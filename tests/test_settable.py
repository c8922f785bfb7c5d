"""What may be set: nothing that the model makes itself, nothing that ends in a division by zero."""

import pytest

from mtorsim.compile import compile_scenario
from mtorsim.errors import ScenarioError, UnknownIdError
from mtorsim.scenario import Scenario

DRUGS = {"temsirolimus": "20 nM", "RapaLink-1": "1 nM", "AZD8055": "100 nM"}


def compiled(**set):
    return compile_scenario(Scenario(drugs=DRUGS, set=set))


@pytest.mark.parametrize(
    "id",
    [
        "Kd_kinase_temsirolimus",  # alone below the bar
        "effective_molarity_RapaLink_1",  # in a rate law of the layer
        "LARP1",  # the other term of the sum begins at zero
        "ATP_reference",  # in a rule
    ],
)
def test_zero_that_something_is_divided_by_is_refused(id):
    with pytest.raises(ScenarioError, match=f"{id}: something is divided by it") as caught:
        compiled(**{id: 0})
    assert caught.value.path == ("set", id)


@pytest.mark.parametrize("id", ["PTEN", "Km_glucose", "kphos_S6K1_by_mTORC1", "O2", "FKBP12"])
def test_zero_that_harms_nobody_is_taken(id):
    assert compiled(**{id: 0}).adapted[id] == 0


@pytest.mark.parametrize(
    "id", ["population_growth", "growth_rate_untreated", "mTORC1", "viability"]
)
def test_what_follows_from_the_rest_is_refused(id):
    with pytest.raises(ScenarioError, match="follows from the rest"):
        compiled(**{id: 1})


def test_share_of_a_mutant_that_the_cell_lacks_names_the_perturbation():
    with pytest.raises(ScenarioError, match="Add --perturb MTOR_F2108L"):
        compiled(fraction_MTOR_F2108L=0.5)


def test_washing_is_for_the_schedule():
    with pytest.raises(ScenarioError, match="follows from the schedule"):
        compiled(kwash_temsirolimus=1)


def test_unknown_id_leads_to_the_nearest():
    with pytest.raises(UnknownIdError, match="kphos_S6K1_by_mTORC1"):
        compiled(kphos_S6K1_by_mTORC=1)


def test_bad_id_in_a_data_file_is_named_with_its_file(monkeypatch):
    from dataclasses import replace

    from mtorsim import cells

    cell = cells.load("786-O")
    wrong = replace(cell, values={"VHLx": cell.values["VHL"]})
    monkeypatch.setattr("mtorsim.compile.cells.load", lambda _: wrong)
    with pytest.raises(UnknownIdError, match=r"models/cells/786-O\.yaml.*'VHLx'.*'VHL'"):
        compiled()
