"""The experts' fields as they were when a version was built, so that changes can be shown later.

Compressed in blocks and mapped from the disk: a web process that shows no old texts holds none of them in memory.
"""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experts.profiles.hashes import HASH_BYTES, own_row, row_digests
from experts.profiles.records import FIELDS, ExpertRecord
from indexing.snapshot.line_blocks import is_block

BLOCK = 64
"""Experts per block: a third of the size of one block each, and still read in a fraction of a millisecond."""
LEVEL = 4
"""5 % larger than at 6, in half the time."""

Profile = dict[str, str]
"""Field of `experts.profiles.records.FIELDS` -> its value as that gives it; a field without a value is left out."""

FOUND_BY = ("username", "name", "job_title", "company")


def name_of(profile: Profile) -> str:
    """First and last name, else the username; empty for an empty profile."""
    return " ".join(profile.get("name", "").split("\0")).strip() or profile.get("username", "")


def by_name(profile: Profile, number: int) -> tuple[str, int]:
    """Sort key: last name, first name, then `number` (the expert id) so that the order is always the same."""
    first, _, last = profile.get("name", "\0").partition("\0")
    return f"{last} {first}".strip().casefold(), number


def has_words(profile: Profile, words: str) -> bool:
    """Whether every word of `words` occurs in the username, name, job title or company. Ignores case."""
    text = " ".join(profile.get(name, "") for name in FOUND_BY).casefold()
    return all(word in text for word in words.casefold().split())


@dataclass(frozen=True, slots=True, eq=False)
class Profiles:
    """The stored profiles of n experts, in the order of the version's ids. A version has all three files or none."""

    digests: NDArray[np.uint8]
    """uint8[n, 16]: `experts.profiles.hashes.row_digests`, which tell quickly whether anything changed."""
    ends: NDArray[np.int64]
    """int64[blocks]: where in `packed` each block ends."""
    packed: NDArray[np.uint8]
    """uint8[bytes]: the blocks one after another, each JSON compressed with zlib."""

    @classmethod
    def from_records(cls, experts: Sequence[ExpertRecord]) -> Profiles:
        """The profiles of `experts`, in their order."""
        packer = ProfilePacker()
        digests = np.frombuffer(row_digests(list(map(own_row, experts))), np.uint8).reshape(-1, HASH_BYTES)
        packer.add(experts, digests)
        return packer.packed()

    def check(self, count: int) -> None:
        """Raises ValueError if the arrays do not fit `count` experts."""
        blocks = -(-count // BLOCK)
        if self.digests.shape != (count, HASH_BYTES) or self.ends.shape != (blocks,) or self.packed.ndim != 1:
            raise ValueError(f"not the profiles of {count} experts")
        if len(self.packed) != (self.ends[-1] if blocks else 0) or (np.diff(self.ends) <= 0).any():
            raise ValueError("the blocks do not follow one another")

    def at(self, rows: Iterable[int]) -> dict[int, Profile]:
        """Row -> profile. Each block that holds a wanted row is decompressed once.

        Raises zlib.error or ValueError if the file is damaged.
        """
        wanted: dict[int, list[int]] = {}
        for row in rows:
            wanted.setdefault(row // BLOCK, []).append(row)
        found: dict[int, Profile] = {}
        for block, members in wanted.items():
            profiles = self._block(block)
            found |= {row: profiles[row % BLOCK] for row in members}
        return found

    def raw(self, number: int) -> bytes:
        """A block as it is stored."""
        start = int(self.ends[number - 1]) if number else 0
        return self.packed[start : int(self.ends[number])].tobytes()

    def _block(self, number: int) -> list[Profile]:
        profiles: list[Profile] = json.loads(zlib.decompress(self.raw(number)))
        return profiles


class ProfilePacker:
    """Makes `Profiles`, many experts after many."""

    def __init__(self, before: Profiles | None = None) -> None:
        """Blocks of profiles that are as in `before` are copied: to compress them takes most of the time."""
        self._before = before
        self._digests, self._packed, self._ends = bytearray(), bytearray(), array("q")

    def add(
        self, experts: Sequence[ExpertRecord], digests: NDArray[np.uint8], same: NDArray[np.int64] | None = None
    ) -> None:
        """Add m experts, in whole blocks except at the end. `digests`: `row_digests`, uint8[m, 16]; `same`, int64[m],
        in which row `before` has the same profile, -1 for in none."""
        self._digests += digests.tobytes()
        rows = [-1] * len(experts) if same is None else same.tolist()
        for start in range(0, len(experts), BLOCK):
            some = slice(start, start + BLOCK)
            if self._before and is_block(rows[some], BLOCK, len(self._before.digests)):
                self._packed += self._before.raw(rows[start] // BLOCK)
            else:
                self._packed += zlib.compress(_as_json(experts[some]), LEVEL)
            self._ends.append(len(self._packed))

    def packed(self) -> Profiles:
        return Profiles(
            digests=np.frombuffer(self._digests, np.uint8).reshape(-1, HASH_BYTES),
            ends=np.array(self._ends, np.int64),
            packed=np.frombuffer(self._packed, np.uint8),
        )


def _as_json(experts: Sequence[ExpertRecord]) -> bytes:
    """The profiles as ASCII JSON, so that a lone surrogate can be stored too."""
    profiles = [{name: value for name, of in FIELDS.items() if (value := of(expert))} for expert in experts]
    return json.dumps(profiles, separators=(",", ":")).encode()
