"""Tokens of the JSON API. Only a hash is stored: what the caller holds cannot be read back from here."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class ApiTokenManager(models.Manager["ApiToken"]):
    def issue(self, user: User) -> tuple[ApiToken, str]:
        """A new token of `user` and its secret, which is shown this once."""
        secret = secrets.token_urlsafe(32)
        lifetime = timedelta(hours=settings.TCS_TOKEN_HOURS)
        token = self.create(user=user, digest=digest(secret), expires_at=timezone.now() + lifetime)
        return token, secret

    def find(self, secret: str) -> ApiToken | None:
        """The valid token with this secret: not expired, not revoked, of an active user."""
        return (
            self.select_related("user")
            .filter(digest=digest(secret), expires_at__gt=timezone.now(), revoked_at=None, user__is_active=True)
            .first()
        )


class ApiToken(models.Model):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens", verbose_name=_("user")
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("issued"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    objects = ApiTokenManager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        default_permissions = ("view", "change", "delete")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.user} · {self.created_at:%Y-%m-%d %H:%M}"


def digest(secret: str) -> str:
    """SHA-256 in hex. The secret has 256 random bits: nothing slower is needed to protect it."""
    return hashlib.sha256(secret.encode()).hexdigest()
