"""The behaviours that the model must show, each measured as numbers with bounds.

A behaviour is a published, qualitative fact about cells (insulin response, rapalog response, loss
of mTORC2 ...) turned into measurements on simulations. The bounds are those of the literature, not
of the model: a miss is reported. Contexts are sensitive or insensitive by what is assumed of them.
"""

from collections.abc import Callable, Iterator, Mapping

from mtorsim.errors import UnknownIdError
from mtorsim.qualification import clinic, inhibitors, invariants, outcome, signalling
from mtorsim.qualification.measure import Behaviour, Measure

BEHAVIOURS: Mapping[str, Callable[[], Iterator[Measure]]] = {
    "B1": signalling.insulin,
    "B2": signalling.acute,
    "B3": signalling.feedback,
    "B4": signalling.prolonged,
    "B5": inhibitors.atp_competitive,
    "B6": signalling.potency,
    "B7": inhibitors.resistance,
    "B8": outcome.activated_pi3k,
    "B9": outcome.hif_and_vegf,
    "B10": outcome.cytostatic,
    "B12": clinic.pharmacokinetics,
    "B13": clinic.weekly,
    "B16": invariants.invariants,
}
"""Id -> what measures it; its docstring states the behaviour."""

__all__ = ["BEHAVIOURS", "Behaviour", "Measure", "behaviour"]


def behaviour(id: str) -> Behaviour:
    """Measure one behaviour.

    Raises
    ------
    UnknownIdError
        For an id that is not in `BEHAVIOURS`.
    SimulationError
        When a simulation fails.
    """
    if id not in BEHAVIOURS:
        raise UnknownIdError(kind="behaviour", given=id, choices=BEHAVIOURS)
    measure = BEHAVIOURS[id]
    statement = " ".join((measure.__doc__ or "").split())
    return Behaviour(id, statement, tuple(measure()))
