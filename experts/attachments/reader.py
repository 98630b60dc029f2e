"""The text of one document. A program of its own, so that a hostile file harms nobody: see `extraction`.

    python reader.py KIND MAX_CHARACTERS MAX_SECONDS MAX_MEMORY < FILE > {"text": ..., "problem": ...}

Imports nothing of TCS. The problem is empty or a value of `experts.models.Document.Problem`.
"""

from __future__ import annotations

import io
import json
import logging
import resource
import sys
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from docx import Document
from lxml import etree
from pypdf import PdfReader
from pypdf.errors import DependencyError

MAX_PAGES = 500
MAX_UNPACKED = 100 * 2**20
"""Bytes of all parts of a Word file together, as it states them: Python's zipfile reads no more than that."""
MAX_PARTS = 5_000
ENCRYPTED_WORD = b"\xd0\xcf\x11\xe0"
"""How a Word file with a password begins, which is not a ZIP file then."""
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
"""Repeats what stands beside it, such as a text box, for old programs."""


class Unreadable(Exception):
    """The problem is its only argument."""


def of_pdf(file: BinaryIO) -> Iterator[str]:
    """The text of each page. Raises Unreadable, and anything for a damaged file."""
    pdf = PdfReader(file, strict=False)
    try:
        if pdf.is_encrypted and not pdf.decrypt(""):
            raise Unreadable("encrypted")
    except (DependencyError, NotImplementedError):
        raise Unreadable("encrypted") from None
    failed = 0
    for number in range(min(len(pdf.pages), MAX_PAGES)):
        try:
            yield pdf.pages[number].extract_text()
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001  pypdf raises all kinds; other pages may be whole
            failed += 1
    if failed:
        raise Unreadable("damaged")
    if len(pdf.pages) > MAX_PAGES:
        raise Unreadable("cut")


def of_word(file: BinaryIO) -> Iterator[str]:
    """The text of each paragraph, in tables and text boxes too.

    Raises Unreadable, and anything for a damaged file.
    """
    if file.read(len(ENCRYPTED_WORD)) == ENCRYPTED_WORD:
        raise Unreadable("encrypted")
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise Unreadable("too_large")
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable("encrypted")
    walk = etree.iterwalk(Document(file).element.body, events=("start", "end"))
    for event, element in walk:
        if event == "end":
            if element.tag == f"{WORD}p":
                yield "\n"
        elif element.tag == FALLBACK:
            walk.skip_subtree()
        elif element.tag == f"{WORD}t":
            yield element.text or ""
        elif element.tag in (f"{WORD}tab", f"{WORD}br", f"{WORD}cr"):
            yield "\n" if element.tag != f"{WORD}tab" else " "


def read(kind: str, file: BinaryIO, longest: int) -> tuple[str, str]:
    """The first `longest` characters of the text, and the problem."""
    parts: list[str] = []
    length, problem = 0, ""
    try:
        for part in of_pdf(file) if kind == "pdf" else of_word(file):
            between = "\n" if kind == "pdf" and parts else ""
            parts.append(between + part)
            length += len(part)
            if length > longest:
                problem = "cut"
                break
    except Unreadable as error:
        problem = str(error)
    except MemoryError:
        parts, problem = [], "too_large"
    except Exception:  # noqa: BLE001  whatever libraries raise for a damaged file
        problem = "damaged"
    return "".join(parts)[:longest], problem


def main() -> None:
    kind, longest, seconds, memory = sys.argv[1], *map(int, sys.argv[2:])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    logging.disable()
    file: Any = io.BytesIO(sys.stdin.buffer.read())
    text, problem = read(kind, file, longest)
    sys.stdout.write(json.dumps({"text": text, "problem": problem}))


if __name__ == "__main__":
    main()
