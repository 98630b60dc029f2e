"""Exports the configured model to ONNX once, so that no other process ever needs torch.

By hand with torch.onnx: `optimum`, made for it, wants an older transformers than sentence-transformers 6 needs.
"""

from __future__ import annotations

import errno
import importlib
import logging
import os
import shutil
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.utils.translation import gettext_noop
from numpy.typing import NDArray

from indexing.encoders import onnx_files
from indexing.encoders.model_encoder import ModelEncoder
from indexing.encoders.onnx_encoder import OnnxEncoder
from indexing.encoders.onnx_files import GRAPH, META, TOKENIZER, Export, Meta, NoExport
from indexing.encoders.protocol import Encoder
from indexing.encoders.torch_encoder import SentenceTransformerEncoder
from indexing.lib.files import file_sha256, flush_to_disk
from indexing.lib.messages import Message, message

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)

OPSET = 17
MIN_COSINE = 0.9999
KEEP = 2
"""Other models' exports that stay: who goes back to the former model need not export it again."""
ABANDONED_SECONDS = 3600.0
LIBRARIES = ("torch", "transformers", "sentence-transformers", "onnx", "onnxruntime")
POOLINGS = ("mean", "cls")
_WORDS = "Repairs steel bridges and ship hulls, underwater too, and teaches others how to do it safely. "
SAMPLE = (
    "",
    " ",
    "?",
    "a",
    "Beekeeper",
    "WELDER OF STEEL",
    "Tax adviser for small firms",
    "Keeps bees, breeds queens and sells honey.\n\nSpeaks Dutch,\tGerman and English.",
    "Médecin à l'hôpital de Besançon, spécialiste des enfants prématurés",
    "Straßenbauingenieur aus Würzburg",
    "數據科學家",
    "東京の弁護士、特許と商標",
    "데이터베이스 엔지니어",
    "инженер-мостостроитель из Казани",
    "عالمة أحياء بحرية",
    "מהנדסת תוכנה",
    "डेटा वैज्ञानिक",
    "นักวิทยาศาสตร์ข้อมูล",
    "👩‍🚀 🧑🏽‍🔬 emoji",
    "lone \ud800 surrogate",
    "nul \0 sign",
    "1,234.56 EUR / 2026-11-23 / +31 6 12345678",
    "x" * 5_000,
    "字" * 600,
    *(_WORDS * times for times in (1, 2, 3, 5, 8, 12, 20, 60)),
)
"""What export and original must agree on: each length from nothing to more than any model reads, scripts, rubbish."""


