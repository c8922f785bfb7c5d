"""What a behaviour looks like: a few curves of each, for the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mtorsim.result import Result
from mtorsim.scenario import Scenario
from mtorsim.simulation import simulate
from mtorsim.steps import Floats

_RAPALOG = {"temsirolimus": "20 nM"}
_STARVED = ("serum_starvation",)
_CUT = ("S6K1_IRS1_feedback_off",)


@dataclass(frozen=True)
class Scene:
    """A scenario and the read-outs that show a behaviour.

    Attributes
    ----------
    title : str
    ids : tuple of str
    fields : mapping
        Of the scenario.
    of_highest : bool
        Whether curves are drawn as a share of their highest point, not of the untreated cell.
    """

    title: str
    ids: tuple[str, ...]
    fields: Mapping[str, Any] = field(hash=False)
    of_highest: bool = False


@dataclass(frozen=True, eq=False)
class Seen:
    """A scene, simulated.

    Attributes
    ----------
    title : str
    hours : array, shape (n,)
    curves : mapping of str to array, shape (n,)
        Name of a read-out -> its course, relative to the untreated cell or to its highest point.
    relative_to : str
        Which of the two, in words.
    """

    title: str
    hours: Floats
    curves: Mapping[str, Floats]
    relative_to: str


def _dish(title: str, ids: Sequence[str], **fields: Any) -> Scene:
    return Scene(title, tuple(ids), fields)


SCENES: Mapping[str, tuple[Scene, ...]] = {
    "B1": (
        Scene(
            "adipocyte, 10 nM insulin",
            ("IRS1_pY", "AKT_pT308", "AKT_pS473", "S6K1_pT389", "IRS1_pS636"),
            {"cell": "adipocyte", "perturbations": _STARVED, "stimuli": {"insulin": "10 nM"},
             "duration": "1 h"},
            of_highest=True,
        ),
    ),
    "B2": (
        _dish(
            "HEK293, 20 nM temsirolimus",
            ("S6K1_pT389", "S6_pS235", "EIF4EBP1_pT37", "EIF4EBP1_pS65"),
            cell="HEK293", drugs=_RAPALOG, duration="24 h",
        ),
    ),
    "B3": (
        _dish("HeLa, 20 nM temsirolimus", ("AKT_pT308", "AKT_pS473", "IRS1_pY", "IRS1_pS636"),
              cell="HeLa", drugs=_RAPALOG, duration="24 h"),
        _dish("the same, feedback cut", ("AKT_pT308", "AKT_pS473", "IRS1_pY", "IRS1_pS636"),
              cell="HeLa", drugs=_RAPALOG, perturbations=_CUT, duration="24 h"),
    ),
    "B4": tuple(
        _dish(f"{cell} ({kind}), 20 nM temsirolimus", ("mTORC2", "AKT_pS473", "S6K1_pT389"),
              cell=cell, drugs=_RAPALOG, duration="72 h")
        for cell, kind in (("PC-3", "sensitive"), ("HeLa", "insensitive"))
    ),
    "B5": (
        _dish("MCF-7, 1 uM AZD8055",
              ("AKT_pS473", "S6K1_pT389", "EIF4EBP1_pT37", "AKT_pT308"),
              cell="MCF-7", drugs={"AZD8055": "1 uM"}, duration="24 h"),
    ),
    "B7": tuple(
        _dish(f"MCF-7 with MTOR F2108L, {dose} {drug}", ("S6K1_pT389", "EIF4EBP1_pT37"),
              cell="MCF-7", perturbations=("MTOR_F2108L",), drugs={drug: dose}, duration="24 h")
        for drug, dose in (("temsirolimus", "20 nM"), ("RapaLink-1", "10 nM"))
    ),
    "B8": tuple(
        _dish(f"Caki-1{', ' + lost[0] if lost else ''}, 20 nM temsirolimus",
              ("proliferation_rate", "S6K1_pT389", "AKT_pT308"),
              cell="Caki-1", drugs=_RAPALOG, perturbations=lost, duration="72 h")
        for lost in ((), ("PTEN_loss",))
    ),
    "B9": (
        _dish("RCC4, 20 nM temsirolimus", ("HIF1A", "HIF2A", "VEGF_secreted"),
              cell="RCC4", drugs=_RAPALOG, duration="48 h"),
        _dish("Caki-1, hypoxia", ("HIF1A", "HIF2A", "REDD1", "S6K1_pT389"),
              cell="Caki-1", perturbations=("hypoxia",), duration="24 h"),
    ),
    "B10": tuple(
        _dish(f"Caki-1, {dose} {drug}", ("viability", "proliferation_rate", "ATP_per_cell"),
              cell="Caki-1", drugs={drug: dose}, duration="96 h")
        for drug, dose in (("temsirolimus", "100 nM"), ("Ku-0063794", "10 uM"))
    ),
    "B12": (
        Scene("25 mg temsirolimus IV: blood", ("temsirolimus_blood", "sirolimus_blood"),
              {"drugs": {"temsirolimus": "25 mg IV over 30 min"}, "duration": "7 d"},
              of_highest=True),
    ),
    "B13": tuple(
        _dish(f"{cell}, 25 mg temsirolimus weekly", ("S6K1_pT389", "mTORC2", "AKT_pS473"),
              cell=cell, drugs={"temsirolimus": "25 mg IV over 30 min weekly x4"}, duration="28 d")
        for cell in ("786-O", "PC-3")
    ),
}  # fmt: skip
"""Behaviour -> what is drawn of it. B6 is drawn by the dose-responses, B16 has nothing to show."""


def seen(behaviour: str) -> list[Seen]:
    """Simulate what is drawn of a behaviour.

    Raises
    ------
    SimulationError
        When a simulation fails.
    """
    return [_seen(scene) for scene in SCENES.get(behaviour, ())]


def _seen(scene: Scene) -> Seen:
    run = simulate(Scenario(**{**scene.fields, "observe": scene.ids}))
    labels = run.labels
    curves = {labels[id]: _relative(run, id, scene.of_highest) for id in scene.ids}
    to = "highest point" if scene.of_highest else "untreated"
    return Seen(scene.title, run.time / 60, curves, to)


def _relative(run: Result, id: str, of_highest: bool) -> Floats:
    whole = run.column(id).max() if of_highest else run.baseline[id]
    return run.column(id) / whole
