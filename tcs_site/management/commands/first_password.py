"""manage.py first_password: the password that the first start chose, until it is used."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tcs_site import first_password


class Command(BaseCommand):
    help = "Show the random password of the first user, until that user signs in or gets another password."
    requires_system_checks = ()

    def handle(self, **options: Any) -> None:
        """Exit codes: 0 shown; 1 there is none. Raises CommandError."""
        password = first_password.unused()
        if password is None:
            raise CommandError(
                "No unused first password is stored: the first user has signed in, or TCS_ADMIN_PASSWORD was set. "
                f"Set a new password with: manage.py changepassword {first_password.USERNAME}"
            )
        self.stdout.write(f"User      {first_password.USERNAME}\nPassword  {password}")
