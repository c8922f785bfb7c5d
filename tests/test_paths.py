import pytest

from mtorsim import paths
from mtorsim.errors import ModelError


def test_the_models_are_found():
    assert paths.models_path().is_dir()
    assert paths.models_path("cells", "786-O.yaml") == paths.models_path() / "cells" / "786-O.yaml"


def test_an_installation_without_models_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "__file__", str(tmp_path / "src" / "mtorsim" / "paths.py"))
    paths._root.cache_clear()
    try:
        with pytest.raises(ModelError, match=r"no model files beside .*\. Install mtorsim again\."):
            paths.models_path()
    finally:
        paths._root.cache_clear()


def test_a_wheel_carries_them_in_the_package(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "mtorsim"
    (package / "models").mkdir(parents=True)
    (tmp_path / "models").mkdir()  # somebody else's
    monkeypatch.setattr(paths, "__file__", str(package / "paths.py"))
    paths._root.cache_clear()
    try:
        assert paths.models_path() == package / "models"
    finally:
        paths._root.cache_clear()
