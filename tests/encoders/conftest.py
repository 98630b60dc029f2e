"""A tiny model for the tests of encoders, and its export."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexing import encoders
from indexing.encoders import ModelEncoder, onnx_export, onnx_files
from indexing.lib import paths
from tests.support import tiny_models


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.make(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def own_model(settings, tiny_model: Path) -> Iterator[None]:
    """TCS_MODEL_PATH is the tiny model, and nothing has been exported."""
    settings.TCS_ENCODER = "indexing.encoders.ModelEncoder"
    settings.TCS_MODEL_PATH = str(tiny_model)
    encoders.reset()
    yield
    encoders.reset()
    shutil.rmtree(paths.models_folder(), ignore_errors=True)


@pytest.fixture(scope="session")
def export_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tiny model's export is stored once made: making it takes a second, and many tests need one."""
    return tmp_path_factory.mktemp("exports") / "tiny"


@pytest.fixture
def exported(own_model: None, export_cache: Path) -> ModelEncoder:
    """The tiny model, loaded under ONNX Runtime."""
    encoder = ModelEncoder()
    folder = onnx_files.folder_of(encoder.fingerprint)
    if export_cache.exists():
        shutil.copytree(export_cache, folder)
    else:
        onnx_export.ensure(encoder)
        shutil.copytree(folder, export_cache)
    encoder.load()
    assert encoder.backend == "onnx"
    return encoder


@pytest.fixture
def default_model(settings, own_model: None, packaged_model: Path) -> ModelEncoder:
    """The packaged model with its export."""
    settings.TCS_MODEL_PATH = ""
    shutil.copytree(packaged_model, paths.models_folder(), dirs_exist_ok=True)
    return ModelEncoder()
