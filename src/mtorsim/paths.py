"""Where models/ and published/ lie: inside the wheel, or at the top of the repository."""

from functools import cache, lru_cache
from pathlib import Path

from mtorsim.errors import ModelError

_NAMES = {"models": "model files", "published": "published numbers"}


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
    return _joined(_root("models"), parts)


def published_path(*parts: str) -> Path:
    """Return the path of a file of published/, as `models_path` does for models/."""
    return _joined(_root("published"), parts)


@lru_cache(maxsize=256)
def _joined(root: Path, parts: tuple[str, ...]) -> Path:
    return root.joinpath(*parts)


@cache
def _root(name: str) -> Path:
    package = Path(__file__).resolve().parent
    # In a wheel both lie in the package; in a repository they are two levels up, beside src/.
    for root in (package / name, package.parents[1] / name):
        if root.is_dir():
            return root
    raise ModelError(f"no {_NAMES[name]} beside {package}. Install mtorsim again.")
