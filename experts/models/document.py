"""Documents of experts, such as a CV. Their text is searched like the bio."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from experts.attachments import storage
from experts.models.expert import Expert
from experts.safe_text import without_bidi_controls


class DocumentManager(models.Manager["Document"]):
    """Leaves the text in the database, since a list of documents would otherwise read megabytes."""

    def get_queryset(self) -> models.QuerySet[Document]:
        return super().get_queryset().defer("text")


class Document(models.Model):
    """A file that belongs to an expert. It never changes: another file is another document."""

    class Kind(models.TextChoices):
        PDF = "pdf", _("PDF")
        DOCX = "docx", _("Word")
        TXT = "txt", _("text")

    class Problem(models.TextChoices):
        """Why a document is not searched, or not all of it."""

        ENCRYPTED = "encrypted", _("It is protected by a password, so its text cannot be read.")
        DAMAGED = "damaged", _("It is damaged, so its text cannot be read.")
        NO_TEXT = "no_text", _("It contains no text, perhaps only scanned pages.")
        TOO_LARGE = "too_large", _("Its contents are too large to be read.")
        TOO_SLOW = "too_slow", _("Reading its text took too long.")
        CUT = "cut", _("It is long: only its beginning is searched.")

    expert = models.ForeignKey(Expert, on_delete=models.CASCADE, related_name="documents")
    name = models.CharField(_("name"), max_length=255)
    """Of the file as it was uploaded, without folders and control characters."""
    kind = models.CharField(_("kind"), max_length=4, choices=Kind.choices)
    size = models.PositiveIntegerField(_("size"))
    """bytes"""
    sha256 = models.CharField(max_length=64, editable=False)
    """of the file, in hex"""
    stored_name = models.CharField(max_length=32, unique=True, editable=False)
    """See `experts.attachments.storage`."""
    text = models.TextField(blank=True, editable=False)
    text_hash = models.CharField(max_length=32, blank=True, editable=False)
    """Of the text: see `experts.profiles.records.document_hash`. Empty without a text."""
    characters = models.PositiveIntegerField(default=0, editable=False)
    """How long the text is."""
    problem = models.CharField(_("problem"), max_length=10, choices=Problem.choices, blank=True, editable=False)
    uploaded_at = models.DateTimeField(_("uploaded"), default=timezone.now, editable=False)
    uploaded_by = models.CharField(_("by"), max_length=150, blank=True, editable=False)
    """Username of who uploaded it."""

    objects = DocumentManager()

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        ordering = ["name", "pk"]
        base_manager_name = "objects"
        default_permissions = ("add", "delete", "view")
        constraints = [models.UniqueConstraint(fields=["expert", "sha256"], name="document_once")]

    def __str__(self) -> str:
        return without_bidi_controls(self.name)

    def get_absolute_url(self) -> str:
        """Where it can be downloaded with the right `experts.view_document`."""
        return reverse("expert-document", args=[self.expert_id, self.pk])


@receiver(post_delete, sender=Document)
def _remove_document(instance: Document, **_: Any) -> None:
    """Also where the expert was deleted, which a method of the model would not notice."""
    storage.remove_after_commit(storage.DOCUMENTS, instance.stored_name)


@receiver(post_delete, sender=Expert)
def _remove_photo(instance: Expert, **_: Any) -> None:
    if instance.photo_file:
        storage.remove_after_commit(storage.PHOTOS, instance.photo_file)
