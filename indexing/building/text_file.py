"""Texts in a file instead of in memory, from when they are laid out until they are encoded."""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Iterator, MutableMapping
from pathlib import Path


class TextFile(MutableMapping[bytes, str]):
    """Hash -> text. The file has no name, and is gone with the last reference. Nothing is ever removed from it."""

    def __init__(self, folder: Path) -> None:
        """On the disk of `folder`, which must exist. Raises OSError."""
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  as long as the texts
        self._places: dict[bytes, int] = {}
        self._ends = array("q", [0])
        self._is_flushed = True

    def __setitem__(self, key: bytes, text: str) -> None:
        if key in self._places:
            return  # the same hash is the same text
        raw = text.encode("utf-8", "surrogatepass")
        self._file.write(raw)
        self._is_flushed = False
        self._places[key] = len(self._ends)
        self._ends.append(self._ends[-1] + len(raw))

    def __getitem__(self, key: bytes) -> str:
        place = self._places[key]
        if not self._is_flushed:
            self._file.flush()
            self._is_flushed = True
        start, end = self._ends[place - 1], self._ends[place]
        return os.pread(self._file.fileno(), end - start, start).decode("utf-8", "surrogatepass")

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __delitem__(self, key: bytes) -> None:
        raise TypeError("nothing is ever removed")

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
