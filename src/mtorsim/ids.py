"""What drugs and mutants of mTOR are called in a model."""


def sid(name: str) -> str:
    """Return a drug's name as an SBML id: ``Ku-0063794`` -> ``Ku_0063794``."""
    return name.replace("-", "_")


def medium_species(drug: str) -> str:
    """Return the id of the species that is `drug` in the medium."""
    return f"{sid(drug)}_medium"


def interstitium_species(drug: str) -> str:
    """Return the id of the species that is unbound `drug` in the interstitium of a tumour."""
    return f"{sid(drug)}_interstitium"


def wash_parameter(drug: str) -> str:
    """Return the id of the rate at which washing takes `drug` from the medium; zero by default."""
    return f"kwash_{sid(drug)}"


def fraction_parameter(mutant: str) -> str:
    """Return the id of the share of new mTOR that is `mutant`; zero by default."""
    return f"fraction_{mutant}"
