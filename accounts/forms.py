"""Forms of pages about one's own account, and of invitations."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth.forms import PasswordResetForm, SetPasswordForm
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import mail
from indexing.sign_in import counting, limits
from indexing.sign_in.texts import wait_text

MOST_AT_ONCE = 100
LONGEST = 150
"""characters of a username, which the address becomes"""


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


class ResetForm(PasswordResetForm):
    """Asks for a mail with a link. Nobody learns whether an address has an account, nor fills somebody's mailbox."""

    def __init__(self, *args: Any, address: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.address = address

    def clean_email(self) -> str:
        """Raises ValidationError after too many requests from one place or for one address."""
        email = str(self.cleaned_data["email"])
        attempt = counting.begin(limits.of_a_reset(email, self.address))
        if attempt.wait:
            raise ValidationError(wait_text(attempt.wait))
        return email

    def send_mail(self, *args: Any, **kwargs: Any) -> None:
        """In the background: how long it takes would tell that there is such an account."""
        mail.in_background(super().send_mail, *args, **kwargs)


class InviteForm(forms.Form):
    emails = forms.CharField(
        label=gettext_lazy("E-mail addresses"),
        help_text=gettext_lazy("One or more, one per line or separated by commas."),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_emails(self) -> list[str]:
        """The addresses in lower case, each once. Raises ValidationError that names what is not one."""
        found = list(
            dict.fromkeys(part.lower() for part in re.split(r"[\s,;]+", self.cleaned_data["emails"]) if part)
        )
        wrong = [each for each in found if not _is_address(each)]
        if wrong:
            raise ValidationError(_("Not an e-mail address: %s. Nobody was invited.") % ", ".join(wrong[:5]))
        if len(found) > MOST_AT_ONCE:
            raise ValidationError(_("At most %s addresses at once. Nobody was invited.") % MOST_AT_ONCE)
        return found


class AcceptForm(SetPasswordForm):
    """Name and password of a new account."""

    first_name = forms.CharField(label=gettext_lazy("First name"), max_length=150, required=False)
    last_name = forms.CharField(label=gettext_lazy("Last name"), max_length=150, required=False)
    field_order = ("first_name", "last_name", "new_password1", "new_password2")


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= LONGEST
