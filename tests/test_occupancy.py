"""The states of a molecule of mTOR, counted by hand."""

import pytest

from mtorsim.occupancy import NATIVE, State, states

FRB, KINASE, MUTANTS = ("sirolimus", "RMC-5552"), ("RMC-5552", "Ku-0063794"), ("MTOR_F2108L",)


@pytest.mark.parametrize(
    ("docking", "blocking", "mutants", "count"),
    [
        ((), (), (), 1),
        (("a",), (), (), 2),
        ((), ("a", "b"), (), 3),
        (("a",), ("b",), (), 4),
        (("a",), ("a",), (), 4),  # open, docked, in the kinase site, bridged
        (("a", "b"), ("b", "c"), ("x",), 18),
    ],
)
def test_states_are_allele_times_frb_domain_times_kinase_site(docking, blocking, mutants, count):
    found = states(docking, blocking, mutants)
    assert len(found) == len(set(found)) == count


def test_the_native_state_comes_first():
    assert states(FRB, KINASE, MUTANTS)[0] == NATIVE == State()
    assert (NATIVE.suffix, NATIVE.in_words(), NATIVE.is_bridged) == ("", "", False)


def test_no_state_holds_two_molecules_of_one_drug():
    # Where both sites name one drug it is one molecule that bridges them, and the id says so.
    twice = [one for one in states(FRB, KINASE, MUTANTS) if one.FRB and one.kinase == one.FRB]
    assert {one.FRB for one in twice} == {"RMC-5552"}
    assert all(one.is_bridged and one.suffix.count("RMC_5552") == 1 for one in twice)


def test_a_drug_at_one_site_is_not_bridged():
    alone = (State(FRB="a"), State(kinase="a"), State(FRB="a", kinase="b"), State("x"))
    assert not any(one.is_bridged for one in alone)


def test_suffixes_tell_all_states_apart():
    found = states(FRB, KINASE, ("MTOR_F2108L", "MTOR_M2327I"))
    suffixes = {one.suffix for one in found}
    assert len(suffixes) == len(found)
    assert all(f"MTOR{suffix}".isidentifier() for suffix in suffixes)


@pytest.mark.parametrize(
    ("state", "suffix", "words"),
    [
        (State("MTOR_F2108L"), "_F2108L", "F2108L"),
        (State(FRB="a-1"), "_FKBP12_a_1", "FRB domain holds FKBP12-a-1"),
        (State(kinase="a-1"), "_a_1", "kinase site holds a-1"),
        (
            State("MTOR_F2108L", "a", "b"),
            "_F2108L_FKBP12_a_b",
            "F2108L; FRB domain holds FKBP12-a; kinase site holds b",
        ),
        (
            State(FRB="a", kinase="a"),
            "_FKBP12_a_bridged",
            "FKBP12-a holds FRB domain and kinase site",
        ),
    ],
)
def test_a_state_in_ids_and_in_words(state, suffix, words):
    assert (state.suffix, state.in_words()) == (suffix, words)
