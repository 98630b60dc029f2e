"""Checks a new version by opening and searching it, before it can go live."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from indexing.building.unit_length import is_usable
from indexing.errors import VerifyFailed
from indexing.lib.messages import count_of_experts, message, plural_message
from indexing.snapshot.engine import SearchableVectors
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.recall import Truth

SAMPLE = 200
SAME = 1e-4
"""Similarities closer than this count as equal: identical texts have the same vector."""
BLOCK = 16_384
LEAST_RECALL = 0.95
"""recall@10 of an approximate index on this sample. It had `recall.WANTED` on a larger one; a wrong index has next to
nothing."""


def sample_rows(count: int) -> list[int]:
    """Up to 200 rows, evenly spread, and always the same ones for a count."""
    return sorted({int(row) for row in np.linspace(0, count - 1, min(SAMPLE, count))}) if count else []


def check(
    snapshot: Snapshot, expected: int, usernames: Mapping[int, str], advance: Callable[[int], None]
) -> float | None:
    """Check that `snapshot` finds its `expected` experts. Raises VerifyFailed with the figures.

    `usernames`: id -> username of sampled experts. Each must be found by the username, and be the first hit for the
    expert's own vector; `advance(1)` is called for each. An approximate index is judged by its recall@10 instead,
    which is returned. Counts and dimensions of the files were checked when it was opened.
    """
    if len(snapshot) != expected:
        raise VerifyFailed(
            message(
                "The version holds %(found)s, but the directory had %(expected)d.",
                found=count_of_experts(len(snapshot)),
                expected=expected,
            )
        )
    unique = len(np.unique(snapshot.ids))
    if unique != expected:
        raise VerifyFailed(
            message(
                "The version should hold %(expected)s, but only %(unique)d of them are different.",
                expected=count_of_experts(expected),
                unique=unique,
            )
        )
    _check_vectors(snapshot)
    _check_sample(snapshot, usernames, advance)
    index = snapshot.meaning.index
    return None if index.compares_all else _checked_recall(index, snapshot)


def _check_vectors(snapshot: Snapshot) -> None:
    bad = 0
    matrix = snapshot.matrix
    for start in range(0, len(matrix), BLOCK):
        bad += int(np.count_nonzero(~is_usable(matrix[start : start + BLOCK])))
    if bad:
        raise VerifyFailed(
            message("Of %(count)d vectors, %(bad)d are not finite and of unit length.", bad=bad, count=len(matrix))
        )


def _check_sample(snapshot: Snapshot, usernames: Mapping[int, str], advance: Callable[[int], None]) -> None:
    lost_vectors: list[str] = []
    lost_words: list[str] = []
    for expert, username in usernames.items():
        row = int(snapshot.rows(np.array([expert]))[0])
        if snapshot.meaning.index.compares_all and not _first_by_vector(snapshot, row):
            lost_vectors.append(username)
        if not _found_by_username(snapshot, expert, username):
            lost_words.append(username)
        advance(1)
    for lost, what in (
        (lost_vectors, message("the vector of their profile")),
        (lost_words, message("their username")),
    ):
        if lost:
            raise VerifyFailed(
                plural_message(
                    "%(count)d of a sample of %(sample)s is not the first hit for %(what)s: %(names)s.",
                    "%(count)d of a sample of %(sample)s are not the first hits for %(what)s: %(names)s.",
                    count=len(lost),
                    sample=count_of_experts(len(usernames)),
                    what=what,
                    names=", ".join(lost[:5]) + (", …" if len(lost) > 5 else ""),
                )
            )


def _checked_recall(index: SearchableVectors, snapshot: Snapshot) -> float:
    """Whether the index as it is stored leads to the vectors on the disk."""
    texts = snapshot.meaning.passages.texts(index.count, len(snapshot))
    recall = Truth.of(snapshot.matrix, SAMPLE, texts).recall(index)
    if recall < LEAST_RECALL:
        raise VerifyFailed(
            message(
                "The vector index finds only %(recall).1f %% of the ten nearest of a sample of vectors; "
                "%(least).0f %% are needed.",
                recall=recall * 100,
                least=LEAST_RECALL * 100,
            )
        )
    return recall


def _first_by_vector(snapshot: Snapshot, row: int) -> bool:
    """Whether the best hit for the vector of the expert's profile is the expert, or another one who is as near."""
    vector, expert = snapshot.meaning.whole(row), snapshot.ids[row : row + 1]
    ids, _similarities = snapshot.semantic(vector, 1)
    if not len(ids):
        return False
    own, best = snapshot.similarities(vector, np.concatenate([expert, ids]))
    return bool(ids[0] == expert[0]) or bool(best >= own - SAME)


def _found_by_username(snapshot: Snapshot, expert: int, username: str) -> bool:
    """Whether the keyword index has the expert under the username. Those that differ only in upper and lower case
    share it."""
    return expert in snapshot.keywords.with_username(username)
