"""Damaging files that some process may have mapped into its memory."""

from __future__ import annotations

from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """As a new file: cutting it short in place would end whoever has it mapped (SIGBUS), here the tests."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def flip(path: Path) -> None:
    """One bit, in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    replace(path, bytes(content))
