"""What builds have encoded and no live version holds yet, in shards of some hundred texts.

A build that is lost, cancelled or fails leaves them in `<data>/encoded/`, and the next one encodes only the rest. A
shard is one file, `<model>/<hash of its texts' hashes>`: the SHA-256 of the rest of it, then the texts' hashes and
vectors as .npy. It is written under a temporary name, flushed and renamed.
"""

from __future__ import annotations

import hashlib
import io
import logging
import secrets
import shutil
from collections.abc import Container, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, overload

import numpy as np
from django.utils.translation import gettext_noop
from numpy.typing import NDArray

from experts.profiles.hashes import HASH_BYTES
from indexing.building import dask_encoding, process_encoding
from indexing.building.dask_encoding import Shard
from indexing.building.reporting import StageProgress
from indexing.building.unit_length import is_usable
from indexing.encoders import Encoder
from indexing.lib.files import flush_to_disk

logger = logging.getLogger(__name__)

SIZE = 256
"""Texts in a shard: a few seconds of work, which is what a build that ends badly loses at most."""
UNFINISHED = ".tmp"
RECOMPUTED = ".recomputed"
_DIGEST_BYTES = 32


def encode(
    keys: Sequence[bytes],
    texts: Mapping[bytes, str],
    encoder: Encoder,
    shards: Shards | None,
    progress: StageProgress,
    scheduler: str = "",
    processes: int = 1,
    into: tuple[NDArray[np.float32], NDArray[np.int64]] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The vectors, float32[k, d], of k texts, given by their hashes; and bool[k], which were in `shards` already.

    With `into`, a matrix float32[r, d] and rows of it int64[k], they are set there, and the matrix is returned.
    The others are added to `shards` as they are encoded: here by `encoder`, in several `processes` of this machine,
    or by the workers of the Dask `scheduler`. `texts` has these texts, and those that a later build may need. Raises
    EncoderUnavailable, and what `progress` raises.
    """
    if into is None:
        into = np.empty((len(keys), encoder.dimension), np.float32), np.arange(len(keys), dtype=np.int64)
    vectors, targets = into
    found = shards.read_into(vectors, keys, texts, targets) if shards else np.zeros(len(keys), bool)
    missing = np.flatnonzero(~found).tolist()
    progress.expect(len(missing))
    if shards:
        # The longest first, as encoders order them too: memory peaks right away, and a shard needs little padding.
        missing.sort(key=lambda row: len(texts[keys[row]]), reverse=True)
    size = SIZE if shards or scheduler or processes > 1 else max(len(missing), 1)
    rows = [missing[start : start + size] for start in range(0, len(missing), size)]
    pieces = _Pieces(keys, texts, rows)
    with closing(_encoded(pieces, encoder, progress, scheduler, processes)) as encoded:
        for number, fresh in encoded:
            vectors[targets[rows[number]]] = fresh
            if shards:
                shards.add([keys[row] for row in rows[number]], fresh)
    if found.any():
        logger.info(gettext_noop("%d texts were encoded already, by a run that did not end well."), found.sum())
    return vectors, found


class _Pieces(Sequence[Shard]):
    """What is to be encoded, in shards; the texts of one are read when it is its turn."""

    def __init__(self, keys: Sequence[bytes], texts: Mapping[bytes, str], rows: Sequence[Sequence[int]]) -> None:
        self._keys, self._texts, self._rows = keys, texts, rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, number: int) -> Shard: ...

    @overload
    def __getitem__(self, number: slice) -> list[Shard]: ...

    def __getitem__(self, number: int | slice) -> Shard | list[Shard]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        keys = [self._keys[row] for row in self._rows[number]]
        return Shard(name_of(keys), [self._texts[key] for key in keys])


Encoded = Generator[tuple[int, NDArray[np.float32]], None, None]


def _encoded(
    pieces: Sequence[Shard], encoder: Encoder, progress: StageProgress, scheduler: str, processes: int
) -> Encoded:
    """The vectors of each piece with its number, in the order in which they are done."""
    if scheduler and pieces:
        return dask_encoding.encode(scheduler, encoder, pieces, progress)
    if processes > 1 and len(pieces) > 1:
        return process_encoding.encode(processes, encoder, pieces, progress)
    return _here(encoder, pieces, progress)


def _here(encoder: Encoder, pieces: Sequence[Shard], progress: StageProgress) -> Encoded:
    for number, piece in enumerate(pieces):
        yield number, encoder.encode(piece.texts, progress=progress.advance)


def name_of(keys: Sequence[bytes]) -> str:
    """The name of a shard of the texts with these hashes."""
    return hashlib.blake2b(b"".join(keys), digest_size=HASH_BYTES).hexdigest()


def bytes_needed(texts: int, dimension: int) -> int:
    """The size of the shards of that many texts."""
    return texts * (HASH_BYTES + 4 * dimension) + (texts // SIZE + 1) * 4096


class Shards:
    """The shards of one model. Nothing here fails a build: what cannot be read or written is encoded again."""

    def __init__(self, folder: Path, fingerprint: str, *, recompute: bool = False) -> None:
        """`folder` holds those of all models. A build that computes every vector again takes only those of such
        builds, since it is meant to replace vectors that may be wrong."""
        again = folder / f"{fingerprint}{RECOMPUTED}"
        self._own = again if recompute else folder / fingerprint
        self._folders = [self._own] if recompute else [self._own, again]
        self._is_full = False

    def read_into(
        self,
        vectors: NDArray[np.float32],
        keys: Sequence[bytes],
        needed: Container[bytes],
        targets: NDArray[np.int64] | None = None,
    ) -> NDArray[np.bool_]:
        """Set the vectors of texts that have been encoded. Returns which, bool[k].

        `keys` are k hashes of texts, and `targets`, int64[k], their rows in `vectors`, float32[r, d]; else they
        are its first k rows. Shards with no text that is `needed`, damaged ones and unfinished ones are
        deleted, so that there is never more than the texts of one directory.
        """
        place = {each: row for row, each in enumerate(keys)}
        found = np.zeros(len(keys), bool)
        for path in self._files():
            shard = _read(path, vectors.shape[1])
            hashes = [each.tobytes() for each in shard["hash"]]
            if not any(each in needed for each in hashes):
                _delete(path)
            where = [at for at, each in enumerate(hashes) if each in place]
            rows = [place[hashes[at]] for at in where]
            vectors[rows if targets is None else targets[rows]] = shard["vector"][where]
            found[rows] = True
        return found

    def add(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        """Store the vectors, float32[k, d], of the k texts with these hashes; unusable ones are left out."""
        usable = is_usable(vectors)
        if self._is_full or not usable.any():
            return
        shard = np.empty(int(usable.sum()), _record(vectors.shape[1]))
        shard["hash"] = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, HASH_BYTES)[usable]
        shard["vector"] = vectors[usable]
        try:
            _write(self._own, shard)
        except OSError as error:
            self._is_full = True
            logger.warning(
                gettext_noop("What is encoded from here on is not stored until the version is complete: %s"), error
            )

    def _files(self) -> Iterator[Path]:
        for folder in self._folders:
            yield from sorted(folder.glob("*")) if folder.is_dir() else ()


def forget(folder: Path) -> None:
    """Delete all shards: a live version holds the vectors now."""
    shutil.rmtree(folder, ignore_errors=True)


def _record(dimension: int) -> np.dtype[Any]:
    return np.dtype([("hash", np.uint8, (HASH_BYTES,)), ("vector", "<f4", (dimension,))])


def _write(folder: Path, shard: NDArray[Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    np.save(content, shard, allow_pickle=False)
    raw = content.getvalue()
    path = folder / name_of([shard["hash"].tobytes()])
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
    try:
        unfinished.write_bytes(hashlib.sha256(raw).digest() + raw)
        flush_to_disk(unfinished)
        unfinished.rename(path)
    except OSError:
        _delete(unfinished)
        raise


def _read(path: Path, dimension: int) -> NDArray[Any]:
    """The records of a shard; none if it is damaged, unfinished or of another dimension."""
    nothing = np.empty(0, _record(dimension))
    if path.suffix == UNFINISHED:
        return nothing
    try:
        content = path.read_bytes()
        raw = content[_DIGEST_BYTES:]
        if hashlib.sha256(raw).digest() != content[:_DIGEST_BYTES]:
            return nothing
        shard: NDArray[Any] = np.load(io.BytesIO(raw), allow_pickle=False)
    except (OSError, ValueError):
        return nothing
    return shard if shard.dtype == nothing.dtype and is_usable(shard["vector"]).all() else nothing


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning(gettext_noop("Could not delete %s: %s"), path.name, error)
