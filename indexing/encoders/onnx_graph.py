"""The graph of a model for ONNX Runtime, made by tracing the model under torch."""

from __future__ import annotations

import importlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexing.lib.messages import Message, message

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

OPSET = 17
POOLINGS = ("mean", "cls")


class CannotExport(Exception):
    """The model has no export; `message` says why, without a full stop."""

    def __init__(self, why: Message) -> None:
        self.message = why
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class ModelParts:
    """The parts of the model that the graph is made from."""

    transformer: Any
    tokenizer: Any
    pooling: str
    """One of POOLINGS."""
    longest: int
    """How many tokens of a text are used."""
    pad_id: int


def parts_of(model: SentenceTransformer) -> ModelParts:
    """The parts of a model that is a transformer, one pooling and perhaps normalisation.

    Raises CannotExport for any other model.
    """
    modules: list[Any] = list(model)
    names = [type(module).__name__ for module in modules]
    if names not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise CannotExport(message("it consists of %(parts)s", parts=", ".join(names)))
    transformer, pooling = modules[:2]
    if pooling.pooling_mode not in POOLINGS:
        raise CannotExport(message("its pooling is %(kind)s", kind=pooling.pooling_mode))
    if model.default_prompt_name or model.truncate_dim:
        raise CannotExport(message("it adds a prompt to texts, or shortens its vectors"))
    fast = getattr(model.tokenizer, "backend_tokenizer", None)
    if fast is None:
        raise CannotExport(message("its tokenizer has no fast form"))
    if not model.max_seq_length or model.tokenizer.pad_token_id is None:
        raise CannotExport(message("it does not say how long a text may be, or how to pad it"))
    longest, pad_id = int(model.max_seq_length), int(model.tokenizer.pad_token_id)
    return ModelParts(transformer.auto_model, fast, pooling.pooling_mode, longest, pad_id)


def write_graph(parts: ModelParts, path: Path) -> None:
    """Write a graph from input_ids and attention_mask, both int64[m, length], to unit vectors, float32[m, d].

    Pooling and normalisation are part of the graph. Raises CannotExport.
    """
    # dynamo=False chooses the older exporter, over TorchScript: 2 s instead of 25 to 40, one package less, and a
    # graph that is as fast. torch is pinned, and every export is compared with the original before it is used.
    torch: Any = importlib.import_module("torch")
    ids = torch.ones((2, 7), dtype=torch.int64)
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    axes = {name: {0: "texts", 1: "tokens"} for name in ("input_ids", "attention_mask")}
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            # Deprecation, and conditions that tracing freezes: the comparison with the original would show those.
            warnings.simplefilter("ignore")
            parts.transformer.set_attn_implementation("eager")  # the others branch on their input while traced
            torch.onnx.export(
                _traceable(parts, torch),
                (ids, mask),
                str(path),
                dynamo=False,
                opset_version=OPSET,
                input_names=["input_ids", "attention_mask"],
                output_names=["vectors"],
                dynamic_axes={**axes, "vectors": {0: "texts"}},
            )
    except (RuntimeError, ValueError, TypeError, AttributeError, LookupError, ImportError, AssertionError) as error:
        # a model's own code can fail in any of these ways
        first_line = next(iter(str(error).strip().splitlines()), "")
        raise CannotExport(
            message("torch.onnx fails (%(error)s)", error=f"{type(error).__name__}: {first_line}")
        ) from error


def _traceable(parts: ModelParts, torch: Any) -> Any:
    """The model as one torch module, from token ids to unit vectors."""

    class Graph(torch.nn.Module):  # defined here because torch must not be imported earlier
        def __init__(self) -> None:
            super().__init__()
            self.transformer = parts.transformer

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            states = self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            if parts.pooling == "cls":
                pooled = states[:, 0]
            else:
                weights = attention_mask.unsqueeze(-1).to(states.dtype)
                pooled = (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(pooled, p=2, dim=1)

    return Graph().eval()
