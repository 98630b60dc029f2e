"""How often signing in failed lately, so that whoever guesses passwords has to wait."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class SignInCount(models.Model):
    """Failures that count together: of a name, of an address, of both, or of a browser.

    `key` says what is counted, as `indexing.sign_in.counting` makes it: names and addresses are not readable in it.
    """

    key = models.CharField(max_length=80, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(default=timezone.now, db_index=True)
    """of the latest failure; of the latest success where successes are counted"""

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.key} {self.failures}"
