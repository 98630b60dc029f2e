"""Forms of pages about one's own account."""

from __future__ import annotations

from django.contrib.admin.forms import AdminPasswordChangeForm
from django.core.exceptions import ValidationError

from indexing.sign_in import counting, limits
from indexing.sign_in.texts import wait_text


class OwnPasswordForm(AdminPasswordChangeForm):
    """Changes one's own password. Whoever finds a browser signed in cannot guess the old one here without waiting."""

    def clean_old_password(self) -> str:
        """Raises ValidationError for a wrong password, and after too many of them."""
        attempt = counting.begin(limits.of_an_own_password(self.user.pk))
        if attempt.wait:
            raise ValidationError(wait_text(attempt.wait))
        password = super().clean_old_password()
        counting.succeed(attempt)
        return str(password)
