#!/usr/bin/env python
import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import BaseCommand, ManagementUtility
from django.utils import translation


class CommandLine(ManagementUtility):
    """Commands speak English to whoever runs them, in any installation: half of their texts are not translated.

    What they store for others is written in TCS_LANGUAGE all the same (`experts.stored_language`).
    """

    def fetch_command(self, subcommand: str) -> BaseCommand:
        """Called once Django is set up, and before the command sees its arguments."""
        translation.activate("en")
        return super().fetch_command(subcommand)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tcs_site.settings")
    try:
        CommandLine(sys.argv).execute()
    except ImproperlyConfigured as error:
        sys.exit(f"TCS cannot start: {error}")
