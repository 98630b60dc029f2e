"""The graph of a model for ONNX Runtime, made by tracing the model under torch."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexing.encoders.onnx_files import POOLING_MASK
from indexing.encoders.prompts import Prompts
from indexing.encoders.protocol import DOCUMENT, QUERY, ROLES, Role
from indexing.lib.messages import Message, message

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

OPSET = 17
INPUTS = ("input_ids", "attention_mask")
LONGEST = 1 << 20
"""Some tokenizers say 10^30 for "no limit"."""


class CannotExport(Exception):
    """The model has no export; `message` says why, without a full stop."""

    def __init__(self, why: Message) -> None:
        self.message = why
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class ModelParts:
    """What the graph is made from, and what has to be known to use it."""

    modules: list[Any]
    """The model's modules in their order, a transformer first."""
    dimension: int
    truncated: int | None
    """The length that the vectors are cut to, if at all."""
    tokenizer: Any
    pad_id: int
    longest: dict[Role, int]
    """How many tokens of a text are used."""
    unpooled: dict[Role, int]
    """How many tokens at the beginning, those of the prompt, are left out when the model pools."""


def parts_of(model: SentenceTransformer, prompts: Prompts) -> ModelParts:
    """The parts of a model whose first module is a transformer that reads plain text.

    Its other modules may do anything with the vectors: what cannot be traced shows when the export is compared with
    the model. Raises CannotExport for any other model.
    """
    modules: list[Any] = list(model)
    transformer = modules[0]
    if type(transformer).__name__ != "Transformer":
        raise CannotExport(
            message("it consists of %(parts)s", parts=", ".join(type(module).__name__ for module in modules))
        )
    if "message" in transformer.modality_config or transformer.query_expansion:
        raise CannotExport(message("it reads texts as messages of a chat, or adds words to queries"))
    fast = getattr(model.tokenizer, "backend_tokenizer", None)
    if fast is None:
        raise CannotExport(message("its tokenizer has no fast form"))
    if not model.max_seq_length or model.tokenizer.pad_token_id is None:
        raise CannotExport(message("it does not say how long a text may be, or how to pad it"))
    skips = any(getattr(module, "include_prompt", True) is False for module in modules)
    return ModelParts(
        modules,
        int(model.get_embedding_dimension() or 0),
        model.truncate_dim,
        fast,
        int(model.tokenizer.pad_token_id),
        {role: _longest(model, role) for role in ROLES},
        {role: _prompt_tokens(model, prompts.of(role)) if skips else 0 for role in ROLES},
    )


def _longest(model: SentenceTransformer, role: Role) -> int:
    """How many tokens of a text in that role are used: by its task, its settings for texts, or its tokenizer."""
    transformer: Any = model[0]
    by_task = {QUERY: transformer.query_length, DOCUMENT: transformer.document_length}[role]
    settings = transformer.processing_kwargs
    for_texts = settings.get("text", {}).get("max_length") or settings.get("common", {}).get("max_length")
    return min(int(for_texts or by_task or model.max_seq_length or 0), LONGEST)


def _prompt_tokens(model: SentenceTransformer, prompt: str) -> int:
    """Tokens of a prompt, with the special one before it, without the one after it."""
    if not prompt:
        return 0
    ids = model.tokenizer(prompt)["input_ids"]
    return len(ids) - (ids[-1] in model.tokenizer.all_special_ids)


def write_graph(parts: ModelParts, path: Path) -> None:
    """Write a graph from input_ids and attention_mask, both int64[m, length], to unit vectors, float32[m, d].

    Pooling and whatever follows it are part of the graph. A model that leaves prompts out when it pools has the third
    input `pooling_mask`, int64[m, length]. Raises CannotExport.
    """
    # dynamo=False chooses the older exporter, over TorchScript: 2 s instead of 25 to 40, one package less, and a
    # graph that is as fast. torch is pinned, and every export is compared with the original before it is used.
    torch: Any = importlib.import_module("torch")
    ids = torch.ones((2, 7), dtype=torch.int64)
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    names = [*INPUTS, *([POOLING_MASK] if any(parts.unpooled.values()) else [])]
    axes = {name: {0: "texts", 1: "tokens"} for name in names}
    try:
        with warnings.catch_warnings(), torch.inference_mode(), _masks_by_broadcasting():
            # Deprecation, and conditions that tracing freezes: the comparison with the original would show those.
            warnings.simplefilter("ignore")
            # the others branch on their input while traced
            parts.modules[0].model.set_attn_implementation("eager")
            torch.onnx.export(
                _traceable(parts, torch),
                (ids, mask, mask)[: len(names)],
                str(path),
                dynamo=False,
                opset_version=OPSET,
                input_names=names,
                output_names=["vectors"],
                dynamic_axes={**axes, "vectors": {0: "texts"}},
            )
    except (RuntimeError, ValueError, TypeError, AttributeError, LookupError, ImportError, AssertionError) as error:
        # a model's own code can fail in any of these ways
        first_line = next(iter(str(error).strip().splitlines()), "")
        raise CannotExport(
            message("torch.onnx fails (%(error)s)", error=f"{type(error).__name__}: {first_line}")
        ) from error


@contextmanager
def _masks_by_broadcasting() -> Iterator[None]:
    """Let transformers make attention masks without torch.vmap, which cannot be traced.

    The masks of models that look both ways (Gemma) are otherwise made with it.
    """
    masks: Any = importlib.import_module("transformers.masking_utils")

    def eager(*args: Any, **options: Any) -> Any:
        return masks.eager_mask(*args, **{**options, "use_vmap": False})

    masks.ALL_MASK_ATTENTION_FUNCTIONS["eager"] = eager
    try:
        yield
    finally:
        del masks.ALL_MASK_ATTENTION_FUNCTIONS["eager"]  # back to the library's own


def _traceable(parts: ModelParts, torch: Any) -> Any:
    """The model as one torch module, from token ids to unit vectors."""

    class Graph(torch.nn.Module):  # defined here because torch must not be imported earlier
        def __init__(self) -> None:
            super().__init__()
            self.steps = torch.nn.ModuleList(parts.modules)

        def forward(self, input_ids: Any, attention_mask: Any, pooling_mask: Any = None) -> Any:
            features = self.steps[0]({"input_ids": input_ids, "attention_mask": attention_mask})
            features["attention_mask"] = attention_mask if pooling_mask is None else pooling_mask
            for step in self.steps[1:]:
                features = step(features)
            vectors = features["sentence_embedding"][:, : parts.truncated]
            return torch.nn.functional.normalize(vectors, p=2, dim=1)

    return Graph().eval()
