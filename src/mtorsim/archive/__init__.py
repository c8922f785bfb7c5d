"""COMBINE archives with SED-ML time courses, from anybody, run by our engine.

The archive is read as data: nothing in it is executed, unpacked to disk or fetched.
"""

from mtorsim.archive.simulate import simulate_archive

__all__ = ["simulate_archive"]
