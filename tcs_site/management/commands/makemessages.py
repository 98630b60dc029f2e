"""Django's command, which also gathers the texts of `indexing.lib.messages`."""

from __future__ import annotations

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    xgettext_options = [
        *makemessages.Command.xgettext_options,
        "--keyword=message",
        "--keyword=plural_message:1,2",
    ]
