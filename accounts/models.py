"""Invitations of people who only search, and who somebody is at an OpenID Connect provider."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

KEPT_FOR = timedelta(days=90)
"""after an invitation has ended"""


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        """Those that can still be accepted."""
        return self.filter(accepted_at=None, revoked_at=None, expires_at__gt=timezone.now())

    def by_secret(self, secret: str) -> Invitation | None:
        """The open invitation of a link; None for any other text."""
        return self.open().filter(secret_hash=_hash(secret)).first()

    def issue(self, email: str, by: User) -> tuple[Invitation, str]:
        """A new invitation, and the secret of its link, which is not stored. Earlier ones to this address end."""
        self.open().filter(email__iexact=email).update(revoked_at=timezone.now())
        secret = secrets.token_urlsafe(32)
        until = timezone.now() + timedelta(days=settings.TCS_INVITATION_DAYS)
        return self.create(email=email, secret_hash=_hash(secret), invited_by=by, expires_at=until), secret

    def delete_old(self) -> int:
        """Delete those that ended long ago; returns how many."""
        return self.filter(expires_at__lt=timezone.now() - KEPT_FOR).delete()[0]


class Invitation(models.Model):
    """A link by which one person creates an account. It expires, and works once."""

    email = models.EmailField(_("e-mail address"), max_length=150)
    secret_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        default_permissions = ()
        permissions = [("invite", _("Can invite people who search"))]

    def __str__(self) -> str:
        return self.email


class Identity(models.Model):
    """The user behind a subject of an OpenID Connect provider. The pair of both stays, whatever else changes."""

    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    made_staff = models.BooleanField(default=False)
    """Whether the user is staff only because of the provider's groups."""

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="identity_once")]

    def __str__(self) -> str:
        return f"{self.user} ({self.issuer})"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
