"""The words that a model wants in front of a query and of a document, such as "query: "."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from indexing.encoders.protocol import QUERY, Role

CONFIG = "config_sentence_transformers.json"


@dataclass(frozen=True, slots=True)
class Prompts:
    """Both prompts, and whether they are part of the model's fingerprint."""

    query: str = ""
    document: str = ""
    count: bool = False
    """The model is one of those with prompts, or somebody set one. Otherwise the fingerprint stays as it was before
    prompts were known, so that no vector has to be made again."""

    def of(self, role: Role) -> str:
        """The prompt of a role; empty if there is none."""
        return self.query if role == QUERY else self.document

    def as_bytes(self) -> bytes:
        """Both, for the fingerprint; nothing if they do not count."""
        return f"prompts\0{self.query}\0{self.document}\n".encode("utf-8", "surrogatepass") if self.count else b""


def read_prompts(folder: Path, query: str = "", document: str = "") -> Prompts:
    """The given prompts, or where one is empty the model's own: those that `encode_query` and `encode_document` of
    sentence-transformers take, which know the names "query" and "document" and leave the model's default prompt out.

    Raises OSError and ValueError if the model's files cannot be read.
    """
    config = folder / CONFIG
    found = json.loads(config.read_bytes()) if config.is_file() else {}
    named = found.get("prompts") if isinstance(found, dict) else None
    own = {name: text for name, text in (named or {}).items() if isinstance(text, str) and text}
    return Prompts(query or own.get("query", ""), document or own.get("document", ""), bool(own or query or document))
