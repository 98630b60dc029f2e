"""Documents of experts, as programs that keep the directory see them."""

from __future__ import annotations

from ninja import Field, Schema

from experts.models import Document


class DocumentOut(Schema):
    id: int
    name: str
    kind: str = Field(description="pdf, docx or txt")
    size: int = Field(description="Bytes.")
    characters: int = Field(description="How long its text is: so much of it is searched.")
    problem: str = Field(
        description="Why it is not searched, or not all of it, in a sentence; empty if all of it is."
    )
    uploaded_at: float
    uploaded_by: str = Field(description="Username.")
    address: str = Field(description="Where somebody who is signed in can download it.")

    @classmethod
    def from_document(cls, document: Document) -> DocumentOut:
        stored = {name: getattr(document, name) for name in ("name", "kind", "size", "characters", "uploaded_by")}
        return cls(
            id=document.pk,
            problem=document.get_problem_display(),
            uploaded_at=document.uploaded_at.timestamp(),
            address=document.get_absolute_url(),
            **stored,
        )


class DocumentList(Schema):
    documents: list[DocumentOut] = Field(description="By name.")
