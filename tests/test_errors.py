import pickle

import pytest

from mtorsim.errors import (
    InputError,
    MtorsimError,
    RegimenError,
    SimulationError,
    UnknownIdError,
    closest,
    either,
    shown,
    within,
)


def test_the_message_of_an_unknown_id_says_all_four_things():
    error = UnknownIdError(
        kind="cell", given="786O", choices=["786-O", "PC-3"], listing="mtorsim show cells"
    )
    assert str(error) == "no cell '786O'. Closest: '786-O'. List: mtorsim show cells"
    assert error.closest == ("786-O",)


def test_the_place_comes_first():
    error = UnknownIdError(kind="cell", given="x", choices=["786-O"], where="a.yaml, line 1")
    assert str(error) == "a.yaml, line 1: no cell 'x'. Known: 786-O."


def test_many_choices_are_not_listed():
    error = UnknownIdError(kind="species", given="??", choices=[f"s{k}" for k in range(50)])
    assert str(error) == "no species '??'."


def test_exit_status():
    assert (MtorsimError.exit_status, SimulationError.exit_status) == (1, 1)
    assert (InputError.exit_status, UnknownIdError.exit_status) == (2, 2)
    assert issubclass(InputError, ValueError)
    assert issubclass(SimulationError, RuntimeError)


@pytest.mark.parametrize(
    "error",
    [
        UnknownIdError(kind="cell", given="786O", choices=["786-O"], listing="mtorsim show cells"),
        RegimenError("stop before start"),
        SimulationError("solver stopped at 812.4 min"),
    ],
)
def test_errors_travel_between_processes(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_at_keeps_type_and_attributes():
    error = UnknownIdError(kind="cell", given="786O", choices=["786-O"]).at("a.yaml, line 1")
    assert isinstance(error, UnknownIdError)
    assert str(error) == "a.yaml, line 1: no cell '786O'. Closest: '786-O'."
    assert error.closest == ("786-O",)


def test_within_notes_the_way_up():
    with pytest.raises(RegimenError) as caught, within("drugs", 0), within("dose"):
        raise RegimenError("no")
    assert caught.value.path == ("drugs", 0, "dose")
    assert RegimenError("other").path == ()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("786o", ("786-O",)),
        ("CAKI1", ("Caki-1",)),
        ("temsirolimu", ("temsirolimus",)),
        ("tem", ("temsirolimus",)),  # an abbreviation
        ("PC3", ("PC-3",)),
        ("", ()),
        ("zzz", ()),
        (None, ()),
        (["786-O"], ()),
    ],
)
def test_closest(given, expected):
    choices = ["786-O", "Caki-1", "PC-3", "temsirolimus", "sirolimus", "tacrolimus"]
    assert closest(given, choices) == expected


def test_closest_lists_several_that_are_equally_near():
    assert closest("PTEN_los", ["PTEN_loss", "PTEN_lost", "TSC2_loss"]) == (
        "PTEN_loss",
        "PTEN_lost",
    )


def test_closest_knows_synonyms():
    assert closest("Rapamycin", ["sirolimus"], {"rapamycin": "sirolimus"}) == ("sirolimus",)


def test_closest_is_quick_with_an_absurd_name():
    assert closest("x" * 10**6, [f"name_{k}" for k in range(300)]) == ()


def test_shown_is_one_short_line():
    assert shown("a\nb") == r"'a\nb'"
    assert len(shown("x" * 1000)) < 70
    assert shown(10**5000) == "a int too long to print"


def test_either():
    assert either(["a"]) == "'a'"
    assert either(["a", "b", "c"]) == "'a', 'b' or 'c'"
