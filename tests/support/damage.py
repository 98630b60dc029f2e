"""Damages files that a process may have mapped into its memory."""

from __future__ import annotations

from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write it as a new file: truncating in place would kill processes that map it (SIGBUS), such as the tests."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def flip_bit(path: Path) -> None:
    """Flip one bit in the middle of the file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    replace(path, bytes(content))
