"""Other people's models: what is in them, whether they can be run here, and drugs for them."""

from mtorsim.foreign.model import Model, load_model

__all__ = ["Model", "load_model"]
