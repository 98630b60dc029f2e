"""The text of an expert that is embedded. Pure functions."""

from __future__ import annotations

from experts.profiles.letters import plain_letters
from experts.profiles.records import ExpertRecord, document_texts

TEMPLATE_VERSION = 1
"""Increase it whenever `profile_text` returns another text for the same expert, so that no old vector is reused.

Not for a change that leaves most texts as they are, such as another letter in `plain_letters`: vectors are reused by
the text itself."""


def profile_text(expert: ExpertRecord) -> str:
    """The text that the encoder reads: what the expert does, where, what they say about themselves, and their
    documents.

    The name is left out: the vector of a name says nothing about what somebody can do, and the keyword index finds
    names. It is used only if there is nothing else, so that every expert has a vector.
    """
    parts = (role_text(expert), expert.bio.strip(), "\n".join(document_texts(expert)))
    text = ". ".join(part for part in parts if part)
    return plain_letters(text or expert.full_name or expert.username)


def role_text(expert: ExpertRecord) -> str:
    """Job title and company, with a comma between them; empty without either."""
    return ", ".join(part for part in (expert.job_title.strip(), expert.company.strip()) if part)


def has_text(expert: ExpertRecord) -> bool:
    """Whether there is anything to embed other than a name."""
    return any(part.strip() for part in (expert.job_title, expert.company, expert.bio, expert.documents))
