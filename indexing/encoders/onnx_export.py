"""Exports the configured model to ONNX once, so that no other process needs torch.

Written with torch.onnx: the library `optimum`, made for this, needs an older transformers than
sentence-transformers 6 does.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from django.utils.translation import gettext_noop
from numpy.typing import NDArray

from indexing.encoders import devices, onnx_files
from indexing.encoders.model_encoder import ModelEncoder
from indexing.encoders.onnx_compact import write_compact
from indexing.encoders.onnx_encoder import OnnxEncoder, multiplies_8_bits_exactly
from indexing.encoders.onnx_files import COMPACT, GRAPH, META, TOKENIZER, Export, Meta, NoExport
from indexing.encoders.onnx_graph import CannotExport, parts_of, write_graph
from indexing.encoders.protocol import MIN_COSINE, MIN_COSINE_COMPACT, QUERY, ROLES, Encoder, Role
from indexing.encoders.torch_encoder import SentenceTransformerEncoder
from indexing.lib.files import file_sha256, flush_to_disk
from indexing.lib.messages import Message, message
from indexing.lib.ownership import MARK, mark

logger = logging.getLogger(__name__)

KEEP = 2
"""Exports of other models that are kept, so that going back to the previous model needs no new export."""
ABANDONED_SECONDS = 3600.0
LIBRARIES = ("torch", "transformers", "sentence-transformers", "onnx", "onnxruntime")
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
"""Texts on which export and original must agree: empty, longer than any model reads, nonsense, in many scripts."""


def ensure(encoder: Encoder, database: str = "", *, only_try: bool = False) -> None:
    """Export the model of `encoder` unless that has been done; does nothing for other kinds of encoder.

    What is unfinished is marked as written by `database`. Exports of other models are removed except the newest,
    unless this one is `only_try`: a model that may never be used must not cost the export of the one that is.

    A model that cannot be exported is not an error: it runs under sentence-transformers everywhere, and the log says
    so. Raises EncoderUnavailable if the model itself cannot be loaded.
    """
    if not isinstance(encoder, ModelEncoder) or _is_settled(encoder.fingerprint):
        return
    logger.info(gettext_noop("Exporting the model %s to ONNX. This is done once per model."), encoder.name)
    try:
        with _new_folder(encoder.fingerprint, database) as folder:
            _require_room(folder, encoder.files.folder)
            _export(encoder, folder)
    except (
        OSError
    ) as error:  # an export only makes runs faster, so they must not fail without it; the next run tries again
        logger.warning(
            gettext_noop("The model %s could not be exported: %s. The next rebuild tries again."), encoder.name, error
        )
    if not only_try:
        _remove_others(encoder.fingerprint)


def _export(encoder: ModelEncoder, folder: Path) -> None:
    """Write an export into `folder` whose vectors equal the original's, or a meta.json with the reason why not."""
    began = time.monotonic()
    meta = Meta(onnx_files.FORMAT, encoder.fingerprint, _made_by())
    original = SentenceTransformerEncoder(encoder.files, devices.CPU)
    expected = {role: original.encode(SAMPLE, role) for role in ROLES}  # before the export, which changes the model
    try:
        export = _write(original, folder, meta)
        exported = OnnxEncoder(export, encoder.name)
        cosine = float(np.min([_agreement(expected[role], exported, role) for role in ROLES]))
        if not cosine >= MIN_COSINE:  # also for NaN
            raise CannotExport(
                message("its vectors differ from the original's: cosine similarity %(cosine).6f", cosine=cosine)
            )
    except (CannotExport, NoExport) as why:
        _write_refusal(folder, meta, why.message)
        logger.warning(
            gettext_noop(
                "The model %s cannot be exported: %s. It runs under sentence-transformers instead, which is slower."
            ),
            encoder.name,
            why.message,
        )
    else:
        logger.info(
            gettext_noop(
                "Exported the model in %.1f s; its lowest cosine similarity to the original is %.6f over %d texts."
            ),
            time.monotonic() - began,
            cosine,
            len(SAMPLE),
        )
        _add_compact(export, encoder.name, expected[QUERY])


def _add_compact(export: Export, name: str, expected: NDArray[np.float32]) -> None:
    """Add a compact graph for queries if its vectors are near the `expected` ones, or note that there can be none."""
    path, meta = export.folder / COMPACT, export.meta
    try:
        if not multiplies_8_bits_exactly():
            raise CannotExport(message("this processor does not multiply numbers of 8 bits exactly"))
        write_compact(export.graph, path, OnnxEncoder(export, name).feeds(SAMPLE, QUERY))
        meta = replace(meta, files=meta.files | {COMPACT: file_sha256(path)})
        cosine = _agreement(expected, OnnxEncoder(Export(export.folder, meta), name), QUERY)
        if not cosine >= MIN_COSINE_COMPACT:  # also for NaN
            raise CannotExport(
                message("its vectors differ from the original's: cosine similarity %(cosine).6f", cosine=cosine)
            )
    except (CannotExport, NoExport) as why:
        path.unlink(missing_ok=True)
        meta = replace(export.meta, files=export.meta.files | {COMPACT: ""})
        logger.info(gettext_noop("Queries are encoded with the whole model: %s."), why.message)
    else:
        logger.info(
            gettext_noop("Queries are encoded with weights of 8 bits; the lowest cosine similarity is %.4f."), cosine
        )
    (export.folder / META).write_text(meta.to_text())


