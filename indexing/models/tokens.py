"""Tokens of the JSON API. Only a hash is stored: the secret that the caller has cannot be read from the database."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from experts.safe_text import without_bidi_controls
from indexing.lib import times

if TYPE_CHECKING:
    from django.contrib.auth.models import User


MOST = 10
"""valid tokens of one user"""


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def unrevoked(self) -> ApiTokenQuerySet:
        return self.filter(revoked_at=None)

    def revoke(self) -> int:
        """End these tokens for good. Returns how many were not revoked before."""
        return self.unrevoked().update(revoked_at=timezone.now())

    def issue(self, user: User, name: str = "", lifetime: timedelta | None = None) -> tuple[ApiToken, str]:
        """A new token for `user` and its secret, which cannot be shown again.

        Without a lifetime it is TCS_TOKEN_HOURS. Of more than MOST, the oldest ends, and nameless ones first.
        """
        secret = secrets.token_urlsafe(32)
        if lifetime is None:
            lifetime = timedelta(hours=settings.TCS_TOKEN_HOURS)
        token = self.create(
            user=user,
            name=name,
            digest=digest(secret),
            password_mark=user.get_session_auth_hash(),
            expires_at=timezone.now() + lifetime,
        )
        others = self.filter(user=user, expires_at__gt=timezone.now()).unrevoked().exclude(pk=token.pk)
        kept_first = others.order_by(models.Case(models.When(name="", then=1), default=0), "-created_at", "-pk")
        self.filter(pk__in=[each.pk for each in kept_first[MOST - 1 :]]).revoke()
        return token, secret

    def by_secret(self, secret: str) -> ApiToken | None:
        """The token with this secret, or None if there is none or it no longer works."""
        token = self.select_related("user").filter(digest=digest(secret)).first()
        return token if token is not None and token.works else None


class ApiToken(models.Model):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens", verbose_name=_("user")
    )
    name = models.CharField(_("name"), max_length=80, blank=True, default="", editable=False)
    """What it is for, in its owner's words; empty for a token that a program got by signing in."""
    digest = models.CharField(max_length=64, unique=True, editable=False)
    password_mark = models.CharField(max_length=64, default="", editable=False)
    """Changes with the user's password, as for sessions: setting a new password ends the tokens issued before."""
    created_at = models.DateTimeField(_("issued"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        default_permissions = ("view", "change", "delete")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.user} · {without_bidi_controls(self.name) or times.moment(self.created_at)}"

    @property
    def works(self) -> bool:
        """Whether the token can be used: not expired, not revoked, of an active user with an unchanged password."""
        return (
            self.revoked_at is None
            and self.expires_at > timezone.now()
            and self.user.is_active
            and constant_time_compare(self.password_mark, self.user.get_session_auth_hash())
        )


@receiver(post_save, sender=settings.AUTH_USER_MODEL)
def end_tokens_of_the_deactivated(instance: User, raw: bool = False, **_signal: Any) -> None:
    """Revoke the tokens of a user who was deactivated, for good: after reactivation they have to sign in again."""
    if not instance.is_active and not raw:
        ApiToken.objects.filter(user=instance).revoke()


def digest(secret: str) -> str:
    """SHA-256 in hex. The secret has 256 random bits, so a slow hash would protect it no better."""
    return hashlib.sha256(secret.encode()).hexdigest()
