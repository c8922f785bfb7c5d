"""The states of a molecule of mTOR: which allele, what is on its FRB domain and its kinase site."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class State:
    """What distinguishes one molecule of mTOR from the wild type without a drug.

    Attributes
    ----------
    mutant : str
        Name of a mutant, such as ``"MTOR_F2108L"``; empty for the wild type.
    FRB : str
        Drug that FKBP12 holds on the FRB domain; empty when the domain is open.
    kinase : str
        Drug in the kinase site; empty when the site is open. The drug of `FRB` there means that
        one molecule bridges both sites.
    """

    mutant: str = ""
    FRB: str = ""
    kinase: str = ""

    @property
    def is_bridged(self) -> bool:
        """Whether one bi-steric molecule holds both sites."""
        return self.FRB != "" and self.kinase == self.FRB

    @property
    def suffix(self) -> str:
        """What the id of a form in this state ends in: ``"_F2108L_FKBP12_sirolimus"``."""
        parts = [self.mutant.removeprefix("MTOR_")]
        parts += [f"FKBP12_{self.FRB}"] if self.FRB else []
        parts += ["bridged" if self.is_bridged else self.kinase]
        return "".join(f"_{part.replace('-', '_')}" for part in parts if part)

    def in_words(self) -> str:
        """Return ``"F2108L; FRB domain holds FKBP12-sirolimus"``; empty for the native state."""
        parts = [self.mutant.removeprefix("MTOR_")]
        if self.is_bridged:
            parts.append(f"FKBP12-{self.FRB} holds FRB domain and kinase site")
        else:
            parts.append(f"FRB domain holds FKBP12-{self.FRB}" if self.FRB else "")
            parts.append(f"kinase site holds {self.kinase}" if self.kinase else "")
        return "; ".join(part for part in parts if part)


NATIVE = State()


def states(
    docking: Sequence[str], blocking: Sequence[str], mutants: Sequence[str] = ()
) -> tuple[State, ...]:
    """Return every state of mTOR under some drugs, the native one first.

    A molecule of a drug in both lists either bridges both sites or sits in the kinase site alone;
    two molecules of it on one mTOR are left out, since the tethered one is always nearer.

    Parameters
    ----------
    docking : sequence of str
        Drugs that FKBP12 holds on the FRB domain.
    blocking : sequence of str
        Drugs that bind the kinase site.
    mutants : sequence of str
        Mutants of mTOR beside the wild type.
    """
    return tuple(
        State(mutant, FRB, kinase)
        for mutant in ("", *mutants)
        for FRB in ("", *docking)
        for kinase in ("", *blocking)
    )
