"""Open simulator of mTOR signalling under drugs.

The names below are what a notebook needs. Each is imported when it is first used, so that
``import mtorsim`` and ``mtorsim --help`` do not wait for a solver.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from mtorsim import assays, fits, pharmacology, sensitivities, sweeps, targets
    from mtorsim.dosing import Constant, Repeated
    from mtorsim.ensembles import Ensemble, ensemble
    from mtorsim.errors import (
        InputError,
        ModelError,
        MtorsimError,
        RegimenError,
        ScenarioError,
        SimulationError,
        UnitError,
        UnknownIdError,
    )
    from mtorsim.export import (
        export_antimony,
        export_omex,
        export_petab,
        export_sbml,
        export_sedml,
        to_tellurium,
    )
    from mtorsim.fits import fit
    from mtorsim.foreign.model import load_model
    from mtorsim.pharmacology.exposure import exposure
    from mtorsim.qualification.carry_out import qualify
    from mtorsim.regimen import Pause, Phase, Regimen
    from mtorsim.result import Result
    from mtorsim.scenario import Scenario, Treatment
    from mtorsim.sensitivities import sensitivity
    from mtorsim.simulation import simulate
    from mtorsim.sweeps import linspace, logspace, open_sweep, sweep

_HOME = {
    "Constant": "dosing",
    "Ensemble": "ensembles",
    "InputError": "errors",
    "ModelError": "errors",
    "MtorsimError": "errors",
    "Pause": "regimen",
    "Phase": "regimen",
    "Regimen": "regimen",
    "RegimenError": "errors",
    "Repeated": "dosing",
    "Result": "result",
    "Scenario": "scenario",
    "ScenarioError": "errors",
    "SimulationError": "errors",
    "Treatment": "scenario",
    "UnitError": "errors",
    "UnknownIdError": "errors",
    "ensemble": "ensembles",
    "export_antimony": "export",
    "export_omex": "export",
    "export_petab": "export",
    "export_sbml": "export",
    "export_sedml": "export",
    "exposure": "pharmacology.exposure",
    "fit": "fits",
    "linspace": "sweeps",
    "load_model": "foreign.model",
    "logspace": "sweeps",
    "open_sweep": "sweeps",
    "qualify": "qualification.carry_out",
    "sensitivity": "sensitivities",
    "simulate": "simulation",
    "sweep": "sweeps",
    "to_tellurium": "export",
}
_ROOMS = ("assays", "fits", "pharmacology", "sensitivities", "sweeps", "targets")

__all__ = [
    "Constant",
    "Ensemble",
    "InputError",
    "ModelError",
    "MtorsimError",
    "Pause",
    "Phase",
    "Regimen",
    "RegimenError",
    "Repeated",
    "Result",
    "Scenario",
    "ScenarioError",
    "SimulationError",
    "Treatment",
    "UnitError",
    "UnknownIdError",
    "__version__",
    "assays",
    "ensemble",
    "export_antimony",
    "export_omex",
    "export_petab",
    "export_sbml",
    "export_sedml",
    "exposure",
    "fit",
    "fits",
    "linspace",
    "load_model",
    "logspace",
    "open_sweep",
    "pharmacology",
    "qualify",
    "sensitivities",
    "sensitivity",
    "simulate",
    "sweep",
    "sweeps",
    "targets",
    "to_tellurium",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"mtorsim.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'mtorsim' has no attribute {name!r}")
    value = getattr(import_module(f"mtorsim.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
