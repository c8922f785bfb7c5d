"""Fits: parameters that agree with measurements, and how well the data determine them."""

from mtorsim.fits.carry_out import carry_out, fit
from mtorsim.fits.data import Data, read
from mtorsim.fits.petab_problem import PetabProblem, petab_problem
from mtorsim.fits.problem import Free, Problem, problem
from mtorsim.fits.pypesto_problem import to_pypesto
from mtorsim.fits.result import Fit

__all__ = [
    "Data",
    "Fit",
    "Free",
    "PetabProblem",
    "Problem",
    "carry_out",
    "fit",
    "petab_problem",
    "problem",
    "read",
    "to_pypesto",
]
