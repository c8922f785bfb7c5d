"""Where the files of models/ lie: inside the wheel, or at the top of the repository."""

from functools import cache
from pathlib import Path

from mtorsim.errors import ModelError


def models_path(*parts: str) -> Path:
    """Return the path of a file or folder of models/.

    Parameters
    ----------
    *parts : str
        Names below models/, such as ``"cells", "786-O.yaml"``. Not checked to exist.

    Raises
    ------
    ModelError
        When the package was installed without its models.
    """
    return _root().joinpath(*parts)


@cache
def _root() -> Path:
    package = Path(__file__).resolve().parent
    # In a wheel models/ lies in the package; in a repository it is two levels up, beside src/.
    for root in (package / "models", package.parents[1] / "models"):
        if root.is_dir():
            return root
    raise ModelError(f"no model files beside {package}. Install mtorsim again.")
