"""How near queries that mean nothing come to somebody in the directory: what is nearer is a strong match.

A similarity means something only against others of the same model and the same directory, so it is measured for
each version, with strings of random letters. Their vectors depend on the model alone and are stored in the version,
so that a build that encodes nothing else need not load the model for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from indexing.building.reuse import PreviousVectors
from indexing.encoders import Encoder
from indexing.encoders.protocol import QUERY
from indexing.snapshot.meaning_index import MeaningIndex
from indexing.snapshot.ranking_constants import NONSENSE_SHARE
from indexing.snapshot.version_files import check_files
from indexing.snapshot.writer import NONSENSE

LETTERS = "abcdefghijklmnopqrstuvwxyz"
COUNT = 100


def queries() -> list[str]:
    """Always the same COUNT strings: half of them one word of 4 to 9 letters, half two words of 3 to 6."""
    draw = Random(0)  # noqa: S311  nothing secret

    def words() -> Iterator[str]:
        for number in range(COUNT):
            lengths = [draw.randint(4, 9)] if number % 2 else [draw.randint(3, 6) for _each in range(2)]
            yield " ".join("".join(draw.choices(LETTERS, k=length)) for length in lengths)

    return list(words())


def vectors(encoder: Encoder, previous: PreviousVectors | None, folder: Path | None) -> NDArray[np.float32]:
    """float32[COUNT, d] of the queries; those of the `previous` version in `folder` if it has them.

    Raises EncoderUnavailable, and SnapshotInvalid if the file there is damaged.
    """
    if previous is not None and folder is not None and NONSENSE in previous.manifest.files:
        check_files(folder, previous.manifest, hashes=True, only=(NONSENSE,))
        stored: NDArray[np.float32] = np.load(folder / NONSENSE, allow_pickle=False)
        return stored
    return encoder.encode(queries(), QUERY)


def strong_similarity(meaning: MeaningIndex, nonsense: NDArray[np.float32]) -> float:
    """The similarity that a share of NONSENSE_SHARE of the `nonsense`, float32[c, d], reaches with nobody."""
    return round(float(np.quantile(meaning.highest(nonsense).astype(np.float64), NONSENSE_SHARE)), 4)
