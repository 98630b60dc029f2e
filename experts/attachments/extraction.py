"""The text of a document, read in bounded time and memory."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

from experts.importing.encodings import find_encoding
from experts.importing.errors import ImportFailed
from experts.models import Document

logger = logging.getLogger(__name__)

MAX_CHARACTERS = 100_000
"""Of a document that are searched: forty pages. Each 400 of them are a passage, with a vector of its own."""
MAX_SECONDS = 20
MAX_MEMORY = 1024 * 2**20
"""bytes"""
READER = Path(__file__).with_name("reader.py")
Text = tuple[str, Document.Problem | str]
"""A text and what is wrong with it: empty, or a Problem."""
_BLANK_LINES = re.compile(r"\s*\n\s*\n\s*")
_SPACES = re.compile(r"[^\S\n]+")


def read_text(path: Path, kind: Document.Kind) -> Text:
    """The text of a document, at most MAX_CHARACTERS, and why it is not all of it. Raises OSError."""
    text, problem = _plain_text(path) if kind == Document.Kind.TXT else _by_a_process(path, kind)
    text = clean(text)
    if not text and problem in ("", Document.Problem.CUT):
        problem = Document.Problem.NO_TEXT
    return text, problem


def clean(text: str) -> str:
    """`text` without characters that no database or page takes, and without needless white space."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00ad", "")
    kept = "".join(
        each if each == "\n" or unicodedata.category(each) not in ("Cc", "Cs", "Co", "Cn") else " " for each in text
    )
    return _BLANK_LINES.sub("\n\n", _SPACES.sub(" ", kept)).strip()


def _plain_text(path: Path) -> Text:
    with path.open("rb") as file:
        try:
            encoding = find_encoding(file)
        except ImportFailed:
            return "", Document.Problem.DAMAGED
        text = file.read().decode(encoding, "replace").removeprefix("\ufeff")
    return text[:MAX_CHARACTERS], Document.Problem.CUT if len(text) > MAX_CHARACTERS else ""


def _by_a_process(path: Path, kind: Document.Kind) -> Text:
    """Read by another process: a file that makes it run out of time or memory, or crash, ends nothing else."""
    limits = map(str, (MAX_CHARACTERS, MAX_SECONDS, MAX_MEMORY))
    command = [sys.executable, "-I", str(READER), kind.value, *limits]
    with path.open("rb") as file:
        try:
            done = subprocess.run(command, stdin=file, capture_output=True, timeout=2 * MAX_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return "", Document.Problem.TOO_SLOW
    if done.returncode < 0:  # by a signal: the processor time is used up
        return "", Document.Problem.TOO_SLOW
    try:
        found = json.loads(done.stdout)
        return found["text"], found["problem"]
    except (ValueError, KeyError):
        logger.warning("A document could not be read: %s", done.stderr.decode(errors="replace")[-500:])
        return "", Document.Problem.TOO_LARGE if b"MemoryError" in done.stderr else Document.Problem.DAMAGED