def _require_room(folder: Path, model: Path) -> None:
    """Raise OSError if the disk has too little room."""
    # If the disk ran full during the export, that would look like a model that cannot be exported.
    needed = 2 * sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def _is_settled(fingerprint: str) -> bool:
    """Whether there is a good export, or the same versions of the libraries have already failed."""
    try:
        meta = onnx_files.read_meta(onnx_files.folder_of(fingerprint), fingerprint)
        if meta.refused:
            return meta.made_by == _made_by()
        if COMPACT not in meta.files:
            return False  # of an earlier release
        onnx_files.find_export(fingerprint)
    except NoExport:
        return False
    return True


def _made_by() -> str:
    return ", ".join(f"{name} {_version(name)}" for name in LIBRARIES)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # on a machine that is only meant to serve
        return "missing"


def _write(original: SentenceTransformerEncoder, folder: Path, meta: Meta) -> Export:
    """Write graph, tokenizer and meta.json into `folder`, and open them. Raises CannotExport and NoExport."""
    prompts = original.files.prompts
    parts = parts_of(original.loaded(), prompts)
    parts.tokenizer.save(str(folder / TOKENIZER))
    write_graph(parts, folder / GRAPH)
    meta = replace(
        meta,
        dimension=parts.dimension,
        prompts={role: prompts.of(role) for role in ROLES},
        longest=parts.longest,
        unpooled=parts.unpooled,
        pad_id=parts.pad_id,
        files={name: file_sha256(folder / name) for name in (GRAPH, TOKENIZER)},
    )
    (folder / META).write_text(meta.to_text())
    return onnx_files.open_folder(folder, meta.fingerprint)


def _agreement(expected: NDArray[np.float32], export: Encoder, role: Role) -> float:
    """The lowest cosine similarity of the export's vectors in that role to the `expected` ones, together and alone.

    `expected` is float32[n, d], the original's unit vectors of the n texts of SAMPLE. NaN if the shapes differ.
    """
    together = export.encode(SAMPLE, role)
    alone = np.concatenate([export.encode([text], role) for text in SAMPLE])
    if expected.shape != together.shape:
        return float("nan")
    return float(np.min([(expected * each).sum(1) for each in (together, alone)]))


def _write_refusal(folder: Path, meta: Meta, why: Message) -> None:
    for name in (GRAPH, TOKENIZER):
        (folder / name).unlink(missing_ok=True)
    (folder / META).write_text(replace(meta, refused=why.as_dict()).to_text())


@contextmanager
def _new_folder(fingerprint: str, database: str) -> Iterator[Path]:
    """A folder to write an export into. It is then flushed and renamed to its place, or removed after an error.

    An export in its place has no mark: it is every database's that uses the model.
    """
    target = onnx_files.folder_of(fingerprint)
    mine = secrets.token_hex(4)  # containers that share the folder have the same process ids
    folder = target.with_name(f"{fingerprint}.{mine}.exporting")
    folder.mkdir(parents=True)
    mark(folder, database)
    try:
        yield folder
        (folder / MARK).unlink(missing_ok=True)
        for path in (*folder.iterdir(), folder):
            flush_to_disk(path)
        if target.exists():  # damaged, or of an older format
            mark(target, database)
            target.rename(target.with_name(f"{fingerprint}.{mine}.old"))
        folder.rename(target)
        flush_to_disk(target.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(target.with_name(f"{fingerprint}.{mine}.old"), ignore_errors=True)


def _remove_others(fingerprint: str) -> None:
    """Remove exports of other models except the newest KEEP, and what interrupted exports left."""
    try:
        changed = {
            path: path.stat().st_mtime for path in onnx_files.folder_of("").iterdir() if path.name != fingerprint
        }
    except OSError as error:
        logger.warning(gettext_noop("Could not delete old exports: %s"), error)
        return
    unfinished = {path for path in changed if "." in path.name}
    finished = sorted(changed.keys() - unfinished, key=lambda path: changed[path], reverse=True)
    abandoned = {path for path in unfinished if time.time() - changed[path] > ABANDONED_SECONDS}
    for path in (*finished[KEEP:], *abandoned):
        shutil.rmtree(path, ignore_errors=True)
