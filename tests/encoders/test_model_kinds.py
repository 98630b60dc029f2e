"""Models of other kinds give the vectors that sentence-transformers gives, under torch and as an export."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexing.encoders import ModelEncoder, SentenceTransformerEncoder, onnx_export
from indexing.encoders.model_files import ModelFiles
from indexing.encoders.prompts import CONFIG
from indexing.encoders.protocol import ROLES
from tests.encoders.test_encoders import TEXTS
from tests.encoders.test_onnx_encoder import meta_of
from tests.support.model_kinds import KINDS, make_kind

PLAIN = [text.encode("utf-8", "replace").decode() for text in TEXTS]
SAME = 0.9999
PACKAGED = "771428f8420a6b7dcb36eaac511aca4722f2cf84c8a374f72363ab17f5dfdbfc"
"""The packaged model's fingerprint in every release: installations need not encode anything again."""
E5 = {"query": "query: ", "document": "passage: "}

pytestmark = pytest.mark.usefixtures("own_model")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Where the model of each kind is or will be."""
    return {name: tmp_path_factory.getbasetemp() / f"kind-{name}" for name in KINDS}


def use(settings: Any, folders: dict[str, Path], name: str) -> Path:
    folder = folders[name]
    settings.TCS_MODEL_PATH = str(folder if folder.exists() else make_kind(folder, KINDS[name]))
    settings.TCS_QUERY_PROMPT, settings.TCS_DOCUMENT_PROMPT = E5.values() if name == "e5" else ("", "")
    return folder


def least(one: np.ndarray, other: np.ndarray) -> float:
    return float((one * other).sum(axis=1).min())


@pytest.mark.parametrize("name", KINDS)
def test_both_backends_give_the_vectors_of_sentence_transformers(settings, folders, name):
    folder = use(settings, folders, name)
    own: Any = importlib.import_module("sentence_transformers").SentenceTransformer(
        str(folder),
        device="cpu",
        prompts=E5 if name == "e5" else None,
        local_files_only=True,
        model_kwargs={"dtype": "float32"},  # as in TCS: the weights of the file, but calculated with 32 bits
    )
    encoder, original = ModelEncoder(), SentenceTransformerEncoder()
    onnx_export.ensure(encoder)
    encoder.load()
    assert encoder.backend == "onnx"
    queries = own.encode_query(PLAIN, normalize_embeddings=True)
    documents = own.encode_document(PLAIN, normalize_embeddings=True)
    assert least(queries, own.encode(PLAIN, normalize_embeddings=True)) < 0.99, "the prompts make no difference"
    for role, expected in (("query", queries), ("document", documents)):
        for each in (encoder, original):
            vectors = each.encode(TEXTS, role)
            assert vectors.shape == expected.shape == (len(TEXTS), each.dimension)
            assert least(vectors, expected) > SAME, (role, type(each))
    assert meta_of(encoder).prompts == {role: encoder.files.prompts.of(role) for role in ROLES}


@pytest.mark.parametrize("name", ["bge", "nomic"])
def test_prompts_in_the_files_are_part_of_the_fingerprint(settings, folders, tmp_path, name):
    folder = use(settings, folders, name)
    fingerprint = ModelFiles.configured().fingerprint
    hashed = ModelFiles.configured()._hashes()
    settings.TCS_QUERY_PROMPT = "another: "
    assert ModelFiles.configured().fingerprint != fingerprint
    assert ModelFiles.configured()._hashes() == hashed
    assert json.loads((folder / CONFIG).read_bytes())["prompts"]["query"] == KINDS[name].prompts["query"]


def test_each_prompt_that_is_set_is_part_of_the_fingerprint_and_none_leaves_it_as_it_was(settings):
    settings.TCS_MODEL_PATH = ""
    packaged = ModelFiles.configured()
    assert packaged.fingerprint == PACKAGED
    found = {PACKAGED}
    for query, document in (("query: ", ""), ("", "query: "), ("query: ", "passage: ")):
        settings.TCS_QUERY_PROMPT, settings.TCS_DOCUMENT_PROMPT = query, document
        found.add(ModelFiles.configured().fingerprint)
        assert (ModelFiles.configured().prompts.query, ModelFiles.configured().prompts.document) == (query, document)
    assert len(found) == 4


def test_a_prompt_that_is_set_replaces_the_one_in_the_files(settings, folders):
    use(settings, folders, "nomic")
    settings.TCS_QUERY_PROMPT = "find: "
    prompts = ModelFiles.configured().prompts
    assert (prompts.query, prompts.document) == ("find: ", "search_document: ")