class _CannotExport(Exception):
    """The model has no export; `message` says why, without a full stop."""

    def __init__(self, why: Message) -> None:
        self.message = why
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the graph is made of."""

    transformer: Any
    tokenizer: Any
    pooling: str
    longest: int
    pad_id: int


def ensure(encoder: Encoder) -> None:
    """See to it that the model of `encoder` has an export; does nothing for encoders of another kind.

    A model that cannot be exported is no error: it runs under sentence-transformers everywhere, which the log says.
    Raises EncoderUnavailable when the model itself cannot be loaded.
    """
    if not isinstance(encoder, ModelEncoder) or _is_settled(encoder.fingerprint):
        return
    logger.info(gettext_noop("Exporting the model %s to ONNX; this happens once for a model."), encoder.name)
    try:
        with _new_folder(encoder.fingerprint) as folder:
            _require_room(folder, encoder.files.folder)
            _export(encoder, folder)
    except OSError as error:  # a run must not fail for what only makes it faster; the next one tries again
        logger.warning(gettext_noop("The model %s is not exported now: %s."), encoder.name, error)
    _remove_others(encoder.fingerprint)


def _export(encoder: ModelEncoder, folder: Path) -> None:
    """Into `folder`: an export that was compared with the original, or the reason why there is none."""
    began = time.monotonic()
    meta = Meta(onnx_files.FORMAT, encoder.fingerprint, _made_by())
    original = SentenceTransformerEncoder(encoder.files)
    wanted = original.encode(SAMPLE)  # before the export, which prepares the model in its own way
    try:
        cosine = _agreement(wanted, OnnxEncoder(_write(original.loaded(), folder, meta), encoder.name))
        if not cosine >= MIN_COSINE:  # NaN is not
            raise _CannotExport(message("its vectors differ from the original's: cosine %(cosine).6f", cosine=cosine))
    except (_CannotExport, NoExport) as why:
        _write_refusal(folder, meta, why.message)
        logger.warning(gettext_noop("The model %s is not exported: %s."), encoder.name, why.message)
    else:
        logger.info(
            gettext_noop("Exported the model in %.1f s; the least cosine to the original is %.6f over %d texts."),
            time.monotonic() - began,
            cosine,
            len(SAMPLE),
        )


def _require_room(folder: Path, model: Path) -> None:
    """Raises OSError beforehand: a full disk within the exporter would look like a model that it cannot export."""
    needed = 2 * sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def _is_settled(fingerprint: str) -> bool:
    """There is a good export, or the same libraries have refused the model before."""
    try:
        meta = onnx_files.read_meta(onnx_files.folder_of(fingerprint), fingerprint)
        if meta.refused:
            return meta.made_by == _made_by()
        onnx_files.find(fingerprint)
    except NoExport:
        return False
    return True


def _made_by() -> str:
    return ", ".join(f"{name} {version(name)}" for name in LIBRARIES)


def _write(model: SentenceTransformer, folder: Path, meta: Meta) -> Export:
    """Graph, tokenizer and meta into `folder`. Raises _CannotExport."""
    plan = _plan(model)
    plan.tokenizer.save(str(folder / TOKENIZER))
    _write_graph(plan, folder / GRAPH)
    meta = replace(
        meta,
        dimension=int(model.get_embedding_dimension() or 0),
        longest=plan.longest,
        pad_id=plan.pad_id,
        files={name: file_sha256(folder / name) for name in (GRAPH, TOKENIZER)},
    )
    (folder / META).write_text(meta.to_text())
    return onnx_files.open_folder(folder, meta.fingerprint)


def _plan(model: SentenceTransformer) -> _Plan:
    """Raises _CannotExport for all but transformer, one kind of pooling, and perhaps normalisation."""
    modules: list[Any] = list(model)
    names = [type(module).__name__ for module in modules]
    if names not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise _CannotExport(message("it is made of %(parts)s", parts=", ".join(names)))
    transformer, pooling = modules[:2]
    if pooling.pooling_mode not in POOLINGS:
        raise _CannotExport(message("its pooling is %(kind)s", kind=pooling.pooling_mode))
    if model.default_prompt_name or model.truncate_dim:
        raise _CannotExport(message("it puts a prompt before texts, or cuts its vectors"))
    fast = getattr(model.tokenizer, "backend_tokenizer", None)
    if fast is None:
        raise _CannotExport(message("its tokenizer has no fast form"))
    if not model.max_seq_length or model.tokenizer.pad_token_id is None:
        raise _CannotExport(message("it does not say how long a text may be, or how to pad one"))
    longest, pad_id = int(model.max_seq_length), int(model.tokenizer.pad_token_id)
    return _Plan(transformer.auto_model, fast, pooling.pooling_mode, longest, pad_id)


def _write_graph(plan: _Plan, path: Path) -> None:
    """input_ids and attention_mask, int64[m, length], to unit vectors, float32[m, d]: pooled and normalised within.

    The exporter over TorchScript, though its successor is out: 2 s against 25 to 40, one package less, and a graph
    as fast. torch is pinned, and what it makes is compared with the original before anybody uses it.
    """
    torch: Any = importlib.import_module("torch")
    ids = torch.ones((2, 7), dtype=torch.int64)
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    axes = {name: {0: "texts", 1: "tokens"} for name in ("input_ids", "attention_mask")}
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # that it is deprecated, and what it guards against: see the comparison
            plan.transformer.set_attn_implementation("eager")  # the other ones choose their way while traced
            torch.onnx.export(
                _graph_of(plan, torch),
                (ids, mask),
                str(path),
                dynamo=False,
                opset_version=OPSET,
                input_names=["input_ids", "attention_mask"],
                output_names=["vectors"],
                dynamic_axes={**axes, "vectors": {0: "texts"}},
            )
    except (RuntimeError, ValueError, TypeError, AttributeError, LookupError, ImportError, AssertionError) as error:
        # whatever a model's code does not bear
        first_line = next(iter(str(error).strip().splitlines()), "")
        raise _CannotExport(
            message("torch.onnx fails (%(error)s)", error=f"{type(error).__name__}: {first_line}")
        ) from error


def _graph_of(plan: _Plan, torch: Any) -> Any:
    class Graph(torch.nn.Module):  # torch must not be imported before it is needed
        def __init__(self) -> None:
            super().__init__()
            self.transformer = plan.transformer

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            states = self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            if plan.pooling == "cls":
                pooled = states[:, 0]
            else:
                weights = attention_mask.unsqueeze(-1).to(states.dtype)
                pooled = (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(pooled, p=2, dim=1)

    return Graph().eval()


def _agreement(wanted: NDArray[np.float32], export: Encoder) -> float:
    """The least cosine similarity of `export` to the `wanted` vectors of SAMPLE, in batches and one by one."""
    together = export.encode(SAMPLE)
    alone = np.concatenate([export.encode([text]) for text in SAMPLE])
    if wanted.shape != together.shape:
        return float("nan")
    return float(min((wanted * together).sum(1).min(), (wanted * alone).sum(1).min()))


def _write_refusal(folder: Path, meta: Meta, why: Message) -> None:
    for name in (GRAPH, TOKENIZER):
        (folder / name).unlink(missing_ok=True)
    (folder / META).write_text(replace(meta, refused=why.as_dict()).to_text())


@contextmanager
def _new_folder(fingerprint: str) -> Iterator[Path]:
    """A folder to write into; flushed and renamed to its place after, or removed when that failed."""
    target = onnx_files.folder_of(fingerprint)
    folder = target.with_name(f"{fingerprint}.{os.getpid()}.exporting")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
        for path in (*folder.iterdir(), folder):
            flush_to_disk(path)
        if target.exists():  # damaged, or of another format
            target.rename(target.with_name(f"{fingerprint}.{os.getpid()}.old"))
        folder.rename(target)
        flush_to_disk(target.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(target.with_name(f"{fingerprint}.{os.getpid()}.old"), ignore_errors=True)


def _remove_others(fingerprint: str) -> None:
    """All but the newest KEEP exports of other models, and what interrupted exports left."""
    try:
        changed = {
            path: path.stat().st_mtime for path in onnx_files.folder_of("").iterdir() if path.name != fingerprint
        }
    except OSError as error:
        logger.warning(gettext_noop("Old exports stay: %s"), error)
        return
    unfinished = {path for path in changed if "." in path.name}
    finished = sorted(changed.keys() - unfinished, key=lambda path: changed[path], reverse=True)
    abandoned = {path for path in unfinished if time.time() - changed[path] > ABANDONED_SECONDS}
    for path in (*finished[KEEP:], *abandoned):
        shutil.rmtree(path, ignore_errors=True)
