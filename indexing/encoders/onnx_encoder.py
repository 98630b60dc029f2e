"""Runs a model's export under ONNX Runtime: a quarter of torch's time per query, a third of its memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from indexing.encoders.batching import characters_read, encodable, token_batches, windows
from indexing.encoders.onnx_files import POOLING_MASK, Export, NoExport
from indexing.encoders.onnx_runtime import onnxruntime
from indexing.encoders.protocol import DOCUMENT, QUERY, BatchCallback, Role
from indexing.errors import EncoderUnavailable
from indexing.lib.messages import message

ERRORS_ONLY = 3
PROCESSOR = Path("/proc/cpuinfo")
EXACT_8_BITS = ("avx512_vnni", "avx_vnni")
"""Processors that multiply numbers of 8 bits and add the products with 32. Older x86 ones add them with 16, which can
overflow; on others the compact graph was not measured."""


class OnnxEncoder:
    """Any number of threads may encode at once: sessions and tokenizers are not changed after loading."""

    def __init__(self, export: Export, name: str) -> None:
        """Load what encodes queries. Raises NoExport if ONNX Runtime or the tokenizer cannot read its file.

        If that is the compact graph, the other is loaded with the first documents: few processes ever have any.
        """
        self.name = name
        self.fingerprint = export.meta.fingerprint
        self.dimension = export.meta.dimension
        self._meta = export.meta
        compact = export.compact if multiplies_8_bits_exactly() else None
        self._graphs = {QUERY: compact or export.graph, DOCUMENT: export.graph}
        self._sessions: dict[Path, onnxruntime.InferenceSession] = {}
        self._lock = threading.Lock()
        try:
            self._tokenizers = {role: _tokenizer(export, longest) for role, longest in export.meta.longest.items()}
            self._session(QUERY)
        except Exception as error:  # noqa: BLE001  both libraries raise nothing narrower
            raise NoExport(
                message("%(folder)s cannot be loaded (%(error)s)", folder=export.folder, error=error)
            ) from error

    def load(self) -> None:
        """Already loaded by the constructor; nothing to do."""

    def encode(
        self, texts: Sequence[str], role: Role = DOCUMENT, *, progress: BatchCallback | None = None
    ) -> NDArray[np.float32]:
        """Unit vectors, float32[n, d], in input order. Raises EncoderUnavailable, and what `progress` raises."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for rows in windows(texts):
            tokens = self._tokens([texts[row] for row in rows], role)
            batches = list(token_batches([len(each) for each in tokens]))
            with closing(self._side_by_side(batches, tokens, role)) as found:
                for batch, each in zip(batches, found, strict=True):
                    vectors[[rows[at] for at in batch]] = each
                    if progress is not None:
                        progress(len(batch))
        return vectors

    def _side_by_side(
        self, batches: Sequence[list[int]], tokens: Sequence[list[int]], role: Role
    ) -> Generator[NDArray[np.float32], None, None]:
        """The vectors of each batch of rows of `tokens`, in their order, one thread for each batch."""
        inputs = ([tokens[row] for row in batch] for batch in batches)
        side_by_side = min(threads(), len(batches))
        if side_by_side < 2:
            yield from (self._forward(each, role) for each in inputs)
            return
        pool = ThreadPoolExecutor(side_by_side, thread_name_prefix="encode")
        try:
            yield from pool.map(lambda each: self._forward(each, role), inputs)
        finally:
            pool.shutdown(cancel_futures=True)

    def characters_read(self, texts: Sequence[str]) -> list[int]:
        """How many characters of each document the model reads before it cuts."""
        prompt, tokenizer = self._meta.prompts[DOCUMENT], self._tokenizers[DOCUMENT]
        return [characters_read(tokenizer.encode(encodable(prompt + text)), prompt, text) for text in texts]

    def _tokens(self, texts: Sequence[str], role: Role) -> list[list[int]]:
        """The token ids of each text, with the prompt of that role and cut to the length that the model reads."""
        prompt, tokenizer = self._meta.prompts[role], self._tokenizers[role]
        return [tokenizer.encode(encodable(prompt + text)).ids for text in texts]

    def feeds(self, texts: Sequence[str], role: Role) -> Iterator[dict[str, NDArray[np.int64]]]:
        """What the graph gets for each text by itself: token ids and masks, int64[1, tokens] each."""
        return (self._feed([tokens], role) for tokens in self._tokens(texts, role))

    def _feed(self, tokens: list[list[int]], role: Role) -> dict[str, NDArray[np.int64]]:
        """What the graph gets for m texts given as token ids: int64[m, tokens] each."""
        width = max(map(len, tokens))
        ids = np.full((len(tokens), width), self._meta.pad_id, np.int64)
        mask = np.zeros((len(tokens), width), np.int64)
        for row, each in enumerate(tokens):
            ids[row, : len(each)] = each
            mask[row, : len(each)] = 1
        feed = {"input_ids": ids, "attention_mask": mask}
        if any(self._meta.unpooled.values()):
            feed[POOLING_MASK] = mask.copy()
            feed[POOLING_MASK][:, : self._meta.unpooled[role]] = 0
        return feed

    def _session(self, role: Role) -> onnxruntime.InferenceSession:
        path = self._graphs[role]
        if path in self._sessions:  # without the lock: queries go on while the graph for documents is loaded
            return self._sessions[path]
        with self._lock:
            if path not in self._sessions:
                self._sessions[path] = onnxruntime.InferenceSession(
                    str(path), _options(), providers=["CPUExecutionProvider"]
                )
            return self._sessions[path]

    def _forward(self, tokens: list[list[int]], role: Role) -> NDArray[np.float32]:
        """The unit vectors, float32[m, d], of m texts given as token ids."""
        try:
            vectors: NDArray[np.float32] = self._session(role).run(None, self._feed(tokens, role))[0]
        except Exception as error:  # noqa: BLE001  its errors have nothing narrower in common
            raise EncoderUnavailable(
                message(
                    "The model %(name)s could not encode a text (%(error)s). Is there enough memory?",
                    name=self.name,
                    error=error,
                )
            ) from error
        return vectors


def _tokenizer(export: Export, longest: int) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(export.tokenizer))
    tokenizer.no_padding()
    tokenizer.enable_truncation(longest)
    return tokenizer


def threads() -> int:
    """OMP_NUM_THREADS: one in web processes, what the settings say in the worker; ONNX Runtime does not read it."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() and int(given) else os.cpu_count() or 1


@cache
def multiplies_8_bits_exactly() -> bool:
    """Whether this processor can use compact graphs."""
    try:
        flags = PROCESSOR.read_text().split()
    except OSError:  # not Linux
        return False
    return any(each in flags for each in EXACT_8_BITS)


def _options() -> onnxruntime.SessionOptions:
    """Session options for one thread a call: batches are encoded side by side instead."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    return options
